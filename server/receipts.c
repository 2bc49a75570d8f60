#include "server/receipts.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/phone_twin.h"
#include "bridge/core/settlement.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "server/consents.h"
#include "server/erased.h"
#include "server/history.h"
#include "server/queues.h"
#include "server/receipt_call.h"
#include "server/server.h"
#include "server/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WINDOW       32 /* receipts on their way into the store at a time */
#define SETTLED_MAX  2048
#define ADDRESS_PLUS (RECEIPT_FROM_MAX + 1)

/* Who wrote a stop word. */
struct leaver {
    char address[ADDRESS_PLUS];
    char once[CRYPTO_SHA256_HEX]; /* "" where the gateway does not name its texts */
};

/* One request: what it says, and how far it has come into the store. */
struct intake {
    struct exchange *x;
    const struct receipts_channel *channel;
    const struct stop_words *stop_words;
    struct receipt *receipts; /* that may change something */
    size_t receipt_count;
    struct leaver *leavers;
    size_t leaver_count;
    size_t next; /* receipts first, then leavers */
    size_t waiting;
    bool failed;
    size_t nonsense_count; /* items that could not be read, the first of them and why */
    size_t nonsense;
    struct fault why;
    char once[CRYPTO_SHA256_HEX]; /* "" where it may come twice */
};

/* One receipt on its way. */
struct step {
    struct intake *in;
    const struct receipt *receipt;
    char id[GUID_TEXT_MAX];
    char slice[24];
    char index[24];
    unsigned shard;
};

static void count(const struct intake *in, const char *result)
{
    struct buf labels;

    buf_init(&labels, STATS_LABELS_MAX);
    stats_label(&labels, "channel", view_of(in->channel->name));
    stats_label(&labels, "result", view_of(result));
    stat_add(stats_get(in->x->server->stats, STAT_COUNTER, RECEIPTS_TOTAL, buf_text(&labels),
                       RECEIPTS_HELP),
             1);
    buf_done(&labels);
}

static void intake_free(struct intake *in)
{
    mem_free(in->receipts);
    mem_free(in->leavers);
    mem_free(in);
}

static void go_on(struct intake *in);

/* ---- into the store ---- */

static void on_stored(void *owner, const struct redis_value *v)
{
    struct step *step = owner;
    struct intake *in = step->in;
    char word[16];

    if (v->kind == REDIS_TEXT) {
        view_copy(v->text, word, sizeof word);
        count(in, word);
    } else {
        store_log(in->x, v);
        in->failed = true;
    }
    mem_free(step);
    in->waiting--;
    go_on(in);
}

static void store_it(struct step *step, struct view address)
{
    const struct receipt *r = step->receipt;
    static const char *const words[] = {
        [RECEIPT_FAILED] = "late", [RECEIPT_DELIVERED] = "delivered", [RECEIPT_READ] = "read"};
    bool late = r->status == RECEIPT_FAILED;
    struct settlement s = {
        .state = late ? SETTLEMENT_LATE : SETTLEMENT_DELIVERED,
        .index = (uint16_t)(r->ref.destination % STORE_SLICE_MAX),
        .reason = r->status == RECEIPT_READ ? VIEW("read") : view_of(r->reason),
        .provider_id = view_of(r->id),
        .at_ms = r->time_ms >= 0 ? r->time_ms : step->in->x->wall_ms,
        .address = address,
    };
    char prefix[SHARD_KEY_MAX];
    struct view keys[] = {shard_key(step->shard, "", VIEW_NONE, prefix)};
    struct view args[] = {view_of(step->id),
                          view_of(step->slice),
                          view_of(step->index),
                          r->of_part ? VIEW("part") : view_of(words[r->status]),
                          VIEW_NONE,
                          VIEW_NONE,
                          VIEW_NONE};
    char keep_ms[24];
    struct buf kept;
    struct buf event;

    buf_init(&kept, SETTLED_MAX);
    buf_init(&event, SETTLED_MAX + address.n);
    settlement_put_kept(&kept, &s);
    settlement_put_event(&event, &s);
    args[4] = buf_view(&kept);
    args[5] = buf_view(&event);
    snprintf(keep_ms, sizeof keep_ms, "%" PRId64, step->in->x->server->retention_ms);
    args[6] = view_of(keep_ms);
    redis_run(step->in->x->server->redis, schedule_script(SCHEDULE_SCRIPT_RECEIPT), keys, 1, args,
              sizeof args / sizeof args[0], on_stored, step);
    buf_done(&kept);
    buf_done(&event);
}

