/* The rules between settings: what each row alone can't say. */
#include "config/conf_rules.h"
#include "bridge/core/event_types.h"
#include "bridge/core/guid.h"
#include "bridge/core/mem.h"
#include "bridge/core/receipt.h"
#include "bridge/core/route.h"
#include "bridge/core/spelling.h"
#include "bridge/core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_TYPES_MAX 64 /* that are compared for a suggestion */

PRINTF_LIKE(3, 0)
static void tell(struct rules *r, const char *origin, const char *format, va_list args)
{
    char sentence[2 * SCHEMA_PATH_MAX + 2 * FAULT_TEXT_MAX];

    (void)vsnprintf(sentence, sizeof sentence, format, args);
    buf_printf(r->mistakes, "%s: %s\n", origin != NULL ? origin : r->file, sentence);
}

void rules_mistake(struct rules *r, const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(r, path != NULL ? conf_origin(r->c, path) : NULL, format, args);
    va_end(args);
}

void rules_entry_mistake(struct rules *r, const char *map, size_t i, const char *format, ...)
{
    const struct conf_name *name = conf_find_name(r->c, map, i);
    va_list args;

    va_start(args, format);
    tell(r, name->origin, format, args);
    va_end(args);
}

void rules_warn(struct rules *r, const char *path, const char *sentence)
{
    char whole[SCHEMA_PATH_MAX + FAULT_TEXT_MAX];

    (void)snprintf(whole, sizeof whole, "%s %s", path, sentence);
    conf_warn(r->c, conf_origin(r->c, path), whole);
}

bool rules_sound(const struct conf_value *v)
{
    return v != NULL && v->text != NULL;
}

static bool takes(const char *route, const struct event_type *t)
{
    const struct route_rule rule = {route, 0};

    return route_find(&rule, 1, view_of(t->name)) != NULL;
}

/* *history: the event types that the route takes are none but history. False: it takes none. */
static bool takes_any(const char *route, bool *history)
{
    bool any = false;

    *history = true;
    for (const struct event_type *t = event_types; t->name != NULL; t++) {
        if (!takes(route, t))
            continue;
        any = true;
        *history = *history && !t->is_write;
    }
    return any;
}

/* The type whose name is most like the route, or NULL. */
static const char *nearest_type(const char *route)
{
    const char *words[EVENT_TYPES_MAX + 1] = {NULL};

    for (size_t i = 0; i < EVENT_TYPES_MAX && event_types[i].name != NULL; i++)
        words[i] = event_types[i].name;
    return spelling_nearest(view_of(route), words);
}

static size_t target_index(const struct conf *c, const char *name)
{
    size_t count = conf_count(c, "targets");
    size_t i = 0;

    while (i < count && strcmp(conf_name(c, "targets", i), name) != 0)
        i++;
    return i;
}

static const char *nearest_target(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < conf_count(c, "targets"); i++) {
        const char *words[] = {conf_name(c, "targets", i), NULL};

        if (spelling_nearest(view_of(name), words) != NULL)
            return words[0];
    }
    return NULL;
}

