#include "producers/campaign_print.h"

#include "bridge/core/datetime.h"
#include "bridge/core/json_out.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_MAX_BYTES 65536 /* of one JSON object */

static void put_json_time(struct json_out *j, const char *key, int64_t ms)
{
    char time[DATETIME_TEXT_MAX];

    if (ms == 0)
        return;
    datetime_format(ms, time);
    json_key(j, key);
    json_text(j, time);
}

static void put_json_int(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_int(j, n);
}

void campaign_print_json(const struct campaign_row *c)
{
    struct buf line;
    struct json_out j;

    buf_init(&line, LINE_MAX_BYTES);
    json_out_init(&j, &line);
    json_object(&j);
    json_key(&j, "id");
    json_text(&j, c->id);
    json_key(&j, "state");
    json_text(&j, campaign_state_name(c->state));
    if (c->of_chat) {
        json_key(&j, "chat");
        json_bool(&j, true);
    }
    json_key(&j, "source");
    json_text(&j, c->source);
    json_key(&j, "subType");
    json_text(&j, c->sub_type);
    put_json_time(&j, "creationTime", c->created_ms);
    put_json_time(&j, "sendTime", c->send_ms);
    put_json_time(&j, "next", c->next_ms);
    put_json_int(&j, "destinations", c->destinations);
    put_json_int(&j, "handled", c->handled);
    put_json_int(&j, "failed", c->failed);
    put_json_int(&j, "cancelled", c->cancelled);
    put_json_int(&j, "waiting", c->waiting);
    if (c->shut_why[0] != '\0') {
        json_key(&j, "senderWaits");
        json_text(&j, c->shut_why);
        put_json_time(&j, "senderWaitsUntil", c->shut_until_ms);
    }
    if (c->channel[0] != '\0') {
        json_key(&j, "channelStopped");
        json_text(&j, c->channel);
        json_key(&j, "channelStoppedWhy");
        json_text(&j, c->channel_why);
        put_json_time(&j, "channelTriedAgain", c->channel_until_ms);
    }
    json_object_end(&j);
    puts(buf_text(&line));
    buf_done(&line);
}

void campaign_print_row(const struct campaign_row *c)
{
    char created[DATETIME_TEXT_MAX];

    datetime_format(c->created_ms, created);
    printf("%s  %s  %-9s  %8" PRId64 "  %8" PRId64 "  %8" PRId64 "  %8" PRId64 "  %s%s\n", c->id,
           created, campaign_state_name(c->state), c->destinations, c->handled, c->failed,
           c->waiting, c->source, c->of_chat ? " (chat)" : "");
}

static void print_time(const char *name, int64_t ms)
{
    char time[DATETIME_TEXT_MAX];

    if (ms == 0)
        return;
    datetime_format(ms, time);
    printf("%-14s %s\n", name, time);
}

void campaign_print_whole(const struct campaign_row *c)
{
    printf("%-14s %s\n", "id", c->id);
    printf("%-14s %s\n", "state", campaign_state_name(c->state));
    if (c->state == CAMPAIGN_BEHIND)
        printf("%-14s %s\n", "waits for", c->behind);
    if (c->source[0] != '\0') /* else cancelled by a release that did not keep it */
        printf("%-14s %s (%s)\n", "source", c->source, c->sub_type);
    print_time("created", c->created_ms);
    print_time("send time", c->send_ms);
    print_time("next attempt", c->next_ms);
    printf("%-14s %" PRId64 ", at least %" PRId64 " s apart\n", "attempts", c->attempts_max,
           c->retry_delay_s);
    printf("%-14s %" PRId64 "\n%-14s %" PRId64 "\n%-14s %" PRId64 "\n%-14s %" PRId64
           "\n%-14s %" PRId64 "\n",
           "destinations", c->destinations, "handled", c->handled, "failed", c->failed, "cancelled",
           c->cancelled, "waiting", c->waiting);
    if (c->shut_why[0] != '\0') {
        printf("%-14s %s\n", "sender waits", c->shut_why);
        print_time("  until", c->shut_until_ms);
    }
    if (c->channel[0] != '\0') {
        printf("%-14s %s is stopped: %s\n", "channel", c->channel, c->channel_why);
        print_time("  tried again", c->channel_until_ms);
    }
}

void campaign_print_headings(void)
{
    printf("%-32s  %-24s  %-9s  %8s  %8s  %8s  %8s  %s\n", "ID", "CREATED", "STATE", "ADDED",
           "HANDLED", "FAILED", "WAITING", "SOURCE");
}
