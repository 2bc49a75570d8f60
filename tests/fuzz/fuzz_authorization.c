/* Whatever an Authorization header says, what is read of it keeps its promises. */
#include "bridge/core/authorization.h"

#include "bridge/core/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf room;
    struct authorization a;

    buf_init(&room, AUTHORIZATION_ROOM);
    a = authorization_read((struct view){(const char *)data, size}, &room);
    switch (a.kind) {
    case AUTHORIZATION_BASIC:
        if (!authorization_is_login(a.login) || a.password.p == NULL ||
            a.password.n > AUTHORIZATION_PASSWORD_MAX || !utf8_valid(a.password) ||
            view_has(a.password, '\0'))
            abort();
        break;
    case AUTHORIZATION_BEARER:
        if (!authorization_is_token(a.token))
            abort();
        break;
    case AUTHORIZATION_NEITHER:
        break;
    }
    buf_done(&room);
    return 0;
}
