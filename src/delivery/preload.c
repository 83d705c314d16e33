#include "delivery/preload.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>
#ifdef HAVE_KAFKA
#include <librdkafka/rdkafka.h>
#endif

enum { LINE_SIZE = 512, NAME_SIZE = 64 };

/* nsswitch.conf(5): a service of the line hosts is the library of its name, unless the C library has it built in. It stays open. */
static void load_service(const char *name) {
    char library[NAME_SIZE];
    int n = snprintf(library, sizeof library, "libnss_%s.so.2", name);
    if (n > 0 && n < (int)sizeof library && strchr(name, '/') == NULL) {
        (void)dlopen(library, RTLD_NOW);
    }
}

static void load_services(void) {
    static const char database[] = "hosts:";
    char line[LINE_SIZE], *rest;
    FILE *file = fopen("/etc/nsswitch.conf", "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *word = strtok_r(line, " \t\n", &rest);
        if (!word || strcmp(word, database) != 0) {
            continue;
        }
        while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
            load_service(word); /* no library is called like [NOTFOUND=return] */
        }
    }
    if (file) {
        fclose(file);
    }
}

#ifdef HAVE_KAFKA
/* Its first producer loads what knows how to log in (Cyrus SASL has modules), whether that is wanted or not. This one knows no brokers, and its
 * threads are gone when it is. */
static void load_kafka(void) {
    char why[LINE_SIZE];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log.queue", "true", why, sizeof why); /* which nobody reads */
    rd_kafka_t *first = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (first) {
        rd_kafka_destroy(first);
    } else {
        rd_kafka_conf_destroy(conf);
    }
}
#endif

void preload(const struct output_settings *output) {
    if (!output_settings_network(output)) {
        return;
    }
    load_services();
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
#ifdef HAVE_KAFKA
    if (output->kind == OUTPUT_KAFKA) {
        load_kafka();
    }
#endif
}
