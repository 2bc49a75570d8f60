/*
 * http_source: whom a connection is from, as what may be counted: an IPv4 address, or of an IPv6
 * address its network, the first 64 bits, since who has one address there has all.
 */
#ifndef BRIDGE_IO_HTTP_SOURCE_H
#define BRIDGE_IO_HTTP_SOURCE_H

#include <stdint.h>

#define HTTP_SOURCE_LEN  16 /* bytes: an IPv6 address, or an IPv4 one mapped into it */
#define HTTP_SOURCE_TEXT 46 /* bytes, with the NUL */

struct sockaddr;

void http_source_of(const struct sockaddr *from, uint8_t out[HTTP_SOURCE_LEN]);
/* "192.0.2.1", "2001:db8::" */
void http_source_text(const uint8_t source[HTTP_SOURCE_LEN], char out[HTTP_SOURCE_TEXT]);

#endif
