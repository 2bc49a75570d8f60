/* Text, environment and defaults become a conf, or a list of all that is wrong with them. */
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/spelling.h"
#include "config/load.h"
#include "config/value.h"
#include "config/yaml_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_MAX 4200 /* bytes of "FILE:LINE" */

extern char **environ;

/* ---- the file ---- */

static void unknown(struct load *l, const char *path, bool group, const char *origin)
{
    char nearest[SCHEMA_PATH_MAX];

    if (schema_nearest(path, group, nearest))
        load_mistake(l, origin, "%s is no setting; did you mean %s?", path, nearest);
    else
        load_mistake(l, origin, "%s is no setting", path);
}

static void take_text(struct load *l, const struct yaml_node *n, const char *origin)
{
    const struct setting *row = schema_find(n->path);
    char item[YAML_PATH_MAX + 4];

    if (row != NULL) {
        if (load_path_name(l, n->path, origin))
            load_written(l, row, n->path, view_of(n->text), origin);
    } else if (schema_is_list(n->path)) {
        /* One item may stand without its list. */
        (void)snprintf(item, sizeof item, "%s[0]", n->path);
        load_written(l, schema_find(item), item, view_of(n->text), origin);
    } else if (schema_is_group(n->path)) {
        load_mistake(l, origin, "%s is a text; settings (key: value) are wanted beneath it",
                     n->path);
    } else {
        unknown(l, n->path, false, origin);
    }
}

/* Is the node an entry under a user's name that the table does not know for its dots? */
static bool in_named_map(const struct yaml_node *n)
{
    char *map = mem_text(n->path, n->key_at > 0 ? n->key_at - 1 : 0);
    bool bare = true;
    bool named = schema_is_map(map, &bare) && !bare;

    mem_free(map);
    return named;
}

/* False: what is in it need not be looked at. */
static bool take_map(struct load *l, const struct yaml_node *n, const char *origin)
{
    if (schema_is_group(n->path))
        return load_path_name(l, n->path, origin);
    if (schema_find(n->path) != NULL || schema_is_list(n->path))
        load_mistake(l, origin, "%s is a map of settings; %s is wanted", n->path,
                     schema_is_list(n->path) ? "a list" : "one value");
    else if (!in_named_map(n))
        unknown(l, n->path, true, origin);
    else
        load_refuse_name(l, n->path, view_of(n->path + n->key_at), origin);
    return false;
}

/* One with nothing in it stands for nothing, where there is a default. */
static void take_empty(struct load *l, const struct setting *items, const char *list,
                       const char *origin)
{
    if (items->fallback != NULL)
        load_mistake(l, origin, "%s is empty; remove it for its default", list);
}

static bool take_list(struct load *l, const struct yaml_node *n, bool empty, const char *origin)
{
    char item[YAML_PATH_MAX + 4];

    if (!schema_is_list(n->path)) {
        if (schema_find(n->path) != NULL || schema_is_group(n->path))
            load_mistake(l, origin, "%s is a list; it must not be", n->path);
        else
            unknown(l, n->path, false, origin);
        return false;
    }
    (void)snprintf(item, sizeof item, "%s[0]", n->path);
    if (empty)
        take_empty(l, schema_find(item), n->path, origin);
    return true;
}

static void take_null(struct load *l, const struct yaml_node *n, const char *origin)
{
    if (schema_is_group(n->path))
        (void)load_path_name(l, n->path, origin);
    else if (schema_find(n->path) != NULL || schema_is_list(n->path))
        load_mistake(l, origin, "%s has no value; remove the line, or write \"\" for an empty text",
                     n->path);
    else
        unknown(l, n->path, false, origin);
}

/* A setting by an alias is as one given wrongly. False: what it may bring beside is not known. */
static bool take_alias(struct load *l, const struct yaml_node *n, const char *origin)
{
    const struct setting *row;
    char path[YAML_PATH_MAX + 4];

    (void)snprintf(path, sizeof path, "%s%s", n->path, schema_is_list(n->path) ? "[0]" : "");
    row = schema_find(path);
    if (row == NULL) {
        if (schema_is_group(n->path) || in_named_map(n) || strcmp(n->path + n->key_at, "<<") == 0)
            return false;
        unknown(l, n->path, false, origin);
        return true;
    }
    if (load_path_name(l, n->path, origin))
        load_put(l->c, row, path, VIEW_NONE, 0, origin);
    return true;
}

static bool lies_in(const struct yaml_node *n, const struct yaml_node *outer)
{
    size_t len = strlen(outer->path);

    return strncmp(n->path, outer->path, len) == 0 && (n->path[len] == '.' || n->path[len] == '[');
}

