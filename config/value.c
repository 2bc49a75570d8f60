#include "config/value.h"

#include "bridge/core/ascii.h"
#include "bridge/core/guid.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_MAX 60  /* bytes of a wrong value that its sentence quotes */
#define TOPIC_MAX 249 /* bytes of a topic's name: Kafka's limit */

static bool is_name(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

/* `rest` begins after "${". */
static bool put_variable(struct view *rest, struct buf *out, struct fault *f)
{
    char name[SCHEMA_PATH_MAX];
    struct view word = {rest->p, 0};
    const char *value;

    while (word.n < rest->n && is_name(rest->p[word.n]))
        word.n++;
    if (word.n == 0 || word.n == rest->n || rest->p[word.n] != '}' || word.n >= sizeof name)
        return fault_set(f, FAULT_STOP,
                         "after ${ the name of a variable and } must follow; write $${ for ${");
    memcpy(name, word.p, word.n);
    name[word.n] = '\0';
    *rest = view_skip(*rest, word.n + 1);
    value = getenv(name);
    if (value == NULL)
        return fault_set(f, FAULT_STOP, "the environment has no %s", name);
    buf_put_text(out, value);
    return true;
}

bool value_expand(struct view written, struct buf *out, struct fault *f)
{
    struct view rest = written;

    while (rest.n > 0) {
        if (view_starts(rest, VIEW("$${"))) {
            buf_put_text(out, "${");
            rest = view_skip(rest, 3);
        } else if (view_starts(rest, VIEW("${"))) {
            rest = view_skip(rest, 2);
            if (!put_variable(&rest, out, f))
                return false;
        } else {
            buf_put_char(out, rest.p[0]);
            rest = view_skip(rest, 1);
        }
    }
    if (out->full)
        return fault_set(f, FAULT_STOP, "the value is longer than 65536 bytes");
    return true;
}

static bool read_open(int fd, const char *file, struct buf *out, struct fault *warning,
                      struct fault *f)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fault_set(f, FAULT_STOP, "%s is no regular file", file);
    if ((st.st_mode & S_IROTH) != 0)
        (void)fault_set(warning, FAULT_STOP, "%s may be read by everyone on this machine", file);
    for (;;) {
        char piece[4096];
        ssize_t n = read(fd, piece, sizeof piece);

        if (n < 0)
            return fault_set(f, FAULT_STOP, "%s can't be read: %s", file, strerror(errno));
        if (n == 0)
            break;
        if (!buf_put(out, (struct view){piece, (size_t)n}))
            return fault_set(f, FAULT_STOP, "%s is larger than 65536 bytes", file);
    }
    if (view_starts(buf_view(out), UTF8_ORDER_MARK))
        buf_drop(out, UTF8_ORDER_MARK.n);
    if (out->n > 0 && out->p[out->n - 1] == '\n')
        out->n--;
    if (out->n > 0 && out->p[out->n - 1] == '\r')
        out->n--;
    if (out->n == 0)
        return fault_set(f, FAULT_STOP, "%s is empty", file);
    return true;
}

/* Where the first control character stands, counted from 1; 0: there is none. */
static size_t control_at(struct view text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return i + 1;
    return 0;
}

bool value_from_file(const char *file, struct buf *out, struct fault *warning, struct fault *f)
{
    int fd = -1;
    bool ok;

    if (control_at(view_of(file)) > 0)
        return fault_set(f, FAULT_STOP, "the file's name holds a control character");
    /* Non-blocking, so that a pipe without a writer can't hold the start up. */
    fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fault_set(f, FAULT_STOP, "%s can't be opened: %s", file, strerror(errno));
    ok = read_open(fd, file, out, warning, f);
    (void)close(fd);
    return ok;
}

/* The value as a sentence may show it. */
static const char *shown(struct view text, char out[SHOWN_MAX + 8])
{
    size_t n = text.n > SHOWN_MAX ? SHOWN_MAX : text.n;

    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? '?' : text.p[i];
    memcpy(out + n, n < text.n ? "…" : "", n < text.n ? sizeof "…" : 1);
    return out;
}

const char *value_range(const struct setting *row, char out[80])
{
    char least[32];
    char most[32];

    if (row->kind == SETTING_DURATION)
        (void)snprintf(out, 80, "%s to %s", num_duration_text(row->min, least),
                       num_duration_text(row->max, most));
    else if (row->kind == SETTING_SIZE)
        (void)snprintf(out, 80, "%s to %s", num_size_text(row->min, least),
                       num_size_text(row->max, most));
    else
        (void)snprintf(out, 80, "%" PRId64 "%s to %" PRId64 "%s", row->min,
                       row->kind == SETTING_PERCENT ? "%" : "", row->max,
                       row->kind == SETTING_PERCENT ? "%" : "");
    return out;
}

