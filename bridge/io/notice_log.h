/*
 * notice_log: the structured log (ports/notice.h) as lines on a file descriptor.
 *
 * logfmt:    ts=2011-12-31T13:15:30.123Z level=warn event=breaker_opened target=main failures=5
 * json:      {"ts":"2011-12-31T13:15:30.123Z","level":"warn","event":"breaker_opened",…}
 * terminal:  13:15:30.123Z WARN  breaker_opened           target=main failures=5
 *
 * Control bytes, bytes that are no UTF-8 and marks that turn the direction of writing are written
 * as \n, \t, \u001b, \ufffd …, so that no text of others can make a line or paint the terminal. A
 * field's text is cut at NOTICE_LOG_FIELD_MAX; fields that no longer fit a line are left off, and
 * `cut=true` says so.
 *
 * Identical lines (level, event and all fields): NOTICE_LOG_BURST in NOTICE_LOG_WINDOW_MS are
 * written; the next one after that carries suppressed=12. If none comes, a line
 * `lines_suppressed of=<event>` says it: with the next line of any kind, or at the end.
 *
 * A reader that takes nothing can't stop the program: a line waits for room at most
 * NOTICE_LOG_WAIT_MS, while there has been none not at all; then it is dropped, and the next line
 * that is written is preceded by `lines_dropped`. Each line is one write(2) of at most
 * NOTICE_LOG_LINE_MAX bytes, which a pipe takes whole or not at all. May be used by all threads.
 */
#ifndef BRIDGE_IO_NOTICE_LOG_H
#define BRIDGE_IO_NOTICE_LOG_H

#include "bridge/ports/notice.h"

#define NOTICE_LOG_LINE_MAX  4096 /* PIPE_BUF */
#define NOTICE_LOG_FIELD_MAX 512
#define NOTICE_LOG_BURST     5
#define NOTICE_LOG_WINDOW_MS 10000
#define NOTICE_LOG_KINDS     64 /* identical lines are known among this many different ones */
#define NOTICE_LOG_WAIT_MS   50

enum notice_log_format {
    NOTICE_LOG_AUTO, /* terminal on a terminal, logfmt elsewhere */
    NOTICE_LOG_LOGFMT,
    NOTICE_LOG_JSON,
    NOTICE_LOG_TERMINAL, /* in colour if it is a terminal and NO_COLOR is unset or empty */
};

struct notice_log_conf {
    int fd; /* stays the caller's; 2 for standard error */
    enum notice_log_format format;
    enum notice_level least;
    /* NULL: the system's clocks. */
    int64_t (*wall_ms)(void);
    int64_t (*mono_ms)(void);
};

struct notice_log;

struct notice_log *notice_log_new(const struct notice_log_conf *conf);
/* Says what was suppressed and dropped and not yet said. */
void notice_log_free(struct notice_log *l);
/* What the users take; holds until notice_log_free. */
const struct notice *notice_log_port(const struct notice_log *l);
/* On the thread that logs, or before others do. */
void notice_log_set_least(struct notice_log *l, enum notice_level least);
/* Lines that nobody took, since the start. */
int64_t notice_log_dropped(struct notice_log *l);

/* "auto", "logfmt", "json", "terminal"; "debug", "info", "warn", "error": as in the configuration.
 * Another text is a defect (assert). */
enum notice_log_format notice_log_format_of(const char *name);
enum notice_level notice_log_level_of(const char *name);

#endif
