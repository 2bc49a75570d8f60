/* users: `cmibridge users`, which keeps the users file (server/user_file.h). The file is read, its
 * text changed, the change read back and held against what was wished, and then put in the old
 * one's place in one step. A running serve takes it at SIGHUP. */
#include "bridge/commands.h"
#include "bridge/core/authorization.h"
#include "bridge/core/hex.h"
#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"
#include "bridge/io/crypto.h"
#include "bridge/io/password.h"
#include "config/conf.h"
#include "config/yaml_in.h"
#include "server/access.h"
#include "server/queues.h"
#include "server/user_edit.h"
#include "server/user_file.h"
#include "server/users_text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MIN 8 /* characters */
#define TOKEN_BYTES  32

struct request {
    const char *what;
    const char *login;
    const char *file;   /* --file, or server.users of --config */
    const char *config; /* NULL: names of queues are not looked up */
    const char *name;
    const char *language;
    const char *id;
    const char *certificate;
    bool all_rights;
    struct conf *conf;
    struct queues *queues;
};

static void print_help(FILE *to)
{
    fprintf(
        to,
        "usage: cmibridge users COMMAND [LOGIN] (-c FILE | --config FILE | --file USERS-FILE)\n\n"
        "  add LOGIN     a new user, with a password [--name NAME] [--language fi] [--id GUID]\n"
        "                [--rights all]; without it the user may do nothing until the file\n"
        "                says what\n"
        "  passwd LOGIN  another password\n"
        "  token LOGIN   a new token, printed once: a bearer token, or an API key; those the\n"
        "                user has stay until they are taken out of the file\n"
        "  list          logins, ids, how they sign on, what they may do\n\n"
        "A password is asked for, or is the first line of the standard input. A running serve\n"
        "takes the file at SIGHUP.\n");
}

/* ---- the file ---- */

static bool parse(const struct request *r, struct view text, struct user_file *out)
{
    struct buf mistakes;
    bool ok;

    buf_init(&mistakes, ACCESS_MISTAKES_MAX);
    ok = user_file_read(text, r->file, r->queues, out, &mistakes);
    fputs(buf_text(&mistakes), stderr);
    buf_done(&mistakes);
    return ok;
}

static const struct user_record *find(const struct user_file *f, const char *login)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->records[i].login, login) == 0)
            return &f->records[i];
    return NULL;
}

/* ---- passwords ---- */

/* A line from the standard input, without its end; echo is off where that is a terminal. */
static bool read_line(const char *prompt, struct buf *line)
{
    struct termios before = {0};
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    char c = '\0';
    ssize_t n = 0;

    if (terminal) {
        struct termios silent = before;

        silent.c_lflag &= ~(tcflag_t)ECHO;
        silent.c_lflag |= (tcflag_t)ECHONL;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        fprintf(stderr, "%s: ", prompt);
    }
    while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
        if (!buf_put_char(line, c))
            break;
    if (terminal)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return n >= 0 && !line->full && (n == 1 || line->n > 0);
}

static bool is_password(struct view v)
{
    if (!utf8_valid(v) || view_has(v, '\0') || utf8_count(v) < PASSWORD_MIN) {
        fprintf(stderr, "a password has at least %d characters, in UTF-8\n", PASSWORD_MIN);
        return false;
    }
    return true;
}

static bool ask_password(const char *login, char hash[PASSWORD_HASH_MAX])
{
    struct buf first;
    struct buf second;
    char prompt[AUTHORIZATION_LOGIN_MAX + 32];
    bool ok = false;

    buf_init(&first, AUTHORIZATION_PASSWORD_MAX);
    buf_init(&second, AUTHORIZATION_PASSWORD_MAX);
    (void)snprintf(prompt, sizeof prompt, "Password of %s", login);
    if (!read_line(prompt, &first))
        fprintf(stderr, "there is no password, or it is longer than %d bytes\n",
                AUTHORIZATION_PASSWORD_MAX);
    else if (!is_password(buf_view(&first)))
        ok = false;
    else if (isatty(STDIN_FILENO) &&
             !(read_line("Again", &second) && view_eq(buf_view(&first), buf_view(&second))))
        fprintf(stderr, "the two are not the same\n");
    else if (!(ok = password_hash(buf_view(&first), hash)))
        fprintf(stderr, "there is no memory for hashing\n");
    password_wipe(first.p, first.n);
    password_wipe(second.p, second.n);
    buf_done(&first);
    buf_done(&second);
    return ok;
}

/* ---- changes ---- */

struct change {
    const struct request *request;
    char hash[PASSWORD_HASH_MAX]; /* add, passwd */
    char token[2 * TOKEN_BYTES + 1];
    char digest[CRYPTO_SHA256_HEX]; /* token */
};

