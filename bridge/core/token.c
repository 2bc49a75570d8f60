#include "bridge/core/token.h"

const char *token_kind_name(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_OBJECT:
    case TOKEN_OBJECT_END:
        return "an object";
    case TOKEN_ARRAY:
    case TOKEN_ARRAY_END:
        return "an array";
    case TOKEN_KEY:
        return "a key";
    case TOKEN_STRING:
        return "a string";
    case TOKEN_INTEGER:
        return "an integer";
    case TOKEN_NUMBER:
        return "a number";
    case TOKEN_BOOL:
        return "a boolean";
    case TOKEN_NULL:
        return "null";
    }
    return "an unknown token";
}