/* What lies under a name that can't be one is of no use, but its own mistakes are told, too. */
static void take_refused(struct load *l, const struct yaml_node *n)
{
    const struct setting *row = n->kind == YAML_TEXT ? schema_find(n->path) : NULL;
    char origin[ORIGIN_MAX];

    (void)snprintf(origin, sizeof origin, "%s:%u", l->name, n->line);
    if (row != NULL)
        load_written(l, row, n->path, view_of(n->text), origin);
}

/* False: there may be more in the file than is known. */
static bool take_nodes(struct load *l, const struct yaml_doc *d)
{
    bool all = !d->cut;

    for (size_t i = 0; i < d->count; i++) {
        const struct yaml_node *n = &d->nodes[i];
        char origin[ORIGIN_MAX];
        bool inside = true;

        (void)snprintf(origin, sizeof origin, "%s:%u", l->name, n->line);
        switch (n->kind) {
        case YAML_TEXT:
            take_text(l, n, origin);
            break;
        case YAML_NULL:
            take_null(l, n, origin);
            break;
        case YAML_MAP:
            inside = take_map(l, n, origin);
            break;
        case YAML_LIST:
            inside = take_list(l, n, i + 1 == d->count || !lies_in(n + 1, n), origin);
            break;
        case YAML_ALIAS:
            all = take_alias(l, n, origin) && all;
            break;
        }
        while (!inside && i + 1 < d->count && lies_in(&d->nodes[i + 1], n))
            take_refused(l, &d->nodes[++i]);
    }
    conf_sort(l->c);
    return all;
}

/* ---- the environment ---- */

/* All paths that there are here: those of the table, with the names of this conf put in. */
typedef void on_path(struct load *l, const struct setting *row, const char *path, void *ctx);

static void each_path(struct load *l, on_path *take, void *ctx)
{
    for (size_t i = 0; i < schema_count; i++) {
        const char *star = strstr(schema[i].path, ".*");

        if (star == NULL) {
            take(l, &schema[i], schema[i].path, ctx);
            continue;
        }
        for (size_t at = 0; at < l->c->name_count; at++) {
            struct view map = {schema[i].path, (size_t)(star - schema[i].path)};
            char path[SCHEMA_PATH_MAX];

            if (!view_is(map, l->c->names[at].map))
                continue;
            (void)snprintf(path, sizeof path, "%s.%s%s", l->c->names[at].map, l->c->names[at].name,
                           star + strlen(".*"));
            take(l, &schema[i], path, ctx);
        }
    }
}

struct variable {
    const char *name; /* NUL-terminated, without the '=' */
    const char *value;
    const struct setting *taken;   /* by which; NULL: by none yet */
    char path[SCHEMA_PATH_MAX];    /* of the setting that took it */
    char nearest[SCHEMA_PATH_MAX]; /* name of a setting's that is like it, or "" */
};

static void item_path(const char *list, size_t i, char out[SCHEMA_PATH_MAX])
{
    size_t n = strlen(list) - strlen("[]");

    memcpy(out, list, n);
    (void)snprintf(out + n, SCHEMA_PATH_MAX - n, "[%zu]", i);
}

/* A list is replaced by the items between the commas. */
static void put_items(struct load *l, const struct setting *row, const char *list,
                      const char *value, const char *origin)
{
    struct view rest = view_trim(view_of(value));
    char path[SCHEMA_PATH_MAX];
    size_t kept = 0;

    for (size_t i = 0; i < l->c->count; i++) {
        if (l->c->values[i].row == row)
            conf_value_done(&l->c->values[i]);
        else
            l->c->values[kept++] = l->c->values[i];
    }
    l->c->count = kept;
    conf_sort(l->c);
    if (rest.n == 0) {
        view_copy((struct view){list, strlen(list) - strlen("[]")}, path, sizeof path);
        take_empty(l, row, path, origin);
    }
    for (size_t i = 0; rest.n > 0; i++) {
        item_path(list, i, path);
        load_value(l, row, path, view_trim(view_cut(&rest, ',')), origin);
    }
}

