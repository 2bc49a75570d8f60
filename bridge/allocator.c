/*
 * allocator: jemalloc's settings, for the program only (docs/decisions/0029). The few threads
 * rarely need the arena, for each has a cache of its own: one arena keeps the peak low. MALLOC_CONF
 * in the environment is read after it.
 */
#include <jemalloc/jemalloc.h>

const char *malloc_conf = "narenas:1,dirty_decay_ms:1000";
