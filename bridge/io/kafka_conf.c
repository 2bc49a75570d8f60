#include "bridge/io/kafka_conf.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/spelling.h"
#include "bridge/core/view.h"
#include "bridge/io/kafka_pattern.h"

#include <librdkafka/rdkafka.h>

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_MS_DEFAULT       30000
#define POLL_INTERVAL_MS_DEFAULT 300000 /* max.poll.interval.ms */
#define NUMBER_MAX               64     /* of a number as librdkafka has it, with the NUL */
#define LEFT_OUT_MAX             131072 /* bytes of topic.blacklist */

/* From this version on the cooperative assignor neither loops nor loses its generation. */
#define COOPERATIVE_FROM 0x020a0000

static const struct {
    const char *name;
    const char *allowed; /* the one value that changes nothing, or NULL */
    const char *why;
} refused[] = {
    {"enable.auto.commit", "false", "an offset is committed only when its event has ended"},
    {"auto.commit.enable", "false", "an offset is committed only when its event has ended"},
    {"enable.auto.offset.store", "false", "an offset is committed only when its event has ended"},
    {"enable.partition.eof", "true", "a log's end is committed like what was read"},
    {"enable.idempotence", "true", "without it a retry could write a record twice"},
    {"acks", "all", "a record counts as written only when every replica in sync has it"},
    {"request.required.acks", "all",
     "a record counts as written only when every replica in sync has it"},
    {"delivery.report.only.error", "false", "a delivery report ends the event that waits for it"},
    {"transactional.id", NULL, "records are not written in transactions"},
    {"bootstrap.servers", NULL, "use kafka.brokers"},
    {"metadata.broker.list", NULL, "use kafka.brokers"},
    {"group.id", NULL, "use kafka.group"},
    {"group.instance.id", NULL, "use kafka.instance_id"},
    {"auto.offset.reset", NULL, "use kafka.offset_reset"},
    {"session.timeout.ms", NULL, "use kafka.session_timeout"},
    {"log.queue", "true", "log lines are taken from the queue"},
};

bool kafka_property_is_secret(const char *name)
{
    static const char *const marks[] = {"password", "secret", "pem", "jaas", "oauthbearer", "key"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strstr(name, marks[i]) != NULL)
            return true;
    return false;
}

int kafka_library_version(void)
{
    return rd_kafka_version();
}

/* All properties that librdkafka knows, with those that have no value, as only its table for people
 * has them: "NAME | ... | RANGE | ..." lines. To be freed (free); NULL: no memory. */
static char *properties_table(struct view *out)
{
    char *table = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&table, &size);

    if (to == NULL)
        return NULL;
    rd_kafka_conf_properties_show(to);
    (void)fclose(to);
    *out = (struct view){table, size};
    return table;
}

/* Of all properties the one most like it; the caller frees it. NULL: none is near. */
static char *nearest(const char *name)
{
    size_t least = spelling_near(strlen(name)) + 1;
    struct view best = VIEW_NONE;
    char *found = NULL;
    struct view rest = VIEW_NONE;
    char *table = properties_table(&rest);

    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct view word = view_trim(view_cut(&line, '|'));
        size_t d;

        if (line.n == 0 || view_has(word, ' ') || view_has(word, '_')) /* prose, or a callback */
            continue;
        d = spelling_distance(view_of(name), word);
        if (d < least) {
            least = d;
            best = word;
        }
    }
    found = best.n > 0 ? mem_text(best.p, best.n) : NULL;
    free(table);
    return found;
}

/* librdkafka has no property of that name. */
static bool unknown(const char *name, struct fault *f)
{
    char *best = nearest(name);

    if (best != NULL)
        fault_set(f, FAULT_REJECT, "kafka.properties: %s is none of librdkafka's; did you mean %s?",
                  name, best);
    else
        fault_set(f, FAULT_REJECT, "kafka.properties: %s is none of librdkafka's", name);
    mem_free(best);
    return false;
}