static bool address_at(struct view list, size_t index, struct view *address)
{
    size_t there = 0;

    if (!address_list_open(&list, &there) || index >= there)
        return false;
    for (size_t i = 0; i <= index; i++)
        if (!address_list_next(&list, address))
            return false;
    return true;
}

/* Of a step that ends without the script. */
static void drop(struct step *step, const struct redis_value *v, const char *result)
{
    struct intake *in = step->in;

    if (result != NULL) {
        count(in, result);
    } else {
        store_log(in->x, v);
        in->failed = true;
    }
    mem_free(step);
    in->waiting--;
    go_on(in);
}

/* The event names the destination as it was given. */
static void find_in(struct step *step, struct view list)
{
    struct view address = VIEW_NONE;

    if (address_at(list, step->receipt->ref.destination % STORE_SLICE_MAX, &address))
        store_it(step, address);
    else
        drop(step, NULL, "gone");
}

static void on_slice(void *owner, const struct redis_value *v)
{
    struct step *step = owner;

    if (v->kind == REDIS_TEXT)
        find_in(step, v->text);
    else
        drop(step, v, v->kind == REDIS_NIL ? "gone" : NULL);
}

static void look_in_slice(struct step *step)
{
    char name[GUID_TEXT_MAX + sizeof step->slice];
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("GET"), VIEW_NONE};

    snprintf(name, sizeof name, "%s:%s", step->id, step->slice);
    args[1] = shard_key(step->shard, "c", view_of(name), key);
    redis_command(step->in->x->server->redis, args, 2, on_slice, step);
}

/* A gateway's word holds for what went out through it (decisions/0015). */
static bool is_of_channel(const struct step *step, struct view source)
{
    const struct chat_queue *q = queues_chat_by_address(step->in->x->server->queues, source);

    return q != NULL && q->via != NULL && strcmp(q->via, step->in->channel->name) == 0;
}

enum { SOURCE, FEW_ADDRESSES, ASKED }; /* a few addresses lie beside the rest */

static void on_message(void *owner, const struct redis_value *v)
{
    struct step *step = owner;
    bool told = v->kind == REDIS_ARRAY && v->count == ASKED;

    if (!told)
        drop(step, v, NULL);
    else if (v->items[SOURCE].kind != REDIS_TEXT)
        drop(step, NULL, "gone");
    else if (!is_of_channel(step, v->items[SOURCE].text))
        drop(step, NULL, "other_channel");
    else if (v->items[FEW_ADDRESSES].kind == REDIS_TEXT && view_is(view_of(step->slice), "0"))
        find_in(step, v->items[FEW_ADDRESSES].text);
    else
        look_in_slice(step);
}

static void look_up(struct intake *in, const struct receipt *r)
{
    struct step *step = mem_zeroed(1, sizeof *step);
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HMGET"), VIEW_NONE, VIEW("src"), VIEW("c0")};

    step->in = in;
    step->receipt = r;
    guid_hex(&r->ref.message, step->id);
    step->shard = shard_of(view_of(step->id));
    snprintf(step->slice, sizeof step->slice, "%" PRIu32, r->ref.destination / STORE_SLICE_MAX);
    snprintf(step->index, sizeof step->index, "%" PRIu32, r->ref.destination % STORE_SLICE_MAX);
    args[1] = shard_key(step->shard, "m", view_of(step->id), key);
    in->waiting++;
    redis_command(in->x->server->redis, args, sizeof args / sizeof args[0], on_message, step);
}

static void on_withdrawn(void *owner, enum consent_end end)
{
    static const char *const results[] = {[CONSENT_LOST] = "unstopped",
                                          [CONSENT_WITHDRAWN] = "stop",
                                          [CONSENT_REPEATED] = "repeated"};
    struct intake *in = owner;

    count(in, results[end]);
    in->failed = in->failed || end == CONSENT_LOST;
    in->waiting--;
    go_on(in);
}

/* ---- the answer ---- */

