#include "tests/fakes/json_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/json_walk.h"
#include "bridge/io/json_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 512

struct walk {
    struct buf *to;
    char path[PATH_MAX_BYTES];
    size_t ends[TOKEN_DEPTH_MAX]; /* of the path, outside of the container at that depth */
    size_t index[TOKEN_DEPTH_MAX];
    bool array[TOKEN_DEPTH_MAX];
    unsigned depth;
};

static void path_add(struct walk *w, const char *text, size_t n)
{
    size_t at = strlen(w->path);

    assert_true(at + n < sizeof w->path);
    memcpy(w->path + at, text, n);
    w->path[at + n] = '\0';
}

static void enter_value(struct walk *w)
{
    char index[24];

    if (w->depth == 0 || !w->array[w->depth - 1])
        return;
    w->path[w->ends[w->depth - 1]] = '\0';
    snprintf(index, sizeof index, "[%zu]", w->index[w->depth - 1]++);
    path_add(w, index, strlen(index));
}

static void put_value(struct walk *w, const struct token *t)
{
    struct fault ignored;
    int64_t ms = 0;

    enter_value(w);
    buf_printf(w->to, "\n%s=", w->path);
    if (t->kind == TOKEN_STRING && t->text.n >= 19 && datetime_parse(t->text, &ms, &ignored))
        buf_printf(w->to, "%" PRId64 "ms", ms);
    else if (t->kind == TOKEN_STRING)
        buf_printf(w->to, "'%.*s'", VIEW_ARG(t->text));
    else if (t->kind == TOKEN_BOOL)
        buf_put_text(w->to, t->boolean ? "true" : "false");
    else
        buf_put(w->to, t->text);
}

static bool take(void *ctx, const struct token *t, struct fault *f)
{
    struct walk *w = ctx;

    (void)f;
    switch (t->kind) {
    case TOKEN_OBJECT:
    case TOKEN_ARRAY:
        enter_value(w);
        w->ends[w->depth] = strlen(w->path);
        w->index[w->depth] = 0;
        w->array[w->depth++] = t->kind == TOKEN_ARRAY;
        break;
    case TOKEN_OBJECT_END:
    case TOKEN_ARRAY_END:
        w->path[w->ends[--w->depth]] = '\0';
        break;
    case TOKEN_KEY:
        w->path[w->ends[w->depth - 1]] = '\0';
        path_add(w, ".", 1);
        if (view_is(t->text, "timeStamp")) /* contract 9 */
            path_add(w, "timestamp", 9);
        else
            path_add(w, t->text.p, t->text.n);
        break;
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_NUMBER:
    case TOKEN_BOOL:
    case TOKEN_NULL:
        put_value(w, t);
        break;
    }
    return true;
}

void json_lines(struct view json, struct buf *to)
{
    struct walk w = {.to = to};
    struct fault f = {0};

    if (!json_in_read(json, (struct token_sink){take, &w}, &f))
        fail_msg("%s: %.*s", f.text, VIEW_ARG(json));
    buf_put_char(to, '\n');
}

static bool is_left_out(const char *line, const char *const *but)
{
    for (; but != NULL && *but != NULL; but++) {
        char key[64];

        snprintf(key, sizeof key, ".%s", *but);
        if (strstr(line, key) != NULL)
            return true;
    }
    return false;
}

void json_lines_within(struct view part, struct view whole, const char *const *but)
{
    struct buf lines[2];
    struct view rest;

    buf_init(&lines[0], 1 << 20);
    buf_init(&lines[1], 1 << 22);
    json_lines(part, &lines[0]);
    json_lines(whole, &lines[1]);
    rest = view_skip(buf_view(&lines[0]), 1);
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct buf wanted;

        buf_init(&wanted, 1 << 20);
        buf_printf(&wanted, "\n");
        buf_put(&wanted, line);
        buf_put_char(&wanted, '\n');
        if (!is_left_out(buf_text(&wanted), but) &&
            strstr(buf_text(&lines[1]), buf_text(&wanted)) == NULL)
            fail_msg("%s is not in%s", buf_text(&wanted), buf_text(&lines[1]));
        buf_done(&wanted);
    }
    buf_done(&lines[0]);
    buf_done(&lines[1]);
}

static bool find(struct view object, const char *name, struct view *found)
{
    struct json_walk walk;
    struct view key;
    struct view value;

    assert_true(json_walk_init(&walk, object));
    while (json_walk_next(&walk, &key, &value)) {
        if (key.n != strlen(name) + 2 || memcmp(key.p + 1, name, key.n - 2) != 0)
            continue;
        *found = value;
        return true;
    }
    return false;
}

struct view json_member(struct view object, const char *name)
{
    struct view found = VIEW_NONE;

    if (!find(object, name, &found))
        fail_msg("there is no %s in %.*s", name, VIEW_ARG(object));
    return found;
}

bool json_has_member(struct view object, const char *name)
{
    struct view found;

    return find(object, name, &found);
}

void json_log(struct view lines)
{
    static const char *const members[] = {"ts", "level", "event"};
    struct buf ignored;

    buf_init(&ignored, 1 << 20);
    while (lines.n > 0) {
        struct view line = view_cut(&lines, '\n');

        json_lines(line, &ignored);
        buf_clear(&ignored);
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            if (!json_has_member(line, members[i]))
                fail_msg("there is no %s in %.*s", members[i], VIEW_ARG(line));
    }
    buf_done(&ignored);
}
