#include "delivery/transport.h"

#include <errno.h>
#include <stdio.h>

#ifndef HAVE_KAFKA

int kafka_transport(struct transport *t, const struct output_settings *output, char why[TRANSPORT_WHY_SIZE]) {
    (void)t;
    snprintf(why, TRANSPORT_WHY_SIZE,
             "%s: smbtap was built without Kafka; build it with librdkafka and meson's -Dkafka=enabled", output->url);
    return -ENOTSUP;
}

#else

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "base/packet_clock.h"
#include "delivery/kafka_conf.h"
#include "delivery/kafka_producer.h"
#include "delivery/kafka_window.h"
#include "event.h"
#include "log.h"
#include "record.h"

/* Nothing was acknowledged for so long: that is said. */
#define SILENCE_NS (10 * SECOND_NS)
#define END_STEP_NS (SECOND_NS / 50)
/* Records that brokers refused are told of this often; the deliverer counts them all. */
#define REFUSED_NOTE_NS (60 * SECOND_NS)

enum {
    BATCH_SMALLEST = 2 * RECORD_MAX, /* bytes; smaller ones are records alone */
    BATCH_SHRINKS = 4,
    ALONE_ROUNDS = 8, /* so often was one record in a batch refused: they stay alone */
    END_STEP_MS = 5,
    REASON_SIZE = 256,
};

struct kafka {
    const struct output_settings *output;
    struct kafka_producer *producer;
    uint64_t now;         /* of the last step */
    uint64_t quiet_since; /* the last report, or when something was sent after all had been reported */
    bool alone;           /* records go out one by one: a batch was refused, and one in it is why */
    uint64_t alone_until; /* up to this place */
    unsigned alone_rounds;
    uint64_t refused_told_at;
    long batch_bytes;
    bool broken, ending, began;
    bool away;                /* no broker can be reached */
    bool denied;              /* what the last one said was about certificates or credentials */
    char reason[REASON_SIZE]; /* what the last broker that failed had */
    char why[TRANSPORT_WHY_SIZE];
    struct kafka_window window;
};

/* ---- what is wrong */

__attribute__((format(printf, 2, 3))) static void break_off(struct kafka *k, const char *format, ...) {
    va_list arguments;
    if (k->broken) {
        return; /* the first reason is the cause of the others */
    }
    k->broken = true;
    va_start(arguments, format);
    vsnprintf(k->why, sizeof k->why, format, arguments);
    va_end(arguments);
}

static const char *brokers(const struct kafka *k) {
    return k->output->kafka.brokers;
}

static const char *topics(const struct kafka *k) {
    return k->output->kafka.topic;
}

/* What a broker has is told with how long and how often, which is another each time. */
static void keep_reason(struct kafka *k, const char *reason) {
    snprintf(k->reason, sizeof k->reason, "%s", reason);
    char *how_long = strstr(k->reason, " (after ");
    if (how_long) {
        *how_long = '\0';
    }
}

static void break_fatally(struct kafka *k, const char *reason) {
    if (strstr(reason, rd_kafka_err2str(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED))) {
        break_off(k,
                  "Kafka at %s does not let this user write idempotently (%s); allow it IdempotentWrite on the cluster",
                  brokers(k), reason);
    } else {
        break_off(k,
                  "librdkafka cannot go on in order (%s); it begins anew, and some records may come twice, with the "
                  "same record_id",
                  reason);
    }
}

/* One broker's certificate is no matter as long as another takes records. Files of certificates are read by a new producer alone. */
static void look_if_denied(struct kafka *k) {
    if (k->away && k->denied) {
        break_off(k, "Kafka at %s cannot be used: %s; check its properties security.protocol, ssl.* and sasl.*",
                  brokers(k), k->reason);
    }
}

static void on_trouble(void *arg, int error, const char *reason) {
    struct kafka *k = arg;
    switch (error) {
    case RD_KAFKA_RESP_ERR__FATAL:
        break_fatally(k, reason);
        break;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        break_off(k, "librdkafka cannot begin: %s; check the files that Kafka's properties name", reason);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        k->away = true;
        kafka_producer_ask(k->producer);
        break;
    default:
        k->denied = error == RD_KAFKA_RESP_ERR__SSL || error == RD_KAFKA_RESP_ERR__AUTHENTICATION;
        keep_reason(k, reason);
    }
    look_if_denied(k);
}

/* What a record, or a whole batch, is refused for: no other attempt makes it good. All other errors that librdkafka does not try again
 * itself are of the cluster, its topics and its rights, and somebody can do something about them; see the section on permanent errors in its
 * introduction. */
static bool of_a_record(int error) {
    switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:    /* than the topic's max.message.bytes: the batch */
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: /* than the topic's segment.bytes: the batch */
    case RD_KAFKA_RESP_ERR_INVALID_MSG: /* no key where the topic is compacted, with brokers before 2.4; or damaged */
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:    /* the same, or the topic's own rules */
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP: /* farther from the broker's clock than the topic admits */
        return true;
    default:
        return false;
    }
}

