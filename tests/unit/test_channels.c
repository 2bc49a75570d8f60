/* channels: the request of each, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/channel.h"
#include "bridge/core/cmi_rules.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE "5E1F0A2B3C4D5E6F708192A3B4C5D6E7"
#define REF     MESSAGE "-1002"
#define NOW_MS  INT64_C(1614265330500)

struct
try {
    struct channel_setup setup;
    struct channel_content content;
    struct channel_send send;
    struct channel_request request;
    struct fault f;
};

static void try_init(struct try *t, const char *channel, struct view body, bool is_template,
                     struct view sub_type)
{
    *t = (struct try){.setup = {.name = "it", .kind = channel_find(channel)},
                      .send = {.ref = {.destination = 1002},
                               .attempt = 2,
                               .source = VIEW("12345678@sms.example.com"),
                               .to = VIEW("+358 (0)40-123 4567"),
                               .sub_type = sub_type,
                               .wall_ms = NOW_MS}};
    t->send.content = &t->content;
    assert_true(guid_parse(VIEW(MESSAGE), &t->send.ref.message));
    if (!channel_content_init(&t->content, body, is_template, t->setup.kind, sub_type, &t->f))
        fail_msg("%s", t->f.text);
    channel_request_init(&t->request);
}

static void try_done(struct try *t)
{
    channel_content_done(&t->content);
    channel_request_done(&t->request);
}

static bool build(struct try *t)
{
    channel_request_clear(&t->request);
    return t->setup.kind->build(&t->setup, &t->send, &t->request, &t->f);
}

static void built(struct try *t, const char *method, const char *path, const char *body)
{
    if (!build(t))
        fail_msg("%s", t->f.text);
    assert_string_equal(t->request.method, method);
    assert_string_equal(buf_text(&t->request.path), path);
    assert_string_equal(buf_text(&t->request.body), body);
}

static struct view header(const struct try *t, const char *name)
{
    size_t count = 0;

    return http_field_find(t->request.headers, t->request.header_count, name, &count);
}

static void webhook_says_all_that_the_contract_has(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "webhook", VIEW("Hei \"Äiti\"\n"), false, VIEW("sms"));
    built(&t, "POST", "",
          "{\"id\":\"" REF "\",\"message_id\":\"" MESSAGE "\",\"attempt\":2,"
          "\"source\":\"12345678@sms.example.com\",\"to\":\"+358 (0)40-123 4567\","
          "\"subType\":\"sms\",\"contentType\":\"text\",\"text\":\"Hei \\\"Äiti\\\"\\n\","
          "\"parts\":1}");
    assert_true(view_is(header(&t, "Idempotency-Key"), REF));
    assert_true(view_is(header(&t, "Content-Type"), "application/json"));
    assert_int_equal(t.request.header_count, 2); /* nothing to sign with */
    try_done(&t);
}

static void webhook_hands_on_the_template_as_it_is(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "webhook", VIEW(" {\"template_id\": \"t\"} "), true, VIEW("whatsapp"));
    built(&t, "POST", "",
          "{\"id\":\"" REF "\",\"message_id\":\"" MESSAGE "\",\"attempt\":2,"
          "\"source\":\"12345678@sms.example.com\",\"to\":\"+358 (0)40-123 4567\","
          "\"subType\":\"whatsapp\",\"contentType\":\"template\","
          "\"template\": {\"template_id\": \"t\"} ,\"parts\":1}");
    try_done(&t);
}

static void webhook_signs_with_every_key_in_force(void **state)
{
    const struct signature_crypto crypto = {crypto_hmac_sha256, crypto_same};
    struct view keys[] = {VIEW("the first key of thirty-two byte"),
                          VIEW("the other key of thirty-two byte")};
    struct try t;

    (void)state;
    try_init(&t, "webhook", VIEW("x"), false, VIEW("sms"));
    t.setup.hmac_sha256 = crypto_hmac_sha256;
    t.setup.keys[0] = keys[0];
    t.setup.keys[1] = keys[1];
    assert_true(build(&t));
    assert_true(view_is(header(&t, "webhook-id"), REF));
    assert_true(view_is(header(&t, "webhook-timestamp"), "1614265330"));
    for (size_t i = 0; i < 2; i++)
        assert_true(signature_check(
            &crypto, &keys[i], 1, header(&t, "webhook-id"), header(&t, "webhook-timestamp"),
            header(&t, "webhook-signature"), buf_view(&t.request.body), NOW_MS, &t.f));
    try_done(&t);
}

