#ifdef HAVE_KAFKA
#include "delivery/kafka_producer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "base/packet_clock.h"
#include "base/system_clock.h"
#include "delivery/kafka_conf.h"
#include "delivery/record_text.h"
#include "event.h"
#include "log.h"

enum {
    OBJECTS = OBJECT_SENSOR + 1,
    API_METADATA = 3, /* the cluster knows us and said what it has: what came before that is but greeting */
    FREE_SECONDS = 5, /* a name server that does not answer can hold a thread of librdkafka for longer */
    LOG_LINES = 5,    /* in LOG_INTERVAL_NS */
};
#define LOG_INTERVAL_NS (60 * SECOND_NS)

static const char *const object_names[OBJECTS] = {
    [OBJECT_FLOW] = "flow",
    [OBJECT_FINDING] = "finding",
    [OBJECT_SENSOR] = "sensor",
};

/* A producer that goes, in a thread: rd_kafka_destroy waits for what its threads just do. */
struct disposal {
    pthread_t thread;
    rd_kafka_t *rk;
    int bell;
    bool running;
    atomic_bool over;
};

struct kafka_producer {
    const struct output_settings *output;
    struct kafka_events events;
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk;
    char topic_names[OBJECTS][KAFKA_TOPIC_BYTES + 16];
    rd_kafka_topic_t
        *topics[OBJECTS]; /* made when the first record wants it: brokers may create a topic that is asked for */
    int bell;
    bool wanted; /* a new one, once the disposal is over */
    unsigned batch_bytes;
    bool alone;
    struct disposal disposal;
    uint64_t log_since;
    unsigned log_lines, log_left_out;
    /* written by librdkafka's threads */
    _Atomic uint64_t bytes;
    atomic_bool answered;
};

static void ring(int bell) {
    uint64_t one = 1;
    ssize_t written = write(bell, &one, sizeof one);
    (void)written; /* full: it rings already */
}

/* ---- what librdkafka calls */

