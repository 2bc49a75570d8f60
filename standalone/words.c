#include "standalone/words.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void words_add(struct words *w, const char *format, ...)
{
    char text[WORD_TEXT_MAX];
    va_list arguments;

    assert(w->count < WORDS_MAX);
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    w->at[w->count++] = mem_text(text, strlen(text));
}

void words_done(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        mem_free(w->at[i]);
    *w = (struct words){0};
}
