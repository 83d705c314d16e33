/* SMB2 messages in the tests: putting one together, having it dissected, and having every truncation of it
 * dissected. */
#ifndef TRUNCATE_H
#define TRUNCATE_H

#include "octets.h"
#include "pdu.h"

/* What every header of smb2_request and smb2_response says. */
enum {
    TEST_CREDIT_CHARGE = 1,
    TEST_CREDITS = 33,
    TEST_TREE_ID = 0x0D0C0B0A,
};
#define TEST_MESSAGE_ID UINT64_C(0x0123456789ABCDEF)
#define TEST_SESSION_ID UINT64_C(0x0000040000000051)
#define TEST_FILE_ID ((struct file_id){UINT64_C(0x1112131415161718), UINT64_C(0x2122232425262728)})

/* Empties o and puts the 64 bytes of an SMB2 header, MS-SMB2 2.2.1.2. */
void smb2_request(struct octets *, uint16_t command);
void smb2_response(struct octets *, uint16_t command, uint32_t status);
/* TEST_FILE_ID */
void put_file_id(struct octets *);

struct outcome {
    enum verdict verdict;
    unsigned smb2, others; /* pdus delivered; others came before */
    struct pdu pdu; /* the last one of SMB2; points into the message and into an arena that the next call empties */
};

/* Dissects the message in the direction that its header says. wire_length 0: that of the message. */
struct outcome dissect_smb2(struct view message, uint32_t wire_length);
/* Dissects it and asserts that it is good; gives its pdu. */
struct smb2_message dissect_good(const struct octets *);
/* Dissects it and asserts this verdict; gives its pdu. */
struct smb2_message dissect_as(const struct octets *, enum verdict);

/* Dissects all beginnings of a good message, from nothing to the whole, each in memory of just that size, once as
 * the rest of a message that was cut, once as a message that was never longer; and the whole in arenas of all sizes.
 * Asserts: V_OK with the first `needed` bytes and more, not with fewer; V_SHORT where it was cut; V_LIMIT where the
 * arena was too small; one pdu once the header is there, none before, and the header as it is in the whole. */
void truncate_all(const struct octets *, size_t needed);

bool text_is(struct text, const char *ascii);
bool view_is_series(struct view, uint8_t first, size_t n);

#endif