static rd_kafka_resp_err_t count_request(rd_kafka_t *rk, int fd, const char *broker, int32_t id, int16_t api,
                                         int16_t version, int32_t correlation, size_t size, void *arg) {
    (void)rk, (void)fd, (void)broker, (void)id, (void)api, (void)version, (void)correlation;
    struct kafka_producer *p = arg;
    atomic_fetch_add_explicit(&p->bytes, size, memory_order_relaxed);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t note_response(rd_kafka_t *rk, int fd, const char *broker, int32_t id, int16_t api,
                                         int16_t version, int32_t correlation, size_t size, int64_t round_trip,
                                         rd_kafka_resp_err_t error, void *arg) {
    (void)rk, (void)fd, (void)broker, (void)id, (void)version, (void)correlation, (void)size, (void)round_trip;
    struct kafka_producer *p = arg;
    if (api == API_METADATA && error == RD_KAFKA_RESP_ERR_NO_ERROR && !atomic_exchange(&p->answered, true)) {
        ring(p->bell);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *rk, const rd_kafka_conf_t *conf, void *arg, char *why, size_t size) {
    (void)conf, (void)why, (void)size;
    rd_kafka_resp_err_t error = rd_kafka_interceptor_add_on_request_sent(rk, "smbtap", count_request, arg);
    return error ? error : rd_kafka_interceptor_add_on_response_received(rk, "smbtap", note_response, arg);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg) {
    (void)rk;
    struct kafka_producer *p = arg;
    p->events.report(p->events.arg, (uint64_t)(uintptr_t)message->_private, message->err);
}

static void on_error(rd_kafka_t *rk, int error, const char *reason, void *arg) {
    struct kafka_producer *p = arg;
    char fatal[512];
    if (error != RD_KAFKA_RESP_ERR__FATAL) {
        p->events.trouble(p->events.arg, error, reason);
        return;
    }
    rd_kafka_fatal_error(rk, fatal, sizeof fatal);
    p->events.trouble(p->events.arg, error, fatal);
}

/* False: there were enough lines for now. What somebody asked for with the property debug is not counted. */
static bool may_log(struct kafka_producer *p, int level) {
    uint64_t now = system_clock_ns(CLOCK_MONOTONIC);
    if (level == LOG_DEBUG) {
        return true;
    }
    if (now - p->log_since >= LOG_INTERVAL_NS) {
        if (p->log_left_out != 0) {
            log_note("%s: librdkafka: %u more lines were left out", p->output->name, p->log_left_out);
        }
        p->log_since = now;
        p->log_lines = p->log_left_out = 0;
    }
    bool may = p->log_lines < LOG_LINES;
    p->log_lines += may;
    p->log_left_out += !may;
    return may;
}

/* Levels are those of syslog(3). That brokers cannot be reached is LOG_ERR, told for each time that it is tried: the deliverer says it once. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    struct kafka_producer *p = rd_kafka_opaque(rk);
    const char *behind_thread = strstr(text, "]: ");
    enum log_level shown = level <= LOG_CRIT ? LOG_ERRORS : level <= LOG_WARNING ? LOG_NOTES : LOG_DETAILS;
    if (may_log(p, level)) {
        log_line(shown, "%s: librdkafka: %s: %s", p->output->name, facility,
                 *text == '[' && behind_thread ? behind_thread + 3 : text);
    }
}

/* ---- one comes, one goes */

/* Where rd_kafka_new fails now, it did not when the settings were read: files of keys and certificates have changed. */
static void start(struct kafka_producer *p) {
    char why[512], number[16];
    uint64_t one = 1;
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(p->conf);
    snprintf(number, sizeof number, "%u", p->batch_bytes);
    kafka_conf_set(conf, "batch.size", number);
    kafka_conf_set(conf, "bootstrap.servers", p->output->kafka.brokers);
    if (p->alone) {
        kafka_conf_set(conf, "batch.num.messages", "1");
    }
    rd_kafka_conf_interceptor_add_on_new(conf, "smbtap", on_new, p);
    atomic_store(&p->answered, kafka_conf_is(conf, "enable.idempotence", "false")); /* it would wait for a record */
    p->wanted = false;
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->rk) {
        rd_kafka_conf_destroy(conf);
        p->events.trouble(p->events.arg, RD_KAFKA_RESP_ERR__INVALID_ARG, why);
        return;
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(p->rk);
    rd_kafka_queue_io_event_enable(queue, p->bell, &one, sizeof one);
    rd_kafka_queue_destroy(queue);
    rd_kafka_set_log_queue(p->rk, NULL);
}

static void destroy(rd_kafka_t *rk) {
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void *dispose(void *arg) {
    struct disposal *d = arg;
    destroy(d->rk);
    atomic_store(&d->over, true);
    ring(d->bell);
    return NULL;
}

static void let_go(struct kafka_producer *p) {
    struct disposal *d = &p->disposal;
    if (!p->rk) {
        return;
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (p->topics[i]) {
            rd_kafka_topic_destroy(p->topics[i]);
            p->topics[i] = NULL;
        }
    }
    assert(!d->running);
    d->rk = p->rk;
    d->bell = p->bell;
    atomic_store(&d->over, false);
    d->running = pthread_create(&d->thread, NULL, dispose, d) == 0;
    if (!d->running) {
        destroy(p->rk);
    }
    p->rk = NULL;
}

static void bury(struct disposal *d) {
    if (d->running && atomic_load(&d->over)) {
        pthread_join(d->thread, NULL);
        d->running = false;
    }
}

/* ---- */

static void name_topics(struct kafka_producer *p) {
    const struct kafka_settings *k = &p->output->kafka;
    for (unsigned i = 0; i < OBJECTS; i++) {
        bool own = k->topic_per_object;
        snprintf(p->topic_names[i], sizeof p->topic_names[i], "%s%s%s", k->topic, own ? "-" : "",
                 own ? object_names[i] : "");
    }
}

struct kafka_producer *kafka_producer_new(rd_kafka_conf_t *conf, const struct output_settings *output,
                                          const struct kafka_events *events) {
    struct kafka_producer *p = calloc(1, sizeof *p);
    int bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!p || bell < 0) {
        if (bell >= 0) {
            close(bell);
        }
        free(p);
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    p->output = output;
    p->events = *events;
    p->conf = conf;
    p->bell = bell;
    p->log_since = system_clock_ns(CLOCK_MONOTONIC);
    name_topics(p);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    return p;
}

void kafka_producer_free(struct kafka_producer *p) {
    struct timespec until;
    if (!p) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FREE_SECONDS;
    if (p->disposal.running && pthread_timedjoin_np(p->disposal.thread, NULL, &until) == 0) {
        p->disposal.running = false;
    }
    if (!p->disposal.running) {
        let_go(p);
    }
    if (p->disposal.running && pthread_timedjoin_np(p->disposal.thread, NULL, &until) != 0) {
        return; /* its threads use this memory still; the process is at its end */
    }
    close(p->bell);
    rd_kafka_conf_destroy(p->conf);
    free(p);
}

void kafka_producer_begin(struct kafka_producer *p, unsigned batch_bytes, bool alone) {
    p->wanted = true;
    p->batch_bytes = batch_bytes;
    p->alone = alone;
    atomic_store(&p->answered, false);
    bury(&p->disposal);
    if (!p->disposal.running) {
        let_go(p);
    }
    ring(p->bell);
}

bool kafka_producer_poll(struct kafka_producer *p) {
    uint64_t rung;
    ssize_t got = read(p->bell, &rung, sizeof rung);
    (void)got; /* before the queue is looked at: what comes then rings again */
    bury(&p->disposal);
    if (p->wanted && !p->disposal.running) {
        start(p);
    }
    if (p->rk) {
        rd_kafka_poll(p->rk, 0);
    }
    return p->rk != NULL;
}

bool kafka_producer_answered(const struct kafka_producer *p) {
    return p->rk != NULL && atomic_load(&p->answered); /* not one that is on its way out */
}

void kafka_producer_ask(struct kafka_producer *p) {
    atomic_store(&p->answered, false);
}

static struct view key_of(const struct line *line, enum kafka_key key) {
    static const char *const members[] = {
        [KAFKA_KEY_COMMUNITY_ID] = "community_id",
        [KAFKA_KEY_CLIENT] = "src_ip",
        [KAFKA_KEY_SERVER] = "dest_ip",
    };
    return key == KAFKA_KEY_NONE ? (struct view){NULL, 0} : record_text_find(line, members[key]);
}

static rd_kafka_topic_t *topic_of(struct kafka_producer *p, unsigned object) {
    unsigned i = p->output->kafka.topic_per_object ? object : 0;
    assert(object < OBJECTS);
    if (!p->topics[i]) {
        p->topics[i] = rd_kafka_topic_new(p->rk, p->topic_names[i], NULL);
    }
    return p->topics[i];
}

/* librdkafka copies what it is given, and wants it without const. */
static void *given(const void *p) {
    union {
        const void *from;
        void *to;
    } same = {.from = p};
    return same.to;
}

int kafka_producer_send(struct kafka_producer *p, const struct line *line, uint64_t number) {
    rd_kafka_topic_t *topic = topic_of(p, line->object);
    struct view key = key_of(line, p->output->kafka.key);
    struct view version = record_text_find(line, "schema_version"), sensor = record_text_find(line, "sensor_id");
    if (!topic) {
        return rd_kafka_last_error();
    }
    return rd_kafka_producev(p->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(given(key.p), key.n),
                             RD_KAFKA_V_VALUE(given(line->text), line->length),
                             RD_KAFKA_V_HEADER("schema_version", version.p, (ssize_t)version.n),
                             RD_KAFKA_V_HEADER("sensor", sensor.p, (ssize_t)sensor.n),
                             RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number), RD_KAFKA_V_END);
}

void kafka_producer_flush(struct kafka_producer *p, int ms) {
    if (p->rk) {
        rd_kafka_flush(p->rk, ms);
    }
}

const char *kafka_producer_topic(const struct kafka_producer *p, unsigned object) {
    return p->topic_names[object];
}

int kafka_producer_bell(const struct kafka_producer *p) {
    return p->bell;
}

uint64_t kafka_producer_bytes(const struct kafka_producer *p) {
    return atomic_load(&p->bytes);
}

#endif
