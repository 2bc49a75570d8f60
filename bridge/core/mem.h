/*
 * mem: the one door to the heap for the core.
 *
 * Running out of memory ends the process with a sentence on stderr (docs/decisions/0002): every
 * structure has a named maximum, so it means a limit set too high for the machine, and a restart
 * loses nothing (D10). So nothing here returns NULL and no caller checks.
 */
#ifndef BRIDGE_CORE_MEM_H
#define BRIDGE_CORE_MEM_H

#include <stddef.h>

void *mem_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *mem_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
void *mem_copy(const void *p, size_t n) __attribute__((malloc, returns_nonnull)); /* n may be 0 */
char *mem_text(const char *p, size_t n) __attribute__((malloc, returns_nonnull)); /* adds a NUL */
void mem_free(void *p); /* NULL is a no-op */

#endif