static void match_variable(struct load *l, const struct setting *row, const char *path, void *ctx)
{
    struct variable *v = ctx;
    char name[SCHEMA_PATH_MAX];
    const char *words[] = {schema_environment_name(path, name), NULL};
    size_t n = strlen(path);

    if (strcmp(name, v->name) != 0) {
        if (v->taken == NULL && spelling_nearest(view_of(v->name), words) != NULL)
            memcpy(v->nearest, name, strlen(name) + 1);
        return;
    }
    if (v->taken != NULL) {
        if (v->taken != row) /* two names in one map: conf_rules tells it */
            load_mistake(l, v->name, "is the name of %s and of %s; rename what is yours of them",
                         v->path, path);
        return;
    }
    v->taken = row;
    (void)snprintf(v->path, sizeof v->path, "%s", path);
    if (n > 2 && strcmp(path + n - 2, "[]") == 0)
        put_items(l, row, path, v->value, v->name);
    else
        load_value(l, row, path, view_of(v->value), v->name);
    conf_sort(l->c);
}

/* The map of whose entries it names one, as the longest; false: of none. */
static bool map_of_variable(const char *variable, char map[SCHEMA_PATH_MAX])
{
    size_t longest = 0;

    for (size_t i = 0; i < schema_count; i++) {
        const char *star = strchr(schema[i].path, '*');
        char path[SCHEMA_PATH_MAX];
        char name[SCHEMA_PATH_MAX];
        size_t n;

        if (star == NULL)
            continue;
        view_copy((struct view){schema[i].path, (size_t)(star - schema[i].path)}, path,
                  sizeof path); /* with the '.' at its end */
        n = strlen(schema_environment_name(path, name));
        if (n <= longest || strncmp(variable, name, n) != 0)
            continue;
        longest = n;
        view_copy((struct view){path, strlen(path) - 1}, map, SCHEMA_PATH_MAX);
    }
    return longest > 0;
}

static void warn_of_variable(struct load *l, const struct variable *v)
{
    char sentence[2 * SCHEMA_PATH_MAX];
    char map[SCHEMA_PATH_MAX];

    if (v->nearest[0] != '\0')
        (void)snprintf(sentence, sizeof sentence, "is no setting and was ignored; there is %s",
                       v->nearest);
    else if (map_of_variable(v->name, map))
        (void)snprintf(sentence, sizeof sentence,
                       "is of no entry of %s in the file and was ignored: it can't add one", map);
    else
        return; /* others put such names into the environment, too (container platforms) */
    conf_warn(l->c, v->name, sentence);
}

static void take_environment(struct load *l)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        const char *equals = strchr(*e, '=');
        struct variable v = {0};
        char *name;

        if (strncmp(*e, "CMIBRIDGE_", strlen("CMIBRIDGE_")) != 0 || equals == NULL)
            continue;
        name = mem_text(*e, (size_t)(equals - *e));
        v.name = name;
        v.value = equals + 1;
        each_path(l, match_variable, &v);
        if (v.taken == NULL)
            warn_of_variable(l, &v);
        mem_free(name);
    }
}

/* ---- what was not given ---- */

static void complete(struct load *l, const struct setting *row, const char *path, void *ctx)
{
    const struct conf_name *entry = NULL;
    char item[SCHEMA_PATH_MAX];
    size_t n = strlen(path);
    struct fault f = {0};
    int64_t number = 0;

    (void)ctx;
    if (n > 2 && strcmp(path + n - 2, "[]") == 0)
        item_path(path, 0, item);
    else
        (void)snprintf(item, sizeof item, "%s", path);
    if (conf_find(l->c, item) != NULL)
        return;
    if (row->fallback != NULL) {
        if (value_check(row, false, view_of(row->fallback), &number, &f))
            load_put(l->c, row, item, view_of(row->fallback), number, "default");
        else
            load_mistake(l, "default", "%s %s", path, f.text);
        return;
    }
    if ((row->flags & SETTING_REQUIRED) == 0)
        return;
    for (size_t i = 0; i < l->c->name_count && entry == NULL; i++) {
        size_t map = strlen(l->c->names[i].map);
        size_t name = strlen(l->c->names[i].name);

        if (strncmp(path, l->c->names[i].map, map) == 0 && path[map] == '.' &&
            strncmp(path + map + 1, l->c->names[i].name, name) == 0 && path[map + 1 + name] == '.')
            entry = &l->c->names[i];
    }
    if (entry != NULL || (row->used_by & l->users) != 0)
        load_mistake(l, entry != NULL ? entry->origin : l->name, "%s is missing: %s", path,
                     row->about);
}

/* A single target takes everything where there are no routes. */
static void complete_routes(struct load *l)
{
    const char *only = NULL;
    size_t targets = 0;

    for (size_t i = 0; i < l->c->name_count; i++) {
        if (strcmp(l->c->names[i].map, "routes") == 0)
            return;
        if (strcmp(l->c->names[i].map, "targets") == 0) {
            only = l->c->names[i].name;
            targets++;
        }
    }
    if (targets != 1)
        return;
    load_name(l, VIEW("routes"), VIEW("*"), "default");
    load_put(l->c, schema_find("routes.*"), "routes.*", view_of(only), 0, "default");
}

