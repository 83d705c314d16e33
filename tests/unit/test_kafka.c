/* Against librdkafka's own cluster of mock brokers, in this process. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/delivery/transport.h"
#include "event.h"

#ifndef HAVE_KAFKA

static void it_says_that_it_is_not_there(void **state) {
    (void)state;
    struct output_settings output = {.url = "kafka://broker/smb", .kafka = {.brokers = "broker", .topic = "smb"}};
    struct transport t;
    char why[TRANSPORT_WHY_SIZE];
    assert_int_equal(kafka_transport(&t, &output, why), -ENOTSUP);
    assert_non_null(strstr(why, "-Dkafka=enabled"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_that_it_is_not_there),
    };
    puts("# built without librdkafka: all else is skipped"); /* skip() of cmocka's counts as a failure in TAP */
    fflush(stdout);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <librdkafka/rdkafka.h>
/* after it */
#include <librdkafka/rdkafka_mock.h>

#include "../../src/base/packet_clock.h"
#include "../../src/base/system_clock.h"
#include "../../src/delivery/kafka_conf.h"
#include "../../src/delivery/kafka_window.h"
#include "../../src/delivery/record_text.h"
#include "record.h"

enum { BROKERS = 2, PARTITIONS = 3, FEW = 200, PRODUCE = 0, INIT_PRODUCER_ID = 22, RECEIVED_MAX = 70000 };

/* What came out at the other end. */
struct received {
    char topic[64], key[64], version[16], sensor[32], id[32];
    bool has_key;
    int partition;
    unsigned seq;
};

/* A cluster, and what the deliverer does with a spool. */
struct bench {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
    struct output_settings output;
    struct transport t;
    char why[TRANSPORT_WHY_SIZE]; /* of the last that was wrong */
    unsigned count, next;         /* records, and the one that is sent next */
    unsigned done;                /* of them; a transport that begins anew forgets it, a spool does not */
    unsigned set_aside, broken;
    bool has_begun;
    size_t padding;
    struct received *received;
    unsigned received_count;
};

static uint64_t clock_now(void) {
    return system_clock_ns(CLOCK_MONOTONIC);
}

static int setup(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "owner", why, sizeof why);
    rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
    b->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    b->cluster = rd_kafka_mock_cluster_new(b->owner, BROKERS);
    b->output = (struct output_settings){
        .name = "kafka",
        .url = "kafka://brokers/smb",
        .kind = OUTPUT_KAFKA,
        .kafka = {.brokers = rd_kafka_mock_cluster_bootstraps(b->cluster), .topic = "smb"},
    };
    b->received = calloc(RECEIVED_MAX, sizeof *b->received);
    rd_kafka_mock_topic_create(b->cluster, "smb", PARTITIONS, 1);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    uint64_t before = clock_now();
    if (b->t.free) {
        b->t.free(b->t.state);
    }
    assert_true(clock_now() - before < 2 * SECOND_NS);
    rd_kafka_mock_cluster_destroy(b->cluster);
    rd_kafka_destroy(b->owner);
    free(b->received);
    free(b);
    return 0;
}

static void property(struct bench *b, const char *property) {
    b->output.kafka.properties[b->output.kafka.property_count++] = property;
}

static void begin(struct bench *b) {
    if (!b->t.state) {
        char why[TRANSPORT_WHY_SIZE];
        assert_int_equal(kafka_transport(&b->t, &b->output, why), 0);
    }
    b->t.begin(b->t.state, clock_now());
    b->has_begun = true;
}

/* ---- records: of 7 connections, numbered from 0; each ends at its number + 1, times 10 */

static uint64_t end_of(unsigned n) {
    return (n + 1) * UINT64_C(10);
}

