/* The framer of SMB's two transports: NetBIOS session service (RFC 1002 4.3) on 139 and direct TCP (MS-SMB2 2.1) elsewhere. It
 * keeps, for each direction, where it is in the message at hand; memory is taken only while a message straddles segments.
 *
 * A gap in payload is counted; a gap in what must be whole ends it there, and the framing goes on where the element, or else the
 * frame, is known to end. Behind a gap that covered a frame's header, and where a stream is picked up in the middle, the framing is
 * lost: bytes are passed over until a message proves itself (dissectors/resync.h says how), and of those that may do so at most
 * RESYNC_WINDOW are kept.
 *
 * Limits: NBSS_WHOLE_MAX and what the pool keeps (dissectors/nbss_pool.h), EXTENT_CLEAR_MAX (dissectors/extent.h), RESYNC_*
 * (dissectors/resync.h). */
#ifndef NBSS_H
#define NBSS_H

#include "budget.h"
#include "framer.h"

struct nbss;      /* one connection */
struct nbss_pool; /* one worker: buffers for messages that straddle */

/* NULL: no memory. */
struct nbss_pool *nbss_pool_new(void);
void nbss_pool_free(struct nbss_pool *);

/* Bytes that an idle connection costs here. */
size_t nbss_size(void);
/* room: nbss_size() bytes, aligned as malloc does, and the caller's until nbss_finish. start_seen: the first byte of each direction is the
 * start of a message. Buffers are charged to the budget. The sink is copied. */
struct nbss *nbss_begin(void *room, struct nbss_pool *, const struct framer_sink *, struct budget *, bool start_seen);
void nbss_bytes(struct nbss *, enum direction, struct view, struct moment);
void nbss_gap(struct nbss *, enum direction, uint64_t length, struct moment);
/* Hands out what was begun, with the rest as missing. */
void nbss_end(struct nbss *, struct moment);
/* Nothing was begun: nbss_end would hand out nothing. */
bool nbss_idle(const struct nbss *);
/* One that is idle in few bytes, and as it was from those; SPARSE_SLACK bytes are read behind them. What it was begun with is given anew. */
enum { NBSS_FOLDED_ROOM = 768 };
size_t nbss_fold(const struct nbss *, uint8_t to[NBSS_FOLDED_ROOM]);
struct nbss *nbss_unfold(void *room, struct nbss_pool *, const struct framer_sink *, struct budget *,
                         struct view folded);
/* Gives back all that it holds of the pool and the budget. */
void nbss_finish(struct nbss *);

/* A name in the encoding of RFC 1001 14.1, as a session request has two: the called one and the calling one. */
struct netbios_name {
    uint8_t bytes[15];
    size_t length;  /* without the blanks behind it */
    uint8_t suffix; /* the 16th byte: 0x20 a file server, 0x00 a workstation */
};

/* False where the bytes hold no two names; out is then as it was. */
bool nbss_session_request_names(struct view bytes, struct netbios_name *called, struct netbios_name *calling);

/* Is this the first data of an SMB connection, and which side sent it? For ports where SMB is not expected. PROBE_MORE: so far it
 * may be, ask again with more of it; never with NBSS_PROBE_BYTES or more. */
enum { NBSS_PROBE_BYTES = 128 };
enum nbss_probe { PROBE_NO, PROBE_REQUEST, PROBE_RESPONSE, PROBE_MORE };
enum nbss_probe nbss_probe(struct view first_data);

#endif