static bool check_number(const struct setting *row, struct view text, int64_t *number,
                         struct fault *f)
{
    char quote[SHOWN_MAX + 8];
    char range[80];
    const char *wanted = "a whole number is wanted";
    bool ok;

    if (row->kind == SETTING_DURATION) {
        ok = num_duration(text, number);
        wanted = "write it with its unit, like 1500ms, 30s, 5min, 1h or 90d";
    } else if (row->kind == SETTING_SIZE) {
        ok = num_size(text, number);
        wanted = "write it with its unit, like 512B, 64KiB, 16MiB or 2GiB";
    } else if (row->kind == SETTING_PERCENT) {
        ok = text.n > 1 && text.p[text.n - 1] == '%' &&
             num_int((struct view){text.p, text.n - 1}, number);
        wanted = "write it like 10%";
    } else {
        ok = num_int(text, number);
    }
    if (!ok)
        return fault_set(f, FAULT_STOP, "is '%s'; %s", shown(text, quote), wanted);
    if (*number < row->min || *number > row->max)
        return fault_set(f, FAULT_STOP, "is %s; allowed are %s", shown(text, quote),
                         value_range(row, range));
    return true;
}

static bool check_choice(const struct setting *row, struct view text, struct fault *f)
{
    char quote[SHOWN_MAX + 8];
    struct buf allowed;

    for (size_t i = 0; row->choices[i] != NULL; i++)
        if (view_is(text, row->choices[i]))
            return true;
    buf_init(&allowed, FAULT_TEXT_MAX);
    for (size_t i = 0; row->choices[i] != NULL; i++)
        buf_printf(&allowed, "%s%s", i > 0 ? ", " : "", row->choices[i]);
    (void)fault_set(f, FAULT_STOP, "is '%s'; allowed are %s", shown(text, quote),
                    buf_text(&allowed));
    buf_done(&allowed);
    return false;
}

static bool is_host(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!is_name(v.p[i]) && v.p[i] != '.' && v.p[i] != '-')
            return false;
    return v.n > 0 && v.n <= 253;
}

/* "name", "127.0.0.1" or "[::1]", with or without ":port". */
static bool is_host_port(struct view text, bool port_needed, int64_t least_port)
{
    struct view host = text;
    struct view port = VIEW_NONE;
    int64_t n;

    if (text.n > 0 && text.p[0] == '[') {
        struct view inner = view_skip(text, 1);

        port = inner;
        host = view_cut(&port, ']');
        if (host.n == 0 || host.n == inner.n)
            return false;
        for (size_t i = 0; i < host.n; i++)
            if (strchr("0123456789abcdefABCDEF:.", host.p[i]) == NULL)
                return false;
        if (port.n == 0)
            return !port_needed;
        if (port.p[0] != ':')
            return false;
        port = view_skip(port, 1);
        return num_in(port, least_port, 65535, &n);
    }
    port = host;
    host = view_cut(&port, ':');
    if (!is_host(host))
        return false;
    if (host.n == text.n)
        return !port_needed;
    return num_in(port, least_port, 65535, &n);
}

static bool check_address(const struct setting *row, struct view text, struct fault *f)
{
    char quote[SHOWN_MAX + 8];
    bool unix_too = (row->flags & SETTING_UNIX) != 0;

    if (unix_too && view_starts(text, VIEW("unix:/")))
        return true;
    if (is_host_port(text, true, row->min))
        return true;
    return fault_set(f, FAULT_STOP, "is '%s'; write it like 127.0.0.1:%s, [::1]:%s%s",
                     shown(text, quote), "8080", "8080", unix_too ? " or unix:/path" : "");
}

static bool check_addresses(const struct setting *row, struct view text, struct fault *f)
{
    struct view rest = text;
    char quote[SHOWN_MAX + 8];

    do {
        struct view one = view_trim(view_cut(&rest, ','));

        if (!is_host_port(one, (row->flags & SETTING_PORTS) != 0, 1))
            return fault_set(f, FAULT_STOP, "has '%s'; write it like host-1:9092,host-2:9092",
                             shown(one, quote));
    } while (rest.n > 0);
    if (text.p[text.n - 1] == ',')
        return fault_set(f, FAULT_STOP, "ends in a comma");
    return true;
}

