#include "tests/fakes/slow_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"

#include <stdio.h>
#include <string.h>

#define SHARD    7
#define STORE_MS 1 /* the store answers after so long */
#define SOON_MS  5 /* after the campaign: from then on a single is due in each EACH_MS */
#define EACH_MS  50

/* One thing that the loop hears of later. A gate is never shut, and no sender has a rate. */
struct event {
    struct heap_item at; /* first, so that it is one */
    enum kind { CLAIMED, WRITTEN, GRANTED, REPLIED, THROTTLED, TIMED_OUT } kind;
    uint64_t token;
    unsigned channel;
};

static int64_t now(void *ctx)
{
    struct slow_world *w = ctx;

    return w->now_ms += w->read_ms;
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

static struct event *later(struct slow_world *w, enum kind kind, int64_t after_ms)
{
    struct event *e = mem_zeroed(1, sizeof *e);

    e->kind = kind;
    heap_put(&w->events, &e->at, w->now_ms + after_ms);
    return e;
}

/* ---- the store ---- */

static void claim(void *ctx, const struct schedule_claim *c)
{
    struct slow_world *w = ctx;

    assert_false(w->claiming[c->shard]);
    w->claiming[c->shard] = true;
    later(w, CLAIMED, STORE_MS)->token = c->shard;
    if (c->shard != SHARD)
        return;
    assert_true(c->closed_count <= 1 + w->sources);
    w->asked = *c;
    memcpy(w->closed, c->closed, c->closed_count * sizeof *c->closed);
}

static void progress(void *ctx, const struct schedule_write *write)
{
    later(ctx, WRITTEN, STORE_MS)->token = write->token;
}

static void finish(void *ctx, const struct schedule_write *write)
{
    struct slow_world *w = ctx;

    if (write->slice->count > 1)
        w->finished += (int64_t)write->slice->count;
    progress(ctx, write);
}

/* It is there to be taken again. */
static void release(void *ctx, const struct schedule_write *write)
{
    struct slow_world *w = ctx;

    w->put_down++;
    w->taken--;
    if (write->park && write->at_ms > w->parked_to_ms)
        w->parked_to_ms = write->at_ms;
    progress(ctx, write);
}

static void end_call(void *ctx, const struct schedule_call_end *e)
{
    later(ctx, WRITTEN, STORE_MS)->token = e->token;
}

static void ask(void *ctx, const struct schedule_ask *a)
{
    later(ctx, GRANTED, STORE_MS)->token = a->token;
}

static void shut(void *ctx, const struct schedule_shut *gate)
{
    later(ctx, WRITTEN, STORE_MS)->token = gate->token;
}

static void flush(void *ctx)
{
    (void)ctx;
}

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    (void)ids, (void)count;
    ((struct slow_world *)ctx)->reading[shard] = true;
}

int64_t slow_world_due_ms(size_t n)
{
    return SLOW_START_MS + SOON_MS + (int64_t)n * EACH_MS;
}

/* A list of so many texts of one letter. */
static struct view addresses(size_t n)
{
    static char list[3 + 2 * SLICE_DESTINATIONS_MAX];

    list[0] = '\xdc';
    list[1] = (char)(n >> 8);
    list[2] = (char)n;
    for (size_t i = 0; i < n; i++)
        memcpy(list + 3 + 2 * i,
               "\xa1"
               "1",
               2);
    return (struct view){list, 3 + 2 * n};
}

struct brought {
    struct schedule_message messages[1 + SCHEDULE_CLAIM_MAX];
    struct schedule_claimed_slice slices[SCHEDULE_CLAIM_MAX];
    struct schedule_claimed answer;
};

