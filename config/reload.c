#include "config/reload.h"

#include <string.h>

struct difference {
    const struct reload *reload;
    const struct conf *fresh;
    const struct notice *log;
};

static const struct conf *last_of(const struct reload *r)
{
    return r->last != NULL ? r->last : r->runs;
}

static bool same(const struct conf *a, const struct conf *b, const char *path)
{
    const char *x = conf_text(a, path);
    const char *y = conf_text(b, path);

    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* Between what was read last and now. */
static void on_change(void *ctx, const char *path, bool reloadable)
{
    const struct difference *d = ctx;

    if (reloadable)
        notice_say(d->log, NOTICE_INFO, "setting_changed", NOTICE_TEXT("setting", path));
    else if (same(d->reload->runs, d->fresh, path))
        notice_say(d->log, NOTICE_INFO, "setting_changed_back", NOTICE_TEXT("setting", path),
                   NOTICE_TEXT("text", "it is again what runs, and waits for no restart"));
}

/* Between what runs and now; what was taken over at a reload runs, too. */
static void on_difference(void *ctx, const char *path, bool reloadable)
{
    const struct difference *d = ctx;

    if (reloadable)
        return;
    notice_say(d->log, NOTICE_WARN, "setting_needs_restart", NOTICE_TEXT("setting", path),
               NOTICE_TEXT("text", same(last_of(d->reload), d->fresh, path)
                                       ? "it differs from what runs, and still waits for a restart"
                                       : "it differs from what runs, and waits for a restart"));
}

const struct conf *reload_read(struct reload *r, const struct notice *log)
{
    struct buf mistakes;
    struct conf *fresh;

    buf_init(&mistakes, RELOAD_MISTAKES_MAX);
    fresh = conf_load_checked(r->file, r->users, r->also, &mistakes);
    if (fresh == NULL) {
        notice_say(log, NOTICE_ERROR, "reload_refused", NOTICE_TEXT("reason", buf_text(&mistakes)));
    } else {
        struct difference d = {r, fresh, log};

        conf_diff(last_of(r), fresh, on_change, &d);
        conf_diff(r->runs, fresh, on_difference, &d);
        conf_free(r->last);
        r->last = fresh;
    }
    buf_done(&mistakes);
    return fresh;
}

void reload_say_taken(const struct reload *r, const struct notice *log)
{
    notice_say(log, NOTICE_INFO, "reloaded",
               NOTICE_TEXT("file", r->file != NULL ? r->file : "none"));
}

void reload_done(struct reload *r)
{
    conf_free(r->last);
    r->last = NULL;
}
