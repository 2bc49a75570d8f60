/* serve: Idempotency-Key (D2) and a store that comes and goes (D1, D10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/guid.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

static struct serve_rig rig;

#define CALLBACK(number) "{\"customerNumber\":\"" number "\",\"callbackQueueNumber\":\"153\"}"
#define MESSAGE(number)                                                                            \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"destinations\":[{\"address\":\"" number "\"}]}"
#define CONSENT(number) "{\"address\":\"" number "\",\"usage\":\"whatsapp\",\"consent\":true}"
#define KEY(key)        "Idempotency-Key: " key "\r\n"

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static size_t count_in(const char *path, const char *text)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, "", NULL);
    size_t count = 0;

    assert_int_equal(r.status, 200);
    for (const char *at = r.body.p; (at = strstr(at, text)) != NULL; at++)
        count++;
    probe_done(&r);
    return count;
}

static void the_same_key_and_body_give_the_first_answer_again(void **state)
{
    char first[33];
    char again[33];

    (void)state;
    serve_create(&rig, "/callbacks", KEY("same"), CALLBACK("4001"), first);
    serve_create(&rig, "/callbacks", KEY("same"), CALLBACK("4001"), again);
    assert_string_equal(first, again);
    assert_int_equal(count_in("/callbacks?customerNumber=4001", "\"4001\""), 1);
    serve_expect(&rig, "POST", "/callbacks", KEY("same"), CALLBACK("4002"), 422, NULL);
    serve_create(&rig, "/messages", KEY("same-m"), MESSAGE("1"), first);
    serve_create(&rig, "/messages", KEY("same-m"), MESSAGE("1"), again);
    assert_string_equal(first, again);
    serve_expect(&rig, "POST", "/messages", KEY("same-m"), MESSAGE("2"), 422, NULL);
    serve_expect(&rig, "POST", "/messages", KEY("same"), MESSAGE("1"), 422, NULL);
    serve_expect(&rig, "POST", "/customerConsents", KEY("same-c"), CONSENT("1"), 204, "");
    serve_expect(&rig, "POST", "/customerConsents", KEY("same-c"), CONSENT("1"), 204, "");
    serve_expect(&rig, "POST", "/customerConsents", KEY("same-c"), CONSENT("2"), 422, NULL);
}

static void without_a_key_each_request_is_its_own(void **state)
{
    char first[33];
    char again[33];

    (void)state;
    serve_create(&rig, "/callbacks", "", CALLBACK("4101"), first);
    serve_create(&rig, "/callbacks", "", CALLBACK("4101"), again);
    assert_string_not_equal(first, again);
}

static void a_put_repeated_under_its_key_has_its_effect_once(void **state)
{
    static const char busy[] = "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"BUSY\"}";
    static const char other[] =
        "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"OTHER\"}";
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", CALLBACK("4201"), id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_expect(&rig, "PUT", path, KEY("put-1"), busy, 204, "");
    serve_expect(&rig, "PUT", path, KEY("put-1"), busy, 204, "");
    serve_holds(&rig, path, "\"failures\":1,");
    serve_expect(&rig, "PUT", path, KEY("put-1"), other, 422, NULL);
    serve_expect(&rig, "PUT", path, KEY("put-2"), other, 204, "");
    serve_expect(&rig, "PUT", path, KEY("put-1"), busy, 204, "");
    serve_holds(&rig, path, "\"failures\":2,");
    serve_holds(&rig, path, "\"lastResult\":\"OTHER\"");
}

static void what_was_refused_is_not_remembered(void **state)
{
    char id[33];

    (void)state;
    serve_expect(&rig, "POST", "/callbacks", KEY("refused"), "{}", 400, NULL);
    serve_create(&rig, "/callbacks", KEY("refused"), CALLBACK("4301"), id);
    serve_expect(&rig, "DELETE", "/messages/2B8ED95B0EC911E79675005056A75D91", KEY("gone"), NULL,
                 404, NULL);
}

static void a_delete_repeated_under_its_key_is_204_and_its_post_still_201(void **state)
{
    char id[33];
    char again[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/messages", KEY("post-d"), MESSAGE("1"), id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_expect(&rig, "DELETE", path, KEY("del"), NULL, 204, "");
    serve_expect(&rig, "DELETE", path, KEY("del"), NULL, 204, "");
    serve_expect(&rig, "DELETE", path, "", NULL, 404, NULL);
    serve_create(&rig, "/messages", KEY("post-d"), MESSAGE("1"), again);
    assert_string_equal(id, again);
    serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
    serve_expect(&rig, "POST", "/customerConsents", "", CONSENT("4400"), 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4400", KEY("del-c"), NULL, 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4400", KEY("del-c"), NULL, 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4400", "", NULL, 404, NULL);
}

static void the_same_thing_in_another_spelling_is_the_same_request(void **state)
{
    static const char put[] = "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"BUSY\"}";
    char id[33];
    char path[64];
    char other[96];
    struct guid g;

    (void)state;
    serve_create(&rig, "/callbacks", "", CALLBACK("4450"), id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    assert_true(guid_parse(view_of(id), &g));
    snprintf(other, sizeof other, "/callbacks/");
    guid_hyphen(&g, other + strlen(other));
    for (char *c = other + strlen("/callbacks/"); *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    serve_expect(&rig, "PUT", path, KEY("spelled"), put, 204, "");
    serve_expect(&rig, "PUT", other, KEY("spelled"), put, 204, "");
    serve_holds(&rig, path, "\"failures\":1,");
    serve_create(&rig, "/messages", "", MESSAGE("1"), id);
    snprintf(path, sizeof path, "/messages/%%3%c%s", id[0], id + 1);
    if (id[0] > '9')
        snprintf(path, sizeof path, "/messages/%s", id);
    snprintf(other, sizeof other, "/messages/%.8s-%.4s-%.4s-%.4s-%s", id, id + 8, id + 12, id + 16,
             id + 20);
    serve_expect(&rig, "DELETE", path, KEY("spelled-d"), NULL, 204, "");
    serve_expect(&rig, "DELETE", other, KEY("spelled-d"), NULL, 204, "");
    serve_expect(&rig, "POST", "/customerConsents", "", CONSENT("+4460"), 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4460", KEY("spelled-c"), NULL, 204,
                 "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_+44-60", KEY("spelled-c"), NULL, 204,
                 "");
}

/* What a key was used for, it can be used for nothing else, whatever that is. */
static void a_key_is_for_one_request_whatever_it_names(void **state)
{
    static const char busy[] = "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"BUSY\"}";
    char message[64];
    char callbacks[2][64];
    char id[33];

    (void)state;
    serve_create(&rig, "/messages", KEY("one-m"), MESSAGE("1"), id);
    snprintf(message, sizeof message, "/messages/%s", id);
    serve_expect(&rig, "DELETE", message, KEY("one-m"), NULL, 422, NULL);
    serve_expect(&rig, "PUT", message, KEY("one-m"), MESSAGE("1"), 422, NULL);
    serve_expect(&rig, "GET", message, "", NULL, 200, NULL);
    for (int i = 0; i < 2; i++) {
        serve_create(&rig, "/callbacks", "", CALLBACK("4470"), id);
        snprintf(callbacks[i], sizeof callbacks[i], "/callbacks/%s", id);
    }
    serve_expect(&rig, "PUT", callbacks[0], KEY("one-p"), busy, 204, "");
    serve_rig_kill(&rig);
    serve_rig_restart(&rig);
    serve_expect(&rig, "PUT", callbacks[1], KEY("one-p"), busy, 422, NULL);
    serve_holds(&rig, callbacks[1], "\"failures\":0,");
    serve_expect(&rig, "DELETE", message, KEY("one-p"), NULL, 422, NULL);
    serve_expect(&rig, "POST", "/messages", KEY("one-p"), MESSAGE("1"), 422, NULL);
    serve_expect(&rig, "POST", "/callbacks", KEY("one-p"), CALLBACK("4471"), 422, NULL);
    serve_expect(&rig, "POST", "/customerConsents", KEY("one-p"), CONSENT("4472"), 422, NULL);
    serve_expect(&rig, "PUT", callbacks[0], KEY("one-p"), busy, 204, "");
    serve_expect(&rig, "DELETE", message, KEY("one-d"), NULL, 204, "");
    serve_expect(&rig, "POST", "/messages", KEY("one-d"), MESSAGE("1"), 422, NULL);
    serve_expect(&rig, "DELETE", message, KEY("one-d"), NULL, 204, "");
    serve_expect(&rig, "POST", "/customerConsents", KEY("one-c"), CONSENT("4473"), 204, "");
    serve_expect(&rig, "POST", "/callbacks", KEY("one-c"), CALLBACK("4474"), 422, NULL);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4473", KEY("one-c"), NULL, 422, NULL);
    serve_expect(&rig, "PUT", callbacks[1], KEY("one-c"), busy, 422, NULL);
    assert_int_equal(count_in("/callbacks?customerNumber=447*", "\"4471\""), 0);
}

