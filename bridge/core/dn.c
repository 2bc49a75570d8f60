#include "bridge/core/dn.h"

#include "bridge/core/hex.h"
#include "bridge/core/mask.h"
#include "bridge/core/utf8.h"

/* ASN.1 tags of texts. */
enum {
    UTF8_STRING = 0x0c,
    NUMERIC_STRING = 0x12,
    PRINTABLE_STRING = 0x13,
    T61_STRING = 0x14,
    IA5_STRING = 0x16,
    VISIBLE_STRING = 0x1a,
    UNIVERSAL_STRING = 0x1c,
    BMP_STRING = 0x1e,
};

/* The first name of a number is ours. */
static const struct {
    const char *number;
    const char *name;
} attributes[] = {
    {"2.5.4.3", "CN"},
    {"2.5.4.3", "commonName"},
    {"2.5.4.4", "SN"},
    {"2.5.4.4", "surname"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.6", "C"},
    {"2.5.4.6", "countryName"},
    {"2.5.4.7", "L"},
    {"2.5.4.7", "localityName"},
    {"2.5.4.8", "ST"},
    {"2.5.4.8", "S"},
    {"2.5.4.8", "stateOrProvinceName"},
    {"2.5.4.9", "street"},
    {"2.5.4.9", "streetAddress"},
    {"2.5.4.10", "O"},
    {"2.5.4.10", "organizationName"},
    {"2.5.4.11", "OU"},
    {"2.5.4.11", "organizationalUnitName"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.16", "postalAddress"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.18", "postOfficeBox"},
    {"2.5.4.20", "telephoneNumber"},
    {"2.5.4.41", "name"},
    {"2.5.4.42", "GN"},
    {"2.5.4.42", "givenName"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.45", "x500UniqueIdentifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.51", "houseIdentifier"},
    {"2.5.4.54", "dmdName"},
    {"2.5.4.65", "pseudonym"},
    {"2.5.4.72", "role"},
    {"2.5.4.97", "organizationIdentifier"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"0.9.2342.19200300.100.1.1", "userId"},
    {"0.9.2342.19200300.100.1.3", "mail"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"0.9.2342.19200300.100.1.25", "domainComponent"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"1.2.840.113549.1.9.1", "EMAIL"},
    {"1.2.840.113549.1.9.1", "E"},
    {"1.2.840.113549.1.9.2", "unstructuredName"},
    {"1.2.840.113549.1.9.8", "unstructuredAddress"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionLocalityName"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionOfIncorporationLocalityName"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionStateOrProvinceName"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionOfIncorporationStateOrProvinceName"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionCountryName"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionOfIncorporationCountryName"},
    {"1.3.6.1.5.5.7.8.5", "XmppAddr"},
    {"1.3.6.1.5.5.7.9.2", "placeOfBirth"},
    {"1.3.6.1.5.5.7.9.3", "gender"},
    {"1.3.6.1.5.5.7.9.4", "countryOfCitizenship"},
    {"1.3.6.1.5.5.7.9.5", "countryOfResidence"},
    {"1.2.643.3.131.1.1", "INN"},
    {"1.2.643.100.1", "OGRN"},
    {"1.2.643.100.3", "SNILS"},
    {"1.2.643.100.5", "OGRNIP"},
};
#define ATTRIBUTES (sizeof attributes / sizeof attributes[0])

static bool is_number(struct view v)
{
    bool dotted = view_has(v, '.');

    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] != '.' && (v.p[i] < '0' || v.p[i] > '9'))
            return false;
    return dotted;
}

/* What we call the attribute; VIEW_NONE: nobody knows it. */
static struct view type_of(struct view name)
{
    struct view number = VIEW_NONE;

    if (view_starts_nocase(name, VIEW("OID.")))
        name = view_skip(name, 4);
    if (is_number(name))
        number = name;
    for (size_t i = 0; number.n == 0 && i < ATTRIBUTES; i++)
        if (view_eq_nocase(name, view_of(attributes[i].name)))
            number = view_of(attributes[i].number);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (view_is(number, attributes[i].number))
            return view_of(attributes[i].name);
    return number;
}

/* ---- values in DER ---- */

