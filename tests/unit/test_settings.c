/* The three layers that `cmibridge dev` lays over each other. */
#include "bridge/core/buf.h"
#include "config/conf.h"
#include "standalone/file.h"
#include "standalone/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/cmibridge-test-XXXXXX";
static char file[64];

static int make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(file, sizeof file, "%s/user.yaml", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(dir);
}

static struct settings *of(const char *yaml, struct buf *mistakes)
{
    struct fault f = {0};
    struct settings *s;

    if (!file_put(file, view_of(yaml), &f))
        fail_msg("%s", f.text);
    s = settings_new(file, mistakes);
    if (s != NULL) {
        settings_set(s, "kafka.brokers", "127.0.0.1:9092");
        settings_set(s, "targets.main.url", "http://127.0.0.1:8080/RI/cmi");
        settings_set(s, "redis.address", "unix:/tmp/redis.sock");
        settings_set(s, "history.file", "/tmp/history.sqlite");
    }
    return s;
}

static struct conf *conf_of(const char *yaml)
{
    struct buf mistakes;
    struct settings *s;
    struct conf *c;

    buf_init(&mistakes, 65536);
    s = of(yaml, &mistakes);
    c = s != NULL ? settings_conf(s, &mistakes) : NULL;
    if (c == NULL)
        fail_msg("%s", buf_text(&mistakes));
    settings_free(s);
    buf_done(&mistakes);
    return c;
}

static void assert_mistake(const char *yaml, const char *expected)
{
    struct buf mistakes;
    struct settings *s;
    struct conf *c;

    buf_init(&mistakes, 65536);
    s = of(yaml, &mistakes);
    c = s != NULL ? settings_conf(s, &mistakes) : NULL;
    assert_null(c);
    if (strstr(buf_text(&mistakes), expected) == NULL)
        fail_msg("wanted: %s\ngot: %s", expected, buf_text(&mistakes));
    assert_null(strstr(buf_text(&mistakes), "made"));
    settings_free(s);
    buf_done(&mistakes);
}

static void built_in_settings_pass_the_rules_as_they_stand(void **state)
{
    struct conf *c = conf_of("");

    (void)state;
    assert_string_equal(conf_text(c, "callbacks.queues.153.original"), "152");
    assert_string_equal(conf_text(c, "callbacks.queues.153.name"), "Sales");
    assert_string_equal(conf_text(c, "chats.queues.sms.address"), "12345678@sms.social365.com");
    assert_string_equal(conf_text(c, "server.anonymous.login"), "dev");
    assert_string_equal(conf_item(c, "kafka.topics", 0), "contact-events");
    conf_free(c);
}

static void a_setting_of_the_user_replaces_one_and_leaves_its_neighbours(void **state)
{
    struct conf *c = conf_of("callbacks:\n  delay: 1s\n  queues:\n    153: {name: Verkauf}\n");

    (void)state;
    assert_int_equal(conf_ms(c, "callbacks.delay"), 1000);
    assert_string_equal(conf_text(c, "callbacks.queues.153.name"), "Verkauf");
    assert_string_equal(conf_text(c, "callbacks.queues.153.original"), "152");
    conf_free(c);
}

static void a_list_of_the_user_is_taken_whole(void **state)
{
    struct conf *c = conf_of("kafka:\n  topics: [one, two]\n");

    (void)state;
    assert_int_equal(conf_count(c, "kafka.topics"), 2);
    assert_string_equal(conf_item(c, "kafka.topics", 1), "two");
    conf_free(c);
}

static void texts_with_quotes_and_newlines_arrive_as_written(void **state)
{
    struct conf *c = conf_of("chats.queues.sms.name: \"a \\\"b\\\" \\\\ c: #d\"\n");

    (void)state;
    assert_string_equal(conf_text(c, "chats.queues.sms.name"), "a \"b\" \\ c: #d");
    conf_free(c);
}

static void what_dev_decides_wins_and_the_replaced_setting_is_named_with_its_line(void **state)
{
    struct buf mistakes;
    struct settings *s;
    struct conf *c;
    size_t at = 0;
    unsigned line = 0;

    (void)state;
    buf_init(&mistakes, 65536);
    s = of("# mine\nkafka:\n  brokers: example.com:9092\n", &mistakes);
    assert_non_null(s);
    assert_string_equal(settings_replaced(s, &at, &line), "kafka.brokers");
    assert_int_equal(line, 3);
    assert_null(settings_replaced(s, &at, &line));
    c = settings_conf(s, &mistakes);
    assert_non_null(c);
    assert_string_equal(conf_text(c, "kafka.brokers"), "127.0.0.1:9092");
    conf_free(c);
    settings_free(s);
    buf_done(&mistakes);
}

