#include "producers/console.h"

#include <stdarg.h>
#include <stdio.h>

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)level;
    fprintf(stderr, "cmibridge %s: %s", (const char *)ctx, event);
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].is_number)
            fprintf(stderr, " %s=%lld", fields[i].key, (long long)fields[i].number);
        else
            fprintf(stderr, " %.*s", VIEW_ARG(fields[i].text));
    }
    fputc('\n', stderr);
}

struct notice console_notice(const char *command)
{
    /* The port's context is writable by type only; nothing writes to it. */
    union {
        const char *command;
        void *ctx;
    } as = {.command = command};

    return (struct notice){.ctx = as.ctx, .least = NOTICE_WARN, .say = say};
}

void console_say(const char *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "cmibridge %s: ", command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
