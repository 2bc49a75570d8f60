#include "consumers/schedule_conf.h"

#include "bridge/core/mem.h"
#include "bridge/io/zone_load.h"
#include "config/conf_redis.h"

#include <string.h>

#define WHATSAPP_GAP_MS 6000 /* it refuses (131056) what comes sooner to one recipient */

/* Each is read once: there are few, and senders by the thousand. NULL: there is none of that name.
 */
static const struct zone *zone_of(struct schedule_plan *p, const char *name, int64_t now_ms,
                                  struct fault *f)
{
    struct named_zone *z = p->zones;

    while (z->name != NULL && strcmp(z->name, name) != 0)
        z++;
    if (z->name == NULL && !zone_load(name, now_ms, &z->zone, f))
        return NULL;
    z->name = name;
    return &z->zone;
}

static bool read_hours(struct schedule_plan *p, const struct sending_conf *c, int64_t now_ms,
                       struct hours *hours, const struct zone **zone, struct fault *f)
{
    static const struct zone utc;

    *zone = &utc;
    if (!hours_parse(view_of(c->hours != NULL ? c->hours : ""), hours, f))
        return fault_add(f, "hours");
    if (hours->count == 0 || (*zone = zone_of(p, c->zone, now_ms, f)) != NULL)
        return true;
    return fault_add(f, "zone");
}

static bool read_call_hours(struct schedule_plan *p, int64_t now_ms, struct fault *f)
{
    size_t i = (size_t)p->schedule.dialler;

    return p->schedule.dialler < 0 ||
           read_hours(p, &p->channels.routes[i].channel.sending, now_ms, &p->schedule.call_hours,
                      &p->schedule.call_zone, f) ||
           fault_add(f, "callbacks.dialler");
}

static void make_routes(struct schedule_plan *p)
{
    int64_t longest_ms = 0;

    for (size_t i = 0; i < p->channels.route_count; i++) {
        const struct schedule_route *r = &p->channels.routes[i];

        p->http[i] = r->http;
        p->tokens[i] = r->token;
        p->routes[i] = (struct schedule_channel){.name = r->channel.setup.name,
                                                 .setup = r->channel.setup,
                                                 .dialler = r->dialler,
                                                 .http = (unsigned)i,
                                                 .slots = r->http.slots,
                                                 .timeout_ms = r->http.timeout_ms};
        if (r->http.timeout_ms > longest_ms)
            longest_ms = r->http.timeout_ms;
    }
    p->schedule.channels = p->routes;
    p->schedule.channel_count = p->channels.route_count;
    p->schedule.dialler =
        p->channels.route_count > p->channels.channel_count ? (int)p->channels.channel_count : -1;
    if (p->schedule.lease_ms < 2 * (longest_ms + SCHEDULE_FENCE_MS))
        p->schedule.lease_ms = 2 * (longest_ms + SCHEDULE_FENCE_MS);
}

/* To a recipient, all queues of one kind are one sender where the channel itself says who sends: it
 * goes by the first one's name. */
static const char *heard_as(const struct schedule_channels *c, size_t i)
{
    const struct schedule_source *one = c->sources;
    const struct schedule_source *of = &c->sources[i];
    const struct channel_setup *s = &c->routes[of->route].channel.setup;

    if (s->phone_number_id == NULL && s->app_id == NULL && s->queue_id == NULL &&
        s->kind != &channel_telegram)
        return of->address;
    while (one->route != of->route ||
           !view_eq_nocase(view_of(one->sub_type), view_of(of->sub_type)))
        one++;
    return one->address;
}

static bool make_senders(const struct conf *conf, struct schedule_plan *p, int64_t now_ms,
                         struct fault *f)
{
    bool required = strcmp(conf_text(conf, "consent.whatsapp"), "required") == 0;
    size_t count = p->channels.source_count;

