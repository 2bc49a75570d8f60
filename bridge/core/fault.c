#include "bridge/core/fault.h"
#undef fault_set
#undef fault_add

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fault_set(struct fault *f, enum fault_class cls, const char *format, ...)
{
    va_list args;

    f->cls = cls;
    f->sys = 0;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return false;
}

bool fault_add(struct fault *f, const char *format, ...)
{
    char front[FAULT_TEXT_MAX];
    size_t front_len;
    size_t kept = strlen(f->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(front, sizeof front - 2, format, args);
    va_end(args);
    front_len = strlen(front);
    front[front_len++] = ':';
    front[front_len++] = ' ';
    if (front_len + kept > sizeof f->text - 1)
        kept = sizeof f->text - 1 - front_len;
    memmove(f->text + front_len, f->text, kept);
    memcpy(f->text, front, front_len);
    f->text[front_len + kept] = '\0';
    return false;
}

const char *fault_class_name(enum fault_class cls)
{
    switch (cls) {
    case FAULT_NONE:
        return "none";
    case FAULT_RETRY:
        return "retry";
    case FAULT_REJECT:
        return "reject";
    case FAULT_STOP:
        return "stop";
    case FAULT_BUG:
        return "bug";
    }
    return "unknown";
}
