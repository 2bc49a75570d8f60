#include "bridge/io/notice_log.h"

#include "bridge/core/buf.h"
#include "bridge/core/datetime.h"
#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENT_COLUMN 24 /* characters of an event's name on a terminal before its fields */
#define EVENT_MAX    64 /* bytes of an event's name that are remembered */
#define LINE_RESERVE 32 /* bytes of a line kept for cut=true, colour and the end */

struct kind {
    uint64_t hash; /* of level, event and fields; 0: free */
    int64_t since_ms;
    int64_t said;
    int64_t suppressed;
    enum notice_level level;
    char event[EVENT_MAX];
};

struct notice_log {
    struct notice port;
    struct notice_log_conf conf;
    enum notice_log_format format; /* never AUTO */
    bool colour;
    pthread_mutex_t lock; /* of all that follows */
    struct buf line;
    struct kind kinds[NOTICE_LOG_KINDS];
    int64_t dropped;        /* in all */
    int64_t dropped_unsaid; /* since the last line_dropped; >0: nobody reads */
};

static int64_t clock_ms(clockid_t id)
{
    struct timespec t;

    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static int64_t mono_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/* ---- text ---- */

/* The code point of n bytes of valid UTF-8. */
static uint32_t code_point(const char *p, size_t n)
{
    unsigned char first = (unsigned char)p[0];
    uint32_t code = n == 1 ? first : first & (0x7fu >> n);

    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    return code;
}

/* Controls, line ends of Unicode, and marks that turn the direction of writing. */
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

static void put_escape(struct buf *b, uint32_t code)
{
    switch (code) {
    case '\n':
        buf_put_text(b, "\\n");
        break;
    case '\r':
        buf_put_text(b, "\\r");
        break;
    case '\t':
        buf_put_text(b, "\\t");
        break;
    default:
        buf_printf(b, "\\u%04x", (unsigned)code);
        break;
    }
}

static void put_escaped(struct buf *b, struct view v)
{
    size_t most = v.n > NOTICE_LOG_FIELD_MAX ? NOTICE_LOG_FIELD_MAX : v.n;
    size_t done = 0;

    while (done < most) {
        size_t n = utf8_first(view_skip(v, done));
        uint32_t code = n > 0 ? code_point(v.p + done, n) : 0xfffd;

        if (n == 0 || is_unsafe(code))
            put_escape(b, code);
        else if (code == '"' || code == '\\')
            buf_printf(b, "\\%c", (char)code);
        else
            buf_put(b, (struct view){v.p + done, n});
        done += n > 0 ? n : 1;
    }
    if (done < v.n)
        buf_put_text(b, "…");
}

/* logfmt: may the text stand without quotes? */
static bool is_plain(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] >= 0x7f || v.p[i] == '"' || v.p[i] == '=' || v.p[i] == '\\')
            return false;
    return v.n > 0 && v.n <= NOTICE_LOG_FIELD_MAX;
}

static void put_quoted(struct buf *b, struct view v)
{
    buf_put_char(b, '"');
    put_escaped(b, v);
    buf_put_char(b, '"');
}

/* ---- lines ---- */

static const char *level_name(enum notice_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[level];
}

static void put_time(const struct notice_log *l, struct buf *b)
{
    char text[DATETIME_TEXT_MAX];

    datetime_format(l->conf.wall_ms(), text);
    buf_put_text(b, l->format == NOTICE_LOG_TERMINAL ? text + strlen("2011-12-31T") : text);
}

