/* erase: `cmibridge erase`: one person out of all that is stored, by the serve that owns it. */
#include "bridge/commands.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/mem.h"
#include "config/conf.h"
#include "producers/console.h"
#include "producers/control_call.h"
#include "producers/erase_kafka.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_MAX 2048
#define PLACES_MAX  (8 << 20)
#define AT_MAX      300 /* "host:port" */

struct erase {
    struct kafka_options options;
    bool dry_run;
    bool lift;
    bool json;
    bool kafka;
    char address[ADDRESS_MAX];
    struct person person;
};

static void usage(FILE *to)
{
    fputs(
        "usage: cmibridge erase [OPTION]... ADDRESS\n"
        "       cmibridge erase [OPTION]... -        (the address from standard input)\n"
        "\n"
        "Takes one person, known by one address (a number, an email's or chat's address), out of\n"
        "the history and of Redis, through the cmibridge serve that owns them. What comes later\n"
        "of the person is not stored, and nothing is sent to the address any more. Asked again\n"
        "it goes on where it was stopped.\n"
        "\n"
        "      --dry-run          only counts, the same\n"
        "      --kafka            also lists the records of our topics that hold the person;\n"
        "                         only Kafka's retention erases those\n"
        "      --lift             what comes later of the person is stored again\n"
        "      --json             one JSON object\n"
        "  -c, --config FILE      settings (history.file, kafka.brokers, ...)\n"
        "  -b, --brokers LIST     HOST:PORT,...\n"
        "  -X NAME=VALUE          a property of librdkafka\n",
        to);
}

/* ---- the report ---- */

static void print_counts(struct view answer, const char *part)
{
    static const char *const names[] = {
        "contacts",   "chats",         "emails",       "remarks",   "callRecordings",
        "listenLogs", "scriptResults", "destinations", "callbacks", "consents",
        "references", "mentions",      "unreadable",   "outbox"};
    struct view counts = json_pick(answer, part);
    int64_t n;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_pick_int(counts, names[i], &n))
            printf("%-8s %-15s %" PRId64 "\n", part, names[i], n);
}

static bool is_true(struct view answer, const char *key)
{
    return view_is(json_pick(answer, key), "true");
}

/* Whose append-only file may still hold the person. */
static void print_left(struct view answer)
{
    char path[32] = "aof_left.0";
    char at[AT_MAX];

    for (int i = 0; json_pick_text(answer, path, at, sizeof at);) {
        printf("Redis at %s has not written its append-only file anew: BGREWRITEAOF there is for "
               "you to do.\n",
               at);
        snprintf(path, sizeof path, "aof_left.%d", ++i);
    }
    if (!is_true(answer, "aof_rewritten") && strcmp(path, "aof_left.0") == 0)
        puts("Redis did not write its append-only file anew: BGREWRITEAOF is for you to do.");
}

static void print_report(const struct erase *e, struct view answer, struct erase_kafka *kafka)
{
    int64_t outbox = 0;

    if (e->lift) {
        puts(is_true(answer, "lifted") ? "lifted" : "this person was not erased");
        return;
    }
    print_counts(answer, "history");
    print_counts(answer, "redis");
    if (e->kafka)
        printf("kafka    records         %" PRId64 "\n", kafka->found);
    if (json_pick_int(json_pick(answer, "redis"), "outbox", &outbox) && outbox > 0)
        puts("The outbox: outcomes on their way to Kafka; they leave Redis when they are there.");
    if (e->kafka && kafka->found > 0) {
        puts("Only Kafka's retention erases these (topic:partition:offset):");
        fputs(buf_text(&kafka->places), stdout);
    }
    if (e->kafka && kafka->found > ERASE_KAFKA_SHOWN_MAX)
        printf("... and %" PRId64 " more\n", kafka->found - ERASE_KAFKA_SHOWN_MAX);
    if (e->dry_run)
        return;
    if (is_true(answer, "journal_kept"))
        puts("Somebody was reading the history, a backup perhaps: its file still holds these "
             "digits. "
             "Ask again when that has ended.");
    else if (is_true(answer, "remains"))
        puts("The history's file still holds these digits; they may be part of somebody else's.");
    print_left(answer);
}