static void bring(struct slow_world *w, struct brought *b, unsigned sender, size_t destinations,
                  int64_t due_ms)
{
    size_t n = b->answer.slice_count++;
    struct schedule_claimed_slice *slice = &b->slices[n];

    b->messages[n] = (struct schedule_message){.kind = SCHEDULE_MESSAGE,
                                               .destinations = (int64_t)destinations,
                                               .slices = 1,
                                               .source = view_of(w->senders[sender].address),
                                               .sub_type = VIEW("sms"),
                                               .content_type = VIEW("text"),
                                               .body = VIEW("hello"),
                                               .at_ms = due_ms,
                                               .attempts_max = 1,
                                               .weight = 1};
    (void)snprintf(b->messages[n].id, sizeof b->messages[n].id, "%032zX",
                   w->taken + w->singles + w->called);
    *slice = (struct schedule_claimed_slice){.message = n,
                                             .lease = {.shard = SHARD},
                                             .due_ms = due_ms,
                                             .expires_ms = w->now_ms + w->asked.lease_ms,
                                             .addresses = addresses(destinations)};
    memcpy(slice->lease.id, b->messages[n].id, sizeof slice->lease.id);
    assert_true(slice_read(&slice->slice, VIEW_NONE, destinations));
    slice_claim(&slice->slice, (const uint8_t[SLICE_HOLDER_BYTES]){1});
    slice_hand_over(&slice->slice,
                    w->asked.head_start < destinations ? w->asked.head_start : destinations);
}

static void bring_call(struct slow_world *w, struct brought *b)
{
    size_t n = b->answer.slice_count;

    bring(w, b, FAST, 1, SLOW_START_MS);
    b->messages[n].kind = SCHEDULE_CALLBACK;
    b->messages[n].callback =
        (struct callback_state){.open = true, .max_calls = 1, .last_call_ms = -1};
    b->slices[n].addresses = VIEW_NONE;
    slice_take_back(&b->slices[n].slice, 0);
    w->called++;
}

static const struct schedule_closed *told_of(const struct slow_world *w, unsigned sender)
{
    for (size_t i = 0; i < w->asked.closed_count; i++)
        if (view_is(w->closed[i].source, w->senders[sender].address))
            return &w->closed[i];
    return NULL;
}

/* Whose the campaign's next slice is. */
static unsigned source_of(const struct slow_world *w)
{
    size_t turn = w->taken % w->sources;

    return turn == 0 ? SLOW : (unsigned)turn + FAST;
}

/* May one more slice of the campaign be taken? Else it rests. */
static bool is_open(struct slow_world *w, const struct schedule_closed *left)
{
    bool is_out = w->size > 1 && (int64_t)(w->taken * w->size) > w->finished;

    if (w->parked_to_ms > w->now_ms + w->asked.ahead_ms)
        return false;
    if (is_out ? left->more > 0 : 2 * (int64_t)w->size <= left->room)
        return true;
    w->parked_to_ms = left->until_ms;
    w->rests++;
    return false;
}

/* The campaign's first: nobody gets in before it by being asked for later. */
static void answer_claim(struct slow_world *w)
{
    static struct brought b;
    struct schedule_closed left[1 + SLOW_SOURCES];
    size_t room = w->asked.destinations;
    size_t count = 0;
    int64_t next;

    memset(&b, 0, sizeof b);
    for (unsigned i = 0; i <= w->sources; i++) {
        const struct schedule_closed *told = told_of(w, i);

        left[i] =
            told != NULL ? *told : (struct schedule_closed){.more = INT32_MAX, .room = INT32_MAX};
    }
    b.answer = (struct schedule_claimed){.shard = SHARD,
                                         .state = SCHEDULE_DONE,
                                         .now_ms = w->now_ms,
                                         .messages = b.messages,
                                         .slices = b.slices};
    while (w->singles < SLOW_SINGLES && b.answer.slice_count < w->asked.slices && count < room &&
           slow_world_due_ms(w->singles) <= w->now_ms + w->asked.ahead_ms) {
        bring(w, &b, FAST, 1, slow_world_due_ms(w->singles));
        w->singles++;
        count++;
    }
    while (w->taken < w->campaign && b.answer.slice_count < w->asked.slices && count < room &&
           is_open(w, &left[source_of(w)])) {
        left[source_of(w)].more -= (int64_t)w->size;
        left[source_of(w)].room -= (int64_t)w->size;
        bring(w, &b, source_of(w), w->size, SLOW_START_MS);
        w->taken++;
        count += w->size;
    }
    while (w->called < w->calls && w->asked.calls && b.answer.slice_count < w->asked.slices &&
           count < room) {
        bring_call(w, &b);
        count++;
    }
    next = w->singles < SLOW_SINGLES ? slow_world_due_ms(w->singles) : INT64_MAX;
    if (w->taken < w->campaign && w->parked_to_ms < next)
        next = w->parked_to_ms;
    if (w->called < w->calls && w->asked.calls)
        next = w->now_ms;
    next = next == INT64_MAX ? 0 : next - w->asked.ahead_ms;
    b.answer.next_ms = next != 0 && next < w->now_ms ? w->now_ms : next;
    schedule_answers_of(w->loop).claimed(w->loop, &b.answer);
}

