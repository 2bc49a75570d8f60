#define _GNU_SOURCE /* strcasestr */
/* GET /contacts on ten thousand contacts made by events in Kafka, against a model that looks at
 * every one: each filter alone and combined. In what order they stand: test_contacts_sorted.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/rng.h"
#include "tests/fakes/contact_rig.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct contact_rig rig;

static struct probe_reply get(const char *path)
{
    return contact_rig_get(&rig, path);
}

static int set_up(void **state)
{
    (void)state;
    contact_rig_start(&rig, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    contact_rig_done(&rig);
    return 0;
}

/* ---- the model's conditions ---- */

static bool glob(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return glob(pattern + 1, text) || (*text != '\0' && glob(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || strncasecmp(pattern, text, 1) == 0) &&
           glob(pattern + 1, text + 1);
}

static const char *trimmed(const char *text)
{
    return text + strspn(text, " ");
}

static bool begins_a_word(const char *text, const char *prefix)
{
    const char *at = text;

    while ((at = strcasestr(at, prefix)) != NULL) {
        if (at == text || strchr(" ,:", at[-1]) != NULL)
            return true;
        at++;
    }
    return false;
}

/* A word of the subject begins with it. */
static bool word(const struct model_contact *c, const char *prefix)
{
    return strcmp(c->channel, "PHONE") != 0 && begins_a_word(c->subject, prefix);
}

/* A word of the email begins with it. */
static bool mail(const struct model_contact *c, const char *prefix)
{
    return strcmp(c->channel, "EMAIL") == 0 && begins_a_word(c->body, prefix);
}

/* A word of its remarks. */
static bool noted(const struct model_contact *c, const char *prefix)
{
    return begins_a_word(c->remarks, prefix);
}

/* A line of the chat holds it. */
static bool chat(const struct model_contact *c, const char *piece)
{
    return strcmp(c->channel, "CHAT") == 0 &&
           (strcasestr(c->body, piece) != NULL || strcasestr(c->line, piece) != NULL);
}

static bool agent_is(const struct model_contact *c, int agent)
{
    return c->agent == agent;
}

#define TEST(name, condition)                                                                      \
    static bool name(const struct model_contact *c)                                                \
    {                                                                                              \
        (void)c;                                                                                   \
        return (condition);                                                                        \
    }
#define DAY INT64_C(86400000)
#define T0  INT64_C(1700000000000)
TEST(ends_654, glob("*654", trimmed(c->source)))
TEST(starts_358, glob("+358*", trimmed(c->source)))
TEST(in_the_middle, glob("+3?81*7*", trimmed(c->source)))
TEST(short_pattern, glob("*@*", trimmed(c->source)))
TEST(user_7, strcasecmp("user7@example1.com", trimmed(c->source)) == 0)
TEST(any_source, true)
TEST(desk_7, strcasecmp("desk7@[queue].org", c->destination) == 0)
TEST(desks_of_queue, glob("*@[queue]*", c->destination))
TEST(searched, ends_654(c) || glob("*654", c->destination) || desk_7(c) ||
                   strcasecmp("desk7@[queue].org", trimmed(c->source)) == 0)
TEST(searched_short, glob("*@*", trimmed(c->source)) || glob("*@*", c->destination))
TEST(chats, strcmp(c->channel, "CHAT") == 0)
TEST(phones, strcmp(c->channel, "PHONE") == 0)
TEST(out_types, glob("*out", c->type))
TEST(details_2, glob("????2", c->type_details))
TEST(sms, c->subtype != NULL && strcmp(c->subtype, "sms") == 0)
TEST(has_subtype, c->subtype != NULL)
TEST(in_queue, strcmp(c->status, "InQueue") == 0)
TEST(in_process, strcmp(c->status, "InProcess") == 0)
TEST(handled, strcmp(c->status, "Handled") == 0)
TEST(in_something, glob("In*", c->status))
TEST(named_smith, c->agent == 4)
TEST(named_muller, c->agent == 12 || c->agent == 13 || c->agent == 14)
TEST(of_sales, c->queue == 0)
TEST(queue_named_ing, c->queue == 5)
TEST(agent_3, agent_is(c, 3))
TEST(agents_3_5, agent_is(c, 3) || agent_is(c, 5))
TEST(queue_2, c->queue == 2)
TEST(queues_1_2, c->queue == 1 || c->queue == 2)
TEST(recorded, c->record)
TEST(not_recorded, !c->record)
TEST(scripted, c->script)
TEST(since, c->arrival_ms >= T0 + 40 * DAY || c->disconnect_ms >= T0 + 40 * DAY)
TEST(until,
     c->arrival_ms <= T0 + 50 * DAY || (c->disconnect_ms >= 0 && c->disconnect_ms <= T0 + 50 * DAY))
TEST(in_first_hour,
     c->arrival_ms <= T0 + 3600000 || (c->disconnect_ms >= 0 && c->disconnect_ms <= T0 + 3600000))
TEST(mine, strcmp(c->type, "EmailOut") == 0 && agent_is(c, MODEL_USER))
TEST(open_mail, in_queue(c) || (in_process(c) && (strcmp(c->type, "EmailIn") == 0 || mine(c))))
TEST(pickable, chats(c) ? in_queue(c) : strcmp(c->channel, "EMAIL") == 0 && open_mail(c))
TEST(sent_mail, strcmp(c->type, "EmailOut") == 0)
TEST(about_invoice, word(c, "invoice"))
TEST(about_inc, word(c, "inc"))
TEST(about_two, word(c, "offer") && word(c, "lat"))
TEST(about_gruss, word(c, "Grüße"))
TEST(phrase, !phones(c) && (strcasestr(c->subject, "offer, late") != NULL ||
                            strcasestr(c->subject, "offer late") != NULL))
TEST(not_invoice, word(c, "order") && !word(c, "invoice"))
TEST(either, word(c, "catalogue") || (word(c, "delivery") && word(c, "late")))
TEST(aot, strcasecmp("Handled_AOT", c->status_details) == 0)
TEST(handled_by, glob("handled_*", c->status_details))
TEST(left_open, strcmp(c->status_details, "Open") == 0)
TEST(silent, glob("*net*n", c->status_details))
TEST(has_zebra, mail(c, "zebra") || chat(c, "zebra"))
TEST(has_z, mail(c, "z") || chat(c, "z"))
TEST(has_inside, chat(c, "ebr"))
TEST(has_over_words, chat(c, "fund zeb"))
TEST(has_two, (mail(c, "zebra") && mail(c, "refund")) || chat(c, "zebra refund"))
TEST(has_phrase, mail(c, "zebra refund") || mail(c, "zebra, refund"))
TEST(has_not, mail(c, "parcel") && !mail(c, "zebra"))
TEST(has_apples, mail(c, "Äpfel") || chat(c, "Äpfel"))
TEST(noted_refund, noted(c, "refund"))
TEST(noted_two, noted(c, "giraffe") && noted(c, "zeb"))
TEST(noted_phrase, noted(c, "parcel refund"))
TEST(of_case_7, strcmp(c->case_id, "C-7") == 0)
TEST(none, false)

static const struct condition {
    const char *query;
    model_test *meets;
} conditions[] = {
    {"source=*654", ends_654},
    {"source=%2B358*", starts_358},
    {"source=+358*", starts_358}, /* a '+' that was not encoded */
    {"source=%2B3?81*7*", in_the_middle},
    {"source=*@*", short_pattern},
    {"source=user7@EXAMPLE1.com", user_7},
    {"source=*", any_source},
    {"destination=desk7@[queue].org", desk_7},
    {"destination=*@[QUEUE]*", desks_of_queue},
    {"search=*654,desk7@[queue].org", searched},
    {"search=*@*", searched_short},
    {"channel=CHAT", chats},
    {"channel=ph*", phones},
    {"type=*out", out_types},
    {"typeDetails=????2", details_2},
    {"subtype=SMS", sms},
    {"subtype=*", has_subtype},
    {"status=InQueue", in_queue},
    {"status=handled", handled},
    {"status=In*", in_something},
    {"agentName=Smith,%20Mark", named_smith},
    {"agentName=M*ller,%20U*", named_muller},
    {"queueName=Sales", of_sales},
    {"queueName=*ing", queue_named_ing},
    {"record=true", recorded},
    {"record=false", not_recorded},
    {"script=TRUE", scripted},
    {"record=t?U*", recorded},
    {"script=*", scripted},
    {"record=f*", none},
    {"startTime=2023-12-24T22:13:20Z", since},
    {"endTime=2024-01-04T00:13:20%2B02:00", until},
    {"endTime=2023-11-14T23:13:20.000Z", in_first_hour},
    {"pickable=true", pickable},
    {"pickable=false", any_source},
    {"statistics=true", any_source},
    {"subject=invoice", about_invoice},
    {"subject=INC", about_inc},
    {"subject=lat%20offer", about_two},
    {"subject=gr%C3%BC%C3%9F", about_gruss},
    {"subject=%22offer%20late%22", phrase},
    {"subject=%22order%22%20AND%20NOT%20%22invoice%22", not_invoice},
    {"subject=%22catalogue%22%20OR%20(%22deliver*%22%20AND%20%22late%22)", either},
    {"subject=nowhere", none},
};
#define CONDITIONS (sizeof conditions / sizeof *conditions)

/* What was written, and how it ended: words, lines, cases, details. */
static const struct condition written[] = {
    {"statusDetails=handled_aot", aot},
    {"statusDetails=Handled_*", handled_by},
    {"statusDetails=Open", left_open},
    {"statusDetails=%C3%A4%C3%A4net%C3%B6*", silent},
    {"statusDetails=nowhere", none},
    {"body=zebra", has_zebra},
    {"body=z", has_z},
    {"body=EBR", has_inside},
    {"body=fund%20zeb", has_over_words},
    {"body=zebra%20refund", has_two},
    {"body=%22zebra%20refund%22", has_phrase},
    {"body=%22parcel%22%20AND%20NOT%20%22zebra%22", has_not},
    {"body=%C3%A4PFEL", has_apples},
    {"body=nowhere", none},
    {"remarks=refund", noted_refund},
    {"remarks=zeb%20giraffe", noted_two},
    {"remarks=%22parcel%20refund%22", noted_phrase},
    {"remarks=nowhere", none},
    {"caseId=C-7", of_case_7},
    {"caseId=%20C-7", of_case_7},
    {"caseId=c-7", none},
    {"caseId=nowhere", none},
};
#define WRITTEN (sizeof written / sizeof *written)

static char agent_queries[4][256];
static struct condition all[CONDITIONS + 4 + WRITTEN];
#define ALL (sizeof all / sizeof *all)

static void make_conditions(void)
{
    char a[33];
    char b[33];
    static model_test *const tests[4] = {agent_3, agents_3_5, queue_2, queues_1_2};

    memcpy(all, conditions, sizeof conditions);
    snprintf(agent_queries[0], sizeof agent_queries[0], "agentId=%s", model_agent_id(3, a));
    snprintf(agent_queries[1], sizeof agent_queries[1], "agentId=%s,%s", model_agent_id(3, a),
             model_agent_id(5, b));
    snprintf(agent_queries[2], sizeof agent_queries[2], "queueId=%s", model_queue_id(2, a));
    snprintf(agent_queries[3], sizeof agent_queries[3], "queueId=%s,%s", model_queue_id(1, a),
             model_queue_id(2, b));
    for (size_t i = 0; i < 4; i++)
        all[CONDITIONS + i] = (struct condition){agent_queries[i], tests[i]};
    memcpy(&all[CONDITIONS + 4], written, sizeof written);
}

/* ---- the answers ---- */

static char got[MODEL_CONTACTS][33];

/* The first `limit` contacts that pass the tests must be the n that were got. */
static void expect_got(const char *query, size_t n, size_t limit, model_test *const *tests,
                       size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < MODEL_CONTACTS && at < limit; i++) {
        const struct model_contact *c = &rig.model.contacts[i];
        bool wanted = true;

        for (size_t t = 0; t < count; t++)
            wanted = wanted && tests[t](c);
        if (!wanted)
            continue;
        if (at == n || strcmp(got[at], c->id) != 0)
            fail_msg("%s: item %zu of %zu is %s, not %s (from %s to %s, '%s', '%s', '%s')", query,
                     at, n, at < n ? got[at] : "none", c->id, c->source, c->destination, c->subject,
                     c->body, c->status_details);
        at++;
    }
    if (at != n)
        fail_msg("%s: %zu answered, %zu expected", query, n, at);
}

