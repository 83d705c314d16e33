#include "figures.h"

struct capture_figures figures_capture(const struct figures *f) {
    struct capture_figures sum = {0};
    for (unsigned i = 0; i < f->interface_count; i++) {
        const struct interface_figures *of = &f->interfaces[i];
        sum.received += of->received == FIGURE_UNKNOWN ? 0 : of->received;
        sum.dropped += of->dropped == FIGURE_UNKNOWN ? 0 : of->dropped;
        sum.interface_dropped += of->interface_dropped == FIGURE_UNKNOWN ? 0 : of->interface_dropped;
    }
    return sum;
}

uint64_t figures_loss_ppm(const struct figures *now, const struct figures *since) {
    uint64_t missed = now->stats.missed_bytes - (since ? since->stats.missed_bytes : 0);
    uint64_t seen = now->stats.bytes - (since ? since->stats.bytes : 0);
    if (missed == 0) {
        return 0;
    }
    return (uint64_t)((double)missed / ((double)missed + (double)seen) * 1e6);
}
