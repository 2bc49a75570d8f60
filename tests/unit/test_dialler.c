/* diallers: the request of each, and what its reply means for the callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/cmi_rules.h"
#include "bridge/core/dialler.h"
#include "bridge/core/dialler_report.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"

#include <string.h>

#define ID "5E1F0A2B3C4D5E6F708192A3B4C5D6E7"

static struct dialler_call call_of(bool whole)
{
    struct dialler_call call = {.attempt = 2,
                                .customer_number = VIEW("+35854852156"),
                                .callback_queue_number = VIEW("153"),
                                .original_queue_number = VIEW("152"),
                                .wall_ms = INT64_C(1700000000000)};

    assert_true(guid_parse(VIEW(ID), &call.callback));
    if (whole) {
        call.gw_prefix = VIEW("FIN");
        call.extra_data = VIEW("<XML/>");
        call.notes = VIEW("");
    }
    return call;
}

static void the_webhook_gets_what_the_contract_has(void **state)
{
    const struct signature_crypto crypto = {crypto_hmac_sha256, crypto_same};
    struct channel_setup setup = {.hmac_sha256 = crypto_hmac_sha256,
                                  .keys = {VIEW("a key of exactly thirty-two byte")}};
    struct dialler_call call = call_of(true);
    struct channel_request r;
    struct fault f = {0};
    size_t n = 0;

    (void)state;
    channel_request_init(&r);
    assert_true(dialler_find("webhook")->build(&setup, &call, &r, &f));
    assert_string_equal(r.method, "POST");
    assert_string_equal(buf_text(&r.path), "");
    assert_string_equal(buf_text(&r.body),
                        "{\"callbackId\":\"" ID "\",\"attempt\":2,"
                        "\"customerNumber\":\"+35854852156\",\"callbackQueueNumber\":\"153\","
                        "\"originalQueueNumber\":\"152\",\"gwPrefix\":\"FIN\","
                        "\"extraData\":\"<XML/>\",\"notes\":\"\"}");
    assert_true(
        view_is(http_field_find(r.headers, r.header_count, "idempotency-key", &n), ID "-2"));
    assert_true(signature_check(&crypto, setup.keys, 1, VIEW(ID "-2"), VIEW("1700000000"),
                                http_field_find(r.headers, r.header_count, "webhook-signature", &n),
                                buf_view(&r.body), call.wall_ms, &f));
    channel_request_done(&r);
}

static void another_cmi_gets_a_callback_that_it_takes(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct channel_setup setup = {.name = "cmi"};
        struct dialler_call call = call_of(whole == 1);
        struct channel_request r;
        struct fault f = {0};

        channel_request_init(&r);
        assert_true(dialler_find("cmi")->build(&setup, &call, &r, &f));
        assert_string_equal(buf_text(&r.path), "/callbacks");
        if (!cmi_body_check(json_in_read, buf_view(&r.body), &cmi_callback, CMI_POST,
                            (struct cmi_visitor){.ctx = NULL}, &f))
            fail_msg("%s", f.text);
        channel_request_done(&r);
    }
}

static void key_of(const char *dialler, unsigned attempt, unsigned anew, char out[64])
{
    const struct channel_setup setup = {.name = "d"};
    struct dialler_call call = call_of(false);
    struct channel_request r;
    struct fault f = {0};
    size_t n = 0;

    call.attempt = attempt;
    call.anew = anew;
    channel_request_init(&r);
    assert_true(dialler_find(dialler)->build(&setup, &call, &r, &f));
    view_copy(http_field_find(r.headers, r.header_count, "idempotency-key", &n), out, 64);
    channel_request_done(&r);
}

/* It dials itself, and what it has it is not to have twice; a call that a person asks for anew is
 * another. */
static void another_cmi_gets_one_key_in_all_attempts_at_a_call(void **state)
{
    char first[64];
    char again[64];
    char anew[64];

    (void)state;
    key_of("cmi", 1, 0, first);
    key_of("cmi", 3, 0, again);
    key_of("cmi", 4, 1, anew);
    assert_string_equal(first, ID "-1");
    assert_string_equal(again, first);
    assert_string_equal(anew, ID "-new-1");
    key_of("webhook", 3, 1, again);
    assert_string_equal(again, ID "-3");
}

