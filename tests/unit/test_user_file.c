/* user_file, user_edit, user: the users file read and changed, and its users found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/password.h"
#include "server/queues.h"
#include "server/user.h"
#include "server/user_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH                                                                                       \
    "$argon2id$v=19$m=8,t=1,p=1$m4ggW6p0y04fgmXTh/"                                                \
    "Xc8Q$usshLmxwy6o7AUXk4Ze8iATpQNS64dXen2x55lsA7DI"
#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct queues *queues;

static int make_queues(void **state)
{
    struct chat_queue sms = {.entry = "sms", .name = "SMS", .channel = "sms"};
    struct callback_queue callback = {.number = "153"};

    (void)state;
    crypto_init();
    sms.id.bytes[15] = 1;
    queues = queues_new();
    queues_add_chat(queues, &sms);
    queues_add_callback(queues, &callback);
    return 0;
}

static int free_queues(void **state)
{
    (void)state;
    queues_free(queues);
    return 0;
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *yaml;
        const char *mistakes;
    } rows[] = {
        {"", ""},
        {"a: {}\n", ""},
        {"- a\n", "f:1: this is a list; a map of settings (key: value) is wanted\n"},
        {"a: b\n", "f:1: a is a user: id, name and so on are wanted beneath it\n"},
        {"'a:b': {}\n", "f:1: 'a:b' is no login: 1 to 64 bytes without ':'\n"},
        {"a: {id: 1}\n", "f:1: a: id is no GUID: 32 hex digits, or 36 characters with hyphens\n"},
        {"a: {name: ''}\n",
         "f:1: a: name is not 1 to 64 bytes of UTF-8 without control characters\n"},
        {"a: {name: \"x\\nadm2: all\"}\n",
         "f:1: a: name is not 1 to 64 bytes of UTF-8 without control characters\n"},
        {"a: {name: [x]}\n", "f:1: a: name is not one value\nf:1: a: name is not one value\n"},
        {"a:\n  name:\n", "f:2: a: name has no value\n"},
        {"a: {language: fin}\n", "f:1: a: language is not two letters (ISO 639)\n"},
        {"a: {password: secret}\n",
         "f:1: a: password is no argon2id hash, as `cmibridge users passwd` makes it\n"},
        {"a: {password: '$argon2id$v=19$m=262145,t=1,p=1$a$b'}\n",
         "f:1: a: password is a hash that asks for more than 262144 KiB and 16 passes, or is "
         "damaged\n"},
        {"a: {password: '$argon2id$v=19$m=8,t=17,p=1$a$b'}\n",
         "f:1: a: password is a hash that asks for more than 262144 KiB and 16 passes, or is "
         "damaged\n"},
        {"a: {tokens: [secret]}\n",
         "f:1: a: tokens has what is not 64 hex digits, the SHA-256 of a token\n"},
        {"a: {remarks: all}\n", "f:1: a: remarks is neither any nor own\n"},
        {"a: {act-for: 1}\n", "f:1: a: act-for is neither true nor false\n"},
        {"a: {serve: [sns]}\n",
         "f:1: a: serve has 'sns', which is neither a name in chats.queues nor an id\n"},
        {"a: {queues: [sms, 154]}\n",
         "f:1: a: queues has '154', which is neither a name in chats.queues, nor a number in "
         "callbacks.queues, nor an id\n"},
        {"a: {queues: {customerConsents: [sms]}}\n",
         "f:1: a: queues has 'customerConsents', which are of no queue\n"},
        {"a: {queues: {chats: {b: c}}}\n", "f:1: a: queues is a map where a list is wanted\n"
                                           "f:1: a: queues has 'chats.b', which is no resource; "
                                           "there are emails, scriptResults, chats, "
                                           "callRecordings, callbacks, contacts, messages, "
                                           "customerConsents, ingest\n"},
        {"a: {agents: [b]}\n", "f:1: a: agents has 'b', which is neither a login in this file nor "
                               "an id\n"},
        {"a: {rights: {chats: [GET, PATCH]}}\n",
         "f:1: a: rights.chats has 'PATCH'; allowed are GET, POST, PUT, DELETE, all\n"},
        {"a: {rights: {chat: [GET]}}\n",
         "f:1: a: rights has 'chat', which is no resource; there are emails, scriptResults, chats, "
         "callRecordings, callbacks, contacts, messages, customerConsents, ingest\n"},
        {"a: {rights: some}\n", "f:1: a: rights is neither all nor a map of resources, each with "
                                "its methods\n"},
        {"a: {admin: true}\n",
         "f:1: a: there is no 'admin'; a user has id, name, language, password, tokens, "
         "certificate, rights, queues, agents, serve, remarks, act-for\n"},
        {"a: {id: 0000000000000000000000000000000A}\nb: {id: 0000000000000000000000000000000a}\n",
         "f:2: b has the id of a\n"},
        {"a: {tokens: " DIGEST_A "}\nb: {tokens: [" DIGEST_A "]}\n", "f:2: b has a token of a\n"},
        {"a: {certificate: 'CN=\\C3\\A4,EMAIL=x'}\nb: {certificate: 'cn=ä, emailAddress=x'}\n",
         "f:2: b has the certificate of a\n"},
        {"a: {certificate: maija}\n", "f:1: a: certificate is no subject: (5 characters) is no "
                                      "attribute and value, as CN=maija; "
                                      "a comma or '+' of a value needs a backslash before it\n"},
        {"a:\n  certificate: x=y\n",
         "f:2: a: certificate is no subject: there is no attribute x; one by a name that is not "
         "known here is written by its number (OID), as 2.5.4.3\n"},
        {"a: {queues: {}}\n", "f:1: a: queues is an empty map; [] is no queue, and all are seen "
                              "where there is no queues\n"},
        {"a:\n  agents: {}\n  name: x\n",
         "f:2: a: agents is an empty map; [] is nobody but the user\n"},
        {"a: {queues: {chats: []}}\n", ""},
        {"a: {}\na: {}\n", "f:2: a is given twice; first in line 1\n"},
        /* Every mistake at once, whatever the first ones are. */
        {"a: {remarks: all}\n'b:c': {x: y}\na: {act-for: 1}\nd: {id: 1, language: fin}\n",
         "f:3: a is given twice; first in line 1\n"
         "f:2: 'b:c' is no login: 1 to 64 bytes without ':'\n"
         "f:4: d: id is no GUID: 32 hex digits, or 36 characters with hyphens\n"
         "f:1: a: remarks is neither any nor own\n"
         "f:3: a: act-for is neither true nor false\n"
         "f:4: d: language is not two letters (ISO 639)\n"},
        {"a: {id: 0000000000000000000000000000000A}\na.id: {}\na.rights: {rights: {chats: GET}}\n"
         "a.b: {rights: {chats.x: GET}}\n",
         "f:4: a.b: rights has 'chats.x', which is no resource; there are emails, scriptResults, "
         "chats, callRecordings, callbacks, contacts, messages, customerConsents, ingest\n"},
        {"a.b: {rights: {chats: GET, chats: GET}}\n",
         "f:1: a.b.rights.chats is given twice; first in line 1\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct user_file file;
        struct buf mistakes;
        bool ok;

        buf_init(&mistakes, 65536);
        ok = user_file_read(view_of(rows[i].yaml), "f", queues, &file, &mistakes);
        assert_string_equal(buf_text(&mistakes), rows[i].mistakes);
        assert_int_equal(ok, rows[i].mistakes[0] == '\0');
        if (ok)
            user_file_done(&file);
        assert_null(file.records);
        buf_done(&mistakes);
    }
}

