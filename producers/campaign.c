/* campaign: messages on their way, as whoever answers for them sees and steers them. It speaks to
 * the store itself, so it works while serve or schedule is down. */
#include "bridge/commands.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "config/schema.h"
#include "producers/campaign_missed.h"
#include "producers/campaign_print.h"
#include "producers/console.h"
#include "producers/progress.h"
#include "server/messages.h"
#include "server/scripts.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIST_DEFAULT 20
#define LIST_MAX     10000
#define FOLLOW_MS    500
#define MISTAKES_MAX 65536
#define LISTS        2 /* the interface's messages, and chats' */
#define CANCEL_TRIES 8 /* others change it at the same time */

struct campaign {
    const char *config;
    bool json;
    bool once;
    int64_t limit;
    struct conf *conf;
    struct notice log;
    struct store_ask *store;
    char id[GUID_TEXT_MAX];
};

static void usage(FILE *to)
{
    fputs(
        "usage: cmibridge campaign list   [OPTION]...\n"
        "       cmibridge campaign show   [OPTION]... ID\n"
        "       cmibridge campaign pause  [OPTION]... ID\n"
        "       cmibridge campaign resume [OPTION]... ID\n"
        "       cmibridge campaign cancel [OPTION]... ID\n"
        "       cmibridge campaign missed [OPTION]... ID\n"
        "\n"
        "Messages on their way. `show` follows one on a terminal until it has ended (Ctrl-C ends\n"
        "the following, not the campaign). `pause`: nothing more is handed over until `resume`;\n"
        "what a process has taken in hand still leaves, within a second. `resume` lets it go on;\n"
        "one that rests, for its channel's hours say, is looked at at once. `cancel` is what\n"
        "DELETE /messages/{id} does, of one that has not ended. `missed` prints, as CSV with "
        "whole\n"
        "numbers in it, whom the message has not reached (yet), and why.\n"
        "\n"
        "      --limit N        list: the newest N (20)\n"
        "      --json           a JSON object a line\n"
        "      --once           show: do not follow\n"
        "  -c, --config FILE    settings (redis.address, ...)\n",
        to);
}

static int fault_code(const struct fault *f)
{
    console_say("campaign", "%s", f->text);
    return f->cls == FAULT_REJECT ? COMMAND_FAILED : COMMAND_UNAVAILABLE;
}

/* ---- list ---- */

struct members {
    struct member {
        char text[GUID_TEXT_MAX + 24]; /* "<creation time, 16 digits>:<id>" */
        bool of_chat;
    } * all;
    size_t count;
    size_t max;
    bool of_chat; /* those that are being read */
};

static void on_members(void *ctx, const struct redis_value *v)
{
    struct members *m = ctx;

    for (size_t i = 0; v->kind == REDIS_ARRAY && i < v->count && m->count < m->max; i++) {
        struct member *one = &m->all[m->count++];

        view_copy(v->items[i].text, one->text, sizeof one->text);
        one->of_chat = m->of_chat;
    }
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(((const struct member *)b)->text, ((const struct member *)a)->text);
}

static bool read_members(struct campaign *c, struct members *m, struct fault *f)
{
    static const char *const lists[LISTS] = {"messages", "chatmessages"};
    char limit[24];

    snprintf(limit, sizeof limit, "%" PRId64, c->limit);
    for (unsigned i = 0; i < LISTS * SHARD_COUNT; i++) {
        char text[SHARD_KEY_MAX];
        const struct view key = shard_key(i / LISTS, "", VIEW_NONE, text);
        const struct view args[] = {view_of(lists[i % LISTS]), VIEW(""), VIEW(""), VIEW("1"),
                                    view_of(limit)};

        m->of_chat = i % LISTS > 0;
        if (!store_ask_script(c->store, schedule_script(SCHEDULE_SCRIPT_LISTED), &key, 1, args, 5,
                              on_members, m, f))
            return false;
    }
    qsort(m->all, m->count, sizeof m->all[0], newest_first);
    return true;
}

static int list(struct campaign *c)
{
    struct members m = {.max = LISTS * SHARD_COUNT * (size_t)c->limit};
    struct fault f = {0};
    int code = COMMAND_OK;

    m.all = mem_zeroed(m.max, sizeof m.all[0]);
    if (!read_members(c, &m, &f))
        code = fault_code(&f);
    if (code == COMMAND_OK && !c->json && m.count > 0)
        campaign_print_headings();
    for (size_t i = 0; code == COMMAND_OK && i < m.count && i < (size_t)c->limit; i++) {
        struct campaign_row row;
        char id[GUID_TEXT_MAX];

        view_copy(store_member_id(view_of(m.all[i].text)), id, sizeof id);
        if (campaign_row_read(c->store, c->conf, id, &row, &f)) {
            row.of_chat = m.all[i].of_chat;
            (c->json ? campaign_print_json : campaign_print_row)(&row);
        } else if (f.cls != FAULT_REJECT) { /* else deleted meanwhile */
            code = fault_code(&f);
        }
    }
    if (code == COMMAND_OK && m.count == 0 && !c->json)
        console_say("campaign", "no messages");
    mem_free(m.all);
    return code;
}

