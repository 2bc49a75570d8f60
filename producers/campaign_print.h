/*
 * campaign_print: a message's row on stdout, for a person or for a program.
 */
#ifndef PRODUCERS_CAMPAIGN_PRINT_H
#define PRODUCERS_CAMPAIGN_PRINT_H

#include "producers/campaign_row.h"

void campaign_print_headings(void);
void campaign_print_row(const struct campaign_row *c);   /* one line below them */
void campaign_print_whole(const struct campaign_row *c); /* a line a property */
void campaign_print_json(const struct campaign_row *c);  /* one object, one line */

#endif
