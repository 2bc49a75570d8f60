/* `cmibridge users`: the file it makes, changes and leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/password.h"
#include "server/user.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_MAX 65536
#define DIGEST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char dir[] = "/tmp/cmibridge-users-XXXXXX";
static char file[64];
static struct buf out; /* what the last run printed, both ways */

/* Runs it with the arguments and that standard input; returns the exit code. */
static int users(const char *input, const char *arguments)
{
    char command[1024];

    snprintf(command, sizeof command, "printf '%s' | \"$CMIBRIDGE_BIN\" users %s --file '%s' 2>&1",
             input, arguments, file);
    return shell_run(command, &out);
}

static struct users *read_users(void)
{
    struct user_file read;
    struct buf mistakes;

    buf_init(&mistakes, OUT_MAX);
    if (!user_file_load(file, NULL, &read, &mistakes))
        fail_msg("%s", buf_text(&mistakes));
    buf_done(&mistakes);
    return users_new(&read);
}

static void expect_password(const char *login, const char *password)
{
    struct users *u = read_users();
    const struct user_record *one = users_by_login(u, view_of(login));

    assert_non_null(one);
    assert_non_null(one->password);
    assert_true(password_matches(one->password, view_of(password)));
    users_let_go(u);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fchmod(fileno(f), mode), 0);
    assert_int_equal(fclose(f), 0);
}

static char *read_file(void)
{
    FILE *f = fopen(file, "r");
    char *text = mem_zeroed(1, OUT_MAX);

    assert_non_null(f);
    assert_true(fread(text, 1, OUT_MAX - 1, f) > 0);
    assert_int_equal(fclose(f), 0);
    return text;
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    buf_init(&out, OUT_MAX);
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/users.yaml", dir);
    return 0;
}

static int stop(void **state)
{
    char command[128];

    (void)state;
    buf_done(&out);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static void a_user_is_added_with_a_password(void **state)
{
    struct users *u = NULL;
    const struct user_record *maija = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(users("correct horse\\n", "add maija --name 'Maija \"M\"' --language fi"),
                     COMMAND_OK);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect_password("maija", "correct horse");
    u = read_users();
    maija = users_by_login(u, VIEW("maija"));
    assert_string_equal(maija->user.name, "Maija \"M\"");
    assert_string_equal(maija->user.language, "fi");
    assert_false(
        rights_may(maija->rights, RIGHTS_CHATS, RIGHTS_GET)); /* nothing, until it is said */
    users_let_go(u);
    assert_int_equal(users("battery staple\\n", "add boss --rights all"), COMMAND_OK);
    u = read_users();
    assert_true(rights_may(users_by_login(u, VIEW("boss"))->rights, RIGHTS_OTHER, RIGHTS_GET));
    users_let_go(u);
    assert_int_equal(users("battery staple\\n", "add boss"), COMMAND_FAILED);
    assert_non_null(strstr(buf_text(&out), "there is already a user boss"));
}

static void whatever_is_in_a_login_it_can_be_changed(void **state)
{
    (void)state;
    assert_int_equal(users("correct horse\\n", "add 'a{b}'"), COMMAND_OK);
    assert_int_equal(users("battery staple\\n", "passwd 'a{b}'"), COMMAND_OK);
    expect_password("a{b}", "battery staple");
    assert_int_equal(users("", "token 'a{b}'"), COMMAND_OK);
    assert_int_equal(users("battery staple\\n", "add maija.id"), COMMAND_OK);
    assert_int_equal(users("battery staple\\n", "add maija.rights --rights all"), COMMAND_OK);
    assert_int_equal(users("horse battery\\n", "passwd maija.id"), COMMAND_OK);
    expect_password("maija", "correct horse");
    expect_password("maija.id", "horse battery");
    assert_int_equal(users("", "token maija.rights"), COMMAND_OK);
    assert_int_equal(users("correct horse\\n", "add '[x]'"), COMMAND_USAGE);
    assert_non_null(strstr(buf_text(&out), "without ':', brackets,"));
}

static void another_password_leaves_the_rest(void **state)
{
    char *text = NULL;

    (void)state;
    write_file("# by hand\nann:\n  name: Ann # her name\n  rights: all\n", 0640);
    assert_int_equal(users("battery staple\\r\\n", "passwd ann"), COMMAND_OK);
    expect_password("ann", "battery staple");
    assert_int_equal(users("horse battery", "passwd ann"), COMMAND_OK); /* no line's end */
    expect_password("ann", "horse battery");
    text = read_file();
    assert_non_null(strstr(text, "# by hand\nann:\n  password: $argon2id$"));
    assert_non_null(strstr(text, "\n  name: Ann # her name\n  rights: all\n"));
    mem_free(text);
}

static void a_token_is_printed_once_and_kept_as_a_digest(void **state)
{
    struct users *u = NULL;
    char *text = NULL;
    char tokens[2][80];

    (void)state;
    write_file("ann:\n  rights: all\n", 0600);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(users("", "token ann"), COMMAND_OK);
        assert_int_equal(out.n, 65);
        snprintf(tokens[i], sizeof tokens[i], "%.64s", buf_text(&out));
    }
    u = read_users();
    text = read_file();
    for (int i = 0; i < 2; i++) {
        assert_string_equal(users_by_token(u, view_of(tokens[i]))->login, "ann");
        assert_null(strstr(text, tokens[i]));
    }
    mem_free(text);
    users_let_go(u);
}

