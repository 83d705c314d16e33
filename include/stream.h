/* flow -bytes, gap, end-> framer: a connection's data in order, each byte once, and holes by their length.
 *
 * Order of calls for one flow: open once; start once, when the connection stands (the server's SYN was seen, or data, where it is
 * picked up in the middle, which waits a little for a SYN that comes late): an attempt that is refused or never answered has none;
 * then bytes and gap for each direction in the order of the stream (the two directions mix as the packets did); then end once, after
 * which the flow's memory is gone. Views live during the call only. */
#ifndef STREAM_H
#define STREAM_H

#include "flow.h"
#include "view.h"

struct stream_sink {
    void *arg;
    /* A flow that speaks, or may speak, SMB; what it returns is handed to the other calls. NULL: no memory, and the flow is
     * followed without being decoded. */
    void *(*open)(void *arg, const struct flow_facts *);
    void (*start)(void *connection, struct moment);
    void (*bytes)(void *connection, enum direction, struct view, struct moment);
    void (*gap)(void *connection, enum direction, uint64_t length, struct moment);
    /* It is closed, and all that came was passed on; it lingers, and may take as little room for that as it can. over: both ended their
     * streams with a FIN; bytes after it are of a sender whose FIN was somebody else's. Else a RST may turn out to be so. */
    void (*closed)(void *connection, bool over);
    void (*end)(void *connection, enum flow_end_reason, struct moment);
};

#endif
