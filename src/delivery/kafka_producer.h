/* A producer of librdkafka, made anew as often as it takes. Its threads call nothing of ours but what counts bytes and rings the bell;
 * reports, errors and its log come from kafka_producer_poll. Nothing here waits. */
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "delivery/output_settings.h"
#include "sink.h"

struct rd_kafka_conf_s;
struct kafka_producer;

/* error: rd_kafka_resp_err_t. */
struct kafka_events {
    void *arg;
    /* Once for each record that was sent and did not go with its producer. */
    void (*report)(void *arg, uint64_t number, int error);
    /* The producer as a whole: RD_KAFKA_RESP_ERR__FATAL, __ALL_BROKERS_DOWN, or what one broker has. */
    void (*trouble)(void *arg, int error, const char *reason);
};

/* Takes over the configuration; the settings outlive it. NULL: no memory or no descriptor, and the configuration is gone. */
struct kafka_producer *kafka_producer_new(struct rd_kafka_conf_s *, const struct output_settings *,
                                          const struct kafka_events *);
/* Gives its threads some seconds. Takes NULL. */
void kafka_producer_free(struct kafka_producer *);

/* A new one, as soon as the one before is gone with all that it had; there are no reports of that. batch_bytes: the most that goes out at
 * once. alone: one record at a time. */
void kafka_producer_begin(struct kafka_producer *, unsigned batch_bytes, bool alone);
/* Calls events. False: there is no producer yet. */
bool kafka_producer_poll(struct kafka_producer *);
/* Did the cluster answer since it began, or since kafka_producer_ask? */
bool kafka_producer_answered(const struct kafka_producer *);
void kafka_producer_ask(struct kafka_producer *);
/* 0, or rd_kafka_resp_err_t. */
int kafka_producer_send(struct kafka_producer *, const struct line *, uint64_t number);
/* What waits for more goes out; within ms. Calls events. */
void kafka_producer_flush(struct kafka_producer *, int ms);
/* Of the object's records, or the one that all have. */
const char *kafka_producer_topic(const struct kafka_producer *, unsigned object);
/* For poll(2), POLLIN: kafka_producer_poll has something to do. */
int kafka_producer_bell(const struct kafka_producer *);
/* Sent to brokers since it was made. */
uint64_t kafka_producer_bytes(const struct kafka_producer *);

#endif
