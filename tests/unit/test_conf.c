/* conf: what is said of mistakes, where values come from, and what a reload may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"
#include "config/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MISTAKES_MAX (1 << 20)

/* The mistakes of a text; "" where it has none. */
static const char *mistakes_of(const char *yaml, unsigned users, struct buf *b)
{
    struct conf *c;

    buf_init(b, MISTAKES_MAX);
    c = conf_parse("f", view_of(yaml), users, b);
    assert_int_equal(c == NULL, b->n > 0);
    conf_free(c);
    return buf_text(b);
}

static struct conf *good(const char *yaml, unsigned users)
{
    struct buf b;
    struct conf *c;

    buf_init(&b, MISTAKES_MAX);
    c = conf_parse("f", view_of(yaml), users, &b);
    if (c == NULL)
        fail_msg("%s", buf_text(&b));
    buf_done(&b);
    return c;
}

struct row {
    const char *yaml;
    const char *mistakes;
};

static void every_mistake_is_named_with_its_line_and_what_is_allowed(void **state)
{
    static const struct row rows[] = {
        /* names */
        {"kafka:\n  brokres: a:1\n", "f:2: kafka.brokres is no setting; did you mean "
                                     "kafka.brokers?\n"},
        {"kafak:\n  brokers: a:1\n  group: g\n", "f:1: kafak is no setting; did you mean kafka?\n"},
        {"level: debug\n", "f:1: level is no setting; did you mean log.level?\n"},
        {"entirely: unknown\n", "f:1: entirely is no setting\n"},
        {"targets:\n  main:\n    url: http://a\n    timeuot: 1s\n",
         "f:4: targets.main.timeuot is no setting; did you mean targets.main.timeout?\n"},
        {"targets:\n  m.x:\n    url: http://a\n",
         "f:2: targets.m.x: 'm.x' is no name; letters, digits, -, _ and + may be in it, at most "
         "64\n"},
        {"chats: {queues: {a@b: {id: 1}}}\n",
         "f:1: chats.queues.a@b: 'a@b' is no name; letters, digits, -, _ and + may be in it, at "
         "most 64\n"
         "f:1: chats.queues.a@b.id is '1'; 32 hex digits are wanted, or 36 characters with "
         "hyphens\n"},
        /* shapes */
        {"kafka: text\n", "f:1: kafka is a text; settings (key: value) are wanted beneath it\n"},
        {"kafka: [a]\n", "f:1: kafka is a list; it must not be\n"},
        {"kafka: {group: {a: b}}\n",
         "f:1: kafka.group is a map of settings; one value is wanted\n"},
        {"kafka: {topics: {a: b}}\n", "f:1: kafka.topics is a map of settings; a list is wanted\n"},
        {"kafka: {topics: [[a]]}\n", "f:1: kafka.topics[0] is a list; it must not be\n"},
        {"kafka: {topics: []}\n", "f:1: kafka.topics is empty; remove it for its default\n"},
        {"kafka:\n  group:\n", "f:2: kafka.group has no value; remove the line, or write \"\" for "
                               "an empty text\n"},
        {"kafka: {group: \"\"}\n", "f:1: kafka.group is empty\n"},
        {"retry: {base: 1s}\nretry.base: 2s\n", "f:2: retry.base is given twice; first in line "
                                                "1\n"},
        /* values */
        {"retry: {attempts: 101}\n", "f:1: retry.attempts is 101; allowed are 1 to 100\n"},
        {"retry: {attempts: 1.5}\n", "f:1: retry.attempts is '1.5'; a whole number is wanted\n"},
        {"retry: {base: 500}\n", "f:1: retry.base is '500'; write it with its unit, like 1500ms, "
                                 "30s, 5min, 1h or 90d\n"},
        {"retry: {base: 20min}\n", "f:1: retry.base is 20min; allowed are 1ms to 10min\n"},
        {"limits: {body: 1000}\n", "f:1: limits.body is '1000'; write it with its unit, like 512B, "
                                   "64KiB, 16MiB or 2GiB\n"},
        {"limits: {body: 2GiB}\n", "f:1: limits.body is 2GiB; allowed are 1KiB to 1GiB\n"},
        {"dead_letters: {budget_per_success: 10}\n",
         "f:1: dead_letters.budget_per_success is '10'; write it like 10%\n"},
        {"dead_letters: {budget_per_success: 101%}\n",
         "f:1: dead_letters.budget_per_success is 101%; allowed are 0% to 100%\n"},
        {"redis: {durable: yes}\n", "f:1: redis.durable is 'yes'; allowed are true, false\n"},
        {"events: {unknown: drop}\n", "f:1: events.unknown is 'drop'; allowed are skip, "
                                      "dead-letter\n"},
        {"redis: {address: localhost}\n",
         "f:1: redis.address is 'localhost'; write it like 127.0.0.1:8080, [::1]:8080 or "
         "unix:/path\n"},
        {"server: {listen: 'unix:/x'}\n", "f:1: server.listen is 'unix:/x'; write it like "
                                          "127.0.0.1:8080, [::1]:8080\n"},
        {"server: {listen: '[::1]8080'}\n", "f:1: server.listen is '[::1]8080'; write it like "
                                            "127.0.0.1:8080, [::1]:8080\n"},
        {"kafka: {brokers: 'a:1,b:70000'}\n",
         "f:1: kafka.brokers has 'b:70000'; write it like host-1:9092,host-2:9092\n"},
        {"kafka: {brokers: 'a:1,'}\n", "f:1: kafka.brokers ends in a comma\n"},
        {"targets: {m: {url: ftp://a}}\n",
         "f:1: targets.m.url is 'ftp://a'; it must begin with http:// or https://\n"},
        {"targets: {m: {url: 'http://a/b?c'}}\n",
         "f:1: targets.m.url is 'http://a/b?c'; a path of plain characters may follow the host, no "
         "more\n"},
        {"targets: {m: {url: 'http://'}}\n",
         "f:1: targets.m.url is 'http://'; after the scheme a host must follow\n"},
        {"targets: {m: {url: http://a, ingest: ingest}}\n",
         "f:1: targets.m.ingest is 'ingest'; write it like /ingest\n"},
        {"chats: {queues: {a: {id: 12, channel: sms, name: x}}}\n",
         "f:1: chats.queues.a.id is '12'; 32 hex digits are wanted, or 36 characters with "
         "hyphens\n"},
        {"log: {level: \"a\\nb\\e[31m\"}\n", "f:1: log.level is 'a?b?[31m'; allowed are debug, "
                                             "info, warn, error\n"},
        {"kafka: {group: \"a\\tb\"}\n", "f:1: kafka.group holds a control character at byte 2\n"},
        {"server: {anonymous: {login: x, language: e1}}\n",
         "f:1: server.anonymous.language is 'e1'; two letters are wanted\n"},
        {"server: {api_key_header: 'X Key'}\n",
         "f:1: server.api_key_header is 'X Key', which is no name of a header: letters, digits and "
         "!#$%&'*+-.^_`|~ may be in it\n"},
        {"server: {api_key_header: authorization}\n",
         "f:1: server.api_key_header is authorization, which a request carries for another "
         "purpose\n"},
        {"server: {api_key_header: Cookie}\n",
         "f:1: server.api_key_header is Cookie, which a request carries for another purpose\n"},
        {"server: {api_key_header: host}\n",
         "f:1: server.api_key_header is host, which a request carries for another purpose\n"},
        {"server: {api_key_header: origin}\n",
         "f:1: server.api_key_header is origin, which a request carries for another purpose\n"},
        {"server: {api_key_header: User-Agent}\n",
         "f:1: server.api_key_header is User-Agent, which a request carries for another purpose\n"},
        {"server: {api_key_header: X-Key}\n", ""},
        {"server: {users: /u, anonymous: {login: x}}\n",
         "f:1: server.users and server.anonymous.login are both given: either users sign on, or "
         "everybody is the anonymous one\n"},
        {"server: {tls: {client_ca: README.md}}\n",
         "f:1: server.tls.client_ca is given without server.tls.certificate\n"},
        {"server: {tls: {key: README.md}}\n",
         "f:1: server.tls.key is given without server.tls.certificate\n"},
        {"translations: {finnish: {InQueue: Jonossa}}\n",
         "f:1: translations.finnish: 'finnish' is no language; two letters are wanted\n"},
        {"kafka: {results_topic: 'bad topic!', dead_letters_topic: ..}\n",
         "f:1: kafka.results_topic is 'bad topic!'; a topic's name has letters, digits, ., _ and - "
         "only\n"
         "f:1: kafka.dead_letters_topic is '..', which no topic may be called\n"},
        {"kafka: {outcomes_topic: ^a, topics: a b}\n",
         "f:1: kafka.outcomes_topic is '^a'; a topic's name has letters, digits, ., _ and - only\n"
         "f:1: kafka.topics[0] is 'a b'; a topic's name has letters, digits, ., _ and - only; a "
         "pattern begins with ^\n"},
        {"kafka: {dead_letters_topic: ''}\n", "f:1: kafka.dead_letters_topic is empty\n"},
        {"kafka: {results_topic: '', outcomes_topic: '', topics: [A-9._]}\n", ""},
        /* what belongs together */
        {"targets: {m: {timeout: 1s}}\n", "f:1: targets.m.url is missing: base address of the "
                                          "CMI\n"},
        {"targets:\n  m:\n    url: http://a\n    auth: basic\n    user: u\n",
         "f:4: targets.m.password is missing; auth: basic needs it\n"},
        {"targets:\n  m:\n    url: http://a\n    token: t\n",
         "f:4: targets.m.token is given, but auth is none; it belongs to auth: bearer\n"},
        {"targets:\n  m:\n    url: https://a\n    auth: api-key\n    api_key: k\n"
         "    api_key_header: idempotency-key\n",
         "f:6: targets.m.api_key_header is idempotency-key, which a request carries for another "
         "purpose\n"},
        {"targets:\n  m:\n    url: https://a\n    auth: api-key\n    api_key: k\n"
         "    api_key_header: 'A b:'\n",
         "f:6: targets.m.api_key_header is 'A b:', which is no name of a header: letters, digits "
         "and !#$%&'*+-.^_`|~ may be in it\n"},
        {"targets:\n  m:\n    url: http://a\n    ca: /dev/null\n",
         "f:4: targets.m.ca is /dev/null, which is no regular file\n"
         "f:4: targets.m.ca is given, but the url begins with http://, not https://\n"},
        {"routes:\n  message.*: main\n",
         "f:2: routes.message.* names the target 'main', which is not in targets\n"},
        {"targets: {main: {url: http://a}}\nroutes:\n  message.reqested: mian\n",
         "f:3: routes.message.reqested: there is no event type 'message.reqested'; did you mean "
         "message.requested?\n"
         "f:3: routes.message.reqested names the target 'mian', which is not in targets; did you "
         "mean main?\n"},
        {"targets: {main: {url: http://a}}\nroutes: {foo.*: main}\n",
         "f:2: routes.foo.*: there is no event type 'foo.*'; write one, a family like message.* or "
         "*\n"},
        {"targets: {main: {url: http://a}}\nroutes: {email.*: main}\n",
         "f:2: routes.email.* is history, and targets.main has no ingest path to take it\n"},
        {"kafka: {topics: [a, cmi-results]}\n",
         "f:1: kafka.results_topic is 'cmi-results', which kafka.topics reads: a loop\n"},
        {"kafka:\n  results_topic: x\n  dead_letters_topic: x\n",
         "f:2: kafka.results_topic and kafka.dead_letters_topic are both 'x'; they must differ\n"},
        {"kafka:\n  outcomes_topic: o\n  topics: o\n",
         "f:2: kafka.outcomes_topic is 'o', which kafka.topics reads: a loop\n"},
        {"kafka: {topics: [a, '^b']}\n",
         "f:1: kafka.topics[1]: the pattern '^b' must stand alone: give one pattern, or a list of "
         "names\n"},
        {"kafka:\n  topics:\n    - orders\n    - other\n    - orders\n",
         "f:5: kafka.topics[2]: 'orders' is in the list twice\n"},
        {"kafka: {results_topic: a, topics: [a, a]}\n",
         "f:1: kafka.results_topic is 'a', which kafka.topics reads: a loop\n"
         "f:1: kafka.topics[1]: 'a' is in the list twice\n"},
        {"kafka:\n  instance_id: x\n  assign: all\n",
         "f:2: kafka.instance_id goes with kafka.assign: group only\n"},
        {"kafka:\n  topics: ['^(']\n  instance_id: x\n  assign: all\n",
         "f:2: kafka.topics[0] is '^(', which is no regular expression: Unmatched ( or \\(\n"
         "f:3: kafka.instance_id goes with kafka.assign: group only\n"},
        {"targets: {m: {url: https://a, auth: basic, password: p, user: 'a:b'}}\n",
         "f:1: targets.m.user holds a colon, which ends the user's name where auth: basic sends "
         "it\n"},
        {"callbacks:\n  dialler: {type: webhook, url: https://a, auth: basic, password: p,\n"
         "            user: 'a:b'}\n",
         "f:3: callbacks.dialler.user holds a colon, which ends the user's name where auth: basic "
         "sends it\n"},
        {"channels:\n  g: {type: webhook, url: https://a, auth: oauth2, password: p, user: 'a:b',\n"
         "      token_url: https://t}\n",
         "f:2: channels.g.user holds a colon, which ends the user's name where auth: oauth2 sends "
         "it\n"},
        /* one variable can't be for two */
        {"targets:\n  a-b: {url: http://a}\n  c: {url: http://a}\n  a_B: {url: http://a}\n",
         "f:4: targets.a_B and targets.a-b would have one name in the environment, "
         "CMIBRIDGE_TARGETS_A_B_…; rename one of them\n"},
        {"callbacks: {queues: {a+b: {name: x}, a-b: {name: y}}}\n",
         "f:1: callbacks.queues.a-b and callbacks.queues.a+b would have one name in the "
         "environment, CMIBRIDGE_CALLBACKS_QUEUES_A_B_…; rename one of them\n"},
        {"consent: {stop_words: {fi: stop, FI: seis}}\n",
         "f:1: consent.stop_words.FI and consent.stop_words.fi would have one name in the "
         "environment, CMIBRIDGE_CONSENT_STOP_WORDS_FI; rename one of them\n"},
        {"retry: {base: 2min}\n", "f:1: retry.base is 2min, more than retry.max, which is 1min\n"},
        {"breaker:\n  open_max: 500ms\n",
         "f:2: breaker.open_min is 1s, more than breaker.open_max, which is 500ms\n"},
        {"limits: {bodies: 35MiB}\n",
         "f:1: limits.body is 32MiB; with the 4MiB that are kept for receipts it is more than "
         "limits.bodies, which is 35MiB\n"},
        {"consume: {drain: 45s}\n",
         "f:1: consume.drain is 45s; it must be less than kafka.session_timeout, which is 45s, or "
         "the group gives partitions away while they drain\n"},
        {"chats:\n  queues:\n    a: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2B, channel: sms, name: A, "
         "address: x@y}\n    b: {id: 0a6c34f2b1d24e0f9a5b7c8d9e0f1a2c, channel: sms, name: B, "
         "address: X@Y}\n",
         "f:4: chats.queues.b.address is that of chats.queues.a, too\n"},
        /* secrets are not quoted */
        {"targets: {m: {url: 'http://bob:hunter2@a'}}\n",
         "f:1: targets.m.url names a user; use auth, user and password instead\n"},
        {"targets: {m: {url: http://a, auth: bearer, token: \"hunter2\\n\"}}\n",
         "f:1: targets.m.token holds a control character at byte 8 (a file may have one line)\n"},
        {"targets: {m: {url: http://a, auth: bearer, token: 'file:/nonexistent/t'}}\n",
         "f:1: targets.m.token: /nonexistent/t can't be opened: No such file or directory\n"},
        {"targets: {m: {url: http://a, auth: bearer, token: 'file:/dev/null'}}\n",
         "f:1: targets.m.token: /dev/null is no regular file\n"},
        {"targets: {m: {url: https://a, ca: \"/a\\nb\"}}\n",
         "f:1: targets.m.ca holds a control character at byte 3\n"},
        {"redis: {password: \"file:/a\\nb\"}\n",
         "f:1: redis.password: the file's name holds a control character\n"},
        {"kafka: {group: '${CMIBRIDGE_TEST_NONE}'}\n",
         "f:1: kafka.group: the environment has no CMIBRIDGE_TEST_NONE\n"},
        {"kafka: {group: 'a${b'}\n", "f:1: kafka.group: after ${ the name of a variable and } must "
                                     "follow; write $${ for ${\n"},
        /* after one mistake the others are still found, and nothing follows from the first */
        {"kafka: {session_timeout: 45}\nretry: {attempts: x}\nlog: {level: loud}\n",
         "f:1: kafka.session_timeout is '45'; write it with its unit, like 1500ms, 30s, 5min, 1h "
         "or 90d\n"
         "f:2: retry.attempts is 'x'; a whole number is wanted\n"
         "f:3: log.level is 'loud'; allowed are debug, info, warn, error\n"},
        {"retry: &r {attempts: x}\nkafka: {topics: *t, assign: any}\nlog: {level: loud}\n",
         "f:1: anchors (&), aliases (*) and tags (!) are not taken here; a text that begins so "
         "needs quotes\n"
         "f:1: retry.attempts is 'x'; a whole number is wanted\n"
         "f:2: anchors (&), aliases (*) and tags (!) are not taken here; a text that begins so "
         "needs quotes\n"
         "f:2: kafka.assign is 'any'; allowed are group, all\n"
         "f:3: log.level is 'loud'; allowed are debug, info, warn, error\n"},
        {"retry: {attempts: x}\nkafka: {group: \"\n",
         "f:1: retry.attempts is 'x'; a whole number is wanted\n"
         "f:3: found unexpected end of stream\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        const char *found = mistakes_of(rows[i].yaml, 0, &b);
        size_t n = strlen(rows[i].mistakes);

        /* A row without its last line's end stands for the beginning of what is found. */
        if (n > 0 && rows[i].mistakes[n - 1] != '\n' ? strncmp(found, rows[i].mistakes, n) != 0
                                                     : strcmp(found, rows[i].mistakes) != 0)
            fail_msg("%s\nfound:\n%swanted:\n%s", rows[i].yaml, found, rows[i].mistakes);
        buf_done(&b);
    }
}

static const char sample[] = "kafka:\n"
                             "  brokers: a:1,b:2\n"
                             "  topics: [one, \"two\", three]\n"
                             "  properties:\n"
                             "    sasl.password: hunter2\n"
                             "    security.protocol: SASL_SSL\n"
                             "targets:\n"
                             "  vendor: {url: https://v.example/RI/cmi/, concurrency: 7}\n"
                             "  own:\n"
                             "    url: http://127.0.0.1:8080/RI/cmi\n"
                             "    honours_key: true\n"
                             "    timeout: 1500ms\n"
                             "    ingest: /ingest\n"
                             "routes:\n"
                             "  chat.*: vendor\n"
                             "  '*': own\n"
                             "callbacks.queues: {153: {original: 152, name: Sales}, 505: }\n"
                             "server.cors: {origins: https://a.example}\n";

static void values_are_found_by_path_kind_name_and_number(void **state)
{
    struct conf *c = good(sample, USED_CONSUME);

    (void)state;
    assert_string_equal(conf_text(c, "kafka.brokers"), "a:1,b:2");
    assert_int_equal(conf_count(c, "kafka.topics"), 3);
    assert_string_equal(conf_item(c, "kafka.topics", 2), "three");
    assert_int_equal(conf_count(c, "targets"), 2);
    assert_string_equal(conf_name(c, "targets", 0), "vendor");
    assert_string_equal(conf_entry_text(c, "targets", 0, "url"), "https://v.example/RI/cmi");
    assert_int_equal(conf_entry_int(c, "targets", 0, "concurrency"), 7);
    assert_int_equal(conf_entry_int(c, "targets", 1, "concurrency"), 64);
    assert_false(conf_entry_bool(c, "targets", 0, "honours_key"));
    assert_true(conf_entry_bool(c, "targets", 1, "honours_key"));
    assert_int_equal(conf_entry_ms(c, "targets", 1, "timeout"), 1500);
    assert_null(conf_entry_text(c, "targets", 0, "ingest"));
    assert_int_equal(conf_count(c, "routes"), 2);
    assert_string_equal(conf_name(c, "routes", 1), "*");
    assert_string_equal(conf_item(c, "routes", 1), "own");
    assert_string_equal(conf_text(c, "routes.chat.*"), "vendor");
    assert_int_equal(conf_count(c, "kafka.properties"), 2);
    assert_string_equal(conf_name(c, "kafka.properties", 0), "sasl.password");
    assert_string_equal(conf_item(c, "kafka.properties", 0), "hunter2");
    assert_int_equal(conf_count(c, "callbacks.queues"), 2);
    assert_string_equal(conf_entry_text(c, "callbacks.queues", 0, "original"), "152");
    assert_string_equal(conf_name(c, "callbacks.queues", 1), "505");
    assert_null(conf_entry_text(c, "callbacks.queues", 1, "name"));
    assert_int_equal(conf_count(c, "server.cors.origins"), 1);
    assert_int_equal(conf_count(c, "chats.queues"), 0);
    assert_int_equal(conf_ms(c, "kafka.session_timeout"), 45000);
    assert_int_equal(conf_bytes(c, "limits.remarks"), 65536);
    assert_int_equal(conf_int(c, "dead_letters.budget_per_success"), 10);
    assert_true(conf_bool(c, "redis.durable"));
    assert_false(conf_has(c, "redis.user"));
    assert_true(conf_has(c, "events.type_prefix"));
    assert_string_equal(conf_text(c, "events.type_prefix"), "");
    assert_string_equal(conf_origin(c, "targets.own.timeout"), "f:12");
    assert_string_equal(conf_origin(c, "redis.durable"), "default");
    assert_null(conf_origin(c, "redis.user"));
    conf_free(c);
}

static void a_single_target_takes_everything_where_there_are_no_routes(void **state)
{
    struct conf *c = good("targets: {only: {url: http://a}}\n", 0);

    (void)state;
    assert_int_equal(conf_count(c, "routes"), 1);
    assert_string_equal(conf_name(c, "routes", 0), "*");
    assert_string_equal(conf_item(c, "routes", 0), "only");
    conf_free(c);
    c = good("targets: {a: {url: http://a}, b: {url: http://b}}\n", 0);
    assert_int_equal(conf_count(c, "routes"), 0);
    conf_free(c);
}

static void the_environment_overrides_the_file(void **state)
{
    struct conf *c;

    (void)state;
    setenv("CMIBRIDGE_KAFKA_BROKERS", "z:9", 1);
    setenv("CMIBRIDGE_KAFKA_TOPICS", "x, y", 1);
    setenv("CMIBRIDGE_TARGETS_OWN_TIMEOUT", "9s", 1);
    setenv("CMIBRIDGE_KAFKA_PROPERTIES_SASL_PASSWORD", "hunter3", 1);
    setenv("CMIBRIDGE_KAFKA_GROUP", "a${b}", 1);
    setenv("CMIBRIDGE_REDIS_ADRESS", "h:1", 1);
    setenv("CMIBRIDGE_PORT_8080_TCP", "tcp://10.0.0.1:8080", 1);
    setenv("CMIBRIDGE_KAFKA_PROPERTIES_CLIENT_ID", "me", 1);
    c = good(sample, USED_CONSUME);
    assert_string_equal(conf_text(c, "kafka.brokers"), "z:9");
    assert_string_equal(conf_origin(c, "kafka.brokers"), "CMIBRIDGE_KAFKA_BROKERS");
    assert_int_equal(conf_count(c, "kafka.topics"), 2);
    assert_string_equal(conf_item(c, "kafka.topics", 1), "y");
    assert_int_equal(conf_ms(c, "targets.own.timeout"), 9000);
    assert_string_equal(conf_item(c, "kafka.properties", 0), "hunter3");
    assert_string_equal(conf_text(c, "kafka.group"), "a${b}");
    assert_string_equal(conf_warning(c, 0), "CMIBRIDGE_REDIS_ADRESS: is no setting and was ignored;"
                                            " there is CMIBRIDGE_REDIS_ADDRESS");
    assert_string_equal(conf_warning(c, 1),
                        "CMIBRIDGE_KAFKA_PROPERTIES_CLIENT_ID: is of no entry of "
                        "kafka.properties in the file and was ignored: it can't add one");
    assert_null(conf_warning(c, 2));
    conf_free(c);
    unsetenv("CMIBRIDGE_KAFKA_PROPERTIES_CLIENT_ID");
    unsetenv("CMIBRIDGE_KAFKA_BROKERS");
    unsetenv("CMIBRIDGE_KAFKA_TOPICS");
    unsetenv("CMIBRIDGE_TARGETS_OWN_TIMEOUT");
    unsetenv("CMIBRIDGE_KAFKA_PROPERTIES_SASL_PASSWORD");
    unsetenv("CMIBRIDGE_KAFKA_GROUP");
    unsetenv("CMIBRIDGE_REDIS_ADRESS");
    unsetenv("CMIBRIDGE_PORT_8080_TCP");
}

/* That the names differ is not enough: "api_key" of one is "key" of the other. */
static void a_variable_that_two_settings_could_take_is_a_mistake(void **state)
{
    static const char yaml[] = "targets:\n"
                               "  m: {url: https://a, auth: api-key, api_key: x}\n"
                               "  m-api: {url: https://a, ca: /dev/null}\n";
    struct buf b;

    (void)state;
    setenv("CMIBRIDGE_TARGETS_M_API_KEY", "k", 1);
    assert_string_equal(mistakes_of(yaml, 0, &b),
                        "f:3: targets.m-api.ca is /dev/null, which is no regular file\n"
                        "CMIBRIDGE_TARGETS_M_API_KEY: is the name of targets.m.api_key and of "
                        "targets.m-api.key; rename what is yours of them\n");
    buf_done(&b);
    unsetenv("CMIBRIDGE_TARGETS_M_API_KEY");
    assert_string_equal(mistakes_of(yaml, 0, &b),
                        "f:3: targets.m-api.ca is /dev/null, which is no regular file\n");
    buf_done(&b);
}

static void a_mistake_in_the_environment_is_named_after_its_variable(void **state)
{
    struct buf b;

    (void)state;
    setenv("CMIBRIDGE_RETRY_BASE", "500", 1);
    assert_string_equal(mistakes_of("", 0, &b),
                        "CMIBRIDGE_RETRY_BASE: retry.base is '500'; write it with its unit, like "
                        "1500ms, 30s, 5min, 1h or 90d\n");
    buf_done(&b);
    unsetenv("CMIBRIDGE_RETRY_BASE");
}

static void a_list_that_is_empty_is_the_same_in_the_environment(void **state)
{
    static const char *const empty[] = {"", "  "};
    struct conf *c;
    struct buf b;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        setenv("CMIBRIDGE_KAFKA_TOPICS", empty[i], 1);
        assert_string_equal(
            mistakes_of("kafka: {topics: [orders]}\n", 0, &b),
            "CMIBRIDGE_KAFKA_TOPICS: kafka.topics is empty; remove it for its default\n");
        buf_done(&b);
    }
    setenv("CMIBRIDGE_KAFKA_TOPICS", "a, b,a", 1);
    assert_string_equal(mistakes_of("", 0, &b),
                        "CMIBRIDGE_KAFKA_TOPICS: kafka.topics[2]: 'a' is in the list twice\n");
    buf_done(&b);
    unsetenv("CMIBRIDGE_KAFKA_TOPICS");
    setenv("CMIBRIDGE_SERVER_CORS_ORIGINS", "", 1); /* none is the default */
    c = good("server: {cors: {origins: [https://a]}}\n", 0);
    assert_int_equal(conf_count(c, "server.cors.origins"), 0);
    conf_free(c);
    unsetenv("CMIBRIDGE_SERVER_CORS_ORIGINS");
}

