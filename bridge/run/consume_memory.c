#include "bridge/run/consume_state.h"

#include "bridge/core/guid.h"
#include "bridge/core/hex.h"
#include "bridge/core/mask.h"

#include <stdio.h>
#include <string.h>

#define LEDGER_PLACE_BYTES 8 /* of the digest of a target's URL */

/* ---- what is asked ---- */

void consume_memory_find(struct consume *c, struct delivery *d)
{
    if (d->ref_since_ms == 0)
        d->ref_since_ms = consume_now(c);
    /* It would keep the question for as long as it is away, one more after each rebalance. */
    if (!c->port.memory.up(c->port.memory.ctx)) {
        d->ref_since_ms = consume_now(c);
        consume_move(c, d, DELIVERY_ON_UNKNOWN);
        consume_again_later(c, d);
        return;
    }
    d->asked++;
    c->port.memory.find(c->port.memory.ctx, consume_token(d), view_of(d->type->collection), d->ref);
}

/* Of this write to this target, and of no other: an id that was used again, or a second CMI, must
 * not pass for what was written. Not by its URL, which may change: see read_ledger. */
static void set_entry(struct consume *c, struct delivery *d)
{
    uint8_t digest[32];

    c->port.codec.sha256(d->body, digest);
    buf_clear(&c->scratch);
    buf_printf(&c->scratch, "%s\n%s\n%s\n", d->key, d->destination->conf->name, d->type->name);
    buf_put(&c->scratch, (struct view){(const char *)digest, sizeof digest});
    buf_put(&c->scratch, d->event.subject);
    c->port.codec.sha256(buf_view(&c->scratch), digest);
    hex_write(digest, (CONSUME_KEY_LEN - 1) / 2, d->entry);
}

void consume_memory_begin(struct consume *c, struct delivery *d)
{
    if (d->entry[0] == '\0')
        set_entry(c, d);
    d->asked++;
    c->port.memory.begin(c->port.memory.ctx, consume_token(d), view_of(d->entry));
}

/* What the ledger keeps of the end: where, whether it may have been done more than once, the id. */
#define TWICE     "?"
#define PLACE_LEN (2 * LEDGER_PLACE_BYTES + 1) /* with the NUL */

static void set_place(const struct consume *c, const struct delivery *d, char out[PLACE_LEN])
{
    uint8_t digest[32];

    c->port.codec.sha256(view_of(d->destination->conf->url), digest);
    hex_write(digest, LEDGER_PLACE_BYTES, out);
}

static void end_ledger(struct consume *c, struct delivery *d)
{
    char outcome[PLACE_LEN + CONSUME_ID_MAX + sizeof TWICE];
    char place[PLACE_LEN];

    set_place(c, d, place);
    (void)snprintf(outcome, sizeof outcome, "%s%s%s", place, d->possible_duplicate ? TWICE : "",
                   d->created);
    c->port.memory.end(c->port.memory.ctx, consume_token(d), view_of(d->entry), view_of(outcome));
}

/* false: it was written at another URL. If that is another CMI it is not written here; if it is the
 * same one by another address, it is a duplicate. */
static bool read_ledger(const struct consume *c, struct delivery *d, struct view outcome)
{
    char place[PLACE_LEN];

    set_place(c, d, place);
    if (!view_starts(outcome, view_of(place)))
        return false;
    outcome = view_skip(outcome, PLACE_LEN - 1);
    d->possible_duplicate = view_starts(outcome, VIEW(TWICE));
    if (d->possible_duplicate)
        outcome = view_skip(outcome, sizeof TWICE - 1);
    view_copy(outcome, d->created, sizeof d->created);
    return true;
}

/* The reference first, then the ledger's end: so an ended entry implies a kept reference. */
void consume_memory_keep(struct consume *c, struct delivery *d)
{
    d->asked++;
    if (d->type->keeps_id && d->created[0] != '\0' && !d->kept_ref)
        c->port.memory.keep(c->port.memory.ctx, consume_token(d), view_of(d->type->collection),
                            d->ref, view_of(d->created));
    else
        end_ledger(c, d);
}

/* ---- what is answered ---- */

static void refused(struct consume *c, const struct memory_answer *a)
{
    c->memory_refused_ms = consume_now(c);
    view_copy(view_of(a->error), c->memory_trouble, sizeof c->memory_trouble);
    notice_say(c->port.log, NOTICE_WARN, "memory_failed", NOTICE_TEXT("reason", a->error));
}