/* ---- mistakes in the order of the file ---- */

struct said {
    struct view text; /* without its line's end */
    int64_t line;     /* INT64_MAX where there is none */
    size_t at;        /* keeps the order of those in one line */
};

static int64_t line_of(struct view text, const char *name)
{
    int64_t line = INT64_MAX;

    if (view_starts(text, view_of(name))) {
        struct view rest = view_skip(text, strlen(name) + 1);

        if (!num_int(view_cut(&rest, ':'), &line))
            line = INT64_MAX;
    }
    return line;
}

static int by_line(const void *a, const void *b)
{
    const struct said *x = a;
    const struct said *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void sort_mistakes(struct load *l, size_t from)
{
    size_t n = l->mistakes->n - from;
    char *copy = mem_text(l->mistakes->p + from, n);
    struct view rest = {copy, n};
    struct said *all = NULL;
    size_t count = 0;

    for (; rest.n > 0; count++) {
        all = mem_resize(all, count + 1, sizeof *all);
        all[count] = (struct said){view_cut(&rest, '\n'), INT64_MAX, count};
        all[count].line = line_of(all[count].text, l->name);
    }
    if (count > 0)
        qsort(all, count, sizeof *all, by_line);
    l->mistakes->n = from;
    for (size_t i = 0; i < count; i++) {
        buf_put(l->mistakes, all[i].text);
        buf_put_char(l->mistakes, '\n');
    }
    mem_free(all);
    mem_free(copy);
}

/* ---- */

struct conf *conf_parse_checked(const char *name, struct view yaml, unsigned users,
                                conf_check *also, struct buf *mistakes)
{
    struct load l = {
        .c = mem_zeroed(1, sizeof *l.c), .name = name, .users = users, .mistakes = mistakes};
    struct yaml_doc doc;
    size_t mistakes_before = mistakes->n;
    bool all;

    buf_init(&l.c->warnings, CONF_WARNINGS_MAX);
    if (!yaml_read(yaml, name, &doc, mistakes))
        l.bad = true;
    all = take_nodes(&l, &doc);
    take_environment(&l);
    /* What may stand behind a break in the file, or an alias, can't be called missing. */
    if (all) {
        each_path(&l, complete, NULL);
        complete_routes(&l);
        conf_sort(l.c);
        conf_rules(l.c, name, users, mistakes);
        if (also != NULL)
            also(l.c, name, mistakes);
    }
    yaml_doc_done(&doc);
    if (mistakes->n > mistakes_before)
        sort_mistakes(&l, mistakes_before);
    if (l.bad || mistakes->n != mistakes_before || mistakes->full) {
        conf_free(l.c);
        return NULL;
    }
    return l.c;
}

struct conf *conf_parse(const char *name, struct view yaml, unsigned users, struct buf *mistakes)
{
    return conf_parse_checked(name, yaml, users, NULL, mistakes);
}

bool conf_read(const char *file, struct buf *text, struct buf *mistakes)
{
    FILE *in = fopen(file, "rbe");
    char piece[4096];
    size_t n;
    bool ok;

    buf_init(text, YAML_BYTES_MAX + sizeof piece);
    if (in == NULL) {
        buf_printf(mistakes, "%s: can't be opened: %s\n", file, strerror(errno));
        return false;
    }
    /* One piece more than is allowed, for yaml_read to say so. */
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        if (!buf_put(text, (struct view){piece, n}) || text->n > YAML_BYTES_MAX)
            break;
    ok = !ferror(in);
    if (!ok)
        buf_printf(mistakes, "%s: can't be read: %s\n", file, strerror(errno));
    (void)fclose(in);
    return ok;
}

struct conf *conf_load_checked(const char *file, unsigned users, conf_check *also,
                               struct buf *mistakes)
{
    struct conf *c = NULL;
    struct buf text;

    if (file == NULL)
        return conf_parse_checked("settings", VIEW_NONE, users, also, mistakes);
    if (conf_read(file, &text, mistakes))
        c = conf_parse_checked(file, buf_view(&text), users, also, mistakes);
    buf_done(&text);
    return c;
}

struct conf *conf_load_for(const char *file, unsigned users, struct buf *mistakes)
{
    return conf_load_checked(file, users, NULL, mistakes);
}

struct conf *conf_load(const char *file, struct buf *mistakes)
{
    return conf_load_for(file, 0, mistakes);
}