static void variables_are_put_in_and_a_doubled_dollar_is_one(void **state)
{
    struct conf *c;

    (void)state;
    setenv("CMI_TEST_HOST", "h.example", 1);
    c = good("targets: {m: {url: 'http://${CMI_TEST_HOST}:8080/x'}}\nkafka: {group: 'a$${b$c'}\n",
             0);
    assert_string_equal(conf_text(c, "targets.m.url"), "http://h.example:8080/x");
    assert_string_equal(conf_text(c, "kafka.group"), "a${b$c");
    conf_free(c);
    unsetenv("CMI_TEST_HOST");
}

static void a_secret_comes_from_its_file_without_the_line_end(void **state)
{
    char file[] = "/tmp/cmibridge-secret-XXXXXX";
    char yaml[256];
    int fd = mkstemp(file);
    struct conf *c;
    struct buf b;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hunter2\r\n", 9), 9);
    (void)snprintf(yaml, sizeof yaml,
                   "targets: {m: {url: https://a, auth: bearer, token: 'file:%s'}}\n", file);
    c = good(yaml, 0);
    assert_string_equal(conf_text(c, "targets.m.token"), "hunter2");
    assert_null(conf_warning(c, 0));
    conf_free(c);
    assert_int_equal(fchmod(fd, 0644), 0);
    c = good(yaml, 0);
    assert_non_null(strstr(conf_warning(c, 0), "may be read by everyone"));
    assert_null(strstr(conf_warning(c, 0), "hunter2"));
    conf_free(c);
    assert_int_equal(pwrite(fd, "\xef\xbb\xbfhunt\r\n", 9, 0), 9); /* as some editors write it */
    c = good(yaml, 0);
    assert_string_equal(conf_text(c, "targets.m.token"), "hunt");
    conf_free(c);
    assert_int_equal(ftruncate(fd, 3), 0);
    buf_init(&b, 4096);
    assert_null(conf_parse("f", view_of(yaml), 0, &b));
    assert_non_null(strstr(buf_text(&b), " is empty\n"));
    buf_done(&b);
    (void)close(fd);
    (void)unlink(file);
}

