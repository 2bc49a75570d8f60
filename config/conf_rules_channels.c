/* conf_rules: channels, who sends through them, the dialler, and stop words. */
#include "bridge/core/hours.h"
#include "bridge/core/stop_words.h"
#include "config/channels.h"
#include "config/conf_rules.h"

#include <stdio.h>
#include <string.h>

#define ALLOWED_MAX 512 /* bytes of a list of subTypes */

/* What a type needs beside a header that signs on. */
static const struct {
    const char *type;
    const char *keys[3];
} own_keys[] = {
    {"kannel", {"user", "password", NULL}},
    {"telegram", {"token", NULL}},
};

static const char *const *own_keys_of(const char *type)
{
    for (size_t i = 0; type != NULL && i < sizeof own_keys / sizeof own_keys[0]; i++)
        if (strcmp(own_keys[i].type, type) == 0)
            return own_keys[i].keys;
    return NULL;
}

/* Every text that channels_read wants is sound; what is not has its own mistake already. */
static bool is_whole(const struct rules *r, const char *prefix)
{
    for (size_t i = 0; i < r->c->count; i++)
        if (strncmp(r->c->values[i].path, prefix, strlen(prefix)) == 0 &&
            r->c->values[i].path[strlen(prefix)] == '.' && r->c->values[i].text == NULL)
            return false;
    return true;
}

static void check_hours(struct rules *r, const char *path, const char *text)
{
    struct hours hours;
    struct fault f = {0};

    if (text != NULL && !hours_parse(view_of(text), &hours, &f))
        rules_mistake(r, path, "%s: %s", path, f.text);
}

static void check_channel(struct rules *r, size_t i)
{
    const char *type = conf_entry_text(r->c, "channels", i, "type");
    struct channel_conf channel;
    struct fault f = {0};
    char prefix[SCHEMA_PATH_MAX];
    char path[SCHEMA_PATH_MAX];
    char hours[SCHEMA_PATH_MAX];

    (void)snprintf(prefix, sizeof prefix, "channels.%s", conf_name(r->c, "channels", i));
    (void)snprintf(path, sizeof path, "channels.%s.type", conf_name(r->c, "channels", i));
    (void)snprintf(hours, sizeof hours, "channels.%s.hours", conf_name(r->c, "channels", i));
    if (strcmp(prefix, "channels.dialler") == 0)
        rules_mistake(r, path,
                      "channels.dialler can't be called so: /receipts/dialler is where "
                      "the dialler reports");
    rules_sign_on(r, prefix, own_keys_of(type));
    check_hours(r, hours, conf_entry_text(r->c, "channels", i, "hours"));
    if (type == NULL || !is_whole(r, prefix))
        return;
    if (channels_read(r->c, i, &channel, &f))
        channels_done(&channel);
    else
        rules_mistake(r, path, "%s", f.text);
}

/* What the channel takes it for decides whether consent is asked for (usage whatsapp). */
static void check_carried(struct rules *r, size_t i, const char *via)
{
    size_t at = channels_find(r->c, via);
    const char *type = conf_entry_text(r->c, "channels", at, "type");
    const char *sub_type = conf_entry_text(r->c, "chats.queues", i, "channel");
    const struct channel *kind = type != NULL ? channel_find(type) : NULL;
    char path[SCHEMA_PATH_MAX];
    struct buf allowed;

    if (kind == NULL || kind->sub_type == NULL || sub_type == NULL)
        return;
    buf_init(&allowed, ALLOWED_MAX);
    for (size_t n = 0; kind->sub_type(n) != NULL; n++) {
        if (view_eq_nocase(view_of(sub_type), view_of(kind->sub_type(n)))) {
            buf_done(&allowed);
            return;
        }
        buf_printf(&allowed, "%s%s", n > 0 ? ", " : "", kind->sub_type(n));
    }
    (void)snprintf(path, sizeof path, "chats.queues.%s.channel",
                   conf_name(r->c, "chats.queues", i));
    rules_mistake(r, path, "%s is '%s'; via %s, of type %s, goes only %s", path, sub_type, via,
                  type, buf_text(&allowed));
    buf_done(&allowed);
}

static void check_queue(struct rules *r, size_t i)
{
    const char *via = conf_entry_text(r->c, "chats.queues", i, "via");
    const char *address = conf_entry_text(r->c, "chats.queues", i, "address");
    char path[SCHEMA_PATH_MAX];

    (void)snprintf(path, sizeof path, "chats.queues.%s.hours", conf_name(r->c, "chats.queues", i));
    check_hours(r, path, conf_entry_text(r->c, "chats.queues", i, "hours"));
    (void)snprintf(path, sizeof path, "chats.queues.%s.via", conf_name(r->c, "chats.queues", i));
    if (via == NULL)
        return;
    if (channels_find(r->c, via) == conf_count(r->c, "channels"))
        rules_mistake(r, path, "%s names the channel '%s', which is not in channels", path, via);
    else if (address == NULL)
        rules_mistake(r, path, "%s is given, but the queue has no address to send from", path);
    else
        check_carried(r, i, via);
}

/* A call that is given up while its request is out would be followed by another (D6). */
static void check_handling(struct rules *r)
{
    const struct conf_value *handling = conf_find(r->c, "callbacks.handling_timeout");
    const struct conf_value *request = conf_find(r->c, "callbacks.dialler.timeout");

    if (rules_sound(handling) && rules_sound(request) && handling->number <= request->number)
        rules_mistake(r, rules_given(r, "callbacks.handling_timeout", "callbacks.dialler.timeout"),
                      "callbacks.handling_timeout is %s; it must be longer than "
                      "callbacks.dialler.timeout, which is %s, or a call would be given up while "
                      "its request is out",
                      handling->text, request->text);
}

static void check_dialler(struct rules *r)
{
    static const char prefix[] = "callbacks.dialler";
    struct channel_conf dialler;
    const struct dialler *kind = NULL;
    struct fault f = {0};

    rules_sign_on(r, prefix, NULL);
    check_hours(r, "callbacks.dialler.hours", conf_text(r->c, "callbacks.dialler.hours"));
    if (!is_whole(r, prefix))
        return;
    if (conf_has(r->c, "callbacks.dialler.url") && !conf_has(r->c, "callbacks.dialler.type"))
        rules_mistake(r, "callbacks.dialler.url",
                      "callbacks.dialler.type is missing; what is spoken at its url is not known");
    else if (!channels_read_dialler(r->c, &kind, &dialler, &f))
        rules_mistake(r, "callbacks.dialler.type", "%s", f.text);
    else if (kind != NULL) {
        channels_done(&dialler);
        check_handling(r);
    }
}

static void check_stop_words(struct rules *r)
{
    struct stop_words all;

    stop_words_init(&all, NULL);
    for (size_t i = 0; i < conf_count(r->c, "consent.stop_words"); i++) {
        const char *list = conf_item(r->c, "consent.stop_words", i);
        struct fault f = {0};
        char path[SCHEMA_PATH_MAX];

        (void)snprintf(path, sizeof path, "consent.stop_words.%s",
                       conf_name(r->c, "consent.stop_words", i));
        if (list != NULL && !stop_words_add(&all, view_of(list), &f))
            rules_mistake(r, path, "%s %s", path, f.text);
    }
    stop_words_done(&all);
}

void rules_channels(struct rules *r)
{
    for (size_t i = 0; i < conf_count(r->c, "channels"); i++)
        check_channel(r, i);
    for (size_t i = 0; i < conf_count(r->c, "chats.queues"); i++)
        check_queue(r, i);
    check_dialler(r);
    check_stop_words(r);
}