/* The bytes of a text of that many bytes a character; false: it is none. */
static bool put_wide(struct view v, size_t width, struct buf *to)
{
    for (; v.n >= width; v = view_skip(v, width)) {
        char character[4];
        uint32_t code = 0;
        size_t n;

        for (size_t i = 0; i < width; i++)
            code = code << 8 | (uint8_t)v.p[i];
        if ((n = utf8_write(code, character)) == 0)
            return false;
        buf_put(to, (struct view){character, n});
    }
    return v.n == 0;
}

static bool put_string(unsigned char tag, struct view v, struct buf *to)
{
    switch (tag) {
    case UTF8_STRING:
        return utf8_valid(v) && (v.n == 0 || buf_put(to, v));
    case NUMERIC_STRING:
    case PRINTABLE_STRING:
    case T61_STRING: /* of ISO 646 and what everybody took it for, ISO 8859-1 */
    case IA5_STRING:
    case VISIBLE_STRING:
        return put_wide(v, 1, to);
    case UNIVERSAL_STRING:
        return put_wide(v, 4, to);
    case BMP_STRING:
        return put_wide(v, 2, to);
    default:
        return false;
    }
}

/* The text that the bytes of a value in DER stand for; false: they are of another type. */
static bool put_decoded(struct view der, struct buf *to)
{
    struct view value = view_skip(der, 2);
    size_t n = der.n < 2 ? 0 : (uint8_t)der.p[1];

    if (n > 0x80) {
        size_t digits = n & 0x7f;

        if (digits > 2 || value.n < digits)
            return false;
        n = 0;
        for (size_t i = 0; i < digits; i++)
            n = n << 8 | (uint8_t)value.p[i];
        value = view_skip(value, digits);
    }
    return der.n >= 2 && value.n == n && put_string((unsigned char)der.p[0], value, to);
}

void dn_put(struct view type, unsigned char tag, struct view value, struct buf *to)
{
    char head[4] = {(char)tag};
    size_t n = 1;

    if (value.n > 0xff) {
        head[n++] = (char)0x82;
        head[n++] = (char)(value.n >> 8);
    } else if (value.n > 0x7f) {
        head[n++] = (char)0x81;
    }
    head[n++] = (char)value.n;
    buf_put(to, type);
    buf_put_text(to, "=#");
    hex_put((struct view){head, n}, to);
    hex_put(value, to);
}

/* ---- reading ---- */

static bool is_special(char c)
{
    return strchr(" \"#+,;<=>\\", c) != NULL && c != '\0';
}

static bool ends_value(struct view rest)
{
    return rest.n == 0 || rest.p[0] == ',' || rest.p[0] == '+';
}

static bool read_escape(struct view *rest, char *c)
{
    if (rest->n >= 3 && hex_read((struct view){rest->p + 1, 2}, c, 1))
        *rest = view_skip(*rest, 3);
    else if (rest->n >= 2 && is_special(rest->p[1])) {
        *c = rest->p[1];
        *rest = view_skip(*rest, 2);
    } else {
        return false;
    }
    return true;
}

/* What is written as text; blanks at the end count only if escaped. */
static bool read_text(struct view *rest, struct buf *value)
{
    size_t whole = 0; /* bytes up to the last that counts */

    while (rest->n > 0 && !ends_value(*rest)) { /* the first half is for the analyser */
        char c = rest->p[0];
        bool escaped = c == '\\';

        if (!escaped)
            *rest = view_skip(*rest, 1);
        else if (!read_escape(rest, &c))
            return false;
        buf_put_char(value, c);
        if (escaped || c != ' ')
            whole = value->n;
    }
    value->n = whole;
    return utf8_valid(buf_view(value));
}

/* What is written as "#" and hex, as text where it is one. */
static bool read_hex(struct view *rest, struct buf *value, bool *is_text)
{
    struct view digits = *rest;
    struct buf der;
    char *room;
    bool ok;

    while (!ends_value(*rest))
        *rest = view_skip(*rest, 1);
    digits = view_trim((struct view){digits.p + 1, digits.n - rest->n - 1});
    buf_init(&der, digits.n / 2 + 1);
    room = buf_room(&der, digits.n / 2);
    ok = digits.n > 0 && room != NULL && hex_read(digits, room, digits.n / 2);
    if (ok) {
        buf_grew(&der, digits.n / 2);
        *is_text = put_decoded(buf_view(&der), value);
        if (!*is_text) {
            buf_clear(value);
            hex_put(buf_view(&der), value);
        }
    }
    buf_done(&der);
    return ok;
}

