/* dlq: events that were given up: listed, shown, put back. */
#include "producers/dlq.h"

#include "bridge/commands.h"
#include "bridge/core/datetime.h"
#include "bridge/core/num.h"
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"
#include "config/conf.h"
#include "producers/console.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000

static void usage(FILE *to)
{
    fputs(
        "usage: cmibridge dlq list   [OPTION]...\n"
        "       cmibridge dlq show   [OPTION]... PARTITION:OFFSET...\n"
        "       cmibridge dlq replay [OPTION]... [PARTITION:OFFSET]...\n"
        "\n"
        "Dead letters: events that could not be written. `replay` puts them back on the topic\n"
        "they came from, as they were, in their original order; their idempotency keys stay the\n"
        "same. It leaves a mark for each in the dead-letter topic, and passes over what was\n"
        "replayed before, and what the results topic shows to be written since: the event\n"
        "itself, or a later one that went to the same thing, however its subject spells that.\n"
        "Ctrl-C ends it when what it has sent is marked; killed, it repeats at most 500.\n"
        "\n"
        "      --type PATTERN     of the event; * and ? stand for any\n"
        "      --class CLASS      retry, reject, stop, bug; may be repeated\n"
        "      --disposition D    poison, refused, exhausted, unknown-ref, unrouted; may be\n"
        "                         repeated\n"
        "      --since TIME       given up at TIME (2026-05-04T12:00:00Z) or later; or 2h: in the\n"
        "                         last two hours\n"
        "      --until TIME       given up before TIME\n"
        "      --all              list: those replayed before, too\n"
        "      --json             a JSON object a line\n"
        "      --dry-run          replay: only say what would be done\n"
        "      --force            replay: what was written since or replayed before, too\n"
        "  -c, --config FILE      settings (kafka.brokers, kafka.dead_letters_topic, ...)\n"
        "  -b, --brokers LIST     HOST:PORT,...\n"
        "  -t, --topic TOPIC      of the dead letters\n"
        "      --results TOPIC    of the results\n"
        "      --timeout TIME     without a record acknowledged; default: 30s\n"
        "  -X NAME=VALUE          a property of librdkafka\n",
        to);
}

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A time, or a duration before now. */
static bool read_time(const char *text, int64_t *out_ms, struct fault *f)
{
    int64_t ago_ms;

    if (num_duration(view_of(text), &ago_ms)) {
        *out_ms = wall_ms() - ago_ms;
        return true;
    }
    return datetime_parse(view_of(text), out_ms, f);
}

static const char *const classes[] = {"retry", "reject", "stop", "bug", NULL};
static const char *const dispositions[] = {"poison",      "refused",  "exhausted",
                                           "unknown-ref", "unrouted", NULL};

/* 0: it is none of them. */
static unsigned bit_of(struct view word, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (view_is(word, words[i]))
            return 1U << i;
    return 0;
}

/* An option that may be repeated adds its word to those wanted. */
static bool add_word(const char *value, const char *const *words, unsigned *wanted)
{
    unsigned bit = bit_of(view_of(value), words);

    *wanted |= bit;
    return bit != 0;
}

enum {
    OPTION_TYPE = 256,
    OPTION_CLASS,
    OPTION_DISPOSITION,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_ALL,
    OPTION_JSON,
    OPTION_DRY_RUN,
    OPTION_FORCE,
    OPTION_RESULTS,
    OPTION_TIMEOUT,
};

static bool take_option(struct dlq *d, int option, const char *value, struct fault *f)
{
    switch (option) {
    case 'c':
        d->options.config = value;
        return true;
    case 'b':
        d->options.brokers = value;
        return true;
    case 't':
        d->topic = value;
        return true;
    case 'X':
        return kafka_options_property(&d->options, value, f);
    case OPTION_TYPE:
        d->filter.type = value;
        return utf8_count(view_of(value)) <= WILDCARD_CHARACTERS_MAX ||
               fault_set(f, FAULT_REJECT, "--type takes at most %d characters",
                         WILDCARD_CHARACTERS_MAX);
    case OPTION_CLASS:
        return add_word(value, classes, &d->filter.classes) ||
               fault_set(f, FAULT_REJECT, "--class is one of retry, reject, stop, bug");
    case OPTION_DISPOSITION:
        return add_word(value, dispositions, &d->filter.dispositions) ||
               fault_set(
                   f, FAULT_REJECT,
                   "--disposition is one of poison, refused, exhausted, unknown-ref, unrouted");
    case OPTION_SINCE:
        return read_time(value, &d->filter.since_ms, f) || fault_add(f, "--since");
    case OPTION_UNTIL:
        return read_time(value, &d->filter.until_ms, f) || fault_add(f, "--until");
    case OPTION_ALL:
        d->all = true;
        return true;
    case OPTION_JSON:
        d->json = true;
        return true;
    case OPTION_DRY_RUN:
        d->dry_run = true;
        return true;
    case OPTION_FORCE:
        d->force = true;
        return true;
    case OPTION_RESULTS:
        d->results_topic = value;
        return true;
    default: /* OPTION_TIMEOUT */
        return (num_duration(view_of(value), &d->timeout_ms) && d->timeout_ms >= 1000) ||
               fault_set(f, FAULT_REJECT, "--timeout takes 1s or more, not '%.40s'", value);
    }
}

