/* `cmibridge dev` as a person meets it: the real program, in a directory of its own. */
#include "bridge/commands.h"
#include "bridge/core/buf.h"
#include "bridge/core/event_types.h"
#include "standalone/file.h"
#include "standalone/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX    8192
#define PATIENCE_MS 30000

struct run {
    pid_t pid;
    FILE *says;
    char errors[128]; /* a file with its standard error */
};

struct fixture {
    char dir[64];
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);

    if (x == NULL)
        return -1;
    (void)snprintf(x->dir, sizeof x->dir, "/tmp/cmibridge-test-XXXXXX");
    *state = x;
    return mkdtemp(x->dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;
    char command[128];
    int failed;

    (void)snprintf(command, sizeof command, "rm -rf %s", x->dir);
    failed = system(command);
    free(x);
    return failed;
}

/* Starts `cmibridge dev --dir DIR/dev --cmi-port 0 [-c FILE]`. */
static struct run start(const struct fixture *x, const char *config)
{
    struct run r;
    char dir[96];
    char errors[128];
    int says[2];
    int fd;

    (void)snprintf(dir, sizeof dir, "%s/dev", x->dir);
    (void)snprintf(errors, sizeof errors, "%s/errors", x->dir);
    memcpy(r.errors, errors, sizeof errors);
    assert_int_equal(pipe(says), 0);
    fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600); /* there for who reads it at once */
    assert_true(fd >= 0);
    r.pid = fork();
    assert_true(r.pid >= 0);
    if (r.pid == 0) {
        (void)dup2(says[1], 1);
        (void)dup2(fd, 2);
        (void)close(says[0]);
        (void)close(says[1]);
        (void)close(fd);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(getenv("CMIBRIDGE_BIN"), "cmibridge", "dev", "--dir", dir, "--cmi-port", "0",
              config != NULL ? "-c" : NULL, config, NULL);
        _exit(127);
    }
    close(says[1]);
    close(fd);
    r.says = fdopen(says[0], "r");
    assert_non_null(r.says);
    return r;
}

/* Reads what it says until all is up. */
static void wait_until_up(struct run *r)
{
    char line[512];

    while (fgets(line, sizeof line, r->says) != NULL)
        if (strncmp(line, "All is up", 9) == 0)
            return;
    fail_msg("dev ended before all was up; see %s", r->errors);
}

