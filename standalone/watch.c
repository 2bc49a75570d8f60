/*
 * watch: `cmibridge watch DIR EVENTS`, for ./dev demo: a line for each event of the file as soon as
 * a running `cmibridge dev` has done with it: event, write, result. It ends when all have ended.
 *
 * A write's result is read from the results topic, what was given up from the dead letters. History
 * events have no result of their own: they are in the history once consume has taken as many events
 * as there are and has committed all offsets (D1: no commit before the end); then what they brought
 * is shown.
 */
#include "bridge/commands.h"
#include "bridge/core/cloudevent.h"
#include "bridge/core/guid.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_reader.h"
#include "standalone/fetch.h"
#include "standalone/file.h"
#include "standalone/site.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENTS_MAX_BYTES (64 << 20)
#define EVENT_MAX_BYTES  (1 << 20)
#define METRICS_MAX      (8 << 20)
#define ROWS_MAX         10000
#define LOOK_AGAIN_MS    100
#define GIVE_UP_LOOKS    600 /* a minute without anything new */
#define COLUMN_MAX       160

#define RESULTS      "cmi-results"
#define DEAD_LETTERS "cmi-dead-letters"

struct row {
    char *source; /* with id: what the event is known by */
    char *id;
    char *type;
    char *subject;
    bool is_write;
    char *brings; /* of a history event: the names of what it says */
    bool ended;
};

struct watch {
    struct row *rows;
    size_t count;
    size_t open;   /* rows that have not ended */
    size_t failed; /* that ended badly */
    char kafka[256];
    char metrics[256];
    struct buf text; /* what a JSON text had to be unescaped into */
};

/* ---- JSON ---- */

/* A member's raw value. */
static bool member(struct view json, const char *name, struct view *value)
{
    struct json_walk walk;
    struct view key;

    if (!json_walk_init(&walk, json))
        return false;
    while (json_walk_next(&walk, &key, value))
        if (key.n == strlen(name) + 2 && memcmp(key.p + 1, name, strlen(name)) == 0)
            return true;
    return false;
}

/* A member's text or number as text in out; "" where there is none. */
static const char *member_text(struct watch *w, struct view json, const char *name, char *out,
                               size_t size)
{
    struct view value = VIEW_NONE;
    struct view text;

    if (!member(json, name, &value))
        value = VIEW_NONE;
    buf_clear(&w->text);
    if (json_walk_text(value, &w->text, &text))
        value = text;
    (void)snprintf(out, size, "%.*s", VIEW_ARG(value));
    return out;
}

/* ---- the events ---- */

static char *copy(struct view v)
{
    return mem_text(v.p, v.n);
}

/* "history: agentId agentName" */
static char *brings(struct view data)
{
    struct json_walk walk;
    struct view key;
    struct view value;
    struct buf text;
    char *out;

    buf_init(&text, COLUMN_MAX);
    buf_put_text(&text, "history:");
    if (json_walk_init(&walk, data) && walk.object)
        while (json_walk_next(&walk, &key, &value))
            buf_printf(&text, " %.*s", (int)(key.n - 2), key.p + 1); /* without its quotes */
    out = copy(buf_view(&text));
    buf_done(&text);
    return out;
}

static bool add_row(struct watch *w, struct view line, struct fault *f)
{
    struct cloudevent event;
    const struct event_type *type;
    struct row *row;

    if (w->count == ROWS_MAX)
        return fault_set(f, FAULT_REJECT, "more than %d events can't be watched", ROWS_MAX);
    buf_clear(&w->text);
    if (!cloudevent_of_json(line, &event, &w->text, f))
        return false;
    type = event_type_find(event.type, VIEW_NONE);
    if (type == NULL)
        return fault_set(f, FAULT_REJECT, "the type of event %.*s is not known",
                         VIEW_ARG(event.id));
    w->rows = mem_resize(w->rows, w->count + 1, sizeof *w->rows);
    row = &w->rows[w->count++];
    *row = (struct row){.source = copy(event.source),
                        .id = copy(event.id),
                        .type = copy(event.type),
                        .subject = copy(event.subject),
                        .is_write = type->is_write,
                        .brings = brings(event.data)};
    w->open++;
    return true;
}

static bool read_events(struct watch *w, const char *file, struct fault *f)
{
    struct buf bytes;
    struct view rest;
    bool ok;

    buf_init(&bytes, EVENTS_MAX_BYTES);
    ok = file_get(file, &bytes, f);
    rest = buf_view(&bytes);
    while (ok && rest.n > 0) {
        struct view line = view_trim(view_cut(&rest, '\n'));

        if (line.n > 0)
            ok = json_scan_all(line, f) && add_row(w, line, f);
    }
    buf_done(&bytes);
    return ok;
}