static size_t record(const struct bench *b, unsigned n, char *to) {
    static const char *const objects[] = {"flow", "flow", "flow", "finding", "sensor"};
    unsigned connection = n % 7;
    int length = snprintf(to, RECORD_MAX,
                          "{\"schema_version\":\"1.0\",\"record_id\":\"00000000000000aa-%u\",\"seq\":%u,"
                          "\"sensor_id\":\"probe\",\"object\":\"%s\"",
                          n, n, objects[n % 5]);
    if (n % 5 != 4) {
        length += snprintf(to + length, RECORD_MAX - (size_t)length,
                           ",\"src_ip\":\"192.0.2.%u\",\"dest_ip\":\"2001:db8::%u\",\"community_id\":\"1:abc%u=\"",
                           connection, connection % 3, connection);
    }
    length += snprintf(to + length, RECORD_MAX - (size_t)length, ",\"pad\":\"%*s\"}", (int)b->padding, "");
    return (size_t)length;
}

static int send_one(struct bench *b) {
    static const enum event_object objects[] = {OBJECT_FLOW, OBJECT_FLOW, OBJECT_FLOW, OBJECT_FINDING, OBJECT_SENSOR};
    char text[RECORD_MAX + 1];
    struct parcel parcel = {
        .line = {.text = text, .length = (uint16_t)record(b, b->next, text), .object = (uint8_t)objects[b->next % 5]},
        .end = end_of(b->next),
    };
    int error = b->t.send(b->t.state, &parcel);
    b->next += error == 0;
    return error;
}

static void fill(struct bench *b) {
    while (b->next < b->count && send_one(b) == 0) {
    }
}

/* One turn of the deliverer. */
static enum transport_state turn(struct bench *b) {
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until, end;
    if (!b->has_begun) {
        begin(b);
    }
    enum transport_state state = b->t.step(b->t.state, clock_now());
    if (state == TRANSPORT_READY) {
        fill(b);
        state = b->t.step(b->t.state, clock_now());
    }
    while (b->t.refused(b->t.state, &end)) {
        b->set_aside++;
        assert_int_equal(end % 10, 0);
    }
    unsigned done = (unsigned)(b->t.done(b->t.state) / 10);
    b->done = done > b->done ? done : b->done;
    assert_true(b->done <= b->next);
    if (state == TRANSPORT_BROKEN || state == TRANSPORT_BUSY) {
        const char *why = b->t.why(b->t.state);
        assert_null(strchr(why, '\n'));
        if (why[0] != '\0') {
            snprintf(b->why, sizeof b->why, "%s", why);
        }
    }
    if (state == TRANSPORT_BROKEN) {
        b->broken++;
        b->next = b->done;
        b->has_begun = false;
        return state;
    }
    unsigned n = b->t.poll(b->t.state, to, &until);
    assert_int_equal(n, 1);
    poll(to, n, 20);
    return state;
}

static void deliver(struct bench *b, unsigned count) {
    uint64_t until = clock_now() + 20 * SECOND_NS;
    b->count = count;
    while (clock_now() < until && b->done < count) {
        turn(b);
    }
    assert_int_equal(b->next, count);
    assert_int_equal(b->done, count);
}

/* Until it is in that state. */
static void await(struct bench *b, enum transport_state wanted, const char *why) {
    uint64_t until = clock_now() + 20 * SECOND_NS;
    enum transport_state state;
    do {
        state = turn(b);
    } while (clock_now() < until && !(state == wanted && strstr(b->why, why)));
    assert_int_equal(state, wanted);
    assert_non_null(strstr(b->why, why));
}

/* A new producer, to which nothing was sent yet: errors that are made up now are for its records. */
static void begin_quietly(struct bench *b) {
    struct pollfd to[TRANSPORT_DESCRIPTORS];
    uint64_t until;
    begin(b);
    while (b->t.step(b->t.state, clock_now()) != TRANSPORT_READY) {
        poll(to, b->t.poll(b->t.state, to, &until), 20);
    }
}

/* ---- reading it back */

static void copy(char *to, size_t size, const void *from, size_t n) {
    assert_true(n < size);
    memcpy(to, from, n);
    to[n] = '\0';
}

static void header(const rd_kafka_message_t *message, const char *name, char *to, size_t size) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &n), 0);
    copy(to, size, value, n);
}