static int wait_until_ended(struct run *r)
{
    int status = 0;

    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    (void)fclose(r->says);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* We are the reaper of what dev leaves (main), so: nothing left is no child left. */
static void assert_nothing_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void read_text(const char *path, char out[TEXT_MAX])
{
    struct buf b;
    struct fault f = {0};

    buf_init(&b, TEXT_MAX - 1);
    if (!file_get(path, &b, &f))
        fail_msg("%s", f.text);
    (void)snprintf(out, TEXT_MAX, "%s", buf_text(&b));
    buf_done(&b);
}

static bool has_endpoints(const struct fixture *x)
{
    char path[96];

    (void)snprintf(path, sizeof path, "%s/dev/endpoints.json", x->dir);
    return access(path, R_OK) == 0;
}

static void read_endpoints(const struct fixture *x, char out[TEXT_MAX])
{
    char path[96];

    (void)snprintf(path, sizeof path, "%s/dev/endpoints.json", x->dir);
    read_text(path, out);
}

/* What curl says to a path of the CMI that is up; the program is the one people use. */
static int curl(const char *endpoints, const char *arguments, char *out, size_t size)
{
    const char *at = strstr(endpoints, "\"cmi\":\"");
    struct buf command;
    FILE *said;
    size_t n;

    assert_non_null(at);
    at += strlen("\"cmi\":\"");
    buf_init(&command, 4096);
    buf_printf(&command, "cmi='%.*s'; curl --noproxy '*' --silent --show-error --fail %s",
               (int)strcspn(at, "\""), at, arguments);
    said = popen(buf_text(&command), "r");
    buf_done(&command);
    assert_non_null(said);
    n = fread(out, 1, size - 1, said);
    out[n] = '\0';
    return pclose(said);
}

static void all_comes_up_answers_and_ends_without_a_trace(void **state)
{
    const struct fixture *x = *state;
    struct run r = start(x, NULL);
    char endpoints[TEXT_MAX];
    char answer[4096];

    wait_until_up(&r);
    read_endpoints(x, endpoints);
    assert_non_null(strstr(endpoints, "\"cmi\":\"http://127.0.0.1:"));
    assert_non_null(strstr(endpoints, "/RI/cmi\""));
    assert_non_null(strstr(endpoints, "\"kafka\":\"127.0.0.1:"));
    assert_non_null(strstr(endpoints, "\"redis\":\"unix:/"));
    assert_non_null(strstr(endpoints, "\"metrics\":{\"serve\":\"http://127.0.0.1:"));
    assert_non_null(strstr(endpoints, "\"consume\":\"http://127.0.0.1:"));
    assert_int_equal(curl(endpoints, "$cmi/callbacks", answer, sizeof answer), 0);
    assert_string_equal(answer, "[]");
    assert_int_equal(kill(r.pid, SIGINT), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_false(has_endpoints(x));
    assert_nothing_left();
}

/* The pretend carrier takes a message in its time. */
static void await_sent(const struct fixture *x, const char *to)
{
    char path[96];
    char wanted[64];
    char lines[TEXT_MAX] = "";

    (void)snprintf(path, sizeof path, "%s/dev/carrier.jsonl", x->dir);
    (void)snprintf(wanted, sizeof wanted, "\"to\":\"%s\"", to);
    for (int i = 0; strstr(lines, wanted) == NULL; i++) {
        assert_true(i < PATIENCE_MS / 10);
        poll(NULL, 0, 10);
        if (access(path, R_OK) == 0)
            read_text(path, lines);
    }
}

/* tests/golden/spec/COLLECTION-NAME.json: the specification's examples, a missing quote added. */
static void the_examples_of_the_specification_work_as_they_stand(void **state)
{
    static const struct {
        const char *collection;
        const char *file;
    } examples[] = {
        {"chats", "chats-inbound"},     {"chats", "chats-outbound"},
        {"messages", "messages-sms"},   {"messages", "messages-template"},
        {"callbacks", "callbacks-505"}, {"customerConsents", "customerConsents-whatsapp"},
    };
    const struct fixture *x = *state;
    struct run r = start(x, NULL);
    char endpoints[TEXT_MAX];
    char request[512];
    char answer[4096];

    wait_until_up(&r);
    read_endpoints(x, endpoints);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        (void)snprintf(request, sizeof request, "--json @'%s/tests/golden/spec/%s.json' $cmi/%s",
                       getenv("CMIBRIDGE_SOURCE"), examples[i].file, examples[i].collection);
        if (curl(endpoints, request, answer, sizeof answer) != 0)
            fail_msg("%s was refused", examples[i].file);
    }
    await_sent(x, "+5521244222225555"); /* the chat's */
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_nothing_left();
}

static void a_second_start_finds_what_the_first_one_was_given(void **state)
{
    const struct fixture *x = *state;
    char endpoints[TEXT_MAX];
    char id[64];
    char request[256];
    char answer[4096];
    struct run r = start(x, NULL);

    wait_until_up(&r);
    read_endpoints(x, endpoints);
    assert_int_equal(curl(endpoints,
                          "--json '{\"callbackQueueNumber\":\"505\",\"customerNumber\":"
                          "\"85412369512\",\"nextCallTime\":\"2035-10-04T12:36:02.440Z\"}' "
                          "$cmi/callbacks",
                          id, sizeof id),
                     0);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);

    r = start(x, NULL);
    wait_until_up(&r);
    read_endpoints(x, endpoints);
    (void)snprintf(request, sizeof request, "$cmi/callbacks/%s", id);
    assert_int_equal(curl(endpoints, request, answer, sizeof answer), 0);
    assert_non_null(strstr(answer, "85412369512"));
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_nothing_left();
}

static void a_second_one_in_the_same_directory_is_refused(void **state)
{
    const struct fixture *x = *state;
    char said[TEXT_MAX];
    struct run first = start(x, NULL);
    struct run second;

    wait_until_up(&first);
    second = start(x, NULL);
    assert_int_equal(wait_until_ended(&second), COMMAND_UNAVAILABLE);
    read_text(second.errors, said);
    assert_non_null(strstr(said, "is in use by another cmibridge dev"));
    assert_true(has_endpoints(x));
    assert_int_equal(kill(first.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&first), COMMAND_OK);
    assert_nothing_left();
}

/* Finds the process id of a part that dev has started, by its parent and its command. */
static pid_t part_of(pid_t dev, const char *words)
{
    char command[128];
    char number[32] = "";
    FILE *found;

    (void)snprintf(command, sizeof command, "pgrep -P %ld -f '%s'", (long)dev, words);
    found = popen(command, "r");
    assert_non_null(found);
    if (fgets(number, sizeof number, found) == NULL)
        fail_msg("no part runs as '%s'", words);
    (void)pclose(found);
    return (pid_t)strtol(number, NULL, 10);
}

