#include "bridge/core/throttle.h"

#include "bridge/core/mem.h"
#include "bridge/core/siphash.h"

#include <string.h>

#define WAYS     4 /* entries that one hash may be in */
#define SETS     (THROTTLE_ENTRIES / WAYS)
#define TEXT_MAX 256 /* bytes of source and account that are told apart */

enum kind { BOTH, SOURCE, ACCOUNT, KINDS };

struct entry {
    uint64_t hash; /* 0: free */
    int64_t last_ms;
    int64_t wait_until_ms;
    int64_t known_until_ms; /* BOTH: the account was signed on to from here */
    uint32_t failures;
};

struct throttle {
    uint8_t key[16];
    struct entry entries[SETS][WAYS];
};

struct throttle *throttle_new(const uint8_t key[16])
{
    struct throttle *t = mem_zeroed(1, sizeof *t);

    memcpy(t->key, key, sizeof t->key);
    return t;
}

void throttle_free(struct throttle *t)
{
    mem_free(t);
}

static void put(char *text, size_t *n, struct view v)
{
    size_t room = TEXT_MAX - *n;
    size_t count = v.n < room ? v.n : room;

    if (count > 0)
        memcpy(text + *n, v.p, count);
    *n += count;
}

/* A source has a fixed length, so nothing has to stand between the two. */
static uint64_t hash_of(const struct throttle *t, enum kind kind, struct view source,
                        struct view account)
{
    char text[TEXT_MAX] = {(char)kind};
    size_t n = 1;
    uint64_t hash;

    if (kind != ACCOUNT)
        put(text, &n, source);
    if (kind != SOURCE)
        put(text, &n, account);
    hash = siphash(t->key, (struct view){text, n});
    return hash != 0 ? hash : 1;
}

/* The entry of the hash; where there is none, the one of its set that was longest left alone, made
 * new. */
static struct entry *entry_of(struct throttle *t, uint64_t hash, int64_t now_ms)
{
    struct entry *set = t->entries[hash % SETS];
    struct entry *oldest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];

        if (e->hash == hash) {
            if (now_ms - e->last_ms >= THROTTLE_FORGET_MS)
                e->failures = 0;
            return e;
        }
        if (e->hash == 0 || e->last_ms < oldest->last_ms)
            oldest = e;
        if (e->hash == 0)
            break;
    }
    *oldest = (struct entry){.hash = hash, .last_ms = now_ms};
    return oldest;
}

static const uint32_t free_failures[KINDS] = {[BOTH] = THROTTLE_FREE_BOTH,
                                              [SOURCE] = THROTTLE_FREE_SOURCE,
                                              [ACCOUNT] = THROTTLE_FREE_ACCOUNT};

static int64_t wait_after(enum kind kind, uint32_t failures)
{
    int64_t wait_ms = THROTTLE_WAIT_MS;

    if (failures < free_failures[kind])
        return 0;
    for (uint32_t i = free_failures[kind]; i < failures && wait_ms < THROTTLE_WAIT_MAX_MS; i++)
        wait_ms *= 2;
    return wait_ms < THROTTLE_WAIT_MAX_MS ? wait_ms : THROTTLE_WAIT_MAX_MS;
}

int64_t throttle_try(struct throttle *t, struct view source, struct view account, int64_t now_ms)
{
    uint64_t hashes[KINDS];
    bool counts[KINDS] = {account.n > 0, true, account.n > 0};
    int64_t wait_ms = 0;

    for (enum kind k = 0; k < KINDS; k++) {
        struct entry *e;

        hashes[k] = hash_of(t, k, source, account);
        if (!counts[k])
            continue;
        e = entry_of(t, hashes[k], now_ms);
        if (k == BOTH && e->known_until_ms > now_ms)
            counts[ACCOUNT] = false;
        if (e->failures > 0 && e->wait_until_ms - now_ms > wait_ms)
            wait_ms = e->wait_until_ms - now_ms;
    }
    if (wait_ms > 0)
        return wait_ms;
    for (enum kind k = 0; k < KINDS; k++) {
        struct entry *e;

        if (!counts[k])
            continue;
        e = entry_of(t, hashes[k], now_ms); /* again: they may share a set */
        e->failures++;
        e->last_ms = now_ms;
        e->wait_until_ms = now_ms + wait_after(k, e->failures);
    }
    return 0;
}

void throttle_succeeded(struct throttle *t, struct view source, struct view account, int64_t now_ms)
{
    for (enum kind k = 0; k < KINDS; k++) {
        struct entry *e = entry_of(t, hash_of(t, k, source, account), now_ms);

        if (k == BOTH) {
            e->failures = 0;
            e->known_until_ms = now_ms + THROTTLE_KNOWN_MS;
        } else if (e->failures > 0) {
            e->failures--;
        }
        e->last_ms = now_ms;
        e->wait_until_ms = now_ms + (e->failures > 0 ? wait_after(k, e->failures) : 0);
    }
}
