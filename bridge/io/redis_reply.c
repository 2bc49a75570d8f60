#include "bridge/io/redis_reply.h"

#include "bridge/core/mem.h"

#include <hiredis/read.h>
#include <string.h>

#define BLOCK_BYTES  16384u
#define IDLE_BYTES   (1u << 20) /* of hiredis's buffer, kept between replies */
#define ALIGN        16u
#define ROUND(bytes) (((bytes) + ALIGN - 1) / ALIGN * ALIGN)

/* A reply's values and texts lie in blocks that are used again for the next reply. */
struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN) char bytes[];
};

struct redis_reply {
    redisReader *reader;
    struct block *blocks; /* the newest first; the last one is always BLOCK_BYTES */
    struct redis_value root;
    size_t values; /* in the reply under way */
    size_t bytes;  /* of blocks, in the reply under way */
    size_t unread; /* fed since the last whole reply */
    bool too_large;
};

/* What hiredis keeps of an array under way. */
struct array {
    struct redis_value *items;
};

static struct block *add_block(struct block *next, size_t size)
{
    struct block *b = mem_zeroed(1, sizeof *b + size);

    b->next = next;
    b->size = size;
    return b;
}

static void *take(struct redis_reply *r, size_t n)
{
    struct block *b = r->blocks;
    void *p;

    n = ROUND(n);
    r->bytes += n;
    if (r->bytes > REDIS_REPLY_BYTES_MAX) {
        r->too_large = true;
        return NULL;
    }
    if (n > b->size - b->used)
        b = r->blocks = add_block(b, n > BLOCK_BYTES ? n : BLOCK_BYTES);
    p = b->bytes + b->used;
    b->used += n;
    return p;
}

static void start_over(struct redis_reply *r)
{
    while (r->blocks->next != NULL) {
        struct block *b = r->blocks;

        r->blocks = b->next;
        mem_free(b);
    }
    r->blocks->used = 0;
    r->values = 0;
    r->bytes = 0;
}

static struct redis_value *place(const redisReadTask *task)
{
    struct redis_reply *r = task->privdata;
    struct array *in;

    if (task->parent == NULL)
        return &r->root;
    in = task->parent->obj;
    return &in->items[task->idx];
}

static void *on_text(const redisReadTask *task, char *p, size_t n)
{
    struct redis_reply *r = task->privdata;
    struct redis_value *v = place(task);
    char *copy = take(r, n > 0 ? n : 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, p, n);
    *v = (struct redis_value){.kind = REDIS_TEXT, .text = {copy, n}};
    if (task->type == REDIS_REPLY_STATUS)
        v->kind = REDIS_STATUS;
    else if (task->type == REDIS_REPLY_ERROR)
        v->kind = REDIS_ERROR;
    return v;
}

static void *on_array(const redisReadTask *task, int count)
{
    struct redis_reply *r = task->privdata;
    size_t n = count > 0 ? (size_t)count : 0;
    struct array *array;

    if (n > REDIS_REPLY_VALUES_MAX - r->values) {
        r->too_large = true;
        return NULL;
    }
    r->values += n;
    array = take(r, sizeof *array);
    if (array == NULL)
        return NULL;
    array->items = take(r, n > 0 ? n * sizeof *array->items : 1);
    if (array->items == NULL)
        return NULL;
    *place(task) = (struct redis_value){.kind = REDIS_ARRAY, .items = array->items, .count = n};
    return array;
}

static void *on_integer(const redisReadTask *task, long long n)
{
    struct redis_value *v = place(task);

    *v = (struct redis_value){.kind = REDIS_INTEGER, .integer = n};
    return v;
}

static void *on_nil(const redisReadTask *task)
{
    struct redis_value *v = place(task);

    *v = (struct redis_value){.kind = REDIS_NIL};
    return v;
}

/* All of a reply's memory is in the blocks. */
static void on_free(void *object)
{
    (void)object;
}

struct redis_reply *redis_reply_new(void)
{
    static redisReplyObjectFunctions functions = {on_text, on_array, on_integer, on_nil, on_free};
    struct redis_reply *r = mem_zeroed(1, sizeof *r);

    r->reader = redisReaderCreateWithFunctions(&functions);
    r->reader->privdata = r;
    r->reader->maxbuf = IDLE_BYTES;
    r->blocks = add_block(NULL, BLOCK_BYTES);
    return r;
}

void redis_reply_free(struct redis_reply *r)
{
    if (r == NULL)
        return;
    start_over(r);
    mem_free(r->blocks);
    redisReaderFree(r->reader);
    mem_free(r);
}

void redis_reply_feed(struct redis_reply *r, const char *p, size_t n)
{
    r->unread += n;
    (void)redisReaderFeed(r->reader, p, n); /* a failure shows in the reader's next answer */
}

enum redis_reply_step redis_reply_next(struct redis_reply *r, const struct redis_value **out,
                                       struct fault *f)
{
    void *whole = NULL;

    if (r->reader->reply == NULL)
        start_over(r);
    if (r->unread > REDIS_REPLY_BYTES_MAX)
        r->too_large = true;
    if (r->too_large || redisReaderGetReply(r->reader, &whole) != 0) {
        if (r->too_large)
            fault_set(f, FAULT_RETRY, "a reply is larger than %u MiB or %u values",
                      REDIS_REPLY_BYTES_MAX >> 20, REDIS_REPLY_VALUES_MAX);
        else
            fault_set(f, FAULT_RETRY, "a reply is not Redis's protocol: %s", r->reader->errstr);
        return REDIS_REPLY_BROKEN;
    }
    if (whole == NULL)
        return REDIS_REPLY_MORE;
    r->unread = 0;
    *out = &r->root;
    return REDIS_REPLY_WHOLE;
}
