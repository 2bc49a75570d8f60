#include "producers/kafka_options.h"

#include "bridge/core/mem.h"
#include "config/conf.h"

#include <stdio.h>
#include <string.h>

#define MISTAKES_MAX 65536 /* bytes of the sentences about a configuration */

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
    if (o->conf != NULL)
        conf_free(o->conf);
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

bool kafka_options_load(struct kafka_options *o, struct fault *f)
{
    struct buf mistakes;

    buf_init(&mistakes, MISTAKES_MAX);
    o->conf = conf_load(o->config, &mistakes);
    if (o->conf == NULL)
        fputs(buf_text(&mistakes), stderr);
    buf_done(&mistakes);
    if (o->conf == NULL)
        return fault_set(f, FAULT_REJECT, "the configuration has mistakes");
    for (size_t i = conf_count(o->conf, "kafka.properties"); i-- > 0;)
        if (!kafka_options_default(o, conf_name(o->conf, "kafka.properties", i),
                                   conf_item(o->conf, "kafka.properties", i), f))
            return false;
    return true;
}

struct kafka_conf kafka_options_conf(const struct kafka_options *o)
{
    return (struct kafka_conf){.brokers = o->brokers != NULL ? o->brokers
                                                             : conf_text(o->conf, "kafka.brokers"),
                               .client_id = conf_text(o->conf, "kafka.client_id"),
                               .properties = o->properties,
                               .property_count = o->property_count};
}