static void keep(struct bench *b, const rd_kafka_message_t *message) {
    struct received *r = &b->received[b->received_count++];
    struct line line = {.text = message->payload, .length = (uint16_t)message->len};
    struct view id = record_text_find(&line, "record_id");
    assert_true(b->received_count < RECEIVED_MAX);
    copy(r->topic, sizeof r->topic, rd_kafka_topic_name(message->rkt), strlen(rd_kafka_topic_name(message->rkt)));
    copy(r->id, sizeof r->id, id.p, id.n);
    r->seq = (unsigned)strtoul(strchr(r->id, '-') + 1, NULL, 10);
    r->has_key = message->key != NULL;
    copy(r->key, sizeof r->key, message->key ? message->key : "", message->key_len);
    r->partition = message->partition;
    header(message, "schema_version", r->version, sizeof r->version);
    header(message, "sensor", r->sensor, sizeof r->sensor);
    char expected[RECORD_MAX + 1];
    size_t n = record(b, r->seq, expected);
    assert_int_equal(message->len, n);
    assert_memory_equal(message->payload, expected, n);
}

static void receive_topic(struct bench *b, const char *topic, int partitions) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", b->output.kafka.brokers, why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof why);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", why, sizeof why);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", why, sizeof why);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) {
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    assert_int_equal(rd_kafka_assign(reader, all), 0);
    rd_kafka_topic_partition_list_destroy(all);
    for (int ended = 0; ended < partitions;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 10000);
        assert_non_null(message);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (message->err == 0) {
            keep(b, message);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
}

static unsigned times(const struct bench *b, unsigned seq) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->received_count; i++) {
        n += b->received[i].seq == seq;
    }
    return n;
}

/* Each once; and of those with the same key, in their order. */
static void receive_all_once(struct bench *b) {
    receive_topic(b, "smb", PARTITIONS);
    assert_int_equal(b->received_count, b->count);
    for (unsigned i = 0; i < b->count; i++) {
        assert_int_equal(times(b, i), 1);
    }
    for (unsigned i = 1; i < b->count; i++) {
        const struct received *r = &b->received[i], *before = r - 1;
        while (before > b->received && strcmp(before->key, r->key) != 0) {
            before--;
        }
        if (r->has_key && strcmp(before->key, r->key) == 0) {
            assert_int_equal(before->partition, r->partition);
            assert_true(before->seq < r->seq);
        }
    }
}

/* Each at least once. */
static void receive_all(struct bench *b) {
    receive_topic(b, "smb", PARTITIONS);
    for (unsigned i = 0; i < b->count; i++) {
        assert_true(times(b, i) >= 1);
    }
}

/* ---- what arrives */

static void records_arrive_in_order_with_key_and_headers(void **state) {
    struct bench *b = *state;
    unsigned used = 0;
    deliver(b, FEW);
    receive_all_once(b);
    for (unsigned i = 0; i < b->count; i++) {
        const struct received *r = &b->received[i];
        char key[16];
        snprintf(key, sizeof key, "1:abc%u=", r->seq % 7);
        assert_int_equal(r->has_key, r->seq % 5 != 4);
        assert_string_equal(r->key, r->has_key ? key : "");
        assert_string_equal(r->version, "1.0");
        assert_string_equal(r->sensor, "probe");
        used |= 1u << r->partition;
    }
    assert_true((used & (used - 1)) != 0);
    assert_int_equal(b->broken, 0);
    assert_true(b->t.acknowledges);
    assert_in_range(b->t.bytes(b->t.state), 1000, FEW * 300);
}

