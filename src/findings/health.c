/* What the sensor itself suffers from. Each is told when it begins; until it is over it is not told again, and an interval that proves
 * nothing either way changes nothing. */
#include <inttypes.h>
#include <stdio.h>

#include "findings/state.h"

#define NS_PER_S 1e9
/* Where other packets come, so long may there be none of SMB. */
#define QUIET_NS (3600 * UINT64_C(1000000000))

enum { SUMMARY_BYTES = 256 };

/* One interval. */
struct interval {
    const struct figures *now, *before;
    uint64_t seq; /* of the record that tells of it */
};

/* How much a sum grew. One that fell, as with a handle made anew, did not. */
static uint64_t grown(uint64_t now, uint64_t before) {
    return now > before ? now - before : 0;
}

/* Once, when it begins: whoever is told of it sees the interval it was noticed in, and how many things bear it out. */
static void tell(struct findings *f, const struct interval *i, enum rule rule, uint64_t count, const char *summary,
                 const char *interface) {
    struct told t = {
        .count = count, .when = WHEN_ALWAYS, .first = {.time_ns = i->before->time_ns}, .last_ns = i->now->time_ns};
    if (i->seq != 0) {
        t.evidence[t.evidence_count++] = i->seq;
    }
    raise_of_sensor(f, rule, &t, summary, interface);
}

static bool begins(bool *ill, bool is) {
    bool was = *ill;
    *ill = is;
    return is && !was;
}

/* What came besides, in the interval: where the interface takes packets that are no SMB the mirror port lives, and that there is none of
 * it says little for a while: at night it is to be expected. */
static const char *besides(const struct interface_figures *now, const struct interface_figures *before, bool *lives) {
    if (now->interface_packets == FIGURE_UNKNOWN || before->interface_packets == FIGURE_UNKNOWN) {
        *lives = false;
        return "";
    }
    *lives = now->interface_packets != before->interface_packets;
    return *lives ? ", though others came" : ", nor any other";
}

/* An interface that was down for a part of the interval had reason to be silent. */
static void look_at_interface(struct findings *f, const struct interval *i, unsigned k) {
    char summary[SUMMARY_BYTES];
    const struct interface_figures *now = &i->now->interfaces[k], *before = &i->before->interfaces[k];
    bool *ill = &f->ill.no_packets[k], lives;
    uint64_t *since = &f->ill.quiet_since[k];
    bool came = grown(now->received, before->received) != 0;
    if (came || !now->up || !before->up) {
        *ill = *ill && !came; /* not over before packets come */
        *since = 0;
        return;
    }
    *since = *since != 0 ? *since : i->before->time_ns;
    uint64_t quiet_ns = grown(i->now->time_ns, *since);
    const char *others = besides(now, before, &lives);
    if (begins(ill, *ill || !lives || quiet_ns >= QUIET_NS)) {
        snprintf(
            summary, sizeof summary,
            "%.100s is up, and in %.1f seconds not one packet came through the filter%s: is the mirror port or tap "
            "alive?",
            now->name, (double)quiet_ns / NS_PER_S, others);
        tell(f, i, RULE_NO_PACKETS, 1, summary, now->name);
    }
}

static void look_for_packets(struct findings *f, const struct interval *i) {
    for (unsigned k = 0; k < i->now->interface_count && k < i->before->interface_count; k++) {
        look_at_interface(f, i, k);
    }
}

static void look_for_sides(struct findings *f, const struct interval *i) {
    char summary[SUMMARY_BYTES];
    uint64_t one = grown(i->now->stats.stretches_one_side, i->before->stats.stretches_one_side);
    uint64_t both = grown(i->now->stats.stretches_both_sides, i->before->stats.stretches_both_sides);
    if (one + both != 0 && begins(&f->ill.one_direction, one > both)) {
        snprintf(summary, sizeof summary,
                 "of %" PRIu64 " looks at connections, %" PRIu64
                 " showed packets of one side alone: does the mirror port send both directions?",
                 one + both, one);
        tell(f, i, RULE_ONE_DIRECTION, one, summary, NULL);
    }
}

static double percent(uint64_t lost, uint64_t of) {
    return of != 0 ? 100.0 * (double)lost / (double)of : 0;
}

static void look_for_loss(struct findings *f, const struct interval *i) {
    char summary[SUMMARY_BYTES];
    const struct capture_figures now = figures_capture(i->now), before = figures_capture(i->before);
    uint64_t kernel = grown(now.dropped, before.dropped);
    uint64_t interface = grown(now.interface_dropped, before.interface_dropped);
    uint64_t packets = grown(now.received, before.received) + interface; /* what the kernel dropped is among them */
    uint64_t missed = grown(i->now->stats.missed_bytes, i->before->stats.missed_bytes);
    uint64_t bytes = grown(i->now->stats.bytes, i->before->stats.bytes) + missed;
    double of_packets = percent(kernel + interface, packets), of_bytes = percent(missed, bytes);
    bool ill = of_packets > f->settings.loss_percent || of_bytes > f->settings.loss_percent;
    if (packets + bytes != 0 && begins(&f->ill.capture_loss, ill)) {
        snprintf(summary, sizeof summary,
                 "%.2f %% of packets were dropped (by the kernel %" PRIu64 ", by the interface %" PRIu64 ", of %" PRIu64
                 "), %.2f %% of bytes missed (%" PRIu64 ")",
                 of_packets, kernel, interface, packets, of_bytes, missed);
        uint64_t holes = grown(i->now->stats.gaps, i->before->stats.gaps);
        tell(f, i, RULE_CAPTURE_LOSS, kernel + interface + holes, summary, NULL);
    }
}

void findings_figures(struct findings *f, const struct figures *now, const struct figures *before, uint64_t seq) {
    const struct interval i = {now, before, seq};
    look_for_packets(f, &i);
    look_for_sides(f, &i);
    look_for_loss(f, &i);
    silence_figures(f, now, before);
    smb1_figures(f, now);
    notice_figures(f, now);
}
