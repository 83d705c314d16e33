/* librdkafka's configuration from the settings of an output. */
#ifndef KAFKA_CONF_H
#define KAFKA_CONF_H

#include "delivery/output_settings.h"
#include "delivery/transport.h"

struct rd_kafka_conf_s;

enum {
    KAFKA_QUEUE_KBYTES =
        32 << 10, /* of records that librdkafka has, unless queue.buffering.max.kbytes is among the properties */
    KAFKA_TOPIC_BYTES = 249, /* the longest name of a topic that brokers take */
};

/* What smbtap wants, then the properties in their order, then what may not be otherwise; without brokers. NULL: why says which is wrong. */
struct rd_kafka_conf_s *kafka_conf_make(const struct kafka_settings *, char why[TRANSPORT_WHY_SIZE]);
/* Sets what cannot be wrong. */
void kafka_conf_set(struct rd_kafka_conf_s *, const char *name, const char *value);
/* A number among its properties. */
long kafka_conf_number(const struct rd_kafka_conf_s *, const char *name);
bool kafka_conf_is(const struct rd_kafka_conf_s *, const char *name, const char *value);

#endif