static void the_key_is_chosen(void **state) {
    struct bench *b = *state;
    static const struct {
        enum kafka_key key;
        const char *prefix;
        unsigned of;
    } keys[] = {{KAFKA_KEY_CLIENT, "192.0.2.", 7}, {KAFKA_KEY_SERVER, "2001:db8::", 3}, {KAFKA_KEY_NONE, NULL, 1}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char topic[16], key[32] = "";
        snprintf(topic, sizeof topic, "key-%zu", i);
        rd_kafka_mock_topic_create(b->cluster, topic, 1, 1);
        b->output.kafka.topic = topic;
        b->output.kafka.key = keys[i].key;
        b->next = b->done = b->received_count = 0;
        b->has_begun = false;
        deliver(b, 10);
        receive_topic(b, topic, 1);
        assert_int_equal(b->received_count, 10);
        for (unsigned n = 0; n < 10; n++) {
            bool has = keys[i].prefix && n % 5 != 4;
            if (has) {
                snprintf(key, sizeof key, "%s%u", keys[i].prefix, n % 7 % keys[i].of);
            }
            assert_int_equal(b->received[n].seq, n);
            assert_int_equal(b->received[n].has_key, has);
            assert_string_equal(b->received[n].key, has ? key : "");
        }
        b->t.free(b->t.state);
        b->t = (struct transport){0};
    }
}

static void each_object_has_a_topic(void **state) {
    struct bench *b = *state;
    static const struct {
        const char *name;
        unsigned first, last;
    } topics[] = {{"smb-flow", 0, 2}, {"smb-finding", 3, 3}, {"smb-sensor", 4, 4}};
    b->output.kafka.topic_per_object = true;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        rd_kafka_mock_topic_create(b->cluster, topics[i].name, 1, 1);
    }
    deliver(b, FEW);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        b->received_count = 0;
        receive_topic(b, topics[i].name, 1);
        assert_int_equal(b->received_count, FEW / 5 * (topics[i].last - topics[i].first + 1));
        for (unsigned n = 0; n < b->received_count; n++) {
            unsigned kind = b->received[n].seq % 5;
            assert_true(kind >= topics[i].first && kind <= topics[i].last);
        }
    }
}

/* ---- settings */

static void refuses(struct bench *b, int error, const char *text) {
    char why[TRANSPORT_WHY_SIZE] = "";
    struct transport t;
    assert_int_equal(kafka_transport(&t, &b->output, why), error);
    if (!strstr(why, text) || strchr(why, '\n')) {
        fail_msg("'%s' in '%s'", text, why);
    }
}

static void a_wrong_property_is_said(void **state) {
    struct bench *b = *state;
    static const char *const wrong[][2] = {
        {"linger.mss=5", "linger.mss: No such configuration property"},
        {"linger.ms=-4", "linger.ms: "},
        {"batch.size=many", "batch.size"},
        {"compression.codec=rar", "compression.codec"},
        {"linger.ms", "is not NAME=VALUE"},
        {"=5", "is not NAME=VALUE"},
        {"acks=1", "acks must stay all"},
        {"request.required.acks=0", "acks must stay all"},
        {"bootstrap.servers=other:9092", "bootstrap.servers cannot be set"},
        {"transactional.id=x", "transactional.id cannot be set"},
        {"delivery.report.only.error=true", "delivery.report.only.error cannot be set"},
        {"max.in.flight=100", "do not go together: "},
        {"security.protocol=sasl_plaintext", "sasl.mechanism must be given"},
        {"sasl.mechanism=PLAIN", "do not go together: "},
        {"sasl.kerberos.keytab=/keytab", "for Kerberos a program is started"},
        {"ssl.ca.location=/nonexistent.pem", "ssl.ca.location"},
        {"ssl.ca.location=/nonexistent.pem", "check the file /nonexistent.pem"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        b->output.kafka.property_count = 0;
        if (strncmp(wrong[i][0], "ssl", 3) == 0) {
            property(b, "security.protocol=ssl");
        } else if (strncmp(wrong[i][0], "sasl", 4) == 0) {
            property(b, "security.protocol=sasl_ssl");
        }
        property(b, wrong[i][0]);
        refuses(b, -EINVAL, wrong[i][1]);
    }
}

static void a_topic_that_can_be_none_is_said(void **state) {
    struct bench *b = *state;
    char longest[KAFKA_TOPIC_BYTES + 2];
    static const char *const wrong[] = {"", ".", "..", "a b", "a/b", "a\xc3\xa4"};
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        b->output.kafka.topic = wrong[i];
        refuses(b, -EINVAL, "topic");
    }
    b->output.kafka.topic = longest;
    refuses(b, -EINVAL, "topic");
    b->output.kafka.topic = longest + 1;
    b->output.kafka.topic_per_object = true;
    refuses(b, -EINVAL, "topic");
    b->output.kafka.topic_per_object = false;
    begin(b);
}

