#define _GNU_SOURCE /* strcasestr */
/* GET /contacts on ten thousand contacts made by events in Kafka, against a model that looks at
 * every one: each filter alone and combined, each order, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "server/sqlite.h"
#include "tests/fakes/contact_model.h"
#include "tests/fakes/history_feed.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BASE "/RI/cmi"

static struct history_rig rig;
static struct model model;

static struct probe_reply get(const char *target)
{
    char path[8192];

    snprintf(path, sizeof path, "%s%s", BASE, target);
    return probe_ask(rig.port, "GET", path, "", NULL);
}

#define BATCHES (MODEL_CONTACTS / 1000)

static int set_up(void **state)
{
    struct buf events[BATCHES];
    struct view batches[BATCHES];

    (void)state;
    model_make(&model);
    rig_init(&rig);
    rig_start(&rig);
    for (size_t i = 0; i < BATCHES; i++) {
        buf_init(&events[i], 4 << 20);
        model_events(&model, 1000 * i, 1000, &events[i]);
        assert_false(events[i].full);
        batches[i] = buf_view(&events[i]);
    }
    history_feed(&rig, batches, BATCHES);
    for (size_t i = 0; i < BATCHES; i++)
        buf_done(&events[i]);
    return 0;
}

/* After all the changes that ingest made, in an order of its own (server/text_index.h). */
static void indexes_hold_what_the_tables_hold(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(rig.file, false, &f);

    assert_non_null(db);
    sqlite_script(db, "INSERT INTO address_words (address_words, rank)"
                      " VALUES ('integrity-check', 1);"
                      "INSERT INTO subject_words (subject_words, rank)"
                      " VALUES ('integrity-check', 1);");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

static int tear_down(void **state)
{
    (void)state;
    rig_stop(&rig);
    indexes_hold_what_the_tables_hold();
    rig_done(&rig);
    model_free(&model);
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

/* A word of the subject begins with it. */
static bool word(const struct model_contact *c, const char *prefix)
{
    const char *at = c->subject;

    if (strcmp(c->channel, "PHONE") == 0)
        return false;
    while ((at = strcasestr(at, prefix)) != NULL) {
        if (at == c->subject || strchr(" ,:", at[-1]) != NULL)
            return true;
        at++;
    }
    return false;
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
TEST(pickable, chats(c) ? in_queue(c)
                        : strcmp(c->channel, "EMAIL") == 0 &&
                              (in_queue(c) || (strcmp(c->status, "InProcess") == 0 &&
                                               strcmp(c->type, "EmailIn") == 0)))
TEST(about_invoice, word(c, "invoice"))
TEST(about_inc, word(c, "inc"))
TEST(about_two, word(c, "offer") && word(c, "lat"))
TEST(about_gruss, word(c, "Grüße"))
TEST(phrase, !phones(c) && (strcasestr(c->subject, "offer, late") != NULL ||
                            strcasestr(c->subject, "offer late") != NULL))
TEST(not_invoice, word(c, "order") && !word(c, "invoice"))
TEST(either, word(c, "catalogue") || (word(c, "delivery") && word(c, "late")))
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
    {"agentId=A6E17000000000000000000000000000000000005CD6", none}, /* replaced below */
    {"record=true", recorded},
    {"record=false", not_recorded},
    {"script=TRUE", scripted},
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
    {"body=nowhere", none},
    {"remarks=nowhere", none},
    {"caseId=nowhere", none},
};
#define CONDITIONS (sizeof conditions / sizeof *conditions)

static char agent_queries[4][256];
static struct condition all[CONDITIONS + 4];

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
    for (size_t i = 0; i < CONDITIONS; i++)
        if (strncmp(all[i].query, "agentId=A6E170000000000000000000000000000000", 40) == 0)
            all[i] = all[CONDITIONS];
}

/* ---- the answers ---- */

/* The ids of an answer, in its order, into ids; how many. */
static size_t ids_of(const struct probe_reply *r, char (*ids)[33], size_t most)
{
    const char *at = r->body.p;
    size_t n = 0;

    while (n < most && (at = strstr(at, "{\"id\":\"")) != NULL) {
        at += strlen("{\"id\":\"");
        if (at[32] == '"' && strncmp(at + 33, ",\"contactGroupId\"", 17) == 0)
            snprintf(ids[n++], 33, "%.32s", at);
    }
    return n;
}

static char got[MODEL_CONTACTS][33];

static void expect_all(const char *query, model_test *const *tests, size_t count)
{
    char target[4096];
    struct probe_reply r;
    size_t n = 0;
    size_t at = 0;

    snprintf(target, sizeof target, "/contacts?limit=10000&%s", query);
    r = get(target);
    if (r.status != 200)
        fail_msg("%s: %d %.*s", target, r.status, VIEW_ARG(r.body));
    n = ids_of(&r, got, MODEL_CONTACTS);
    for (size_t i = 0; i < MODEL_CONTACTS; i++) {
        const struct model_contact *c = &model.contacts[i];
        bool wanted = true;

        for (size_t t = 0; t < count; t++)
            wanted = wanted && tests[t](c);
        if (!wanted)
            continue;
        if (at == n || strcmp(got[at], c->id) != 0)
            fail_msg("%s: item %zu of %zu is %s, not %s (from %s to %s, '%s')", query, at, n,
                     at < n ? got[at] : "none", c->id, c->source, c->destination, c->subject);
        at++;
    }
    if (at != n)
        fail_msg("%s: %zu answered, %zu expected", query, n, at);
    probe_done(&r);
}

static void every_filter_alone_gives_what_the_model_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        expect_all(all[i].query, &all[i].meets, 1);
}

