#include "tests/fakes/contact_model.h"

#include "bridge/core/datetime.h"
#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "tests/fakes/history_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const model_agents[MODEL_AGENTS] = {
    "Virtanen, Äiti", "Ångström, Örjan", "zeta, last",    "Aalto, Ada",      "Smith, Mark",
    "Jones, Zoë",     "Öberg, Nils",     "de Vries, Jan", "Nieminen, Liisa", "O'Neil, Sean",
    "Šimek, Petr",    "Zámečník, Ivo",   "Müller, Uwe",   "Mueller, Ute",    "Muller, Una",
    "Chan, Li",       "Håkon, Bo",       "aalto, bo",     "Ivanova, Eva",    "Ek, Ulf",
};
const char *const model_queues[MODEL_QUEUES] = {
    "Sales", "Support (FI)", "Äänekoski", "Zürich", "Åbo", "billing", "Öland", "Complaints",
};

static const char *const words[] = {"invoice",   "offer", "request", "included", "Grüße",
                                    "catalogue", "order", "late",    "delivery", "x"};
static const char *const said[] = {"parcel", "refund", "zebra", "Äpfel", "invoice", "giraffe"};

const char *model_agent_id(int agent, char out[33])
{
    if (agent == MODEL_USER)
        snprintf(out, 33, "%s", RIG_USER_ID);
    else
        snprintf(out, 33, "A6E17000%024X", (unsigned)agent * 7919U + 1U);
    return out;
}

const char *model_queue_id(int queue, char out[33])
{
    snprintf(out, 33, "00EE0E00%024X", (unsigned)queue * 104729U + 1U);
    return out;
}

static uint32_t below(struct rng *r, uint32_t n)
{
    return (uint32_t)(rng_next(r) % n);
}

static void make_addresses(struct model_contact *c, struct rng *r)
{
    bool phone = strcmp(c->channel, "PHONE") == 0;
    bool frequent = below(r, 100) == 0; /* some are of one person */

    if (phone || below(r, 3) == 0)
        snprintf(c->source, sizeof c->source, "+358%09u", below(r, 1000000000U));
    else
        snprintf(c->source, sizeof c->source, "%sUser%u@Example%u.com", below(r, 2) ? "" : " ",
                 frequent ? 7 : below(r, 3000), frequent ? 1 : below(r, 40));
    snprintf(c->destination, sizeof c->destination, phone ? "0600%u" : "desk%u@[queue].org",
             below(r, 50));
}

static void make_subject(struct model_contact *c, struct rng *r)
{
    if (strcmp(c->channel, "PHONE") == 0 && below(r, 4) != 0)
        return;
    if (below(r, 10) == 0)
        return;
    snprintf(c->subject, sizeof c->subject, "%s%s %s, %s %u", below(r, 2) ? "Re: " : "",
             words[below(r, 10)], words[below(r, 10)], words[below(r, 10)], below(r, 500));
}

/* Contacts of 90 days; most last minutes, some days, a few end before they arrive. */
static void make_times(struct model_contact *c, struct rng *r)
{
    static const int64_t begin_ms = INT64_C(1700000000000);

    c->arrival_ms = begin_ms + (int64_t)(rng_next(r) % (UINT64_C(90) * 86400000));
    if (below(r, 8) == 0) /* many of one moment: the id breaks the tie */
        c->arrival_ms -= c->arrival_ms % 3600000;
    c->connect_ms = c->disconnect_ms = c->wrapup_ms = -1;
    if (c->agent >= 0 && below(r, 4) != 0)
        c->connect_ms = c->arrival_ms + below(r, 300000);
    if (below(r, 12) != 0) {
        int64_t lasts = below(r, 1200000);

        if (below(r, 100) == 0)
            lasts = (int64_t)below(r, 20) * 86400000;
        if (below(r, 500) == 0)
            lasts = -(int64_t)below(r, 5) * 86400000;
        c->disconnect_ms = (c->connect_ms >= 0 ? c->connect_ms : c->arrival_ms) + lasts;
    }
    if (c->connect_ms >= 0 && c->disconnect_ms >= 0 && below(r, 4) == 0)
        c->wrapup_ms = c->disconnect_ms + below(r, 600000);
}

/* A phone call may be one of a group that has another's id; others are groups of their own. */
static void make_group(struct model_contact *c, bool phone, struct rng *r)
{
    if (!phone)
        snprintf(c->group, sizeof c->group, "%.8s-%.4s-%.4s-%.4s-%.12s", c->id, c->id + 8,
                 c->id + 12, c->id + 16, c->id + 20);
    else if (below(r, 2) == 0)
        snprintf(c->group, sizeof c->group, "%s", c->id);
    else
        snprintf(c->group, sizeof c->group, "%08X%08X%08X%08X", below(r, UINT32_MAX),
                 below(r, UINT32_MAX), below(r, UINT32_MAX), below(r, UINT32_MAX));
}

