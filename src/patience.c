#include "patience.h"

static bool look(struct patience *p, const struct patience_sight *s, uint64_t now, bool holds_up) {
    uint64_t waited = p->since != 0 ? now - p->since : 0;
    bool moved = s->taken != p->taken;
    p->taken = s->taken;
    p->behind = s->waiting == 0 ? 0 : p->behind + waited;
    p->still = moved ? 0 : p->still + (holds_up ? waited : 0);
    bool wait =
        !s->gone && s->waiting > PATIENCE_BYTES && p->still < PATIENCE_STILL_NS && p->behind < PATIENCE_BEHIND_NS;
    p->since = wait ? now : 0;
    return wait;
}

bool patience_look(struct patience *p, const struct patience_sight *seen, size_t count, uint64_t now) {
    bool wait = false, holds_up = false;
    for (size_t i = 0; i < count; i++) {
        holds_up = (!seen[i].gone && seen[i].waiting <= PATIENCE_BYTES) || holds_up;
    }
    for (size_t i = 0; i < count; i++) {
        wait = look(&p[i], &seen[i], now, holds_up) || wait;
    }
    return wait;
}
