/* Text, environment and defaults become a conf, or a list of all that is wrong with them. */
#include "bridge/core/mem.h"
#include "config/conf_made.h"
#include "config/value.h"
#include "config/yaml_in.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_MAX 4200 /* bytes of "FILE:LINE" */

extern char **environ;

struct load {
    struct conf *c;
    const char *name; /* of the file, for people */
    unsigned users;
    struct buf *mistakes;
    bool bad;
};

static void mistake(struct load *l, const char *origin, const char *format, ...) PRINTF_LIKE(3, 4);
static void mistake(struct load *l, const char *origin, const char *format, ...)
{
    char sentence[2 * SCHEMA_PATH_MAX + 2 * FAULT_TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    buf_printf(l->mistakes, "%s: %s\n", origin, sentence);
    l->bad = true;
}

/* ---- values ---- */

/* text.p NULL: the setting was given, but wrongly; it is then neither missing nor its default. */
static void put(struct conf *c, const struct setting *row, const char *path, struct view text,
                int64_t number, const char *origin)
{
    struct conf_value *v = NULL;
    const struct conf_value *old = conf_find(c, path);

    if (old != NULL) {
        v = &c->values[old - c->values];
        conf_value_done(v);
    } else {
        if (c->count == c->cap) {
            c->cap = c->cap > 0 ? c->cap * 2 : 128;
            c->values = mem_resize(c->values, c->cap, sizeof *c->values);
        }
        v = &c->values[c->count++];
    }
    if (row->kind == SETTING_URL)
        while (text.n > 0 && text.p[text.n - 1] == '/')
            text.n--;
    *v = (struct conf_value){
        .path = mem_text(path, strlen(path)),
        .row = row,
        .text = text.p != NULL ? mem_text(text.p, text.n) : NULL,
        .number = number,
        .origin = mem_text(origin, strlen(origin)),
    };
}

/* Checks a text whose variables are put in, and keeps it. */
static void put_checked(struct load *l, const struct setting *row, const char *path,
                        struct view text, const char *origin)
{
    bool secret = schema_is_secret(row, path);
    struct fault warning = {0};
    struct fault f = {0};
    struct buf content;
    int64_t number;
    bool ok = true;

    buf_init(&content, VALUE_TEXT_MAX);
    if (row->kind == SETTING_SECRET && view_starts(text, VIEW("file:"))) {
        char *file = mem_text(text.p + strlen("file:"), text.n - strlen("file:"));

        ok = value_from_file(file, &content, &warning, &f);
        mem_free(file);
        text = buf_view(&content);
        if (!ok)
            mistake(l, origin, "%s: %s", path, f.text);
        else if (secret && warning.text[0] != '\0')
            conf_warn(l->c, origin, warning.text);
    }
    if (ok && !value_check(row, secret, text, &number, &f)) {
        mistake(l, origin, "%s %s", path, f.text);
        ok = false;
    }
    if (ok)
        put(l->c, row, path, text.p != NULL ? text : VIEW(""), number, origin);
    else
        put(l->c, row, path, VIEW_NONE, 0, origin);
    buf_done(&content);
}

static void put_written(struct load *l, const struct setting *row, const char *path,
                        struct view written, const char *origin)
{
    struct fault f = {0};
    struct buf text;

    buf_init(&text, VALUE_TEXT_MAX);
    if (value_expand(written, &text, &f)) {
        put_checked(l, row, path, buf_view(&text), origin);
    } else {
        mistake(l, origin, "%s: %s", path, f.text);
        put(l->c, row, path, VIEW_NONE, 0, origin);
    }
    buf_done(&text);
}

/* ---- the users' names ---- */

static bool is_entry_name(struct view name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_' && c != '+')
            return false;
    }
    return name.n > 0 && name.n <= SCHEMA_NAME_MAX;
}

