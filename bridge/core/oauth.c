#include "bridge/core/oauth.h"

#include "bridge/core/json_pick.h"
#include "bridge/core/mask.h"

#define ERROR_MAX  64
#define EARLY_MS   60000 /* the most that a token is given up before its end */
#define EARLY_PART 10    /* of its life */
#define TYPE_MAX   16

static bool is_visible(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] > '~')
            return false;
    return v.n > 0;
}

/* RFC 6749 5.2: "invalid_client" and the like. Its description is the server's prose, and left out.
 */
static bool refused(int status, struct view json, struct fault *f)
{
    char error[ERROR_MAX];
    char said[FAULT_TEXT_MAX / 2];

    if (!json_pick_text(json, "error", error, sizeof error))
        return fault_set(f, FAULT_RETRY, "the token server answered %d", status);
    return fault_set(f, FAULT_RETRY, "the token server answered %d: %s", status,
                     mask_sentence(view_of(error), said, sizeof said));
}

bool oauth_read(int status, struct view body, struct oauth_token *out, struct fault *f)
{
    struct view json = json_pick_root(body);
    char type[TYPE_MAX] = "";
    int64_t seconds = 0;

    if (status != 200)
        return refused(status, json, f);
    if (json_pick(json, "token_type").n > 0 &&
        (!json_pick_text(json, "token_type", type, sizeof type) ||
         !view_eq_nocase(view_of(type), VIEW("bearer"))))
        return fault_set(f, FAULT_RETRY, "the token server's token is no bearer token");
    if (!json_pick_text(json, "access_token", out->text, sizeof out->text) ||
        !is_visible(view_of(out->text)))
        return fault_set(f, FAULT_RETRY,
                         "the token server's answer holds no access_token of 1 to %d characters",
                         OAUTH_TOKEN_MAX - 1);
    out->life_ms = OAUTH_LIFE_MS;
    if (json_pick_int(json, "expires_in", &seconds))
        out->life_ms = seconds < 1                          ? 1000
                       : seconds > OAUTH_LIFE_MAX_MS / 1000 ? OAUTH_LIFE_MAX_MS
                                                            : seconds * 1000;
    return true;
}

int64_t oauth_use_ms(int64_t life_ms)
{
    int64_t early = life_ms / EARLY_PART;

    return life_ms - (early < EARLY_MS ? early : EARLY_MS);
}
