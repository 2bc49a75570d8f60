/* cmibridge schedule and a token server that does not answer: who waits for it, and who does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"

#include <stdio.h>

static struct send_rig rig; /* too much for the stack */

#define SIGNS_ON                                                                                   \
    "auth: oauth2, token_url: 'http://127.0.0.1:%d/token', user: us, password: a-password"

/* Its request would be waited for two minutes. */
static void a_token_server_that_hangs_keeps_no_other_channel_waiting(void **state)
{
    struct hostile_http *server = hostile_http_start();
    char more[512];

    (void)state;
    hostile_http_default(server, (struct hostile_step){.act = HOSTILE_SILENCE});
    (void)snprintf(more, sizeof more,
                   "channels.slow: {type: webhook, url: 'http://127.0.0.1:9', timeout: 2min,\n"
                   "        " SIGNS_ON "}\n",
                   hostile_http_port(server));
    send_rig_start_as(&rig, &(struct send_rig_options){.more = more});
    (void)send_rig_post(&rig, 10, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 10);
    send_rig_expect_ready(&rig, 1, 503, "channel slow has no token: it is being fetched\n");
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(server);
}

/* Nothing of it was handed to the gateway, so their only attempt is still theirs. */
static void what_waits_for_its_token_loses_no_attempt(void **state)
{
    static const struct hostile_step first = {.act = HOSTILE_SILENCE};
    struct hostile_http *server = hostile_http_start();
    char channel[512];

    (void)state;
    hostile_http_script(server, &first, 1);
    hostile_http_default(
        server, (struct hostile_step){.act = HOSTILE_REPLY,
                                      .status = 200,
                                      .headers = "Content-Type: application/json\r\n",
                                      .body = "{\"access_token\":\"t-1\",\"expires_in\":3600}"});
    (void)snprintf(channel, sizeof channel, SIGNS_ON, hostile_http_port(server));
    send_rig_start_as(&rig, &(struct send_rig_options){.channel = channel});
    (void)send_rig_post(&rig, 10, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 10);
    send_rig_check(&rig);
    send_rig_expect_ready(&rig, 1, 200, "");
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_server_that_hangs_keeps_no_other_channel_waiting),
        cmocka_unit_test(what_waits_for_its_token_loses_no_attempt),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