static void put_text(struct view v, struct buf *to)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool at_end = i == 0 || i == v.n - 1;

        if ((unsigned char)c < ' ' || c == 127)
            buf_printf(to, "\\%02x", (unsigned)(unsigned char)c);
        else if (c == ' ' ? at_end : c == '#' ? i == 0 : is_special(c) && c != '=')
            buf_printf(to, "\\%c", c);
        else
            buf_put_char(to, c);
    }
}

static bool read_value(struct view *rest, struct buf *to, struct view type, struct fault *f)
{
    struct buf value;
    bool is_text = true;
    bool ok;

    buf_init(&value, to->max);
    while (rest->n > 0 && rest->p[0] == ' ')
        *rest = view_skip(*rest, 1);
    ok = rest->n > 0 && rest->p[0] == '#' ? read_hex(rest, &value, &is_text)
                                          : read_text(rest, &value);
    if (!ok)
        fault_set(f, FAULT_REJECT,
                  "the value of %.*s is neither UTF-8, with a backslash before what is no letter "
                  "of it (\\, or \\C3), nor # and hex digits",
                  VIEW_ARG(type));
    else if (is_text)
        put_text(buf_view(&value), to);
    else {
        buf_put_char(to, '#');
        buf_put(to, buf_view(&value));
    }
    if (value.full)
        to->full = true;
    buf_done(&value);
    return ok;
}

/* "CN=maija" */
static bool read_attribute(struct view *rest, struct buf *to, struct fault *f)
{
    struct view written = *rest;
    struct view type = VIEW_NONE;
    char shown[MASK_TEXT_MAX];
    size_t n = 0;

    while (n < written.n && !ends_value(view_skip(written, n)) && written.p[n] != '=')
        n++;
    *rest = view_skip(written, n + 1);
    if (n == written.n || written.p[n] != '=')
        return fault_set(f, FAULT_REJECT,
                         "%s is no attribute and value, as CN=maija; a comma or '+' of a value "
                         "needs a backslash before it",
                         mask_text((struct view){written.p, n}, shown));
    written = view_trim((struct view){written.p, n});
    type = type_of(written);
    if (type.n == 0)
        return fault_set(f, FAULT_REJECT,
                         "there is no attribute %s; one by a name that is not known here is "
                         "written by its number (OID), as 2.5.4.3",
                         mask_name(written, shown));
    buf_put(to, type);
    buf_put_char(to, '=');
    return read_value(rest, to, type, f);
}

static void put_in_order(struct buf *parts, size_t count, struct buf *to)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && view_cmp(buf_view(&parts[k - 1]), buf_view(&parts[k])) > 0;
             k--) {
            struct buf lesser = parts[k];

            parts[k] = parts[k - 1];
            parts[k - 1] = lesser;
        }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(to, '+');
        buf_put(to, buf_view(&parts[i]));
        if (parts[i].full)
            to->full = true;
    }
}

/* "CN=maija+serialNumber=7", and the ',' behind. */
static bool read_part(struct view *rest, struct buf *to, struct fault *f)
{
    struct buf parts[DN_ATTRIBUTES_MAX];
    size_t count = 0;
    bool ok = true;
    bool more = true;

    while (ok && more) {
        if (count == DN_ATTRIBUTES_MAX) {
            ok = fault_set(f, FAULT_REJECT, "more than %d attributes are joined by '+'",
                           DN_ATTRIBUTES_MAX);
            break;
        }
        buf_init(&parts[count], to->max);
        ok = read_attribute(rest, &parts[count++], f);
        more = rest->n > 0 && rest->p[0] == '+';
        if (more)
            *rest = view_skip(*rest, 1);
    }
    if (ok)
        put_in_order(parts, count, to);
    for (size_t i = 0; i < count; i++)
        buf_done(&parts[i]);
    return ok;
}

bool dn_read(struct view text, struct buf *to, struct fault *f)
{
    struct view rest = text;
    bool more = true;

    if (view_starts(rest, VIEW("subject=")))
        rest = view_skip(rest, strlen("subject="));
    while (more) {
        if (!read_part(&rest, to, f))
            return false;
        more = rest.n > 0; /* at its ',' */
        if (more)
            buf_put_char(to, ',');
        rest = view_skip(rest, 1);
    }
    return true;
}