/* What was refused is asked again before it is told of no more. */
bool consume_memory_ready(const struct consume *c, struct buf *why)
{
    bool ready = true;

    if (!c->port.memory.up(c->port.memory.ctx))
        ready = !buf_put_text(why, "Redis can't be used: references could not be kept\n");
    if (c->memory_trouble[0] != '\0' && consume_now(c) < c->memory_refused_ms + CONSUME_REFUSAL_MS)
        ready = !buf_printf(why, "references and the ledger: %s\n", c->memory_trouble);
    return ready;
}

/* Does o create what d names? */
static bool creates(const struct delivery *o, const struct delivery *d)
{
    return o->type != NULL && o->type->keeps_id && view_eq(o->ref, d->ref) &&
           strcmp(o->type->collection, d->type->collection) == 0;
}

/* One that waits for a name, those that what creates it stands behind, and so on. */
struct chain {
    const struct delivery *waiting[CONSUME_REF_CHAIN_MAX];
    size_t count;
};

static void add_waiting(struct chain *chain, const struct delivery *d)
{
    if (chain->count == CONSUME_REF_CHAIN_MAX ||
        (d->state != DELIVERY_RESOLVING && d->state != DELIVERY_UNRESOLVED))
        return;
    for (size_t i = 0; i < chain->count; i++)
        if (chain->waiting[i] == d)
            return;
    chain->waiting[chain->count++] = d;
}

/* Is there an event here that will create what the first of the chain names? It is under way, or
 * waits its turn behind one that is; or behind one that waits for a name itself, of which the same
 * is true, or whose target is down. In the end there stands one that waits for no name, or those
 * that wait for each other would for ever. */
static bool is_being_created(const struct consume *c, struct chain *chain)
{
    for (size_t at = 0; at < chain->count; at++) {
        if (chain->waiting[at]->destination->breaker.state != BREAKER_CLOSED)
            return true;
        for (size_t i = 0; i < c->delivery_count; i++) {
            const struct delivery *o = c->deliveries[i];

            if (!creates(o, chain->waiting[at]))
                continue;
            if (o->state >= DELIVERY_READY && o->state <= DELIVERY_KEEPING)
                return true;
            if (o->state != DELIVERY_QUEUED)
                continue;
            if (consume_first(o)->state >= DELIVERY_READY)
                return true;
            add_waiting(chain, consume_first(o));
        }
    }
    return false;
}

/* Until when its reference may come to be known. */
static int64_t until_ms(const struct consume *c, const struct delivery *d)
{
    return d->ref_since_ms + c->conf.refs_wait_ms;
}

/* Those before it end by themselves, the last one then; what stood behind them goes on when they
 * have asked again, one after the other. */
static int64_t chain_until_ms(const struct consume *c, const struct chain *chain)
{
    int64_t last = until_ms(c, chain->waiting[0]);

    for (size_t i = 1; i < chain->count; i++)
        if (until_ms(c, chain->waiting[i]) > last)
            last = until_ms(c, chain->waiting[i]);
    return chain->count == 1 ? last : last + CONSUME_REF_CHAIN_MS;
}

/* refs.wait is for what is late, not for what an outage holds up (D4): then it begins anew. */
static bool waited_enough(struct consume *c, struct delivery *d)
{
    struct chain chain = {{d}, 1};

    if (consume_now(c) < until_ms(c, d))
        return false;
    if (!is_being_created(c, &chain))
        return consume_now(c) >= chain_until_ms(c, &chain);
    d->ref_since_ms = consume_now(c);
    return false;
}

int64_t consume_memory_ask_ms(const struct consume *c, const struct delivery *d)
{
    int64_t now = consume_now(c);

    if (until_ms(c, d) > now && until_ms(c, d) < now + CONSUME_REF_ASK_MS)
        return until_ms(c, d);
    return now + CONSUME_REF_ASK_MS;
}

/* What stood behind it while it waited has waited, too: nothing that comes later in its lane can
 * create what it names. But where it was held up since, others were as well: then it begins anew.
 */
void consume_memory_gone(struct consume *c, const struct delivery *d, struct delivery *next)
{
    int64_t from_ms = d->ref_gone_ms != 0 ? d->ref_gone_ms : d->first_sent_ms;

    if (d->ref_since_ms != 0 && consume_now(c) < from_ms + CONSUME_REF_PROMPT_MS)
        next->ref_since_ms = next->taken_ms > d->ref_since_ms ? next->taken_ms : d->ref_since_ms;
}

