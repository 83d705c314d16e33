#include "packet_clock.h"

uint64_t packet_clock_advance(struct packet_clock *c, uint64_t time_ns) {
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