static void tokens_stay_as_they_are_written(void **state)
{
    static const char lines[] = "ann:\n  tokens: # of hers\n"
                                "    - " DIGEST " # of the phone\n"
                                "  rights: all\n";
    static const char wrapped[] = "ann:\n  tokens: [" DIGEST ",\n    ]\n";
    struct users *u = NULL;
    char *text = NULL;

    (void)state;
    write_file(lines, 0600);
    assert_int_equal(users("", "token ann"), COMMAND_OK);
    u = read_users();
    assert_int_equal(users_by_login(u, VIEW("ann"))->token_count, 2);
    users_let_go(u);
    text = read_file();
    assert_memory_equal(text, lines, strlen(lines) - strlen("  rights: all\n"));
    mem_free(text);
    write_file(wrapped, 0600);
    assert_int_equal(users("", "token ann"), COMMAND_FAILED);
    assert_non_null(strstr(buf_text(&out), "by hand"));
    text = read_file();
    assert_string_equal(text, wrapped);
    mem_free(text);
}

static void a_link_is_kept_and_what_it_leads_to_is_changed(void **state)
{
    char path[sizeof file];
    char real[sizeof file];
    struct stat st;

    (void)state;
    memcpy(path, file, sizeof file);
    snprintf(real, sizeof real, "%s/kept", dir);
    assert_int_equal(mkdir(real, 0700), 0);
    snprintf(real, sizeof real, "%s/kept/u.yaml", dir);
    (void)unlink(path);
    assert_int_equal(symlink("kept/u.yaml", path), 0);
    assert_int_equal(users("correct horse\\n", "add ann"), COMMAND_UNAVAILABLE);
    assert_non_null(strstr(buf_text(&out), "a symbolic link to a file that there is not"));
    assert_int_equal(access(real, F_OK), -1);
    memcpy(file, real, sizeof file);
    write_file("ben:\n  rights: all\n", 0640);
    memcpy(file, path, sizeof file);
    assert_int_equal(users("correct horse\\n", "add ann"), COMMAND_OK);
    assert_int_equal(users("battery staple\\n", "passwd ben"), COMMAND_OK);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat(real, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0640);
    memcpy(file, real, sizeof file);
    expect_password("ann", "correct horse");
    expect_password("ben", "battery staple");
    memcpy(file, path, sizeof file);
    assert_int_equal(unlink(path), 0);
}