static void what_dev_decides_as_a_whole_is_as_if_nobody_had_set_it(void **state)
{
    struct buf mistakes;
    struct settings *s;
    struct conf *c;
    size_t at = 0;
    unsigned line = 0;

    (void)state;
    buf_init(&mistakes, 65536);
    s = of("redis:\n  cluster: 127.0.0.1:1\n  password: ${NOT_THERE}\n"
           "kafka.properties: {ssl.key.location: /x, client.rack: a}\n",
           &mistakes);
    assert_non_null(s);
    settings_drop(s, "redis.");
    settings_drop(s, "kafka.properties.ssl.");
    settings_drop(s, "kafka.properties.client"); /* not by half of a name */
    settings_set(s, "redis.address", "unix:/own");
    assert_string_equal(settings_replaced(s, &at, &line), "redis.cluster");
    assert_string_equal(settings_replaced(s, &at, &line), "redis.password");
    assert_int_equal(line, 3);
    assert_string_equal(settings_replaced(s, &at, &line), "kafka.properties.ssl.key.location");
    assert_null(settings_replaced(s, &at, &line));
    c = settings_conf(s, &mistakes);
    if (c == NULL)
        fail_msg("%s", buf_text(&mistakes));
    assert_string_equal(conf_text(c, "redis.address"), "unix:/own");
    assert_false(conf_has(c, "redis.cluster"));
    assert_false(conf_has(c, "kafka.properties.ssl.key.location"));
    assert_string_equal(conf_text(c, "kafka.properties.client.rack"), "a");
    conf_free(c);
    settings_free(s);
    buf_done(&mistakes);
}

/* Either users sign on, or everybody is one that nobody named. */
static void users_of_the_user_take_the_place_of_the_built_in_one(void **state)
{
    struct conf *c = conf_of("server: {users: /users.yaml}\n");

    (void)state;
    assert_string_equal(conf_text(c, "server.users"), "/users.yaml");
    assert_false(conf_has(c, "server.anonymous.login"));
    conf_free(c);
    setenv("CMIBRIDGE_SERVER_USERS", "/users.yaml", 1);
    c = conf_of("");
    assert_false(conf_has(c, "server.anonymous.login"));
    conf_free(c);
    unsetenv("CMIBRIDGE_SERVER_USERS");
    assert_mistake("server:\n  users: /users.yaml\n  anonymous: {login: me}\n",
                   ":2: server.users and server.anonymous.login are both given");
}

/* A directory may be called so. */
static void what_dev_decides_is_no_variable(void **state)
{
    struct buf mistakes;
    struct settings *s;
    struct conf *c;

    (void)state;
    buf_init(&mistakes, 65536);
    s = of("", &mistakes);
    settings_set(s, "history.file", "/x${y/$${z}$/h.sqlite");
    c = settings_conf(s, &mistakes);
    if (c == NULL)
        fail_msg("%s", buf_text(&mistakes));
    assert_string_equal(conf_text(c, "history.file"), "/x${y/$${z}$/h.sqlite");
    conf_free(c);
    settings_free(s);
    buf_done(&mistakes);
}

static void mistakes_have_the_lines_of_the_users_file(void **state)
{
    char expected[128];

    (void)state;
    (void)snprintf(expected, sizeof expected, "%s:4: ", file);
    assert_mistake("\ncallbacks:\n  delay: 1s\n  dealy: 2s\n", expected);
    assert_mistake("\n\n\nlog.level: loud\n", expected);
    (void)snprintf(expected, sizeof expected, "%s:2: target.main is no setting", file);
    assert_mistake("target:\n  main: {}\n", expected);
    assert_mistake("a: 1\nb: 2\nc: 3\n- x\n", file);
}

static void an_unreadable_file_is_a_mistake(void **state)
{
    struct buf mistakes;

    (void)state;
    buf_init(&mistakes, 65536);
    assert_null(settings_new("/nowhere/at/all.yaml", &mistakes));
    assert_non_null(strstr(buf_text(&mistakes), "/nowhere/at/all.yaml"));
    buf_done(&mistakes);
}

static void the_saved_file_reads_back_as_the_same_configuration(void **state)
{
    struct buf mistakes;
    struct fault f = {0};
    struct settings *s;
    struct conf *c;
    char saved[80];

    (void)state;
    buf_init(&mistakes, 65536);
    s = of("kafka:\n  topics:\n    - one\n    - two\nrefs: {wait: 2s}\n", &mistakes);
    assert_non_null(s);
    (void)snprintf(saved, sizeof saved, "%s/saved.yaml", dir);
    assert_true(settings_save(s, saved, &f));
    c = conf_load(saved, &mistakes);
    assert_non_null(c);
    assert_int_equal(conf_count(c, "kafka.topics"), 2);
    assert_int_equal(conf_ms(c, "refs.wait"), 2000);
    assert_string_equal(conf_text(c, "redis.address"), "unix:/tmp/redis.sock");
    conf_free(c);
    settings_free(s);
    buf_done(&mistakes);
    assert_int_equal(unlink(saved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_settings_pass_the_rules_as_they_stand),
        cmocka_unit_test(a_setting_of_the_user_replaces_one_and_leaves_its_neighbours),
        cmocka_unit_test(a_list_of_the_user_is_taken_whole),
        cmocka_unit_test(texts_with_quotes_and_newlines_arrive_as_written),
        cmocka_unit_test(what_dev_decides_wins_and_the_replaced_setting_is_named_with_its_line),
        cmocka_unit_test(what_dev_decides_as_a_whole_is_as_if_nobody_had_set_it),
        cmocka_unit_test(users_of_the_user_take_the_place_of_the_built_in_one),
        cmocka_unit_test(what_dev_decides_is_no_variable),
        cmocka_unit_test(mistakes_have_the_lines_of_the_users_file),
        cmocka_unit_test(an_unreadable_file_is_a_mistake),
        cmocka_unit_test(the_saved_file_reads_back_as_the_same_configuration),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
