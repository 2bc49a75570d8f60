#include "bridge/io/http_source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

void http_source_of(const struct sockaddr *from, uint8_t out[HTTP_SOURCE_LEN])
{
    memset(out, 0, HTTP_SOURCE_LEN);
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;

        out[10] = out[11] = 0xff;
        memcpy(out + 12, &v4->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

        memcpy(out, &v6->sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? 16 : 8);
    }
}

void http_source_text(const uint8_t source[HTTP_SOURCE_LEN], char out[HTTP_SOURCE_TEXT])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = memcmp(source, mapped, sizeof mapped) == 0;

    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? source + 12 : source, out, HTTP_SOURCE_TEXT) ==
        NULL)
        out[0] = '\0';
}
