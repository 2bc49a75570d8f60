/*
 * dialler_kit: what the diallers have in common; for their files only.
 */
#ifndef BRIDGE_CORE_DIALLER_KIT_H
#define BRIDGE_CORE_DIALLER_KIT_H

#include "bridge/core/channel_kit.h"
#include "bridge/core/dialler.h"

#define DIALLER_KEY_MAX CHANNEL_REF_MAX /* "<callback, 32 hex><mark><number>" */

void dialler_key(const struct dialler_call *call, const char *mark, unsigned number,
                 char out[DIALLER_KEY_MAX]);
/* The verdict of a reply that is no success: what was certainly not dialled may be tried again; a
 * 5xx that may have gone through counts as dialled, LATER. */
void dialler_judge_failure(const struct channel_reply *reply, struct dialler_outcome *out);
/* LATER: it is known to be taken, or may be. */
void dialler_later(struct dialler_outcome *out, const char *reason);

#endif