static const char good[] =
    "# who\n"
    "maija@example.com:\n"
    "  id: 0A6C34F2-B1D2-4E0F-9A5B-7C8D9E0F1A2B\n"
    "  name: Maija Meikäläinen\n"
    "  language: fi\n"
    "  password: " HASH "\n"
    "  tokens:\n"
    "    - 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
    "  certificate: CN=maija,O=Example\n"
    "  rights:\n"
    "    chats: [GET, POST]\n"
    "    messages: all\n"
    "  queues:\n"
    "    chats: [sms]\n"
    "    callbacks: ['153']\n"
    "  agents: {chats: jussi}\n"
    "  serve: sms\n"
    "\n"
    "jussi:\n"
    "  rights: all\n"
    "  queues: [sms, '153']\n"
    "  remarks: any\n"
    "  act-for: true\n";

static struct users *read_good(void)
{
    struct user_file file;
    struct buf mistakes;

    buf_init(&mistakes, 65536);
    if (!user_file_read(view_of(good), "f", queues, &file, &mistakes))
        fail_msg("%s", buf_text(&mistakes));
    buf_done(&mistakes);
    return users_new(&file);
}

static void a_user_is_what_the_file_says(void **state)
{
    struct users *u = read_good();
    const struct user_record *maija = users_by_login(u, VIEW("maija@example.com"));
    const struct user_record *jussi = users_by_login(u, VIEW("jussi"));
    struct guid sms = {{[15] = 1}};
    struct guid other = {{9}};

    (void)state;
    assert_int_equal(users_count(u), 2);
    assert_null(users_anonymous(u));
    assert_non_null(maija);
    assert_non_null(jussi);
    assert_string_equal(maija->user.login, "maija@example.com");
    assert_string_equal(maija->user.name, "Maija Meikäläinen");
    assert_string_equal(maija->user.language, "fi");
    assert_int_equal(maija->user.id.bytes[0], 0x0a);
    assert_false(maija->user.act_for);
    assert_false(maija->user.remarks_any);
    assert_string_equal(jussi->user.name, "jussi");
    assert_string_equal(jussi->user.language, "en");
    assert_true(jussi->user.act_for);
    assert_true(jussi->user.remarks_any);
    assert_true(rights_may(maija->rights, RIGHTS_CHATS, RIGHTS_POST));
    assert_false(rights_may(maija->rights, RIGHTS_CHATS, RIGHTS_PUT));
    assert_true(rights_may(maija->rights, RIGHTS_MESSAGES, RIGHTS_DELETE));
    assert_false(rights_may(maija->rights, RIGHTS_CALLBACKS, RIGHTS_GET));
    assert_true(rights_see(maija->rights, RIGHTS_CHATS, &sms, NULL));
    assert_false(rights_see(maija->rights, RIGHTS_CHATS, &other, NULL));
    assert_true(rights_see(maija->rights, RIGHTS_CHATS, &other, &jussi->user.id));
    assert_true(rights_see(maija->rights, RIGHTS_MESSAGES, &other, NULL)); /* not limited */
    assert_true(rights_see_number(maija->rights, RIGHTS_CALLBACKS, VIEW("153")));
    assert_true(rights_serves(maija->rights, &sms));
    assert_false(rights_serves(jussi->rights, &sms));
    assert_true(rights_limited(jussi->rights, RIGHTS_EMAILS)); /* one list for all */
    assert_true(rights_see_number(jussi->rights, RIGHTS_CALLBACKS, VIEW("153")));
    users_let_go(u);
}