static void properties_are_passed_on(void **state) {
    struct bench *b = *state;
    property(b, "compression.type=gzip");
    property(b, "linger.ms=0");
    property(b, "acks=all");
    property(b, "enable.idempotence=false");
    property(b, "message.max.bytes=1000");
    b->padding = 900;
    b->count = 1;
    await(b, TRANSPORT_READY, "");
    assert_int_equal(send_one(b), -EMSGSIZE);
    b->padding = 10;
    deliver(b, FEW);
    receive_all_once(b);
}

/* ---- limits */

/* KAFKA_WINDOW_MAX: no more are on their way, and none of them is lost. */
static void the_window_is_bounded(void **state) {
    struct bench *b = *state;
    begin(b);
    await(b, TRANSPORT_READY, "");
    for (int i = 1; i <= BROKERS; i++) {
        rd_kafka_mock_broker_set_rtt(b->cluster, i, 500);
    }
    b->count = 2 * KAFKA_WINDOW_MAX;
    fill(b);
    assert_int_equal(b->next, KAFKA_WINDOW_MAX);
    assert_int_equal(send_one(b), -EAGAIN);
    for (int i = 1; i <= BROKERS; i++) {
        rd_kafka_mock_broker_set_rtt(b->cluster, i, 0);
    }
    deliver(b, 2 * KAFKA_WINDOW_MAX);
    assert_int_equal(b->broken, 0);
}

/* KAFKA_QUEUE_KBYTES */
static void the_queue_is_bounded(void **state) {
    struct bench *b = *state;
    b->padding = 3000;
    begin(b);
    await(b, TRANSPORT_READY, "");
    for (int i = 1; i <= BROKERS; i++) {
        rd_kafka_mock_broker_set_rtt(b->cluster, i, 1000);
    }
    b->count = KAFKA_WINDOW_MAX;
    fill(b);
    assert_in_range(b->next, KAFKA_QUEUE_KBYTES / 4, KAFKA_QUEUE_KBYTES / 3);
    assert_int_equal(send_one(b), -EAGAIN);
    for (int i = 1; i <= BROKERS; i++) {
        rd_kafka_mock_broker_set_rtt(b->cluster, i, 0);
    }
    unsigned sent = b->next;
    deliver(b, sent);
}

/* ---- what goes wrong */

static void errors_that_pass_are_outlived(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 6, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                      RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                                      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    deliver(b, FEW);
    receive_all_once(b);
    assert_int_equal(b->broken, 0);
}

static void brokers_go_and_come(void **state) {
    struct bench *b = *state;
    deliver(b, FEW);
    for (unsigned round = 1; round <= 2; round++) {
        for (int i = 1; i <= BROKERS; i++) {
            rd_kafka_mock_broker_set_down(b->cluster, i);
        }
        b->count = FEW * (round + 1);
        b->why[0] = '\0';
        await(b, TRANSPORT_BUSY, "no broker of Kafka at");
        assert_non_null(strstr(b->why, b->output.kafka.brokers));
        assert_true(b->done < b->count);
        for (int i = 1; i <= BROKERS; i++) {
            rd_kafka_mock_broker_set_up(b->cluster, i);
        }
        deliver(b, b->count);
        assert_string_equal(b->t.why(b->t.state), "");
    }
    receive_all_once(b);
    assert_int_equal(b->broken, 0);
}

static void brokers_that_were_never_there(void **state) {
    struct bench *b = *state;
    b->output.kafka.brokers = "127.0.0.1:1";
    b->count = FEW;
    await(b, TRANSPORT_BUSY, "no broker of Kafka at 127.0.0.1:1 can be reached (");
    assert_non_null(strstr(b->why, "Connection refused"));
    assert_null(strstr(b->why, "after"));
    assert_int_equal(b->next, 0);
    assert_int_equal(send_one(b), -EAGAIN);
}