static void what_is_said_in_json_is_said_in_xml(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char path[512];
        char whole[1024];
        struct probe_reply r;

        snprintf(path, sizeof path, "/contacts?limit=20&%s", all[i].query);
        snprintf(whole, sizeof whole, "%s%s", BASE, path);
        r = get(path);
        xml_twin_check(rig.port, whole, path, "", r.body);
        probe_done(&r);
    }
}

static bool same_parameter(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return strncmp(a, b, n + 1) == 0;
}

static void filters_together_give_what_meets_all(void **state)
{
    struct rng r = rng_of(7);

    (void)state;
    for (int round = 0; round < 250; round++) {
        const struct condition *picked[3];
        model_test *tests[3] = {NULL, NULL, NULL};
        struct buf query;
        size_t n = 2 + (size_t)rng_below(&r, 2);

        buf_init(&query, 2048);
        for (size_t i = 0; i < n; i++) {
            bool again = true;

            while (again) {
                picked[i] = &all[rng_below(&r, sizeof all / sizeof *all)];
                again = false;
                for (size_t j = 0; j < i; j++)
                    again = again || same_parameter(picked[i]->query, picked[j]->query);
            }
            tests[i] = picked[i]->meets;
            buf_printf(&query, "%s%s", i > 0 ? "&" : "", picked[i]->query);
        }
        expect_all(buf_text(&query), tests, n);
        buf_done(&query);
    }
}

static void ids_and_groups_are_found_with_and_without_hyphens(void **state)
{
    const struct model_contact *c = &model.contacts[4711];
    const struct model_contact *d = &model.contacts[17];
    char query[256];
    struct probe_reply r;

    (void)state;
    snprintf(query, sizeof query, "/contacts?id=%s", c->id);
    r = get(query);
    assert_int_equal(ids_of(&r, got, 10), 1);
    assert_string_equal(got[0], c->id);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?id=%.9s*", c->id);
    r = get(query);
    assert_int_equal(ids_of(&r, got, 10), 1);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?contactGroupId=%s,%s", c->id, d->group);
    r = get(query);
    assert_int_equal(ids_of(&r, got, 10), 2);
    assert_string_equal(got[0], d->id);
    probe_done(&r);
    snprintf(query, sizeof query, "/contacts?contactGroupId=%.8s-%.3s*", c->id, c->id + 8);
    r = get(query);
    assert_int_equal(ids_of(&r, got, 10), 1);
    probe_done(&r);
}

/* ---- orders and pages ---- */

