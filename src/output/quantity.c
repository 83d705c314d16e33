#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct quantity quantity_count(uint64_t n) {
    char digits[24];
    struct quantity q;
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (i != 0 && (length - i) % 3 == 0) {
            q.text[used++] = ',';
        }
        q.text[used++] = digits[i];
    }
    q.text[used] = '\0';
    return q;
}

struct quantity quantity_bytes(uint64_t n) {
    static const char units[][3] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    struct quantity q;
    if (n < 1000) {
        snprintf(q.text, sizeof(q.text), "%" PRIu64 " B", n);
        return q;
    }
    size_t unit = 0;
    double value = (double)n / 1000;
    for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++) {
        value /= 1000;
    }
    snprintf(q.text, sizeof(q.text), "%.1f %s", value, units[unit]);
    return q;
}

struct quantity quantity_time(uint64_t seconds) {
    struct quantity q;
    uint64_t hours = seconds / 3600;
    unsigned minutes = (unsigned)(seconds / 60 % 60), rest = (unsigned)(seconds % 60);
    if (hours != 0) {
        snprintf(q.text, sizeof(q.text), "%" PRIu64 ":%02u:%02u", hours, minutes, rest);
    } else {
        snprintf(q.text, sizeof(q.text), "%u:%02u", minutes, rest);
    }
    return q;
}
