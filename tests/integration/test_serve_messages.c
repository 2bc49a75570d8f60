/* serve: messages (contract 17), against the real binary on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "server/store.h"
#include "tests/fakes/json_lines.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define EXAMPLE_MAX 65536

static struct serve_rig rig;

/* The head of a slice's entry (core/slice.h), and an open quote; the bitmap follows. */
/* One pass is under way, `ok` have been handled; one byte of pending ones follows (core/slice.h).
 */
#define CLAIMED_ONCE(ok, pending)                                                                  \
    "0 \"\\x01\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00" ok                                         \
    "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01" ZEROS ZEROS pending "\""
#define ZEROS "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"

/* The specification's examples, but for the first one's +36584215, which lacks its quotes there. */
#define SPEC_SMS                                                                                   \
    "{\n\"destinations\": {\n\"destination\": [\n{\n\"address\": \"+36584215\"\n},\n{\n"           \
    "\"address\": \"854125477\"\n}\n]\n},\n\"message\": \"It's time do yearly maintenance for "    \
    "your Mercedes. You can call you us or check free time from web www.sinch.com\",\n"            \
    "\"source\": \"12345678@sms.social365.com\",\n\"subType\": \"sms\",\n"                         \
    "\"sendTime\": \"2020-03-12T12:36:01.320Z\",\n\"maxRetryCount\": 2,\n\"retryDelay\": 300\n}"
#define SPEC_TEMPLATE                                                                              \
    "{\n\"destinations\": {\n\"destination\": [\n{\n\"address\": \"+32542115485\"\n}\n]\n},\n"     \
    "\"message\": \"{\\\"template_body\\\": \\\"Dear Customer Your Reservation is ready. Please "  \
    "select your method of ticket delivery: Email, Post or WhatsApp\\\",\\\"type\\\": "            \
    "\\\"template\\\",\\\"template_id\\\": \\\"buttons_appt\\\",\\\"language_code\\\": "           \
    "\\\"en\\\",\\\"parameters\\\": {\\\"body[1]text\\\": \\\"Customer\\\",\\\"body[2]text\\\": "  \
    "\\\"ready\\\"}}\",\n\"source\": "                                                             \
    "\"11ERHG2PJ0NJKMNF7WRTR9Y1551@whatsapp.sinchconversation.com\",\n\"subType\": "               \
    "\"whatsapp\",\n\"contentType\": \"template\"\n}"

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

/* more: ",\"sendTime\":\"…\"" or "". */
static void body_of(char out[1024], const char *destinations, const char *more)
{
    snprintf(out, 1024,
             "{\"message\":\"Hello\",\"source\":\" 12345678@SMS.social365.com \",\"subType\":"
             "\"sms\",\"destinations\":%s%s}",
             destinations, more);
}

static void create(const char *destinations, const char *more, char id[33], char path[64])
{
    char body[1024];

    body_of(body, destinations, more);
    serve_create(&rig, "/messages", "", body, id);
    snprintf(path, 64, "/messages/%s", id);
}

static const char *ask_shard(const char *verb, const char *name, const char *id, const char *rest)
{
    char key[SHARD_KEY_MAX];
    char command[512];

    shard_key(shard_of(view_of(id)), name, view_of(id), key);
    snprintf(command, sizeof command, "%s %s%s%s", verb, key, rest[0] != '\0' ? " " : "", rest);
    return redis_server_ask(rig.redis, command);
}

static void the_specification_s_examples_are_taken_and_shown(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/messages", "", SPEC_SMS, id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&rig, path,
                "\"destinations\":{\"destination\":[{\"address\":\"+36584215\",\"status\":"
                "\"ADDED\"},{\"address\":\"854125477\",\"status\":\"ADDED\"}]}");
    serve_holds(&rig, path, "\"sendTime\":\"2020-03-12T12:36:01.320Z\"");
    serve_holds(&rig, path, "\"creationTime\":\"");
    serve_holds(&rig, path, "\"creationDate\":\"");
    serve_holds(&rig, path, "\"maxRetryCount\":2,\"retryDelay\":300,\"contentType\":\"text\"");
    serve_create(&rig, "/messages", "", SPEC_TEMPLATE, id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&rig, path, "\"contentType\":\"template\"");
    serve_holds(&rig, path, "\"maxRetryCount\":5,\"retryDelay\":300");
    serve_lacks(&rig, path, "sendTime");
    assert_string_equal(ask_shard("HGET", "m", id, "kind"), "1");
    snprintf(path, sizeof path, "ZSCORE s:{%02u}:due %s", shard_of(view_of(id)), id);
    assert_int_equal(redis_server_ask(rig.redis, path)[0], '1');
}

