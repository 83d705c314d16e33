#include "value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet_clock.h"

static const char size_units[] = "KMG", span_units[] = "smhd";
static const unsigned span_seconds[] = {1, 60, 3600, 86400};

#define MILLISECOND_NS UINT64_C(1000000)

bool value_number(const char *text, unsigned long low, unsigned long high, unsigned long *out) {
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno || n < low || n > high) {
        return false;
    }
    *out = n;
    return true;
}

/* A number from 1 on and one letter behind it, the unit; its place in units goes to *unit. */
static bool quantity(const char *text, const char *units, unsigned long *count, size_t *unit) {
    char number[24] = "";
    size_t n = strlen(text);
    const char *found = n > 1 && n < sizeof number ? strchr(units, text[n - 1]) : NULL;
    if (!found) {
        return false;
    }
    memcpy(number, text, n - 1);
    *unit = (size_t)(found - units);
    return value_number(number, 1, ULONG_MAX, count);
}

bool value_size(const char *text, size_t *bytes) {
    unsigned long count;
    size_t unit;
    unsigned shift = 0;
    if (quantity(text, size_units, &count, &unit)) {
        shift = 10 * (unsigned)(unit + 1);
    } else if (!value_number(text, 1, ULONG_MAX, &count)) {
        return false;
    }
    if (count > ULONG_MAX >> shift) {
        return false;
    }
    *bytes = count << shift;
    return true;
}

bool value_span(const char *text, uint64_t *ns) {
    const unsigned long longest = 3650UL * 86400;
    unsigned long count;
    size_t unit;
    if (!quantity(text, span_units, &count, &unit) || count > longest / span_seconds[unit]) {
        return false;
    }
    *ns = (uint64_t)count * span_seconds[unit] * SECOND_NS;
    return true;
}

/* Decimals of a unit as milliseconds, at most six of them; false where there are more, none, or a part of a millisecond is left. */
static bool fraction(const char *digits, size_t n, uint64_t unit_ms, uint64_t *ms) {
    uint64_t parts = 0, of = 1;
    for (size_t i = 0; i < n; i++) {
        parts = parts * 10 + (uint64_t)(digits[i] - '0');
        of *= 10;
    }
    *ms = parts * unit_ms / of;
    return parts * unit_ms % of == 0;
}

bool value_delay(const char *text, uint64_t *ns) {
    enum { WHOLE_DIGITS = 12, DECIMALS = 6 };
    const uint64_t longest = UINT64_C(3650) * 86400 * 1000;
    size_t whole = strspn(text, "0123456789"), point = text[whole] == '.';
    size_t decimals = point ? strspn(text + whole + 1, "0123456789") : 0;
    const char *unit = text + whole + point + decimals;
    const char *found = unit[0] && !unit[1] ? strchr(span_units, unit[0]) : NULL;
    uint64_t unit_ms = found ? span_seconds[found - span_units] * UINT64_C(1000) : 1, part = 0;
    if ((!found && strcmp(unit, "ms") != 0) || whole == 0 || whole > WHOLE_DIGITS || decimals > DECIMALS ||
        (point && (decimals == 0 || !fraction(text + whole + 1, decimals, unit_ms, &part)))) {
        return false;
    }
    uint64_t count = strtoull(text, NULL, 10);
    if (count > longest / unit_ms || count * unit_ms + part > longest || count * unit_ms + part == 0) {
        return false;
    }
    *ns = (count * unit_ms + part) * MILLISECOND_NS;
    return true;
}

bool value_percent(const char *text, double *percent) {
    size_t whole = strspn(text, "0123456789");
    size_t point = text[whole] == '.';
    size_t decimals = point ? strspn(text + whole + 1, "0123456789") : 0;
    const char *end = text + whole + point + decimals;
    if (whole == 0 || whole > 3 || (point && decimals == 0) || decimals > 6 ||
        strcmp(end, *end == '%' ? "%" : "") != 0) {
        return false;
    }
    double found = strtod(text, NULL);
    if (found > 100) {
        return false;
    }
    *percent = found;
    return true;
}

bool value_switch(const char *text, bool *on) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *on = i % 2 == 1;
            return true;
        }
    }
    return false;
}

bool value_address(const char *text, size_t n, struct address *out) {
    char address[INET6_ADDRSTRLEN + 1];
    struct address found = {.family = 4};
    if (n >= sizeof address) {
        return false;
    }
    memcpy(address, text, n);
    address[n] = 0;
    if (inet_pton(AF_INET, address, found.bytes) != 1) {
        found.family = 6;
        if (inet_pton(AF_INET6, address, found.bytes) != 1) {
            return false;
        }
    }
    *out = found;
    return true;
}

bool value_network(const char *text, struct network *out) {
    const char *slash = strchr(text, '/');
    struct network net;
    if (!value_address(text, slash ? (size_t)(slash - text) : strlen(text), &net.base)) {
        return false;
    }
    unsigned long longest = net.base.family == 4 ? 32 : 128, bits = longest;
    if (slash && !value_number(slash + 1, 0, longest, &bits)) {
        return false;
    }
    net.prefix_length = (unsigned)bits;
    *out = net;
    return true;
}

const char *value_size_text(size_t bytes, char to[VALUE_TEXT_SIZE]) {
    unsigned unit = 0;
    while (unit < sizeof size_units - 1 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(to, VALUE_TEXT_SIZE, "%zu%.*s", bytes, unit != 0, size_units + unit - (unit != 0));
    return to;
}

const char *value_span_text(uint64_t ns, char to[VALUE_TEXT_SIZE]) {
    uint64_t seconds = ns / SECOND_NS;
    size_t unit = sizeof span_seconds / sizeof span_seconds[0] - 1;
    while (unit > 0 && seconds % span_seconds[unit] != 0) {
        unit--;
    }
    snprintf(to, VALUE_TEXT_SIZE, "%" PRIu64 "%c", seconds / span_seconds[unit], span_units[unit]);
    return to;
}

const char *value_delay_text(uint64_t ns, char to[VALUE_TEXT_SIZE]) {
    if (ns % SECOND_NS == 0) {
        return value_span_text(ns, to);
    }
    snprintf(to, VALUE_TEXT_SIZE, "%" PRIu64 "ms", ns / MILLISECOND_NS);
    return to;
}

const char *value_percent_text(double percent, char to[VALUE_TEXT_SIZE]) {
    snprintf(to, VALUE_TEXT_SIZE, "%.6f", percent);
    size_t n = strlen(to);
    while (to[n - 1] == '0') {
        n--;
    }
    to[n - (to[n - 1] == '.')] = 0;
    return to;
}

const char *value_network_text(const struct network *net, char to[VALUE_TEXT_SIZE]) {
    inet_ntop(net->base.family == 4 ? AF_INET : AF_INET6, net->base.bytes, to, VALUE_TEXT_SIZE);
    size_t n = strlen(to);
    snprintf(to + n, VALUE_TEXT_SIZE - n, "/%u", net->prefix_length);
    return to;
}