/* A whole number that is too long for librdkafka, which takes what its low bits are. */
static bool is_cut(const rd_kafka_conf_t *conf, const char *name, const char *value,
                   rd_kafka_conf_res_t result)
{
    const char *digits = value + (value[0] == '-');
    char taken[NUMBER_MAX];
    size_t size = sizeof taken;
    int64_t n;

    digits += strspn(digits, "0");
    if (digits[strspn(digits, "0123456789")] != '\0' || digits[0] == '\0' ||
        num_in(view_of(digits), 0, INT32_MAX, &n))
        return false;
    return result ==
               RD_KAFKA_CONF_INVALID || /* one that is a text would have been taken as it is */
           (result == RD_KAFKA_CONF_OK &&
            (rd_kafka_conf_get(conf, name, taken, &size) != RD_KAFKA_CONF_OK ||
             strcmp(taken, value) != 0));
}

static bool out_of_range(const char *name, const char *value, struct fault *f)
{
    struct view rest = VIEW_NONE;
    char *table = properties_table(&rest);
    struct view least = VIEW_NONE;
    struct view most = VIEW_NONE;

    while (rest.n > 0 && most.n == 0) {
        struct view line = view_cut(&rest, '\n');

        if (!view_is(view_trim(view_cut(&line, '|')), name))
            continue;
        (void)view_cut(&line, '|');
        most = view_cut(&line, '|');
        least = view_trim(view_cut(&most, '.'));
        most = view_trim(view_skip(most, 1));
    }
    if (most.n > 0)
        fault_set(f, FAULT_REJECT, "kafka.properties: %s is %.40s; it must be %.*s to %.*s", name,
                  value, VIEW_ARG(least), VIEW_ARG(most));
    else
        fault_set(f, FAULT_REJECT, "kafka.properties: %s is %.40s, which is too much", name, value);
    free(table);
    return false;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct fault *f)
{
    char error[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, error, sizeof error);

    if (!kafka_property_is_secret(name) && is_cut(conf, name, value, result))
        return out_of_range(name, value, f);
    if (result == RD_KAFKA_CONF_OK)
        return true;
    if (result == RD_KAFKA_CONF_UNKNOWN)
        return unknown(name, f);
    if (kafka_property_is_secret(name)) /* librdkafka's sentence may quote the value */
        return fault_set(f, FAULT_REJECT, "kafka.properties: %s: librdkafka refuses its value",
                         name);
    error[strcspn(error, "\n")] = '\0'; /* a sentence of its ends with one */
    return fault_set(f, FAULT_REJECT, "kafka.properties: %s: %s", name, error);
}

/* Does librdkafka know it, and take the value? */
static bool is_taken(const struct kafka_property *p, struct fault *f)
{
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    bool ok = set(scratch, p->name, p->value, f);

    rd_kafka_conf_destroy(scratch);
    return ok;
}

bool kafka_property_check(const struct kafka_property *p, int version, struct fault *f)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(p->name, refused[i].name) != 0)
            continue;
        if (refused[i].allowed == NULL)
            return fault_set(f, FAULT_REJECT, "kafka.properties: %s can't be set here: %s", p->name,
                             refused[i].why);
        if (strcmp(p->value, refused[i].allowed) != 0)
            return fault_set(f, FAULT_REJECT, "kafka.properties: %s must stay %s: %s", p->name,
                             refused[i].allowed, refused[i].why);
    }
    if (strcmp(p->name, "partition.assignment.strategy") == 0 &&
        strstr(p->value, "cooperative") != NULL) {
        if (version < COOPERATIVE_FROM)
            return fault_set(f, FAULT_REJECT,
                             "kafka.properties: cooperative-sticky needs librdkafka 2.10 or later "
                             "(this is %d.%d.%d, which may lose its assignment on a commit); use "
                             "range or roundrobin with kafka.instance_id",
                             version >> 24 & 0xff, version >> 16 & 0xff, version >> 8 & 0xff);
        return fault_set(f, FAULT_REJECT,
                         "kafka.properties: cooperative-sticky is not supported: use range or "
                         "roundrobin with kafka.instance_id");
    }
    return is_taken(p, f);
}