/* Those that the last event gave which says how it stands; else those that follow. */
static void make_details(struct model_contact *c, struct rng *r)
{
    static const char *const given[] = {"Handled_AOT", "Handled_ACW", "Äänetön", "waits for parts"};
    static const char *const follow[][2] = {{"InQueue", "Open"},
                                            {"InProcess", "Open"},
                                            {"Handled", "Handled"},
                                            {"Abandoned", "Closed"},
                                            {"Pending", "Pending"}};
    const char *details = c->status;

    c->details_given = (c->disconnect_ms >= 0 || c->connect_ms < 0) && below(r, 2) == 0;
    for (size_t i = 0; i < 5 && strcmp(c->channel, "PHONE") != 0; i++)
        if (strcmp(c->status, follow[i][0]) == 0)
            details = follow[i][1];
    if (c->details_given)
        details = given[below(r, 4)];
    snprintf(c->status_details, sizeof c->status_details, "%s", details);
}

static const char *a_word(struct rng *r)
{
    return said[below(r, sizeof said / sizeof *said)];
}

/* No email comes without a queue or a title. */
static void make_texts(struct model_contact *c, struct rng *r)
{
    bool email = strcmp(c->channel, "EMAIL") == 0 && c->queue >= 0 && c->subject[0] != '\0';

    if (email)
        snprintf(c->body, sizeof c->body, "%s %s, %s", a_word(r), a_word(r), a_word(r));
    if (email && below(r, 3) == 0)
        snprintf(c->remarks, sizeof c->remarks, "%s %s", a_word(r), a_word(r));
    if (email && below(r, 2) == 0)
        snprintf(c->case_id, sizeof c->case_id, "C-%u", below(r, 40));
    if (strcmp(c->channel, "CHAT") != 0 || below(r, 4) == 0)
        return;
    snprintf(c->body, sizeof c->body, "%s %s", a_word(r), a_word(r));
    if (below(r, 3) == 0)
        snprintf(c->line, sizeof c->line, "%s %s", a_word(r), a_word(r));
}

static void make_one(struct model_contact *c, size_t n, struct rng *r)
{
    static const char *const channels[] = {"PHONE", "CHAT", "EMAIL"};
    static const char *const kinds[] = {"Call", "Chat", "Email"};
    static const char *const types[][2] = {
        {"CallIn", "CallOut"}, {"ChatIn", "ChatOut"}, {"EmailIn", "EmailOut"}};
    static const char *const subtypes[] = {"text", "sms", "whatsapp"};
    static const char *const open[] = {"InQueue", "InProcess",
                                       "Pending"}; /* the second by contact.accepted only */
    uint32_t channel = below(r, 3);

    snprintf(c->id, sizeof c->id, "%08X%08X%08X%08X", (unsigned)rng_next(r), (unsigned)rng_next(r),
             (unsigned)n, (unsigned)rng_next(r));
    make_group(c, channel == 0, r);
    c->channel = channels[channel];
    c->type = types[channel][below(r, 4) == 0];
    snprintf(c->type_details, sizeof c->type_details, "%s%u", kinds[channel], below(r, 4));
    c->subtype = channel == 1 ? subtypes[below(r, 3)] : NULL;
    make_addresses(c, r);
    make_subject(c, r);
    c->agent = below(r, 5) == 0 ? -1 : (int)below(r, MODEL_AGENTS);
    make_times(c, r);
    c->queue = below(r, 9) == 0 ? -1 : (int)below(r, MODEL_QUEUES);
    c->status = c->disconnect_ms >= 0 ? (below(r, 6) ? "Handled" : "Abandoned")
                : c->connect_ms >= 0  ? "InProcess"
                                      : open[below(r, 2) * 2];
    if (strcmp(c->type, "EmailOut") == 0 && strcmp(c->status, "InProcess") == 0 && below(r, 3) == 0)
        c->agent = MODEL_USER;
    make_details(c, r);
    make_texts(c, r);
    c->record = channel == 0 && below(r, 3) == 0;
    c->script = below(r, 7) == 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct model_contact *one = a;
    const struct model_contact *two = b;

    if (one->arrival_ms != two->arrival_ms)
        return one->arrival_ms > two->arrival_ms ? -1 : 1;
    return strcmp(one->id, two->id);
}

void model_make(struct model *m)
{
    struct rng r;

    r = rng_of(20261125);
    m->contacts = mem_zeroed(MODEL_CONTACTS, sizeof *m->contacts);
    for (size_t i = 0; i < MODEL_CONTACTS; i++)
        make_one(&m->contacts[i], i, &r);
    qsort(m->contacts, MODEL_CONTACTS, sizeof *m->contacts, newest_first);
}

void model_free(struct model *m)
{
    mem_free(m->contacts);
}

/* ---- events ---- */

static void put_time(struct buf *to, const char *name, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];

    if (ms < 0)
        return;
    datetime_format(ms, text);
    buf_printf(to, ",\"%s\":\"%s\"", name, text);
}

static void put_text(struct buf *to, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        buf_printf(to, ",\"%s\":\"%s\"", name, text);
}

enum when { MAIL, RECEIVED, ACCEPTED, ENDED, CLOSED, LINE, OTHER_LINE }; /* seconds */

