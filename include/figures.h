/* The whole sensor at one moment, as whoever sees all of it fills it in: what records of the sensor, metrics and the findings about
 * its own health are made from. Counts are totals since the start and never wrap. Names are borrowed and live as long as the
 * figures. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "stats.h"

enum { FIGURES_INTERFACES_MAX = 16, FIGURES_OUTPUTS_MAX = 16 };

/* What an interface or an output does not have, or nobody knows: it is left out. */
#define FIGURE_UNKNOWN UINT64_MAX

struct interface_figures {
    const char *name;
    bool up;
    uint64_t received;          /* packets that passed the filter, those that the kernel then dropped among them */
    uint64_t dropped;           /* of these, by the kernel: no room in the ring */
    uint64_t interface_dropped; /* by the interface and its driver, whatever they were */
    uint64_t interface_packets; /* that it took, whatever they were; since it was made, so this one may fall */
};

struct output_figures {
    const char *name;
    uint64_t records;      /* handed to it */
    uint64_t sent;         /* of these, written or sent */
    uint64_t acknowledged; /* of these, by the receiver, where the protocol knows that */
    uint64_t spooled;      /* that wait in its spool now */
    uint64_t dropped;      /* that it gave up */
    uint64_t bytes;        /* sent */
    uint64_t reconnects;
    uint64_t oldest_waiting_ns; /* age of the oldest record that waits; 0: none does */
};

struct figures {
    uint64_t time_ns, start_ns;
    struct stats stats; /* of all workers, added up */
    struct interface_figures interfaces[FIGURES_INTERFACES_MAX];
    unsigned interface_count;
    struct output_figures outputs[FIGURES_OUTPUTS_MAX];
    unsigned output_count;
    unsigned workers;
    uint64_t flows_active;              /* followed now */
    uint64_t memory_held, memory_limit; /* bytes */
    uint64_t records_dropped;           /* lines no outlet took: the handover was full */
    uint64_t dispatched;                /* segments copied to the worker that owns their connection */
    uint64_t dispatch_dropped;          /* those lost on the way: its queue was full */
};

/* Sums over all interfaces: what passed their filters, what the kernel dropped, what the interfaces did. */
struct capture_figures {
    uint64_t received, dropped, interface_dropped;
};
struct capture_figures figures_capture(const struct figures *);

/* Estimated capture loss: of a million bytes that were sent on connections that were followed, how many were not seen. since NULL: since
 * the start. */
uint64_t figures_loss_ppm(const struct figures *now, const struct figures *since);

#endif
