#include "server/user_edit.h"

#include <string.h>

void user_edit_quote(struct view text, struct buf *out)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < ' ' || c == 127)
            buf_printf(out, "\\x%02x", (unsigned)c);
        else
            buf_put_char(out, text.p[i]);
    }
    buf_put_char(out, '"');
}

static size_t indent_of(struct view line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == ' ')
        n++;
    return n;
}

static bool says_something(struct view line)
{
    size_t n = indent_of(line);

    return n < line.n && line.p[n] != '#' && line.p[n] != '\r';
}

/* Bytes of the key, which may be in quotes, and its colon; 0: it is another one. */
static size_t key_bytes(struct view said, const char *key)
{
    char quote = said.n > 0 && (said.p[0] == '"' || said.p[0] == '\'') ? said.p[0] : '\0';
    size_t n = quote != '\0' ? 1 : 0;

    if (!view_starts(view_skip(said, n), view_of(key)))
        return 0;
    n += strlen(key);
    if (quote != '\0' && (n == said.n || said.p[n++] != quote))
        return 0;
    while (n < said.n && said.p[n] == ' ')
        n++;
    return n < said.n && said.p[n] == ':' ? n + 1 : 0;
}

/* What stands behind the login of the line, which may be in quotes. */
static struct view behind_login(struct view line)
{
    char quote = line.n > 0 && (line.p[0] == '"' || line.p[0] == '\'') ? line.p[0] : '\0';
    size_t n = quote != '\0' ? 1 : 0;

    while (quote != '\0' && n < line.n && line.p[n] != quote)
        n += quote == '"' && line.p[n] == '\\' ? 2 : 1;
    while (n < line.n && line.p[n] != ':')
        n++;
    return n < line.n ? view_skip(line, n) : VIEW_NONE;
}

static void put_line(struct buf *out, struct view line)
{
    buf_put(out, line);
    buf_put_char(out, '\n');
}

/* Where in the text an entry has a key, and how it is written. */
struct place {
    size_t indent;    /* of what is said of the user */
    unsigned key;     /* the key's line; 0: it has none */
    struct view head; /* "  tokens:", and the blanks behind */
    struct view value;
    struct view tail;       /* a comment, and the blanks before it; "\r" */
    unsigned last;          /* line of the last item beneath the key; 0: there is none */
    size_t item_indent;     /* of these */
    bool has_other_beneath; /* more of the value, which is no item */
};

static bool by_hand(unsigned line, struct fault *f)
{
    return fault_set(f, FAULT_REJECT,
                     "line %u: the entry is not written in lines of its own; change it by hand",
                     line);
}

/* before: bytes up to the key's colon and with it. No value of a users file has a '#' behind a
 * blank. */
static void cut_line(struct place *p, struct view line, size_t before)
{
    struct view value = view_skip(line, before);
    size_t n = 0;

    while (n < value.n && value.p[n] == ' ')
        n++;
    p->head = (struct view){line.p, before + n};
    value = (struct view){line.p + p->head.n, line.n - p->head.n};
    for (n = 0; n < value.n && value.p[n] != '\r'; n++)
        if (value.p[n] == '#' && (n == 0 || value.p[n - 1] == ' '))
            break;
    while (n > 0 && value.p[n - 1] == ' ')
        n--;
    p->value = (struct view){value.p, n};
    p->tail = (struct view){value.p + n, value.n - n};
}

static void note_beneath(struct place *p, struct view line, unsigned number)
{
    size_t indent = indent_of(line);
    struct view said = view_skip(line, indent);
    bool is_item = view_starts(said, VIEW("- ")) || view_is(said, "-") || view_is(said, "-\r");

    if (!is_item || (p->last > 0 && indent != p->item_indent))
        p->has_other_beneath = true;
    p->item_indent = indent;
    p->last = number;
}

/* Does the line go on with what the one of the key began? */
static bool goes_on(const struct place *p, struct view line)
{
    size_t indent = indent_of(line);

    return indent > p->indent || (indent == p->indent && line.p[indent] == '-');
}

/* text: from the line of the login on. False with a fault: only a hand can change the entry. */
static bool find_place(struct view text, unsigned line, const char *key, struct place *p,
                       struct fault *f)
{
    struct view rest = text;
    bool beneath = false;