static void remember_name(struct load *l, struct view map, struct view name, const char *origin)
{
    struct conf *c = l->c;

    for (size_t i = 0; i < c->name_count; i++)
        if (view_is(map, c->names[i].map) && view_is(name, c->names[i].name))
            return;
    if (c->name_count == CONF_ENTRIES_MAX) {
        mistake(l, origin, "there are more than %d names", CONF_ENTRIES_MAX);
        return;
    }
    if (c->names == NULL)
        c->names = mem_zeroed(CONF_ENTRIES_MAX, sizeof *c->names);
    c->names[c->name_count++] = (struct conf_name){
        .map = mem_text(map.p, map.n),
        .name = mem_text(name.p, name.n),
        .origin = mem_text(origin, strlen(origin)),
    };
}

static void refuse_name(struct load *l, const char *path, struct view name, const char *origin)
{
    mistake(l, origin,
            "%s: '%.*s' is no name; letters, digits, -, _ and + may be in it, at most %d", path,
            VIEW_ARG(name), SCHEMA_NAME_MAX);
}

/* If the path goes through a name of the user's ("targets.main", "targets.main.url", "routes.*"),
 * remembers it. False, with a mistake, if it can't be one. */
static bool take_name(struct load *l, const char *path, const char *origin)
{
    for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        struct view map = {path, (size_t)(dot - path)};
        struct view name = view_of(dot + 1);
        struct view rest = name;
        char *text = mem_text(map.p, map.n);
        bool bare;
        bool is_map = schema_is_map(text, &bare);

        mem_free(text);
        if (!is_map)
            continue;
        if (!bare)
            name = view_cut(&rest, '.');
        if (!bare && !is_entry_name(name)) {
            refuse_name(l, path, name, origin);
            return false;
        }
        remember_name(l, map, name, origin);
        return true;
    }
    return true;
}

/* ---- the file ---- */

static void unknown(struct load *l, const char *path, bool group, const char *origin)
{
    char nearest[SCHEMA_PATH_MAX];

    if (schema_nearest(path, group, nearest))
        mistake(l, origin, "%s is no setting; did you mean %s?", path, nearest);
    else
        mistake(l, origin, "%s is no setting", path);
}

static void take_text(struct load *l, const struct yaml_node *n, const char *origin)
{
    const struct setting *row = schema_find(n->path);
    char item[YAML_PATH_MAX + 4];

    if (row != NULL) {
        if (take_name(l, n->path, origin))
            put_written(l, row, n->path, view_of(n->text), origin);
    } else if (schema_is_list(n->path)) {
        /* One item may stand without its list. */
        (void)snprintf(item, sizeof item, "%s[0]", n->path);
        put_written(l, schema_find(item), item, view_of(n->text), origin);
    } else if (schema_is_group(n->path)) {
        mistake(l, origin, "%s is a text; settings (key: value) are wanted beneath it", n->path);
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
        return take_name(l, n->path, origin);
    if (schema_find(n->path) != NULL || schema_is_list(n->path))
        mistake(l, origin, "%s is a map of settings; %s is wanted", n->path,
                schema_is_list(n->path) ? "a list" : "one value");
    else if (!in_named_map(n))
        unknown(l, n->path, true, origin);
    else
        refuse_name(l, n->path, view_of(n->path + n->key_at), origin);
    return false;
}

static bool take_list(struct load *l, const struct yaml_node *n, bool empty, const char *origin)
{
    char item[YAML_PATH_MAX + 4];

    if (!schema_is_list(n->path)) {
        if (schema_find(n->path) != NULL || schema_is_group(n->path))
            mistake(l, origin, "%s is a list; it must not be", n->path);
        else
            unknown(l, n->path, false, origin);
        return false;
    }
    (void)snprintf(item, sizeof item, "%s[0]", n->path);
    if (empty && schema_find(item)->fallback != NULL)
        mistake(l, origin, "%s is empty; remove it for its default", n->path);
    return true;
}

static void take_null(struct load *l, const struct yaml_node *n, const char *origin)
{
    if (schema_is_group(n->path))
        (void)take_name(l, n->path, origin);
    else if (schema_find(n->path) != NULL || schema_is_list(n->path))
        mistake(l, origin, "%s has no value; remove the line, or write \"\" for an empty text",
                n->path);
    else
        unknown(l, n->path, false, origin);
}

static bool lies_in(const struct yaml_node *n, const struct yaml_node *outer)
{
    size_t len = strlen(outer->path);

    return strncmp(n->path, outer->path, len) == 0 && (n->path[len] == '.' || n->path[len] == '[');
}

static void take_nodes(struct load *l, const struct yaml_doc *d)
{
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
        }
        while (!inside && i + 1 < d->count && lies_in(&d->nodes[i + 1], n))
            i++;
    }
    conf_sort(l->c);
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
    bool taken;
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
    struct view rest = view_of(value);
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
    for (size_t i = 0; rest.n > 0; i++) {
        item_path(list, i, path);
        put_checked(l, row, path, view_trim(view_cut(&rest, ',')), origin);
    }
}

