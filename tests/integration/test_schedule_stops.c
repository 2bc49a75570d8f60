/* What stops sending: a consent that is withdrawn while a message is out. `cmibridge schedule` as
 * its users run it, on a real Redis and Kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MS 1000 /* the carrier's */

static struct send_rig rig; /* too much for the stack */
static struct kafka_broker *kafka;
static unsigned rig_number;

static bool is_withdrawn(struct send_rig *r)
{
    return r->withdrawals > 0;
}

static void withdraw(const char *address)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":false}", address);
    serve_expect(&rig.serve, "POST", "/customerConsents", "", body, 204, "");
}

/* What was out is listed; what was not, is not sent; what has ended is listed no more. */
static void a_withdrawn_consent_lists_what_had_been_handed_over(void **state)
{
    char expected[256];

    (void)state;
    send_rig_start(&rig, kafka, rig_number++, ANSWER_MS);
    (void)send_rig_post_whatsapp(&rig, 1, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, 1); /* the carrier has it, and has not answered */
    withdraw("+35840001000");
    send_rig_until_outcomes(&rig, is_withdrawn);
    (void)snprintf(expected, sizeof expected,
                   "{\"usage\":\"whatsapp\",\"address\":\"+35840001000\",\"destinations\":"
                   "[{\"message\":\"%s\",\"destination\":0}]}",
                   rig.messages[0].id);
    assert_memory_equal(rig.overtaken, expected, strlen(expected));
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 1);

    serve_expect(&rig.serve, "DELETE", "/customerConsents/whatsapp_35840001000", "", NULL, 204, "");
    withdraw("+35840001000"); /* nothing is out */
    withdraw("+35840011000");
    (void)send_rig_post_whatsapp(&rig, 1, 0);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[1].handled, 0);
    assert_int_equal(rig.withdrawals, 1);
    send_rig_until_lines(&rig, 1);
    assert_int_equal(rig.lines, 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_consent_lists_what_had_been_handed_over),
    };
    struct fault f = {0};
    int failed;

    redis_server_need();
    kafka = kafka_broker_start(1, &f);
    if (kafka == NULL) {
        fprintf(stderr, "%s\n", f.text);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    kafka_broker_stop(kafka);
    return failed;
}