static bool read_endpoints(struct watch *w, const char *dir, struct fault *f)
{
    char path[SITE_PATH_MAX];
    struct buf json;
    struct view metrics = VIEW_NONE;
    bool ok;

    (void)snprintf(path, sizeof path, "%.3000s/endpoints.json", dir);
    buf_init(&json, 65536);
    ok = file_get(path, &json, f) && json_scan_all(buf_view(&json), f);
    if (ok) {
        member_text(w, buf_view(&json), "kafka", w->kafka, sizeof w->kafka);
        if (member(buf_view(&json), "metrics", &metrics))
            member_text(w, metrics, "consume", w->metrics, sizeof w->metrics);
        if (w->kafka[0] == '\0' || w->metrics[0] == '\0')
            ok = fault_set(f, FAULT_REJECT, "%s lacks kafka or metrics.consume", path);
    }
    buf_done(&json);
    return ok;
}

/* ---- the table ---- */

static size_t hex_run(const char *text)
{
    return strspn(text, "0123456789ABCDEFabcdef");
}

/* Identifiers are shown by their first eight digits, customers' addresses, which stand in the names
 * of consents only, masked. */
static const char *shown(const char *text, char out[COLUMN_MAX])
{
    size_t n = 0;

    if (strstr(text, "customerConsents") != NULL)
        return mask_sentence(view_of(text), out, COLUMN_MAX);
    while (*text != '\0' && n < COLUMN_MAX - 16) {
        if (hex_run(text) == GUID_HEX_LEN) {
            n += (size_t)snprintf(out + n, COLUMN_MAX - n, "%.8s…", text);
            text += GUID_HEX_LEN;
        } else {
            out[n++] = *text++;
        }
    }
    out[n] = '\0';
    return out;
}

