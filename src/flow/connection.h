/* TCP's life: from the handshake to FIN or RST (RFC 9293 3.3.2), as it shows itself to somebody in between. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "entry.h"

/* What a packet says about a connection that is not in the table. */
struct birth {
    enum flow_state state;
    bool from_server; /* the packet was sent by the server */
};

/* False: the packet begins nothing that is to be followed. ports: is this one of SMB's? */
__attribute__((warn_unused_result)) bool connection_birth(const struct flow_settings *, const struct packet *,
                                                          bool src_is_smb, bool dst_is_smb, struct birth *);

/* Does the packet belong to a new connection on the same addresses and ports? Remembers a SYN that may begin one. */
__attribute__((warn_unused_result)) bool connection_superseded(struct flow *, enum direction, const struct packet *);

/* Everything a packet of the flow does to it: its state is new afterwards, and it may be doomed. */
void connection_packet(struct flow_context *, struct flow *, enum direction, const struct packet *);

/* What waited in it was settled without a packet: its state is new afterwards as well. */
void connection_settled(struct flow *);

/* The flow is over, by closing or for lack of packets: why. The capture may have ended before a SYN could be answered. */
enum flow_end_reason connection_end_reason(const struct flow *, enum flow_end_reason otherwise,
                                           uint64_t now_ns /* table's clock */);

/* Is there anything to tell of it? A flow picked up in the middle that had no data says nothing, nor does a candidate.
 */
bool connection_told(const struct flow *);

#endif
