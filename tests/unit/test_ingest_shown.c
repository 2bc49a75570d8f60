/* ingest: what is shown where the specification says it in one place and the data in another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/guid.h"
#include "bridge/io/crypto.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <stdio.h>

/* Of a phone call without hyphens (L1498), whichever event says first what it is. */
static void a_group_that_is_named_has_one_spelling(void **state)
{
#define NAMES(channel, type, more)                                                                 \
    "{\"channel\":\"" channel "\",\"type\":\"" type                                                \
    "\",\"source\":\"a\",\"destination\":\"b\"" more "}"
#define IN_GROUP "\"contactGroupId\":\"call-77\""
    static const struct {
        const char *before;
        const char *received;
        const char *after;
        const char *shown;
    } rows[] = {
        {"{}", NAMES("PHONE", "CallIn", "," IN_GROUP), "{}", "hex(group_id)"},
        {"{}", NAMES("PHONE", "CallIn", ""), "{" IN_GROUP "}", "hex(group_id)"},
        {"{" IN_GROUP "}", NAMES("PHONE", "CallIn", ""), "{}", "hex(group_id)"},
        {"{" IN_GROUP "}", NAMES("CHAT", "ChatIn", ""), "{}",
         "substr(hex(group_id), 1, 8) || '-' || substr(hex(group_id), 9, 4) || '-' ||"
         " substr(hex(group_id), 13, 4) || '-' || substr(hex(group_id), 17, 4) || '-' ||"
         " substr(hex(group_id), 21)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = ingest_hand_open();
        char shown[GUID_TEXT_MAX];
        char call[GUID_TEXT_MAX];

        ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/call-77", 0,
                                               NAMES("PHONE", "CallIn", "")));
        snprintf(call, sizeof call, "%s", ingest_hand_ask(db, "SELECT hex(id) FROM contacts"));
        assert_string_equal(ingest_hand_leg(db, call, "group_text"), call);
        ingest_hand_must(db,
                         ingest_hand_event("contact.updated", "contacts/" NEXT, 1, rows[i].before));
        ingest_hand_must(
            db, ingest_hand_event("contact.received", "contacts/" NEXT, 2, rows[i].received));
        ingest_hand_must(db,
                         ingest_hand_event("contact.updated", "contacts/" NEXT, 3, rows[i].after));
        snprintf(shown, sizeof shown, "%s", ingest_hand_leg(db, NEXT, rows[i].shown));
        assert_string_equal(ingest_hand_leg(db, NEXT, "group_text"), shown);
        assert_string_equal(ingest_hand_leg(db, NEXT, "hex(group_id)"), call);
        sqlite_close(db);
    }
}

/* Also where its data has a status, as the specification's own example does (L236). */
static void what_was_sent_has_ended(void **state)
{
    static const struct {
        const char *more;
        const char *details;
        const char *end_ms;
    } rows[] = {
        {"", "Sent", "1714903203000"},
        {",\"status\":\"handled\"", "Sent", "1714903203000"},
        {",\"status\":\"InProcess\"", "Sent", "1714903203000"},
        {",\"status\":\"archived\"", "Sent", "1714903203000"},
        {",\"status\":null,\"statusDetails\":null", "Sent", "1714903203000"},
        {",\"status\":\"handled\",\"statusDetails\":\"Forwarded\"", "Forwarded", "1714903203000"},
        {",\"status\":\"handled\",\"date_created\":\"2016-05-27T11:37:42.060Z\"", "Sent",
         "1464349062060"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = ingest_hand_open();
        char data[512];

        snprintf(data, sizeof data,
                 "{\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"Q\"},\"title\":\"t\","
                 "\"content\":\"c\",\"originator\":\"o\",\"destination\":\"d\"%s}",
                 rows[i].more);
        ingest_hand_must(db, ingest_hand_event("email.sent", "emails/" NEXT, 3, data));
        assert_string_equal(ingest_hand_leg(db, NEXT, "status"), "Handled");
        assert_string_equal(ingest_hand_leg(db, NEXT, "status_details"), rows[i].details);
        assert_string_equal(ingest_hand_leg(db, NEXT, "arrival_ms"), rows[i].end_ms);
        assert_string_equal(ingest_hand_leg(db, NEXT, "disconnect_ms"), rows[i].end_ms);
        sqlite_close(db);
    }
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_is_named_has_one_spelling),
        cmocka_unit_test(what_was_sent_has_ended),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