/* As if the server had died between effect and note: the request repeated is a replay, and notes
 * what its key was used for. */
static void a_repetition_notes_what_its_key_was_used_for(void **state)
{
    static const char busy[] = "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"BUSY\"}";
    static const char forget[] =
        "EVAL \"local n = 0 for _, k in ipairs(redis.call('KEYS', 's:*:m:*')) do "
        "if redis.call('HLEN', k) == 1 then n = n + redis.call('DEL', k) end end "
        "return n > 0 and 'some' or 'none'\" 0";
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", CALLBACK("4490"), id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_expect(&rig, "PUT", path, KEY("noted"), busy, 204, "");
    assert_string_equal(redis_server_ask(rig.redis, forget), "some");
    serve_expect(&rig, "PUT", path, KEY("noted"), busy, 204, "");
    serve_holds(&rig, path, "\"failures\":1,");
    serve_expect(&rig, "POST", "/callbacks", KEY("noted"), CALLBACK("4491"), 422, NULL);
}

static void what_was_not_done_binds_no_key(void **state)
{
    char id[33];

    (void)state;
    serve_expect(&rig, "DELETE", "/messages/2B8ED95B0EC911E79675005056A75D91", KEY("free"), NULL,
                 404, NULL);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_4480", KEY("free"), NULL, 404, NULL);
    serve_create(&rig, "/callbacks", KEY("free"), CALLBACK("4481"), id);
}

