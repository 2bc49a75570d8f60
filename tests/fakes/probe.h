/*
 * probe: a blocking HTTP client that sends exactly the bytes it is told, well-formed or not.
 */
#ifndef TESTS_FAKES_PROBE_H
#define TESTS_FAKES_PROBE_H

#include "bridge/core/view.h"

#define PROBE_PATIENCE_MS 30000 /* a test that waits longer has failed */

struct probe_reply {
    int status; /* 0: the connection ended without an answer */
    char *all;  /* head and body, NUL-terminated; owned */
    size_t n;
    struct view head;
    struct view body;
};

int probe_connect(unsigned port); /* to 127.0.0.1; the descriptor */
void probe_send(int fd, struct view bytes);
/* Reads one answer; `to_head`: it is one to HEAD, so without a body. */
struct probe_reply probe_read(int fd, bool to_head);
bool probe_is_closed(int fd); /* waits until the server has closed; true if nothing came before */
void probe_close(int fd);
void probe_done(struct probe_reply *r);
/* The header's value, "" where there is none. Holds until the next call. */
const char *probe_header(struct probe_reply *r, const char *name);

/* One request on a connection of its own; an answer of the CMI is one that docs/openapi.json
 * describes (openapi_check.h), or the test fails. headers: "A: b\r\n…" or "". body NULL: none. */
struct probe_reply probe_ask(unsigned port, const char *method, const char *target,
                             const char *headers, const char *body);
/* Sends raw bytes on a connection of their own; returns the status, 0 for none. */
int probe_raw(unsigned port, const char *bytes);

#endif
