/* `cmibridge campaign` on what a real serve has put into a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 65536

static struct serve_rig rig;
static char output[OUTPUT_MAX];
static char id[33];

/* Runs it with this rig's configuration: its exit code, and what it printed in `output`. */
static int campaign(const char *verb, const char *what, const char *option)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    size_t n = 0;
    int fds[2];
    int status = 0;
    pid_t pid;

    assert_non_null(binary);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *args[] = {binary, "campaign", verb, "--config", rig.config, NULL, NULL, NULL};
        char *argv[8] = {NULL};
        size_t count = 5;

        if (option != NULL)
            args[count++] = option;
        if (what != NULL)
            args[count++] = what;
        for (size_t i = 0; i < count; i++)
            argv[i] = strdup(args[i]);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        execv(binary, argv);
        _exit(127);
    }
    close(fds[1]);
    for (;;) {
        ssize_t got = read(fds[0], output + n, sizeof output - 1 - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    output[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says(const char *text)
{
    if (strstr(output, text) == NULL)
        fail_msg("\"%s\" is not in what campaign printed: %s", text, output);
}

static void lacks(const char *text)
{
    if (strstr(output, text) != NULL)
        fail_msg("\"%s\" is in what campaign printed: %s", text, output);
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "channels.gate: {type: webhook, url: 'http://127.0.0.1:9'}\n"
                          "chats.queues.desk: {id: A0000000000000000000000000000001, name: Desk,\n"
                          "  address: desk@sms.example.com, channel: sms, via: gate}\n");
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":"
                 "[{\"address\":\"+358401\"},{\"address\":\"=1+\\\"1\\\"\"},"
                 "{\"address\":\"+358401\"},{\"address\":\"+358 40 123\"},"
                 "{\"address\":\"+1-2+cmd|' /C calc'!A0\"},{\"address\":\"\\u001b[31m\"}]}",
                 id);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static void list_and_show_count_each_destination_once(void **state)
{
    (void)state;
    assert_int_equal(campaign("list", NULL, NULL), 0);
    says(id);
    says("scheduled");
    assert_int_equal(campaign("list", NULL, "--json"), 0);
    says("\"state\":\"scheduled\"");
    says("\"destinations\":5,\"handled\":0,\"failed\":0,\"cancelled\":0,\"waiting\":5");
    says("\"sendTime\":\"2035-03-04T12:00:00.000Z\"");
    assert_int_equal(campaign("show", id, NULL), 0);
    says("12345678@sms.social365.com (sms)");
    says("6, at least 300 s apart");
}

static void pause_and_resume_are_seen_and_can_be_repeated(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(campaign("pause", id, NULL), 0);
        says("paused");
    }
    assert_int_equal(campaign("show", id, NULL), 0);
    says("paused");
    assert_int_equal(campaign("resume", id, NULL), 0);
    says("scheduled");
}

static void missed_is_csv_with_whole_addresses(void **state)
{
    (void)state;
    assert_int_equal(campaign("missed", id, NULL), 0);
    says("address,status,attempts,reason,provider_id\r\n\"+358401\",ADDED,0,\"\",\"\"\r\n");
    says("\"'=1+\"\"1\"\"\",ADDED,0,\"\",\"\"\r\n");
    says("\r\n\"+358 40 123\",ADDED");
    says("\r\n\"'+1-2+cmd|' /C calc'!A0\",ADDED");
    says("\r\n\"?[31m\",ADDED");
    says("5 of 5 not reached, some of them not yet");
}

/* Runs it with its streams as the shell makes them; `output` is what it printed to them. */
static int campaign_in_shell(const char *before, const char *verb, const char *what,
                             const char *streams)
{
    char command[1024];
    struct buf printed;
    int code;

    buf_init(&printed, OUTPUT_MAX);
    (void)snprintf(command, sizeof command, "%s '%s' campaign %s --config '%s' %s %s", before,
                   getenv("CMIBRIDGE_BIN"), verb, rig.config, what, streams);
    code = shell_run(command, &printed);
    view_copy(buf_view(&printed), output, sizeof output);
    buf_done(&printed);
    return code;
}

#define MANY 2000 /* lines, far more than stdio keeps back */

static void whoever_has_read_enough_hears_no_more(void **state)
{
    static const char head[] = "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                               "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\","
                               "\"destinations\":[{\"address\":\"+358401\"}";
    char broken[512]; /* 4 is a pipe that nobody reads any more */
    char many[33];
    struct buf body;

    (void)state;
    buf_init(&body, MANY * 64);
    buf_put_text(&body, head);
    for (int i = 0; i < MANY; i++)
        buf_printf(&body, ",{\"address\":\"+35850%06d\"}", i);
    buf_put_text(&body, "]}");
    serve_create(&rig, "/messages", "", buf_text(&body), many);
    buf_done(&body);
    (void)snprintf(broken, sizeof broken, "p='%s.pipe'; mkfifo $p; exec 3<>$p 4>$p 3<&-; rm $p;",
                   rig.config);
    assert_int_equal(campaign_in_shell(broken, "missed", many, "2>&1 >&4"), 0);
    assert_string_equal(output, "");
    assert_int_equal(campaign_in_shell("", "missed", many, "2>&1 >/dev/full"), 1);
    assert_string_equal(output, "cmibridge: standard output could not be written\n");
    assert_int_equal(campaign_in_shell("", "missed", id, "2>&1 >/dev/full"), 1);
    says("standard output could not be written: No space left on device");
}

static void a_stream_that_was_closed_is_nobody_s(void **state)
{
    (void)state;
    assert_int_equal(campaign_in_shell("", "list", "", "<&-"), 0);
    says(id);
    assert_int_equal(campaign_in_shell("", "list", "", "2>&-"), 0);
    says(id);
    assert_int_equal(campaign_in_shell("", "list", "", "2>&1 >&-"), 1);
    says("standard output could not be written: Bad file descriptor");
    assert_int_equal(campaign_in_shell("", "list", "", "<&- >&- 2>&-"), 1);
}

static void cancel_does_what_delete_does(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/messages/%s", id);
    assert_int_equal(campaign("cancel", id, NULL), 0);
    says("cancelled");
    says("waiting        0");
    serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
    serve_expect(&rig, "DELETE", path, "", NULL, 404, NULL);
    assert_int_equal(campaign("cancel", id, NULL), 1);
    says("cancelled already");
    assert_int_equal(campaign("list", NULL, NULL), 0);
    lacks(id);
    assert_int_equal(campaign("pause", id, NULL), 1);
    says("it is cancelled; there is nothing to pause");
}

static const char *ask(const char *verb, const char *name, const char *of, const char *rest)
{
    char key[SHARD_KEY_MAX];
    char command[256];

    shard_key(shard_of(view_of(of)), name, name[0] == 'm' ? view_of(of) : VIEW_NONE, key);
    (void)snprintf(command, sizeof command, "%s %s %s", verb, key, rest);
    return redis_server_ask(rig.redis, command);
}

/* Whoever takes away what is too old has looked at it. */
static void let_age(const char *of)
{
    char purge[32];
    char soon[64];

    (void)snprintf(purge, sizeof purge, "%s", ask("HGET", "m", of, "purge"));
    (void)snprintf(soon, sizeof soon, "1 %s", of);
    assert_string_equal(ask("ZADD", "gc", of, soon), ":0");
    for (int i = 0; strcmp(ask("ZSCORE", "gc", of, of), purge) != 0; i++) {
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
}

static void whom_a_cancelled_one_has_missed_is_told_at_any_later_time(void **state)
{
    char *at_once;

    (void)state;
    assert_int_equal(campaign("missed", id, NULL), 0);
    says("5 of 5 not reached");
    says("\"+358401\",CANCELLED,0");
    at_once = strdup(output);
    let_age(id);
    assert_int_equal(campaign("missed", id, NULL), 0);
    assert_string_equal(output, at_once);
    free(at_once);
    assert_string_equal(ask("HDEL", "m", id, "c0"), ":1");
    assert_string_equal(ask("HSET", "m", id, "C 0"), ":0"); /* as while it is taken away */
    assert_int_equal(campaign("missed", id, NULL), 1);
    says("of 5 of 5 destinations the addresses are gone from the store");
}

/* As a person sees it. */
static void expect_bar(const char *of, int columns, const char *bar)
{
    char command[512];
    struct buf printed;

    buf_init(&printed, OUTPUT_MAX);
    (void)snprintf(command, sizeof command,
                   "script -qec \"stty cols %d; '%s' campaign show --config '%s' %s\" /dev/null",
                   columns, getenv("CMIBRIDGE_BIN"), rig.config, of);
    assert_int_equal(shell_run(command, &printed), 0);
    view_copy(buf_view(&printed), output, sizeof output);
    buf_done(&printed);
    says(bar);
}

static void the_bar_says_what_has_ended_and_what_was_reached(void **state)
{
    char ended[33];

    (void)state;
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":"
                 "[{\"address\":\"+358401\"},{\"address\":\"+358402\"},"
                 "{\"address\":\"+358403\"},{\"address\":\"+358404\"}]}",
                 ended);
    assert_string_equal(ask("HSET", "m", ended, "st 2 dead 3 ok 1"), ":2");
    expect_bar(ended, 80, "\rdone [########################################] 100%, reached 25%\r");
    lacks("reached [");
    /* What is wider than the line would begin a new one at each step. */
    expect_bar(ended, 40, "\rdone [##############] 100%, reached 25%\r");
    expect_bar(ended, 24, "\rdone 100%, reached 25%\r");
    expect_bar(ended, 12, "\rdone 100%\r");
    expect_bar(ended, 4, "\rdon\r");
    expect_bar(ended, 0, "\rdone [########################################] 100%, reached 25%\r");
}

/* More of what it shows, at the end of `output`; false: it has shown all. */
static bool read_terminal(FILE *terminal)
{
    struct pollfd p = {.fd = fileno(terminal), .events = POLLIN};
    size_t n = strlen(output);
    ssize_t got;

    if (poll(&p, 1, PROBE_PATIENCE_MS) != 1)
        fail_msg("the terminal shows nothing more after: %s", output);
    got = read(p.fd, output + n, sizeof output - 1 - n);
    if (got <= 0)
        return false;
    output[n + (size_t)got] = '\0';
    return true;
}

/* `output` begins behind it then. */
static void await_shown(FILE *terminal, const char *text)
{
    const char *at;

    while ((at = strstr(output, text)) == NULL)
        if (!read_terminal(terminal))
            fail_msg("the terminal has not shown \"%s\" after that: %s", text, output);
    at += strlen(text);
    memmove(output, at, strlen(at) + 1);
}

static void the_bar_follows_until_all_has_ended(void **state)
{
    char command[512];
    char on[33];
    FILE *terminal;

    (void)state;
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":"
                 "[{\"address\":\"+358401\"},{\"address\":\"+358402\"},"
                 "{\"address\":\"+358403\"},{\"address\":\"+358404\"}]}",
                 on);
    (void)snprintf(command, sizeof command,
                   "script -qec \"'%s' campaign show --config '%s' %s\" /dev/null",
                   getenv("CMIBRIDGE_BIN"), rig.config, on);
    terminal = popen(command, "r");
    assert_non_null(terminal);
    output[0] = '\0';
    await_shown(terminal, "]   0%, reached 0%");
    assert_string_equal(ask("HSET", "m", on, "ok 1"), ":1");
    await_shown(terminal, "]  25%, reached 25%");
    assert_string_equal(ask("HSET", "m", on, "dead 2"), ":1");
    await_shown(terminal, "]  75%, reached 25%");
    assert_string_equal(ask("HSET", "m", on, "ok 2 st 2"), ":0");
    await_shown(terminal, "] 100%, reached 50%");
    await_shown(terminal, "state          completed");
    await_shown(terminal, "waiting        0");
    while (read_terminal(terminal))
        continue;
    assert_int_equal(pclose(terminal), 0);
}

