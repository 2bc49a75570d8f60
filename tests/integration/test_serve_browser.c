/* CORS with a real browser: a page of a configured origin lists chats, one of another can't, and
 * changes nothing where the browser signs on by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define DOM_MAX (1 << 20)

/* argon2id of "correct horse", with the least of everything. */
#define HORSE                                                                                      \
    "$argon2id$v=19$m=8,t=1,p=1$m4ggW6p0y04fgmXTh/"                                                \
    "Xc8Q$usshLmxwy6o7AUXk4Ze8iATpQNS64dXen2x55lsA7DI"

static struct serve_rig rig;
static struct serve_rig own_machine;  /* the same for who is signed on without a word */
static struct hostile_http *desk;     /* whose origin is configured */
static struct hostile_http *stranger; /* and one that is not */
static char profile[] = "/tmp/cmibridge-browser-XXXXXX";

static void need_chromium(void)
{
    if (system("command -v chromium >/dev/null 2>&1") == 0)
        return;
    printf("skipped: chromium is not installed (apt-get install chromium)\n");
    exit(77);
}

/* What a page does: asks as it is told, and writes down what it was given. */
static const char page[] =
    "<!DOCTYPE html><body><pre id=out>not yet</pre><script>\n"
    "const out = document.getElementById('out');\n"
    "async function ask(name, headers, method, body) {\n"
    "  try {\n"
    "    const r = await fetch('http://127.0.0.1:%u/RI/cmi/chats?limit=1',\n"
    "                          {method: method, headers: headers, body: body});\n"
    "    const text = await r.text();\n"
    "    return name + '=' + r.status + ' ' + r.headers.get('Link') + ' ' +\n"
    "           r.headers.get('Location') + ' ' + text + '\\n';\n"
    "  } catch (e) { return name + '=refused\\n'; }\n"
    "}\n"
    "(async () => {\n"
    "  let all = '';\n"
    "  all += await ask('basic', {Authorization: 'Basic ' + btoa('boss:correct horse')}, 'GET');\n"
    "  all += await ask('bearer', {Authorization: 'Bearer ann-token'}, 'GET');\n"
    "  all += await ask('key', {'X-API-Key': 'ann-token'}, 'GET');\n"
    "  all += await ask('wrong', {Authorization: 'Bearer wrong'}, 'GET');\n"
    "  all += await ask('post', {Authorization: 'Bearer ann-token',\n"
    "                            'Content-Type': 'application/json'}, 'POST', '{}');\n"
    /* Without a Content-Type no leave is asked for. */
    "  all += await fetch('http://127.0.0.1:%u/RI/cmi/callbacks', {method: 'POST',\n"
    "    mode: 'no-cors', body: new Blob([JSON.stringify(\n"
    "      {customerNumber: location.port, callbackQueueNumber: '153'})])})\n"
    "    .then((r) => 'blind=' + r.type + '\\n', () => 'blind=refused\\n');\n"
    "  out.textContent = all + 'end';\n"
    "})();\n"
    "</script></body>\n";

static char *page_text;

static void show_page(struct hostile_http *site)
{
    hostile_http_default(site, (struct hostile_step){.act = HOSTILE_REPLY,
                                                     .status = 200,
                                                     .headers = "Content-Type: text/html\r\n",
                                                     .body = page_text});
}

static void make_chats(void)
{
    static const char chat[] =
        "{\"channel_type\":\"chat\",\"channel_sub_type\":\"text\",\"originator\":\"a\","
        "\"destination\":\"b\",\"title\":\"Hello from the desk\","
        "\"from_queue\":{\"id\":\"00000000000000000000000000000001\"},"
        "\"transcript\":{\"messages\":[]}}";
    char id[33];

    for (int i = 0; i < 2; i++) /* two, so that a list of one has a Link */
        serve_create(&rig, "/chats", "Authorization: Bearer ann-token\r\n", chat, id);
}

