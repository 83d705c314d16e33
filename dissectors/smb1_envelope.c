/* The envelopes of transactions, MS-CIFS 2.2.4.33, 2.2.4.34, 2.2.4.46, 2.2.4.47, 2.2.4.62, 2.2.4.63; and IOCTL, 2.2.4.35. What is
 * in them is for smb1_transaction.h once it is whole. */
#include "smb1.h"

/* The two parts; of a lying offset the other part stands. Neither is larger than the whole (2.2.4.33.1). */
static enum verdict take_parts(struct smb1_block *b, struct smb1_transaction *t) {
    bool fits = t->parameter_count <= t->total_parameter_count && t->data_count <= t->total_data_count;
    enum verdict v = smb1_part(b, t->parameter_offset, t->parameter_count, &t->parameters);
    v = smb1_worse(v, smb1_part(b, t->data_offset, t->data_count, &t->data));
    return smb1_worse(v, fits ? V_OK : V_BAD);
}

/* Setup words, which must be there. */
static enum verdict take_setup(struct smb1_block *b, uint8_t count, struct view *setup) {
    size_t left = cursor_left(&b->words);
    *setup = cursor_take(&b->words, 2U * count < left ? 2U * count : left);
    return 2U * count <= left ? V_OK : V_BAD;
}

/* 2.2.4.33.1 and 2.2.4.46.1. TRANSACTION2 has a Name too, but only by a byte that is never used. */
enum verdict smb1_transaction_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->total_parameter_count = cursor_le16(&b->words);
    t->total_data_count = cursor_le16(&b->words);
    t->max_parameter_count = cursor_le16(&b->words);
    t->max_data_count = cursor_le16(&b->words);
    t->max_setup_count = cursor_u8(&b->words);
    cursor_skip(&b->words, 1);
    t->flags = cursor_le16(&b->words);
    t->timeout = cursor_le32(&b->words);
    cursor_skip(&b->words, 2);
    t->parameter_count = cursor_le16(&b->words);
    t->parameter_offset = cursor_le16(&b->words);
    t->data_count = cursor_le16(&b->words);
    t->data_offset = cursor_le16(&b->words);
    uint8_t setup_count = cursor_u8(&b->words);
    cursor_skip(&b->words, 1);
    enum verdict v = take_setup(b, setup_count, &t->setup);
    if (b->command == SMB1_TRANSACTION) {
        v = smb1_worse(v, smb1_take_string(b, &t->name));
    }
    return smb1_worse(v, take_parts(b, t));
}

/* Counts, offsets and displacements in the order of 2.2.4.33.2 and 2.2.4.34.1. */
static void take_counts(struct cursor *c, struct smb1_transaction *t) {
    t->parameter_count = cursor_le16(c);
    t->parameter_offset = cursor_le16(c);
    t->parameter_displacement = cursor_le16(c);
    t->data_count = cursor_le16(c);
    t->data_offset = cursor_le16(c);
    t->data_displacement = cursor_le16(c);
}

/* 2.2.4.33.2 and 2.2.4.46.2 */
enum verdict smb1_transaction_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->interim = b->word_count == 0;
    if (t->interim) {
        return V_OK;
    }
    t->total_parameter_count = cursor_le16(&b->words);
    t->total_data_count = cursor_le16(&b->words);
    cursor_skip(&b->words, 2);
    take_counts(&b->words, t);
    uint8_t setup_count = cursor_u8(&b->words);
    cursor_skip(&b->words, 1);
    enum verdict v = take_setup(b, setup_count, &t->setup);
    return smb1_worse(v, take_parts(b, t));
}

/* 2.2.4.34.1, and 2.2.4.47.1 with a FID behind it */
enum verdict smb1_secondary_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->secondary = true;
    t->total_parameter_count = cursor_le16(&b->words);
    t->total_data_count = cursor_le16(&b->words);
    take_counts(&b->words, t);
    t->fid = b->command == SMB1_TRANSACTION2_SECONDARY ? cursor_le16(&b->words) : 0;
    return take_parts(b, t);
}

/* 2.2.4.62.1 */
enum verdict smb1_nt_transact_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->max_setup_count = cursor_u8(&b->words);
    cursor_skip(&b->words, 2);
    t->total_parameter_count = cursor_le32(&b->words);
    t->total_data_count = cursor_le32(&b->words);
    t->max_parameter_count = cursor_le32(&b->words);
    t->max_data_count = cursor_le32(&b->words);
    t->parameter_count = cursor_le32(&b->words);
    t->parameter_offset = cursor_le32(&b->words);
    t->data_count = cursor_le32(&b->words);
    t->data_offset = cursor_le32(&b->words);
    uint8_t setup_count = cursor_u8(&b->words);
    t->function = cursor_le16(&b->words);
    enum verdict v = take_setup(b, setup_count, &t->setup);
    return smb1_worse(v, take_parts(b, t));
}

/* Reserved1 to DataDisplacement, the same in 2.2.4.62.2 and 2.2.4.63.1. */
static void take_nt_counts(struct cursor *c, struct smb1_transaction *t) {
    cursor_skip(c, 3);
    t->total_parameter_count = cursor_le32(c);
    t->total_data_count = cursor_le32(c);
    t->parameter_count = cursor_le32(c);
    t->parameter_offset = cursor_le32(c);
    t->parameter_displacement = cursor_le32(c);
    t->data_count = cursor_le32(c);
    t->data_offset = cursor_le32(c);
    t->data_displacement = cursor_le32(c);
}

/* 2.2.4.62.2 */
enum verdict smb1_nt_transact_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->interim = b->word_count == 0;
    if (t->interim) {
        return V_OK;
    }
    take_nt_counts(&b->words, t);
    uint8_t setup_count = cursor_u8(&b->words);
    enum verdict v = take_setup(b, setup_count, &t->setup);
    return smb1_worse(v, take_parts(b, t));
}

/* 2.2.4.63.1 */
enum verdict smb1_nt_secondary_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction *t = &m->transaction;
    t->secondary = true;
    take_nt_counts(&b->words, t);
    return take_parts(b, t);
}

/* 2.2.4.35.1: offsets that are 0 leave it to the order of the parts, which is then not known for sure. */
enum verdict smb1_ioctl_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_ioctl *r = &m->ioctl;
    r->fid = cursor_le16(&b->words);
    r->category = cursor_le16(&b->words);
    r->function = cursor_le16(&b->words);
    cursor_skip(&b->words, 2 + 2 + 2 + 2 + 4 + 2); /* totals, maxima, Timeout, Reserved */
    uint16_t parameter_count = cursor_le16(&b->words);
    uint16_t parameter_offset = cursor_le16(&b->words);
    uint16_t data_count = cursor_le16(&b->words);
    uint16_t data_offset = cursor_le16(&b->words);
    enum verdict v = smb1_part(b, parameter_offset, parameter_offset ? parameter_count : 0, &r->parameters);
    return smb1_worse(v, smb1_part(b, data_offset, data_offset ? data_count : 0, &r->data));
}

/* 2.2.4.35.2 */
enum verdict smb1_ioctl_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_transaction t = {.total_parameter_count = UINT16_MAX, .total_data_count = UINT16_MAX}; /* all in one */
    cursor_skip(&b->words, 2 + 2);
    take_counts(&b->words, &t);
    enum verdict v = take_parts(b, &t);
    m->ioctl.parameters = t.parameters;
    m->ioctl.data = t.data;
    return v;
}
