#include "tests/fakes/hostile_conn.h"

#include "bridge/core/mem.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG     256
#define KEY_BUCKETS 4096
#define WAIT_S      60 /* for requests that should come */

struct key { /* an Idempotency-Key, and the id that its first request made */
    struct key *next;
    struct view text;
    unsigned made;
};

struct hostile_http {
    int listener;
    int port;
    char url[64];
    SSL_CTX *tls;
    pthread_t acceptor;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    bool stopping;
    bool down;
    bool released;
    bool ignore_keys;
    unsigned threads; /* of connections */
    unsigned accepted;
    struct hostile_conn *open;
    struct hostile_step *steps;
    size_t step_count;
    size_t step_next;
    struct hostile_step rest;
    struct hostile_request **requests;
    size_t count;
    size_t cap;
    size_t effects;
    size_t swallowed;
    struct key *keys[KEY_BUCKETS];
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "hostile_http: %s\n", what);
    exit(1);
}

struct view hostile_request_header(const struct hostile_request *r, const char *name)
{
    struct view rest = r->head;

    (void)view_cut(&rest, '\n');
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct view field;

        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        field = view_cut(&line, ':');
        if (view_eq_nocase(field, view_of(name)))
            return line.n > 0 ? view_trim(line) : VIEW("");
    }
    return VIEW_NONE;
}

/* ---- what it does with a request; all under the lock ---- */

static struct hostile_step next_step(struct hostile_http *s)
{
    struct hostile_step *step;

    if (s->step_next == s->step_count)
        return s->rest;
    step = &s->steps[s->step_next];
    if (step->times <= 1)
        s->step_next++;
    else
        step->times--;
    return *step;
}

static struct key **find_key(struct hostile_http *s, struct view text)
{
    unsigned hash = 2166136261u;
    struct key **at;

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 16777619u;
    at = &s->keys[hash % KEY_BUCKETS];
    while (*at != NULL && !view_eq((*at)->text, text))
        at = &(*at)->next;
    return at;
}

/* The number of the thing that the request makes; the first one's, for a key that was there. */
static unsigned take_effect(struct hostile_http *s, struct hostile_request *r)
{
    struct view key = hostile_request_header(r, "Idempotency-Key");
    struct key **at = find_key(s, key);

    if (!s->ignore_keys && key.n > 0 && *at != NULL)
        return (*at)->made;
    r->effect = true;
    s->effects++;
    if (key.n > 0 && *at == NULL) {
        *at = mem_zeroed(1, sizeof **at);
        **at = (struct key){NULL, key, (unsigned)s->effects};
    }
    return (unsigned)s->effects;
}

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct hostile_request *record(struct hostile_http *s, struct view head, struct view body,
                                      unsigned connection)
{
    struct hostile_request *r = mem_zeroed(1, sizeof *r);
    struct view rest = head;
    struct view method = view_cut(&rest, ' ');
    struct view path = view_cut(&rest, ' ');

    r->method = mem_text(method.p, method.n);
    r->path = mem_text(path.p, path.n);
    r->head = head;
    r->body = body;
    r->connection = connection;
    r->time_ms = wall_ms();
    if (s->count == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 64;
        s->requests = mem_resize(s->requests, s->cap, sizeof(struct hostile_request *));
    }
    s->requests[s->count++] = r;
    pthread_cond_broadcast(&s->changed);
    return r;
}

struct saying { /* a reply and its texts */
    struct hostile_reply reply;
    char headers[512];
    char body[64];
};

static void say_as_a_cmi(const struct hostile_request *r, unsigned made, struct saying *out)
{
    bool post = strcmp(r->method, "POST") == 0;

    out->headers[0] = '\0';
    out->reply = (struct hostile_reply){204, out->headers, VIEW_NONE};
    if (post) {
        snprintf(out->body, sizeof out->body, "%032X", made);
        snprintf(out->headers, sizeof out->headers,
                 "Content-Type: text/html\r\nLocation: %.300s/%s\r\n", r->path, out->body);
        out->reply.status = 201;
        out->reply.body = view_of(out->body);
    } else if (strcmp(r->method, "GET") == 0) {
        out->reply.status = 200;
        out->reply.body = VIEW("{}");
    }
}

