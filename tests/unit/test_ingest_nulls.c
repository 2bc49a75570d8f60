/* ingest: what null in an event says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

/* A time that is null is not given: it is the event's. What no contact or email lacks stays. */
static void null_takes_away_what_may_be_absent_only(void **state)
{
    static const struct {
        int second; /* of the event, which of each time is the one expected */
        const char *type;
        const char *data;
        const char *column;
        const char *value;
    } steps[] = {
        {1, "contact.received",
         "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\","
         "\"subject\":\"s\",\"status\":null,\"arrivalTime\":null}",
         "arrival_ms", "1714903201000"},
        {2, "contact.accepted", "{\"agentId\":\"" AGENT "\",\"connectTime\":null}", "connect_ms",
         "1714903202000"},
        {3, "contact.ended", "{\"disconnectTime\":null,\"status\":null}", "disconnect_ms",
         "1714903203000"},
        {4, "contact.closed", "{\"wrapUpEndTime\":null}", "wrapup_end_ms", "1714903204000"},
        {5, "contact.updated", "{\"status\":null}", "status", "Handled"},
        {6, "contact.updated", "{\"channel\":null}", "channel", "PHONE"},
        {7, "contact.updated", "{\"type\":null}", "type", "CallIn"},
        {8, "contact.updated", "{\"source\":null}", "source", "1"},
        {9, "contact.updated", "{\"destination\":null}", "destination", "2"},
        {10, "contact.updated", "{\"arrivalTime\":null}", "arrival_ms", "1714903201000"},
        {11, "contact.updated", "{\"subject\":null}", "subject", "-"},
    };
    struct sqlite *db = ingest_hand_open();

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ingest_hand_must(
            db, ingest_hand_event(steps[i].type, "contacts/" LEG, steps[i].second, steps[i].data));
        assert_string_equal(ingest_hand_leg(db, LEG, steps[i].column), steps[i].value);
    }
    ingest_hand_must(
        db, ingest_hand_event("contact.transferred", "contacts/" NEXT, 12,
                              "{\"previousId\":\"" LEG "\",\"channel\":null,\"type\":null,"
                              "\"source\":null,\"destination\":null,\"arrivalTime\":null}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "source"), "1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "arrival_ms"), "1714903212000");
    sqlite_close(db);
}

static void null_takes_nothing_away_that_no_email_lacks(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db,
                     ingest_hand_event("email.received", "emails/" LEG, 1,
                                       "{\"from_queue\":{\"id\":\"" QUEUE
                                       "\"},\"title\":\"t\",\"content\":\"c\","
                                       "\"originator\":\"o\",\"destination\":\"d\",\"cid\":\"7\","
                                       "\"date_created\":null,\"type\":null,\"status\":null}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "type"), "EmailIn");
    assert_string_equal(ingest_hand_leg(db, LEG, "arrival_ms"), "1714903201000");
    ingest_hand_must(db,
                     ingest_hand_event(
                         "email.updated", "emails/" LEG, 2,
                         "{\"from_queue\":null,\"title\":null,\"content\":null,\"originator\":null,"
                         "\"destination\":null,\"type\":null,\"date_created\":null,\"cid\":null}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "type || source || destination || subject"),
                        "EmailInodt");
    assert_string_equal(ingest_hand_leg(db, LEG, "hex(queue_id)"), QUEUE);
    assert_string_equal(ingest_hand_leg(db, LEG, "arrival_ms"), "1714903201000");
    assert_string_equal(ingest_hand_ask(db, "SELECT content FROM emails"), "c");
    assert_string_equal(ingest_hand_ask(db, "SELECT cid FROM emails"), "-");
    sqlite_close(db);
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
        cmocka_unit_test(null_takes_away_what_may_be_absent_only),
        cmocka_unit_test(null_takes_nothing_away_that_no_email_lacks),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
