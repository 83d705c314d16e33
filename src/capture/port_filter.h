/* What capture_filter.h says for Ethernet, as a program for the kernel that is written by hand: libpcap makes three times as many
 * instructions of the text, more with every port, and then the kernel of a small machine has no room for it. */
#ifndef PORT_FILTER_H
#define PORT_FILTER_H

#include <stddef.h>

#include "program.h"

/* For a packet socket that sees the link's header (SOCK_RAW); a VLAN tag that the card or the kernel took off counts as one. Of what
 * passes, length bytes are captured. ports NULL or count 0: 445 and 139. */
void port_filter(struct program *, const uint16_t *ports, size_t count, uint32_t length);

#endif