static void kannel_gets_one_receiver_its_coding_and_our_dlr_url(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "kannel", VIEW("100% & more\n"), false, VIEW("sms"));
    t.setup.user = "bridge";
    t.setup.password = "se cret&";
    built(&t, "GET",
          "/sendsms?username=bridge&password=se%20cret%26&from=12345678&to=%2B3580401234567"
          "&charset=UTF-8&coding=0&text=100%25%20%26%20more%0A",
          "");
    assert_true(view_is(header(&t, "Idempotency-Key"), REF));
    t.setup.sender = "Shop";
    t.setup.receipts_url = "https://cmi.example.com/receipts/sms";
    t.setup.receipts_secret = "t/k";
    t.send.to = VIEW("0401234567");
    t.content.text = VIEW("ж");
    built(&t, "GET",
          "/sendsms?username=bridge&password=se%20cret%26&from=Shop&to=0401234567"
          "&charset=UTF-8&coding=2&text=%D0%B6&dlr-mask=19&dlr-url="
          "https%3A%2F%2Fcmi.example.com%2Freceipts%2Fsms%3Fref%3D" REF "%26token%3Dt%252Fk"
          "%26type%3D%25d%26time%3D%25T%26answer%3D%25A%26id%3D%25F",
          "");
    try_done(&t);
}

/* Kannel puts values for '%' and a letter: of bytes that are encoded so it would leave nothing. */
static void kannel_gets_no_escape_of_its_own_for_what_is_ours(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "kannel", VIEW("hi"), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    t.setup.receipts_url = "http://r/b%c3%BCro%20/receipts/sms";
    t.setup.receipts_secret = "t/ké%";
    built(&t, "GET",
          "/sendsms?username=x&password=x&from=12345678&to=%2B3580401234567"
          "&charset=UTF-8&coding=0&text=hi&dlr-mask=19&dlr-url="
          "http%3A%2F%2Fr%2Fb%25%25c3%25%25BCro%2520%2Freceipts%2Fsms%3Fref%3D" REF
          "%26token%3Dt%252Fk%25%25C3%25%25A9%2525%26type%3D%25d%26time%3D%25T%26answer%3D%25A"
          "%26id%3D%25F",
          "");
    try_done(&t);
}

static void has(struct try *t, unsigned part, const char *what)
{
    t->send.part = part;
    assert_true(build(t));
    if (strstr(buf_text(&t->request.path), what) == NULL)
        fail_msg("part %u is %s", part, buf_text(&t->request.path));
}

