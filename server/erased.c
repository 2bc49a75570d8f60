#include "server/erased.h"

#include "bridge/core/mem.h"
#include "bridge/core/person.h"
#include "bridge/core/siphash.h"
#include "bridge/io/crypto.h"
#include "server/sqlite.h"

#include <string.h>

#define HASH_LEN   16
#define FIRST_ROOM 64 /* hashes; doubled as they come */

/* Texts ask for all that could be an address: nearly all of that is told apart by a few bits of a
 * quicker hash, of what an address begins with or ends with (person_part) and of the whole. */
#define QUICK_BITS 20
#define WORD_BITS  64

struct erased {
    uint8_t key[CRYPTO_KEY_LEN]; /* unchanging: both threads use it */
    uint8_t quick_key[16];       /* likewise */
    uint64_t *quick;             /* bits of those in `hashes`, and of some lifted; the loop's */
    bool all;                    /* of some only the hash is known: the bits don't count */
    bool all_parts;              /* of some the bits of the part are not */
    uint8_t (*hashes)[HASH_LEN]; /* ordered; the loop's */
    size_t count;
    size_t room;
    bool things; /* there are some; the writer's */
};

static void hash_of(const struct erased *e, struct view text, uint8_t out[HASH_LEN])
{
    crypto_keyed(e->key, text, out);
}

static uint64_t quick_of(const struct erased *e, struct view normal)
{
    return siphash(e->quick_key, normal) & ((UINT64_C(1) << QUICK_BITS) - 1);
}

/* ---- in memory ---- */

static void set_quick(struct erased *e, uint64_t quick)
{
    e->quick[quick / WORD_BITS] |= UINT64_C(1) << quick % WORD_BITS;
}

static bool has_quick(const struct erased *e, struct view text)
{
    uint64_t quick = quick_of(e, text);

    return (e->quick[quick / WORD_BITS] >> quick % WORD_BITS & 1) != 0;
}

/* Where it is, or would be. */
static size_t find(const struct erased *e, const uint8_t hash[HASH_LEN], bool *found)
{
    size_t low = 0;
    size_t high = e->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(e->hashes[mid], hash, HASH_LEN) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = low < e->count && memcmp(e->hashes[low], hash, HASH_LEN) == 0;
    return low;
}

static void insert(struct erased *e, const uint8_t hash[HASH_LEN])
{
    bool found;
    size_t at = find(e, hash, &found);

    if (found)
        return;
    if (e->count == e->room) {
        uint8_t(*more)[HASH_LEN];

        e->room = e->room == 0 ? FIRST_ROOM : 2 * e->room;
        more = mem_zeroed(e->room, HASH_LEN);
        if (e->count > 0)
            memcpy(more, e->hashes, e->count * HASH_LEN);
        mem_free(e->hashes);
        e->hashes = more;
    }
    memmove(e->hashes + at + 1, e->hashes + at, (e->count - at) * HASH_LEN);
    memcpy(e->hashes[at], hash, HASH_LEN);
    e->count++;
}

static bool is_part(const void *ctx, struct view part)
{
    const struct erased *e = ctx;

    return e->all_parts || has_quick(e, part);
}

static bool is_known(const void *ctx, struct view normal)
{
    const struct erased *e = ctx;
    uint8_t hash[HASH_LEN];
    bool found = false;

    if (!e->all && !has_quick(e, normal))
        return false;
    hash_of(e, normal, hash);
    (void)find(e, hash, &found);
    return found;
}

static struct person_known those_of(const struct erased *e)
{
    return (struct person_known){is_known, is_part, e};
}

bool erased_has(const struct erased *e, struct view address)
{
    const struct person_known known = those_of(e);
    char room[PHONE_NORMAL_MAX];
    struct view normal;
    struct fault nameless;

    if (erased_count(e) == 0)
        return false;
    return (phone_normal(address, room, &normal, &nameless) && is_known(e, normal)) ||
           person_known_mentioned(address, &known);
}

bool erased_without(const struct erased *e, struct view text, struct buf *to)
{
    const struct person_known known = those_of(e);

    if (erased_count(e) == 0 || !person_known_mentioned(text, &known))
        return false;
    buf_clear(to);
    person_without_known(text, &known, to);
    return true;
}

void erased_add(struct erased *e, struct view normal)
{
    uint8_t hash[HASH_LEN];

    hash_of(e, normal, hash);
    insert(e, hash);
    set_quick(e, quick_of(e, normal));
    set_quick(e, quick_of(e, person_part(normal)));
}

void erased_lift(struct erased *e, struct view normal)
{
    uint8_t hash[HASH_LEN];
    bool found;
    size_t at;

    hash_of(e, normal, hash);
    at = find(e, hash, &found);
    if (!found)
        return;
    e->count--;
    memmove(e->hashes + at, e->hashes + at + 1, (e->count - at) * HASH_LEN);
}

size_t erased_count(const struct erased *e)
{
    return e == NULL ? 0 : e->count;
}

