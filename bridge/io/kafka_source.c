#include "bridge/io/kafka_source.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_source_in.h"

#include <librdkafka/rdkafka.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define REFRESH_MS_DEFAULT 30000
#define LEAVE_MS           2500 /* for the group's goodbye, once all is revoked */
#define DESTROY_MS         2000 /* then for the client's threads */

int64_t kafka_source_now(const struct kafka_source *s)
{
    return (int64_t)uv_now(s->loop);
}

void kafka_source_fail(struct kafka_source *s, const struct fault *f)
{
    if (s->failed)
        return;
    s->failed = true;
    snprintf(s->trouble, sizeof s->trouble, "%s", f->text);
    s->owner.failed(s->owner.ctx, f);
}

static void serve(struct kafka_source *s, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(queue, 0)) != NULL)
        kafka_intake_event(s, event);
}

/* ---- the end ---- */

static void free_all(void *owner)
{
    struct kafka_source *s = owner;

    if (s->closed != NULL)
        s->closed(s->closed_owner);
    kafka_survey_done(&s->offered);
    kafka_survey_done(&s->lost);
    kafka_survey_done(&s->anew);
    kafka_survey_done(&s->again);
    kafka_slots_free(s->slots);
    for (size_t i = 0; i < s->topic_count; i++)
        mem_free(s->topics[i]);
    mem_free(s->topics);
    mem_free(s->list);
    mem_free(s);
}

/* Past the deadline: the owner goes on, what is left ends by itself or with the process, which must
 * not wait for it: librdkafka 2.0 doesn't end a consumer one of whose topics was deleted. */
static void abandon(struct kafka_source *s, const char *why)
{
    void (*closed)(void *owner) = s->closed;

    notice_say(s->log.to, NOTICE_WARN, "kafka_source_abandoned", NOTICE_TEXT("text", why));
    s->closed = NULL;
    if (closed != NULL)
        closed(s->closed_owner);
}

/* The next step of the end has so long, if that is not past the deadline. */
static void allow(struct kafka_source *s, int64_t ms)
{
    int64_t until_ms = kafka_source_now(s) + ms;

    s->step_by_ms = until_ms < s->close_by_ms ? until_ms : s->close_by_ms;
}

static void destroy(struct kafka_source *s)
{
    rd_kafka_queue_t *queues[] = {s->control, s->records, s->replies};

    s->destroying = true;
    allow(s, DESTROY_MS);
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++) {
        kafka_wake_unwatch(s->wake, queues[i]);
        rd_kafka_queue_destroy(queues[i]);
    }
    /* Without a proper goodbye to the group, which had its chance, it doesn't wait for answers. */
    s->job.destroy_flags = RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE;
    kafka_job_start(&s->job, s->loop, KAFKA_JOB_DESTROY);
}

static void leave(struct kafka_source *s)
{
    rd_kafka_error_t *error;

    s->leaving = true;
    allow(s, LEAVE_MS);
    rd_kafka_assign(s->rk, NULL); /* answers an assignment that was offered, too */
    error = rd_kafka_consumer_close_queue(s->rk, s->replies);
    if (error != NULL) { /* after a fatal error there is no group to leave */
        s->job.destroy_flags = RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE;
        s->left = true;
        rd_kafka_error_destroy(error);
    }
}

static void close_step(struct kafka_source *s)
{
    bool late = kafka_source_now(s) >= s->step_by_ms;

    if (s->destroying) {
        if (late && s->closed != NULL)
            abandon(s, "the Kafka client does not end");
        return;
    }
    if (kafka_slots_count(s->slots) > 0 && !s->revoking)
        kafka_assignment_revoke(s, false);
    if (s->revoking && late)
        kafka_assignment_let_go(s);
    if (s->revoking || s->job.running)
        return; /* a question is answered within its own time-out */
    if (!s->leaving)
        leave(s);
    if (!late && !s->left && !rd_kafka_consumer_closed(s->rk))
        return;
    if (s->out == 0)
        destroy(s);
    else if (late && s->closed != NULL)
        abandon(s, "records are still out");
}