/* One request, from its arrival to its end. false: the connection is over. */
static bool serve(struct hostile_conn *c)
{
    struct hostile_http *s = c->server;
    struct hostile_step step;
    struct hostile_request *r;
    struct saying saying;
    struct view head;
    struct view body;
    bool done;

    if (!hostile_conn_read(c, &head, &body))
        return false;
    pthread_mutex_lock(&s->lock);
    r = record(s, head, body, c->number);
    step = next_step(s);
    done = step.act == HOSTILE_REPLY_TO_DONE;
    if (done)
        step.act = HOSTILE_REPLY;
    r->act = step.act;
    r->status = step.act == HOSTILE_REPLY ? step.status : 0;
    if (step.act == HOSTILE_REPLY) {
        if (done || step.status / 100 == 2)
            (void)take_effect(s, r);
        saying.reply = (struct hostile_reply){step.status, step.headers != NULL ? step.headers : "",
                                              view_of(step.body)};
    } else {
        say_as_a_cmi(r, take_effect(s, r), &saying);
    }
    while (step.act == HOSTILE_HOLD && !s->released && !s->stopping && !s->down)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return hostile_conn_do(c, step.act, &saying.reply);
}

/* ---- connections ---- */

static void *run_connection(void *arg)
{
    struct hostile_conn *c = arg;
    struct hostile_http *s = c->server;

    if (c->tls == NULL || SSL_accept(c->tls) == 1)
        while (serve(c))
            continue;
    if (c->tls != NULL)
        (void)SSL_shutdown(c->tls);
    pthread_mutex_lock(&s->lock);
    for (struct hostile_conn **at = &s->open; *at != NULL; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    s->swallowed += c->swallowed;
    close(c->fd); /* under the lock, so that its number is nobody else's while it is on the list */
    SSL_free(c->tls);
    mem_free(c->in);
    mem_free(c);
    s->threads--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void take_connection(struct hostile_http *s, int fd)
{
    struct hostile_conn *c = mem_zeroed(1, sizeof *c);
    const int on = 1;
    pthread_t thread;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->server = s;
    c->fd = fd;
    if (s->tls != NULL) {
        c->tls = SSL_new(s->tls);
        SSL_set_fd(c->tls, fd);
    }
    pthread_mutex_lock(&s->lock);
    c->number = ++s->accepted;
    c->next = s->open;
    s->open = c;
    s->threads++;
    if (s->down)
        shutdown(fd, SHUT_RDWR); /* came in while the door was closing */
    pthread_mutex_unlock(&s->lock);
    if (pthread_create(&thread, NULL, run_connection, c) != 0)
        give_up("no thread for a connection");
    pthread_detach(thread);
}

static void *run_acceptor(void *arg)
{
    struct hostile_http *s = arg;
    bool stopping = false;

    while (!stopping) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd >= 0) {
            take_connection(s, fd);
            continue;
        }
        pthread_mutex_lock(&s->lock);
        while (s->down && !s->stopping)
            pthread_cond_wait(&s->changed, &s->lock);
        stopping = s->stopping;
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

/* ---- for the test ---- */

static int bound(struct sockaddr_in *at)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)at, sizeof *at) != 0)
        give_up("no port to listen on");
    return fd;
}

/* Bound a second time, by its number: only then the port outlasts hostile_http_down. */
static int listener_on_a_free_port(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    int finder;
    int fd;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    finder = bound(&at);
    if (getsockname(finder, (struct sockaddr *)&at, &n) != 0)
        give_up("its port can't be known");
    fd = bound(&at);
    close(finder);
    if (listen(fd, BACKLOG) != 0)
        give_up("no port to listen on");
    *port = ntohs(at.sin_port);
    return fd;
}

static struct hostile_http *start(SSL_CTX *tls)
{
    struct hostile_http *s = mem_zeroed(1, sizeof *s);

    signal(SIGPIPE, SIG_IGN);
    s->listener = listener_on_a_free_port(&s->port);
    s->tls = tls;
    snprintf(s->url, sizeof s->url, tls != NULL ? "https://localhost:%d" : "http://127.0.0.1:%d",
             s->port);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (pthread_create(&s->acceptor, NULL, run_acceptor, s) != 0)
        give_up("no thread");
    return s;
}

struct hostile_http *hostile_http_start(void)
{
    return start(NULL);
}

