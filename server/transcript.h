/*
 * transcript: the lines and the participants of a chat, as they are read, stored and shown.
 */
#ifndef SERVER_TRANSCRIPT_H
#define SERVER_TRANSCRIPT_H

#include "bridge/core/arena.h"
#include "bridge/core/cmi_decode.h"
#include "bridge/core/merge.h"
#include "server/represent.h"

#define TRANSCRIPT_LINES_MAX        10000 /* of one POST */
#define TRANSCRIPT_PARTICIPANTS_MAX 1000  /* of one POST */

struct sqlite;

struct transcript_line {
    struct transcript_line *next;
    struct view message;
    struct view originator;
    struct view type; /* VIEW_NONE: text */
    bool system;
    bool has_time;
    int64_t time_ms;
    uint32_t time_ns; /* after that */
};

struct transcript_participant {
    struct transcript_participant *next;
    struct view alias;
    struct view uniquekey;
};

/* What a body brings: the last of each is the one being read. Texts are the arena's. */
struct transcript {
    struct transcript_line *lines;
    struct transcript_line *last_line;
    size_t line_count;
    struct transcript_participant *participants;
    struct transcript_participant *last_participant;
    size_t participant_count;
};

/* At the begin of an item; REJECT beyond the maxima. */
bool transcript_add_line(struct transcript *t, struct arena *a, struct fault *f) MUST_CHECK;
bool transcript_add_participant(struct transcript *t, struct arena *a, struct fault *f) MUST_CHECK;
/* Takes one property of a line or a participant; false: it has no such. */
bool transcript_line_set(struct transcript_line *line, struct arena *a, const char *name,
                         const struct cmi_value *v);
bool transcript_participant_set(struct transcript_participant *one, struct arena *a,
                                const char *name, const struct cmi_value *v);

/* At the end of a participant: REJECT where one before it has its uniquekey. */
bool transcript_check_participant(const struct transcript *t, struct fault *f) MUST_CHECK;

/* Stores all of a new chat. Lines stand newest first, as in a body; one without a time is of now.
 */
void transcript_store(const struct transcript *t, struct sqlite *db, const struct guid *chat,
                      int64_t now_ms);
/* One line that an event brought: key names the event, and the line is stored once. Of those of one
 * time (its own, which must be set) the one with the greater tie is the newer. */
void transcript_put_line(struct sqlite *db, const struct guid *chat, const struct guid *key,
                         const struct transcript_line *line, struct view tie);
/* The newest alias holds, the first naming gives the place in the list. */
void transcript_put_participant(struct sqlite *db, const struct guid *chat,
                                const struct transcript_participant *one, struct view joined,
                                struct view stamp);

/* Write the chat's items: participants in the order they joined, lines newest first. */
void transcript_write_participants(struct represent *r, struct sqlite *db, const struct guid *chat);
void transcript_write_lines(struct represent *r, struct sqlite *db, const struct guid *chat);

#endif