static bool is_asked_for(const struct dlq_filter *filter, struct dead_letter_place place)
{
    size_t i = 0;

    while (i < filter->place_count && (filter->places[i].partition != place.partition ||
                                       filter->places[i].offset != place.offset))
        i++;
    return i < filter->place_count;
}

static bool take_places(struct dlq *d, char **places, int count, struct fault *f)
{
    struct dead_letter_place place;

    if (count > DLQ_PLACES_MAX)
        return fault_set(f, FAULT_REJECT, "more than %d places", DLQ_PLACES_MAX);
    for (int i = 0; i < count; i++) {
        if (!dead_letter_place_parse(view_of(places[i]), &place))
            return fault_set(f, FAULT_REJECT, "'%.40s' is no PARTITION:OFFSET", places[i]);
        if (!is_asked_for(&d->filter, place)) /* one given twice is one */
            d->filter.places[d->filter.place_count++] = place;
    }
    return true;
}

/* false: exit with *code. */
static bool read_arguments(struct dlq *d, int argc, char **argv, int *code)
{
    static const struct option options[] = {
        {"type", required_argument, NULL, OPTION_TYPE},
        {"class", required_argument, NULL, OPTION_CLASS},
        {"disposition", required_argument, NULL, OPTION_DISPOSITION},
        {"since", required_argument, NULL, OPTION_SINCE},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"all", no_argument, NULL, OPTION_ALL},
        {"json", no_argument, NULL, OPTION_JSON},
        {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"config", required_argument, NULL, 'c'},
        {"brokers", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"results", required_argument, NULL, OPTION_RESULTS},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {NULL, 0, NULL, 0}};
    struct fault f;
    int option;

    *code = COMMAND_USAGE;
    optind = 1;
    while ((option = getopt_long(argc, argv, "c:b:t:X:", options, NULL)) != -1) {
        if (option == '?') {
            usage(stderr);
            return false;
        }
        if (!take_option(d, option, optarg, &f)) {
            console_say("dlq", "%s", f.text);
            return false;
        }
    }
    if (!take_places(d, argv + optind, argc - optind, &f)) {
        console_say("dlq", "%s", f.text);
        return false;
    }
    return true;
}

/* ---- scans ---- */

static bool take_mark(void *ctx, const struct record *r, int64_t done, int64_t total,
                      struct fault *f)
{
    struct dlq *d = ctx;
    struct dead_letter letter;
    struct dead_letter_place place;

    d->progress.total = total;
    progress_at(&d->progress, done);
    return dead_letter_of(r, &letter, &place) != DEAD_LETTER_REPLAYED ||
           dlq_marks_add(&d->marks, place) ||
           fault_set(f, FAULT_STOP, "the topic holds more than %d marks of replays", DLQ_MARKS_MAX);
}

bool dlq_read_marks(struct dlq *d, struct fault *f)
{
    struct kafka_reader_kept kept;
    bool ok;

    progress_init(&d->progress, "looking", 0);
    ok = kafka_reader_scan(d->reader, d->topic, take_mark, d, &kept, f);
    progress_end(&d->progress);
    return ok &&
           (kept.exists || fault_set(f, FAULT_REJECT, "topic %.80s does not exist", d->topic));
}

static bool is_of_type(const struct dlq_filter *filter, struct view type)
{
    struct view prefix = view_of(filter->type_prefix);

    return wildcard_match(view_of(filter->type), type) ||
           (view_starts(type, prefix) &&
            wildcard_match(view_of(filter->type), view_skip(type, prefix.n)));
}

static bool lets_through(const struct dlq_filter *filter, const struct dlq_entry *e)
{
    return (filter->place_count == 0 || is_asked_for(filter, e->place)) &&
           (filter->type == NULL || (e->has_event && is_of_type(filter, e->event.type))) &&
           (filter->classes == 0 || (filter->classes & bit_of(e->letter.cls, classes)) != 0) &&
           (filter->dispositions == 0 ||
            (filter->dispositions & bit_of(e->letter.disposition, dispositions)) != 0) &&
           e->letter.time_ms >= filter->since_ms && e->letter.time_ms < filter->until_ms;
}

struct visit {
    struct dlq *d;
    dlq_visit *visit;
    void *ctx;
};

static bool take_record(void *ctx, const struct record *r, int64_t done, int64_t total,
                        struct fault *f)
{
    const struct visit *v = ctx;
    struct dlq_entry e = {.record = r, .place = {r->partition, r->offset}};
    struct dead_letter_place marked;
    struct fault unread;

