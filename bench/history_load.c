/*
 * history_load URL COUNT: makes so many contacts by POST /ingest, a thousand events a request: half
 * of them phone calls, 30 % chats, 20 % emails, all with subjects, over a year. Half of all
 * subjects have the word "included". Prints events a second.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH     1000
#define EVENT_MAX 1024

static uint64_t state = 1;

static unsigned draw(unsigned below) /* xorshift: the same data in every run */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

static int put_time(char *to, size_t size, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;

    gmtime_r(&seconds, &t);
    return snprintf(to, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                    t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
}

static size_t put_event(char *to, uint64_t n, uint64_t count)
{
    static const char *const words[] = {"offer", "invoice", "order", "delivery", "complaint"};
    int64_t arrival_ms = INT64_C(1700000000000) + (int64_t)(n * UINT64_C(31536000000) / count);
    unsigned kind = draw(10);
    const char *channel = kind < 5 ? "PHONE" : kind < 8 ? "CHAT" : "EMAIL";
    const char *prefix = kind < 5 ? "Call" : "Chat";
    char subject[96];
    char when[128];
    int done = 0;

    put_time(when, sizeof when, arrival_ms);
    snprintf(subject, sizeof subject, "%s %s %u", words[draw(5)], draw(2) ? "included" : "excluded",
             draw(100000));
    done =
        snprintf(to, EVENT_MAX,
                 "{\"specversion\":\"1.0\",\"id\":\"%llu\",\"source\":\"/bench\",\"type\":\"%s\","
                 "\"subject\":\"%s/%08X%08X%016llX\",\"time\":\"%s\",\"data\":{",
                 (unsigned long long)n, kind < 8 ? "contact.received" : "email.received",
                 kind < 8 ? "contacts" : "emails", draw(0xFFFFFFFF), draw(0xFFFFFFFF),
                 (unsigned long long)n, when);
    if (kind >= 8)
        return (size_t)done +
               (size_t)snprintf(to + done, EVENT_MAX - (size_t)done,
                                "\"from_queue\":{\"id\":\"00EE0E00%024X\",\"name\":\"Queue %u\"},"
                                "\"title\":\"%s\",\"content\":\"Dear Sir, about the %s, number %u. "
                                "Yours\",\"originator\":\"user%u@host%u.com\",\"destination\":"
                                "\"desk@example.com\"}}",
                                draw(10), draw(10), subject, words[draw(5)], draw(100000),
                                draw(100000), draw(1000));
    return (size_t)done +
           (size_t)snprintf(to + done, EVENT_MAX - (size_t)done,
                            "\"channel\":\"%s\",\"type\":\"%sIn\",\"source\":\"+358%09u\","
                            "\"destination\":\"0600%u\",\"subject\":\"%s\",\"status\":\"Handled\","
                            "\"agentId\":\"A6E17000%024X\",\"agentName\":\"Agent %u\","
                            "\"queueId\":\"00EE0E00%024X\",\"queueName\":\"Queue %u\"}}",
                            channel, prefix, draw(1000000000), draw(100), subject, draw(100),
                            draw(100), draw(10), draw(10));
}

static size_t ignore(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * count;
}

int main(int argc, char **argv)
{
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    char *body = malloc((size_t)BATCH * (EVENT_MAX + 1) + 2);
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/cloudevents-batch+json");
    struct timespec from;
    struct timespec to;
    CURL *curl = NULL;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    if (count == 0 || body == NULL || curl == NULL)
        return 2;
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t n = 0; n < count;) {
        size_t at = 0;

        body[at++] = '[';
        for (int i = 0; i < BATCH && n < count; i++, n++) {
            if (i > 0)
                body[at++] = ',';
            at += put_event(body + at, n, count);
        }
        body[at++] = ']';
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)at);
        if (curl_easy_perform(curl) != CURLE_OK)
            return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.0f\n", (double)count / ((double)(to.tv_sec - from.tv_sec) +
                                      (double)(to.tv_nsec - from.tv_nsec) / 1e9));
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    free(body);
    return 0;
}