static bool check_url(struct view text, struct fault *f)
{
    char quote[SHOWN_MAX + 8];
    struct view rest = text;
    struct view host;

    if (view_starts_nocase(text, VIEW("http://")))
        rest = view_skip(text, strlen("http://"));
    else if (view_starts_nocase(text, VIEW("https://")))
        rest = view_skip(text, strlen("https://"));
    else
        return fault_set(f, FAULT_STOP, "is '%s'; it must begin with http:// or https://",
                         shown(text, quote));
    host = view_cut(&rest, '/');
    /* Before anything is quoted: what stands there may be a password. */
    if (view_has(host, '@'))
        return fault_set(f, FAULT_STOP, "names a user; use auth, user and password instead");
    if (!is_host_port(host, false, 1))
        return fault_set(f, FAULT_STOP, "is '%s'; after the scheme a host must follow",
                         shown(text, quote));
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || strchr("?#@\"<>\\^`{|}", rest.p[i]) != NULL)
            return fault_set(f, FAULT_STOP,
                             "is '%s'; a path of plain characters may follow the host, no more",
                             shown(text, quote));
    return true;
}

static bool check_path(struct view text, struct fault *f)
{
    char quote[SHOWN_MAX + 8];

    for (size_t i = 0; i < text.n; i++)
        if (text.p[0] != '/' || text.p[i] <= ' ' || text.p[i] >= 0x7f ||
            strchr("?#\"<>\\^`{|}", text.p[i]) != NULL)
            return fault_set(f, FAULT_STOP, "is '%s'; write it like /ingest", shown(text, quote));
    return true;
}

static bool check_file(const struct setting *row, struct view text, struct fault *f)
{
    char *file;
    struct stat st;
    bool ok;

    if ((row->flags & SETTING_EXISTS) == 0)
        return true;
    file = mem_text(text.p, text.n);
    if (stat(file, &st) != 0 || access(file, R_OK) != 0)
        ok = fault_set(f, FAULT_STOP, "is %s, which can't be read: %s", file, strerror(errno));
    else
        ok = S_ISREG(st.st_mode) ||
             fault_set(f, FAULT_STOP, "is %s, which is no regular file", file);
    mem_free(file);
    return ok;
}

static bool check_length(const struct setting *row, bool secret, struct view text, struct fault *f)
{
    if ((int64_t)text.n < row->min && text.n == 0)
        return fault_set(f, FAULT_STOP, "is empty");
    if ((int64_t)text.n < row->min || (int64_t)text.n > row->max)
        return fault_set(f, FAULT_STOP, "has %zu bytes; allowed are %" PRId64 " to %" PRId64,
                         text.n, row->min, row->max);
    if (control_at(text) > 0)
        return fault_set(f, FAULT_STOP, "holds a control character at byte %zu%s", control_at(text),
                         secret ? " (a file may have one line)" : "");
    return true;
}

/* false: the text is not of the form scheme://host[:port]. */
static bool split_origin(struct view text, struct view *scheme, struct view *host)
{
    size_t n = 0;

    while (n < text.n && (ascii_is_alnum(text.p[n]) || (n > 0 && strchr("+-.", text.p[n]) != NULL)))
        n++;
    *scheme = (struct view){text.p, n};
    *host = view_skip(text, n);
    if (n == 0 || !ascii_is_letter(text.p[0]) || !view_starts(*host, VIEW("://")))
        return false;
    *host = view_skip(*host, strlen("://"));
    return is_host_port(*host, false, 1);
}

/* What a browser never says, no page would be let in by. */
static bool check_origin(const struct setting *row, struct view text, struct fault *f)
{
    static const struct {
        const char *scheme;
        const char *port; /* that browsers leave out */
    } usual[] = {{"http", ":80"}, {"https", ":443"}};
    char quote[SHOWN_MAX + 8];
    struct view scheme;
    struct view host;

    if ((int64_t)text.n > row->max)
        return check_length(row, false, text, f);
    if (view_is(text, "*"))
        return fault_set(f, FAULT_STOP,
                         "is '*'; pages call with the user's credentials, so each origin that may "
                         "must be named");
    if (view_eq_nocase(text, VIEW("null")))
        return fault_set(f, FAULT_STOP,
                         "is 'null', which is what pages of any sandbox and file say");
    if (view_is(text, "file://")) /* said by pages within an app on a phone */
        return true;
    if (view_has(text, '@')) /* not quoted: a password may be in it */
        return fault_set(f, FAULT_STOP, "names a user; an origin is scheme://host[:port]");
    if (!split_origin(text, &scheme, &host))
        return fault_set(f, FAULT_STOP,
                         "is '%s'; write it like https://desk.example.com:8443, with nothing "
                         "behind",
                         shown(text, quote));
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (view_eq_nocase(scheme, view_of(usual[i].scheme)) && host.n > strlen(usual[i].port) &&
            view_is(view_skip(host, host.n - strlen(usual[i].port)), usual[i].port))
            return fault_set(f, FAULT_STOP, "is '%s'; leave %s out, as browsers do",
                             shown(text, quote), usual[i].port);
    return true;
}

