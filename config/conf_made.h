/*
 * conf_made: what a conf is made of; for the files that load it.
 */
#ifndef CONFIG_CONF_MADE_H
#define CONFIG_CONF_MADE_H

#include "config/conf.h"
#include "config/schema.h"

#include <stddef.h>

struct conf_value {
    char *path;
    const struct setting *row;
    char *text;     /* NULL, while loading only: given, but wrongly */
    int64_t number; /* of the kinds that are one */
    char *origin;
};

struct conf_name {
    char *map;  /* "targets" */
    char *name; /* "main" */
    char *origin;
    size_t at; /* in the order of the file */
};

struct conf {
    struct conf_value *values; /* the first `sorted` are ordered by path */
    size_t count;
    size_t cap;
    size_t sorted;
    struct conf_name *names; /* the first names_sorted by map, and there in the order of the file */
    size_t name_count;
    size_t names_sorted;
    struct buf warnings; /* sentences, each ended by a NUL */
};

#define CONF_WARNINGS_MAX 65536 /* bytes */

void conf_value_done(struct conf_value *v);
const struct conf_value *conf_find(const struct conf *c, const char *path);
const struct conf_name *conf_find_name(const struct conf *c, const char *map, size_t i);
void conf_sort(struct conf *c);
void conf_warn(struct conf *c, const char *origin, const char *sentence);

/* The rules between settings (conf_rules.c). `file` stands in front of a mistake that has no line;
 * `users` as for conf_load_for. */
void conf_rules(struct conf *c, const char *file, unsigned users, struct buf *mistakes);

#endif