static void a_key_of_one_consent_does_not_delete_another(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) { /* of several shards */
        char path[64];
        char body[96];

        snprintf(path, sizeof path, "/customerConsents/whatsapp_+61%d", i);
        snprintf(body, sizeof body, CONSENT("+61%d"), i);
        serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
        serve_expect(&rig, "POST", "/customerConsents", KEY("mine"), CONSENT("+600"), 204, "");
        serve_expect(&rig, "DELETE", path, KEY("mine"), NULL, 422, NULL);
        serve_expect(&rig, "GET", path, "", NULL, 200, NULL);
        serve_expect(&rig, "DELETE", path, KEY("drop"), NULL, i == 0 ? 204 : 422, NULL);
    }
    serve_expect(&rig, "POST", "/customerConsents", KEY("mine"), CONSENT("+600"), 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_+610", KEY("drop"), NULL, 204, "");
}

static void a_key_is_one_of_1_to_255_printable_characters(void **state)
{
    char headers[300];
    char id[33];

    (void)state;
    for (size_t n = 255; n <= 256; n++) {
        memset(headers, 0, sizeof headers);
        memcpy(headers, "Idempotency-Key: ", 17);
        memset(headers + 17, 'k', n);
        memcpy(headers + 17 + n, "\r\n", 2);
        if (n == 255)
            serve_create(&rig, "/callbacks", headers, CALLBACK("4501"), id);
        else
            serve_expect(&rig, "POST", "/callbacks", headers, CALLBACK("4501"), 400, NULL);
    }
    serve_expect(&rig, "POST", "/callbacks", "Idempotency-Key: \r\n", CALLBACK("1"), 400, NULL);
    serve_expect(&rig, "POST", "/callbacks", "Idempotency-Key: \xc3\xa4\r\n", CALLBACK("1"), 400,
                 NULL);
    serve_expect(&rig, "POST", "/callbacks", KEY("a") KEY("b"), CALLBACK("1"), 400, NULL);
}

static void a_key_whose_request_still_runs_is_409_and_then_served(void **state)
{
    struct probe_reply r;
    char id[33];
    int fd = -1;

    (void)state;
    redis_server_freeze(rig.redis);
    fd = serve_send(&rig, "/callbacks", "running", CALLBACK("4601"));
    serve_await_under_way(&rig, 1);
    r = serve_ask(&rig, "POST", "/callbacks", KEY("running"), CALLBACK("4601"));
    assert_int_equal(r.status, 409);
    assert_string_not_equal(probe_header(&r, "Retry-After"), "");
    probe_done(&r);
    redis_server_thaw(rig.redis);
    r = probe_read(fd, false);
    assert_int_equal(r.status, 201);
    probe_done(&r);
    probe_close(fd);
    serve_create(&rig, "/callbacks", KEY("running"), CALLBACK("4601"), id);
    assert_int_equal(count_in("/callbacks?customerNumber=4601", "\"4601\""), 1);
}

static void keys_hold_over_a_restart_and_a_kill(void **state)
{
    char before[33];
    char after[33];

    (void)state;
    serve_create(&rig, "/callbacks", KEY("restart"), CALLBACK("4701"), before);
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    serve_create(&rig, "/callbacks", KEY("restart"), CALLBACK("4701"), after);
    assert_string_equal(before, after);
    serve_rig_kill(&rig);
    serve_rig_restart(&rig);
    serve_create(&rig, "/callbacks", KEY("restart"), CALLBACK("4701"), after);
    assert_string_equal(before, after);
    assert_int_equal(count_in("/callbacks?customerNumber=4701", "\"4701\""), 1);
}

