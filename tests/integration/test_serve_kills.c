/* `cmibridge serve`, killed with SIGKILL again and again in the middle of ingest and of writes of
 * every kind: whatever was acknowledged is there after each restart, as it was written.
 * CMIBRIDGE_LONG=1 kills it 200 times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/rng.h"
#include "tests/fakes/serve_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGET_MAX  96
#define TEXT_MAX    192
#define NUMBER_MAX  24
#define REQUEST_MAX 4096
#define BATCH       5  /* events of one POST /ingest */
#define KILLED_AT   60 /* acknowledgements of a round, at most */

#define JSON_TYPE  "Content-Type: application/json\r\n"
#define TEXT_TYPE  "Content-Type: text/plain\r\n"
#define BATCH_TYPE "Content-Type: application/cloudevents-batch+json\r\n"

/* What a writer tells the test of what was acknowledged, written whole. */
struct word {
    unsigned kind;
    char path[TARGET_MAX]; /* "/contacts/<id>" */
    char holds[TEXT_MAX];  /* what stands there; "": nothing does, it was deleted */
};

static struct serve_rig rig;
static struct word *acknowledged;
static size_t acknowledged_count;
static size_t acknowledged_room;

/* ---- a writer: a process that writes until the server is no more ---- */

struct writer {
    unsigned kind;
    int fd; /* to the server */
    int to; /* to the test */
    unsigned round;
    unsigned n; /* counts what it writes */
};

/* Is the answer whole? One without a length (204) is its head. */
static bool is_whole(const char *bytes, size_t n, int64_t *status, struct view *body)
{
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *length = strstr(bytes, "Content-Length: ");
    int64_t size = 0;

    if (end == NULL)
        return false;
    if (!num_int((struct view){bytes + 9, 3}, status))
        _exit(3);
    if (length != NULL && length < end &&
        !num_int((struct view){length + 16, strcspn(length + 16, "\r")}, &size))
        _exit(3);
    *body = (struct view){end + 4, (size_t)size};
    return n >= (size_t)(end + 4 - bytes) + (size_t)size;
}

/* The status; ends the writer where the connection ends before the answer was whole. */
static int ask(const struct writer *w, const char *method, const char *target, const char *headers,
               const char *text, char answer[REQUEST_MAX])
{
    char bytes[2 * REQUEST_MAX];
    size_t n = 0;
    int64_t status = 0;
    struct view body = VIEW_NONE;
    int size = snprintf(bytes, sizeof bytes,
                        "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", method,
                        target, headers, strlen(text), text);

    probe_send(w->fd, (struct view){bytes, (size_t)size});
    do {
        ssize_t got = recv(w->fd, bytes + n, sizeof bytes - 1 - n, 0);

        if (got <= 0)
            _exit(0);
        n += (size_t)got;
        bytes[n] = '\0';
    } while (!is_whole(bytes, n, &status, &body));
    view_copy(body, answer, REQUEST_MAX);
    return (int)status;
}

/* A write of the interface, with a key of its own. False: Redis, which is looked at anew after each
 * restart, is not known yet. */
static bool write_it(const struct writer *w, const char *method, const char *path, const char *type,
                     const char *text, int wanted, char answer[REQUEST_MAX])
{
    char target[TARGET_MAX + 16];
    char headers[160];
    int status;

    snprintf(target, sizeof target, "/RI/cmi%s", path);
    snprintf(headers, sizeof headers, "%sIdempotency-Key: %s-%u-%u-%u\r\n", type, method, w->round,
             w->kind, w->n);
    status = ask(w, method, target, headers, text, answer);
    if (status != 503 && status != wanted)
        _exit(6);
    return status == wanted;
}

static void tell(const struct writer *w, const char *path, const char *holds)
{
    struct word word = {.kind = w->kind};

    snprintf(word.path, sizeof word.path, "%s", path);
    snprintf(word.holds, sizeof word.holds, "%s", holds);
    if (write(w->to, &word, sizeof word) != (ssize_t)sizeof word) /* a pipe takes so little whole */
        _exit(4);
}

