/*
 * store: how messages, callbacks and consents lie in Redis. Any number of servers and schedulers
 * share it; what is written here is their contract.
 *
 * The unit of scheduling is a slice: up to STORE_SLICE_MAX destinations of one message. A callback
 * is a message of one slice. Ids are 32 upper-case hex digits. All keys have the prefix `s:{NN}:`
 * of the id's shard (shard.h); times are milliseconds since 1970.
 *
 *   m:<id>         hash    the thing itself, see below
 *   q:<id>         zset    slice -> due time: what waits to be sent, first time or again. What has
 *                          one slice and is new waits without it, since `at`
 *   c:<id>:<k>     string  destinations of slice k (core/address_list.h), unless `c0` has them
 *   rep:<id>       string  destinations given more than once (server/message_store.h)
 *   t:<id>:<token>:<k>     a slice or "rep" on its way in; goes by itself after STORE_STAGED_MS
 *   sl:<id>        hash    slice -> how far its sending has come (core/slice.h); absent: never
 *                          claimed; of a callback: not now
 *   late:<id>      hash    slice -> bitmap of destinations that a receipt calls failed after they
 *                          were handled; "d<slice>", "r<slice>" -> of those that one calls
 *                          delivered, read; "f<slice>" -> of those, too, that another calls failed
 *   o:<id>:<k>     string  what came of the attempts at slice k's destinations, one after the other
 *                          (core/settlement.h); of one destination at most 2 an attempt and 4
 *   due            zset    id -> its earliest due time, unless it is in act
 *   dial           zset    the same, of callbacks that are still to be called: who has no dialler
 *                          does not look
 *   act            zset    id -> virtual start tag: has slices due now
 *   lease          zset    "<id>/<k>" -> when the lease ends
 *   sh             hash    vt, f: virtual time of act, last fence of the shard
 *   out            stream  events on their way to Kafka: t, m, at and what the type has
 *   aside          hash    "<id>" or "<id>/<k>" -> why: damaged; only fsck.lua looks for it
 *   bad            stream  entries of out that nobody could read; id: which, then its fields
 *   outr           string  the process that empties it, for some seconds
 *   gate:<name>    hash    of a source or channel, in the name's shard: tok ts, a token bucket;
 *                          until probe why, what shuts it; works fails, when a process has said so
 *                          of the channel (gate.lua)
 *   line:<source>  string  of what waits for its rate, in each shard: when the last one of them
 *                          looks again; the source in small letters, without blanks around it
 *   hand:<usage>_<address> hash  "<message>/<destination>" handed over under that consent, and not
 *                          ended; the address in normal form, in its shard
 *   gaps:<address> hash    of an address in normal form, in its shard: sender -> until when it
 *                          sends there nothing else, for how long that is, ms, and who has it:
 *                          "<until>/<ms>/<message>/<destination>/" and the slice's holder, bytes
 *   messages       zset    "<creation time, 16 digits>:<id>" of some: the list's pages (paged.lua)
 *   messages:<one of them>
 *                  zset    all scores 0: the same of all that the list shows, a page of it
 *   chatmessages   zset    in pages, too: the same of chats' messages, not shown by that list
 *   callbacks      zset    the same, in one
 *   consent        hash    "<usage>_<address, normal form>" -> "1" or "0" and the address as given
 *   consents       zset    all scores 0: "<address as given>\0<usage>", what the list shows
 *   idem:<hash>    string  digest of the PUT or DELETE done under that Idempotency-Key
 *   once:<hash>    string  of what a receipt's sender calls its id, in its own shard: it came; of
 *                          a text that withdrew a consent, by its gateway's id, in the number's
 *   gc             zset    id -> when it, or what is left of it, may go
 *   cfg            hash    shards: SHARD_COUNT (shard 00 only)
 *   secret         string  what idempotency keys become ids under, and requests digests, hex (shard
 *                          00 only)
 *   channel w:{NN}         a new earliest due time; a hint
 *
 * Fields of m:<id>:
 *   st ver kind       enum store_state; grows by one with each change; enum store_kind
 *   dig               digest of the POST that made it, where it came with an Idempotency-Key;
 *                     alone: of a PUT, DELETE or consent under that key (binding.h)
 *   created           when
 *   n C at            destinations (without repeats), slices, when the first is due
 *   mr rd             attempts after the first; least seconds between two
 *   ok dead can       destinations that ended so: handled, failed, cancelled; absent: 0
 *   out               deleted: destinations that were handed over and have not come in
 *   c0                of one slice: its destinations, where they are 64 bytes or less
 *   er                last fence when somebody was erased out of these: who claimed up to it has
 *                     them as they were, and is told to put down what it holds
 *   w                 its share among the messages of its shard; absent: 1
 *   vf pk pz          its place in act when it left; not before; 1: paused, 2: waits for bh to end
 *   bh nx             of a chat's messages, all of one shard: the one before, where this one came
 *                     to wait for it to end; the one after
 *   calls             callback: calls begun
 *   rq rs             callback: "<until> <holder>", a call's request may be out until then, as its
 *                     holder has not said that it is back; 1: a result was put on it meanwhile
 *   purge             deleted or closed: when it goes for good
 *   message:  body src sub ct send     text, source, subType, contentType unless it is "text",
 *             sendTime if given
 *   callback: cust queue oqn oqname extra gw notes byname     what the interface shows
 *             by                       id of the user who made it
 *             last fail next lastcall  lastResult, failures, next and last call
 *             idle wishes              calls that brought neither a failure nor a time; these, and
 *                                      those that brought a time
 *             anew                     how often a person asked for another call
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include "bridge/core/guid.h"
#include "bridge/io/redis.h"
#include "server/exchange.h"

#define STORE_SLICE_MAX  1000 /* destinations of one slice */
#define STORE_SLICES_MAX 2000 /* slices of one message; what a script then does takes 5 ms */
#define STORE_STAGED_MS  3600000
/* How long idem: is kept, and once: of a text; at least 7 days, as long as the Cloud API comes
 * again with what was not answered. */
#define STORE_KEY_MS (8LL * 24 * 3600 * 1000)

enum store_kind { STORE_MESSAGE = 1, STORE_CALLBACK = 2 };
enum store_state { STORE_LIVE = 1, STORE_CLOSED = 2, STORE_DELETED = 8 };

/* Of the reply to HGETALL: the field's value, VIEW_NONE where there is none. */
struct view store_text(const struct redis_value *hash, const char *field);
int64_t store_int(const struct redis_value *hash, const char *field, int64_t otherwise);
/* Member of the list's zset. */
#define STORE_MEMBER_MAX (16 + 1 + GUID_HEX_LEN + 1)
void store_member(int64_t created_ms, const char *id_hex, char out[STORE_MEMBER_MAX]);
struct view store_member_id(struct view member);
bool store_is_member(struct view text); /* has the form of one */
/* The {id} of the path as 32 upper-case hex digits. Answers 400 and returns false if it is none. */
bool store_id(struct exchange *x, char out[GUID_TEXT_MAX]);
/* The value is an error, lost, or of another kind than it must be: */
void store_log(const struct exchange *x, const struct redis_value *v);
void store_unavailable(struct exchange *x); /* answers 503 */
/* Both, if it is not an array (REDIS_ARRAY) as a whole-thing reply is. */
bool store_failed(struct exchange *x, const struct redis_value *v);

#endif