static bool of_size(int error) {
    return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

static void break_for(struct kafka *k, int error) {
    const char *reason = rd_kafka_err2str((rd_kafka_resp_err_t)error);
    switch (error) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        break_off(k, "Kafka at %s has no topic %s%s; create it, or set auto.create.topics.enable on the brokers",
                  brokers(k), topics(k), k->output->kafka.topic_per_object ? "-flow, -finding or -sensor" : "");
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        break_off(k, "Kafka at %s does not let this user write to topic %s; allow it Write on that", brokers(k),
                  topics(k));
        break;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        break_off(k, "Kafka at %s acknowledged nothing within message.timeout.ms; see how the brokers are", brokers(k));
        break;
    default:
        break_off(k, "Kafka at %s does not take records to %s: %s", brokers(k), topics(k), reason);
    }
}

/* ---- reports */

static void tell_refused(struct kafka *k, int error) {
    if (k->refused_told_at == 0 || k->now - k->refused_told_at >= REFUSED_NOTE_NS) {
        k->refused_told_at = k->now;
        log_note("%s: Kafka refused a record for ever: %s; it is set aside", k->output->name,
                 rd_kafka_err2str((rd_kafka_resp_err_t)error));
    }
}

/* A batch is refused as a whole. Too large: smaller ones may do. Else one record in it is why, and the next producer sends them one by one. */
static void take_refusal(struct kafka *k, uint64_t number, int error) {
    const char *reason = rd_kafka_err2str((rd_kafka_resp_err_t)error);
    uint64_t place = kafka_window_place(&k->window, number);
    if (k->alone && !k->broken) {
        tell_refused(k, error);
        kafka_window_report(&k->window, number, true);
    } else if (k->broken) {
        k->alone_until = place > k->alone_until ? place : k->alone_until;
    } else if (of_size(error) && k->batch_bytes > BATCH_SMALLEST) {
        k->batch_bytes /= BATCH_SHRINKS;
        break_off(k,
                  "Kafka at %s refused a batch (%s): batches of at most %ld bytes follow; set its property batch.size "
                  "to what the topic admits",
                  brokers(k), reason, k->batch_bytes);
    } else {
        k->alone = true;
        k->alone_rounds += of_size(error) ? ALONE_ROUNDS : 1;
        k->alone_until = place;
        break_off(k, "Kafka at %s refused a batch (%s): its records are sent one by one%s", brokers(k), reason,
                  k->alone_rounds < ALONE_ROUNDS ? "" : " from now on, which is slow; see what the topic admits");
    }
}

static void on_report(void *arg, uint64_t number, int error) {
    struct kafka *k = arg;
    k->quiet_since = k->now;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_window_report(&k->window, number, false);
        k->away = k->denied = false;
    } else if (of_a_record(error)) {
        take_refusal(k, number, error);
    } else {
        break_for(k, error);
    }
}

/* ---- the transport's */

static void kafka_begin(void *state, uint64_t now) {
    struct kafka *k = state;
    kafka_window_clear(&k->window);
    k->now = k->quiet_since = now;
    k->broken = k->ending = k->away = k->denied = k->began = false;
    k->reason[0] = k->why[0] = '\0';
    kafka_producer_begin(k->producer, (unsigned)k->batch_bytes, k->alone);
}

static bool empty(const struct kafka *k) {
    return kafka_window_count(&k->window) == 0;
}

/* All that was near the one that was refused is done. */
static bool alone_is_over(const struct kafka *k) {
    return k->alone && k->alone_rounds < ALONE_ROUNDS && k->window.done >= k->alone_until;
}

/* Back to batches, with a new producer: once the one before has nothing left. */
static void be_together(struct kafka *k) {
    k->alone = k->began = false;
    kafka_producer_begin(k->producer, (unsigned)k->batch_bytes, false);
}

/* True: the cluster has to answer first. A producer that has nothing to send does not look whether its brokers are back. */
static bool waits_for_answer(struct kafka *k) {
    if ((k->began && !k->away) || kafka_producer_answered(k->producer)) {
        k->began = true;
        k->away = false;
        return false;
    }
    return !k->began || !empty(k);
}

/* Is it held up? Says why. */
static bool held_up(struct kafka *k) {
    bool waits = waits_for_answer(k);
    if (waits && k->away) {
        snprintf(k->why, sizeof k->why,
                 "no broker of Kafka at %s can be reached (%s); check that they run and where they listen", brokers(k),
                 k->reason);
    } else if (!waits && !empty(k) && k->now - k->quiet_since >= SILENCE_NS) {
        snprintf(k->why, sizeof k->why,
                 "Kafka at %s acknowledges nothing; check that its brokers run, and that topic %s has a leader and "
                 "min.insync.replicas in sync",
                 brokers(k), topics(k));
        waits = true;
    } else if (!waits) {
        k->why[0] = '\0';
    }
    return waits;
}

