/*
 * console: what a command that a person typed says beside its output: warnings and faults, on
 * stderr, one sentence a line, "cmibridge publish: …" in front.
 */
#ifndef PRODUCERS_CONSOLE_H
#define PRODUCERS_CONSOLE_H

#include "bridge/core/fault.h"
#include "bridge/ports/notice.h"

/* command: "publish"; static storage. */
struct notice console_notice(const char *command);
void console_say(const char *command, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
