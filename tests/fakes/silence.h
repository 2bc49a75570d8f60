/*
 * silence: a log that nobody reads. Any thread may say something to it.
 */
#ifndef TESTS_FAKES_SILENCE_H
#define TESTS_FAKES_SILENCE_H

#include "bridge/ports/notice.h"

extern const struct notice silence;

#endif
