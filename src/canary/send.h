/* Puts the canary's conversation on the wire, with libnet. */
#ifndef SEND_H
#define SEND_H

#include "canary/conversation.h"

/* False after one line on standard error. */
__attribute__((warn_unused_result)) bool send_conversation(const char *interface, const struct conversation *);

#endif