static void answer_other_claim(struct slow_world *w, unsigned shard)
{
    const struct schedule_claimed none = {
        .shard = shard, .state = SCHEDULE_DONE, .now_ms = w->now_ms};

    schedule_answers_of(w->loop).claimed(w->loop, &none);
}

/* ---- the gateways ---- */

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    (void)s, (void)m, (void)f;
    out->method = "POST";
    return true;
}

static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    *out = reply->status == 429
               ? (struct channel_outcome){.verdict = CHANNEL_THROTTLED, .wait_ms = 1000}
               : (struct channel_outcome){.verdict = CHANNEL_HANDLED};
}

static bool build_call(const struct channel_setup *s, const struct dialler_call *call,
                       struct channel_request *out, struct fault *f)
{
    (void)s, (void)call, (void)f;
    out->method = "POST";
    return true;
}

static void judge_call(const struct channel_reply *reply, struct dialler_outcome *out)
{
    (void)reply;
    *out = (struct dialler_outcome){
        .verdict = DIALLER_RESULT, .result = CALLBACK_SUCCESSFUL, .next_call_ms = -1};
}

static const struct dialler fake_dialler = {
    .name = "fake", .build = build_call, .judge = judge_call};
static const struct channel fake = {.name = "fake", .build = build, .judge = judge};

/* What becomes of a request to the slow one. */
static enum kind fate(struct slow_world *w)
{
    if (w->silent)
        return TIMED_OUT;
    w->taken_now = w->second == w->now_ms / 1000 ? w->taken_now : 0;
    w->second = w->now_ms / 1000;
    return w->takes > 0 && w->taken_now++ >= w->takes ? THROTTLED : REPLIED;
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct slow_world *w = ctx;
    /* Half as long to half as long again. */
    int64_t after_ms = w->reply_ms / 2 + (int64_t)rng_below(&w->rng, (uint64_t)w->reply_ms + 1);
    enum kind kind = call->destination == SLOW ? fate(w) : REPLIED;
    struct event *e;

    (void)f;
    if (kind == TIMED_OUT)
        after_ms = SLOW_TIMEOUT_MS;
    e = later(w, kind, call->destination == FAST ? 1 : after_ms);
    e->token = call->token;
    e->channel = call->destination;
    w->out[call->destination]++;
    if (call->destination == FAST) {
        int64_t late = w->now_ms - slow_world_due_ms(w->begun[FAST]);

        assert_true(late >= 0);
        w->late_ms = late > w->late_ms ? late : w->late_ms;
    }
    w->begun[call->destination]++;
    return true;
}

static void cancel(void *ctx, uint64_t token)
{
    (void)ctx, (void)token;
}

/* ---- what happens ---- */

static void happen(struct slow_world *w, struct event *e)
{
    const struct http_reply reply = {
        .token = e->token,
        .fate = e->kind == TIMED_OUT ? HTTP_UNKNOWN : HTTP_ANSWERED,
        .status = e->kind == THROTTLED ? 429 : 200,
        .elapsed_ms = w->reply_ms,
        .error = e->kind == TIMED_OUT ? "no reply in time" : NULL,
    };
    const struct schedule_grant granted = {.token = e->token, .state = SCHEDULE_DONE};

    if (e->kind == REPLIED || e->kind == THROTTLED || e->kind == TIMED_OUT) {
        w->out[e->channel]--;
        schedule_on_reply(w->loop, &reply);
    } else if (e->kind == WRITTEN) {
        schedule_answers_of(w->loop).written(w->loop, e->token, SCHEDULE_DONE);
    } else if (e->kind == GRANTED) {
        schedule_answers_of(w->loop).granted(w->loop, &granted);
    } else {
        w->claiming[e->token] = false;
        if (e->token == SHARD)
            answer_claim(w);
        else
            answer_other_claim(w, (unsigned)e->token);
    }
    mem_free(e);
}

