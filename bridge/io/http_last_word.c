#include "bridge/io/http_last_word.h"

#include "bridge/core/buf.h"
#include "bridge/io/tls.h"

#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

static enum MHD_Result put_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct buf *to = cls;

    (void)kind;
    buf_printf(to, "%s: %s\r\n", name, value);
    return MHD_YES;
}

static void put_date(struct buf *to)
{
    char text[64];
    time_t now = time(NULL);
    struct tm utc;

    if (gmtime_r(&now, &utc) != NULL &&
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0)
        buf_printf(to, "Date: %s\r\n", text);
}

/* If it fails the client is gone, or reads nothing: there is nobody to tell. */
static void say(struct MHD_Connection *mhd, struct view text)
{
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (tls != NULL && tls->tls_session != NULL)
        tls_last_word(tls->tls_session, text);
    else
        (void)send(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                   text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void http_last_word(struct MHD_Connection *mhd, int status, struct MHD_Response *answer,
                    struct view body)
{
    struct buf text;

    buf_init(&text, HTTP_LAST_WORD_MAX);
    buf_printf(&text, "HTTP/1.1 %d %s\r\n", status, MHD_get_reason_phrase_for((unsigned)status));
    put_date(&text);
    (void)MHD_add_response_header(answer, "Connection", "close"); /* fails: it is there */
    (void)MHD_get_response_headers(answer, put_header, &text);
    buf_printf(&text, "Content-Length: %zu\r\n\r\n", body.n);
    buf_put(&text, body);
    if (!text.full)
        say(mhd, buf_view(&text));
    buf_done(&text);
}