/* One request for each, with the header that joins them; the last one asks for all reports. */
static void kannel_gets_a_long_text_in_parts(void **state)
{
    char text[200];
    char path[1024];
    struct try t;

    (void)state;
    memset(text, 'a', sizeof text);
    try_init(&t, "kannel", (struct view){text, sizeof text}, false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    t.setup.receipts_url = "http://r";
    t.setup.receipts_secret = "s";
    assert_int_equal(channel_requests(t.setup.kind, &t.content), 2);
    (void)snprintf(path, sizeof path,
                   "/sendsms?username=x&password=x&from=12345678&to=%%2B3580401234567"
                   "&charset=UTF-8&coding=0&udh=%%05%%00%%03P%%02%%01&text=%.153s"
                   "&dlr-mask=18&dlr-url=http%%3A%%2F%%2Fr%%3Fref%%3D" REF "%%26token%%3Ds"
                   "%%26type%%3D%%25d%%26time%%3D%%25T%%26answer%%3D%%25A%%26id%%3D%%25F"
                   "%%26part%%3D1",
                   text);
    built(&t, "GET", path, "");
    assert_true(view_is(header(&t, "Idempotency-Key"), REF "/1"));
    has(&t, 1,
        "&udh=%05%00%03P%02%02&text=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "&dlr-mask=19&");
    assert_null(strstr(buf_text(&t.request.path), "part"));
    assert_true(view_is(header(&t, "Idempotency-Key"), REF "/2"));
    t.send.attempt++; /* is told from the one before */
    has(&t, 0, "&udh=%05%00%03Q%02%01&");
    try_done(&t);
}

static void kannel_gets_no_character_in_two_pieces(void **state)
{
    struct buf text;
    struct try t;

    (void)state;
    buf_init(&text, 65536);
    for (int i = 0; i < 66; i++)
        buf_put_text(&text, "x");
    for (int i = 0; i < 30; i++)
        buf_put_text(&text, "😀");
    try_init(&t, "kannel", buf_view(&text), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    assert_int_equal(channel_requests(t.setup.kind, &t.content), 2);
    has(&t, 0, "&coding=2&udh=%05%00%03P%02%01&text=xxxxxx");
    assert_null(strstr(buf_text(&t.request.path), "%F0"));
    has(&t, 1, "&coding=2&udh=%05%00%03P%02%02&text=%F0%9F%98%80%F0%9F%98%80");
    try_done(&t);

    buf_clear(&text);
    for (int i = 0; i < 152; i++)
        buf_put_text(&text, "x");
    buf_put_text(&text, "€ and more");
    try_init(&t, "kannel", buf_view(&text), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    assert_int_equal(channel_requests(t.setup.kind, &t.content), 2);
    has(&t, 0, "&coding=0&udh=%05%00%03P%02%01&text=xxxxxx");
    assert_null(strstr(buf_text(&t.request.path), "%E2"));
    has(&t, 1, "&coding=0&udh=%05%00%03P%02%02&text=%E2%82%AC%20and%20more");
    try_done(&t);
    buf_done(&text);
}

/* As a chat's message may be: the header has no numbers for it. */
static void kannel_refuses_what_no_phone_could_join(void **state)
{
    struct buf text;
    struct try t;

    (void)state;
    buf_init(&text, 65536);
    for (int i = 0; i < 255 * 67; i++)
        buf_put_text(&text, i == 0 ? "ж" : "x");
    try_init(&t, "kannel", buf_view(&text), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    assert_int_equal(channel_requests(t.setup.kind, &t.content), 255);
    has(&t, 254, "&udh=%05%00%03P%FF%FF&text=x");
    try_done(&t);
    buf_put_text(&text, "x");
    try_init(&t, "kannel", buf_view(&text), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    assert_false(build(&t));
    assert_int_equal(t.f.cls, FAULT_REJECT);
    assert_string_equal(t.f.text, "the text has 256 parts, and an SMS has at most 255");
    try_done(&t);
    buf_done(&text);
}

/* It would send to each word of it. */
static void kannel_refuses_an_address_that_it_takes_for_a_list(void **state)
{
    static const char *const lists[] = {"call me +358403", "mobile +358401, work +358402",
                                        "* 358401",        "abc\tdef",
                                        "abc\ndef",        "abc\vdef",
                                        "abc\fdef",        "abc\rdef"};
    struct try t;

    (void)state;
    try_init(&t, "kannel", VIEW("x"), false, VIEW("sms"));
    t.setup.user = t.setup.password = "x";
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        t.send.to = view_of(lists[i]);
        if (build(&t))
            fail_msg("\"%s\" is sent to", lists[i]);
        assert_int_equal(t.f.cls, FAULT_REJECT);
        assert_string_equal(t.f.text, "the destination's address has a blank in it, and Kannel "
                                      "takes such for several");
    }
    t.send.to = VIEW(" Shop7\n");
    has(&t, 0, "&to=Shop7&");
    t.send.to = VIEW("+358 40 123");
    has(&t, 0, "&to=%2B35840123&");
    try_done(&t);
}

static void the_others_get_any_text_whole(void **state)
{
    char text[200];

    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 0; channels[i] != NULL; i++) {
        struct try t;

        try_init(&t, channels[i]->name, (struct view){text, sizeof text}, false, VIEW("sms"));
        assert_int_equal(t.content.parts, 2);
        assert_int_equal(channel_requests(channels[i], &t.content),
                         channels[i] == &channel_kannel ? 2 : 1);
        try_done(&t);
    }
}

static void the_conversation_api_gets_an_identity_and_our_ref(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "sinch-conversation", VIEW("Hei"), false, VIEW("SMS"));
    t.setup.app_id = "01app";
    t.setup.sender = "Shop";
    built(&t, "POST", "",
          "{\"app_id\":\"01app\",\"recipient\":{\"identified_by\":{\"channel_identities\":["
          "{\"channel\":\"SMS\",\"identity\":\"+3580401234567\"}]}},"
          "\"message\":{\"text_message\":{\"text\":\"Hei\"}},"
          "\"channel_properties\":{\"SMS_SENDER\":\"Shop\"},"
          "\"message_metadata\":\"" REF "\",\"correlation_id\":\"" REF "\"}");
    t.setup.app_id = NULL;
    t.send.source = VIEW(" 11erHG2@whatsapp.sinchconversation.com");
    t.send.sub_type = VIEW("whatsapp");
    t.send.to = VIEW("0032542115485");
    built(&t, "POST", "",
          "{\"app_id\":\"11ERHG2\",\"recipient\":{\"identified_by\":{\"channel_identities\":["
          "{\"channel\":\"WHATSAPP\",\"identity\":\"+32542115485\"}]}},"
          "\"message\":{\"text_message\":{\"text\":\"Hei\"}},"
          "\"message_metadata\":\"" REF "\",\"correlation_id\":\"" REF "\"}");
    t.send.sub_type = VIEW("viber");
    t.send.to = VIEW(" 01AbC9zXyW8Q== ");
    assert_true(build(&t));
    assert_non_null(strstr(buf_text(&t.request.body), "\"identity\":\"01AbC9zXyW8Q==\""));
    t.send.to = VIEW("\n  01AbC9zXyW8Q==\r\n");
    assert_true(build(&t));
    assert_non_null(strstr(buf_text(&t.request.body), "\"identity\":\"01AbC9zXyW8Q==\""));
    t.send.to = VIEW("\n  0032542115485\r\n");
    assert_true(build(&t));
    assert_non_null(strstr(buf_text(&t.request.body), "\"identity\":\"+32542115485\""));
    t.send.sub_type = VIEW("carrier pigeon");
    assert_false(build(&t));
    assert_int_equal(t.f.cls, FAULT_REJECT);
    try_done(&t);
}

/* Where recipients have ids, one is no number though it looks like it. */
static void the_conversation_api_gets_ids_as_they_are(void **state)
{
    static const char *const numbered[] = {"sms", "mms", "rcs", "whatsapp", "viber"};
    static const char *const sub_types[] = {"telegram", "facebook", "messenger",     "instagram",
                                            "line",     "wechat",   "kakaotalkchat", "Telegram",
                                            "applebc",  "kakaotalk"};
    static const char *const ids[] = {"-1001234567890", "001234", "+1 (234)", "00AbC=="};

    (void)state;
    for (size_t i = 0; i < sizeof sub_types / sizeof sub_types[0]; i++)
        for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++) {
            struct try t;
            char given[64];
            char identity[64];

            try_init(&t, "sinch-conversation", VIEW("Hei"), false, view_of(sub_types[i]));
            snprintf(given, sizeof given, "\n %s\t\n", ids[k]);
            snprintf(identity, sizeof identity, "\"identity\":\"%s\"}", ids[k]);
            t.send.to = view_of(given);
            assert_true(build(&t));
            assert_non_null(strstr(buf_text(&t.request.body), identity));
            assert_non_null(strstr(buf_text(&t.request.body), "\"message_metadata\":\"" REF "\""));
            try_done(&t);
        }
    for (size_t i = 0; i < sizeof numbered / sizeof numbered[0]; i++) {
        struct try t;

        try_init(&t, "sinch-conversation", VIEW("Hei"), false, view_of(numbered[i]));
        t.send.to = VIEW("0032 542-115485 ");
        assert_true(build(&t));
        assert_non_null(strstr(buf_text(&t.request.body), "\"identity\":\"+32542115485\"}"));
        try_done(&t);
    }
}

#define TEMPLATE                                                                                   \
    "{\"template_body\":\"Dear Customer\",\"template_id\":\"appt\",\"language_code\":\"en\","      \
    "\"parameters\":{\"body[1]text\":\"Customer\",\"button[0]quick_reply[1]text\":\"Yes\"}}"

static void a_template_goes_to_whatsapp_as_one_and_to_others_as_its_text(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "sinch-conversation", VIEW(TEMPLATE), true, VIEW("whatsapp"));
    t.setup.app_id = "A";
    built(&t, "POST", "",
          "{\"app_id\":\"A\",\"recipient\":{\"identified_by\":{\"channel_identities\":["
          "{\"channel\":\"WHATSAPP\",\"identity\":\"+3580401234567\"}]}},"
          "\"message\":{\"template_message\":{\"channel_template\":{\"WHATSAPP\":{"
          "\"template_id\":\"appt\",\"language_code\":\"en\",\"parameters\":{"
          "\"body[1]text\":\"Customer\",\"button[0]quick_reply[1]text\":\"Yes\","
          "\"button[0]quick_reply[1]payload\":\"\"}}}}},"
          "\"message_metadata\":\"" REF "\",\"correlation_id\":\"" REF "\"}");
    t.send.sub_type = VIEW("telegram");
    assert_true(build(&t));
    assert_non_null(
        strstr(buf_text(&t.request.body), "{\"text_message\":{\"text\":\"Dear Customer\"}}"));
    try_done(&t);
    try_init(&t, "telegram", VIEW("{\"template_id\":\"t\"}"), true, VIEW("telegram"));
    t.setup.token = "123:abc";
    assert_false(build(&t)); /* there is no text to send instead */
    assert_non_null(strstr(t.f.text, "template_body"));
    try_done(&t);
}

static void the_cloud_api_gets_digits_and_our_ref(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "whatsapp-cloud", VIEW("Hei"), false, VIEW("whatsapp"));
    built(&t, "POST", "/12345678/messages",
          "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\","
          "\"to\":\"3580401234567\",\"type\":\"text\",\"text\":{\"body\":\"Hei\"},"
          "\"biz_opaque_callback_data\":\"" REF "\"}");
    t.setup.phone_number_id = "10 6";
    assert_true(build(&t));
    assert_string_equal(buf_text(&t.request.path), "/10%206/messages");
    try_done(&t);
    try_init(&t, "whatsapp-cloud", VIEW(TEMPLATE), true, VIEW("whatsapp"));
    built(&t, "POST", "/12345678/messages",
          "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\","
          "\"to\":\"3580401234567\",\"type\":\"template\",\"template\":{\"name\":\"appt\","
          "\"language\":{\"policy\":\"deterministic\",\"code\":\"en\"},\"components\":["
          "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Customer\"}]},"
          "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\",\"parameters\":["
          "{\"type\":\"payload\",\"payload\":\"Yes\"}]}]},"
          "\"biz_opaque_callback_data\":\"" REF "\"}");
    try_done(&t);
    try_init(&t, "whatsapp-cloud",
             VIEW("{\"template_id\":\"t\",\"language_code\":\"en\",\"parameters\":{\"x\":\"y\"}}"),
             true, VIEW("whatsapp"));
    assert_false(build(&t));
    assert_int_equal(t.f.cls, FAULT_REJECT);
    try_done(&t);
}

