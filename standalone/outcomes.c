/*
 * outcomes: `cmibridge outcomes DIR N`: shows the first N outcomes of messages and callbacks of the
 * `cmibridge dev` in DIR, as they come; on a terminal also what is waited for meanwhile. Part of
 * ./dev demo, not for people.
 */
#include "bridge/commands.h"
#include "bridge/core/datetime.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_reader.h"
#include "standalone/file.h"
#include "standalone/site.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TOPIC         "cmi-outcomes"
#define LOOK_AGAIN_MS 50
#define GIVE_UP_MS    30000  /* after the last one, and after the time that one said of the next */
#define AGAIN_MAX_MS  150000 /* what is to come later is not waited for */
#define SHOWN_MAX     4096
#define TEXT_MAX      256
#define ID_TEXT_MAX   128

struct outcomes {
    char kafka[TEXT_MAX];
    int64_t wanted;
    int64_t count;
    int64_t again_ms; /* the latest time at which one has said that more is to come; 0: none has */
    bool terminal;
    int64_t shown_s; /* of what is waited for, as drawn last */
    int64_t shown_count;
    char shown[SHOWN_MAX][ID_TEXT_MAX]; /* ids: a topic is read from its start each time */
};

/* The text of the top-level member, or its bytes if it is no string; "" where there is none. */
static const char *member(struct view object, const char *key, char *out, size_t size)
{
    struct json_walk w;
    struct view name;
    struct view value;
    struct view text;
    struct buf unescaped;

    out[0] = '\0';
    if (!json_walk_init(&w, object))
        return out;
    while (json_walk_next(&w, &name, &value)) {
        if (name.n != strlen(key) + 2 || memcmp(name.p + 1, key, name.n - 2) != 0)
            continue;
        buf_init(&unescaped, 65536);
        view_copy(json_walk_text(value, &unescaped, &text) ? text : value, out, size);
        buf_done(&unescaped);
    }
    return out;
}

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The member, a time, as "HH:MM:SS"; false: there is none. */
static bool show_again(struct outcomes *o, struct view data, const char *key)
{
    char time[TEXT_MAX];
    struct fault f = {0};
    int64_t at_ms;

    if (!datetime_parse(view_of(member(data, key, time, sizeof time)), &at_ms, &f))
        return false;
    if (at_ms > o->again_ms && at_ms < wall_ms() + AGAIN_MAX_MS)
        o->again_ms = at_ms;
    printf(", again at %.8s", time + strlen("2026-01-01T"));
    return true;
}

static void show(struct outcomes *o, struct view type, struct view data)
{
    static const char *const said[] = {"state",    "lastResult", "reason", "attempt",
                                       "failures", "handled",    "failed"};
    char value[TEXT_MAX];
    char shown[MASK_TEXT_MAX];
    size_t n = 0;

    if (o->terminal)
        fputs("\r\033[K", stderr);
    printf("%-36.*s ", VIEW_ARG(type));
    member(data, "address", value, sizeof value);
    printf("%-10s ", value[0] != '\0' ? mask_address(view_of(value), shown) : "");
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (member(data, said[i], value, sizeof value)[0] == '\0')
            continue;
        printf("%s%s %s", n++ > 0 ? ", " : "", said[i], value);
    }
    if (!show_again(o, data, "retryTime"))
        (void)show_again(o, data, "nextCallTime");
    printf("\n");
    (void)fflush(stdout);
}

static bool is_new(struct outcomes *o, struct view id)
{
    for (int64_t i = 0; i < o->count; i++)
        if (view_is(id, o->shown[i]))
            return false;
    if (o->count == SHOWN_MAX)
        return false;
    view_copy(id, o->shown[o->count++], ID_TEXT_MAX);
    return true;
}

static bool on_outcome(void *ctx, const struct record *r, int64_t done, int64_t total,
                       struct fault *f)
{
    struct outcomes *o = ctx;

    (void)done, (void)total;
    if (!r->has_value || !json_scan_all(r->value, f))
        return false;
    if (is_new(o, header(r, "ce_id")))
        show(o, header(r, "ce_type"), r->value);
    return true;
}

static bool read_endpoints(struct outcomes *o, const char *dir, struct fault *f)
{
    char path[SITE_PATH_MAX];
    struct buf json;
    bool ok;

    (void)snprintf(path, sizeof path, "%.3000s/endpoints.json", dir);
    buf_init(&json, 65536);
    ok = file_get(path, &json, f) && json_scan_all(buf_view(&json), f);
    if (ok && member(buf_view(&json), "kafka", o->kafka, sizeof o->kafka)[0] == '\0')
        ok = fault_set(f, FAULT_REJECT, "%s lacks kafka", path);
    buf_done(&json);
    return ok;
}

static void show_waiting(struct outcomes *o)
{
    int64_t left_ms = o->again_ms - wall_ms();
    int64_t left_s = left_ms > 0 ? (left_ms + 999) / 1000 : 0;

    if (!o->terminal || (left_s == o->shown_s && o->count == o->shown_count))
        return;
    o->shown_s = left_s;
    o->shown_count = o->count;
    fprintf(stderr, "\r%d of %d outcomes", (int)o->count, (int)o->wanted);
    if (left_s > 0)
        fprintf(stderr, "; the next attempt is in %d s", (int)left_s);
    fputs("\033[K", stderr);
    (void)fflush(stderr);
}

static bool watch(struct outcomes *o, struct fault *f)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {.brokers = o->kafka, .properties = &quick, .property_count = 1};
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    struct kafka_reader *reader = kafka_reader_new(&conf, f);
    int64_t last_ms = wall_ms();
    bool ok = reader != NULL;

    o->terminal = isatty(STDERR_FILENO) == 1;
    while (ok && o->count < o->wanted) {
        int64_t before = o->count;

        ok = kafka_reader_scan(reader, TOPIC, on_outcome, o, NULL, f);
        if (o->count > before)
            last_ms = wall_ms();
        if (ok && wall_ms() > (o->again_ms > last_ms ? o->again_ms : last_ms) + GIVE_UP_MS)
            ok =
                fault_set(f, FAULT_RETRY, "%d outcomes have not come", (int)(o->wanted - o->count));
        if (ok && o->count < o->wanted) {
            show_waiting(o);
            (void)nanosleep(&pause, NULL);
        }
    }
    if (o->terminal)
        fputs("\r\033[K", stderr);
    kafka_reader_free(reader);
    return ok;
}

static const char usage[] = "usage: cmibridge outcomes DIR N\n";

int command_outcomes(int argc, char **argv)
{
    static struct outcomes o;
    struct fault f = {0};

    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (argc != 3 || !num_in(view_of(argv[2]), 1, SHOWN_MAX, &o.wanted)) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    if (read_endpoints(&o, argv[1], &f) && watch(&o, &f))
        return COMMAND_OK;
    fprintf(stderr, "cmibridge outcomes: %s\n", f.text);
    return COMMAND_FAILED;
}
