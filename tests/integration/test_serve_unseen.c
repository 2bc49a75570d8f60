/* What a user may not see, no list tells of: neither by a made-up token nor by a search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "server/contact_sort.h"
#include "server/place.h"
#include "server/visible.h"
#include "tests/fakes/serve_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANN  "Authorization: Bearer ann-token\r\n"
#define CAT  "Authorization: Bearer cat-token\r\n"
#define EVE  "Authorization: Bearer eve-token\r\n"
#define BOSS "Authorization: Bearer boss-token\r\n"

#define Q_ANN "00000000000000000000000000000001" /* of the rig's configuration: sms */
#define Q_BEN "00000000000000000000000000000002" /* wa */

static char *users;
static struct serve_rig rig;

static int start(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    serve_rig_user(&b, "ann",
                   "  id: 0000000000000000000000000000000A\n  name: Ann\n  queues: [sms]\n"
                   "  rights: {chats: all, contacts: all, emails: all}\n");
    serve_rig_user(&b, "cat", "  rights: {contacts: [GET]}\n");
    serve_rig_user(&b, "eve",
                   "  queues: {chats: [sms], emails: [sms]}\n"
                   "  rights: {contacts: [GET], chats: [GET], emails: [GET]}\n");
    serve_rig_user(&b, "boss", "  rights: all\n  remarks: any\n  act-for: true\n");
    users = mem_text(b.p, b.n);
    buf_done(&b);
    serve_rig_start_users(&rig, users, "", "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    mem_free(users);
    return 0;
}

static void ingest(const char *events)
{
    struct probe_reply r =
        probe_ask(rig.port, "POST", "/ingest",
                  BOSS "Content-Type: application/cloudevents-batch+json\r\n", events);

    if (r.status != 200 || strstr(r.body.p, "error") != NULL)
        fail_msg("ingest: %d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

#define EVENT(id, type, subject, data)                                                             \
    "{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"" id "\",\"type\":\"" type                \
    "\",\"subject\":\"" subject "\",\"time\":\"2026-01-01T00:00:0" id "Z\",\"data\":" data "}"

/* ---- tokens ---- */

#define HIDDEN "00000000000000000000000000000C01"
#define SEEN   "00000000000000000000000000000C02"
#define FULL   "00000000000000000000000000000C03"

static void receive(const char *id, const char *queue, const char *subject)
{
    struct buf b;

    buf_init(&b, 65536);
    buf_printf(&b,
               "[{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"%s\",\"type\":"
               "\"contact.received\",\"subject\":\"contacts/%s\",\"time\":"
               "\"2026-01-01T00:00:00Z\",\"data\":{\"channel\":\"CHAT\",\"type\":\"ChatIn\","
               "\"source\":\"1\",\"destination\":\"2\",\"queueId\":\"%s\",\"subject\":\"%s\"}}]",
               id, id, queue, subject);
    ingest(buf_text(&b));
    buf_done(&b);
}

/* The place of the one contact that has it: the token of the list in the order of places. */
static int64_t place_of(const char *subject)
{
    char path[128];
    char next[SERVE_NEXT_MAX];
    struct probe_reply r;
    struct view token;
    int64_t place = 0;

    /* Another one of that subject, in the list behind it. */
    snprintf(path, sizeof path, "/contacts?subject=%s&limit=1", subject);
    r = serve_ask(&rig, "GET", path, BOSS, NULL);
    assert_true(serve_next(&r, next));
    token = view_skip(view_of(strstr(next, "after=")), strlen("after="));
    assert_true(num_int(view_cut(&token, '-'), &place));
    probe_done(&r);
    return place;
}

static void a_made_up_token_asks_no_row(void **state)
{
    static const char *const sorts[] = {"subject", "-subject", "source", "agentName"};
    int64_t hidden;

    (void)state;
    receive("00000000000000000000000000000C00", Q_BEN, "mmm");
    receive(HIDDEN, Q_BEN, "mmm");
    receive(SEEN, Q_ANN, "aaa");
    hidden = place_of("mmm");
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        for (int64_t at = hidden; at <= hidden + 1; at++) { /* a row, and none */
            char path[128];

            snprintf(path, sizeof path,
                     "/contacts?sort=%s&after=%" PRId64 "-" HIDDEN ".2000000000000.r", sorts[i],
                     at);
            serve_expect(&rig, "GET", path, ANN, NULL, 400,
                         "after is not a token that a Link header of this list gave\n");
        }
}

/* The first character of each subject, page by page. */
static void walk(const char *sort, char *to, size_t size)
{
    char path[SERVE_NEXT_MAX];
    bool more = true;
    size_t n = 0;

    snprintf(path, sizeof path, "/contacts?channel=CHAT&sort=%s&limit=1", sort);
    while (more) {
        struct probe_reply r = serve_ask(&rig, "GET", path, ANN, NULL);
        const char *subject = strstr(r.body.p, "\"subject\":\"");

        assert_int_equal(r.status, 200);
        assert_true(n + 1 < size);
        if (subject != NULL)
            to[n++] = subject[strlen("\"subject\":\"")];
        more = serve_next(&r, path);
        probe_done(&r);
    }
    to[n] = '\0';
}

static void subjects_of_any_length_are_in_order_page_by_page(void **state)
{
    char text[2000];
    char id[33];
    char found[16];

    (void)state;
    for (const char *c = "dbcaeb"; *c != '\0'; c++) {
        static unsigned n = 0xd00;

        memset(text, *c, sizeof text - 1);
        text[*c == 'e' ? 10 : sizeof text - 1] = '\0';
        snprintf(id, sizeof id, "%032X", n++);
        receive(id, Q_ANN, text);
    }
    walk("subject", found, sizeof found);
    assert_string_equal(found, "abbcde");
    walk("-subject", found, sizeof found);
    assert_string_equal(found, "edcbba");
    walk("-subject,LOCALE-fi", found, sizeof found);
    assert_string_equal(found, "edcbba");
}

/* A target that would be refused is not given. */
static void a_next_page_that_could_not_be_asked_for_is_said(void **state)
{
    struct buf path;
    struct probe_reply r;
    char text[CONTACT_SORT_TEXT_MAX + 1];

    (void)state;
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    receive(FULL, Q_ANN, text);
    receive(SEEN, Q_ANN, "aaa");
    buf_init(&path, 10000);
    buf_put_text(&path, "/contacts?sort=-subject&limit=1&search=*");
    while (path.n < HTTP_RULES_TARGET_MAX - 100)
        buf_put_char(&path, path.n % 200 == 0 ? ',' : '*');
    r = serve_ask(&rig, "GET", buf_text(&path), ANN, NULL);
    assert_int_equal(r.status, 414);
    assert_non_null(strstr(r.body.p, "the maximum is 8192"));
    probe_done(&r);
    path.n -= 1000;
    buf_put_text(&path, "");
    r = serve_ask(&rig, "GET", buf_text(&path), ANN, NULL);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(probe_header(&r, "Link"), "after="));
    probe_done(&r);
    buf_done(&path);
}

/* ---- searches ---- */

#define CHAT_ANN "00000000000000000000000000001C01"
#define CHAT_BEN "00000000000000000000000000001C02"
#define MAIL_ANN "00000000000000000000000000001E01"
#define MAIL_BEN "00000000000000000000000000001E02"
#define MAIL_TWO "00000000000000000000000000001E03" /* of the group of MAIL_BEN */

#define MAIL(queue, more)                                                                          \
    "{\"from_queue\":{\"id\":\"" queue "\"},\"title\":\"t\",\"content\":\"zebra\",\"case_id\":"    \
    "\"K7\",\"originator\":\"o@example.com\",\"destination\":\"d@example.com\"," more "}"
#define CHAT(queue)                                                                                \
    "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"1\",\"destination\":\"2\","            \
    "\"queueId\":\"" queue "\"}"
#define LINE "{\"message\":\"pin 4711\",\"originator\":\"1\"}"

static void expect_found(const char *query, const char *user, size_t wanted)
{
    char path[128];
    struct probe_reply r;
    size_t count = 0;

    snprintf(path, sizeof path, "/contacts?%s", query);
    r = serve_ask(&rig, "GET", path, user, NULL);
    assert_int_equal(r.status, 200);
    for (const char *at = r.body.p; (at = strstr(at, "\"contactGroupId\"")) != NULL; at++)
        count++;
    probe_done(&r);
    if (count != wanted)
        fail_msg("%s%s: %zu, not %zu", user, query, count, wanted);
}

static void what_may_not_be_read_is_not_searched(void **state)
{
    static const struct {
        const char *query;
        size_t cat; /* contacts alone, of all queues */
        size_t eve; /* these, and chats and emails of Ann's queue */
        size_t boss;
    } rows[] = {
        {"body=pin", 0, 1, 2},     {"body=pin%204711", 0, 1, 2},  {"body=1", 0, 1, 2},
        {"body=zebra", 0, 1, 3},   {"body=%22zebra%22", 0, 1, 3}, {"caseId=K7", 0, 1, 3},
        {"remarks=lion", 3, 3, 3}, {"remarks=tiger", 0, 0, 2}, /* not what GET gives */
    };

    (void)state;
    ingest("[" EVENT("1", "contact.received", "contacts/" CHAT_ANN, CHAT(Q_ANN)) "]");
    ingest("[" EVENT("2", "contact.received", "contacts/" CHAT_BEN, CHAT(Q_BEN)) "]");
    ingest("[" EVENT("3", "chat.message.added", "chats/" CHAT_ANN, LINE) "]");
    ingest("[" EVENT("4", "chat.message.added", "chats/" CHAT_BEN, LINE) "]");
    ingest("[" EVENT("5", "email.received", "emails/" MAIL_ANN,
                     MAIL(Q_ANN, "\"remarks\":\"a lion\"")) "]");
    ingest("[" EVENT("6", "email.received", "emails/" MAIL_BEN,
                     MAIL(Q_BEN, "\"remarks\":\"a lion\"")) "]");
    ingest(
        "[" EVENT("7", "email.received", "emails/" MAIL_TWO,
                  MAIL(Q_BEN, "\"contactGroupId\":\"" MAIL_BEN "\",\"remarks\":\"a tiger\"")) "]");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_found(rows[i].query, CAT, rows[i].cat);
        expect_found(rows[i].query, EVE, rows[i].eve);
        expect_found(rows[i].query, BOSS, rows[i].boss);
    }
}

/* ---- few and many ---- */

#define TRANSFER(to, previous)                                                                     \
    "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"queueId\":\"" to "\",\"previousId\":\"" previous  \
    "\"}"

static void expect_body(const char *path, const char *wanted)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, ANN, NULL);

    assert_int_equal(r.status, 200);
    assert_string_equal(r.body.p, wanted);
    probe_done(&r);
}

