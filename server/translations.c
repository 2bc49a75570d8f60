#include "server/translations.h"

#include "bridge/core/ascii.h"
#include "bridge/core/mem.h"
#include "server/exchange.h"

#include <assert.h>
#include <string.h>

struct translation {
    char *key; /* language in lower case, then the value */
    size_t key_n;
    char *text;
    size_t text_n;
};

struct translations {
    struct translation *items; /* ordered by key */
    size_t count;
};

struct translations *translations_new(void)
{
    return mem_zeroed(1, sizeof(struct translations));
}

void translations_free(struct translations *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        mem_free(t->items[i].key);
        mem_free(t->items[i].text);
    }
    mem_free(t->items);
    mem_free(t);
}

/* As memcmp of the whole keys would. */
static int compare(const struct translation *one, struct view language, struct view value)
{
    for (size_t i = 0; i < TRANSLATIONS_LANGUAGE; i++)
        if (one->key[i] != ascii_lower(language.p[i]))
            return one->key[i] < ascii_lower(language.p[i]) ? -1 : 1;
    return view_cmp(
        (struct view){one->key + TRANSLATIONS_LANGUAGE, one->key_n - TRANSLATIONS_LANGUAGE}, value);
}

/* The place of the key, or where it belongs. */
static size_t place_of(const struct translations *t, struct view language, struct view value,
                       bool *there)
{
    size_t low = 0;
    size_t high = t->count;

    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&t->items[middle], language, value);

        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void translations_add(struct translations *t, struct view language, struct view value,
                      struct view text)
{
    bool there;
    size_t at;
    struct translation *one;

    assert(language.n == TRANSLATIONS_LANGUAGE);
    at = place_of(t, language, value, &there);
    if (!there) {
        t->items = mem_resize(t->items, t->count + 1, sizeof *t->items);
        memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof *t->items);
        t->count++;
        one = &t->items[at];
        one->key_n = TRANSLATIONS_LANGUAGE + value.n;
        one->key = mem_zeroed(one->key_n, 1);
        for (size_t i = 0; i < TRANSLATIONS_LANGUAGE; i++)
            one->key[i] = ascii_lower(language.p[i]);
        if (value.n > 0)
            memcpy(one->key + TRANSLATIONS_LANGUAGE, value.p, value.n);
    } else {
        one = &t->items[at];
        mem_free(one->text);
    }
    one->text = mem_text(text.p, text.n);
    one->text_n = text.n;
}

struct view translations_find(const struct translations *t, struct view language, struct view value)
{
    bool there = false;
    size_t at = 0;

    if (t == NULL || t->count == 0 || language.n != TRANSLATIONS_LANGUAGE || value.p == NULL)
        return value;
    at = place_of(t, language, value, &there);
    return there ? (struct view){t->items[at].text, t->items[at].text_n} : value;
}

bool translations_concern(struct view field)
{
    static const char *const fields[] = {"typeDetails", "statusDetails", "queueName",
                                         "from_queue.name", "owner_name"};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (view_is(field, fields[i]))
            return true;
    return false;
}

const char *translations_kind(struct view field)
{
    return view_is(field, "owner_name") ? "owner_type" : NULL;
}

struct view translations_language(const struct exchange *x)
{
    bool given = false;
    struct view asked = exchange_param(x, "language", &given);

    return given ? asked : view_of(x->user->language);
}