/* How many that are. */
static size_t expect_first(size_t limit, const char *query, model_test *const *tests, size_t count)
{
    char target[4096];
    struct probe_reply r;
    size_t n = 0;

    snprintf(target, sizeof target, "/contacts?limit=%zu&%s", limit, query);
    r = get(target);
    if (r.status != 200)
        fail_msg("%s: %d %.*s", target, r.status, VIEW_ARG(r.body));
    n = contact_rig_ids(&r, got);
    probe_done(&r);
    expect_got(query, n, limit, tests, count);
    return n;
}

static size_t expect_all(const char *query, model_test *const *tests, size_t count)
{
    return expect_first(MODEL_CONTACTS, query, tests, count);
}

static void every_filter_alone_gives_what_the_model_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        size_t n = expect_all(all[i].query, &all[i].meets, 1);

        if ((n == 0) != (all[i].meets == none))
            fail_msg("%s: %zu are found, which proves little", all[i].query, n);
    }
}

/* Which the server looks for among the newest contacts first (server/contact_query.h). */
static void pages_of_what_was_written_lead_through_all_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < WRITTEN; i++) {
        size_t n = contact_rig_walk(&rig, 61, written[i].query, got);

        expect_got(written[i].query, n, MODEL_CONTACTS, &written[i].meets, 1);
    }
}

