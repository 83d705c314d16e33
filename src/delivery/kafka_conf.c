#ifdef HAVE_KAFKA
#include "delivery/kafka_conf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "delivery/kafka_window.h"

enum { NAME_SIZE = 128, VALUE_SIZE = 64 };

/* Properties that would take away what this output promises, or that have a place of their own. */
static const struct {
    const char *name, *instead;
} kept[] = {
    {"bootstrap.servers", "the brokers stand in kafka://BROKERS/TOPIC"},
    {"metadata.broker.list", "the brokers stand in kafka://BROKERS/TOPIC"},
    {"transactional.id", "records are acknowledged one by one, without transactions"},
    {"delivery.report.only.error", "without reports nothing counts as delivered"},
    {"enabled_events", "smbtap chooses its events itself"},
    {"log.queue", "smbtap writes librdkafka's log itself"},
};

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[TRANSPORT_WHY_SIZE];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, error, sizeof error);
    assert(result == RD_KAFKA_CONF_OK);
    (void)result;
}

static void set_number(rd_kafka_conf_t *conf, const char *name, unsigned value) {
    char text[VALUE_SIZE];
    snprintf(text, sizeof text, "%u", value);
    kafka_conf_set(conf, name, text);
}

bool kafka_conf_is(const rd_kafka_conf_t *conf, const char *name, const char *value) {
    char have[VALUE_SIZE] = "";
    size_t size = sizeof have;
    return rd_kafka_conf_get(conf, name, have, &size) == RD_KAFKA_CONF_OK && strcmp(have, value) == 0;
}

long kafka_conf_number(const rd_kafka_conf_t *conf, const char *name) {
    char have[VALUE_SIZE] = "";
    size_t size = sizeof have;
    rd_kafka_conf_res_t result = rd_kafka_conf_get(conf, name, have, &size);
    assert(result == RD_KAFKA_CONF_OK);
    (void)result;
    return strtol(have, NULL, 10);
}

/* message.timeout.ms 0: what cannot be delivered now waits in order, and is never given up; how much waits is bounded, and the rest is
 * in the spool. murmur2_random: a key's partition is that which the clients in Java choose. The time of a message is when it is sent,
 * not that of its record: brokers delete by it, and records of an old capture shall stay as long as any. */
static void set_ours(rd_kafka_conf_t *conf) {
    kafka_conf_set(conf, "client.id", "smbtap");
    kafka_conf_set(conf, "enable.idempotence", "true");
    kafka_conf_set(conf, "compression.codec", "zstd");
    kafka_conf_set(conf, "partitioner", "murmur2_random");
    kafka_conf_set(conf, "message.timeout.ms", "0");
    kafka_conf_set(conf, "socket.keepalive.enable", "true");
    kafka_conf_set(conf, "log.queue", "true");
    set_number(conf, "queue.buffering.max.messages", KAFKA_WINDOW_MAX);
    set_number(conf, "queue.buffering.max.kbytes", KAFKA_QUEUE_KBYTES);
}

static const char *kept_instead(const char *name) {
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strcmp(kept[i].name, name) == 0) {
            return kept[i].instead;
        }
    }
    return NULL;
}

/* librdkafka's own reason ends with a full stop, or with a line's end, at times. */
static void no_stop_at_the_end(char *text) {
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '.' || text[n - 1] == '\n' || text[n - 1] == ' ')) {
        text[--n] = '\0';
    }
}

static bool set_property(rd_kafka_conf_t *conf, const char *property, char why[TRANSPORT_WHY_SIZE]) {
    char name[NAME_SIZE], reason[TRANSPORT_WHY_SIZE / 2] = "";
    const char *equals = strchr(property, '=');
    size_t n = equals ? (size_t)(equals - property) : 0;
    if (n == 0 || n >= sizeof name) {
        snprintf(why, TRANSPORT_WHY_SIZE, "Kafka's property '%.*s' is not NAME=VALUE", NAME_SIZE, property);
        return false;
    }
    memcpy(name, property, n);
    name[n] = '\0';
    const char *instead = kept_instead(name);
    if (instead) {
        snprintf(why, TRANSPORT_WHY_SIZE, "Kafka's property %s cannot be set: %s", name, instead);
        return false;
    }
    if (rd_kafka_conf_set(conf, name, equals + 1, reason, sizeof reason) == RD_KAFKA_CONF_OK) {
        return true;
    }
    no_stop_at_the_end(reason);
    snprintf(why, TRANSPORT_WHY_SIZE, "Kafka's property %s: %s", name, reason);
    return false;
}

/* The file of a key or certificate that librdkafka cannot use, as a property has it: its own reason names the property alone. */
static const char *file_in(const struct kafka_settings *settings, const char *reason) {
    static const char ending[] = ".location";
    for (size_t i = 0; i < settings->property_count; i++) {
        const char *property = settings->properties[i];
        size_t n = strcspn(property, "=");
        if (n >= strlen(ending) && memcmp(property + n - strlen(ending), ending, strlen(ending)) == 0 &&
            strncmp(reason, property, n) == 0 && reason[n] == ' ') {
            return property + n + 1;
        }
    }
    return NULL;
}

/* librdkafka has a program get the ticket, by default kinit, and again each minute; the sandbox ends who starts one. */
static bool starts_programs(const rd_kafka_conf_t *conf) {
    bool logs_in = kafka_conf_is(conf, "security.protocol", "sasl_ssl") ||
                   kafka_conf_is(conf, "security.protocol", "sasl_plaintext");
    return logs_in && kafka_conf_is(conf, "sasl.mechanisms", "GSSAPI");
}

/* Neither brokers nor the network are asked: librdkafka says what does not go together, and reads keys and certificates. */
static bool goes_together(const rd_kafka_conf_t *conf, const struct kafka_settings *settings,
                          char why[TRANSPORT_WHY_SIZE]) {
    char reason[TRANSPORT_WHY_SIZE / 2] = "";
    if (!kafka_conf_is(conf, "acks", "-1")) {
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "Kafka's property acks must stay all: with less, brokers lose what they acknowledged");
        return false;
    }
    if (starts_programs(conf)) {
        snprintf(why, TRANSPORT_WHY_SIZE,
                 "Kafka's property sasl.mechanism must be given, and not be GSSAPI: for Kerberos a program is started, "
                 "and smbtap starts none; give SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN");
        return false;
    }
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    rd_kafka_t *trial = rd_kafka_new(RD_KAFKA_PRODUCER, copy, reason, sizeof reason);
    if (trial) {
        rd_kafka_destroy(trial);
        return true;
    }
    rd_kafka_conf_destroy(copy);
    no_stop_at_the_end(reason);
    const char *file = file_in(settings, reason);
    if (file) {
        snprintf(why, TRANSPORT_WHY_SIZE, "Kafka's property %s; check the file %.200s, and who may read it", reason,
                 file);
    } else {
        snprintf(why, TRANSPORT_WHY_SIZE, "Kafka's properties do not go together: %s", reason);
    }
    return false;
}

rd_kafka_conf_t *kafka_conf_make(const struct kafka_settings *settings, char why[TRANSPORT_WHY_SIZE]) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = true;
    set_ours(conf);
    for (size_t i = 0; i < settings->property_count && good; i++) {
        good = set_property(conf, settings->properties[i], why);
    }
    if (good && goes_together(conf, settings, why)) {
        return conf;
    }
    rd_kafka_conf_destroy(conf);
    return NULL;
}

#endif
