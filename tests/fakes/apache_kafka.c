/* nftw is X/Open's. */
#define _XOPEN_SOURCE 700
#include "tests/fakes/apache_kafka.h"

#include "bridge/core/mem.h"

#include <librdkafka/rdkafka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS   60000 /* for one request, from a broker that may have just started */
#define CLUSTER_ID  "Y21pYnJpZGdlLXRlc3RzMA"
#define PORTS_FROM  20000 /* below the ports that the system gives to those who don't mind */
#define PORTS       12000
#define PORT_TRIES  200
#define OPEN_DIRS   8
#define TOPICS_MAX  200 /* that are deleted at once */
#define CODEC_BYTES 23  /* of a batch, up to and with its attributes */

struct apache_kafka {
    pid_t pid; /* 0: not running */
    char dir[64];
    char jars[1024]; /* the class path */
    char address[32];
    int port;
    int controller_port;
    rd_kafka_t *client; /* for questions and administration */
};

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "apache_kafka: %s: %s\n", what, why);
    exit(1);
}

/* ---- the process ---- */

/* The folder with the jars, from the script that fetches them. */
static void find_jars(struct apache_kafka *k)
{
    /* The variable is set by ctest. */
    FILE *pipe = popen("\"${CMIBRIDGE_SOURCE:-.}\"/tests/kafka/fetch.sh", "r");
    char line[1024];
    int status;

    if (pipe == NULL || fgets(line, sizeof line, pipe) == NULL)
        give_up("tests/kafka/fetch.sh", "it says nothing");
    status = pclose(pipe);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("%s", line);
        exit(77);
    }
    if (status != 0)
        give_up("tests/kafka/fetch.sh", "it failed");
    line[strcspn(line, "\n")] = '\0';
    snprintf(k->jars, sizeof k->jars, "%.1000s/*", line);
}

/* One that this process may have again after the broker was down. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static unsigned next;

    if (next == 0)
        next = (unsigned)getpid() * 37;
    for (int i = 0; i < PORT_TRIES; i++) {
        int port = PORTS_FROM + (int)(next++ % PORTS);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool bound;

        at.sin_port = htons((uint16_t)port);
        bound = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        close(fd);
        if (bound)
            return port;
    }
    give_up("no free port", strerror(errno));
}

static void write_properties(const struct apache_kafka *k, const char *more)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/server.properties", k->dir);
    file = fopen(path, "w");
    if (file == NULL)
        give_up(path, strerror(errno));
    fprintf(file,
            "process.roles=broker,controller\n"
            "node.id=1\n"
            "controller.quorum.voters=1@127.0.0.1:%d\n"
            "listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d\n"
            "advertised.listeners=PLAINTEXT://127.0.0.1:%d\n"
            "controller.listener.names=CONTROLLER\n"
            "log.dirs=%s/data\n",
            k->controller_port, k->port, k->controller_port, k->port, k->dir);
    /* One broker is all replicas there are; groups and transactions begin and end without waits;
     * a killed broker is soon known to be gone. */
    fputs("offsets.topic.replication.factor=1\n"
          "offsets.topic.num.partitions=4\n"
          "transaction.state.log.replication.factor=1\n"
          "transaction.state.log.min.isr=1\n"
          "transaction.state.log.num.partitions=1\n"
          "group.initial.rebalance.delay.ms=0\n"
          "group.min.session.timeout.ms=1000\n"
          "broker.session.timeout.ms=2000\n"
          "broker.heartbeat.interval.ms=500\n"
          "log.cleaner.dedupe.buffer.size=2097152\n"
          "log.segment.delete.delay.ms=0\n"
          "num.network.threads=2\n"
          "num.io.threads=4\n"
          "num.partitions=4\n",
          file);
    fputs(more, file);
    if (fclose(file) != 0)
        give_up(path, strerror(errno));
}

