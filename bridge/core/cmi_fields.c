#include "bridge/core/cmi_fields.h"

#include "bridge/core/view.h"

/* A row a line: the specification's line, the name, the uses, what the type needs. */
#define GUID(l, n, u)                                                                              \
    {                                                                                              \
        .name = (n), .type = CMI_GUID, .use = (u), .line = (l)                                     \
    }
#define TEXT(l, n, u)                                                                              \
    {                                                                                              \
        .name = (n), .type = CMI_STRING, .use = (u), .line = (l)                                   \
    }
#define SHORT(l, n, u)                                                                             \
    {                                                                                              \
        .name = (n), .type = CMI_STRING, .use = (u), .bytes = CMI_SHORT_MAX, .line = (l)           \
    }
#define ADDRESS(l, n, u)                                                                           \
    {                                                                                              \
        .name = (n), .type = CMI_STRING, .use = (u), .bytes = CMI_ADDRESS_MAX, .line = (l)         \
    }
#define NUMBER(l, n, u)                                                                            \
    {                                                                                              \
        .name = (n), .type = CMI_NUMBER, .use = (u), .line = (l)                                   \
    }
#define BOOL(l, n, u)                                                                              \
    {                                                                                              \
        .name = (n), .type = CMI_BOOL, .use = (u), .line = (l)                                     \
    }
#define TIME(l, n, u)                                                                              \
    {                                                                                              \
        .name = (n), .type = CMI_TIME, .use = (u), .line = (l)                                     \
    }
#define GROUP(l, n, u)                                                                             \
    {                                                                                              \
        .name = (n), .type = CMI_GUID, .use = (u), .max = 36, .line = (l)                          \
    }
#define BOUND(l, n, u, least, most)                                                                \
    {                                                                                              \
        .name = (n), .type = CMI_STRING, .use = (u), .min = (least), .max = (most), .line = (l)    \
    }
#define INTEGER(l, n, u, least, most)                                                              \
    {                                                                                              \
        .name = (n), .type = CMI_INTEGER, .use = (u), .min = (least), .max = (most), .line = (l)   \
    }
#define OBJECT(l, n, u, of)                                                                        \
    {                                                                                              \
        .name = (n), .type = CMI_OBJECT, .use = (u), .shape = (of), .line = (l)                    \
    }
#define LIST(l, n, u, of, one)                                                                     \
    {                                                                                              \
        .name = (n), .type = CMI_LIST, .use = (u), .shape = (of), .item = (one), .line = (l)       \
    }
#define ENUM(l, n, u, ...)                                                                         \
    {                                                                                              \
        .name = (n), .type = CMI_STRING, .use = (u), .words = WORDS(__VA_ARGS__), .line = (l)      \
    }
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHAPE(one, many, rows)                                                                     \
    {                                                                                              \
        (one), (many), (rows), sizeof(rows) / sizeof *(rows)                                       \
    }

/* Uses that come together. */
#define SHOWN       (CMI_LISTED | CMI_SINGLE)
#define ALWAYS      (SHOWN | CMI_ALWAYS)
#define ALONE       (CMI_SINGLE | CMI_ALWAYS) /* always, where one is fetched */
#define KEPT        (SHOWN | CMI_INGEST)
#define KEPT_ALWAYS (KEPT | CMI_ALWAYS)
#define POST_MUST   (CMI_POST | CMI_POST_MUST)
#define PUT_MUST    (CMI_PUT | CMI_PUT_MUST)
#define BOTH        (CMI_POST | CMI_PUT)
#define BOTH_MUST   (POST_MUST | PUT_MUST)
#define INGEST_MUST (CMI_INGEST | CMI_INGEST_MUST)
#define EXTRA       (CMI_INGEST | CMI_INGEST_ONLY)
#define WHO         (CMI_PERSON | CMI_PRIVATE)
#define SAID        (CMI_MENTION | CMI_PRIVATE)
#define COUNT_MAX   INT64_MAX /* of counts and milliseconds that the server makes */

/* An email is not shown before its queue is known; a chat is. */
static const struct cmi_field email_queue_fields[] = {
    GUID(41, "id", KEPT_ALWAYS),
    SHORT(42, "name", KEPT),
};
static const struct cmi_shape email_queue = SHAPE("from_queue", NULL, email_queue_fields);