static void users_are_found_by_what_proves_them(void **state)
{
    struct users *u = read_good();

    (void)state;
    assert_null(users_by_login(u, VIEW("maija")));
    assert_null(users_by_login(u, VIEW("")));
    assert_string_equal(users_by_token(u, VIEW("hello"))->login, "maija@example.com");
    assert_null(users_by_token(u, VIEW("Hello")));
    assert_null(users_by_token(u, VIEW("")));
    assert_string_equal(users_by_certificate(u, VIEW("CN=maija,O=Example"))->login,
                        "maija@example.com");
    assert_null(users_by_certificate(u, VIEW("CN=maija")));
    assert_true(password_matches(users_by_login(u, VIEW("maija@example.com"))->password,
                                 VIEW("correct horse")));
    assert_false(password_matches(HASH, VIEW("correct horsf")));
    assert_ptr_equal(users_keep(u), u);
    users_let_go(u);
    users_let_go(u);
}

static void an_edit_leaves_the_rest_as_it_is(void **state)
{
    struct user_file file;
    struct buf mistakes;
    struct buf out;
    struct fault f = {0};

    (void)state;
    buf_init(&mistakes, 65536);
    buf_init(&out, 65536);
    assert_true(user_file_read(view_of(good), "f", queues, &file, &mistakes));
    /* What is there is replaced, what is not is added beneath the login. */
    assert_true(
        user_edit_set(view_of(good), file.records[0].line, "language", VIEW("sv"), &out, &f));
    assert_non_null(strstr(buf_text(&out), "\n  language: sv\n  password: $argon2id"));
    assert_null(strstr(buf_text(&out), "language: fi"));
    assert_int_equal(out.n, strlen(good));
    buf_clear(&out);
    assert_true(
        user_edit_set(view_of(good), file.records[1].line, "language", VIEW("sv"), &out, &f));
    assert_non_null(strstr(buf_text(&out), "\njussi:\n  language: sv\n  rights: all\n"));
    assert_non_null(strstr(buf_text(&out), "# who\n"));
    user_file_done(&file);
    buf_clear(&out);
    assert_true(user_edit_set(VIEW("a:\n  name: b  # hers\n"), 1, "name", VIEW("c"), &out, &f));
    assert_string_equal(buf_text(&out), "a:\n  name: c  # hers\n");
    buf_clear(&out);
    assert_false(user_edit_set(VIEW("a: {name: b}\n"), 1, "name", VIEW("c"), &out, &f));
    assert_non_null(strstr(f.text, "by hand"));
    buf_clear(&out);
    user_edit_add(VIEW("a: {}"), VIEW("b\"\\"), VIEW("  name: x\n"), &out);
    assert_string_equal(buf_text(&out), "a: {}\n\"b\\\"\\\\\":\n  name: x\n");
    buf_done(&out);
    buf_done(&mistakes);
}

