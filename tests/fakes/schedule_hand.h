/*
 * schedule_hand: one hand that does what a sending loop does, step by step, on a schedule_rig, and
 * checks what comes: for tests that tell a story. Everything is in one shard.
 */
#ifndef TESTS_FAKES_SCHEDULE_HAND_H
#define TESTS_FAKES_SCHEDULE_HAND_H

#include "tests/fakes/schedule_rig.h"

#define HAND_SHARD    7
#define HAND_LEASE_MS 60000
#define HAND_LATER_MS INT64_C(4000000000000)

extern const struct schedule_claim hand_usual;

/* The rig of a program whose tests are all on one server, emptied before each of them: cmocka's
 * set-up and tear-down of the group, and set-up of a test. */
extern struct schedule_rig hand_rig;
int hand_start(void **state);
int hand_stop(void **state);
int hand_empty(void **state);

/* A message due since long, one retry. */
struct rig_message hand_message(size_t count);
struct rig_message hand_posted(struct schedule_rig *rig, size_t count);
/* How many slices came (rig->slices). */
size_t hand_claim_of(struct schedule_rig *rig, unsigned owner, struct schedule_claim c);
size_t hand_claim(struct schedule_rig *rig, unsigned owner);
/* Claims the one slice there is. */
struct rig_slice hand_slice(struct schedule_rig *rig, unsigned owner);
/* Writes the slice with the next sequence. */
enum schedule_state hand_write(struct schedule_rig *rig, unsigned owner, schedule_rig_writer *how,
                               struct rig_slice *s, struct schedule_write w);
enum schedule_state hand_progress(struct schedule_rig *rig, unsigned owner, struct rig_slice *s,
                                  size_t watermark);
/* Settles all that is left so, ends the pass, finishes. */
enum schedule_state hand_finish(struct schedule_rig *rig, unsigned owner, struct rig_slice *s,
                                enum slice_outcome outcome, int64_t at_ms);
int64_t hand_field(struct schedule_rig *rig, const char *id, const char *name); /* absent: 0 */
void hand_expect_counts(struct schedule_rig *rig, const char *id, int64_t ok, int64_t dead,
                        int64_t can);
void hand_expect_sound(struct schedule_rig *rig, const char *id); /* fsck finds nothing */
/* Asks about recipients (rig->recipients). */
void hand_recipients(struct schedule_rig *rig, const struct schedule_recipients *r);
/* The same; for how long the first one's address is reserved for others. */
int64_t hand_gap(struct schedule_rig *rig, const struct schedule_recipients *r);
/* How many commands the server has done so far. */
int64_t hand_commands(struct schedule_rig *rig);

#endif
