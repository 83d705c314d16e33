/* SMB1 messages, MS-CIFS 2.2: the NEGOTIATE by which a client offers SMB2 together with the old dialects. */
#ifndef PDU_SMB1_H
#define PDU_SMB1_H

#include <stdbool.h>
#include <stdint.h>

#include "constants.h" /* SMB1_NEGOTIATE */
#include "view.h"

enum { SMB1_HEADER_SIZE = 32 };

enum { SMB1_FLAGS_REPLY = 0x80, SMB1_FLAGS2_NT_STATUS = 0x4000 };

/* MS-CIFS 2.2.3.1 */
struct smb1_header {
    uint8_t command;
    uint32_t status;
    uint8_t flags;
    uint16_t flags2;
    uint32_t process_id; /* PIDHigh and PIDLow */
    uint16_t tree_id, user_id, message_id;
};

struct text_list {
    const struct text *items;
    unsigned count;
};

struct smb1_message {
    struct smb1_header header;
    bool response;
    /* NEGOTIATE */
    struct text_list dialects; /* request, MS-CIFS 2.2.4.52.1: in the order offered */
    bool has_dialect_index;
    uint16_t dialect_index; /* response, 2.2.4.52.2: 0xFFFF where none was accepted */
};

#endif
