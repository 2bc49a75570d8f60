/*
 * bare_mhd: the limit for `serve`: libmicrohttpd on one thread with the smallest handler that takes
 * a POST's body and answers 201 with an id, or a GET with a callback's JSON. Prints its port.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char id[] = "F5168FBDD6914C8DB1C6D0BD64563A39";
static const char callback[] =
    "{\"id\":\"C42C6D5CF4004CC3B75E104654D9C5BE\",\"callbackQueueNumber\":\"153\","
    "\"creationTime\":\"2019-09-13T11:51:17.670Z\",\"customerNumber\":\"+35854852156\","
    "\"failures\":0,\"lastResult\":\"ADDED\",\"maxCalls\":3,"
    "\"nextCallTime\":\"2019-09-13T11:52:21.480Z\",\"originalQueueNumber\":\"152\","
    "\"originalQueueName\":\"Sales\"}";

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    struct MHD_Response *r;
    enum MHD_Result result;
    int is_post = strcmp(method, "POST") == 0;

    (void)ctx, (void)url, (void)version, (void)upload;
    if (*state == NULL) {
        *state = c;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    r = is_post ? MHD_create_response_from_buffer(sizeof id - 1, (void *)(size_t)id,
                                                  MHD_RESPMEM_PERSISTENT)
                : MHD_create_response_from_buffer(sizeof callback - 1, (void *)(size_t)callback,
                                                  MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(c, is_post ? 201 : 200, r);
    MHD_destroy_response(r);
    return result;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *d;
    sigset_t set;
    int got;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                         MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    info = d != NULL ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL)
        return 1;
    printf("%u\n", info->port);
    fflush(stdout);
    (void)sigwait(&set, &got);
    MHD_stop_daemon(d);
    return 0;
}
