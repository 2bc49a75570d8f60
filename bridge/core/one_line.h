/*
 * one_line: makes of a sentence with quoted values in it one line that reads as it is written.
 */
#ifndef BRIDGE_CORE_ONE_LINE_H
#define BRIDGE_CORE_ONE_LINE_H

#include <stddef.h>

/* In place: '?' for each character that breaks a line, controls a terminal or turns the direction
 * of what is beside it (C0, DEL, C1, U+2028, U+2029, U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069); a character that the text's end cut goes. Returns the bytes that are left; no NUL is
 * added. */
size_t one_line(char *text, size_t n);

#endif
