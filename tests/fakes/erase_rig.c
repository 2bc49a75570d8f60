#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/erase_rig.h"

#include "tests/fakes/shell.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OUTPUT_MAX 65536
#define BATCH      "Content-Type: application/cloudevents-batch+json\r\n"

struct serve_rig erase_rig;
static char said[OUTPUT_MAX];

int erase_rig_start(void **state)
{
    (void)state;
    serve_rig_start(&erase_rig, "");
    return 0;
}

int erase_rig_stop(void **state)
{
    (void)state;
    serve_rig_done(&erase_rig);
    return 0;
}

int erase_rig_run(const char *arguments)
{
    char command[1024];
    struct buf output;
    int code;

    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s %s 2>&1",
             erase_rig.config, arguments);
    buf_init(&output, sizeof said - 1);
    code = shell_run(command, &output);
    snprintf(said, sizeof said, "%s", buf_text(&output));
    buf_done(&output);
    return code;
}

const char *erase_rig_said(void)
{
    return said;
}

void erase_rig_says(const char *text)
{
    if (strstr(said, text) == NULL)
        fail_msg("'%s' is not in: %s", text, said);
}

void erase_rig_ingest(const char *type, const char *subject, const char *data)
{
    static unsigned id;
    char batch[4096];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/t\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"data\":%s}]",
             ++id, type, subject, data);
    r = probe_ask(erase_rig.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s %s: %d %.*s", type, subject, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

void erase_rig_fill(void)
{
    erase_rig_ingest("contact.received", "contacts/" CALL, RECEIVED("+" DIGITS));
    erase_rig_ingest("contact.transferred", "contacts/" LEG_2,
                     "{\"previousId\":\"" CALL "\",\"destination\":\"101\"}");
    erase_rig_ingest("contact.received", "contacts/" OTHER, RECEIVED("+358409999999"));
    erase_rig_ingest("contact.updated", "contacts/" OTHER,
                     "{\"subject\":\"asks for 00" DIGITS "\"}");
    erase_rig_ingest("email.received", "emails/" EMAIL, LETTER("a@x.example", WHO, "hello"));
    erase_rig_ingest("email.received", "emails/" MAIL_2,
                     LETTER("a@x.example", "b@x.example", "call me or " DIGITS " today"));
    erase_rig_ingest("email.received", "emails/" MAIL_5,
                     LETTER("a@x\",\"from_address\":{\"name\":\"S. " WHO "\",\"address\":\"a@x\"},"
                            "\"cid\":\"1",
                            "b@x.example", "hello"));
    erase_rig_ingest(
        "contact.received", "contacts/" CHAT,
        "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"web\",\"destination\":\"desk\"}");
    erase_rig_ingest("chat.participant.added", "chats/" CHAT,
                     "{\"alias\":\"Sam\",\"uniquekey\":\"" DIGITS "\"}");
    erase_rig_ingest("chat.message.added", "chats/" CHAT,
                     "{\"message\":\"I am a secret of " WHO "\",\"originator\":\"web\"}");
    erase_rig_ingest(
        "contact.received", "contacts/" CHAT_2,
        "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"web2\",\"destination\":\"desk\"}");
    erase_rig_ingest("chat.message.added", "chats/" CHAT_2,
                     "{\"message\":\"his number is " WHO ", I think\",\"originator\":\"web2\"}");
    erase_rig_ingest("callrecording.created", "callRecordings/" RECORD, RECORDING(LEG_2, "a.wav"));
    erase_rig_ingest("callrecording.created", "callRecordings/" RECORD2, RECORDING(OTHER, "b.wav"));
    erase_rig_ingest("scriptresult.saved", "scriptResults/" SCRIPT, RESULT(CALL, "yes"));
    erase_rig_ingest("scriptresult.saved", "scriptResults/" SCRIPT2,
                     RESULT(OTHER, "it was +" DIGITS));
    serve_create(&erase_rig, "/callRecordings/" RECORD "/listenLog", "",
                 "{\"description\":\"heard\",\"userSessionId\":\"s\"}", (char[33]){0});
    erase_rig_ingest("contact.updated", "contacts/" OTHER,
                     "{\"typeDetails\":\"for " WHO "\",\"statusDetails\":\"told " DIGITS "\"}");
    erase_rig_ingest("email.updated", "emails/" MAIL_2,
                     "{\"case_id\":\"" DIGITS "\",\"cid\":\"of " WHO "\"}");
    serve_create(&erase_rig, "/callRecordings/" RECORD2 "/listenLog", "",
                 "{\"description\":\"heard\",\"userSessionId\":\"+" DIGITS "\"}", (char[33]){0});
    serve_expect(&erase_rig, "POST", "/contacts/" OTHER "/remarks", PLAIN, "see " WHO, 204, NULL);
    serve_expect(&erase_rig, "POST", "/contacts/" CALL "/remarks", PLAIN, "private", 204, NULL);
}

bool erase_rig_folder_holds(const char *folder, const char *bytes, const char **where)
{
    static char found[512];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool held = false;

    assert_non_null(dir);
    while (!held && (entry = readdir(dir)) != NULL) {
        char path[400];
        struct stat s;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        if (lstat(path, &s) != 0)
            continue; /* gone meanwhile */
        if (S_ISDIR(s.st_mode)) {
            held = erase_rig_folder_holds(path, bytes, where);
        } else if (S_ISREG(s.st_mode) && s.st_size > 0) {
            size_t n = (size_t)s.st_size;
            char *all = malloc(n);
            FILE *file = fopen(path, "r");

            assert_non_null(all);
            assert_non_null(file);
            n = fread(all, 1, n, file);
            for (size_t i = 0; !held && i + strlen(bytes) <= n; i++)
                held = memcmp(all + i, bytes, strlen(bytes)) == 0;
            fclose(file);
            free(all);
            if (held) {
                snprintf(found, sizeof found, "%s", path);
                *where = found;
            }
        }
    }
    closedir(dir);
    return held;
}
