#include "bridge/core/event_types.h"

#include "bridge/core/mask.h"
#include "bridge/core/percent.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_MORE    ((const char *const[]){NULL})

/* Write events: what is read from the body says its shape. */
#define MAKE(n, c, p, s)                                                                           \
    {                                                                                              \
        .name = (n), .is_write = true, .collection = (c), .method = "POST", .path = (p),           \
        .returns_id = true, .keeps_id = true, .shape = (s), .use = CMI_POST                        \
    }
#define CHANGE(n, c, p, s)                                                                         \
    {                                                                                              \
        .name = (n), .is_write = true, .collection = (c), .method = "PUT", .path = (p),            \
        .needs_ref = true, .shape = (s), .use = CMI_PUT                                            \
    }
#define REMARK(n, m)                                                                               \
    {                                                                                              \
        .name = (n), .is_write = true, .collection = "contacts", .method = (m),                    \
        .path = "/contacts/{id}/remarks", .needs_ref = true, .data = EVENT_DATA_TEXT               \
    }
#define INGEST(n, c, s, must, may)                                                                 \
    {                                                                                              \
        .name = (n), .collection = (c), .method = "POST", .shape = (s), .use = CMI_INGEST,         \
        .required = (must), .optional = (may)                                                      \
    }

#define OF_A_LEG                                                                                   \
    "contactGroupId", "subtype", "queueId", "queueName", "agentId", "agentName", "subject",        \
        "requiredAgent", "arrivalTime", "status", "statusDetails", "typeDetails", "record",        \
        "script"
#define OF_A_MAIL "from_queue.id", "title", "content", "originator", "destination"

const struct event_type event_types[] = {
    MAKE("chat.created", "chats", "/chats", &cmi_chat),
    /* The reference is the recording's; nothing ever asks for the listen log's id. */
    {.name = "callrecording.listened",
     .is_write = true,
     .collection = "callRecordings",
     .method = "POST",
     .path = "/callRecordings/{id}/listenLog",
     .needs_ref = true,
     .returns_id = true,
     .shape = &cmi_listen_log,
     .use = CMI_POST},
    MAKE("callback.requested", "callbacks", "/callbacks", &cmi_callback),
    CHANGE("callback.updated", "callbacks", "/callbacks/{id}", &cmi_callback),
    REMARK("contact.remarks.added", "POST"),
    REMARK("contact.remarks.updated", "PUT"),
    MAKE("message.requested", "messages", "/messages", &cmi_message),
    CHANGE("message.updated", "messages", "/messages/{id}", &cmi_message),
    {.name = "message.cancelled",
     .is_write = true,
     .collection = "messages",
     .method = "DELETE",
     .path = "/messages/{id}",
     .needs_ref = true,
     .data = EVENT_DATA_NONE},
    {.name = "customerconsent.changed",
     .is_write = true,
     .collection = "customerConsents",
     .method = "POST",
     .path = "/customerConsents",
     .shape = &cmi_customer_consent,
     .use = CMI_POST},
    {.name = "customerconsent.deleted",
     .is_write = true,
     .collection = "customerConsents",
     .method = "DELETE",
     .path = "/customerConsents/{subject}",
     .data = EVENT_DATA_NONE},

    INGEST("contact.received", "contacts", &cmi_contact,
           NAMES("channel", "type", "source", "destination"), NAMES(OF_A_LEG)),
    INGEST("contact.queued", "contacts", &cmi_contact, NAMES("queueId"), NAMES("queueName")),
    INGEST("contact.allocated", "contacts", &cmi_contact, NAMES("agentId"), NAMES("agentName")),
    INGEST("contact.accepted", "contacts", &cmi_contact, NAMES("agentId"),
           NAMES("agentName", "connectTime")),
    INGEST("contact.rejected", "contacts", &cmi_contact, NO_MORE, NAMES("statusDetails")),
    INGEST("contact.transferred", "contacts", &cmi_contact, NAMES("previousId"),
           NAMES("channel", "type", "source", "destination", OF_A_LEG)),
    INGEST("contact.forwarded", "contacts", &cmi_contact, NAMES("toQueueId"), NO_MORE),
    INGEST("contact.ended", "contacts", &cmi_contact, NO_MORE,
           NAMES("disconnectTime", "status", "statusDetails")),
    INGEST("contact.closed", "contacts", &cmi_contact, NO_MORE, NAMES("wrapUpEndTime")),
    INGEST("contact.updated", "contacts", &cmi_contact, NO_MORE,
           NAMES("channel", "type", "source", "destination", OF_A_LEG)),
    INGEST("chat.message.added", "chats", &cmi_chat_message, NAMES("message", "originator"), NULL),
    INGEST("chat.participant.added", "chats", &cmi_chat_participant, NAMES("alias", "uniquekey"),
           NULL),
    INGEST("email.received", "emails", &cmi_email, NAMES(OF_A_MAIL), NULL),
    INGEST("email.sent", "emails", &cmi_email, NAMES(OF_A_MAIL), NULL),
    INGEST("email.updated", "emails", &cmi_email, NO_MORE, NULL),
    INGEST("callrecording.created", "callRecordings", &cmi_call_recording,
           NAMES("call_id", "contact_id", "owner_id", "owner_type", "owner_name", "file_name"),
           NULL),
    INGEST("scriptresult.saved", "scriptResults", &cmi_script_result,
           NAMES("script_id", "name", "contact_id", "scriptquestions"), NULL),
    {.name = NULL},
};

const struct event_type *event_type_find(struct view type, struct view prefix)
{
    if (view_starts(type, prefix))
        type = view_skip(type, prefix.n);
    for (const struct event_type *t = event_types; t->name != NULL; t++)
        if (view_is(type, t->name))
            return t;
    return NULL;
}

/* <usage>_<address>: the usage has no '_', so the first one parts them. */
static bool is_consent(struct view rest)
{
    const struct cmi_field *usage = cmi_field_find(&cmi_customer_consent, "usage", 5);
    struct view address = rest;
    struct view given = view_cut(&address, '_');

    for (const char *const *word = usage->words; *word != NULL; word++)
        if (view_is(given, *word))
            return address.n > 0;
    return false;
}

bool event_type_subject(const struct event_type *t, struct view subject, struct view *rest,
                        struct fault *f)
{
    bool consent = view_is(view_of(t->collection), cmi_customer_consent.plural);
    struct view tail = subject;
    struct view collection = view_cut(&tail, '/');
    char quoted[MASK_TEXT_MAX];

    if (view_is(collection, t->collection) && tail.n > 0 && (!consent || is_consent(tail))) {
        *rest = tail;
        return true;
    }
    /* What follows the slash may be somebody's address. */
    return fault_set(f, FAULT_REJECT, "subject is '%s%s'; it must be %s/%s",
                     mask_sentence(collection, quoted, sizeof quoted),
                     tail.n > 0                 ? "/…"
                     : collection.n < subject.n ? "/"
                                                : "",
                     t->collection,
                     consent       ? "<usage>_<address>"
                     : t->is_write ? "<reference>"
                                   : "<id>");
}

bool event_type_path(const struct event_type *t, struct view id, struct view rest, struct buf *to,
                     struct fault *f)
{
    struct view after = view_of(t->path);
    struct view before = view_cut(&after, '{');

    (void)buf_put(to, before);
    if (after.n > 0) {
        struct view slot = view_cut(&after, '}');

        percent_encode(view_is(slot, "id") ? id : rest, to);
        (void)buf_put(to, after);
    }
    return !to->full ||
           fault_set(f, FAULT_REJECT, "the path of %s is longer than %zu bytes", t->name, to->max);
}