static const struct model_contact *by_id[MODEL_CONTACTS];

static int cmp_ids(const void *a, const void *b)
{
    return strcmp((*(const struct model_contact *const *)a)->id,
                  (*(const struct model_contact *const *)b)->id);
}

static const struct model_contact *find(const char *id)
{
    struct model_contact key;
    const struct model_contact *wanted = &key;
    const struct model_contact *const *found = NULL;

    snprintf(key.id, sizeof key.id, "%s", id);
    if (by_id[0] == NULL) {
        for (size_t i = 0; i < MODEL_CONTACTS; i++)
            by_id[i] = &model.contacts[i];
        qsort(by_id, MODEL_CONTACTS, sizeof *by_id, cmp_ids);
    }
    found = bsearch(&wanted, by_id, MODEL_CONTACTS, sizeof *by_id, cmp_ids);
    if (found == NULL)
        fail_msg("%s is no contact", id);
    return found == NULL ? NULL : *found;
}

/* What a list is ordered by: a text ("" is absent and lowest), or a number (INT64_MIN: absent). */
static int64_t number_of(const char *key, const struct model_contact *c)
{
    int64_t end_ms = c->disconnect_ms >= 0 ? c->disconnect_ms : MODEL_NOW_MS;

    if (strcmp(key, "arrivalTime") == 0)
        return c->arrival_ms;
    if (strcmp(key, "disconnectTime") == 0)
        return c->disconnect_ms >= 0 ? c->disconnect_ms : INT64_MIN;
    if (strcmp(key, "connectTime") == 0)
        return c->connect_ms >= 0 ? c->connect_ms : INT64_MIN;
    if (strcmp(key, "totalDuration") == 0)
        return end_ms < c->arrival_ms ? 0 : end_ms - c->arrival_ms;
    return strcmp(key, "record") == 0 ? (c->record ? 1 : INT64_MIN) : 0;
}

static const char *text_of(const char *key, const struct model_contact *c)
{
    if (strcmp(key, "queueName") == 0)
        return c->queue < 0 ? "" : model_queues[c->queue];
    if (strcmp(key, "agentName") == 0)
        return c->agent < 0 ? "" : model_agents[c->agent];
    if (strcmp(key, "subtype") == 0)
        return c->subtype == NULL ? "" : c->subtype;
    if (strcmp(key, "source") == 0)
        return c->source;
    return strcmp(key, "subject") == 0 ? c->subject : c->id;
}

/* All pages of the list one after the other must be the whole list, each contact once, in order. */
static size_t walk(const char *query, char (*ids)[33])
{
    char target[4096];
    size_t n = 0;

    snprintf(target, sizeof target, "/contacts?limit=3119&%s", query);
    for (bool more = true; more;) {
        struct probe_reply r = get(target);
        char link[4096];
        char *end = NULL;

        if (r.status != 200)
            fail_msg("%s: %d %.*s", target, r.status, VIEW_ARG(r.body));
        n += ids_of(&r, ids + n, MODEL_CONTACTS - n);
        snprintf(link, sizeof link, "%s", probe_header(&r, "Link"));
        more = link[0] != '\0';
        if (more) {
            end = strchr(link, '>');
            assert_non_null(end);
            *end = '\0';
            snprintf(target, sizeof target, "%s", link + strlen("<" BASE));
        }
        probe_done(&r);
    }
    return n;
}

