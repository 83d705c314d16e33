/* The messages of the canary's conversation, in SMB 2.1, the last dialect that needs neither contexts nor signatures. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "canary/conversation.h"
#include "canary/octets.h"
#include "direction.h"

enum { MESSAGES_EXCHANGES = 5 }; /* NEGOTIATE, SESSION_SETUP, TREE_CONNECT, TREE_DISCONNECT, LOGOFF */

/* The request or the response of an exchange, behind the header of the transport (MS-SMB2 2.1). */
void messages_write(struct octets *, const struct conversation *, unsigned exchange, enum direction);

#endif
