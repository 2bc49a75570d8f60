/* receipts: what each gateway sends is read as it is meant, and taken only from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "bridge/core/receipt.h"
#include "bridge/io/crypto.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE "5E1F0A2B3C4D5E6F708192A3B4C5D6E7"
#define REF     MESSAGE "-1002"
#define WALL_MS INT64_C(1700000000000)
#define WALL_S  "1700000000"

struct heard {
    struct receipt receipts[8];
    size_t receipt_count;
    struct receipt_inbound inbound[8];
    char sub_type[32];
    size_t inbound_count;
    size_t nonsense_count;
    size_t nonsense;
    struct fault why;
};

static void take_receipt(void *ctx, const struct receipt *r)
{
    struct heard *h = ctx;

    if (h->receipt_count < 8)
        h->receipts[h->receipt_count] = *r;
    h->receipt_count++;
}

static void take_inbound(void *ctx, const struct receipt_inbound *i)
{
    struct heard *h = ctx;

    view_copy(i->sub_type, h->sub_type, sizeof h->sub_type);
    if (h->inbound_count < 8)
        h->inbound[h->inbound_count] = *i;
    h->inbound_count++;
}

static void take_nonsense(void *ctx, size_t number, const struct fault *f)
{
    struct heard *h = ctx;

    h->nonsense_count++;
    h->nonsense = number;
    h->why = *f;
}

static bool hear(const struct receipt_reader *reader, struct view query, struct view body,
                 struct heard *h, struct fault *f)
{
    struct receipt_request r = {.query = query, .body = body, .wall_ms = WALL_MS};
    struct receipt_visitor to = {h, take_receipt, take_inbound, take_nonsense};

    memset(h, 0, sizeof *h);
    return reader->read(&r, &to, f);
}

/* ---- what they say ---- */

#define SINCH(status, more)                                                                        \
    "{\"app_id\":\"A\",\"event_time\":\"2023-11-14T22:13:20.5Z\",\"message_delivery_report\":{"    \
    "\"message_id\":\"01E\",\"status\":\"" status "\",\"metadata\":\"" REF "\"" more "}}"
#define META(fields)                                                                               \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":"  \
    "\"messages\",\"value\":{" fields "}}]}]}"
#define META_STATUS(status, more)                                                                  \
    META("\"statuses\":[{\"id\":\"wamid.X\",\"status\":\"" status "\",\"timestamp\":\"" WALL_S     \
         "\",\"recipient_id\":\"358401234567\",\"biz_opaque_callback_data\":\"" REF "\"" more      \
         "}]")

