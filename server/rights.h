/*
 * rights: what one user may do (contract 23): which methods of which resource, of which queues and
 * colleagues they see what there is, and whom they serve.
 *
 * A thing is seen by who sees its queue, or the colleague that it is allocated to, or by that
 * colleague himself; by who sees all where it has neither. What is not seen is 404, and missing in
 * lists. NULL stands for all rights, everywhere: it costs nothing.
 *
 * A resource asks like this:
 *
 *     if (!rights_see(x->user->rights, RIGHTS_CHATS, &queue, &agent))
 *         …404
 *
 *     rights_where(x->user->rights, RIGHTS_CHATS, "f.queue_id", "l.agent_id", &sql);
 *     …
 *     rights_bind(x->user->rights, RIGHTS_CHATS, &q);  (where the condition stands in the
 * statement)
 *
 * Rights never change once made, so threads may read them.
 */
#ifndef SERVER_RIGHTS_H
#define SERVER_RIGHTS_H

#include "bridge/core/buf.h"
#include "bridge/core/guid.h"

#include <stdint.h>

#define RIGHTS_QUEUES_MAX 1000 /* queues or colleagues named in one list */
#define RIGHTS_NUMBER_MAX 64   /* bytes of a callback queue's number */

enum rights_resource {
    RIGHTS_EMAILS,
    RIGHTS_SCRIPT_RESULTS,
    RIGHTS_CHATS,
    RIGHTS_CALL_RECORDINGS, /* and their listen logs */
    RIGHTS_CALLBACKS,
    RIGHTS_CONTACTS, /* and their remarks */
    RIGHTS_MESSAGES,
    RIGHTS_CONSENTS, /* of no queue: who has the method sees all */
    RIGHTS_INGEST,   /* POST /ingest, likewise */
    RIGHTS_RESOURCES,
    RIGHTS_OTHER = RIGHTS_RESOURCES, /* none of these: who has all rights */
    RIGHTS_ANYBODY,                  /* who is signed on */
};

enum rights_method {
    RIGHTS_GET = 1 << 0,
    RIGHTS_POST = 1 << 1,
    RIGHTS_PUT = 1 << 2,
    RIGHTS_DELETE = 1 << 3,
    RIGHTS_ALL = 15,
};

struct rights;
struct sqlite_query;

/* "chats", "callRecordings", … as in the path; NULL past the last. */
const char *rights_resource_name(enum rights_resource r);
/* Of a path below the base: "/contacts/{id}/remarks" is RIGHTS_CONTACTS. */
enum rights_resource rights_resource_of(struct view path);
unsigned rights_method_of(struct view method); /* 0: none of them */

/* ---- making them: none at first. self is the user's own id. ---- */

struct rights *rights_new(const struct guid *self);
void rights_free(struct rights *r); /* NULL is a no-op */
void rights_allow(struct rights *r, enum rights_resource resource, unsigned methods);
void rights_allow_everything(struct rights *r);
/* From the first of these on, the resource's things are seen only as said above. */
void rights_limit(struct rights *r, enum rights_resource resource);
void rights_show_queue(struct rights *r, enum rights_resource resource, const struct guid *queue);
void rights_show_number(struct rights *r, enum rights_resource resource, struct view number);
void rights_show_agent(struct rights *r, enum rights_resource resource, const struct guid *agent);
void rights_serve_queue(struct rights *r, const struct guid *queue);
/* The last step: from here on they don't change. */
void rights_settle(struct rights *r);

/* ---- asking ---- */

/* false: 403. */
bool rights_may(const struct rights *r, enum rights_resource resource, unsigned method);
/* Does it matter which queue a thing is of? */
bool rights_limited(const struct rights *r, enum rights_resource resource);
/* queue, agent: NULL where the thing has none. */
bool rights_see(const struct rights *r, enum rights_resource resource, const struct guid *queue,
                const struct guid *agent);
bool rights_see_number(const struct rights *r, enum rights_resource resource, struct view number);
/* Is the queue served by the user (pickable)? NULL rights serve all. */
bool rights_serves(const struct rights *r, const struct guid *queue);

/* The same as conditions of SQL on columns of GUIDs (blobs). Appends " AND (…)" with parameters
 * that rights_bind gives, in its turn; nothing where all is seen (served), and then rights_bind
 * binds nothing. The text depends on resource and columns only, so statements stay compiled.
 *
 * agent may be NULL: the things have none. */
void rights_where(const struct rights *r, enum rights_resource resource, const char *queue,
                  const char *agent, struct buf *sql);
void rights_bind(const struct rights *r, enum rights_resource resource, bool has_agent,
                 struct sqlite_query *q);
/* The same of a group of contacts: of any leg that is shown. Bound with an agent. */
void rights_where_group(const struct rights *r, enum rights_resource resource, const char *group,
                        struct buf *sql);
/* The two texts that rights_bind binds with an agent, for who binds later. They hold as long as r.
 */
void rights_sets(const struct rights *r, enum rights_resource resource, struct view *queues,
                 struct view *agents);
/* A number that tells these sets from others. */
uint64_t rights_mark(const struct rights *r, enum rights_resource resource);
void rights_where_served(const struct rights *r, const char *queue, struct buf *sql);
void rights_bind_served(const struct rights *r, struct sqlite_query *q);

#endif