static void what_is_said_in_json_is_said_in_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        char path[512];
        char whole[1024];
        struct probe_reply r;

        snprintf(path, sizeof path, "/contacts?limit=20&%s", all[i].query);
        snprintf(whole, sizeof whole, "%s%s", CONTACT_RIG_BASE, path);
        r = get(path);
        xml_twin_check(rig.history.port, whole, path, "", r.body);
        probe_done(&r);
    }
}

static bool same_parameter(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return strncmp(a, b, n + 1) == 0;
}

static const struct condition *pick(struct rng *r, bool of_written)
{
    return of_written ? &all[CONDITIONS + 4 + rng_below(r, WRITTEN)] : &all[rng_below(r, ALL)];
}

static void filters_together_give_what_meets_all(void **state)
{
    struct rng r = rng_of(7);
    unsigned found = 0;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        bool of_written = round % 2 == 0;
        const struct condition *picked[3];
        model_test *tests[3] = {NULL, NULL, NULL};
        struct buf query;
        size_t n = 2 + (size_t)rng_below(&r, 2);

        buf_init(&query, 2048);
        for (size_t i = 0; i < n; i++) {
            bool again = true;

            while (again) {
                picked[i] = pick(&r, of_written && i == 0);
                again = false;
                for (size_t j = 0; j < i; j++)
                    again = again || same_parameter(picked[i]->query, picked[j]->query);
            }
            tests[i] = picked[i]->meets;
            buf_printf(&query, "%s%s", i > 0 ? "&" : "", picked[i]->query);
        }
        if (expect_all(buf_text(&query), tests, n) > 0 && of_written)
            found++;
        buf_done(&query);
    }
    assert_true(found > 30); /* not all are empty */
}

