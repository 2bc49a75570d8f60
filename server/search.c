#define _GNU_SOURCE /* memmem: linear in time */
#include "server/search.h"

#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"
#include "bridge/io/unicode.h"
#include "server/fold.h"
#include "server/sqlite.h"
#include "server/translations.h"
#include "server/visible.h"

#include <string.h>

struct language {
    char tag[UNICODE_LOCALE_MAX + 1]; /* "": the place is free */
    struct collator *collator;
};

struct search {
    struct language languages[SEARCH_LANGUAGES_KEPT];
    size_t next;                             /* the place that is given away next */
    const struct collator *now;              /* NULL: by code points */
    const struct translations *translations; /* NULL: none */
    struct view translated_to;
    struct visible_memo visible;
};

static bool on_matches(void *ctx, struct view pattern, struct view text)
{
    (void)ctx;
    return wildcard_match_nocase(pattern, view_trim(text));
}

static bool on_same(void *ctx, struct view value, struct view text)
{
    (void)ctx;
    return utf8_eq_nocase(value, view_trim(text));
}

static bool on_contains(void *ctx, struct view value, struct view text)
{
    struct buf folded[2];
    bool found = false;

    (void)ctx;
    for (int i = 0; i < 2; i++) {
        buf_init(&folded[i], FOLD_MAX);
        fold_text(i == 0 ? value : text, &folded[i]);
    }
    found = folded[0].n == 0 ||
            (folded[1].n > 0 && memmem(folded[1].p, folded[1].n, folded[0].p, folded[0].n) != NULL);
    buf_done(&folded[0]);
    buf_done(&folded[1]);
    return found;
}

/* Of what is no id, nothing: it is equal to none. */
static void to_guid(struct view hex, struct buf *to)
{
    struct guid id;

    if (guid_parse(hex, &id))
        buf_put(to, (struct view){(const char *)id.bytes, sizeof id.bytes});
}

static int on_order(void *ctx, struct view a, struct view b)
{
    const struct search *s = ctx;

    a = translations_find(s->translations, s->translated_to, a);
    b = translations_find(s->translations, s->translated_to, b);
    return s->now == NULL ? view_cmp(a, b) : collator_compare(s->now, a, b);
}

static void search_free(void *ctx)
{
    struct search *s = ctx;

    for (size_t i = 0; i < SEARCH_LANGUAGES_KEPT; i++)
        collator_free(s->languages[i].collator);
    mem_free(s);
}

void search_install(struct sqlite *db)
{
    struct search *s = mem_zeroed(1, sizeof *s);

    sqlite_add_test(db, "cmi_matches", on_matches, NULL, NULL);
    sqlite_add_test(db, "cmi_same", on_same, NULL, NULL);
    sqlite_add_test(db, "cmi_contains", on_contains, NULL, NULL);
    sqlite_add_bytes(db, "cmi_guid", to_guid, sizeof(struct guid));
    sqlite_keep(db, s);
    sqlite_add_order(db, "cmi_sort", on_order, s, search_free);
}

void search_language(struct sqlite *db, struct view tag)
{
    struct search *s = sqlite_kept(db);
    struct language *l = NULL;

    s->now = NULL;
    if (tag.n == 0 || tag.n > UNICODE_LOCALE_MAX)
        return;
    for (size_t i = 0; i < SEARCH_LANGUAGES_KEPT; i++)
        if (view_is(tag, s->languages[i].tag))
            l = &s->languages[i];
    if (l == NULL) {
        l = &s->languages[s->next];
        s->next = (s->next + 1) % SEARCH_LANGUAGES_KEPT;
        collator_free(l->collator);
        view_copy(tag, l->tag, sizeof l->tag);
        l->collator = collator_new(tag);
    }
    s->now = l->collator;
}

void search_translations(struct sqlite *db, const struct translations *t, struct view language)
{
    struct search *s = sqlite_kept(db);

    s->translations = t;
    s->translated_to = language;
}

struct visible_memo *search_visible(const struct sqlite *db)
{
    struct search *s = sqlite_kept(db);

    return &s->visible;
}
