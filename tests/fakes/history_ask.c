#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include "bridge/core/mem.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>

const char history_ask_chat[] =
    "{\"originator\":\"sam.i.am@greeneggs.ham\",\"destination\":\" 123456Support@Test.com\","
    "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID "\",\"name\":\"My support chat\"},"
    "\"title\":\"Discussion with Bot\",\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
    "\"participants\":[{\"alias\":\"Sam\",\"uniquekey\":\"sam.i.am@greeneggs.ham\"},"
    "{\"alias\":\"The Bot\",\"uniquekey\":\"bot@acme.com\"}],"
    "\"transcript\":{\"messages\":["
    "{\"message\":\"I would like to talk to a human agent\","
    "\"originator\":\"sam.i.am@greeneggs.ham\",\"timeStamp\":\"2021-08-07T12:44:21.453Z\","
    "\"type\":\"text\"},"
    "{\"message\":\"Welcome! How can I help you?\",\"originator\":\"bot@acme.com\","
    "\"timeStamp\":\"2021-08-07T12:44:19.453Z\",\"type\":\"text\"}]}}";

int history_ask_start(void **state)
{
    struct history_rig *rig = mem_zeroed(1, sizeof *rig);

    rig_init(rig);
    rig_start(rig);
    *state = rig;
    return 0;
}

int history_ask_stop(void **state)
{
    rig_stop(*state);
    rig_done(*state);
    mem_free(*state);
    return 0;
}

struct probe_reply history_ask(struct history_rig *rig, const char *method, const char *path,
                               const char *headers, const char *body)
{
    char target[1024];

    snprintf(target, sizeof target, "%s%s", strcmp(path, "/ingest") == 0 ? "" : BASE, path);
    return xml_twin_ask(rig->port, method, target, path, headers, body);
}

void history_ask_status(struct history_rig *rig, const char *method, const char *path,
                        const char *headers, const char *body, int status)
{
    struct probe_reply r = history_ask(rig, method, path, headers, body);

    if (r.status != status)
        fail_msg("%s %s: %d, not %d: %.*s", method, path, r.status, status, VIEW_ARG(r.body));
    probe_done(&r);
}

struct probe_reply history_ask_reply(struct history_rig *rig, const char *path)
{
    char whole[1024];
    struct probe_reply r = history_ask(rig, "GET", path, "", NULL);

    snprintf(whole, sizeof whole, BASE "%s", path);
    if (r.status == 200)
        xml_twin_check(rig->port, whole, path, "", r.body);
    return r;
}

const char *history_ask_get(struct history_rig *rig, const char *path)
{
    static char text[65536];
    struct probe_reply r = history_ask_reply(rig, path);

    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    assert_true(r.body.n < sizeof text);
    memcpy(text, r.body.p, r.body.n);
    text[r.body.n] = '\0';
    probe_done(&r);
    return text;
}

void history_ask_body(struct history_rig *rig, const char *path, const char *body)
{
    struct probe_reply r = history_ask_reply(rig, path);

    if (r.status != 200 || !view_is(r.body, body))
        fail_msg("%s: %d\n%.*s\nnot\n%s", path, r.status, VIEW_ARG(r.body), body);
    probe_done(&r);
}

void history_ask_says(struct history_rig *rig, const char *path, int status, const char *text)
{
    struct probe_reply r = history_ask_reply(rig, path);

    if (r.status != status || strstr(r.body.p, text) == NULL)
        fail_msg("%s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

unsigned history_ask_count(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what)) != NULL) {
        n++;
        text += strlen(what);
    }
    return n;
}

void history_ask_post_chat(struct history_rig *rig, const char *headers, char id[33])
{
    struct probe_reply r = history_ask(rig, "POST", "/chats", headers, history_ask_chat);
    char location[64];

    assert_int_equal(r.status, 201);
    assert_int_equal(r.body.n, 32);
    snprintf(id, 33, "%.32s", r.body.p);
    snprintf(location, sizeof location, BASE "/chats/%s", id);
    assert_string_equal(probe_header(&r, "Location"), location);
    assert_string_equal(probe_header(&r, "Content-Type"), "text/html");
    probe_done(&r);
}

void history_ask_ingest(struct history_rig *rig, const char *events)
{
    struct probe_reply r = history_ask(rig, "POST", "/ingest", BATCH, events);

    assert_int_equal(r.status, 200);
    if (strstr(r.body.p, "error") != NULL)
        fail_msg("%.*s", VIEW_ARG(r.body));
    probe_done(&r);
}