static void print_json(const struct erase *e, struct view answer, const struct erase_kafka *kafka)
{
    struct view rest = buf_view(&kafka->places);
    bool first = true;

    if (!e->kafka) {
        printf("%.*s\n", VIEW_ARG(answer));
        return;
    }
    printf("%.*s,\"kafka\":{\"looked\":%" PRId64 ",\"found\":%" PRId64 ",\"places\":[",
           (int)(answer.n - 1), answer.p, kafka->looked, kafka->found);
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct view partition = line;
        struct view topic = view_cut(&partition, ':');
        struct view offset = partition;
        struct view number = view_cut(&offset, ':');

        printf("%s{\"topic\":\"%.*s\",\"partition\":%.*s,\"offset\":%.*s}", first ? "" : ",",
               VIEW_ARG(topic), VIEW_ARG(number), VIEW_ARG(offset));
        first = false;
    }
    puts("]}}");
}

/* ---- what is done ---- */

static int fail(const struct fault *f)
{
    console_say("erase", "%s", f->text);
    return f->cls == FAULT_RETRY ? COMMAND_FAILED : COMMAND_USAGE;
}

static int run(struct erase *e)
{
    const char *verb = e->lift ? "erase-lift" : e->dry_run ? "erase-dry-run" : "erase";
    struct erase_kafka kafka = {.found = 0};
    struct buf answer;
    struct fault f;
    int code = COMMAND_OK;

    buf_init(&answer, CONTROL_CALL_ANSWER_MAX);
    buf_init(&kafka.places, PLACES_MAX);
    if (!control_call(conf_text(e->options.conf, "history.file"), verb, view_of(e->address),
                      &answer, &f)) {
        code = fail(&f);
    } else {
        if (e->kafka && !erase_kafka_look(&e->options, &e->person, &kafka, &f)) {
            code = fail(&f);
            e->kafka = false; /* what is gone is gone, and is said */
        }
        if (code == COMMAND_OK && is_true(buf_view(&answer), "journal_kept"))
            code = COMMAND_UNAVAILABLE; /* to be asked again */
        if (e->json)
            print_json(e, view_trim((struct view){answer.p, answer.n - 1}), &kafka);
        else
            print_report(e, buf_view(&answer), &kafka);
    }
    buf_done(&kafka.places);
    buf_done(&answer);
    return code;
}

static bool read_address(struct erase *e, const char *argument, struct fault *f)
{
    if (strcmp(argument, "-") == 0) {
        if (fgets(e->address, sizeof e->address, stdin) == NULL)
            return fault_set(f, FAULT_REJECT, "there is no address on standard input");
        e->address[strcspn(e->address, "\r\n")] = '\0';
    } else {
        snprintf(e->address, sizeof e->address, "%s", argument);
    }
    return person_init(&e->person, view_of(e->address), f) || fault_add(f, "the address");
}

enum { OPTION_DRY_RUN = 256, OPTION_KAFKA, OPTION_LIFT, OPTION_JSON };

/* false: exit with *code. */
static bool read_arguments(struct erase *e, int argc, char **argv, int *code)
{
    static const struct option options[] = {{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
                                            {"kafka", no_argument, NULL, OPTION_KAFKA},
                                            {"lift", no_argument, NULL, OPTION_LIFT},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"config", required_argument, NULL, 'c'},
                                            {"brokers", required_argument, NULL, 'b'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct fault f;
    int option;
    bool ok = true;

    *code = COMMAND_USAGE;
    optind = 1;
    while (ok && (option = getopt_long(argc, argv, "c:b:X:h", options, NULL)) != -1) {
        if (option == OPTION_DRY_RUN)
            e->dry_run = true;
        else if (option == OPTION_KAFKA)
            e->kafka = true;
        else if (option == OPTION_LIFT)
            e->lift = true;
        else if (option == OPTION_JSON)
            e->json = true;
        else if (option == 'c')
            e->options.config = optarg;
        else if (option == 'b')
            e->options.brokers = optarg;
        else if (option == 'X')
            ok = kafka_options_property(&e->options, optarg, &f);
        else {
            usage(option == 'h' ? stdout : stderr);
            *code = option == 'h' ? COMMAND_OK : COMMAND_USAGE;
            return false;
        }
    }
    if (ok && (optind + 1 != argc || (e->lift && (e->dry_run || e->kafka)))) {
        usage(stderr);
        return false;
    }
    if (ok && read_address(e, argv[optind], &f))
        return true;
    console_say("erase", "%s", f.text);
    return false;
}

int command_erase(int argc, char **argv)
{
    static struct erase e;
    int code = COMMAND_CONFIG;
    struct fault f;

    kafka_options_init(&e.options);
    if (read_arguments(&e, argc, argv, &code))
        code = kafka_options_load(&e.options, &f) ? run(&e) : COMMAND_CONFIG;
    kafka_options_done(&e.options);
    return code;
}
