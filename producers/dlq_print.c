#include "producers/dlq.h"

#include "bridge/core/datetime.h"
#include "bridge/core/hex.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "bridge/core/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_SHOWN 120 /* bytes of a sentence in the list */

/* A terminal is not to be painted by what somebody put into a record: control bytes as '?', and of
 * what is no text all that is not ASCII. */
static void put_plain(struct view text, FILE *to)
{
    bool is_text = utf8_valid(text);

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        fputc(c < 0x20 || c == 0x7f || (c > 0x7f && !is_text) ? '?' : c, to);
    }
}

static void put_json_text(struct json_out *j, const char *key, struct view text)
{
    if (text.n == 0)
        return;
    json_key(j, key);
    if (utf8_valid(text))
        json_string(j, text);
    else
        json_text(j, "(not UTF-8)");
}

/* Of a header. What is no number is left out: `show` has the header itself. */
static void put_json_number(struct json_out *j, const char *key, struct view text)
{
    int64_t n;

    if (!num_int(text, &n))
        return;
    json_key(j, key);
    json_int(j, n);
}

static void put_json_letter(struct dlq *d, const struct dlq_entry *e, struct json_out *j)
{
    char place[DEAD_LETTER_PLACE_MAX];
    char time[DATETIME_TEXT_MAX];
    int64_t published_ms;

    dead_letter_place_text(e->place, place);
    datetime_format(e->letter.time_ms, time);
    json_key(j, "place");
    json_text(j, place);
    json_key(j, "time");
    json_text(j, time);
    if (dead_letter_timestamp(e->record, &e->letter, &published_ms)) {
        datetime_format(published_ms, time);
        json_key(j, "published");
        json_text(j, time);
    }
    if (e->has_event) {
        put_json_text(j, "type", e->event.type);
        put_json_text(j, "source", e->event.source);
        put_json_text(j, "id", e->event.id);
    }
    put_json_text(j, "disposition", e->letter.disposition);
    put_json_text(j, "class", e->letter.cls);
    put_json_number(j, "status", e->letter.status);
    put_json_number(j, "attempts", e->letter.attempts);
    put_json_text(j, "text", e->letter.text);
    put_json_text(j, "topic", e->letter.topic);
    json_key(j, "partition");
    json_int(j, e->letter.partition);
    json_key(j, "offset");
    json_int(j, e->letter.offset);
    json_key(j, "replayed");
    json_bool(j, dlq_marks_has(&d->marks, e->place));
}

static void print_json(struct dlq *d, const struct dlq_entry *e)
{
    struct buf line;
    struct json_out j;

    buf_init(&line, DLQ_EVENT_MAX);
    json_out_init(&j, &line);
    json_object(&j);
    put_json_letter(d, e, &j);
    json_object_end(&j);
    puts(buf_text(&line));
    buf_done(&line);
}

void dlq_print(struct dlq *d, const struct dlq_entry *e)
{
    char place[DEAD_LETTER_PLACE_MAX];
    char time[DATETIME_TEXT_MAX];
    char shown[TEXT_SHOWN];
    char sentence[TEXT_SHOWN];

    if (d->json) {
        print_json(d, e);
        return;
    }
    dead_letter_place_text(e->place, place);
    datetime_format(e->letter.time_ms, time);
    printf("%-10s %s  ", place, time);
    if (e->has_event) {
        printf("%s ", mask_sentence(e->event.type, shown, sizeof shown));
        printf("%s", mask_sentence(e->event.subject, shown, sizeof shown));
    } else {
        printf("(no event)");
    }
    printf("  ");
    put_plain(e->letter.disposition, stdout);
    printf("  %s%s\n", mask_sentence(e->letter.text, sentence, sizeof sentence),
           dlq_marks_has(&d->marks, e->place) ? "  [replayed]" : "");
}

static void put_json_bytes(struct json_out *j, const char *text_key, const char *hex_key,
                           struct view bytes)
{
    struct buf hex;

    if (utf8_valid(bytes)) {
        json_key(j, text_key);
        json_string(j, bytes);
        return;
    }
    buf_init(&hex, 2 * DLQ_EVENT_MAX);
    hex_put(bytes, &hex);
    json_key(j, hex_key);
    json_string(j, buf_view(&hex));
    buf_done(&hex);
}

static void show_json(struct dlq *d, const struct dlq_entry *e)
{
    const struct record *r = e->record;
    struct buf line;
    struct json_out j;

    buf_init(&line, 8 * DLQ_EVENT_MAX);
    json_out_init(&j, &line);
    json_object(&j);
    put_json_letter(d, e, &j);
    if (r->has_key)
        put_json_bytes(&j, "key", "key_hex", r->key);
    json_key(&j, "headers");
    json_array(&j);
    for (size_t i = 0; i < r->header_count; i++) {
        json_object(&j);
        put_json_bytes(&j, "name", "name_hex", r->headers[i].name);
        put_json_bytes(&j, "value", "value_hex", r->headers[i].value);
        json_object_end(&j);
    }
    json_array_end(&j);
    if (r->has_value)
        put_json_bytes(&j, "value", "value_hex", r->value);
    json_object_end(&j);
    if (line.full)
        fputs("cmibridge dlq: the record is too large to be shown\n", stderr);
    else
        puts(buf_text(&line));
    buf_done(&line);
}

void dlq_show(struct dlq *d, const struct dlq_entry *e)
{
    const struct record *r = e->record;
    char time[DATETIME_TEXT_MAX];
    int64_t published_ms;

    if (d->json) {
        show_json(d, e);
        return;
    }
    printf("from       ");
    put_plain(e->letter.topic, stdout);
    printf("[%" PRId32 "] offset %" PRId64 "%s\n", e->letter.partition, e->letter.offset,
           dlq_marks_has(&d->marks, e->place) ? ", replayed" : "");
    if (dead_letter_timestamp(r, &e->letter, &published_ms)) {
        datetime_format(published_ms, time);
        printf("published  %s\n", time);
    }
    printf("key        ");
    if (r->has_key)
        put_plain(r->key, stdout);
    else
        printf("(none)");
    putchar('\n');
    for (size_t i = 0; i < r->header_count; i++) {
        printf("header     ");
        put_plain(r->headers[i].name, stdout);
        printf(": ");
        put_plain(r->headers[i].value, stdout);
        putchar('\n');
    }
    if (!r->has_value)
        printf("value      (none)\n");
    else if (!utf8_valid(r->value))
        printf("value      %zu bytes that are no text; --json shows them\n", r->value.n);
    else {
        printf("value\n");
        put_plain(r->value, stdout);
        putchar('\n');
    }
}