static void every_status_is_read_as_its_gateway_means_it(void **state)
{
    static const struct {
        const struct receipt_reader *reader;
        const char *query;
        const char *body;
        enum receipt_status status;
        const char *id;
        const char *reason;
        int64_t time_ms;
    } rows[] = {
        {&receipt_kannel, "ref=" REF "&token=t&type=1&time=" WALL_S "&answer=&id=77", "",
         RECEIPT_DELIVERED, "77", "", WALL_MS},
        {&receipt_kannel,
         "ref=" REF "&type=2&time=x&answer=id%3A7+sub%3A1+stat%3AUNDELIV+err%3A001+text%3AHei+you",
         "", RECEIPT_FAILED, "", "UNDELIV: 001", -1},
        {&receipt_kannel, "ref=" REF "&type=16&answer=NACK%2Fsecret+text", "", RECEIPT_FAILED, "",
         "16", -1},
        {&receipt_kannel, "ref=" REF "&type=34", "", RECEIPT_FAILED, "", "34", -1},
        {&receipt_kannel, "ref=" REF "&type=4", "", RECEIPT_ACCEPTED, "", "", -1},
        {&receipt_kannel, "ref=" REF "&type=8", "", RECEIPT_ACCEPTED, "", "", -1},
        {&receipt_kannel, "ref=" REF "&type=32", "", RECEIPT_ACCEPTED, "", "", -1},
        {&receipt_kannel, "ref=" REF "&type=66", "", RECEIPT_ACCEPTED, "", "", -1},

        {&receipt_sinch, "", SINCH("QUEUED_ON_CHANNEL", ""), RECEIPT_ACCEPTED, "01E", "",
         WALL_MS + 500},
        {&receipt_sinch, "", SINCH("SWITCHING_CHANNEL", ""), RECEIPT_ACCEPTED, "01E", "",
         WALL_MS + 500},
        {&receipt_sinch, "", SINCH("DELIVERED", ""), RECEIPT_DELIVERED, "01E", "", WALL_MS + 500},
        {&receipt_sinch, "", SINCH("READ", ""), RECEIPT_READ, "01E", "", WALL_MS + 500},
        {&receipt_sinch, "",
         SINCH("FAILED", ",\"reason\":{\"code\":\"RECIPIENT_NOT_REACHABLE\",\"description\":"
                         "\"no 358401234567\"}"),
         RECEIPT_FAILED, "01E", "RECIPIENT_NOT_REACHABLE: no …567", WALL_MS + 500},

        {&receipt_whatsapp, "", META_STATUS("sent", ""), RECEIPT_ACCEPTED, "wamid.X", "", WALL_MS},
        {&receipt_whatsapp, "", META_STATUS("delivered", ""), RECEIPT_DELIVERED, "wamid.X", "",
         WALL_MS},
        {&receipt_whatsapp, "", META_STATUS("read", ""), RECEIPT_READ, "wamid.X", "", WALL_MS},
        {&receipt_whatsapp, "",
         META_STATUS("failed", ",\"errors\":[{\"code\":131026,\"title\":\"Undeliverable\"}]"),
         RECEIPT_FAILED, "wamid.X", "131026: Undeliverable", WALL_MS},

        {&receipt_webhook, "", "{\"id\":\"" REF "\",\"status\":\"accepted\"}", RECEIPT_ACCEPTED, "",
         "", -1},
        {&receipt_webhook, "",
         "{\"id\":\"" REF "\",\"status\":\"delivered\",\"time\":\"2023-11-14T22:13:20Z\","
         "\"provider_id\":\"p-1\"}",
         RECEIPT_DELIVERED, "p-1", "", WALL_MS},
        {&receipt_webhook, "", "[{\"id\":\"" REF "\",\"status\":\"read\"}]", RECEIPT_READ, "", "",
         -1},
        {&receipt_webhook, "",
         "{\"id\":\"" REF "\",\"status\":\"failed\",\"reason\":\"number 358401234567 is off\"}",
         RECEIPT_FAILED, "", "number …567 is off", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct heard h;
        struct fault f = {0};
        char ref[CHANNEL_REF_MAX] = "";

        if (!hear(rows[i].reader, view_of(rows[i].query), view_of(rows[i].body), &h, &f))
            fail_msg("row %zu: %s", i, f.text);
        if (h.receipts[0].has_ref)
            channel_ref_text(&h.receipts[0].ref, ref);
        if (h.receipt_count != 1 || h.receipts[0].status != rows[i].status ||
            strcmp(ref, REF) != 0 || strcmp(h.receipts[0].id, rows[i].id) != 0 ||
            strcmp(h.receipts[0].reason, rows[i].reason) != 0 ||
            h.receipts[0].time_ms != rows[i].time_ms)
            fail_msg("row %zu: %zu, %s, id '%s', ref '%s', reason '%s', time %lld", i,
                     h.receipt_count, receipt_status_name(h.receipts[0].status), h.receipts[0].id,
                     ref, h.receipts[0].reason, (long long)h.receipts[0].time_ms);
    }
}

static void kannel_says_which_part_of_a_text_has_failed(void **state)
{
    struct heard h;
    struct fault f = {0};

    (void)state;
    assert_true(hear(&receipt_kannel, VIEW("ref=" REF "&type=2&id=7"), VIEW_NONE, &h, &f));
    assert_false(h.receipts[0].of_part);
    assert_true(hear(&receipt_kannel, VIEW("ref=" REF "&type=2&id=7&part=1"), VIEW_NONE, &h, &f));
    assert_true(h.receipts[0].of_part);
    assert_true(hear(&receipt_kannel, VIEW("ref=" REF "&type=4&id=7&part=1"), VIEW_NONE, &h, &f));
    assert_false(h.receipts[0].of_part);
}

static void what_has_no_ref_of_ours_is_heard_as_nobodys(void **state)
{
    struct heard h;
    struct fault f = {0};

    (void)state;
    assert_true(hear(&receipt_kannel, VIEW("type=1&ref=4711"), VIEW_NONE, &h, &f));
    assert_true(h.receipt_count == 1 && !h.receipts[0].has_ref);
    assert_true(hear(&receipt_whatsapp, VIEW_NONE,
                     VIEW(META("\"statuses\":[{\"id\":\"w\",\"status\":\"read\"}]")), &h, &f));
    assert_true(h.receipt_count == 1 && !h.receipts[0].has_ref);
    assert_true(hear(&receipt_sinch, VIEW_NONE,
                     VIEW("{\"message_delivery_report\":{\"metadata\":7}}"), &h, &f));
    assert_true(h.receipt_count == 1 && !h.receipts[0].has_ref);
}

#define CHOICE(choice)                                                                             \
    "{\"message\":{\"contact_message\":{\"choice_response_message\":" choice                       \
    "},\"channel_identity\":{\"channel\":\"WHATSAPP\",\"identity\":\"3584\"}}}"

static void what_customers_write_is_heard(void **state)
{
    static const struct {
        const struct receipt_reader *reader;
        const char *body;
        const char *sub_type;
        const char *from;
        const char *text;
    } rows[] = {
        {&receipt_sinch,
         "{\"message\":{\"direction\":\"TO_APP\",\"contact_message\":{\"text_message\":{\"text\":"
         "\"STOP\"}},\"channel_identity\":{\"channel\":\"WHATSAPP\",\"identity\":\"358401234567\"}"
         "}}",
         "whatsapp", "358401234567", "STOP"},
        {&receipt_sinch, CHOICE("{\"message_id\":\"01F\",\"postback_data\":\"01F_Stop\"}"),
         "whatsapp", "3584", "Stop"},
        {&receipt_sinch, CHOICE("{\"message_id\":\"01F\",\"postback_data\":\"STOP\"}"), "whatsapp",
         "3584", "STOP"},
        {&receipt_sinch, CHOICE("{\"message_id\":\"01F\",\"postback_data\":\"01F\"}"), "whatsapp",
         "3584", "01F"},
        {&receipt_sinch, CHOICE("{\"postback_data\":\"_Stop\"}"), "whatsapp", "3584", "_Stop"},
        {&receipt_sinch, CHOICE("7"), "whatsapp", "3584", ""},
        {&receipt_whatsapp,
         META("\"messages\":[{\"from\":\"358401234567\",\"type\":\"text\",\"text\":{\"body\":"
              "\"Stop\"}}]"),
         "whatsapp", "358401234567", "Stop"},
        {&receipt_whatsapp,
         META("\"messages\":[{\"from\":\"3584\",\"type\":\"button\",\"button\":{\"text\":\"Stop\","
              "\"payload\":\"p\"}}]"),
         "whatsapp", "3584", "Stop"},
        {&receipt_whatsapp,
         META("\"messages\":[{\"from\":\"3584\",\"interactive\":{\"button_reply\":{\"title\":"
              "\"Quit\"}}}]"),
         "whatsapp", "3584", "Quit"},
        {&receipt_whatsapp,
         META("\"messages\":[{\"from\":\"3584\",\"interactive\":{\"type\":\"list_reply\","
              "\"list_reply\":{\"id\":\"1\",\"title\":\"Stop\"}}}]"),
         "whatsapp", "3584", "Stop"},
        {&receipt_whatsapp, META("\"messages\":[{\"from\":\"3584\",\"type\":\"image\"}]"),
         "whatsapp", "3584", ""},
        {&receipt_webhook, "{\"from\":\"+3584\",\"subType\":\"whatsapp\",\"text\":\"stop\"}",
         "whatsapp", "+3584", "stop"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct heard h;
        struct fault f = {0};

        if (!hear(rows[i].reader, VIEW_NONE, view_of(rows[i].body), &h, &f))
            fail_msg("row %zu: %s", i, f.text);
        assert_int_equal(h.inbound_count, 1);
        assert_string_equal(h.sub_type, rows[i].sub_type);
        assert_string_equal(h.inbound[0].from, rows[i].from);
        assert_string_equal(h.inbound[0].text, rows[i].text);
    }
}

#define TEXT "{\"from\":\"+3584\",\"subType\":\"whatsapp\",\"text\":\"stop\"}"

/* By what a text is known that comes again, in another request. */
static void a_text_has_the_name_that_its_gateway_gave_it(void **state)
{
    const struct http_field id = {VIEW("webhook-id"), VIEW("evt-1")};
    const struct receipt_request hook = {.headers = &id,
                                         .header_count = 1,
                                         .body = VIEW("[{}," TEXT "," TEXT "]"),
                                         .wall_ms = WALL_MS};
    struct heard h = {.receipt_count = 0};
    const struct receipt_visitor to = {&h, take_receipt, take_inbound, take_nonsense};
    struct fault f = {0};
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    buf_printf(&body, "{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[{\"from\":\"1\",\"id\":"
                      "\"wamid.\\u0041==\"},{\"from\":\"1\",\"id\":7},{\"from\":\"1\",\"id\":\"");
    for (int i = 0; i < RECEIPT_NAME_MAX; i++)
        buf_put_char(&body, 'x');
    buf_put_text(&body, "\"}]}}]}]}");
    assert_true(hear(&receipt_whatsapp, VIEW_NONE, buf_view(&body), &h, &f));
    buf_done(&body);
    assert_int_equal(h.inbound_count, 3);
    assert_string_equal(h.inbound[0].name, "wamid.A==");
    assert_string_equal(h.inbound[1].name, "");
    assert_string_equal(h.inbound[2].name, ""); /* too long: not the name of any other */
    assert_true(hear(&receipt_sinch, VIEW_NONE,
                     VIEW("{\"message\":{\"id\":\"01EQ8\",\"contact_message\":{},"
                          "\"channel_identity\":{\"channel\":\"WHATSAPP\",\"identity\":\"3\"}}}"),
                     &h, &f));
    assert_string_equal(h.inbound[0].name, "01EQ8");
    assert_true(hear(&receipt_webhook, VIEW_NONE, VIEW(TEXT), &h, &f));
    assert_string_equal(h.inbound[0].name, ""); /* without headers */
    h.inbound_count = 0;
    assert_true(receipt_webhook.read(&hook, &to, &f));
    assert_int_equal(h.inbound_count, 2); /* one request, and not one text */
    assert_string_equal(h.inbound[0].name, "2/evt-1");
    assert_string_equal(h.inbound[1].name, "3/evt-1");
}

static void many_in_one_request_are_all_heard(void **state)
{
    struct heard h;
    struct fault f = {0};
    struct buf body;

    (void)state;
    assert_true(
        hear(&receipt_whatsapp, VIEW_NONE,
             VIEW("{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":[{},{}]}},"
                  "{\"value\":{\"messages\":[{\"from\":\"1\"}]}}]},{\"changes\":[{\"value\":"
                  "{\"statuses\":[{}]}}]},{}]}"),
             &h, &f));
    assert_int_equal(h.receipt_count, 3);
    assert_int_equal(h.inbound_count, 1);
    buf_init(&body, 1 << 20);
    buf_put_char(&body, '[');
    for (int i = 0; i < RECEIPT_ITEMS_MAX; i++)
        buf_printf(&body, "%s{\"id\":\"x\",\"status\":\"read\"}", i > 0 ? "," : "");
    buf_put_char(&body, ']');
    assert_true(hear(&receipt_webhook, VIEW_NONE, buf_view(&body), &h, &f));
    assert_int_equal(h.receipt_count, RECEIPT_ITEMS_MAX);
    body.n--;
    buf_put_text(&body, ",{\"id\":\"x\",\"status\":\"read\"}]");
    assert_false(hear(&receipt_webhook, VIEW_NONE, buf_view(&body), &h, &f));
    assert_non_null(strstr(f.text, "4096"));
    buf_done(&body);
}