void kafka_source_close(struct kafka_source *s, int64_t deadline_ms, void (*closed)(void *owner),
                        void *owner)
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    s->closed_owner = owner;
    s->close_by_ms = s->step_by_ms = kafka_source_now(s) + deadline_ms;
    kafka_wake_soon(s->wake);
}

/* ---- turns ---- */

static bool turn(void *owner)
{
    struct kafka_source *s = owner;
    bool more;

    if (s->destroying) {
        close_step(s);
        return false;
    }
    serve(s, s->control);
    serve(s, s->replies);
    if (s->closing) {
        kafka_commits_send(&s->commits, kafka_source_now(s));
        close_step(s);
        return false;
    }
    if (!s->started)
        return false;
    kafka_assignment_ask(s);
    more = kafka_intake_read(s);
    kafka_commits_send(&s->commits, kafka_source_now(s));
    return more;
}

static void on_answer(void *owner, const struct kafka_survey *found)
{
    struct kafka_source *s = owner;

    if (s->job.kind == KAFKA_JOB_DESTROY) {
        kafka_wake_close(s->wake, free_all, s);
        return;
    }
    kafka_assignment_answer(s, found);
    kafka_wake_soon(s->wake);
}

/* ---- the port ---- */

static void port_give_back(void *ctx, void *owner)
{
    struct kafka_source *s = ctx;

    kafka_intake_give_back(s, owner);
    if (s->closing && s->out == 0)
        kafka_wake_soon(s->wake);
}

static void port_pause(void *ctx, unsigned number)
{
    struct kafka_source *s = ctx;
    struct kafka_slot *slot = kafka_slots_at(s->slots, number);

    if (slot == NULL)
        return;
    kafka_slots_pause(s->slots, slot, true);
    if (!slot->fetch_paused && kafka_slot_holds_enough(s->slots, slot))
        kafka_intake_stop_fetching(s, slot, true);
}

static void port_resume(void *ctx, unsigned number)
{
    struct kafka_source *s = ctx;
    struct kafka_slot *slot = kafka_slots_at(s->slots, number);

    if (slot == NULL)
        return;
    kafka_slots_pause(s->slots, slot, false);
    if (slot->fetch_paused)
        kafka_intake_stop_fetching(s, slot, false);
    kafka_wake_soon(s->wake); /* what waits already gives no event */
}

static bool port_commit(void *ctx, unsigned number, uint32_t epoch, int64_t next_offset, bool now,
                        struct fault *f)
{
    struct kafka_source *s = ctx;
    struct kafka_slot *slot = kafka_slots_at(s->slots, number);

    if (slot == NULL || slot->epoch != epoch)
        return fault_set(f, FAULT_REJECT, "the partition was let go");
    if (next_offset > slot->last + 1 && next_offset > slot->next_offset)
        return fault_set(f, FAULT_BUG, "offset %lld was never read", (long long)next_offset);
    kafka_commits_want(&s->commits, slot, next_offset);
    if (now) {
        if (!kafka_anew_check_now(s, f) ||
            !kafka_commits_wait(&s->commits, kafka_source_now(s), kafka_intake_event, s, f))
            return false;
    } else {
        kafka_wake_soon(s->wake);
    }
    return !slot->anew || fault_set(f, FAULT_REJECT, "the log was made anew");
}

static void port_released(void *ctx)
{
    struct kafka_source *s = ctx;

    if (s->revoking)
        kafka_assignment_let_go(s);
}

struct source_port kafka_source_port(struct kafka_source *s)
{
    return (struct source_port){.ctx = s,
                                .give_back = port_give_back,
                                .pause = port_pause,
                                .resume = port_resume,
                                .commit = port_commit,
                                .released = port_released};
}

