#include "bridge/core/event_types.h"

#include "bridge/core/percent.h"

#include <string.h>

/* The subject's second part is a reference ({id} in the path), or stands in the path itself. */
#define WRITE(name_, collection_, method_, path_, returns, keeps, data_, shape_, use_)             \
    {                                                                                              \
        .name = (name_), .is_write = true, .collection = (collection_), .method = (method_),       \
        .path = (path_), .returns_id = (returns), .keeps_id = (keeps), .data = (data_),            \
        .shape = (shape_), .use = (use_)                                                           \
    }
#define INGEST(name_, collection_, shape_)                                                         \
    {                                                                                              \
        .name = (name_), .collection = (collection_), .method = "POST", .data = EVENT_DATA_BODY,   \
        .shape = (shape_), .use = CMI_INGEST                                                       \
    }

const struct event_type event_types[] = {
    WRITE("chat.created", "chats", "POST", "/chats", true, true, EVENT_DATA_BODY, &cmi_chat,
          CMI_POST),
    WRITE("callrecording.listened", "callRecordings", "POST", "/callRecordings/{id}/listenLog",
          true, false, EVENT_DATA_BODY, &cmi_listen_log, CMI_POST),
    WRITE("callback.requested", "callbacks", "POST", "/callbacks", true, true, EVENT_DATA_BODY,
          &cmi_callback, CMI_POST),
    WRITE("callback.updated", "callbacks", "PUT", "/callbacks/{id}", false, false, EVENT_DATA_BODY,
          &cmi_callback, CMI_PUT),
    WRITE("contact.remarks.added", "contacts", "POST", "/contacts/{id}/remarks", false, false,
          EVENT_DATA_TEXT, NULL, CMI_POST),
    WRITE("contact.remarks.updated", "contacts", "PUT", "/contacts/{id}/remarks", false, false,
          EVENT_DATA_TEXT, NULL, CMI_PUT),
    WRITE("message.requested", "messages", "POST", "/messages", true, true, EVENT_DATA_BODY,
          &cmi_message, CMI_POST),
    WRITE("message.updated", "messages", "PUT", "/messages/{id}", false, false, EVENT_DATA_BODY,
          &cmi_message, CMI_PUT),
    WRITE("message.cancelled", "messages", "DELETE", "/messages/{id}", false, false,
          EVENT_DATA_NONE, NULL, CMI_PUT),
    WRITE("customerconsent.changed", "customerConsents", "POST", "/customerConsents", false, false,
          EVENT_DATA_BODY, &cmi_customer_consent, CMI_POST),
    WRITE("customerconsent.deleted", "customerConsents", "DELETE", "/customerConsents/{subject}",
          false, false, EVENT_DATA_NONE, NULL, CMI_PUT),

    INGEST("contact.received", "contacts", &cmi_contact),
    INGEST("contact.queued", "contacts", &cmi_contact),
    INGEST("contact.allocated", "contacts", &cmi_contact),
    INGEST("contact.accepted", "contacts", &cmi_contact),
    INGEST("contact.rejected", "contacts", &cmi_contact),
    INGEST("contact.transferred", "contacts", &cmi_contact),
    INGEST("contact.forwarded", "contacts", &cmi_contact),
    INGEST("contact.ended", "contacts", &cmi_contact),
    INGEST("contact.closed", "contacts", &cmi_contact),
    INGEST("contact.updated", "contacts", &cmi_contact),
    INGEST("chat.message.added", "chats", &cmi_chat_message),
    INGEST("chat.participant.added", "chats", &cmi_chat_participant),
    INGEST("email.received", "emails", &cmi_email),
    INGEST("email.sent", "emails", &cmi_email),
    INGEST("email.updated", "emails", &cmi_email),
    INGEST("callrecording.created", "callRecordings", &cmi_call_recording),
    INGEST("scriptresult.saved", "scriptResults", &cmi_script_result),
    {0},
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

bool event_type_subject(const struct event_type *t, struct view subject, struct view *rest,
                        struct fault *f)
{
    struct view left = subject;

    if (!view_is(view_cut(&left, '/'), t->collection) || left.n == 0)
        return fault_set(f, FAULT_REJECT, "the subject must be %s/… and is %s", t->collection,
                         subject.n == 0 ? "missing" : "something else");
    *rest = left;
    return true;
}

bool event_type_path(const struct event_type *t, struct view id, struct view rest, struct buf *to,
                     struct fault *f)
{
    struct view left = view_of(t->path);
    struct view before = view_cut(&left, '{');

    buf_put(to, before);
    if (left.n > 0) {
        percent_encode(view_is(view_cut(&left, '}'), "id") ? id : rest, to);
        buf_put(to, left);
    }
    return !to->full ||
           fault_set(f, FAULT_REJECT, "the path would be longer than %zu bytes", to->max);
}
