/* The writes. */
#include "smb1.h"

enum { LARGE_WORDS = 14 /* WRITE_ANDX and WRITE_RAW with OffsetHigh */ };

/* WRITE and WRITE_AND_UNLOCK, MS-CIFS 2.2.4.12.1 and 2.2.4.21.1. What is to be written is said twice; the words decide. */
enum verdict smb1_write_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    uint32_t length;
    r->fid = cursor_le16(&b->words);
    r->data_length = cursor_le16(&b->words);
    r->offset = cursor_le32(&b->words);
    r->remaining = cursor_le16(&b->words);
    enum verdict v = smb1_counted_data(b, &r->data_offset, &length, &r->data);
    return v == V_OK && length != r->data_length ? V_BAD : v;
}

/* WRITE, WRITE_AND_UNLOCK, WRITE_COMPLETE, WRITE_AND_CLOSE: MS-CIFS 2.2.4.12.2, 2.2.4.21.2, 2.2.4.25.3, 2.2.4.40.2 */
enum verdict smb1_written_response(struct smb1_block *b, struct smb1_message *m) {
    m->write_response.count = cursor_le16(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.40.1: one byte of padding before the data. */
enum verdict smb1_write_and_close_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    r->fid = cursor_le16(&b->words);
    r->data_length = cursor_le16(&b->words);
    r->offset = cursor_le32(&b->words);
    r->last_write_time = cursor_le32(&b->words);
    r->data_offset = (uint32_t)b->bytes.pos + 1;
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}

/* MS-CIFS 2.2.4.43.1, MS-SMB 2.2.4.3.1 */
enum verdict smb1_write_andx_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    r->fid = cursor_le16(&b->words);
    r->offset = cursor_le32(&b->words);
    r->timeout = cursor_le32(&b->words);
    r->write_mode = cursor_le16(&b->words);
    r->remaining = cursor_le16(&b->words);
    uint32_t high = cursor_le16(&b->words);
    r->data_length = high << 16 | cursor_le16(&b->words);
    r->data_offset = cursor_le16(&b->words);
    if (b->word_count >= LARGE_WORDS) {
        r->offset |= (uint64_t)cursor_le32(&b->words) << 32;
    }
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}

/* MS-CIFS 2.2.4.43.2, MS-SMB 2.2.4.3.2 */
enum verdict smb1_write_andx_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_response *r = &m->write_response;
    r->count = cursor_le16(&b->words);
    r->available = cursor_le16(&b->words);
    r->count |= (uint32_t)cursor_le16(&b->words) << 16;
    return V_OK;
}

/* FID to WriteMode, as WRITE_RAW and WRITE_MPX have them. */
static void common(struct smb1_block *b, struct smb1_write_request *r) {
    r->fid = cursor_le16(&b->words);
    r->total_count = cursor_le16(&b->words);
    cursor_skip(&b->words, 2);
    r->offset = cursor_le32(&b->words);
    r->timeout = cursor_le32(&b->words);
    r->write_mode = cursor_le16(&b->words);
    r->request_mask = cursor_le32(&b->words);
    r->data_length = cursor_le16(&b->words);
    r->data_offset = cursor_le16(&b->words);
}

/* MS-CIFS 2.2.4.25.1 */
enum verdict smb1_write_raw_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    common(b, r);
    r->request_mask = 0; /* Reserved2 */
    if (b->word_count >= LARGE_WORDS) {
        r->offset |= (uint64_t)cursor_le32(&b->words) << 32;
    }
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}

/* MS-CIFS 2.2.4.25.2 */
enum verdict smb1_write_raw_response(struct smb1_block *b, struct smb1_message *m) {
    m->write_response.available = cursor_le16(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.26.1 */
enum verdict smb1_write_mpx_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    common(b, r);
    return smb1_data(b, r->data_offset, r->data_length, &r->data);
}

/* MS-CIFS 2.2.4.26.2 */
enum verdict smb1_write_mpx_response(struct smb1_block *b, struct smb1_message *m) {
    m->write_response.response_mask = cursor_le32(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.68.1 */
enum verdict smb1_write_print_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_write_request *r = &m->write_request;
    r->fid = cursor_le16(&b->words);
    return smb1_counted_data(b, &r->data_offset, &r->data_length, &r->data);
}
