/*
 * http_head: the head of a reply, line by line as it arrives: how large it may be, and the few
 * values that are kept.
 */
#ifndef BRIDGE_IO_HTTP_HEAD_H
#define BRIDGE_IO_HTTP_HEAD_H

#include "bridge/core/buf.h"

/* Bytes of all header lines of one reply: those of interim replies (1xx) and trailers included. */
#define HTTP_HEAD_MAX 32768

enum http_head_value {
    HTTP_HEAD_RETRY_AFTER,
    HTTP_HEAD_LOCATION,
    HTTP_HEAD_CONTENT_TYPE,
    HTTP_HEAD_CONTENT_LENGTH,
    HTTP_HEAD_VALUES,
};

struct http_head {
    struct {
        size_t at; /* in `kept` */
        size_t n;
        bool given;
    } values[HTTP_HEAD_VALUES];
    struct buf kept;
    size_t bytes;
    int status; /* of the newest status line */
    bool whole; /* the final head ended: what follows are trailers */
};

void http_head_init(struct http_head *h);
void http_head_done(struct http_head *h);
void http_head_clear(struct http_head *h); /* for the next reply */
/* One line with its line end. NULL, or why the reply can't be accepted (static storage). Of a value
 * given twice the first counts; of two lengths none does. */
const char *http_head_line(struct http_head *h, struct view line) MUST_CHECK;
/* VIEW_NONE where absent. Holds until the next line or clear. */
struct view http_head_get(const struct http_head *h, enum http_head_value which);

#endif
