#include "config/load.h"

#include "bridge/core/ascii.h"
#include "bridge/core/mem.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void load_mistake(struct load *l, const char *origin, const char *format, ...)
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

void load_put(struct conf *c, const struct setting *row, const char *path, struct view text,
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

void load_value(struct load *l, const struct setting *row, const char *path, struct view text,
                const char *origin)
{
    bool secret = schema_is_secret(row, path);
    struct fault warning = {0};
    struct fault f = {0};
    struct buf content;
    int64_t number = 0;
    bool ok = true;

    buf_init(&content, VALUE_TEXT_MAX);
    if (row->kind == SETTING_SECRET && view_starts(text, VIEW("file:"))) {
        char *file = mem_text(text.p + strlen("file:"), text.n - strlen("file:"));

        ok = value_from_file(file, &content, &warning, &f);
        mem_free(file);
        text = buf_view(&content);
        if (!ok)
            load_mistake(l, origin, "%s: %s", path, f.text);
        else if (secret && warning.text[0] != '\0')
            conf_warn(l->c, origin, warning.text);
    }
    if (ok && !value_check(row, secret, text, &number, &f)) {
        load_mistake(l, origin, "%s %s", path, f.text);
        ok = false;
    }
    if (ok)
        load_put(l->c, row, path, text.p != NULL ? text : VIEW(""), number, origin);
    else
        load_put(l->c, row, path, VIEW_NONE, 0, origin);
    buf_done(&content);
}

void load_written(struct load *l, const struct setting *row, const char *path, struct view written,
                  const char *origin)
{
    struct fault f = {0};
    struct buf text;

    buf_init(&text, VALUE_TEXT_MAX);
    if (value_expand(written, &text, &f)) {
        load_value(l, row, path, buf_view(&text), origin);
    } else {
        load_mistake(l, origin, "%s: %s", path, f.text);
        load_put(l->c, row, path, VIEW_NONE, 0, origin);
    }
    buf_done(&text);
}

/* ---- the users' names ---- */

static bool is_entry_name(struct view name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!ascii_is_alnum(c) && !view_has(VIEW("-_+"), c))
            return false;
    }
    return name.n > 0 && name.n <= SCHEMA_NAME_MAX;
}

void load_name(struct load *l, struct view map, struct view name, const char *origin)
{
    struct conf *c = l->c;

    for (size_t i = c->name_count; i-- > 0;) /* all of one entry come one after the other */
        if (view_is(name, c->names[i].name) && view_is(map, c->names[i].map))
            return;
    if (c->name_count == CONF_ENTRIES_MAX) {
        if (!l->full)
            load_mistake(l, origin, "there are more than %d names", CONF_ENTRIES_MAX);
        l->full = true;
        return;
    }
    if (c->names == NULL)
        c->names = mem_zeroed(CONF_ENTRIES_MAX, sizeof *c->names);
    c->names[c->name_count] = (struct conf_name){
        .map = mem_text(map.p, map.n),
        .name = mem_text(name.p, name.n),
        .origin = mem_text(origin, strlen(origin)),
        .at = c->name_count,
    };
    c->name_count++;
}

void load_refuse_name(struct load *l, const char *path, struct view name, const char *origin)
{
    load_mistake(l, origin,
                 "%s: '%.*s' is no name; letters, digits, -, _ and + may be in it, at most %d",
                 path, VIEW_ARG(name), SCHEMA_NAME_MAX);
}

bool load_path_name(struct load *l, const char *path, const char *origin)
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
            load_refuse_name(l, path, name, origin);
            return false;
        }
        load_name(l, map, name, origin);
        return true;
    }
    return true;
}
