#include "bridge/io/kafka_record.h"

#include "bridge/core/mem.h"

#include <librdkafka/rdkafka.h>

struct kafka_record *kafka_record_new(const struct rd_kafka_message_s *m)
{
    rd_kafka_headers_t *headers = NULL;
    size_t n = rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? rd_kafka_header_cnt(headers)
                   : 0;
    struct kafka_record *r;
    rd_kafka_timestamp_type_t kind;

    if (n > RECORD_HEADERS_READ)
        n = RECORD_HEADERS_READ + 1;
    r = mem_zeroed(1, sizeof *r + n * sizeof r->headers[0]);
    for (size_t i = 0; i < n; i++) {
        const char *name = NULL;
        const void *value = NULL;
        size_t size = 0;

        rd_kafka_header_get_all(headers, i, &name, &value, &size);
        r->headers[i] = (struct record_header){view_of(name), {value, value != NULL ? size : 0}};
    }
    r->r = (struct record){.topic = view_of(rd_kafka_topic_name(m->rkt)),
                           .partition = m->partition,
                           .offset = m->offset,
                           .timestamp_ms = rd_kafka_message_timestamp(m, &kind),
                           .has_key = m->key != NULL,
                           .key = {m->key, m->key_len},
                           .has_value = m->payload != NULL,
                           .value = {m->payload, m->len},
                           .headers = r->headers,
                           .header_count = n,
                           .owner = r};
    return r;
}
