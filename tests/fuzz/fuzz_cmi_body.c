/* The first byte picks the event type; the rest is its data, as JSON or MessagePack. begin and end
 * come in pairs, and a sentence never holds a control character. */
#include "bridge/core/event_body.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool deeper(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    (void)field;
    (void)index;
    (void)f;
    ++*(int *)ctx;
    return true;
}

static bool higher(void *ctx, const struct cmi_field *field, struct fault *f)
{
    (void)field;
    (void)f;
    assert(--*(int *)ctx >= 0);
    return true;
}

static void check_fault(const struct fault *f)
{
    assert(f->cls == FAULT_REJECT && f->text[0] != '\0');
    for (const char *c = f->text; *c != '\0'; c++)
        assert((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void check_body(const struct event_type *t, codec_read *read, struct view data)
{
    int depth = 0;
    struct cmi_visitor visitor = {.ctx = &depth, .begin = deeper, .end = higher};
    struct fault f = {0};

    if (t->data != EVENT_DATA_BODY)
        return;
    if (event_body_check(t, read, data, NULL, visitor, &f))
        assert(depth == 0);
    else
        check_fault(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cloudevent e = {.has_data = true};
    const struct event_type *t = event_types;
    struct fault f = {0};
    struct view body;
    struct buf text;
    size_t types = 0;

    if (size == 0)
        return 0;
    while (event_types[types].name != NULL)
        types++;
    t += data[0] % 64U % types;
    e.content = (enum cloudevent_content)(data[0] / 64U);
    e.data = (struct view){(const char *)data + 1, size - 1};
    check_body(t, json_in_read, e.data);
    check_body(t, msgpack_in_read, e.data);
    buf_init(&text, 1 << 20);
    if (!event_body_make(t, &e, json_in_read, msgpack_in_read, &text, &body, &f))
        check_fault(&f);
    buf_done(&text);
    return 0;
}
