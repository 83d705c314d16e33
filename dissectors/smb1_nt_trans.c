/* NT_TRANSACT, MS-CIFS 2.2.7 and MS-SMB 2.2.7. */
#include "smb1.h"
#include "smb1_trans.h"

enum {
    SUBCOMMANDS = NT_TRANSACT_CREATE2 + 1,
    NOTIFY_MIN = 12, /* FILE_NOTIFY_INFORMATION without a name, MS-FSCC 2.7.1 */
};

/* MS-CIFS 2.2.7.1.1: the name is aligned from the parameters on. */
static enum verdict create_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    struct cursor *c = &r->parameters;
    struct smb1_nt_create_request *n = &q->create;
    n->flags = cursor_le32(c);
    n->root_directory_fid = cursor_le32(c);
    n->desired_access = cursor_le32(c);
    n->allocation_size = cursor_le64(c);
    n->ext_file_attributes = cursor_le32(c);
    n->share_access = cursor_le32(c);
    n->create_disposition = cursor_le32(c);
    n->create_options = cursor_le32(c);
    n->security_descriptor_length = cursor_le32(c);
    n->ea_length = cursor_le32(c);
    uint32_t name_length = cursor_le32(c);
    n->impersonation_level = cursor_le32(c);
    n->security_flags = cursor_u8(c);
    if (r->parts->unicode && c->pos % 2 != 0 && cursor_left(c) > 0) {
        cursor_skip(c, 1);
    }
    size_t left = cursor_left(c);
    q->name = smb1_counted(c, name_length, r->parts->unicode);
    n->file_name = q->name;
    return cursor_ok(c) && name_length <= left ? V_OK : V_BAD;
}

static void take_fid(struct cursor *c, struct smb1_transaction_request *q) {
    q->fid = cursor_le16(c);
    q->has_fid = cursor_ok(c);
}

/* MS-CIFS 2.2.7.2.1: in the setup words; MS-SMB 2.2.7.2.1.1 */
static enum verdict ioctl_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->subject.function_code = cursor_le32(&r->setup);
    take_fid(&r->setup, q);
    q->ioctl.is_fsctl = cursor_u8(&r->setup) != 0;
    q->ioctl.is_flags = cursor_u8(&r->setup);
    if (q->subject.function_code == FSCTL_SRV_COPYCHUNK) {
        cursor_copy(&r->data, q->ioctl.source_key, sizeof q->ioctl.source_key);
        q->ioctl.copies = cursor_ok(&r->data);
    }
    return smb1_worse(smb1_verdict_of(&r->setup), smb1_verdict_of(&r->data));
}

/* MS-CIFS 2.2.7.3.1 and 2.2.7.6.1 */
static enum verdict security_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    take_fid(&r->parameters, q);
    cursor_skip(&r->parameters, 2);
    q->security.information = cursor_le32(&r->parameters);
    return smb1_verdict_of(&r->parameters);
}

/* MS-CIFS 2.2.7.4.1: in the setup words */
static enum verdict notify_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->notify.completion_filter = cursor_le32(&r->setup);
    take_fid(&r->setup, q);
    q->notify.watch_tree = cursor_u8(&r->setup) != 0;
    return smb1_verdict_of(&r->setup);
}

/* MS-CIFS 2.2.7.5 leaves it undefined; where it is sent, a FID, flags and the new name. */
static enum verdict rename_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    take_fid(&r->parameters, q);
    q->rename.flags = cursor_le16(&r->parameters);
    q->name = smb1_parameter_string(r);
    return smb1_verdict_of(&r->parameters);
}

/* MS-SMB 2.2.7.5.1 and 2.2.7.6.1 */
static enum verdict quota_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    take_fid(&r->parameters, q);
    return smb1_verdict_of(&r->parameters);
}

