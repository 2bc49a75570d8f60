/*
 * tokens: the HTTP client of one who sends, where some destinations want an OAuth2 access token
 * (core/oauth.h). One token a destination, fetched at the start and again shortly before its end,
 * one fetch at a time; after a failed one again, with growing waits.
 *
 * Without a token a call is not sent, and its reply says so (HTTP_NOT_SENT, "no token: …"). A 401
 * to a call lets its token be fetched anew. A reply has the token that its call went with (secret).
 */
#ifndef CONSUMERS_TOKENS_H
#define CONSUMERS_TOKENS_H

#include "bridge/core/buf.h"
#include "bridge/io/http_client.h"
#include "bridge/ports/notice.h"

/* Of one destination. Texts are borrowed and must hold as long as the client. */
struct token_source {
    const char *name; /* for the log */
    const char *url;  /* of the token server; NULL: it wants no token */
    const char *user; /* the client's id and secret */
    const char *secret;
};

struct tokens;

/* As http_client_new; `sources` has one for each of `to`. */
struct tokens *tokens_new(struct uv_loop_s *loop, const struct http_destination *to,
                          const struct token_source *sources, size_t count, http_on_reply *told,
                          void *owner, const struct notice *log, struct fault *f);
struct http_port tokens_port(struct tokens *t);
/* Each has its first token, or a reason why not. */
bool tokens_settled(const struct tokens *t);
/* Each that wants one has a token? If not, `why` has a sentence for each that has none. */
bool tokens_ready(const struct tokens *t, struct buf *why);
/* As http_client_close; `closed` is called once all is gone, the tokens too. */
void tokens_close(struct tokens *t, void (*closed)(void *owner), void *owner);

#endif
