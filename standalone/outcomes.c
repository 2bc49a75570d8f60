/*
 * outcomes: `cmibridge outcomes DIR N`: shows the first N outcomes of messages and callbacks of the
 * `cmibridge dev` in DIR, as they come. Part of ./dev demo, not for people.
 */
#include "bridge/commands.h"
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

#define TOPIC         "cmi-outcomes"
#define LOOK_AGAIN_MS 50
#define GIVE_UP_LOOKS 600 /* without anything new */
#define SHOWN_MAX     4096
#define TEXT_MAX      256
#define ID_TEXT_MAX   128

struct outcomes {
    char kafka[TEXT_MAX];
    int64_t wanted;
    int64_t count;
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

/* "HH:MM:SS" of an ISO time, or "". */
static const char *clock_of(const char *time, char out[16])
{
    out[0] = '\0';
    if (strlen(time) >= 19)
        (void)snprintf(out, 16, "%.8s", time + 11);
    return out;
}

static void show(struct view type, struct view data)
{
    static const char *const said[] = {"state",    "lastResult", "reason", "attempt",
                                       "failures", "handled",    "failed"};
    char value[TEXT_MAX];
    char shown[MASK_TEXT_MAX];
    char at[16];
    size_t n = 0;

    printf("%-36.*s ", VIEW_ARG(type));
    member(data, "address", value, sizeof value);
    printf("%-10s ", value[0] != '\0' ? mask_address(view_of(value), shown) : "");
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (member(data, said[i], value, sizeof value)[0] == '\0')
            continue;
        printf("%s%s %s", n++ > 0 ? ", " : "", said[i], value);
    }
    if (clock_of(member(data, "retryTime", value, sizeof value), at)[0] != '\0' ||
        clock_of(member(data, "nextCallTime", value, sizeof value), at)[0] != '\0')
        printf(", again at %s", at);
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
        show(header(r, "ce_type"), r->value);
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

static bool watch(struct outcomes *o, struct fault *f)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {.brokers = o->kafka, .properties = &quick, .property_count = 1};
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    struct kafka_reader *reader = kafka_reader_new(&conf, f);
    unsigned looks = 0;
    bool ok = reader != NULL;

    while (ok && o->count < o->wanted) {
        int64_t before = o->count;

        ok = kafka_reader_scan(reader, TOPIC, on_outcome, o, NULL, f);
        looks = o->count > before ? 0 : looks + 1;
        if (ok && looks > GIVE_UP_LOOKS)
            ok =
                fault_set(f, FAULT_RETRY, "%d outcomes have not come", (int)(o->wanted - o->count));
        if (ok && o->count < o->wanted)
            (void)nanosleep(&pause, NULL);
    }
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
