/* A request's head: taken or refused with a sentence, and what is understood of it lies within it.
 * First line: method, target, version; each further one a header field. */
#include "bridge/core/accept.h"
#include "bridge/core/http_rules.h"

#include <assert.h>
#include <stdint.h>

#define MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct view part, struct view whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_field headers[HTTP_RULES_HEADERS_MAX + 1];
    struct view rest = {(const char *)data, size};
    struct view line = view_cut(&rest, '\n');
    struct http_head head = {.headers = headers, .max_bytes = MAX_BYTES};
    struct http_framing out;
    struct view charset = VIEW_NONE;
    struct fault f = {0};
    size_t count = 0;
    int status = 0;

    head.method = view_cut(&line, ' ');
    head.target = view_cut(&line, ' ');
    head.version = line;
    while (rest.n > 0 && head.header_count <= HTTP_RULES_HEADERS_MAX) {
        line = view_cut(&rest, '\n');
        headers[head.header_count].name = view_cut(&line, ':');
        headers[head.header_count++].value = view_trim(line);
    }
    status = http_rules_check(&head, &out, &f);
    assert(status == 0 || (status >= 400 && status < 600 && f.text[0] != '\0'));
    if (status == 0) {
        assert(out.path.n > 0 && within(out.path, head.target) && within(out.query, head.target));
        assert(!out.has_length || !out.chunked);
        assert(out.length >= 0);
        assert(head.header_count <= HTTP_RULES_HEADERS_MAX);
    }
    (void)accept_choose(http_field_find(headers, head.header_count, "Accept", &count), true);
    line = http_field_find(headers, head.header_count, "Content-Type", &count);
    assert(within(accept_media_type(line, &charset), line) && within(charset, line));
    return 0;
}
