#include "tests/fakes/rights_doc.h"

#include "bridge/core/buf.h"
#include "standalone/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX (1 << 20)
#define HEAD     "`consume` needs the keys `cmi:*`"
#define LINES    "\n\n    " /* the list stands in a block of its own */

/* The names of a line, without what stands in brackets. */
static void put_rights(struct view line, struct buf *to)
{
    bool aside = false;
    bool within = false;

    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        bool named = !aside && (isupper((unsigned char)c) || (within && c == '|'));

        if (c == '(' || c == ')')
            aside = c == '(';
        if (named && !within)
            buf_put_text(to, " +");
        if (named)
            buf_put_char(to, (char)tolower((unsigned char)c));
        within = named;
    }
}

void rights_doc_read(struct rights_doc *out)
{
    char path[4096];
    struct buf page;
    struct buf rights;
    struct fault f = {0};
    const char *at;
    struct view rest;

    (void)snprintf(path, sizeof path, "%s/docs/OPERATIONS.md", getenv("CMIBRIDGE_SOURCE"));
    buf_init(&page, PAGE_MAX);
    buf_init(&rights, RIGHTS_DOC_MAX);
    if (!file_get(path, &page, &f))
        fail_msg("%s", f.text);
    at = strstr(buf_text(&page), HEAD);
    at = at != NULL ? strstr(at, LINES) : NULL;
    assert_non_null(at);
    rest = view_of(at + 2);
    put_rights(view_cut(&rest, '\n'), &rights);
    view_copy(buf_view(&rights), out->asked, sizeof out->asked);
    while (view_starts(rest, VIEW("    ")))
        put_rights(view_cut(&rest, '\n'), &rights);
    view_copy(buf_view(&rights), out->all, sizeof out->all);
    assert_false(rights.full);
    buf_done(&rights);
    buf_done(&page);
}
