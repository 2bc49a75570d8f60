/* What json_scan passes, yajl takes, whole or in pieces; what is written of it is read as the same;
 * and a key given twice is seen the same by who walks and by who is given tokens. */
#include "bridge/core/json_out.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/keys_once.h"
#include "bridge/io/json_in.h"

#include <assert.h>

#define JSON_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rewrite(struct view json, struct buf *to)
{
    struct json_out out;
    struct fault f = {0};

    buf_init(to, JSON_MAX);
    json_out_init(&out, to);
    assert(json_in_read(json, json_out_sink(&out), &f));
}

static bool in_pieces(struct view json, size_t piece, struct token_sink to, struct fault *f)
{
    struct json_in *j = json_in_new(to);
    bool ok = true;

    while (ok && json.n > 0) {
        size_t n = json.n < piece ? json.n : piece;

        ok = json_in_feed(j, (struct view){json.p, n}, f);
        json = view_skip(json, n);
    }
    ok = ok && json_in_end(j, f);
    json_in_free(j);
    return ok;
}

static bool once(void *ctx, const struct token *t, struct fault *f)
{
    struct keys_once *k = ctx;

    if (t->kind == TOKEN_OBJECT)
        keys_once_begin(k);
    else if (t->kind == TOKEN_OBJECT_END)
        keys_once_end(k);
    return t->kind != TOKEN_KEY || keys_once_add(k, t->text, f);
}

static void look_for_repeated_keys(struct view json)
{
    struct keys_once k;
    struct fault walked = {0};
    struct fault given = {0};

    keys_once_init(&k);
    assert(keys_once_of_json(json, &walked) ==
           json_in_read(json, (struct token_sink){once, &k}, &given));
    assert(walked.cls == given.cls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view json = {(const char *)data, size};
    size_t piece = size > 0 ? data[size / 2] % 7U + 1 : 1;
    struct json_out out;
    struct fault f = {0};
    struct buf written;
    struct buf again;
    struct buf pieces;
    bool whole = json_scan_all(json, &f);

    assert(whole || f.cls == FAULT_REJECT);
    buf_init(&pieces, JSON_MAX);
    json_out_init(&out, &pieces);
    assert(in_pieces(json, piece, json_out_sink(&out), &f) == whole);
    assert(whole || f.cls == FAULT_REJECT);
    if (whole) {
        look_for_repeated_keys(json);
        rewrite(json, &written);
        rewrite(buf_view(&written), &again);
        assert(view_eq(buf_view(&written), buf_view(&again)));
        assert(view_eq(buf_view(&written), buf_view(&pieces)));
        buf_done(&written);
        buf_done(&again);
    }
    buf_done(&pieces);
    return 0;
}
