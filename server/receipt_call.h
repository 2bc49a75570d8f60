/*
 * receipt_call: POST /receipts/dialler: how a call has ended, from a dialler that answered 202.
 */
#ifndef SERVER_RECEIPT_CALL_H
#define SERVER_RECEIPT_CALL_H

#include "server/exchange.h"

/* Answers the exchange: 200 when the result is durable, or when there is no such call under way (it
 * has its result already, its time was over, or the callback is gone): then it changes nothing. */
void receipt_call(struct exchange *x);

#endif