static void put_entry(const struct change *c, struct buf *lines)
{
    const struct request *r = c->request;
    struct guid id = crypto_guid_random();
    char hex[GUID_TEXT_MAX];
    const char *const texts[][2] = {
        {"name", r->name}, {"language", r->language}, {"certificate", r->certificate}};

    guid_hex(&id, hex);
    buf_printf(lines, "  id: %s\n", r->id != NULL ? r->id : hex);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i][1] != NULL) {
            buf_printf(lines, "  %s: ", texts[i][0]);
            user_edit_quote(view_of(texts[i][1]), lines);
            buf_put_char(lines, '\n');
        }
    buf_printf(lines, "  password: %s\n", c->hash);
    buf_printf(lines, "  rights: %s\n", r->all_rights ? "all" : "{}");
}

/* What the file is to be; false: told why. */
static bool make_text(const struct change *c, struct view before, const struct user_file *file,
                      struct buf *after)
{
    const struct request *r = c->request;
    const struct user_record *u = find(file, r->login);
    struct fault f = {0};
    struct buf part;
    bool ok = true;

    buf_init(&part, YAML_BYTES_MAX);
    if (strcmp(r->what, "add") == 0) {
        put_entry(c, &part);
        user_edit_add(before, view_of(r->login), buf_view(&part), after);
    } else if (strcmp(r->what, "passwd") == 0) {
        ok = user_edit_set(before, u->line, "password", view_of(c->hash), after, &f);
    } else {
        ok = user_edit_append(before, u->line, "tokens", view_of(c->digest), after, &f);
    }
    buf_done(&part);
    if (!ok)
        fprintf(stderr, "%s: %s\n", r->file, f.text);
    return ok;
}

/* Is in the new file what was wished? Only hand-written YAML can make that go wrong. */
static bool is_as_wished(const struct change *c, const struct user_file *before,
                         const struct user_file *after)
{
    const struct request *r = c->request;
    const struct user_record *old = find(before, r->login);
    const struct user_record *new = find(after, r->login);
    bool ok = new != NULL && after->count == before->count + (old == NULL ? 1 : 0);

    if (ok && strcmp(r->what, "token") == 0)
        ok = old != NULL && new->token_count == old->token_count + 1;
    else
        ok = ok && new->password != NULL &&strcmp(new->password, c->hash) == 0;
    if (!ok)
        fprintf(stderr, "%s: the entry of %s is written in a way that only a hand can change\n",
                r->file, r->login);
    return ok;
}

static bool ask(struct change *c)
{
    uint8_t random[TOKEN_BYTES];

    if (strcmp(c->request->what, "token") != 0)
        return ask_password(c->request->login, c->hash);
    crypto_random(random, sizeof random);
    hex_write(random, sizeof random, c->token);
    crypto_sha256_hex(view_of(c->token), c->digest);
    return true;
}

static bool exists_as_it_must(const struct request *r, const struct user_file *file)
{
    bool there = find(file, r->login) != NULL;
    bool adds = strcmp(r->what, "add") == 0;

    if (there == adds)
        fprintf(stderr, "%s: there is %s user %s\n", r->file, adds ? "already a" : "no", r->login);
    return there != adds;
}

static int change(struct change *c)
{
    const struct request *r = c->request;
    struct user_file before = {NULL, 0};
    struct user_file after = {NULL, 0};
    struct buf old;
    struct buf fresh;
    char resolved[USERS_TEXT_NAME_MAX + 1];
    int code = COMMAND_FAILED;
    int locked = users_text_resolve(r->file, resolved) ? users_text_lock(resolved) : -1;

    assert(r->login != NULL); /* read_arguments has seen to it */
    buf_init(&old, YAML_BYTES_MAX);
    buf_init(&fresh, YAML_BYTES_MAX);
    if (locked < 0 || !users_text_read(resolved, &old))
        code = COMMAND_UNAVAILABLE;
    else if (!parse(r, buf_view(&old), &before))
        code = COMMAND_CONFIG;
    else if (exists_as_it_must(r, &before) && ask(c) &&
             make_text(c, buf_view(&old), &before, &fresh) && parse(r, buf_view(&fresh), &after) &&
             is_as_wished(c, &before, &after))
        code = users_text_write(resolved, buf_view(&fresh)) ? COMMAND_OK : COMMAND_UNAVAILABLE;
    if (code == COMMAND_OK && c->token[0] != '\0')
        printf("%s\n", c->token);
    user_file_done(&before);
    user_file_done(&after);
    buf_done(&old);
    buf_done(&fresh);
    if (locked >= 0)
        close(locked);
    return code;
}

/* ---- list ---- */

