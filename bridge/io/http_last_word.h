/*
 * http_last_word: the answer to a request that is not read to its end, past libmicrohttpd, which
 * answers only before or after a request's body. Nothing of an answer may have been written, and
 * the connection is of no use any more.
 */
#ifndef BRIDGE_IO_HTTP_LAST_WORD_H
#define BRIDGE_IO_HTTP_LAST_WORD_H

#include "bridge/core/view.h"

#define HTTP_LAST_WORD_MAX (1 << 20) /* bytes; a larger one is not said */

struct MHD_Connection;
struct MHD_Response;

/* body: the answer's, empty where the method is HEAD. Takes no time: what the socket does not take
 * at once is lost. */
void http_last_word(struct MHD_Connection *mhd, int status, struct MHD_Response *answer,
                    struct view body);

#endif
