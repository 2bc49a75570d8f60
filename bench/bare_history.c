/*
 * bare_history FILE QUERY: the limit for `GET /contacts?QUERY`: the statement that serve answers it
 * with, on the same file, compiled once, every column of every row read, for two seconds. Prints
 * how often a second, and the milliseconds of the median and of the slowest hundredth.
 */
#include "bridge/core/mem.h"
#include "bridge/core/percent.h"
#include "server/contact_query.h"
#include "server/search.h"
#include "server/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECONDS    2.0
#define PARAMS_MAX 16
#define RUNS_MAX   1000000

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t read_column(const struct sqlite_query *q, int column)
{
    switch (sqlite_kind(q, column)) {
    case SQLITE_KIND_NULL:
        return 0;
    case SQLITE_KIND_INT:
        return (size_t)sqlite_int(q, column);
    case SQLITE_KIND_TEXT:
    case SQLITE_KIND_BLOB:
        break;
    }
    return sqlite_text(q, column).n;
}

static size_t run(struct contact_query *c, const struct exchange *x, struct sqlite *db)
{
    struct sqlite_query q = contact_query_open(c, x, 3600000, &contact_query_all, db);
    int columns = sqlite_columns(&q);
    size_t sum = 0;

    for (int64_t n = 0; n < c->page.limit && sqlite_row(&q); n++)
        for (int i = 0; i < columns; i++)
            sum += read_column(&q, i);
    sqlite_end(&q);
    return sum;
}

static int by_length(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct exchange_param params[PARAMS_MAX];
    struct exchange_user user = {.login = "bench", .language = "en"};
    struct exchange x = {.params = params, .user = &user, .wall_ms = INT64_C(1760000000000)};
    struct fault f = {0};
    struct sqlite *db = argc == 3 ? sqlite_open(argv[1], true, &f) : NULL;
    struct view query = argc == 3 ? view_of(argv[2]) : VIEW_NONE;
    struct view name;
    struct view value;
    char text[4096];
    char *at = text;
    struct contact_query c;
    float *took_ms = NULL;
    size_t runs = 0;
    size_t sum = 0;
    double from = 0;
    double last = 0;

    if (db == NULL || query.n > sizeof text) {
        fprintf(stderr, "bare_history FILE QUERY: %s\n", f.text);
        return 2;
    }
    search_install(db);
    while (x.param_count < PARAMS_MAX && percent_next_pair(&query, &name, &value)) {
        struct exchange_param *one = &params[x.param_count++];

        one->name = name;
        if (!percent_decode_query(value, at, &one->value, &f))
            return 2;
        at += one->value.n;
    }
    contact_query_init(&c);
    if (!contact_query_read(&c, &x, &f)) {
        fprintf(stderr, "%s\n", f.text);
        return 2;
    }
    took_ms = mem_zeroed(RUNS_MAX, sizeof *took_ms);
    for (from = last = now(); last - from < SECONDS && runs < RUNS_MAX; runs++) {
        double before = last;

        sum += run(&c, &x, db);
        if (!sqlite_check(db, &f)) {
            fprintf(stderr, "%s\n", f.text);
            return 1;
        }
        last = now();
        took_ms[runs] = (float)((last - before) * 1e3);
    }
    qsort(took_ms, runs, sizeof *took_ms, by_length);
    printf("%.1f %.3f %.3f\n", (double)runs / (last - from), (double)took_ms[runs / 2],
           (double)took_ms[runs * 99 / 100]);
    fprintf(stderr, "%zu runs, sum %zu\n", runs, sum); /* so that none is left out */
    mem_free(took_ms);
    contact_query_done(&c);
    sqlite_close(db);
    return 0;
}