static enum transport_state kafka_step(void *state, uint64_t now) {
    struct kafka *k = state;
    k->now = now;
    if (!k->broken && !k->ending && empty(k) && alone_is_over(k)) {
        be_together(k);
    }
    if (!k->broken) {
        kafka_producer_poll(k->producer);
    }
    if (!k->broken && k->ending && !empty(k)) {
        kafka_producer_flush(k->producer, END_STEP_MS);
    }
    if (k->broken) {
        return TRANSPORT_BROKEN;
    }
    if (k->ending && empty(k)) {
        return TRANSPORT_ENDED;
    }
    return held_up(k) || k->ending ? TRANSPORT_BUSY : TRANSPORT_READY;
}

static int kafka_send(void *state, const struct parcel *parcel) {
    struct kafka *k = state;
    if (k->broken || !k->began || kafka_window_full(&k->window) || alone_is_over(k)) {
        return -EAGAIN;
    }
    k->quiet_since = empty(k) ? k->now : k->quiet_since;
    uint64_t number = kafka_window_add(&k->window, parcel->end);
    int error = kafka_producer_send(k->producer, &parcel->line, number);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    kafka_window_take_back(&k->window);
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        return -EMSGSIZE;
    }
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        break_for(k, error);
    }
    return -EAGAIN;
}

static uint64_t kafka_done(void *state) {
    return ((const struct kafka *)state)->window.done;
}

static bool kafka_refused(void *state, uint64_t *end) {
    return kafka_window_refused(&((struct kafka *)state)->window, end);
}

static void kafka_end(void *state, uint64_t now) {
    struct kafka *k = state;
    k->now = now;
    k->ending = true;
}

static unsigned kafka_poll(void *state, struct pollfd to[TRANSPORT_DESCRIPTORS], uint64_t *until) {
    struct kafka *k = state;
    to[0] = (struct pollfd){.fd = kafka_producer_bell(k->producer), .events = POLLIN};
    *until = k->ending ? k->now + END_STEP_NS : empty(k) ? 0 : k->quiet_since + SILENCE_NS;
    if (*until != 0 && *until <= k->now) {
        *until = k->now + SILENCE_NS;
    }
    return 1;
}

static uint64_t kafka_bytes(void *state) {
    return kafka_producer_bytes(((const struct kafka *)state)->producer);
}

static const char *kafka_why(void *state) {
    return ((const struct kafka *)state)->why;
}

static void kafka_free(void *state) {
    struct kafka *k = state;
    if (k) {
        kafka_producer_free(k->producer);
        free(k);
    }
}

/* ---- */

/* A name that brokers take: they would go on refusing another for ever. */
static bool topic_is_good(const struct kafka_settings *settings, char why[TRANSPORT_WHY_SIZE]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strlen(settings->topic),
           most = KAFKA_TOPIC_BYTES - (settings->topic_per_object ? strlen("-finding") : 0);
    if (n > 0 && n <= most && settings->topic[strspn(settings->topic, letters)] == '\0' &&
        strcmp(settings->topic, ".") != 0 && strcmp(settings->topic, "..") != 0) {
        return true;
    }
    snprintf(why, TRANSPORT_WHY_SIZE,
             "Kafka's topic '%.64s' is none: 1 to %zu letters, digits, dots, underscores and hyphens", settings->topic,
             most);
    return false;
}

int kafka_transport(struct transport *t, const struct output_settings *output, char why[TRANSPORT_WHY_SIZE]) {
    if (!topic_is_good(&output->kafka, why)) {
        return -EINVAL;
    }
    rd_kafka_conf_t *conf = kafka_conf_make(&output->kafka, why);
    if (!conf) {
        return -EINVAL;
    }
    struct kafka *k = calloc(1, sizeof *k);
    long batch_bytes = kafka_conf_number(conf, "batch.size");
    struct kafka_events events = {.arg = k, .report = on_report, .trouble = on_trouble};
    struct kafka_producer *producer = kafka_producer_new(conf, output, &events);
    if (!k || !producer) {
        kafka_producer_free(producer);
        free(k);
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "Kafka at %s: no memory or no descriptor; close other programs and run it again",
                 output->kafka.brokers);
        return -ENOMEM;
    }
    k->output = output;
    k->producer = producer;
    k->batch_bytes = batch_bytes;
    *t = (struct transport){
        .state = k,
        .acknowledges = true,
        .begin = kafka_begin,
        .step = kafka_step,
        .send = kafka_send,
        .done = kafka_done,
        .refused = kafka_refused,
        .end = kafka_end,
        .poll = kafka_poll,
        .bytes = kafka_bytes,
        .why = kafka_why,
        .free = kafka_free,
    };
    return 0;
}

#endif
