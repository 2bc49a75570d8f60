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

bool trigram_expression(struct view pattern, struct buf *to)
{
    unsigned count = 0;

    while (pattern.n > 0 && count < TRIGRAM_PIECES_MAX) {
        struct view piece = piece_at(pattern);
        size_t n = utf8_first(pattern);

        if (piece.n > 0) {
            buf_put_text(to, count++ == 0 ? "(" : " AND ");
            put_piece(piece, to);
        }
        pattern = view_skip(pattern, n > 0 ? n : 1);
    }
    if (count > 0)
        buf_put_char(to, ')');
    return count > 0;
}
