#include "server/callback_hash.h"

#include "server/store.h"

static enum callback_result last_result(const struct redis_value *hash)
{
    enum callback_result last = CALLBACK_ADDED;

    return callback_result_parse(store_text(hash, "last"), &last) ? last : CALLBACK_ADDED;
}

struct callback_state callback_hash_state(const struct redis_value *hash)
{
    return (struct callback_state){.open = store_int(hash, "st", 0) == STORE_LIVE,
                                   .last = last_result(hash),
                                   .failures = store_int(hash, "fail", 0),
                                   .max_calls = store_int(hash, "mr", 0) + 1,
                                   .next_call_ms = store_int(hash, "next", 0),
                                   .last_call_ms = store_int(hash, "lastcall", -1),
                                   .idle = store_int(hash, "idle", 0),
                                   .wishes = store_int(hash, "wishes", 0),
                                   .anew = store_int(hash, "anew", 0)};
}