/* The specification requires `name`; its examples lack it (contract 8). */
static const struct cmi_field email_address_fields[] = {
    TEXT(71, "name", KEPT | WHO),
    ADDRESS(72, "address", ALWAYS | INGEST_MUST | WHO),
};
static const struct cmi_shape email_address = SHAPE("emailAddress", NULL, email_address_fields);

static const struct cmi_field attachment_fields[] = {
    GUID(61, "id", ALWAYS | INGEST_MUST),
    TEXT(62, "filename", ALWAYS | INGEST_MUST | CMI_MENTION),
    SHORT(63, "mime_type", ALWAYS | INGEST_MUST),
    NUMBER(64, "size", ALWAYS | INGEST_MUST),
    ENUM(65, "originator", KEPT, "customer", "agent"),
};
static const struct cmi_shape attachment = SHAPE("attachment", NULL, attachment_fields);

static const struct cmi_field email_fields[] = {
    GUID(39, "id", ALWAYS),
    GROUP(0, "contactGroupId", EXTRA | CMI_NAMES),
    OBJECT(40, "from_queue", KEPT_ALWAYS, &email_queue),
    SHORT(43, "channel_type", KEPT_ALWAYS),
    SHORT(44, "channel_sub_type", KEPT_ALWAYS),
    ENUM(45, "type", KEPT_ALWAYS, "EmailIn", "EmailOut"),
    SHORT(46, "typeDetails", KEPT_ALWAYS | CMI_MENTION),
    SHORT(48, "status", KEPT_ALWAYS),
    SHORT(49, "statusDetails", KEPT_ALWAYS | CMI_MENTION),
    SHORT(51, "case_id", KEPT | CMI_MENTION),
    SHORT(52, "cid", KEPT | CMI_MENTION),
    TEXT(53, "title", KEPT_ALWAYS | CMI_EMPTY_OK | SAID),
    TEXT(55, "content", KEPT_ALWAYS | SAID),
    TEXT(57, "remarks", KEPT | CMI_EMPTY_OK | SAID),
    LIST(59, "attachments", KEPT | CMI_LEAN, &attachment, "attachment"),
    ADDRESS(66, "originator", KEPT_ALWAYS | WHO),
    ADDRESS(68, "destination", KEPT_ALWAYS | WHO),
    OBJECT(70, "from_address", KEPT_ALWAYS, &email_address),
    LIST(73, "to_address", KEPT_ALWAYS, &email_address, "emailAddress"),
    LIST(77, "cc_address", KEPT | CMI_LEAN, &email_address, "emailAddress"),
    LIST(81, "bcc_address", KEPT | CMI_LEAN, &email_address, "emailAddress"),
    GUID(85, "agentId", KEPT),
    SHORT(87, "agentName", KEPT),
    TIME(88, "date_created", KEPT_ALWAYS),
};
const struct cmi_shape cmi_email = SHAPE("email", "emails", email_fields);

static const struct cmi_field script_answer_fields[] = {
    GUID(380, "id", ALWAYS | INGEST_MUST),
    TEXT(381, "answerdata", ALWAYS | INGEST_MUST | SAID),
    NUMBER(382, "ordinal", ALWAYS | INGEST_MUST),
};
static const struct cmi_shape script_answer = SHAPE("scriptanswer", NULL, script_answer_fields);

static const struct cmi_field script_question_fields[] = {
    GUID(373, "id", ALWAYS | INGEST_MUST),
    TEXT(374, "data", ALWAYS | INGEST_MUST | SAID),
    SHORT(375, "controltype", ALWAYS | INGEST_MUST),
    SHORT(376, "datatype", ALWAYS | INGEST_MUST),
    NUMBER(377, "ordinal", ALWAYS | INGEST_MUST),
    LIST(378, "scriptanswers", ALWAYS | INGEST_MUST, &script_answer, "scriptanswer"),
};
static const struct cmi_shape script_question =
    SHAPE("scriptquestion", NULL, script_question_fields);

