#include "bridge/core/authorization.h"

#include "bridge/core/ascii.h"
#include "bridge/core/base64.h"
#include "bridge/core/utf8.h"

bool authorization_is_login(struct view login)
{
    return login.n > 0 && login.n <= AUTHORIZATION_LOGIN_MAX && utf8_valid(login) &&
           !utf8_has_control(login) && !view_has(login, ':') && view_trim(login).n == login.n;
}

bool authorization_is_token(struct view token)
{
    size_t i = 0;

    while (i < token.n && (ascii_is_alnum(token.p[i]) || view_has(VIEW("-._~+/"), token.p[i])))
        i++;
    if (i == 0 || token.n > AUTHORIZATION_TOKEN_MAX)
        return false;
    while (i < token.n && token.p[i] == '=')
        i++;
    return i == token.n;
}

static bool read_basic(struct view encoded, struct buf *room, struct authorization *out)
{
    struct view rest = VIEW_NONE;

    if (!base64_decode(encoded, room))
        return false;
    rest = buf_view(room);
    if (!view_has(rest, ':') || !utf8_valid(rest) || view_has(rest, '\0'))
        return false;
    out->login = view_cut(&rest, ':');
    out->password = rest.p != NULL ? rest : VIEW("");
    return authorization_is_login(out->login) && out->password.n <= AUTHORIZATION_PASSWORD_MAX;
}

struct authorization authorization_read(struct view value, struct buf *room)
{
    struct authorization a = {.kind = AUTHORIZATION_NEITHER};
    struct view rest = view_trim(value);
    struct view scheme = view_cut(&rest, ' ');

    rest = view_trim(rest);
    if (view_eq_nocase(scheme, VIEW("Basic")) && read_basic(rest, room, &a)) {
        a.kind = AUTHORIZATION_BASIC;
    } else if (view_eq_nocase(scheme, VIEW("Bearer")) && authorization_is_token(rest)) {
        a.kind = AUTHORIZATION_BEARER;
        a.token = rest;
    }
    return a;
}
