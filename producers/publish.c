/* publish: CloudEvents in JSON Lines, checked, put on a Kafka topic, counted when acknowledged. */
#include "bridge/commands.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_limits.h"
#include "bridge/io/kafka_sink.h"
#include "config/conf.h"
#include "producers/console.h"
#include "producers/event_record.h"
#include "producers/kafka_options.h"
#include "producers/lines.h"
#include "producers/progress.h"

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_MS     30000
#define TIMEOUT_MAX_MS 86400000
#define MISTAKES_MAX   20 /* told one by one; then they are counted */

struct publish {
    struct kafka_options options;
    const char *topic;
    const char *prefix;
    const char *file; /* NULL: standard input */
    int fd;           /* of it */
    int64_t timeout_ms;
    int64_t record_max; /* bytes that our producer takes */
    bool structured;
    bool check_only;

    uv_loop_t loop;
    struct notice log;
    struct kafka_sink *sink;
    struct sink_port port;
    struct event_record record;
    struct progress progress;
    int64_t total;
    int64_t acknowledged;
    int64_t mistakes;
    uv_signal_t told[2];        /* to end: SIGINT, SIGTERM */
    int number;                 /* of the first that came; 0: none */
    bool hurry;                 /* another one came */
    bool closing;               /* the sink */
    bool stopped;               /* it was not read to its end */
    bool unreachable;           /* no broker answered in the end */
    char error[FAULT_TEXT_MAX]; /* of the first record that was not acknowledged */
};

static void usage(FILE *to)
{
    fputs("usage: cmibridge publish [OPTION]... [FILE]\n"
          "\n"
          "Puts CloudEvents on a Kafka topic: FILE, or standard input, has one in JSON on a line.\n"
          "Every event is checked first, as the consumer will; a file with a mistake is not sent\n"
          "at all, a pipe up to the mistake. What comes through a pipe is sent at\n"
          "once. Ctrl-C ends it: what has come whole is sent, and counted.\n"
          "\n"
          "  -c, --config FILE    settings (kafka.brokers, kafka.topics, kafka.properties)\n"
          "  -b, --brokers LIST   HOST:PORT,...\n"
          "  -t, --topic TOPIC    default: the first of kafka.topics\n"
          "  -X NAME=VALUE        a property of librdkafka\n"
          "      --structured     the whole event as the record's value; else the data only, and\n"
          "                       the attributes as headers\n"
          "      --type-prefix P  taken off the type before it is looked up; default:\n"
          "                       events.type_prefix\n"
          "      --check          only check\n"
          "      --timeout TIME   for a record to be acknowledged; default: 30s\n",
          to);
}

/* false: exit with *code. */
static bool read_arguments(struct publish *p, int argc, char **argv, int *code)
{
    enum { STRUCTURED = 256, PREFIX, CHECK, TIMEOUT };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"brokers", required_argument, NULL, 'b'},
                                            {"topic", required_argument, NULL, 't'},
                                            {"structured", no_argument, NULL, STRUCTURED},
                                            {"type-prefix", required_argument, NULL, PREFIX},
                                            {"check", no_argument, NULL, CHECK},
                                            {"timeout", required_argument, NULL, TIMEOUT},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct fault f;
    int option;

    *code = COMMAND_USAGE;
    optind = 1;
    while ((option = getopt_long(argc, argv, "c:b:t:X:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            p->options.config = optarg;
            break;
        case 'b':
            p->options.brokers = optarg;
            break;
        case 't':
            p->topic = optarg;
            break;
        case 'X':
            if (!kafka_options_property(&p->options, optarg, &f)) {
                console_say("publish", "%s", f.text);
                return false;
            }
            break;
        case STRUCTURED:
            p->structured = true;
            break;
        case PREFIX:
            p->prefix = optarg;
            break;
        case CHECK:
            p->check_only = true;
            break;
        case TIMEOUT:
            if (!num_duration(view_of(optarg), &p->timeout_ms) || p->timeout_ms < 1000 ||
                p->timeout_ms > TIMEOUT_MAX_MS) {
                console_say("publish", "--timeout takes 1s to 1d, not '%s'", optarg);
                return false;
            }
            break;
        case 'h':
            usage(stdout);
            *code = COMMAND_OK;
            return false;
        default:
            usage(stderr);
            return false;
        }
    }
    if (argc - optind > 1) {
        console_say("publish", "one file at a time, please");
        return false;
    }
    p->file = argc > optind && strcmp(argv[optind], "-") != 0 ? argv[optind] : NULL;
    return true;
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct publish *p = owner;

    if (delivered)
        p->acknowledged++;
    else if (p->error[0] == '\0')
        snprintf(p->error, sizeof p->error, "line %" PRIu64 ": %s", token, error);
}

