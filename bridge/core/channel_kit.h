/*
 * channel_kit: what the channels and diallers have in common; for their files only.
 */
#ifndef BRIDGE_CORE_CHANNEL_KIT_H
#define BRIDGE_CORE_CHANNEL_KIT_H

#include "bridge/core/channel.h"
#include "bridge/core/json_out.h"
#include "bridge/core/phone.h"

#define CHANNEL_THROTTLE_MS 1000 /* the wait of a sender whose gateway named none */

/* ---- requests ---- */

/* name is static storage, value is copied. */
void channel_header(struct channel_request *r, const char *name, struct view value);
/* A POST of JSON under that idempotency key; *j writes its body. */
void channel_post_json(struct channel_request *r, struct view key, struct json_out *j);
/* "key": "value", left out where there is none. */
void channel_member(struct json_out *j, const char *key, struct view value);
/* The Standard Webhooks headers of the body, where the setup has keys. */
void channel_sign(const struct channel_setup *s, struct channel_request *r, struct view id,
                  int64_t wall_ms);
/* Did all of it find room? */
bool channel_built(const struct channel_request *r, struct fault *f) MUST_CHECK;

/* What is configured, or what stands before '@' in the source. */
struct view channel_sender(const char *configured, struct view source);
/* The number that a gateway takes: digits only, with '+' in front where `plus` and where it was
 * given with one (or with 00). A name (with a letter or '@') is as it is. */
bool channel_number(struct view to, bool plus, char out[PHONE_NORMAL_MAX + 1], struct view *number,
                    struct fault *f) MUST_CHECK;
/* The text to send over a channel that has no templates: the message, or what a person would read
 * of the template. */
bool channel_plain_text(const struct channel_content *c, struct view *text,
                        struct fault *f) MUST_CHECK;
bool channel_needs(const char *value, const char *setting, struct fault *f) MUST_CHECK;

/* ---- replies ---- */

/* The verdict by status alone (outcome.h; 429 throttles, 3xx redirects), and a reason that has the
 * status and, if it is short text, the body. */
void channel_judge_status(const struct channel_reply *reply, struct channel_outcome *out);
/* Retry-After, at most CHANNEL_WAIT_MAX_MS; 0: none that can be read. */
int64_t channel_retry_after(const struct channel_reply *reply);
/* Sets verdict, reason "CODE: sentence" (masked), and the wait that a throttled sender has at
 * least. A transient 5xx that the gateway may have gone through with is marked unknown. */
void channel_verdict_set(struct channel_outcome *out, enum channel_verdict verdict,
                         const struct channel_reply *reply, int64_t code, struct view sentence);
/* The same with what the body says, where it is short text. */
void channel_judge_as(struct channel_outcome *out, enum channel_verdict verdict,
                      const struct channel_reply *reply);
/* Of a gateway whose address, account and rights are the setup's and never the destination's: 401,
 * 403 and 404 stop the channel. */
enum channel_verdict channel_verdict_of_status(int64_t status);
/* A 2xx that is not what this gateway says when it has taken something: once more, perhaps twice.
 * Of one that is cut nobody knows what it says: it has been taken, unless it is a page. */
void channel_not_understood(struct channel_outcome *out, const struct channel_reply *reply);
/* HANDLED; an id that is too long or not printable is not kept. */
void channel_handled(struct channel_outcome *out, struct view id);
/* The body if it is JSON, an object or array; VIEW_NONE otherwise. */
struct view channel_reply_json(const struct channel_reply *reply);
bool channel_is_success(int status);

#endif
