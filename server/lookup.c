#include "server/lookup.h"

#include "bridge/core/mem.h"
#include "server/server.h"
#include "server/sqlite.h"
#include "server/translations.h"

bool lookup_guid(struct exchange *x, struct view text, struct guid *out)
{
    if (guid_parse(text, out))
        return true;
    exchange_error(x, 400, "Invalid GUID: '%.*s'", VIEW_ARG(text));
    return false;
}

void lookup_not_found(struct exchange *x)
{
    exchange_error(x, 404, "HTTP 404 Not Found");
}

static void place_token(const struct lookup *l, const struct sqlite_query *q, struct buf *to)
{
    struct place_mark mark = {.place = sqlite_int(q, 0)};

    (void)l;
    mark.has_id = sqlite_guid(q, 1, &mark.id);
    place_mark_put(&mark, to);
}

struct place_gap lookup_behind(const struct lookup *l, struct sqlite *db, const char *table)
{
    if (!l->page.goes_on)
        return (struct place_gap){-1, INT64_MAX};
    return place_mark_find(db, table, &l->page.mark);
}

void lookup_write_page(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                       struct sqlite_query *q,
                       void (*token)(const struct lookup *l, const struct sqlite_query *q,
                                     struct buf *to))
{
    struct represent_plan plain = {0};

    if (plan == NULL)
        plan = &plain;
    represent_plan(plan, shape, CMI_LISTED, q);
    represent_collection(&l->out, shape);
    for (int64_t n = 1; sqlite_row(q); n++) {
        if (n > l->page.limit) {
            l->more = true;
            sqlite_end(q);
            break;
        }
        represent_row(&l->out, plan, q);
        if (n == l->page.limit)
            token(l, q, &l->next);
    }
    represent_collection_end(&l->out);
}

void lookup_write_list(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                       struct sqlite_query *q)
{
    lookup_write_page(l, plan, shape, q, place_token);
}

void lookup_write_one(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                      struct sqlite_query *q)
{
    represent_plan(plan, shape, CMI_SINGLE, q);
    l->found = sqlite_row(q);
    if (l->found)
        represent_row(&l->out, plan, q);
    sqlite_end(q);
}

void lookup_begin(struct lookup *l)
{
    buf_clear(&l->body);
    buf_clear(&l->next);
    l->more = l->too_long = false;
    represent_init(&l->out, l->x->form, &l->body);
    l->out.translations = l->x->server->translations;
    l->out.language = translations_language(l->x);
    l->out.queues = l->x->server->queues;
}

static bool run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct lookup *l = (struct lookup *)job;

    lookup_begin(l); /* a read may be begun anew */
    l->fill(l, db);
    if (!sqlite_check(db, f))
        return false;
    l->too_long = l->body.full && l->path == NULL;
    if (l->body.full && !l->too_long)
        return fault_set(f, FAULT_REJECT, "the answer is longer than %d MiB; ask for less by limit",
                         LOOKUP_BODY_MAX >> 20);
    return true;
}

static void lookup_free(struct lookup *l)
{
    buf_done(&l->body);
    buf_done(&l->next);
    if (l->free_ctx != NULL)
        l->free_ctx(l->ctx);
    mem_free(l);
}

static void done(struct history_job *job, const struct fault *f)
{
    struct lookup *l = (struct lookup *)job;
    struct exchange *x = l->x;

    if (f != NULL) {
        exchange_fault(x, f);
    } else if (!l->found) {
        lookup_not_found(x);
    } else if (l->too_long) { /* what was taken in; no fault of who asks */
        exchange_error(x, 500,
                       "what is shown with this one, such as a transcript, is longer than the %d "
                       "MiB of an answer; it is kept, but can't be shown at once",
                       LOOKUP_BODY_MAX >> 20);
    } else if (!l->more || page_link(x, l->path, buf_view(&l->next))) {
        exchange_answer(x, 200,
                        l->content_type != NULL ? l->content_type : show_media_type(x->form),
                        buf_view(&l->body));
    }
    lookup_free(l);
}

/* Of the same resource, by the same parameters, of about as many: FNV-1a. */
static uint32_t kind_of(const struct lookup *l)
{
    uint32_t h = UINT32_C(2166136261);
    uintptr_t fill = (uintptr_t)l->fill;

    for (; fill > 0; fill >>= 8)
        h = (h ^ (uint32_t)(fill & 0xff)) * UINT32_C(16777619);
    for (size_t i = 0; i < l->x->param_count; i++)
        for (size_t c = 0; c < l->x->params[i].name.n; c++)
            h = (h ^ (uint8_t)l->x->params[i].name.p[c]) * UINT32_C(16777619);
    for (int64_t n = l->page.limit; n > 0; n >>= 2)
        h = (h ^ 1) * UINT32_C(16777619);
    return h ^ h >> 16;
}

static void start(struct lookup *l)
{
    struct exchange *x = l->x;
    struct fault f;

    l->job.run = run;
    l->job.done = done;
    l->job.kind = kind_of(l);
    buf_init(&l->body, LOOKUP_BODY_MAX);
    (void)buf_room(&l->body, LOOKUP_BODY_USUAL);
    buf_init(&l->next, PAGE_TOKEN_MAX);
    if (history_read_at_once(x->server->history, &l->job, &f))
        return;
    lookup_free(l);
    exchange_fault(x, &f);
}

void lookup_one(struct exchange *x, lookup_fill *fill, const char *content_type)
{
    struct lookup *l;
    struct guid id;

    if (!lookup_guid(x, x->id, &id))
        return;
    l = mem_zeroed(1, sizeof *l);
    l->x = x;
    l->fill = fill;
    l->content_type = content_type;
    l->id = id;
    start(l);
}

void lookup_page(struct exchange *x, const char *path, const struct page *page, lookup_fill *fill,
                 void *ctx, void (*free_ctx)(void *ctx))
{
    bool has_id = view_has(view_of(path), '{');
    struct lookup *l = NULL;
    struct guid id = {{0}};

    if (has_id && !lookup_guid(x, x->id, &id)) {
        if (free_ctx != NULL)
            free_ctx(ctx);
        return;
    }
    l = mem_zeroed(1, sizeof *l);
    l->x = x;
    l->ctx = ctx;
    l->free_ctx = free_ctx;
    l->fill = fill;
    l->path = path;
    l->id = id;
    l->page = *page;
    l->found = !has_id;
    start(l);
}

void lookup_list(struct exchange *x, const char *path, lookup_fill *fill, void *ctx,
                 void (*free_ctx)(void *ctx))
{
    struct page page;
    struct fault f;

    if (page_read(x, PAGE_LIMIT_DEFAULT, true, &page, &f)) {
        lookup_page(x, path, &page, fill, ctx, free_ctx);
        return;
    }
    if (free_ctx != NULL)
        free_ctx(ctx);
    exchange_fault(x, &f);
}
