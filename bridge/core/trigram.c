#include "bridge/core/trigram.h"

#include "bridge/core/utf8.h"

static bool is_wild(struct view rest)
{
    return rest.p[0] == '*' || rest.p[0] == '?';
}

/* The three characters at the start, none of them wild; else n is 0. */
static struct view piece_at(struct view rest)
{
    struct view piece = {rest.p, 0};

    for (int i = 0; i < 3; i++) {
        size_t n = rest.n == 0 || is_wild(rest) ? 0 : utf8_first(rest);

        if (n == 0)
            return (struct view){rest.p, 0};
        piece.n += n;
        rest = view_skip(rest, n);
    }
    return piece;
}

static void put_piece(struct view piece, struct buf *to)
{
    buf_put_char(to, '"');
    for (size_t i = 0; i < piece.n; i++) {
        if (piece.p[i] == '"')
            buf_put_char(to, '"');
        buf_put_char(to, piece.p[i]);
    }
    buf_put_char(to, '"');
}

/* Those that touch cover a run; the ones between say nearly the same, and the index takes as long
 * for each. The last one of a run overlaps the one before. */
bool trigram_expression(struct view pattern, struct buf *to)
{
    unsigned count = 0;
    unsigned covered = 0; /* characters of the run from here on */

    while (pattern.n > 0 && count < TRIGRAM_PIECES_MAX) {
        size_t n = utf8_first(pattern);
        struct view piece = piece_at(pattern);
        struct view after = view_skip(pattern, n > 0 ? n : 1);

        if (piece.n > 0 && (covered == 0 || piece_at(after).n == 0)) {
            buf_put_text(to, count++ == 0 ? "(" : " AND ");
            put_piece(piece, to);
            covered = 3;
        }
        covered = piece.n > 0 ? covered - 1 : 0;
        pattern = after;
    }
    if (count > 0)
        buf_put_char(to, ')');
    return count > 0;
}
