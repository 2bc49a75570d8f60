/*
 * fault: an error as a value: a class that decides, and a sentence that a person reads.
 *
 * A function that can fail takes a `struct fault *` last and returns false. On success the fault is
 * untouched; on failure it holds one complete sentence that names what was wrong and what is
 * allowed. No sentence holds a full phone number, a message text or a secret: use mask.h.
 */
#ifndef BRIDGE_CORE_FAULT_H
#define BRIDGE_CORE_FAULT_H

#include <stdbool.h>

#define FAULT_TEXT_MAX 256 /* bytes, with the NUL; longer sentences are cut */

#define MUST_CHECK                       __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

enum fault_class {
    FAULT_NONE,
    FAULT_RETRY,  /* may pass by itself: try again later */
    FAULT_REJECT, /* this input will never do */
    FAULT_STOP,   /* nothing of this kind will do until someone mends it */
    FAULT_BUG,    /* a defect of ours */
};

struct fault {
    enum fault_class cls;
    int sys; /* errno, HTTP status or library code; 0 where there is none */
    char text[FAULT_TEXT_MAX];
};

/* Fills *f. Returns false always, so that a failing function can end with `return fault_set(…)`. */
bool fault_set(struct fault *f, enum fault_class cls, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<format>: " in front of the sentence, on its way up. Returns false always. */
bool fault_add(struct fault *f, const char *format, ...) PRINTF_LIKE(2, 3);

#ifdef __clang_analyzer__ /* it looks at one file at a time, and would not know */
#define fault_set(...) ((void)fault_set(__VA_ARGS__), false)
#define fault_add(...) ((void)fault_add(__VA_ARGS__), false)
#endif

/* "retry", "reject", … Static storage. */
const char *fault_class_name(enum fault_class cls);

#endif
