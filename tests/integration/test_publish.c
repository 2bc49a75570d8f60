/* cmibridge publish, the program itself. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/shell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT(id, type, subject, rest)                                                             \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/shop\",\"type\":\"" type             \
    "\",\"subject\":\"" subject "\"" rest "}\n"

#define CALLBACK                                                                                   \
    EVENT("1", "callback.requested", "callbacks/7",                                                \
          ",\"ext\":\"a\\u0062c\",\"n\":5,\"data\":{\"customerNumber\":\"0612345678\","            \
          "\"callbackQueueNumber\":\"153\"}")
#define REMARKS                                                                                    \
    EVENT("2", "contact.remarks.added", "contacts/7",                                              \
          ",\"partitionkey\":\"p\",\"datacontenttype\":\"text/plain\",\"data\":\"a \\u00e9\"")
#define CANCELLED EVENT("3", "message.cancelled", "messages/7", ",\"data\":null")
#define NO_QUEUE                                                                                   \
    EVENT("4", "callback.requested", "callbacks/8", ",\"data\":{\"customerNumber\":\"0612345678\"}")
#define NO_TYPE EVENT("5", "no.such.type", "callbacks/8", "")

static const char *const topic[] = {"contact-events"};

struct file {
    char path[64];
};

static struct file write_file(const char *text)
{
    struct file f = {.path = "/tmp/cmibridge-publish-XXXXXX"};
    int fd = mkstemp(f.path);
    FILE *file = fdopen(fd, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return f;
}

static int publish(const struct kafka_rig *rig, const char *options, const char *path,
                   const char **output)
{
    char arguments[512];

    snprintf(arguments, sizeof arguments, "publish %s %s", options, path);
    return kafka_rig_command(rig, "", arguments, output);
}

static const struct got *find(const struct reader *r, const char *header)
{
    for (size_t i = 0; i < r->count; i++)
        if (strstr(r->got[i].headers, header) != NULL)
            return &r->got[i];
    fail_msg("no record with %s", header);
    return r->got;
}

static void attributes_become_headers_and_data_the_value(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const struct got *got;
    const char *output;
    struct file file = write_file(CALLBACK "\n" REMARKS "   \n" CANCELLED);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 3);
    assert_int_equal(publish(&rig, "", file.path, &output), COMMAND_OK);
    assert_string_equal(output, "published 3 of 3\n");
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 3);
    got = find(&r, "ce_id=1\n");
    assert_string_equal(got->headers,
                        "ce_specversion=1.0\nce_id=1\nce_source=/shop\n"
                        "ce_type=callback.requested\nce_subject=callbacks/7\nce_ext=abc\nce_n=5\n"
                        "content-type=application/json\n");
    assert_string_equal(got->key, "callbacks/7");
    assert_string_equal(got->value,
                        "{\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\"}");
    got = find(&r, "ce_id=2\n");
    assert_string_equal(got->key, "p");
    assert_string_equal(got->value, "a \xc3\xa9");
    assert_non_null(strstr(got->headers, "content-type=text/plain\n"));
    assert_false(find(&r, "ce_id=3\n")->has_value);
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void structured_mode_sends_the_line_as_it_is(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    struct file file = write_file(CANCELLED);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    assert_int_equal(publish(&rig, "--structured --topic contact-events", file.path, &output),
                     COMMAND_OK);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 1);
    assert_string_equal(r.got[0].headers, "content-type=application/cloudevents+json\n");
    assert_int_equal(strncmp(r.got[0].value, CANCELLED, strlen(CANCELLED) - 1), 0);
    assert_string_equal(r.got[0].key, "messages/7");
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
}

/* What comes after the mistakes proves that nothing came before. */
static void a_file_with_mistakes_is_not_sent_at_all_and_all_are_told(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    struct file file = write_file(CALLBACK NO_QUEUE "{\"a\":\n" NO_TYPE REMARKS);
    struct file good = write_file(REMARKS);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    assert_int_equal(publish(&rig, "", file.path, &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "line 2: callback.requested: callbackQueueNumber is missing\n"));
    assert_non_null(strstr(output, "line 3: "));
    assert_non_null(strstr(output, "line 4: type 'no.such.type' is none"));
    assert_null(strstr(output, "line 1"));
    assert_null(strstr(output, "line 5"));
    assert_non_null(strstr(output, "nothing was sent\n"));
    assert_null(strstr(output, "0612345678"));
    assert_int_equal(publish(&rig, "", good.path, &output), COMMAND_OK);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 1);
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
    unlink(good.path);
}

