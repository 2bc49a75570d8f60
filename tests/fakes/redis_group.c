#include "tests/fakes/redis_group.h"

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/mem.h"
#include "tests/fakes/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS      16384
#define POLL_MS    20
#define PRIMARY    "mymaster"
#define PORT_TRIES 1000
#define KEYS_MAX   65536

/* Two ports: a server's and, 10000 above it, its bus'. */
static bool is_free(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool bound;

    at.sin_port = htons((uint16_t)port);
    bound = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return bound;
}

int redis_group_port(void)
{
    static unsigned next;

    if (next == 0)
        next = (unsigned)getpid() * 61;
    for (int i = 0; i < PORT_TRIES; i++) {
        int port = 20000 + (int)(next++ % 10000);

        if (is_free(port) && is_free(port + 10000))
            return port;
    }
    fprintf(stderr, "redis_group: no free port\n");
    exit(1);
}

void redis_group_wait(struct redis_group *g, size_t i, const char *command, const char *part)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};

    for (int waited = 0; waited < PROBE_PATIENCE_MS; waited += POLL_MS) {
        const char *answer = redis_server_try(g->server[i], command);

        if (answer != NULL && strstr(answer, part) != NULL)
            return;
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "redis_group: server %zu does not answer %s with %s but with %s\n", i, command,
            part, redis_server_ask(g->server[i], command));
    exit(1);
}

static void add(struct redis_group *g, const char *const *more)
{
    size_t i = g->count++;
    size_t n = 0;

    g->port[i] = redis_group_port();
    snprintf(g->args[i][n++], sizeof g->args[0][0], "--port");
    snprintf(g->args[i][n++], sizeof g->args[0][0], "%d", g->port[i]);
    snprintf(g->args[i][n++], sizeof g->args[0][0], "--bind");
    snprintf(g->args[i][n++], sizeof g->args[0][0], "127.0.0.1");
    snprintf(g->args[i][n++], sizeof g->args[0][0], "--repl-diskless-sync-delay"); /* else 5 s */
    snprintf(g->args[i][n++], sizeof g->args[0][0], "0");
    for (; more != NULL && *more != NULL; more++)
        snprintf(g->args[i][n++], sizeof g->args[0][0], "%s", *more);
    for (size_t k = 0; k < n; k++)
        g->argv[i][k] = g->args[i][k];
    g->argv[i][n] = NULL;
    g->server[i] = redis_server_start(g->argv[i]);
}

