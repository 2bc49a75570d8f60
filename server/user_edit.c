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

static bool is_key(struct view line, size_t indent, const char *key)
{
    struct view rest = view_skip(line, indent);

    return view_starts(rest, view_of(key)) && rest.n > strlen(key) && rest.p[strlen(key)] == ':';
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

/* Of the entry beneath the login: how far its lines are indented (0: it has none), and which of
 * them has the key (0: none). */
static size_t look(struct view rest, unsigned number, const char *key, unsigned *key_line)
{
    size_t indent = 0;

    *key_line = 0;
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');

        number++;
        if (!says_something(line))
            continue;
        if (indent_of(line) == 0)
            break;
        if (indent == 0)
            indent = indent_of(line);
        if (indent_of(line) == indent && is_key(line, indent, key))
            *key_line = number;
    }
    return indent;
}

bool user_edit_set(struct view text, unsigned line, const char *key, struct view value,
                   struct buf *out, struct fault *f)
{
    struct view rest = text;
    unsigned key_line = 0;
    size_t indent = 0;

    for (unsigned number = 1; rest.n > 0; number++) {
        struct view one = view_cut(&rest, '\n');

        if (number == line) {
            indent = look(rest, number, key, &key_line);
            if (indent == 0 || view_has(behind_login(one), '{'))
                return fault_set(f, FAULT_REJECT,
                                 "line %u: the entry is not written in lines of its own; change "
                                 "it by hand",
                                 line);
        }
        if (key_line > 0 && number == key_line)
            buf_printf(out, "%*s%s: %.*s\n", (int)indent, "", key, VIEW_ARG(value));
        else
            put_line(out, one);
        if (number == line && key_line == 0)
            buf_printf(out, "%*s%s: %.*s\n", (int)indent, "", key, VIEW_ARG(value));
    }
    return true;
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