static void what_can_t_be_done_changes_nothing(void **state)
{
    static const char hand[] = "ann: {name: Ann, rights: all}\n";
    static const struct {
        const char *input;
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"short\\n", "passwd ann", COMMAND_FAILED, "at least 8 characters"},
        {"", "passwd ann", COMMAND_FAILED, "there is no password"},
        {"\\377\\377\\377\\377\\377\\377\\377\\377\\n", "passwd ann", COMMAND_FAILED, "UTF-8"},
        {"long enough\\n", "passwd ben", COMMAND_FAILED, "there is no user ben"},
        {"long enough\\n", "passwd ann", COMMAND_FAILED, "by hand"},
        {"long enough\\n", "add 'a:b'", COMMAND_USAGE, "is no login"},
        {"long enough\\n", "add ben --name 'x\"\nadm2: all'", COMMAND_FAILED,
         "name is not 1 to 64 bytes of UTF-8 without control characters"},
        {"long enough\\n", "add ben --id 12", COMMAND_FAILED, "id is no GUID"},
        {"long enough\\n", "add", COMMAND_USAGE, "usage:"},
        {"long enough\\n", "passwd ann --name x", COMMAND_USAGE, "usage:"},
        {"", "remove ann", COMMAND_USAGE, "usage:"},
    };
    char *text = NULL;

    (void)state;
    write_file(hand, 0600);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int code = users(rows[i].input, rows[i].arguments);

        if (code != rows[i].code || strstr(buf_text(&out), rows[i].says) == NULL)
            fail_msg("%s: %d %s", rows[i].arguments, code, buf_text(&out));
    }
    text = read_file();
    assert_string_equal(text, hand);
    mem_free(text);
    write_file("ann: [\n", 0600);
    assert_int_equal(users("long enough\\n", "passwd ann"), COMMAND_CONFIG);
}

static void the_list_says_who_may_what(void **state)
{
    (void)state;
    write_file("ann:\n  id: 0000000000000000000000000000000A\n  rights: {chats: [GET, POST]}\n"
               "  queues: [0000000000000000000000000000000B]\nboss: {id: "
               "0000000000000000000000000000000C, rights: all}\n",
               0600);
    assert_int_equal(users("", "list"), COMMAND_OK);
    assert_string_equal(buf_text(&out),
                        "ann (ann), en, 0000000000000000000000000000000A: no password, 0 tokens\n"
                        "    chats            GET POST, of some queues\n"
                        "boss (boss), en, 0000000000000000000000000000000C: no password, 0 tokens\n"
                        "    everything\n");
    write_file("ann: {}\n", 0644);
    assert_int_equal(users("", "list"), COMMAND_CONFIG);
    assert_non_null(strstr(buf_text(&out), "others may read it"));
}

static int check(const char *config)
{
    char command[256];

    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" check --config '%s' 2>&1", config);
    return shell_run(command, &out);
}

static void check_names_the_file_s_mistakes_too(void **state)
{
    char config[96];
    FILE *f = NULL;

    (void)state;
    snprintf(config, sizeof config, "%s/conf.yaml", dir);
    f = fopen(config, "w");
    assert_non_null(f);
    fprintf(f,
            "server: {users: %s}\nchats: {queues: {sms: {id: 00000000000000000000000000000001, "
            "channel: sms, name: SMS}}}\n",
            file);
    assert_int_equal(fclose(f), 0);
    write_file("ann: {queues: [sms], rights: all}\n", 0600);
    assert_int_equal(check(config), COMMAND_OK);
    write_file("ann: {queues: [sns], rights: all}\n", 0600);
    assert_int_equal(check(config), COMMAND_CONFIG);
    assert_non_null(strstr(buf_text(&out), "users.yaml:1: ann: queues has 'sns'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_added_with_a_password),
        cmocka_unit_test(whatever_is_in_a_login_it_can_be_changed),
        cmocka_unit_test(another_password_leaves_the_rest),
        cmocka_unit_test(a_token_is_printed_once_and_kept_as_a_digest),
        cmocka_unit_test(tokens_stay_as_they_are_written),
        cmocka_unit_test(a_link_is_kept_and_what_it_leads_to_is_changed),
        cmocka_unit_test(what_can_t_be_done_changes_nothing),
        cmocka_unit_test(the_list_says_who_may_what),
        cmocka_unit_test(check_names_the_file_s_mistakes_too),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