PRINTF_LIKE(3, 4)
static const char *ask(struct redis_group *g, size_t i, const char *format, ...)
{
    char command[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return redis_server_ask(g->server[i], command);
}

static void name_addresses(struct redis_group *g, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        n += (size_t)snprintf(g->addresses + n, sizeof g->addresses - n, "%s127.0.0.1:%d",
                              i > from ? "," : "", g->port[i]);
}

struct redis_group *redis_group_cluster(bool replicas)
{
    static const char *const more[] = {"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                                       NULL};
    struct redis_group *g = mem_zeroed(1, sizeof *g);

    for (size_t i = 0; i < (replicas ? 2 : 1) * REDIS_GROUP_PRIMARIES; i++)
        add(g, more);
    for (int i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        ask(g, (size_t)i, "CLUSTER ADDSLOTSRANGE %d %d", i * SLOTS / REDIS_GROUP_PRIMARIES,
            (i + 1) * SLOTS / REDIS_GROUP_PRIMARIES - 1);
    for (size_t i = 0; i < g->count; i++)
        ask(g, i, "CLUSTER SET-CONFIG-EPOCH %d", (int)i + 1);
    for (size_t i = 1; i < g->count; i++)
        ask(g, 0, "CLUSTER MEET 127.0.0.1 %d", g->port[i]);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        redis_group_wait(g, i, "CLUSTER INFO", "cluster_state:ok");
    for (size_t i = REDIS_GROUP_PRIMARIES; i < g->count; i++) {
        char id[64];
        char command[128];

        snprintf(id, sizeof id, "%.40s",
                 redis_server_ask(g->server[i - REDIS_GROUP_PRIMARIES], "CLUSTER MYID"));
        snprintf(command, sizeof command, "CLUSTER REPLICATE %s", id);
        redis_group_wait(g, i, command, "OK"); /* it may not know that node yet */
        redis_group_wait(g, i - REDIS_GROUP_PRIMARIES, "WAIT 1 100", ":1");
    }
    name_addresses(g, 0, g->count);
    return g;
}

size_t redis_group_owner(unsigned slot)
{
    size_t i = 0;

    while (slot >= (i + 1) * SLOTS / REDIS_GROUP_PRIMARIES)
        i++;
    return i;
}

static void expect(const char *answer, const char *wanted, const char *what)
{
    if (strstr(answer, wanted) != NULL)
        return;
    fprintf(stderr, "redis_group: %s is answered with %s\n", what, answer);
    exit(1);
}

/* Nodes that hear nothing of each other for a second, as on a machine that has much else to do,
 * take no keys until they do. */
static void move_key(struct redis_group *g, struct view key, size_t from, size_t to)
{
    const char *answer;

    while (strstr(answer =
                      ask(g, from, "MIGRATE 127.0.0.1 %d %.*s 0 5000", g->port[to], VIEW_ARG(key)),
                  "CLUSTERDOWN") != NULL)
        redis_group_wait(g, to, "CLUSTER INFO", "cluster_state:ok");
    expect(answer, "K", "MIGRATE"); /* NOKEY: it went meanwhile */
}

/* Up to so many of them; false: there were none. */
static bool move_keys(struct redis_group *g, unsigned slot, size_t from, size_t to, int most)
{
    struct buf keys;
    struct view rest;
    bool any;

    buf_init(&keys, KEYS_MAX);
    buf_put_text(&keys, ask(g, from,
                            "EVAL \"return table.concat(redis.call('CLUSTER','GETKEYSINSLOT','%u','"
                            "%d'),' ')\" 0",
                            slot, most));
    any = keys.n > 0;
    for (rest = buf_view(&keys); rest.n > 0;) {
        move_key(g, view_cut(&rest, ' '), from, to);
    }
    buf_done(&keys);
    return any;
}

/* All know of the last move: or what one of them says of the time before it, under a number that
 * only it knows to be old, takes the slot back. */
static void agree(struct redis_group *g)
{
    static const char name[] = "cluster_current_epoch:";
    long last = 0;
    char part[48];

    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++) {
        const char *at = strstr(ask(g, i, "CLUSTER INFO"), name);
        long epoch;

        if (at == NULL) {
            fprintf(stderr, "redis_group: server %zu knows no epoch\n", i);
            exit(1);
        }
        epoch = strtol(at + sizeof name - 1, NULL, 10);
        if (epoch > last)
            last = epoch;
    }
    snprintf(part, sizeof part, "%s%ld\r", name, last);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        redis_group_wait(g, i, "CLUSTER INFO", part);
}

void redis_group_move_begin(struct redis_group *g, unsigned slot, size_t from, size_t to)
{
    char ids[2][64];
    const size_t ends[2] = {from, to};

    agree(g);
    for (size_t i = 0; i < 2; i++)
        snprintf(ids[i], sizeof ids[i], "%.40s", ask(g, ends[i], "CLUSTER MYID"));
    expect(ask(g, to, "CLUSTER SETSLOT %u IMPORTING %s", slot, ids[0]), "OK", "IMPORTING");
    expect(ask(g, from, "CLUSTER SETSLOT %u MIGRATING %s", slot, ids[1]), "OK", "MIGRATING");
    (void)move_keys(g, slot, from, to, 1);
}

void redis_group_move_end(struct redis_group *g, unsigned slot, size_t from, size_t to)
{
    char id[64];

    while (move_keys(g, slot, from, to, 100))
        continue;
    snprintf(id, sizeof id, "%.40s", ask(g, to, "CLUSTER MYID"));
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        expect(ask(g, (to + i) % REDIS_GROUP_PRIMARIES, "CLUSTER SETSLOT %u NODE %s", slot, id),
               "OK", "SETSLOT");
}

void redis_group_move(struct redis_group *g, unsigned slot, size_t from, size_t to)
{
    redis_group_move_begin(g, slot, from, to);
    redis_group_move_end(g, slot, from, to);
}

struct redis_group *redis_group_pair(bool sentinels)
{
    struct redis_group *g = mem_zeroed(1, sizeof *g);

    add(g, NULL);
    (void)redis_group_add_replica(g, 0);
    for (int i = 0; sentinels && i < REDIS_GROUP_SENTINELS; i++) {
        size_t at = g->count++;

        g->port[at] = redis_group_port();
        g->server[at] = redis_server_start_sentinel(PRIMARY, g->port[at], g->port[0]);
    }
    for (size_t i = 2; i < g->count; i++) {
        redis_group_wait(g, i, "SENTINEL CKQUORUM " PRIMARY, "OK 3 usable");
        redis_group_wait(g, i, "INFO sentinel", "slaves=1");
    }
    name_addresses(g, sentinels ? 2 : 0, sentinels ? g->count : 1);
    return g;
}

size_t redis_group_add_replica(struct redis_group *g, size_t of)
{
    size_t at = g->count;

    add(g, NULL);
    ask(g, at, "REPLICAOF 127.0.0.1 %d", g->port[of]);
    redis_group_wait(g, of, "WAIT 1 100", ":1");
    return at;
}

void redis_group_stop(struct redis_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        redis_server_stop(g->server[i]);
    mem_free(g);
}