static void put_head(const struct notice_log *l, struct buf *b, enum notice_level level,
                     const char *event)
{
    static const char *const shown[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    static const char *const colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[1;31m"};

    if (l->format == NOTICE_LOG_JSON) {
        buf_put_text(b, "{\"ts\":\"");
        put_time(l, b);
        buf_printf(b, "\",\"level\":\"%s\",\"event\":", level_name(level));
        put_quoted(b, view_of(event));
    } else if (l->format == NOTICE_LOG_TERMINAL) {
        put_time(l, b);
        buf_printf(b, " %s%s%s %-*s", l->colour ? colours[level] : "", shown[level],
                   l->colour ? "\033[0m" : "", EVENT_COLUMN, event);
    } else {
        buf_put_text(b, "ts=");
        put_time(l, b);
        buf_printf(b, " level=%s event=%s", level_name(level), event);
    }
}

static void put_field(const struct notice_log *l, struct buf *b, const struct notice_field *f)
{
    bool json = l->format == NOTICE_LOG_JSON;

    buf_printf(b, json ? ",\"%s\":" : " %s=", f->key);
    if (f->is_number)
        buf_put_int(b, f->number);
    else if (!json && is_plain(f->text))
        buf_put(b, f->text);
    else
        put_quoted(b, f->text);
}

/* Into l->line, ended. */
static void make_line(struct notice_log *l, enum notice_level level, const char *event,
                      const struct notice_field *fields, size_t count, int64_t suppressed)
{
    struct buf *b = &l->line;
    const struct notice_field more = NOTICE_INT("suppressed", suppressed);
    bool cut = false;

    buf_clear(b);
    b->max = NOTICE_LOG_LINE_MAX - LINE_RESERVE;
    put_head(l, b, level, event);
    if (suppressed > 0)
        put_field(l, b, &more);
    for (size_t i = 0; i < count; i++) {
        size_t before = b->n;

        put_field(l, b, &fields[i]);
        if (!b->full)
            continue;
        b->n = before;
        b->full = false;
        cut = true;
    }
    b->max = NOTICE_LOG_LINE_MAX;
    if (cut)
        buf_put_text(b, l->format == NOTICE_LOG_JSON ? ",\"cut\":true" : " cut=true");
    buf_put_text(b, l->format == NOTICE_LOG_JSON ? "}\n" : "\n");
}

static bool has_room(const struct notice_log *l)
{
    struct pollfd p = {.fd = l->conf.fd, .events = POLLOUT};

    return poll(&p, 1, l->dropped_unsaid > 0 ? 0 : NOTICE_LOG_WAIT_MS) == 1 &&
           (p.revents & POLLOUT) != 0;
}

/* Writes l->line. Where that fails there is nobody left to tell: it is counted. */
static bool write_line(struct notice_log *l)
{
    ssize_t n;

    if (!has_room(l))
        return false;
    do
        n = write(l->conf.fd, l->line.p, l->line.n);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)l->line.n;
}

static void out(struct notice_log *l, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t count, int64_t suppressed)
{
    if (l->dropped_unsaid > 0) {
        const struct notice_field lost = NOTICE_INT("count", l->dropped_unsaid);

        make_line(l, NOTICE_WARN, "lines_dropped", &lost, 1, 0);
        if (!write_line(l)) {
            l->dropped++;
            l->dropped_unsaid++;
            return;
        }
        l->dropped_unsaid = 0;
    }
    make_line(l, level, event, fields, count, suppressed);
    if (!write_line(l)) {
        l->dropped++;
        l->dropped_unsaid++;
    }
}

/* ---- identical lines ---- */

static uint64_t mix(uint64_t hash, const void *p, size_t n)
{
    const unsigned char *c = p;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ c[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(enum notice_level level, const char *event,
                        const struct notice_field *fields, size_t count)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &level, sizeof level);

    hash = mix(hash, event, strlen(event));
    for (size_t i = 0; i < count; i++) {
        hash = mix(hash, fields[i].key, strlen(fields[i].key));
        if (fields[i].is_number)
            hash = mix(hash, &fields[i].number, sizeof fields[i].number);
        else
            hash = mix(hash, fields[i].text.p, fields[i].text.n);
    }
    return hash != 0 ? hash : 1;
}

static void say_suppressed(struct notice_log *l, struct kind *k)
{
    const struct notice_field fields[] = {NOTICE_TEXT("of", k->event),
                                          NOTICE_INT("count", k->suppressed)};

    if (k->hash != 0 && k->suppressed > 0)
        out(l, k->level, "lines_suppressed", fields, 2, 0);
    *k = (struct kind){0};
}

/* The entry of this hash, or the one to use for it: a free one, else the oldest. Others whose
 * window is over are told and freed on the way. */
static struct kind *kind_of(struct notice_log *l, uint64_t hash, int64_t now)
{
    struct kind *mine = NULL;
    struct kind *best = &l->kinds[0];

    for (size_t i = 0; i < NOTICE_LOG_KINDS; i++) {
        struct kind *k = &l->kinds[i];

        if (k->hash == hash)
            mine = k;
        else if (k->hash != 0 && now - k->since_ms >= NOTICE_LOG_WINDOW_MS)
            say_suppressed(l, k);
        if (k->since_ms < best->since_ms || k->hash == 0)
            best = best->hash == 0 ? best : k;
    }
    if (mine != NULL)
        return mine;
    say_suppressed(l, best);
    return best;
}

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t count)
{
    struct notice_log *l = ctx;
    uint64_t hash = hash_of(level, event, fields, count);
    int64_t now = l->conf.mono_ms();
    struct kind *k;

    (void)pthread_mutex_lock(&l->lock);
    k = kind_of(l, hash, now);
    if (k->hash == hash && now - k->since_ms < NOTICE_LOG_WINDOW_MS &&
        k->said >= NOTICE_LOG_BURST) {
        k->suppressed++;
    } else {
        int64_t suppressed = k->suppressed;

        if (k->hash != hash || now - k->since_ms >= NOTICE_LOG_WINDOW_MS) {
            *k = (struct kind){.hash = hash, .since_ms = now, .level = level};
            (void)snprintf(k->event, sizeof k->event, "%s", event);
        }
        k->said++;
        out(l, level, event, fields, count, suppressed);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

/* ---- */

static bool wants_colour(int fd)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fd) == 1 && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

struct notice_log *notice_log_new(const struct notice_log_conf *conf)
{
    struct notice_log *l = mem_zeroed(1, sizeof *l);

    l->conf = *conf;
    if (l->conf.wall_ms == NULL)
        l->conf.wall_ms = wall_ms;
    if (l->conf.mono_ms == NULL)
        l->conf.mono_ms = mono_ms;
    l->port = (struct notice){l, conf->least, say};
    l->format = conf->format;
    if (l->format == NOTICE_LOG_AUTO)
        l->format = isatty(conf->fd) == 1 ? NOTICE_LOG_TERMINAL : NOTICE_LOG_LOGFMT;
    l->colour = l->format == NOTICE_LOG_TERMINAL && wants_colour(conf->fd);
    (void)pthread_mutex_init(&l->lock, NULL);
    buf_init(&l->line, NOTICE_LOG_LINE_MAX);
    return l;
}

void notice_log_free(struct notice_log *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < NOTICE_LOG_KINDS; i++)
        say_suppressed(l, &l->kinds[i]);
    (void)pthread_mutex_destroy(&l->lock);
    buf_done(&l->line);
    mem_free(l);
}

const struct notice *notice_log_port(const struct notice_log *l)
{
    return &l->port;
}

void notice_log_set_least(struct notice_log *l, enum notice_level least)
{
    l->port.least = least;
}

int64_t notice_log_dropped(struct notice_log *l)
{
    int64_t n;

    (void)pthread_mutex_lock(&l->lock);
    n = l->dropped;
    (void)pthread_mutex_unlock(&l->lock);
    return n;
}

enum notice_log_format notice_log_format_of(const char *name)
{
    static const char *const names[] = {"auto", "logfmt", "json", "terminal"};
    size_t i = 0;

    while (i < 4 && strcmp(names[i], name) != 0)
        i++;
    assert(i < 4);
    return (enum notice_log_format)i;
}

enum notice_level notice_log_level_of(const char *name)
{
    size_t i = 0;

    while (i <= NOTICE_ERROR && strcmp(level_name((enum notice_level)i), name) != 0)
        i++;
    assert(i <= NOTICE_ERROR);
    return (enum notice_level)i;
}
