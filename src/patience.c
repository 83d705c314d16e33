#include "patience.h"

bool patience_counts(const struct patience *p, size_t waiting) {
    return waiting > PATIENCE_BYTES || p->since != 0 || p->behind != 0;
}

bool patience_look(struct patience *p, uint64_t now, size_t waiting, uint64_t taken, bool holds_up) {
    uint64_t waited = p->since != 0 ? now - p->since : 0;
    bool moved = taken != p->taken;
    p->taken = taken;
    p->behind = waiting == 0 ? 0 : p->behind + waited;
    p->still = moved ? 0 : p->still + (holds_up ? waited : 0);
    bool wait = waiting > PATIENCE_BYTES && p->still < PATIENCE_STILL_NS && p->behind < PATIENCE_BEHIND_NS;
    p->since = wait ? now : 0;
    return wait;
}
