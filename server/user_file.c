#include "server/user_file.h"

#include "bridge/core/authorization.h"
#include "bridge/core/dn.h"
#include "bridge/core/hex.h"
#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"
#include "bridge/io/crypto.h"
#include "bridge/io/password.h"
#include "config/yaml_in.h"
#include "server/queues.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    const char *name;
    const struct queues *queues;
    struct user_file *file;
    struct buf *mistakes;
    struct user_record *user; /* the one that is being read */
    const struct yaml_node *node;
    const struct yaml_node *end; /* behind the last */
};

static bool mistake(const struct reading *r, const char *format, ...) PRINTF_LIKE(2, 3);
static bool mistake(const struct reading *r, const char *format, ...)
{
    char sentence[2 * FAULT_TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    for (char *c = sentence; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = *c == YAML_BETWEEN ? '.' : '?';
    buf_printf(r->mistakes, "%s:%u: %s\n", r->name, r->node->line, sentence);
    return false;
}

static char *copy_of(struct view v)
{
    return mem_text(v.p, v.n);
}

/* What a file says twice, which is a mistake and told, is read twice. */
static void put(char **to, struct view v)
{
    mem_free(*to);
    *to = copy_of(v);
}

/* ---- single values ---- */

static bool take_id(struct reading *r, struct view v)
{
    return guid_parse(v, &r->user->user.id) ||
           mistake(r, "%s: id is no GUID: 32 hex digits, or 36 characters with hyphens",
                   r->user->login);
}

static bool take_name(struct reading *r, struct view v)
{
    if (v.n == 0 || v.n > USER_FILE_NAME_MAX || !utf8_valid(v) || utf8_has_control(v))
        return mistake(r, "%s: name is not 1 to %d bytes of UTF-8 without control characters",
                       r->user->login, USER_FILE_NAME_MAX);
    put(&r->user->name, v);
    return true;
}

static bool take_language(struct reading *r, struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if ((v.p[i] | 0x20) < 'a' || (v.p[i] | 0x20) > 'z')
            v.n = 0;
    if (v.n != 2)
        return mistake(r, "%s: language is not two letters (ISO 639)", r->user->login);
    memcpy(r->user->language, v.p, 2);
    return true;
}

static bool take_password(struct reading *r, struct view v)
{
    struct fault f = {0};

    if (!password_is_hash(v, &f))
        return mistake(r, "%s: password %s", r->user->login, f.text);
    put(&r->user->password, v);
    return true;
}

static bool take_certificate(struct reading *r, struct view v)
{
    struct fault f = {0};
    struct buf subject;
    bool ok = false;

    buf_init(&subject, DN_MAX);
    if (v.n > USER_FILE_TEXT_MAX)
        mistake(r, "%s: certificate has more than %d bytes", r->user->login, USER_FILE_TEXT_MAX);
    else if (!dn_read(v, &subject, &f))
        mistake(r, "%s: certificate is no subject: %s", r->user->login, f.text);
    else if (subject.full)
        mistake(r, "%s: certificate is a subject of more than %d bytes", r->user->login, DN_MAX);
    else
        ok = true;
    if (ok)
        put(&r->user->certificate, buf_view(&subject));
    buf_done(&subject);
    return ok;
}

static bool take_remarks(struct reading *r, struct view v)
{
    r->user->user.remarks_any = view_is(v, "any");
    return r->user->user.remarks_any || view_is(v, "own") ||
           mistake(r, "%s: remarks is neither any nor own", r->user->login);
}

static bool take_act_for(struct reading *r, struct view v)
{
    r->user->user.act_for = view_is(v, "true");
    return r->user->user.act_for || view_is(v, "false") ||
           mistake(r, "%s: act-for is neither true nor false", r->user->login);
}

/* ---- lists ---- */

static bool take_token(struct reading *r, struct view v)
{
    if (r->user->token_count == USER_FILE_TOKENS_MAX)
        return mistake(r, "%s: there are more than %d tokens", r->user->login,
                       USER_FILE_TOKENS_MAX);
    if (!hex_read(v, r->user->tokens[r->user->token_count], USER_FILE_DIGEST))
        return mistake(r, "%s: tokens has what is not 64 hex digits, the SHA-256 of a token",
                       r->user->login);
    r->user->token_count++;
    return true;
}

static bool queue_id(const struct reading *r, struct view v, struct guid *id)
{
    const struct chat_queue *queue = r->queues != NULL ? queues_chat_by_entry(r->queues, v) : NULL;

    if (queue != NULL)
        *id = queue->id;
    return queue != NULL || guid_parse(v, id);
}

static bool take_serve(struct reading *r, struct view v)
{
    struct guid id;

    if (queue_id(r, v, &id))
        rights_serve_queue(r->user->rights, &id);
    else if (r->queues != NULL)
        return mistake(r, "%s: serve has '%.*s', which is neither a name in chats.queues nor an id",
                       r->user->login, VIEW_ARG(v));
    return true;
}

static bool show_queue(struct reading *r, enum rights_resource resource, struct view v)
{
    struct rights *rights = r->user->rights;
    struct guid id;
    bool is_id = queue_id(r, v, &id);
    bool is_number = r->queues != NULL && queues_callback(r->queues, v) != NULL;

    if (is_id)
        rights_show_queue(rights, resource, &id);
    if (is_number)
        rights_show_number(rights, resource, v);
    return is_id || is_number || r->queues == NULL ||
           mistake(
               r,
               "%s: queues has '%.*s', which is neither a name in chats.queues, nor a number in "
               "callbacks.queues, nor an id",
               r->user->login, VIEW_ARG(v));
}

static bool show_agent(struct reading *r, enum rights_resource resource, struct view v)
{
    struct guid id;

    for (size_t i = 0; i < r->file->count; i++)
        if (view_is(v, r->file->records[i].login)) {
            rights_show_agent(r->user->rights, resource, &r->file->records[i].user.id);
            return true;
        }
    if (!guid_parse(v, &id))
        return mistake(r, "%s: agents has '%.*s', which is neither a login in this file nor an id",
                       r->user->login, VIEW_ARG(v));
    rights_show_agent(r->user->rights, resource, &id);
    return true;
}

static bool take_method(struct reading *r, enum rights_resource resource, struct view v)
{
    unsigned method = view_is(v, "all") ? RIGHTS_ALL : rights_method_of(v);

    if (method == 0 || view_is(v, "HEAD"))
        return mistake(r, "%s: rights.%s has '%.*s'; allowed are GET, POST, PUT, DELETE, all",
                       r->user->login, rights_resource_name(resource), VIEW_ARG(v));
    rights_allow(r->user->rights, resource, method);
    return true;
}

/* ---- what is given by resource ---- */

/* Cuts the resource off a path within the user: "chats", "chats[0]". */
static bool read_resource(const struct reading *r, const char *what, struct view path,
                          enum rights_resource *resource)
{
    struct view rest = path;
    struct view name = view_cut(&rest, '[');

    *resource = rights_resource_of(name);
    if (*resource < RIGHTS_RESOURCES && !view_has(name, '/'))
        return true;
    if (view_has(path, '['))
        return false; /* told already, of its list */
    return mistake(r,
                   "%s: %s has '%.*s', which is no resource; there are emails, scriptResults, "
                   "chats, callRecordings, callbacks, contacts, messages, customerConsents, ingest",
                   r->user->login, what, VIEW_ARG(name));
}

static bool has_queues(enum rights_resource resource)
{
    return resource != RIGHTS_CONSENTS && resource != RIGHTS_INGEST;
}

/* Is there nothing in the map? Whoever took all out of it meant nothing, not everything. */
static bool is_empty(const struct reading *r)
{
    struct view path = view_of(r->node->path);
    const struct yaml_node *next = r->node + 1;

    return next == r->end || !view_starts(view_of(next->path), path) ||
           next->path[path.n] != YAML_BETWEEN;
}

typedef bool take_item(struct reading *r, enum rights_resource resource, struct view v);

/* none: what is meant by an empty list of `what`. path: within `what`: "" for `queues` itself,
 * "[0]" for an item of it, "chats", "chats[0]". text NULL: a list or map begins. */
static bool take_scope(struct reading *r, const char *what, const char *none, take_item *take,
                       struct view path, enum yaml_kind kind, struct view text)
{
    enum rights_resource first = RIGHTS_EMAILS;
    enum rights_resource last = RIGHTS_RESOURCES - 1;
    bool whole = path.n == 0 || path.p[0] == '[';
    bool ok = true;

    if (path.n == 0 && kind == YAML_MAP)
        return !is_empty(r) || mistake(r, "%s: %s is an empty map; %s", r->user->login, what, none);
    if (kind == YAML_MAP)
        return mistake(r, "%s: %s is a map where a list is wanted", r->user->login, what);
    if (!whole) {
        if (!read_resource(r, what, path, &first))
            return false;
        if (!has_queues(first) && view_has(path, '['))
            return false;
        if (!has_queues(first))
            return mistake(r, "%s: %s has '%s', which are of no queue", r->user->login, what,
                           rights_resource_name(first));
        last = first;
    }
    for (enum rights_resource i = first; ok && i <= last; i++) {
        if (!has_queues(i))
            continue;
        rights_limit(r->user->rights, i);
        ok = kind == YAML_LIST || take(r, i, text);
    }
    return ok;
}

static bool take_rights(struct reading *r, struct view path, enum yaml_kind kind, struct view text)
{
    enum rights_resource resource;

    if (path.n == 0 && kind == YAML_MAP)
        return true;
    if (path.n == 0 && kind == YAML_TEXT && view_is(text, "all")) {
        rights_allow_everything(r->user->rights);
        return true;
    }
    if (path.n == 0 || path.p[0] == '[' || kind == YAML_MAP)
        return mistake(r, "%s: rights is neither all nor a map of resources, each with its methods",
                       r->user->login);
    return read_resource(r, "rights", path, &resource) &&
           (kind == YAML_LIST || take_method(r, resource, text));
}

/* ---- nodes ---- */

static const struct {
    const char *key;
    bool (*value)(struct reading *r, struct view v); /* one value, or NULL */
    bool (*item)(struct reading *r, struct view v);  /* of a list, or NULL */
} keys[] = {
    {"id", take_id, NULL},
    {"name", take_name, NULL},
    {"language", take_language, NULL},
    {"password", take_password, NULL},
    {"certificate", take_certificate, NULL},
    {"remarks", take_remarks, NULL},
    {"act-for", take_act_for, NULL},
    {"tokens", NULL, take_token},
    {"serve", NULL, take_serve},
    {"rights", NULL, NULL},
    {"queues", NULL, NULL},
    {"agents", NULL, NULL},
};

/* path: within the user: "name", "tokens[0]", "rights", YAML_BETWEEN, "chats[1]". */
static bool take_node(struct reading *r, struct view path)
{
    const struct yaml_node *n = r->node;
    struct view text = view_of(n->text);
    size_t key_n = 0;
    struct view key;
    struct view rest;
    size_t i = 0;

    while (key_n < path.n && path.p[key_n] != YAML_BETWEEN && path.p[key_n] != '[')
        key_n++;
    key = (struct view){path.p, key_n};
    rest = view_skip(path, key_n + (key_n < path.n && path.p[key_n] == YAML_BETWEEN ? 1 : 0));
    if (n->kind == YAML_NULL)
        return mistake(r, "%s: %.*s has no value", r->user->login, VIEW_ARG(path));
    while (i < sizeof keys / sizeof keys[0] && !view_is(key, keys[i].key))
        i++;
    if (i == sizeof keys / sizeof keys[0])
        return mistake(r,
                       "%s: there is no '%.*s'; a user has id, name, language, password, tokens, "
                       "certificate, rights, queues, agents, serve, remarks, act-for",
                       r->user->login, VIEW_ARG(key));
    if (view_is(key, "rights"))
        return take_rights(r, rest, n->kind, text);
    if (view_is(key, "queues"))
        return take_scope(r, "queues", "[] is no queue, and all are seen where there is no queues",
                          show_queue, rest, n->kind, text);
    if (view_is(key, "agents"))
        return take_scope(r, "agents", "[] is nobody but the user", show_agent, rest, n->kind,
                          text);
    if (keys[i].value != NULL && rest.n == 0 && n->kind == YAML_TEXT)
        return keys[i].value(r, text);
    if (keys[i].item != NULL && n->kind == YAML_TEXT)
        return keys[i].item(r, text);
    if (keys[i].item != NULL && rest.n == 0 && n->kind == YAML_LIST)
        return true;
    return mistake(r, "%s: %s is not %s", r->user->login, keys[i].key,
                   keys[i].item != NULL ? "a list" : "one value");
}

/* The users and their ids, so that they can name each other. */
static bool take_logins(struct reading *r, const struct yaml_doc *d)
{
    bool ok = true;

    r->file->records = mem_zeroed(USER_FILE_USERS_MAX, sizeof *r->file->records);
    for (size_t i = 0; i < d->count; i++) {
        r->node = &d->nodes[i];
        if (r->node->path[0] == '[')
            return mistake(r, "a map of users is wanted: a login, and beneath it what is said of "
                              "the user");
        if (r->node->key_at == 0) {
            struct view login = view_of(r->node->path);

            r->user = NULL;
            if (!authorization_is_login(login))
                ok = mistake(r, "'%.*s' is no login: 1 to %d bytes without ':'", VIEW_ARG(login),
                             AUTHORIZATION_LOGIN_MAX);
            else if (r->node->kind != YAML_MAP)
                ok = mistake(r, "%s is a user: id, name and so on are wanted beneath it",
                             r->node->path);
            else if (r->file->count == USER_FILE_USERS_MAX)
                return mistake(r, "there are more than %d users", USER_FILE_USERS_MAX);
            else {
                r->user = &r->file->records[r->file->count++];
                r->user->login = copy_of(login);
                r->user->line = r->node->line;
                r->user->user.id = crypto_guid_of(VIEW("user"), login);
                memcpy(r->user->language, "en", 3);
            }
        } else if (r->user != NULL && r->node->kind == YAML_TEXT &&
                   strcmp(r->node->path + r->node->key_at, "id") == 0 &&
                   r->node->key_at == strlen(r->user->login) + 1) {
            ok = take_id(r, view_of(r->node->text)) && ok;
        }
    }
    return ok;
}

static bool take_all(struct reading *r, const struct yaml_doc *d)
{
    size_t next = 0;
    struct view path;
    bool ok = true;

    for (size_t i = 0; i < r->file->count; i++)
        r->file->records[i].rights = rights_new(&r->file->records[i].user.id);
    r->user = NULL;
    for (size_t i = 0; i < d->count; i++) {
        r->node = &d->nodes[i];
        if (r->node->key_at == 0)
            r->user = next < r->file->count && r->file->records[next].line == r->node->line &&
                              strcmp(r->file->records[next].login, r->node->path) == 0
                          ? &r->file->records[next++]
                          : NULL; /* no login, or no user: told already */
        if (r->node->key_at == 0 || r->user == NULL)
            continue;
        path = view_of(r->node->path + strlen(r->user->login) + 1);
        if (!view_is(path, "id"))
            ok = take_node(r, path) && ok;
    }
    return ok;
}

/* What must be one user's only. */
static bool check_pair(struct reading *r, const struct user_record *a, const struct user_record *b)
{
    bool ok = true;
    struct yaml_node at = {.line = b->line};

    if (strcmp(a->login, b->login) == 0)
        return true; /* told already */
    r->node = &at;
    if (guid_eq(&a->user.id, &b->user.id))
        ok = mistake(r, "%s has the id of %s", b->login, a->login);
    if (a->certificate != NULL && b->certificate != NULL &&
        strcmp(a->certificate, b->certificate) == 0)
        ok = mistake(r, "%s has the certificate of %s", b->login, a->login);
    for (size_t i = 0; i < a->token_count; i++)
        for (size_t j = 0; j < b->token_count; j++)
            if (memcmp(a->tokens[i], b->tokens[j], USER_FILE_DIGEST) == 0)
                ok = mistake(r, "%s has a token of %s", b->login, a->login);
    r->node = NULL;
    return ok;
}

static bool check_pairs(struct reading *r)
{
    bool ok = true;

    for (size_t i = 0; i < r->file->count; i++)
        for (size_t j = 0; j < i; j++)
            ok = check_pair(r, &r->file->records[j], &r->file->records[i]) && ok;
    return ok;
}

static void settle(struct user_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct user_record *u = &f->records[i];

        if (u->name == NULL)
            u->name = copy_of(view_of(u->login));
        rights_settle(u->rights);
        u->user.login = u->login;
        u->user.name = u->name;
        u->user.language = u->language;
        u->user.rights = u->rights;
    }
}

/* ---- */

bool user_file_read(struct view yaml, const char *name, const struct queues *queues,
                    struct user_file *out, struct buf *mistakes)
{
    struct reading r = {.name = name, .queues = queues, .file = out, .mistakes = mistakes};
    struct yaml_doc doc;
    bool ok;

    *out = (struct user_file){NULL, 0};
    ok = yaml_read_names(yaml, name, &doc, mistakes);
    r.end = doc.count > 0 ? doc.nodes + doc.count : NULL;
    if (!doc.cut && !doc.aliases) { /* there may be more users, whom others name */
        ok = take_logins(&r, &doc) && ok;
        ok = take_all(&r, &doc) && ok;
        ok = check_pairs(&r) && ok;
    }
    yaml_doc_done(&doc);
    if (ok)
        settle(out);
    else
        user_file_done(out);
    return ok;
}

static bool read_whole(int fd, const char *file, struct buf *text, struct buf *mistakes)
{
    struct stat st;
    char piece[4096];
    ssize_t n = 0;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        buf_printf(mistakes, "%s: is no regular file\n", file);
        return false;
    }
    if ((st.st_mode & 027) != 0) {
        buf_printf(mistakes,
                   "%s: others may read it, or its group write it (mode %03o); it must be 600, or "
                   "640\n",
                   file, (unsigned)st.st_mode & 0777u);
        return false;
    }
    /* One piece more than is allowed, for yaml_read to say so. */
    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && (!buf_put(text, (struct view){piece, (size_t)n}) || text->n > YAML_BYTES_MAX))
            break;
    if (n < 0)
        buf_printf(mistakes, "%s: can't be read: %s\n", file, strerror(errno));
    return n >= 0;
}

bool user_file_load(const char *file, const struct queues *queues, struct user_file *out,
                    struct buf *mistakes)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct buf text;
    bool ok = false;

    *out = (struct user_file){NULL, 0};
    if (fd < 0) {
        buf_printf(mistakes, "%s: can't be opened: %s\n", file, strerror(errno));
        return false;
    }
    buf_init(&text, YAML_BYTES_MAX + 4096);
    ok = read_whole(fd, file, &text, mistakes) &&
         user_file_read(buf_view(&text), file, queues, out, mistakes);
    close(fd);
    buf_done(&text);
    return ok;
}

void user_file_done(struct user_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct user_record *u = &f->records[i];

        mem_free(u->login);
        mem_free(u->name);
        mem_free(u->password);
        mem_free(u->certificate);
        rights_free(u->rights);
    }
    mem_free(f->records);
    *f = (struct user_file){NULL, 0};
}
