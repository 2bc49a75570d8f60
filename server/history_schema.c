#include "server/history_schema.h"

/* Columns of `contacts` up to `leads` are what is shown; those after it are what the events said,
 * from which server/leg.c makes the shown ones. `stamps` is a merge_map. */
static const char contacts[] =
    "CREATE TABLE contacts ("
    "  row INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  group_id BLOB NOT NULL,"
    "  group_text TEXT," /* contactGroupId as it is shown */
    "  channel TEXT, type TEXT, type_details TEXT, subtype TEXT,"
    "  status TEXT, status_details TEXT,"
    "  source TEXT, destination TEXT,"
    "  agent_id BLOB, agent_name TEXT, queue_id BLOB, queue_name TEXT,"
    "  arrival_ms INTEGER, connect_ms INTEGER, disconnect_ms INTEGER, wrapup_end_ms INTEGER,"
    "  record INTEGER, script INTEGER,"
    "  subject TEXT,"
    "  required_id BLOB, required_name TEXT, required_type INTEGER, required_until_ms INTEGER,"
    "  previous_id BLOB,"
    "  leads INTEGER NOT NULL," /* the first CHAT leg of its group */
    "  phase INTEGER, given_status TEXT, given_status_details TEXT,"
    "  given_group TEXT, given_type_details TEXT,"
    "  given_queue_id BLOB, given_queue_name TEXT, first_queue_id BLOB, first_queue_name TEXT,"
    "  given_record INTEGER, given_script INTEGER,"
    "  digest BLOB," /* of the POST that made it */
    "  stamps BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX contacts_of_group ON contacts (group_id, row);"
    "CREATE INDEX contacts_after ON contacts (previous_id) WHERE previous_id IS NOT NULL;"
    "CREATE INDEX chats ON contacts (leads) WHERE channel = 'CHAT' AND leads = 1;"
    "CREATE INDEX chats_by_source ON contacts (lower(trim(source)))"
    "  WHERE channel = 'CHAT' AND leads = 1;"
    "CREATE INDEX chats_by_destination ON contacts (lower(trim(destination)))"
    "  WHERE channel = 'CHAT' AND leads = 1;";

/* at_ms, then tie, is the order of a transcript; key tells the event that brought the line. Of
 * participants, joined is the least stamp that named one, for the order; stamp the greatest, for
 * the alias. */
static const char chats[] =
    "CREATE TABLE chat_messages ("
    "  row INTEGER PRIMARY KEY,"
    "  key BLOB NOT NULL UNIQUE,"
    "  chat BLOB NOT NULL,"
    "  at_ms INTEGER NOT NULL, tie BLOB NOT NULL,"
    "  message TEXT NOT NULL, originator TEXT NOT NULL, system INTEGER NOT NULL, type TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX chat_messages_of_chat ON chat_messages (chat, at_ms, tie);"
    "CREATE TABLE chat_participants ("
    "  chat BLOB NOT NULL, uniquekey TEXT NOT NULL,"
    "  alias TEXT NOT NULL, joined BLOB NOT NULL, stamp BLOB NOT NULL,"
    "  PRIMARY KEY (chat, uniquekey)"
    ") STRICT, WITHOUT ROWID;";

/* What an email has beside its contact, which has the same id. Numbers are kept as they were
 * written. */
static const char emails[] =
    "CREATE TABLE emails ("
    "  row INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  channel_type TEXT, channel_sub_type TEXT, status TEXT,"
    "  case_id TEXT, cid TEXT, content TEXT, remarks TEXT,"
    "  from_name TEXT, from_address TEXT,"
    "  stamps BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX emails_by_case ON emails (case_id) WHERE case_id IS NOT NULL;"
    "CREATE INDEX emails_by_cid ON emails (cid) WHERE cid IS NOT NULL;"
    "CREATE TABLE email_addresses ("
    "  email BLOB NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL," /* kind: to, cc, bcc */
    "  name TEXT, address TEXT NOT NULL,"
    "  PRIMARY KEY (email, kind, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE email_attachments ("
    "  email BLOB NOT NULL, position INTEGER NOT NULL,"
    "  id BLOB NOT NULL, filename TEXT NOT NULL, mime_type TEXT NOT NULL,"
    "  size TEXT NOT NULL, originator TEXT,"
    "  PRIMARY KEY (email, position)"
    ") STRICT, WITHOUT ROWID;";