static void telegram_gets_a_chat_by_number_or_name(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "telegram", VIEW("Hei"), false, VIEW("telegram"));
    t.setup.token = "123:abc_-";
    t.send.to = VIEW(" -1001234567890 ");
    built(&t, "POST", "/bot123:abc_-/sendMessage", "{\"chat_id\":-1001234567890,\"text\":\"Hei\"}");
    t.send.to = VIEW("@news");
    built(&t, "POST", "/bot123:abc_-/sendMessage", "{\"chat_id\":\"@news\",\"text\":\"Hei\"}");
    try_done(&t);
}

static void cmi_chat_is_an_outbound_chat_that_a_cmi_takes(void **state)
{
    struct try t;

    (void)state;
    try_init(&t, "cmi-chat", VIEW("Hei"), false, VIEW("sms"));
    t.setup.queue_id = "999102030405060708090A0B0C0D0E0F";
    built(&t, "POST", "/chats",
          "{\"channel_type\":\"chatout\",\"channel_sub_type\":\"sms\","
          "\"originator\":\"12345678@sms.example.com\",\"destination\":\"+358 (0)40-123 4567\","
          "\"title\":\"\",\"from_queue\":{\"id\":\"999102030405060708090A0B0C0D0E0F\","
          "\"name\":\"12345678@sms.example.com\"},\"transcript\":{\"messages\":["
          "{\"message\":\"Hei\",\"originator\":\"12345678@sms.example.com\",\"type\":\"text\"}]}}");
    if (!cmi_body_check(json_in_read, buf_view(&t.request.body), &cmi_chat, CMI_POST,
                        (struct cmi_visitor){.ctx = NULL}, &t.f))
        fail_msg("%s", t.f.text);
    try_done(&t);
}

