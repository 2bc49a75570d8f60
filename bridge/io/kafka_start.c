#include "bridge/io/kafka_start.h"

#include <inttypes.h>

enum kafka_begin kafka_start(enum kafka_reset reset, const char *topic, int32_t partition,
                             struct kafka_span span, int64_t *start, struct fault *f)
{
    if (span.next < 0) {
        *start = reset == KAFKA_RESET_LATEST ? span.high : span.low;
        return KAFKA_BEGIN_FRESH;
    }
    if (span.next >= span.low && span.next <= span.high) {
        *start = span.next;
        return KAFKA_BEGIN_NEXT;
    }
    if (reset != KAFKA_RESET_ERROR) {
        *start = reset == KAFKA_RESET_LATEST ? span.high : span.low;
        return KAFKA_BEGIN_RESET;
    }
    if (span.next < span.low)
        fault_set(f, FAULT_STOP,
                  "%.80s[%" PRId32 "]: offset %" PRId64 " is committed, but the log begins at "
                  "%" PRId64 ": the broker dropped what was not read. kafka.offset_reset: earliest "
                  "goes on without it",
                  topic, partition, span.next, span.low);
    else
        fault_set(f, FAULT_STOP,
                  "%.80s[%" PRId32 "]: offset %" PRId64 " is committed, but the log ends at "
                  "%" PRId64 ": it was cut or made anew. kafka.offset_reset: earliest reads it "
                  "from its start",
                  topic, partition, span.next, span.high);
    return KAFKA_BEGIN_NEVER;
}
