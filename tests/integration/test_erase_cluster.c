/* `cmibridge erase` where Redis is a cluster: all its servers are searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/erase_rig.h"
#include "tests/fakes/redis_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCES 40 /* enough for each server to have some */

static char callback[33];

static void fill_cluster(struct redis_group *g)
{
    erase_rig_fill();
    serve_create(&erase_rig, "/callbacks", "",
                 "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\"}",
                 callback);
    for (int i = 0; i < REFERENCES; i++) {
        char command[96];
        bool stored = false;

        snprintf(command, sizeof command, "SET cmi:ref:callbacks:%d-" DIGITS " " CALL, i);
        for (size_t k = 0; k < REDIS_GROUP_PRIMARIES && !stored; k++)
            stored = strcmp(redis_server_ask(g->server[k], command), "+OK") == 0;
        assert_true(stored);
    }
}

static bool server_holds(const struct redis_group *g, size_t i)
{
    const char *where = NULL;

    return erase_rig_folder_holds(g->server[i]->dir, DIGITS, &where);
}

/* What the report says of a replica is to be done there, and then nothing is left. */
static void tell_replica(struct redis_group *g, size_t i)
{
    char line[160];

    snprintf(line, sizeof line,
             "Redis at 127.0.0.1:%d has not written its append-only file anew: BGREWRITEAOF there",
             g->port[i]);
    erase_rig_says(line);
    assert_true(server_holds(g, i));
    redis_group_wait(g, i - REDIS_GROUP_PRIMARIES, "WAIT 1 100", ":1");
    redis_group_wait(g, i, "INFO persistence", "aof_rewrite_in_progress:0");
    assert_string_equal(redis_server_ask(g->server[i], "BGREWRITEAOF"),
                        "+Background append only file rewriting started");
    redis_group_wait(g, i, "INFO persistence", "aof_rewrite_in_progress:0");
    assert_false(server_holds(g, i));
}

static void in_a_cluster_every_server_is_searched_and_writes_its_file_anew(void **state)
{
    struct redis_group *g = redis_group_cluster(true);
    char references[64];

    (void)state;
    setenv("CMIBRIDGE_REDIS_CLUSTER", g->addresses, 1);
    serve_rig_start(&erase_rig, "");
    for (size_t i = REDIS_GROUP_PRIMARIES; i < g->count; i++) /* after its first copy */
        redis_group_wait(g, i, "INFO persistence", "progress:0\r\naof_rewrite_scheduled:0");
    fill_cluster(g);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        assert_true(server_holds(g, i));
    snprintf(references, sizeof references, "\"references\":%d,", REFERENCES);
    assert_int_equal(erase_rig_run("--dry-run --json '" WHO "'"), 0);
    erase_rig_says(references);
    assert_int_equal(erase_rig_run("'" WHO "'"), 0);
    snprintf(references, sizeof references, "redis    references      %d\n", REFERENCES);
    erase_rig_says(references);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        assert_false(server_holds(g, i));
    for (size_t i = REDIS_GROUP_PRIMARIES; i < g->count; i++)
        tell_replica(g, i);
    serve_lacks(&erase_rig, "/callbacks", callback);
    serve_rig_done(&erase_rig);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_cluster_every_server_is_searched_and_writes_its_file_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
