/* serve: consents (contract 18), against the real binary on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/percent.h"
#include "bridge/core/shard.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

static struct serve_rig rig;

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

static void set(const char *address, const char *usage, bool consent)
{
    char body[256];

    snprintf(body, sizeof body, "{\"address\":\"%s\",\"usage\":\"%s\",\"consent\":%s}", address,
             usage, consent ? "true" : "false");
    serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
}

static void the_specification_s_example_is_kept_and_shown(void **state)
{
    (void)state;
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\n\"address\": \"+8541255455\",\n\"usage\": \"whatsapp\",\n"
                 "\"consent\": true\n}",
                 204, "");
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_+8541255455", "", NULL, 200,
                 "{\"address\":\"+8541255455\",\"usage\":\"whatsapp\",\"consent\":true}");
    serve_expect(&rig, "GET", "/customerConsents/recording_+8541255455", "", NULL, 404,
                 "HTTP 404 Not Found\n");
}

static void a_number_is_the_same_in_every_spelling_and_shown_as_given_last(void **state)
{
    (void)state;
    set("+325154786", "whatsapp", true);
    set("0032 (515) 47-86", "whatsapp", false);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_325154786", "", NULL, 200,
                 "{\"address\":\"0032 (515) 47-86\",\"usage\":\"whatsapp\",\"consent\":false}");
    serve_expect(&rig, "GET", "/customerConsents?address=%2B325154786", "", NULL, 200,
                 "[{\"address\":\"0032 (515) 47-86\",\"usage\":\"whatsapp\",\"consent\":false}]");
    set("Sam_I@Greeneggs.ham", "recording", true);
    serve_expect(&rig, "GET", "/customerConsents/recording_sam_i@greeneggs.HAM", "", NULL, 200,
                 "{\"address\":\"Sam_I@Greeneggs.ham\",\"usage\":\"recording\",\"consent\":true}");
}

/* A script leaves one, or indented XML. */
static void a_line_end_falls_away_as_a_blank_does(void **state)
{
    static const char shown[] =
        "{\"address\":\"\\n  +325154799\\n\",\"usage\":\"whatsapp\",\"consent\":false}";
    char list[128];

    (void)state;
    set("+325154799", "whatsapp", true);
    set("\\n  +325154799\\n", "whatsapp", false);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_+325154799", "", NULL, 200, shown);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_325154799%0A", "", NULL, 200, shown);
    snprintf(list, sizeof list, "[%s]", shown);
    serve_expect(&rig, "GET", "/customerConsents?address=%2B325154799", "", NULL, 200, list);
    serve_expect(&rig, "GET", "/customerConsents?address=32515479?", "", NULL, 200, list);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_325154799", "", NULL, 204, "");
    set("Ham@Greeneggs.ham\\r\\n", "recording", true);
    serve_holds(&rig, "/customerConsents/recording_ham@greeneggs.ham", "\"consent\":true");
    serve_holds(&rig, "/customerConsents?address=ham@greeneggs.ham", "\"consent\":true");
    serve_holds(&rig, "/customerConsents?address=ham@*.ham%0A", "\"consent\":true");
    serve_expect(&rig, "DELETE", "/customerConsents/recording_Ham@greeneggs.ham", "", NULL, 204,
                 "");
}

/* As it was stored while a line end was none: under a normal form of its own. */
static void put_old(const char *usage, const char *address, const char *escaped, bool consent)
{
    unsigned shard = shard_of(view_of(address));
    char command[256];

    snprintf(command, sizeof command, "HSET s:{%02u}:consent \"%s_%s\" \"%d+%s\"", shard, usage,
             escaped, consent, escaped);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    snprintf(command, sizeof command, "ZADD s:{%02u}:consents 0 \"+%s\\x00%s\"", shard, escaped,
             usage);
    assert_int_equal(redis_server_ask(rig.redis, command)[0], ':'); /* it may be there */
}

static void await_moved(int count)
{
    char line[64];

    snprintf(line, sizeof line, "event=consents_moved count=%d\n", count);
    assert_true(serve_rig_await(&rig, line));
}

/* One whose two normal forms lie in the same shard (or do not), with its line end. */
static void number_of(bool same_shard, char plain[16], char ended[16])
{
    for (int i = 0; i < 10000; i++) {
        snprintf(plain, 16, "4670%04d", i);
        snprintf(ended, 16, "%s\n", plain);
        if ((shard_of(view_of(plain)) == shard_of(view_of(ended))) == same_shard)
            return;
    }
    fail();
}

