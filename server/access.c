#include "server/access.h"

#include "bridge/io/crypto.h"
#include "bridge/io/tls.h"
#include "server/queues.h"

#include <assert.h>

/* ---- queues ---- */

struct queues *access_queues(const struct conf *c)
{
    struct queues *queues = queues_new();

    for (size_t i = 0; i < conf_count(c, "callbacks.queues"); i++) {
        struct callback_queue one = {
            .number = conf_name(c, "callbacks.queues", i),
            .original_number = conf_entry_text(c, "callbacks.queues", i, "original"),
            .original_name = conf_entry_text(c, "callbacks.queues", i, "name")};

        queues_add_callback(queues, &one);
    }
    for (size_t i = 0; i < conf_count(c, "chats.queues"); i++) {
        struct chat_queue one = {.entry = conf_name(c, "chats.queues", i),
                                 .address = conf_entry_text(c, "chats.queues", i, "address"),
                                 .name = conf_entry_text(c, "chats.queues", i, "name"),
                                 .channel = conf_entry_text(c, "chats.queues", i, "channel"),
                                 .via = conf_entry_text(c, "chats.queues", i, "via")};
        bool is_guid = guid_parse(view_of(conf_entry_text(c, "chats.queues", i, "id")), &one.id);

        assert(is_guid); /* the schema says so */
        (void)is_guid;
        queues_add_chat(queues, &one);
    }
    return queues;
}

/* ---- users ---- */

static struct users *anonymous_of(const struct conf *c)
{
    const char *login = conf_text(c, "server.anonymous.login");
    const char *name = conf_text(c, "server.anonymous.name");
    const char *id = conf_text(c, "server.anonymous.id");
    struct exchange_user user = {.login = login,
                                 .name = name != NULL ? name : login,
                                 .language = conf_text(c, "server.anonymous.language"),
                                 .act_for = true,
                                 .remarks_any = true};

    if (id == NULL || !guid_parse(view_of(id), &user.id))
        user.id = crypto_guid_of(VIEW("user"), view_of(login));
    return users_new_anonymous(&user);
}

/* NULL where the file has mistakes; they are logged. */
static struct users *users_of(const struct access *a)
{
    struct user_file file;
    struct buf mistakes;
    struct view rest = VIEW_NONE;
    struct users *users = NULL;

    buf_init(&mistakes, ACCESS_MISTAKES_MAX);
    if (user_file_load(a->file, a->queues, &file, &mistakes))
        users = users_new(&file);
    for (rest = buf_view(&mistakes); rest.n > 0;) {
        struct view line = view_cut(&rest, '\n');

        notice_say(a->log, NOTICE_ERROR, "users_mistake", NOTICE_VIEW("error", line));
    }
    buf_done(&mistakes);
    return users;
}

static bool queues_are_whole(const struct conf *c)
{
    static const char *const keys[] = {"id", "name", "channel"};

    for (size_t i = 0; i < conf_count(c, "chats.queues"); i++)
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            if (conf_entry_text(c, "chats.queues", i, keys[k]) == NULL)
                return false;
    return true;
}

void access_check(const struct conf *c, struct buf *mistakes)
{
    const char *name = conf_text(c, "server.users");
    struct queues *queues = NULL;
    struct user_file file;

    if (name == NULL || !queues_are_whole(c))
        return;
    queues = access_queues(c);
    if (user_file_load(name, queues, &file, mistakes))
        user_file_done(&file);
    queues_free(queues);
}

/* ---- ---- */

static bool open_tls(struct access *a, const struct conf *c, struct fault *f)
{
    struct tls_conf files = {.certificate = conf_text(c, "server.tls.certificate"),
                             .key = conf_text(c, "server.tls.key"),
                             .client_ca = conf_text(c, "server.tls.client_ca")};

    return files.certificate == NULL || (a->tls = tls_new(&files, f)) != NULL;
}

bool access_open(struct access *a, const struct conf *c, const struct queues *queues,
                 struct sign_on_conf *sign_on, struct fault *f)
{
    struct users *users = NULL;

    *a = (struct access){
        .file = conf_text(c, "server.users"), .queues = queues, .log = sign_on->log};
    if (!open_tls(a, c, f))
        return false;
    users = a->file != NULL ? users_of(a) : anonymous_of(c);
    if (users == NULL)
        return fault_set(f, FAULT_REJECT, "the users file %s has mistakes", a->file);
    sign_on->api_key_header = conf_text(c, "server.api_key_header");
    a->sign_on = sign_on_new(sign_on, users);
    return true;
}

void access_reload(struct access *a)
{
    struct users *users = NULL;
    struct fault f = {0};

    if (a->file != NULL && (users = users_of(a)) != NULL) {
        notice_say(a->log, NOTICE_INFO, "users_read",
                   NOTICE_INT("users", (int64_t)users_count(users)));
        sign_on_change(a->sign_on, users);
    }
    if (a->tls == NULL)
        return;
    if (tls_reload(a->tls, &f))
        notice_say(a->log, NOTICE_INFO, "certificate_read", NOTICE_TEXT("from", "files"));
    else
        notice_say(a->log, NOTICE_ERROR, "certificate_mistake", NOTICE_TEXT("error", f.text));
}

void access_stop(struct access *a)
{
    if (a->sign_on != NULL)
        sign_on_stop(a->sign_on);
}

void access_close(struct access *a)
{
    sign_on_free(a->sign_on);
    tls_free(a->tls);
    a->sign_on = NULL;
    a->tls = NULL;
}