/* A number that nothing else has. */
static void number_of(const struct writer *w, char out[NUMBER_MAX])
{
    snprintf(out, NUMBER_MAX, "358%02u%03u%05u", w->kind, w->round % 1000, w->n % 100000);
}

static void id_of(const struct writer *w, unsigned i, char out[33])
{
    snprintf(out, 33, "%08X%08X%08X%08X", w->round + 1, w->kind, w->n, i);
}

static void put_event(struct buf *to, const char *type, const char *collection, const char *id,
                      const char *data)
{
    buf_printf(to,
               "%s{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"%s\","
               "\"subject\":\"%s/%s\",\"data\":%s}",
               to->n == 0 ? "[" : ",", id, type, collection, id, data);
}

static void ingest(const struct writer *w, struct buf *events)
{
    char answer[REQUEST_MAX];
    int status;

    buf_put_text(events, "]");
    status = ask(w, "POST", "/ingest", BATCH_TYPE, buf_text(events), answer);
    if (status != 200 || strstr(answer, "error") != NULL)
        _exit(5);
    buf_done(events);
}

static void put_call(struct buf *to, const char *id, const char *number)
{
    char data[256];

    snprintf(data, sizeof data,
             "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+%s\",\"destination\":"
             "\"100\"}",
             number);
    put_event(to, "contact.received", "contacts", id, data);
}

static void ingest_calls(struct writer *w)
{
    char ids[BATCH][33];
    char number[NUMBER_MAX];
    char path[256];
    char holds[TEXT_MAX];
    struct buf events;

    buf_init(&events, REQUEST_MAX);
    number_of(w, number);
    for (unsigned i = 0; i < BATCH; i++) {
        id_of(w, i, ids[i]);
        put_call(&events, ids[i], number);
    }
    ingest(w, &events);
    snprintf(holds, sizeof holds, "\"source\":\"+%s\"", number);
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(path, sizeof path, "/contacts/%s", ids[i]);
        tell(w, path, holds);
    }
}

/* POSTs to /<collection>; the path of what it made. */
static bool create(const struct writer *w, const char *collection, const char *json,
                   char path[TARGET_MAX])
{
    char answer[REQUEST_MAX];

    snprintf(path, TARGET_MAX, "/%s", collection);
    if (!write_it(w, "POST", path, JSON_TYPE, json, 201, answer))
        return false;
    snprintf(path, TARGET_MAX, "/%s/%.32s", collection, answer);
    return true;
}

static void add_chat(struct writer *w)
{
    char number[NUMBER_MAX];
    char json[512];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];

    number_of(w, number);
    snprintf(json, sizeof json,
             "{\"originator\":\"sam\",\"destination\":\"desk\",\"from_queue\":{\"id\":"
             "\"00000000000000000000000000000001\"},\"title\":\"t\",\"channel_type\":\"chat\","
             "\"channel_sub_type\":\"text\",\"transcript\":{\"messages\":[{\"message\":\"call "
             "%s\",\"originator\":\"sam\"}]}}",
             number);
    snprintf(holds, sizeof holds, "{\"message\":\"call %s\",\"originator\":\"sam\"", number);
    if (create(w, "chats", json, path))
        tell(w, path, holds);
}

/* Two destinations, and how they are shown. */
static void message_of(const char *number, char json[512], char holds[TEXT_MAX])
{
    snprintf(json, 512,
             "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
             "\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":[{\"address\":\"+%s\"},"
             "{\"address\":\"1\"}]}",
             number);
    snprintf(holds, TEXT_MAX,
             "[{\"address\":\"+%s\",\"status\":\"ADDED\"},{\"address\":\"1\",\"status\":"
             "\"ADDED\"}]",
             number);
}

static bool make_message(const struct writer *w, const char *number, char path[TARGET_MAX],
                         char holds[TEXT_MAX])
{
    char json[512];

    message_of(number, json, holds);
    return create(w, "messages", json, path);
}

static void add_message(struct writer *w)
{
    char number[NUMBER_MAX];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];

    number_of(w, number);
    if (make_message(w, number, path, holds))
        tell(w, path, holds);
}

static bool make_callback(const struct writer *w, const char *number, char path[TARGET_MAX],
                          char holds[TEXT_MAX])
{
    char json[256];

    snprintf(json, sizeof json, "{\"customerNumber\":\"+%s\",\"callbackQueueNumber\":\"153\"}",
             number);
    snprintf(holds, TEXT_MAX, "\"customerNumber\":\"+%s\"", number);
    return create(w, "callbacks", json, path);
}

static void add_callback(struct writer *w)
{
    char number[NUMBER_MAX];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];

    number_of(w, number);
    if (make_callback(w, number, path, holds))
        tell(w, path, holds);
}