/* Java in a process of its own, its words in DIR/log. last: NULL for none. */
static pid_t java(const struct apache_kafka *k, const char *const *args)
{
    const char *argv[16] = {"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                            "-cp",  k->jars};
    char path[128];
    pid_t parent = getpid();
    pid_t pid;
    size_t n = 6;

    while (*args != NULL && n < 15)
        argv[n++] = *args++;
    snprintf(path, sizeof path, "%s/log", k->dir);
    pid = fork();
    if (pid < 0)
        give_up("no process", strerror(errno));
    if (pid == 0) {
        int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        union {
            const char *const *in;
            char *const *out;
        } words = {.in = argv};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        closefrom(STDERR_FILENO + 1); /* what the test has open is not the broker's to keep open */
        execvp("java", words.out);
        _exit(127);
    }
    return pid;
}

static void show_log(const struct apache_kafka *k)
{
    char path[128];
    char line[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/log", k->dir);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fputs(line, stderr);
    if (file != NULL)
        fclose(file);
}

static void format(const struct apache_kafka *k, const char *properties)
{
    const char *const args[] = {
        "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties, NULL};
    pid_t pid = java(k, args);
    int status;

    if (waitpid(pid, &status, 0) != pid || status != 0) {
        show_log(k);
        give_up("its storage can't be formatted", "see above");
    }
}

void apache_kafka_restart(struct apache_kafka *k)
{
    char properties[128];
    const char *const args[] = {"kafka.Kafka", properties, NULL};
    const struct rd_kafka_metadata *all;
    rd_kafka_resp_err_t err;

    snprintf(properties, sizeof properties, "%s/server.properties", k->dir);
    k->pid = java(k, args);
    err = rd_kafka_metadata(k->client, 0, NULL, &all, ANSWER_MS);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        show_log(k);
        give_up("it does not answer", rd_kafka_err2str(err));
    }
    rd_kafka_metadata_destroy(all);
}

static rd_kafka_t *make_client(const char *address, const char *transactions)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];
    rd_kafka_t *rk;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", address, error, sizeof error) !=
            RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "200", error, sizeof error) !=
            RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "log_level", "0", error, sizeof error) != RD_KAFKA_CONF_OK ||
        (transactions != NULL && rd_kafka_conf_set(conf, "transactional.id", transactions, error,
                                                   sizeof error) != RD_KAFKA_CONF_OK))
        give_up("no client", error);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (rk == NULL)
        give_up("no client", error);
    return rk;
}

struct apache_kafka *apache_kafka_start(void)
{
    return apache_kafka_start_with("");
}

struct apache_kafka *apache_kafka_start_with(const char *settings)
{
    struct apache_kafka *k = mem_zeroed(1, sizeof *k);
    char properties[128];

    find_jars(k);
    snprintf(k->dir, sizeof k->dir, "/tmp/cmibridge-kafka-XXXXXX");
    if (mkdtemp(k->dir) == NULL)
        give_up("no directory", strerror(errno));
    k->port = free_port();
    k->controller_port = free_port();
    snprintf(k->address, sizeof k->address, "127.0.0.1:%d", k->port);
    snprintf(properties, sizeof properties, "%s/server.properties", k->dir);
    write_properties(k, settings);
    format(k, properties);
    k->client = make_client(k->address, NULL);
    apache_kafka_restart(k);
    return k;
}

void apache_kafka_stop(struct apache_kafka *k, int signal)
{
    if (k->pid == 0)
        return;
    kill(k->pid, signal);
    if (waitpid(k->pid, NULL, 0) != k->pid)
        give_up("it can't be waited for", strerror(errno));
    k->pid = 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

void apache_kafka_free(struct apache_kafka *k)
{
    if (k == NULL)
        return;
    rd_kafka_destroy(k->client);
    apache_kafka_stop(k, SIGKILL);
    if (nftw(k->dir, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS) != 0)
        give_up(k->dir, strerror(errno));
    mem_free(k);
}

const char *apache_kafka_address(const struct apache_kafka *k)
{
    return k->address;
}

/* ---- administration ---- */

static void check(const char *what, rd_kafka_resp_err_t err)
{
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        give_up(what, rd_kafka_err2str(err));
}

static rd_kafka_event_t *answer(const char *what, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);

    rd_kafka_queue_destroy(queue);
    if (event == NULL)
        give_up(what, "no answer");
    check(what, rd_kafka_event_error(event));
    return event;
}

static rd_kafka_AdminOptions_t *options(struct apache_kafka *k, rd_kafka_admin_op_t what)
{
    rd_kafka_AdminOptions_t *made = rd_kafka_AdminOptions_new(k->client, what);

    check("options", rd_kafka_AdminOptions_set_request_timeout(made, ANSWER_MS, NULL, 0));
    return made;
}

