#include "bridge/io/redis_greeting.h"

#include "bridge/core/buf.h"

#include <stdio.h>

#define NAMES_MAX 1024 /* bytes */
#define WHAT_MAX  64

extern const char redis_script_rights[];
extern const char redis_script_memory_rights[];

/* The durable profile: what is acknowledged is on the disk, and nothing is thrown out for room. */
static const struct {
    const char *name;
    const char *value;
} needs[REDIS_GREETING_STEPS] = {
    [REDIS_GREETING_APPENDONLY] = {"appendonly", "yes"},
    [REDIS_GREETING_APPENDFSYNC] = {"appendfsync", "always"},
    [REDIS_GREETING_POLICY] = {"maxmemory-policy", "noeviction"},
};

/* What the user of the connection must be allowed to do. */
static const struct {
    const char *script; /* gives the names of what it may not run */
    const char *who;    /* needs it, */
    const char *where;  /* on these */
} rights[REDIS_GREETING_STEPS] = {
    [REDIS_GREETING_RIGHTS] = {redis_script_rights, "the schedule",
                               "the keys s:* and the channels w:*"},
    [REDIS_GREETING_MEMORY_RIGHTS] = {redis_script_memory_rights, "consume", "the keys cmi:*"},
};

static bool command(struct redis_greeting_command *out, struct view a, struct view b, struct view c)
{
    out->args[0] = a;
    out->args[1] = b;
    out->args[2] = c;
    out->count = c.p != NULL ? 3 : b.p != NULL ? 2 : 1;
    return true;
}

bool redis_greeting_command(enum redis_greeting step, const struct redis_conf *conf,
                            struct redis_greeting_command *out)
{
    struct view password = view_of(conf->password);

    switch (step) {
    case REDIS_GREETING_AUTH:
        if (conf->password == NULL)
            return false;
        if (conf->user == NULL)
            return command(out, VIEW("AUTH"), password, VIEW_NONE);
        return command(out, VIEW("AUTH"), view_of(conf->user), password);
    case REDIS_GREETING_SELECT:
        snprintf(out->number, sizeof out->number, "%d", conf->database);
        return conf->database != 0 && command(out, VIEW("SELECT"), view_of(out->number), VIEW_NONE);
    case REDIS_GREETING_APPENDONLY:
    case REDIS_GREETING_APPENDFSYNC:
    case REDIS_GREETING_POLICY:
        return conf->durable &&
               command(out, VIEW("CONFIG"), VIEW("GET"), view_of(needs[step].name));
    case REDIS_GREETING_ROLE:
        return command(out, VIEW("ROLE"), VIEW_NONE, VIEW_NONE);
    case REDIS_GREETING_RIGHTS:
    case REDIS_GREETING_MEMORY_RIGHTS:
        return (step == REDIS_GREETING_RIGHTS ? conf->scheduled : conf->remembers) &&
               command(out, VIEW("EVAL"), view_of(rights[step].script), VIEW("0"));
    case REDIS_GREETING_PING:
        return command(out, VIEW("PING"), VIEW_NONE, VIEW_NONE);
    case REDIS_GREETING_STEPS:
        break;
    }
    return false;
}

static bool refused(const char *what, const struct redis_value *v, struct fault *f)
{
    if (v->kind == REDIS_ERROR)
        return fault_set(f, FAULT_STOP, "%s is refused: %.*s", what, VIEW_ARG(v->text));
    return fault_set(f, FAULT_STOP, "%s has an answer that is none of Redis's", what);
}

static bool accept_setting(enum redis_greeting step, const struct redis_value *v, struct fault *f)
{
    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[1].kind != REDIS_TEXT)
        return refused("CONFIG GET, which the durable profile needs,", v, f);
    if (view_is(v->items[1].text, needs[step].value))
        return true;
    return fault_set(f, FAULT_STOP, "%s is '%.*s'; the durable profile needs '%s'",
                     needs[step].name, VIEW_ARG(v->items[1].text), needs[step].value);
}

/* What can't be asked is found out when it is done. */
static bool accept_rights(enum redis_greeting step, const struct redis_value *v, struct fault *f)
{
    char eval[WHAT_MAX];
    struct buf names;

    (void)snprintf(eval, sizeof eval, "EVAL, which %s needs,", rights[step].who);
    if (v->kind == REDIS_ERROR && view_starts(v->text, VIEW("NOPERM")))
        return refused(eval, v, f);
    if (v->kind != REDIS_ARRAY || v->count == 0)
        return true;
    buf_init(&names, NAMES_MAX);
    for (size_t i = 0; i < v->count; i++)
        buf_printf(&names, "%s%.*s", i > 0 ? ", " : "", VIEW_ARG(v->items[i].text));
    (void)fault_set(f, FAULT_STOP, "its user may not run %s on %s, which %s needs",
                    buf_text(&names), rights[step].where, rights[step].who);
    buf_done(&names);
    return false;
}

bool redis_greeting_accept(enum redis_greeting step, const struct redis_value *v, struct fault *f)
{
    switch (step) {
    case REDIS_GREETING_AUTH:
        return v->kind == REDIS_STATUS || refused("AUTH", v, f);
    case REDIS_GREETING_SELECT:
        return v->kind == REDIS_STATUS || refused("SELECT", v, f);
    case REDIS_GREETING_APPENDONLY:
    case REDIS_GREETING_APPENDFSYNC:
    case REDIS_GREETING_POLICY:
        return accept_setting(step, v, f);
    case REDIS_GREETING_ROLE:
        /* Where ROLE may not be asked, READONLY will show a replica later. */
        if (v->kind != REDIS_ARRAY || v->count == 0 || view_is(v->items[0].text, "master"))
            return true;
        return fault_set(f, FAULT_RETRY, "it is a replica, which can't be written to");
    case REDIS_GREETING_RIGHTS:
    case REDIS_GREETING_MEMORY_RIGHTS:
        return accept_rights(step, v, f);
    case REDIS_GREETING_PING:
        if (v->kind == REDIS_ERROR && view_starts(v->text, VIEW("LOADING")))
            return fault_set(f, FAULT_RETRY, "it is still loading its data");
        return v->kind == REDIS_STATUS || refused("PING", v, f);
    case REDIS_GREETING_STEPS:
        break;
    }
    return fault_set(f, FAULT_BUG, "no such step of the greeting");
}
