#include "bridge/io/json_in.h"

#include "bridge/core/json_scan.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"

#include <yajl/yajl_parse.h>

struct json_in {
    struct token_sink to;
    struct json_scan scan;
    yajl_handle yajl;
    struct fault *fault; /* of the call under way */
    bool refused;        /* the sink has filled it */
};

static int give(struct json_in *j, const struct token *t)
{
    j->refused = !j->to.take(j->to.ctx, t, j->fault);
    return j->refused ? 0 : 1;
}

static int give_kind(void *ctx, enum token_kind kind)
{
    return give(ctx, &(struct token){.kind = kind});
}

static int on_null(void *ctx)
{
    return give_kind(ctx, TOKEN_NULL);
}

static int on_bool(void *ctx, int v)
{
    return give(ctx, &(struct token){.kind = TOKEN_BOOL, .boolean = v != 0});
}

static int on_number(void *ctx, const char *p, size_t n)
{
    struct token t = {.kind = TOKEN_INTEGER, .text = {p, n}};

    if (!num_int(t.text, &t.integer))
        t.kind = TOKEN_NUMBER;
    return give(ctx, &t);
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    return give(ctx, &(struct token){.kind = TOKEN_STRING, .text = {(const char *)p, n}});
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    return give(ctx, &(struct token){.kind = TOKEN_KEY, .text = {(const char *)p, n}});
}

static int on_object(void *ctx)
{
    return give_kind(ctx, TOKEN_OBJECT);
}

static int on_object_end(void *ctx)
{
    return give_kind(ctx, TOKEN_OBJECT_END);
}

static int on_array(void *ctx)
{
    return give_kind(ctx, TOKEN_ARRAY);
}

static int on_array_end(void *ctx)
{
    return give_kind(ctx, TOKEN_ARRAY_END);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_array_end,
};

/* yajl never looks whether it got memory; mem.h never fails to give it. */
static void *yajl_get(void *ctx, size_t n)
{
    (void)ctx;
    return mem_resize(NULL, n, 1);
}

static void *yajl_resize(void *ctx, void *p, size_t n)
{
    (void)ctx;
    return mem_resize(p, n, 1);
}

static void yajl_release(void *ctx, void *p)
{
    (void)ctx;
    mem_free(p);
}

static void open_in(struct json_in *j, struct token_sink to)
{
    yajl_alloc_funcs memory = {yajl_get, yajl_resize, yajl_release, NULL};

    *j = (struct json_in){.to = to};
    json_scan_init(&j->scan);
    j->yajl = yajl_alloc(&callbacks, &memory, j);
    (void)yajl_config(j->yajl, yajl_dont_validate_strings, 1); /* json_scan has */
}

/* json_scan passed it, so yajl stops only where the sink did; anything else is our defect. */
static bool outcome(const struct json_in *j, yajl_status status, struct fault *f)
{
    if (status == yajl_status_ok)
        return true;
    if (!j->refused)
        return fault_set(f, FAULT_BUG, "yajl refused JSON that passed json_scan");
    return false;
}

static bool parse(struct json_in *j, struct view piece, struct fault *f)
{
    if (piece.n == 0)
        return true;
    j->fault = f;
    return outcome(j, yajl_parse(j->yajl, (const unsigned char *)piece.p, piece.n), f);
}

static bool complete(struct json_in *j, struct fault *f)
{
    j->fault = f;
    return outcome(j, yajl_complete_parse(j->yajl), f);
}

struct json_in *json_in_new(struct token_sink to)
{
    struct json_in *j = mem_zeroed(1, sizeof *j);

    open_in(j, to);
    return j;
}

void json_in_free(struct json_in *j)
{
    if (j == NULL)
        return;
    yajl_free(j->yajl);
    mem_free(j);
}

bool json_in_feed(struct json_in *j, struct view piece, struct fault *f)
{
    return json_scan_feed(&j->scan, piece, f) && parse(j, piece, f);
}

bool json_in_end(struct json_in *j, struct fault *f)
{
    return json_scan_end(&j->scan, f) && complete(j, f);
}

bool json_in_read(struct view bytes, struct token_sink to, struct fault *f)
{
    struct json_in j;
    bool ok;

    if (!json_scan_all(bytes, f))
        return false;
    open_in(&j, to);
    ok = parse(&j, bytes, f) && complete(&j, f);
    yajl_free(j.yajl);
    return ok;
}