static void print_rights(const struct user_record *u)
{
    static const struct {
        const char *name;
        unsigned method;
    } methods[] = {
        {"GET", RIGHTS_GET}, {"POST", RIGHTS_POST}, {"PUT", RIGHTS_PUT}, {"DELETE", RIGHTS_DELETE}};

    if (rights_may(u->rights, RIGHTS_OTHER, RIGHTS_GET)) {
        printf("    everything\n");
        return;
    }
    for (unsigned i = 0; i < RIGHTS_RESOURCES; i++) {
        enum rights_resource resource = (enum rights_resource)i;
        const char *between = "";

        for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
            if (!rights_may(u->rights, resource, methods[m].method))
                continue;
            if (between[0] == '\0')
                printf("    %-17s", rights_resource_name(resource));
            printf("%s%s", between, methods[m].name);
            between = " ";
        }
        if (between[0] != '\0')
            printf("%s\n", rights_limited(u->rights, resource) ? ", of some queues" : "");
    }
}

static int list(const struct request *r)
{
    struct user_file file;
    struct buf mistakes;
    char hex[GUID_TEXT_MAX];
    bool ok;

    buf_init(&mistakes, ACCESS_MISTAKES_MAX);
    ok = user_file_load(r->file, r->queues, &file, &mistakes);
    fputs(buf_text(&mistakes), stderr);
    buf_done(&mistakes);
    if (!ok)
        return COMMAND_CONFIG;
    for (size_t i = 0; i < file.count; i++) {
        const struct user_record *u = &file.records[i];

        guid_hex(&u->user.id, hex);
        printf("%s (%s), %s, %s: ", u->login, u->name, u->language, hex);
        printf("%s, %zu token%s%s\n", u->password != NULL ? "password" : "no password",
               u->token_count, u->token_count == 1 ? "" : "s",
               u->certificate != NULL ? ", certificate" : "");
        print_rights(u);
    }
    user_file_done(&file);
    return COMMAND_OK;
}

/* ---- ---- */

static bool read_arguments(int argc, char **argv, struct request *r)
{
    static const char *const commands[] = {"add", "passwd", "token", "list"};
    struct {
        const char *name;
        const char **to;
        bool adds;
    } options[] = {{"--file", &r->file, false},
                   {"--config", &r->config, false},
                   {"-c", &r->config, false},
                   {"--name", &r->name, true},
                   {"--language", &r->language, true},
                   {"--certificate", &r->certificate, true},
                   {"--id", &r->id, true}};
    bool known = false;

    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        known = known || strcmp(argv[1], commands[i]) == 0;
    if (!known)
        return false;
    r->what = argv[1];
    for (int i = 2; i < argc; i++) {
        bool taken = false;

        for (size_t o = 0; !taken && i + 1 < argc && o < sizeof options / sizeof options[0]; o++)
            if (strcmp(argv[i], options[o].name) == 0 &&
                (!options[o].adds || strcmp(r->what, "add") == 0)) {
                *options[o].to = argv[++i];
                taken = true;
            }
        if (!taken && strcmp(argv[i], "--rights") == 0 && i + 1 < argc &&
            strcmp(argv[i + 1], "all") == 0 && strcmp(r->what, "add") == 0) {
            r->all_rights = taken = true;
            i++;
        }
        if (!taken && r->login == NULL && argv[i][0] != '-' && strcmp(r->what, "list") != 0) {
            r->login = argv[i];
            taken = true;
        }
        if (!taken)
            return false;
    }
    return (r->login != NULL) == (strcmp(r->what, "list") != 0) &&
           (r->file != NULL) != (r->config != NULL);
}

static int run(struct request *r)
{
    struct change c = {.request = r};

    if (strlen(r->file) > USERS_TEXT_NAME_MAX)
        return COMMAND_USAGE;
    if (r->login != NULL &&
        (!authorization_is_login(view_of(r->login)) || strpbrk(r->login, "[]") != NULL)) {
        fprintf(stderr,
                "'%s' is no login: 1 to %d bytes of UTF-8 without ':', brackets, control "
                "characters, or blanks at the ends\n",
                r->login, AUTHORIZATION_LOGIN_MAX);
        return COMMAND_USAGE;
    }
    return strcmp(r->what, "list") == 0 ? list(r) : change(&c);
}

int command_users(int argc, char **argv)
{
    struct request r = {0};
    struct buf mistakes;
    int code = COMMAND_CONFIG;

    if (command_asks_help(argc, argv)) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (!read_arguments(argc, argv, &r)) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    crypto_init();
    buf_init(&mistakes, ACCESS_MISTAKES_MAX);
    if (r.config != NULL && (r.conf = conf_load(r.config, &mistakes)) != NULL) {
        r.file = conf_text(r.conf, "server.users");
        r.queues = access_queues(r.conf);
        if (r.file == NULL)
            buf_printf(&mistakes, "%s: server.users is missing: the users and their rights\n",
                       r.config);
    }
    fputs(buf_text(&mistakes), stderr);
    buf_done(&mistakes);
    if (r.file != NULL)
        code = run(&r);
    queues_free(r.queues);
    conf_free(r.conf);
    return code;
}