static void an_address_with_nothing_in_it_is_refused_unsent(void **state)
{
    static const char *const numbered[] = {"kannel", "sinch-conversation", "whatsapp-cloud"};

    (void)state;
    for (size_t i = 0; i < sizeof numbered / sizeof numbered[0]; i++) {
        struct try t;

        try_init(&t, numbered[i], VIEW("x"), false, VIEW("sms"));
        t.setup.user = t.setup.password = "x";
        t.send.to = VIEW(" - ");
        assert_false(build(&t));
        assert_int_equal(t.f.cls, FAULT_REJECT);
        try_done(&t);
    }
}

/* The longest text that the interface takes, of the characters that grow most. */
static void the_longest_text_finds_room(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 16384);
    for (int i = 0; i < 2000; i++)
        buf_put_text(&text, i % 2 == 0 ? "😀" : "\x01");
    for (size_t i = 0; channels[i] != NULL; i++) {
        struct try t;

        try_init(&t, channels[i]->name, buf_view(&text), false, VIEW("sms"));
        t.setup.user = t.setup.password = t.setup.token = "x";
        t.setup.receipts_url = "https://cmi.example.com/receipts/sms";
        t.setup.receipts_secret = "s";
        t.setup.queue_id = MESSAGE;
        if (!build(&t))
            fail_msg("%s: %s", channels[i]->name, t.f.text);
        try_done(&t);
    }
    buf_done(&text);
}