/* ---- show ---- */

static void follow(struct campaign *c, struct campaign_row *row, struct fault *f)
{
    struct progress bar;

    progress_init(&bar, "done", row->destinations);
    bar.also = "reached";
    do
        progress_at_both(&bar, row->destinations - row->waiting, row->handled);
    while (row->waiting > 0 && store_ask_sleep(c->store, FOLLOW_MS) &&
           campaign_row_read(c->store, c->conf, c->id, row, f));
    progress_end(&bar);
}

static int show(struct campaign *c)
{
    struct campaign_row row;
    struct fault f = {0};

    if (!campaign_row_read(c->store, c->conf, c->id, &row, &f))
        return fault_code(&f);
    if (!c->once && !c->json && isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1) {
        follow(c, &row, &f);
        if (f.cls != FAULT_NONE)
            return fault_code(&f);
    }
    (c->json ? campaign_print_json : campaign_print_whole)(&row);
    return COMMAND_OK;
}

/* ---- pause, resume ---- */

static void on_word(void *ctx, const struct redis_value *v)
{
    *(bool *)ctx = view_is(v->text, "done");
}

static int hold(struct campaign *c, bool paused)
{
    struct campaign_row row;
    struct view id = view_of(c->id);
    char prefix[SHARD_KEY_MAX];
    struct view key = shard_key(shard_of(id), "", VIEW_NONE, prefix);
    const struct view args[] = {id, paused ? VIEW("1") : VIEW("0")};
    struct fault f = {0};
    bool done = false;

    if (!campaign_row_read(c->store, c->conf, c->id, &row, &f) ||
        !store_ask_script(c->store, schedule_script(SCHEDULE_SCRIPT_PAUSE), &key, 1, args, 2,
                          on_word, &done, &f))
        return fault_code(&f);
    if (done)
        return show(c);
    if (row.state == CAMPAIGN_BEHIND)
        console_say("campaign",
                    "it waits for the message before it in its chat, %s, to end; %s that one",
                    row.behind, paused ? "pause" : "resume");
    else
        console_say("campaign", "it is %s; there is nothing to %s", campaign_state_name(row.state),
                    paused ? "pause" : "resume");
    return COMMAND_FAILED;
}

static int pause_it(struct campaign *c)
{
    c->once = true;
    return hold(c, true);
}

static int resume(struct campaign *c)
{
    c->once = true;
    return hold(c, false);
}

/* ---- cancel ---- */

struct cancel {
    struct exchange *x;
    const char *id;
    enum effect_outcome outcome;
    bool over;
    struct fault f;
};

static void on_cancelled(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct cancel *k = owner;

    k->outcome = outcome;
    if (outcome == EFFECT_LOST)
        k->f = *f;
    k->over = true;
}

static void on_message(void *ctx, const struct redis_value *hash)
{
    struct cancel *k = ctx;
    struct effect e;

    message_tombstone(&e, k->x, k->id, hash);
    e.live = true;
    k->over = false;
    effect_apply(&e, on_cancelled, k);
}

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a DELETE would do, of a request that nobody has sent; but to one that has ended nothing. */
static bool cancel_once(struct campaign *c, struct cancel *k, struct fault *f)
{
    struct view id = view_of(c->id);
    char key[SHARD_KEY_MAX];
    const struct view args[] = {VIEW("HGETALL"), shard_key(shard_of(id), "m", id, key)};

    if (!store_ask(c->store, args, 2, on_message, k, f))
        return false;
    store_ask_await(c->store, &k->over);
    if (k->outcome == EFFECT_LOST)
        *f = k->f;
    return k->outcome != EFFECT_LOST;
}

static int cancel(struct campaign *c)
{
    struct campaign_row row;
    struct server server = {.redis = store_ask_redis(c->store),
                            .log = &c->log,
                            .retention_ms = conf_ms(c->conf, "retention")};
    struct exchange x = {.server = &server, .method = "DELETE", .wall_ms = wall_ms()};
    struct cancel k = {.x = &x, .id = c->id, .outcome = EFFECT_CHANGED};
    struct fault f = {0};

    if (!campaign_row_read(c->store, c->conf, c->id, &row, &f))
        return fault_code(&f);
    if (row.state == CAMPAIGN_CANCELLED || row.state == CAMPAIGN_COMPLETED) {
        console_say("campaign", "it is %s already; there is nothing to cancel",
                    campaign_state_name(row.state));
        return COMMAND_FAILED;
    }
    for (int i = 0; i < CANCEL_TRIES && k.outcome == EFFECT_CHANGED; i++)
        if (!cancel_once(c, &k, &f))
            return fault_code(&f);
    if (k.outcome != EFFECT_DONE) {
        console_say("campaign", "%s",
                    k.outcome == EFFECT_ENDED ? "it has ended meanwhile; there is nothing to cancel"
                                              : "others change it at the same time; try again");
        return COMMAND_FAILED;
    }
    c->once = true;
    return show(c);
}

