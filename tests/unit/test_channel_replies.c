/* channels: what each gateway's reply means; and that no reply, however hostile, has no meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/channel.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define WALL_MS INT64_C(1700000000000)
#define GUID    "5E1F0A2B3C4D5E6F708192A3B4C5D6E7"
#define WAMID   "wamid.HBgLMzU4NDAxMjM0NTY3FQIAERgSQTdGQzY4NUFDRDk4MDZFMEE0AA=="

enum { UNKNOWN = 1 };

struct row {
    const char *channel;
    int status;
    const char *retry_after;
    const char *body;
    enum channel_verdict verdict;
    int unknown;
    int64_t wait_ms;
    const char *said; /* HANDLED: the whole id; else within the reason; NULL: not looked at */
};

static void judge_row(const struct row *r, const char *channel, size_t at)
{
    struct channel_reply reply = {.status = r->status,
                                  .retry_after = view_of(r->retry_after),
                                  .content_type = VIEW("text/plain"),
                                  .body = view_of(r->body),
                                  .wall_ms = WALL_MS};
    struct channel_outcome out;
    bool right;

    channel_find(channel)->judge(&reply, &out);
    right = out.verdict == r->verdict && out.unknown == (r->unknown == UNKNOWN) &&
            out.wait_ms == r->wait_ms;
    if (right && r->said != NULL)
        right = r->verdict == CHANNEL_HANDLED ? strcmp(out.id, r->said) == 0
                                              : strstr(out.reason, r->said) != NULL;
    if (!right)
        fail_msg("row %zu, %s %d %s: %s, unknown %d, wait %d, id '%s', reason '%s'", at, channel,
                 r->status, r->body, channel_verdict_name(out.verdict), out.unknown,
                 (int)out.wait_ms, out.id, out.reason);
}

/* Of a success that was read, nobody knows what it says behind what is kept: once more would be
 * twice. A page is no gateway's. */
static void a_success_that_is_cut_is_one_without_an_id(void **state)
{
    (void)state;
    for (size_t i = 0; channels[i] != NULL; i++) {
        struct channel_reply reply = {
            .status = 200, .body = VIEW("{\"messages\":[{\"id\":\"wamid.1"), .cut = true};
        struct channel_outcome out;

        channels[i]->judge(&reply, &out);
        assert_int_equal(out.verdict, CHANNEL_HANDLED);
        assert_string_equal(out.id, "");
        reply.status = 400;
        channels[i]->judge(&reply, &out);
        assert_int_equal(out.verdict, CHANNEL_REFUSED);
        reply.status = 503;
        channels[i]->judge(&reply, &out);
        assert_int_equal(out.verdict, CHANNEL_TRANSIENT);
        reply.status = 200;
        reply.body = VIEW("<html>");
        channels[i]->judge(&reply, &out);
        assert_int_equal(out.verdict,
                         channels[i] == &channel_webhook ? CHANNEL_HANDLED : CHANNEL_TRANSIENT);
    }
}

#define META(code, text) "{\"error\":{\"message\":\"" text "\",\"type\":\"x\",\"code\":" code "}}"

