/* `cmibridge erase`: consents, and what the gate keeps, of every address that holds the person's,
 * however it is spelled, on one Redis and on a cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "tests/fakes/erase_rig.h"
#include "tests/fakes/redis_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIL "sam.i.am@greeneggs.ham"

static const char *const numbers[] = {
    "+" DIGITS,          "00358 40 765-4321",           "+" DIGITS "\\n",
    "tel:+" DIGITS,      "sip:+" DIGITS "@pbx.example", "+" DIGITS ",+3585",
    "(+358) 40/7654321", "+" DIGITS ";ext=1",           "whatsapp:+" DIGITS};
static const char *const mails[] = {MAIL, "Sam.I.Am@Greeneggs.HAM\\n", "Sam <" MAIL ">",
                                    "mailto:" MAIL, MAIL ";x"};
static const char *const others[] = {"+358407654322", "1" DIGITS, "not-" MAIL, "+3585"};

#define NUMBERS    (sizeof numbers / sizeof *numbers)
#define MAILS      (sizeof mails / sizeof *mails)
#define OTHERS     (sizeof others / sizeof *others)
#define OTHER_HELD 6 /* of two usages: field, value, member of the list */
/* Three of the numbers, and two of the other addresses, are one. */
#define NUMBER_CONSENTS (2 * (NUMBERS - 2))
#define MAIL_CONSENTS   (2 * (MAILS - 1))

static struct redis_group *group;

static void expect_count(const char *part, size_t count)
{
    char text[64];

    snprintf(text, sizeof text, "\"%s\":%zu,", part, count);
    erase_rig_says(text);
}

static size_t servers(void)
{
    return group == NULL ? 1 : REDIS_GROUP_PRIMARIES;
}

static struct redis_server *server(size_t i)
{
    return group == NULL ? erase_rig.redis : group->server[i];
}

/* Where its slot is. */
static void tell(const char *command)
{
    bool done = false;

    for (size_t i = 0; i < servers() && !done; i++)
        done = redis_server_ask(server(i), command)[0] != '-';
    assert_true(done);
}

/* Members of sorted sets, fields and names of keys that hold the text, on all servers. */
static int held(const char *text)
{
    char command[512];
    int sum = 0;

    snprintf(command, sizeof command,
             "EVAL \"#!lua flags=allow-cross-slot-keys\\nlocal n = 0 "
             "for _, k in ipairs(redis.call('KEYS', 's:*')) do "
             "local t = redis.call('TYPE', k).ok local all = {k} "
             "if t == 'hash' then all = redis.call('HGETALL', k) all[#all + 1] = k end "
             "if t == 'zset' then all = redis.call('ZRANGE', k, 0, -1) end "
             "for _, v in ipairs(all) do if string.find(string.lower(v), '%s', 1, true) then "
             "n = n + 1 end end end return n\" 0",
             text);
    for (size_t i = 0; i < servers(); i++) {
        const char *reply = redis_server_ask(server(i), command);
        int64_t n = 0;

        if (reply[0] != ':' || !num_int(view_skip(view_of(reply), 1), &n))
            fail_msg("%s", reply);
        sum += (int)n;
    }
    return sum;
}

static void consent(const char *address, int status)
{
    static const char *const usages[] = {"whatsapp", "recording"};
    char body[256];

    for (size_t i = 0; i < 2; i++) {
        snprintf(body, sizeof body, "{\"address\":\"%s\",\"usage\":\"%s\",\"consent\":false}",
                 address, usages[i]);
        serve_expect(&erase_rig, "POST", "/customerConsents", "", body, status, NULL);
    }
}

static void write_to(const char *address)
{
    char body[512];
    char id[33];

    snprintf(body, sizeof body,
             "{\"message\":\"Hi\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
             "\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"%s\"}]}",
             address);
    serve_create(&erase_rig, "/messages", "", body, id);
    snprintf(body, sizeof body,
             "{\"customerNumber\":\"%s\",\"callbackQueueNumber\":\"153\",\"nextCallTime\":\"" LATER
             "\"}",
             address);
    serve_create(&erase_rig, "/callbacks", "", body, id);
}

/* What is kept of an address in normal form while messages go to it. */
static void keep_gate(const char *normal)
{
    unsigned shard = shard_of(view_of(normal));
    char command[256];

    snprintf(command, sizeof command, "HSET s:{%02u}:hand:whatsapp_%s x/0 \"\"", shard, normal);
    tell(command);
    snprintf(command, sizeof command, "HSET s:{%02u}:gaps:%s a@b x/0/y", shard, normal);
    tell(command);
}

static void fill(void)
{
    for (size_t i = 0; i < NUMBERS; i++)
        consent(numbers[i], 204);
    for (size_t i = 0; i < MAILS; i++)
        consent(mails[i], 204);
    for (size_t i = 0; i < OTHERS; i++)
        consent(others[i], 204);
    for (size_t i = 0; i < NUMBERS; i++)
        write_to(numbers[i]);
    keep_gate(DIGITS);
    keep_gate("tel:+" DIGITS);
    keep_gate("sms:+" DIGITS); /* of no consent */
    keep_gate("mailto:" MAIL);
}

static void erased_in_every_spelling(void)
{
    fill();
    assert_true(held(DIGITS) > 0 && held("40/7654321") > 0 && held(MAIL) > 0);
    assert_int_equal(erase_rig_run("--dry-run --json +" DIGITS), 0);
    expect_count("consents", NUMBER_CONSENTS);
    assert_int_equal(erase_rig_run("--json +" DIGITS), 0);
    expect_count("consents", NUMBER_CONSENTS);
    expect_count("destinations", NUMBERS);
    expect_count("callbacks", NUMBERS);
    assert_int_equal(held("40/7654321"), 0);
    assert_int_equal(held("765-4321"), 0);
    assert_int_equal(held(DIGITS), OTHER_HELD); /* of 1 and the digits: somebody else's */
    assert_int_equal(erase_rig_run("--json " MAIL), 0);
    expect_count("consents", MAIL_CONSENTS);
    assert_int_equal(held(MAIL), OTHER_HELD); /* likewise */
    for (size_t i = 0; i < OTHERS; i++)
        serve_holds(&erase_rig, "/customerConsents", others[i]);
    for (size_t i = 0; i < NUMBERS; i++)
        consent(numbers[i], 400);
    for (size_t i = 0; i < MAILS; i++)
        consent(mails[i], 400);
}

static void of_one_redis_nothing_is_left(void **state)
{
    (void)state;
    serve_rig_start(&erase_rig, "");
    erased_in_every_spelling();
    serve_rig_done(&erase_rig);
}

static void of_a_cluster_nothing_is_left(void **state)
{
    (void)state;
    group = redis_group_cluster(false);
    setenv("CMIBRIDGE_REDIS_CLUSTER", group->addresses, 1);
    serve_rig_start(&erase_rig, "");
    erased_in_every_spelling();
    serve_rig_done(&erase_rig);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(group);
    group = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_redis_nothing_is_left),
        cmocka_unit_test(of_a_cluster_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