/* One topic with one partition: the errors are for its records, in their order. */
static void one_partition(struct bench *b) {
    rd_kafka_mock_topic_create(b->cluster, "one", 1, 1);
    b->output.kafka.topic = "one";
    b->count = FEW;
}

static unsigned missing_but(const struct bench *b, unsigned this, unsigned and_this) {
    unsigned missing = 0;
    for (unsigned i = 0; i < FEW; i++) {
        missing += i != this && i != and_this && times(b, i) == 0;
    }
    return missing;
}

/* What was refused with others comes alone, and then is refused or not; then batches again. */
static void one_record_is_refused(void **state) {
    struct bench *b = *state;
    one_partition(b);
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
    await(b, TRANSPORT_BROKEN, "one by one");
    assert_null(strstr(b->why, "from now on"));
    begin_quietly(b);
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_MSG);
    deliver(b, FEW);
    assert_int_equal(b->set_aside, 1);
    assert_int_equal(b->broken, 1);
    receive_topic(b, "one", 1);
    assert_int_equal(times(b, 0), 0);
    assert_int_equal(missing_but(b, 0, 0), 0);
    uint64_t before = b->t.bytes(b->t.state);
    deliver(b, 10 * FEW);
    assert_true(b->t.bytes(b->t.state) - before < FEW * 9 * 50);
    assert_int_equal(b->broken, 1);
}

/* ALONE_ROUNDS: then it is the topic's way, and batches are in vain. */
static void records_are_refused_again_and_again(void **state) {
    struct bench *b = *state;
    one_partition(b);
    for (unsigned i = 1; i <= 8; i++) {
        begin_quietly(b);
        rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
        b->why[0] = '\0';
        b->count = i * FEW;
        await(b, TRANSPORT_BROKEN, i < 8 ? "one by one" : "one by one from now on");
        deliver(b, b->count);
        await(b, TRANSPORT_READY, "");
    }
    assert_int_equal(b->broken, 8);
    begin_quietly(b);
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
                                      RD_KAFKA_RESP_ERR_INVALID_RECORD);
    deliver(b, b->count + FEW);
    assert_int_equal(b->broken, 8);
    assert_in_range(b->set_aside, 1, 2);
}

static void a_batch_is_too_large(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    deliver(b, FEW);
    assert_int_equal(b->broken, 1);
    assert_non_null(strstr(b->why, "batches of at most 250000 bytes"));
    assert_int_equal(b->set_aside, 0);
    receive_all(b);
}

/* Until there is nothing smaller than a record alone. */
static void a_record_is_too_large(void **state) {
    struct bench *b = *state;
    one_partition(b);
    property(b, "batch.size=20000");
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    await(b, TRANSPORT_BROKEN, "batches of at most 5000 bytes");
    begin_quietly(b);
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
    await(b, TRANSPORT_BROKEN, "one by one from now on");
    begin_quietly(b);
    unsigned first = b->done;
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    deliver(b, FEW);
    assert_int_equal(b->set_aside, 1);
    assert_int_equal(b->broken, 2);
    receive_topic(b, "one", 1);
    assert_int_equal(missing_but(b, first, first), 0);
}

