/* packet -> flow: connections by their 5-tuple, and their data in order for the stream sink.
 *
 * Time is the packets'; timeouts run by a clock of the table's own that follows them, see base/packet_clock.h. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

#include "budget.h"
#include "nbss.h"
#include "packet.h"
#include "base/siphash.h"
#include "stats.h"
#include "stream.h"

struct flow_table;

struct flow_settings {
    const uint16_t *ports; /* of SMB servers: every connection to them is followed; NULL: 445 and 139. Copied */
    size_t port_count;
    enum nbss_probe (*probe)(
        struct view);            /* finds SMB on other ports by the first data; NULL: nothing is looked for there */
    struct siphash_key hash_key; /* of the table; a live run takes it at random. Nothing that comes out depends on it */
    size_t flows_max, candidates_max;
    size_t reorder_bytes_max; /* of one flow */
    uint64_t idle_ns, attempt_ns, linger_ns;
};

/* The defaults of limits.h, without a probe and with a hash key of zeroes. */
struct flow_settings flow_settings_default(void);

/* Settings and sink are copied; budget (what is kept here is charged to it) and stats outlive the table. NULL: no
 * memory. */
struct flow_table *flow_table_new(const struct flow_settings *, const struct stream_sink *, struct budget *,
                                  struct stats *);

void flow_table_packet(struct flow_table *, const struct packet *);

/* Time passed without a packet: ends what is due. For live captures; a replay has no need of it. */
void flow_table_tick(struct flow_table *, uint64_t time_ns);

/* Ends the flow that can be spared best: one that is closed, then the longest idle, where an attempt or a candidate counts as idle for
 * SPARE_UNANSWERED / SPARE_LIVE times as long. False: there is none. Not to be called from within the sink. */
bool flow_table_evict(struct flow_table *);

/* For how many frames before this one a piece of state must have been idle to be spared as well as the flow that would be evicted
 * now; 0: no flow can be spared. */
uint64_t flow_table_idle(struct flow_table *, uint64_t frame);

/* The end of the capture: all flows end, in the order in which they began. The table is empty then, and usable. */
void flow_table_finish(struct flow_table *);

size_t flow_table_count(const struct flow_table *);

/* Frees what is left, without a word to the sink. */
void flow_table_free(struct flow_table *);

/* Bytes that an idle flow costs here; one that is wrapped costs a struct wrapping more. */
size_t flow_table_flow_size(void);

#endif
