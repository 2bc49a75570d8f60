/* nftw is X/Open's. */
#define _XOPEN_SOURCE 700
#include "tests/fakes/kannel.h"

#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"
#include "tests/fakes/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPERATOR  "/usr/lib/kannel/test/fakesmsc"
#define GOT       "Got message "
#define TEXTS_MAX (16u << 20)
#define POLL_MS   20
#define OPEN_DIRS 8

enum { BEARERBOX, SMSBOX, FAKESMSC };
enum { ADMIN, BOXES, SMSC };

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "kannel: %s: %s\n", what, strerror(errno));
    exit(1);
}

void kannel_need(void)
{
    if (access(OPERATOR, X_OK) == 0 && access("/usr/sbin/bearerbox", X_OK) == 0)
        return;
    printf("skipped: kannel and kannel-extras are not installed\n");
    exit(77);
}

/* Held by nobody now; the boxes take their ports at once. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        give_up("no free port");
    close(fd);
    return ntohs(at.sin_port);
}

static bool answers(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected;

    at.sin_port = htons((uint16_t)port);
    connected = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return connected;
}

static void await_port(int port, const char *what)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};

    for (int waited = 0; !answers(port); waited += POLL_MS) {
        if (waited >= PROBE_PATIENCE_MS)
            give_up(what);
        nanosleep(&pause, NULL);
    }
}

static void write_conf(const struct kannel *k)
{
    char path[96];
    FILE *f;

    snprintf(path, sizeof path, "%s/kannel.conf", k->dir);
    f = fopen(path, "w");
    if (f == NULL)
        give_up("no configuration");
    fprintf(f,
            "group = core\nadmin-port = %d\nadmin-password = none\nadmin-interface = 127.0.0.1\n"
            "smsbox-port = %d\nsmsbox-interface = 127.0.0.1\nbox-deny-ip = \"*.*.*.*\"\n"
            "box-allow-ip = \"127.0.0.1\"\ndlr-storage = internal\nlog-level = 1\n"
            "log-file = %s/bearerbox.log\n\n"
            "group = smsc\nsmsc = fake\nsmsc-id = fake\nhost = 127.0.0.1\nport = %d\n"
            "connect-allow-ip = 127.0.0.1\n\n"
            "group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = %d\n"
            "sendsms-interface = 127.0.0.1\nlog-level = 1\nlog-file = %s/smsbox.log\n\n"
            "group = sendsms-user\nusername = " KANNEL_USER "\npassword = " KANNEL_PASSWORD "\n\n"
            "group = sms-service\nkeyword = default\ntext = \"none\"\nmax-messages = 0\n",
            k->ports[ADMIN], k->ports[BOXES], k->dir, k->ports[SMSC], k->sendsms_port, k->dir);
    if (fclose(f) != 0)
        give_up("no configuration");
}

static pid_t launch(const struct kannel *k, char *const argv[], int out)
{
    pid_t pid = fork();

    if (pid < 0)
        give_up("no process");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(k->dir) != 0)
        _exit(127);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    execv(argv[0], argv);
    _exit(127);
}

static void launch_box(struct kannel *k, int which, const char *program)
{
    char path[64];
    char file[] = "kannel.conf";
    char *argv[] = {path, file, NULL};
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);

    snprintf(path, sizeof path, "%s", program);
    k->boxes[which] = launch(k, argv, out);
    close(out);
}

void kannel_operator_back(struct kannel *k)
{
    char path[] = OPERATOR;
    char port[16];
    /* It wants something to send, and is told to send none of it. */
    char *argv[] = {path, (char[]){"-H"}, (char[]){"127.0.0.1"}, (char[]){"-r"},
                    port, (char[]){"-m"}, (char[]){"0"},         (char[]){"1 2 text none"},
                    NULL};
    int fds[2];

    snprintf(port, sizeof port, "%d", k->ports[SMSC]);
    if (pipe(fds) != 0)
        give_up("no pipe");
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    k->boxes[FAKESMSC] = launch(k, argv, fds[1]);
    close(fds[1]);
    k->operator_out = fds[0];
}

static void end(pid_t *pid)
{
    if (*pid == 0)
        return;
    kill(*pid, SIGKILL);
    if (waitpid(*pid, NULL, 0) != *pid)
        give_up("a box can't be waited for");
    *pid = 0;
}

void kannel_operator_away(struct kannel *k)
{
    end(&k->boxes[FAKESMSC]);
    close(k->operator_out);
    k->operator_out = -1;
}

