#include "bridge/io/unicode.h"

#include "bridge/core/mem.h"

#include <string.h>

#include <unicode/ucasemap.h>
#include <unicode/ucol.h>
#include <unicode/uloc.h>

struct collator {
    UCollator *icu;
};

/* ICU's own name of the language. */
static bool name_of(struct view tag, char name[ULOC_FULLNAME_CAPACITY])
{
    char text[UNICODE_LOCALE_MAX + 1];
    UErrorCode error = U_ZERO_ERROR;
    int32_t read = 0;

    if (tag.n == 0 || tag.n > UNICODE_LOCALE_MAX || view_has(tag, '\0'))
        return false;
    view_copy(tag, text, sizeof text);
    (void)uloc_forLanguageTag(text, name, ULOC_FULLNAME_CAPACITY, &read, &error);
    return U_SUCCESS(error) && error != U_STRING_NOT_TERMINATED_WARNING && (size_t)read == tag.n;
}

bool unicode_is_tag(struct view tag)
{
    char name[ULOC_FULLNAME_CAPACITY];

    return name_of(tag, name);
}

struct collator *collator_new(struct view tag)
{
    char name[ULOC_FULLNAME_CAPACITY];
    UErrorCode error = U_ZERO_ERROR;
    struct collator *c = NULL;
    UCollator *icu = NULL;

    if (!name_of(tag, name))
        return NULL;
    icu = ucol_open(name, &error);
    if (U_FAILURE(error)) {
        error = U_ZERO_ERROR;
        icu = ucol_open("", &error);
    }
    if (U_FAILURE(error))
        return NULL;
    c = mem_zeroed(1, sizeof *c);
    c->icu = icu;
    return c;
}

void collator_free(struct collator *c)
{
    if (c == NULL)
        return;
    ucol_close(c->icu);
    mem_free(c);
}

int collator_compare(const struct collator *c, struct view a, struct view b)
{
    UErrorCode error = U_ZERO_ERROR;
    UCollationResult order = ucol_strcollUTF8(c->icu, a.p != NULL ? a.p : "", (int32_t)a.n,
                                              b.p != NULL ? b.p : "", (int32_t)b.n, &error);

    return U_SUCCESS(error) ? (int)order : view_cmp(a, b);
}

void unicode_fold(struct view text, struct buf *to)
{
    UErrorCode error = U_ZERO_ERROR;
    UCaseMap *map = ucasemap_open("", U_FOLD_CASE_DEFAULT, &error);
    int32_t needed = 0;
    char *room = NULL;

    if (U_SUCCESS(error))
        needed = ucasemap_utf8FoldCase(map, NULL, 0, text.p, (int32_t)text.n, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR && (room = buf_room(to, (size_t)needed)) != NULL) {
        error = U_ZERO_ERROR;
        needed = ucasemap_utf8FoldCase(map, room, needed, text.p, (int32_t)text.n, &error);
        if (U_SUCCESS(error))
            buf_grew(to, (size_t)needed);
    }
    ucasemap_close(map);
}