/* Calls in Ann's queue, before all else. */
static void receive_calls(unsigned count)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&b,
                   "%s{\"specversion\":\"1.0\",\"source\":\"/c\",\"id\":\"%u\",\"type\":"
                   "\"contact.received\",\"subject\":\"contacts/%032X\",\"time\":"
                   "\"2025-01-01T00:00:00Z\",\"data\":{\"channel\":\"PHONE\",\"type\":\"CallIn\","
                   "\"source\":\"+358\",\"destination\":\"2\",\"queueId\":\"" Q_ANN "\"}}",
                   b.n > 0 ? "," : "[", i, 0xA0000 + i);
        if (i % 200 == 199 || i + 1 == count) {
            buf_put_char(&b, ']');
            ingest(buf_text(&b));
            buf_clear(&b);
        }
    }
    buf_done(&b);
}

/* A chat is seen by each queue it was in, an email by those of its group; not by another. */
static void who_sees_many_sees_the_same_as_who_sees_few(void **state)
{
    static const char *const paths[] = {"/chats", "/chats?channel_sub_type=text", "/chats?limit=1",
                                        "/emails", "/emails?limit=1"};
    static const char *const found[] = {"channel=CHAT", "channel=EMAIL", "source=1*", "subject=t*"};
    static const size_t counts[] = {3, 2, 3, 2};
    struct probe_reply few[sizeof paths / sizeof *paths];

    (void)state;
    ingest("[" EVENT("1", "contact.received", "contacts/" CHAT_ANN, CHAT(Q_ANN)) "]");
    ingest("[" EVENT("2", "contact.received", "contacts/" CHAT_BEN, CHAT(Q_BEN)) "]");
    ingest("[" EVENT("3", "contact.received", "contacts/" HIDDEN, CHAT(Q_BEN)) "]");
    ingest("[" EVENT("4", "contact.transferred", "contacts/" SEEN, TRANSFER(Q_ANN, CHAT_BEN)) "]");
    ingest("[" EVENT("5", "contact.transferred", "contacts/" FULL, TRANSFER(Q_BEN, CHAT_ANN)) "]");
    ingest("[" EVENT("6", "contact.received", "contacts/00000000000000000000000000000C04",
                     CHAT(Q_ANN)) "]");
    ingest("[" EVENT("7", "email.received", "emails/" MAIL_ANN, MAIL(Q_ANN, "\"cid\":\"1\"")) "]");
    ingest("[" EVENT("8", "email.received", "emails/" MAIL_BEN,
                     MAIL(Q_ANN, "\"contactGroupId\":\"" MAIL_TWO "\"")) "]");
    ingest("[" EVENT("9", "email.received", "emails/" MAIL_TWO, MAIL(Q_BEN, "\"cid\":\"2\"")) "]");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        few[i] = serve_ask(&rig, "GET", paths[i], ANN, NULL);
    assert_non_null(strstr(few[0].body.p, CHAT_ANN));
    assert_non_null(strstr(few[0].body.p, CHAT_BEN)); /* it came to Ann's queue */
    assert_null(strstr(few[0].body.p, HIDDEN));
    assert_non_null(strstr(few[3].body.p, MAIL_TWO)); /* of the group of one of hers */
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect_found(found[i], ANN, counts[i]);
    receive_calls(VISIBLE_FEW);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect_found(found[i], ANN, counts[i]);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        expect_body(paths[i], few[i].body.p);
        probe_done(&few[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
        TEST(a_made_up_token_asks_no_row),
        TEST(subjects_of_any_length_are_in_order_page_by_page),
        TEST(what_may_not_be_read_is_not_searched),
        TEST(who_sees_many_sees_the_same_as_who_sees_few),
        TEST(a_next_page_that_could_not_be_asked_for_is_said),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
