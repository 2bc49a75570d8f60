/*
 * How much the sending loop takes at once, on fakes in virtual time: more is due in every shard
 * than it can hold, and all claims are out together. It takes no more than it has room for, and
 * goes on with every shard once there is room again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/run/schedule.h"

#include <stdio.h>
#include <string.h>

#define TURNS_MAX 1000
#define BROUGHT   8  /* slices by a claim: all claims together go over what there is room for */
#define SLOW      80 /* senders of 5 a second, with a whole slice each in one shard */
#define MANY      5000
#define BUSY      300 /* of them, more than one claim is told of */

/* A store that answers when the test says so. */
struct store {
    int64_t now_ms;
    bool claiming[SHARD_COUNT];
    bool reading[SHARD_COUNT];
    size_t claims[SHARD_COUNT]; /* so far */
    uint64_t *tokens;           /* of writes that wait for their answers */
    size_t token_count;
    size_t brought;                                     /* slices */
    unsigned asked;                                     /* destinations, by the last claim */
    struct schedule_closed closed[SCHEDULE_CLOSED_MAX]; /* and what it was told */
    size_t closed_count;
    struct schedule_closed others;
    bool has_others;
    size_t released;
    struct schedule *loop;
    struct stats *stats;
};
static uint64_t tokens[1 << 20];

static int64_t now(void *ctx)
{
    return ((struct store *)ctx)->now_ms;
}

static uint64_t no_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx, (void)level, (void)event, (void)fields, (void)field_count;
}

static bool up(void *ctx)
{
    (void)ctx;
    return true;
}

static void claim(void *ctx, const struct schedule_claim *c)
{
    struct store *st = ctx;

    assert_false(st->claiming[c->shard]);
    st->claiming[c->shard] = true;
    st->claims[c->shard]++;
    st->asked = c->destinations;
    st->closed_count = c->closed_count;
    assert_true(c->closed_count <= SCHEDULE_CLOSED_MAX);
    memcpy(st->closed, c->closed, c->closed_count * sizeof *c->closed);
    st->has_others = c->others != NULL;
    if (st->has_others)
        st->others = *c->others;
}

static void write_it(void *ctx, const struct schedule_write *w)
{
    struct store *st = ctx;

    assert_true(st->token_count < sizeof tokens / sizeof *tokens);
    st->tokens[st->token_count++] = w->token;
}

static void release(void *ctx, const struct schedule_write *w)
{
    ((struct store *)ctx)->released++;
    write_it(ctx, w);
}

static void ask(void *ctx, const struct schedule_ask *a)
{
    (void)ctx, (void)a; /* the gate is never known: nothing goes out */
}

static void flush(void *ctx)
{
    (void)ctx;
}

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    (void)ids, (void)count;
    ((struct store *)ctx)->reading[shard] = true;
}

static const char *slow_name(size_t i)
{
    static char names[MANY][32];

    snprintf(names[i], sizeof names[i], "slow%zu", i);
    return names[i];
}

/* Slices of one destination each of a message that was cancelled: they need no sender. The last
 * shard has none: only what is held of the others can keep it from being asked. */
static void answer_claim(struct store *st, unsigned shard)
{
    static struct schedule_claimed_slice slices[SCHEDULE_CLAIM_MAX];
    struct schedule_message message = {.kind = SCHEDULE_MESSAGE,
                                       .destinations = BROUGHT,
                                       .slices = BROUGHT,
                                       .at_ms = st->now_ms,
                                       .attempts_max = 1,
                                       .weight = 1};
    struct schedule_claimed c = {.shard = shard,
                                 .state = SCHEDULE_DONE,
                                 .now_ms = st->now_ms,
                                 .next_ms = st->now_ms, /* there is always more */
                                 .messages = &message,
                                 .slices = slices,
                                 .slice_count = shard < SHARD_COUNT - 1 ? BROUGHT : 0};

    memset(slices, 0, sizeof slices);
    for (unsigned i = 0; i < BROUGHT; i++) {
        slices[i].lease = (struct schedule_lease){.shard = shard, .slice = i};
        slices[i].slice = (struct slice){.count = 1, .pending = {1}};
        slice_claim(&slices[i].slice, (const uint8_t[SLICE_HOLDER_BYTES]){1});
        slices[i].due_ms = st->now_ms;
        slices[i].expires_ms = st->now_ms + 60000;
        slices[i].cancelled = true;
    }
    st->claiming[shard] = false;
    st->brought += c.slice_count;
    schedule_answers_of(st->loop).claimed(st->loop, &c);
}

