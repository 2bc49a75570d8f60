/* serve: what it needs of Redis before it takes writes, where Redis has no room for it yet, and
 * where the data is somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"

#include <string.h>

static struct serve_rig rig;

/* Its connections end, so that it looks anew. */
static void look_anew(void)
{
    buf_clear(&rig.log);
    assert_string_equal(redis_server_ask(rig.redis, "CLIENT KILL TYPE normal"), ":1");
}

static void a_full_redis_is_waited_for(void **state)
{
    static const char message[] =
        "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
        "\"sendTime\":\"2035-03-12T09:00:00.000Z\",\"destinations\":{\"destination\":["
        "{\"address\":\"+358401234567\"}]}}";

    (void)state;
    serve_rig_start(&rig, "");
    assert_string_equal(redis_server_ask(rig.redis, "FLUSHALL"), "+OK");
    assert_string_equal(redis_server_ask(rig.redis, "CONFIG SET maxmemory 1"), "+OK");
    look_anew();
    assert_true(serve_rig_await(&rig, "event=store_failed"));
    assert_null(strstr(buf_text(&rig.log), "not one of ours"));
    serve_expect(&rig, "POST", "/messages", "", message, 503, NULL);
    assert_string_equal(redis_server_ask(rig.redis, "CONFIG SET maxmemory 0"), "+OK");
    assert_true(serve_rig_await(&rig, "event=store_ready"));
    serve_expect(&rig, "POST", "/messages", "", message, 201, NULL);
    serve_rig_done(&rig);
}

static void other_shards_are_not_ours_and_get_no_secret(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    assert_string_equal(redis_server_ask(rig.redis, "FLUSHALL"), "+OK");
    assert_string_equal(redis_server_ask(rig.redis, "HSET s:{00}:cfg shards 7"), ":1");
    look_anew();
    assert_true(serve_rig_await(&rig, "laid out in 7 shards"));
    assert_false(serve_rig_await(&rig, "event=never")); /* it ends */
    assert_string_equal(redis_server_ask(rig.redis, "EXISTS s:{00}:secret"), ":0");
    serve_rig_kill(&rig);
    serve_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_redis_is_waited_for),
        cmocka_unit_test(other_shards_are_not_ours_and_get_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
