/*
 * bare_loop: the limit for `consume` and `schedule`: a libcurl multi loop that sends the same bytes
 * to the same null CMI (but for the value of the key) and does nothing else. usage: bare_loop URL
 * COUNT CONCURRENCY [message]: what consume writes, or what a webhook channel sends. Prints
 * requests a second.
 */
#include "bridge/core/num.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define SLOTS_MAX 1024

static char body[400];
static size_t body_n;
static const char *key_end = ""; /* the destination's number */

struct slot {
    CURL *easy;
    struct curl_slist *headers;
    char key[80];
};

static struct slot slots[SLOTS_MAX];
static int poll_fd;
static long timeout_ms = -1;

static size_t swallow(char *p, size_t size, size_t n, void *to)
{
    (void)p, (void)to;
    return size * n;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0u) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0u);
    epoll_ctl(poll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    curl_multi_assign(ctx, fd, &poll_fd);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    (void)multi, (void)ctx;
    timeout_ms = ms;
    return 0;
}

/* What a webhook channel sends, as bench/run has `schedule` send it. */
static void be_message(void)
{
    key_end = "-1000";
    body_n = (size_t)snprintf(
        body, sizeof body,
        "{\"id\":\"%032d-1000\",\"message_id\":\"%032d\",\"attempt\":1,\"source\":"
        "\"12345678@sms.example.com\",\"to\":\"+358401234567\",\"subType\":\"sms\",\"contentType\":"
        "\"text\",\"text\":\"due 1700000000000\",\"parts\":1}",
        0, 0);
}

/* Headers differ by request, as consume's do: the key is new each time. */
static void begin(CURLM *multi, struct slot *s, unsigned long n)
{
    (void)snprintf(s->key, sizeof s->key, "Idempotency-Key: %032lx%s", n, key_end);
    curl_slist_free_all(s->headers);
    s->headers = curl_slist_append(NULL, "User-Agent: cmibridge/" CMIBRIDGE_VERSION);
    s->headers = curl_slist_append(s->headers, s->key);
    s->headers = curl_slist_append(s->headers, "Content-Type: application/json");
    s->headers = curl_slist_append(s->headers, "Expect:");
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    curl_multi_add_handle(multi, s->easy);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    CURLM *multi;
    int64_t count;
    int64_t concurrency;
    unsigned long sent = 0;
    unsigned long done = 0;
    int running;
    double start;

    if ((argc != 4 && (argc != 5 || strcmp(argv[4], "message") != 0)) ||
        !num_in(view_of(argv[2]), 1, 10000000, &count) ||
        !num_in(view_of(argv[3]), 1, SLOTS_MAX, &concurrency)) {
        fprintf(stderr, "usage: bare_loop URL COUNT CONCURRENCY [message]\n");
        return 2;
    }
    body_n =
        (size_t)snprintf(body, sizeof body,
                         "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\","
                         "\"notes\":\"%0300d\"}",
                         0);
    if (argc == 5)
        be_message();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)concurrency);
    start = now_s();
    for (int64_t i = 0; i < concurrency; i++) {
        CURL *easy = curl_easy_init();

        slots[i].easy = easy;
        curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body_n);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &slots[i]);
        if (sent < (unsigned long)count)
            begin(multi, &slots[i], sent++);
    }
    while (done < (unsigned long)count) {
        struct epoll_event events[256];
        int n = epoll_wait(poll_fd, events, 256, timeout_ms < 0 ? 1000 : (int)timeout_ms);
        CURLMsg *message;
        int left;

        if (n == 0) {
            timeout_ms = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        for (int i = 0; i < n; i++)
            curl_multi_socket_action(multi, events[i].data.fd,
                                     (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                         (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                     &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            struct slot *s;

            if (message->msg != CURLMSG_DONE)
                continue;
            if (message->data.result != CURLE_OK) {
                fprintf(stderr, "bare_loop: %s\n", curl_easy_strerror(message->data.result));
                return 1;
            }
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
            curl_multi_remove_handle(multi, s->easy);
            done++;
            if (sent < (unsigned long)count)
                begin(multi, s, sent++);
        }
    }
    printf("%.0f\n", (double)count / (now_s() - start));
    return 0;
}