static const struct row rows[] = {
    /* webhook: any 2xx, its id if it gives one; classes of design.md 6 */
    {"webhook", 200, NULL, "{\"id\":\"abc-1\"}", CHANNEL_HANDLED, 0, 0, "abc-1"},
    {"webhook", 202, NULL, "{\"id\":17}", CHANNEL_HANDLED, 0, 0, "17"},
    {"webhook", 204, NULL, "", CHANNEL_HANDLED, 0, 0, ""},
    {"webhook", 200, NULL, "OK", CHANNEL_HANDLED, 0, 0, ""},
    {"webhook", 200, NULL, "{\"id\":\"two words\"}", CHANNEL_HANDLED, 0, 0, ""},
    {"webhook", 400, NULL, "no such number +358401234567", CHANNEL_REFUSED, 0, 0,
     "400: no such number +…567"},
    {"webhook", 404, NULL, "", CHANNEL_REFUSED, 0, 0, "404"},
    {"webhook", 501, NULL, "", CHANNEL_REFUSED, 0, 0, "501"},
    {"webhook", 403, NULL, "", CHANNEL_FORBIDDEN, 0, 0, "403"},
    {"webhook", 401, NULL, "", CHANNEL_STOPPED, 0, 0, "401"},
    {"webhook", 307, NULL, "", CHANNEL_REDIRECTED, 0, 0, "307"},
    {"webhook", 302, NULL, "", CHANNEL_REDIRECTED, UNKNOWN, 0, "302"}, /* it may have gone */
    {"kannel", 303, NULL, "", CHANNEL_REDIRECTED, UNKNOWN, 0, "303"},
    {"webhook", 408, NULL, "", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"webhook", 425, NULL, "", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"webhook", 409, "2", "", CHANNEL_TRANSIENT, 0, 2000, NULL},
    {"webhook", 409, NULL, "", CHANNEL_REFUSED, 0, 0, NULL},
    {"webhook", 500, NULL, "", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"webhook", 502, NULL, "", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"webhook", 504, NULL, "", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"webhook", 503, "120", "", CHANNEL_TRANSIENT, 0, 120000, NULL},
    {"webhook", 503, "garbage", "", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"webhook", 503, "1000000000", "", CHANNEL_TRANSIENT, 0, CHANNEL_WAIT_MAX_MS, NULL},
    {"webhook", 503, "Tue, 14 Nov 2023 22:13:25 GMT", "", CHANNEL_TRANSIENT, 0, 5000, NULL},
    {"webhook", 429, "7", "", CHANNEL_THROTTLED, 0, 7000, NULL},
    {"webhook", 429, NULL, "", CHANNEL_THROTTLED, 0, 1000, NULL},
    {"webhook", 429, "0", "", CHANNEL_THROTTLED, 0, 1000, NULL},
    {"webhook", 502, NULL, "<html>Bad</html>", CHANNEL_TRANSIENT, UNKNOWN, 0, "an HTML page"},

    /* kannel: field notes 2.4 */
    {"kannel", 202, NULL, "0: Accepted for delivery", CHANNEL_HANDLED, 0, 0, ""},
    {"kannel", 202, NULL, "3: Queued for later delivery", CHANNEL_HANDLED, 0, 0, ""},
    {"kannel", 202, NULL, "Sent.", CHANNEL_HANDLED, 0, 0, ""},
    {"kannel", 202, NULL, "Sent. Message splits: 3", CHANNEL_HANDLED, 0, 0, ""},
    {"kannel", 202, NULL, "Sent. Denied receivers are: 0401234567", CHANNEL_REFUSED, 0, 0,
     "denied"},
    {"kannel", 403, NULL, "Not routable. Do not try again.", CHANNEL_REFUSED, 0, 0, "Not routable"},
    {"kannel", 403, NULL, "Authorization failed for sendsms", CHANNEL_STOPPED, 0, 0,
     "Authorization failed"},
    /* Of something in front of it: never the last word on a receiver. */
    {"kannel", 403, NULL, "<html><h1>403 Forbidden</h1></html>", CHANNEL_FORBIDDEN, 0, 0,
     "403: an HTML page"},
    {"kannel", 403, NULL, "", CHANNEL_FORBIDDEN, 0, 0, "403"},
    {"kannel", 400, NULL, "Missing receiver number, rejected", CHANNEL_REFUSED, 0, 0, NULL},
    {"kannel", 503, NULL, "Temporal failure, try again later.", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"kannel", 404, NULL, "", CHANNEL_STOPPED, 0, 0, NULL},
    {"kannel", 401, NULL, "", CHANNEL_STOPPED, 0, 0, NULL},
    {"kannel", 200, NULL, "It works!", CHANNEL_TRANSIENT, UNKNOWN, 0, "not what"},

    /* sinch-conversation: 2.1 */
    {"sinch-conversation", 200, NULL, "{\"message_id\":\"01E\",\"accepted_time\":\"2020\"}",
     CHANNEL_HANDLED, 0, 0, "01E"},
    {"sinch-conversation", 400, NULL,
     "{\"error\":{\"code\":400,\"message\":\"Invalid recipient\",\"status\":\"INVALID_ARGUMENT\"}}",
     CHANNEL_REFUSED, 0, 0, "400: Invalid recipient"},
    {"sinch-conversation", 401, NULL, "", CHANNEL_STOPPED, 0, 0, NULL},
    {"sinch-conversation", 403, NULL, "", CHANNEL_STOPPED, 0, 0, NULL},
    {"sinch-conversation", 404, NULL, "", CHANNEL_STOPPED, 0, 0, NULL}, /* another region */
    {"sinch-conversation", 429, "3", "", CHANNEL_THROTTLED, 0, 3000, NULL},
    {"sinch-conversation", 500, NULL, "", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"sinch-conversation", 501, NULL, "", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"sinch-conversation", 503, NULL, "", CHANNEL_TRANSIENT, 0, 0, NULL},
    {"sinch-conversation", 200, NULL, "{}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"sinch-conversation", 200, NULL, "{\"message_id\":7}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},

    /* whatsapp-cloud: 2.2 */
    {"whatsapp-cloud", 200, NULL,
     "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":\"" WAMID "\"}]}", CHANNEL_HANDLED,
     0, 0, WAMID},
    {"whatsapp-cloud", 400, NULL, META("131026", "Undeliverable"), CHANNEL_REFUSED, 0, 0,
     "131026: Undeliverable"},
    {"whatsapp-cloud", 400, NULL, META("131047", "Re-engagement"), CHANNEL_REFUSED, 0, 0, "131047"},
    {"whatsapp-cloud", 400, NULL, META("132001", "no template"), CHANNEL_REFUSED, 0, 0, "132001"},
    {"whatsapp-cloud", 400, NULL, META("100", "Invalid parameter"), CHANNEL_REFUSED, 0, 0, NULL},
    {"whatsapp-cloud", 400, NULL,
     "{\"error\":{\"message\":\"no object\",\"code\":100,\"error_subcode\":33}}", CHANNEL_STOPPED,
     0, 0, NULL},
    {"whatsapp-cloud", 400, NULL,
     "{\"error\":{\"message\":\"short\",\"code\":131008,\"error_data\":{\"details\":\"long\"}}}",
     CHANNEL_REFUSED, 0, 0, "131008: long"},
    {"whatsapp-cloud", 400, NULL, META("4", "x"), CHANNEL_THROTTLED, 0, 1000, NULL},
    {"whatsapp-cloud", 400, NULL, META("80007", "x"), CHANNEL_THROTTLED, 0, 1000, NULL},
    {"whatsapp-cloud", 429, "9", META("130429", "x"), CHANNEL_THROTTLED, 0, 9000, NULL},
    {"whatsapp-cloud", 400, NULL, META("131048", "x"), CHANNEL_THROTTLED, 0, 1000, NULL},
    {"whatsapp-cloud", 400, NULL, META("133016", "x"), CHANNEL_THROTTLED, 0, 1000, NULL},
    {"whatsapp-cloud", 400, NULL, META("131056", "x"), CHANNEL_TRANSIENT, 0, 6000, NULL},
    {"whatsapp-cloud", 400, "60", META("131056", "x"), CHANNEL_TRANSIENT, 0, 60000, NULL},
    {"whatsapp-cloud", 500, NULL, META("1", "x"), CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"whatsapp-cloud", 503, NULL, META("2", "x"), CHANNEL_TRANSIENT, 0, 0, NULL},
    {"whatsapp-cloud", 400, NULL, META("131000", "x"), CHANNEL_TRANSIENT, 0, 0, NULL},
    {"whatsapp-cloud", 401, NULL, META("190", "Session has expired"), CHANNEL_STOPPED, 0, 0, NULL},
    {"whatsapp-cloud", 400, NULL, META("190", "x"), CHANNEL_STOPPED, 0, 0, NULL},
    {"whatsapp-cloud", 403, NULL, META("10", "x"), CHANNEL_STOPPED, 0, 0, NULL},
    {"whatsapp-cloud", 403, NULL, META("299", "x"), CHANNEL_STOPPED, 0, 0, NULL},
    {"whatsapp-cloud", 403, NULL, META("300", "x"), CHANNEL_STOPPED, 0, 0, NULL}, /* by status */
    {"whatsapp-cloud", 500, NULL, META("139999", "x"), CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"whatsapp-cloud", 200, NULL, "{\"messages\":[]}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"whatsapp-cloud", 200, NULL, "{\"messages\":{\"0\":{}}}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"whatsapp-cloud", 413, NULL, "", CHANNEL_REFUSED, 0, 0, NULL},

    /* telegram: 2.5 */
    {"telegram", 200, NULL, "{\"ok\":true,\"result\":{\"message_id\":42}}", CHANNEL_HANDLED, 0, 0,
     "42"},
    {"telegram", 200, NULL, "{\"ok\":true}", CHANNEL_HANDLED, 0, 0, ""},
    {"telegram", 429, NULL,
     "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 34\","
     "\"parameters\":{\"retry_after\":34}}",
     CHANNEL_THROTTLED, 0, 34000, "429: Too Many"},
    {"telegram", 429, NULL,
     "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":9223372036854775807}}",
     CHANNEL_THROTTLED, 0, CHANNEL_WAIT_MAX_MS, NULL},
    {"telegram", 429, NULL, "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":-5}}",
     CHANNEL_THROTTLED, 0, 1000, NULL},
    {"telegram", 403, NULL,
     "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: bot was blocked by the user\"}",
     CHANNEL_REFUSED, 0, 0, "blocked by the user"},
    {"telegram", 400, NULL,
     "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: chat not found\"}",
     CHANNEL_REFUSED, 0, 0, "chat not found"},
    {"telegram", 401, NULL, "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}",
     CHANNEL_STOPPED, 0, 0, NULL},
    {"telegram", 404, NULL, "{\"ok\":false,\"error_code\":404,\"description\":\"Not Found\"}",
     CHANNEL_STOPPED, 0, 0, NULL},
    {"telegram", 500, NULL, "{\"ok\":false,\"error_code\":500}", CHANNEL_TRANSIENT, UNKNOWN, 0,
     NULL},
    {"telegram", 200, NULL, "{\"ok\":\"true\"}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"telegram", 200, NULL, "{\"ok\":false}", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"telegram", 502, NULL, "<html>", CHANNEL_TRANSIENT, UNKNOWN, 0, "an HTML page"},

    /* cmi-chat */
    {"cmi-chat", 201, NULL, GUID, CHANNEL_HANDLED, 0, 0, GUID},
    {"cmi-chat", 201, NULL, GUID "\r\n", CHANNEL_HANDLED, 0, 0, GUID},
    {"cmi-chat", 201, NULL, "made", CHANNEL_HANDLED, 0, 0, ""},
    {"cmi-chat", 200, NULL, "welcome", CHANNEL_TRANSIENT, UNKNOWN, 0, NULL},
    {"cmi-chat", 400, NULL, "Chat queue not found: 'x'", CHANNEL_REFUSED, 0, 0,
     "Chat queue not found"},
    {"cmi-chat", 403, NULL, "", CHANNEL_FORBIDDEN, 0, 0, NULL},
    {"cmi-chat", 404, NULL, "HTTP 404 Not Found", CHANNEL_STOPPED, 0, 0, NULL}, /* no CMI there */
    {"cmi-chat", 409, "1", "still running", CHANNEL_TRANSIENT, 0, 1000, NULL},
    {"cmi-chat", 503, "1", "", CHANNEL_TRANSIENT, 0, 1000, NULL},
    {"cmi-chat", 429, "1", "", CHANNEL_THROTTLED, 0, 1000, NULL},
};

static void every_reply_means_what_its_gateway_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        judge_row(&rows[i], rows[i].channel, i);
}

