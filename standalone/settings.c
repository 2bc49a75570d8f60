#include "standalone/settings.h"

#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "config/conf.h"
#include "config/schema.h"
#include "config/yaml_in.h"
#include "standalone/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MADE "made" /* the name of the result, while it is held against the rules */

/* What makes the examples of the specification work as they stand: its queues, and a user. */
static const struct {
    const char *path;
    const char *text;
} built_in[] = {
    /* The embedded broker forgets static members, answers an empty fetch late, and takes long to
     * share partitions anew. */
    {"kafka.assign", "all"},
    {"kafka.properties.fetch.wait.max.ms", "10"},

    {"targets.main.honours_key", "true"},
    {"targets.main.ingest", "/ingest"},

    {"server.anonymous.login", "dev"},
    {"server.anonymous.name", "Developer"},

    {"callbacks.ivr_number", "100"},
    /* So that the second call can be waited for. */
    {"callbacks.retry_delay", "2s"},
    {"callbacks.dialler.type", "webhook"},
    {"callbacks.dialler.url", "http://127.0.0.1:1/calls"}, /* until dev knows where it is */
    {"callbacks.queues.152.name", "Sales"},
    {"callbacks.queues.153.original", "152"},
    {"callbacks.queues.153.name", "Sales"},
    {"callbacks.queues.505.original", "505"},

    {"channels.carrier.type", "webhook"},
    {"channels.carrier.url", "http://127.0.0.1:1/messages"}, /* likewise */

    {"chats.queues.support.id", "999102030405060708090A0B0C0D0E0F"},
    {"chats.queues.support.name", "My support chat"},
    {"chats.queues.support.via", "carrier"},
    {"chats.queues.support.channel", "text"},
    {"chats.queues.support.address", "kjiouioy9i89987ttydrtxfc@sms.sinchconversation.com"},
    {"chats.queues.sms.id", "6D2A86B1C4E04C6F9A4E0E7B36D8A101"},
    {"chats.queues.sms.name", "SMS"},
    {"chats.queues.sms.via", "carrier"},
    {"chats.queues.sms.channel", "sms"},
    {"chats.queues.sms.address", "12345678@sms.social365.com"},
    {"chats.queues.whatsapp.id", "6D2A86B1C4E04C6F9A4E0E7B36D8A102"},
    {"chats.queues.whatsapp.name", "WhatsApp"},
    {"chats.queues.whatsapp.via", "carrier"},
    {"chats.queues.whatsapp.channel", "whatsapp"},
    {"chats.queues.whatsapp.address", "12345678@whatsapp.social365.com"},
    {"chats.queues.conversation.id", "6D2A86B1C4E04C6F9A4E0E7B36D8A103"},
    {"chats.queues.conversation.name", "WhatsApp, Sinch Conversation"},
    {"chats.queues.conversation.via", "carrier"},
    {"chats.queues.conversation.channel", "whatsapp"},
    {"chats.queues.conversation.address",
     "11ERHG2PJ0NJKMNF7WRTR9Y1551@whatsapp.sinchconversation.com"},
};

struct entry {
    char *path;    /* a list's item: "kafka.topics[0]" */
    char *text;    /* NULL: nothing stands behind the colon */
    unsigned line; /* of the user's file; 0: not from there */
    bool own;      /* dev's; if line > 0, the user's has been replaced */
    bool gone;     /* a list's item that another list has replaced, or dropped */
};

struct settings {
    char *file; /* of the user; NULL: none */
    struct entry *at;
    size_t count;
    size_t cap;
};

/* How much of a path names the setting: all, but for an item its list's. */
static struct view setting_of(const char *path)
{
    return (struct view){path, strcspn(path, "[")};
}

static struct entry *find(struct settings *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->at[i].gone && strcmp(s->at[i].path, path) == 0)
            return &s->at[i];
    return NULL;
}

static struct entry *put(struct settings *s, const char *path, const char *text)
{
    struct entry *e = find(s, path);

