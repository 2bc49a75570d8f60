/* The answers that the specification gives as examples: what they show is put into the history as
 * events and writes, and comes out again, property by property, in JSON and XML; and its examples
 * of PUT and of a listen log are taken as they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_walk.h"
#include "bridge/core/mem.h"
#include "tests/fakes/json_lines.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX 65536
#define BATCH    "Content-Type: application/cloudevents-batch+json\r\n"

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
    serve_rig_stop(&rig);
    serve_rig_done(&rig);
    return 0;
}

/* tests/golden/FOLDER/NAME.json, its bytes; owned. */
static char *golden(const char *folder, const char *name)
{
    char path[128];
    char *text = mem_zeroed(FILE_MAX, 1);
    FILE *f = NULL;

    snprintf(path, sizeof path, "tests/golden/%s/%s.json", folder, name);
    f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s is not there", path);
    else {
        assert_true(fread(text, 1, FILE_MAX - 1, f) > 0);
        fclose(f);
    }
    return text;
}

static char *example(const char *name)
{
    return golden("responses", name);
}

/* One event of that type about <collection>/<id of the item>. */
static void ingest(const char *type, const char *collection, struct view id, struct view data)
{
    static unsigned count;
    struct probe_reply r;
    struct buf event;

    buf_init(&event, 1 << 20);
    buf_printf(&event,
               "[{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/spec\",\"type\":\"%s\","
               "\"time\":\"2020-01-01T00:00:%02uZ\",\"subject\":\"%s/%.*s\",\"data\":",
               count, type, count % 60, collection, VIEW_ARG(id));
    count++;
    buf_put(&event, data);
    buf_put_text(&event, "}]");
    assert_false(event.full);
    r = probe_ask(rig.port, "POST", "/ingest", BATCH, buf_text(&event));
    if (r.status != 200 || strstr(r.body.p, "error") != NULL)
        fail_msg("%s: %d %.*s", type, r.status, VIEW_ARG(r.body));
    probe_done(&r);
    buf_done(&event);
}

/* Without its quotes; examples have no escapes in what this is for. */
static struct view text_of(struct view object, const char *name)
{
    struct view raw = json_member(object, name);

    return (struct view){raw.p + 1, raw.n - 2};
}

static void expect(const char *collection, struct view id, struct view item, const char *const *but)
{
    struct probe_reply r;
    struct buf path;

    buf_init(&path, 1024);
    buf_printf(&path, "/%s/", collection);
    buf_put(&path, id);
    r = serve_ask(&rig, "GET", buf_text(&path), "", NULL);
    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", buf_text(&path), r.status, VIEW_ARG(r.body));
    json_lines_within(item, r.body, but);
    probe_done(&r);
    buf_done(&path);
}

/* The next item of a list, or the one thing; false at the end. */
struct items {
    struct json_walk walk;
    struct view one;
};

static struct items items_of(const char *text)
{
    struct items items = {.one = view_of(text)};

    assert_true(json_walk_init(&items.walk, view_of(text)));
    return items;
}

static bool next_item(struct items *items, struct view *item)
{
    struct view key;

    if (!items->walk.object)
        return json_walk_next(&items->walk, &key, item);
    *item = items->one;
    items->one = VIEW_NONE;
    return item->n > 0;
}

/* The item as it stands in a list: the one of which that property says that. */
static void expect_listed(const char *target, const char *name, struct view value, struct view item,
                          const char *const *but)
{
    struct probe_reply r = serve_ask(&rig, "GET", target, "", NULL);
    struct json_walk walk;
    struct view key;
    struct view one;

    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", target, r.status, VIEW_ARG(r.body));
    assert_true(json_walk_init(&walk, r.body));
    while (json_walk_next(&walk, &key, &one))
        if (view_eq(text_of(one, name), value)) {
            json_lines_within(item, one, but);
            probe_done(&r);
            return;
        }
    fail_msg("GET %s: there is no %.*s in %.*s", target, VIEW_ARG(value), VIEW_ARG(r.body));
}

/* By itself; and, where the example is a list, in the list. */
static void expect_as_in(const struct items *items, const char *collection, struct view id,
                         struct view item, const char *const *but)
{
    char target[64];

    expect(collection, id, item, but);
    snprintf(target, sizeof target, "/%s?limit=1000", collection);
    if (!items->walk.object)
        expect_listed(target, "id", id, item, but);
}