static bool set_int(rd_kafka_conf_t *conf, const char *name, int64_t value, struct fault *f)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)value);
    return set(conf, name, text, f);
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_property *p, size_t n,
                    struct fault *f)
{
    for (size_t i = 0; i < n; i++)
        if (!set(conf, p[i].name, p[i].value, f))
            return false;
    return true;
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Set before the user's properties, which may change them. */
static const struct kafka_property common_defaults[] = {
    {"socket.nagle.disable", "true"},
    {"log.connection.close", "false"},
};
/* Fetched ahead are 12 MiB of records at most, in small fetches: with librdkafka's own bookkeeping
 * some 45 MiB of memory. librdkafka 2.0 fetches nothing for a second once a limit is passed, so
 * this is also what can be read in a second while the loop holds back; the count stays out of the
 * way. */
static const struct kafka_property source_defaults[] = {
    {"queued.min.messages", "100000"},
    {"queued.max.messages.kbytes", "12288"},
    {"fetch.max.bytes", "4194304"},
    {"check.crcs", "true"},
    {"partition.assignment.strategy", "range,roundrobin"},
};
/* Message time-out 0 is none: an outage is not poison. The largest message is a broker's default,
 * so that a dead letter may be a little longer than the record it was. A key's partition is where
 * Java's clients put it: what a back end and `publish` say of one thing stays in order. */
static const struct kafka_property sink_defaults[] = {
    {"message.timeout.ms", "0"},
    {"message.max.bytes", "1048588"},
    {"queue.buffering.max.messages", "20000"},
    {"queue.buffering.max.kbytes", "16384"},
    {"partitioner", "murmur2_random"},
};
static const struct kafka_property reader_defaults[] = {
    {"queued.max.messages.kbytes", "16384"},
    {"fetch.max.bytes", "8388608"},
    {"check.crcs", "true"},
};
/* Set after the user's properties. */
static const struct kafka_property reading_always[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"auto.offset.reset", "error"}, /* where to go on is decided here, not in librdkafka */
};
static const struct kafka_property sink_always[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
};

static bool check_topics(const struct kafka_conf *c, struct fault *f)
{
    regex_t compiled;

    if (c->topic_count == 0 || c->topic_count > KAFKA_TOPICS_MAX)
        return fault_set(f, FAULT_REJECT, "kafka.topics: 1 to %d topics are needed, not %zu",
                         KAFKA_TOPICS_MAX, c->topic_count);
    for (size_t i = 0; i < c->topic_count; i++) {
        if (c->topics[i][0] == '\0')
            return fault_set(f, FAULT_REJECT, "kafka.topics: a topic's name is empty");
        if (c->topics[i][0] == '^' && c->topic_count > 1)
            return fault_set(f, FAULT_REJECT,
                             "kafka.topics: '%.80s' must stand alone: give one "
                             "expression or a list of names",
                             c->topics[i]);
    }
    if (c->topics[0][0] == '^') {
        if (regcomp(&compiled, c->topics[0], REG_EXTENDED | REG_NOSUB) != 0)
            return fault_set(f, FAULT_REJECT, "kafka.topics: '%.80s' is no regular expression",
                             c->topics[0]);
        regfree(&compiled);
    }
    return true;
}

static bool check_plain(const struct kafka_conf *c, enum kafka_role role, struct fault *f)
{
    if (c->brokers == NULL || c->brokers[0] == '\0')
        return fault_set(f, FAULT_REJECT, "kafka.brokers is missing: give HOST:PORT,…");
    for (size_t i = 0; i < c->property_count; i++)
        if (!kafka_property_check(&c->properties[i], rd_kafka_version(), f))
            return false;
    if (role != KAFKA_SOURCE)
        return true;
    if (c->group == NULL || c->group[0] == '\0')
        return fault_set(f, FAULT_REJECT, "kafka.group is missing: offsets are committed under it");
    if (c->assign == KAFKA_ASSIGN_ALL && c->instance_id != NULL)
        return fault_set(f, FAULT_REJECT, "kafka.instance_id goes with kafka.assign: group only");
    return check_topics(c, f);
}

static bool fill_source(rd_kafka_conf_t *conf, const struct kafka_conf *c, struct fault *f)
{

    /* Three heartbeats a session: a member that hears of a rebalance too late has lost all. */
    if (c->session_timeout_ms > 0 &&
        (!set_int(conf, "session.timeout.ms", c->session_timeout_ms, f) ||
         !set_int(conf, "heartbeat.interval.ms",
                  c->session_timeout_ms / 3 < 3000 ? c->session_timeout_ms / 3 : 3000, f)))
        return false;
    if (c->instance_id != NULL && !set(conf, "group.instance.id", c->instance_id, f))
        return false;
    /* A session may be longer than librdkafka's five minutes between polls, which it then refuses.
     */
    if (c->session_timeout_ms > POLL_INTERVAL_MS_DEFAULT &&
        !set_int(conf, "max.poll.interval.ms", c->session_timeout_ms, f))
        return false;
    return set_int(conf, "topic.metadata.refresh.interval.ms",
                   c->refresh_ms > 0 ? c->refresh_ms : REFRESH_MS_DEFAULT, f);
}

