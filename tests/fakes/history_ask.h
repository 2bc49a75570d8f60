/*
 * history_ask: what tests ask of a history_rig, below /RI/cmi, and tell it by events. A GET that is
 * answered with 200 is asked for in XML, too, and compared (xml_twin.h).
 */
#ifndef TESTS_FAKES_HISTORY_ASK_H
#define TESTS_FAKES_HISTORY_ASK_H

#include "tests/fakes/history_rig.h"
#include "tests/fakes/probe.h"

#define BASE  "/RI/cmi"
#define JSON  "Content-Type: application/json\r\n"
#define TEXT  "Content-Type: text/plain\r\n"
#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"

/* cmocka's set-up and tear-down, of a test or a group: *state is a struct history_rig, which runs
 * and in the end stops well. */
int history_ask_start(void **state);
int history_ask_stop(void **state);
#define HISTORY_ASK_TEST(test)                                                                     \
    cmocka_unit_test_setup_teardown(test, history_ask_start, history_ask_stop)

/* A request to BASE PATH, or to /ingest; in XML where xml_twin_instead says so. */
struct probe_reply history_ask(struct history_rig *rig, const char *method, const char *path,
                               const char *headers, const char *body);
/* The same; checks the status. */
void history_ask_status(struct history_rig *rig, const char *method, const char *path,
                        const char *headers, const char *body, int status);
/* GETs. */
struct probe_reply history_ask_reply(struct history_rig *rig, const char *path);
/* The body of an answer that must be 200. Static. */
const char *history_ask_get(struct history_rig *rig, const char *path);
/* The same must be the body. */
void history_ask_body(struct history_rig *rig, const char *path, const char *body);
/* That status, and a body that has the text. */
void history_ask_says(struct history_rig *rig, const char *path, int status, const char *text);
unsigned history_ask_count(const char *text, const char *what); /* how often it has it */

/* The specification's own example of a chat (L684), shortened by two lines. */
extern const char history_ask_chat[];
/* POSTs it. */
void history_ask_post_chat(struct history_rig *rig, const char *headers, char id[33]);
/* Sends a batch of events; each has to be taken. */
void history_ask_ingest(struct history_rig *rig, const char *events);

/* An event at a second past ten o'clock. */
#define EVENT_ON(day, id, type, subject, second, data)                                             \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/cc\",\"type\":\"" type               \
    "\",\"subject\":\"" subject "\",\"time\":\"" day "T10:00:" second "Z\",\"data\":" data "}"
#define EVENT(id, type, subject, second, data)                                                     \
    EVENT_ON("2024-05-05", id, type, subject, second, data)

#define CALL  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
#define LEG_2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"
#define AGENT RIG_USER_ID
#define OTHER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

#define A_CALL                                                                                     \
    EVENT("c1", "contact.received", "contacts/" CALL, "01",                                        \
          "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}")
#define RECORDING                                                                                  \
    EVENT("r1", "callrecording.created", "callRecordings/" OTHER, "09",                            \
          "{\"call_id\":\"" LEG_2 "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" AGENT "\","     \
          "\"owner_type\":\"outbound campaign\",\"owner_name\":\"n\",\"file_name\":\"f\"}")
#define LOGS "/callRecordings/" OTHER "/listenLog"

#endif
