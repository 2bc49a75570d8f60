/*
 * port: a TCP port of 127.0.0.1, held for a program that will listen on it.
 *
 * The holder's socket is bound and never listens, with SO_REUSEADDR set; the program, which sets it
 * too, can then bind and listen beside it, and nobody else is given the port meanwhile.
 */
#ifndef STANDALONE_PORT_H
#define STANDALONE_PORT_H

#include "bridge/core/fault.h"

struct port {
    int fd; /* -1: nothing held */
    unsigned number;
};

/* number 0 takes a free one. RETRY with a sentence if it can't be had. */
bool port_hold(struct port *p, unsigned number, struct fault *f) MUST_CHECK;
void port_let_go(struct port *p);

#endif
