#include "bridge/core/json_scan.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum state {
    WANT_VALUE,
    WANT_ITEM_OR_END, /* after '[' */
    WANT_KEY_OR_END,  /* after '{' */
    WANT_KEY,         /* after ',' in an object */
    WANT_COLON,
    WANT_COMMA_OR_END,
    WANT_NOTHING, /* the value is whole */
    IN_STRING,
    IN_UTF8,
    IN_ESCAPE,
    IN_HEX,
    WANT_LOW_ESCAPE, /* after a high surrogate: '\', … */
    WANT_LOW_U,      /* … then 'u' */
    IN_LITERAL,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_WHOLE,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
};

void json_scan_init(struct json_scan *s)
{
    *s = (struct json_scan){.state = WANT_VALUE, .depth_max = TOKEN_DEPTH_MAX};
}

static bool bad(const struct json_scan *s, size_t at, const char *what, struct fault *f)
{
    return fault_set(f, FAULT_REJECT, "malformed JSON at byte %" PRIu64 ": %s", s->offset + at,
                     what);
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static void value_ended(struct json_scan *s)
{
    s->state = s->depth == 0 ? WANT_NOTHING : WANT_COMMA_OR_END;
}

static bool open_level(struct json_scan *s, bool object, size_t at, struct fault *f)
{
    if (s->depth == s->depth_max)
        return fault_set(f, FAULT_REJECT,
                         "malformed JSON at byte %" PRIu64 ": nested deeper than %u",
                         s->offset + at, s->depth_max);
    s->depth++;
    s->objects &= ~((uint64_t)1 << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->state = object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    return true;
}

static bool in_object(const struct json_scan *s)
{
    return (s->objects >> s->depth & 1) != 0;
}

static void close_level(struct json_scan *s)
{
    s->depth--;
    value_ended(s);
}

static void open_string(struct json_scan *s, bool key)
{
    s->state = IN_STRING;
    s->in_key = key;
}

static bool begin_value(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    switch (c) {
    case '{':
        return open_level(s, true, at, f);
    case '[':
        return open_level(s, false, at, f);
    case '"':
        open_string(s, false);
        return true;
    case 't':
        s->literal = "rue";
        break;
    case 'f':
        s->literal = "alse";
        break;
    case 'n':
        s->literal = "ull";
        break;
    case '-':
        s->state = NUMBER_MINUS;
        return true;
    case '0':
        s->state = NUMBER_ZERO;
        return true;
    default:
        if (!is_digit(c))
            return bad(s, at, "a value is missing", f);
        s->state = NUMBER_WHOLE;
        return true;
    }
    s->state = IN_LITERAL;
    return true;
}

/* Between values: blanks, and the signs that hold containers together. */
static bool between(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    if (is_blank(c))
        return true;
    switch (s->state) {
    case WANT_ITEM_OR_END:
        if (c == ']') {
            close_level(s);
            return true;
        }
        return begin_value(s, c, at, f);
    case WANT_KEY_OR_END:
        if (c == '}') {
            close_level(s);
            return true;
        }
        if (c != '"')
            return bad(s, at, "a key in quotes or '}' is missing", f);
        open_string(s, true);
        return true;
    case WANT_KEY:
        if (c != '"')
            return bad(s, at, "a key in quotes is missing", f);
        open_string(s, true);
        return true;
    case WANT_COLON:
        if (c != ':')
            return bad(s, at, "':' is missing", f);
        s->state = WANT_VALUE;
        return true;
    case WANT_COMMA_OR_END:
        if (c == ',') {
            s->state = in_object(s) ? WANT_KEY : WANT_VALUE;
            return true;
        }
        if (c != (in_object(s) ? '}' : ']'))
            return bad(s, at, in_object(s) ? "',' or '}' is missing" : "',' or ']' is missing", f);
        close_level(s);
        return true;
    case WANT_NOTHING:
        return bad(s, at, "something follows the value", f);
    default:
        return begin_value(s, c, at, f);
    }
}

/* The first byte of a character beyond ASCII: how many follow, and what the second may be. No
 * overlong form, no surrogate, nothing above U+10FFFF. */
static bool begin_utf8(struct json_scan *s, unsigned char c)
{
    s->utf8_low = 0x80;
    s->utf8_high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        s->utf8_left = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        s->utf8_left = 2;
        if (c == 0xe0)
            s->utf8_low = 0xa0;
        if (c == 0xed)
            s->utf8_high = 0x9f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        s->utf8_left = 3;
        if (c == 0xf0)
            s->utf8_low = 0x90;
        if (c == 0xf4)
            s->utf8_high = 0x8f;
    } else {
        return false;
    }
    s->state = IN_UTF8;
    return true;
}

static bool in_string(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    if (c == '"') {
        if (s->in_key)
            s->state = WANT_COLON;
        else
            value_ended(s);
        return true;
    }
    if (c == '\\') {
        s->state = IN_ESCAPE;
        return true;
    }
    if (c < 0x20)
        return bad(s, at, "a control character stands bare in a string", f);
    if (c >= 0x80 && !begin_utf8(s, c))
        return bad(s, at, "not UTF-8", f);
    return true;
}

static bool in_utf8(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    if (c < s->utf8_low || c > s->utf8_high)
        return bad(s, at, "not UTF-8", f);
    s->utf8_low = 0x80;
    s->utf8_high = 0xbf;
    if (--s->utf8_left == 0)
        s->state = IN_STRING;
    return true;
}

static void begin_hex(struct json_scan *s)
{
    s->state = IN_HEX;
    s->hex_left = 4;
    s->unit = 0;
}

static bool in_escape(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->state = IN_STRING;
        return true;
    case 'u':
        begin_hex(s);
        return true;
    default:
        return bad(s, at, "no such escape", f);
    }
}

