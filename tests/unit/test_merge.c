/* merge: of many events that set one property, which one holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/arena.h"
#include "bridge/core/mem.h"
#include "bridge/core/merge.h"
#include "bridge/core/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct merge_stamp finer(int64_t ms, uint32_t ns, const char *sequence, const char *id,
                                const char *source)
{
    struct merge_stamp s;
    struct fault f;

    assert_true(merge_stamp(ms, ns, view_of(sequence), view_of(id), view_of(source), &s, &f));
    return s;
}

static struct merge_stamp stamp(int64_t ms, const char *sequence, const char *id,
                                const char *source)
{
    return finer(ms, 0, sequence, id, source);
}

static void stamps_compare_by_time_then_sequence_then_id(void **state)
{
    /* Each row is less than the next. */
    static const struct {
        int64_t ms;
        const char *sequence;
        const char *id;
        uint32_t ns;
    } rows[] = {
        {INT64_MIN, "", "z", 0},
        {-1, "9", "z", 0},
        {0, "", "", 0},
        {0, "", "a", 0},
        {0, "", "ab", 0},
        {0, "", "b", 0},
        {0, "0", "a", 0},
        {0, "00", "b", 0},
        {0, "1", "c", 0},
        {0, "001", "z", 0},
        {0, "2", "a", 0},
        {0, "2", "\xc3\xa4", 0},
        {0, "009", "a", 0},
        {0, "10", "a", 0},
        {0, "1a", "a", 0}, /* letters are digits of a greater base */
        {0, "0020", "a", 0},
        {0, "000a0", "a", 0},
        {0, "100", "a", 0},
        {0, "zzz", "a", 0},
        {0, "99999999999999999999", "a", 0},
        {0, "0100000000000000000000", "a", 0},
        {0, "9999999999999999999999999999999999999999999999999999999999999999", "a", 0},
        {0, "!", "a", 0}, /* what has a sign that is less than 0 comes after all of these */
        {0, "-1", "a", 0},
        {0, "1.10", "a", 0},
        {0, "1.5", "a", 0},
        {0, "9 a", "a", 0},
        {0, "", "", 1},
        {0, "", "a", 999},
        {0, "1", "a", 999},
        {0, "", "a", 1000},
        {0, "", "a", 999999},
        {1, "", "a", 0},
        {1700000000000, "", "", 0},
        {INT64_MAX, "zzz", "zzz", 0},
    };
    struct merge_stamp origin = merge_stamp_origin();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct merge_stamp a = finer(rows[i].ms, rows[i].ns, rows[i].sequence, rows[i].id, "s");

        assert_true(merge_stamp_cmp(&origin, &a) < 0);
        assert_int_equal(merge_stamp_ms(&a), rows[i].ms);
        assert_int_equal(merge_stamp_ms(&origin), INT64_MIN);
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            struct merge_stamp b = finer(rows[k].ms, rows[k].ns, rows[k].sequence, rows[k].id, "s");
            int order = merge_stamp_cmp(&a, &b);

            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

static int order_of(const char *one, const char *other)
{
    struct merge_stamp a = stamp(0, one, "a", "s");
    struct merge_stamp b = stamp(0, other, "a", "s");
    int order = merge_stamp_cmp(&a, &b);

    return (order > 0) - (order < 0);
}

static void any_text(struct rng *rng, const char *alphabet, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[rng_below(rng, strlen(alphabet))];
    out[n] = '\0';
}

static void sequences_of_one_width_compare_as_their_bytes(void **state)
{
    static const char *const alphabets[] = {
        "01",
        "0123456789",
        "0123456789abcdef",
        "0123456789ABCDEF",
        "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
        "09AZaz",
        "09:@AZ_az~", /* no digit of it is less than 0 */
    };
    struct rng rng = rng_of(20260102);

    (void)state;
    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++)
        for (unsigned round = 0; round < 2000; round++) {
            size_t n = 1 + (size_t)rng_below(&rng, 6);
            char a[8];
            char b[8];
            int order;

            any_text(&rng, alphabets[i], n, a);
            any_text(&rng, alphabets[i], n, b);
            order = strcmp(a, b);
            assert_int_equal(order_of(a, b), (order > 0) - (order < 0));
        }
}

static void decimal_sequences_compare_as_numbers(void **state)
{
    struct rng rng = rng_of(20260103);

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t a = rng_below(&rng, UINT64_C(1) << rng_below(&rng, 63));
        uint64_t b = rng_below(&rng, UINT64_C(1) << rng_below(&rng, 63));
        char one[24];
        char other[24];

        snprintf(one, sizeof one, "%" PRIu64, a);
        snprintf(other, sizeof other, "%" PRIu64, b);
        assert_int_equal(order_of(one, other), (a > b) - (a < b));
    }
}