static void match_variable(struct load *l, const struct setting *row, const char *path, void *ctx)
{
    struct variable *v = ctx;
    char name[SCHEMA_PATH_MAX];
    const char *words[] = {schema_environment_name(path, name), NULL};
    size_t n = strlen(path);

    if (v->taken)
        return;
    if (strcmp(name, v->name) != 0) {
        if (schema_nearest_word(view_of(v->name), words) != NULL)
            memcpy(v->nearest, name, strlen(name) + 1);
        return;
    }
    v->taken = true;
    if (n > 2 && strcmp(path + n - 2, "[]") == 0)
        put_items(l, row, path, v->value, v->name);
    else
        put_checked(l, row, path, view_of(v->value), v->name);
    conf_sort(l->c);
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
        /* No mistake: others put such names into the environment, too (container platforms). */
        if (!v.taken && v.nearest[0] != '\0') {
            char sentence[SCHEMA_PATH_MAX + 64];

            (void)snprintf(sentence, sizeof sentence, "is no setting and was ignored; there is %s",
                           v.nearest);
            conf_warn(l->c, v.name, sentence);
        }
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
            put(l->c, row, item, view_of(row->fallback), number, "default");
        else
            mistake(l, "default", "%s %s", path, f.text);
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
        mistake(l, entry != NULL ? entry->origin : l->name, "%s is missing: %s", path, row->about);
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
    remember_name(l, VIEW("routes"), VIEW("*"), "default");
    put(l->c, schema_find("routes.*"), "routes.*", view_of(only), 0, "default");
}

/* ---- */

struct conf *conf_parse(const char *name, struct view yaml, unsigned users, struct buf *mistakes)
{
    struct load l = {mem_zeroed(1, sizeof *l.c), name, users, mistakes, false};
    struct yaml_doc doc;
    size_t mistakes_before = mistakes->n;

    buf_init(&l.c->warnings, CONF_WARNINGS_MAX);
    if (!yaml_read(yaml, name, &doc, mistakes))
        l.bad = true;
    take_nodes(&l, &doc);
    take_environment(&l);
    /* What stands behind a break in the file can't be called missing. */
    if (!doc.cut) {
        each_path(&l, complete, NULL);
        complete_routes(&l);
        conf_sort(l.c);
        conf_rules(l.c, name, users, mistakes);
    }
    yaml_doc_done(&doc);
    if (l.bad || mistakes->n != mistakes_before || mistakes->full) {
        conf_free(l.c);
        return NULL;
    }
    return l.c;
}

static bool read_file(const char *file, struct buf *text, struct buf *mistakes)
{
    FILE *in = fopen(file, "rbe");
    char piece[4096];
    size_t n;
    bool ok;

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

struct conf *conf_load_for(const char *file, unsigned users, struct buf *mistakes)
{
    struct conf *c = NULL;
    struct buf text;

    if (file == NULL)
        return conf_parse("settings", VIEW_NONE, users, mistakes);
    buf_init(&text, YAML_BYTES_MAX + 4096);
    if (read_file(file, &text, mistakes))
        c = conf_parse(file, buf_view(&text), users, mistakes);
    buf_done(&text);
    return c;
}

struct conf *conf_load(const char *file, struct buf *mistakes)
{
    return conf_load_for(file, 0, mistakes);
}