static void expect_consent(const char *usage, const char *plain, bool consent)
{
    char path[64];
    char shown[128];

    snprintf(shown, sizeof shown, "[{\"address\":\"+%s\\n\",\"usage\":\"%s\",\"consent\":%s}]",
             plain, usage, consent ? "true" : "false");
    snprintf(path, sizeof path, "/customerConsents?address=%s&usage=%s", plain, usage);
    serve_expect(&rig, "GET", path, "", NULL, 200, shown);
    snprintf(path, sizeof path, "/customerConsents/%s_%s", usage, plain);
    serve_holds(&rig, path, consent ? "\"consent\":true" : "\"consent\":false");
}

/* Who upgrades waits for it: docs/OPERATIONS.md. */
static void a_start_says_that_all_is_moved_also_where_nothing_was(void **state)
{
    (void)state;
    await_moved(0);
}

static void what_lies_under_a_line_end_is_moved_at_the_start(void **state)
{
    char plain[16];
    char ended[16];
    char escaped[24];
    char spelled[24];

    (void)state;
    for (int same = 0; same < 2; same++) {
        number_of(same, plain, ended);
        snprintf(escaped, sizeof escaped, "%s\\n", plain);
        put_old("whatsapp", ended, escaped, false);
        put_old("recording", ended, escaped, true);
        snprintf(spelled, sizeof spelled, "00%s", plain);
        set(spelled, "whatsapp", true); /* the refusal takes its place */
    }
    put_old("whatsapp", "\n", "\\n", true); /* nobody's */
    put_old("whatsapp", "\u2068+46704\u2069", "\\xe2\\x81\\xa8+46704\\xe2\\x81\\xa9", false);
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    await_moved(6);
    serve_holds(&rig, "/customerConsents/whatsapp_46704", "\"consent\":false");
    for (int same = 0; same < 2; same++) {
        number_of(same, plain, ended);
        expect_consent("whatsapp", plain, false);
        expect_consent("recording", plain, true);
        snprintf(escaped, sizeof escaped, "%s\\n", plain);
        put_old("whatsapp", ended, escaped, true); /* takes the place of no refusal */
    }
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    await_moved(2);
    for (int same = 0; same < 2; same++) {
        number_of(same, plain, ended);
        expect_consent("whatsapp", plain, false);
    }
    serve_lacks(&rig, "/customerConsents?usage=whatsapp", "\"+\\n\"");
    assert_string_equal(
        redis_server_ask(rig.redis,
                         "EVAL \"local n = 0 for i = 0, 63 do n = n + #redis.call('HSCAN', "
                         "string.format('s:{%02d}:consent', i), 0, 'MATCH', '*\\\\n*', 'COUNT', "
                         "1000)[2] end return n\" 0"),
        ":0");
}

/* The first shard is damaged: what lies in others is moved, once at the first pass. */
static void a_damaged_key_keeps_no_other_consent_from_its_place(void **state)
{
    char plain[16];
    char ended[16];
    char escaped[24];
    char path[64];

    (void)state;
    (void)redis_server_ask(rig.redis, "DEL s:{00}:consent");
    assert_string_equal(redis_server_ask(rig.redis, "SET s:{00}:consent x"), "+OK");
    for (int i = 0; i < 2; i++) {
        number_of(i, plain, ended);
        assert_true(shard_of(view_of(ended)) > 0 && shard_of(view_of(plain)) > 0);
        snprintf(escaped, sizeof escaped, "%s\\n", plain);
        put_old("recording", ended, escaped, i == 0);
    }
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    assert_true(serve_rig_await(&rig, "event=consents_move_failed shard=0 error=\"WRONGTYPE "));
    assert_true(serve_rig_await(&rig, "event=consents_moved_in_part count=2\n"));
    for (int i = 0; i < 2; i++) {
        number_of(i, plain, ended);
        snprintf(path, sizeof path, "/customerConsents/recording_%s", plain);
        serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    }
    (void)redis_server_ask(rig.redis, "DEL s:{00}:consent");
}

static void an_address_has_no_case_beyond_ascii_either(void **state)
{
    static const char shown[] =
        "{\"address\":\"äiti@ökö.FI\",\"usage\":\"whatsapp\",\"consent\":false}";

    (void)state;
    set("Äiti@Ökö.fi", "whatsapp", true);
    set("äiti@ökö.FI", "whatsapp", false);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_%C3%84ITI@%C3%96K%C3%96.FI", "", NULL,
                 200, shown);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_%C3%84iti@%C3%B6k%C3%B6.fi", "", NULL,
                 204, "");
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_%C3%A4iti@%C3%B6k%C3%B6.fi", "", NULL,
                 404, "HTTP 404 Not Found\n");
}

