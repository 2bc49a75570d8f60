#include "bridge/core/outcome.h"

#include "bridge/core/ascii.h"
#include "bridge/core/json_pick.h"

#include <stddef.h>
#include <string.h>

enum outcome outcome_of_status(int status, const char *method, bool has_retry_after)
{
    if (status >= 200 && status <= 299)
        return OUTCOME_DONE;
    switch (status) {
    case 401:
        return OUTCOME_STOP;
    case 403:
        return OUTCOME_FORBID;
    case 404:
        return strcmp(method, "DELETE") == 0 ? OUTCOME_DONE : OUTCOME_REFUSE;
    case 408:
    case 425:
    case 429:
        return OUTCOME_RETRY;
    case 409:
        return has_retry_after ? OUTCOME_RETRY : OUTCOME_REFUSE;
    case 501:
        return OUTCOME_REFUSE;
    default:
        break;
    }
    if (status >= 300 && status <= 399)
        return OUTCOME_STOP;
    if (status >= 400 && status <= 499)
        return OUTCOME_REFUSE;
    /* 5xx, and what is no status of a final reply at all: the peer is not itself. */
    return OUTCOME_RETRY;
}

bool outcome_may_be_done(int status)
{
    return (status >= 500 && status != 501 && status != 503) || (status >= 300 && status <= 303);
}

bool outcome_is_page(int status, struct view body)
{
    size_t i = view_starts(body, VIEW("\xef\xbb\xbf")) ? 3 : 0;

    while (i < body.n && view_has(VIEW(" \t\r\n"), body.p[i]))
        i++;
    return status >= 200 && status <= 299 && status != 201 && i < body.n && body.p[i] == '<';
}

static bool is_id(struct view v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];

        if (!ascii_is_alnum(c) && !view_has(VIEW("-_.~:"), c))
            return false;
    }
    return v.n > 0 && v.n <= OUTCOME_ID_MAX;
}

static struct view without_quotes(struct view v)
{
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        return (struct view){v.p + 1, v.n - 2};
    return v;
}

static struct view of_body(struct view body)
{
    while (body.n > 0 && view_has(VIEW(" \t\r\n"), body.p[0]))
        body = view_skip(body, 1);
    while (body.n > 0 && view_has(VIEW(" \t\r\n"), body.p[body.n - 1]))
        body.n--;
    if (view_starts(body, VIEW("{")))
        body = json_pick(json_pick_root(body), "id");
    return without_quotes(body);
}

static struct view of_location(struct view location)
{
    struct view path = view_cut(&location, '?');

    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    while (view_has(path, '/'))
        (void)view_cut(&path, '/');
    return path;
}

struct view outcome_created(struct view body, struct view location)
{
    body = of_body(body);
    if (is_id(body))
        return body;
    location = of_location(location);
    return is_id(location) ? location : VIEW_NONE;
}

const char *outcome_name(enum outcome o)
{
    switch (o) {
#define OUTCOME_CASE(name, text)                                                                   \
    case OUTCOME_##name:                                                                           \
        return text;
        OUTCOME_KINDS(OUTCOME_CASE)
#undef OUTCOME_CASE
    }
    return "unknown";
}

const char *outcome_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].phrase;
    return "";
}
