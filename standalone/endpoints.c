#include "standalone/endpoints.h"

#include "bridge/core/json_out.h"
#include "bridge/io/kafka_broker.h"
#include "standalone/file.h"

#include <stdio.h>
#include <unistd.h>

#define NAME     "endpoints.json"
#define JSON_MAX 65536
#define URL_MAX  64

static const char *url(unsigned port, const char *path, char out[URL_MAX])
{
    (void)snprintf(out, URL_MAX, "http://127.0.0.1:%u%s", port, path);
    return out;
}

static void write_json(const struct plan *p, struct buf *out)
{
    struct json_out j;
    char text[URL_MAX];
    char redis[SITE_SOCKET_MAX + 8];

    (void)snprintf(redis, sizeof redis, "unix:%s", p->site.redis_socket);
    json_out_init(&j, out);
    json_object(&j);
    json_key(&j, "cmi");
    json_text(&j, url(p->cmi.number, "/RI/cmi", text));
    json_key(&j, "kafka");
    json_text(&j, p->kafka);
    json_key(&j, "redis");
    json_text(&j, redis);
    json_key(&j, "carrier");
    json_text(&j, url(p->carrier.number, "", text));
    json_key(&j, "metrics");
    json_object(&j);
    for (size_t i = 0; i < part_count; i++) {
        if (!parts[i].has_admin)
            continue;
        json_key(&j, parts[i].name);
        json_text(&j, url(p->admin[i].number, "/metrics", text));
    }
    json_object_end(&j);
    json_object_end(&j);
    buf_put_char(out, '\n');
}

bool endpoints_write(const struct plan *p, struct fault *f)
{
    char path[SITE_PATH_MAX];
    struct buf json;
    bool ok;

    buf_init(&json, JSON_MAX);
    write_json(p, &json);
    ok = file_put(site_path(&p->site, NAME, path), buf_view(&json), f);
    buf_done(&json);
    return ok;
}

void endpoints_remove(const struct plan *p)
{
    char path[SITE_PATH_MAX];

    (void)unlink(site_path(&p->site, NAME, path));
}

void endpoints_tell(const struct plan *p, struct buf *out)
{
    char text[URL_MAX];

    buf_printf(out, "All is up, on this machine only.\n");
    buf_printf(out, "  CMI       %s  (%s)\n", url(p->cmi.number, "/RI/cmi", text),
               p->signs_on ? "for the users of server.users" : "no sign-on; everyone is one user");
    buf_printf(out, "  Kafka     %s  (topics:", p->kafka);
    for (size_t i = 0; i < p->topics.count; i++)
        buf_printf(out, " %s", p->topics.at[i]);
    buf_printf(out, ")\n  Redis     unix:%s\n", p->site.redis_socket);
    buf_printf(out,
               "  carrier   %s  (pretends; numbers ending in 0000 are refused, in 0503\n"
               "            unavailable at the first attempt, in 0429 throttled)\n",
               url(p->carrier.number, "/", text));
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].has_admin)
            buf_printf(out, "  metrics   %s  (%s)\n", url(p->admin[i].number, "/metrics", text),
                       parts[i].name);
    buf_printf(out, "  settings  %s\n  logs      %s/log\n", p->config, p->site.dir);
    buf_printf(out,
               "Kept for the next start: what Redis and the history hold. Not kept: Kafka's "
               "records,\ntopics and committed offsets, which the embedded broker holds in memory, "
               "and of each\npartition the newest %d MiB only.\n",
               KAFKA_BROKER_KEEPS_BYTES >> 20);
    buf_printf(out, "Ctrl-C ends it.\n");
}
