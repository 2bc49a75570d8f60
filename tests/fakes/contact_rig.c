#include "tests/fakes/contact_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/sqlite.h"
#include "tests/fakes/history_feed.h"

#include <stdio.h>
#include <string.h>

#define BATCH   1000 /* contacts whose events are one array */
#define BATCHES (MODEL_CONTACTS / BATCH)

static void post(const struct contact_rig *rig, struct buf *events)
{
    struct probe_reply r =
        probe_ask(rig->history.port, "POST", "/ingest",
                  "Content-Type: application/cloudevents-batch+json\r\n", buf_text(events));

    if (r.status != 200 || strstr(r.body.p, "error") != NULL)
        fail_msg("ingest: %d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

void contact_rig_start(struct contact_rig *rig, bool by_kafka)
{
    struct buf events[BATCHES];
    struct view batches[BATCHES];

    model_make(&rig->model);
    rig_init(&rig->history);
    rig_start(&rig->history);
    for (size_t i = 0; i < BATCHES; i++) {
        buf_init(&events[i], 4 << 20);
        model_events(&rig->model, BATCH * i, BATCH, &events[i]);
        assert_false(events[i].full);
        batches[i] = buf_view(&events[i]);
        if (!by_kafka)
            post(rig, &events[i]);
    }
    if (by_kafka)
        history_feed(&rig->history, batches, BATCHES);
    for (size_t i = 0; i < BATCHES; i++)
        buf_done(&events[i]);
}

/* After all the changes that ingest made, in an order of its own (server/text_index.h). That of
 * chats stands on folded texts, which SQLite can't compare. */
static void check_indexes(const char *file)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(file, false, &f);

    assert_non_null(db);
    sqlite_script(db, "INSERT INTO address_words (address_words, rank)"
                      " VALUES ('integrity-check', 1);"
                      "INSERT INTO subject_words (subject_words, rank)"
                      " VALUES ('integrity-check', 1);"
                      "INSERT INTO email_words (email_words, rank)"
                      " VALUES ('integrity-check', 1);");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

void contact_rig_done(struct contact_rig *rig)
{
    rig_stop(&rig->history);
    check_indexes(rig->history.file);
    rig_done(&rig->history);
    model_free(&rig->model);
}

struct probe_reply contact_rig_get(const struct contact_rig *rig, const char *path)
{
    char target[8192];

    assert_true(snprintf(target, sizeof target, CONTACT_RIG_BASE "%s", path) < (int)sizeof target);
    return probe_ask(rig->history.port, "GET", target, "", NULL);
}

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

size_t contact_rig_ids(const struct probe_reply *r, char (*ids)[33])
{
    return ids_of(r, ids, MODEL_CONTACTS);
}

size_t contact_rig_walk(const struct contact_rig *rig, unsigned limit, const char *query,
                        char (*ids)[33])
{
    char path[4096];
    size_t n = 0;

    snprintf(path, sizeof path, "/contacts?limit=%u&%s", limit, query);
    for (bool more = true; more;) {
        struct probe_reply r = contact_rig_get(rig, path);
        char link[4096];
        char *end = NULL;

        if (r.status != 200)
            fail_msg("%s: %d %.*s", path, r.status, VIEW_ARG(r.body));
        n += ids_of(&r, ids + n, MODEL_CONTACTS - n);
        snprintf(link, sizeof link, "%s", probe_header(&r, "Link"));
        more = link[0] != '\0';
        if (more) {
            end = strchr(link, '>');
            assert_non_null(end);
            *end = '\0';
            snprintf(path, sizeof path, "%s", link + strlen("<" CONTACT_RIG_BASE));
        }
        probe_done(&r);
    }
    return n;
}