static void mistake(struct publish *p, int64_t line, const char *text)
{
    p->mistakes++;
    if (p->mistakes <= MISTAKES_MAX)
        console_say("publish", "line %" PRId64 ": %s", line, text);
}

enum pass { PASS_CHECK = 1, PASS_SEND = 2 };

/* Both passes make the record: what can't be one is found before anything is sent. */
static bool make_event(struct publish *p, struct view json, unsigned what, struct fault *f)
{
    size_t bytes = 0;

    if ((what & PASS_CHECK) != 0 && !event_record_check(&p->record, json, view_of(p->prefix), f))
        return false;
    if (!event_record_make(&p->record, json, p->structured, f))
        return false;
    bytes = event_record_bytes(&p->record);
    return bytes <= (size_t)p->record_max ||
           fault_set(f, FAULT_REJECT,
                     "the record has %zu bytes; message.max.bytes in kafka.properties is %" PRId64,
                     bytes, p->record_max);
}

/* Hands it to the producer, which may have to get rid of others first. */
static bool send_event(struct publish *p, int64_t line, struct fault *f)
{
    p->record.r.topic = p->topic;
    p->record.r.token = (uint64_t)line;
    while (!p->port.produce(p->port.ctx, &p->record.r, f)) {
        if (f->cls == FAULT_STOP)
            return fault_add(f, "topic %.80s", p->topic);
        if (f->cls != FAULT_RETRY)
            return false;
        if (p->hurry)
            return fault_set(f, FAULT_STOP, "told to end before it could be sent");
        uv_run(&p->loop, UV_RUN_ONCE);
    }
    return true;
}

/* Until there is something to read. The loop goes on meanwhile, by poll(), which takes files, too,
 * and does not make the input one that others who have it can't wait for. */
static bool await_input(void *ctx)
{
    struct publish *p = ctx;
    struct pollfd fds[] = {{.fd = p->fd, .events = POLLIN},
                           {.fd = uv_backend_fd(&p->loop), .events = POLLIN}};

    do {
        uv_run(&p->loop, UV_RUN_NOWAIT);
        p->stopped = p->number != 0;
    } while (!p->stopped &&
             (poll(fds, 2, uv_backend_timeout(&p->loop)) <= 0 || fds[0].revents == 0));
    return !p->stopped;
}

/* Once through the lines. When sending, the first mistake ends it. */
static void pass(struct publish *p, unsigned what)
{
    struct lines lines;
    struct view line;
    struct fault f = {.cls = FAULT_NONE};

    lines_init(&lines, p->fd, EVENT_RECORD_JSON_MAX);
    lines.await = (what & PASS_SEND) != 0 ? await_input : NULL;
    lines.ctx = p;
    while (lines_next(&lines, &line, &f)) {
        bool good = make_event(p, line, what, &f) &&
                    ((what & PASS_SEND) == 0 || send_event(p, lines.number, &f));

        if (good)
            p->total += (what & PASS_SEND) != 0;
        else
            mistake(p, lines.number, f.text);
        if (!good && (what & PASS_SEND) != 0)
            break;
        progress_at(&p->progress, lines.bytes);
    }
    if (p->mistakes == 0 && f.cls != FAULT_NONE)
        mistake(p, lines.number, f.text);
    progress_end(&p->progress);
    if (p->stopped)
        console_say("publish", "told to end before line %" PRId64, lines.number);
    lines_done(&lines);
}

static void on_told(uv_signal_t *handle, int number)
{
    struct publish *p = handle->data;

    if (p->number == 0) {
        p->number = number;
        if (p->sink != NULL && kafka_sink_waiting(p->sink) > 0)
            console_say("publish",
                        "ending when Kafka has what was sent; once more ends it at once");
    } else {
        p->hurry = true;
        if (p->closing && p->sink != NULL)
            kafka_sink_hurry(p->sink);
    }
}

/* From now on: a signal while a file is checked, or nothing but that was asked, ends it as any. */
static void watch_signals(struct publish *p)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&p->loop, &p->told[i]);
        p->told[i].data = p;
        (void)uv_signal_start(&p->told[i], on_told, numbers[i]);
        uv_unref((uv_handle_t *)&p->told[i]);
    }
}

static bool start(struct publish *p, int *code)
{
    struct kafka_conf conf;
    struct fault f;
    char timeout[32];

    snprintf(timeout, sizeof timeout, "%" PRId64, p->timeout_ms);
    if (kafka_options_default(&p->options, "message.timeout.ms", timeout, &f)) {
        conf = kafka_options_conf(&p->options);
        p->sink = kafka_sink_new(&p->loop, &conf, &p->topic, 1, &p->log, on_report, p, &f);
    }
    if (p->sink == NULL) {
        console_say("publish", "%s", f.text);
        *code = COMMAND_CONFIG;
        return false;
    }
    p->port = kafka_sink_port(p->sink);
    watch_signals(p);
    return true;
}