/* In characters, not bytes, which printf's own width counts. */
static void cell(const char *text, size_t width)
{
    size_t n = 0;

    for (const char *p = text; *p != '\0'; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    printf("%s%*s ", text, (int)(n < width ? width - n : 0), "");
}

static void show(const char *type, const char *subject, const char *write, const char *result)
{
    cell(type, 24);
    cell(subject, 38);
    cell(write, 42);
    printf("%s\n", result);
    (void)fflush(stdout);
}

static void end_row(struct watch *w, struct row *row, const char *write, const char *result,
                    bool good)
{
    char subject[COLUMN_MAX];
    char path[COLUMN_MAX];

    row->ended = true;
    w->open--;
    w->failed += good ? 0 : 1;
    show(row->type, shown(row->subject, subject), shown(write, path), result);
}

static struct row *find(struct watch *w, const char *source, const char *id)
{
    for (size_t i = 0; i < w->count; i++)
        if (!w->rows[i].ended && strcmp(w->rows[i].id, id) == 0 &&
            strcmp(w->rows[i].source, source) == 0)
            return &w->rows[i];
    return NULL;
}

static bool on_result(void *ctx, const struct record *r, int64_t done, int64_t total,
                      struct fault *f)
{
    struct watch *w = ctx;
    char source[COLUMN_MAX];
    char id[COLUMN_MAX];
    char method[16];
    char path[COLUMN_MAX];
    char status[16];
    char created[64];
    char error[FAULT_TEXT_MAX];
    char write[COLUMN_MAX + 16];
    char result[FAULT_TEXT_MAX + 128];
    struct row *row;

    (void)done, (void)total;
    if (!r->has_value || !json_scan_all(r->value, f))
        return false;
    member_text(w, r->value, "source", source, sizeof source);
    row = find(w, source, member_text(w, r->value, "id", id, sizeof id));
    if (row == NULL)
        return true;
    member_text(w, r->value, "method", method, sizeof method);
    member_text(w, r->value, "path", path, sizeof path);
    member_text(w, r->value, "status", status, sizeof status);
    member_text(w, r->value, "created", created, sizeof created);
    member_text(w, r->value, "error", error, sizeof error);
    (void)snprintf(write, sizeof write, "%s %s", method, path);
    (void)snprintf(result, sizeof result, "%s%s%s%s%s", status, created[0] != '\0' ? " " : "",
                   created, error[0] != '\0' ? " rejected: " : "", error);
    end_row(w, row, write, result, error[0] == '\0');
    return true;
}

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

/* A write that was given up has a result, too; a history event has only this. */
static bool on_dead_letter(void *ctx, const struct record *r, int64_t done, int64_t total,
                           struct fault *f)
{
    struct watch *w = ctx;
    struct cloudevent event;
    struct fault unreadable = {0};
    char source[COLUMN_MAX];
    char id[COLUMN_MAX];
    char result[FAULT_TEXT_MAX + 32];
    struct row *row;

    (void)done, (void)total, (void)f;
    buf_clear(&w->text);
    if (!cloudevent_of_record(r, &event, &w->text, &unreadable))
        return true; /* not one of ours: those were read before they were sent */
    (void)snprintf(source, sizeof source, "%.*s", VIEW_ARG(event.source));
    (void)snprintf(id, sizeof id, "%.*s", VIEW_ARG(event.id));
    row = find(w, source, id);
    if (row == NULL || row->is_write)
        return true;
    (void)snprintf(result, sizeof result, "dead letter: %.*s",
                   VIEW_ARG(header(r, "cmi_error_text")));
    end_row(w, row, "POST /ingest", result, false);
    return true;
}

/* All taken, and all committed? From consume's own figures. */
static bool all_committed(const struct watch *w, struct view metrics)
{
    bool any = false;
    int64_t taken = 0;
    int64_t lag = 0;

    while (metrics.n > 0) {
        struct view line = view_cut(&metrics, '\n');
        struct view value = line;
        int64_t n;

        while (view_has(value, ' '))
            (void)view_cut(&value, ' ');
        if (!num_int(value, &n))
            continue;
        if (view_starts(line, VIEW("cmibridge_events_total ")))
            taken = n;
        if (view_starts(line, VIEW("cmibridge_lag{"))) {
            any = true;
            lag += n;
        }
    }
    return any && lag == 0 && taken >= (int64_t)w->count;
}

static bool look_at_history(struct watch *w, struct fault *f)
{
    struct buf metrics;
    bool ok;

    buf_init(&metrics, METRICS_MAX);
    ok = fetch(w->metrics, &metrics, f);
    if (ok && all_committed(w, buf_view(&metrics)))
        for (size_t i = 0; i < w->count; i++)
            if (!w->rows[i].ended && !w->rows[i].is_write)
                end_row(w, &w->rows[i], "POST /ingest", w->rows[i].brings, true);
    buf_done(&metrics);
    return ok;
}

static bool look(struct watch *w, struct kafka_reader *reader, struct fault *f)
{
    return kafka_reader_scan(reader, RESULTS, on_result, w, NULL, f) &&
           kafka_reader_scan(reader, DEAD_LETTERS, on_dead_letter, w, NULL, f) &&
           look_at_history(w, f);
}

static bool watch(struct watch *w, struct fault *f)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {.brokers = w->kafka, .properties = &quick, .property_count = 1};
    struct kafka_reader *reader = kafka_reader_new(&conf, f);
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    unsigned looks = 0;
    size_t open = w->open;
    bool ok = reader != NULL;

    while (ok && w->open > 0) {
        ok = look(w, reader, f);
        looks = w->open < open ? 0 : looks + 1;
        open = w->open;
        if (ok && looks > GIVE_UP_LOOKS)
            ok = fault_set(f, FAULT_RETRY, "%zu events have no result after a minute of waiting",
                           w->open);
        if (ok && w->open > 0)
            (void)nanosleep(&pause, NULL);
    }
    kafka_reader_free(reader);
    return ok;
}

static void watch_done(struct watch *w)
{
    for (size_t i = 0; i < w->count; i++) {
        mem_free(w->rows[i].source);
        mem_free(w->rows[i].id);
        mem_free(w->rows[i].type);
        mem_free(w->rows[i].subject);
        mem_free(w->rows[i].brings);
    }
    mem_free(w->rows);
    buf_done(&w->text);
}

static const char usage[] = "usage: cmibridge watch DIR EVENTS\n";

int command_watch(int argc, char **argv)
{
    struct watch w = {0};
    struct fault f = {0};
    int code = COMMAND_OK;

    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (argc != 3) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    buf_init(&w.text, 2 * EVENT_MAX_BYTES);
    if (!read_endpoints(&w, argv[1], &f) || !read_events(&w, argv[2], &f)) {
        fprintf(stderr, "cmibridge watch: %s\n", f.text);
        watch_done(&w);
        return COMMAND_FAILED;
    }
    show("EVENT", "SUBJECT", "WRITE", "RESULT");
    if (!watch(&w, &f)) {
        fprintf(stderr, "cmibridge watch: %s\n", f.text);
        code = COMMAND_FAILED;
    }
    printf("%zu events, %zu ended as they should, %zu otherwise, %zu open\n", w.count,
           w.count - w.open - w.failed, w.failed, w.open);
    if (w.failed > 0)
        code = COMMAND_FAILED;
    watch_done(&w);
    return code;
}