static void on_found(struct consume *c, struct delivery *d, const struct memory_answer *a)
{
    char shown[MASK_TEXT_MAX];
    struct guid g;

    switch (a->state) {
    case MEMORY_FOUND:
        view_copy(a->value, d->id, sizeof d->id);
        consume_move(c, d, DELIVERY_ON_PROCEED);
        return;
    case MEMORY_NONE:
        if (guid_parse(d->ref, &g)) {
            view_copy(d->ref, d->id, sizeof d->id);
            consume_move(c, d, DELIVERY_ON_PROCEED);
        } else if (waited_enough(c, d)) {
            fault_set(&d->fault, FAULT_REJECT,
                      "%s: the subject's name '%s' is known from no %s event, and is no GUID",
                      d->type->name, mask_sentence(d->ref, shown, sizeof shown),
                      d->type->collection);
            d->ref_gone_ms = consume_now(c);
            consume_bury(c, d, UNKNOWN_REF);
        } else {
            consume_move(c, d, DELIVERY_ON_UNKNOWN);
        }
        return;
    case MEMORY_BEGUN:
    case MEMORY_ENDED:
    case MEMORY_STORED:
    case MEMORY_FAILED:
        refused(c, a);
        d->ref_since_ms = consume_now(c);
        consume_move(c, d, DELIVERY_ON_UNKNOWN);
        return;
    }
}

static void on_begun(struct consume *c, struct delivery *d, const struct memory_answer *a)
{
    if (a->state == MEMORY_ENDED && read_ledger(c, d, a->value)) {
        consume_send_slot_free(d);
        consume_move(c, d, DELIVERY_ON_REPEATED);
        return;
    }
    switch (a->state) {
    case MEMORY_NONE:
    case MEMORY_BEGUN:
    case MEMORY_ENDED:
        d->noted = true;
        if (a->state != MEMORY_NONE)
            d->possible_duplicate = true;
        consume_send_noted(c, d);
        return;
    case MEMORY_FOUND:
    case MEMORY_STORED:
    case MEMORY_FAILED:
        refused(c, a);
        consume_send_slot_free(d);
        d->wait_ms = CONSUME_AGAIN_MS;
        consume_move(c, d, DELIVERY_ON_FAIL);
        return;
    }
}

/* Each has its result; the log is for whoever does not know yet that there are any. */
static bool may_say_moved(struct consume *c)
{
    int64_t now = consume_now(c);

    if (now >= c->moved_until_ms) {
        c->moved_until_ms = now + CONSUME_SAY_MS;
        c->moved_said = 0;
    }
    if (c->moved_said < CONSUME_MOVED_BURST) {
        c->moved_said++;
        return true;
    }
    c->moved_unsaid++;
    return false;
}

/* The last event to create something under a reference has it (docs/DELIVERY.md). */
static void note_moved(struct consume *c, struct delivery *d, struct view before)
{
    char masked[MASK_TEXT_MAX];

    if (before.n == 0 || view_is(before, d->created))
        return;
    view_copy(before, d->replaced, sizeof d->replaced);
    stat_add(c->stat_moved, 1);
    if (!may_say_moved(c))
        return;
    notice_say(c->port.log, NOTICE_WARN, "reference_moved",
               NOTICE_TEXT("resource", d->type->collection),
               NOTICE_TEXT("reference", mask_sentence(d->ref, masked, sizeof masked)),
               NOTICE_TEXT("from", d->replaced), NOTICE_TEXT("to", d->created),
               NOTICE_INT("left_out_before", c->moved_unsaid));
    c->moved_unsaid = 0;
}

static void on_kept(struct consume *c, struct delivery *d, const struct memory_answer *a)
{
    bool was_ref = d->type->keeps_id && d->created[0] != '\0' && !d->kept_ref;

    if (a->state != MEMORY_STORED) {
        refused(c, a);
        consume_again_later(c, d);
        return;
    }
    if (was_ref) {
        d->kept_ref = true;
        note_moved(c, d, a->value);
    }
    if (was_ref && d->noted)
        consume_move(c, d, DELIVERY_ON_KEEP);
    else
        consume_move(c, d, DELIVERY_ON_KEPT);
}

void consume_on_answer(void *consume, const struct memory_answer *a)
{
    struct consume *c = consume;
    struct delivery *d = consume_answered(c, a->token);

    if (d == NULL)
        return;
    if (d->state == DELIVERY_RESOLVING)
        on_found(c, d, a);
    else if (d->state == DELIVERY_BEGINNING)
        on_begun(c, d, a);
    else
        on_kept(c, d, a);
}