    if (count > SCHEDULE_SENDERS_MAX)
        return fault_set(f, FAULT_REJECT, "chats.queues: %zu send; the most is %d", count,
                         SCHEDULE_SENDERS_MAX);
    p->senders = mem_zeroed(count + 1, sizeof *p->senders);
    p->zones = mem_zeroed(count + 2, sizeof *p->zones); /* and the dialler's, and an end */
    for (size_t i = 0; i < count; i++) {
        const struct schedule_source *source = &p->channels.sources[i];
        const struct channel_conf *channel = &p->channels.routes[source->route].channel;
        struct sending_conf c = channels_sending(conf, source->queue, &channel->sending);
        bool whatsapp = view_eq_nocase(view_of(source->sub_type), VIEW("whatsapp"));

        p->senders[i] = (struct schedule_sender){
            .address = source->address,
            .channel = source->route,
            .usage = whatsapp ? "whatsapp" : NULL,
            .needs_consent = whatsapp && required,
            .rate = c.rate,
            .burst = c.burst,
            .gap_ms = c.recipient_gap_ms >= 0 ? c.recipient_gap_ms
                      : whatsapp              ? WHATSAPP_GAP_MS
                                              : 0,
            .heard_as = heard_as(&p->channels, i),
            .expire_outside = c.expire_outside,
        };
        if (!read_hours(p, &c, now_ms, &p->senders[i].hours, &p->senders[i].zone, f))
            return fault_add(f, "chats.queues.%s, by channels.%s",
                             conf_name(conf, "chats.queues", source->queue), channel->setup.name);
    }
    p->schedule.senders = p->senders;
    p->schedule.sender_count = count;
    return true;
}

static void make_kafka(const struct conf *conf, struct schedule_plan *p)
{
    size_t properties = conf_count(conf, "kafka.properties");

    p->properties = mem_zeroed(properties, sizeof *p->properties);
    for (size_t i = 0; i < properties; i++)
        p->properties[i] = (struct kafka_property){conf_name(conf, "kafka.properties", i),
                                                   conf_item(conf, "kafka.properties", i)};
    p->kafka = (struct kafka_conf){.brokers = conf_text(conf, "kafka.brokers"),
                                   .client_id = conf_text(conf, "kafka.client_id"),
                                   .properties = p->properties,
                                   .property_count = properties};
}

void schedule_plan_tuning(const struct conf *conf, struct schedule_conf *out)
{
    out->breaker.failures = (int)conf_int(conf, "breaker.failures");
    out->breaker.open =
        (struct backoff){conf_ms(conf, "breaker.open_min"), conf_ms(conf, "breaker.open_max")};
    out->valid_for_ms = conf_ms(conf, "schedule.valid_for");
}

bool schedule_plan_make(const struct conf *conf, int64_t now_ms, struct schedule_plan *p,
                        struct fault *f)
{
    const char *topic = conf_text(conf, "kafka.outcomes_topic");

    *p = (struct schedule_plan){
        .schedule = {.in_flight = (int)conf_int(conf, "schedule.in_flight"),
                     .lease_ms = conf_ms(conf, "schedule.lease"),
                     .drain_ms = conf_ms(conf, "schedule.drain"),
                     .callback_retry_ms = conf_ms(conf, "callbacks.retry_delay"),
                     .callback_handling_ms = conf_ms(conf, "callbacks.handling_timeout"),
                     .retention_ms = conf_ms(conf, "retention"),
                     .outcomes_topic = topic[0] != '\0' ? topic : NULL},
        .redis = conf_redis(conf),
        .outbox_max = (unsigned)conf_int(conf, "schedule.outbox_max"),
    };
    p->redis.scheduled = true;
    schedule_plan_tuning(conf, &p->schedule);
    make_kafka(conf, p);
    if (!schedule_channels_make(conf, &p->channels, f)) {
        schedule_plan_done(p);
        return false;
    }
    make_routes(p);
    if (make_senders(conf, p, now_ms, f) && read_call_hours(p, now_ms, f))
        return true;
    schedule_plan_done(p);
    return false;
}

void schedule_plan_done(struct schedule_plan *p)
{
    schedule_channels_done(&p->channels);
    mem_free(p->senders);
    mem_free(p->zones);
    mem_free(p->properties);
    p->senders = NULL;
    p->zones = NULL;
    p->properties = NULL;
}
