/* stats: series, their sums, and the Prometheus text of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/stats.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX (1 << 20)

static const char *rendered(const struct stats *s, struct buf *to)
{
    buf_init(to, TEXT_MAX);
    stats_render(s, to);
    assert_false(to->full);
    return buf_text(to);
}

static void one_name_and_labels_are_one_series(void **state)
{
    struct stats *s = stats_new();
    struct stat *a = stats_get(s, STAT_COUNTER, "a_total", "x=\"1\"", "A.");

    (void)state;
    assert_ptr_equal(stats_get(s, STAT_COUNTER, "a_total", "x=\"1\"", "A."), a);
    assert_ptr_not_equal(stats_get(s, STAT_COUNTER, "a_total", "x=\"2\"", "A."), a);
    assert_ptr_not_equal(stats_get(s, STAT_COUNTER, "a_total", "", "A."), a);
    assert_ptr_not_equal(stats_get(s, STAT_COUNTER, "b_total", "x=\"1\"", "B."), a);
    stat_add(a, 2);
    stat_add(a, 3);
    assert_int_equal(stat_value(a), 5);
    stats_free(s);
    stats_free(NULL);
}

static void the_text_is_grouped_by_name_in_order_of_first_use(void **state)
{
    struct stats *s = stats_new();
    struct buf text;

    (void)state;
    stat_add(stats_get(s, STAT_COUNTER, "z_total", "t=\"1\"", "What z is."), 1);
    stat_set(stats_get(s, STAT_GAUGE, "a_bytes", "", "What a is."), -5);
    stat_add(stats_get(s, STAT_COUNTER, "z_total", "t=\"2\"", "What z is."), 2);
    stat_add(stats_get(s, STAT_GAUGE, "a_bytes", "", "What a is."), 1);
    assert_string_equal(
        rendered(s, &text),
        "# HELP z_total What z is.\n"
        "# TYPE z_total counter\n"
        "z_total{t=\"1\"} 1\n"
        "z_total{t=\"2\"} 2\n"
        "# HELP a_bytes What a is.\n"
        "# TYPE a_bytes gauge\n"
        "a_bytes -4\n"
        "# HELP cmibridge_stats_overflow_total Series asked for beyond the maximum, "
        "and not counted.\n"
        "# TYPE cmibridge_stats_overflow_total counter\n"
        "cmibridge_stats_overflow_total 0\n");
    buf_done(&text);
    stats_free(s);
}

static void a_histogram_counts_each_observation_in_every_bucket_above_it(void **state)
{
    struct stats *s = stats_new();
    struct stat *plain = stats_get(s, STAT_HISTOGRAM, "w_seconds", "", "W.");
    struct stat *labelled = stats_get(s, STAT_HISTOGRAM, "w_seconds", "t=\"a\"", "W.");
    struct buf text;
    const char *out;

    (void)state;
    stat_observe_ms(plain, -3);
    stat_observe_ms(plain, 1);
    stat_observe_ms(plain, 2);
    stat_observe_ms(plain, 60000);
    stat_observe_ms(plain, 60001);
    stat_observe_ms(labelled, 1234);
    assert_int_equal(stat_value(plain), 5);
    out = rendered(s, &text);
    assert_non_null(strstr(out, "# TYPE w_seconds histogram\n"
                                "w_seconds_bucket{le=\"0.001\"} 2\n"
                                "w_seconds_bucket{le=\"0.002\"} 3\n"
                                "w_seconds_bucket{le=\"0.005\"} 3\n"));
    assert_non_null(strstr(out, "w_seconds_bucket{le=\"20\"} 3\n"
                                "w_seconds_bucket{le=\"60\"} 4\n"
                                "w_seconds_bucket{le=\"+Inf\"} 5\n"
                                "w_seconds_sum 120.004\n"
                                "w_seconds_count 5\n"));
    assert_non_null(strstr(out, "w_seconds_bucket{t=\"a\",le=\"1\"} 0\n"
                                "w_seconds_bucket{t=\"a\",le=\"2\"} 1\n"));
    assert_non_null(strstr(out, "w_seconds_sum{t=\"a\"} 1.234\nw_seconds_count{t=\"a\"} 1\n"));
    buf_done(&text);
    stats_free(s);
}

static void sums_stay_at_the_ends_of_their_range(void **state)
{
    struct stats *s = stats_new();
    struct stat *g = stats_get(s, STAT_GAUGE, "g", "", "G.");
    struct stat *h = stats_get(s, STAT_HISTOGRAM, "h", "", "H.");
    struct buf text;

    (void)state;
    stat_set(g, INT64_MAX - 1);
    stat_add(g, 2);
    assert_true(stat_value(g) == INT64_MAX);
    stat_set(g, INT64_MIN + 1);
    stat_add(g, -2);
    assert_true(stat_value(g) == INT64_MIN);
    stat_observe_ms(h, INT64_MAX);
    stat_observe_ms(h, INT64_MAX);
    assert_non_null(strstr(rendered(s, &text), "h_sum 9223372036854775.807\nh_count 2\n"));
    buf_done(&text);
    stats_free(s);
}

static void the_series_past_the_maximum_is_shared_shown_nowhere_and_counted(void **state)
{
    struct stats *s = stats_new();
    struct stat *first = NULL;
    struct stat *over;
    struct buf text;
    char labels[STATS_LABELS_MAX + 2];

    (void)state;
    for (int i = 0; i < STATS_MAX; i++) {
        struct stat *st;

        (void)snprintf(labels, sizeof labels, "i=\"%d\"", i);
        st = stats_get(s, STAT_COUNTER, "many_total", labels, "M.");
        stat_add(st, i);
        if (i == 0)
            first = st;
    }
    over = stats_get(s, STAT_COUNTER, "many_total", "i=\"x\"", "M.");
    assert_ptr_equal(stats_get(s, STAT_HISTOGRAM, "other_seconds", "", "O."), over);
    stat_add(over, 1);
    stat_set(over, 77);
    stat_observe_ms(over, 1);
    assert_int_equal(stat_value(over), 0);
    /* What was there is still found, each as itself. */
    assert_ptr_equal(stats_get(s, STAT_COUNTER, "many_total", "i=\"0\"", "M."), first);
    for (int i = 0; i < STATS_MAX; i++) {
        (void)snprintf(labels, sizeof labels, "i=\"%d\"", i);
        assert_int_equal(stat_value(stats_get(s, STAT_COUNTER, "many_total", labels, "M.")), i);
    }
    assert_non_null(strstr(rendered(s, &text), "\ncmibridge_stats_overflow_total 2\n"));
    assert_null(strstr(buf_text(&text), "other_seconds"));
    buf_done(&text);
    stats_free(s);

    s = stats_new();
    memset(labels, 'x', sizeof labels - 1);
    labels[STATS_LABELS_MAX + 1] = '\0';
    over = stats_get(s, STAT_COUNTER, "a_total", labels, "A.");
    labels[STATS_LABELS_MAX] = '\0';
    stat_add(stats_get(s, STAT_COUNTER, "a_total", labels, "A."), 1);
    assert_int_equal(stat_value(over), 0);
    assert_int_equal(stat_value(stats_get(s, STAT_COUNTER, "a_total", labels, "A.")), 1);
    stats_free(s);
}