static void an_outbound_email_is_picked_by_its_own_agent_alone(void **state)
{
    static model_test *const tests[] = {pickable, sent_mail, in_process};
    static model_test *const others[] = {sent_mail, in_process};
    size_t own = 0;

    (void)state;
    own = expect_all("pickable=true&type=EmailOut&status=InProcess", tests, 3);
    assert_true(own > 0);
    assert_true(expect_all("type=EmailOut&status=InProcess", others, 2) > own);
}

static void ids_and_groups_are_found_with_and_without_hyphens(void **state)
{
    const struct model_contact *c = &rig.model.contacts[4711];
    const struct model_contact *d = &rig.model.contacts[17];
    char query[256];
    struct probe_reply r;

    (void)state;
    while (phones(c))
        c++; /* one that is a group of its own, which is shown with hyphens */
    snprintf(query, sizeof query, "/contacts?id=%s", c->id);
    r = get(query);
    assert_int_equal(contact_rig_ids(&r, got), 1);
    assert_string_equal(got[0], c->id);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?id=%.9s*", c->id);
    r = get(query);
    assert_int_equal(contact_rig_ids(&r, got), 1);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?contactGroupId=%s,%s", c->id, d->group);
    r = get(query);
    assert_int_equal(contact_rig_ids(&r, got), 2);
    assert_string_equal(got[0], d->id);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?contactGroupId=%.8s-%.3s*", c->id, c->id + 8);
    r = get(query);
    assert_int_equal(contact_rig_ids(&r, got), 1);
    probe_done(&r);
}

/* ---- what is refused ---- */