static void credentials_over_plain_http_are_warned_of_but_not_on_loopback(void **state)
{
    struct conf *c = good("targets: {m: {url: http://a.example, auth: bearer, token: t}}\n", 0);

    (void)state;
    assert_string_equal(conf_warning(c, 0), "f:1: targets.m.url sends its credentials unencrypted; "
                                            "an https address would not");
    conf_free(c);
    c = good("targets: {m: {url: http://127.0.0.1:1, auth: bearer, token: t}}\n", 0);
    assert_null(conf_warning(c, 0));
    conf_free(c);
}

static void an_open_server_and_a_forgetful_redis_are_warned_of(void **state)
{
    struct conf *c = good("server: {listen: '0.0.0.0:80', anonymous: {login: dev}}\n"
                          "redis: {durable: false}\n",
                          0);

    (void)state;
    assert_string_equal(conf_warning(c, 0),
                        "f:2: redis.durable is false: Redis may then lose writes that were "
                        "acknowledged; with appendfsync everysec up to 5191 when it was killed "
                        "during a slow fsync");
    assert_string_equal(conf_warning(c, 1), "f:1: server.listen is no loopback address: whoever "
                                            "reaches it may do everything");
    assert_null(conf_warning(c, 2));
    conf_free(c);
    c = good("server: {listen: '0.0.0.0:80', users: /u}\n", 0);
    assert_non_null(strstr(conf_warning(c, 0), "passwords come unencrypted"));
    conf_free(c);
}

