#include "bridge/core/address_list.h"

#include <assert.h>

enum { ARRAY_16 = 0xdc, UINT_32 = 0xce, FIXED_STRING = 0xa0, STRING_8 = 0xd9, STRING_16 = 0xda };

#define ARRAY_HEAD         3
#define FIXED_STRING_BYTES 31

static void put_byte(struct buf *to, unsigned byte)
{
    buf_put_char(to, (char)(unsigned char)byte);
}

static void put_u32(struct buf *to, uint32_t n)
{
    put_byte(to, UINT_32);
    for (int shift = 24; shift >= 0; shift -= 8)
        put_byte(to, n >> shift & 0xff);
}

static unsigned byte_at(struct view v, size_t i)
{
    return (unsigned char)v.p[i];
}

void address_list_begin(struct buf *to)
{
    put_byte(to, ARRAY_16);
    put_byte(to, 0);
    put_byte(to, 0);
}

void address_list_add(struct buf *to, struct view address)
{
    assert(address.n <= ADDRESS_STRING_MAX);
    if (address.n <= FIXED_STRING_BYTES) {
        put_byte(to, FIXED_STRING | (unsigned)address.n);
    } else if (address.n <= 0xff) {
        put_byte(to, STRING_8);
        put_byte(to, (unsigned)address.n);
    } else {
        put_byte(to, STRING_16);
        put_byte(to, (unsigned)address.n >> 8);
        put_byte(to, (unsigned)address.n & 0xff);
    }
    buf_put(to, address);
}

void address_list_end(struct buf *to, size_t count)
{
    assert(count <= ADDRESS_LIST_MAX);
    if (to->full)
        return;
    to->p[1] = (char)(unsigned char)(count >> 8);
    to->p[2] = (char)(unsigned char)(count & 0xff);
}

void repeat_add(struct buf *to, const struct repeat *r)
{
    put_u32(to, r->position);
    put_u32(to, r->of);
    address_list_add(to, r->text);
}

bool address_list_open(struct view *list, size_t *count)
{
    if (list->n < ARRAY_HEAD || byte_at(*list, 0) != ARRAY_16)
        return false;
    *count = (size_t)byte_at(*list, 1) << 8 | byte_at(*list, 2);
    *list = view_skip(*list, ARRAY_HEAD);
    return true;
}

bool address_list_next(struct view *list, struct view *address)
{
    size_t head = 1;
    size_t n = 0;

    if (list->n == 0)
        return false;
    if (byte_at(*list, 0) == STRING_8)
        head = 2;
    else if (byte_at(*list, 0) == STRING_16)
        head = 3;
    else if ((byte_at(*list, 0) & 0xe0) != FIXED_STRING)
        return false;
    if (list->n < head)
        return false;
    n = head == 1 ? byte_at(*list, 0) & 0x1f : byte_at(*list, 1);
    if (head == 3)
        n = n << 8 | byte_at(*list, 2);
    if (list->n - head < n)
        return false;
    *address = (struct view){list->p + head, n};
    *list = view_skip(*list, head + n);
    return true;
}

static bool take_u32(struct view *from, uint32_t *n)
{
    if (from->n < 5 || byte_at(*from, 0) != UINT_32)
        return false;
    *n = 0;
    for (size_t i = 1; i <= 4; i++)
        *n = *n << 8 | byte_at(*from, i);
    *from = view_skip(*from, 5);
    return true;
}

bool repeat_next(struct view *repeats, struct repeat *r)
{
    return take_u32(repeats, &r->position) && take_u32(repeats, &r->of) &&
           address_list_next(repeats, &r->text);
}