static void answer(struct intake *in)
{
    char text[FAULT_TEXT_MAX + 96] = "ok\n";

    if (in->nonsense_count > 0)
        (void)snprintf(text, sizeof text, "ok, but for %zu; number %zu of the list: %s\n",
                       in->nonsense_count, in->nonsense, in->why.text);
    if (in->failed)
        store_unavailable(in->x);
    else
        exchange_answer(in->x, 200, "text/plain", view_of(text));
    intake_free(in);
}

static struct view once_key(const struct intake *in, char out[SHARD_KEY_MAX])
{
    struct view hash = view_of(in->once);

    return shard_key(shard_of(hash), "once", hash, out);
}

static void on_noted(void *owner, const struct redis_value *v)
{
    struct intake *in = owner;

    if (v->kind != REDIS_STATUS) {
        store_log(in->x, v);
        in->failed = true; /* the effect is there; once more does no harm */
    }
    answer(in);
}

/* All of it is durable: a repeat is known from here on. */
static void end(struct intake *in)
{
    char key[SHARD_KEY_MAX];
    char kept_ms[24];
    struct view args[] = {VIEW("SET"), VIEW_NONE, VIEW("1"), VIEW("PX"), VIEW_NONE};

    if (in->failed || in->once[0] == '\0') {
        answer(in);
        return;
    }
    snprintf(kept_ms, sizeof kept_ms, "%d", RECEIPT_ONCE_MS);
    args[1] = once_key(in, key);
    args[4] = view_of(kept_ms);
    redis_command(in->x->server->redis, args, 5, on_noted, in);
}

static bool withdraw(struct intake *in, const struct leaver *l)
{
    return consent_withdraw(in->x, VIEW("whatsapp"), view_of(l->address), view_of(l->once),
                            on_withdrawn, in);
}

static void go_on(struct intake *in)
{
    size_t all = in->receipt_count + in->leaver_count;

    while (!in->failed && in->waiting < WINDOW && in->next < all) {
        size_t i = in->next++;

        if (i < in->receipt_count) {
            look_up(in, &in->receipts[i]);
        } else if (withdraw(in, &in->leavers[i - in->receipt_count])) {
            in->waiting++;
        }
    }
    if (in->waiting == 0)
        end(in);
}

static void on_once(void *owner, const struct redis_value *v)
{
    struct intake *in = owner;

    if (v->kind == REDIS_NIL) {
        go_on(in);
        return;
    }
    if (v->kind != REDIS_TEXT) {
        store_log(in->x, v);
        in->failed = true;
    } else {
        count(in, "repeated");
    }
    answer(in);
}

/* ---- the request ---- */

static void on_receipt(void *ctx, const struct receipt *r)
{
    struct intake *in = ctx;

    if (!r->has_ref || r->status == RECEIPT_ACCEPTED) {
        count(in, r->has_ref ? "accepted" : "foreign");
        return;
    }
    in->receipts = mem_resize(in->receipts, in->receipt_count + 1, sizeof *in->receipts);
    in->receipts[in->receipt_count++] = *r;
}

/* "" of nothing. */
static void hash_name(const struct intake *in, const char *kind, struct view name,
                      char hash[CRYPTO_SHA256_HEX])
{
    struct buf all;

    hash[0] = '\0';
    if (name.n == 0)
        return;
    buf_init(&all, strlen(in->channel->name) + strlen(kind) + name.n + 2);
    buf_printf(&all, "%s\n%s", in->channel->name, kind);
    buf_put(&all, name);
    crypto_sha256_hex(buf_view(&all), hash);
    buf_done(&all);
}

/* plus: one that it lacks. */
static void add_leaver(struct intake *in, bool plus, const char *from, const char *kind,
                       struct view name)
{
    struct leaver *leaver = NULL;

    in->leavers = mem_resize(in->leavers, in->leaver_count + 1, sizeof *in->leavers);
    leaver = &in->leavers[in->leaver_count++];
    snprintf(leaver->address, ADDRESS_PLUS, "%s%s", plus ? "+" : "", from);
    hash_name(in, kind, name, leaver->once);
}

/* The interface knows consents of WhatsApp only (L2020). There an address is an international
 * number, with or without its '+'. Of one with two spellings either may have been written to. */