/* What a record can't be made of is a mistake of the event, too, and told by --check. */
static void what_no_record_can_be_is_found_before_any_is_sent(void **state)
{
    static const char attribute[] =
        EVENT("4", "message.cancelled", "messages/7", ",\"ext\":{\"a\":1}");
    static const char named[] = EVENT("4", "message.cancelled", "messages/7", ",\"myExt\":\"a\"");
    static const char *const options[] = {"--check", "", "-X message.max.bytes=1000 --check",
                                          "-X message.max.bytes=1000"};
    char text[8192];
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    struct file file;
    struct file large;
    struct file good = write_file(REMARKS);

    (void)state;
    snprintf(text, sizeof text, "%s%s%s%s", CALLBACK, attribute, named, CANCELLED);
    file = write_file(text);
    snprintf(text, sizeof text,
             "%s" EVENT("4", "contact.remarks.added", "contacts/7",
                        ",\"datacontenttype\":\"text/plain\",\"data\":\"%01000d\"") CANCELLED,
             CALLBACK, 0);
    large = write_file(text);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    for (size_t i = 0; i < 4; i++) {
        const char *path = i < 2 ? file.path : large.path;

        assert_int_equal(publish(&rig, options[i], path, &output), COMMAND_FAILED);
        assert_non_null(strstr(output, i < 2 ? "line 2: the attribute ext is no plain value\n"
                                             : "line 2: the record has 1"));
        assert_true((strstr(output, "line 3: the attribute 'myExt' must") != NULL) == (i < 2));
        assert_null(strstr(output, "line 1"));
        assert_null(strstr(output, "line 4"));
        assert_null(strstr(output, "every event is good"));
        assert_true((strstr(output, "nothing was sent\n") != NULL) == (i % 2 == 1));
    }
    assert_int_equal(publish(&rig, "--check", large.path, &output), COMMAND_OK);
    assert_int_equal(publish(&rig, "--structured --check", file.path, &output), COMMAND_OK);
    assert_int_equal(publish(&rig, "", good.path, &output), COMMAND_OK);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 1);
    assert_non_null(strstr(r.got[0].headers, "ce_id=2\n")); /* and nothing before it */
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
    unlink(large.path);
    unlink(good.path);
}

