/* Every bound and every time of this stage. Times are packet time as the table's clock counts it (table.h). */
#ifndef LIMITS_H
#define LIMITS_H

#include "base/packet_clock.h"

enum {
    FLOWS_MAX = 1 << 20,      /* connections followed at once; stats: flows_evicted */
    CANDIDATES_MAX = 1 << 16, /* of these, on other ports and silent so far; stats: candidates_evicted */

    SPARE_UNANSWERED = 256, /* at a bound a frame of idleness counts so much for what never stood, */
    SPARE_LIVE = 2,         /* and so much for what does, against one of a single piece of its state */

    REORDER_BYTES_MAX = 4 << 20, /* kept for one flow, both directions; stats: reassembly_limit */
    REORDER_SEGMENTS_MAX = 4096, /* kept for one direction; stats: reassembly_limit */
    REORDER_PACKETS = 128,       /* further packets of the flow after which a hole that was acknowledged is a gap */
    EARLY_PACKETS = 16,     /* the same for what may come before the first data of a flow picked up in the middle */
    EARLY_BYTES = 64 << 10, /* how far before it */

    HISTORY_BYTES = 2 << 20,        /* remembered of what was passed on, of all flows */
    HISTORY_SHARE = 16,             /* but no more than this part of what the program may hold */
    HISTORY_STEPS = 64,             /* segments of one direction; those before it are taken for the same */
    HISTORY_SEGMENT_MAX = 64 << 10, /* of one segment */

    BEHIND_MAX = 64 << 20,     /* what lies so far behind is old; farther, it is ahead across a loss of gigabytes */
    ACKED_AHEAD_MAX = 1 << 30, /* an acknowledgment farther ahead is not believed */
    UNCONFIRMED_AHEAD_MAX =
        16 << 20,            /* a single segment farther ahead is dropped, not believed; stats: segments_dropped */
    CONFIRMING_SEGMENTS = 3, /* in a row: so many are believed wherever they are */

    WINDOW_MIN = 64 << 10,     /* a RST is believed at least so far ahead */
    WINDOW_UNKNOWN = 16 << 20, /* the same where the scale was not seen */
};

/* A hole that was acknowledged; longer than CLOCK_STEP_NS, so that a jump of the clock ends none. */
#define REORDER_NS (2 * SECOND_NS)
#define HOLE_NS (20 * SECOND_NS)       /* a hole that was not */
#define IDLE_NS (3 * 3600 * SECOND_NS) /* an established flow: keep-alives come every two hours by default */
#define ATTEMPT_NS (60 * SECOND_NS)    /* a SYN without an answer, a candidate, a flow picked up that had no data */
#define ANSWER_NS \
    SECOND_NS /* a SYN is sent again after that at the earliest, RFC 6298 2: until then an answer may be on its way */
#define LINGER_NS (10 * SECOND_NS) /* after the close, for packets that trail */

#endif
