/*
 * token_trace: tokens as text that a test can compare: {"a":s(x) i(1) n(2.0) true null [ ] }.
 */
#ifndef TESTS_FAKES_TOKEN_TRACE_H
#define TESTS_FAKES_TOKEN_TRACE_H

#include "bridge/core/buf.h"
#include "bridge/core/token.h"

struct token_trace {
    struct buf text;
    unsigned refuse_at; /* the number of the token to refuse, from 1; 0: none */
    unsigned count;
};

void token_trace_init(struct token_trace *t);
void token_trace_done(struct token_trace *t);
struct token_sink token_trace_sink(struct token_trace *t);

#endif
