/*
 * A process whose own way to a gateway is broken, beside one whose way is well: it leaves what is
 * due to the other, however long it does not try by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct send_rig rig; /* too much for the stack */

/* Nobody listens there while the socket is open. */
static int deaf(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void stop(unsigned which)
{
    int status = 0;

    assert_int_equal(kill(rig.schedule[which], SIGSTOP), 0);
    assert_int_equal(waitpid(rig.schedule[which], &status, WUNTRACED), rig.schedule[which]);
}

/* Its breaker would stay open for longer than the test waits. */
static void who_reaches_nobody_leaves_all_to_the_other(void **state)
{
    unsigned port = 0;
    int fd = deaf(&port);
    char rest[16];

    (void)state;
    send_rig_start(&rig, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "event=started", 1, rest, sizeof rest);
    stop(0);
    (void)send_rig_post(&rig, 1, 0);
    (void)send_rig_post(&rig, 3000, 0);
    send_rig_gateway(&rig, port, "{open_min: 1h, open_max: 1h}");
    send_rig_run(&rig, 1, NULL);
    send_rig_await_log(&rig, "state=open", 1, rest, sizeof rest);
    assert_int_equal(kill(rig.schedule[0], SIGCONT), 0);
    (void)send_rig_post(&rig, SEND_RIG_DEST_MAX, 0);
    (void)send_rig_post(&rig, 1, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_expect_ready(&rig, 2, 503, "channel out ");
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reaches_nobody_leaves_all_to_the_other),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
