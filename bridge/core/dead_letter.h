/*
 * dead_letter: what the dead-letter topic says of an event that was not written (contract 5): the
 * record as it was, with headers added. Its Kafka timestamp is of when it was given up, so that the
 * topic keeps it as long as it says; the event's own is in DEAD_LETTER_TIMESTAMP (decisions/0034).
 *
 * Beside dead letters the topic holds the marks of replays: a record without a key whose header
 * DEAD_LETTER_MARK names the dead letter ("3:1207", partition and offset) that was put back on its
 * topic. A replayed event carries DEAD_LETTER_REPLAY, naming it likewise, and DEAD_LETTER_ORIGIN,
 * its partition and offset when it was first read: by that it keeps its place in the order, however
 * often it is replayed; and DEAD_LETTER_PUBLISHED, when it was first published, where that is
 * known.
 */
#ifndef BRIDGE_CORE_DEAD_LETTER_H
#define BRIDGE_CORE_DEAD_LETTER_H

#include "bridge/core/cloudevent.h"
#include "bridge/core/fault.h"
#include "bridge/core/record.h"

#define DEAD_LETTER_PREFIX      "cmi_error_"
#define DEAD_LETTER_CLASS       "cmi_error_class"
#define DEAD_LETTER_STATUS      "cmi_error_status" /* of the last reply; absent where there was none */
#define DEAD_LETTER_TEXT        "cmi_error_text"
#define DEAD_LETTER_ATTEMPTS    "cmi_error_attempts"
#define DEAD_LETTER_DISPOSITION "cmi_error_disposition"
#define DEAD_LETTER_TOPIC       "cmi_error_topic" /* where the record came from */
#define DEAD_LETTER_PARTITION   "cmi_error_partition"
#define DEAD_LETTER_OFFSET      "cmi_error_offset"
#define DEAD_LETTER_TIME        "cmi_error_time" /* ISO-8601 UTC, when it was given up */
#define DEAD_LETTER_CUT         "cmi_error_cut"  /* "value": too large to be kept; it has none */
/* ISO-8601 UTC, the Kafka timestamp that the record had; DEAD_LETTER_TIMELESS: it had none. Dead
 * letters of older versions have that timestamp themselves, and not this header. */
#define DEAD_LETTER_TIMESTAMP "cmi_error_timestamp"
#define DEAD_LETTER_TIMELESS  "none"

#define DEAD_LETTER_HEADERS                                                                        \
    11 /* at most so many of these; with DEAD_LETTER_OWN_MAX it can be read */
#define DEAD_LETTER_OWN_MAX (RECORD_HEADERS_READ - DEAD_LETTER_HEADERS) /* that it keeps */

#define DEAD_LETTER_MARK      "cmi_replayed"
#define DEAD_LETTER_MARK_TYPE "cmi.deadletter.replayed"
#define DEAD_LETTER_REPLAY    "cmi_replay"
#define DEAD_LETTER_ORIGIN    "cmi_replay_origin"
#define DEAD_LETTER_PUBLISHED "cmi_replay_published" /* ISO-8601 UTC */
#define DEAD_LETTER_PLACE_MAX 40                     /* "3:1207" with the NUL */

#define DEAD_LETTER_CLOCKS_MS 60000 /* that producers', brokers' and our clocks may differ by */

struct dead_letter {
    struct view cls; /* views into the record; VIEW_NONE where absent */
    struct view status;
    struct view text;
    struct view attempts;
    struct view disposition;
    struct view topic;
    bool cut;
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* the record's own time where the header is absent */
};

enum dead_letter_kind {
    DEAD_LETTER_LETTER,
    DEAD_LETTER_REPLAYED, /* a mark */
    DEAD_LETTER_STRANGE,  /* neither: somebody else's record, or a header that can't be read */
};

struct dead_letter_place {
    int32_t partition; /* in the dead-letter topic; of an origin, in the event's own */
    int64_t offset;
};

/* LETTER fills *letter, REPLAYED fills *marked. */
enum dead_letter_kind dead_letter_of(const struct record *r, struct dead_letter *letter,
                                     struct dead_letter_place *marked);
/* Where the record of an event was when it was first read: where it is, unless it is a replay. */
struct dead_letter_place dead_letter_origin(const struct record *r);

/* Which dead letter the record is a replay of; false: of none. */
bool dead_letter_replay(const struct record *r, struct dead_letter_place *of);
/* The Kafka timestamp of the event that the record is of or a replay of, as it was first published:
 * a replay's own is newer. 0 or less: there is none. */
int64_t dead_letter_event_ms(const struct record *r);
/* The same of a dead letter's event. false: nobody knows, or it can't be: it is far after the
 * letter. */
bool dead_letter_timestamp(const struct record *r, const struct dead_letter *letter,
                           int64_t *out_ms);

/* When the event of a dead letter was published: not before, not after. As far as is known: from
 * INT64_MIN on, or from its own time on, where the record does not tell; both are the same where it
 * does. */
struct dead_letter_published {
    int64_t from_ms;
    int64_t to_ms; /* it was given up then, at the latest */
};
/* event: of the record, NULL where it can't be read. */
struct dead_letter_published dead_letter_published(const struct record *r,
                                                   const struct dead_letter *letter,
                                                   const struct cloudevent *event);

enum dead_letter_since { DEAD_LETTER_EARLIER, DEAD_LETTER_PERHAPS, DEAD_LETTER_SINCE };

/* Was what was written at done_ms (of `consume`'s clock) written since? PERHAPS: clocks can't tell.
 */
enum dead_letter_since dead_letter_since(const struct dead_letter_published *published,
                                         int64_t done_ms);

/* "3:1207" */
bool dead_letter_place_parse(struct view text, struct dead_letter_place *out) MUST_CHECK;
void dead_letter_place_text(struct dead_letter_place place, char out[DEAD_LETTER_PLACE_MAX]);
/* Is it one of the record's own headers, to be replayed with it? */
bool dead_letter_keeps(struct view header_name);
size_t dead_letter_own_headers(const struct record *r); /* how many are */

#endif