static const struct cmi_field script_result_fields[] = {
    GUID(364, "id", ALWAYS),
    GUID(365, "script_id", KEPT_ALWAYS),
    SHORT(366, "name", KEPT_ALWAYS | CMI_MENTION),
    GUID(367, "contact_id", KEPT_ALWAYS | CMI_NAMES),
    GUID(368, "originalcontact_id", KEPT_ALWAYS | CMI_NAMES),
    TIME(369, "modificationtime", KEPT_ALWAYS),
    LIST(371, "scriptquestions", KEPT_ALWAYS, &script_question, "scriptquestion"),
};
const struct cmi_shape cmi_script_result =
    SHAPE("scriptResult", "scriptResults", script_result_fields);

static const struct cmi_field participant_fields[] = {
    SHORT(606, "alias", ALONE | POST_MUST | CMI_INGEST | WHO),
    ADDRESS(607, "uniquekey", ALONE | POST_MUST | CMI_INGEST | WHO),
};
const struct cmi_shape cmi_chat_participant = SHAPE("participant", NULL, participant_fields);

static const struct cmi_field chat_message_fields[] = {
    TEXT(612, "message", ALONE | POST_MUST | CMI_INGEST | CMI_EMPTY_OK | SAID),
    ADDRESS(613, "originator", ALONE | POST_MUST | CMI_INGEST | WHO),
    {.name = "timestamp",
     .also = "timeStamp", /* contract 9 */
     .type = CMI_TIME,
     .use = ALONE | CMI_POST | CMI_INGEST,
     .line = 614},
    BOOL(616, "system_message", ALONE | CMI_POST | CMI_INGEST),
    {.name = "type", /* a new one is text: there is no field for a file (L684) */
     .type = CMI_STRING,
     .use = ALONE | CMI_POST | CMI_INGEST,
     .words = WORDS("text", "attachment"),
     .post_words = WORDS("text"),
     .line = 617},
};
const struct cmi_shape cmi_chat_message = SHAPE("message", NULL, chat_message_fields);

static const struct cmi_field transcript_fields[] = {
    LIST(610, "messages", ALONE | POST_MUST, &cmi_chat_message, "message"),
};
static const struct cmi_shape transcript = SHAPE("transcript", NULL, transcript_fields);

/* A POST ignores the name (contract 19). */
static const struct cmi_field chat_queue_fields[] = {
    GUID(671, "id", SHOWN | POST_MUST),
    SHORT(602, "name", SHOWN | CMI_ANYHOW),
};
static const struct cmi_shape chat_queue = SHAPE("from_queue", NULL, chat_queue_fields);

static const struct cmi_field chat_fields[] = {
    GUID(585, "id", ALWAYS | CMI_ANYHOW),
    ENUM(662, "channel_type", ALWAYS | POST_MUST, "chat", "chatout"),
    SHORT(663, "channel_sub_type", ALWAYS | POST_MUST),
    SHORT(588, "type", ALWAYS),
    SHORT(589, "typeDetails", ALWAYS),
    SHORT(591, "status", ALWAYS),
    SHORT(592, "statusDetails", ALWAYS),
    ADDRESS(665, "originator", ALWAYS | POST_MUST | WHO),
    ADDRESS(667, "destination", ALWAYS | POST_MUST | WHO),
    BOUND(669, "title", ALWAYS | POST_MUST | CMI_EMPTY_OK | SAID, 0, 256),
    TIME(598, "date_created", ALWAYS),
    OBJECT(670, "from_queue", SHOWN | POST_MUST, &chat_queue),
    LIST(672, "participants", CMI_SINGLE | CMI_POST, &cmi_chat_participant, "participant"),
    OBJECT(676, "transcript", CMI_SINGLE | POST_MUST, &transcript),
    GUID(619, "agentId", SHOWN),
    SHORT(621, "agentName", SHOWN),
};
const struct cmi_shape cmi_chat = SHAPE("chat", "chats", chat_fields);

/* The user counts only from who may act for others (contract 4). */
static const struct cmi_field listen_log_fields[] = {
    GUID(1199, "id", SHOWN | CMI_ANYHOW),
    GUID(1200, "user_guid", SHOWN | CMI_POST),
    SHORT(1202, "user_id", SHOWN | CMI_POST),
    SHORT(1204, "user_name", SHOWN | CMI_POST),
    TEXT(1206, "description", ALWAYS | POST_MUST | SAID),
    TEXT(1208, "userSessionId", ALWAYS | POST_MUST | CMI_MENTION),
    TIME(1210, "time_stamp", SHOWN | CMI_POST),
};
const struct cmi_shape cmi_listen_log = SHAPE("listenLog", "listenLogs", listen_log_fields);

