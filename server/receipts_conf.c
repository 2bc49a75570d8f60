/* receipts: what the configuration has of them. */
#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/unicode.h"
#include "config/channels.h"
#include "server/receipts.h"

#include <string.h>

struct receipts {
    struct channel_conf *confs; /* by the configuration's order */
    struct receipts_channel *channels;
    size_t count;
    struct channel_conf dialler_conf;
    struct receipts_channel dialler; /* reader NULL: there is none that reports */
    struct stop_words stop_words;
};

static bool read_channels(struct receipts *r, const struct conf *c, struct fault *f)
{
    size_t count = conf_count(c, "channels");

    r->confs = mem_zeroed(count, sizeof *r->confs);
    r->channels = mem_zeroed(count, sizeof *r->channels);
    for (size_t i = 0; i < count; i++) {
        if (!channels_read(c, i, &r->confs[i], f))
            return false;
        r->count = i + 1;
        r->channels[i] =
            (struct receipts_channel){.name = r->confs[i].setup.name,
                                      .reader = r->confs[i].setup.kind->receipts,
                                      .setup = {.channel = &r->confs[i].setup,
                                                .verify_token = r->confs[i].verify_token,
                                                .crypto = {crypto_hmac_sha256, crypto_same}}};
    }
    return true;
}

static bool read_dialler(struct receipts *r, const struct conf *c, struct fault *f)
{
    const struct dialler *kind = NULL;

    if (!channels_read_dialler(c, &kind, &r->dialler_conf, f))
        return false;
    r->dialler = (struct receipts_channel){
        .name = RECEIPTS_DIALLER,
        .reader = kind == &dialler_webhook ? &receipt_webhook : NULL,
        .setup = {.channel = &r->dialler_conf.setup, .crypto = {crypto_hmac_sha256, crypto_same}}};
    return true;
}

static bool read_stop_words(struct receipts *r, const struct conf *c, struct fault *f)
{
    size_t count = conf_count(c, "consent.stop_words");

    stop_words_init(&r->stop_words, &unicode_letters);
    if (count == 0)
        return stop_words_add(&r->stop_words, VIEW(STOP_WORDS_DEFAULT), f);
    for (size_t i = 0; i < count; i++)
        if (!stop_words_add(&r->stop_words, view_of(conf_item(c, "consent.stop_words", i)), f))
            return fault_add(f, "consent.stop_words.%s", conf_name(c, "consent.stop_words", i));
    return true;
}

struct receipts *receipts_new(const struct conf *c, struct fault *f)
{
    struct receipts *r = mem_zeroed(1, sizeof *r);

    if (read_channels(r, c, f) && read_dialler(r, c, f) && read_stop_words(r, c, f))
        return r;
    receipts_free(r);
    return NULL;
}

void receipts_free(struct receipts *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        channels_done(&r->confs[i]);
    channels_done(&r->dialler_conf);
    stop_words_done(&r->stop_words);
    mem_free(r->confs);
    mem_free(r->channels);
    mem_free(r);
}

const struct receipts_channel *receipts_channel(const struct receipts *r, struct view name)
{
    if (view_is(name, RECEIPTS_DIALLER))
        return r->dialler.reader != NULL ? &r->dialler : NULL;
    for (size_t i = 0; i < r->count; i++)
        if (view_is(name, r->channels[i].name))
            return r->channels[i].reader != NULL ? &r->channels[i] : NULL;
    return NULL;
}

const struct stop_words *receipts_stop_words(const struct receipts *r)
{
    return &r->stop_words;
}
