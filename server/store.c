#include "server/store.h"

#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdio.h>

struct view store_text(const struct redis_value *hash, const char *field)
{
    if (hash->kind == REDIS_ARRAY)
        for (size_t i = 0; i + 1 < hash->count; i += 2)
            if (view_is(hash->items[i].text, field))
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

bool store_failed(struct exchange *x, const struct redis_value *v)
{
    char text[FAULT_TEXT_MAX];

    if (v->kind != REDIS_ERROR && v->kind != REDIS_LOST)
        return false;
    notice_say(x->server->log, NOTICE_WARN, "store_failed",
               NOTICE_TEXT("error", mask_sentence(v->text, text, sizeof text)));
    exchange_error(x, 503, "the store can't be reached or refuses; try again");
    return true;
}