static void a_topic_that_is_not_there(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_topic_set_error(b->cluster, "smb", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    property(b, "topic.metadata.propagation.max.ms=300");
    b->count = FEW;
    await(b, TRANSPORT_BROKEN, "has no topic smb; create it, or set auto.create.topics.enable");
    rd_kafka_mock_topic_set_error(b->cluster, "smb", RD_KAFKA_RESP_ERR_NO_ERROR);
    deliver(b, FEW);
    receive_all_once(b);
}

static void a_topic_that_may_not_be_written(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    b->count = FEW;
    await(b, TRANSPORT_BROKEN, "does not let this user write to topic smb; allow it Write");
    deliver(b, FEW);
    receive_all(b);
}

static void idempotence_that_is_not_allowed(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_push_request_errors(b->cluster, INIT_PRODUCER_ID, 3, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
    b->count = FEW;
    await(b, TRANSPORT_BROKEN, "allow it IdempotentWrite on the cluster");
    rd_kafka_mock_clear_request_errors(b->cluster, INIT_PRODUCER_ID);
    deliver(b, FEW);
    receive_all_once(b);
}

static void a_sequence_that_is_lost(void **state) {
    struct bench *b = *state;
    rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    b->count = FEW;
    await(b, TRANSPORT_BROKEN, "cannot go on in order");
    deliver(b, FEW);
    receive_all(b);
    assert_int_equal(b->set_aside, 0);
}

static void brokers_that_speak_no_tls(void **state) {
    struct bench *b = *state;
    property(b, "security.protocol=ssl");
    b->count = FEW;
    await(b, TRANSPORT_BUSY, "no broker of Kafka at");
    assert_non_null(strstr(b->why, "ssl://"));
    assert_int_equal(b->next, 0);
}

/* ---- beginning and ending */

static void it_ends_without_waiting_for_more(void **state) {
    struct bench *b = *state;
    property(b, "linger.ms=600000");
    property(b, "sticky.partitioning.linger.ms=0");
    b->count = FEW;
    while (b->next < b->count) {
        turn(b);
    }
    assert_int_equal(b->done, 0);
    uint64_t before = clock_now();
    b->t.end(b->t.state, before);
    while (turn(b) == TRANSPORT_BUSY) {
    }
    assert_int_equal(turn(b), TRANSPORT_ENDED);
    assert_true(clock_now() - before < 5 * SECOND_NS);
    assert_int_equal(b->done, FEW);
    receive_all_once(b);
}

static void it_ends_with_nothing_on_its_way(void **state) {
    struct bench *b = *state;
    await(b, TRANSPORT_READY, "");
    b->t.end(b->t.state, clock_now());
    assert_int_equal(turn(b), TRANSPORT_ENDED);
}

/* With all that is on its way, again and again. */
static void it_begins_anew_at_any_time(void **state) {
    struct bench *b = *state;
    b->count = 20000;
    for (unsigned i = 0; i < 12; i++) {
        for (unsigned n = 0; n < 2 * i; n++) {
            turn(b);
        }
        uint64_t before = clock_now();
        b->next = b->done;
        b->count = b->next + 20000;
        begin(b);
        assert_true(clock_now() - before < SECOND_NS);
    }
    assert_true(b->broken == 0);
}

static void it_is_gone_at_once_while_brokers_are_away(void **state) {
    struct bench *b = *state;
    b->count = 1000;
    await(b, TRANSPORT_READY, "");
    for (int i = 1; i <= BROKERS; i++) {
        rd_kafka_mock_broker_set_down(b->cluster, i);
    }
    turn(b);
    uint64_t before = clock_now();
    b->t.free(b->t.state);
    b->t = (struct transport){0};
    assert_true(clock_now() - before < 2 * SECOND_NS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(records_arrive_in_order_with_key_and_headers),
        TEST(the_key_is_chosen),
        TEST(each_object_has_a_topic),
        TEST(a_wrong_property_is_said),
        TEST(a_topic_that_can_be_none_is_said),
        TEST(properties_are_passed_on),
        TEST(the_window_is_bounded),
        TEST(the_queue_is_bounded),
        TEST(errors_that_pass_are_outlived),
        TEST(brokers_go_and_come),
        TEST(brokers_that_were_never_there),
        TEST(one_record_is_refused),
        TEST(records_are_refused_again_and_again),
        TEST(a_batch_is_too_large),
        TEST(a_record_is_too_large),
        TEST(a_topic_that_is_not_there),
        TEST(a_topic_that_may_not_be_written),
        TEST(idempotence_that_is_not_allowed),
        TEST(a_sequence_that_is_lost),
        TEST(brokers_that_speak_no_tls),
        TEST(it_ends_without_waiting_for_more),
        TEST(it_ends_with_nothing_on_its_way),
        TEST(it_begins_anew_at_any_time),
        TEST(it_is_gone_at_once_while_brokers_are_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