static void only_sms_is_counted_in_parts(void **state)
{
    static const char text[] =
        "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж"
        "жжжжж";
    static const struct {
        const char *kind;
        const char *sub_type;
        unsigned parts;
    } rows[] = {
        {"", "Sms", 2},        {"webhook", "sms", 2},      {"kannel", "sms", 2},
        {"kannel", "text", 2}, {"webhook", "whatsapp", 1}, {"whatsapp-cloud", "text", 1},
    };
    struct channel_content c;
    struct fault f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(channel_content_init(&c, view_of(text), false, channel_find(rows[i].kind),
                                         view_of(rows[i].sub_type), &f));
        assert_int_equal(c.parts, rows[i].parts);
        channel_content_done(&c);
    }
    assert_false(channel_content_init(&c, view_of(text), true, NULL, VIEW("whatsapp"), &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_null(strstr(f.text, "ж"));
}

static void each_channel_names_the_setting_it_lacks(void **state)
{
    static const struct {
        const char *channel;
        struct channel_setup setup;
        const char *says; /* NULL: it has all */
    } rows[] = {
        {"webhook", {.name = "w"}, NULL},
        {"kannel", {.password = "p"}, "user is missing"},
        {"kannel", {.user = "u"}, "password is missing"},
        {"kannel", {.user = "u", .password = "p"}, NULL},
        {"kannel",
         {.user = "u", .password = "p", .receipts_url = "http://x"},
         "receipts_secret is missing"},
        {"sinch-conversation", {.name = "s"}, NULL},
        {"whatsapp-cloud", {.name = "s"}, NULL},
        {"telegram", {.name = "t"}, "token is missing"},
        {"telegram", {.token = "1:a/../x"}, "token is none of a bot"},
        {"telegram", {.token = "123:AAbb_-9"}, NULL},
        {"cmi-chat", {.name = "c"}, "queue_id is missing"},
        {"cmi-chat", {.queue_id = "12"}, "queue_id is no GUID"},
        {"cmi-chat", {.queue_id = MESSAGE}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        bool ok = channel_find(rows[i].channel)->check(&rows[i].setup, &f);

        assert_int_equal(ok, rows[i].says == NULL);
        assert_int_equal(f.cls, ok ? FAULT_NONE : FAULT_STOP);
        if (!ok && strstr(f.text, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, f.text);
    }
    assert_null(channel_find("smoke"));
}

static void a_ref_is_read_back_and_nothing_else_is(void **state)
{
    const struct view bad[] = {
        VIEW_NONE,
        VIEW(MESSAGE),
        VIEW(MESSAGE "-"),
        VIEW(MESSAGE "-01"),
        VIEW(MESSAGE "--1"),
        VIEW(MESSAGE "-4294967296"),
        VIEW(MESSAGE "-1 "),
        VIEW(MESSAGE "_1"),
        VIEW("5E1F0A2B3C4D5E6F708192A3B4C5D6EX-1"),
        VIEW("{5E1F0A2B3C4D5E6F708192A3B4C5D6}-1"),
    };
    struct channel_ref ref;
    char text[CHANNEL_REF_MAX];

    (void)state;
    assert_true(channel_ref_parse(VIEW("5e1f0a2b3c4d5e6f708192a3b4c5d6e7-4294967295"), &ref));
    channel_ref_text(&ref, text);
    assert_string_equal(text, MESSAGE "-4294967295");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(channel_ref_parse(bad[i], &ref));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webhook_says_all_that_the_contract_has),
        cmocka_unit_test(webhook_hands_on_the_template_as_it_is),
        cmocka_unit_test(webhook_signs_with_every_key_in_force),
        cmocka_unit_test(kannel_gets_one_receiver_its_coding_and_our_dlr_url),
        cmocka_unit_test(kannel_gets_no_escape_of_its_own_for_what_is_ours),
        cmocka_unit_test(kannel_gets_a_long_text_in_parts),
        cmocka_unit_test(kannel_gets_no_character_in_two_pieces),
        cmocka_unit_test(kannel_refuses_what_no_phone_could_join),
        cmocka_unit_test(kannel_refuses_an_address_that_it_takes_for_a_list),
        cmocka_unit_test(the_others_get_any_text_whole),
        cmocka_unit_test(the_conversation_api_gets_an_identity_and_our_ref),
        cmocka_unit_test(the_conversation_api_gets_ids_as_they_are),
        cmocka_unit_test(a_template_goes_to_whatsapp_as_one_and_to_others_as_its_text),
        cmocka_unit_test(the_cloud_api_gets_digits_and_our_ref),
        cmocka_unit_test(telegram_gets_a_chat_by_number_or_name),
        cmocka_unit_test(cmi_chat_is_an_outbound_chat_that_a_cmi_takes),
        cmocka_unit_test(an_address_with_nothing_in_it_is_refused_unsent),
        cmocka_unit_test(the_longest_text_finds_room),
        cmocka_unit_test(only_sms_is_counted_in_parts),
        cmocka_unit_test(each_channel_names_the_setting_it_lacks),
        cmocka_unit_test(a_ref_is_read_back_and_nothing_else_is),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
