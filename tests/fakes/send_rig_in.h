/*
 * send_rig_in: what the files of send_rig share. Private to them.
 *
 *   send_rig.c         processes, configuration, what is posted, what a process shows
 *   send_rig_judge.c   the carrier's log, the outcomes, and what they are held against
 */
#ifndef TESTS_FAKES_SEND_RIG_IN_H
#define TESTS_FAKES_SEND_RIG_IN_H

#include "tests/fakes/send_rig.h"

#define SEND_RIG_LOOKS_MAX 3000 /* at what is waited for; one takes some milliseconds at least */

void send_rig_pause(void); /* between two looks */
void send_rig_print_log(const struct send_rig *rig);

#endif
