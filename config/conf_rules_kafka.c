/* conf_rules: which topics are read, and by whom; how their events' types begin; who needs brokers.
 */
#include "bridge/core/ascii.h"
#include "config/conf_rules.h"

#include <stdio.h>
#include <string.h>

static const char *const ours[] = {"kafka.results_topic", "kafka.dead_letters_topic",
                                   "kafka.outcomes_topic"};
#define OURS (sizeof ours / sizeof ours[0])

/* What we write must not come back to us. A pattern leaves our topics out by itself. */
static void check_read(struct rules *r, const char *path, const char *topic)
{
    for (size_t i = 0; i < OURS; i++) {
        const char *mine = conf_text(r->c, ours[i]);

        if (mine != NULL && strcmp(mine, topic) == 0)
            rules_mistake(r, rules_given(r, ours[i], path),
                          "%s is '%s', which kafka.topics reads: a loop", ours[i], mine);
    }
}

/* A subscription with the same topic twice is refused. */
static bool is_new(struct rules *r, size_t at, const char *path, const char *topic)
{
    for (size_t i = 0; i < at; i++) {
        const char *other = conf_item(r->c, "kafka.topics", i);

        if (other == NULL || strcmp(other, topic) != 0)
            continue;
        rules_mistake(r, path, "%s: '%.80s' is in the list twice", path, topic);
        return false;
    }
    return true;
}

static void check_topics(struct rules *r)
{
    size_t count = conf_count(r->c, "kafka.topics");
    const char *results = conf_text(r->c, ours[0]);
    const char *letters = conf_text(r->c, ours[1]);

    for (size_t i = 0; i < count; i++) {
        const char *topic = conf_item(r->c, "kafka.topics", i);
        char path[SCHEMA_PATH_MAX];

        (void)snprintf(path, sizeof path, "kafka.topics[%zu]", i);
        if (topic != NULL && (i >= CONF_TOPICS_MAX || is_new(r, i, path, topic)))
            check_read(r, path, topic);
        if (topic != NULL && topic[0] == '^' && count > 1)
            rules_mistake(r, path,
                          "%s: the pattern '%.80s' must stand alone: give one pattern, or a list "
                          "of names",
                          path, topic);
        if (i == CONF_TOPICS_MAX)
            rules_mistake(r, path, "kafka.topics has %zu topics; the most is %d", count,
                          CONF_TOPICS_MAX);
    }
    if (results != NULL && letters != NULL && strcmp(results, letters) == 0)
        rules_mistake(r, rules_given(r, ours[0], ours[1]),
                      "%s and %s are both '%s'; they must differ", ours[0], ours[1], results);
}

static void check_prefix(struct rules *r)
{
    const char *prefix = conf_text(r->c, "events.type_prefix");
    size_t n = prefix != NULL ? strlen(prefix) : 0;

    if (n > 0 && ascii_is_alnum(prefix[n - 1]))
        rules_warn(r, "events.type_prefix",
                   "does not end in a separator, as com.example. does: the types that it leaves "
                   "begin with one, and nobody knows them");
}

bool conf_needs_kafka(const struct conf *c, unsigned users)
{
    const char *outcomes = conf_text(c, "kafka.outcomes_topic");

    if (outcomes != NULL && outcomes[0] == '\0')
        users &= ~(unsigned)USED_SCHEDULE;
    return (users & USED_KAFKA) != 0;
}

void rules_kafka(struct rules *r, unsigned users)
{
    const char *assign = conf_text(r->c, "kafka.assign");

    check_topics(r);
    check_prefix(r);
    if (!conf_has(r->c, "kafka.brokers") && conf_needs_kafka(r->c, users))
        rules_mistake(r, NULL,
                      "kafka.brokers is missing: brokers to ask first, host:port with commas "
                      "between");
    if (assign != NULL && strcmp(assign, "all") == 0 && conf_has(r->c, "kafka.instance_id"))
        rules_mistake(r, "kafka.instance_id",
                      "kafka.instance_id goes with kafka.assign: group only");
}