char *kafka_conf_left_out(const struct rd_kafka_conf_s *conf)
{
    size_t size = 0;
    char *text;

    if (rd_kafka_conf_get(conf, "topic.blacklist", NULL, &size) != RD_KAFKA_CONF_OK)
        return NULL;
    text = mem_zeroed(size + 1, 1);
    (void)rd_kafka_conf_get(conf, "topic.blacklist", text, &size);
    return text;
}

/* Adds what an expression must never stand for to the user's own topic.blacklist. A topic's name
 * has but one character that means more in an expression: the dot. */
static bool leave_out(rd_kafka_conf_t *conf, const struct kafka_conf *c, struct fault *f)
{
    bool internal = c->topic_count > 0 && kafka_pattern_is_internal(c->topics[0]);
    char *given;
    struct buf all;
    bool ok;

    if (c->topic_count == 0 || c->topics[0][0] != '^' || (internal && c->never_count == 0))
        return true;
    given = kafka_conf_left_out(conf);
    buf_init(&all, LEFT_OUT_MAX);
    if (given != NULL)
        buf_put_text(&all, given);
    mem_free(given);
    if (!internal)
        buf_put_text(&all, all.n > 0 ? "," KAFKA_PATTERN_INTERNAL : KAFKA_PATTERN_INTERNAL);
    for (size_t i = 0; i < c->never_count; i++) {
        buf_put_text(&all, all.n > 0 ? ",^" : "^");
        for (const char *at = c->never[i]; *at != '\0'; at++)
            buf_put_text(&all, *at == '.' ? "[.]" : (const char[]){*at, '\0'});
        buf_put_char(&all, '$');
    }
    ok = !all.full ? set(conf, "topic.blacklist", buf_text(&all), f)
                   : fault_set(f, FAULT_REJECT, "kafka.properties: topic.blacklist is too long");
    buf_done(&all);
    return ok;
}

static bool fill(rd_kafka_conf_t *conf, const struct kafka_conf *c, enum kafka_role role,
                 struct fault *f)
{
    if ((c->brokers != NULL && !set(conf, "bootstrap.servers", c->brokers, f)) ||
        !set(conf, "client.id", c->client_id != NULL ? c->client_id : "cmibridge", f) ||
        !set_all(conf, common_defaults, COUNT(common_defaults), f))
        return false;
    if (role == KAFKA_SINK)
        return set_all(conf, sink_defaults, COUNT(sink_defaults), f) &&
               set_all(conf, c->properties, c->property_count, f) &&
               set_all(conf, sink_always, COUNT(sink_always), f);
    /* A reader assigns partitions to itself, for which librdkafka wants the name of a group. */
    if (!set(conf, "group.id", c->group != NULL ? c->group : "cmibridge-reader", f))
        return false;
    if (role == KAFKA_SOURCE)
        return set_all(conf, source_defaults, COUNT(source_defaults), f) &&
               fill_source(conf, c, f) && set_all(conf, c->properties, c->property_count, f) &&
               leave_out(conf, c, f) && set_all(conf, reading_always, COUNT(reading_always), f);
    return set_all(conf, reader_defaults, COUNT(reader_defaults), f) &&
           set_all(conf, c->properties, c->property_count, f) &&
           set_all(conf, reading_always, COUNT(reading_always), f);
}

struct rd_kafka_conf_s *kafka_conf_draft(const struct kafka_conf *c, enum kafka_role role,
                                         struct fault *f)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (fill(conf, c, role, f))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

struct rd_kafka_conf_s *kafka_conf_make(const struct kafka_conf *c, enum kafka_role role,
                                        struct fault *f)
{
    return check_plain(c, role, f) ? kafka_conf_draft(c, role, f) : NULL;
}

bool kafka_conf_check(const struct kafka_conf *c, enum kafka_role role, struct fault *f)
{
    rd_kafka_conf_t *conf = kafka_conf_make(c, role, f);

    if (conf == NULL)
        return false;
    rd_kafka_conf_destroy(conf);
    return true;
}