static void sane(const struct channel *c, const struct channel_outcome *out)
{
    bool handled = out->verdict == CHANNEL_HANDLED;

    if (!utf8_valid(view_of(out->reason)) || (out->reason[0] == '\0') != handled ||
        (out->unknown && out->verdict != CHANNEL_TRANSIENT && out->verdict != CHANNEL_REDIRECTED) ||
        out->wait_ms < 0 || out->wait_ms > CHANNEL_WAIT_MAX_MS || (!handled && out->id[0] != '\0'))
        fail_msg("%s: %s '%s'", c->name, channel_verdict_name(out->verdict), out->reason);
}

static void no_gateway_is_taken_in_by_what_is_not_its_answer(void **state)
{
    struct buf deep;
    struct buf huge;
    const struct view bodies[] = {
        VIEW_NONE,
        VIEW("<!DOCTYPE html><html><body>Log in to the network</body></html>"),
        VIEW("\0\0\0\0"),
        VIEW("\xff\xfe{\"ok\":true}"),
        VIEW("{\"ok\":true,\"message_id\":\"x\",\"messages\":[{\"id\":\"x\"}]"), /* cut */
        VIEW("{\"ok\":1,\"message_id\":[],\"messages\":\"id\"}"),
        VIEW("[]"),
        VIEW("null"),
        VIEW("NaN"),
        VIEW("{\"ok\":true,\"message_id\":\"x\",\"messages\":[{\"id\":\"x\"}]} trailing"),
        VIEW("{\"message_id\":\"\\u0000\",\"messages\":[{\"id\":\"\\u0000\"}]}"),
    };
    struct view all[sizeof bodies / sizeof bodies[0] + 2];

    (void)state;
    buf_init(&deep, 200000);
    buf_init(&huge, 200000);
    for (int i = 0; i < 100000; i++)
        buf_put_text(&deep, "[");
    buf_put_text(&huge, "{\"ok\":true,\"x\":\"");
    for (int i = 0; i < 100000; i++)
        buf_put_char(&huge, 'a'); /* and never ends */
    memcpy(all, bodies, sizeof bodies);
    all[sizeof bodies / sizeof bodies[0]] = buf_view(&deep);
    all[sizeof bodies / sizeof bodies[0] + 1] = buf_view(&huge);
    for (size_t c = 0; channels[c] != NULL; c++)
        for (size_t b = 0; b < sizeof all / sizeof all[0]; b++)
            for (int status = 100; status < 620; status++) {
                struct channel_reply reply = {.status = status, .body = all[b], .wall_ms = WALL_MS};
                struct channel_outcome out;
                bool pinned = channels[c] != &channel_webhook && status != 201;

                channels[c]->judge(&reply, &out);
                sane(channels[c], &out);
                if (pinned && out.verdict == CHANNEL_HANDLED)
                    fail_msg("%s took body %zu for an answer", channels[c]->name, b);
                if (status == 201)
                    status = 299; /* the rest of them is alike */
            }
    buf_done(&deep);
    buf_done(&huge);
}