static const struct cmi_field call_recording_fields[] = {
    GUID(985, "id", ALWAYS),
    GUID(986, "call_id", KEPT_ALWAYS),
    GUID(987, "contact_id", KEPT_ALWAYS | CMI_NAMES),
    GUID(988, "owner_id", KEPT_ALWAYS),
    ENUM(989, "owner_type", KEPT_ALWAYS, "user", "queue", "outbound campaign"),
    SHORT(990, "owner_name", KEPT_ALWAYS),
    TEXT(991, "file_name", KEPT_ALWAYS | CMI_PERSON),
    TEXT(992, "file_path", KEPT_ALWAYS | CMI_PERSON | CMI_EMPTY_OK),
    TIME(993, "creation_time", KEPT_ALWAYS),
    LIST(995, "listen_log", ALONE, &cmi_listen_log, "listenLog"),
};
const struct cmi_shape cmi_call_recording =
    SHAPE("callRecording", "callRecordings", call_recording_fields);

/* A PUT updates four; it ignores the others (L1380). The words are those of a PUT: shown is also
 * ADDED. */
static const struct cmi_field callback_fields[] = {
    GUID(1242, "id", ALWAYS | CMI_ANYHOW),
    TEXT(1304, "callbackQueueNumber", ALWAYS | POST_MUST),
    TIME(1244, "creationTime", ALWAYS),
    GUID(1245, "creatorId", SHOWN),
    TEXT(1246, "creatorName", SHOWN),
    ADDRESS(1305, "customerNumber", ALWAYS | BOTH_MUST | WHO),
    TEXT(1306, "extraData", SHOWN | CMI_POST | SAID),
    TEXT(1307, "gwPrefix", SHOWN | CMI_POST | CMI_MENTION),
    INTEGER(1250, "failures", ALWAYS, 0, COUNT_MAX),
    TIME(1251, "lastCallTime", SHOWN),
    ENUM(1394, "lastResult", SHOWN | PUT_MUST, "SUCCESSFUL", "BUSY", "NO_ANSWER", "VOICEMAIL",
         "CUSTOM_TIME", "OTHER", "HANDLED", "RESCHEDULE"),
    INTEGER(1253, "maxCalls", ALWAYS, 0, COUNT_MAX),
    TIME(1308, "nextCallTime", SHOWN | BOTH),
    TEXT(1397, "notes", SHOWN | CMI_POST | PUT_MUST | CMI_EMPTY_OK | SAID),
    TEXT(1256, "originalQueueNumber", ALWAYS),
    TEXT(1257, "originalQueueName", SHOWN),
};
const struct cmi_shape cmi_callback = SHAPE("callback", "callbacks", callback_fields);

static const struct cmi_field required_agent_fields[] = {
    GUID(1532, "id", ALWAYS | INGEST_MUST),
    SHORT(1534, "name", ALWAYS | INGEST_MUST),
    INTEGER(1536, "type", ALWAYS | INGEST_MUST, 1, 2),
    TIME(1538, "expirationTime", KEPT),
};
static const struct cmi_shape required_agent = SHAPE("requiredAgent", NULL, required_agent_fields);

