/* The filter for a capture that is to hold all SMB and little else, as text of pcap-filter(7). It lets through what goes to
 * and from the ports of SMB servers, plain or behind VLAN tags; fragments, of which only the first has ports; IPv6 behind
 * extension headers; and everything in a tunnel that decode/ follows, since a filter cannot look inside. */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include <stddef.h>
#include <stdint.h>

enum { CAPTURE_FILTER_TAGS_MAX = 3 }; /* VLAN tags behind which ports are asked for; with more, everything passes */

/* For frames of a link type (DLT_*): only on Ethernet can libpcap look behind VLAN tags; elsewhere what is tagged passes.
 * ports NULL or count 0: 445 and 139. The caller frees it. NULL: no memory. */
char *capture_filter(int link_type, const uint16_t *ports, size_t count);

#endif
