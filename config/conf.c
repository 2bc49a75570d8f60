/* A loaded configuration: looked up, listed and compared. conf_load.c makes it. */
#include "config/conf.h"

#include "bridge/core/mem.h"
#include "config/conf_made.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conf_value_done(struct conf_value *v)
{
    mem_free(v->path);
    mem_free(v->text);
    mem_free(v->origin);
    *v = (struct conf_value){0};
}

void conf_free(struct conf *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        conf_value_done(&c->values[i]);
    for (size_t i = 0; i < c->name_count; i++) {
        mem_free(c->names[i].map);
        mem_free(c->names[i].name);
        mem_free(c->names[i].origin);
    }
    mem_free(c->values);
    mem_free(c->names);
    buf_done(&c->warnings);
    mem_free(c);
}

static int by_path(const void *a, const void *b)
{
    const struct conf_value *x = a;
    const struct conf_value *y = b;

    return strcmp(x->path, y->path);
}

static int by_map(const void *a, const void *b)
{
    const struct conf_name *x = a;
    const struct conf_name *y = b;
    int order = strcmp(x->map, y->map);

    return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

static int path_order(const void *path, const void *value)
{
    return strcmp(path, ((const struct conf_value *)value)->path);
}

void conf_sort(struct conf *c)
{
    if (c->count > 0)
        qsort(c->values, c->count, sizeof *c->values, by_path);
    c->sorted = c->count;
    if (c->name_count > 0)
        qsort(c->names, c->name_count, sizeof *c->names, by_map);
    c->names_sorted = c->name_count;
}

/* The first of the sorted names that are not before the map. */
static size_t first_of(const struct conf *c, const char *map)
{
    size_t from = 0;
    size_t to = c->names_sorted;

    while (from < to) {
        size_t at = from + (to - from) / 2;

        if (strcmp(c->names[at].map, map) < 0)
            from = at + 1;
        else
            to = at;
    }
    return from;
}

const struct conf_value *conf_find(const struct conf *c, const char *path)
{
    if (c->sorted == 0)
        return NULL;
    return bsearch(path, c->values, c->sorted, sizeof *c->values, path_order);
}

/* A path that no row allows is a defect of the caller. */
static const struct conf_value *get(const struct conf *c, const char *path)
{
    const struct conf_value *v = conf_find(c, path);

    assert(v != NULL || schema_find(path) != NULL);
    return v;
}

static int64_t number(const struct conf *c, const char *path, enum setting_kind kind)
{
    const struct conf_value *v = get(c, path);

    assert(schema_find(path)->kind == kind);
    return v != NULL ? v->number : 0;
}

bool conf_has(const struct conf *c, const char *path)
{
    return get(c, path) != NULL;
}

const char *conf_text(const struct conf *c, const char *path)
{
    const struct conf_value *v = get(c, path);

    return v != NULL ? v->text : NULL;
}

int64_t conf_int(const struct conf *c, const char *path)
{
    const struct setting *row = schema_find(path);

    assert(row != NULL);
    return number(c, path, row->kind == SETTING_PERCENT ? SETTING_PERCENT : SETTING_INT);
}

bool conf_bool(const struct conf *c, const char *path)
{
    return number(c, path, SETTING_BOOL) != 0;
}

int64_t conf_ms(const struct conf *c, const char *path)
{
    return number(c, path, SETTING_DURATION);
}

int64_t conf_bytes(const struct conf *c, const char *path)
{
    return number(c, path, SETTING_SIZE);
}

static void item_path(const char *list, size_t i, char out[SCHEMA_PATH_MAX])
{
    (void)snprintf(out, SCHEMA_PATH_MAX, "%s[%zu]", list, i);
}

size_t conf_count(const struct conf *c, const char *path)
{
    size_t n = 0;
    bool bare;

    if (schema_is_list(path)) {
        char item[SCHEMA_PATH_MAX];

        for (;; n++) {
            item_path(path, n, item);
            if (conf_find(c, item) == NULL)
                return n;
        }
    }
    assert(schema_is_map(path, &bare));
    for (size_t at = first_of(c, path); at < c->name_count; at++) {
        if (strcmp(c->names[at].map, path) == 0)
            n++;
        else if (at < c->names_sorted)
            at = c->names_sorted - 1; /* what was added since is in no order */
    }
    return n;
}

const struct conf_name *conf_find_name(const struct conf *c, const char *map, size_t i)
{
    size_t at = first_of(c, map) + i;

    if (at < c->names_sorted && strcmp(c->names[at].map, map) == 0)
        return &c->names[at];
    for (at = first_of(c, map); at < c->name_count; at++)
        if (strcmp(c->names[at].map, map) == 0 && i-- == 0)
            return &c->names[at];
    assert(!"there are conf_count entries");
    return NULL;
}

const char *conf_name(const struct conf *c, const char *path, size_t i)
{
    return conf_find_name(c, path, i)->name;
}

/* "targets.main.url"; without a key "routes.message.*". */
static const char *entry_path(const struct conf *c, const char *map, size_t i, const char *key,
                              char out[SCHEMA_PATH_MAX])
{
    (void)snprintf(out, SCHEMA_PATH_MAX, "%s.%s%s%s", map, conf_name(c, map, i),
                   key != NULL ? "." : "", key != NULL ? key : "");
    return out;
}

const char *conf_item(const struct conf *c, const char *path, size_t i)
{
    char item[SCHEMA_PATH_MAX];

    if (schema_is_list(path))
        item_path(path, i, item);
    else
        entry_path(c, path, i, NULL, item);
    return conf_text(c, item);
}

const char *conf_entry_text(const struct conf *c, const char *map, size_t i, const char *key)
{
    char path[SCHEMA_PATH_MAX];

    return conf_text(c, entry_path(c, map, i, key, path));
}

int64_t conf_entry_int(const struct conf *c, const char *map, size_t i, const char *key)
{
    char path[SCHEMA_PATH_MAX];

    return conf_int(c, entry_path(c, map, i, key, path));
}

bool conf_entry_bool(const struct conf *c, const char *map, size_t i, const char *key)
{
    char path[SCHEMA_PATH_MAX];

    return conf_bool(c, entry_path(c, map, i, key, path));
}

int64_t conf_entry_ms(const struct conf *c, const char *map, size_t i, const char *key)
{
    char path[SCHEMA_PATH_MAX];

    return conf_ms(c, entry_path(c, map, i, key, path));
}

const char *conf_origin(const struct conf *c, const char *path)
{
    const struct conf_value *v = get(c, path);

    return v != NULL ? v->origin : NULL;
}

void conf_warn(struct conf *c, const char *origin, const char *sentence)
{
    buf_printf(&c->warnings, "%s: %s", origin, sentence);
    buf_put_char(&c->warnings, '\0');
}

const char *conf_warning(const struct conf *c, size_t i)
{
    struct view rest = buf_view(&c->warnings);

    while (rest.n > 0) {
        struct view one = view_cut(&rest, '\0');

        if (i-- == 0)
            return one.p;
    }
    return NULL;
}

void conf_each(const struct conf *c, conf_on_setting *take, void *ctx)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct conf_value *v = &c->values[i];

        take(ctx, v->path, v->text, schema_is_secret(v->row, v->path), v->origin);
    }
}

void conf_diff(const struct conf *before, const struct conf *after, conf_on_difference *take,
               void *ctx)
{
    size_t i = 0;
    size_t j = 0;

    while (i < before->count || j < after->count) {
        const struct conf_value *old = i < before->count ? &before->values[i] : NULL;
        const struct conf_value *new = j < after->count ? &after->values[j] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->path, new->path);
        const struct conf_value *either = order <= 0 ? old : new;

        assert(either != NULL);
        if (order != 0 || strcmp(old->text, new->text) != 0)
            take(ctx, either->path, (either->row->flags & SETTING_RELOADABLE) != 0);
        i += order <= 0;
        j += order >= 0;
    }
}
