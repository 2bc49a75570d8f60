/* Sending on Redis beyond one server: a real cluster of three, and a primary whose replica must be
 * in step; a failover and a node that dies in the middle of it; serve and schedule as their users
 * run them, the carrier's own log as the judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/io/redis_slots.h"
#include "tests/fakes/redis_group.h"
#include "tests/fakes/send_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES     6 /* their ids fall into different shards */
#define DESTINATIONS 150

static struct send_rig rig; /* too much for the stack */

static void send_all(void)
{
    send_rig_start(&rig, 0);
    send_rig_run(&rig, 0, NULL);
    for (size_t i = 0; i < MESSAGES; i++)
        send_rig_post(&rig, DESTINATIONS, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
}

static void messages_go_out_of_a_cluster(void **state)
{
    struct redis_group *group = redis_group_cluster(false);
    unsigned used = 0;

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_CLUSTER", group->addresses, 1), 0);
    send_all();
    for (size_t i = 0; i < group->count; i++) /* which one has them is up to their ids */
        used += strcmp(redis_server_ask(group->server[i], "DBSIZE"), ":0") != 0;
    assert_true(used > 0);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(group);
}

/* The replica sleeps: nothing more leaves. It wakes: all of it does, once. */
static void nothing_is_sent_that_the_replica_does_not_know_of(void **state)
{
    struct redis_group *group = redis_group_pair(false);

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_ADDRESS", group->addresses, 1), 0);
    assert_int_equal(setenv("CMIBRIDGE_REDIS_REPLICAS", "1", 1), 0);
    send_all();
    send_rig_post(&rig, DESTINATIONS, 1500);
    redis_server_freeze(group->server[1]);
    while (send_rig_wall_ms() < rig.messages[MESSAGES].send_ms + 500)
        redis_group_wait(group, 0, "PING", "PONG");
    send_rig_until_lines(&rig, MESSAGES * DESTINATIONS); /* looks again */
    assert_int_equal(rig.lines, MESSAGES * DESTINATIONS);
    redis_server_thaw(group->server[1]);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    unsetenv("CMIBRIDGE_REDIS_ADDRESS");
    unsetenv("CMIBRIDGE_REDIS_REPLICAS");
    redis_group_stop(group);
}

static size_t sent_so_far(void)
{
    send_rig_look(&rig);
    return rig.lines;
}

static void send_some(size_t messages, size_t destinations)
{
    for (size_t i = 0; i < messages; i++)
        send_rig_post(&rig, destinations, 0);
    send_rig_until_lines(&rig, messages * destinations / 5);
}

/* Two processes in the middle of many destinations, and a Redis that is about to die. */
static void send_half(size_t messages, size_t destinations)
{
    send_rig_start(&rig, 10);
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    send_some(messages, destinations);
}

/* What they had out may be unrecorded, once each, and is said to be. */
static void send_rest(void)
{
    send_rig_until_ended(&rig);
    rig.deaths = 2;
    send_rig_check(&rig);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
}

/* The replica that takes over knows of all that went out. Only when it has a replica of its own,
 * the old primary, anything more leaves. */
static void a_failover_in_the_middle_loses_nothing(void **state)
{
    struct redis_group *group = redis_group_pair(true);
    char command[64];
    size_t sent;

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_SENTINELS", group->addresses, 1), 0);
    assert_int_equal(setenv("CMIBRIDGE_REDIS_PRIMARY", "mymaster", 1), 0);
    assert_int_equal(setenv("CMIBRIDGE_REDIS_REPLICAS", "1", 1), 0);
    send_half(5, 1000);
    redis_server_kill(group->server[0]);
    sent = sent_so_far();
    redis_group_wait(group, 1, "INFO replication", "role:master");
    assert_true(sent_so_far() <= sent + 2 * SEND_RIG_UNRECORDED);
    redis_server_restart(group->server[0]);
    (void)snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", group->port[1]);
    redis_group_wait(group, 0, command, "OK"); /* the Sentinels would do it after 8 s */
    send_rest();
    unsetenv("CMIBRIDGE_REDIS_SENTINELS");
    unsetenv("CMIBRIDGE_REDIS_PRIMARY");
    unsetenv("CMIBRIDGE_REDIS_REPLICAS");
    redis_group_stop(group);
}

/* The replica is made the primary, and has a replica of its own, while one process still talks to
 * the old primary: the other one works on the new side. The old side takes writes, but nobody else
 * has them: there, nothing more is sent. */
static void two_primaries_at_once_send_nothing_twice(void **state)
{
    struct redis_group *group = redis_group_pair(false);
    char address[64];
    char command[64];
    char rest[512];
    int64_t sent;

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_ADDRESS", group->addresses, 1), 0);
    assert_int_equal(setenv("CMIBRIDGE_REDIS_REPLICAS", "1", 1), 0);
    send_rig_start(&rig, 10);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "admin_port=", 1, rest, sizeof rest); /* the first one is that one */
    send_rig_run(&rig, 1, NULL);
    send_some(5, 1000);
    send_rig_end(&rig, 1);
    assert_string_equal(redis_server_ask(group->server[1], "REPLICAOF NO ONE"), "+OK");
    (void)redis_group_add_replica(group, 1);
    (void)snprintf(address, sizeof address, "127.0.0.1:%d", group->port[1]);
    assert_int_equal(setenv("CMIBRIDGE_REDIS_ADDRESS", address, 1), 0);
    send_rig_run(&rig, 1, NULL);
    send_rig_await_log(&rig, "0 of the 1 replicas of redis.replicas", 1, rest, sizeof rest);
    sent = send_rig_metric(&rig, 1, "cmibridge_sent_total");
    assert_true(sent > 0);
    assert_string_equal(redis_server_ask(group->server[0], "SET written here"), "+OK");
    send_rig_until_ended(&rig);
    assert_int_equal(send_rig_metric(&rig, 1, "cmibridge_sent_total"), sent);
    (void)snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", group->port[1]);
    redis_group_wait(group, 0, command, "OK");
    rig.deaths = 1; /* what the old side had out was not recorded */
    send_rig_check(&rig);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    unsetenv("CMIBRIDGE_REDIS_ADDRESS");
    unsetenv("CMIBRIDGE_REDIS_REPLICAS");
    redis_group_stop(group);
}

