#include "server/store.h"

#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdio.h>

struct view store_text(const struct redis_value *hash, const char *field)
{
    struct view wanted = view_of(field);

    if (hash->kind == REDIS_ARRAY)
        for (size_t i = 0; i + 1 < hash->count; i += 2)
            if (view_eq(hash->items[i].text, wanted))
                return hash->items[i + 1].text;
    return VIEW_NONE;
}

int64_t store_int(const struct redis_value *hash, const char *field, int64_t otherwise)
{
    int64_t n = 0;

    return num_int(store_text(hash, field), &n) ? n : otherwise;
}

void store_member(int64_t created_ms, const char *id_hex, char out[STORE_MEMBER_MAX])
{
    snprintf(out, STORE_MEMBER_MAX, "%016" PRId64 ":%s", created_ms, id_hex);
}

struct view store_member_id(struct view member)
{
    struct view rest = member;

    (void)view_cut(&rest, ':');
    return rest;
}

bool store_is_member(struct view text)
{
    struct view id = text;
    struct view created = view_cut(&id, ':');
    struct guid g;

    for (size_t i = 0; i < created.n; i++)
        if (created.p[i] < '0' || created.p[i] > '9')
            return false;
    return text.n == STORE_MEMBER_MAX - 1 && id.n == GUID_HEX_LEN && guid_parse(id, &g);
}

bool store_id(struct exchange *x, char out[GUID_TEXT_MAX])
{
    struct guid g;

    if (guid_parse(x->id, &g)) {
        guid_hex(&g, out);
        return true;
    }
    exchange_error(x, 400, "Invalid GUID: '%.*s'", VIEW_ARG(x->id));
    return false;
}

void store_log(const struct exchange *x, const struct redis_value *v)
{
    char text[FAULT_TEXT_MAX];

    notice_say(x->server->log, NOTICE_WARN, "store_failed",
               NOTICE_TEXT("error", mask_sentence(v->text, text, sizeof text)));
}

void store_unavailable(struct exchange *x)
{
    exchange_error(x, 503, "the store can't be reached or refuses; try again");
}

bool store_failed(struct exchange *x, const struct redis_value *v)
{
    if (v->kind == REDIS_ARRAY)
        return false;
    store_log(x, v);
    store_unavailable(x);
    return true;
}