static bool check_pattern(struct view text, struct fault *f)
{
    char *pattern = mem_text(text.p, text.n);
    char quote[SHOWN_MAX + 8];
    regex_t compiled;
    char why[80];
    int error = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);

    mem_free(pattern);
    if (error == 0) {
        regfree(&compiled);
        return true;
    }
    (void)regerror(error, NULL, why, sizeof why);
    return fault_set(f, FAULT_STOP, "is '%s', which is no regular expression: %s",
                     shown(text, quote), why);
}

static bool check_topic(const struct setting *row, struct view text, struct fault *f)
{
    bool pattern_too = (row->flags & SETTING_PATTERN) != 0;
    bool pattern = pattern_too && view_starts(text, VIEW("^"));
    char quote[SHOWN_MAX + 8];

    if (!check_length(row, false, text, f))
        return false;
    if (pattern)
        return check_pattern(text, f);
    if (text.n > TOPIC_MAX)
        return fault_set(f, FAULT_STOP, "has %zu bytes; a topic's name has 1 to %d", text.n,
                         TOPIC_MAX);
    if (view_is(text, ".") || view_is(text, ".."))
        return fault_set(f, FAULT_STOP, "is '%s', which no topic may be called",
                         shown(text, quote));
    for (size_t i = 0; i < text.n; i++)
        if (!is_name(text.p[i]) && text.p[i] != '.' && text.p[i] != '-')
            return fault_set(f, FAULT_STOP,
                             "is '%s'; a topic's name has letters, digits, ., _ and - only%s",
                             shown(text, quote), pattern_too ? "; a pattern begins with ^" : "");
    return true;
}

bool value_check(const struct setting *row, bool secret, struct view text, int64_t *number,
                 struct fault *f)
{
    struct guid guid;
    char quote[SHOWN_MAX + 8];

    *number = 0;
    switch (row->kind) {
    case SETTING_INT:
    case SETTING_PERCENT:
    case SETTING_DURATION:
    case SETTING_SIZE:
        return check_number(row, text, number, f);
    case SETTING_BOOL:
        *number = view_is(text, "true");
        if (*number == 0 && !view_is(text, "false"))
            return fault_set(f, FAULT_STOP, "is '%s'; allowed are true, false", shown(text, quote));
        return true;
    case SETTING_CHOICE:
        return check_choice(row, text, f);
    case SETTING_GUID:
        if (!guid_parse(text, &guid))
            return fault_set(f, FAULT_STOP,
                             "is '%s'; 32 hex digits are wanted, or 36 characters "
                             "with hyphens",
                             shown(text, quote));
        return true;
    case SETTING_TEXT:
    case SETTING_SECRET:
        return check_length(row, secret, text, f);
    case SETTING_TOPIC:
        return check_topic(row, text, f);
    case SETTING_ADDRESS:
    case SETTING_ADDRESSES:
    case SETTING_URL:
    case SETTING_ORIGIN:
    case SETTING_PATH:
    case SETTING_FILE:
        break;
    }
    if (text.n == 0)
        return fault_set(f, FAULT_STOP, "is empty");
    if (text.n > 4096)
        return fault_set(f, FAULT_STOP, "has %zu bytes; the maximum is 4096", text.n);
    if (control_at(text) > 0)
        return fault_set(f, FAULT_STOP, "holds a control character at byte %zu", control_at(text));
    if (row->kind == SETTING_ADDRESS)
        return check_address(row, text, f);
    if (row->kind == SETTING_ADDRESSES)
        return check_addresses(row, text, f);
    if (row->kind == SETTING_URL)
        return check_url(text, f);
    if (row->kind == SETTING_ORIGIN)
        return check_origin(row, text, f);
    if (row->kind == SETTING_PATH)
        return check_path(text, f);
    return check_file(row, text, f);
}
