/* What tests/sinks/kafka.py wants of Kafka.
 *
 * kafka_tool create BROKERS TOPIC PARTITIONS [NAME=VALUE...]   a topic, with its configuration
 * kafka_tool count BROKERS TOPIC                               how many messages it has
 * kafka_tool read BROKERS TOPIC                                all of them, one a line: partition, offset, key, headers, value, a tab between
 *                                                              each; without a key a hyphen
 * kafka_tool mock NUMBER                                       brokers of librdkafka's own until its input ends; prints where they listen. A
 *                                                              line "down" or "up" of the input is done to all of them */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
/* after it */
#include <librdkafka/rdkafka_mock.h>

enum { WAIT_MS = 20000, REPLICAS = 1, WHY_SIZE = 256, LINE_SIZE = 64 };

__attribute__((noreturn)) static void die(const char *what, const char *why) {
    fprintf(stderr, "kafka_tool: %s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[WHY_SIZE];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        die(name, why);
    }
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers) {
    char why[WHY_SIZE];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "log_level", "0");
    if (brokers) {
        set(conf, "bootstrap.servers", brokers);
    }
    if (type == RD_KAFKA_CONSUMER) {
        set(conf, "group.id", "kafka_tool");
        set(conf, "enable.auto.commit", "false");
        set(conf, "enable.partition.eof", "true");
        set(conf, "fetch.wait.max.ms", "10");
        set(conf, "check.crcs", "true");
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk) {
        die("librdkafka", why);
    }
    return rk;
}

static void create(const char *brokers, const char *topic, int partitions, char **configs) {
    char why[WHY_SIZE];
    size_t count;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, REPLICAS, why, sizeof why);
    if (!wanted) {
        die(topic, why);
    }
    for (; *configs; configs++) {
        char *equals = strchr(*configs, '=');
        *equals = '\0';
        rd_kafka_NewTopic_set_config(wanted, *configs, equals + 1);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (!event || rd_kafka_event_error(event)) {
        die(topic, event ? rd_kafka_event_error_string(event) : "no answer");
    }
    const rd_kafka_topic_result_t **made =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (count != 1 || rd_kafka_topic_result_error(made[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        die(topic, count == 1 ? rd_kafka_topic_result_error_string(made[0]) : "no answer");
    }
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

static int partitions_of(rd_kafka_t *rk, const char *topic) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, rkt, &metadata, WAIT_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        die(topic, rd_kafka_err2str(error));
    }
    int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(rkt);
    return count;
}

static void count_all(const char *brokers, const char *topic) {
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, brokers);
    int64_t all = 0, low, high;
    for (int i = partitions_of(rk, topic) - 1; i >= 0; i--) {
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(rk, topic, i, &low, &high, WAIT_MS);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            die(topic, rd_kafka_err2str(error));
        }
        all += high - low;
    }
    printf("%lld\n", (long long)all);
    rd_kafka_destroy(rk);
}

static void print(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t n;
    printf("%d\t%lld\t%.*s\t", (int)message->partition, (long long)message->offset,
           message->key ? (int)message->key_len : 1, message->key ? (const char *)message->key : "-");
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            printf("%s%s=%.*s", i != 0 ? "," : "", name, (int)n, (const char *)value);
        }
    }
    printf("\t%.*s\n", (int)message->len, (const char *)message->payload);
}

static void read_all(const char *brokers, const char *topic) {
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, brokers);
    int partitions = partitions_of(rk, topic), ended = 0;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) {
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    while (ended < partitions) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, WAIT_MS);
        if (!message) {
            die(topic, "nothing more comes, and it has not ended");
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            print(message);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void mock(int number) {
    char line[LINE_SIZE];
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, number);
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        for (int i = 1; i <= number; i++) {
            if (strcmp(line, "down\n") == 0) {
                rd_kafka_mock_broker_set_down(cluster, i);
            } else {
                rd_kafka_mock_broker_set_up(cluster, i);
            }
        }
        printf("%s", line);
        fflush(stdout);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "create") == 0 && argc >= 5) {
        create(argv[2], argv[3], atoi(argv[4]), argv + 5);
    } else if (strcmp(what, "count") == 0 && argc == 4) {
        count_all(argv[2], argv[3]);
    } else if (strcmp(what, "read") == 0 && argc == 4) {
        read_all(argv[2], argv[3]);
    } else if (strcmp(what, "mock") == 0 && argc == 3) {
        mock(atoi(argv[2]));
    } else {
        die("usage",
            "create BROKERS TOPIC PARTITIONS [NAME=VALUE...] | count BROKERS TOPIC | read BROKERS TOPIC | mock NUMBER");
    }
    return 0;
}
