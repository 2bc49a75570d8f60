#include "bridge/io/kafka_pattern.h"

#include "bridge/core/mem.h"
#include "bridge/core/view.h"

static bool compile(const char *expression, regex_t *to, struct fault *f)
{
    return regcomp(to, expression, REG_EXTENDED | REG_NOSUB) == 0 ||
           fault_set(f, FAULT_REJECT, "'%.80s' is no regular expression", expression);
}

bool kafka_pattern_is_internal(const char *taken)
{
    return view_starts(view_of(taken), VIEW(KAFKA_PATTERN_INTERNAL));
}

bool kafka_pattern_make(struct kafka_pattern *p, const char *taken, const char *left_out,
                        struct fault *f)
{
    struct view rest = view_of(left_out);
    bool ok = true;

    *p = (struct kafka_pattern){.internal = kafka_pattern_is_internal(taken)};
    if (!compile(taken, &p->taken, f))
        return false;
    while (ok && rest.n > 0) {
        struct view one = view_cut(&rest, ',');
        char *expression = mem_text(one.p, one.n);

        p->left_out = mem_resize(p->left_out, p->left_out_count + 1, sizeof *p->left_out);
        ok = compile(expression, &p->left_out[p->left_out_count], f);
        p->left_out_count += ok;
        mem_free(expression);
    }
    if (!ok)
        kafka_pattern_done(p);
    return ok;
}

void kafka_pattern_done(struct kafka_pattern *p)
{
    regfree(&p->taken);
    for (size_t i = 0; i < p->left_out_count; i++)
        regfree(&p->left_out[i]);
    mem_free(p->left_out);
    *p = (struct kafka_pattern){.left_out = NULL};
}

bool kafka_pattern_takes(const struct kafka_pattern *p, const char *topic)
{
    if (regexec(&p->taken, topic, 0, NULL, 0) != 0 ||
        (!p->internal && view_starts(view_of(topic), VIEW("__"))))
        return false;
    for (size_t i = 0; i < p->left_out_count; i++)
        if (regexec(&p->left_out[i], topic, 0, NULL, 0) == 0)
            return false;
    return true;
}
