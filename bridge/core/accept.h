/*
 * accept: which representation a GET is answered in (contract 1).
 */
#ifndef BRIDGE_CORE_ACCEPT_H
#define BRIDGE_CORE_ACCEPT_H

#include "bridge/core/view.h"

enum accept {
    ACCEPT_NEITHER, /* 406 */
    ACCEPT_JSON,
    ACCEPT_XML,
};

/* header: the value of Accept (RFC 9110, 12.5.1), VIEW_NONE where there is none. The heavier of the
 * two is chosen, JSON in a tie; with has_xml false XML is not on offer, and whatever weight JSON
 * has chooses it. A range that can't be read counts as not there. */
enum accept accept_choose(struct view header, bool has_xml);

/* A media type without its parameters, trimmed: "application/json". *charset: the value of that
 * parameter without quotes, VIEW_NONE where there is none. */
struct view accept_media_type(struct view header, struct view *charset);
/* Whether text in that charset is UTF-8: it says so, says nothing, or is the part that all share.
 */
bool accept_is_utf8(struct view charset);

#endif