/* ---- in the file ---- */

static void load_key(struct erased *e, struct sqlite *db)
{
    struct sqlite_query q;
    uint8_t fresh[CRYPTO_KEY_LEN];

    crypto_random(fresh, sizeof fresh);
    q = sqlite_query(db, "INSERT INTO secrets (name, value) VALUES ('erased', ?)"
                         " ON CONFLICT (name) DO NOTHING");
    sqlite_bind_blob(&q, (struct view){(const char *)fresh, sizeof fresh});
    sqlite_run(&q);
    q = sqlite_query(db, "SELECT value FROM secrets WHERE name = 'erased'");
    if (sqlite_row(&q)) {
        struct view key = sqlite_text(&q, 0);

        if (key.n == sizeof e->key)
            memcpy(e->key, key.p, key.n);
        else
            sqlite_damaged(db, "the key of those who were erased has another length");
    }
    sqlite_end(&q);
}

/* *missing becomes true of a hash of before there were such bits. */
static void load_quick(struct erased *e, struct sqlite_query *q, int column, bool *missing)
{
    uint64_t quick = (uint64_t)sqlite_int(q, column);

    if (sqlite_kind(q, column) == SQLITE_KIND_NULL || quick >> QUICK_BITS != 0)
        *missing = true;
    else
        set_quick(e, quick);
}

struct erased *erased_load(struct sqlite *db, struct fault *f)
{
    struct erased *e = mem_zeroed(1, sizeof *e);
    struct sqlite_query q;

    load_key(e, db);
    hash_of(e, VIEW("quick"), e->quick_key);
    e->quick = mem_zeroed((1 << QUICK_BITS) / WORD_BITS, sizeof *e->quick);
    q = sqlite_query(db, "SELECT hash, quick, part FROM erased_people");
    while (sqlite_row(&q)) {
        struct view hash = sqlite_text(&q, 0);

        if (hash.n != HASH_LEN)
            continue;
        insert(e, (const uint8_t *)hash.p);
        load_quick(e, &q, 1, &e->all);
        load_quick(e, &q, 2, &e->all_parts);
    }
    q = sqlite_query(db, "SELECT 1 FROM erased_things LIMIT 1");
    e->things = sqlite_row(&q);
    sqlite_end(&q);
    if (sqlite_check(db, f))
        return e;
    erased_free(e);
    return NULL;
}

void erased_free(struct erased *e)
{
    if (e == NULL)
        return;
    mem_free(e->hashes);
    mem_free(e->quick);
    mem_free(e);
}

static void bind_hash(const struct erased *e, struct sqlite_query *q, struct view text,
                      uint8_t room[HASH_LEN])
{
    hash_of(e, text, room);
    sqlite_bind_blob(q, (struct view){(const char *)room, HASH_LEN});
}

void erased_store(struct erased *e, struct sqlite *db, struct view normal, int64_t now_ms)
{
    uint8_t hash[HASH_LEN];
    struct sqlite_query q =
        sqlite_query(db, "INSERT INTO erased_people (hash, at_ms, quick, part) VALUES (?, ?, ?, ?)"
                         " ON CONFLICT (hash) DO UPDATE"
                         " SET quick = excluded.quick, part = excluded.part");

    bind_hash(e, &q, normal, hash);
    sqlite_bind_int(&q, now_ms);
    sqlite_bind_int(&q, (int64_t)quick_of(e, normal));
    sqlite_bind_int(&q, (int64_t)quick_of(e, person_part(normal)));
    sqlite_run(&q);
}

bool erased_unstore(struct erased *e, struct sqlite *db, struct view normal)
{
    uint8_t hash[HASH_LEN];
    struct sqlite_query q = sqlite_query(db, "DELETE FROM erased_people WHERE hash = ?");

    bind_hash(e, &q, normal, hash);
    sqlite_run(&q);
    return sqlite_changed(db) > 0;
}

static struct view bytes_of(const struct guid *id)
{
    return (struct view){(const char *)id->bytes, sizeof id->bytes};
}

void erased_store_thing(struct erased *e, struct sqlite *db, const struct guid *id)
{
    uint8_t hash[HASH_LEN];
    struct sqlite_query q = sqlite_query(db, "INSERT INTO erased_things (hash) VALUES (?)"
                                             " ON CONFLICT (hash) DO NOTHING");

    bind_hash(e, &q, bytes_of(id), hash);
    sqlite_run(&q);
    e->things = true;
}

bool erased_has_thing(const struct erased *e, struct sqlite *db, const struct guid *id)
{
    uint8_t hash[HASH_LEN];
    struct sqlite_query q;
    bool found;

    if (!e->things)
        return false;
    q = sqlite_query(db, "SELECT 1 FROM erased_things WHERE hash = ?");
    bind_hash(e, &q, bytes_of(id), hash);
    found = sqlite_row(&q);
    sqlite_end(&q);
    return found;
}
