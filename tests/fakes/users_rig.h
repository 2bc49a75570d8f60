/*
 * users_rig: `cmibridge serve` with users each of whom may do and see something else: ann has the
 * queues sms and 153, ben wa and 505, cat reads and notes contacts of sms, dan has no right, boss
 * has all, erin may GET callbacks.
 */
#ifndef TESTS_FAKES_USERS_RIG_H
#define TESTS_FAKES_USERS_RIG_H

#include "tests/fakes/serve_rig.h"

#define ANN        "Authorization: Bearer ann-token\r\n"
#define BEN        "Authorization: Bearer ben-token\r\n"
#define CAT        "Authorization: Bearer cat-token\r\n"
#define DAN        "Authorization: Bearer dan-token\r\n"
#define BOSS       "Authorization: Basic Ym9zczpjb3JyZWN0IGhvcnNl\r\n"     /* boss:correct horse */
#define BOSS_WRONG "Authorization: Basic Ym9zczp3cm9uZw==\r\n"             /* boss:wrong */
#define ERIN       "Authorization: Basic ZXJpbjpiYXR0ZXJ5IHN0YXBsZQ==\r\n" /* erin:battery staple */
#define GHOST      "Authorization: Basic Z2hvc3Q6d3Jvbmc=\r\n"

/* The server of a program's tests: cmocka's set-up and tear-down of the group. */
extern struct serve_rig users_rig;
int users_rig_start(void **state);
int users_rig_stop(void **state);
const char *users_rig_file(void); /* its users */

/* What one user has made, as it is read. */
struct users_rig_thing {
    char path[128];
    char *before;
};

void users_rig_remember(struct users_rig_thing *t, const char *collection, const char *id,
                        const char *user);
/* The other does not see it, can't change it (by this PUT, unless NULL), and its owner finds it as
 * it was. Forgets it. */
void users_rig_untouched(struct users_rig_thing *t, const char *collection, const char *owner,
                         const char *other, const char *put);

#endif
