/*
 * bare_history FILE QUERY: the limit for `GET /contacts?QUERY`: the same statement on the same
 * file, prepared once, each row's columns read, for two seconds. Prints how often a second.
 */
#include "bridge/core/mem.h"
#include "bridge/core/percent.h"
#include "server/contact_query.h"
#include "server/search.h"
#include "server/sqlite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS    2.0
#define PARAMS_MAX 16

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t run(struct contact_query *c, const struct exchange *x, struct sqlite *db)
{
    struct sqlite_query q = contact_query_open(c, x, 3600000, db);
    size_t bytes = 0;

    for (int64_t n = 0; n < c->page.limit && sqlite_row(&q); n++)
        for (int i = 0; i < sqlite_columns(&q); i++)
            bytes += sqlite_text(&q, i).n;
    sqlite_end(&q);
    return bytes;
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
    size_t runs = 0;
    double from = 0;

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
    for (from = now(); now() - from < SECONDS; runs++) {
        struct contact_query *c = mem_zeroed(1, sizeof *c);

        contact_query_init(c);
        if (!contact_query_read(c, &x, &f)) {
            fprintf(stderr, "%s\n", f.text);
            return 2;
        }
        (void)run(c, &x, db);
        contact_query_done(c);
        mem_free(c);
        if (!sqlite_check(db, &f)) {
            fprintf(stderr, "%s\n", f.text);
            return 1;
        }
    }
    printf("%.1f\n", (double)runs / (now() - from));
    sqlite_close(db);
    return 0;
}