#define GOOD "{\"id\":\"" REF "\",\"status\":\"delivered\"}"

static void nonsense_in_a_list_is_named_and_the_rest_is_taken(void **state)
{
    struct heard h;
    struct fault f = {0};

    (void)state;
    assert_true(hear(&receipt_webhook, VIEW_NONE, VIEW("[" GOOD ",{\"id\":1}," GOOD "]"), &h, &f));
    assert_int_equal(h.receipt_count, 2);
    assert_int_equal(h.nonsense_count, 1);
    assert_int_equal(h.nonsense, 2);
    assert_string_equal(h.why.text, "neither status nor from is a text");
    assert_true(hear(&receipt_webhook, VIEW_NONE, VIEW("[]"), &h, &f));
    assert_false(
        hear(&receipt_webhook, VIEW_NONE, VIEW("[{\"status\":\"gone\"},{\"id\":1}]"), &h, &f));
    assert_string_equal(f.text, "status is none of accepted, delivered, read, failed");
}

static void what_a_gateway_never_sends_is_refused_or_means_nothing(void **state)
{
    static const struct receipt_reader *const posted[] = {&receipt_sinch, &receipt_whatsapp,
                                                          &receipt_webhook};
    struct buf deep;
    const struct view bodies[] = {
        VIEW_NONE,    VIEW("<xml/>"),
        VIEW("\0"),   VIEW("{\"id\":\"\xff\"}"),
        VIEW("7"),    VIEW("{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":[{}"), /* cut */
        VIEW("{}{}"),
    };

    (void)state;
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_put_text(&deep, "{\"entry\":");
    for (size_t r = 0; r < sizeof posted / sizeof posted[0]; r++) {
        struct heard h;
        struct fault f = {0};

        for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++)
            assert_false(hear(posted[r], VIEW_NONE, bodies[b], &h, &f));
        assert_false(hear(posted[r], VIEW_NONE, buf_view(&deep), &h, &f));
        assert_int_equal(h.receipt_count + h.inbound_count, 0);
    }
    for (size_t r = 0; r < 2; r++) { /* a trigger that is nothing to us, and odd shapes of ours */
        static const char *const empty[] = {
            "{}", "{\"message\":{}}", "{\"entry\":{}}", "{\"entry\":[7,null,[]]}",
            "{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":{},\"messages\":[{}]}}]}]}"};

        for (size_t b = 0; b < sizeof empty / sizeof empty[0]; b++) {
            struct heard h;
            struct fault f = {0};

            assert_true(hear(posted[r], VIEW_NONE, view_of(empty[b]), &h, &f));
            assert_int_equal(h.receipt_count + h.inbound_count, 0);
        }
    }
    buf_done(&deep);
    for (size_t b = 0; b < 5; b++) {
        static const char *const wrong[] = {
            "{}", "{\"status\":\"gone\",\"id\":\"x\"}", "{\"status\":\"read\"}",
            "{\"id\":\"x\",\"status\":\"read\",\"time\":\"now\"}", "{\"from\":\"1\"}"};
        struct heard h;
        struct fault f = {0};

        assert_false(hear(&receipt_webhook, VIEW_NONE, view_of(wrong[b]), &h, &f));
    }
    for (size_t b = 0; b < 5; b++) {
        static const char *const wrong[] = {"", "type=", "type=x", "type=1&type=1", "type=%zz"};
        struct heard h;
        struct fault f = {0};

        assert_false(hear(&receipt_kannel, view_of(wrong[b]), VIEW_NONE, &h, &f));
    }
}

/* ---- whether it is they ---- */

static const struct signature_crypto crypto = {crypto_hmac_sha256, crypto_same};

static bool proves(const struct receipt_reader *reader, const struct channel_setup *channel,
                   const struct http_field *headers, size_t count, struct view query,
                   struct view body, int64_t wall_ms, struct view *once)
{
    struct receipt_setup s = {.channel = channel, .crypto = crypto};
    struct receipt_request r = {query, headers, count, body, wall_ms};
    struct fault f = {0};
    bool ok = reader->verify(&s, &r, once, &f);

    assert_int_equal(f.cls, ok ? FAULT_NONE : FAULT_REJECT);
    if (channel->receipts_secret != NULL && strstr(f.text, channel->receipts_secret) != NULL)
        fail_msg("it tells the secret: %s", f.text);
    return ok;
}

static void kannel_proves_itself_by_the_token(void **state)
{
    struct channel_setup channel = {.receipts_secret = "0123456789abcdef"};
    struct channel_setup none = {.receipts_secret = NULL};
    struct view once = VIEW_NONE;

    (void)state;
    assert_true(proves(&receipt_kannel, &channel, NULL, 0, VIEW("a=1&token=0123456789abcdef"),
                       VIEW_NONE, WALL_MS, &once));
    assert_int_equal(once.n, 0);
    assert_false(proves(&receipt_kannel, &channel, NULL, 0, VIEW("token=0123456789abcdeF"),
                        VIEW_NONE, WALL_MS, &once));
    assert_false(
        proves(&receipt_kannel, &channel, NULL, 0, VIEW("token="), VIEW_NONE, WALL_MS, &once));
    assert_false(proves(&receipt_kannel, &channel, NULL, 0, VIEW_NONE, VIEW_NONE, WALL_MS, &once));
    assert_false(proves(&receipt_kannel, &channel, NULL, 0,
                        VIEW("token=0123456789abcdef&token=0123456789abcdef"), VIEW_NONE, WALL_MS,
                        &once));
    assert_false(
        proves(&receipt_kannel, &none, NULL, 0, VIEW("token="), VIEW_NONE, WALL_MS, &once));
}

static void the_conversation_api_proves_itself_by_body_nonce_and_time(void **state)
{
    struct channel_setup channel = {.receipts_secret = "a shared secret"};
    struct view body = VIEW("{\"app_id\":\"A\"}");
    struct http_field headers[] = {
        {VIEW("X-Sinch-Webhook-Signature"), VIEW_NONE},
        {VIEW("X-Sinch-Webhook-Signature-Nonce"), VIEW("01FJA8B4A7")},
        {VIEW("X-Sinch-Webhook-Signature-Timestamp"), VIEW(WALL_S)},
        {VIEW("X-Sinch-Webhook-Signature-Algorithm"), VIEW("HmacSHA256")}};
    struct view once = VIEW_NONE;
    uint8_t digest[32];
    struct buf signature;

    (void)state;
    crypto_hmac_sha256(VIEW("a shared secret"), VIEW("{\"app_id\":\"A\"}.01FJA8B4A7." WALL_S),
                       digest);
    buf_init(&signature, 64);
    base64_encode((struct view){(const char *)digest, sizeof digest}, &signature);
    headers[0].value = buf_view(&signature);
    assert_true(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE, body, WALL_MS, &once));
    assert_true(view_is(once, "01FJA8B4A7"));
    assert_false(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE, body,
                        WALL_MS + SIGNATURE_TOLERANCE_MS + 1000, &once));
    assert_false(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE, body,
                        WALL_MS - SIGNATURE_TOLERANCE_MS - 1000, &once));
    assert_false(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE,
                        VIEW("{\"app_id\": \"A\"}"), WALL_MS, &once));
    for (size_t i = 0; i < 3; i++) { /* each of them is needed, and once only */
        struct http_field fewer[5];
        size_t n = 0;

        for (size_t k = 0; k < 4; k++)
            if (k != i)
                fewer[n++] = headers[k];
        assert_false(proves(&receipt_sinch, &channel, fewer, n, VIEW_NONE, body, WALL_MS, &once));
        fewer[n++] = headers[i];
        assert_true(proves(&receipt_sinch, &channel, fewer, n, VIEW_NONE, body, WALL_MS, &once));
        fewer[n++] = headers[i];
        assert_false(proves(&receipt_sinch, &channel, fewer, n, VIEW_NONE, body, WALL_MS, &once));
    }
    headers[1].value = VIEW("01FJA8B4A8");
    assert_false(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE, body, WALL_MS, &once));
    channel.receipts_secret = NULL;
    assert_false(proves(&receipt_sinch, &channel, headers, 4, VIEW_NONE, body, WALL_MS, &once));
    buf_done(&signature);
}

