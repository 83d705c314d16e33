/* The link layers of tables/link_type.def, each from the frame's first byte on. */
#ifndef LINK_H
#define LINK_H

#include "layers.h"

enum verdict link_ethernet(struct layers *);
enum verdict link_sll(struct layers *);
enum verdict link_sll2(struct layers *);
enum verdict link_ipv4(struct layers *);
enum verdict link_ipv6(struct layers *);
enum verdict link_raw(struct layers *);
enum verdict link_null(struct layers *); /* also the loop device's */

#endif