static void on_inbound(void *ctx, const struct receipt_inbound *i)
{
    struct intake *in = ctx;
    bool bare = i->from[0] >= '0' && i->from[0] <= '9';
    char room[PHONE_NORMAL_MAX];
    char twin[PHONE_TWIN_MAX];
    struct view normal;
    struct fault nameless;

    if (!view_eq_nocase(i->sub_type, VIEW("whatsapp")) ||
        !stop_words_match(in->stop_words, view_of(i->text))) {
        count(in, "inbound");
        return;
    }
    add_leaver(in, bare, i->from, "text\n", view_of(i->name));
    if (phone_normal(view_of(i->from), room, &normal, &nameless) && phone_twin(normal, twin) &&
        !erased_has(history_erased(in->x->server->history), normal))
        add_leaver(in, true, twin, "twin\n", view_of(i->name));
}

static void on_nonsense(void *ctx, size_t number, const struct fault *f)
{
    struct intake *in = ctx;

    count(in, "nonsense");
    if (in->nonsense_count++ > 0)
        return;
    in->nonsense = number;
    in->why = *f;
}

static void look_if_new(struct intake *in)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("GET"), VIEW_NONE};

    if (in->once[0] == '\0') {
        go_on(in);
        return;
    }
    args[1] = once_key(in, key);
    redis_command(in->x->server->redis, args, 2, on_once, in);
}

static void say_refused(struct exchange *x, const struct receipts_channel *c, int status,
                        const struct fault *f)
{
    notice_say(x->server->log, NOTICE_WARN, "receipt_refused", NOTICE_TEXT("channel", c->name),
               NOTICE_INT("status", status), NOTICE_TEXT("error", f->text));
}

static void refuse(struct exchange *x, const struct receipts_channel *c, int status,
                   const struct fault *f)
{
    say_refused(x, c, status, f);
    if (status == 401)
        exchange_error(x, 401, "this receipt does not prove where it is from");
    else
        exchange_error(x, status, "%s", f->text);
}

static void take(struct exchange *x, const struct receipts_channel *c)
{
    struct receipt_request request = {x->query, x->headers, x->header_count, x->body, x->wall_ms};
    struct intake *in = mem_zeroed(1, sizeof *in);
    struct receipt_visitor to = {in, on_receipt, on_inbound, on_nonsense};
    struct view once = VIEW_NONE;
    struct fault f = {0};

    in->x = x;
    in->channel = c;
    in->stop_words = receipts_stop_words(x->server->receipts);
    if (!c->reader->verify(&c->setup, &request, &once, &f)) {
        refuse(x, c, 401, &f);
        intake_free(in);
    } else if (strcmp(c->name, RECEIPTS_DIALLER) == 0) {
        intake_free(in);
        receipt_call(x); /* the same call ends once, however often it is reported */
    } else if (!c->reader->read(&request, &to, &f)) {
        refuse(x, c, 400, &f);
        intake_free(in);
    } else {
        if (in->nonsense_count > 0)
            say_refused(x, c, 200, &in->why);
        hash_name(in, "", once, in->once);
        look_if_new(in);
    }
}

static void challenge(struct exchange *x, const struct receipts_channel *c)
{
    char *room = mem_zeroed(x->query.n + 1, 1);
    struct view text = VIEW_NONE;

    if (c->reader->challenge(&c->setup, x->query, room, &text))
        exchange_answer(x, 200, "text/plain", text);
    else
        exchange_error(x, 403, "the token is not ours");
    mem_free(room);
}

static void serve(struct exchange *x)
{
    const struct receipts_channel *c = receipts_channel(x->server->receipts, x->id);

    if (c == NULL) {
        exchange_error(x, 404, "HTTP 404 Not Found");
    } else if (strcmp(x->method, c->reader->method) == 0 &&
               !x->is_head) { /* HEAD changes nothing */
        take(x, c);
    } else if (c->reader->challenge != NULL && strcmp(x->method, "GET") == 0) {
        challenge(x, c);
    } else {
        exchange_header(x, "Allow", view_of(c->reader->method));
        exchange_error(x, 405, "receipts of this channel come by %s", c->reader->method);
    }
}

const struct route receipt_routes[] = {
    {"GET", "/receipts/{id}", ROUTE_OPEN | ROUTE_NAMED, NULL, serve},
    {"POST", "/receipts/{id}", ROUTE_OPEN | ROUTE_NAMED, NULL, serve},
    {NULL, NULL, 0, NULL, NULL},
};
