/* GET /contacts?sort= on ten thousand contacts, against a model that knows what each is ordered by:
 * every property that a list can be sorted by, both ways, over pages, and by language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/contact_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 3119 /* contacts */

static struct contact_rig rig;

static int set_up(void **state)
{
    (void)state;
    contact_rig_start(&rig, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    contact_rig_done(&rig);
    return 0;
}

/* ---- what a list is ordered by ---- */

#define ABSENT    INT64_MIN /* lowest, as "" is of texts */
#define WRAPUP_MS INT64_C(3600000)

static int64_t or_absent(int64_t ms)
{
    return ms >= 0 ? ms : ABSENT;
}

/* From one time to another, none of them before the other. */
static int64_t lasts(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? to_ms - from_ms : 0;
}

/* All that has not ended goes on at one time: so it has an order, whatever the time is. */
static int64_t end_of(const struct model_contact *c)
{
    return c->disconnect_ms >= 0 ? c->disconnect_ms : MODEL_NOW_MS;
}

static int64_t total(const struct model_contact *c)
{
    return lasts(c->arrival_ms, end_of(c));
}

static int64_t waiting(const struct model_contact *c)
{
    return lasts(c->arrival_ms, c->connect_ms >= 0 ? c->connect_ms : end_of(c));
}

static int64_t handling(const struct model_contact *c)
{
    return c->connect_ms >= 0 ? lasts(c->connect_ms, end_of(c)) : ABSENT;
}

static int64_t wrapup(const struct model_contact *c)
{
    if (c->connect_ms < 0 || c->disconnect_ms < 0)
        return ABSENT;
    return c->wrapup_ms >= 0 ? lasts(c->disconnect_ms, c->wrapup_ms) : WRAPUP_MS;
}

#define NUMBER(name, value)                                                                        \
    static int64_t name(const struct model_contact *c)                                             \
    {                                                                                              \
        return (value);                                                                            \
    }
#define TEXT(name, value)                                                                          \
    static const char *name(const struct model_contact *c, char id[33])                            \
    {                                                                                              \
        (void)id;                                                                                  \
        return (value);                                                                            \
    }
NUMBER(arrival, c->arrival_ms)
NUMBER(connect_time, or_absent(c->connect_ms))
NUMBER(disconnect, or_absent(c->disconnect_ms))
NUMBER(record, c->record ? 1 : ABSENT)
NUMBER(script, c->script ? 1 : ABSENT)
TEXT(own_id, c->id)
TEXT(group, c->group)
TEXT(channel, c->channel)
TEXT(type, c->type)
TEXT(type_details, c->type_details)
TEXT(subtype, c->subtype == NULL ? "" : c->subtype)
TEXT(status, c->status)
TEXT(status_details, c->status_details)
TEXT(source, c->source)
TEXT(destination, c->destination)
TEXT(agent_id, c->agent < 0 ? "" : model_agent_id(c->agent, id))
TEXT(agent_name, c->agent < 0 ? "" : model_agents[c->agent])
TEXT(queue_id, c->queue < 0 ? "" : model_queue_id(c->queue, id))
TEXT(queue_name, c->queue < 0 ? "" : model_queues[c->queue])
TEXT(subject, c->subject)

/* Contract 14: "any fields", the times and the durations. */
static const struct order {
    const char *key;
    const char *(*text)(const struct model_contact *c, char id[33]);
    int64_t (*number)(const struct model_contact *c);
} orders[] = {
    {"id", own_id, NULL},
    {"contactGroupId", group, NULL},
    {"channel", channel, NULL},
    {"type", type, NULL},
    {"typeDetails", type_details, NULL},
    {"subtype", subtype, NULL},
    {"status", status, NULL},
    {"statusDetails", status_details, NULL},
    {"source", source, NULL},
    {"destination", destination, NULL},
    {"agentId", agent_id, NULL},
    {"agentName", agent_name, NULL},
    {"queueId", queue_id, NULL},
    {"queueName", queue_name, NULL},
    {"arrivalTime", NULL, arrival},
    {"disconnectTime", NULL, disconnect},
    {"totalDuration", NULL, total},
    {"record", NULL, record},
    {"script", NULL, script},
    {"subject", subject, NULL},
    {"connectTime", NULL, connect_time},
    {"waitingDuration", NULL, waiting},
    {"handlingDuration", NULL, handling},
    {"wrapUpTotalDuration", NULL, wrapup},
};

static int compare(const struct order *o, const struct model_contact *a,
                   const struct model_contact *b)
{
    char ids[2][33];

    if (o->text != NULL)
        return strcmp(o->text(a, ids[0]), o->text(b, ids[1]));
    return (o->number(a) > o->number(b)) - (o->number(a) < o->number(b));
}

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
            by_id[i] = &rig.model.contacts[i];
        qsort(by_id, MODEL_CONTACTS, sizeof *by_id, cmp_ids);
    }
    found = bsearch(&wanted, by_id, MODEL_CONTACTS, sizeof *by_id, cmp_ids);
    if (found == NULL)
        fail_msg("%s is no contact", id);
    return found == NULL ? NULL : *found;
}

/* ---- tests ---- */

/* The whole list, each contact once: those of one value newest first, of one time the least id; in
 * the order of times themselves it is the other way round. */
static void expect_order(const struct order *o, bool descending)
{
    static char ids[MODEL_CONTACTS][33];
    bool backwards = strcmp(o->key, "arrivalTime") == 0 && !descending;
    char query[128];

    snprintf(query, sizeof query, "sort=%s%s", descending ? "-" : "", o->key);
    assert_int_equal(contact_rig_walk(&rig, PAGE, query, ids), MODEL_CONTACTS);
    for (size_t i = 1; i < MODEL_CONTACTS; i++) {
        const struct model_contact *a = find(ids[i - 1]);
        const struct model_contact *b = find(ids[i]);
        int order = descending ? compare(o, b, a) : compare(o, a, b);

        if (backwards ? a <= b : order > 0 || (order == 0 && a >= b))
            fail_msg("%s: item %zu: %s after %s", query, i, b->id, a->id);
    }
}

static void every_order_is_kept_over_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        expect_order(&orders[i], false);
        expect_order(&orders[i], true);
    }
}

/* Distinct agents' names in the order of the list. */
static void expect_names(const char *locale, const char *const *names, size_t count)
{
    static char ids[MODEL_CONTACTS][33];
    const char *last = "";
    char query[128];
    char room[33];
    size_t at = 0;
    size_t n = 0;

    snprintf(query, sizeof query, "agentName=*&sort=agentName%s", locale);
    n = contact_rig_walk(&rig, PAGE, query, ids);
    assert_true(n > 5000);
    for (size_t i = 0; i < n; i++) {
        const char *name = agent_name(find(ids[i]), room);

        if (strcmp(name, last) == 0)
            continue;
        if (at == count || strcmp(names[at], name) != 0)
            fail_msg("%s: '%s' where '%s' should be", locale, name,
                     at < count ? names[at] : "nothing");
        last = name;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_is_kept_over_pages),
        cmocka_unit_test(names_stand_in_the_order_of_the_language),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