static void what_breaks_a_rule_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *body;
        const char *text;
    } rows[] = {
        {"{\"message\":\"a\",\"source\":\"nobody@x\",\"subType\":\"sms\",\"destinations\":"
         "[{\"address\":\"1\"}]}",
         "Chat queue not found: 'nobody@x'\n"},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"whatsapp\","
         "\"destinations\":[{\"address\":\"1\"}]}",
         "subType is not 'sms', the channel of this source\n"},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
         "\"destinations\":[]}",
         NULL},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\"}",
         "destinations is missing\n"},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
         "\"maxRetryCount\":11,\"destinations\":[{\"address\":\"1\"}]}",
         "maxRetryCount is 11; the maximum is 10\n"},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
         "\"destinations\":[{\"address\":\"1\"},{}]}",
         "destinations[1].address is missing\n"},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
         "\"destinations\":[{\"address\":\"1\"},{\"address\":\"--\"}]}",
         NULL},
        {"{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
         "\"contentType\":\"template\",\"destinations\":[{\"address\":\"1\"}]}",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        serve_expect(&rig, "POST", "/messages", "", rows[i].body, 400, rows[i].text);
}

#define E_16  "éééééééééééééééé"
#define E_64  E_16 E_16 E_16 E_16
#define E_256 E_64 E_64 E_64 E_64
#define TO(address)                                                                                \
    "{\"message\":\"m\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","            \
    "\"destinations\":[{\"address\":\"" address "\"},{\"address\":\"" address "\"}]}"