/* MS-CIFS 2.2.7.1.2, MS-SMB 2.2.7.1.2 */
static enum verdict create_answer(struct smb1_reading *r, struct smb1_transaction_response *a) {
    struct cursor *c = &r->parameters;
    struct smb1_nt_create_response *n = &a->create;
    n->op_lock_level = cursor_u8(c);
    n->extended = cursor_u8(c) != 0;
    n->fid = cursor_le16(c);
    n->create_action = cursor_le32(c);
    cursor_skip(c, 4); /* EAErrorOffset */
    n->times = smb1_take_times(c);
    n->ext_file_attributes = cursor_le32(c);
    n->allocation_size = cursor_le64(c);
    n->end_of_file = cursor_le64(c);
    n->resource_type = cursor_le16(c);
    n->nm_pipe_status = cursor_le16(c);
    n->directory = cursor_u8(c) != 0;
    a->has_details = cursor_ok(c);
    if (!n->extended) {
        return smb1_verdict_of(c);
    }
    cursor_copy(c, n->volume_guid.bytes, sizeof n->volume_guid.bytes);
    n->file_id = cursor_le64(c);
    n->maximal_access_rights = cursor_le32(c);
    n->guest_maximal_access_rights = cursor_le32(c);
    return smb1_verdict_of(c);
}

/* MS-CIFS 2.2.7.4.2: FILE_NOTIFY_INFORMATION along NextEntryOffset, MS-FSCC 2.7.1 */
static enum verdict notify_answer(struct smb1_reading *r, struct smb1_transaction_response *a) {
    struct cursor c = r->parameters;
    a->has_details = true;
    while (cursor_left(&c) >= NOTIFY_MIN) {
        uint32_t next = cursor_le32(&c);
        a->notify.entries++;
        if (next == 0) {
            return V_OK;
        }
        if (next < NOTIFY_MIN) {
            return V_BAD;
        }
        cursor_skip(&c, next - 4);
    }
    return V_BAD;
}

/* MS-CIFS 2.2.7.6.2, MS-SMB 2.2.7.5.2 */
static enum verdict length_answer(struct smb1_reading *r, struct smb1_transaction_response *a) {
    a->security.length = cursor_le32(&r->parameters);
    a->has_details = cursor_ok(&r->parameters);
    return smb1_verdict_of(&r->parameters);
}

/* MS-SMB 2.2.7.2.2.2 and 2.2.7.2.2.3; what other codes answer is the data. */
static enum verdict ioctl_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                 struct smb1_transaction_response *a) {
    switch (s->function_code) {
    case FSCTL_SRV_REQUEST_RESUME_KEY:
        cursor_copy(&r->data, a->ioctl.resume_key, sizeof a->ioctl.resume_key);
        break;
    case FSCTL_SRV_COPYCHUNK:
        cursor_skip(&r->data, 4 + 4); /* ChunksWritten, ChunkBytesWritten */
        a->ioctl.total_bytes_written = cursor_le32(&r->data);
        break;
    default:
        return V_OK;
    }
    a->has_details = cursor_ok(&r->data);
    return smb1_verdict_of(&r->data);
}

static const struct {
    smb1_asker *ask;
    enum verdict (*answer)(struct smb1_reading *, struct smb1_transaction_response *);
} subcommands[SUBCOMMANDS] = {
    [NT_TRANSACT_CREATE] = {create_ask, create_answer},
    [NT_TRANSACT_IOCTL] = {ioctl_ask, NULL},
    [NT_TRANSACT_SET_SECURITY_DESC] = {security_ask, NULL},
    [NT_TRANSACT_NOTIFY_CHANGE] = {notify_ask, notify_answer},
    [NT_TRANSACT_RENAME] = {rename_ask, NULL},
    [NT_TRANSACT_QUERY_SECURITY_DESC] = {security_ask, length_answer},
    [NT_TRANSACT_QUERY_QUOTA] = {quota_ask, length_answer},
    [NT_TRANSACT_SET_QUOTA] = {quota_ask, NULL},
    [NT_TRANSACT_CREATE2] = {create_ask, create_answer},
};

enum verdict smb1_nt_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    uint16_t s = q->subject.subcommand;
    return s < SUBCOMMANDS && subcommands[s].ask ? subcommands[s].ask(r, q) : V_OK;
}

enum verdict smb1_nt_answer(struct smb1_reading *r, const struct smb1_subject *s, struct smb1_transaction_response *a) {
    if (s->subcommand == NT_TRANSACT_IOCTL) {
        return ioctl_answer(r, s, a);
    }
    bool known = s->subcommand < SUBCOMMANDS && subcommands[s->subcommand].answer;
    return known ? subcommands[s->subcommand].answer(r, a) : V_OK;
}
