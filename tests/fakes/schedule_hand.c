#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/schedule_hand.h"

#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct schedule_rig hand_rig;

int hand_start(void **state)
{
    static const char *const extra[] = {"--appendfsync", "no", NULL};

    (void)state;
    schedule_rig_start(&hand_rig, extra, 0);
    return 0;
}

int hand_stop(void **state)
{
    (void)state;
    schedule_rig_stop(&hand_rig);
    return 0;
}

int hand_empty(void **state)
{
    (void)state;
    assert_string_equal(redis_server_ask(hand_rig.server, "FLUSHALL"), "+OK");
    return 0;
}

struct rig_message hand_message(size_t count)
{
    struct rig_message m = {.kind = STORE_MESSAGE,
                            .count = count,
                            .at_ms = 1,
                            .retries = 1,
                            .retry_delay_s = 60,
                            .source = "s1",
                            .sub_type = "sms"};

    schedule_rig_new_id(HAND_SHARD, m.id);
    return m;
}

struct rig_message hand_posted(struct schedule_rig *rig, size_t count)
{
    struct rig_message m = hand_message(count);

    schedule_rig_post(rig, &m);
    assert_int_equal(rig->effect, EFFECT_DONE);
    return m;
}

const struct schedule_claim hand_usual = {.shard = HAND_SHARD,
                                          .slices = 10,
                                          .destinations = 100000,
                                          .quantum = 2,
                                          .lease_ms = HAND_LEASE_MS,
                                          .calls = true};

size_t hand_claim_of(struct schedule_rig *rig, unsigned owner, struct schedule_claim c)
{
    schedule_rig_claim(rig, owner, &c);
    assert_int_equal(rig->claimed.state, SCHEDULE_DONE);
    return rig->claimed.slice_count;
}

size_t hand_claim(struct schedule_rig *rig, unsigned owner)
{
    return hand_claim_of(rig, owner, hand_usual);
}

struct rig_slice hand_slice(struct schedule_rig *rig, unsigned owner)
{
    assert_int_equal(hand_claim(rig, owner), 1);
    return rig->slices[0];
}

enum schedule_state hand_write(struct schedule_rig *rig, unsigned owner, schedule_rig_writer *how,
                               struct rig_slice *s, struct schedule_write w)
{
    s->claimed.slice.sequence++;
    w.lease = &s->claimed.lease;
    w.slice = &s->claimed.slice;
    if (w.lease_ms == 0)
        w.lease_ms = HAND_LEASE_MS;
    return schedule_rig_write(rig, owner, how, w);
}

enum schedule_state hand_progress(struct schedule_rig *rig, unsigned owner, struct rig_slice *s,
                                  size_t watermark)
{
    slice_hand_over(&s->claimed.slice, watermark);
    return hand_write(rig, owner, rig->ports[owner].progress, s,
                      (struct schedule_write){.token = 1});
}

enum schedule_state hand_finish(struct schedule_rig *rig, unsigned owner, struct rig_slice *s,
                                enum slice_outcome outcome, int64_t at_ms)
{
    static struct settlement settled[SLICE_DESTINATIONS_MAX];
    static const enum settlement_state said[] = {SETTLEMENT_HANDLED, SETTLEMENT_FAILED,
                                                 SETTLEMENT_AGAIN};
    struct slice *slice = &s->claimed.slice;
    size_t n = 0;

    for (size_t i = slice_next(slice, 0); i < slice->count; i = slice_next(slice, i)) {
        settled[n++] = (struct settlement){.index = (uint16_t)i,
                                           .attempt = slice->attempt,
                                           .state = said[outcome],
                                           .address = VIEW("+1")};
        slice_settle(slice, i, outcome);
    }
    slice_end_pass(slice);
    return hand_write(
        rig, owner, rig->ports[owner].finish, s,
        (struct schedule_write){.settled = settled, .settled_count = n, .at_ms = at_ms});
}

int64_t hand_field(struct schedule_rig *rig, const char *id, const char *name)
{
    char command[128];
    const char *text = NULL;

    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s %s", shard_of(view_of(id)), id, name);
    text = redis_server_ask(rig->server, command);
    return text[0] == '$' ? 0 : strtoll(text, NULL, 10);
}

void hand_expect_counts(struct schedule_rig *rig, const char *id, int64_t ok, int64_t dead,
                        int64_t can)
{
    assert_int_equal(hand_field(rig, id, "ok"), ok);
    assert_int_equal(hand_field(rig, id, "dead"), dead);
    assert_int_equal(hand_field(rig, id, "can"), can);
}

void hand_expect_sound(struct schedule_rig *rig, const char *id)
{
    struct view args[] = {view_of(id), VIEW("")};

    assert_string_equal(
        schedule_rig_run(rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2), "");
}

void hand_recipients(struct schedule_rig *rig, const struct schedule_recipients *r)
{
    rig->owed++;
    rig->ports[0].recipients(rig->ports[0].ctx, r);
    schedule_rig_await(rig);
    assert_int_equal(rig->state, SCHEDULE_DONE);
}

int64_t hand_gap(struct schedule_rig *rig, const struct schedule_recipients *r)
{
    hand_recipients(rig, r);
    return rig->recipients[0].wait_ms;
}

int64_t hand_commands(struct schedule_rig *rig)
{
    const char *text = redis_server_ask(rig->server, "INFO stats");
    struct view rest = view_skip(view_of(strstr(text, "total_commands_processed:")), 25);
    struct view number = view_cut(&rest, '\r');
    int64_t n = 0;

    assert_true(num_int(number, &n));
    return n;
}
