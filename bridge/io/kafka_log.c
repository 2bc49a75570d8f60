#include "bridge/io/kafka_log.h"

#include <librdkafka/rdkafka.h>

#include <string.h>

void kafka_log_init(struct kafka_log *l, const struct notice *to)
{
    *l = (struct kafka_log){.to = to};
}

void kafka_log_say(struct kafka_log *l, int64_t now_ms, enum notice_level level, const char *event,
                   const char *text)
{
    if (now_ms >= l->window_end_ms) {
        if (l->suppressed > 0)
            notice_say(l->to, NOTICE_WARN, "kafka_suppressed", NOTICE_INT("lines", l->suppressed));
        l->window_end_ms = now_ms + KAFKA_LOG_WINDOW_MS;
        l->said = 0;
        l->suppressed = 0;
    }
    if (l->said == KAFKA_LOG_BURST) {
        l->suppressed++;
        return;
    }
    l->said++;
    notice_say(l->to, level, event, NOTICE_TEXT("text", text));
}

static enum notice_level level_of(const char *facility, int syslog_level)
{
    /* Properties of a producer given to a consumer, and the like: one map serves both. */
    if (strcmp(facility, "CONFWARN") == 0)
        return NOTICE_DEBUG;
    /* These come as events too. */
    if (strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0)
        return NOTICE_DEBUG;
    if (syslog_level <= 3)
        return NOTICE_ERROR;
    if (syslog_level == 4)
        return NOTICE_WARN;
    return syslog_level <= 6 ? NOTICE_INFO : NOTICE_DEBUG;
}

void kafka_log_event(struct kafka_log *l, int64_t now_ms, struct rd_kafka_op_s *event)
{
    const char *facility = "";
    const char *text = "";
    int level = 7;

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
        kafka_log_say(l, now_ms, NOTICE_WARN, "kafka_error", rd_kafka_event_error_string(event));
        return;
    }
    if (rd_kafka_event_log(event, &facility, &text, &level) != 0)
        return;
    /* Debugging is asked for by a property; it is neither limited nor lifted. */
    if (level_of(facility, level) == NOTICE_DEBUG)
        notice_say(l->to, NOTICE_DEBUG, "kafka_log", NOTICE_TEXT("text", text));
    else
        kafka_log_say(l, now_ms, level_of(facility, level), "kafka_log", text);
}