    if (e == NULL) {
        if (s->count == s->cap) {
            s->cap = s->cap == 0 ? 64 : s->cap * 2;
            s->at = mem_resize(s->at, s->cap, sizeof *s->at);
        }
        e = &s->at[s->count++];
        *e = (struct entry){.path = mem_text(path, strlen(path))};
    }
    mem_free(e->text);
    e->text = text == NULL ? NULL : mem_text(text, strlen(text));
    return e;
}

/* A list replaces a list. Its node stands before its items'. */
static void drop_list(struct settings *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++)
        if (strchr(s->at[i].path, '[') != NULL && view_is(setting_of(s->at[i].path), path))
            s->at[i].gone = true;
}

static bool is_empty(const struct yaml_doc *doc, size_t i)
{
    size_t n = strlen(doc->nodes[i].path);

    return i + 1 == doc->count || strncmp(doc->nodes[i + 1].path, doc->nodes[i].path, n) != 0 ||
           doc->nodes[i + 1].path[n] != '.';
}

/* A map comes to settings by what is in it; of one with nothing in it only this can be said. */
static void look_at_map(const struct settings *s, const struct yaml_doc *doc, size_t i,
                        struct buf *mistakes)
{
    const struct yaml_node *node = &doc->nodes[i];

    if (is_empty(doc, i) && !schema_is_group(node->path))
        buf_printf(mistakes, "%s:%u: %s is no setting\n", s->file, node->line, node->path);
}

static void lay_over(struct settings *s, const struct yaml_doc *doc, struct buf *mistakes)
{
    for (size_t i = 0; i < doc->count; i++) {
        const struct yaml_node *node = &doc->nodes[i];

        if (node->kind == YAML_LIST)
            drop_list(s, node->path);
        else if (node->kind == YAML_MAP)
            look_at_map(s, doc, i, mistakes);
        else
            put(s, node->path, node->text)->line = node->line;
    }
}

static bool read_user(struct settings *s, struct buf *mistakes)
{
    struct buf bytes;
    struct fault f = {0};
    struct yaml_doc doc = {0};
    bool ok = false;

    buf_init(&bytes, YAML_BYTES_MAX);
    if (!file_get(s->file, &bytes, &f))
        buf_printf(mistakes, "%s\n", f.text);
    else if (yaml_read(buf_view(&bytes), s->file, &doc, mistakes))
        ok = true;
    if (ok) {
        size_t before = mistakes->n;

        lay_over(s, &doc, mistakes);
        ok = mistakes->n == before;
    }
    yaml_doc_done(&doc);
    buf_done(&bytes);
    return ok;
}

/* Who says who signs on says that not everybody is the built-in one. */
static void drop_built_in_user(struct settings *s)
{
    char variable[SCHEMA_PATH_MAX];

    if (find(s, "server.users") == NULL &&
        getenv(schema_environment_name("server.users", variable)) == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        s->at[i].gone |=
            s->at[i].line == 0 && view_starts(view_of(s->at[i].path), VIEW("server.anonymous."));
}

struct settings *settings_new(const char *file, struct buf *mistakes)
{
    struct settings *s = mem_zeroed(1, sizeof *s);

    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
        put(s, built_in[i].path, built_in[i].text);
    if (file != NULL) {
        s->file = mem_text(file, strlen(file));
        if (!read_user(s, mistakes)) {
            settings_free(s);
            return NULL;
        }
    }
    drop_built_in_user(s);
    return s;
}

void settings_free(struct settings *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++) {
        mem_free(s->at[i].path);
        mem_free(s->at[i].text);
    }
    mem_free(s->at);
    mem_free(s->file);
    mem_free(s);
}

void settings_set(struct settings *s, const char *path, const char *text)
{
    struct view rest = view_of(text);
    struct buf written;

    buf_init(&written, 2 * rest.n + 1);
    for (; rest.n > 0; rest = view_skip(rest, 1)) {
        if (view_starts(rest, VIEW("${")))
            buf_put_char(&written, '$');
        buf_put_char(&written, rest.p[0]);
    }
    put(s, path, buf_text(&written))->own = true;
    buf_done(&written);
}

