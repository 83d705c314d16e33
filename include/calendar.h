/* Days of the Gregorian calendar, for the times of protocols that write dates out. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

static inline bool calendar_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to a date from then on. The month is 1 to 12; a day behind the end of its month is one of the next. */
static inline uint64_t calendar_days(unsigned year, unsigned month, unsigned day) {
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned past = year - 1;
    unsigned leaps = past / 4 - past / 100 + past / 400 - 477; /* up to 1969: 477 */
    return (year - 1970) * UINT64_C(365) + leaps + before[month - 1] + (month > 2 && calendar_leap(year)) + day - 1;
}

#endif