static void a_pattern_searches_the_digits_too(void **state)
{
    static const char found[] =
        "[{\"address\":\"0049 (30) 5550-1\",\"usage\":\"whatsapp\",\"consent\":true}]";

    (void)state;
    set("0049 (30) 5550-1", "whatsapp", true);
    serve_expect(&rig, "GET", "/customerConsents?address=%2B493055*", "", NULL, 200, found);
    serve_expect(&rig, "GET", "/customerConsents?address=*55501", "", NULL, 200, found);
    serve_expect(&rig, "GET", "/customerConsents?address=4930555??", "", NULL, 200, found);
    serve_expect(&rig, "GET", "/customerConsents?address=*5550-1", "", NULL, 200, found);
    serve_expect(&rig, "GET", "/customerConsents?address=4930555?", "", NULL, 200, "[]");
    serve_expect(&rig, "GET", "/customerConsents?address=00*5550-1", "", NULL, 200, found);
    serve_expect(&rig, "GET", "/customerConsents?address=00*55501", "", NULL, 200, "[]");
    serve_expect(&rig, "GET", "/customerConsents?address=(*", "", NULL, 200, "[]");
    serve_expect(&rig, "GET", "/customerConsents?address=-*", "", NULL, 200, "[]");
    serve_expect(&rig, "GET", "/customerConsents?address=%2B*-1", "", NULL, 200, "[]");
}

#define E_16  "éééééééééééééééé"
#define E_64  E_16 E_16 E_16 E_16
#define E_256 E_64 E_64 E_64 E_64

static void an_address_of_256_characters_of_any_kind_is_taken(void **state)
{
    struct buf path;
    struct buf list;
    struct probe_reply r;

    (void)state;
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"" E_256 "\",\"usage\":\"whatsapp\",\"consent\":true}", 204, "");
    buf_init(&path, 2048);
    buf_init(&list, 2048);
    buf_put_text(&path, "/customerConsents/whatsapp_");
    percent_encode(VIEW(E_256), &path);
    buf_put_text(&list, "/customerConsents?address=");
    percent_encode(VIEW(E_256), &list);
    serve_holds(&rig, buf_text(&path), E_256);
    serve_holds(&rig, buf_text(&list), E_256);
    serve_expect(&rig, "GET", buf_text(&list), "", NULL, 200, NULL);
    buf_put_char(&list, '*');
    r = serve_ask(&rig, "GET", buf_text(&list), "", NULL);
    assert_int_equal(r.status, 400);
    assert_true(view_is(r.body, "address has 257 characters; a pattern's maximum is 256\n"));
    probe_done(&r);
    serve_expect(&rig, "DELETE", buf_text(&path), "", NULL, 204, "");
    buf_done(&path);
    buf_done(&list);
}