    *p = (struct place){0};
    if (view_has(behind_login(view_cut(&rest, '\n')), '{'))
        return by_hand(line, f);
    for (unsigned number = line + 1; rest.n > 0; number++) {
        struct view one = view_cut(&rest, '\n');
        size_t named = 0;

        if (!says_something(one))
            continue;
        if (indent_of(one) == 0)
            break;
        if (p->indent == 0)
            p->indent = indent_of(one);
        beneath = beneath && goes_on(p, one);
        if (beneath) {
            note_beneath(p, one, number);
        } else if (indent_of(one) == p->indent &&
                   (named = key_bytes(view_skip(one, p->indent), key)) > 0) {
            p->key = number;
            p->last = 0;
            p->has_other_beneath = false;
            cut_line(p, one, p->indent + named);
            beneath = true;
        }
    }
    return p->indent > 0 || by_hand(line, f);
}

static struct view from_line(struct view text, unsigned line)
{
    while (line-- > 1)
        (void)view_cut(&text, '\n');
    return text;
}

/* The text with another line in the place of `at` (replaces), or behind it. */
static void put_with(struct view text, unsigned at, bool replaces, struct view other,
                     struct buf *out)
{
    struct view rest = text;

    for (unsigned number = 1; rest.n > 0; number++) {
        struct view one = view_cut(&rest, '\n');

        if (number != at || !replaces)
            put_line(out, one);
        if (number == at)
            put_line(out, other);
    }
}

static void put_key(struct view text, unsigned line, const struct place *p, const char *key,
                    struct view value, struct buf *out)
{
    struct buf other;

    buf_init(&other, text.n + value.n + p->indent + strlen(key) + 4);
    if (p->key > 0) {
        buf_put(&other, p->head);
        if (p->head.p[p->head.n - 1] == ':')
            buf_put_char(&other, ' ');
        buf_put(&other, value);
        if (view_starts(p->tail, VIEW("#")))
            buf_put_char(&other, ' ');
        buf_put(&other, p->tail);
    } else {
        buf_printf(&other, "%*s%s: %.*s", (int)p->indent, "", key, VIEW_ARG(value));
    }
    put_with(text, p->key > 0 ? p->key : line, p->key > 0, buf_view(&other), out);
    buf_done(&other);
}

bool user_edit_set(struct view text, unsigned line, const char *key, struct view value,
                   struct buf *out, struct fault *f)
{
    struct place p;

    if (!find_place(from_line(text, line), line, key, &p, f))
        return false;
    if (p.last > 0)
        return by_hand(p.key, f);
    put_key(text, line, &p, key, value, out);
    return true;
}

/* A list in one line: with the item; false: it is none. */
static bool put_list(const struct place *p, struct view item, struct buf *list)
{
    struct view inside = p->value;

    if (p->key == 0 || p->value.p[0] != '[') { /* none yet, or one value without the brackets */
        buf_put_char(list, '[');
        buf_put(list, p->value);
    } else if (inside.p[inside.n - 1] == ']') {
        inside = view_trim((struct view){inside.p + 1, inside.n - 2});
        if (inside.n > 0 && inside.p[inside.n - 1] == ',') /* YAML allows one at the end */
            inside = view_trim((struct view){inside.p, inside.n - 1});
        buf_put_char(list, '[');
        buf_put(list, inside);
    } else {
        return false;
    }
    if (list->n > 1)
        buf_put_text(list, ", ");
    buf_put(list, item);
    buf_put_char(list, ']');
    return true;
}

bool user_edit_append(struct view text, unsigned line, const char *key, struct view item,
                      struct buf *out, struct fault *f)
{
    struct place p;
    struct buf made;
    bool ok = true;

    if (!find_place(from_line(text, line), line, key, &p, f))
        return false;
    if (p.has_other_beneath || (p.last > 0 && p.value.n > 0) ||
        (p.key > 0 && p.last == 0 && p.value.n == 0))
        return by_hand(p.key, f);
    buf_init(&made, text.n + item.n + 8);
    if (p.last > 0) {
        buf_printf(&made, "%*s- %.*s", (int)p.item_indent, "", VIEW_ARG(item));
        put_with(text, p.last, false, buf_view(&made), out);
    } else if (put_list(&p, item, &made)) {
        put_key(text, line, &p, key, buf_view(&made), out);
    } else {
        ok = by_hand(p.key, f);
    }
    buf_done(&made);
    return ok;
}

void user_edit_add(struct view text, struct view login, struct view lines, struct buf *out)
{
    buf_put(out, text);
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        buf_put_char(out, '\n');
    user_edit_quote(login, out);
    buf_put_text(out, ":\n");
    buf_put(out, lines);
}