static int64_t held(const struct slow_world *w)
{
    return (int64_t)(w->taken * w->size) - (int64_t)w->begun[SLOW];
}

void slow_world_step(struct slow_world *w)
{
    struct heap_item *item;

    while ((item = heap_first(&w->events)) != NULL && item->at_ms <= w->now_ms) {
        heap_remove(&w->events, item);
        happen(w, (void *)item);
    }
    (void)schedule_turn(w->loop);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++) {
        const struct schedule_outbox none = {.shard = shard, .state = SCHEDULE_DONE, .other = true};

        if (!w->reading[shard])
            continue;
        w->reading[shard] = false;
        schedule_answers_of(w->loop).outbox(w->loop, &none);
    }
    if (held(w) > w->held_most)
        w->held_most = held(w);
    if (w->begun[SLOW] < w->campaign * w->size)
        w->idle_ms += w->out[SLOW] < (size_t)w->channels[SLOW].slots;
    w->now_ms++;
}

void slow_world_start(struct slow_world *w, size_t sources, int slots, int64_t reply_ms)
{
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    static struct schedule_conf conf;
    static char names[1 + SLOW_SOURCES][16];
    static const struct zone utc;
    struct schedule_ports ports = {
        .schedule = {.ctx = w,
                     .up = up,
                     .claim = claim,
                     .progress = progress,
                     .finish = finish,
                     .release = release,
                     .end_call = end_call,
                     .ask = ask,
                     .shut = shut,
                     .flush = flush,
                     .read_outbox = read_outbox},
        .http = {w, submit, cancel},
        .clock = {w, now, now, no_chance},
        .log = &silent,
    };

    *w = (struct slow_world){
        .now_ms = SLOW_START_MS, .sources = sources, .reply_ms = reply_ms, .stats = stats_new()};
    heap_init(&w->events);
    w->rng = rng_of(1);
    w->channels[SLOW] = (struct schedule_channel){.name = "slow",
                                                  .setup = {.kind = &fake},
                                                  .http = SLOW,
                                                  .slots = slots,
                                                  .timeout_ms = SLOW_TIMEOUT_MS};
    w->channels[FAST] = (struct schedule_channel){.name = "fast",
                                                  .setup = {.kind = &fake},
                                                  .http = FAST,
                                                  .slots = 64,
                                                  .timeout_ms = SLOW_TIMEOUT_MS};
    for (size_t i = 0; i <= sources; i++) {
        (void)snprintf(names[i], sizeof names[i], "source%zu@x", i);
        w->senders[i] = (struct schedule_sender){
            .address = names[i], .channel = i == FAST ? FAST : SLOW, .zone = &utc};
    }
    w->channels[DIALLER] = (struct schedule_channel){.name = "dialler",
                                                     .dialler = &fake_dialler,
                                                     .http = DIALLER,
                                                     .slots = slots,
                                                     .timeout_ms = SLOW_TIMEOUT_MS};
    conf = (struct schedule_conf){.dialler = DIALLER,
                                  .call_zone = &utc,
                                  .channels = w->channels,
                                  .channel_count = 3,
                                  .senders = w->senders,
                                  .sender_count = 1 + sources,
                                  .in_flight = 4096,
                                  .lease_ms = 25000,
                                  .drain_ms = 1000,
                                  .breaker = {.failures = 5, .open = {100, 200}}};
    ports.stats = w->stats;
    w->loop = schedule_new(&conf, &ports);
}

void slow_world_end(struct slow_world *w)
{
    struct heap_item *item;

    schedule_free(w->loop);
    stats_free(w->stats);
    while ((item = heap_first(&w->events)) != NULL) {
        heap_remove(&w->events, item);
        mem_free((void *)item);
    }
    heap_done(&w->events);
}