static void one_that_has_ended_is_not_cancelled(void **state)
{
    char ended[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":"
                 "[{\"address\":\"+358401\"}]}",
                 ended);
    assert_string_equal(ask("HSET", "m", ended, "st 2 dead 1"), ":1");
    assert_int_equal(campaign("cancel", ended, NULL), 1);
    says("it is completed already; there is nothing to cancel");
    (void)snprintf(path, sizeof path, "/messages/%s", ended);
    serve_expect(&rig, "GET", path, "", NULL, 200, NULL);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

#define LINE "{\"message\":\"m\",\"originator\":\"d\"}"

/* It is not paused, and can't be: it goes when the one before it has. */
static void a_chat_s_message_that_waits_for_its_turn_is_said_to(void **state)
{
    char chat[33];
    char first[GUID_TEXT_MAX];
    char second[GUID_TEXT_MAX];

    (void)state;
    serve_create(&rig, "/chats", "",
                 "{\"originator\":\"d\",\"destination\":\"+358401\",\"from_queue\":{\"id\":"
                 "\"A0000000000000000000000000000001\",\"name\":\"x\"},\"title\":\"\","
                 "\"channel_type\":\"chatout\",\"channel_sub_type\":\"sms\",\"transcript\":"
                 "{\"messages\":[" LINE "," LINE "]}}",
                 chat);
    serve_chat_line(chat, 0, first);
    serve_chat_line(chat, 1, second);
    assert_int_equal(campaign("show", second, NULL), 0);
    says("behind");
    says(first);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(campaign(i == 0 ? "pause" : "resume", second, NULL), 1);
        says("it waits for the message before it in its chat, ");
        says(first);
        says(i == 0 ? "pause that one" : "resume that one");
    }
    assert_int_equal(campaign("pause", first, NULL), 0);
    says("paused");
    serve_lacks(&rig, "/messages", second);
    assert_int_equal(campaign("list", NULL, NULL), 0);
    says(first);
    says(second);
    says(" (chat)");
    assert_int_equal(campaign("list", NULL, "--json"), 0);
    says("\"chat\":true");
}

