/*
 * environment: what a test program, and what it starts, has of the one that it was started in: all
 * but the settings. They count before those of a file, and may name an operator's Kafka and Redis.
 */
#ifndef TESTS_FAKES_ENVIRONMENT_H
#define TESTS_FAKES_ENVIRONMENT_H

/* Takes them away. Each test program does it before its main (tests/CMakeLists.txt links it in). */
void environment_drop_settings(void);

#endif
