/* channel: the table, and what all channels are handed. */
#include "bridge/core/channel.h"

#include "bridge/core/num.h"
#include "bridge/core/parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS(X)                                                                                \
    X(channel_webhook, "webhook")                                                                  \
    X(channel_kannel, "kannel")                                                                    \
    X(channel_sinch, "sinch-conversation")                                                         \
    X(channel_whatsapp, "whatsapp-cloud")                                                          \
    X(channel_telegram, "telegram")                                                                \
    X(channel_cmi_chat, "cmi-chat")

#define CHANNELS_ROW(row, name)  &(row),
#define CHANNELS_NAME(row, name) name,
const struct channel *const channels[] = {CHANNELS(CHANNELS_ROW) NULL};
const char *const channel_names[] = {CHANNELS(CHANNELS_NAME) NULL};

const struct channel *channel_find(const char *name)
{
    for (size_t i = 0; channels[i] != NULL; i++)
        if (strcmp(channels[i]->name, name) == 0)
            return channels[i];
    return NULL;
}

const char *channel_verdict_name(enum channel_verdict v)
{
    switch (v) {
#define CHANNEL_VERDICT_CASE(name, text)                                                           \
    case CHANNEL_##name:                                                                           \
        return text;
        CHANNEL_VERDICTS(CHANNEL_VERDICT_CASE)
#undef CHANNEL_VERDICT_CASE
    }
    return "unknown";
}

/* ---- content ---- */

bool channel_content_init(struct channel_content *c, struct view body, bool is_template,
                          const struct channel *kind, struct view sub_type, struct fault *f)
{
    *c = (struct channel_content){.text = body, .is_template = is_template, .parts = 1};
    if (is_template) {
        if (!template_read(&c->tpl, body, f))
            return false;
        c->text = c->tpl.body;
    }
    if ((kind != NULL && kind->is_sms) || view_eq_nocase(sub_type, VIEW("sms")))
        c->parts = parts_of(c->text).count;
    return true;
}

unsigned channel_requests(const struct channel *kind, const struct channel_content *c)
{
    return kind->splits && c->parts > 1 ? c->parts : 1;
}

void channel_content_done(struct channel_content *c)
{
    if (c->is_template)
        template_done(&c->tpl);
    *c = (struct channel_content){.is_template = false};
}

/* ---- what it told ---- */

void channel_told_add(struct channel_told *told, struct view value)
{
    assert(told->private_count < CHANNEL_TOLD_MAX);
    if (value.n > 0)
        told->privates[told->private_count++] = value;
}

void channel_told_secrets(const struct channel_setup *s, struct channel_told *out)
{
    out->private_count = 0;
    out->secrets[0] = s->password;
    out->secrets[1] = s->token;
    out->secrets[2] = s->api_key;
    out->secrets[3] = s->receipts_secret;
    out->secrets[CHANNEL_SECRETS_MAX - 1] = NULL;
}

void channel_told(const struct channel_setup *s, const struct channel_content *c, struct view to,
                  struct channel_told *out)
{
    channel_told_secrets(s, out);
    channel_told_add(out, to);
    channel_told_add(out, c->text);
    for (size_t i = 0; c->is_template && i < c->tpl.parameter_count; i++)
        channel_told_add(out, c->tpl.parameters[i].value);
}

/* ---- refs ---- */

void channel_ref_text(const struct channel_ref *ref, char out[CHANNEL_REF_MAX])
{
    guid_hex(&ref->message, out);
    (void)snprintf(out + GUID_HEX_LEN, CHANNEL_REF_MAX - GUID_HEX_LEN, "-%" PRIu32,
                   ref->destination);
}

bool channel_ref_parse(struct view text, struct channel_ref *out)
{
    struct view hex = {text.p, GUID_HEX_LEN};
    int64_t destination = 0;

    if (text.n < GUID_HEX_LEN + 2 || text.p[GUID_HEX_LEN] != '-' ||
        !guid_parse(hex, &out->message) ||
        !num_in(view_skip(text, GUID_HEX_LEN + 1), 0, UINT32_MAX, &destination))
        return false;
    out->destination = (uint32_t)destination;
    return true;
}

/* ---- requests ---- */

void channel_request_init(struct channel_request *r)
{
    *r = (struct channel_request){.method = NULL};
    buf_init(&r->path, CHANNEL_PATH_MAX);
    buf_init(&r->body, CHANNEL_BODY_MAX);
}

void channel_request_clear(struct channel_request *r)
{
    r->method = NULL;
    r->header_count = 0;
    r->value_bytes = 0;
    buf_clear(&r->path);
    buf_clear(&r->body);
}

void channel_request_done(struct channel_request *r)
{
    buf_done(&r->path);
    buf_done(&r->body);
}