/* As claim.lua leaves one that can't be sent from yet, by its sender's hours or rate: first none of
 * it is out, then a part. */
static void one_that_rests_says_until_when(void **state)
{
    char resting[33];
    char member[64];

    (void)state;
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"destinations\":[{\"address\":\"+358401\"}]}",
                 resting);
    assert_int_equal(campaign("show", resting, "--json"), 0);
    says("\"state\":\"sending\"");
    assert_string_equal(ask("HSET", "m", resting, "pk 2056622400000"), ":1");
    assert_int_equal(campaign("show", resting, "--json"), 0);
    says("\"state\":\"resting\"");
    says("\"next\":\"2035-03-04T12:00:00.000Z\"");
    assert_int_equal(campaign("show", resting, NULL), 0);
    says("state          resting");
    says("next attempt   2035-03-04T12:00:00.000Z");
    (void)snprintf(member, sizeof member, "2056622400000 %s/0", resting);
    assert_string_equal(ask("ZADD", "lease", resting, member), ":1");
    assert_int_equal(campaign("show", resting, "--json"), 0);
    says("\"state\":\"sending\"");
    says("\"next\":\"2035-03-04T12:00:00.000Z\"");
}

static void what_makes_no_sense_is_said(void **state)
{
    (void)state;
    assert_int_equal(campaign("show", "12", NULL), 2);
    says("'12' is no id of a message");
    assert_int_equal(campaign("show", "00000000000000000000000000000000", NULL), 1);
    says("there is no message 00000000000000000000000000000000");
    assert_int_equal(campaign("show", NULL, NULL), 2);
    assert_int_equal(campaign("list", NULL, "--limit=0"), 2);
    says("--limit takes a number from 1 to 10000");
    assert_int_equal(campaign("sing", NULL, NULL), 2);
}