static bool in_hex(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    unsigned digit;
    bool low;

    if (is_digit(c))
        digit = c - (unsigned)'0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (c | 0x20U) - 'a' + 10;
    else
        return bad(s, at, "four hex digits belong behind \\u", f);
    s->unit = s->unit << 4 | digit;
    if (--s->hex_left > 0)
        return true;
    low = s->unit >= 0xdc00 && s->unit <= 0xdfff;
    if (low != s->want_low)
        return bad(s, at, "a lone surrogate", f);
    s->want_low = s->unit >= 0xd800 && s->unit <= 0xdbff;
    s->state = s->want_low ? WANT_LOW_ESCAPE : IN_STRING;
    return true;
}

/* A number ends at the byte that is no part of it, which the caller then reads again: *again. */
static bool in_number(struct json_scan *s, unsigned char c, size_t at, bool *again, struct fault *f)
{
    bool digit = is_digit(c);
    bool e = c == 'e' || c == 'E';

    switch (s->state) {
    case NUMBER_MINUS:
        if (!digit)
            return bad(s, at, "a digit is missing behind '-'", f);
        s->state = c == '0' ? NUMBER_ZERO : NUMBER_WHOLE;
        return true;
    case NUMBER_POINT:
        if (!digit)
            return bad(s, at, "a digit is missing behind '.'", f);
        s->state = NUMBER_FRACTION;
        return true;
    case NUMBER_E:
        if (c == '+' || c == '-') {
            s->state = NUMBER_E_SIGN;
            return true;
        }
        if (!digit)
            return bad(s, at, "an exponent is missing", f);
        s->state = NUMBER_EXPONENT;
        return true;
    case NUMBER_E_SIGN:
        if (!digit)
            return bad(s, at, "an exponent is missing", f);
        s->state = NUMBER_EXPONENT;
        return true;
    case NUMBER_ZERO:
        if (digit)
            return bad(s, at, "a number has a leading zero", f);
        break;
    case NUMBER_EXPONENT:
        if (digit)
            return true;
        e = false;
        break;
    default: /* NUMBER_WHOLE, NUMBER_FRACTION */
        if (digit)
            return true;
    }
    if (e) {
        s->state = NUMBER_E;
        return true;
    }
    if (c == '.' && (s->state == NUMBER_ZERO || s->state == NUMBER_WHOLE)) {
        s->state = NUMBER_POINT;
        return true;
    }
    value_ended(s);
    *again = true;
    return true;
}

