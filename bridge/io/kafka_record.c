#include "bridge/io/kafka_record.h"

#include "bridge/core/mem.h"

#include <librdkafka/rdkafka.h>

#include <string.h>

/* Copies it to *at, and moves that behind it. */
static struct view kept(struct view v, char **at)
{
    char *to = *at;

    if (v.p != NULL && v.n > 0)
        memcpy(to, v.p, v.n);
    *at += v.n;
    return (struct view){v.p != NULL ? to : NULL, v.n};
}

static struct record_header header_at(const rd_kafka_headers_t *headers, size_t i)
{
    const char *name = NULL;
    const void *value = NULL;
    size_t size = 0;

    rd_kafka_header_get_all(headers, i, &name, &value, &size);
    return (struct record_header){view_of(name), {value, value != NULL ? size : 0}};
}

struct kafka_record *kafka_record_new(const struct rd_kafka_message_s *m)
{
    rd_kafka_headers_t *headers = NULL;
    size_t n = rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR
                   ? rd_kafka_header_cnt(headers)
                   : 0;
    struct view topic = view_of(rd_kafka_topic_name(m->rkt));
    size_t bytes = topic.n + m->key_len + m->len;
    rd_kafka_timestamp_type_t kind;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &kind);
    struct kafka_record *r;
    char *at;

    if (n > RECORD_HEADERS_READ)
        n = RECORD_HEADERS_READ + 1;
    for (size_t i = 0; i < n; i++)
        bytes += header_at(headers, i).name.n + header_at(headers, i).value.n;
    r = mem_zeroed(1, sizeof *r + n * sizeof r->headers[0] + bytes);
    at = (char *)(r->headers + n);
    r->next = NULL;
    r->r = (struct record){.topic = kept(topic, &at),
                           .partition = m->partition,
                           .offset = m->offset,
                           .timestamp_ms = timestamp_ms,
                           .broker_time = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
                           .has_key = m->key != NULL,
                           .key = kept((struct view){m->key, m->key_len}, &at),
                           .has_value = m->payload != NULL,
                           .value = kept((struct view){m->payload, m->len}, &at),
                           .headers = r->headers,
                           .header_count = n,
                           .owner = r};
    for (size_t i = 0; i < n; i++) {
        struct record_header h = header_at(headers, i);

        r->headers[i].name = kept(h.name, &at);
        r->headers[i].value = kept(h.value, &at);
    }
    return r;
}
