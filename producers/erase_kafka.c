#define _GNU_SOURCE /* memmem: linear in time */
#include "producers/erase_kafka.h"

#include "bridge/core/base64.h"
#include "bridge/core/json_walk.h"
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

/* The raw string, with its quotes, behind the end of a key; VIEW_NONE: none is there. */
static struct view raw_behind(struct view json)
{
    size_t begin = 0;
    size_t end;

    while (begin < json.n && view_has(VIEW(" \t\r\n:"), json.p[begin]))
        begin++;
    if (begin == json.n || json.p[begin] != '"')
        return VIEW_NONE;
    for (end = begin + 1; end < json.n && json.p[end] != '"'; end++)
        end += json.p[end] == '\\';
    return end < json.n ? (struct view){json.p + begin, end + 1 - begin} : VIEW_NONE;
}

static bool holds_decoded(const struct person *p, struct view raw)
{
    struct buf room; /* for what is unescaped, and for what is decoded, which is less */
    struct view said;
    size_t before;
    bool held = false;

    buf_init(&room, 2 * raw.n);
    (void)buf_room(&room, 2 * raw.n); /* at once: `said` may be a view of it */
    if (json_walk_text(raw, &room, &said)) {
        before = room.n;
        (void)!base64_decode(said, &room); /* where it breaks off, as far as that */
        held = person_in_bytes(p, view_skip(buf_view(&room), before));
    }
    buf_done(&room);
    return held;
}

/* In the data_base64 of an event, or of several. As dead letters hold events that can't be read,
 * no more of the JSON is heeded. */
static bool holds_base64(const struct person *p, struct view json)
{
    static const struct view key = {"\"data_base64\"", 13};
    const char *at;

    while (json.n > 0 && (at = memmem(json.p, json.n, key.p, key.n)) != NULL) {
        struct view raw;

        json = view_skip(json, (size_t)(at - json.p) + key.n);
        raw = raw_behind(json);
        if (raw.n == 0)
            continue;
        if (holds_decoded(p, raw))
            return true;
        json = view_skip(json, (size_t)(raw.p - json.p) + raw.n);
    }
    return false;
}

static bool holds(const struct person *p, const struct record *r)
{
    bool held = (r->has_key && person_in_bytes(p, r->key)) ||
                (r->has_value && (person_in_bytes(p, r->value) || holds_base64(p, r->value)));

    for (size_t i = 0; i < r->header_count && i < RECORD_HEADERS_READ; i++)
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
