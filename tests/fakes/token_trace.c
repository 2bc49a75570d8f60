#include "tests/fakes/token_trace.h"

void token_trace_init(struct token_trace *t)
{
    *t = (struct token_trace){.count = 0};
    buf_init(&t->text, 64 << 20);
}

void token_trace_done(struct token_trace *t)
{
    buf_done(&t->text);
}

static void worded(struct buf *to, const char *before, struct view text)
{
    (void)buf_put_text(to, before);
    (void)buf_put(to, text);
    (void)buf_put_char(to, ')');
}

static bool take(void *ctx, const struct token *token, struct fault *f)
{
    struct token_trace *t = ctx;

    if (++t->count == t->refuse_at)
        return fault_set(f, FAULT_REJECT, "token %u was not wanted", t->count);
    switch (token->kind) {
    case TOKEN_OBJECT:
        return buf_put_char(&t->text, '{');
    case TOKEN_OBJECT_END:
        return buf_put_char(&t->text, '}');
    case TOKEN_ARRAY:
        return buf_put_char(&t->text, '[');
    case TOKEN_ARRAY_END:
        return buf_put_char(&t->text, ']');
    case TOKEN_KEY:
        worded(&t->text, "k(", token->text);
        return true;
    case TOKEN_STRING:
        worded(&t->text, "s(", token->text);
        return true;
    case TOKEN_INTEGER:
        (void)buf_put_text(&t->text, "i(");
        (void)buf_put_int(&t->text, token->integer);
        worded(&t->text, "=", token->text);
        return true;
    case TOKEN_NUMBER:
        worded(&t->text, "n(", token->text);
        return true;
    case TOKEN_BOOL:
        return buf_put_text(&t->text, token->boolean ? "true" : "false");
    case TOKEN_NULL:
        return buf_put_text(&t->text, "null");
    }
    return false;
}

struct token_sink token_trace_sink(struct token_trace *t)
{
    return (struct token_sink){take, t};
}