/* Killed with a request whose fate is open: repeated, it is there once. */
static void a_kill_between_request_and_answer_leaves_one_effect(void **state)
{
    char id[33];
    int fd = -1;

    (void)state;
    redis_server_freeze(rig.redis);
    fd = serve_send(&rig, "/callbacks", "killed", CALLBACK("4801"));
    serve_await_under_way(&rig, 1);
    serve_rig_kill(&rig);
    probe_close(fd);
    redis_server_thaw(rig.redis);
    serve_rig_restart(&rig);
    serve_create(&rig, "/callbacks", KEY("killed"), CALLBACK("4801"), id);
    assert_int_equal(count_in("/callbacks?customerNumber=4801", "\"4801\""), 1);
}

static void assert_ready(int status, const char *says)
{
    struct probe_reply r = probe_ask(rig.admin_port, "GET", "/readyz", "", NULL);

    assert_int_equal(r.status, status);
    assert_non_null(strstr(r.body.p, says));
    probe_done(&r);
}

static void without_redis_it_is_503_and_then_all_is_as_it_was(void **state)
{
    struct probe_reply r;
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", KEY("away"), CALLBACK("4901"), id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    redis_server_kill(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_away"));
    r = serve_ask(&rig, "POST", "/callbacks", "", CALLBACK("4902"));
    assert_int_equal(r.status, 503);
    assert_string_not_equal(probe_header(&r, "Retry-After"), "");
    probe_done(&r);
    serve_expect(&rig, "GET", path, "", NULL, 503, NULL);
    serve_expect(&rig, "GET", "/callbacks", "", NULL, 503, NULL);
    serve_expect(&rig, "GET", "/messages", "", NULL, 503, NULL);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_1", "", NULL, 503, NULL);
    assert_ready(503, "Redis is away: ");
    buf_clear(&rig.log);
    redis_server_restart(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_ready"));
    serve_holds(&rig, path, "4901");
    serve_lacks(&rig, "/callbacks", "4902");
    assert_ready(200, "");
}

/* Nothing is asked of the server meanwhile. */
static void a_redis_that_hangs_unasked_makes_it_not_ready(void **state)
{
    (void)state;
    buf_clear(&rig.log);
    redis_server_freeze(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_away"));
    assert_ready(503, "no reply within the time limit");
    redis_server_thaw(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_ready"));
    assert_ready(200, "");
}

static void the_log_shows_no_number_and_no_text(void **state)
{
    (void)state;
    serve_expect(&rig, "POST", "/customerConsents", "", CONSENT("+358401234567"), 204, "");
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_+358401234567", "", NULL, 204, "");
    serve_rig_stop(&rig); /* all of the log is there */
    assert_non_null(strstr(buf_text(&rig.log), "/customerConsents"));
    assert_null(strstr(buf_text(&rig.log), "401234567"));
    assert_null(strstr(buf_text(&rig.log), "Hello"));
    serve_rig_restart(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key_and_body_give_the_first_answer_again),
        cmocka_unit_test(without_a_key_each_request_is_its_own),
        cmocka_unit_test(a_put_repeated_under_its_key_has_its_effect_once),
        cmocka_unit_test(what_was_refused_is_not_remembered),
        cmocka_unit_test(a_delete_repeated_under_its_key_is_204_and_its_post_still_201),
        cmocka_unit_test(the_same_thing_in_another_spelling_is_the_same_request),
        cmocka_unit_test(a_key_is_for_one_request_whatever_it_names),
        cmocka_unit_test(a_repetition_notes_what_its_key_was_used_for),
        cmocka_unit_test(what_was_not_done_binds_no_key),
        cmocka_unit_test(a_key_of_one_consent_does_not_delete_another),
        cmocka_unit_test(a_key_is_one_of_1_to_255_printable_characters),
        cmocka_unit_test(a_key_whose_request_still_runs_is_409_and_then_served),
        cmocka_unit_test(keys_hold_over_a_restart_and_a_kill),
        cmocka_unit_test(a_kill_between_request_and_answer_leaves_one_effect),
        cmocka_unit_test(without_redis_it_is_503_and_then_all_is_as_it_was),
        cmocka_unit_test(a_redis_that_hangs_unasked_makes_it_not_ready),
        cmocka_unit_test(the_log_shows_no_number_and_no_text),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
