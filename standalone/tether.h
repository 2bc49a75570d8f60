/*
 * tether: runs a program that ends when its parent does.
 *
 * `cmibridge tether PARENT PROGRAM [ARGUMENT...]`, PARENT being the process id of who starts it:
 * the system sends the program a TERM when that process is gone, however it went. Not for people.
 */
#ifndef STANDALONE_TETHER_H
#define STANDALONE_TETHER_H

#define TETHER_NO_PROGRAM 127 /* exit status: the program can't be run */

#endif
