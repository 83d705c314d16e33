/* The reads. */
#include "smb1.h"

enum {
    READ_ANDX_LARGE_WORDS = 12, /* with OffsetHigh */
    READ_RAW_LARGE_WORDS = 10,
    NO_TIMEOUT_HIGH = 0xFFFF0000, /* such values of Timeout_or_MaxCountHigh are no count, MS-SMB 2.2.4.2.1 */
};

/* READ and LOCK_AND_READ, MS-CIFS 2.2.4.11.1 and 2.2.4.20.1 */
enum verdict smb1_read_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_request *r = &m->read_request;
    r->fid = cursor_le16(&b->words);
    r->max_count = cursor_le16(&b->words);
    r->offset = cursor_le32(&b->words);
    r->remaining = cursor_le16(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.11.2 and 2.2.4.20.2 */
enum verdict smb1_read_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_response *r = &m->read_response;
    enum verdict v = smb1_counted_data(b, &r->data_offset, &r->data_length, &r->data);
    if (v != V_OK) { /* what the words say stands */
        r->data_length = cursor_le16(&b->words);
    }
    return v;
}

/* FID to Timeout, as READ_RAW, READ_MPX and READ_ANDX have them. */
static void common(struct smb1_block *b, struct smb1_read_request *r) {
    r->fid = cursor_le16(&b->words);
    r->offset = cursor_le32(&b->words);
    r->max_count = cursor_le16(&b->words);
    r->min_count = cursor_le16(&b->words);
    r->timeout = cursor_le32(&b->words);
    r->remaining = cursor_le16(&b->words);
}

/* READ_RAW and READ_MPX, MS-CIFS 2.2.4.22.1 and 2.2.4.23.1 */
enum verdict smb1_read_raw_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_request *r = &m->read_request;
    common(b, r);
    if (b->word_count >= READ_RAW_LARGE_WORDS) {
        r->offset |= (uint64_t)cursor_le32(&b->words) << 32;
    }
    return V_OK;
}

/* MS-CIFS 2.2.4.42.1, MS-SMB 2.2.4.2.1 */
enum verdict smb1_read_andx_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_request *r = &m->read_request;
    common(b, r);
    if ((r->timeout & NO_TIMEOUT_HIGH) == 0) {
        r->max_count |= r->timeout << 16;
    }
    if (b->word_count >= READ_ANDX_LARGE_WORDS) {
        r->offset |= (uint64_t)cursor_le32(&b->words) << 32;
    }
    return V_OK;
}

/* MS-CIFS 2.2.4.42.2, MS-SMB 2.2.4.2.2 */
enum verdict smb1_read_andx_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_response *r = &m->read_response;
    r->available = cursor_le16(&b->words);
    cursor_skip(&b->words, 2 + 2); /* DataCompactionMode, Reserved1 */
    r->data_length = cursor_le16(&b->words);
    r->data_offset = cursor_le16(&b->words);
    r->data_length |= (uint32_t)cursor_le16(&b->words) << 16;
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}

/* MS-CIFS 2.2.4.23.2 */
enum verdict smb1_read_mpx_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_read_response *r = &m->read_response;
    r->offset = cursor_le32(&b->words);
    r->count = cursor_le16(&b->words);
    r->available = cursor_le16(&b->words);
    cursor_skip(&b->words, 2 + 2); /* DataCompactionMode, Reserved */
    r->data_length = cursor_le16(&b->words);
    r->data_offset = cursor_le16(&b->words);
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}