static void without_redis_it_says_so(void **state)
{
    (void)state;
    redis_server_kill(rig.redis);
    assert_int_equal(campaign("list", NULL, NULL), 4);
    says("cmibridge campaign: Redis at unix:");
    redis_server_restart(rig.redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_and_show_count_each_destination_once),
        cmocka_unit_test(pause_and_resume_are_seen_and_can_be_repeated),
        cmocka_unit_test(missed_is_csv_with_whole_addresses),
        cmocka_unit_test(whoever_has_read_enough_hears_no_more),
        cmocka_unit_test(a_stream_that_was_closed_is_nobody_s),
        cmocka_unit_test(cancel_does_what_delete_does),
        cmocka_unit_test(whom_a_cancelled_one_has_missed_is_told_at_any_later_time),
        cmocka_unit_test(one_that_has_ended_is_not_cancelled),
        cmocka_unit_test(the_bar_says_what_has_ended_and_what_was_reached),
        cmocka_unit_test(the_bar_follows_until_all_has_ended),
        cmocka_unit_test(a_chat_s_message_that_waits_for_its_turn_is_said_to),
        cmocka_unit_test(one_that_rests_says_until_when),
        cmocka_unit_test(what_makes_no_sense_is_said),
        cmocka_unit_test(without_redis_it_says_so),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