static void every_reply_has_its_meaning(void **state)
{
    static const struct {
        const char *dialler;
        int status;
        const char *retry_after;
        const char *body;
        enum dialler_verdict verdict;
        enum callback_result result;
        int64_t next_ms;
        int64_t wait_ms;
        const char *id;
    } rows[] = {
        {"webhook", 200, NULL, "{\"result\":\"BUSY\"}", DIALLER_RESULT, CALLBACK_BUSY, -1, 0, ""},
        {"webhook", 200, NULL, "{\"result\":\"SUCCESSFUL\",\"id\":\"c-9\"}", DIALLER_RESULT,
         CALLBACK_SUCCESSFUL, -1, 0, "c-9"},
        {"webhook", 200, NULL,
         "{\"result\":\"CUSTOM_TIME\",\"nextCallTime\":\"2023-11-14T22:13:20.000Z\"}",
         DIALLER_RESULT, CALLBACK_CUSTOM_TIME, INT64_C(1700000000000), 0, ""},
        /* A time with what sets none is passed over, as in a report. */
        {"webhook", 200, NULL,
         "{\"result\":\"SUCCESSFUL\",\"nextCallTime\":\"2023-11-14T22:13:20.000Z\"}",
         DIALLER_RESULT, CALLBACK_SUCCESSFUL, -1, 0, ""},
        {"webhook", 200, NULL,
         "{\"result\":\"BUSY\",\"nextCallTime\":\"2023-11-14T22:13:20.000Z\"}", DIALLER_RESULT,
         CALLBACK_BUSY, -1, 0, ""},
        {"webhook", 200, NULL, "{\"result\":\"RESCHEDULE\",\"nextCallTime\":\"soon\"}",
         DIALLER_RESULT, CALLBACK_RESCHEDULE, -1, 0, ""},
        {"webhook", 202, NULL, "", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 200, NULL, "<html>", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 200, NULL, "{\"result\":\"ADDED\"}", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 200, NULL, "{\"result\":\"busy\"}", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 400, NULL, "", DIALLER_REFUSED, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 401, NULL, "", DIALLER_STOPPED, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 403, NULL, "", DIALLER_FORBIDDEN, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 307, NULL, "", DIALLER_STOPPED, CALLBACK_ADDED, -1, 0, ""},
        {"webhook", 303, NULL, "", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""}, /* it may ring */
        {"webhook", 429, "5", "", DIALLER_NOT_DIALLED, CALLBACK_ADDED, -1, 5000, ""},
        {"webhook", 503, "5", "", DIALLER_NOT_DIALLED, CALLBACK_ADDED, -1, 5000, ""},
        {"webhook", 500, NULL, "", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""}, /* it may ring */
        {"webhook", 504, NULL, "", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"cmi", 201, NULL, ID "\n", DIALLER_RESULT, CALLBACK_HANDLED, -1, 0, ID},
        {"cmi", 201, NULL, "", DIALLER_RESULT, CALLBACK_HANDLED, -1, 0, ""},
        {"cmi", 200, NULL, "<html>", DIALLER_LATER, CALLBACK_ADDED, -1, 0, ""},
        {"cmi", 400, NULL, "Callback queue not found", DIALLER_REFUSED, CALLBACK_ADDED, -1, 0, ""},
        /* Not this callback as it is now: nobody is to hope that it has it. */
        {"cmi", 422, NULL, "another body", DIALLER_REFUSED, CALLBACK_ADDED, -1, 0, ""},
        {"cmi", 503, "1", "", DIALLER_NOT_DIALLED, CALLBACK_ADDED, -1, 1000, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct channel_reply reply = {.status = rows[i].status,
                                      .retry_after = view_of(rows[i].retry_after),
                                      .body = view_of(rows[i].body)};
        struct dialler_outcome out;

        dialler_find(rows[i].dialler)->judge(&reply, &out);
        if (out.verdict != rows[i].verdict || out.result != rows[i].result ||
            out.next_call_ms != rows[i].next_ms || out.wait_ms != rows[i].wait_ms ||
            strcmp(out.id, rows[i].id) != 0)
            fail_msg("row %zu: %s, %s", i, dialler_verdict_name(out.verdict), out.reason);
    }
    assert_null(dialler_find("smoke"));
}

static void a_reason_repeats_nothing_of_the_call(void **state)
{
    static const struct channel_setup setup = {.token = "sehr-geheim"};
    static const struct dialler_call call = {.customer_number = {"sip:sam@greeneggs.ham", 21},
                                             .extra_data = {"gold", 4},
                                             .notes = {"Sam är arg", 11}};
    struct channel_reply reply = {
        .status = 400, .body = VIEW("no: sam ar arg (GOLD), sip:sam@greeneggs.ham; sehr-geheim")};
    struct channel_told told;

    (void)state;
    dialler_told(&setup, &call, &told);
    reply.told = &told;
    for (size_t i = 0; diallers[i] != NULL; i++) {
        struct dialler_outcome out;

        diallers[i]->judge(&reply, &out);
        assert_string_equal(out.reason, "400: no: (10 characters) ((4 characters)), "
                                        "s…@greeneggs.ham; (11 characters)");
    }
}

static void a_report_is_read_as_it_is_meant(void **state)
{
    static const struct {
        const char *body;
        const char *says; /* NULL: it is one */
        enum callback_result result;
        bool has_time;
    } rows[] = {
        {"{\"callbackId\":\"" ID "\",\"attempt\":2,\"result\":\"BUSY\"}", NULL, CALLBACK_BUSY,
         false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":2,\"result\":\"BUSY\",\"nextCallTime\":7}", NULL,
         CALLBACK_BUSY, false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":2,\"result\":\"RESCHEDULE\","
         "\"nextCallTime\":\"2023-11-14T22:13:20Z\",\"reason\":\"he said 358401234567\"}",
         NULL, CALLBACK_RESCHEDULE, true},
        {"{\"callbackId\":\"" ID "\",\"attempt\":2,\"result\":\"RESCHEDULE\","
         "\"nextCallTime\":\"soon\"}",
         "nextCallTime", CALLBACK_ADDED, false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":2,\"result\":\"ADDED\"}", "result", CALLBACK_ADDED,
         false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":2}", "result", CALLBACK_ADDED, false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":0,\"result\":\"BUSY\"}", "attempt", CALLBACK_ADDED,
         false},
        {"{\"callbackId\":\"" ID "\",\"attempt\":\"2\",\"result\":\"BUSY\"}", "attempt",
         CALLBACK_ADDED, false},
        {"{\"callbackId\":\"7\",\"attempt\":2,\"result\":\"BUSY\"}", "callbackId", CALLBACK_ADDED,
         false},
        {"[]", "callbackId", CALLBACK_ADDED, false},
        {"", "JSON", CALLBACK_ADDED, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dialler_report r;
        struct fault f = {0};
        bool ok = dialler_report_read(view_of(rows[i].body), &r, &f);

        if (ok != (rows[i].says == NULL) || (!ok && strstr(f.text, rows[i].says) == NULL))
            fail_msg("row %zu: %s", i, f.text);
        if (!ok)
            continue;
        assert_int_equal(r.attempt, 2);
        assert_int_equal(r.put.result, rows[i].result);
        assert_int_equal(r.put.has_next_call, rows[i].has_time);
        assert_null(strstr(r.reason, "358401"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_webhook_gets_what_the_contract_has),
        cmocka_unit_test(another_cmi_gets_a_callback_that_it_takes),
        cmocka_unit_test(another_cmi_gets_one_key_in_all_attempts_at_a_call),
        cmocka_unit_test(every_reply_has_its_meaning),
        cmocka_unit_test(a_reason_repeats_nothing_of_the_call),
        cmocka_unit_test(a_report_is_read_as_it_is_meant),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
