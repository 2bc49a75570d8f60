/*
 * null_cmi: a CMI that does nothing, as fast as it can: 201 and an id to every POST, 204 to the
 * rest, after --delay-ms. One thread, epoll. Prints its port. A GET is answered with how many
 * writes came since the GET before it, and the microseconds from the first to the last of them: the
 * one clock that every client is measured by. With --late, where a write says "due MS", by the wall
 * clock, more microseconds follow: p50, p99, p99.9 and the most that these came late, and the most
 * of those that say "due MS small". GET /small tells only how many of these came so far.
 */
#define _GNU_SOURCE
#include "bridge/core/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define READ_MAX        65536
#define WAITING_MAX     65536
#define LATE_MAX        1000000

struct connection {
    int fd;
    size_t n;
    char in[READ_MAX + 1]; /* its end is 0: digits stop there */
};

struct waiting {
    int64_t at_us;
    struct connection *to;
    bool is_post;
};

static struct waiting waiting[WAITING_MAX]; /* a ring: the delay is the same for all */
static size_t waiting_first;
static size_t waiting_next;
static int64_t delay_us;
static bool looks_for_due;
static int64_t turn_us; /* when this round of epoll began */
static int64_t first_us;
static int64_t last_us;
static unsigned long long writes;
static int64_t late_us[LATE_MAX];
static size_t late_n;
static int64_t late_small_us;
static unsigned long long small_writes;

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void answer(struct connection *c, bool is_post)
{
    static const char created[] = "HTTP/1.1 201 Created\r\nContent-Type: text/html\r\n"
                                  "Content-Length: 32\r\n\r\nF5168FBDD6914C8DB1C6D0BD64563A39";
    static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";
    const char *text = is_post ? created : done;
    size_t n = is_post ? sizeof created - 1 : sizeof done - 1;

    if (send(c->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        shutdown(c->fd, SHUT_RDWR);
}

static void count(void)
{
    last_us = turn_us;
    if (writes++ == 0)
        first_us = turn_us;
}

static void note_lateness(const char *request, size_t n)
{
    static const char word[] = "\"due ";
    const char *at = memmem(request, n, word, sizeof word - 1);
    struct view ms;
    struct timespec t;
    int64_t due;
    int64_t late;

    if (at == NULL || late_n == LATE_MAX)
        return;
    ms = (struct view){at + sizeof word - 1, 0};
    while (ms.p[ms.n] >= '0' && ms.p[ms.n] <= '9')
        ms.n++;
    if (!num_in(ms, 0, INT64_MAX / 1000, &due))
        return;
    clock_gettime(CLOCK_REALTIME, &t);
    late = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - due * 1000;
    late_us[late_n++] = late;
    if (strncmp(ms.p + ms.n, " small", 6) != 0)
        return;
    small_writes++;
    if (late > late_small_us)
        late_small_us = late;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static long long late_at(size_t in_1000)
{
    return late_n > 0 ? (long long)late_us[(late_n - 1) * in_1000 / 1000] : 0;
}

static void answer_count(struct connection *c)
{
    char body[160];
    char text[256];
    int body_n;
    int n;

    qsort(late_us, late_n, sizeof *late_us, by_size);
    body_n = snprintf(body, sizeof body, "%llu %lld %lld %lld %lld %lld %lld\n", writes,
                      (long long)(last_us - first_us), late_at(500), late_at(990), late_at(999),
                      late_at(1000), (long long)late_small_us);
    n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body_n,
                 body);
    writes = 0;
    late_n = 0;
    late_small_us = 0;
    small_writes = 0;
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        shutdown(c->fd, SHUT_RDWR);
}

static void answer_small(struct connection *c)
{
    char body[32];
    char text[128];
    int body_n = snprintf(body, sizeof body, "%llu\n", small_writes);
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body_n,
                     body);

    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        shutdown(c->fd, SHUT_RDWR);
}

static size_t whole_request(struct connection *c, bool *is_post)
{
    char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
    char *length;
    int64_t body = 0;

    if (end == NULL)
        return 0;
    *is_post = c->in[0] == 'P' && c->in[1] == 'O';
    length = memmem(c->in, (size_t)(end - c->in), "Content-Length: ", 16);
    if (length != NULL) {
        struct view digits = {length + 16, 0};

        while (digits.p[digits.n] >= '0' && digits.p[digits.n] <= '9')
            digits.n++;
        if (!num_in(digits, 0, READ_MAX, &body))
            return 0;
    }
    if (c->n < (size_t)(end - c->in) + 4 + (size_t)body)
        return 0;
    return (size_t)(end - c->in) + 4 + (size_t)body;
}

static bool serve(struct connection *c)
{
    ssize_t got = recv(c->fd, c->in + c->n, READ_MAX - c->n, 0);
    size_t used;
    bool is_post;

    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    c->n += (size_t)got;
    while ((used = whole_request(c, &is_post)) > 0) {
        bool is_get = c->in[0] == 'G';
        bool asks_small = strncmp(c->in, "GET /small ", 11) == 0;

        if (looks_for_due && !is_get)
            note_lateness(c->in, used);
        memmove(c->in, c->in + used, c->n - used);
        c->n -= used;
        if (is_get) {
            (asks_small ? answer_small : answer_count)(c);
            continue;
        }
        count();
        if (delay_us == 0)
            answer(c, is_post);
        else
            waiting[waiting_next++ % WAITING_MAX] =
                (struct waiting){now_us() + delay_us, c, is_post};
    }
    return true;
}

static int64_t answer_due(void)
{
    int64_t now = now_us();

    while (waiting_first != waiting_next && waiting[waiting_first % WAITING_MAX].at_us <= now) {
        struct waiting *w = &waiting[waiting_first++ % WAITING_MAX];

        if (w->to->fd >= 0)
            answer(w->to, w->is_post);
    }
    if (waiting_first == waiting_next)
        return -1;
    return (waiting[waiting_first % WAITING_MAX].at_us - now) / 1000 + 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    int signals;
    int one = 1;
    sigset_t set;
    struct epoll_event event = {.events = EPOLLIN};

    if (argc == 3 && strcmp(argv[1], "--delay-ms") == 0) {
        if (!num_in(view_of(argv[2]), 0, 10000, &delay_us))
            return 2;
        delay_us *= 1000;
    }
    looks_for_due = argc == 2 && strcmp(argv[1], "--late") == 0;
    if (bind(listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listening, 1024) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &length) != 0) {
        perror("null_cmi");
        return 1;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    event.data.ptr = NULL;
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
    event.data.ptr = &signals;
    epoll_ctl(poll, EPOLL_CTL_ADD, signals, &event);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(poll, events, 256, (int)answer_due());

        turn_us = now_us();
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;

            if (events[i].data.ptr == &signals)
                return 0;
            if (c == NULL) {
                int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd < 0)
                    continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                c = calloc(1, sizeof *c);
                if (c == NULL)
                    return 1;
                c->fd = fd;
                event.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            } else if (!serve(c)) {
                close(c->fd);
                c->fd = -1; /* a delayed answer may still point here: kept */
            }
        }
    }
}
