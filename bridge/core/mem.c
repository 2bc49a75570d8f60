#include "bridge/core/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void give_up(size_t count, size_t size)
{
    fprintf(stderr, "cmibridge: out of memory: %zu x %zu bytes could not be had\n", count, size);
    abort();
}

void *mem_zeroed(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (p == NULL)
        give_up(count, size);
    return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
    void *grown;

    if (size > 0 && count > SIZE_MAX / size)
        give_up(count, size);
    grown = realloc(p, count * size > 0 ? count * size : 1);
    if (grown == NULL)
        give_up(count, size);
    return grown;
}

void *mem_copy(const void *p, size_t n)
{
    char *copy = mem_resize(NULL, n, 1);

    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

char *mem_text(const char *p, size_t n)
{
    char *copy = mem_resize(NULL, n + 1, 1);

    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}