static void what_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        const char *query;
        const char *says;
    } rows[] = {
        {"nonsense=1", "nonsense"},
        {"arrivalTime=2020*", "arrivalTime"},
        {"totalDuration=7", "totalDuration"},
        {"requiredAgent=x", "requiredAgent"},
        {"source=1&source=2", "source is given twice"},
        {"agentId=12", "Invalid GUID: '12'"},
        {"agentId=A206*", "Invalid GUID: 'A206*'"},
        {"agentId=E936C474B22311D38FBE0090279A922E,", "Invalid GUID: ''"},
        {"queueId=x", "Invalid GUID: 'x'"},
        {"contactGroupId=x", "Invalid GUID: 'x'"},
        {"id=x", "Invalid GUID: 'x'"},
        {"startTime=yesterday", "startTime"},
        {"endTime=2020-06-31T00:00:00Z", "endTime"},
        {"pickable=yes", "pickable is neither true nor false"},
        {"statistics=1", "statistics is neither true nor false"},
        {"record=maybe", "record is neither true nor false"},
        {"language=english", "language"},
        {"limit=0", "limit"},
        {"limit=10001", "limit"},
        {"after=x", "after"},
        {"sort=", "sort"},
        {"sort=requiredAgent", "sort"},
        {"sort=--source", "sort"},
        {"sort=source,fi", "sort"},
        {"sort=source,LOCALE-", "sort"},
        {"sort=source,LOCALE-en_US_%2B", "sort"},
        {"sort=source&after=17", "after"},
        {"subject=", "subject: there is no word"},
        {"subject=%22a", "subject: a quote is not closed"},
        {"subject=%22a%22%20%22b%22", "subject: something follows"},
        {"subject=a%20AND%20%22b%22", "subject: there is no phrase"},
        {"body=(%22a%22", "body: a parenthesis is not closed"},
        {"remarks=NOT%20%22a%22", "remarks: there is no phrase"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char target[256];
        struct probe_reply r;

        snprintf(target, sizeof target, "/contacts?%s", rows[i].query);
        r = get(target);
        if (r.status != 400 || strstr(r.body.p, rows[i].says) == NULL)
            fail_msg("%s: %d %.*s", rows[i].query, r.status, VIEW_ARG(r.body));
        assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
        probe_done(&r);
    }
}

static void expect_long(const char *param, const char *character, size_t count, const char *says)
{
    struct buf target;
    struct probe_reply r;

    buf_init(&target, 8000);
    buf_printf(&target, "/contacts?%s=*", param);
    for (size_t i = 1; i < count; i++)
        buf_put_text(&target, character);
    buf_put_char(&target, '\0');
    assert_false(target.full);
    r = get(target.p);
    if (r.status != (says == NULL ? 200 : 400) || (says != NULL && !view_is(r.body, says)))
        fail_msg("%s of %zu: %d %.*s", param, count, r.status, VIEW_ARG(r.body));
    probe_done(&r);
    buf_done(&target);
}

static void a_pattern_has_so_many_characters_and_no_more(void **state)
{
    static const char *const params[] = {"subtype", "agentName",      "source", "destination",
                                         "id",      "contactGroupId", "record"};
    char says[128];

    (void)state;
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        snprintf(says, sizeof says, "%s has 257 characters; a pattern's maximum is 256\n",
                 params[i]);
        expect_long(params[i], "a", 256, NULL);
        expect_long(params[i], "a", 257, says);
    }
    expect_long("agentName", "%C3%84", 256, NULL);
    expect_long("agentName", "%C3%84", 257,
                "agentName has 257 characters; a pattern's maximum is 256\n");
    expect_long("search", "a", 257,
                "a value of search has 257 characters; a pattern's maximum is 256\n");
    expect_long("search=x,", "a", 1025, "a value of search has 1026 bytes; the maximum is 1024\n");
}

/* A pattern that a matcher which tries everything would not be done with in a lifetime. */
static void a_spiteful_pattern_is_answered(void **state)
{
    static model_test *const nothing[] = {none};

    (void)state;
    (void)expect_all("source=*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", nothing, 1);
    (void)expect_all("agentName=*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*q", nothing,
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_alone_gives_what_the_model_gives),
        cmocka_unit_test(pages_of_what_was_written_lead_through_all_of_it),
        cmocka_unit_test(what_is_said_in_json_is_said_in_xml),
        cmocka_unit_test(filters_together_give_what_meets_all),
        cmocka_unit_test(an_outbound_email_is_picked_by_its_own_agent_alone),
        cmocka_unit_test(ids_and_groups_are_found_with_and_without_hyphens),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(a_pattern_has_so_many_characters_and_no_more),
        cmocka_unit_test(a_spiteful_pattern_is_answered),
    };

    make_conditions();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