void kannel_start(struct kannel *k)
{
    memset(k, 0, sizeof *k);
    buf_init(&k->texts, TEXTS_MAX);
    snprintf(k->dir, sizeof k->dir, "/tmp/cmibridge-kannel-XXXXXX");
    if (mkdtemp(k->dir) == NULL)
        give_up("no directory");
    for (size_t i = 0; i < sizeof k->ports / sizeof k->ports[0]; i++)
        k->ports[i] = free_port();
    k->sendsms_port = free_port();
    write_conf(k);
    launch_box(k, BEARERBOX, "/usr/sbin/bearerbox");
    await_port(k->ports[BOXES], "bearerbox does not start");
    await_port(k->ports[SMSC], "bearerbox has no operator's port");
    launch_box(k, SMSBOX, "/usr/sbin/smsbox");
    kannel_operator_back(k);
    await_port(k->sendsms_port, "smsbox does not start");
}

static unsigned count(struct view all, const char *what)
{
    unsigned n = 0;

    for (const char *at = all.n > 0 ? strstr(all.p, what) : NULL; at != NULL;
         at = strstr(at + 1, what))
        n++;
    return n;
}

static void read_texts(struct kannel *k)
{
    struct pollfd p = {.fd = k->operator_out, .events = POLLIN};
    char bytes[4096];
    ssize_t n;

    if (poll(&p, 1, PROBE_PATIENCE_MS) != 1)
        give_up("the operator takes nothing");
    n = read(k->operator_out, bytes, sizeof bytes);
    if (n <= 0)
        give_up("the operator has ended");
    if (!buf_put(&k->texts, (struct view){bytes, (size_t)n}))
        give_up("more texts than a test should send");
}

void kannel_await(struct kannel *k, unsigned wanted)
{
    while (count(view_of(buf_text(&k->texts)), GOT) < wanted)
        read_texts(k);
}

unsigned kannel_taken(const struct kannel *k, const char *line)
{
    char wanted[512];

    snprintf(wanted, sizeof wanted, "<%s>", line);
    return count((struct view){k->texts.p, k->texts.n}, wanted);
}

/* ---- what a phone shows ---- */

/* One byte of what the operator was sent, as it writes it. false: none is left. */
static bool next_byte(struct view *sent, unsigned char *byte)
{
    int escaped = sent->n > 0 && sent->p[0] == '%' ? percent_byte(*sent) : -1;

    if (sent->n == 0)
        return false;
    *byte = sent->p[0] == '+' ? ' ' : (unsigned char)sent->p[0];
    if (escaped >= 0)
        *byte = (unsigned char)escaped;
    *sent = view_skip(*sent, escaped >= 0 ? 3 : 1);
    return true;
}

static bool next_unit(struct view *sent, unsigned *unit)
{
    unsigned char high, low;

    if (!next_byte(sent, &high) || !next_byte(sent, &low))
        return false;
    *unit = (unsigned)high << 8 | low;
    return true;
}

/* false: it ends or begins within a character. */
static bool show_ucs2(struct view sent, struct buf *to)
{
    while (sent.n > 0) {
        unsigned unit, low;
        char bytes[4];

        if (!next_unit(&sent, &unit) || (unit >= 0xdc00 && unit <= 0xdfff))
            return false;
        if (unit >= 0xd800 && unit <= 0xdbff) {
            if (!next_unit(&sent, &low) || low < 0xdc00 || low > 0xdfff)
                return false;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
        buf_put(to, (struct view){bytes, utf8_write(unit, bytes)});
    }
    return true;
}

static bool show(struct view sent, bool ucs2, struct buf *to)
{
    unsigned char byte;

    if (ucs2)
        return show_ucs2(sent, to);
    while (next_byte(&sent, &byte))
        buf_put(to, (struct view){(const char *)&byte, 1});
    return true;
}

unsigned kannel_joined(const struct kannel *k, const char *number, bool ucs2, struct buf *to)
{
    char mark[64];
    unsigned char first[6] = {0};
    unsigned parts = 0;

    snprintf(mark, sizeof mark, " %s udh ", number);
    for (const char *at = strstr(k->texts.p, mark); at != NULL; at = strstr(at + 1, mark)) {
        const char *end = strchr(at, '>');
        struct view rest = {at + strlen(mark), (size_t)(end - at) - strlen(mark)};
        struct view udh = view_cut(&rest, ' ');
        unsigned char header[6];

        for (size_t i = 0; i < sizeof header; i++)
            if (!next_byte(&udh, &header[i]))
                return 0;
        if (parts == 0)
            memcpy(first, header, sizeof first);
        first[5] = (unsigned char)++parts;
        if (memcmp(header, first, sizeof header) != 0 || udh.n > 0 ||
            !view_starts(rest, VIEW("data ")) || !show(view_skip(rest, 5), ucs2, to))
            return 0;
    }
    return parts == first[4] ? parts : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void kannel_stop(struct kannel *k)
{
    for (size_t i = sizeof k->boxes / sizeof k->boxes[0]; i-- > 0;)
        end(&k->boxes[i]);
    if (k->operator_out >= 0)
        close(k->operator_out);
    buf_done(&k->texts);
    nftw(k->dir, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}