static const char recordings[] =
    "CREATE TABLE call_recordings ("
    "  row INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  call_id BLOB NOT NULL, contact_id BLOB NOT NULL,"
    "  owner_id BLOB NOT NULL, owner_type TEXT NOT NULL, owner_name TEXT NOT NULL,"
    "  file_name TEXT NOT NULL, file_path TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    "  stamp BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX call_recordings_of_call ON call_recordings (call_id);"
    "CREATE INDEX call_recordings_of_contact ON call_recordings (contact_id);"
    "CREATE TABLE listen_logs ("
    "  row INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  recording BLOB NOT NULL,"
    "  user_guid BLOB, user_id TEXT, user_name TEXT,"
    "  description TEXT NOT NULL, session TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    "  digest BLOB"
    ") STRICT;"
    "CREATE INDEX listen_logs_of_recording ON listen_logs (recording, row);";

static const char scripts[] =
    "CREATE TABLE script_results ("
    "  row INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL UNIQUE,"
    "  script_id BLOB NOT NULL, name TEXT NOT NULL,"
    "  contact_id BLOB NOT NULL, originalcontact_id BLOB NOT NULL, modified_ms INTEGER NOT NULL,"
    "  stamp BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX script_results_of_contact ON script_results (contact_id);"
    "CREATE INDEX script_results_of_original ON script_results (originalcontact_id);"
    "CREATE TABLE script_questions ("
    "  result BLOB NOT NULL, position INTEGER NOT NULL,"
    "  id BLOB NOT NULL, data TEXT NOT NULL, controltype TEXT NOT NULL, datatype TEXT NOT NULL,"
    "  ordinal TEXT NOT NULL,"
    "  PRIMARY KEY (result, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE script_answers ("
    "  result BLOB NOT NULL, question INTEGER NOT NULL, position INTEGER NOT NULL,"
    "  id BLOB NOT NULL, answerdata TEXT NOT NULL, ordinal TEXT NOT NULL,"
    "  PRIMARY KEY (result, question, position)"
    ") STRICT, WITHOUT ROWID;";

/* Remarks of phone calls and chats; an email's are its own. Keys of writes, whatever they
 * write (D2). */
static const char remarks[] =
    "CREATE TABLE remarks ("
    "  group_id BLOB PRIMARY KEY, text TEXT NOT NULL, at_ms INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE idempotency_keys ("
    "  key TEXT PRIMARY KEY, digest TEXT NOT NULL, at_ms INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at_ms);";

/* What lists of contacts search by (server/contact_search.c): words and trigrams
 * (server/text_index.h), addresses and ids, those that are open, and the few whose times are far
 * apart or backwards, which say how far a search by time has to look. */
static const char search[] =
    "CREATE VIRTUAL TABLE address_words USING fts5(source, destination, content = 'contacts',"
    "  content_rowid = 'row', detail = column, columnsize = 0, tokenize = 'trigram');"
    "CREATE VIRTUAL TABLE subject_words USING fts5(subject, content = 'contacts',"
    "  content_rowid = 'row', columnsize = 0, prefix = '2 3 4 5 6 7 8 9 10',"
    "  tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE VIRTUAL TABLE email_words USING fts5(content, remarks, content = 'emails',"
    "  content_rowid = 'row', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE VIRTUAL TABLE chat_words USING fts5(message, content = 'chat_messages',"
    "  content_rowid = 'row', detail = none, columnsize = 0, tokenize = 'trigram');"
    "INSERT INTO address_words (rowid, source, destination)"
    "  SELECT row, source, destination FROM contacts"
    "  WHERE (source IS NOT NULL OR destination IS NOT NULL);"
    "INSERT INTO subject_words (rowid, subject)"
    "  SELECT row, subject FROM contacts WHERE subject IS NOT NULL;"
    "INSERT INTO email_words (rowid, content, remarks) SELECT row, content, remarks FROM emails"
    "  WHERE (content IS NOT NULL OR remarks IS NOT NULL);"
    "INSERT INTO chat_words (rowid, message) SELECT row, message FROM chat_messages;"
    "CREATE INDEX contacts_by_source ON contacts (lower(trim(source)));"
    "CREATE INDEX contacts_by_destination ON contacts (lower(trim(destination)));"
    "CREATE INDEX contacts_of_agent ON contacts (agent_id) WHERE agent_id IS NOT NULL;"
    "CREATE INDEX contacts_of_queue ON contacts (queue_id) WHERE queue_id IS NOT NULL;"
    "CREATE INDEX contacts_unhandled ON contacts (status) WHERE status <> 'Handled';"
    "CREATE INDEX contacts_long ON contacts (disconnect_ms)"
    "  WHERE disconnect_ms - arrival_ms > 86400000;"
    "CREATE INDEX contacts_backwards ON contacts (disconnect_ms)"
    "  WHERE disconnect_ms < arrival_ms;"
    "CREATE INDEX email_contacts ON contacts (channel) WHERE channel = 'EMAIL';";

