#include "bridge/io/unicode.h"

#include "bridge/core/mem.h"

#include <string.h>

#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/ucol.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

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

/* ---- what people write by hand ---- */

#define HAND_MAX 2048 /* UTF-16 units, and bytes */

static bool is_beside(uint32_t code)
{
    return (U_MASK(u_charType((UChar32)code)) &
            (U_GC_P_MASK | U_GC_Z_MASK | U_GC_CC_MASK | U_GC_CF_MASK)) != 0 ||
           u_hasBinaryProperty((UChar32)code, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

/* What a folded letter is without what is of the keyboard; 0: it falls away. */
static UChar bare(UChar before, UChar c)
{
    static const UChar pairs[][2] = {{0x131, 'i'},   {0x3ac, 0x3b1}, {0x3ad, 0x3b5},
                                     {0x3ae, 0x3b7}, {0x3af, 0x3b9}, {0x3cc, 0x3bf},
                                     {0x3cd, 0x3c5}, {0x3ce, 0x3c9}};

    if (c == 0x307 && before == 'i')
        return 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (c == pairs[i][0])
            return pairs[i][1];
    return c;
}

static void fold_by_hand(struct view text, struct buf *to)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *form = unorm2_getNFKCCasefoldInstance(&error);
    UChar wide[HAND_MAX];
    UChar folded[HAND_MAX];
    char narrow[HAND_MAX];
    int32_t n = 0;
    int32_t kept = 0;

    if (text.n == 0 || text.n > HAND_MAX)
        return;
    u_strFromUTF8(wide, HAND_MAX, &n, text.p, (int32_t)text.n, &error);
    n = unorm2_normalize(form, wide, n, folded, HAND_MAX, &error);
    for (int32_t i = 0; U_SUCCESS(error) && i < n; i++) {
        UChar c = bare(kept > 0 ? folded[kept - 1] : 0, folded[i]);

        if (c != 0)
            folded[kept++] = c;
    }
    u_strToUTF8(narrow, HAND_MAX, &n, folded, kept, &error);
    if (U_SUCCESS(error))
        buf_put(to, (struct view){narrow, (size_t)n});
}

const struct stop_words_letters unicode_letters = {is_beside, fold_by_hand};