static void a_part_that_is_killed_ends_all_and_its_log_is_named(void **state)
{
    const struct fixture *x = *state;
    char said[TEXT_MAX];
    struct run r = start(x, NULL);
    pid_t serve;

    wait_until_up(&r);
    serve = part_of(r.pid, "cmibridge serve");
    assert_true(serve > 1);
    assert_int_equal(kill(serve, SIGKILL), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_FAILED);
    read_text(r.errors, said);
    assert_non_null(strstr(said, "serve was killed by signal 9"));
    assert_non_null(strstr(said, "/log/serve.log"));
    assert_nothing_left();
}

static void when_dev_itself_is_killed_its_parts_end_too(void **state)
{
    const struct fixture *x = *state;
    struct run r = start(x, NULL);
    int status;
    int ended_parts = 0;
    pid_t ended;

    wait_until_up(&r);
    assert_int_equal(kill(r.pid, SIGKILL), 0);
    while ((ended = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
        ended_parts += ended != r.pid;
    assert_int_equal(errno, ECHILD);
    assert_int_equal(ended_parts, part_count);
    (void)fclose(r.says);

    r = start(x, NULL); /* and the next start is none the worse */
    wait_until_up(&r);
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_nothing_left();
}

/* Waits until it has said that on its standard error; false: all is up before, or it has ended. */
static bool await_said(const struct run *r, const char *words)
{
    struct pollfd out = {.fd = fileno(r->says), .events = POLLIN};
    char said[TEXT_MAX];

    while ((void)read_text(r->errors, said), strstr(said, words) == NULL)
        if (poll(&out, 1, 10) != 0)
            return false;
    return true;
}

/* How many children have ended and were not waited for; dev itself is not among them. */
static size_t reap(pid_t dev)
{
    size_t n = 0;
    pid_t ended;

    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
        n += ended != dev;
    return n;
}

/* One that takes long to end would share its files with those of the new one. */
static void a_new_one_waits_for_the_parts_of_one_that_was_killed(void **state)
{
    const struct fixture *x = *state;
    struct run killed = start(x, NULL);
    struct run r;
    pid_t redis;

    wait_until_up(&killed);
    redis = part_of(killed.pid, "redis-server");
    assert_int_equal(kill(redis, SIGSTOP), 0);
    assert_int_equal(kill(killed.pid, SIGKILL), 0);
    assert_int_equal(waitpid(killed.pid, NULL, 0), killed.pid);
    (void)fclose(killed.says);
    r = start(x, NULL);
    if (!await_said(&r, "waiting for what an earlier one has started here")) {
        (void)kill(redis, SIGKILL); /* it would stay stopped */
        fail_msg("it did not wait");
    }
    assert_false(has_endpoints(x));
    assert_int_equal(kill(redis, SIGCONT), 0);
    wait_until_up(&r);
    assert_int_equal(reap(killed.pid), part_count);
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_nothing_left();
}

static void told_to_end_while_it_waits_it_ends(void **state)
{
    const struct fixture *x = *state;
    char path[96];
    struct run r;
    int part;

    (void)snprintf(path, sizeof path, "%s/dev", x->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/dev/parts.pipe", x->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    part = open(path, O_RDWR | O_CLOEXEC); /* as one that lives */
    assert_true(part >= 0);
    r = start(x, NULL);
    assert_true(await_said(&r, "waiting for what an earlier one has started here"));
    assert_int_equal(kill(r.pid, SIGINT), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    close(part);
    assert_nothing_left();
}

/* As each part begins: it has no handler yet for what tells it to end. */
static void told_to_end_while_it_starts_it_ends_without_a_word_of_failure(void **state)
{
    const struct fixture *x = *state;

    for (size_t i = 0; i < part_count; i++) {
        char said[TEXT_MAX];
        char log[128];
        struct run r = start(x, NULL);
        struct pollfd out = {.fd = fileno(r.says), .events = POLLIN};

        (void)snprintf(log, sizeof log, "%s/dev/log/%s.log", x->dir, parts[i].name);
        while (access(log, F_OK) != 0)
            assert_int_equal(poll(&out, 1, 1), 0);
        assert_int_equal(kill(r.pid, SIGINT), 0);
        if (wait_until_ended(&r) != COMMAND_OK) {
            read_text(r.errors, said);
            fail_msg("%s: %s", parts[i].name, said);
        }
        assert_nothing_left();
        (void)snprintf(log, sizeof log, "rm -f %s/dev/log/*", x->dir);
        assert_int_equal(system(log), 0);
    }
}

static void killed_and_started_again_at_once_it_comes_up_each_time(void **state)
{
    enum { TIMES = 5 };
    const struct fixture *x = *state;
    struct run r = start(x, NULL);

    wait_until_up(&r);
    for (unsigned i = 0; i < TIMES; i++) {
        pid_t killed = r.pid;

        assert_int_equal(kill(killed, SIGKILL), 0);
        assert_int_equal(waitpid(killed, NULL, 0), killed);
        (void)fclose(r.says);
        r = start(x, NULL);
        wait_until_up(&r);
        assert_int_equal(reap(killed), part_count); /* nothing of the one before lives */
    }
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    assert_nothing_left();
}

/* Nobody's Redis but its own is written to, whatever the environment and the file say of theirs. */
static void what_leads_to_another_redis_or_kafka_is_not_used(void **state)
{
    static const char yaml[] = "redis:\n"
                               "  sentinels: '127.0.0.1:1'\n"
                               "  password: file:/nonexistent\n"
                               "kafka:\n"
                               "  properties: {security.protocol: ssl, ssl.ca.location: /none}\n";
    static const char *const said[] = {"CMIBRIDGE_REDIS_CLUSTER is not used; dev decides it\n",
                                       "CMIBRIDGE_REDIS_REPLICAS is not used",
                                       "user.yaml:2: redis.sentinels is not used",
                                       "user.yaml:3: redis.password is not used",
                                       "user.yaml:5: kafka.properties.security.protocol is not",
                                       "user.yaml:5: kafka.properties.ssl.ca.location is not"};
    const struct fixture *x = *state;
    char errors[TEXT_MAX];
    char file[96];
    struct fault f = {0};
    struct run r;

    (void)snprintf(file, sizeof file, "%s/user.yaml", x->dir);
    assert_true(file_put(file, view_of(yaml), &f));
    setenv("CMIBRIDGE_REDIS_CLUSTER", "127.0.0.1:1", 1);
    setenv("CMIBRIDGE_REDIS_REPLICAS", "1", 1);
    r = start(x, file);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    unsetenv("CMIBRIDGE_REDIS_REPLICAS");
    wait_until_up(&r);
    assert_int_equal(kill(r.pid, SIGTERM), 0);
    assert_int_equal(wait_until_ended(&r), COMMAND_OK);
    read_text(r.errors, errors);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strstr(errors, said[i]) == NULL)
            fail_msg("%s is not in:\n%s", said[i], errors);
    assert_nothing_left();
}

static void a_mistake_in_the_settings_is_told_with_its_line(void **state)
{
    const struct fixture *x = *state;
    char said[TEXT_MAX];
    char file[96];
    struct fault f = {0};
    struct run r;

    (void)snprintf(file, sizeof file, "%s/user.yaml", x->dir);
    assert_true(file_put(file, VIEW("callbacks:\n  dealy: 1s\n"), &f));
    r = start(x, file);
    assert_int_equal(wait_until_ended(&r), COMMAND_CONFIG);
    read_text(r.errors, said);
    assert_non_null(strstr(said, "user.yaml:2: "));
    assert_non_null(strstr(said, "callbacks.delay"));
    assert_nothing_left();
}

/* No topic of it would ever be made. */
static void a_pattern_of_topics_is_refused_at_once(void **state)
{
    const struct fixture *x = *state;
    char said[TEXT_MAX];
    char file[96];
    struct fault f = {0};
    struct run r;

    (void)snprintf(file, sizeof file, "%s/user.yaml", x->dir);
    assert_true(file_put(file, VIEW("kafka: {topics: ['^ev-.*']}\n"), &f));
    r = start(x, file);
    assert_int_equal(wait_until_ended(&r), COMMAND_CONFIG);
    read_text(r.errors, said);
    assert_non_null(
        strstr(said, "cmibridge dev: kafka.topics is the pattern '^ev-.*'; dev makes "));
    assert_nothing_left();
}

/* How the demo's last line about its events has to begin. */
static void write_all_ended(char *text, size_t size)
{
    char path[4096];
    struct fault f = {0};
    struct buf events;
    size_t n = 0;

    (void)snprintf(path, sizeof path, "%s/tests/golden/demo-events.jsonl",
                   getenv("CMIBRIDGE_SOURCE"));
    buf_init(&events, 1 << 20);
    assert_true(file_get(path, &events, &f));
    for (size_t i = 0; i < events.n; i++)
        n += buf_text(&events)[i] == '\n';
    buf_done(&events);
    assert_true(n > 0);
    (void)snprintf(text, size, "%zu events, %zu ended as they should, 0 otherwise, 0 open", n, n);
}

static void the_demo_shows_a_result_for_every_event_and_ends(void **state)
{
    const struct fixture *x = *state;
    char command[512];
    char all_ended[128];
    static char said[65536]; /* on a terminal: what is drawn and wiped stands before the line */
    char *line;
    char *wiped;
    /* What becomes of messages and callbacks, by the begin of its line and by a text in it. */
    static const struct {
        const char *type;
        const char *text;
    } outcomes[] = {
        {"message.destination.handled", "handled"},
        {"message.destination.failed", "not in use"},
        {"message.destination.failed", "consent"},
        {"message.destination.retryscheduled", "again at"},
        {"message.delivery.updated", "delivered"},
        {"message.destination.handled", "attempt 2"},
        {"message.completed", "handled 1, failed 1"},
        {"message.completed", "handled 3, failed 1"},
        {"callback.attempted", "BUSY"},
        {"callback.completed", "SUCCESSFUL"},
    };
    bool told[sizeof outcomes / sizeof outcomes[0]] = {false};
    size_t seen = 0;
    size_t types = 0;
    bool shown[64] = {false};
    bool whole = false;
    bool counts_down = false;
    int failed;
    FILE *demo;

    while (event_types[types].name != NULL)
        types++;
    assert_true(types <= sizeof shown / sizeof shown[0]);
    write_all_ended(all_ended, sizeof all_ended);
    (void)snprintf(command, sizeof command,
                   "script -qec '\"$CMIBRIDGE_SOURCE\"/standalone/demo.sh \"$CMIBRIDGE_BIN\" %s' "
                   "/dev/null </dev/null",
                   x->dir);
    setenv("http_proxy", "http://127.0.0.1:9", 1); /* nobody's: what is here is asked directly */
    setenv("CMIBRIDGE_KAFKA_BROKERS", "127.0.0.1:9", 1); /* nor are other brokers */
    demo = popen(command, "r");
    unsetenv("CMIBRIDGE_KAFKA_BROKERS");
    unsetenv("http_proxy");
    assert_non_null(demo);
    while (fgets(said, sizeof said, demo) != NULL) {
        counts_down = counts_down || strstr(said, "; the next attempt is in ") != NULL;
        for (line = said; (wiped = strstr(line, "\033[K")) != NULL;)
            line = wiped + strlen("\033[K");
        printf("%s", line); /* shown if the test fails */
        for (size_t i = 0; i < types; i++)
            if (strcspn(line, " ") == strlen(event_types[i].name) &&
                strncmp(line, event_types[i].name, strlen(event_types[i].name)) == 0)
                shown[i] = true;
        for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
            told[i] = told[i] || (strncmp(line, outcomes[i].type, strlen(outcomes[i].type)) == 0 &&
                                  strstr(line, outcomes[i].text) != NULL);
        whole = whole || strstr(line, all_ended);
    }
    failed = pclose(demo);
    if (failed != 0) {
        (void)fflush(stdout);
        (void)snprintf(command, sizeof command, "tail -n 20 %s/dev/log/*.log", x->dir);
        (void)!system(command);
    }
    assert_int_equal(failed, 0);
    for (size_t i = 0; i < types; i++)
        seen += shown[i];
    assert_int_equal(seen, types);
    assert_true(whole);
    assert_true(counts_down);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (!told[i])
            fail_msg("the demo shows no %s with '%s'", outcomes[i].type, outcomes[i].text);
    assert_nothing_left();
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(all_comes_up_answers_and_ends_without_a_trace),
        CASE(the_examples_of_the_specification_work_as_they_stand),
        CASE(a_second_start_finds_what_the_first_one_was_given),
        CASE(a_second_one_in_the_same_directory_is_refused),
        CASE(a_part_that_is_killed_ends_all_and_its_log_is_named),
        CASE(when_dev_itself_is_killed_its_parts_end_too),
        CASE(a_new_one_waits_for_the_parts_of_one_that_was_killed),
        CASE(told_to_end_while_it_waits_it_ends),
        CASE(told_to_end_while_it_starts_it_ends_without_a_word_of_failure),
        CASE(killed_and_started_again_at_once_it_comes_up_each_time),
        CASE(what_leads_to_another_redis_or_kafka_is_not_used),
        CASE(the_demo_shows_a_result_for_every_event_and_ends),
        CASE(a_mistake_in_the_settings_is_told_with_its_line),
        CASE(a_pattern_of_topics_is_refused_at_once),
    };

    if (system("command -v redis-server curl pgrep script >/dev/null") != 0) {
        print_message("skipped: redis-server, curl, pgrep or script is not installed\n");
        return 77;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