/* Has each partition a leader? Asks the broker, whatever the client remembers. */
static bool is_served(struct apache_kafka *k, const char *topic, unsigned partitions)
{
    const struct rd_kafka_metadata *all;
    unsigned led = 0;

    check("the topics", rd_kafka_metadata(k->client, 1, NULL, &all, ANSWER_MS));
    for (int t = 0; t < all->topic_cnt; t++)
        for (int p = 0; p < all->topics[t].partition_cnt; p++)
            led += strcmp(all->topics[t].topic, topic) == 0 &&
                   all->topics[t].partitions[p].leader >= 0;
    rd_kafka_metadata_destroy(all);
    return led == partitions;
}

/* The controller has decided it; the broker serves it a moment later. */
static void await_served(struct apache_kafka *k, const char *topic, unsigned partitions)
{
    time_t until = time(NULL) + ANSWER_MS / 1000;

    while (!is_served(k, topic, partitions))
        if (time(NULL) > until)
            give_up(topic, "the topic does not come");
}

void apache_kafka_topic(struct apache_kafka *k, const char *name, unsigned partitions)
{
    apache_kafka_topic_of(k, name, partitions, NULL, NULL);
}

void apache_kafka_topic_of(struct apache_kafka *k, const char *name, unsigned partitions,
                           const char *setting, const char *value)
{
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, (int)partitions, 1, NULL, 0);
    rd_kafka_AdminOptions_t *how = options(k, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client);
    rd_kafka_event_t *event;
    const rd_kafka_topic_result_t **results;
    size_t n;

    check("options", rd_kafka_AdminOptions_set_operation_timeout(how, ANSWER_MS, NULL, 0));
    if (setting != NULL)
        check(name, rd_kafka_NewTopic_set_config(topic, setting, value));
    rd_kafka_CreateTopics(k->client, &topic, 1, how, queue);
    event = answer("a topic", queue);
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    check(name, n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_NewTopic_destroy(topic);
    await_served(k, name, partitions);
}

/* Kafka's own topics are kept. How many there are beside those, with their names if `names` is
 * given; asks the broker, whatever the client remembers. */
static size_t list_topics(struct apache_kafka *k, rd_kafka_DeleteTopic_t **names, size_t room)
{
    const struct rd_kafka_metadata *all;
    size_t n = 0;

    check("the topics", rd_kafka_metadata(k->client, 1, NULL, &all, ANSWER_MS));
    for (int t = 0; t < all->topic_cnt; t++) {
        if (strncmp(all->topics[t].topic, "__", 2) == 0)
            continue;
        if (n < room)
            names[n] = rd_kafka_DeleteTopic_new(all->topics[t].topic);
        n++;
    }
    rd_kafka_metadata_destroy(all);
    return n;
}

static void delete_topics(struct apache_kafka *k, rd_kafka_DeleteTopic_t **names, size_t count)
{
    rd_kafka_AdminOptions_t *how = options(k, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client);
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event;
    size_t n;

    check("options", rd_kafka_AdminOptions_set_operation_timeout(how, ANSWER_MS, NULL, 0));
    rd_kafka_DeleteTopics(k->client, names, count, how, queue);
    event = answer("topics to delete", queue);
    results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    for (size_t i = 0; i < n; i++)
        check(rd_kafka_topic_result_name(results[i]), rd_kafka_topic_result_error(results[i]));
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy_array(names, count);
    rd_kafka_AdminOptions_destroy(how);
}

void apache_kafka_delete(struct apache_kafka *k, const char *topic)
{
    rd_kafka_DeleteTopic_t *name = rd_kafka_DeleteTopic_new(topic);

    delete_topics(k, &name, 1);
}

void apache_kafka_grow(struct apache_kafka *k, const char *topic, unsigned partitions)
{
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(topic, partitions, NULL, 0);
    rd_kafka_AdminOptions_t *how = options(k, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client);
    rd_kafka_event_t *event;
    const rd_kafka_topic_result_t **results;
    size_t n;

    check("options", rd_kafka_AdminOptions_set_operation_timeout(how, ANSWER_MS, NULL, 0));
    rd_kafka_CreatePartitions(k->client, &more, 1, how, queue);
    event = answer("more partitions", queue);
    results =
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &n);
    check(topic, n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_NewPartitions_destroy(more);
    await_served(k, topic, partitions);
}

void apache_kafka_empty(struct apache_kafka *k)
{
    rd_kafka_DeleteTopic_t *names[TOPICS_MAX];
    time_t until = time(NULL) + ANSWER_MS / 1000;
    size_t n = list_topics(k, names, TOPICS_MAX);

    if (n > TOPICS_MAX)
        give_up("topics to delete", "they are too many");
    if (n > 0)
        delete_topics(k, names, n);
    while (list_topics(k, NULL, 0) > 0)
        if (time(NULL) > until)
            give_up("topics to delete", "they do not go");
}

