/*
 * backup: a copy of the history while `cmibridge serve` goes on: of one moment, at or after that of
 * the asking; on a thread and a connection of its own. It lies beside its name until it is whole
 * and on the disk, then takes it; what lay there before goes.
 */
#ifndef SERVER_BACKUP_H
#define SERVER_BACKUP_H

#include "server/control.h"
#include "server/server.h"

#define BACKUP_SUFFIX ".part"

struct backup;

/* history: the path of its file. */
struct backup *backup_new(struct server *server, const char *history);
/* One that is under way is given up, and nothing is left of it: the loop waits for its thread,
 * which takes as long as the disk does to take what is written. NULL is a no-op. */
void backup_free(struct backup *b);

/* Gives the part its name, unless something has it: that stays. */
bool backup_name(const char *part, const char *to, struct fault *f) MUST_CHECK;

/* to: an absolute path; nothing may be there. One at a time: a further one fails. */
void backup_ask(struct backup *b, struct control_call *call, struct view to);

#endif