static int start(void **state)
{
    char users[1024];
    char server[256];
    char digest[CRYPTO_SHA256_HEX];

    (void)state;
    crypto_init();
    crypto_sha256_hex(VIEW("ann-token"), digest);
    snprintf(users, sizeof users,
             "ann: {rights: all, tokens: [%s]}\nboss: {rights: all, password: '%s'}\n", digest,
             HORSE);
    assert_non_null(mkdtemp(profile));
    /* The origin must be known before the server starts, and its page needs the server's port. */
    desk = hostile_http_start();
    snprintf(server, sizeof server, "  cors: {origins: ['%s']}\n", hostile_http_url(desk));
    serve_rig_start_users(&rig, users, server, "");
    setenv("CMIBRIDGE_SERVER_CORS_ORIGINS", hostile_http_url(desk), 1);
    serve_rig_start(&own_machine, "");
    unsetenv("CMIBRIDGE_SERVER_CORS_ORIGINS");
    page_text = mem_zeroed(1, sizeof page + 16);
    snprintf(page_text, sizeof page + 16, page, rig.port, own_machine.port);
    stranger = hostile_http_start();
    show_page(desk);
    show_page(stranger);
    make_chats();
    return 0;
}

static int stop(void **state)
{
    char command[128];

    (void)state;
    serve_rig_done(&rig);
    serve_rig_done(&own_machine);
    hostile_http_stop(desk);
    hostile_http_stop(stranger);
    mem_free(page_text);
    snprintf(command, sizeof command, "rm -r '%s'", profile);
    return system(command);
}

/* What the page has become when all it waits for has come. */
static void browse(const struct hostile_http *site, struct buf *dom)
{
    char command[1024];

    snprintf(command, sizeof command,
             "timeout -k 5 90 chromium --headless --no-sandbox --disable-gpu "
             "--disable-dev-shm-usage --no-first-run --disable-background-networking "
             "--no-proxy-server --user-data-dir='%s' --virtual-time-budget=60000 --dump-dom '%s/' "
             "2>'%s/log'",
             profile, hostile_http_url(site), profile);
    if (shell_run(command, dom) != 0 || strstr(buf_text(dom), "end</pre>") == NULL)
        fail_msg("chromium: %s", buf_text(dom));
}

static void expect(struct buf *dom, const char *text)
{
    if (strstr(buf_text(dom), text) == NULL)
        fail_msg("the page has not '%s': %s", text, buf_text(dom));
}

/* A callback for its port, which it has asked for without seeing the answer. */
static void expect_callbacks(const struct hostile_http *site, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "/callbacks?customerNumber=%s",
             strrchr(hostile_http_url(site), ':') + 1);
    serve_holds(&own_machine, path, text);
}

static void a_page_of_a_configured_origin_lists_chats(void **state)
{
    struct buf dom;

    (void)state;
    buf_init(&dom, DOM_MAX);
    browse(desk, &dom);
    expect(&dom, "basic=200 &lt;/RI/cmi/chats?");
    expect(&dom, "bearer=200 &lt;/RI/cmi/chats?"); /* Link is shown to it */
    expect(&dom, "key=200 ");
    expect(&dom, "\"title\":\"Hello from the desk\"");
    expect(&dom, "wrong=401 ");
    expect(&dom, "post=400 ");
    expect(&dom, "blind=opaque");
    expect_callbacks(desk, "\"callbackQueueNumber\":\"153\"");
    buf_done(&dom);
}

static void a_page_of_another_origin_can_t(void **state)
{
    static const char *const all[] = {"basic=refused", "bearer=refused", "key=refused",
                                      "wrong=refused", "post=refused"};
    struct buf dom;

    (void)state;
    buf_init(&dom, DOM_MAX);
    browse(stranger, &dom);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        expect(&dom, all[i]);
    assert_null(strstr(buf_text(&dom), "Hello from"));
    expect(&dom, "blind=opaque"); /* it was sent, and answered */
    expect_callbacks(stranger, "[]");
    buf_done(&dom);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_a_configured_origin_lists_chats),
        cmocka_unit_test(a_page_of_another_origin_can_t),
    };

    need_chromium();
    return cmocka_run_group_tests(tests, start, stop);
}