static void check_route(struct rules *r, size_t i)
{
    const char *route = conf_name(r->c, "routes", i);
    const char *target = conf_item(r->c, "routes", i);
    char path[SCHEMA_PATH_MAX];
    char ingest[SCHEMA_PATH_MAX];
    const char *nearest;
    bool history;
    bool known = takes_any(route, &history);
    size_t at;

    (void)snprintf(path, sizeof path, "routes.%s", route);
    if (!known) {
        nearest = nearest_type(route);
        rules_mistake(r, path, "%s: there is no event type '%s'%s%s%s", path, route,
                      nearest != NULL ? "; did you mean "
                                      : "; write one, a family like message.* or *",
                      nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    }
    if (target == NULL)
        return; /* its own mistake is there already */
    at = target_index(r->c, target);
    (void)snprintf(ingest, sizeof ingest, "targets.%s.ingest", target);
    if (at == conf_count(r->c, "targets")) {
        nearest = nearest_target(r->c, target);
        rules_mistake(r, path, "%s names the target '%s', which is not in targets%s%s%s", path,
                      target, nearest != NULL ? "; did you mean " : "",
                      nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    } else if (known && history && !conf_has(r->c, ingest)) {
        rules_mistake(r, path, "%s is history, and targets.%s has no ingest path to take it", path,
                      target);
    }
}

static void check_routes(struct rules *r, unsigned users)
{
    size_t targets = conf_count(r->c, "targets");
    size_t routes = conf_count(r->c, "routes");

    for (size_t i = 0; i < routes; i++)
        check_route(r, i);
    if ((users & USED_CONSUME) == 0)
        return;
    if (targets == 0)
        rules_mistake(r, NULL, "targets is empty: where to write is not known");
    if (targets > 1 && routes == 0)
        rules_mistake(r, NULL, "routes is empty: which of the %zu targets takes what is not known",
                      targets);
}

const char *rules_given(const struct rules *r, const char *path, const char *other)
{
    return strcmp(conf_origin(r->c, path), "default") != 0 ? path : other;
}

static void check_not_above(struct rules *r, const char *lower, const char *upper)
{
    const struct conf_value *a = conf_find(r->c, lower);
    const struct conf_value *b = conf_find(r->c, upper);

    if (rules_sound(a) && rules_sound(b) && a->number > b->number)
        rules_mistake(r, rules_given(r, lower, upper), "%s is %s, more than %s, which is %s", lower,
                      a->text, upper, b->text);
}

/* Each has room for one of the largest requests beside one of the largest receipts. */
static void check_bodies(struct rules *r)
{
    const struct conf_value *body = conf_find(r->c, "limits.body");
    const struct conf_value *bodies = conf_find(r->c, "limits.bodies");

    if (rules_sound(body) && rules_sound(bodies) &&
        body->number > bodies->number - RECEIPT_BODY_MAX)
        rules_mistake(r, rules_given(r, "limits.body", "limits.bodies"),
                      "limits.body is %s; with the 4MiB that are kept for receipts it is more than "
                      "limits.bodies, which is %s",
                      body->text, bodies->text);
}

static void check_targets(struct rules *r)
{
    for (size_t i = 0; i < conf_count(r->c, "targets"); i++) {
        char prefix[SCHEMA_PATH_MAX];

        (void)snprintf(prefix, sizeof prefix, "targets.%s", conf_name(r->c, "targets", i));
        rules_sign_on(r, prefix, NULL);
    }
}

/* The first that is too many is named. */
static void check_count(struct rules *r, const char *map, size_t most)
{
    size_t count = conf_count(r->c, map);

    if (count > most)
        rules_entry_mistake(r, map, most, "%s.%s: there are %zu %s; the most is %zu", map,
                            conf_name(r->c, map, most), count, map, most);
}

/* ---- serve ---- */

struct queue_key {
    char *text; /* as a queue is found by it: an id in one form, an address in small letters */
    size_t queue;
};

static int by_text(const void *a, const void *b)
{
    const struct queue_key *x = a;
    const struct queue_key *y = b;
    int order = strcmp(x->text, y->text);

    return order != 0 ? order : x->queue < y->queue ? -1 : x->queue > y->queue;
}

/* An id may have hyphens, or not. The caller's to free. */
static char *looked_for(const char *key, struct view text)
{
    char *small;
    char hex[GUID_TEXT_MAX];
    struct guid id;

    if (strcmp(key, "id") == 0 && guid_parse(text, &id)) {
        guid_hex(&id, hex);
        text = view_of(hex);
    }
    small = mem_text(text.p, text.n);
    utf8_small(text, small);
    return small;
}

/* No two queues have one; there may be thousands. */
static void check_unique(struct rules *r, const char *key)
{
    size_t count = conf_count(r->c, "chats.queues");
    struct queue_key *all = mem_zeroed(count + 1, sizeof *all);
    size_t first = 0;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        struct view text = view_trim(view_of(conf_entry_text(r->c, "chats.queues", i, key)));

        if (text.n > 0)
            all[n++] = (struct queue_key){looked_for(key, text), i};
    }
    qsort(all, n, sizeof *all, by_text);
    for (size_t i = 1; i < n; i++) {
        char path[SCHEMA_PATH_MAX];

        if (strcmp(all[first].text, all[i].text) != 0) {
            first = i;
            continue;
        }
        (void)snprintf(path, sizeof path, "chats.queues.%s.%s",
                       conf_name(r->c, "chats.queues", all[i].queue), key);
        rules_mistake(r, path, "%s is that of chats.queues.%s, too", path,
                      conf_name(r->c, "chats.queues", all[first].queue));
    }
    for (size_t i = 0; i < n; i++)
        mem_free(all[i].text);
    mem_free(all);
}

static void check_chat_queues(struct rules *r)
{
    check_unique(r, "address");
    check_unique(r, "id");
}

static void check_redis(struct rules *r)
{
    const struct conf_value *durable = conf_find(r->c, "redis.durable");
    const struct conf_value *database = conf_find(r->c, "redis.database");
    bool sentinels = conf_has(r->c, "redis.sentinels");
    bool cluster = conf_has(r->c, "redis.cluster");

    if (sentinels && cluster)
        rules_warn(r, "redis.sentinels", "is not used: redis.cluster says where Redis is");
    if (sentinels && !conf_has(r->c, "redis.primary"))
        rules_mistake(
            r, "redis.sentinels",
            "redis.primary is missing: the name that the Sentinels watch the primary under");
    if (cluster && rules_sound(database) && database->number != 0)
        rules_mistake(r, "redis.database",
                      "redis.database must be 0: a Redis Cluster has no others");
    if (rules_sound(durable) && durable->number == 0)
        rules_warn(r, "redis.durable",
                   "is false: Redis may then lose writes that were acknowledged; with appendfsync "
                   "everysec up to 5191 when it was killed during a slow fsync");
}

static bool is_language(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((text[i] < 'a' || text[i] > 'z') && (text[i] < 'A' || text[i] > 'Z'))
            return false;
    return strlen(text) == 2;
}

static void check_translations(struct rules *r)
{
    for (size_t i = 0; i < conf_count(r->c, "translations"); i++) {
        const char *language = conf_name(r->c, "translations", i);

        if (!is_language(language))
            rules_entry_mistake(r, "translations", i,
                                "translations.%s: '%s' is no language; two letters are wanted",
                                language, language);
    }
}

static void check_tls(struct rules *r)
{
    static const char *const needs[][2] = {{"server.tls.certificate", "server.tls.key"},
                                           {"server.tls.key", "server.tls.certificate"},
                                           {"server.tls.client_ca", "server.tls.certificate"}};

    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (conf_has(r->c, needs[i][0]) && !conf_has(r->c, needs[i][1]))
            rules_mistake(r, needs[i][0], "%s is given without %s", needs[i][0], needs[i][1]);
}

static void check_server(struct rules *r, unsigned users)
{
    const char *listen = conf_text(r->c, "server.listen");
    const char *language = conf_text(r->c, "server.anonymous.language");
    bool anonymous = conf_has(r->c, "server.anonymous.login");

    if (anonymous && conf_has(r->c, "server.users"))
        rules_mistake(
            r, "server.users",
            "server.users and server.anonymous.login are both given: either users sign on, or "
            "everybody is the anonymous one");
    if (!anonymous && !conf_has(r->c, "server.users") && (users & USED_SERVE) != 0)
        rules_mistake(
            r, NULL,
            "server.users is missing: the users and their rights; or server.anonymous.login: "
            "the user that every caller is");
    check_tls(r);
    rules_served_key_header(r);
    if (listen != NULL && conf_has(r->c, "server.users") && !rules_loopback(listen) &&
        !conf_has(r->c, "server.tls.certificate"))
        rules_warn(
            r, "server.listen",
            "is no loopback address, and there is no server.tls: passwords come unencrypted, "
            "unless a proxy in front takes them by TLS");
    if (listen != NULL && anonymous && !rules_loopback(listen))
        rules_warn(r, "server.listen",
                   "is no loopback address: whoever reaches it may do everything");
    if (language != NULL && !is_language(language))
        rules_mistake(r, "server.anonymous.language",
                      "server.anonymous.language is '%s'; two letters are wanted", language);
}

/* ---- ---- */

/* One variable can't be for both. */
static void check_names(struct rules *r)
{
    const struct conf_name *names = r->c->names;

    for (size_t i = 0; i < r->c->name_count; i++)
        for (size_t j = 0; j < i; j++) {
            char path[SCHEMA_PATH_MAX];
            char variable[SCHEMA_PATH_MAX];
            bool bare = true;

            if (strcmp(names[i].map, names[j].map) != 0 ||
                !schema_same_variable(names[i].name, names[j].name))
                continue;
            (void)schema_is_map(names[i].map, &bare);
            (void)snprintf(path, sizeof path, "%s.%s", names[i].map, names[i].name);
            buf_printf(r->mistakes,
                       "%s: %s and %s.%s would have one name in the environment, %s%s; rename one "
                       "of them\n",
                       names[i].origin, path, names[j].map, names[j].name,
                       schema_environment_name(path, variable), bare ? "" : "_…");
        }
}

void conf_rules(struct conf *c, const char *file, unsigned users, struct buf *mistakes)
{
    const struct conf_value *drain = conf_find(c, "consume.drain");
    const struct conf_value *session = conf_find(c, "kafka.session_timeout");
    struct rules r = {c, file, mistakes};

    check_count(&r, "targets", CONF_TARGETS_MAX);
    check_count(&r, "channels", CONF_CHANNELS_MAX);
    rules_kafka(&r, users);
    check_routes(&r, users);
    check_targets(&r);
    rules_channels(&r);
    check_names(&r);
    check_chat_queues(&r);
    check_redis(&r);
    check_server(&r, users);
    check_translations(&r);
    check_not_above(&r, "retry.base", "retry.max");
    check_not_above(&r, "breaker.open_min", "breaker.open_max");
    check_not_above(&r, "limits.remarks", "limits.body");
    check_bodies(&r);
    if (rules_sound(drain) && rules_sound(session) && drain->number >= session->number)
        rules_mistake(
            &r, rules_given(&r, "consume.drain", "kafka.session_timeout"),
            "consume.drain is %s; it must be less than kafka.session_timeout, which is %s, or "
            "the group gives partitions away while they drain",
            drain->text, session->text);
}