static bool make_consent(const struct writer *w, const char *number, char path[TARGET_MAX],
                         char holds[TEXT_MAX])
{
    char json[TEXT_MAX];
    char answer[REQUEST_MAX];

    snprintf(json, sizeof json, "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}",
             number);
    snprintf(holds, TEXT_MAX, "%s", json);
    snprintf(path, TARGET_MAX, "/customerConsents/whatsapp_%s", number);
    return write_it(w, "POST", "/customerConsents", JSON_TYPE, json, 204, answer);
}

static void add_consent(struct writer *w)
{
    char number[NUMBER_MAX];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];

    number_of(w, number);
    if (make_consent(w, number, path, holds))
        tell(w, path, holds);
}

/* Of a call of their own. */
static bool make_remarks(const struct writer *w, const char *text, char path[TARGET_MAX])
{
    char id[33];
    char number[NUMBER_MAX];
    char answer[REQUEST_MAX];
    struct buf events;

    buf_init(&events, REQUEST_MAX);
    id_of(w, 0, id);
    number_of(w, number);
    put_call(&events, id, number);
    ingest(w, &events);
    snprintf(path, TARGET_MAX, "/contacts/%s/remarks", id);
    return write_it(w, "POST", path, TEXT_TYPE, text, 204, answer);
}

static void add_remarks(struct writer *w)
{
    char text[TEXT_MAX];
    char path[TARGET_MAX];

    snprintf(text, sizeof text, "The red car, r%u-%u", w->round, w->n);
    if (make_remarks(w, text, path))
        tell(w, path, text);
}

static void add_listen_log(struct writer *w)
{
    char id[33];
    char data[512];
    char json[256];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];
    char answer[REQUEST_MAX];
    struct buf events;

    buf_init(&events, REQUEST_MAX);
    id_of(w, 0, id);
    snprintf(data, sizeof data,
             "{\"call_id\":\"%s\",\"contact_id\":\"%s\",\"owner_id\":\"%s\",\"owner_type\":"
             "\"user\",\"owner_name\":\"o\",\"file_name\":\"f\"}",
             id, id, id);
    put_event(&events, "callrecording.created", "callRecordings", id, data);
    ingest(w, &events);
    snprintf(path, sizeof path, "/callRecordings/%s/listenLog", id);
    snprintf(json, sizeof json, "{\"description\":\"heard r%u-%u\",\"userSessionId\":\"s\"}",
             w->round, w->n);
    snprintf(holds, sizeof holds, "\"description\":\"heard r%u-%u\"", w->round, w->n);
    if (write_it(w, "POST", path, JSON_TYPE, json, 201, answer))
        tell(w, path, holds);
}

/* PUT of a message, a callback, remarks, by turns. */
static void change(struct writer *w)
{
    char number[NUMBER_MAX];
    char json[512];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];
    char answer[REQUEST_MAX];
    const char *type = w->n % 3 == 2 ? TEXT_TYPE : JSON_TYPE;
    bool made = false;

    number_of(w, number);
    if (w->n % 3 == 0) {
        made = make_message(w, "358401234567", path, holds);
        message_of(number, json, holds);
    } else if (w->n % 3 == 1) {
        made = make_callback(w, "358401234567", path, holds);
        snprintf(json, sizeof json,
                 "{\"customerNumber\":\"+%s\",\"notes\":\"\",\"lastResult\":\"BUSY\"}", number);
        snprintf(holds, sizeof holds, "\"customerNumber\":\"+%s\",\"failures\":1", number);
    } else {
        made = make_remarks(w, "The red car", path);
        snprintf(json, sizeof json, "The blue car, %s", number);
        snprintf(holds, sizeof holds, "The blue car, %s", number);
    }
    if (made && write_it(w, "PUT", path, type, json, 204, answer))
        tell(w, path, holds);
}

