/* How far an SMB1 message reaches: the part of extent.h that knows SMB1. */
#ifndef EXTENT_SMB1_H
#define EXTENT_SMB1_H

#include "extent.h"

enum { EXTENT_CHAIN_MAX = 8 }; /* commands of a chain that are looked at; with more the message is looked at whole */

/* have begins with the protocol id of SMB1, and left holds the 32 bytes of its header. The rest as extent_of; the extent is set in
 * any case, and counts with EXTENT_KNOWN. */
enum extent_answer extent_of_smb1(struct view have, uint32_t left, uint32_t *need, struct extent *);

#endif
