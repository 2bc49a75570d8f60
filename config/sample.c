#include "config/sample.h"

#include "bridge/core/ascii.h"
#include "config/schema.h"
#include "config/value.h"

#include <assert.h>
#include <string.h>

#define COLUMNS 100
#define INDENT  2

static const char head[] =
    "# The configuration of cmibridge: every setting, with its default or an example. What is\n"
    "# commented out may be left out. `cmibridge check --config FILE` names every mistake at "
    "once.\n"
    "#\n"
    "# Durations are written 1500ms, 30s, 5min, 1h, 90d; sizes 512B, 64KiB, 16MiB, 2GiB.\n"
    "# ${NAME} stands for an environment variable, $${ for ${ itself. A secret may be file:/path.\n"
    "# CMIBRIDGE_KAFKA_BROKERS in the environment overrides kafka.brokers, and so on.\n";

static const char intro[] =
    "# Configuration\n"
    "\n"
    "<!-- Made by `cmibridge check --print-docs` from the table in config/schema.c. -->\n"
    "\n"
    "One YAML file serves every command: `cmibridge COMMAND --config FILE`. "
    "`cmibridge check --config FILE` names every mistake at once, with its line and the nearest "
    "valid name; `--connect` tries every peer; `--print` shows each value and where it is from; "
    "`--print-sample` prints [a file with everything in it](../config/cmibridge.sample.yaml).\n"
    "\n"
    "- A value counts in this order: the environment's, the file's, the default.\n"
    "- **Environment.** The setting's name in capitals with `_` for everything else: "
    "`CMIBRIDGE_KAFKA_BROKERS`, `CMIBRIDGE_TARGETS_MAIN_TIMEOUT` (for a target that the file "
    "names). Items of a list with commas between. An empty value is an empty one, as in the "
    "file; it does not stand for the file's. Two names of yours that would give one, such as "
    "`a-b` and `a_b`, can't stand side by side.\n"
    "- **Variables.** `${NAME}` in the file stands for an environment variable, which must be "
    "there; `$${` for `${` itself.\n"
    "- **Secrets.** A *secret* may be `file:/path`: the content of that file without its line's "
    "end. Secrets are shown nowhere. Among `kafka.properties` those are secret whose names hold "
    "`password`, `secret`, `key`, `pem`, `token`, `jaas` or `config`.\n"
    "- **Units.** Durations are written `1500ms`, `30s`, `5min`, `1h`, `90d`; sizes `512B`, "
    "`64KiB`, `16MiB`, `2GiB`; a number without its unit is refused, but for `0`.\n"
    "- **Topics** of Kafka have 1 to 249 letters, digits, `.`, `_` and `-`; none is called `.` or "
    "`..`.\n"
    "- **YAML.** Maps, lists and texts; no anchors, aliases or tags. `kafka.brokers: a` is the "
    "same as `brokers: a` under `kafka:`.\n"
    "- **Reload.** SIGHUP reads the file again. Settings marked ↻ are applied; if others differ "
    "from what runs, the log names them, at each SIGHUP, and they wait for a restart. A file with "
    "a mistake changes none of them.\n"
    "- `*` stands for a name of yours: letters, digits, `-`, `_` and `+`.\n";

/* What stands for the user's names. */
static const struct {
    const char *map;
    const char *name;
} names[] = {
    {"kafka.properties", "security.protocol"},
    {"targets", "main"},
    {"routes", "*"},
    {"callbacks.queues", "153"},
    {"channels", "gateway"},
    {"chats.queues", "service-sms"},
    {"consent.stop_words", "en"},
    {"translations", "fi"},
    {"translations.*", "InQueue"},
};

static const char *name_in(struct view map)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (view_is(map, names[i].map))
            return names[i].name;
    assert(!"every map has a name in the sample");
    return NULL;
}

/* ---- what a row says ---- */

static void put_users(struct buf *b, unsigned users)
{
    static const char *const commands[] = {"consume", "serve", "publish", "dlq", "schedule"};
    const char *between = "";

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if ((users & (1u << i)) == 0)
            continue;
        buf_printf(b, "%s%s", between, commands[i]);
        between = ", ";
    }
}

static bool is_list(struct view segment)
{
    return segment.n > 2 && view_is(view_skip(segment, segment.n - 2), "[]");
}

/* "duration, 10ms to 1min", "one of group, all" */
static void put_allowed(struct buf *b, const struct setting *row)
{
    char range[80];

    if (is_list(view_of(row->path)))
        buf_put_text(b, "list of ");
    switch (row->kind) {
    case SETTING_CHOICE:
        buf_put_text(b, "one of ");
        for (size_t i = 0; row->choices[i] != NULL; i++)
            buf_printf(b, "%s%s", i > 0 ? ", " : "", row->choices[i]);
        break;
    case SETTING_INT:
    case SETTING_PERCENT:
    case SETTING_DURATION:
    case SETTING_SIZE:
        buf_printf(b, "%s, %s", schema_kind_name(row->kind), value_range(row, range));
        break;
    case SETTING_TEXT:
    case SETTING_SECRET:
    case SETTING_BOOL:
    case SETTING_ADDRESS:
    case SETTING_ADDRESSES:
    case SETTING_URL:
    case SETTING_ORIGIN:
    case SETTING_PATH:
    case SETTING_FILE:
    case SETTING_GUID:
    case SETTING_TOPIC:
        buf_put_text(b, schema_kind_name(row->kind));
        break;
    }
}

/* ---- YAML ---- */

static void put_indent(struct buf *b, size_t depth)
{
    for (size_t i = 0; i < depth * INDENT; i++)
        buf_put_char(b, ' ');
}

