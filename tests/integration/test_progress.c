/* What `publish` and `dlq replay` draw on a terminal: a bar that fills, and is gone when the
 * sentence comes. In a pipe they draw nothing (test_publish, test_dlq). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/dlq_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 8
#define FULL   "[########################################] 100%"
#define HALF   "[####################                    ]  50%"
#define WIPED  "\r\033[K"

/* As a person sees it; in `said`, until the next call. */
static void on_a_terminal(const struct kafka_rig *rig, const char *arguments, struct buf *said)
{
    char line[512];

    snprintf(line, sizeof line,
             "script -qec \"'$CMIBRIDGE_BIN' %s -b %s -X fetch.wait.max.ms=10\" /dev/null",
             arguments, rig->address);
    assert_int_equal(shell_run(line, said), COMMAND_OK);
}

/* In this order. */
static void expect_drawn(const struct buf *said, const char *const *pieces)
{
    const char *at = said->p;

    for (; *pieces != NULL; pieces++) {
        at = strstr(at, *pieces);
        if (at == NULL)
            fail_msg("'%s' is not there, or too early, in: %s", *pieces, said->p);
        at += strlen(*pieces);
    }
}

static void publish_shows_how_much_is_checked_and_published(void **state)
{
    static const char *const drawn[] = {"\rchecked " HALF,
                                        "\rchecked " FULL,
                                        WIPED,
                                        "\rpublished " HALF,
                                        "\rpublished " FULL,
                                        WIPED,
                                        "published 8 of 8",
                                        NULL};
    char path[] = "/tmp/cmibridge-progress-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    char arguments[64];
    struct kafka_rig rig;
    struct buf said;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < EVENTS; i++) /* lines of one length */
        fprintf(file,
                "{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/shop\",\"type\":"
                "\"message.cancelled\",\"subject\":\"messages/7\",\"data\":null}\n",
                i);
    assert_int_equal(fclose(file), 0);
    buf_init(&said, 1 << 16);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, DLQ_RIG_EVENTS, 1);
    snprintf(arguments, sizeof arguments, "publish %s", path);
    on_a_terminal(&rig, arguments, &said);
    expect_drawn(&said, drawn);
    kafka_rig_stop(&rig);
    buf_done(&said);
    assert_int_equal(unlink(path), 0);
}

static void a_replay_shows_how_many_are_back(void **state)
{
    static const char *const drawn[] = {"\rreplayed [", "\rreplayed " FULL, WIPED,
                                        "replayed 8 of 8; passed over", NULL};
    struct kafka_rig rig;
    struct buf said;

    (void)state;
    buf_init(&said, 1 << 16);
    dlq_rig_start(&rig);
    for (int i = 0; i < EVENTS; i++) {
        char id[16];
        char offset[16];

        snprintf(id, sizeof id, "e%d", i);
        snprintf(offset, sizeof offset, "%d", i);
        dlq_rig_bury(&rig, &(struct dlq_rig_letter){.id = id,
                                                    .subject = "messages/1",
                                                    .type = "message.requested",
                                                    .disposition = "refused",
                                                    .offset = offset,
                                                    .time = "2026-05-04T12:00:00Z"});
    }
    kafka_rig_flush(&rig);
    on_a_terminal(&rig, "dlq replay", &said);
    expect_drawn(&said, drawn);
    kafka_rig_stop(&rig);
    buf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_shows_how_much_is_checked_and_published),
        cmocka_unit_test(a_replay_shows_how_many_are_back),
    };

    if (system("command -v script >/dev/null") != 0) {
        print_message("skipped: script is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