static void a_value_to_translate_may_hold_blanks_and_dots(void **state)
{
    struct conf *c =
        good("translations:\n  fi:\n    Service, e.g. SMS: Palvelu\n    Ei-ääkkönen: x\n", 0);

    (void)state;
    assert_string_equal(conf_text(c, "translations.fi.Service, e.g. SMS"), "Palvelu");
    assert_string_equal(conf_text(c, "translations.fi.Ei-ääkkönen"), "x");
    conf_free(c);
}

static void list_difference(void *ctx, const char *path, bool reloadable)
{
    buf_printf(ctx, "%s%s ", path, reloadable ? "!" : "");
}

static void a_reload_names_what_differs_and_what_it_may_take(void **state)
{
    struct conf *before = good("log: {level: info}\nkafka: {topics: [a, b]}\n"
                               "targets: {m: {url: http://a, auth: bearer, token: t}}\n",
                               0);
    struct conf *after =
        good("log: {level: debug}\nretry: {base: 1s}\nkafka: {topics: [a], group: g}\n"
             "targets: {m: {url: http://a, auth: bearer, token: u}}\n",
             0);
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    conf_diff(before, after, list_difference, &b);
    assert_string_equal(buf_text(&b),
                        "kafka.group kafka.topics[1] log.level! retry.base! targets.m.token ");
    buf_clear(&b);
    conf_diff(before, before, list_difference, &b);
    assert_string_equal(buf_text(&b), "");
    buf_done(&b);
    conf_free(before);
    conf_free(after);
}