void apache_kafka_drop_before(struct apache_kafka *k, const char *topic, int32_t partition,
                              int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_AdminOptions_t *how = options(k, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client);
    rd_kafka_DeleteRecords_t *what;
    rd_kafka_event_t *event;
    const rd_kafka_topic_partition_list_t *got;

    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    what = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(k->client, &what, 1, how, queue);
    event = answer("records to delete", queue);
    got = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    check(topic, got->cnt == 1 ? got->elems[0].err : RD_KAFKA_RESP_ERR__FAIL);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_topic_partition_list_destroy(list);
}

int64_t apache_kafka_log_end(struct apache_kafka *k, const char *topic, int32_t partition)
{
    int64_t low;
    int64_t high;

    check(topic,
          rd_kafka_query_watermark_offsets(k->client, topic, partition, &low, &high, ANSWER_MS));
    return high;
}

int64_t apache_kafka_committed(struct apache_kafka *k, const char *group, const char *topic,
                               int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_AdminOptions_t *how = options(k, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client);
    rd_kafka_ListConsumerGroupOffsets_t *what;
    const rd_kafka_topic_partition_list_t *got;
    const rd_kafka_group_result_t **results;
    rd_kafka_event_t *event;
    int64_t offset;
    size_t n;

    rd_kafka_topic_partition_list_add(list, topic, partition);
    what = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(k->client, &what, 1, how, queue);
    event = answer("committed offsets", queue);
    results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &n);
    if (n != 1 || rd_kafka_group_result_error(results[0]) != NULL)
        give_up("committed offsets", group);
    got = rd_kafka_group_result_partitions(results[0]);
    offset = got->cnt == 1 && got->elems[0].offset >= 0 ? got->elems[0].offset : -1;
    rd_kafka_event_destroy(event);
    rd_kafka_ListConsumerGroupOffsets_destroy(what);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

size_t apache_kafka_members(struct apache_kafka *k, const char *group, char state[32])
{
    const struct rd_kafka_group_list *list = NULL;
    size_t n = 0;

    check("the group's members", rd_kafka_list_groups(k->client, group, &list, ANSWER_MS));
    snprintf(state, 32, "%s", list->group_cnt == 1 ? list->groups[0].state : "");
    if (list->group_cnt == 1)
        n = (size_t)list->groups[0].member_cnt;
    rd_kafka_group_list_destroy(list);
    return n;
}

int apache_kafka_codec(struct apache_kafka *k, const char *topic, int32_t partition)
{
    unsigned char head[CODEC_BYTES];
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/data/%s-%d/00000000000000000000.log", k->dir, topic, partition);
    file = fopen(path, "rb");
    if (file == NULL || fread(head, 1, sizeof head, file) != sizeof head)
        give_up(path, "no batch");
    fclose(file);
    return head[CODEC_BYTES - 1] & 7;
}

void apache_kafka_transaction(struct apache_kafka *k, const char *topic, int32_t partition,
                              const char *prefix, unsigned records, int commit)
{
    rd_kafka_t *rk = make_client(k->address, "cmibridge-tests");
    rd_kafka_error_t *error = rd_kafka_init_transactions(rk, ANSWER_MS);
    int64_t end = apache_kafka_log_end(k, topic, partition) + records + 1;
    time_t until = time(NULL) + ANSWER_MS / 1000;
    char value[64];

    if (error == NULL)
        error = rd_kafka_begin_transaction(rk);
    for (unsigned i = 0; i < records && error == NULL; i++) {
        snprintf(value, sizeof value, "%s%u", prefix, i);
        check(topic, rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_VALUE(value, strlen(value)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END));
    }
    /* An aborted transaction's records must have reached the log to leave a gap there. */
    if (error == NULL)
        check(topic, rd_kafka_flush(rk, ANSWER_MS));
    if (error == NULL)
        error = commit ? rd_kafka_commit_transaction(rk, ANSWER_MS)
                       : rd_kafka_abort_transaction(rk, ANSWER_MS);
    if (error != NULL)
        give_up("a transaction", rd_kafka_error_string(error));
    rd_kafka_destroy(rk);
    /* The broker answers before it writes the control record. */
    while (apache_kafka_log_end(k, topic, partition) < end)
        if (time(NULL) > until)
            give_up("a transaction", "its control record does not come");
}