/* Makes each item by an event and expects it back. */
static void there_and_back(const char *file, const char *collection, const char *type,
                           const char *const *but)
{
    char *text = example(file);
    struct items items = items_of(text);
    struct view item;
    unsigned n = 0;

    for (; next_item(&items, &item); n++) {
        ingest(type, collection, text_of(item, "id"), item);
        expect_as_in(&items, collection, text_of(item, "id"), item, but);
    }
    assert_true(n > 0);
    mem_free(text);
}

static void emails_are_as_in_the_specification(void **state)
{
    char *text = example("emails");
    struct items items = items_of(text);
    struct view item;

    (void)state;
    while (next_item(&items, &item)) {
        bool out = view_is(text_of(item, "channel_sub_type"), "outbound");

        ingest(out ? "email.sent" : "email.received", "emails", text_of(item, "id"), item);
        expect_as_in(&items, "emails", text_of(item, "id"), item, NULL);
    }
    mem_free(text);
    there_and_back("emails-one", "emails", "email.updated", NULL);
}

static void script_results_are_as_in_the_specification(void **state)
{
    struct probe_reply r;
    char *text = example("scriptResults-one");

    (void)state;
    there_and_back("scriptResults-one", "scriptResults", "scriptresult.saved", NULL);
    r = serve_ask(&rig, "GET", "/scriptResults?contact_id=599BD2A32FF7364FB2D1B53A31615C7F", "",
                  NULL);
    json_lines_within(json_member(view_of(text), "scriptquestions"),
                      json_member((struct view){r.body.p + 1, r.body.n - 2}, "scriptquestions"),
                      NULL);
    probe_done(&r);
    mem_free(text);
    there_and_back("scriptResults", "scriptResults", "scriptresult.saved", NULL);
}

static void recordings_are_as_in_the_specification(void **state)
{
    static const char *const but_log[] = {"listen_log", NULL};

    (void)state;
    there_and_back("callRecordings", "callRecordings", "callrecording.created", NULL);
    there_and_back("callRecordings-one", "callRecordings", "callrecording.created", but_log);
}

/* The log of that description: those of one time stand in the order of ids that the server gave. */
static struct view with_description(struct view logs, struct view wanted)
{
    struct json_walk walk;
    struct view key;
    struct view one;

    assert_true(json_walk_init(&walk, logs));
    while (json_walk_next(&walk, &key, &one))
        if (view_eq(json_member(one, "description"), json_member(wanted, "description")))
            return one;
    fail_msg("there is no such log: %.*s", VIEW_ARG(wanted));
    return VIEW_NONE;
}

/* The example's log is that of an older session: what POST requires and it lacks is added. */
static void listen_logs_are_as_in_the_specification(void **state)
{
    static const char *const but_id[] = {"id", NULL};
    char *one = example("callRecordings-one");
    char *logs = example("callRecordings-one-listenLog");
    struct items items = items_of(logs);
    struct view item;
    struct view id = text_of(view_of(one), "id");
    struct view log = json_member(view_of(one), "listen_log");
    char path[128];
    char made[33];
    struct buf body;
    struct probe_reply r;

    (void)state;
    there_and_back("callRecordings-one", "callRecordings", "callrecording.created",
                   (const char *const[]){"listen_log", NULL});
    assert_int_equal(id.n, 32);
    snprintf(path, sizeof path, "/callRecordings/%.32s/listenLog", id.p);
    buf_init(&body, FILE_MAX);
    buf_put_text(&body, "{\"userSessionId\":\"x\",");
    buf_put(&body, view_skip((struct view){strchr(log.p, '{'), log.n}, 1));
    body.n = (size_t)(strchr(buf_text(&body), '}') - body.p) + 1;
    serve_create(&rig, path, "", buf_text(&body), made);
    buf_done(&body);
    expect("callRecordings", id, view_of(one), NULL);
    while (next_item(&items, &item)) {
        char *text = mem_text(item.p, item.n);

        serve_create(&rig, path, "", text, made);
        mem_free(text);
    }
    r = serve_ask(&rig, "GET", path, "", NULL);
    for (items = items_of(logs); next_item(&items, &item);)
        json_lines_within(item, with_description(r.body, item), but_id);
    probe_done(&r);
    mem_free(one);
    mem_free(logs);
}

