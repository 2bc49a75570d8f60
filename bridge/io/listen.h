/*
 * listen: an address of the configuration becomes a listening TCP socket.
 */
#ifndef BRIDGE_IO_LISTEN_H
#define BRIDGE_IO_LISTEN_H

#include "bridge/core/fault.h"

/* address: "127.0.0.1:8080", "[::1]:0", "localhost:8080"; port 0 takes a free one, *port says
 * which. The socket (non-blocking, closed on exec) is the caller's. -1 with a fault: REJECT where
 * the address makes no sense, STOP where it can't be had. */
int listen_open(const char *address, int backlog, unsigned *port, struct fault *f) MUST_CHECK;

#endif
