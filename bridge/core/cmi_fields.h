/*
 * cmi_fields: the one table of what the Contact Management Interface says of every property.
 *
 * A resource is a shape, a shape is a row of fields. Validation (server and consumer alike),
 * reading, writing and the tests' good and bad values all come from these rows. "L" is the line of
 * the specification that a row stands on.
 */
#ifndef BRIDGE_CORE_CMI_FIELDS_H
#define BRIDGE_CORE_CMI_FIELDS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of an address, wherever one stands: what can be stored can be looked for (wildcard.h, and
 * phone.h, where 256 characters of any kind fit). */
#define CMI_ADDRESS_MAX 1024
/* Bytes of a short text: a name, a kind, a detail. Patterns and orders compare most of them. */
#define CMI_SHORT_MAX 1024

enum cmi_type {
    CMI_STRING,  /* min..max: length in characters (code points); max 0: CMI_SCALAR_MAX bytes */
    CMI_GUID,    /* 32 hex or 36 with hyphens in; 32 upper-case hex out, as given if max is 36 */
    CMI_INTEGER, /* min..max: range */
    CMI_NUMBER,
    CMI_BOOL,
    CMI_TIME,   /* ISO-8601 UTC in; …T…Z with milliseconds out */
    CMI_OBJECT, /* shape */
    CMI_LIST,   /* of shape, at least min of them; an array, with CMI_WRAPPED an `item` wrapper
                   around one, too */
};

/* Where a field appears, and where it must. What a POST or PUT accepts and then ignores lacks the
 * use, and need only be of its type. */
enum cmi_use {
    CMI_LISTED = 1 << 0,      /* in a list */
    CMI_SINGLE = 1 << 1,      /* when one is fetched */
    CMI_POST = 1 << 2,        /* read from a POST body */
    CMI_PUT = 1 << 3,         /* read from a PUT body */
    CMI_POST_MUST = 1 << 4,   /* required in a POST body */
    CMI_PUT_MUST = 1 << 5,    /* required in a PUT body */
    CMI_WRAPPED = 1 << 6,     /* JSON out: {"item": […]}, not […], in: either (contract 9) */
    CMI_EMPTY_OK = 1 << 7,    /* required, yet may be the empty string (contract 7) */
    CMI_INGEST = 1 << 8,      /* read from an ingest event's data */
    CMI_INGEST_ONLY = 1 << 9, /* what CMI lacks: never shown */
    CMI_PRIVATE = 1 << 10,    /* a number, an address or a text of a person: masked in logs (D11) */
    CMI_INGEST_MUST = 1 << 11, /* required in its object when an ingest event gives that; what an
                                  event itself must give says event_types.h */
    CMI_NAMES = 1 << 12,       /* CMI_GUID: names a thing that another event's subject may name, so
                                  an ingest event may give the producer's own name (contract 4) */
    CMI_LEAN = 1 << 13,        /* a list that is not shown where it is empty */
    CMI_ANYHOW = 1 << 14,  /* where it is not read, it may be of any type (contract 5, 17, 19) */
    CMI_PERSON = 1 << 15,  /* says who somebody is: nothing is taken by it of who was erased */
    CMI_MENTION = 1 << 16, /* a text that may mention somebody: without who was erased it is kept
                              (decisions/0017) */
    CMI_ALWAYS = 1 << 17,  /* required of an answer: wherever it is shown, it is there */
};

struct cmi_shape;

struct cmi_field {
    const char *name;
    const char *also; /* a second spelling accepted on input (timeStamp), or NULL */
    enum cmi_type type;
    unsigned use; /* enum cmi_use, or'ed */
    int64_t min;  /* min and max both 0: any */
    int64_t max;
    size_t bytes; /* CMI_STRING: at most so many, whatever the characters; 0: CMI_SCALAR_MAX */
    const char *const *words;      /* the allowed values, NULL-terminated, or NULL for any */
    const char *const *post_words; /* those of a POST, where they are fewer; else NULL */
    const struct cmi_shape *shape; /* CMI_OBJECT, CMI_LIST; else NULL */
    const char *item; /* CMI_LIST: the name of an item in XML and of the JSON wrapper */
    unsigned line;    /* of the specification; 0: contract.md's own */
};

struct cmi_shape {
    const char *name;               /* singular: "message"; also the root element in XML */
    const char *plural;             /* collection: "messages"; NULL for a part of a resource */
    const struct cmi_field *fields; /* in the order of the specification's properties */
    size_t field_count;
};

extern const struct cmi_shape cmi_email;
extern const struct cmi_shape cmi_script_result;
extern const struct cmi_shape cmi_chat;
extern const struct cmi_shape cmi_call_recording;
extern const struct cmi_shape cmi_listen_log;
extern const struct cmi_shape cmi_callback;
extern const struct cmi_shape cmi_contact;
extern const struct cmi_shape cmi_message;
extern const struct cmi_shape cmi_customer_consent;

/* Parts of a chat that events bring one at a time. */
extern const struct cmi_shape cmi_chat_message;
extern const struct cmi_shape cmi_chat_participant;

/* The nine resources, in the order of the specification. NULL-terminated. */
extern const struct cmi_shape *const cmi_shapes[];

/* The values that may come with that use, NULL-terminated, or NULL for any. */
const char *const *cmi_field_words(const struct cmi_field *field, enum cmi_use use);
/* The field of that name (or second spelling), or NULL. */
const struct cmi_field *cmi_field_find(const struct cmi_shape *shape, const char *name, size_t n);

#endif
