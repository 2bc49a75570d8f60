#include "consumers/kafka_check.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_trial.h"
#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#define MAP "kafka.properties"

static void tell(const struct conf *c, const char *file, const char *name, const struct fault *f,
                 struct buf *mistakes)
{
    char path[SCHEMA_PATH_MAX];

    (void)snprintf(path, sizeof path, MAP ".%s", name != NULL ? name : "");
    buf_printf(mistakes, "%s: %s\n", name != NULL ? conf_origin(c, path) : file, f->text);
}

/* Property i; false where it was given wrongly, which its own mistake says. */
static bool read_property(const struct conf *c, size_t i, struct kafka_property *p)
{
    *p = (struct kafka_property){conf_name(c, MAP, i), conf_item(c, MAP, i)};
    return p->value != NULL;
}

void kafka_check_properties(const struct conf *c, const char *file, struct buf *mistakes)
{
    for (size_t i = 0; i < conf_count(c, MAP); i++) {
        struct kafka_property p;
        struct fault f = {0};

        if (read_property(c, i, &p) && !kafka_property_check(&p, kafka_library_version(), &f))
            tell(c, file, p.name, &f, mistakes);
    }
}

/* All that is wrong together, found one by one: what is told of is left out from then on. */
static void check_role(const struct conf *c, const char *file, struct kafka_conf *kafka,
                       struct kafka_property *properties, enum kafka_role role,
                       struct buf *mistakes)
{
    struct fault f = {0};
    size_t i;

    while (!kafka_trial(kafka, role, &i, &f)) {
        if (i == kafka->property_count) {
            tell(c, file, NULL, &f, mistakes);
            return;
        }
        tell(c, file, properties[i].name, &f, mistakes);
        memmove(properties + i, properties + i + 1,
                (kafka->property_count - i - 1) * sizeof *properties);
        kafka->property_count--;
    }
}

void kafka_check_clients(const struct conf *c, const char *file, struct buf *mistakes)
{
    static const enum kafka_role roles[] = {KAFKA_SOURCE, KAFKA_SINK, KAFKA_READER};
    size_t count = conf_count(c, MAP);
    struct kafka_property *properties = mem_zeroed(count, sizeof *properties);
    struct kafka_conf kafka = {.client_id = conf_text(c, "kafka.client_id"),
                               .group = conf_text(c, "kafka.group"),
                               .session_timeout_ms = conf_ms(c, "kafka.session_timeout"),
                               .instance_id = conf_text(c, "kafka.instance_id"),
                               .properties = properties};
    struct fault f = {0};

    for (size_t i = 0; i < count; i++)
        if (read_property(c, i, &properties[kafka.property_count]) &&
            kafka_property_check(&properties[kafka.property_count], kafka_library_version(), &f))
            kafka.property_count++;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        check_role(c, file, &kafka, properties, roles[i], mistakes);
    mem_free(properties);
}