static void a_list_gets_an_item_however_it_is_written(void **state)
{
    static const char *const rows[][2] = {
        {"a:\n  name: x\n", "a:\n  k: [new]\n  name: x\n"},
        {"a:\n  k: []\n", "a:\n  k: [new]\n"},
        {"a:\n  k: [ ] # none\n", "a:\n  k: [new] # none\n"},
        {"a:\n  k: [one, two]  # who\n  name: x\n", "a:\n  k: [one, two, new]  # who\n  name: x\n"},
        {"a:\n  k: one # who\n", "a:\n  k: [one, new] # who\n"},
        {"a:\n  k: [one,]\n", "a:\n  k: [one, new]\n"},
        {"a:\n  k: [one , ]\n", "a:\n  k: [one, new]\n"},
        {"a:\n  \"k\": [one]\n  name: x\n", "a:\n  \"k\": [one, new]\n  name: x\n"},
        {"a:\n  'k' : one # who\n", "a:\n  'k' : [one, new] # who\n"},
        {"a:\n  \"k\":\n    - one\n", "a:\n  \"k\":\n    - one\n    - new\n"},
        {"a:\n  \"k \": [one]\n", "a:\n  k: [new]\n  \"k \": [one]\n"}, /* another key */
        {"a:\n  k: # who\n    - one # the first\n\n    # the second\n    - two\n  name: x\n",
         "a:\n  k: # who\n    - one # the first\n\n    # the second\n    - two\n    - new\n  name: "
         "x\n"},
        {"a:\n  k:\n  - one\n  name: x\nb: {}\n", "a:\n  k:\n  - one\n  - new\n  name: x\nb: {}\n"},
        {"a:\n  k:\n  - one", "a:\n  k:\n  - one\n  - new\n"},
        {"a:\n  name: x\n  k:\n    - one\n\n# end\n",
         "a:\n  name: x\n  k:\n    - one\n    - new\n\n# end\n"},
        {"a:\n  k: [one,\n    two]\n", NULL},
        {"a:\n  k:\n    [one]\n", NULL},
        {"a: {k: [one]}\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct buf out;
        bool ok;

        buf_init(&out, 4096);
        ok = user_edit_append(view_of(rows[i][0]), 1, "k", VIEW("new"), &out, &f);
        assert_int_equal(ok, rows[i][1] != NULL);
        if (ok)
            assert_string_equal(buf_text(&out), rows[i][1]);
        else
            assert_non_null(strstr(f.text, "by hand"));
        buf_done(&out);
    }
}

/* Whatever is in the login, the entry that was added can be changed. */
static void what_was_added_can_be_edited(void **state)
{
    static const char *const logins[] = {
        "a{b}", "{", "it's {x}", "a: {b}", "\"{\":", "\\", "\\\"{", "a:", "#{"};
    static const struct {
        const char *text;
        bool edits;
    } by_hand[] = {
        {"a{b}:\n  name: x\n", true},
        {"'a''{b':\n  name: x\n", true},
        {"\"a{\\\"}\": # of Sales\n  name: x\n", true},
        {"a{b}: {name: x}\n  \n", false},
        {"'a': {name: x,\n  language: fi}\n", false},
        {"\"a\": {name: x,\n  language: fi}\n", false},
        {"'a': &x {name: x,\n  language: fi}\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
        struct buf text;
        struct buf out;
        struct fault f = {0};

        buf_init(&text, 4096);
        buf_init(&out, 4096);
        user_edit_add(VIEW("b:\n  name: y\n"), view_of(logins[i]), VIEW("  name: x\n"), &text);
        if (!user_edit_set(buf_view(&text), 3, "name", VIEW("z"), &out, &f))
            fail_msg("%s: %s", logins[i], f.text);
        assert_non_null(strstr(buf_text(&out), ":\n  name: z\n"));
        assert_null(strstr(buf_text(&out), "name: x"));
        buf_done(&text);
        buf_done(&out);
    }
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
        struct buf out;
        struct fault f = {0};

        buf_init(&out, 4096);
        if (user_edit_set(view_of(by_hand[i].text), 1, "name", VIEW("z"), &out, &f) !=
            by_hand[i].edits)
            fail_msg("%s", by_hand[i].text);
        buf_done(&out);
    }
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    char name[] = "/tmp/cmibridge-users-XXXXXX";
    int fd = mkstemp(name);
    struct user_file file;
    struct buf mistakes;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, good, strlen(good)), (int)strlen(good));
    buf_init(&mistakes, 65536);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_true(user_file_load(name, queues, &file, &mistakes));
    user_file_done(&file);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_false(user_file_load(name, queues, &file, &mistakes));
    assert_non_null(strstr(buf_text(&mistakes), "others may read it"));
    buf_clear(&mistakes);
    unlink(name);
    assert_false(user_file_load(name, queues, &file, &mistakes));
    assert_non_null(strstr(buf_text(&mistakes), "can't be opened"));
    buf_clear(&mistakes);
    assert_false(user_file_load("/tmp", queues, &file, &mistakes));
    assert_non_null(strstr(buf_text(&mistakes), "no regular file"));
    buf_done(&mistakes);
    close(fd);
}

static void the_anonymous_user_has_all_rights(void **state)
{
    const struct exchange_user dev = {
        .id = {{7}}, .login = "dev", .name = "Developer", .language = "en"};
    struct users *u = users_new_anonymous(&dev);

    (void)state;
    assert_string_equal(users_anonymous(u)->login, "dev");
    assert_null(users_anonymous(u)->rights);
    assert_null(users_by_login(u, VIEW("dev")));
    assert_null(users_by_certificate(u, VIEW("")));
    assert_null(users_by_token(u, VIEW("")));
    users_let_go(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_user_is_what_the_file_says),
        cmocka_unit_test(users_are_found_by_what_proves_them),
        cmocka_unit_test(an_edit_leaves_the_rest_as_it_is),
        cmocka_unit_test(a_list_gets_an_item_however_it_is_written),
        cmocka_unit_test(what_was_added_can_be_edited),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(the_anonymous_user_has_all_rights),
    };

    return cmocka_run_group_tests(tests, make_queues, free_queues);
}
