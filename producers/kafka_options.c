#include "producers/kafka_options.h"

#include "bridge/core/mem.h"

#include <string.h>

void kafka_options_init(struct kafka_options *o)
{
    *o = (struct kafka_options){.config = NULL};
}

static void free_text(const char *text)
{
    union {
        const char *text;
        void *memory;
    } as = {.text = text};

    mem_free(as.memory);
}

void kafka_options_done(struct kafka_options *o)
{
    for (size_t i = 0; i < o->property_count; i++) {
        free_text(o->properties[i].name);
        free_text(o->properties[i].value);
    }
    kafka_options_init(o);
}

static bool add(struct kafka_options *o, size_t at, struct kafka_property p, struct fault *f)
{
    if (o->property_count == KAFKA_OPTIONS_PROPERTIES_MAX) {
        free_text(p.name);
        free_text(p.value);
        return fault_set(f, FAULT_REJECT, "more than %d Kafka properties",
                         KAFKA_OPTIONS_PROPERTIES_MAX);
    }
    memmove(o->properties + at + 1, o->properties + at,
            (o->property_count - at) * sizeof o->properties[0]);
    o->properties[at] = p;
    o->property_count++;
    return true;
}

bool kafka_options_property(struct kafka_options *o, const char *text, struct fault *f)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text)
        return fault_set(f, FAULT_REJECT, "-X takes NAME=VALUE, not '%.80s'", text);
    return add(o, o->property_count,
               (struct kafka_property){mem_text(text, (size_t)(equals - text)),
                                       mem_text(equals + 1, strlen(equals + 1))},
               f);
}

bool kafka_options_default(struct kafka_options *o, const char *name, const char *value,
                           struct fault *f)
{
    return add(
        o, 0, (struct kafka_property){mem_text(name, strlen(name)), mem_text(value, strlen(value))},
        f);
}

struct kafka_conf kafka_options_conf(const struct kafka_options *o)
{
    return (struct kafka_conf){
        .brokers = o->brokers, .properties = o->properties, .property_count = o->property_count};
}
