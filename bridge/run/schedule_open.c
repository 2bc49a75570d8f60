#include "bridge/run/schedule_state.h"

int64_t schedule_sender_shut_to_all_ms(struct schedule *s, struct sender *from, int64_t now_ms)
{
    int64_t store = schedule_store_at(s, now_ms);
    int64_t until = now_ms;
    int64_t open = from->conf->expire_outside
                       ? store /* what is due then does not wait */
                       : hours_open_ms(&from->conf->hours, from->conf->zone, store);

    if (open - store + now_ms > until)
        until = open - store + now_ms;
    if (from->pacer.held_to_ms > until)
        until = from->pacer.held_to_ms;
    /* While a probe is out nobody knows; its answer will say. */
    if (schedule_channel_fails(from->channel) &&
        !schedule_channel_fails_here(from->channel, now_ms) &&
        from->channel->breaker.until_ms > until)
        until = from->channel->breaker.until_ms;
    return until;
}

int64_t schedule_sender_shut_ms(struct schedule *s, struct sender *from, int64_t now_ms)
{
    int64_t until = schedule_sender_shut_to_all_ms(s, from, now_ms);

    if (schedule_channel_fails(from->channel) && from->channel->breaker.until_ms > until)
        until = from->channel->breaker.until_ms;
    return until;
}

bool schedule_is_over(const struct schedule *s, const struct holding *h, int64_t now_ms)
{
    const struct schedule_sender *from = h->sender->conf;
    int64_t store = schedule_store_at(s, now_ms);

    if (s->conf.valid_for_ms > 0 && store >= h->content->message.at_ms + s->conf.valid_for_ms)
        return true;
    return from->expire_outside && hours_open_ms(&from->hours, from->zone, store) > store;
}

int64_t schedule_end_ms(const struct schedule *s, const struct holding *h, int64_t now_ms)
{
    const struct schedule_sender *from = h->sender->conf;
    int64_t end = hours_close_ms(&from->hours, from->zone, schedule_store_at(s, now_ms));

    if (s->conf.valid_for_ms > 0 && h->content->message.at_ms + s->conf.valid_for_ms < end)
        end = h->content->message.at_ms + s->conf.valid_for_ms;
    return end;
}

int64_t schedule_last_ms(const struct schedule *s, const struct holding *h, int64_t now_ms)
{
    int64_t end = schedule_end_ms(s, h, now_ms);

    return end == INT64_MAX ? end : end - s->clock.most_ms;
}
