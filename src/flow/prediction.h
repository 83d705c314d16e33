/* Header prediction, as TCP receivers do it: on a connection that stands and misses nothing, nearly every packet is the next data, or an
 * acknowledgment of data that was seen, and does little. */
#ifndef PREDICTION_H
#define PREDICTION_H

#include "entry.h"

/* False: it is another packet, and nothing was done with it. True: it had all the effect that connection_packet would give it, and the
 * flow's state is the same as before. */
__attribute__((warn_unused_result)) bool prediction_packet(struct flow_context *, struct flow *, enum direction,
                                                           const struct packet *);

/* Behind any other packet: sets whether the next one can be predicted. */
void prediction_note(struct flow *);

#endif
