#include "standalone/parts.h"

#include "standalone/settings.h"

#include <stdio.h>
#include <string.h>

#define START_MS (60 * INT64_C(1000))
#define END_MS   (10 * INT64_C(1000))

/* The durable profile (docs/DELIVERY.md), on a unix socket only. */
static void redis_command_line(const struct plan *p, struct words *out)
{
    words_add(out, "redis-server");
    words_add(out, "--port");
    words_add(out, "0");
    words_add(out, "--unixsocket");
    words_add(out, "%s", p->site.redis_socket);
    words_add(out, "--unixsocketperm");
    words_add(out, "700");
    words_add(out, "--dir");
    words_add(out, "%s/redis", p->site.dir);
    words_add(out, "--appendonly");
    words_add(out, "yes");
    words_add(out, "--appendfsync");
    words_add(out, "always");
    words_add(out, "--maxmemory-policy");
    words_add(out, "noeviction");
    words_add(out, "--hash-max-listpack-value"); /* texts stay packed with what is beside them */
    words_add(out, "1024");
    words_add(out, "--save");
    words_add(out, "%s", "");
    words_add(out, "--daemonize");
    words_add(out, "no");
}

static void redis_question(const struct plan *p, unsigned row, struct probe_question *out)
{
    (void)row;
    *out = (struct probe_question){
        .socket = p->site.redis_socket, .request = "PING\r\n", .good = "+PONG"};
}

static void broker_command_line(const struct plan *p, struct words *out)
{
    words_add(out, "%s", p->program);
    words_add(out, "broker");
    for (size_t i = 0; i < p->topics.count; i++)
        words_add(out, "%s", p->topics.at[i]);
}

/* Only now is it known where the broker is, and the configuration complete. */
static bool broker_told(struct plan *p, const char *line, struct fault *f)
{
    (void)snprintf(p->kafka, sizeof p->kafka, "%s", line);
    settings_set(p->settings, "kafka.brokers", p->kafka);
    return settings_save(p->settings, p->config, f);
}

static void own_command_line(const struct plan *p, const char *name, struct words *out)
{
    words_add(out, "%s", p->program);
    words_add(out, "%s", name);
    words_add(out, "--config");
    words_add(out, "%s", p->config);
}

static void serve_command_line(const struct plan *p, struct words *out)
{
    own_command_line(p, "serve", out);
}

static void carrier_command_line(const struct plan *p, struct words *out)
{
    words_add(out, "%s", p->program);
    words_add(out, "carrier");
    words_add(out, "--listen");
    words_add(out, "127.0.0.1:%u", p->carrier.number);
    words_add(out, "--log");
    words_add(out, "%s/carrier.jsonl", p->site.dir);
    words_add(out, "--calls");
    words_add(out, "%s/carrier-calls.jsonl", p->site.dir);
    words_add(out, "--receipts");
    words_add(out, "http://127.0.0.1:%u/receipts/carrier", p->cmi.number);
    words_add(out, "--config");
    words_add(out, "%s", p->config);
}

static void carrier_question(const struct plan *p, unsigned row, struct probe_question *out)
{
    (void)row;
    *out = (struct probe_question){
        .port = p->carrier.number,
        .request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        .good = "HTTP/1.1 200"};
}

static void schedule_command_line(const struct plan *p, struct words *out)
{
    own_command_line(p, "schedule", out);
}

static void consume_command_line(const struct plan *p, struct words *out)
{
    own_command_line(p, "consume", out);
}

static void readyz_question(const struct plan *p, unsigned row, struct probe_question *out)
{
    *out = (struct probe_question){
        .port = p->admin[row].number,
        .request = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        .good = "HTTP/1.1 200"};
}

/* serve gives its clients 20 s to be answered (server.drain), consume its events (consume.drain)
 * and schedule its requests (schedule.drain) as long. */
const struct part parts[] = {
    {"redis", redis_command_line, false, redis_question, NULL, START_MS, END_MS},
    {"broker", broker_command_line, false, NULL, broker_told, START_MS, END_MS},
    {"serve", serve_command_line, true, readyz_question, NULL, START_MS, 3 * END_MS},
    {"consume", consume_command_line, true, readyz_question, NULL, START_MS, 3 * END_MS},
    {"carrier", carrier_command_line, false, carrier_question, NULL, START_MS, END_MS},
    {"schedule", schedule_command_line, true, readyz_question, NULL, START_MS, 3 * END_MS},
};
const size_t part_count = sizeof parts / sizeof parts[0];
