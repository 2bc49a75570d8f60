/*
 * schedule_model: what the schedule's store must be after each call, and a source of random calls.
 * A step makes one call on a schedule_rig, does to the model what it should do to the store, and
 * compares: every record, every index, every count. Fails by cmocka's assertions.
 */
#ifndef TESTS_FAKES_SCHEDULE_MODEL_H
#define TESTS_FAKES_SCHEDULE_MODEL_H

struct schedule_model;

/* extra: of redis_server_start. */
struct schedule_model *schedule_model_new(const char *const *extra, unsigned seed);
void schedule_model_step(struct schedule_model *m);
/* Lets everything that is live come to its end, and compares what was counted. */
void schedule_model_end(struct schedule_model *m);
void schedule_model_print(const struct schedule_model *m); /* what was done how often */
void schedule_model_free(struct schedule_model *m);

#endif
