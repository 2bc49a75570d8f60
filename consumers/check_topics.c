#include "consumers/check_topics.h"

#include "bridge/core/mem.h"
#include "bridge/core/record_room.h"
#include "bridge/io/kafka_limits.h"
#include "bridge/io/kafka_probe.h"

#include <string.h>

#define FRESH_MAX 65536
#define OURS      3 /* for dead letters, results and outcomes */

static void say(void *to, const char *sentence)
{
    fprintf(to, "%-20s %-6s %s\n", "kafka", "warns", sentence);
}

static struct record_room_topic find(const struct kafka_limits *l, const char *name)
{
    struct record_room_topic t = {name, -1};

    for (size_t i = 0; name != NULL && i < l->count; i++)
        if (strcmp(l->at[i].topic, name) == 0)
            t.bytes = l->at[i].bytes;
    return t;
}

static bool ask(const struct kafka_conf *conf, const char *const *topics, size_t count,
                struct kafka_limits *l, FILE *to)
{
    struct fault f = {0};

    *l = (struct kafka_limits){.at = NULL};
    if (count == 0 || kafka_limits_ask(conf, topics, count, l, &f))
        return true;
    fprintf(to,
            "%-20s %-6s whether a record could be too large is not known: max.message.bytes of "
            "the topics: %s\n",
            "kafka", "warns", f.text);
    return false;
}

/* A pattern never reads ours. */
static bool is_never_read(const struct kafka_conf *conf, const char *topic)
{
    for (size_t i = 0; i < conf->never_count; i++)
        if (strcmp(conf->never[i], topic) == 0)
            return true;
    return false;
}

/* `effect`: of its being compacted. */
static void judge_compacted(const struct kafka_limits *l, const char *topic, const char *effect,
                            FILE *to)
{
    for (size_t i = 0; topic != NULL && i < l->count; i++)
        if (l->at[i].compacted && strcmp(l->at[i].topic, topic) == 0)
            fprintf(to, "%-20s %-6s %s is compacted: %s; let its cleanup.policy be delete\n",
                    "kafka", "warns", topic, effect);
}

static void judge(const struct kafka_limits *read, const struct kafka_limits *ours,
                  const struct consume_plan *plan, const char *outcomes, FILE *to)
{
    struct record_room_topic *topics = mem_zeroed(read->count + 1, sizeof *topics);
    struct record_room room = {.read = topics,
                               .letters = find(ours, plan->consume.dead_letters_topic),
                               .results = find(ours, plan->consume.results_topic),
                               .outcomes = find(ours, outcomes),
                               .produced = ours->produced};

    for (size_t i = 0; i < read->count; i++)
        if (!is_never_read(&plan->kafka, read->at[i].topic))
            topics[room.read_count++] =
                (struct record_room_topic){read->at[i].topic, read->at[i].bytes};
    record_room_judge(&room, say, to);
    judge_compacted(
        ours, plan->consume.dead_letters_topic,
        "it loses all dead letters of a key but the newest, and one without a key holds "
        "up its partition",
        to);
    judge_compacted(ours, plan->consume.results_topic,
                    "it loses all results of a key but the newest, so that a replay may overtake "
                    "what was written since",
                    to);
    mem_free(topics);
}

/* Whoever has run before knows that this is not as it should be. */
static void judge_group(const struct kafka_conf *conf, FILE *to)
{
    struct buf fresh;
    struct fault f = {0};

    buf_init(&fresh, FRESH_MAX);
    if (!kafka_probe_group(conf, &fresh, &f))
        fprintf(to, "%-20s %-6s what group %s has committed is not known: %s\n", "kafka", "warns",
                conf->group, f.text);
    else if (fresh.n > 0)
        fprintf(to, "%-20s %-6s %s: consume begins at %s\n", "kafka", "warns", buf_text(&fresh),
                conf->offset_reset == KAFKA_RESET_LATEST ? "the end" : "the start");
    buf_done(&fresh);
}

void check_topics(const struct consume_plan *plan, const char *outcomes, FILE *to)
{
    const char *names[OURS];
    size_t count = 0;
    struct kafka_limits read;
    struct kafka_limits ours;

    if (plan->consume.dead_letters_topic != NULL) {
        judge_group(&plan->kafka, to);
        names[count++] = plan->consume.dead_letters_topic;
    }
    if (plan->consume.results_topic != NULL)
        names[count++] = plan->consume.results_topic;
    if (outcomes != NULL)
        names[count++] = outcomes;
    if (!ask(&plan->kafka, plan->kafka.topics, plan->kafka.topic_count, &read, to))
        return;
    if (ask(&plan->kafka, names, count, &ours, to)) {
        judge(&read, &ours, plan, outcomes, to);
        kafka_limits_done(&ours);
    }
    kafka_limits_done(&read);
}
