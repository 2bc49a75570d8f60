/*
 * control: what a command on the same machine asks of a running `cmibridge serve`: over a Unix
 * socket beside the history (FILE-control, mode 0600). Who may open that may read the history, too:
 * so nobody signs on there, and nothing of it is to be had over a network.
 *
 * One line is asked: verb, a tab, argument. One line is answered, JSON, and the connection closes.
 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"
#include "bridge/ports/notice.h"

#define CONTROL_LINE_MAX  8192
#define CONTROL_CALLS_MAX 16 /* connections; a further one is closed */
#define CONTROL_SUFFIX    "-control"

struct control;
struct control_call;
struct uv_loop_s;

/* Answers now or later, once, with control_answer or control_fail; views hold during the call. */
typedef void control_ask(void *ctx, struct control_call *call, struct view verb,
                         struct view argument);

/* history: the path of its file. NULL with a fault, for instance where the path is too long for a
 * socket. */
struct control *control_new(struct uv_loop_s *loop, const char *history, control_ask *ask,
                            void *ctx, struct fault *f) MUST_CHECK;
/* Takes no more; calls under way may still be answered, to nobody. NULL is a no-op; the memory goes
 * with the last call. */
void control_free(struct control *c);
void control_answer(struct control_call *call, struct view json);
void control_fail(struct control_call *call, const struct fault *f); /* {"error":"…"} */

#endif
