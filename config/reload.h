/*
 * reload: the configuration, read again while a command runs by it (SIGHUP). What a running command
 * may take (↻ in docs/CONFIGURATION.md) is the caller's to take; the log names what differs from
 * the last reading, and what differs from what runs and waits for a restart.
 */
#ifndef CONFIG_RELOAD_H
#define CONFIG_RELOAD_H

#include "bridge/ports/notice.h"
#include "config/conf.h"

#define RELOAD_MISTAKES_MAX 65536 /* bytes of all mistakes of a configuration */

struct reload {              /* the caller fills all but `last` */
    const char *file;        /* NULL: the environment alone */
    unsigned users;          /* whose settings must be there: enum setting_user */
    conf_check *also;        /* or NULL */
    const struct conf *runs; /* what the command was started with; the caller's */
    struct conf *last;       /* what was read last; NULL: no other since the start */
};

/* What is now to be taken from, until the next call; NULL: it has mistakes, which the log has, and
 * nothing changes. Once it is taken, reload_say_taken. */
const struct conf *reload_read(struct reload *r, const struct notice *log) MUST_CHECK;
void reload_say_taken(const struct reload *r, const struct notice *log);
void reload_done(struct reload *r);

#endif