static void open_event(struct buf *to, const struct model_contact *c, const char *type,
                       const char *collection, enum when second)
{
    buf_printf(to,
               "%s{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"/model\",\"type\":"
               "\"%s\",\"subject\":\"%s/%s\",\"time\":"
               "\"2024-05-05T10:00:%02dZ\",\"data\":{",
               to->n > 1 ? "," : "", c->id, (int)second, type, collection, c->id, (int)second);
}

static void put_received(const struct model_contact *c, struct buf *to)
{
    char id[33];

    open_event(to, c, "contact.received", "contacts", RECEIVED);
    buf_printf(to,
               "\"channel\":\"%s\",\"type\":\"%s\","
               "\"typeDetails\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\"",
               c->channel, c->type, c->type_details, c->source, c->destination);
    put_text(to, "status", c->status);
    if (c->details_given && c->disconnect_ms < 0)
        put_text(to, "statusDetails", c->status_details);
    if (strcmp(c->channel, "PHONE") == 0 && strcmp(c->group, c->id) != 0)
        put_text(to, "contactGroupId", c->group);
    put_text(to, "subtype", c->subtype);
    put_text(to, "subject", c->subject);
    if (c->agent >= 0) {
        put_text(to, "agentId", model_agent_id(c->agent, id));
        put_text(to, "agentName", model_agents[c->agent]);
    }
    if (c->queue >= 0) {
        put_text(to, "queueId", model_queue_id(c->queue, id));
        put_text(to, "queueName", model_queues[c->queue]);
    }
    put_time(to, "arrivalTime", c->arrival_ms);
    if (c->record)
        buf_put_text(to, ",\"record\":true");
    if (c->script)
        buf_put_text(to, ",\"script\":true");
    buf_put_text(to, "}}");
}

static void put_accepted(const struct model_contact *c, struct buf *to)
{
    char id[33];

    open_event(to, c, "contact.accepted", "contacts", ACCEPTED);
    buf_printf(to, "\"agentId\":\"%s\",\"agentName\":\"%s\"", model_agent_id(c->agent, id),
               model_agents[c->agent]);
    put_time(to, "connectTime", c->connect_ms);
    buf_put_text(to, "}}");
}

static void put_ended(const struct model_contact *c, struct buf *to)
{
    open_event(to, c, "contact.ended", "contacts", ENDED);
    buf_printf(to, "\"status\":\"%s\"", c->status);
    if (c->details_given)
        put_text(to, "statusDetails", c->status_details);
    put_time(to, "disconnectTime", c->disconnect_ms);
    buf_put_text(to, "}}");
}

static void put_closed(const struct model_contact *c, struct buf *to)
{
    char text[DATETIME_TEXT_MAX];

    datetime_format(c->wrapup_ms, text);
    open_event(to, c, "contact.closed", "contacts", CLOSED);
    buf_printf(to, "\"wrapUpEndTime\":\"%s\"}}", text);
}

/* The email says nothing else of its contact than the contact's own events, which are later. */
static void put_email(const struct model_contact *c, struct buf *to)
{
    char id[33];

    open_event(to, c, "email.received", "emails", MAIL);
    buf_printf(to,
               "\"from_queue\":{\"id\":\"%s\",\"name\":\"%s\"},\"title\":\"%s\",\"content\":\"%s\","
               "\"originator\":\"%s\",\"destination\":\"%s\"",
               model_queue_id(c->queue, id), model_queues[c->queue], c->subject, c->body, c->source,
               c->destination);
    put_text(to, "remarks", c->remarks);
    put_text(to, "case_id", c->case_id);
    buf_put_text(to, "}}");
}

static void put_line(const struct model_contact *c, enum when second, const char *text,
                     struct buf *to)
{
    if (text[0] == '\0')
        return;
    open_event(to, c, "chat.message.added", "chats", second);
    buf_printf(to, "\"message\":\"%s\",\"originator\":\"%s\"}}", text, c->source);
}

static void put_texts(const struct model_contact *c, struct buf *to)
{
    if (strcmp(c->channel, "CHAT") == 0) {
        put_line(c, LINE, c->body, to);
        put_line(c, OTHER_LINE, c->line, to);
    } else if (c->body[0] != '\0') {
        put_email(c, to);
    }
}

/* First of some contacts, then of all the first ones, … : events of one contact stand apart, and
 * the last ones come first. 7919 is prime: each comes once. */
void model_events(const struct model *m, size_t first, size_t count, struct buf *to)
{
    buf_put_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        const struct model_contact *c = &m->contacts[first + (i * 7919) % count];

        if (c->wrapup_ms >= 0)
            put_closed(c, to);
        if (c->disconnect_ms >= 0)
            put_ended(c, to);
        put_texts(c, to);
    }
    for (size_t i = 0; i < count; i++) {
        const struct model_contact *c = &m->contacts[first + (i * 7919) % count];

        if (c->connect_ms >= 0)
            put_accepted(c, to);
        put_received(c, to);
    }
    buf_put_char(to, ']');
}
