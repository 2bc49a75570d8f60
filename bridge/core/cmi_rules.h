/*
 * cmi_rules: a whole body checked: the table's rules (cmi_decode.h), and those that are no single
 * field's. What server and consumer both call.
 *
 * Across fields: with contentType `template`, a message's `message` must be a JSON object with a
 * `template_id` (contract 17). A new callback's customerNumber is a number or an address (phone.h);
 * of blanks it is none. That a callback's nextCallTime needs a fitting lastResult can only be
 * judged beside what is stored, so it has a function of its own, for the server.
 */
#ifndef BRIDGE_CORE_CMI_RULES_H
#define BRIDGE_CORE_CMI_RULES_H

#include "bridge/core/cmi_decode.h"

#define CMI_MAX_RETRY_COUNT_DEFAULT 5   /* L1851 */
#define CMI_RETRY_DELAY_DEFAULT     300 /* seconds, L1852 */

/* Reads one body and hands its properties to the visitor as they come, so before the last rule is
 * known to hold: act on them only when this has returned true. */
bool cmi_body_check(codec_read *read, struct view bytes, const struct cmi_shape *shape,
                    enum cmi_use use, struct cmi_visitor visitor, struct fault *f) MUST_CHECK;

/* The same of an event's data. Who is asked to change a callback has seen what is stored, and may
 * put a customerNumber of blanks back as it was read; an event has not. And an `address`, of a
 * message's destination or of a consent, has something to match by; of a request the server finds
 * that when it matches (destinations.h, server/consents.c), in the same words. */
bool cmi_body_check_event(codec_read *read, struct view bytes, const struct cmi_shape *shape,
                          enum cmi_use use, struct cmi_visitor visitor, struct fault *f) MUST_CHECK;

/* A reader that has to know what it reads: XML (bridge/io/xml_in.h). */
typedef bool cmi_read(struct view bytes, const struct cmi_shape *shape, struct token_sink to,
                      struct fault *f);
bool cmi_body_check_by(cmi_read *read, struct view bytes, const struct cmi_shape *shape,
                       enum cmi_use use, struct cmi_visitor visitor, struct fault *f) MUST_CHECK;

/* CUSTOM_TIME, RESCHEDULE: the results that may bring a nextCallTime. */
bool cmi_result_sets_time(struct view last_result);
/* PUT /callbacks with a nextCallTime: fits the result, or is the stored one (contract 16). */
bool cmi_check_next_call_time(struct view last_result, int64_t next_call_ms, bool has_stored,
                              int64_t stored_ms, struct fault *f) MUST_CHECK;
/* Is there anybody to call by it? Not by blanks and signs alone. */
bool cmi_check_customer_number(struct view text, struct fault *f) MUST_CHECK;
/* Remarks are a body of text alone: UTF-8, without U+0000. */
bool cmi_check_remarks(struct view text, struct fault *f) MUST_CHECK;
/* The content of a template message. */
bool cmi_check_template(struct view message, struct fault *f) MUST_CHECK;

#endif