    v->d->progress.total = total;
    progress_at(&v->d->progress, done);
    if (dead_letter_of(r, &e.letter, &marked) != DEAD_LETTER_LETTER)
        return true;
    e.has_event = cloudevent_of_record(r, &e.event, &v->d->text, &unread);
    if (!lets_through(&v->d->filter, &e))
        return true;
    v->d->visited++;
    return v->visit(v->ctx, v->d, &e, f);
}

bool dlq_scan(struct dlq *d, dlq_visit *visit, void *ctx, struct fault *f)
{
    struct visit v = {d, visit, ctx};
    bool ok;

    progress_init(&d->progress, "reading", 0);
    ok = kafka_reader_scan(d->reader, d->topic, take_record, &v, NULL, f);
    progress_end(&d->progress);
    return ok;
}

bool dlq_say_missing(const struct dlq *d)
{
    if (d->visited >= d->filter.place_count)
        return true;
    console_say("dlq", "%zu of %zu are no dead letters, or are gone",
                d->filter.place_count - d->visited, d->filter.place_count);
    return false;
}

/* ---- list, show ---- */

static bool list_one(void *ctx, struct dlq *d, const struct dlq_entry *e, struct fault *f)
{
    int64_t *count = ctx;

    (void)f;
    if (!d->all && dlq_marks_has(&d->marks, e->place))
        return true;
    (*count)++;
    progress_end(&d->progress);
    dlq_print(d, e);
    return true;
}

static bool show_one(void *ctx, struct dlq *d, const struct dlq_entry *e, struct fault *f)
{
    int64_t *count = ctx;

    (void)f;
    if ((*count)++ > 0 && !d->json)
        putchar('\n');
    progress_end(&d->progress);
    if (!d->json)
        dlq_print(d, e);
    dlq_show(d, e);
    return true;
}

static int fault_code(const struct fault *f)
{
    console_say("dlq", "%s", f->text);
    return f->cls == FAULT_RETRY ? COMMAND_UNAVAILABLE : COMMAND_FAILED;
}

static int list(struct dlq *d)
{
    int64_t count = 0;
    struct fault f;

    if (!dlq_read_marks(d, &f) || !dlq_scan(d, list_one, &count, &f))
        return fault_code(&f);
    if (count == 0 && !d->json)
        console_say("dlq", "no dead letters%s", d->all ? "" : " that were not replayed");
    return COMMAND_OK;
}

static int show(struct dlq *d)
{
    int64_t count = 0;
    struct fault f;

    if (d->filter.place_count == 0) {
        console_say("dlq", "show what? Give PARTITION:OFFSET, as `list` shows it");
        return COMMAND_USAGE;
    }
    if (!dlq_read_marks(d, &f) || !dlq_scan(d, show_one, &count, &f))
        return fault_code(&f);
    return dlq_say_missing(d) ? COMMAND_OK : COMMAND_FAILED;
}

/* What the command line leaves open, from the configuration; then the reader. */
static bool settle(struct dlq *d, struct fault *f)
{
    struct kafka_conf conf;

    if (!kafka_options_load(&d->options, f))
        return false;
    if (d->topic == NULL)
        d->topic = conf_text(d->options.conf, "kafka.dead_letters_topic");
    if (d->results_topic == NULL)
        d->results_topic = conf_text(d->options.conf, "kafka.results_topic");
    d->filter.type_prefix = conf_text(d->options.conf, "events.type_prefix");
    conf = kafka_options_conf(&d->options);
    d->reader = kafka_reader_new(&conf, f);
    return d->reader != NULL;
}

int command_dlq(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct dlq *d);
    } verbs[] = {{"list", list}, {"show", show}, {"replay", dlq_replay}};
    static struct dlq d; /* its places are too many for the stack */
    size_t verb = 0;
    int code = COMMAND_CONFIG;
    struct fault f;

    d = (struct dlq){.filter = {.since_ms = INT64_MIN, .until_ms = INT64_MAX},
                     .timeout_ms = TIMEOUT_MS};
    while (verb < 3 && (argc < 2 || strcmp(argv[1], verbs[verb].name) != 0))
        verb++;
    if (command_asks_help(argc, argv)) {
        usage(stdout);
        return COMMAND_OK;
    }
    if (verb == 3) {
        usage(stderr);
        return COMMAND_USAGE;
    }
    kafka_options_init(&d.options);
    buf_init(&d.text, DLQ_EVENT_MAX);
    if (read_arguments(&d, argc - 1, argv + 1, &code)) {
        if (settle(&d, &f)) {
            code = verbs[verb].run(&d);
        } else {
            console_say("dlq", "%s", f.text);
            code = COMMAND_CONFIG;
        }
    }
    kafka_reader_free(d.reader);
    dlq_marks_done(&d.marks);
    buf_done(&d.text);
    kafka_options_done(&d.options);
    return code;
}
