#include "tests/fakes/serve_rig.h"

#include "tests/fakes/xml_twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_MAX (64u << 20)

static const char anonymous[] =
    "  anonymous: {login: smith, name: 'Smith, John', id: 8EE34E893B224131AACF44677F60CF54}\n";
static const char own[] =
    "admin: {listen: '127.0.0.1:0'}\n"
    "callbacks:\n"
    "  ivr_number: '100'\n"
    "  queues:\n"
    "    '153': {original: '152', name: Sales}\n"
    "    '505': {}\n"
    "chats:\n"
    "  queues:\n"
    "    sms: {id: 00000000000000000000000000000001, address: 12345678@sms.social365.com,\n"
    "          channel: sms, name: SMS}\n"
    "    wa: {id: 00000000000000000000000000000002, address: 12345678@whatsapp.social365.com,\n"
    "         channel: whatsapp, name: WhatsApp}\n"
    "    sinch: {id: 00000000000000000000000000000003, channel: whatsapp, name: Sinch,\n"
    "            address: 11ERHG2PJ0NJKMNF7WRTR9Y1551@whatsapp.sinchconversation.com}\n";

/* ---- the process ---- */

static bool read_log(struct serve_rig *rig)
{
    struct pollfd p = {.fd = rig->log_fd, .events = POLLIN};
    char bytes[4096];
    ssize_t n = 0;

    assert_int_equal(poll(&p, 1, PROBE_PATIENCE_MS), 1);
    n = read(rig->log_fd, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    assert_true(buf_put(&rig->log, (struct view){bytes, (size_t)n}));
    return true;
}

bool serve_rig_await(struct serve_rig *rig, const char *text)
{
    while (strstr(buf_text(&rig->log), text) == NULL)
        if (!read_log(rig))
            return false;
    return true;
}

static unsigned number_after(struct serve_rig *rig, const char *text)
{
    struct view rest = view_of(strstr(buf_text(&rig->log), text) + strlen(text));
    int64_t n = 0;

    rest.n = strcspn(rest.p, " \n");
    assert_true(num_in(rest, 1, 65535, &n));
    return (unsigned)n;
}

static void run(struct serve_rig *rig)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    int fds[2];

    assert_non_null(binary); /* set by ctest */
    assert_int_equal(pipe(fds), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* gone with the test, whatever becomes of it */
        dup2(fds[1], 2);
        closefrom(STDERR_FILENO + 1);
        execl(binary, binary, "serve", "--config", rig->config, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    rig->log_fd = fds[0];
    buf_clear(&rig->log);
    if (!serve_rig_await(rig, "event=listening") || !serve_rig_await(rig, "event=store_ready"))
        fail_msg("serve did not start: %s", buf_text(&rig->log));
    rig->port = number_after(rig, " cmi_port=");
    rig->admin_port = number_after(rig, " admin_port=");
}

static int end(struct serve_rig *rig, int signal_number)
{
    int status = 0;

    assert_int_equal(kill(rig->pid, signal_number), 0);
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    rig->pid = 0;
    while (read_log(rig))
        continue;
    close(rig->log_fd);
    return status;
}

static void write_users(const struct serve_rig *rig, const char *users)
{
    char path[128];
    FILE *file = NULL;

    snprintf(path, sizeof path, "%s/users.yaml", rig->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fputs(users, file);
    assert_int_equal(fclose(file), 0);
}

/* users NULL: an anonymous one. */
static void start(struct serve_rig *rig, const char *users, const char *server, const char *more)
{
    FILE *file = NULL;

    redis_server_need();
    memset(rig, 0, sizeof *rig);
    buf_init(&rig->log, LOG_MAX);
    rig->redis = redis_server_start(NULL);
    snprintf(rig->dir, sizeof rig->dir, "/tmp/cmibridge-serve-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->config, sizeof rig->config, "%s/conf.yaml", rig->dir);
    file = fopen(rig->config, "w");
    assert_non_null(file);
    fprintf(file, "server:\n  listen: 127.0.0.1:0\n%s", server);
    if (users != NULL)
        fprintf(file, "  users: %s/users.yaml\n", rig->dir);
    else
        fputs(anonymous, file);
    fprintf(file, "%sredis: {address: '%s', timeout: 2s}\nhistory: {file: %s/history.sqlite}\n%s",
            own, rig->redis->address, rig->dir, more);
    assert_int_equal(fclose(file), 0);
    if (users != NULL)
        write_users(rig, users);
    run(rig);
}

void serve_rig_start(struct serve_rig *rig, const char *more)
{
    start(rig, NULL, "", more);
}

void serve_rig_user(struct buf *users, const char *login, const char *lines)
{
    char token[32];
    char digest[CRYPTO_SHA256_HEX];

    snprintf(token, sizeof token, "%s-token", login);
    crypto_sha256_hex(view_of(token), digest);
    buf_printf(users, "%s:\n  tokens: [%s]\n%s", login, digest, lines);
}

void serve_rig_start_users(struct serve_rig *rig, const char *users, const char *server,
                           const char *more)
{
    start(rig, users, server, more);
}

void serve_rig_change_users(struct serve_rig *rig, const char *users, const char *event)
{
    write_users(rig, users);
    buf_clear(&rig->log);
    assert_int_equal(kill(rig->pid, SIGHUP), 0);
    if (!serve_rig_await(rig, event))
        fail_msg("serve ended at SIGHUP: %s", buf_text(&rig->log));
}

void serve_rig_stop(struct serve_rig *rig)
{
    int status = end(rig, SIGTERM);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("serve ended with %#x: %s", (unsigned)status, buf_text(&rig->log));
}

void serve_rig_kill(struct serve_rig *rig)
{
    (void)end(rig, SIGKILL);
}

void serve_rig_restart(struct serve_rig *rig)
{
    run(rig);
}

void serve_rig_done(struct serve_rig *rig)
{
    static const char *const files[] = {"conf.yaml",           "history.sqlite",
                                        "history.sqlite-wal",  "history.sqlite-shm",
                                        "history.sqlite-lock", "users.yaml"};
    char path[128];

    if (rig->pid != 0)
        serve_rig_stop(rig);
    redis_server_stop(rig->redis);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", rig->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(rig->dir), 0);
    buf_done(&rig->log);
}

/* ---- requests ---- */

void serve_await_under_way(const struct serve_rig *rig, int count)
{
    char line[64];
    bool there = false;

    snprintf(line, sizeof line, "\ncmibridge_http_requests_under_way %d\n", count);
    for (int i = 0; !there; i++) {
        struct probe_reply r = probe_ask(rig->admin_port, "GET", "/metrics", "", NULL);

        there = r.status == 200 && strstr(r.body.p, line) != NULL;
        probe_done(&r);
        assert_true(there || i < 100000);
    }
}

int serve_send(const struct serve_rig *rig, const char *path, const char *key, const char *body)
{
    struct buf b;
    struct buf xml;
    int fd = probe_connect(rig->port);

    buf_init(&b, 1 << 20);
    buf_init(&xml, 1 << 20);
    buf_printf(&b, "POST /RI/cmi%s HTTP/1.1\r\nHost: x\r\n", path);
    if (xml_twin_instead(path, "Content-Type: application/json\r\n", body, &xml)) {
        buf_put_text(&b, "Content-Type: application/xml\r\n");
        body = buf_text(&xml);
    }
    buf_printf(&b, "Content-Length: %zu\r\n", strlen(body));
    if (key[0] != '\0')
        buf_printf(&b, "Idempotency-Key: %s\r\n", key);
    buf_put_text(&b, "\r\n");
    buf_put_text(&b, body);
    assert_false(b.full);
    probe_send(fd, buf_view(&b));
    buf_done(&b);
    buf_done(&xml);
    return fd;
}

/* An answer in JSON is asked for again in XML, and must be the same. */
static struct probe_reply ask_twice(const struct serve_rig *rig, const char *method,
                                    const char *target, const char *path, const char *headers,
                                    const char *body)
{
    struct probe_reply r = xml_twin_ask(rig->port, method, target, path, headers, body);

    if (r.status == 200 && strcmp(method, "GET") == 0 && strstr(headers, "Accept:") == NULL &&
        strcmp(probe_header(&r, "Content-Type"), "application/json") == 0)
        xml_twin_check(rig->port, target, path, headers, r.body);
    return r;
}

struct probe_reply serve_ask(const struct serve_rig *rig, const char *method, const char *path,
                             const char *headers, const char *body)
{
    char target[8192];
    char all[1024];

    assert_true(snprintf(target, sizeof target, "/RI/cmi%s", path) < (int)sizeof target);
    snprintf(all, sizeof all, "%s%s", headers,
             body != NULL && strstr(headers, "Content-Type") == NULL
                 ? "Content-Type: application/json\r\n"
                 : "");
    return ask_twice(rig, method, target, path, all, body);
}

void serve_expect(const struct serve_rig *rig, const char *method, const char *path,
                  const char *headers, const char *body, int status, const char *text)
{
    struct probe_reply r = serve_ask(rig, method, path, headers, body);

    if (r.status != status || (text != NULL && !view_is(r.body, text)))
        fail_msg("%s %s: %d %.*s", method, path, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

void serve_create(const struct serve_rig *rig, const char *path, const char *headers,
                  const char *body, char id[33])
{
    struct probe_reply r = serve_ask(rig, "POST", path, headers, body);
    char location[128];

    if (r.status != 201 || r.body.n != 32)
        fail_msg("POST %s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    memcpy(id, r.body.p, 32);
    id[32] = '\0';
    assert_string_equal(probe_header(&r, "Content-Type"), "text/html");
    snprintf(location, sizeof location, "/RI/cmi%s/%s", path, id);
    assert_string_equal(probe_header(&r, "Location"), location);
    probe_done(&r);
}

static bool has(const struct serve_rig *rig, const char *path, const char *text)
{
    struct probe_reply r = serve_ask(rig, "GET", path, "", NULL);
    bool found = strstr(r.body.p, text) != NULL;

    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    probe_done(&r);
    return found;
}

void serve_holds(const struct serve_rig *rig, const char *path, const char *text)
{
    if (!has(rig, path, text))
        fail_msg("GET %s lacks '%s'", path, text);
}

void serve_lacks(const struct serve_rig *rig, const char *path, const char *text)
{
    if (has(rig, path, text))
        fail_msg("GET %s has '%s'", path, text);
}

bool serve_next(struct probe_reply *r, char next[SERVE_NEXT_MAX])
{
    struct view link = view_of(probe_header(r, "Link"));
    struct view path = VIEW_NONE;

    if (link.n == 0)
        return false;
    path = view_cut(&link, '>');
    assert_true(view_is(link, "; rel=\"next\""));
    assert_true(view_starts(path, VIEW("</RI/cmi/")));
    path = view_skip(path, 8);
    assert_true(path.n < SERVE_NEXT_MAX);
    memcpy(next, path.p, path.n);
    next[path.n] = '\0';
    return true;
}

void serve_chat_line(const char *chat, unsigned n, char id[GUID_TEXT_MAX])
{
    char place[16];
    struct guid g;

    snprintf(place, sizeof place, "%u", n);
    g = crypto_guid_of(view_of(chat), view_of(place));
    for (guid_hex(&g, id); shard_of(view_of(id)) != shard_of(view_of(chat)); guid_hex(&g, id))
        if (++g.bytes[15] == 0)
            g.bytes[14]++;
}