/* ---- the beginning ---- */

static rd_kafka_t *make_client(const struct kafka_conf *conf, struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_SOURCE, f);
    rd_kafka_t *rk;
    char error[256];

    if (made == NULL)
        return NULL;
    rd_kafka_conf_set_events(made, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_REBALANCE |
                                       RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR |
                                       RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set(made, "log.queue", "true", NULL, 0);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rk == NULL) {
        rd_kafka_conf_destroy(made);
        fault_set(f, FAULT_REJECT, "the Kafka consumer can't be made: %s", error);
    }
    return rk;
}

struct kafka_source *kafka_source_new(struct uv_loop_s *loop, const struct kafka_conf *conf,
                                      const struct notice *log, struct fault *f)
{
    rd_kafka_t *rk = make_client(conf, f);
    struct kafka_source *s;

    if (rk == NULL)
        return NULL;
    s = mem_zeroed(1, sizeof *s);
    s->loop = loop;
    s->rk = rk;
    s->reset = conf->offset_reset;
    s->assign = conf->assign;
    s->refresh_ms = conf->refresh_ms > 0 ? conf->refresh_ms : REFRESH_MS_DEFAULT;
    s->topic_count = conf->topic_count;
    s->topics = mem_zeroed(conf->topic_count, sizeof *s->topics);
    for (size_t i = 0; i < conf->topic_count; i++)
        s->topics[i] = mem_text(conf->topics[i], strlen(conf->topics[i]));
    s->list = mem_zeroed(SOURCE_PARTITIONS_MAX, sizeof *s->list);
    s->slots = kafka_slots_new();
    kafka_log_init(&s->log, log);
    rd_kafka_poll_set_consumer(rk);
    s->control = rd_kafka_queue_get_consumer(rk);
    s->records = rd_kafka_queue_new(rk);
    s->replies = rd_kafka_queue_new(rk);
    rd_kafka_set_log_queue(rk, s->control);
    s->commits = (struct kafka_commits){.rk = rk, .queue = s->replies, .slots = s->slots};
    s->job = (struct kafka_job){.rk = rk,
                                .topics = (const char *const *)s->topics,
                                .topic_count = s->topic_count,
                                .done = on_answer,
                                .owner = s};
    s->wake = kafka_wake_new(loop, turn, s);
    kafka_wake_watch(s->wake, s->control);
    kafka_wake_watch(s->wake, s->records);
    kafka_wake_watch(s->wake, s->replies);
    return s;
}

void kafka_source_start(struct kafka_source *s, const struct source_owner *owner)
{
    s->owner = *owner;
    s->started = true;
    kafka_assignment_begin(s);
    kafka_wake_soon(s->wake);
}

/* ---- what it says of itself ---- */

const char *kafka_source_trouble(const struct kafka_source *s)
{
    return s->trouble[0] != '\0' ? s->trouble : s->missing;
}

void kafka_source_each(struct kafka_source *s,
                       void (*visit)(void *ctx, const struct kafka_figures *f), void *ctx)
{
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        struct kafka_slot *slot = kafka_slots_at(s->slots, i);
        int64_t low;
        int64_t high = -1;
        struct kafka_figures figures;

        if (slot == NULL)
            continue;
        rd_kafka_get_watermark_offsets(s->rk, slot->topic, slot->partition, &low, &high);
        figures =
            (struct kafka_figures){.topic = slot->topic,
                                   .partition = slot->partition,
                                   .position = slot->last >= 0 ? slot->last + 1 : slot->next_offset,
                                   .committed = slot->committed,
                                   .high = high > slot->far_end ? high : slot->far_end,
                                   .paused = slot->paused};
        visit(ctx, &figures);
    }
}

size_t kafka_source_out(const struct kafka_source *s)
{
    return s->out;
}

int64_t kafka_source_repeats(const struct kafka_source *s)
{
    return s->repeats;
}