/* ---- missed ---- */

static int missed(struct campaign *c)
{
    struct campaign_row row;
    struct fault f = {0};
    int64_t count = 0;
    int64_t gone = 0;

    if (!campaign_row_read(c->store, c->conf, c->id, &row, &f) ||
        !campaign_missed(c->store, &row, stdout, &count, &gone, &f))
        return fault_code(&f);
    if (ferror(stdout))
        return COMMAND_OK; /* main says so, or nothing to whoever has read enough */
    if (gone > 0) {
        console_say("campaign",
                    "of %" PRId64 " of %" PRId64 " destinations the addresses are gone from the "
                    "store; of the others %" PRId64 " were not reached",
                    gone, row.destinations, count);
        return COMMAND_FAILED;
    }
    console_say("campaign", "%" PRId64 " of %" PRId64 " not reached%s", count, row.destinations,
                row.waiting > 0 ? ", some of them not yet" : "");
    return COMMAND_OK;
}

/* ---- the command line ---- */

static const struct verb {
    const char *name;
    bool needs_id;
    int (*run)(struct campaign *c);
} verbs[] = {
    {"list", false, list},    {"show", true, show},     {"pause", true, pause_it},
    {"resume", true, resume}, {"cancel", true, cancel}, {"missed", true, missed},
};

enum { OPTION_LIMIT = 256, OPTION_JSON, OPTION_ONCE };

static bool take_id(struct campaign *c, const char *text, struct fault *f)
{
    struct guid id;

    if (!guid_parse(view_of(text), &id))
        return fault_set(f, FAULT_REJECT, "'%.64s' is no id of a message; `list` shows them", text);
    guid_hex(&id, c->id);
    return true;
}

static bool read_arguments(struct campaign *c, const struct verb *verb, int argc, char **argv,
                           struct fault *f)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"limit", required_argument, NULL, OPTION_LIMIT},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"once", no_argument, NULL, OPTION_ONCE},
                                            {NULL, 0, NULL, 0}};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'c')
            c->config = optarg;
        else if (option == OPTION_JSON)
            c->json = true;
        else if (option == OPTION_ONCE)
            c->once = true;
        else if (option != OPTION_LIMIT)
            return fault_set(f, FAULT_REJECT, "`cmibridge campaign --help` lists the options");
        else if (!num_in(view_of(optarg), 1, LIST_MAX, &c->limit))
            return fault_set(f, FAULT_REJECT, "--limit takes a number from 1 to %d, not '%.40s'",
                             LIST_MAX, optarg);
    }
    if (verb->needs_id && argc - optind == 1)
        return take_id(c, argv[optind], f);
    if (verb->needs_id)
        return fault_set(f, FAULT_REJECT, "%s takes the id of one message", verb->name);
    return argc == optind || fault_set(f, FAULT_REJECT, "list takes no id; show does");
}

static int run(struct campaign *c, const struct verb *verb)
{
    struct buf mistakes;
    struct fault f = {0};
    int code = COMMAND_CONFIG;

    buf_init(&mistakes, MISTAKES_MAX);
    c->conf = conf_load_for(c->config, 0, &mistakes);
    if (c->conf == NULL) {
        fputs(buf_text(&mistakes), stderr);
    } else {
        c->store = store_ask_new(c->conf, &c->log, &f);
        code = c->store != NULL ? verb->run(c) : fault_code(&f);
        store_ask_free(c->store);
    }
    conf_free(c->conf);
    buf_done(&mistakes);
    return code;
}

int command_campaign(int argc, char **argv)
{
    struct campaign c = {.limit = LIST_DEFAULT, .log = console_notice("campaign")};
    const struct verb *verb = NULL;
    struct fault f = {0};

    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            verb = &verbs[i];
    if (command_asks_help(argc, argv)) {
        usage(stdout);
        return COMMAND_OK;
    }
    if (verb == NULL) {
        usage(stderr);
        return COMMAND_USAGE;
    }
    if (!read_arguments(&c, verb, argc - 1, argv + 1, &f)) {
        console_say("campaign", "%s", f.text);
        return COMMAND_USAGE;
    }
    crypto_init();
    scripts_init();
    return run(&c, verb);
}
