#include "bridge/io/kafka_trial.h"

#include "bridge/core/mem.h"
#include "bridge/core/view.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX      256
#define COMMAND_BYTES_MAX 4096

/* A client of GSSAPI runs kinit as soon as it is made. The command stays, for what it refers to is
 * looked at, but the shell leaves before it. */
static void fetch_no_ticket(rd_kafka_conf_t *conf)
{
    static const char name[] = "sasl.kerberos.kinit.cmd";
    char given[COMMAND_BYTES_MAX];
    char made[COMMAND_BYTES_MAX + 16];
    size_t size = sizeof given;

    if (rd_kafka_conf_get(conf, name, given, &size) != RD_KAFKA_CONF_OK || size > sizeof given)
        return;
    (void)snprintf(made, sizeof made, "exit 0; %s", given);
    (void)rd_kafka_conf_set(conf, name, made, NULL, 0);
}

/* What librdkafka says against it; "": nothing. */
static void try(const struct kafka_conf *c, enum kafka_role role, char sentence[SENTENCE_MAX])
{
    struct fault f = {0};
    rd_kafka_conf_t *conf = kafka_conf_draft(c, role, &f);
    rd_kafka_t *rk;

    sentence[0] = '\0';
    if (conf == NULL) { /* one setting by itself: kafka_property_check tells of most */
        view_copy(view_of(f.text), sentence, SENTENCE_MAX);
        return;
    }
    rd_kafka_conf_set_log_cb(conf, NULL);
    fetch_no_ticket(conf);
    rk = rd_kafka_new(role == KAFKA_SINK ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, sentence,
                      SENTENCE_MAX);
    if (rk != NULL)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    else
        rd_kafka_conf_destroy(conf);
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
}

static bool names(const char *sentence, const char *property)
{
    size_t n = strlen(property);

    for (const char *at = sentence; (at = strstr(at, property)) != NULL; at += n)
        if ((at == sentence || !is_of_name(at[-1])) && !is_of_name(at[n]))
            return true;
    return false;
}

/* What is said without property i. */
static void try_without(const struct kafka_conf *c, enum kafka_role role, size_t i,
                        char sentence[SENTENCE_MAX])
{
    struct kafka_property *others = mem_zeroed(c->property_count, sizeof *others);
    struct kafka_conf without = *c;

    without.properties = others;
    without.property_count = 0;
    for (size_t k = 0; k < c->property_count; k++)
        if (k != i)
            others[without.property_count++] = c->properties[k];
    try(&without, role, sentence);
    mem_free(others);
}

/* The property without which it is not said: one that the sentence names, else any, as it may have
 * another name there; and rather one without which nothing is said at all. */
static size_t culprit(const struct kafka_conf *c, enum kafka_role role, const char *sentence)
{
    size_t found = c->property_count;

    for (int named = 1; named >= 0 && found == c->property_count; named--)
        for (size_t i = 0; i < c->property_count; i++) {
            char then[SENTENCE_MAX];

            if (names(sentence, c->properties[i].name) != named)
                continue;
            try_without(c, role, i, then);
            if (then[0] == '\0')
                return i;
            if (found == c->property_count && strcmp(then, sentence) != 0)
                found = i;
        }
    return found;
}

static bool quotes_secret(const struct kafka_conf *c, const char *sentence)
{
    for (size_t i = 0; i < c->property_count; i++)
        if (c->properties[i].value[0] != '\0' && kafka_property_is_secret(c->properties[i].name) &&
            strstr(sentence, c->properties[i].value) != NULL)
            return true;
    return false;
}

bool kafka_trial(const struct kafka_conf *c, enum kafka_role role, size_t *property,
                 struct fault *f)
{
    char sentence[SENTENCE_MAX];
    const char *shown = sentence;

    try(c, role, sentence);
    if (sentence[0] == '\0')
        return true;
    *property = culprit(c, role, sentence);
    if (quotes_secret(c, sentence))
        shown = "librdkafka refuses its value";
    if (*property == c->property_count)
        return fault_set(f, FAULT_REJECT, "kafka: %s", shown);
    return fault_set(f, FAULT_REJECT, "kafka.properties: %s: %s", c->properties[*property].name,
                     shown);
}
