/*
 * erase_rig: `cmibridge erase` beside a server, and a person of whom the history knows all that it
 * can know, among others.
 */
#ifndef TESTS_FAKES_ERASE_RIG_H
#define TESTS_FAKES_ERASE_RIG_H

#include "tests/fakes/serve_rig.h"

#define WHO    "+358 40 765-4321" /* the person */
#define DIGITS "358407654321"     /* the same */
#define LATER  "2035-03-04T12:00:00Z"

/* What erase_rig_fill tells the history of. */
#define CALL    "A0000000000000000000000000000001"
#define LEG_2   "A0000000000000000000000000000002"
#define OTHER   "A0000000000000000000000000000003"
#define EMAIL   "A0000000000000000000000000000004"
#define MAIL_2  "A0000000000000000000000000000005"
#define CHAT    "A0000000000000000000000000000006"
#define CHAT_2  "A0000000000000000000000000000007"
#define RECORD  "A0000000000000000000000000000008"
#define RECORD2 "A0000000000000000000000000000009"
#define SCRIPT  "A000000000000000000000000000000A"
#define SCRIPT2 "A000000000000000000000000000000B"
#define MAIL_5  "A0000000000000000000000000000013"
#define AGENT   "8EE34E893B224131AACF44677F60CF54"
#define QUEUE   "B0000000000000000000000000000001"

#define PLAIN "Content-Type: text/plain\r\n"

/* The data of events. */
#define RECEIVED(from)                                                                             \
    "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"" from                                \
    "\",\"destination\":\"100\",\"agentId\":\"" AGENT "\",\"subject\":\"broken pipe\"}"
#define LETTER(from, to, words)                                                                    \
    "{\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"Q\"},\"title\":\"t\",\"content\":\"" words   \
    "\",\"originator\":\"" from "\",\"destination\":\"desk@x.example\",\"cc_address\":"            \
    "[{\"address\":\"" to "\"}]}"
#define RECORDING(contact, file)                                                                   \
    "{\"call_id\":\"" contact "\",\"contact_id\":\"" contact "\",\"owner_id\":\"" QUEUE            \
    "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"" file "\"}"
#define RESULT(contact, answer)                                                                    \
    "{\"script_id\":\"" QUEUE "\",\"name\":\"s\",\"contact_id\":\"" contact                        \
    "\",\"scriptquestions\":[{\"id\":\"" QUEUE "\",\"data\":\"q\",\"controltype\":\"radio\","      \
    "\"datatype\":\"string\",\"ordinal\":1,\"scriptanswers\":[{\"id\":\"" QUEUE                    \
    "\",\"answerdata\":\"" answer "\",\"ordinal\":1}]}]}"

/* The server that all the tests of a program ask: cmocka's set-up and tear-down of the group. */
extern struct serve_rig erase_rig;
int erase_rig_start(void **state);
int erase_rig_stop(void **state);

/* Runs `cmibridge erase ARGUMENTS` by a shell, with the server's configuration; gives its exit
 * code. */
int erase_rig_run(const char *arguments);
/* What the last run wrote to both outputs. */
const char *erase_rig_said(void);
/* Fails the test unless that has the text. */
void erase_rig_says(const char *text);

/* An event of the history, which must be taken. */
void erase_rig_ingest(const char *type, const char *subject, const char *data);
/* All that the history can know of the person: what is theirs, and what is others' and names
 * them. */
void erase_rig_fill(void);
/* Is there a file below the folder that holds the bytes? Its name in *where (static). */
bool erase_rig_folder_holds(const char *folder, const char *bytes, const char **where);

#endif
