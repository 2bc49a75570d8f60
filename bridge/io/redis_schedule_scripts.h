/*
 * redis_schedule_scripts: the scripts of the schedule (server/redis/, embedded by
 * cmake/Scripts.cmake) as Redis gets them: flags, what they have in common (schedule.lua,
 * paged.lua), their own text. All of them run in a full Redis: what has been accepted goes out.
 */
#ifndef BRIDGE_IO_REDIS_SCHEDULE_SCRIPTS_H
#define BRIDGE_IO_REDIS_SCHEDULE_SCRIPTS_H

#include "bridge/io/redis.h"

enum schedule_script {
    SCHEDULE_SCRIPT_CLAIM,
    SCHEDULE_SCRIPT_SETTLE,
    SCHEDULE_SCRIPT_CALL,
    SCHEDULE_SCRIPT_BACK,
    SCHEDULE_SCRIPT_GATE,
    SCHEDULE_SCRIPT_HAND,
    SCHEDULE_SCRIPT_OUTBOX,
    SCHEDULE_SCRIPT_RECEIPT,
    SCHEDULE_SCRIPT_PAUSE,
    SCHEDULE_SCRIPT_FSCK,
    SCHEDULE_SCRIPT_LISTED,
    SCHEDULE_SCRIPT_ASIDE,
    SCHEDULE_SCRIPT_SPOILT,
    SCHEDULE_SCRIPT_COUNT,
};

/* Made at the first call; never freed. */
const struct redis_script *schedule_script(enum schedule_script which);

#endif
