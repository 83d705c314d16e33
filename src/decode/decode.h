/* frame -> packet: link layer, IP and TCP headers. Nothing is kept between frames. What is no TCP segment is counted in
 * stats by its reason and left alone. */
#ifndef DECODE_H
#define DECODE_H

#include "dissector.h"
#include "packet.h"
#include "stats.h"

/* V_OK: *out is a segment, borrowing the frame's bytes. V_NOT_MINE: something else, or not followed. V_SHORT: the
 * headers were cut. V_BAD: header lengths contradict each other. V_LIMIT: more headers or tags than are followed. *out
 * is undefined unless V_OK. Counts packets, bytes, tcp_packets and decode_faults. */
__attribute__((warn_unused_result)) enum verdict decode_frame(const struct frame *, struct packet *out, struct stats *);

#endif