static bool in_literal(struct json_scan *s, unsigned char c, size_t at, struct fault *f)
{
    if (c != (unsigned char)*s->literal)
        return bad(s, at, "a value is missing", f);
    s->literal++;
    if (*s->literal == '\0')
        value_ended(s);
    return true;
}

static bool step(struct json_scan *s, unsigned char c, size_t at, bool *again, struct fault *f)
{
    switch (s->state) {
    case IN_STRING:
        return in_string(s, c, at, f);
    case IN_UTF8:
        return in_utf8(s, c, at, f);
    case IN_ESCAPE:
        return in_escape(s, c, at, f);
    case IN_HEX:
        return in_hex(s, c, at, f);
    case WANT_LOW_ESCAPE:
        if (c != '\\')
            return bad(s, at, "a lone surrogate", f);
        s->state = WANT_LOW_U;
        return true;
    case WANT_LOW_U:
        if (c != 'u')
            return bad(s, at, "a lone surrogate", f);
        begin_hex(s);
        return true;
    case IN_LITERAL:
        return in_literal(s, c, at, f);
    case NUMBER_MINUS:
    case NUMBER_ZERO:
    case NUMBER_WHOLE:
    case NUMBER_POINT:
    case NUMBER_FRACTION:
    case NUMBER_E:
    case NUMBER_E_SIGN:
    case NUMBER_EXPONENT:
        return in_number(s, c, at, again, f);
    default:
        return between(s, c, at, f);
    }
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Whether a byte of the eight is below `least` (at most 128); what is 128 or more says so, too. */
static bool any_below(uint64_t eight, unsigned char least)
{
    return (((eight - EACH(least)) | eight) & EACH(0x80)) != 0;
}

/* Where the run of bytes that mean nothing to a string ends: most of the input. */
static size_t skip_plain(const unsigned char *p, size_t at, size_t n)
{
    uint64_t eight;

    for (; at + sizeof eight <= n; at += sizeof eight) {
        memcpy(&eight, p + at, sizeof eight);
        if (any_below(eight, 0x20) || any_below(eight ^ EACH('"'), 1) ||
            any_below(eight ^ EACH('\\'), 1))
            break;
    }
    while (at < n && p[at] >= 0x20 && p[at] < 0x80 && p[at] != '"' && p[at] != '\\')
        at++;
    return at;
}

bool json_scan_feed(struct json_scan *s, struct view piece, struct fault *f)
{
    const unsigned char *p = (const unsigned char *)piece.p;
    size_t at = 0;

    while (at < piece.n) {
        bool again = false;

        if (s->state == IN_STRING && (at = skip_plain(p, at, piece.n)) == piece.n)
            break;
        if (!step(s, p[at], at, &again, f))
            return false;
        at += again ? 0 : 1;
    }
    s->offset += piece.n;
    return true;
}

bool json_scan_end(const struct json_scan *s, struct fault *f)
{
    bool number = s->state == NUMBER_ZERO || s->state == NUMBER_WHOLE ||
                  s->state == NUMBER_FRACTION || s->state == NUMBER_EXPONENT;

    if (s->state == WANT_NOTHING || (number && s->depth == 0))
        return true;
    return fault_set(f, FAULT_REJECT, "malformed JSON: it ends early, after byte %" PRIu64,
                     s->offset);
}

bool json_scan_all(struct view bytes, struct fault *f)
{
    return json_scan_outline(bytes, 0, f);
}

bool json_scan_outline(struct view bytes, unsigned more, struct fault *f)
{
    struct json_scan s;

    assert(more <= JSON_SCAN_OUTLINE_MAX);
    json_scan_init(&s);
    s.depth_max += more;
    return json_scan_feed(&s, bytes, f) && json_scan_end(&s, f);
}
