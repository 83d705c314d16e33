/* Values as people write them, on the command line or in the configuration. False: it is none, and the output is untouched. */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum { VALUE_TEXT_SIZE = 64 }; /* room for each of the texts below */

/* Digits alone, from low to high. */
__attribute__((warn_unused_result)) bool value_number(const char *text, unsigned long low, unsigned long high,
                                                      unsigned long *out);
/* Bytes, or K, M or G of them. */
__attribute__((warn_unused_result)) bool value_size(const char *text, size_t *bytes);
/* 90s, 30m, 1h, 2d: at most ten years. */
__attribute__((warn_unused_result)) bool value_span(const char *text, uint64_t *ns);
/* The same, also of parts of a second and with up to six decimals: 250ms, 1.5s; in whole milliseconds. */
__attribute__((warn_unused_result)) bool value_delay(const char *text, uint64_t *ns);
/* 0 to 100 with up to six decimals, and a percent sign where one likes it. */
__attribute__((warn_unused_result)) bool value_percent(const char *text, double *percent);
/* yes, true, on; no, false, off. */
__attribute__((warn_unused_result)) bool value_switch(const char *text, bool *on);
/* 192.0.2.1 or 2001:db8::1 */
__attribute__((warn_unused_result)) bool value_address(const char *text, size_t n, struct address *);
/* An address, and a prefix length where it is not one address alone. */
__attribute__((warn_unused_result)) bool value_network(const char *text, struct network *);

/* The same the other way round, in the largest unit that needs no fraction. They return to. */
const char *value_size_text(size_t bytes, char to[VALUE_TEXT_SIZE]);
const char *value_span_text(uint64_t ns, char to[VALUE_TEXT_SIZE]);
const char *value_delay_text(uint64_t ns, char to[VALUE_TEXT_SIZE]);
const char *value_percent_text(double percent, char to[VALUE_TEXT_SIZE]);
const char *value_network_text(const struct network *, char to[VALUE_TEXT_SIZE]);

#endif