static void an_address_is_counted_in_characters(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/messages", "", TO(E_256), id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&rig, path, E_256);
    serve_expect(&rig, "POST", "/messages", "", TO(E_256 "é"), 400,
                 "destinations[0].address has 257 characters; the maximum is 256\n");
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

static void an_address_given_twice_is_shown_twice_and_stored_once(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    create("[{\"address\":\"+358 40 1\"},{\"address\":\"2\"},{\"address\":\"00358-401\"},"
           "{\"address\":\"3\"},{\"address\":\"2\"}]",
           "", id, path);
    serve_holds(&rig, path,
                "[{\"address\":\"+358 40 1\",\"status\":\"ADDED\"},{\"address\":\"2\",\"status\":"
                "\"ADDED\"},{\"address\":\"00358-401\",\"status\":\"ADDED\"},{\"address\":\"3\","
                "\"status\":\"ADDED\"},{\"address\":\"2\",\"status\":\"ADDED\"}]");
    assert_string_equal(ask_shard("HGET", "m", id, "n"), "3");
    /* Destination 1 ("2") failed late, 0 and 2 wait: its repeat fails with it. */
    assert_string_equal(ask_shard("HSET", "sl", id, CLAIMED_ONCE("\\x01", "\\xA0")), ":1");
    assert_string_equal(ask_shard("HSET", "late", id, "0 \"\\x40\""), ":1");
    serve_holds(&rig, path,
                "[{\"address\":\"+358 40 1\",\"status\":\"PROCESSING\"},{\"address\":\"2\","
                "\"status\":\"FAILED\"},{\"address\":\"00358-401\",\"status\":\"PROCESSING\"},"
                "{\"address\":\"3\",\"status\":\"PROCESSING\"},{\"address\":\"2\",\"status\":"
                "\"FAILED\"}]");
}

/* Who reads a message and sends it back has no address for who was erased (decisions/0017). */
static void an_erased_destination_has_failed_unless_it_was_handled(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    create("[{\"address\":\"erased\"},{\"address\":\"2\"},{\"address\":\"erased\"}]", "", id, path);
    assert_string_equal(ask_shard("HGET", "m", id, "n"), "3");      /* it is not one given twice */
    assert_string_equal(ask_shard("HSTRLEN", "m", id, "c0"), ":7"); /* "", "2", "" */
    serve_holds(&rig, path,
                "[{\"address\":\"erased\",\"status\":\"FAILED\"},{\"address\":\"2\",\"status\":"
                "\"ADDED\"},{\"address\":\"erased\",\"status\":\"FAILED\"}]");
    /* Pending: the last two. */
    assert_string_equal(ask_shard("HSET", "sl", id, CLAIMED_ONCE("\\x01", "\\x60")), ":1");
    serve_holds(&rig, path,
                "[{\"address\":\"erased\",\"status\":\"HANDLED\"},{\"address\":\"2\",\"status\":"
                "\"PROCESSING\"},{\"address\":\"erased\",\"status\":\"FAILED\"}]");
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

static void a_put_replaces_everything(void **state)
{
    char id[33];
    char path[64];
    char body[1024];

    (void)state;
    create("[{\"address\":\"1\"},{\"address\":\"1\"}]",
           ",\"sendTime\":\"2030-01-01T00:00:00Z\",\"maxRetryCount\":0", id, path);
    body_of(body, "{\"destination\":[{\"address\":\"7\",\"status\":\"HANDLED\"}]}",
            ",\"retryDelay\":60");
    serve_expect(&rig, "PUT", path, "", body, 204, "");
    serve_holds(&rig, path,
                "\"destinations\":{\"destination\":[{\"address\":\"7\",\"status\":\"ADDED\"}]}");
    serve_holds(&rig, path, "\"maxRetryCount\":5,\"retryDelay\":60");
    serve_lacks(&rig, path, "sendTime");
    serve_expect(&rig, "PUT", "/messages/2B8ED95B0EC911E79675005056A75D91", "", body, 404,
                 "HTTP 404 Not Found\n");
    serve_expect(&rig, "PUT", "/messages/x", "", body, 400, "Invalid GUID: 'x'\n");
}

/* The example's bytes; owned. */
static char *example(const char *file)
{
    char *text = mem_zeroed(EXAMPLE_MAX, 1);
    FILE *f = fopen(file, "r");

    if (f == NULL)
        fail_msg("%s is not there", file);
    else {
        assert_true(fread(text, 1, EXAMPLE_MAX - 1, f) > 0);
        fclose(f);
    }
    return text;
}

/* Id and creationTime that a PUT says are not taken. */
static void the_specification_s_put_replaces_what_its_post_made(void **state)
{
    static const char *const but_made[] = {"id", "creationTime", NULL};
    char *body = example("tests/golden/bodies/put-messages.json");
    struct probe_reply r;
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/messages", "", SPEC_TEMPLATE, id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_expect(&rig, "PUT", path, "", body, 204, "");
    r = serve_ask(&rig, "GET", path, "", NULL);
    assert_int_equal(r.status, 200);
    json_lines_within(view_of(body), r.body, but_made);
    assert_non_null(strstr(r.body.p, id));
    assert_null(strstr(r.body.p, "2020-06-12T12:36:01.320Z"));
    assert_null(strstr(r.body.p, "+32542115485"));
    assert_null(strstr(r.body.p, "template"));
    probe_done(&r);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    mem_free(body);
}

static void a_put_after_sending_has_begun_is_refused_with_how_many_have_gone(void **state)
{
    char id[33];
    char path[64];
    char body[1024];

    (void)state;
    create("[{\"address\":\"1\"},{\"address\":\"2\"},{\"address\":\"3\"}]", "", id, path);
    /* Pending: the third only. */
    assert_string_equal(ask_shard("HSET", "sl", id, CLAIMED_ONCE("\\x02", "\\x20")), ":1");
    body_of(body, "[{\"address\":\"7\"}]", "");
    serve_expect(&rig, "PUT", path, "", body, 409,
                 "it can't be changed any more: 2 of 3 destinations have gone or were given up\n");
    serve_holds(&rig, path,
                "[{\"address\":\"1\",\"status\":\"HANDLED\"},{\"address\":\"2\",\"status\":"
                "\"HANDLED\"},{\"address\":\"3\",\"status\":\"PROCESSING\"}]");
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

static void a_deleted_message_is_gone_from_the_schedule_and_the_list(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    create("[{\"address\":\"1\"}]", "", id, path);
    serve_holds(&rig, "/messages", id);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    serve_expect(&rig, "GET", path, "", NULL, 404, "HTTP 404 Not Found\n");
    serve_expect(&rig, "DELETE", path, "", NULL, 404, "HTTP 404 Not Found\n");
    serve_expect(&rig, "DELETE", "/messages/x", "", NULL, 400, "Invalid GUID: 'x'\n");
    serve_lacks(&rig, "/messages", id);
    assert_string_equal(ask_shard("EXISTS", "q", id, ""), ":0");
    assert_string_equal(ask_shard("HGET", "m", id, "st"), "8");
    assert_string_equal(ask_shard("HGET", "m", id, "body"), "$-1");
}

static void the_list_is_searched_by_source_channel_and_times(void **state)
{
    char early[33];
    char late[33];
    char now[33];
    char path[64];

    (void)state;
    create("[{\"address\":\"1\"}]", ",\"sendTime\":\"2031-01-01T00:00:00Z\"", early, path);
    create("[{\"address\":\"1\"}]", ",\"sendTime\":\"2032-01-01T00:00:00Z\"", late, path);
    create("[{\"address\":\"1\"}]", "", now, path);
    serve_holds(&rig, "/messages?source=12345678@sms*&subType=SMS", late);
    serve_lacks(&rig, "/messages?source=12345678@whatsapp*", late);
    serve_lacks(&rig, "/messages?sendTime=2031-01-01T00:00:00Z", early);
    serve_holds(&rig, "/messages?sendTime=2031-01-01T00:00:00Z", late);
    serve_lacks(&rig, "/messages?sendTime=2031-01-01T00:00:00Z", now);
    serve_holds(&rig, "/messages?sendTime=2031-01-01T00:59:59+01:00", early);
    serve_holds(&rig, "/messages?sendTimeEnd=2031-12-31T00:00:00.000Z", early);
    serve_lacks(&rig, "/messages?sendTimeEnd=2032-01-01T00:00:00.000Z", late);
    serve_holds(&rig, "/messages?creationTime=2020-01-01T00:00:00Z", now);
    serve_lacks(&rig, "/messages?creationTimeEnd=2020-01-01T00:00:00Z", now);
    serve_lacks(&rig, "/messages?creationTime=2120-01-01T00:00:00Z", now);
    serve_holds(&rig, "/messages?creationTimeEnd=2120-01-01T00:00:00Z", now);
    serve_expect(&rig, "GET", "/messages?sendTime=yesterday", "", NULL, 400, NULL);
    serve_expect(&rig, "GET", "/messages?creationTimeEnd=2020-06-31T00:00:00Z", "", NULL, 400,
                 NULL);
}

/* destinations from `first` on; every 1000th is given again at the end. */
static char *large_body(size_t first, size_t count)
{
    struct buf b;
    char *text = NULL;

    buf_init(&b, 64u << 20);
    buf_put_text(&b, "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\","
                     "\"subType\":\"sms\",\"destinations\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s{\"address\":\"+35840%07zu\"}", i > 0 ? "," : "", first + i);
    for (size_t i = 0; i < count; i += 1000)
        buf_printf(&b, ",{\"address\":\"0035840%07zu\"}", first + i);
    buf_put_text(&b, "]}");
    text = mem_text(b.p, b.n);
    buf_done(&b);
    return text;
}

static void expect_destinations(const char *path, size_t first, size_t count)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, "", NULL);
    const char *at = r.body.p;
    char text[64];

    assert_int_equal(r.status, 200);
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "{\"address\":\"+35840%07zu\",\"status\":\"ADDED\"}",
                 first + i);
        at = strstr(at, text);
        assert_non_null(at);
    }
    for (size_t i = 0; i < count; i += 1000) {
        snprintf(text, sizeof text, "{\"address\":\"0035840%07zu\"", first + i);
        at = strstr(at, text);
        assert_non_null(at);
    }
    probe_done(&r);
}