/* The rule, of two texts as they are. */
static int plainly(const char *a, const char *b)
{
    static const char less_than_0[] = " !\"#$%&'()*+,-./";
    bool a_is_text = strpbrk(a, less_than_0) != NULL;
    bool b_is_text = strpbrk(b, less_than_0) != NULL;
    int order;

    if (*a == '\0' || *b == '\0')
        return (*a != '\0') - (*b != '\0');
    if (a_is_text != b_is_text)
        return a_is_text ? 1 : -1;
    if (!a_is_text) {
        while (*a == '0' && a[1] != '\0')
            a++;
        while (*b == '0' && b[1] != '\0')
            b++;
        if (strlen(a) != strlen(b))
            return strlen(a) > strlen(b) ? 1 : -1;
    }
    order = strcmp(a, b);
    return (order > 0) - (order < 0);
}

static void sequences_of_any_kind_have_one_order(void **state)
{
    struct rng rng = rng_of(20260104);

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char t[3][8];
        int ab;
        int bc;

        for (unsigned i = 0; i < 3; i++)
            any_text(&rng, "0019aZ-.:~\xc3\xa4", (size_t)rng_below(&rng, 5), t[i]);
        ab = plainly(t[0], t[1]);
        bc = plainly(t[1], t[2]);
        assert_int_equal(plainly(t[1], t[0]), -ab);
        if (ab <= 0 && bc <= 0)
            assert_int_equal(plainly(t[0], t[2]), ab < bc ? ab : bc);
        if (ab >= 0 && bc >= 0)
            assert_int_equal(plainly(t[0], t[2]), ab > bc ? ab : bc);
        assert_int_equal(order_of(t[0], t[1]), ab);
    }
}

static void the_one_after_a_stamp_is_before_any_other_event_s(void **state)
{
    struct merge_stamp a = stamp(1, "1", "a", "/one");
    struct merge_stamp next = merge_stamp_after(&a);
    struct merge_stamp another = stamp(1, "1", "a0", "/one");
    struct merge_stamp carries = a;

    (void)state;
    assert_true(merge_stamp_cmp(&a, &next) < 0);
    assert_true(merge_stamp_cmp(&next, &another) < 0);
    assert_int_equal(merge_stamp_ms(&next), 1);
    memset(carries.bytes + carries.n - 8, 0xff, 8);
    next = merge_stamp_after(&carries);
    assert_int_equal(next.n, carries.n);
    assert_true(merge_stamp_cmp(&carries, &next) < 0);
    assert_true(merge_stamp_cmp(&next, &another) < 0);
}

static void the_source_breaks_the_last_tie(void **state)
{
    struct merge_stamp a = stamp(1, "1", "a", "/one");
    struct merge_stamp b = stamp(1, "1", "a", "/two");
    struct merge_stamp again = stamp(1, "1", "a", "/one");

    (void)state;
    assert_int_not_equal(merge_stamp_cmp(&a, &b), 0);
    assert_int_equal(merge_stamp_cmp(&a, &again), 0);
}

