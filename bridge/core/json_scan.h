/*
 * json_scan: is this one well-formed JSON value that a parser may be trusted with?
 *
 * A check of the bytes before yajl sees them, in pieces as they come, in constant memory: the
 * grammar of RFC 8259, nesting up to TOKEN_DEPTH_MAX, valid UTF-8, no lone surrogate escape, one
 * value only. yajl mends lone surrogates silently and knows no depth limit.
 *
 * "\u0000" passes: it is JSON, and the content's rules decide (cmi_decode.h refuses it in what it
 * knows). A key given twice passes: that is the business of who reads them (keys_once.h).
 */
#ifndef BRIDGE_CORE_JSON_SCAN_H
#define BRIDGE_CORE_JSON_SCAN_H

#include "bridge/core/fault.h"
#include "bridge/core/token.h"
#include "bridge/core/view.h"

#include <stdint.h>

struct json_scan {
    uint64_t offset;     /* bytes read before this piece */
    uint64_t objects;    /* bit i: the container at depth i is an object */
    const char *literal; /* what is left of true, false, null */
    unsigned depth;
    unsigned depth_max;
    unsigned unit;       /* of a \u escape, so far */
    unsigned char state; /* private to json_scan.c, like the rest */
    unsigned char hex_left;
    unsigned char utf8_left; /* continuation bytes to come */
    unsigned char utf8_low;  /* the range of the next one */
    unsigned char utf8_high;
    bool in_key;
    bool want_low; /* a high surrogate stands before */
};

void json_scan_init(struct json_scan *s);
/* The fault (REJECT) says what is wrong and at which byte. After a fault: feed no more. */
bool json_scan_feed(struct json_scan *s, struct view piece, struct fault *f) MUST_CHECK;
/* Was it one whole value? */
bool json_scan_end(const struct json_scan *s, struct fault *f) MUST_CHECK;
/* All three in one. */
bool json_scan_all(struct view bytes, struct fault *f) MUST_CHECK;
/* The same for what stands around a value that may be TOKEN_DEPTH_MAX deep itself: `more` levels of
 * it, at most JSON_SCAN_OUTLINE_MAX. */
#define JSON_SCAN_OUTLINE_MAX 31
bool json_scan_outline(struct view bytes, unsigned more, struct fault *f) MUST_CHECK;

#endif