/* A whole slice of a slow sender's message. */
static void answer_slow(struct store *st, unsigned shard, const char *source)
{
    static char list[SLICE_DESTINATIONS_MAX * 2 + 3];
    struct schedule_claimed_slice slice = {
        .lease = {.shard = shard}, .due_ms = st->now_ms, .expires_ms = st->now_ms + 60000};
    struct schedule_message message = {.kind = SCHEDULE_MESSAGE,
                                       .destinations = SLICE_DESTINATIONS_MAX,
                                       .slices = 1,
                                       .source = view_of(source),
                                       .sub_type = VIEW("sms"),
                                       .content_type = VIEW("text"),
                                       .body = VIEW("hello"),
                                       .at_ms = st->now_ms,
                                       .attempts_max = 1,
                                       .weight = 1};
    struct schedule_claimed c = {.shard = shard,
                                 .state = SCHEDULE_DONE,
                                 .now_ms = st->now_ms,
                                 .next_ms = st->now_ms,
                                 .messages = &message,
                                 .slices = &slice,
                                 .slice_count = 1};

    memcpy(list, "\xdc\x03\xe8", 3); /* MessagePack: an array of texts of one letter */
    for (size_t i = 0; i < SLICE_DESTINATIONS_MAX; i++)
        memcpy(list + 3 + 2 * i,
               "\xa1"
               "1",
               2);
    slice.addresses = (struct view){list, sizeof list};
    assert_true(slice_read(&slice.slice, VIEW_NONE, SLICE_DESTINATIONS_MAX));
    slice_claim(&slice.slice, (const uint8_t[SLICE_HOLDER_BYTES]){1});
    st->claiming[shard] = false;
    st->brought++;
    schedule_answers_of(st->loop).claimed(st->loop, &c);
}

/* Turns until nothing new is asked for; the outbox is always somebody else's. */
static void turn(struct store *st)
{
    for (size_t i = 0; i < 20; i++) {
        (void)schedule_turn(st->loop);
        for (unsigned shard = 0; shard < SHARD_COUNT; shard++) {
            const struct schedule_outbox none = {
                .shard = shard, .state = SCHEDULE_DONE, .other = true};

            if (!st->reading[shard])
                continue;
            st->reading[shard] = false;
            schedule_answers_of(st->loop).outbox(st->loop, &none);
        }
        st->now_ms++;
    }
}

static size_t answer_claims(struct store *st)
{
    size_t n = 0;

    for (unsigned shard = 0; shard < SHARD_COUNT; shard++)
        if (st->claiming[shard]) {
            answer_claim(st, shard);
            n++;
        }
    return n;
}

static void answer_writes(struct store *st)
{
    size_t n = st->token_count;

    st->token_count = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t token = st->tokens[i];

        assert_true(st->token_count <= i); /* those asked for meanwhile take the places read */
        schedule_answers_of(st->loop).written(st->loop, token, SCHEDULE_DONE);
    }
}

static int set_up_as(void **state, size_t count)
{
    static struct store st;
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    static struct schedule_conf conf;
    static struct schedule_sender senders[MANY];
    static const struct schedule_channel channel = {.name = "one", .slots = 64, .timeout_ms = 1000};
    struct schedule_ports ports = {
        .schedule = {.ctx = &st,
                     .up = up,
                     .claim = claim,
                     .progress = write_it,
                     .finish = write_it,
                     .release = release,
                     .ask = ask,
                     .flush = flush,
                     .read_outbox = read_outbox},
        .clock = {&st, now, now, no_chance},
        .log = &silent,
    };

    for (size_t i = 0; i < count; i++)
        senders[i] = (struct schedule_sender){.address = slow_name(i), .rate = 5, .burst = 1};
    conf = (struct schedule_conf){.dialler = -1,
                                  .channels = &channel,
                                  .channel_count = 1,
                                  .senders = senders,
                                  .sender_count = count,
                                  .in_flight = 1000,
                                  .lease_ms = 60000,
                                  .drain_ms = 1000,
                                  .breaker = {.failures = 5, .open = {1, 2}}};
    st = (struct store){.now_ms = 1000000, .tokens = tokens, .stats = stats_new()};
    ports.stats = st.stats;
    st.loop = schedule_new(&conf, &ports);
    *state = &st;
    return 0;
}

static int set_up(void **state)
{
    return set_up_as(state, SLOW);
}

static int set_up_many(void **state)
{
    return set_up_as(state, MANY);
}

static int tear_down(void **state)
{
    struct store *st = *state;

    schedule_free(st->loop);
    stats_free(st->stats);
    return 0;
}