/* "# …" in lines of at most COLUMNS; the note in its brackets is kept whole. */
static void put_comment(struct buf *b, size_t depth, struct view text, struct view note)
{
    size_t column = 0;

    while (text.n > 0 || note.n > 0) {
        struct view word = text.n > 0 ? view_cut(&text, ' ') : note;

        if (word.p == note.p)
            note = VIEW_NONE;
        if (column > 0 && column + 1 + word.n > COLUMNS) {
            buf_put_char(b, '\n');
            column = 0;
        }
        if (column == 0) {
            put_indent(b, depth);
            buf_put_char(b, '#');
            column = depth * INDENT + 1;
        }
        buf_put_char(b, ' ');
        buf_put(b, word);
        column += 1 + word.n;
    }
    buf_put_char(b, '\n');
}

static void put_yaml_text(struct buf *b, struct view text)
{
    bool plain = text.n > 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        plain = plain && (ascii_is_alnum(c) || view_has(VIEW("_-./:,+@%"), c));
    }
    buf_printf(b, plain ? "%.*s" : "\"%.*s\"", VIEW_ARG(text));
}

/* "#client_id: cmibridge", with what there is to say above it. */
static void put_yaml_row(struct buf *b, const struct setting *row, struct view leaf, size_t depth)
{
    bool required = (row->flags & SETTING_REQUIRED) != 0;
    struct view value = view_of(row->fallback != NULL ? row->fallback : row->example);
    struct buf note;

    buf_init(&note, SAMPLE_MAX);
    buf_put_char(&note, '[');
    put_allowed(&note, row);
    if (required) {
        buf_put_text(&note, strstr(row->path, ".*") != NULL ? "; required" : "; required by ");
        if (strstr(row->path, ".*") == NULL)
            put_users(&note, row->used_by);
    }
    buf_put_text(&note, row->fallback != NULL || required ? "]" : "; no default]");
    put_comment(b, depth, view_of(row->about), buf_view(&note));
    buf_done(&note);
    put_indent(b, depth);
    if (!required && (row->flags & SETTING_SHOWN) == 0)
        buf_put_char(b, '#');
    if (is_list(leaf)) {
        leaf.n -= 2;
        put_yaml_text(b, leaf);
        buf_put_text(b, ": [");
        put_yaml_text(b, value);
        buf_put_char(b, ']');
    } else {
        put_yaml_text(b, leaf);
        buf_put_text(b, ": ");
        put_yaml_text(b, value);
    }
    buf_put_char(b, '\n');
}

/* The bytes of the groups that two paths have in common, and how many groups. */
static size_t common(const char *a, const char *b, size_t *groups)
{
    size_t n = 0;

    *groups = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '.') {
            n = i + 1;
            (*groups)++;
        }
    return n;
}

static void put_yaml_setting(struct buf *b, const struct setting *row, const char *before)
{
    size_t depth;
    size_t at = common(row->path, before, &depth);
    struct view rest = view_of(row->path + at);

    for (;; depth++) {
        struct view map = {row->path, at > 0 ? at - 1 : 0};
        struct view segment = view_cut(&rest, '.');

        at += segment.n + 1;
        if (view_is(segment, "*"))
            segment = view_of(name_in(map));
        if (rest.n == 0) {
            put_yaml_row(b, row, segment, depth);
            return;
        }
        put_indent(b, depth);
        put_yaml_text(b, segment);
        buf_put_text(b, ":\n");
    }
}

static bool is_in(const struct setting *row, const struct section *section)
{
    size_t n = strlen(section->path);

    return strncmp(row->path, section->path, n) == 0 &&
           (row->path[n] == '.' || row->path[n] == '\0');
}

void sample_yaml(struct buf *to)
{
    const char *before = "";

    buf_put_text(to, head);
    for (size_t s = 0; s < schema_section_count; s++) {
        buf_put_char(to, '\n');
        if (schema_sections[s].about != NULL)
            put_comment(to, 0, view_of(schema_sections[s].about), VIEW_NONE);
        for (size_t i = 0; i < schema_count; i++) {
            if (!is_in(&schema[i], &schema_sections[s]))
                continue;
            put_yaml_setting(to, &schema[i], before);
            before = schema[i].path;
        }
    }
}

/* ---- Markdown ---- */

static void put_cell(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++)
        buf_printf(b, *text == '|' ? "\\%c" : "%c", *text);
}

static void put_markdown_row(struct buf *b, const struct setting *row)
{
    buf_printf(b, "| `%s`%s | ", row->path, (row->flags & SETTING_RELOADABLE) != 0 ? " ↻" : "");
    put_allowed(b, row);
    buf_put_text(b, " | ");
    if ((row->flags & SETTING_REQUIRED) != 0)
        buf_put_text(b, "*required*");
    else if (row->fallback != NULL)
        buf_printf(b, "`%s`", row->fallback[0] != '\0' ? row->fallback : "\"\"");
    else
        buf_put_text(b, "–");
    buf_put_text(b, " | ");
    put_cell(b, row->about);
    buf_put_text(b, " | ");
    put_users(b, row->used_by);
    buf_put_text(b, " |\n");
}

void sample_markdown(struct buf *to)
{
    buf_put_text(to, intro);
    for (size_t s = 0; s < schema_section_count; s++) {
        buf_printf(to, "\n## %s\n\n", schema_sections[s].path);
        if (schema_sections[s].about != NULL)
            buf_printf(to, "%s\n\n", schema_sections[s].about);
        buf_put_text(to, "| setting | value | default | | used by |\n|---|---|---|---|---|\n");
        for (size_t i = 0; i < schema_count; i++)
            if (is_in(&schema[i], &schema_sections[s]))
                put_markdown_row(to, &schema[i]);
    }
}