static void contacts_are_as_in_the_specification(void **state)
{
    static const char *const files[] = {"contacts", "contacts-one"};
    static const char *const but_duration[] = {"totalDuration", NULL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = example(files[i]);
        struct items items = items_of(text);
        struct view item;

        while (next_item(&items, &item)) {
            bool ended = json_has_member(item, "disconnectTime");

            ingest("contact.received", "contacts", text_of(item, "id"), item);
            if (ended)
                ingest("contact.ended", "contacts", text_of(item, "id"), item);
            expect_as_in(&items, "contacts", text_of(item, "id"), item,
                         ended ? NULL : but_duration);
        }
        mem_free(text);
    }
}

/* A chat is the contact, its participants and its lines, each by an event of its own. */
static void ingest_chat(struct view item)
{
    struct view id = text_of(item, "id");
    struct view queue = json_member(item, "from_queue");
    struct view key;
    struct view one;
    struct json_walk walk;
    struct buf data;

    buf_init(&data, FILE_MAX);
    buf_printf(&data,
               "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"subtype\":\"text\",\"source\":%.*s,"
               "\"destination\":%.*s,\"arrivalTime\":%.*s,\"subject\":%.*s,\"queueId\":%.*s,"
               "\"queueName\":%.*s}",
               VIEW_ARG(json_member(item, "originator")),
               VIEW_ARG(json_member(item, "destination")),
               VIEW_ARG(json_member(item, "date_created")), VIEW_ARG(json_member(item, "title")),
               VIEW_ARG(json_member(queue, "id")), VIEW_ARG(json_member(queue, "name")));
    ingest("contact.received", "contacts", id, buf_view(&data));
    buf_done(&data);
    if (!json_has_member(item, "transcript"))
        return;
    assert_true(json_walk_init(&walk, json_member(item, "participants")));
    while (json_walk_next(&walk, &key, &one))
        ingest("chat.participant.added", "chats", id, one);
    assert_true(json_walk_init(&walk, json_member(json_member(item, "transcript"), "messages")));
    while (json_walk_next(&walk, &key, &one))
        ingest("chat.message.added", "chats", id, one);
}

static void chats_are_as_in_the_specification(void **state)
{
    static const char *const files[] = {"chats", "chats-one"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = example(files[i]);
        struct items items = items_of(text);
        struct view item;

        while (next_item(&items, &item)) {
            ingest_chat(item);
            expect_as_in(&items, "chats", text_of(item, "id"), item, NULL);
        }
        mem_free(text);
    }
}

static void consents_are_as_in_the_specification(void **state)
{
    static const char *const files[] = {"customerConsents", "customerConsents-one_one"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = example(files[i]);
        struct items items = items_of(text);
        struct view item;

        while (next_item(&items, &item)) {
            char *body = mem_text(item.p, item.n);
            struct buf name;

            serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
            buf_init(&name, 256);
            buf_put(&name, text_of(item, "usage"));
            buf_put_text(&name, "_%2B");
            buf_put(&name, view_skip(text_of(item, "address"), 1));
            expect("customerConsents", buf_view(&name), item, NULL);
            buf_clear(&name);
            buf_put_text(&name, "/customerConsents?usage=");
            buf_put(&name, text_of(item, "usage"));
            expect_listed(buf_text(&name), "address", text_of(item, "address"), item, NULL);
            buf_done(&name);
            mem_free(body);
        }
        mem_free(text);
    }
}

/* The server gives ids and times of creation; nothing is sent here, so all stays ADDED. */
static void messages_are_as_in_the_specification(void **state)
{
    static const char *const files[] = {"messages", "messages-one"};
    static const char *const but_made[] = {"id", "creationTime", "status", NULL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = example(files[i]);
        struct items items = items_of(text);
        struct view item;

        while (next_item(&items, &item)) {
            char *body = mem_text(item.p, item.n);
            char id[33];

            serve_create(&rig, "/messages", "", body, id);
            expect_as_in(&items, "messages", view_of(id), item, but_made);
            mem_free(body);
        }
        mem_free(text);
    }
}