static void on_closed(void *owner)
{
    struct publish *p = owner;

    p->unreachable = kafka_sink_trouble(p->sink)[0] != '\0';
    p->sink = NULL; /* it goes */
}

static int finish(struct publish *p)
{
    /* A little longer than a record may take, so that it is librdkafka that says what failed. */
    p->closing = true;
    kafka_sink_close(p->sink, p->hurry ? 0 : p->timeout_ms + 2000, on_closed, p);
    while (p->sink != NULL) /* a question to the brokers may last; the count does not wait for it */
        uv_run(&p->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&p->told[i], NULL);
    if (p->error[0] != '\0')
        console_say("publish", "%s", p->error);
    if (p->total == 0 && p->mistakes == 0 && !p->stopped)
        console_say("publish", "there was no event in %s", p->file != NULL ? p->file : "the input");
    printf("published %" PRId64 " of %" PRId64 "\n", p->acknowledged, p->total);
    (void)fflush(stdout); /* into a pipe, too, before the question and the client are waited for */
    if (p->acknowledged == 0 && p->total > 0 && p->unreachable)
        return COMMAND_UNAVAILABLE;
    if (p->acknowledged < p->total || p->mistakes > 0)
        return COMMAND_FAILED;
    return p->stopped ? 128 + p->number : COMMAND_OK;
}

/* What the command line leaves open, from the configuration. */
static bool settle(struct publish *p, int *code)
{
    struct kafka_conf conf;
    struct fault f;

    *code = COMMAND_CONFIG;
    if (!kafka_options_load(&p->options, &f)) {
        console_say("publish", "%s", f.text);
        return false;
    }
    if (p->prefix == NULL)
        p->prefix = conf_text(p->options.conf, "events.type_prefix");
    if (p->topic == NULL)
        p->topic = conf_item(p->options.conf, "kafka.topics", 0);
    if (p->topic[0] == '^') {
        console_say("publish", "kafka.topics is a pattern; say which topic with --topic");
        return false;
    }
    conf = kafka_options_conf(&p->options);
    if (p->check_only && conf.brokers == NULL)
        conf.brokers = "nobody"; /* is asked; only how large a record may be is looked up */
    if (!kafka_limits_produced(&conf, &p->record_max, &f)) {
        console_say("publish", "%s", f.text);
        return false;
    }
    return true;
}

static int publish(struct publish *p)
{
    struct stat about;
    bool regular = fstat(p->fd, &about) == 0 && S_ISREG(about.st_mode);
    /* Of standard input others may have read what comes before. */
    off_t from = regular ? lseek(p->fd, 0, SEEK_CUR) : 0;
    int64_t bytes = regular ? (int64_t)(about.st_size - from) : 0;
    int code = COMMAND_FAILED;

    progress_init(&p->progress, "checked", bytes);
    if (!settle(p, &code))
        return code;
    if (regular || p->check_only)
        pass(p, PASS_CHECK);
    if (p->mistakes > MISTAKES_MAX)
        console_say("publish", "and %" PRId64 " more", p->mistakes - MISTAKES_MAX);
    if (p->check_only) {
        if (p->mistakes == 0)
            printf("every event is good\n");
        return p->mistakes == 0 ? COMMAND_OK : COMMAND_FAILED;
    }
    if (p->mistakes > 0) {
        console_say("publish", "nothing was sent");
        return COMMAND_FAILED;
    }
    if (regular && lseek(p->fd, from, SEEK_SET) != from) {
        console_say("publish", "it can't be read again, and nothing was sent: %s", strerror(errno));
        return COMMAND_FAILED;
    }
    if (!start(p, &code))
        return code;
    progress_init(&p->progress, "published", bytes);
    pass(p, regular ? PASS_SEND : PASS_CHECK | PASS_SEND);
    return finish(p);
}

int command_publish(int argc, char **argv)
{
    struct publish p = {.timeout_ms = TIMEOUT_MS, .fd = STDIN_FILENO};
    int code;

    kafka_options_init(&p.options);
    if (read_arguments(&p, argc, argv, &code)) {
        if (p.file != NULL)
            p.fd = open(p.file, O_RDONLY | O_CLOEXEC);
        if (p.fd < 0) {
            console_say("publish", "%s: %s", p.file, strerror(errno));
            code = COMMAND_USAGE;
        } else {
            p.log = console_notice("publish");
            uv_loop_init(&p.loop);
            event_record_init(&p.record);
            code = publish(&p);
            event_record_done(&p.record);
            uv_run(&p.loop, UV_RUN_DEFAULT);
            uv_loop_close(&p.loop);
        }
        if (p.file != NULL && p.fd >= 0)
            close(p.fd);
    }
    kafka_options_done(&p.options);
    return code;
}