static void every_order_is_kept_over_pages(void **state)
{
    static const struct {
        const char *key;
        bool text;
    } orders[] = {{"queueName", true},      {"agentName", true},       {"subtype", true},
                  {"source", true},         {"subject", true},         {"id", true},
                  {"arrivalTime", false},   {"disconnectTime", false}, {"connectTime", false},
                  {"totalDuration", false}, {"record", false}};
    static char ids[MODEL_CONTACTS][33];

    (void)state;
    for (size_t o = 0; o < 2 * sizeof orders / sizeof *orders; o++) {
        const char *key = orders[o / 2].key;
        int sign = o % 2 ? -1 : 1;
        bool totals = strcmp(key, "totalDuration") == 0;
        char query[128];

        /* What lasts still has an order of its own: only what has ended is compared. */
        snprintf(query, sizeof query, "sort=%s%s%s", sign < 0 ? "-" : "", key,
                 totals ? "&status=*a*nd*" : "");
        if (!totals)
            assert_int_equal(walk(query, ids), MODEL_CONTACTS);
        for (size_t i = 1, n = totals ? walk(query, ids) : MODEL_CONTACTS; i < n; i++) {
            const struct model_contact *a = find(ids[i - 1]);
            const struct model_contact *b = find(ids[i]);
            int order = 0;

            if (orders[o / 2].text)
                order = strcmp(text_of(key, a), text_of(key, b));
            else
                order = (number_of(key, a) > number_of(key, b)) -
                        (number_of(key, a) < number_of(key, b));
            if (order * sign > 0 ||
                (order == 0 && a->arrival_ms < b->arrival_ms && strcmp(key, "arrivalTime") != 0))
                fail_msg("%s: item %zu: %s after %s", query, i, b->id, a->id);
        }
    }
}

/* Distinct agents' names in the order of the list. */
static void expect_names(const char *locale, const char *const *names, size_t count)
{
    static char ids[MODEL_CONTACTS][33];
    char query[128];
    size_t at = 0;
    size_t n = 0;

    snprintf(query, sizeof query, "agentName=*&sort=agentName%s", locale);
    n = walk(query, ids);
    assert_true(n > 5000);
    for (size_t i = 0; i < n; i++) {
        const char *name = text_of("agentName", find(ids[i]));

        if (i > 0 && strcmp(name, text_of("agentName", find(ids[i - 1]))) == 0)
            continue;
        if (at == count || strcmp(names[at], name) != 0)
            fail_msg("%s: '%s' where '%s' should be", locale, name,
                     at < count ? names[at] : "nothing");
        at++;
    }
    assert_int_equal(at, count);
}

static void names_stand_in_the_order_of_the_language(void **state)
{
    static const char *const finnish[] = {
        "Aalto, Ada",     "aalto, bo",       "Chan, Li",     "de Vries, Jan",   "Ek, Ulf",
        "Håkon, Bo",      "Ivanova, Eva",    "Jones, Zoë",   "Mueller, Ute",    "Muller, Una",
        "Müller, Uwe",    "Nieminen, Liisa", "O'Neil, Sean", "Šimek, Petr",     "Smith, Mark",
        "Virtanen, Äiti", "Zámečník, Ivo",   "zeta, last",   "Ångström, Örjan", "Öberg, Nils",
    };
    static const char *const english[] = {
        "Aalto, Ada",  "aalto, bo",   "Ångström, Örjan", "Chan, Li",      "de Vries, Jan",
        "Ek, Ulf",     "Håkon, Bo",   "Ivanova, Eva",    "Jones, Zoë",    "Mueller, Ute",
        "Muller, Una", "Müller, Uwe", "Nieminen, Liisa", "O'Neil, Sean",  "Öberg, Nils",
        "Šimek, Petr", "Smith, Mark", "Virtanen, Äiti",  "Zámečník, Ivo", "zeta, last",
    };

    (void)state;
    expect_names(",LOCALE-fi", finnish, 20);
    expect_names(",LOCALE-en-US", english, 20);
    expect_names(",LOCALE-xx", english, 20); /* one that nobody knows falls back */
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
    expect_all("source=*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", nothing, 1);
    expect_all("agentName=*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*q", nothing, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_alone_gives_what_the_model_gives),
        cmocka_unit_test(what_is_said_in_json_is_said_in_xml),
        cmocka_unit_test(filters_together_give_what_meets_all),
        cmocka_unit_test(ids_and_groups_are_found_with_and_without_hyphens),
        cmocka_unit_test(every_order_is_kept_over_pages),
        cmocka_unit_test(names_stand_in_the_order_of_the_language),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(a_pattern_has_so_many_characters_and_no_more),
        cmocka_unit_test(a_spiteful_pattern_is_answered),
    };

    make_conditions();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