static void a_label_is_escaped_so_that_no_value_can_end_it(void **state)
{
    struct buf to;

    (void)state;
    buf_init(&to, 200);
    stats_label(&to, "a", VIEW("plain ä"));
    stats_label(&to, "b", VIEW("q\"u\\o\nt\te\x7f"));
    stats_label(&to, "c", VIEW("bad\xff\xc3z"));
    stats_label(&to, "d", VIEW_NONE);
    assert_string_equal(buf_text(&to),
                        "a=\"plain ä\",b=\"q\\\"u\\\\o\\nt?e?\",c=\"bad??z\",d=\"\"");
    buf_done(&to);
}

static void a_label_that_does_not_fit_is_left_out_whole(void **state)
{
    struct buf to;

    (void)state;
    buf_init(&to, 12);
    stats_label(&to, "a", VIEW("1"));
    stats_label(&to, "b", VIEW("12345"));
    assert_true(to.full);
    assert_string_equal(buf_text(&to), "a=\"1\"");
    buf_done(&to);
}

static void a_gauge_is_hidden_until_it_is_set_again(void **state)
{
    struct stats *s = stats_new();
    struct stat *gone = stats_get(s, STAT_GAUGE, "lag", "p=\"0\"", "L.");
    struct stat *stays = stats_get(s, STAT_GAUGE, "lag", "p=\"1\"", "L.");
    struct buf text;

    (void)state;
    stat_set(gone, 7);
    stat_set(stays, 8);
    stat_set(stats_get(s, STAT_GAUGE, "other", "", "O."), 9);
    stats_hide(s, "lag");
    stats_hide(s, "none such");
    stat_set(stays, 5);
    assert_null(strstr(rendered(s, &text), "lag{p=\"0\"}"));
    assert_non_null(strstr(buf_text(&text), "lag{p=\"1\"} 5\n"));
    assert_non_null(strstr(buf_text(&text), "other 9\n"));
    buf_done(&text);
    stat_set(gone, 0);
    assert_non_null(strstr(rendered(s, &text), "lag{p=\"0\"} 0\n"));
    buf_done(&text);
    stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_and_labels_are_one_series),
        cmocka_unit_test(the_text_is_grouped_by_name_in_order_of_first_use),
        cmocka_unit_test(a_histogram_counts_each_observation_in_every_bucket_above_it),
        cmocka_unit_test(sums_stay_at_the_ends_of_their_range),
        cmocka_unit_test(the_series_past_the_maximum_is_shared_shown_nowhere_and_counted),
        cmocka_unit_test(a_label_is_escaped_so_that_no_value_can_end_it),
        cmocka_unit_test(a_label_that_does_not_fit_is_left_out_whole),
        cmocka_unit_test(a_gauge_is_hidden_until_it_is_set_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
