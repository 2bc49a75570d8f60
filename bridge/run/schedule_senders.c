#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"

#include <assert.h>

/*
 * Senders, of whom there may be thousands: found by their address, and of each channel a ring of
 * those of which something is held. Whatever is done in every turn goes round that ring, so that
 * those who rest cost nothing.
 */

#define FNV_START 14695981039346656037U
#define FNV_PRIME 1099511628211U

/* ---- by address ---- */

/* The same for what utf8_eq_nocase calls equal. */
static uint64_t hash_of(struct view text)
{
    uint64_t h = FNV_START;

    while (text.n > 0) {
        size_t n = utf8_first(text);

        h = (h ^ (n > 0 ? utf8_lower(utf8_code(text)) : (unsigned char)text.p[0])) * FNV_PRIME;
        text = view_skip(text, n > 0 ? n : 1);
    }
    return h;
}

void schedule_source_small(struct view source, char out[SCHEDULE_SOURCE_MAX])
{
    source = view_trim(source);
    if (source.n > SCHEDULE_SOURCE_MAX - 1) /* no queue has such an address (config/schema.c) */
        source.n = SCHEDULE_SOURCE_MAX - 1;
    utf8_small(source, out);
    out[source.n] = '\0';
}

static struct view address_of(const struct sender *from)
{
    return view_trim(view_of(from->conf->address));
}

static struct sender **place_of(const struct schedule *s, struct view address)
{
    size_t at = hash_of(address) & (s->by_address_size - 1);

    while (s->by_address[at] != NULL && !utf8_eq_nocase(address, address_of(s->by_address[at])))
        at = (at + 1) & (s->by_address_size - 1);
    return &s->by_address[at];
}

struct sender *schedule_sender_find(const struct schedule *s, struct view source)
{
    return *place_of(s, view_trim(source));
}

void schedule_senders_init(struct schedule *s)
{
    s->senders = mem_zeroed(s->conf.sender_count + 1, sizeof *s->senders);
    s->by_address_size = 1;
    while (s->by_address_size < 2 * s->conf.sender_count + 1)
        s->by_address_size *= 2;
    s->by_address = mem_zeroed(s->by_address_size, sizeof(*s->by_address));
    for (size_t i = 0; i < s->conf.sender_count; i++) {
        struct sender *from = &s->senders[i];
        struct sender **place;

        *from = (struct sender){.conf = &s->conf.senders[i],
                                .channel = &s->channels[s->conf.senders[i].channel],
                                .window = SCHEDULE_WINDOW_FIRST};
        schedule_source_small(view_of(from->conf->address), from->source);
        pacer_init(&from->pacer, from->conf->rate, from->conf->burst);
        s->has_rates = s->has_rates || from->conf->rate > 0;
        place = place_of(s, address_of(from));
        if (*place == NULL)
            *place = from;
    }
}

void schedule_senders_done(struct schedule *s)
{
    mem_free(s->by_address);
    mem_free(s->senders);
}

/* ---- those of which something is held ---- */

void schedule_sender_join(struct holding *h, struct sender *from)
{
    struct channel_of *c = from->channel;

    assert(h->sender == NULL);
    h->sender = from;
    if (from->conf->rate > 0 && h->content->message.slices > 1) {
        struct holding **last = &from->several;

        while (*last != NULL)
            last = &(*last)->later;
        *last = h;
    }
    if (from->holdings++ > 0)
        return;
    from->begun = from->waited = 0;
    c->busy_count++;
    if (c->busy == NULL) {
        from->next = from->prev = c->busy = from;
        return;
    }
    from->next = c->busy; /* behind all of them */
    from->prev = c->busy->prev;
    from->prev->next = from->next->prev = from;
}

void schedule_sender_part(struct holding *h)
{
    struct sender *from = h->sender;
    struct channel_of *c;

    if (from == NULL)
        return;
    for (struct holding **at = &from->several; *at != NULL; at = &(*at)->later)
        if (*at == h) {
            *at = h->later;
            break;
        }
    if (--from->holdings > 0)
        return;
    c = from->channel;
    from->prev->next = from->next;
    from->next->prev = from->prev;
    if (c->busy == from)
        c->busy = from->next;
    if (--c->busy_count == 0)
        c->busy = NULL;
    from->next = from->prev = NULL;
}
