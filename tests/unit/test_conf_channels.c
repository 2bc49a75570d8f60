/* config/channels: what is wrong with a channel is said by name; what is right arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/channels.h"
#include "config/schema.h"
#include "consumers/schedule_channels.h"
#include "consumers/schedule_conf.h"

#include <string.h>

#define MISTAKES_MAX 65536
#define HOUR_MS      INT64_C(3600000)
#define GUID         "6D2A86B1C4E04C6F9A4E0E7B36D8A101"
#define SECRET       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* Behind what every scheduler must be told. */
static struct conf *parse(const char *yaml, unsigned users, struct buf *mistakes)
{
    struct buf whole;
    struct conf *c;

    buf_init(&whole, MISTAKES_MAX);
    buf_printf(&whole, "%skafka: {brokers: h}\n", yaml);
    c = conf_parse("f", buf_view(&whole), users, mistakes);
    buf_done(&whole);
    return c;
}

static void a_channel_that_lacks_something_is_a_mistake(void **state)
{
    static const struct {
        const char *yaml;
        const char *mistakes;
    } rows[] = {
        {"channels: {a: {type: kannel, url: 'http://h', user: u, password: p}}\n", ""},
        {"channels: {a: {type: kannel, url: 'http://h', user: u}}\n",
         "f:1: channels.a, of type kannel: password is missing\n"},
        {"channels:\n  a:\n    type: telegram\n    url: https://h\n",
         "f:3: channels.a, of type telegram: token is missing\n"},
        {"channels: {a: {type: telegram, url: 'https://h', token: '1:x'}}\n", ""},
        {"channels: {a: {type: webhook, url: 'https://h', token: x}}\n",
         "f:1: channels.a.token is given, but auth is none; it belongs to auth: bearer\n"},
        {"channels: {a: {type: webhook, url: 'https://h', auth: bearer}}\n",
         "f:1: channels.a.token is missing; auth: bearer needs it\n"},
        {"channels: {a: {type: webhook, url: 'https://h', auth: oauth2, user: u, password: p, "
         "token_url: 'https://t/token'}}\n",
         ""},
        {"channels: {a: {type: webhook, url: 'https://h', auth: oauth2, password: p}}\n",
         "f:1: channels.a.user is missing; auth: oauth2 needs it\n"
         "f:1: channels.a.token_url is missing; auth: oauth2 needs it\n"},
        {"channels: {a: {type: webhook, url: 'https://h', user: u, token_url: 'https://t'}}\n",
         "f:1: channels.a.user is given, but auth is none; it belongs to auth: basic\n"
         "f:1: channels.a.token_url is given, but auth is none; it belongs to auth: oauth2\n"},
        {"channels: {a: {type: cmi-chat, url: 'https://h'}}\n",
         "f:1: channels.a, of type cmi-chat: queue_id is missing\n"},
        {"channels: {a: {type: smoke, url: 'https://h'}}\n",
         "f:1: channels.a.type is 'smoke'; allowed are webhook, kannel, sinch-conversation, "
         "whatsapp-cloud, telegram, cmi-chat\n"},
        {"channels: {dialler: {type: webhook, url: 'https://h'}}\n",
         "f:1: channels.dialler can't be called so: /receipts/dialler is where the dialler "
         "reports\n"},
        {"channels: {a: {type: webhook}}\n", "f:1: channels.a.url is missing: base address; "
                                             "docs/OPERATIONS.md says which for which type\n"},
        {"channels: {a: {type: webhook, url: 'https://h', signing_secret: " SECRET "}}\n", ""},
        {"channels: {a: {type: webhook, url: 'https://h', signing_secret: abc}}\n",
         "f:1: channels.a.signing_secret: is no signing secret: whsec_ and the base64 of 24 to 64 "
         "bytes\n"},
        {"channels: {a: {type: kannel, url: 'http://h', user: u, password: p, receipts_url: "
         "'http://me'}}\n",
         "f:1: channels.a, of type kannel: receipts_secret is missing\n"},
        {"chats: {queues: {q: {id: " GUID ", channel: sms, name: n, address: x, via: b}}}\n",
         "f:1: chats.queues.q.via names the channel 'b', which is not in channels\n"},
        {"channels: {b: {type: webhook, url: 'https://h'}}\n"
         "chats: {queues: {q: {id: " GUID ", channel: sms, name: n, via: b}}}\n",
         "f:2: chats.queues.q.via is given, but the queue has no address to send from\n"},
        {"channels: {b: {type: webhook, url: 'https://h'}}\n"
         "chats: {queues: {q: {id: " GUID ", channel: sms, name: n, address: x, via: b}}}\n",
         ""},
        {"channels: {b: {type: whatsapp-cloud, url: 'https://h'}}\n"
         "chats: {queues: {q: {id: " GUID ", channel: text, name: n, address: x, via: b}}}\n",
         "f:2: chats.queues.q.channel is 'text'; via b, of type whatsapp-cloud, goes only "
         "whatsapp\n"},
        {"channels: {b: {type: whatsapp-cloud, url: 'https://h'}}\n"
         "chats: {queues: {q: {id: " GUID ", channel: WhatsApp, name: n, address: x, via: b}}}\n",
         ""},
        {"channels: {b: {type: sinch-conversation, url: 'https://h'}}\n"
         "chats: {queues: {q: {id: " GUID ", channel: text, name: n, address: x, via: b}}}\n",
         "f:2: chats.queues.q.channel is 'text'; via b, of type sinch-conversation, goes only sms, "
         "whatsapp, rcs, mms, telegram, viber, facebook, messenger, instagram, line, wechat, "
         "kakaotalk, kakaotalkchat, applebc\n"},
        {"channels: {a: {type: webhook, url: 'https://h', hours: 8-20}}\n",
         "f:1: channels.a.hours: '8-20' is no span of hours; write it like Mo-Fr 08:00-20:00 or "
         "08:00-21:00\n"},
        {"consent: {stop_words: {fi: 'lopeta, seis', en: stop}}\n", ""},
        {"consent: {stop_words: {fi: 'lopeta,,seis'}}\n",
         "f:1: consent.stop_words.fi has a word with nothing in it, or with more than 127 bytes\n"},
        {"callbacks: {dialler: {type: webhook, url: 'https://h', hours: 8-20}}\n",
         "f:1: callbacks.dialler.hours: '8-20' is no span of hours; write it like Mo-Fr "
         "08:00-20:00 "
         "or 08:00-21:00\n"},
        {"callbacks: {handling_timeout: 6s, dialler: {type: webhook, url: 'https://h'}}\n",
         "f:1: callbacks.handling_timeout is 6s; it must be longer than callbacks.dialler.timeout, "
         "which is 10s, or a call would be given up while its request is out\n"},
        {"callbacks: {dialler: {type: webhook, url: 'https://h'}}\n"
         "callbacks.dialler.timeout: 2min\ncallbacks.handling_timeout: 2min\n",
         "f:3: callbacks.handling_timeout is 2min; it must be longer than "
         "callbacks.dialler.timeout, which is 2min, or a call would be given up while its request "
         "is out\n"},
        {"callbacks: {handling_timeout: 11s, dialler: {type: webhook, url: 'https://h'}}\n", ""},
        {"callbacks: {handling_timeout: 6s}\n", ""}, /* nobody calls */
        {"callbacks: {dialler: {type: webhook}}\n",
         "f:1: callbacks.dialler.url is missing; type: webhook needs it\n"},
        {"callbacks: {dialler: {url: 'https://h'}}\n",
         "f:1: callbacks.dialler.type is missing; what is spoken at its url is not known\n"},
        {"callbacks: {dialler: {type: cmi, url: 'https://h', auth: basic, user: u}}\n",
         "f:1: callbacks.dialler.password is missing; auth: basic needs it\n"},
        {"callbacks: {dialler: {type: webhook, url: 'https://h', signing_secret: x}}\n",
         "f:1: callbacks.dialler.signing_secret: is no signing secret: whsec_ and the base64 of 24 "
         "to 64 bytes\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct conf *c;

        buf_init(&b, MISTAKES_MAX);
        c = parse(rows[i].yaml, USED_SCHEDULE, &b);
        assert_string_equal(buf_text(&b), rows[i].mistakes);
        conf_free(c);
        buf_done(&b);
    }
}

static struct conf *good(const char *yaml)
{
    struct buf b;
    struct conf *c;

    buf_init(&b, MISTAKES_MAX);
    c = parse(yaml, USED_SCHEDULE | USED_SERVE, &b);
    if (c == NULL)
        fail_msg("%s", buf_text(&b));
    buf_done(&b);
    return c;
}

static void what_is_configured_arrives(void **state)
{
    struct conf *c =
        good("server.anonymous.login: x\n"
             "channels:\n"
             "  plain: {type: webhook, url: 'https://h/in', signing_secret_old: " SECRET "}\n"
             "  sms:\n"
             "    type: kannel\n"
             "    url: http://127.0.0.1:13013/cgi-bin\n"
             "    user: u\n"
             "    password: p\n"
             "    sender: Shop\n"
             "    receipts_url: https://cmi.example.com/edge\n"
             "    receipts_secret: 0123456789abcdef\n"
             "    rate: 30\n"
             "    burst: 5\n"
             "    recipient_gap: 6s\n"
             "    hours: Mo-Fr 08:00-20:00\n"
             "    zone: Europe/Helsinki\n"
             "    outside_hours: expire\n"
             "callbacks.dialler: {type: cmi, url: 'https://h/RI/cmi'}\n");
    struct channel_conf one;
    const struct dialler *dialler = NULL;
    struct fault f = {0};

    (void)state;
    assert_int_equal(channels_find(c, "sms"), 1);
    assert_int_equal(channels_find(c, "none"), 2);
    assert_true(channels_read(c, 1, &one, &f));
    assert_string_equal(one.setup.name, "sms");
    assert_ptr_equal(one.setup.kind, &channel_kannel);
    assert_string_equal(one.setup.sender, "Shop");
    assert_string_equal(one.setup.receipts_url, "https://cmi.example.com/edge/receipts/sms");
    assert_int_equal(one.sending.rate, 30);
    assert_int_equal(one.sending.burst, 5);
    assert_int_equal(one.sending.recipient_gap_ms, 6000);
    assert_string_equal(one.sending.hours, "Mo-Fr 08:00-20:00");
    assert_string_equal(one.sending.zone, "Europe/Helsinki");
    assert_true(one.sending.expire_outside);
    channels_done(&one);
    assert_true(channels_read(c, 0, &one, &f));
    assert_int_equal(one.setup.keys[0].n, 0);
    assert_int_equal(one.setup.keys[1].n, 24);
    assert_int_equal(one.sending.rate, 0);
    assert_null(one.sending.hours);
    assert_string_equal(one.sending.zone, "UTC");
    assert_false(one.sending.expire_outside);
    channels_done(&one);
    assert_true(channels_read_dialler(c, &dialler, &one, &f));
    assert_ptr_equal(dialler, &dialler_cmi);
    channels_done(&one);
    conf_free(c);
}

static void without_a_dialler_there_is_none(void **state)
{
    struct conf *c = good("server.anonymous.login: x\n");
    struct channel_conf one;
    const struct dialler *dialler = NULL;
    struct fault f = {0};

    (void)state;
    assert_true(channels_read_dialler(c, &dialler, &one, &f));
    assert_null(dialler);
    conf_free(c);
}

static void the_sender_gets_routes_and_who_sends_through_them(void **state)
{
    struct conf *c = good("server.anonymous.login: x\n"
                          "channels:\n"
                          "  sms: {type: kannel, url: 'http://h/cgi-bin', user: u, password: p}\n"
                          "  wa: {type: whatsapp-cloud, url: 'https://h/v25.0', auth: bearer,"
                          " token: t, timeout: 3s, concurrency: 7}\n"
                          "chats.queues:\n"
                          "  a: {id: " GUID ", channel: sms, name: n, address: 'x@h'}\n"
                          "  b: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A102, channel: whatsapp, name: n,"
                          " address: 'y@h', via: wa}\n"
                          "callbacks.dialler: {type: cmi, url: 'https://h/RI/cmi', auth: basic,"
                          " user: d, password: s}\n");
    struct schedule_channels s;
    struct fault f = {0};

    (void)state;
    assert_true(schedule_channels_make(c, &s, &f));
    assert_int_equal(s.channel_count, 2);
    assert_int_equal(s.route_count, 3);
    assert_int_equal(s.routes[0].http.auth, HTTP_AUTH_NONE);
    assert_null(s.routes[0].http.secret); /* the password goes into the query only */
    assert_int_equal(s.routes[1].http.auth, HTTP_AUTH_BEARER);
    assert_string_equal(s.routes[1].http.secret, "t");
    assert_string_equal(s.routes[1].http.url, "https://h/v25.0");
    assert_int_equal(s.routes[1].http.timeout_ms, 3000);
    assert_int_equal(s.routes[1].http.slots, 7);
    assert_ptr_equal(s.routes[2].dialler, &dialler_cmi);
    assert_string_equal(s.routes[2].http.user, "d");
    assert_string_equal(s.routes[2].http.secret, "s");
    assert_int_equal(s.source_count, 1); /* the other one has nobody to send through */
    assert_string_equal(s.sources[0].address, "y@h");
    assert_int_equal(s.sources[0].route, 1);
    schedule_channels_done(&s);
    conf_free(c);
}

/* Two countries may share a gateway. */
static void a_queue_may_say_otherwise_than_its_channel(void **state)
{
    struct conf *c =
        good("server.anonymous.login: x\n"
             "channels:\n"
             "  gw: {type: webhook, url: 'http://h/in', rate: 30, burst: 5, recipient_gap: 6s,"
             " hours: '08:00-20:00', zone: Europe/Helsinki, outside_hours: expire}\n"
             "chats.queues:\n"
             "  a: {id: " GUID ", channel: sms, name: n, address: 'a@h', via: gw}\n"
             "  b: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A102, channel: sms, name: n, address: 'b@h',"
             " via: gw, rate: 0, burst: 1, recipient_gap: 0, hours: '10:00-12:00',"
             " zone: America/New_York, outside_hours: wait}\n"
             "  c: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A103, channel: sms, name: n, address: 'c@h',"
             " via: gw, zone: America/New_York}\n");
    static struct schedule_plan plan;
    const struct schedule_sender *s;
    const int64_t winter_ms = INT64_C(1768478400000); /* 2026-01-15T12:00:00Z */
    struct fault f = {0};

    (void)state;
    if (!schedule_plan_make(c, winter_ms, &plan, &f))
        fail_msg("%s", f.text);
    s = plan.senders;
    assert_int_equal(plan.schedule.sender_count, 3);
    assert_int_equal(s[0].rate, 30);
    assert_int_equal(s[0].burst, 5);
    assert_int_equal(s[0].gap_ms, 6000);
    assert_true(s[0].expire_outside);
    assert_int_equal(hours_open_ms(&s[0].hours, s[0].zone, winter_ms), winter_ms); /* 14:00 */
    assert_int_equal(s[1].rate, 0);
    assert_int_equal(s[1].burst, 1);
    assert_int_equal(s[1].gap_ms, 0);
    assert_false(s[1].expire_outside);
    assert_int_equal(hours_open_ms(&s[1].hours, s[1].zone, winter_ms), winter_ms + 3 * HOUR_MS);
    assert_int_equal(s[2].rate, 30);
    assert_true(s[2].expire_outside);
    assert_int_equal(hours_open_ms(&s[2].hours, s[2].zone, winter_ms), winter_ms + HOUR_MS);
    assert_ptr_equal(s[1].zone, s[2].zone);
    schedule_plan_done(&plan);
    conf_free(c);
}

/* WhatsApp takes one message in 6 s to one recipient. */
static void who_says_nothing_has_the_gap_of_whatsapp_and_else_none(void **state)
{
    struct conf *c = good("server.anonymous.login: x\n"
                          "channels:\n"
                          "  own: {type: webhook, url: 'http://h/in', recipient_gap: 0}\n"
                          "  usual: {type: webhook, url: 'http://h/in'}\n"
                          "chats.queues:\n"
                          "  a: {id: " GUID ", channel: whatsapp, name: n, address: 'a@h',"
                          " via: usual}\n"
                          "  b: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A102, channel: sms, name: n,"
                          " address: 'b@h', via: usual}\n"
                          "  c: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A103, channel: whatsapp, name: n,"
                          " address: 'c@h', via: own}\n");
    static struct schedule_plan plan;
    struct fault f = {0};

    (void)state;
    assert_true(schedule_plan_make(c, 0, &plan, &f));
    assert_int_equal(plan.schedule.sender_count, 3);
    assert_int_equal(plan.senders[0].gap_ms, 6000);
    assert_int_equal(plan.senders[1].gap_ms, 0);
    assert_int_equal(plan.senders[2].gap_ms, 0);
    schedule_plan_done(&plan);
    conf_free(c);
}

/* Its limit is of one number of the business and one customer, whichever queue writes. */
static void queues_are_one_sender_where_the_channel_says_who_sends(void **state)
{
    struct conf *c =
        good("server.anonymous.login: x\n"
             "channels:\n"
             "  wa: {type: whatsapp-cloud, url: 'https://h', auth: bearer, token: t,"
             " phone_number_id: '9'}\n"
             "  each: {type: whatsapp-cloud, url: 'https://h', auth: bearer, token: t}\n"
             "  app: {type: sinch-conversation, url: 'https://h', auth: bearer, token: t,"
             " app_id: 'p'}\n"
             "chats.queues:\n"
             "  a: {id: " GUID ", channel: whatsapp, name: n, address: '1@h', via: wa}\n"
             "  b: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A102, channel: sms, name: n, address: '2@h',"
             " via: app}\n"
             "  c: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A103, channel: whatsapp, name: n,"
             " address: '3@h', via: app}\n"
             "  d: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A104, channel: whatsapp, name: n,"
             " address: '4@h', via: wa}\n"
             "  e: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A105, channel: whatsapp, name: n,"
             " address: '5@h', via: each}\n"
             "  f: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A106, channel: whatsapp, name: n,"
             " address: '6@h', via: each}\n"
             "  g: {id: 6D2A86B1C4E04C6F9A4E0E7B36D8A107, channel: WhatsApp, name: n,"
             " address: '7@h', via: app}\n");
    static const char *const heard_as[] = {"1@h", "2@h", "3@h", "1@h", "5@h", "6@h", "3@h"};
    static struct schedule_plan plan;
    struct fault f = {0};

    (void)state;
    if (!schedule_plan_make(c, 0, &plan, &f))
        fail_msg("%s", f.text);
    assert_int_equal(plan.schedule.sender_count, sizeof heard_as / sizeof *heard_as);
    for (size_t i = 0; i < plan.schedule.sender_count; i++)
        assert_string_equal(plan.senders[i].heard_as, heard_as[i]);
    schedule_plan_done(&plan);
    conf_free(c);
}

static void the_names_are_those_of_the_channels(void **state)
{
    size_t i = 0;

    (void)state;
    for (; channels[i] != NULL; i++)
        assert_string_equal(channels[i]->name, channel_names[i]);
    assert_null(channel_names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_lacks_something_is_a_mistake),
        cmocka_unit_test(what_is_configured_arrives),
        cmocka_unit_test(without_a_dialler_there_is_none),
        cmocka_unit_test(the_sender_gets_routes_and_who_sends_through_them),
        cmocka_unit_test(a_queue_may_say_otherwise_than_its_channel),
        cmocka_unit_test(who_says_nothing_has_the_gap_of_whatsapp_and_else_none),
        cmocka_unit_test(queues_are_one_sender_where_the_channel_says_who_sends),
        cmocka_unit_test(the_names_are_those_of_the_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
