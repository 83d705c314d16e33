/* QUERY_INFORMATION, SET_INFORMATION, both again by FID, and QUERY_INFORMATION_DISK. */
#include "smb1.h"

/* MS-CIFS 2.2.4.9.2 */
enum verdict smb1_query_information_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_query_information_response *r = &m->query_information_response;
    r->file_attributes = cursor_le16(&b->words);
    r->last_write_time = cursor_le32(&b->words);
    r->file_size = cursor_le32(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.10.1 */
enum verdict smb1_set_information_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_set_information_request *r = &m->set_information_request;
    r->file_attributes = cursor_le16(&b->words);
    r->last_write_time = cursor_le32(&b->words);
    return smb1_take_path(b, &r->file_name);
}

/* MS-CIFS 2.2.4.30.1 */
enum verdict smb1_set_information2_request(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_set_information_request *r = &m->set_information_request;
    r->fid = cursor_le16(&b->words);
    r->create = smb1_take_dos_time(&b->words);
    r->last_access = smb1_take_dos_time(&b->words);
    r->last_write = smb1_take_dos_time(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.31.2 */
enum verdict smb1_query_information2_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_query_information_response *r = &m->query_information_response;
    r->create = smb1_take_dos_time(&b->words);
    r->last_access = smb1_take_dos_time(&b->words);
    r->last_write = smb1_take_dos_time(&b->words);
    r->file_size = cursor_le32(&b->words);
    r->file_allocation_size = cursor_le32(&b->words);
    r->file_attributes = cursor_le16(&b->words);
    return V_OK;
}

/* MS-CIFS 2.2.4.57.2 */
enum verdict smb1_query_information_disk_response(struct smb1_block *b, struct smb1_message *m) {
    struct smb1_query_information_disk_response *r = &m->query_information_disk_response;
    r->total_units = cursor_le16(&b->words);
    r->blocks_per_unit = cursor_le16(&b->words);
    r->block_size = cursor_le16(&b->words);
    r->free_units = cursor_le16(&b->words);
    return V_OK;
}
