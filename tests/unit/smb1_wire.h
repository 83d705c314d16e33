/* SMB1 messages in the tests: putting one together, having it dissected, and having every truncation of it dissected. */
#ifndef SMB1_WIRE_H
#define SMB1_WIRE_H

#include "octets.h"
#include "pdu.h"

/* What every header of smb1_request and smb1_response says. */
enum {
    TEST_TID = 0x0A0B,
    TEST_PID = 0x01020304,
    TEST_UID = 0x0C0D,
    TEST_MID = 0x0E0F,
    TEST_FID = 0x4007,
    TEST_OEM = SMB_FLAGS2_NT_STATUS,
    TEST_UNICODE = SMB_FLAGS2_NT_STATUS | SMB_FLAGS2_UNICODE,
};

/* Empties o and puts the 32 bytes of a header, MS-CIFS 2.2.3.1. */
void smb1_request(struct octets *, uint8_t command, uint16_t flags2);
void smb1_response(struct octets *, uint8_t command, uint16_t flags2, uint32_t status);

/* The AndX words of a command that nothing follows. */
void put_andx_end(struct octets *);
/* ByteCount; gives what close_bytes wants, which sets it. */
size_t open_bytes(struct octets *);
void close_bytes(struct octets *, size_t at);
/* An SMB_STRING with its NUL, aligned where it is Unicode. */
void put_string(struct octets *, uint16_t flags2, const char *ascii);
/* The same behind a BufferFormat of 4. */
void put_path(struct octets *, uint16_t flags2, const char *ascii);
/* ASCII and its NUL. */
void put_oem(struct octets *, const char *ascii);

enum { OUTCOME_PDUS = 72 };

struct smb1_outcome {
    enum verdict verdict;
    unsigned count, others;
    struct pdu
        pdus[OUTCOME_PDUS]; /* of SMB1; they point into the message and into an arena that the next call empties */
};

/* Dissects the message in the direction that its header says. wire_length 0: that of the message. */
const struct smb1_outcome *dissect_smb1(struct view message, uint32_t wire_length);
const struct smb1_outcome *dissect_smb1_towards(struct view message, uint32_t wire_length, enum direction);
/* Dissects it, asserts that it is one command with this verdict, and gives it. */
struct smb1_message smb1_as(const struct octets *, enum verdict);
struct smb1_message smb1_good(const struct octets *);

/* Dissects all beginnings of a good message, each in memory of just that size, once as the rest of a message that was cut, once as
 * one that was never longer. Asserts: V_OK with the first `needed` bytes and more, not with fewer; V_SHORT where it was cut; a pdu
 * once the header is there, none before. */
void smb1_truncate_all(const struct octets *, size_t needed);
/* smb1_good and smb1_truncate_all, where all bytes are needed. */
struct smb1_message smb1_whole(const struct octets *);

bool text_says(struct text, enum encoding, const char *ascii);
/* By the encoding that a string has under these Flags2. */
bool smb1_says(struct text, uint16_t flags2, const char *ascii);

#endif
