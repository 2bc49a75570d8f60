/* nftw is X/Open's. */
#define _XOPEN_SOURCE 700
#include "tests/fakes/redis_server.h"

#include "bridge/core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX  64
#define READY     "eady to accept connections"
#define WATCHING  "+monitor"
#define LOADING   "eading RDB base file" /* the first of its files */
#define OPEN_DIRS 8

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

void redis_server_need(void)
{
    if (system("command -v redis-server >/dev/null 2>&1") == 0)
        return;
    printf("skipped: redis-server is not installed\n");
    exit(77);
}

static void run_sentinel(const struct redis_server *s, int out)
{
    char file[96];

    snprintf(file, sizeof file, "%s/sentinel.conf", s->dir);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    closefrom(STDERR_FILENO + 1); /* what is a broker's, say: its ends must be seen as such */
    execlp("redis-server", "redis-server", file, "--sentinel", (char *)NULL);
    _exit(127);
}

static void run_server(const struct redis_server *s, int out)
{
    const char *args[ARGS_MAX] = {
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        s->socket,
        "--dir",
        s->dir,
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--maxmemory-policy",
        "noeviction",
        "--enable-debug-command",
        "yes",
    };
    char *argv[ARGS_MAX] = {NULL};
    size_t n = 0;

    while (args[n] != NULL)
        n++;
    for (size_t i = 0; s->extra != NULL && s->extra[i] != NULL && n < ARGS_MAX - 1; i++)
        args[n++] = s->extra[i];
    for (size_t i = 0; i < n; i++)
        argv[i] = mem_text(args[i], strlen(args[i]));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    closefrom(STDERR_FILENO + 1); /* what is a broker's, say: its ends must be seen as such */
    execvp(argv[0], argv);
    _exit(127);
}

/* Until its log has the text, or it takes connections. */
static void launch_until(struct redis_server *s, const char *text)
{
    char log[8192];
    size_t n = 0;
    int out[2];

    if (pipe(out) != 0)
        give_up("no pipe");
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    fcntl(out[1], F_SETFD, FD_CLOEXEC);
    unlink(s->socket);
    s->pid = fork();
    if (s->pid < 0)
        give_up("no process");
    if (s->pid == 0) {
        if (s->sentinel)
            run_sentinel(s, out[1]);
        run_server(s, out[1]);
    }
    close(out[1]);
    log[0] = '\0';
    while (strstr(log, text) == NULL && strstr(log, READY) == NULL) {
        ssize_t got = n < sizeof log - 1 ? read(out[0], log + n, sizeof log - 1 - n) : 0;

        if (got <= 0) {
            fprintf(stderr, "redis_server: it did not start; it says:\n%s\n", log);
            exit(1);
        }
        n += (size_t)got;
        log[n] = '\0';
    }
    close(out[0]); /* the server ignores that nobody reads its log */
}

static void launch(struct redis_server *s)
{
    launch_until(s, s->sentinel ? WATCHING : READY);
}

static struct redis_server *prepare(void)
{
    struct redis_server *s = mem_zeroed(1, sizeof *s);

    snprintf(s->dir, sizeof s->dir, "/tmp/cmibridge-redis-XXXXXX");
    if (mkdtemp(s->dir) == NULL)
        give_up("no directory");
    snprintf(s->address, sizeof s->address, "unix:%s/redis.sock", s->dir);
    s->socket = s->address + strlen("unix:");
    return s;
}

struct redis_server *redis_server_start(const char *const *extra)
{
    struct redis_server *s = prepare();

    s->extra = extra;
    launch(s);
    return s;
}

struct redis_server *redis_server_start_sentinel(const char *primary, int port, int primary_port)
{
    struct redis_server *s = prepare();
    char path[96];
    FILE *file;

    s->sentinel = true;
    snprintf(path, sizeof path, "%s/sentinel.conf", s->dir);
    file = fopen(path, "w");
    if (file == NULL)
        give_up("no configuration");
    fprintf(file,
            "port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\n"
            "sentinel monitor %s 127.0.0.1 %d 2\n"
            "sentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 3000\n",
            port, s->socket, s->dir, primary, primary_port, primary, primary);
    fclose(file);
    launch(s);
    return s;
}

void redis_server_kill(struct redis_server *s)
{
    if (s->pid == 0)
        return;
    kill(s->pid, SIGKILL);
    if (waitpid(s->pid, NULL, 0) != s->pid)
        give_up("it can't be waited for");
    s->pid = 0;
}

void redis_server_restart(struct redis_server *s)
{
    redis_server_kill(s);
    launch(s);
}

void redis_server_restart_loading(struct redis_server *s)
{
    redis_server_kill(s);
    launch_until(s, LOADING);
}

void redis_server_freeze(struct redis_server *s)
{
    int status;

    kill(s->pid, SIGSTOP);
    if (waitpid(s->pid, &status, WUNTRACED) != s->pid || !WIFSTOPPED(status))
        give_up("it does not stop");
}

void redis_server_thaw(struct redis_server *s)
{
    kill(s->pid, SIGCONT);
}

/* false: there is no more. */
static bool read_some(int fd, char *to, size_t *n, size_t room)
{
    ssize_t got = read(fd, to + *n, room - 1 - *n);

    if (got <= 0)
        return false;
    *n += (size_t)got;
    to[*n] = '\0';
    return true;
}

/* A text itself, of anything else the first line; NULL: the answer ends early. */
static const char *read_reply(int fd)
{
    static char reply[65536];
    char *start = reply;
    size_t n = 0;

    do
        if (!read_some(fd, reply, &n, sizeof reply))
            return NULL;
    while (strstr(reply, "\r\n") == NULL);
    if (reply[0] == '$' && reply[1] != '-') {
        size_t length = strtoul(reply + 1, NULL, 10);

        start = strstr(reply, "\r\n") + 2;
        while (n < (size_t)(start - reply) + length + 2)
            if (!read_some(fd, reply, &n, sizeof reply))
                return NULL;
        start[length] = '\0';
        return start;
    }
    *strstr(start, "\r\n") = '\0';
    return start;
}

const char *redis_server_try(struct redis_server *s, const char *command)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char line[1024];
    const char *reply = NULL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length = snprintf(line, sizeof line, "%s\r\n", command);

    snprintf(to.sun_path, sizeof to.sun_path, "%s", s->socket);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        give_up("no connection");
    if (send(fd, line, (size_t)length, MSG_NOSIGNAL) == length)
        reply = read_reply(fd);
    close(fd);
    return reply;
}

const char *redis_server_ask(struct redis_server *s, const char *command)
{
    const char *reply = redis_server_try(s, command);

    if (reply == NULL)
        give_up("no answer");
    return reply;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void redis_server_stop(struct redis_server *s)
{
    if (s == NULL)
        return;
    redis_server_kill(s);
    nftw(s->dir, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
    mem_free(s);
}