static void the_cloud_api_proves_itself_by_the_body(void **state)
{
    struct channel_setup channel = {.receipts_secret = "Jefe"};
    struct http_field header = {
        VIEW("X-Hub-Signature-256"),
        VIEW("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")};
    struct view body = VIEW("what do ya want for nothing?"); /* RFC 4231, test case 2 */
    struct view once = VIEW("x");

    (void)state;
    assert_true(proves(&receipt_whatsapp, &channel, &header, 1, VIEW_NONE, body, WALL_MS, &once));
    assert_int_equal(once.n, 0);
    assert_false(proves(&receipt_whatsapp, &channel, &header, 1, VIEW_NONE,
                        VIEW("what do ya want for nothing!"), WALL_MS, &once));
    assert_false(proves(&receipt_whatsapp, &channel, NULL, 0, VIEW_NONE, body, WALL_MS, &once));
    header.value = VIEW("sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_false(proves(&receipt_whatsapp, &channel, &header, 1, VIEW_NONE, body, WALL_MS, &once));
    header.value = VIEW("sha256=");
    assert_false(proves(&receipt_whatsapp, &channel, &header, 1, VIEW_NONE, body, WALL_MS, &once));
}

static void the_cloud_api_is_answered_its_challenge(void **state)
{
    static const struct {
        const char *query;
        const char *answer; /* NULL: refused */
    } rows[] = {
        {"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=s3cr%65t", "1158201444"},
        {"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=secret2", NULL},
        {"hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=s3cret", NULL},
        {"hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=s3cret", NULL},
        {"hub.mode=subscribe&hub.challenge=&hub.verify_token=s3cret", NULL},
        {"hub.mode=subscribe&hub.challenge=1", NULL},
        {"", NULL},
    };
    struct receipt_setup s = {.verify_token = "s3cret", .crypto = crypto};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char room[256];
        struct view answer = VIEW_NONE;
        bool ok = receipt_whatsapp.challenge(&s, view_of(rows[i].query), room, &answer);

        assert_int_equal(ok, rows[i].answer != NULL);
        if (ok)
            assert_true(view_is(answer, rows[i].answer));
    }
    s.verify_token = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char room[256];
        struct view answer = VIEW_NONE;

        assert_false(receipt_whatsapp.challenge(&s, view_of(rows[i].query), room, &answer));
    }
}