/* One that failed once: so the server counts. The default is three calls, the example's was 99. */
static void callbacks_are_as_in_the_specification(void **state)
{
    static const char *const but_made[] = {
        "id",           "creationTime", "maxCalls",    "nextCallTime",
        "lastCallTime", "creatorId",    "creatorName", NULL};
    static const char *const files[] = {"callbacks", "callbacks-one"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = example(files[i]);
        struct items items = items_of(text);
        struct view item;

        while (next_item(&items, &item)) {
            char *body = mem_text(item.p, item.n);
            char path[64];
            char id[33];

            serve_create(&rig, "/callbacks", "", body, id);
            snprintf(path, sizeof path, "/callbacks/%s", id);
            if (!view_is(text_of(item, "lastResult"), "ADDED"))
                serve_expect(&rig, "PUT", path, "",
                             "{\"customerNumber\":\"+35854852156\",\"notes\":\"Comments\","
                             "\"lastResult\":\"NO_ANSWER\"}",
                             204, "");
            expect_as_in(&items, "callbacks", view_of(id), item, but_made);
            mem_free(body);
        }
        mem_free(text);
    }
}

/* ---- what the specification sends ---- */

/* POSTs the one example as it stands and PUTs the other there. */
static void put_example(const char *collection, const char *posted, const char *put,
                        const char *const *but)
{
    char *body = golden("bodies", posted);
    char *changed = golden("bodies", put);
    char path[64];
    char id[33];

    snprintf(path, sizeof path, "/%s", collection);
    serve_create(&rig, path, "", body, id);
    snprintf(path, sizeof path, "/%s/%s", collection, id);
    serve_expect(&rig, "PUT", path, "", changed, 204, "");
    expect(collection, view_of(id), view_of(changed), but);
    mem_free(body);
    mem_free(changed);
}

/* The thing's own id and times stay, and of a callback all but four properties. */
static void what_is_put_is_taken_as_it_stands(void **state)
{
    static const char *const of_a_callback[] = {"id",
                                                "creationTime",
                                                "callbackQueueNumber",
                                                "originalQueueNumber",
                                                "originalQueueName",
                                                "lastCallTime",
                                                NULL};
    static const char *const of_a_message[] = {"id", "creationTime", NULL};

    (void)state;
    put_example("callbacks", "post-callbacks", "put-callbacks", of_a_callback);
    put_example("messages", "post-messages-schedule", "put-messages", of_a_message);
}

/* Last: the recording that the others look at has one more then. */
static void who_listened_is_taken_as_it_stands(void **state)
{
    static const char *const but_log[] = {"listen_log", NULL};
    char *one = example("callRecordings-one");
    char *body = golden("bodies", "post-listenLog");
    struct items items;
    struct view item = VIEW_NONE;
    struct view id = text_of(view_of(one), "id");
    struct probe_reply r;
    char named[64];
    char path[128];
    char made[33];
    bool found = false;

    (void)state;
    there_and_back("callRecordings-one", "callRecordings", "callrecording.created", but_log);
    view_copy(id, named, sizeof named);
    snprintf(path, sizeof path, "/callRecordings/%s/listenLog", named);
    serve_create(&rig, path, "", body, made);
    r = serve_ask(&rig, "GET", path, "", NULL);
    for (items = items_of(r.body.p); !found && next_item(&items, &item);)
        found = view_is(text_of(item, "id"), made);
    if (!found)
        fail_msg("%s is not in %.*s", made, VIEW_ARG(r.body));
    json_lines_within(view_of(body), item, NULL);
    assert_true(view_is(text_of(item, "user_id"), "smith")); /* who is signed on */
    probe_done(&r);
    mem_free(one);
    mem_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emails_are_as_in_the_specification),
        cmocka_unit_test(script_results_are_as_in_the_specification),
        cmocka_unit_test(recordings_are_as_in_the_specification),
        cmocka_unit_test(listen_logs_are_as_in_the_specification),
        cmocka_unit_test(contacts_are_as_in_the_specification),
        cmocka_unit_test(chats_are_as_in_the_specification),
        cmocka_unit_test(consents_are_as_in_the_specification),
        cmocka_unit_test(messages_are_as_in_the_specification),
        cmocka_unit_test(callbacks_are_as_in_the_specification),
        cmocka_unit_test(what_is_put_is_taken_as_it_stands),
        cmocka_unit_test(who_listened_is_taken_as_it_stands),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
