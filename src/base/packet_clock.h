/* A clock for timeouts that follows the packets: one step between two packets counts at most CLOCK_STEP_NS, so that a
 * clock that jumps forward ends nothing that is alive, and a clock that runs backwards stands still here until it has
 * caught up. */
#ifndef PACKET_CLOCK_H
#define PACKET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SECOND_NS UINT64_C(1000000000)

#define CLOCK_STEP_NS (1 * SECOND_NS)      /* what one step between two packets counts at most */
#define CLOCK_BEHIND_NS (3600 * SECOND_NS) /* a clock that ran backwards farther is taken as it is */

/* All zeroes at first. */
struct packet_clock {
    uint64_t now;     /* ns */
    uint64_t high_ns; /* the latest packet's time */
    bool has_time;
};

/* What packet_clock_advance does with the first packet, and with one that is far from those before it. */
__attribute__((noinline, unused)) static uint64_t packet_clock_jump(struct packet_clock *c, uint64_t time_ns) {
    if (!c->has_time) {
        c->has_time = true;
        c->high_ns = time_ns;
    } else if (time_ns > c->high_ns) {
        uint64_t step = time_ns - c->high_ns;
        c->now += step < CLOCK_STEP_NS ? step : CLOCK_STEP_NS;
        c->high_ns = time_ns;
    } else if (c->high_ns - time_ns > CLOCK_BEHIND_NS) {
        c->high_ns = time_ns;
    }
    return c->now;
}

/* A packet's time: moves now, and returns it. */
static inline uint64_t packet_clock_advance(struct packet_clock *c, uint64_t time_ns) {
    uint64_t step = time_ns - c->high_ns;
    if (!c->has_time || step > CLOCK_STEP_NS) {
        return packet_clock_jump(c, time_ns);
    }
    c->high_ns = time_ns;
    return c->now += step;
}

#endif
