/*
 * tether: runs a program that ends when its parent does.
 *
 * `cmibridge tether [--holding] PARENT PROGRAM [ARGUMENT...]`, PARENT being the process id of who
 * starts it: the system sends the program a TERM when that process is gone, however it went. Of
 * what is open, the program has the standard streams and, --holding, TETHER_HELD. Not for people.
 */
#ifndef STANDALONE_TETHER_H
#define STANDALONE_TETHER_H

#define TETHER_HOLDING    "--holding"
#define TETHER_HELD       3   /* a descriptor */
#define TETHER_NO_PROGRAM 127 /* exit status: the program can't be run */

#endif