static void a_reason_shows_no_number(void **state)
{
    (void)state;
    for (size_t c = 0; channels[c] != NULL; c++) {
        static const char *const bodies[] = {
            "receiver 358401234567 unknown",
            "{\"ok\":false,\"error_code\":400,\"description\":\"358401234567\",\"error\":{\"code\":"
            "5,"
            "\"message\":\"358401234567\"}}",
            "{\"ok\":false,\"error_code\":358401234567,\"error\":{\"code\":358401234567}}",
            "{\"error\":{\"code\":131026,\"error_data\":{\"details\":\"to 358401234567\"}}}"};

        for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
            struct channel_reply reply = {.status = 400, .body = view_of(bodies[b])};
            struct channel_outcome out;

            channels[c]->judge(&reply, &out);
            assert_null(strstr(out.reason, "401234"));
        }
    }
}

/* As each gateway says it. */
static void put_body(const struct channel *c, const char *words, struct buf *to)
{
    if (c == &channel_telegram)
        buf_printf(to, "{\"ok\":false,\"error_code\":400,\"description\":\"%s\"}", words);
    else if (c == &channel_sinch || c == &channel_whatsapp)
        buf_printf(to, "{\"error\":{\"code\":400,\"message\":\"%s\"}}", words);
    else
        buf_put_text(to, words);
}