/* Who was erased, and what of theirs was (server/erased.h). */
static const char erasure[] =
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE erased_people (hash BLOB PRIMARY KEY, at_ms INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE erased_things (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* What a contact entered after its first queue (server/leg_queues.h). */
static const char later_queues[] = "ALTER TABLE contacts ADD COLUMN later_queues BLOB;";

/* Bits that tell most addresses from those of people who were erased (server/erased.c). */
static const char quick_bits[] = "ALTER TABLE erased_people ADD COLUMN quick INTEGER;";

/* Things of people who were erased, until nothing is left of them (server/erased_kin.h). */
static const char erased_rest[] =
    "CREATE TABLE erased_rest (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* Blanks around are tabs, too, and around a case as around an address. */
static const char trimmed[] =
    "DROP INDEX chats_by_source; DROP INDEX chats_by_destination;"
    "DROP INDEX contacts_by_source; DROP INDEX contacts_by_destination;"
    "DROP INDEX emails_by_case; DROP INDEX emails_by_cid;"
    "CREATE INDEX chats_by_source ON contacts (lower(trim(source, ' \t')))"
    "  WHERE channel = 'CHAT' AND leads = 1;"
    "CREATE INDEX chats_by_destination ON contacts (lower(trim(destination, ' \t')))"
    "  WHERE channel = 'CHAT' AND leads = 1;"
    "CREATE INDEX contacts_by_source ON contacts (lower(trim(source, ' \t')));"
    "CREATE INDEX contacts_by_destination ON contacts (lower(trim(destination, ' \t')));"
    "CREATE INDEX emails_by_case ON emails (trim(case_id, ' \t')) WHERE case_id IS NOT NULL;"
    "CREATE INDEX emails_by_cid ON emails (trim(cid, ' \t')) WHERE cid IS NOT NULL;";

/* Things of one millisecond stand in the order of their ids (server/place.h): before, only the
 * first bits counted. Those that stand otherwise change places among themselves. */
#define RANKED(by, order)                                                                          \
    "CREATE TEMP TABLE " by " (ms INTEGER, n INTEGER, row INTEGER, PRIMARY KEY (ms, n))"           \
    "  STRICT, WITHOUT ROWID;"                                                                     \
    "INSERT INTO " by " SELECT ms, row_number() OVER (PARTITION BY ms ORDER BY " order "), row"    \
    "  FROM tied;"
#define BY_ROW RANKED("by_row", "row")
#define BY_ID  RANKED("by_id", "id DESC")
#define FIND_MOVES(table)                                                                          \
    "CREATE TEMP TABLE tied (row INTEGER PRIMARY KEY, ms INTEGER, id BLOB) STRICT;"                \
    "INSERT INTO tied SELECT t.row, ms, t.id FROM (SELECT DISTINCT ms FROM"                        \
    "    (SELECT row >> 20 AS ms, lag(row >> 20) OVER w AS other_ms, id, lag(id) OVER w AS other"  \
    "      FROM " table " WHERE row > 0 WINDOW w AS (ORDER BY row))"                               \
    "    WHERE ms = other_ms AND id > other)"                                                      \
    "  CROSS JOIN " table " t ON t.row >= ms << 20 AND t.row < (ms + 1) << 20;" BY_ROW BY_ID       \
    "CREATE TEMP TABLE moves (at INTEGER PRIMARY KEY, goes INTEGER NOT NULL) STRICT;"              \
    "INSERT INTO moves SELECT i.row, r.row FROM by_id i JOIN by_row r USING (ms, n)"               \
    "  WHERE i.row <> r.row;"                                                                      \
    "DROP TABLE tied; DROP TABLE by_row; DROP TABLE by_id;"
#define MOVE(table) /* by way of numbers that nothing has */                                       \
    "UPDATE " table " SET row = (SELECT goes FROM moves WHERE at = row) - 9223372036854775807 - 1" \
    "  WHERE row IN (SELECT at FROM moves);"                                                       \
    "UPDATE " table " SET row = row + 9223372036854775807 + 1"                                     \
    "  WHERE row IN (SELECT goes - 9223372036854775807 - 1 FROM moves);"
#define MOVES_OF_CONTACTS FIND_MOVES("contacts")
#define MOVE_CONTACTS     MOVE("contacts")
#define PLACES(table)     FIND_MOVES(table) MOVE(table) "DROP TABLE moves;"
static const char places_of_contacts[] = MOVES_OF_CONTACTS
    "INSERT INTO address_words (address_words, rowid, source, destination)"
    "  SELECT 'delete', row, source, destination FROM contacts"
    "  WHERE row IN (SELECT at FROM moves) AND (source IS NOT NULL OR destination IS NOT NULL);"
    "INSERT INTO subject_words (subject_words, rowid, subject)"
    "  SELECT 'delete', row, subject FROM contacts"
    "  WHERE row IN (SELECT at FROM moves) AND subject IS NOT NULL;" MOVE_CONTACTS
    "INSERT INTO address_words (rowid, source, destination)"
    "  SELECT row, source, destination FROM contacts"
    "  WHERE row IN (SELECT at FROM moves) AND (source IS NOT NULL OR destination IS NOT NULL);"
    "INSERT INTO subject_words (rowid, subject) SELECT row, subject FROM contacts"
    "  WHERE row IN (SELECT at FROM moves) AND subject IS NOT NULL;"
    "UPDATE contacts SET leads = (row = (SELECT c.row FROM contacts c"
    "    WHERE c.group_id = contacts.group_id AND c.row > 0"
    "    ORDER BY c.previous_id IS NOT NULL, c.row LIMIT 1))"
    "  WHERE row > 0 AND group_id IN"
    "  (SELECT group_id FROM contacts WHERE row IN (SELECT at FROM moves));"
    "DROP TABLE moves;";
static const char places_of_recordings[] = PLACES("call_recordings");
static const char places_of_scripts[] = PLACES("script_results");
static const char places_of_logs[] = PLACES("listen_logs");

/* The index of chats stands on folded texts (server/fold.h). Those of ASCII alone are in it as they
 * would be anyway. */
#define BEYOND_ASCII " WHERE length(message) <> length(CAST(message AS BLOB));"
static const char folded_chats[] =
    "INSERT INTO chat_words (chat_words, rowid, message)"
    "  SELECT 'delete', row, message FROM chat_messages" BEYOND_ASCII
    "INSERT INTO chat_words (rowid, message)"
    "  SELECT row, cmi_folded(message) FROM chat_messages" BEYOND_ASCII;

/* A chat is led by its group's first CHAT leg. Before, by the first one of any channel, so that
 * what began as a phone call was no chat. What is led already stays so; marks of other channels
 * mean nothing. */
static const char leads_of_chats[] =
    "UPDATE contacts SET leads = 1 WHERE row IN (SELECT"
    "  (SELECT l.row FROM contacts l INDEXED BY contacts_of_group"
    "    WHERE l.group_id = g.group_id AND l.row > 0 AND l.channel = 'CHAT'"
    "    ORDER BY EXISTS (SELECT 1 FROM contacts p WHERE p.id = l.previous_id AND p.row > 0"
    "      AND p.channel = 'CHAT' AND p.group_id = l.group_id), l.row LIMIT 1)"
    "  FROM (SELECT DISTINCT group_id FROM contacts"
    "    WHERE channel = 'CHAT' AND leads = 0 AND row > 0) g"
    "  WHERE NOT EXISTS (SELECT 1 FROM contacts k INDEXED BY contacts_of_group"
    "    WHERE k.group_id = g.group_id AND k.channel = 'CHAT' AND k.leads = 1));";

/* The same bits of a part of each address, which is asked for first. */
static const char part_bits[] = "ALTER TABLE erased_people ADD COLUMN part INTEGER;";

const char *const history_schema[] = {contacts,
                                      chats,
                                      emails,
                                      recordings,
                                      scripts,
                                      remarks,
                                      search,
                                      erasure,
                                      later_queues,
                                      quick_bits,
                                      erased_rest,
                                      trimmed,
                                      places_of_contacts,
                                      places_of_recordings,
                                      places_of_scripts,
                                      places_of_logs,
                                      folded_chats,
                                      leads_of_chats,
                                      part_bits};
const int history_schema_steps = sizeof history_schema / sizeof *history_schema;
