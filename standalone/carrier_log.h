/*
 * carrier_log: a log of the pretend carrier. What is sent is held against it, so a line is on the
 * disk before whoever sent what it tells of hears that it was taken. Lines of one turn of the loop
 * go there together.
 */
#ifndef STANDALONE_CARRIER_LOG_H
#define STANDALONE_CARRIER_LOG_H

#include "bridge/core/view.h"

struct uv_loop_s;
struct carrier_log;

/* The line is on the disk; false: it could not be written, and standard error says why. */
typedef void carrier_log_kept(void *ctx, bool kept);

/* path: borrowed as long as the log. The file is made with the first line. */
struct carrier_log *carrier_log_new(struct uv_loop_s *loop, const char *path);
/* line: with its '\n'; copied. kept is called once, in the loop's next turn. */
void carrier_log_add(struct carrier_log *l, struct view line, carrier_log_kept *kept, void *ctx);
/* Nothing may wait in it. The memory goes with the loop's next turn. NULL is fine. */
void carrier_log_close(struct carrier_log *l);

#endif
