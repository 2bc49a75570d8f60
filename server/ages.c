#include "server/ages.h"

static const char *const names[AGE_KINDS] = {"contacts", "chats", "emails", "callRecordings",
                                             "scriptResults"};

enum age_of age_of_channel(struct view channel)
{
    if (view_is(channel, "CHAT"))
        return AGE_OF_CHATS;
    return view_is(channel, "EMAIL") ? AGE_OF_EMAILS : AGE_OF_CONTACTS;
}

static int64_t cut(int64_t age_ms, int64_t now_ms)
{
    return age_ms == 0 ? INT64_MIN : now_ms - age_ms;
}

int64_t age_cut(const struct ages *ages, enum age_of kind, int64_t now_ms)
{
    int64_t earliest = INT64_MAX;

    if (kind < AGE_KINDS)
        return cut(ages->ms[kind], now_ms);
    for (unsigned i = AGE_OF_CONTACTS; i <= AGE_OF_EMAILS; i++)
        if (cut(ages->ms[i], now_ms) < earliest)
            earliest = cut(ages->ms[i], now_ms);
    return earliest;
}

const char *age_name(enum age_of kind)
{
    return names[kind];
}