static void a_pipe_is_sent_up_to_the_mistake(void **state)
{
    struct kafka_rig rig;
    const char *output;
    char before[128];
    struct file file = write_file(CALLBACK REMARKS NO_QUEUE CANCELLED);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    snprintf(before, sizeof before, "cat %s |", file.path);
    assert_int_equal(kafka_rig_command(&rig, before, "publish", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "line 3: callback.requested"));
    assert_non_null(strstr(output, "published 2 of 2\n"));
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void many_events_and_a_prefix_are_no_trouble(void **state)
{
    static char text[400000];
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    size_t n = 0;
    struct file file;

    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        n +=
            (size_t)snprintf(text + n, sizeof text - n,
                             EVENT("%u", "com.example.message.cancelled", "messages/%u", ""), i, i);
    file = write_file(text);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 4);
    assert_int_equal(publish(&rig, "--type-prefix com.example.", file.path, &output), COMMAND_OK);
    assert_string_equal(output, "published 2000 of 2000\n");
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2000);
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void a_file_without_an_event_is_said_to_be_that(void **state)
{
    struct kafka_rig rig;
    const char *output;
    struct file file = write_file("\n");

    (void)state;
    kafka_rig_start(&rig, 1);
    assert_int_equal(publish(&rig, "", file.path, &output), COMMAND_OK);
    assert_non_null(strstr(output, "publish: there was no event in /tmp/cmibridge-publish-"));
    assert_non_null(strstr(output, "published 0 of 0\n"));
    assert_int_equal(kafka_rig_command(&rig, "printf '' |", "publish", &output), COMMAND_OK);
    assert_non_null(strstr(output, "publish: there was no event in the input\n"));
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void what_is_refused_is_a_failure(void **state)
{
    struct kafka_rig rig;
    const char *output;
    struct file file;

    (void)state;
    broker_embedded_only("this Apache Kafka lets everybody write");
    file = write_file(CALLBACK);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    /* 29: TOPIC_AUTHORIZATION_FAILED */
    broker_fail(rig.broker, KAFKA_REQUEST_PRODUCE, 29, 1);
    assert_int_equal(publish(&rig, "", file.path, &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "line 1: Broker: Topic authorization failed\n"));
    assert_non_null(strstr(output, "published 0 of 1\n"));
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void what_is_not_acknowledged_in_time_is_a_failure(void **state)
{
    struct kafka_rig rig;
    const char *output;
    struct file file = write_file(CALLBACK);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    broker_down(rig.broker, SIGKILL);
    assert_int_equal(publish(&rig, "--timeout 1s", file.path, &output), COMMAND_UNAVAILABLE);
    broker_up(rig.broker);
    kafka_rig_stop(&rig);
    unlink(file.path);
}

/* What others have read of standard input is none of ours, and nothing is sent unchecked. */
static void standard_input_is_read_from_where_it_stands(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    char before[128];
    struct file headed = write_file("a header\n" REMARKS CANCELLED);
    struct file faulty = write_file("a header\n" REMARKS NO_TYPE);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    snprintf(before, sizeof before, "exec <%s; read -r header;", headed.path);
    assert_int_equal(kafka_rig_command(&rig, before, "publish", &output), COMMAND_OK);
    assert_string_equal(output, "published 2 of 2\n");
    snprintf(before, sizeof before, "exec <%s; read -r header;", faulty.path);
    assert_int_equal(kafka_rig_command(&rig, before, "publish", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "line 2: type 'no.such.type' is none"));
    assert_non_null(strstr(output, "nothing was sent\n"));
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(headed.path);
    unlink(faulty.path);
}

static void a_long_line_and_one_without_an_end_come_through_a_pipe(void **state)
{
    static const char before_data[] =
        "{\"specversion\":\"1.0\",\"id\":\"6\",\"source\":\"/shop\",\"type\":"
        "\"contact.remarks.added\",\"subject\":\"contacts/7\",\"data\":";
    static char text[400000];
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    char before[128];
    struct file file;

    (void)state;
    memset(text, ' ', 300000);
    memcpy(text, before_data, strlen(before_data));
    snprintf(text + 300000, sizeof text - 300000, "\"a\"}\n%s", CANCELLED);
    text[strlen(text) - 1] = '\0';
    file = write_file(text);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    snprintf(before, sizeof before, "cat %s |", file.path);
    assert_int_equal(kafka_rig_command(&rig, before, "publish", &output), COMMAND_OK);
    assert_string_equal(output, "published 2 of 2\n");
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    (void)find(&r, "ce_id=6\n");
    (void)find(&r, "ce_id=3\n");
    reader_done(&r);
    kafka_rig_stop(&rig);
    unlink(file.path);
}

static void a_check_needs_no_brokers(void **state)
{
    struct file file = write_file(CALLBACK NO_QUEUE);
    struct buf said;
    char line[256];

    (void)state;
    buf_init(&said, 4096);
    snprintf(line, sizeof line, "\"$CMIBRIDGE_BIN\" publish --check %s 2>&1", file.path);
    assert_int_equal(shell_run(line, &said), COMMAND_FAILED);
    assert_non_null(strstr(said.p, "line 2: "));
    assert_null(strstr(said.p, "brokers"));
    snprintf(line, sizeof line, "head -1 %s | \"$CMIBRIDGE_BIN\" publish --check", file.path);
    assert_int_equal(shell_run(line, &said), COMMAND_OK);
    assert_string_equal(said.p, "every event is good\n");
    snprintf(line, sizeof line, "\"$CMIBRIDGE_BIN\" publish %s 2>&1", file.path);
    assert_int_equal(shell_run(line, &said), COMMAND_CONFIG);
    assert_non_null(strstr(said.p, "kafka.brokers is missing"));
    buf_done(&said);
    unlink(file.path);
}

/* publish at the end of a pipe that stays open. */
struct running {
    pid_t pid;
    int input;
    int output;
};

static struct running start(const struct kafka_rig *rig, const char *timeout)
{
    struct running r;
    int in[2];
    int out[2];

    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    r.pid = fork();
    assert_true(r.pid >= 0);
    if (r.pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(out[1], STDERR_FILENO);
        (void)close(in[0]);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)close(out[1]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(getenv("CMIBRIDGE_BIN"), "cmibridge", "publish", "-b", rig->address, "--timeout",
              timeout, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    r.input = in[1];
    r.output = out[0];
    return r;
}

static void put(const struct running *r, const char *text)
{
    assert_int_equal(write(r->input, text, strlen(text)), strlen(text));
}

/* Until all but the last page of blank lines, which the pipe holds, has been read. */
static void put_and_await(const struct running *r, const char *text)
{
    char page[4097];

    memset(page, '\n', sizeof page - 1);
    page[sizeof page - 1] = '\0';
    assert_true(fcntl(r->input, F_SETPIPE_SZ, 4096) == 4096);
    put(r, text);
    put(r, page);
}

/* What it says up to this, or to its end. */
static void await_said(const struct running *r, const char *text, char *said, size_t size)
{
    size_t n = strlen(said);
    ssize_t more;

    while ((text == NULL || strstr(said, text) == NULL) &&
           (more = read(r->output, said + n, size - n - 1)) > 0) {
        n += (size_t)more;
        said[n] = '\0';
    }
    if (text != NULL && strstr(said, text) == NULL)
        fail_msg("it does not say '%s' but:\n%s", text, said);
}

static int end(struct running *r, char *said, size_t size)
{
    int status = 0;

    await_said(r, NULL, said, size);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    close(r->input);
    close(r->output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_comes_through_a_pipe_is_sent_at_once(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kafka_rig rig;
        struct reader r = {.rig = NULL};
        struct kafka_conf conf;
        struct running p;
        char said[1024] = "";

        kafka_rig_start(&rig, 1);
        kafka_rig_topic(&rig, topic[0], 1);
        conf = kafka_rig_conf(&rig, topic);
        reader_start(&r, &rig, &conf);
        p = start(&rig, "30s");
        put(&p, CALLBACK);
        reader_await(&r, 1);
        put(&p, REMARKS "{\"specversion");
        reader_await(&r, 2);
        assert_int_equal(kill(p.pid, signals[i]), 0);
        assert_int_equal(end(&p, said, sizeof said), 128 + signals[i]);
        assert_non_null(strstr(said, "cmibridge publish: told to end before line 3\n"));
        assert_non_null(strstr(said, "\npublished 2 of 2\n"));
        reader_done(&r);
        kafka_rig_stop(&rig);
    }
}

static void what_was_read_before_a_signal_is_sent_and_counted(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    struct running p;
    char said[4096] = "";

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    broker_down(rig.broker, SIGKILL);
    p = start(&rig, "1d");
    put_and_await(&p, CALLBACK REMARKS);
    assert_int_equal(kill(p.pid, SIGTERM), 0);
    await_said(&p, "once more ends it at once\n", said, sizeof said);
    broker_up(rig.broker);
    assert_int_equal(end(&p, said, sizeof said), 128 + SIGTERM);
    assert_non_null(strstr(said, "published 2 of 2\n"));
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void a_second_signal_ends_it_and_tells_what_was_not_acknowledged(void **state)
{
    struct kafka_rig rig;
    struct running p;
    char said[4096] = "";
    int code;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    broker_down(rig.broker, SIGKILL);
    p = start(&rig, "1d");
    put_and_await(&p, CALLBACK REMARKS);
    assert_int_equal(kill(p.pid, SIGINT), 0);
    await_said(&p, "once more ends it at once\n", said, sizeof said);
    assert_int_equal(kill(p.pid, SIGINT), 0);
    code = end(&p, said, sizeof said); /* by whether it has noticed yet that no broker answers */
    assert_true(code == COMMAND_UNAVAILABLE || code == COMMAND_FAILED);
    assert_non_null(strstr(said, "published 0 of 2\n"));
    broker_up(rig.broker);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_become_headers_and_data_the_value),
        cmocka_unit_test(structured_mode_sends_the_line_as_it_is),
        cmocka_unit_test(a_file_with_mistakes_is_not_sent_at_all_and_all_are_told),
        cmocka_unit_test(a_check_needs_no_brokers),
        cmocka_unit_test(what_no_record_can_be_is_found_before_any_is_sent),
        cmocka_unit_test(a_pipe_is_sent_up_to_the_mistake),
        cmocka_unit_test(many_events_and_a_prefix_are_no_trouble),
        cmocka_unit_test(a_file_without_an_event_is_said_to_be_that),
        cmocka_unit_test(what_is_refused_is_a_failure),
        cmocka_unit_test(what_is_not_acknowledged_in_time_is_a_failure),
        cmocka_unit_test(standard_input_is_read_from_where_it_stands),
        cmocka_unit_test(a_long_line_and_one_without_an_end_come_through_a_pipe),
        cmocka_unit_test(what_comes_through_a_pipe_is_sent_at_once),
        cmocka_unit_test(what_was_read_before_a_signal_is_sent_and_counted),
        cmocka_unit_test(a_second_signal_ends_it_and_tells_what_was_not_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
