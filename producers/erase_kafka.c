#include "producers/erase_kafka.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_reader.h"
#include "config/conf.h"
#include "producers/console.h"

#include <inttypes.h>
#include <string.h>

struct look {
    const struct person *person;
    struct erase_kafka *out;
};

static bool holds(const struct person *p, const struct record *r)
{
    bool held = (r->has_key && person_in_bytes(p, r->key)) ||
                (r->has_value && person_in_bytes(p, r->value));

    for (size_t i = 0; i < r->header_count && i < RECORD_HEADERS_MAX; i++)
        held = held || person_in_bytes(p, r->headers[i].value);
    return held;
}

static bool take(void *ctx, const struct record *r, int64_t done, int64_t total, struct fault *f)
{
    struct look *l = ctx;

    (void)done;
    (void)total;
    (void)f;
    l->out->looked++;
    if (holds(l->person, r) && ++l->out->found <= ERASE_KAFKA_SHOWN_MAX)
        buf_printf(&l->out->places, "%.*s:%" PRId32 ":%" PRId64 "\n", VIEW_ARG(r->topic),
                   r->partition, r->offset);
    return true;
}

/* ---- which topics ---- */

struct topics {
    char **names;
    size_t count;
};

static void free_topics(struct topics *t)
{
    for (size_t i = 0; i < t->count; i++)
        mem_free(t->names[i]);
    mem_free(t->names);
}

static void add(void *ctx, const char *name)
{
    struct topics *t = ctx;

    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->names[i], name) == 0)
            return;
    t->names = mem_resize(t->names, t->count + 1, sizeof *t->names);
    t->names[t->count++] = mem_text(name, strlen(name));
}

static bool add_matching(struct kafka_reader *reader, const char *pattern, struct topics *to,
                         struct fault *f)
{
    struct topics found = {.count = 0};
    bool ok = kafka_reader_topics(reader, pattern, add, &found, f);

    if (!ok)
        fault_add(f, "kafka.topics: %s", pattern);
    else if (found.count == 0)
        console_say("erase", "kafka.topics: there is no topic like '%s'", pattern);
    for (size_t i = 0; i < found.count; i++)
        add(to, found.names[i]);
    free_topics(&found);
    return ok;
}

/* One that is read by two names is read once. */
static bool list(struct kafka_reader *reader, const struct conf *c, struct topics *to,
                 struct fault *f)
{
    static const char *const ours[] = {"kafka.results_topic", "kafka.outcomes_topic",
                                       "kafka.dead_letters_topic"};
    bool ok = true;

    for (size_t i = 0; ok && i < conf_count(c, "kafka.topics"); i++) {
        const char *name = conf_item(c, "kafka.topics", i);

        if (name[0] == '^')
            ok = add_matching(reader, name, to, f);
        else
            add(to, name);
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        const char *name = conf_text(c, ours[i]);

        if (name != NULL && name[0] != '\0') /* else none is written */
            add(to, name);
    }
    return ok;
}

bool erase_kafka_look(const struct kafka_options *options, const struct person *person,
                      struct erase_kafka *out, struct fault *f)
{
    struct kafka_conf conf = kafka_options_conf(options);
    struct kafka_reader *reader = kafka_reader_new(&conf, f);
    struct topics topics = {.count = 0};
    struct look l = {person, out};
    bool ok = reader != NULL && list(reader, options->conf, &topics, f);

    for (size_t i = 0; ok && i < topics.count; i++)
        ok = kafka_reader_scan(reader, topics.names[i], take, &l, NULL, f);
    free_topics(&topics);
    kafka_reader_free(reader);
    return ok;
}