void settings_drop(struct settings *s, const char *prefix)
{
    const size_t n = strlen(prefix);
    const bool all = n > 0 && prefix[n - 1] == '.';

    for (size_t i = 0; i < s->count; i++)
        if (all ? strncmp(s->at[i].path, prefix, n) == 0 : strcmp(s->at[i].path, prefix) == 0)
            s->at[i].own = s->at[i].gone = true;
}

const char *settings_replaced(const struct settings *s, size_t *at, unsigned *line)
{
    while (*at < s->count) {
        const struct entry *e = &s->at[(*at)++];

        if (e->own && e->line > 0) {
            *line = e->line;
            return e->path;
        }
    }
    return NULL;
}

/* ---- the result ---- */

static void write_value(const struct entry *e, struct buf *out)
{
    struct json_out j;

    json_out_init(&j, out);
    if (e->text != NULL)
        json_text(&j, e->text); /* a JSON string is a YAML string */
}

/* One setting a line, so that a line of the result leads back to the user's. lines (may be NULL)
 * gets for each line the user's, 0 where it is not from there. */
static void write_yaml(const struct settings *s, struct buf *out, unsigned *lines)
{
    size_t line = 2;

    buf_put_text(
        out, "# Made by cmibridge dev at each start. Settings of your own: dev --config FILE\n");
    for (size_t i = 0; i < s->count; i++) {
        const struct entry *e = &s->at[i];
        struct view name = setting_of(e->path);

        if (e->gone)
            continue;
        if (lines != NULL)
            lines[line] = e->own ? 0 : e->line;
        line++;
        buf_put(out, name);
        buf_put_text(out, name.n < strlen(e->path) ? ": [" : ": ");
        write_value(e, out);
        if (name.n < strlen(e->path)) {
            while (i + 1 < s->count && strchr(s->at[i + 1].path, '[') != NULL &&
                   view_eq(setting_of(s->at[i + 1].path), name)) {
                buf_put_text(out, ", ");
                write_value(&s->at[++i], out);
            }
            buf_put_char(out, ']');
        }
        buf_put_char(out, '\n');
    }
}

/* "made:12: sentence" becomes "FILE:7: sentence". */
static void retell(const struct settings *s, struct view told, const unsigned *lines,
                   struct buf *mistakes)
{
    while (told.n > 0) {
        struct view sentence = view_cut(&told, '\n');
        struct view rest = sentence;
        struct view name = view_cut(&rest, ':');
        struct view after = rest;
        int64_t line;

        if (!view_is(name, MADE)) {
            buf_printf(mistakes, "%.*s\n", VIEW_ARG(sentence)); /* of the environment */
            continue;
        }
        buf_put_text(mistakes, s->file != NULL ? s->file : "cmibridge dev");
        if (num_in(view_cut(&after, ':'), 1, (int64_t)s->count + 1, &line)) {
            rest = after;
            if (lines[line] > 0)
                buf_printf(mistakes, ":%u", lines[line]);
        }
        buf_printf(mistakes, ":%.*s\n", VIEW_ARG(rest));
    }
}

struct conf *settings_conf(const struct settings *s, struct buf *mistakes)
{
    unsigned *lines = mem_zeroed(s->count + 2, sizeof *lines);
    struct buf yaml;
    struct buf told;
    struct conf *c;

    buf_init(&yaml, SETTINGS_TEXT_MAX);
    buf_init(&told, SETTINGS_TEXT_MAX);
    write_yaml(s, &yaml, lines);
    c = conf_parse(MADE, buf_view(&yaml), USED_SERVE | USED_CONSUME | USED_SCHEDULE, &told);
    retell(s, buf_view(&told), lines, mistakes);
    buf_done(&told);
    buf_done(&yaml);
    mem_free(lines);
    return c;
}

bool settings_save(const struct settings *s, const char *path, struct fault *f)
{
    struct buf yaml;
    bool ok;

    buf_init(&yaml, SETTINGS_TEXT_MAX);
    write_yaml(s, &yaml, NULL);
    ok = yaml.full ? fault_set(f, FAULT_REJECT, "the settings are longer than %d bytes",
                               SETTINGS_TEXT_MAX)
                   : file_put(path, buf_view(&yaml), f);
    buf_done(&yaml);
    return ok;
}
