/* The rows. How they are found and compared is in schema_find.c. */
#include "config/schema.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

static const char *const offset_resets[] = {"error", "earliest", "latest", NULL};
static const char *const assigns[] = {"group", "all", NULL};
static const char *const unknowns[] = {"skip", "dead-letter", NULL};
static const char *const gaps[] = {"stop", "continue", NULL};
static const char *const auths[] = {"none", "basic", "bearer", "api-key", "certificate", NULL};
static const char *const consents[] = {"required", "unless-withdrawn", NULL};
static const char *const formats[] = {"auto", "logfmt", "json", "terminal", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

const struct section schema_sections[] = {
    {"kafka", "Where events come from, and where results and dead letters go."},
    {"events", "How events are read."},
    {"targets", "The CMIs that events are written to, each under a name of yours."},
    {"routes", "Which event type goes to which target. A type (message.requested), a family "
               "(message.*) or everything (*); the most exact one counts. With a single target "
               "and no routes, everything goes there."},
    {"retry", "When a write that failed and may yet succeed is tried again: after a random time up "
              "to base doubled at each attempt, at most max."},
    {"breaker", "When a target that keeps failing is left alone, and for how long."},
    {"dead_letters", "How many events may be given up because of a failing target: a budget that "
                     "successes refill, so that an outage does not empty the topic into the dead "
                     "letters. Events that can't be read or break the rules are outside it."},
    {"refs", "The producers' own names for what they created (chats/<ref>), kept in Redis."},
    {"consume", "The limits of `cmibridge consume`."},
    {"redis", "Schedule, consents and references."},
    {"server", "`cmibridge serve`: the CMI under /RI/cmi, and who its callers are."},
    {"limits", "What `cmibridge serve` takes from a client at most."},
    {"callbacks", "Callback requests: attempts and queues."},
    {"chats", "Chat queues: the senders of messages and the queues of chats."},
    {"translations", "What values of the interface are called in other languages: names of queues, "
                     "typeDetails, statusDetails. A language of two letters, then each value as it "
                     "is without, such as InQueue. Shown to who asks for that language, or whose "
                     "language it is."},
    {"consent", "Consents."},
    {"retention", NULL},
    {"history", "Contact history of `cmibridge serve`."},
    {"admin", "Metrics and health of the long-running commands: /metrics, /healthz, /readyz."},
    {"log", "What is logged, and how; it goes to standard error."},
};
const size_t schema_section_count = sizeof schema_sections / sizeof schema_sections[0];

/* Columns: path, kind, flags, used by, default, min, max, choices, example, about. */
const struct setting schema[] = {
    {"kafka.brokers", SETTING_ADDRESSES, SETTING_REQUIRED, USED_KAFKA, NULL, 1, 4096, NULL,
     "kafka-1.example.com:9092,kafka-2.example.com:9092",
     "brokers to ask first, host:port with commas between"},
    {"kafka.client_id", SETTING_TEXT, 0, USED_KAFKA, "cmibridge", 1, 255, NULL, NULL,
     "the name shown in the brokers' logs and quotas"},
    {"kafka.group", SETTING_TEXT, 0, USED_CONSUME, "cmibridge", 1, 255, NULL, NULL,
     "the consumer group; its committed offsets say where to go on after a restart"},
    {"kafka.instance_id", SETTING_TEXT, 0, USED_CONSUME, NULL, 1, 255, NULL, "consume-1",
     "static membership: the same name after a restart keeps the partitions, without a rebalance"},
    {"kafka.topics[]", SETTING_TEXT, 0, USED_CONSUME | USED_PUBLISH, "contact-events", 1, 255, NULL,
     NULL, "topics of events; one that begins with ^ is a pattern (regular expression)"},
    {"kafka.assign", SETTING_CHOICE, 0, USED_CONSUME, "group", 0, 0, assigns, NULL,
     "group: partitions are shared within the group; all: take every partition, alone"},
    {"kafka.offset_reset", SETTING_CHOICE, 0, USED_CONSUME, "error", 0, 0, offset_resets, NULL,
     "where to read when the committed offset is no longer in the topic; error: stop and say so"},
    {"kafka.session_timeout", SETTING_DURATION, 0, USED_CONSUME, "45s", 1 * SECOND, 30 * MINUTE,
     NULL, NULL, "after this silence the group gives the partitions to another member"},
    {"kafka.commit_interval", SETTING_DURATION, 0, USED_CONSUME, "1s", 10, 1 * MINUTE, NULL, NULL,
     "how often offsets are committed; a crash repeats at most this much, under the same keys"},
    {"kafka.results_topic", SETTING_TEXT, 0, USED_CONSUME, "cmi-results", 0, 249, NULL, NULL,
     "topic for the result of every write; \"\" writes none"},
    {"kafka.dead_letters_topic", SETTING_TEXT, 0, USED_CONSUME | USED_DLQ, "cmi-dead-letters", 1,
     249, NULL, NULL, "topic for events that were given up"},
    {"kafka.properties.*", SETTING_SECRET, 0, USED_KAFKA, NULL, 0, 65536, NULL, "SASL_SSL",
     "any property of librdkafka, such as security.protocol or sasl.password"},

    {"events.type_prefix", SETTING_TEXT, 0, USED_CONSUME | USED_PUBLISH, "", 0, 255, NULL, NULL,
     "beginning of event types, such as com.example.cc., that is removed before matching"},
    {"events.unknown", SETTING_CHOICE, 0, USED_CONSUME, "skip", 0, 0, unknowns, NULL,
     "what becomes of an event of unknown type; either way it is counted"},
    {"events.on_gap", SETTING_CHOICE, 0, USED_CONSUME, "stop", 0, 0, gaps, NULL,
     "what to do when the broker has dropped events that were not yet read"},

    {"targets.*.url", SETTING_URL, SETTING_REQUIRED, USED_CONSUME, NULL, 1, 2048, NULL,
     "https://cmi.example.com/RI/cmi", "base address of the CMI"},
    {"targets.*.auth", SETTING_CHOICE, 0, USED_CONSUME, "none", 0, 0, auths, NULL,
     "how to sign on"},
    {"targets.*.user", SETTING_TEXT, 0, USED_CONSUME, NULL, 1, 255, NULL, "bridge",
     "for auth: basic"},
    {"targets.*.password", SETTING_SECRET, 0, USED_CONSUME, NULL, 1, 4096, NULL,
     "file:/run/secrets/cmi-password", "for auth: basic"},
    {"targets.*.token", SETTING_SECRET, 0, USED_CONSUME, NULL, 1, 16384, NULL,
     "file:/run/secrets/cmi-token", "for auth: bearer"},
    {"targets.*.api_key", SETTING_SECRET, 0, USED_CONSUME, NULL, 1, 16384, NULL, "${CMI_API_KEY}",
     "for auth: api-key"},
    {"targets.*.api_key_header", SETTING_TEXT, 0, USED_CONSUME, "X-API-Key", 1, 128, NULL, NULL,
     "for auth: api-key; the header that carries it"},
    {"targets.*.certificate", SETTING_FILE, SETTING_EXISTS, USED_CONSUME, NULL, 1, 4096, NULL,
     "/etc/cmibridge/client.pem", "for auth: certificate; PEM, with its chain"},
    {"targets.*.key", SETTING_FILE, SETTING_EXISTS, USED_CONSUME, NULL, 1, 4096, NULL,
     "/etc/cmibridge/client.key", "for auth: certificate; its private key, PEM"},
    {"targets.*.ca", SETTING_FILE, SETTING_EXISTS, USED_CONSUME, NULL, 1, 4096, NULL,
     "/etc/cmibridge/ca.pem", "authorities to trust instead of the system's, PEM"},
    {"targets.*.timeout", SETTING_DURATION, 0, USED_CONSUME, "30s", 100, 10 * MINUTE, NULL, NULL,
     "for one request, from its start to the end of its reply"},
    {"targets.*.connect_timeout", SETTING_DURATION, 0, USED_CONSUME, "5s", 50, 1 * MINUTE, NULL,
     NULL, "for making a connection, TLS included"},
    {"targets.*.concurrency", SETTING_INT, 0, USED_CONSUME, "64", 1, 1024, NULL, NULL,
     "requests under way at once; one key never has two"},
    {"targets.*.honours_key", SETTING_BOOL, 0, USED_CONSUME, "false", 0, 0, NULL, NULL,
     "true: it answers a repeated Idempotency-Key with the first answer, as cmibridge serve does"},
    {"targets.*.ingest", SETTING_PATH, 0, USED_CONSUME, NULL, 1, 1024, NULL, "/ingest",
     "path on the same host that takes history events; absent: none do"},

    {"routes.*", SETTING_TEXT, 0, USED_CONSUME, NULL, 1, SCHEMA_NAME_MAX, NULL, "main",
     "the target for events of this type"},

    {"retry.base", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "500ms", 1, 10 * MINUTE,
     NULL, NULL, "bound of the first wait"},
    {"retry.max", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "1min", 1, 1 * HOUR, NULL,
     NULL, "bound of every wait"},
    {"retry.attempts", SETTING_INT, SETTING_RELOADABLE, USED_CONSUME, "10", 1, 100, NULL, NULL,
     "attempts that count (those made while other keys succeed) before an event is given up"},
    {"retry.retry_after_max", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "5min", 0,
     1 * DAY, NULL, NULL, "a longer Retry-After is cut to this"},

    {"breaker.failures", SETTING_INT, SETTING_RELOADABLE, USED_CONSUME, "5", 1, 1000, NULL, NULL,
     "failures in a row that open it: no requests but one trial at a time"},
    {"breaker.open_min", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "1s", 10, 1 * HOUR,
     NULL, NULL, "time until the first trial; doubled after each trial that fails"},
    {"breaker.open_max", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "1min", 10, 1 * HOUR,
     NULL, NULL, "longest time between trials"},

    {"dead_letters.budget", SETTING_INT, 0, USED_CONSUME, "20", 1, 1000000, NULL, NULL,
     "the budget's size, full at the start: events given up in a burst"},
    {"dead_letters.budget_per_success", SETTING_PERCENT, 0, USED_CONSUME, "10%", 0, 100, NULL, NULL,
     "what each success gives back; 10%: one more for ten successes"},

    {"refs.wait", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "30s", 0, 1 * HOUR, NULL,
     NULL, "how long an event waits for the one that creates what it names"},
    {"refs.keep", SETTING_DURATION, 0, USED_CONSUME, "90d", 7 * DAY, 3650 * DAY, NULL, NULL,
     "how long a name is known after its last use"},

    {"consume.in_flight", SETTING_INT, 0, USED_CONSUME, "1024", 1, 65536, NULL, NULL,
     "events held at once; beyond it partitions are paused"},
    {"consume.in_flight_bytes", SETTING_SIZE, 0, USED_CONSUME, "16MiB", 1 * MIB, 4 * GIB, NULL,
     NULL, "their bytes; beyond it partitions are paused"},
    {"consume.drain", SETTING_DURATION, 0, USED_CONSUME, "20s", 0, 10 * MINUTE, NULL, NULL,
     "time for what is under way to end, at a stop and when partitions are taken away"},
    {"consume.head_of_line", SETTING_DURATION, SETTING_RELOADABLE, USED_CONSUME, "5min", 1 * SECOND,
     7 * DAY, NULL, NULL, "age of a partition's oldest unfinished event from which it is reported"},

    {"redis.address", SETTING_ADDRESS, SETTING_UNIX, USED_REDIS, "127.0.0.1:6379", 1, 4096, NULL,
     NULL, "host:port or unix:/path"},
    {"redis.sentinels", SETTING_ADDRESSES, SETTING_PORTS, USED_REDIS, NULL, 1, 4096, NULL,
     "redis-1:26379,redis-2:26379,redis-3:26379",
     "Sentinels, in place of redis.address: they say which server is the primary"},
    {"redis.primary", SETTING_TEXT, 0, USED_REDIS, NULL, 1, 255, NULL, "mymaster",
     "the name that the Sentinels watch it under"},
    {"redis.cluster", SETTING_ADDRESSES, SETTING_PORTS, USED_REDIS, NULL, 1, 4096, NULL,
     "redis-1:6379,redis-2:6379,redis-3:6379",
     "some servers of a Redis Cluster, in place of redis.address"},
    {"redis.replicas", SETTING_INT, 0, USED_REDIS, "0", 0, 16, NULL, NULL,
     "replicas that must have a write before it counts (WAIT); fewer, and nothing is taken or "
     "sent"},
    {"redis.user", SETTING_TEXT, 0, USED_REDIS, NULL, 1, 255, NULL, "cmibridge", "of Redis' ACL"},
    {"redis.password", SETTING_SECRET, 0, USED_REDIS, NULL, 1, 4096, NULL,
     "file:/run/secrets/redis-password", "of the user, or of requirepass"},
    {"redis.database", SETTING_INT, 0, USED_REDIS, "0", 0, 16383, NULL, NULL, "its number"},
    {"redis.timeout", SETTING_DURATION, 0, USED_REDIS, "5s", 100, 1 * MINUTE, NULL, NULL,
     "for one reply; a disk that stalls makes Redis answer seconds late"},
    {"redis.durable", SETTING_BOOL, 0, USED_REDIS, "true", 0, 0, NULL, NULL,
     "demand appendfsync always and maxmemory-policy noeviction; false may lose acknowledged "
     "writes"},

    {"server.listen", SETTING_ADDRESS, 0, USED_SERVE, "127.0.0.1:8080", 0, 4096, NULL, NULL,
     "address of the CMI; port 0 takes a free one"},
    {"server.drain", SETTING_DURATION, 0, USED_SERVE, "20s", 0, 10 * MINUTE, NULL, NULL,
     "time for requests under way to end, at a stop"},
    {"server.cors.origins[]", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 255, NULL,
     "https://desk.example.com", "origins whose browser pages may call; none by default"},
    {"server.anonymous.login", SETTING_TEXT, SETTING_REQUIRED, USED_SERVE, NULL, 1, 64, NULL, "dev",
     "the user that every caller is, with all rights"},
    {"server.anonymous.name", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 64, NULL, "Developer",
     "shown as creator; absent: the login"},
    {"server.anonymous.language", SETTING_TEXT, 0, USED_SERVE, "en", 2, 2, NULL, NULL,
     "two letters (ISO 639)"},
    {"server.anonymous.id", SETTING_GUID, 0, USED_SERVE, NULL, 0, 0, NULL,
     "0A6C34F2B1D24E0F9A5B7C8D9E0F1A2B", "absent: made from the login"},

    {"limits.body", SETTING_SIZE, 0, USED_SERVE, "32MiB", 1 * KIB, 1 * GIB, NULL, NULL,
     "of a request; a message to a million destinations has 30 MB"},
    {"limits.bodies", SETTING_SIZE, 0, USED_SERVE, "128MiB", 1 * MIB, 64 * GIB, NULL, NULL,
     "of all requests under way together; beyond it 503"},
    {"limits.remarks", SETTING_SIZE, 0, USED_SERVE, "64KiB", 1, 16 * MIB, NULL, NULL,
     "of a contact's remarks"},
    {"limits.headers", SETTING_SIZE, 0, USED_SERVE, "16KiB", 1 * KIB, 1 * MIB, NULL, NULL,
     "of a request, its first line included"},
    {"limits.connections", SETTING_INT, 0, USED_SERVE, "1000", 1, 100000, NULL, NULL,
     "at once; a further one waits to be taken"},
    {"limits.request_time", SETTING_DURATION, 0, USED_SERVE, "30s", 100, 1 * HOUR, NULL, NULL,
     "from a request's first byte to its last"},

    {"callbacks.ivr_number", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 64, NULL, "100",
     "number of the Callback IVR; without it POST /callbacks is refused"},
    {"callbacks.delay", SETTING_DURATION, 0, USED_SERVE, "60s", 0, 30 * DAY, NULL, NULL,
     "until the first call, where the request names no time"},
    {"callbacks.retry_delay", SETTING_DURATION, 0, USED_SERVE, "5min", 1 * SECOND, 30 * DAY, NULL,
     NULL, "until the next call after a failed one"},
    {"callbacks.max_calls", SETTING_INT, 0, USED_SERVE, "3", 1, 100, NULL, NULL,
     "calls for one request"},
    {"callbacks.queues.*.original", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 64, NULL, "152",
     "the number that customers called; absent: the queue's own"},
    {"callbacks.queues.*.name", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 64, NULL, "Sales",
     "the name of that original queue"},

    {"chats.queues.*.id", SETTING_GUID, SETTING_REQUIRED, USED_SERVE, NULL, 0, 0, NULL,
     "5B2B1B4A6B7F4B1B8E0F1A2B3C4D5E6F", "32 hex digits, or 36 characters with hyphens"},
    {"chats.queues.*.address", SETTING_TEXT, 0, USED_SERVE, NULL, 1, 255, NULL,
     "12345678@sms.example.com", "what messages name as their source; absent: chats only"},
    {"chats.queues.*.channel", SETTING_TEXT, SETTING_REQUIRED, USED_SERVE, NULL, 1, 32, NULL, "sms",
     "the subType that goes with it: text, sms, whatsapp, telegram, …"},
    {"chats.queues.*.name", SETTING_TEXT, SETTING_REQUIRED, USED_SERVE, NULL, 1, 64, NULL,
     "Service SMS", "shown as the queue's name"},

    {"translations.*.*", SETTING_TEXT, 0, USED_SERVE, NULL, 0, 255, NULL, "Jonossa",
     "the text in that language"},

    {"consent.whatsapp", SETTING_CHOICE, 0, USED_SERVE, "unless-withdrawn", 0, 0, consents, NULL,
     "whether a customer without a recorded consent may be written to on WhatsApp"},

    {"retention", SETTING_DURATION, 0, USED_SERVE, "30d", 7 * DAY, 3650 * DAY, NULL, NULL,
     "how long what is closed stays readable by its id"},

    {"history.file", SETTING_FILE, 0, USED_SERVE, "/var/lib/cmibridge/history.sqlite", 1, 4096,
     NULL, NULL, "the SQLite database; one serve owns it"},

    {"admin.listen", SETTING_ADDRESS, 0, USED_LONG, "127.0.0.1:9464", 0, 4096, NULL, NULL,
     "two commands on one machine need two: set CMIBRIDGE_ADMIN_LISTEN for one of them"},

    {"log.format", SETTING_CHOICE, 0, USED_ALL, "auto", 0, 0, formats, NULL,
     "auto: terminal on a terminal, logfmt elsewhere"},
    {"log.level", SETTING_CHOICE, SETTING_RELOADABLE, USED_ALL, "info", 0, 0, levels, NULL,
     "the least that is logged"},
};
const size_t schema_count = sizeof schema / sizeof schema[0];
