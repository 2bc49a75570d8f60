/*
 * http_multi: libcurl's transfers on a libuv loop. Knows sockets and timers, nothing of HTTP.
 *
 * The poll of an idle connection is left as it is while libcurl has no interest in it, so that a
 * kept-alive connection costs no call to the kernel between two requests.
 */
#ifndef BRIDGE_IO_HTTP_MULTI_H
#define BRIDGE_IO_HTTP_MULTI_H

#include <curl/curl.h>

struct http_multi;
struct uv_loop_s;

/* easy has left the multi handle and may be added again. From the loop, never from inside a call
 * of libcurl or of a function below. */
typedef void http_multi_on_done(void *owner, CURL *easy, CURLcode result);
/* Called when easy waits for nothing but the reply's bytes, perhaps more than once. From inside
 * libcurl: look, don't touch. */
typedef void http_multi_on_listening(CURL *easy);

/* connections: how many are kept open for use again. */
struct http_multi *http_multi_new(struct uv_loop_s *loop, unsigned connections,
                                  http_multi_on_done *done, void *owner,
                                  http_multi_on_listening *listening);
/* Every easy handle must have been removed. `closed` is called on the loop when all is gone. */
void http_multi_close(struct http_multi *m, void (*closed)(void *owner), void *owner);

void http_multi_prepare(struct http_multi *m,
                        CURL *easy);                      /* once for a handle, and after a reset */
void http_multi_add(struct http_multi *m, CURL *easy);    /* it starts at the loop's next turn */
void http_multi_remove(struct http_multi *m, CURL *easy); /* `done` is not called for it */

/* Why the system had no socket for the last connection that was to be made (descriptors are used
 * up); NULL: it had. libcurl itself does not say. */
const char *http_multi_trouble(const struct http_multi *m);

/* curl_easy_setopt that can't fail but for a defect or for want of memory; both end the process. */
#define HTTP_SET(easy, option, value)                                                              \
    http_multi_must(curl_easy_setopt((easy), (option), (value)), #option)
void http_multi_must(CURLcode result, const char *what);

#endif