/* What can be stored can be looked for. */
static void the_longest_address_is_found(void **state)
{
    char address[1024 + 1];
    char body[1200];
    char path[1200];

    (void)state;
    memset(address, '7', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    snprintf(body, sizeof body, "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}",
             address);
    serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
    snprintf(path, sizeof path, "/customerConsents?address=%s", address);
    serve_holds(&rig, path, address);
    snprintf(path, sizeof path, "/customerConsents?address=%s7", address);
    serve_expect(&rig, "GET", path, "", NULL, 400, "address has 1025 bytes; the maximum is 1024\n");
    snprintf(path, sizeof path, "/callbacks?customerNumber=%s", address);
    serve_expect(&rig, "GET", path, "", NULL, 200, "[]");
    snprintf(path, sizeof path, "/customerConsents/whatsapp_%s", address);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

static void a_deleted_consent_is_gone(void **state)
{
    (void)state;
    set("+777", "whatsapp", true);
    set("+777", "recording", true);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_00777", "", NULL, 204, "");
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_777", "", NULL, 404, NULL);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_777", "", NULL, 404,
                 "HTTP 404 Not Found\n");
    serve_expect(&rig, "GET", "/customerConsents?address=777", "", NULL, 200,
                 "[{\"address\":\"+777\",\"usage\":\"recording\",\"consent\":true}]");
}

static void the_list_is_ordered_searched_and_goes_on_after_its_limit(void **state)
{
    char next[SERVE_NEXT_MAX] = "/customerConsents?address=900*&limit=3";
    static const char *const pages[] = {
        "[{\"address\":\"9001\",\"usage\":\"recording\",\"consent\":false},"
        "{\"address\":\"9001\",\"usage\":\"whatsapp\",\"consent\":true},"
        "{\"address\":\"9002\",\"usage\":\"recording\",\"consent\":false}]",
        "[{\"address\":\"9002\",\"usage\":\"whatsapp\",\"consent\":true},"
        "{\"address\":\"9003\",\"usage\":\"recording\",\"consent\":false},"
        "{\"address\":\"9003\",\"usage\":\"whatsapp\",\"consent\":true}]",
    };

    (void)state;
    for (int i = 3; i >= 1; i--) {
        char address[16];

        snprintf(address, sizeof address, "900%d", i);
        set(address, "whatsapp", true);
        set(address, "recording", false);
    }
    for (size_t i = 0; i < 2; i++) {
        struct probe_reply r = serve_ask(&rig, "GET", next, "", NULL);

        assert_int_equal(r.status, 200);
        assert_true(view_is(r.body, pages[i]));
        assert_true(serve_next(&r, next) == (i == 0));
        probe_done(&r);
    }
    serve_expect(&rig, "GET", "/customerConsents?consent=maybe", "", NULL, 400,
                 "consent is neither true nor false\n");
    serve_expect(&rig, "GET", "/customerConsents?address=9001&consent=True", "", NULL, 200,
                 "[{\"address\":\"9001\",\"usage\":\"whatsapp\",\"consent\":true}]");
    serve_expect(&rig, "GET", "/customerConsents?address=?001&usage=rec*", "", NULL, 200,
                 "[{\"address\":\"9001\",\"usage\":\"recording\",\"consent\":false}]");
}

/* XLEN of the outbox of +888's shard. */
static void expect_told(int count)
{
    char command[64];
    char is[16];

    snprintf(command, sizeof command, "XLEN s:{%02u}:out", shard_of(VIEW("888")));
    snprintf(is, sizeof is, ":%d", count);
    assert_string_equal(redis_server_ask(rig.redis, command), is);
}

static void what_is_out_when_a_consent_goes_is_told_once(void **state)
{
    static const char withdrawn[] = "{\"address\":\"+888\",\"usage\":\"whatsapp\","
                                    "\"consent\":false}";
    char command[160];

    (void)state;
    snprintf(command, sizeof command, "HSET s:{%02u}:hand:whatsapp_888 %s/7 x",
             shard_of(VIEW("888")), "0123456789ABCDEF0123456789ABCDEF");
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    set("+888", "whatsapp", true);
    set("+888", "recording", false); /* of something else */
    expect_told(0);
    for (int i = 0; i < 2; i++)
        serve_expect(&rig, "POST", "/customerConsents", "Idempotency-Key: stop-888\r\n", withdrawn,
                     204, "");
    expect_told(1);
    set("0088 8", "whatsapp", false); /* it is withdrawn already */
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_888", "", NULL, 204, "");
    expect_told(1);
    set("+888", "whatsapp", true);
    serve_expect(&rig, "DELETE", "/customerConsents/whatsapp_888", "", NULL, 204, "");
    expect_told(2);
    set("+888", "whatsapp", false);
    expect_told(3);
    snprintf(command, sizeof command, "DEL s:{%02u}:hand:whatsapp_888", shard_of(VIEW("888")));
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    set("+888", "whatsapp", true);
    set("+888", "whatsapp", false);
    expect_told(3); /* nothing is out */
}

static void what_breaks_a_rule_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"address\":\"1\",\"usage\":\"sms\",\"consent\":true}",
        "{\"address\":\"1\",\"usage\":\"whatsapp\",\"consent\":\"true\"}",
        "{\"address\":\"\\r\\n\",\"usage\":\"whatsapp\",\"consent\":true}",
        "{\"address\":\"()\",\"usage\":\"whatsapp\",\"consent\":true}",
        "{\"address\":\"\",\"usage\":\"whatsapp\",\"consent\":true}",
        "{\"usage\":\"whatsapp\",\"consent\":true}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        serve_expect(&rig, "POST", "/customerConsents", "", bodies[i], 400, NULL);
    serve_expect(&rig, "GET", "/customerConsents/sms_1", "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp", "", NULL, 404, NULL);
    serve_expect(&rig, "PUT", "/customerConsents/whatsapp_1", "", "{}", 405, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_example_is_kept_and_shown),
        cmocka_unit_test(a_number_is_the_same_in_every_spelling_and_shown_as_given_last),
        cmocka_unit_test(a_line_end_falls_away_as_a_blank_does),
        cmocka_unit_test(a_start_says_that_all_is_moved_also_where_nothing_was),
        cmocka_unit_test(what_lies_under_a_line_end_is_moved_at_the_start),
        cmocka_unit_test(a_damaged_key_keeps_no_other_consent_from_its_place),
        cmocka_unit_test(an_address_has_no_case_beyond_ascii_either),
        cmocka_unit_test(a_pattern_searches_the_digits_too),
        cmocka_unit_test(an_address_of_256_characters_of_any_kind_is_taken),
        cmocka_unit_test(the_longest_address_is_found),
        cmocka_unit_test(a_deleted_consent_is_gone),
        cmocka_unit_test(the_list_is_ordered_searched_and_goes_on_after_its_limit),
        cmocka_unit_test(what_is_out_when_a_consent_goes_is_told_once),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
