/*
 * event_body: the data of an event, checked by its row (event_types.h) and made into what is sent.
 */
#ifndef BRIDGE_CORE_EVENT_BODY_H
#define BRIDGE_CORE_EVENT_BODY_H

#include "bridge/core/buf.h"
#include "bridge/core/cloudevent.h"
#include "bridge/core/cmi_decode.h"
#include "bridge/core/event_types.h"

/* Checks data of EVENT_DATA_BODY and hands its properties to the visitor: of a write event those
 * that the body of the write may have (cmi_body_check_event), of an ingest event those that its row
 * reads. As with that, act on them only when this has returned true. *time_ms: the
 * event's, which an ingest event's thing may have to be kept by; NULL: it has none. */
bool event_body_check(const struct event_type *t, codec_read *read, struct view data,
                      const int64_t *time_ms, struct cmi_visitor visitor,
                      struct fault *f) MUST_CHECK;

/* Checks the data, and of an ingest event the id and sequence that it merges by, and gives what to
 * send: JSON as the producer wrote it, MessagePack rewritten as
 * JSON, remarks as plain text, VIEW_NONE where there is nothing to send. A consent's data must name
 * the usage and address (contract 18) of its subject, which event_type_subject took before. *body
 * is a view into the event's data or into `text` (cleared first; holds until it changes). The
 * fault's sentence begins with the type: "message.requested: maxRetryCount is 11; the maximum is
 * 10". */
bool event_body_make(const struct event_type *t, const struct cloudevent *e, codec_read *json,
                     codec_read *msgpack, struct buf *text, struct view *body,
                     struct fault *f) MUST_CHECK;

#endif