/* The times and durations from connectTime on are shown with statistics=true. */
static const struct cmi_field contact_fields[] = {
    GUID(1497, "id", ALWAYS),
    GROUP(1498, "contactGroupId", KEPT_ALWAYS | CMI_NAMES),
    ENUM(1500, "channel", KEPT_ALWAYS, "PHONE", "CHAT", "EMAIL"),
    ENUM(1501, "type", KEPT_ALWAYS, "CallIn", "CallOut", "ChatIn", "ChatOut", "EmailIn",
         "EmailOut"),
    SHORT(1502, "typeDetails", KEPT_ALWAYS | CMI_MENTION),
    SHORT(1504, "subtype", KEPT),
    ENUM(1506, "status", KEPT_ALWAYS, "Pending", "InQueue", "InProcess", "Handled", "Abandoned"),
    SHORT(1507, "statusDetails", KEPT_ALWAYS | CMI_MENTION),
    ADDRESS(1509, "source", KEPT_ALWAYS | WHO),
    ADDRESS(1511, "destination", KEPT_ALWAYS | WHO),
    GUID(1513, "agentId", KEPT),
    SHORT(1515, "agentName", KEPT),
    GUID(1516, "queueId", KEPT),
    SHORT(1518, "queueName", KEPT),
    TIME(1519, "arrivalTime", KEPT_ALWAYS),
    TIME(1521, "disconnectTime", KEPT),
    INTEGER(1523, "totalDuration", ALWAYS, 0, COUNT_MAX),
    BOOL(1525, "record", KEPT),
    BOOL(1527, "script", KEPT),
    TEXT(1529, "subject", KEPT | SAID),
    OBJECT(1530, "requiredAgent", KEPT, &required_agent),
    TIME(1541, "connectTime", KEPT),
    INTEGER(1543, "waitingDuration", SHOWN, 0, COUNT_MAX),
    INTEGER(1545, "handlingDuration", SHOWN, 0, COUNT_MAX),
    INTEGER(1547, "wrapUpTotalDuration", SHOWN, 0, COUNT_MAX),
    GUID(0, "previousId", EXTRA | CMI_NAMES),
    GUID(0, "toQueueId", EXTRA),
    TIME(0, "wrapUpEndTime", EXTRA),
};
const struct cmi_shape cmi_contact = SHAPE("contact", "contacts", contact_fields);

static const struct cmi_field destination_fields[] = {
    BOUND(1857, "address", ALWAYS | BOTH_MUST | WHO, 1, 256),
    TEXT(1859, "status", SHOWN | CMI_ANYHOW),
};
static const struct cmi_shape destination = SHAPE("destination", NULL, destination_fields);

/* creationTime and creationDate are one value (contract 9). */
static const struct cmi_field message_fields[] = {
    GUID(1839, "id", ALWAYS | CMI_ANYHOW),
    BOUND(1841, "message", ALWAYS | BOTH_MUST | SAID, 1, 2000),
    TEXT(1843, "source", ALWAYS | BOTH_MUST),
    TEXT(1845, "subType", ALWAYS | BOTH_MUST),
    TIME(1847, "sendTime", SHOWN | BOTH),
    TIME(1802, "creationTime", ALWAYS),
    TIME(1849, "creationDate", ALWAYS),
    INTEGER(1851, "maxRetryCount", ALWAYS | BOTH, 0, 10),
    INTEGER(1852, "retryDelay", ALWAYS | BOTH, 60, 3600),
    ENUM(1854, "contentType", ALWAYS | BOTH, "text", "template"),
    {.name = "destinations",
     .type = CMI_LIST,
     .use = ALWAYS | BOTH_MUST | CMI_WRAPPED,
     .min = 1, /* contract 17 */
     .shape = &destination,
     .item = "destination",
     .line = 1855},
};
const struct cmi_shape cmi_message = SHAPE("message", "messages", message_fields);

static const struct cmi_field customer_consent_fields[] = {
    ADDRESS(2071, "address", ALWAYS | POST_MUST | WHO),
    ENUM(2072, "usage", ALWAYS | POST_MUST, "whatsapp", "recording"),
    BOOL(2073, "consent", ALWAYS | POST_MUST),
};
const struct cmi_shape cmi_customer_consent =
    SHAPE("customerConsent", "customerConsents", customer_consent_fields);

const struct cmi_shape *const cmi_shapes[] = {
    &cmi_email,    &cmi_script_result, &cmi_chat,    &cmi_call_recording,   &cmi_listen_log,
    &cmi_callback, &cmi_contact,       &cmi_message, &cmi_customer_consent, NULL,
};

const char *const *cmi_field_words(const struct cmi_field *field, enum cmi_use use)
{
    return use == CMI_POST && field->post_words != NULL ? field->post_words : field->words;
}

const struct cmi_field *cmi_field_find(const struct cmi_shape *shape, const char *name, size_t n)
{
    struct view wanted = {name, n};

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];

        if (view_is(wanted, field->name) || (field->also != NULL && view_is(wanted, field->also)))
            return field;
    }
    return NULL;
}
