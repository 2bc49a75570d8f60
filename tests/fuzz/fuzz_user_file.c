/* Any text is either users, whole and findable, or a list of mistakes; what was read can be changed
 * and read again. */
#include "bridge/io/crypto.h"
#include "server/queues.h"
#include "server/user.h"
#include "server/user_edit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct queues *queues(void)
{
    static struct queues *all;
    struct chat_queue sms = {.entry = "sms", .name = "SMS", .channel = "sms"};
    struct callback_queue callback = {.number = "153"};

    if (all != NULL)
        return all;
    crypto_init();
    all = queues_new();
    queues_add_chat(all, &sms);
    queues_add_callback(all, &callback);
    return all;
}

#define DIGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* An edit that is made must leave what can be read, and hold the value. */
static void edit(struct view yaml, const struct user_record *u)
{
    struct user_file again;
    struct buf out;
    struct buf mistakes;
    struct fault f = {0};

    buf_init(&out, 4 << 20);
    buf_init(&mistakes, 4 << 20);
    if (user_edit_set(yaml, u->line, "name", VIEW("edited"), &out, &f) &&
        user_file_read(buf_view(&out), "f", queues(), &again, &mistakes))
        user_file_done(&again);
    buf_clear(&out);
    buf_clear(&mistakes);
    if (user_edit_append(yaml, u->line, "tokens", VIEW(DIGEST), &out, &f) &&
        user_file_read(buf_view(&out), "f", queues(), &again, &mistakes))
        user_file_done(&again);
    buf_done(&out);
    buf_done(&mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view yaml = {(const char *)data, size};
    struct user_file file;
    struct users *users = NULL;
    struct buf mistakes;
    bool ok;

    buf_init(&mistakes, 16 << 20);
    ok = user_file_read(yaml, "f", queues(), &file, &mistakes);
    if (ok != (mistakes.n == 0) || mistakes.full || (!ok && file.records != NULL))
        abort();
    buf_done(&mistakes);
    if (!ok)
        return 0;
    if (file.count > 0)
        edit(yaml, &file.records[0]);
    users = users_new(&file);
    if (users_anonymous(users) != NULL || users_by_token(users, VIEW("x")) != NULL)
        abort();
    users_let_go(users);
    return 0;
}