static void a_node_of_a_cluster_that_dies_and_comes_back_loses_nothing(void **state)
{
    struct redis_group *group = redis_group_cluster(false);

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_CLUSTER", group->addresses, 1), 0);
    send_half(SEND_RIG_MESSAGES_MAX, 300);
    redis_server_kill(group->server[1]);
    redis_group_wait(group, 0, "CLUSTER INFO", "cluster_state:fail");
    assert_true(sent_so_far() < SEND_RIG_MESSAGES_MAX * 300);
    redis_server_restart(group->server[1]);
    send_rest();
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(group);
}

/* From one primary to the next and on, each with all that is in it, again and again. */
static void a_cluster_that_is_resharded_meanwhile_loses_and_repeats_nothing(void **state)
{
    struct redis_group *group = redis_group_cluster(false);
    size_t owner[SEND_RIG_MESSAGES_MAX];
    unsigned slot[SEND_RIG_MESSAGES_MAX];

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_CLUSTER", group->addresses, 1), 0);
    send_half(SEND_RIG_MESSAGES_MAX, 300);
    for (size_t i = 0; i < SEND_RIG_MESSAGES_MAX; i++) {
        char key[SHARD_KEY_MAX];

        slot[i] =
            redis_slot_of(shard_key(shard_of(view_of(rig.messages[i].id)), "", VIEW_NONE, key));
        owner[i] = redis_group_owner(slot[i]);
    }
    for (size_t part = 2; part <= 5; part++) {
        send_rig_until_lines(&rig, part * SEND_RIG_MESSAGES_MAX * 300 / 6);
        for (size_t i = 0; i < SEND_RIG_MESSAGES_MAX; i++) {
            size_t to = (owner[i] + 1) % REDIS_GROUP_PRIMARIES;

            redis_group_move(group, slot[i], owner[i], to);
            for (size_t k = 0; k < SEND_RIG_MESSAGES_MAX; k++) /* they may be of one shard */
                if (slot[k] == slot[i])
                    owner[k] = to;
        }
    }
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(group);
}

#define STUCK 3 /* shards: of a message, of its sender's rate, of its channel's stop */

static unsigned stuck[STUCK];

static bool is_stuck(size_t message)
{
    bool found = false;

    for (size_t i = 0; i < STUCK; i++)
        found = found || shard_of(view_of(rig.messages[message].id)) == stuck[i];
    return found;
}

static bool have_others_ended(struct send_rig *r)
{
    for (size_t i = 0; i < r->message_count; i++)
        if (!is_stuck(i) && !r->messages[i].completed)
            return false;
    return true;
}

static unsigned slot_of_shard(unsigned shard)
{
    char key[SHARD_KEY_MAX];

    return redis_slot_of(shard_key(shard, "", VIEW_NONE, key));
}

static void move_stuck(struct redis_group *group,
                       void (*move)(struct redis_group *g, unsigned slot, size_t from, size_t to))
{
    for (size_t i = 0; i < STUCK; i++) {
        size_t owner = redis_group_owner(slot_of_shard(stuck[i]));
        bool done = false;

        for (size_t k = 0; k < i; k++)
            done = done || stuck[k] == stuck[i];
        if (!done)
            move(group, slot_of_shard(stuck[i]), owner, (owner + 1) % REDIS_GROUP_PRIMARIES);
    }
}

/* Longer than any lease. What is in these slots waits, and nothing else does. */
static void slots_that_stay_half_moved_stop_what_is_in_them_and_no_more(void **state)
{
    struct redis_group *group = redis_group_cluster(false);
    char rest[512];

    (void)state;
    assert_int_equal(setenv("CMIBRIDGE_REDIS_CLUSTER", group->addresses, 1), 0);
    send_half(SEND_RIG_MESSAGES_MAX, 300);
    stuck[0] = shard_of(view_of(rig.messages[0].id));
    stuck[1] = shard_of(VIEW("12345678@sms.social365.com"));
    stuck[2] = shard_of(VIEW("channel:out"));
    move_stuck(group, redis_group_move_begin);
    send_rig_until_outcomes(&rig, have_others_ended);
    send_rig_await_log(&rig, "redis_slot_stuck", 2, rest, sizeof rest); /* by both processes */
    assert_false(rig.messages[0].completed);
    move_stuck(group, redis_group_move_end);
    send_rest();
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_out_of_a_cluster),
        cmocka_unit_test(nothing_is_sent_that_the_replica_does_not_know_of),
        cmocka_unit_test(a_failover_in_the_middle_loses_nothing),
        cmocka_unit_test(two_primaries_at_once_send_nothing_twice),
        cmocka_unit_test(a_node_of_a_cluster_that_dies_and_comes_back_loses_nothing),
        cmocka_unit_test(a_cluster_that_is_resharded_meanwhile_loses_and_repeats_nothing),
        cmocka_unit_test(slots_that_stay_half_moved_stop_what_is_in_them_and_no_more),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