/* The words are the gateway's own, what it repeats of the request is not. */
static void a_reason_repeats_nothing_of_the_request(void **state)
{
    static const struct channel_setup setup = {
        .password = "sehr-geheim", .token = "4711:abcdefgh", .api_key = "k-00-k"};
    static const struct {
        const char *words;
        const char *kept;
    } said[] = {
        {"no route to sam@greeneggs.ham", "no route to s"},
        {"bad text Hej Käse, kom hit", "bad text ("},
        {"bad text Hej Kase, kom hit", "bad text ("},
        {"no hej K?se kom hit", "no ("},
        {"parameter Green eggs is bad", "parameter ("},
        {"the token 4711:abcdefgh is old", "the token ("},
        {"sehr-geheim is wrong", " is wrong"},
        {"no k-00-k here", " here"},
    };
    static const char template[] = "{\"template_id\":\"t\",\"template_body\":\"Hej Käse, kom hit\","
                                   "\"parameters\":{\"body[1]text\":\"Green eggs\"}}";
    struct channel_content content;
    struct channel_told told;
    struct fault f = {0};

    (void)state;
    assert_true(
        channel_content_init(&content, view_of(template), true, NULL, VIEW("whatsapp"), &f));
    channel_told(&setup, &content, VIEW("sam@greeneggs.ham"), &told);
    for (size_t c = 0; channels[c] != NULL; c++)
        for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
            struct channel_reply reply = {.told = &told, .status = 400};
            struct channel_outcome out;
            struct buf body;

            buf_init(&body, 512);
            put_body(channels[c], said[i].words, &body);
            reply.body = buf_view(&body);
            channels[c]->judge(&reply, &out);
            if (strstr(out.reason, said[i].kept) == NULL || strstr(out.reason, "greeneggs ") ||
                strstr(out.reason, "sam@") || strstr(out.reason, "kom") ||
                strstr(out.reason, "eggs is") || strstr(out.reason, "geheim") ||
                strstr(out.reason, "abcd") || strstr(out.reason, "k-0"))
                fail_msg("%s: '%s' became '%s'", channels[c]->name, said[i].words, out.reason);
            buf_done(&body);
        }
    channel_content_done(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_that_is_cut_is_one_without_an_id),
        cmocka_unit_test(every_reply_means_what_its_gateway_means),
        cmocka_unit_test(no_gateway_is_taken_in_by_what_is_not_its_answer),
        cmocka_unit_test(a_reason_shows_no_number),
        cmocka_unit_test(a_reason_repeats_nothing_of_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
