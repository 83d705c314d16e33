/* Where an output leads: -, PATH, or a URL without its query. */
#ifndef OUTPUT_URL_H
#define OUTPUT_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "output_settings.h"

/* Takes url, kind, host, port, path, Kafka's brokers and topic, and the name that follows from them: the same each time, with a
 * digest in it where letters had to go. 0, or as output_settings.h says. */
__attribute__((warn_unused_result)) int output_url_take(struct output_settings *, const char *url,
                                                        char why[OUTPUT_WHY_SIZE]);

/* What may have a query, unlike a PATH. */
bool output_url_queried(const char *text);

/* "syslog+tcp", as messages call it. */
const char *output_url_kind(enum output_kind);

/* %XX as what it stands for, in place. False: there is a % without two digits, or a NUL. */
__attribute__((warn_unused_result)) bool output_url_decode(char *text);

/* May the text be a host's name, or an IPv4 address? */
bool output_url_hosts(const char *text);

/* May it name an output, and its folder? */
bool output_url_names(const char *text);

#endif
