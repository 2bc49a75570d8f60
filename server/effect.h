/*
 * effect: one change of one message or callback in Redis, whole or not at all, done once for each
 * Idempotency-Key. The one door through which they change (server/redis/effect.lua); only a
 * callback comes in by another, server/callback_add.h.
 *
 * Usage: effect_init, the effect_… calls that say what changes, effect_apply. Names are static
 * storage; values are borrowed until effect_apply returns.
 */
#ifndef SERVER_EFFECT_H
#define SERVER_EFFECT_H

#include "server/server.h"
#include "server/store.h"
#include "server/stored.h"

#define EFFECT_FIELDS_MAX 32
#define EFFECT_NEW        (-1) /* version: it must not exist */

enum effect_outcome {
    EFFECT_DONE,
    EFFECT_REPLAY,     /* was done before, under the same key */
    EFFECT_OTHER_BODY, /* the key was used for something else */
    EFFECT_CHANGED,    /* the version is another: look again */
    EFFECT_GONE,       /* there is no such thing */
    EFFECT_CLAIMED,    /* refused: sending has begun */
    EFFECT_ENDED,      /* refused: all of it has ended */
    EFFECT_UNSTAGED,   /* the staged slices are no longer there */
    EFFECT_LOST,       /* no answer, or the store refuses: the fault says why */
};

struct effect_field {
    const char *name;
    struct view value; /* p NULL: the field goes */
    char digits[24];
};

struct effect {
    struct exchange *x;
    enum store_kind kind;
    char id[GUID_TEXT_MAX];
    int64_t version;
    /* EFFECT_DUE_IN: of what is new, so long after now, by the store's clock, not ours (D5); its
     * field `at` is set by it. */
    enum { EFFECT_DUE_KEEP, EFFECT_DUE_NONE, EFFECT_DUE_AT, EFFECT_DUE_IN } due;
    int64_t due_ms;
    /* ADD_CHAT: a message of a chat, which no list of the interface shows. */
    enum { EFFECT_LIST_KEEP, EFFECT_LIST_ADD, EFFECT_LIST_ADD_CHAT, EFFECT_LIST_REMOVE } list;
    int64_t created_ms;
    int64_t purge_ms;  /* EFFECT_PURGE_KEEP, EFFECT_PURGE_NEVER, or when */
    bool unclaimed;    /* refuse once sending has begun */
    bool live;         /* refuse once all has ended */
    bool frees;        /* works in a full store, too */
    int64_t slices;    /* EFFECT_SLICES_KEEP, or how many are taken */
    const char *token; /* they are staged under it; NULL: they are `slice` and `repeats` */
    struct view slice;
    struct view repeats;
    const char *behind; /* new: the message, of the same shard, that has to end before; or NULL */
    const char *told;   /* the outcome that it writes (effect.lua), or NULL */
    struct effect_field fields[EFFECT_FIELDS_MAX];
    size_t field_count;
};

#define EFFECT_PURGE_KEEP  0
#define EFFECT_PURGE_NEVER (-1)
#define EFFECT_SLICES_KEEP (-1)

void effect_init(struct effect *e, struct exchange *x, enum store_kind kind, const char *id_hex,
                 int64_t version);
void effect_text(struct effect *e, const char *name, struct view value);
void effect_text_if(struct effect *e, const char *name, bool given, struct view value);
void effect_int(struct effect *e, const char *name, int64_t value);
void effect_drop(struct effect *e, const char *name);

/* Sets `purge` and the time for it. */
void effect_purge(struct effect *e, int64_t at_ms);

/* `done` is called once, later. */
typedef void effect_done(void *owner, enum effect_outcome outcome, const struct fault *f);
void effect_apply(struct effect *e, effect_done *done, void *owner);

/* What the reply of a script that changes means; EFFECT_LOST: f says why. */
enum effect_outcome effect_outcome_of(const struct exchange *x, const struct redis_value *v,
                                      struct fault *f);

/* The answer where the outcome is none to go on with: 422, 404 or 503. */
void effect_refuse(struct exchange *x, enum effect_outcome outcome, const struct fault *f);

/* Looks a thing up for a PUT or DELETE. Answers by itself where it was done before under the same
 * key (204, or 422 for another body), and where there is no such thing (404) or no store (503).
 * Else `found` is called once, later; the thing holds during the call. */
typedef void effect_found(void *owner, const struct stored *thing);
void effect_look_up(struct exchange *x, enum store_kind kind, const char *id_hex,
                    effect_found *found, void (*answered)(void *owner), void *owner);

#endif
