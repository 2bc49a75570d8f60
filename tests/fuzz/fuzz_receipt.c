/* Every receipt reader, and the dialler's reports: nothing breaks it, what it hands over is sane,
 * and nobody proves to be a gateway without its secret. The first byte says whose receipt it is. */
#include "bridge/core/dialler_report.h"
#include "bridge/core/receipt.h"
#include "bridge/core/utf8.h"
#include "bridge/io/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void on_receipt(void *ctx, const struct receipt *r)
{
    ++*(size_t *)ctx;
    must(utf8_valid(view_of(r->reason)), "the reason is no UTF-8");
    must(r->reason[0] == '\0' || r->status == RECEIPT_FAILED, "a reason without a failure");
    must(r->time_ms >= -1, "a time before 1970");
}

static void on_inbound(void *ctx, const struct receipt_inbound *i)
{
    ++*(size_t *)ctx;
    must(strlen(i->from) < RECEIPT_FROM_MAX && strlen(i->text) < RECEIPT_TEXT_MAX &&
             strlen(i->name) < RECEIPT_NAME_MAX,
         "too long");
}

static void on_nonsense(void *ctx, size_t number, const struct fault *f)
{
    (void)ctx;
    must(number >= 1 && number <= RECEIPT_ITEMS_MAX && f->cls == FAULT_REJECT, "nonsense of none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct channel_setup channel = {
        .receipts_secret = "0123456789abcdef",
        .keys = {{"a key of exactly thirty-two byte", 32}, {NULL, 0}}};
    static bool begun;
    const struct receipt_setup setup = {
        .channel = &channel, .verify_token = "t", .crypto = {crypto_hmac_sha256, crypto_same}};
    size_t taken = 0;
    struct receipt_visitor to = {&taken, on_receipt, on_inbound, on_nonsense};
    const struct receipt_reader *reader = NULL;
    struct receipt_request r = {.wall_ms = 1700000000000};
    struct view once = VIEW_NONE;
    struct view answer = VIEW_NONE;
    struct fault f = {0};
    char *room = NULL;

    if (!begun)
        crypto_init();
    begun = true;
    if (size > 0 && data[0] % 5 == 4) {
        struct dialler_report report;

        if (dialler_report_read((struct view){(const char *)data + 1, size - 1}, &report, &f))
            must(report.put.result != CALLBACK_ADDED && report.attempt > 0 &&
                     utf8_valid(view_of(report.reason)),
                 "a report that is none");
        return 0;
    }
    if (size == 0 || (reader = channels[data[0] % 5]->receipts) == NULL)
        return 0;
    r.body = r.query = (struct view){(const char *)data + 1, size - 1};
    (void)reader->read(&r, &to, &f);
    must(taken <= RECEIPT_ITEMS_MAX + 1, "more than there may be");
    must(!reader->verify(&setup, &r, &once, &f), "believed without the secret");
    room = malloc(size);
    if (reader->challenge != NULL && reader->challenge(&setup, r.query, room, &answer))
        for (size_t i = 0; i < answer.n; i++)
            must(answer.p[i] >= '0' && answer.p[i] <= '9', "a stranger's text in the answer");
    free(room);
    return 0;
}