/* DELETE of a message and of a consent, by turns. */
static void take_away(struct writer *w)
{
    char number[NUMBER_MAX];
    char path[TARGET_MAX];
    char holds[TEXT_MAX];
    char answer[REQUEST_MAX];
    bool made;

    number_of(w, number);
    made =
        w->n % 2 == 0 ? make_message(w, number, path, holds) : make_consent(w, number, path, holds);
    if (made && write_it(w, "DELETE", path, TEXT_TYPE, "", 204, answer))
        tell(w, path, "");
}

static void (*const kinds[])(struct writer *w) = {
    ingest_calls, add_chat,       add_message, add_callback, add_consent,
    add_remarks,  add_listen_log, change,      take_away,
};
#define WRITERS (sizeof kinds / sizeof *kinds)

/* Connected before the first of them writes: that may be the server's end. */
static pid_t start_writer(unsigned kind, int fd, int to, unsigned round)
{
    struct writer w = {.kind = kind, .fd = fd, .to = to, .round = round};
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    for (;; w.n++)
        kinds[kind](&w);
}

/* ---- the test ---- */

static void remember(const struct word *w)
{
    if (acknowledged_count == acknowledged_room) {
        acknowledged_room = acknowledged_room == 0 ? 1024 : 2 * acknowledged_room;
        acknowledged = mem_resize(acknowledged, acknowledged_room, sizeof *acknowledged);
    }
    acknowledged[acknowledged_count++] = *w;
}

static void read_back(size_t from)
{
    for (size_t i = from; i < acknowledged_count; i++) {
        const struct word *w = &acknowledged[i];
        bool gone = w->holds[0] == '\0';
        struct probe_reply r = serve_ask(&rig, "GET", w->path, "", NULL);

        if (r.status != (gone ? 404 : 200) || (!gone && strstr(r.body.p, w->holds) == NULL))
            fail_msg("GET %s, where %s was acknowledged: %d %.*s", w->path,
                     gone ? "its end" : w->holds, r.status, VIEW_ARG(r.body));
        probe_done(&r);
    }
}

static void one_round(unsigned round, struct rng *rng)
{
    const size_t first = acknowledged_count;
    const size_t enough = 1 + (size_t)rng_below(rng, KILLED_AT);
    pid_t writers[WRITERS];
    int connections[WRITERS];
    struct word w;
    int fds[2];
    int status;

    assert_int_equal(pipe(fds), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        connections[i] = probe_connect(rig.port);
    for (unsigned i = 0; i < WRITERS; i++)
        writers[i] = start_writer(i, connections[i], fds[1], round);
    for (unsigned i = 0; i < WRITERS; i++)
        probe_close(connections[i]);
    close(fds[1]);
    while (acknowledged_count - first < enough) {
        assert_int_equal(read(fds[0], &w, sizeof w), sizeof w);
        remember(&w);
    }
    serve_rig_kill(&rig);
    while (read(fds[0], &w, sizeof w) == (ssize_t)sizeof w) /* until the last writer has ended */
        remember(&w);
    close(fds[0]);
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("writer %u ended with %#x", i, (unsigned)status);
    }
    serve_rig_restart(&rig);
    read_back(first);
}

static void what_was_acknowledged_outlives_every_kill(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 200 : 20;
    size_t counts[WRITERS] = {0};
    struct rng rng = rng_of(20261126);

    (void)state;
    serve_rig_start(&rig, "");
    for (unsigned round = 0; round < rounds; round++)
        one_round(round, &rng);
    read_back(0);
    for (size_t i = 0; i < acknowledged_count; i++)
        counts[acknowledged[i].kind]++;
    printf("%u kills, %zu acknowledged and read back, by kind:", rounds, acknowledged_count);
    for (size_t i = 0; i < WRITERS; i++)
        printf(" %zu", counts[i]);
    printf("\n");
    for (size_t i = 0; i < WRITERS; i++)
        assert_true(counts[i] > 0);
    serve_rig_done(&rig);
    mem_free(acknowledged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_outlives_every_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
