#include "tests/fakes/receipt_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/core/signature.h"
#include "bridge/io/crypto.h"

#include <inttypes.h>
#include <stdio.h>

#define COMMAND 1024

void receipt_rig_slice(const struct serve_rig *rig, const char *id, const struct slice *s)
{
    struct buf record;
    char command[COMMAND];
    size_t n = 0;

    buf_init(&record, SLICE_RECORD_MAX);
    slice_write(s, &record);
    n = (size_t)snprintf(command, sizeof command, "HSET s:{%02u}:sl:%s 0 \"", shard_of(view_of(id)),
                         id);
    for (size_t i = 0; i < record.n; i++)
        n += (size_t)snprintf(command + n, sizeof command - n, "\\x%02x",
                              (unsigned char)record.p[i]);
    snprintf(command + n, sizeof command - n, "\"");
    assert_string_equal(redis_server_ask(rig->redis, command), ":1");
    buf_done(&record);
}

int receipt_rig_ask(const struct serve_rig *rig, const char *method, const char *path,
                    const char *headers, const char *body)
{
    struct probe_reply r = probe_ask(rig->port, method, path, headers, body);
    int status = r.status;

    probe_done(&r);
    return status;
}

int receipt_rig_hook(const struct serve_rig *rig, const char *channel, const char *secret,
                     const char *event, const char *body, int64_t at_s)
{
    char signature[SIGNATURE_TEXT_MAX];
    char headers[512];
    char path[64];
    struct buf key;
    struct fault f = {0};

    buf_init(&key, SIGNATURE_KEY_MAX);
    assert_true(signature_key(view_of(secret), &key, &f));
    signature_make(crypto_hmac_sha256, buf_view(&key), view_of(event), at_s, view_of(body),
                   signature);
    buf_done(&key);
    snprintf(headers, sizeof headers,
             "webhook-id: %s\r\nwebhook-timestamp: %" PRId64 "\r\nwebhook-signature: %s\r\n", event,
             at_s, signature);
    snprintf(path, sizeof path, "/receipts/%s", channel);
    return receipt_rig_ask(rig, "POST", path, headers, body);
}
