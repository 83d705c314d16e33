/* What a worker counts. One per worker, added up by whoever reports. Every bound that bites and every verdict has its number. The
 * counters, with what each means, are tables/counter.def. */
#ifndef STATS_H
#define STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissector.h"
#include "framer.h"
#include "pdu_smb2.h"

enum decode_fault {
    DECODE_LINK,           /* a link type or EtherType that is not followed; not an error */
    DECODE_CUT,            /* headers end before they should */
    DECODE_BAD,            /* header lengths contradict each other */
    DECODE_DEPTH,          /* more tags, labels, tunnels or other headers than are followed */
    DECODE_FRAGMENT,       /* an IP fragment whose datagram never became whole */
    DECODE_FRAGMENT_LIMIT, /* one whose datagram was given up because a bound, or the budget, was reached */
    DECODE_CHECKSUM,       /* a wrong checksum, where they are verified */
    DECODE_NOT_TCP,
    DECODE_FAULTS
};

struct stats {
#define METRIC(name, label, help)
#define COUNTER(member, value, role) uint64_t member;
#define COUNTERS(member, length, values, role) uint64_t member[length];
#include "tables/counter.def"
#undef METRIC
#undef COUNTER
#undef COUNTERS
};

/* All of from on top of to. */
void stats_add(struct stats *to, const struct stats *from);

/* ---- the table, for whoever publishes the counters */

enum counter_role { COUNTER_PLAIN, COUNTER_LIMIT };

/* Where metric is not NULL, a row begins a metric: its name, label and help. Else it is a member: count counters from offset on, whose
 * label has the value of the same place in values. */
struct counter_info {
    const char *metric, *label, *help;
    const char *member;
    size_t offset;
    unsigned count;
    const char *const *values;
    enum counter_role role;
};

extern const struct counter_info stats_counters[];
extern const size_t stats_counter_count; /* rows of it */

static inline uint64_t stats_value(const struct stats *s, const struct counter_info *c, unsigned i) {
    return ((const uint64_t *)(const void *)((const char *)s + c->offset))[i];
}

/* Names of what arrays of counters hold, by their index. */
extern const char *const decode_fault_names[DECODE_FAULTS];
extern const char *const message_kind_names[MESSAGE_KINDS];
extern const char *const smb2_command_names[SMB2_COMMANDS];
/* Faults of the framing and, behind them, verdicts. */
extern const char *const parse_fault_names[FRAMER_FAULTS + VERDICTS];

#endif