static void what_is_too_long_is_refused_by_name(void **state)
{
    char longest[MERGE_ID_MAX + 2];
    struct merge_stamp s;
    struct fault f;

    (void)state;
    memset(longest, 'x', sizeof longest);
    assert_true(
        merge_stamp(0, 0, VIEW(""), (struct view){longest, MERGE_ID_MAX}, VIEW(""), &s, &f));
    assert_false(
        merge_stamp(0, 0, VIEW(""), (struct view){longest, MERGE_ID_MAX + 1}, VIEW(""), &s, &f));
    assert_string_equal(f.text, "id has 256 bytes; at most 255 are allowed, none of them NUL");
    assert_true(
        merge_stamp(0, 0, (struct view){longest, MERGE_SEQUENCE_MAX}, VIEW(""), VIEW(""), &s, &f));
    assert_false(merge_stamp(0, 0, (struct view){longest, MERGE_SEQUENCE_MAX + 1}, VIEW(""),
                             VIEW(""), &s, &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_false(merge_stamp(0, 0, VIEW("a\0b"), VIEW(""), VIEW(""), &s, &f));
    assert_false(merge_stamp(0, 0, VIEW(""), VIEW("a\0b"), VIEW(""), &s, &f));
}

static void the_newest_wins_whatever_comes_first(void **state)
{
    struct merge_map *m = mem_zeroed(1, sizeof *m);
    struct merge_stamp old = stamp(1, "", "a", "s");
    struct merge_stamp new = stamp(2, "", "a", "s");

    (void)state;
    merge_map_init(m);
    assert_null(merge_map_get(m, 5));
    assert_true(merge_map_newest(m, 5, &new));
    assert_false(merge_map_newest(m, 5, &old));
    assert_true(merge_map_newest(m, 5, &new)); /* the same event again */
    assert_true(merge_map_newest(m, 6, &old));
    assert_true(merge_map_oldest(m, 7, &new));
    assert_true(merge_map_oldest(m, 7, &old));
    assert_false(merge_map_oldest(m, 7, &new));
    assert_int_equal(merge_stamp_cmp(merge_map_get(m, 5), &new), 0);
    assert_int_equal(merge_stamp_cmp(merge_map_get(m, 7), &old), 0);
    mem_free(m);
}

/* Against the plainest model: per property the greatest stamp. */
static void any_order_ends_in_one_map(void **state)
{
    struct merge_map *m = mem_zeroed(1, sizeof *m);
    struct merge_map *back = mem_zeroed(1, sizeof *back);
    struct rng rng = rng_of(20260101);
    struct fault f;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        int64_t best[MERGE_PROPERTIES];
        struct buf stored;

        merge_map_init(m);
        memset(best, 0, sizeof best);
        for (unsigned event = 0; event < 300; event++) {
            int64_t ms = 1 + (int64_t)rng_below(&rng, 500);
            unsigned p = (unsigned)rng_below(&rng, MERGE_PROPERTIES);
            struct merge_stamp s = stamp(ms, "", "x", "s");

            assert_int_equal(merge_map_newest(m, p, &s), ms >= best[p]);
            if (ms > best[p])
                best[p] = ms;
        }
        buf_init(&stored, 1 << 20);
        merge_map_write(m, &stored);
        assert_true(merge_map_read(back, buf_view(&stored), &f));
        buf_done(&stored);
        for (unsigned p = 0; p < MERGE_PROPERTIES; p++) {
            struct merge_stamp s = stamp(best[p], "", "x", "s");

            if (best[p] == 0)
                assert_null(merge_map_get(back, p));
            else
                assert_int_equal(merge_stamp_cmp(merge_map_get(back, p), &s), 0);
        }
    }
    mem_free(m);
    mem_free(back);
}

static void a_damaged_map_is_refused(void **state)
{
    struct merge_map *m = mem_zeroed(1, sizeof *m);
    struct merge_stamp s = stamp(1, "", "id", "s");
    struct buf stored;
    struct fault f;

    (void)state;
    merge_map_init(m);
    assert_true(merge_map_newest(m, 3, &s));
    buf_init(&stored, 1024);
    merge_map_write(m, &stored);
    for (size_t n = 1; n < stored.n; n++)
        assert_false(merge_map_read(m, (struct view){stored.p, n}, &f));
    assert_true(merge_map_read(m, (struct view){stored.p, stored.n}, &f));
    stored.p[stored.n - 1] = 64; /* no such property */
    assert_false(merge_map_read(m, buf_view(&stored), &f));
    stored.p[0] = 127; /* no stamp is so long */
    assert_false(merge_map_read(m, buf_view(&stored), &f));
    buf_done(&stored);
    mem_free(m);
}

static void pieces_of_an_arena_are_zeroed_aligned_and_apart(void **state)
{
    struct arena a;
    char *before = NULL;

    (void)state;
    arena_init(&a);
    for (size_t n = 1; n < 3 * ARENA_BLOCK; n = n * 3 + 1) {
        char *piece = arena_take(&a, n, 1);

        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 'x', n);
        if (before != NULL)
            assert_int_equal(before[0], 'x');
        before = piece;
    }
    assert_true(view_is(arena_view(&a, VIEW("text")), "text"));
    assert_non_null(arena_view(&a, VIEW_NONE).p); /* given, and empty */
    arena_done(&a);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_compare_by_time_then_sequence_then_id),
        cmocka_unit_test(sequences_of_one_width_compare_as_their_bytes),
        cmocka_unit_test(decimal_sequences_compare_as_numbers),
        cmocka_unit_test(sequences_of_any_kind_have_one_order),
        cmocka_unit_test(the_one_after_a_stamp_is_before_any_other_event_s),
        cmocka_unit_test(the_source_breaks_the_last_tie),
        cmocka_unit_test(what_is_too_long_is_refused_by_name),
        cmocka_unit_test(the_newest_wins_whatever_comes_first),
        cmocka_unit_test(any_order_ends_in_one_map),
        cmocka_unit_test(a_damaged_map_is_refused),
        cmocka_unit_test(pieces_of_an_arena_are_zeroed_aligned_and_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