static void list_secret(void *ctx, const char *path, const char *text, bool secret,
                        const char *origin)
{
    (void)text;
    (void)origin;
    if (secret)
        buf_printf(ctx, "%s ", path);
}

static void secrets_are_known_also_among_kafka_properties(void **state)
{
    struct conf *c = good("kafka: {properties: {sasl.password: a, ssl.key.pem: b, "
                          "security.protocol: SSL}}\nredis: {password: x}\n",
                          0);
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    conf_each(c, list_secret, &b);
    assert_string_equal(buf_text(&b), "kafka.properties.sasl.password kafka.properties.ssl.key.pem "
                                      "redis.password ");
    buf_done(&b);
    conf_free(c);
}

static void a_file_that_is_not_there_is_a_mistake(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    assert_null(conf_load("/nonexistent/c.yaml", &b));
    assert_string_equal(buf_text(&b),
                        "/nonexistent/c.yaml: can't be opened: No such file or directory\n");
    buf_clear(&b);
    assert_null(conf_load("/tmp", &b));
    assert_string_equal(buf_text(&b), "/tmp: can't be read: Is a directory\n");
    buf_done(&b);
}

static void asking_for_what_is_not_in_the_table_is_a_defect(void **state)
{
    (void)state;
    /* conf.h promises an assert; the table is what it asks. */
    assert_null(schema_find("kafka.brokerz"));
    assert_null(schema_find("kafka"));
    assert_null(schema_find("kafka.topics"));
    assert_null(schema_find("targets.main"));
    assert_null(schema_find("targets..url"));
    assert_null(schema_find("targets.a.b.url"));
    assert_null(schema_find("routes."));
    assert_null(schema_find(""));
    assert_string_equal(schema_find("kafka.topics[12]")->path, "kafka.topics[]");
    assert_string_equal(schema_find("routes.contact.remarks.*")->path, "routes.*");
}

