#include "producers/erase_kafka.h"

#include "bridge/io/kafka_reader.h"
#include "config/conf.h"
#include "producers/console.h"

#include <inttypes.h>

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

static bool look_at(struct kafka_reader *reader, const char *topic, struct look *l, struct fault *f)
{
    if (topic == NULL || topic[0] == '\0')
        return true; /* none is written */
    if (topic[0] == '^') {
        console_say("erase", "kafka.topics: %s is a pattern; its topics were not looked at", topic);
        return true;
    }
    return kafka_reader_scan(reader, topic, take, l, NULL, f);
}

bool erase_kafka_look(const struct kafka_options *options, const struct person *person,
                      struct erase_kafka *out, struct fault *f)
{
    static const char *const ours[] = {"kafka.results_topic", "kafka.outcomes_topic",
                                       "kafka.dead_letters_topic"};
    const struct conf *c = options->conf;
    struct kafka_conf conf = kafka_options_conf(options);
    struct kafka_reader *reader = kafka_reader_new(&conf, f);
    struct look l = {person, out};
    bool ok = reader != NULL;

    for (size_t i = 0; ok && i < conf_count(c, "kafka.topics"); i++)
        ok = look_at(reader, conf_item(c, "kafka.topics", i), &l, f);
    for (size_t i = 0; ok && i < sizeof ours / sizeof *ours; i++)
        ok = look_at(reader, conf_text(c, ours[i]), &l, f);
    kafka_reader_free(reader);
    return ok;
}