static void ours_proves_itself_by_standard_webhooks(void **state)
{
    struct view key = VIEW("a key of exactly thirty-two byte");
    struct channel_setup channel = {.keys = {VIEW_NONE, key}};
    struct channel_setup none = {.name = "n"};
    char signature[SIGNATURE_TEXT_MAX];
    struct http_field headers[] = {{VIEW("webhook-id"), VIEW("rcpt_1")},
                                   {VIEW("webhook-timestamp"), VIEW(WALL_S)},
                                   {VIEW("webhook-signature"), VIEW_NONE}};
    struct view once = VIEW_NONE;

    (void)state;
    signature_make(crypto_hmac_sha256, key, VIEW("rcpt_1"), WALL_MS / 1000, VIEW("{}"), signature);
    headers[2].value = view_of(signature);
    assert_true(
        proves(&receipt_webhook, &channel, headers, 3, VIEW_NONE, VIEW("{}"), WALL_MS, &once));
    assert_true(view_is(once, "rcpt_1"));
    assert_false(
        proves(&receipt_webhook, &channel, headers, 3, VIEW_NONE, VIEW("[]"), WALL_MS, &once));
    assert_false(proves(&receipt_webhook, &none, headers, 3, VIEW_NONE, VIEW("{}"), WALL_MS,
                        &once)); /* without a secret nobody is believed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_is_read_as_its_gateway_means_it),
        cmocka_unit_test(kannel_says_which_part_of_a_text_has_failed),
        cmocka_unit_test(what_has_no_ref_of_ours_is_heard_as_nobodys),
        cmocka_unit_test(what_customers_write_is_heard),
        cmocka_unit_test(a_text_has_the_name_that_its_gateway_gave_it),
        cmocka_unit_test(many_in_one_request_are_all_heard),
        cmocka_unit_test(nonsense_in_a_list_is_named_and_the_rest_is_taken),
        cmocka_unit_test(what_a_gateway_never_sends_is_refused_or_means_nothing),
        cmocka_unit_test(kannel_proves_itself_by_the_token),
        cmocka_unit_test(the_conversation_api_proves_itself_by_body_nonce_and_time),
        cmocka_unit_test(the_cloud_api_proves_itself_by_the_body),
        cmocka_unit_test(the_cloud_api_is_answered_its_challenge),
        cmocka_unit_test(ours_proves_itself_by_standard_webhooks),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
