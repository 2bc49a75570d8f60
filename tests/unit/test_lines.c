#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producers/lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *file_of(const char *text, size_t n)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    rewind(file);
    return file;
}

static void lines_end_in_any_way_and_blank_ones_are_passed_over(void **state)
{
    static const char text[] = "one\r\n\n \t\ntwo\nthree";
    static const char *const want[] = {"one", "two", "three"};
    static const int64_t numbers[] = {1, 4, 5};
    FILE *file = file_of(text, sizeof text - 1);
    struct lines l;
    struct view line;
    struct fault f;

    (void)state;
    lines_init(&l, fileno(file), 10);
    for (size_t i = 0; i < 3; i++) {
        assert_true(lines_next(&l, &line, &f));
        assert_true(view_is(line, want[i]));
        assert_int_equal(l.number, numbers[i]);
    }
    assert_false(lines_next(&l, &line, &f));
    assert_int_equal(f.cls, FAULT_NONE);
    assert_int_equal(l.bytes, sizeof text - 1);
    lines_done(&l);
    assert_int_equal(fclose(file), 0);
}

static void a_byte_order_mark_is_passed_over_at_the_beginning_only(void **state)
{
    static const char text[] = "\xef\xbb\xbf\n\xef\xbb\xbf"
                               "one\n";
    FILE *file = file_of(text, sizeof text - 1);
    struct lines l;
    struct view line;
    struct fault f;

    (void)state;
    lines_init(&l, fileno(file), 10);
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "\xef\xbb\xbf"
                              "one"));
    assert_int_equal(l.number, 2);
    lines_done(&l);
    assert_int_equal(fclose(file), 0);
}

static void a_line_of_one_byte_too_many_is_refused(void **state)
{
    static char text[300001];
    struct lines l;
    struct view line;
    struct fault f;

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t n = 200000; n <= 200001; n++) {
        FILE *file = file_of(text, n);

        lines_init(&l, fileno(file), 200000);
        assert_true(lines_next(&l, &line, &f) == (n == 200000));
        assert_int_equal(f.cls, n == 200000 ? FAULT_NONE : FAULT_REJECT);
        lines_done(&l);
        assert_int_equal(fclose(file), 0);
    }
}

static void write_all(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void a_line_of_a_pipe_is_there_as_soon_as_it_has_come(void **state)
{
    struct lines l;
    struct view line;
    struct fault f;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    lines_init(&l, ends[0], 100);
    write_all(ends[1], "one\nt");
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "one"));
    write_all(ends[1], "wo\nthree");
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "two"));
    assert_int_equal(close(ends[1]), 0);
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "three"));
    assert_false(lines_next(&l, &line, &f));
    assert_int_equal(f.cls, FAULT_NONE);
    lines_done(&l);
    assert_int_equal(close(ends[0]), 0);
}

/* Lets so many reads be. */
static bool allow(void *ctx)
{
    unsigned *reads = ctx;

    return (*reads)-- > 0;
}

static void who_is_told_to_wait_no_more_gets_the_whole_lines_that_were_read(void **state)
{
    unsigned reads = 1;
    struct lines l;
    struct view line;
    struct fault f;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    lines_init(&l, ends[0], 100);
    l.await = allow;
    l.ctx = &reads;
    write_all(ends[1], "one\ntwo\nthre");
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "one"));
    assert_true(lines_next(&l, &line, &f));
    assert_true(view_is(line, "two"));
    assert_false(lines_next(&l, &line, &f));
    assert_int_equal(f.cls, FAULT_NONE);
    assert_int_equal(l.number, 3); /* the one that did not come */
    lines_done(&l);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void what_can_not_be_read_is_a_fault(void **state)
{
    struct lines l;
    struct view line;
    struct fault f;
    int directory = open("/", O_RDONLY);

    (void)state;
    lines_init(&l, directory, 100);
    assert_false(lines_next(&l, &line, &f));
    assert_int_equal(f.cls, FAULT_RETRY);
    assert_string_equal(f.text, "it can't be read: Is a directory");
    lines_done(&l);
    assert_int_equal(close(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_any_way_and_blank_ones_are_passed_over),
        cmocka_unit_test(a_byte_order_mark_is_passed_over_at_the_beginning_only),
        cmocka_unit_test(a_line_of_one_byte_too_many_is_refused),
        cmocka_unit_test(a_line_of_a_pipe_is_there_as_soon_as_it_has_come),
        cmocka_unit_test(who_is_told_to_wait_no_more_gets_the_whole_lines_that_were_read),
        cmocka_unit_test(what_can_not_be_read_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
