#include "bridge/core/receipt.h"

#include "bridge/core/datetime.h"
#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "bridge/core/percent.h"

#include <stdio.h>

#define RECEIPT_CODE_MAX 999999

const char *receipt_status_name(enum receipt_status s)
{
    static const char *const names[] = {"accepted", "delivered", "read", "failed"};

    return names[s];
}

struct view receipt_header(const struct receipt_request *r, const char *name)
{
    size_t count = 0;
    struct view value = http_field_find(r->headers, r->header_count, name, &count);

    return count == 1 ? view_trim(value) : VIEW_NONE;
}

struct view receipt_param(struct view query, const char *name, char *room)
{
    struct view key = VIEW_NONE;
    struct view value = VIEW_NONE;
    struct view found = VIEW_NONE;
    struct view decoded = VIEW_NONE;
    struct fault f = {0};
    size_t count = 0;

    while (percent_next_pair(&query, &key, &value)) {
        if (!view_is(key, name))
            continue;
        found = value;
        count++;
    }
    if (count != 1 || !percent_decode_query(found, room, &decoded, &f))
        return VIEW_NONE;
    return decoded;
}

void receipt_name(struct receipt *r, struct view id, struct view ref)
{
    bool kept = id.n < sizeof r->id;

    for (size_t i = 0; i < id.n && kept; i++)
        kept = id.p[i] > ' ' && id.p[i] < 0x7f;
    view_copy(kept ? id : VIEW_NONE, r->id, sizeof r->id);
    r->has_ref = channel_ref_parse(ref, &r->ref);
}

bool receipt_time(struct receipt *r, struct view text, struct fault *f)
{
    int64_t ms = 0;

    if (!datetime_parse(text, &ms, f))
        return false;
    r->time_ms = ms >= 0 ? ms : -1;
    return true;
}

void receipt_reason(struct receipt *r, struct view code, struct view sentence)
{
    char masked_code[64];
    char masked[160];
    int64_t number = 0;

    if (num_in(code, 0, RECEIPT_CODE_MAX, &number))
        view_copy(code, masked_code, sizeof masked_code); /* 131026 is nobody's number */
    else
        mask_sentence(code, masked_code, sizeof masked_code);
    mask_sentence(sentence, masked, sizeof masked);
    (void)snprintf(r->reason, sizeof r->reason, "%s%s%s", masked_code,
                   masked_code[0] != '\0' && masked[0] != '\0' ? ": " : "", masked);
}

bool receipt_count(size_t *n, struct fault *f)
{
    if (++*n <= RECEIPT_ITEMS_MAX)
        return true;
    return fault_set(f, FAULT_REJECT, "more than %d receipts in one request", RECEIPT_ITEMS_MAX);
}