static void every_row_is_whole_and_its_default_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_count; i++) {
        const struct setting *s = &schema[i];
        size_t sections = 0;

        assert_ptr_equal(schema_find(s->path), s);
        assert_true(s->used_by != 0);
        assert_int_equal(s->kind == SETTING_CHOICE, s->choices != NULL);
        assert_true(strlen(s->about) > 0 && s->about[strlen(s->about) - 1] != '.');
        /* Each is either required, or has a default, or may be absent and then has an example. */
        if (s->fallback == NULL && strstr(s->path, ".*") == NULL)
            assert_non_null(s->example);
        assert_true((s->flags & SETTING_REQUIRED) == 0 || s->fallback == NULL);
        for (size_t k = 0; k < schema_section_count; k++) {
            size_t n = strlen(schema_sections[k].path);

            sections += strncmp(s->path, schema_sections[k].path, n) == 0 &&
                        (s->path[n] == '.' || s->path[n] == '\0');
        }
        assert_int_equal(sections, 1);
    }
    /* Defaults are checked when they are put in. */
    conf_free(good("targets: {a: {url: http://a}}\nkafka: {brokers: a}\nserver: {anonymous: "
                   "{login: a}}\n",
                   USED_ALL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_named_with_its_line_and_what_is_allowed),
        cmocka_unit_test(values_are_found_by_path_kind_name_and_number),
        cmocka_unit_test(a_single_target_takes_everything_where_there_are_no_routes),
        cmocka_unit_test(the_environment_overrides_the_file),
        cmocka_unit_test(a_variable_that_two_settings_could_take_is_a_mistake),
        cmocka_unit_test(a_mistake_in_the_environment_is_named_after_its_variable),
        cmocka_unit_test(a_list_that_is_empty_is_the_same_in_the_environment),
        cmocka_unit_test(variables_are_put_in_and_a_doubled_dollar_is_one),
        cmocka_unit_test(a_secret_comes_from_its_file_without_the_line_end),
        cmocka_unit_test(credentials_over_plain_http_are_warned_of_but_not_on_loopback),
        cmocka_unit_test(an_open_server_and_a_forgetful_redis_are_warned_of),
        cmocka_unit_test(a_value_to_translate_may_hold_blanks_and_dots),
        cmocka_unit_test(a_reload_names_what_differs_and_what_it_may_take),
        cmocka_unit_test(secrets_are_known_also_among_kafka_properties),
        cmocka_unit_test(a_file_that_is_not_there_is_a_mistake),
        cmocka_unit_test(asking_for_what_is_not_in_the_table_is_a_defect),
        cmocka_unit_test(every_row_is_whole_and_its_default_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