static void a_message_of_many_slices_is_stored_replaced_and_shown_whole(void **state)
{
    char id[33];
    char path[64];
    char command[128];
    char *body = large_body(0, 20500);

    (void)state;
    serve_create(&rig, "/messages", "", body, id);
    mem_free(body);
    snprintf(path, sizeof path, "/messages/%s", id);
    expect_destinations(path, 0, 20500);
    assert_string_equal(ask_shard("ZCARD", "q", id, ""), ":21");
    snprintf(command, sizeof command, "PTTL s:{%02u}:c:%s:20", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":-1"); /* it stays */
    body = large_body(50000, 1500);
    serve_expect(&rig, "PUT", path, "", body, 204, "");
    mem_free(body);
    expect_destinations(path, 50000, 1500);
    assert_string_equal(ask_shard("ZCARD", "q", id, ""), ":2");
    serve_holds(&rig, "/messages?limit=1", id);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    assert_string_equal(redis_server_ask(rig.redis, "KEYS *:t:*"), "*0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_examples_are_taken_and_shown),
        cmocka_unit_test(what_breaks_a_rule_is_refused_with_a_sentence),
        cmocka_unit_test(an_address_is_counted_in_characters),
        cmocka_unit_test(an_address_given_twice_is_shown_twice_and_stored_once),
        cmocka_unit_test(an_erased_destination_has_failed_unless_it_was_handled),
        cmocka_unit_test(a_put_replaces_everything),
        cmocka_unit_test(the_specification_s_put_replaces_what_its_post_made),
        cmocka_unit_test(a_put_after_sending_has_begun_is_refused_with_how_many_have_gone),
        cmocka_unit_test(a_deleted_message_is_gone_from_the_schedule_and_the_list),
        cmocka_unit_test(the_list_is_searched_by_source_channel_and_times),
        cmocka_unit_test(a_message_of_many_slices_is_stored_replaced_and_shown_whole),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