static void no_more_is_taken_than_there_is_room_for_and_every_shard_goes_on(void **state)
{
    struct store *st = *state;
    size_t claims[SHARD_COUNT];
    size_t rounds = 0;

    turn(st);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++)
        assert_true(st->claiming[shard]);
    while (answer_claims(st) > 0) { /* the loop asserts that it has room for each */
        turn(st);
        assert_true(++rounds < TURNS_MAX);
    }
    assert_true(st->brought > (size_t)SHARD_COUNT * BROUGHT);
    memcpy(claims, st->claims, sizeof claims);
    assert_true(st->token_count > 0);
    while (st->token_count > 0) { /* one write may lead to the next */
        answer_writes(st);
        assert_true(++rounds < TURNS_MAX);
    }
    turn(st);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++)
        assert_true(st->claims[shard] > claims[shard]);
}

/* What goes out over minutes, at its senders' rates, keeps nobody else's from being claimed. */
static void slow_senders_take_no_room_from_others(void **state)
{
    struct store *st = *state;
    const unsigned shard = 7;

    while (st->brought < SLOW) {
        turn(st);
        assert_true(st->claiming[shard]);
        answer_slow(st, shard, slow_name(st->brought));
    }
    turn(st);
    assert_true(st->claiming[shard]);
    assert_int_equal(st->claims[shard], SLOW + 1);
    assert_true(st->asked > 0);
}

/* The shard's next answer is a slice of that source. */
static void bring_of(struct store *st, const char *source)
{
    const unsigned shard = 7;

    turn(st);
    assert_true(st->claiming[shard]);
    answer_slow(st, shard, source);
}

static void bring(struct store *st, size_t sender)
{
    bring_of(st, slow_name(sender));
}

/* Claims are told of those that hold something, as many as fit, and of all others one thing. */
static void of_thousands_of_senders_the_busy_ones_are_told_of(void **state)
{
    struct store *st = *state;
    bool seen[MANY] = {false};

    for (size_t i = 0; i < BUSY; i++)
        bring(st, i * (MANY / BUSY));
    turn(st);
    assert_int_equal(st->closed_count, SCHEDULE_CLOSED_MAX);
    for (size_t i = 0; i < st->closed_count; i++) {
        int64_t sender;

        assert_true(num_int(view_skip(st->closed[i].source, 4), &sender));
        assert_true(sender % (MANY / BUSY) == 0 && !seen[sender]);
        assert_true(st->closed[i].until_ms > 0 && st->closed[i].more == 0);
        seen[sender] = true;
    }
    assert_true(st->has_others && st->others.until_ms > 0);
    assert_int_equal(st->others.more, 0);
    assert_true(st->others.room >= 2 * SLICE_DESTINATIONS_MAX);
    assert_int_equal(st->released, 0);
}

/* However messages spell it, or the configuration does (contract 13). */
static void claims_are_told_of_a_source_in_one_spelling(void **state)
{
    struct store *st = *state;
    size_t slow0 = 0;
    size_t strangers = 0;

    for (size_t i = 0; i < 3; i++) {
        bring_of(st, i == 0 ? " SLOW0\t" : "Slow0");
        bring_of(st, i == 0 ? "\tÄiti" : "äITI ");
        answer_writes(st); /* what is given back takes no room */
    }
    turn(st);
    for (size_t i = 0; i < st->closed_count; i++) {
        slow0 += view_is(st->closed[i].source, "slow0");
        strangers += st->closed[i].unknown;
        assert_true(!st->closed[i].unknown || view_is(st->closed[i].source, "äiti"));
    }
    assert_int_equal(slow0, 1);
    assert_int_equal(strangers, 1);
}

/* What comes of one sender all the same is put down again, once it is more than enough. */
static void of_thousands_of_senders_none_gets_more_than_enough(void **state)
{
    struct store *st = *state;
    size_t kept = 0;

    for (; st->released == 0 && kept < TURNS_MAX; kept++) {
        bring(st, 0);
        turn(st);
    }
    assert_in_range(kept, 2, 20); /* slices */
    assert_int_equal(st->released, 1);
    bring(st, 1);
    turn(st);
    assert_int_equal(st->released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            no_more_is_taken_than_there_is_room_for_and_every_shard_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_senders_take_no_room_from_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims_are_told_of_a_source_in_one_spelling, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_thousands_of_senders_the_busy_ones_are_told_of,
                                        set_up_many, tear_down),
        cmocka_unit_test_setup_teardown(of_thousands_of_senders_none_gets_more_than_enough,
                                        set_up_many, tear_down),
    };

    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
