#include "server/scripts.h"

#include "bridge/core/buf.h"

#include <assert.h>

#define SCRIPT_MAX 16384

extern const char redis_script_effect[];
extern const char redis_script_callback[];
extern const char redis_script_message[];
extern const char redis_script_stored[];
extern const char redis_script_consent[];
extern const char redis_script_purge[];
extern const char redis_script_bind[];
extern const char redis_script_swap[];
extern const char redis_script_forget[];
extern const char redis_script_paged[];

static struct {
    const char *head;
    const char *body;
    const char *before; /* what it uses */
    struct buf text;
    struct redis_script script;
} all[SCRIPT_COUNT] = {
    [SCRIPT_EFFECT] = {.head = "#!lua\n",
                       .body = redis_script_effect,
                       .before = redis_script_paged},
    [SCRIPT_EFFECT_FREES] = {.head = "#!lua flags=allow-oom\n",
                             .body = redis_script_effect,
                             .before = redis_script_paged},
    [SCRIPT_CALLBACK] = {.head = "#!lua\n", .body = redis_script_callback},
    [SCRIPT_MESSAGE] = {.head = "#!lua flags=no-writes\n", .body = redis_script_message},
    [SCRIPT_STORED] = {.head = "#!lua flags=no-writes\n", .body = redis_script_stored},
    [SCRIPT_CONSENT] = {.head = "#!lua flags=allow-oom\n", .body = redis_script_consent},
    [SCRIPT_PURGE] = {.head = "#!lua flags=allow-oom\n",
                      .body = redis_script_purge,
                      .before = redis_script_paged},
    [SCRIPT_BIND] = {.head = "#!lua flags=allow-oom\n", .body = redis_script_bind},
    [SCRIPT_SWAP] = {.head = "#!lua flags=allow-oom\n", .body = redis_script_swap},
    [SCRIPT_FORGET] = {.head = "#!lua flags=allow-oom\n", .body = redis_script_forget},
};

void scripts_init(void)
{
    for (size_t i = 0; i < SCRIPT_COUNT; i++) {
        if (all[i].text.n > 0)
            continue;
        buf_init(&all[i].text, SCRIPT_MAX);
        buf_put_text(&all[i].text, all[i].head);
        if (all[i].before != NULL)
            buf_put_text(&all[i].text, all[i].before);
        buf_put_text(&all[i].text, all[i].body);
        assert(!all[i].text.full);
        redis_script_init(&all[i].script, buf_text(&all[i].text));
    }
}

const struct redis_script *script_of(enum script_name name)
{
    return &all[name].script;
}