struct hostile_http *hostile_http_start_tls(const char *certificate, const char *key,
                                            const char *client_ca)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls == NULL || SSL_CTX_use_certificate_file(tls, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        give_up("its certificate can't be used");
    if (client_ca != NULL) {
        if (SSL_CTX_load_verify_locations(tls, client_ca, NULL) != 1)
            give_up("the clients' CA can't be used");
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return start(tls);
}

static void drop_all(struct hostile_http *s)
{
    for (struct hostile_conn *c = s->open; c != NULL; c = c->next) {
        hostile_conn_reset(c);
        shutdown(c->fd, SHUT_RDWR);
    }
    pthread_cond_broadcast(&s->changed);
}

void hostile_http_stop(struct hostile_http *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    shutdown(s->listener, SHUT_RDWR);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->acceptor, NULL);
    pthread_mutex_lock(&s->lock);
    drop_all(s);
    while (s->threads > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    close(s->listener);
    for (size_t i = 0; i < KEY_BUCKETS; i++)
        while (s->keys[i] != NULL) {
            struct key *k = s->keys[i];

            s->keys[i] = k->next;
            mem_free(k);
        }
    for (size_t i = 0; i < s->count; i++) {
        struct hostile_request *r = s->requests[i];

        mem_free((void *)(uintptr_t)r->method);
        mem_free((void *)(uintptr_t)r->path);
        mem_free((void *)(uintptr_t)r->head.p);
        mem_free((void *)(uintptr_t)r->body.p);
        mem_free(r);
    }
    mem_free(s->requests);
    mem_free(s->steps);
    SSL_CTX_free(s->tls);
    mem_free(s);
}

const char *hostile_http_url(const struct hostile_http *s)
{
    return s->url;
}

int hostile_http_port(const struct hostile_http *s)
{
    return s->port;
}

void hostile_http_script(struct hostile_http *s, const struct hostile_step *steps, size_t count)
{
    if (count == 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->steps = mem_resize(s->steps, s->step_count + count, sizeof *steps);
    memcpy(s->steps + s->step_count, steps, count * sizeof *steps);
    s->step_count += count;
    pthread_mutex_unlock(&s->lock);
}

void hostile_http_default(struct hostile_http *s, struct hostile_step step)
{
    pthread_mutex_lock(&s->lock);
    s->rest = step;
    pthread_mutex_unlock(&s->lock);
}

void hostile_http_ignore_keys(struct hostile_http *s, bool ignore)
{
    pthread_mutex_lock(&s->lock);
    s->ignore_keys = ignore;
    pthread_mutex_unlock(&s->lock);
}

void hostile_http_release(struct hostile_http *s)
{
    pthread_mutex_lock(&s->lock);
    s->released = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* A listening socket that is shut down stays bound: its port refuses, and can be listened on
 * again. */
void hostile_http_down(struct hostile_http *s)
{
    pthread_mutex_lock(&s->lock);
    s->down = true;
    shutdown(s->listener, SHUT_RDWR);
    drop_all(s);
    while (s->threads > 0)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void hostile_http_up(struct hostile_http *s)
{
    pthread_mutex_lock(&s->lock);
    if (listen(s->listener, BACKLOG) != 0)
        give_up("the port can't be listened on again");
    s->down = false;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

size_t hostile_http_count(struct hostile_http *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->count;
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t hostile_http_effects(struct hostile_http *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->effects;
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t hostile_http_swallowed(struct hostile_http *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->swallowed;
    pthread_mutex_unlock(&s->lock);
    return n;
}

unsigned hostile_http_connections(struct hostile_http *s)
{
    unsigned n;

    pthread_mutex_lock(&s->lock);
    n = s->accepted;
    pthread_mutex_unlock(&s->lock);
    return n;
}

const struct hostile_request *hostile_http_request(struct hostile_http *s, size_t i)
{
    const struct hostile_request *r;

    pthread_mutex_lock(&s->lock);
    if (i >= s->count)
        give_up("there were not so many requests");
    r = s->requests[i];
    pthread_mutex_unlock(&s->lock);
    return r;
}

void hostile_http_wait(struct hostile_http *s, size_t count)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&s->lock);
    while (s->count < count)
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != 0)
            give_up("the requests did not come");
    pthread_mutex_unlock(&s->lock);
}
