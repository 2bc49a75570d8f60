#include "server/fold.h"

#include "bridge/core/ascii.h"
#include "bridge/core/trigram.h"
#include "bridge/io/unicode.h"
#include "server/sqlite.h"

/* Most text is ASCII, for which small letters are all that folding is. */
void fold_text(struct view text, struct buf *to)
{
    char *room = buf_room(to, text.n);
    unsigned char beyond = 0;

    for (size_t i = 0; room != NULL && i < text.n; i++) {
        char c = text.p[i];

        beyond |= (unsigned char)c;
        room[i] = ascii_lower(c);
    }
    if (beyond >= 0x80)
        unicode_fold(text, to);
    else if (room != NULL)
        buf_grew(to, text.n);
}

void fold_install(struct sqlite *db)
{
    sqlite_add_change(db, "cmi_folded", fold_text, FOLD_MAX);
}

bool fold_pieces(struct view value, struct buf *to)
{
    struct buf folded;
    bool found = false;

    buf_init(&folded, FOLD_MAX);
    fold_text(value, &folded);
    found = trigram_expression(buf_view(&folded), to);
    buf_done(&folded);
    return found;
}
