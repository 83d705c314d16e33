/* TRANSACTION2, MS-CIFS 2.2.6 and MS-SMB 2.2.6. */
#include "smb1.h"
#include "smb1_trans.h"

enum { SUBCOMMANDS = TRANS2_REPORT_DFS_INCONSISTENCY + 1 };

/* 2.2.6.1.1 */
static enum verdict open2_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    struct cursor *c = &r->parameters;
    q->open.flags = cursor_le16(c);
    q->open.access_mode = cursor_le16(c);
    cursor_skip(c, 2);
    q->open.file_attributes = cursor_le16(c);
    q->open.creation_time = cursor_le32(c);
    q->open.open_mode = cursor_le16(c);
    q->open.allocation_size = cursor_le32(c);
    cursor_skip(c, 10);
    q->name = smb1_parameter_string(r);
    q->open.file_name = q->name;
    return smb1_verdict_of(c);
}

/* 2.2.6.2.1 */
static enum verdict find_first_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    struct cursor *c = &r->parameters;
    q->find.search_attributes = cursor_le16(c);
    q->find.search_count = cursor_le16(c);
    q->subject.flags = cursor_le16(c);
    q->subject.level = cursor_le16(c);
    cursor_skip(c, 4);
    q->name = smb1_parameter_string(r);
    return smb1_verdict_of(c);
}

/* 2.2.6.3.1 */
static enum verdict find_next_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    struct cursor *c = &r->parameters;
    q->find.sid = cursor_le16(c);
    q->find.search_count = cursor_le16(c);
    q->subject.level = cursor_le16(c);
    q->find.resume_key = cursor_le32(c);
    q->subject.flags = cursor_le16(c);
    q->name = smb1_parameter_string(r);
    return smb1_verdict_of(c);
}

/* 2.2.6.4.1 */
static enum verdict query_fs_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->subject.level = cursor_le16(&r->parameters);
    return smb1_verdict_of(&r->parameters);
}

static void take_fid(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->fid = cursor_le16(&r->parameters);
    q->has_fid = cursor_ok(&r->parameters);
}

/* 2.2.6.8.1, and MS-SMB 2.2.6.4.1 */
static enum verdict by_fid_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    take_fid(r, q);
    q->subject.level = cursor_le16(&r->parameters);
    return smb1_verdict_of(&r->parameters);
}

/* 2.2.6.6.1 */
static enum verdict by_path_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->subject.level = cursor_le16(&r->parameters);
    cursor_skip(&r->parameters, 4);
    q->name = smb1_parameter_string(r);
    return smb1_verdict_of(&r->parameters);
}

/* 2.2.6.7.1 */
static enum verdict set_path_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    enum verdict v = by_path_ask(r, q);
    enum verdict of_data = smb1_level_change(&r->data, r->parts->unicode, q->subject.level, &q->change);
    return smb1_worse(v, of_data);
}

/* 2.2.6.9.1 */
static enum verdict set_file_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    enum verdict v = by_fid_ask(r, q);
    enum verdict of_data = smb1_level_change(&r->data, r->parts->unicode, q->subject.level, &q->change);
    return smb1_worse(v, of_data);
}

/* 2.2.6.14.1 */
static enum verdict create_directory_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    cursor_skip(&r->parameters, 4);
    q->name = smb1_parameter_string(r);
    return smb1_verdict_of(&r->parameters);
}

/* MS-DFSC 2.2.2 has it in Unicode always; a client that does not set SMB_FLAGS2_UNICODE, as Samba's, sends OEM characters. A path begins
 * with a backslash, whose second byte tells the two apart. */
static bool dfs_in_unicode(const struct smb1_reading *r) {
    struct view v = view_from(r->parameters.in, r->parameters.pos);
    return r->parts->unicode || (v.n >= 2 && v.p[1] == 0);
}

/* 2.2.6.16.1 */
static enum verdict dfs_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->dfs.max_referral_level = cursor_le16(&r->parameters);
    q->name = smb1_terminated(&r->parameters, dfs_in_unicode(r));
    return smb1_verdict_of(&r->parameters);
}

/* 2.2.6.1.2 */
static enum verdict open2_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                 struct smb1_transaction_response *a) {
    (void)s;
    struct cursor *c = &r->parameters;
    struct smb1_open_response *o = &a->open.response;
    o->fid = cursor_le16(c);
    o->file_attributes = cursor_le16(c);
    cursor_skip(c, 4); /* CreationTime */
    o->file_data_size = cursor_le32(c);
    o->access_rights = cursor_le16(c);
    o->resource_type = cursor_le16(c);
    o->nm_pipe_status = cursor_le16(c);
    o->open_results = cursor_le16(c);
    cursor_skip(c, 4 + 2);
    a->open.ea_length = cursor_le32(c);
    a->has_details = cursor_ok(c);
    return smb1_verdict_of(c);
}

/* 2.2.6.2.2 and 2.2.6.3.2 */
static enum verdict find_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                struct smb1_transaction_response *a) {
    a->find.sid = s->subcommand == TRANS2_FIND_FIRST2 ? cursor_le16(&r->parameters) : 0;
    a->find.search_count = cursor_le16(&r->parameters);
    a->find.end_of_search = cursor_le16(&r->parameters) != 0;
    a->has_details = cursor_ok(&r->parameters);
    if (!a->has_details) {
        return V_BAD;
    }
    return smb1_level_entries(r->parts->data, s, a->find.search_count, &a->find.entries);
}

/* 2.2.6.4.2 */
static enum verdict query_fs_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                    struct smb1_transaction_response *a) {
    return smb1_level_file_system(r, s->level, a);
}

/* 2.2.6.6.2 and 2.2.6.8.2 */
static enum verdict query_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                 struct smb1_transaction_response *a) {
    return smb1_level_file(r, s->level, a);
}

/* Of what is set, only a POSIX open is answered with more than the offset of an attribute. */
static enum verdict set_answer(struct smb1_reading *r, const struct smb1_subject *s,
                               struct smb1_transaction_response *a) {
    if (s->level != SET_LEVEL_SMB_POSIX_PATH_OPEN) {
        return V_OK;
    }
    a->posix_open.oplock_flags = cursor_le16(&r->data);
    a->posix_open.fid = cursor_le16(&r->data);
    a->posix_open.create_action = cursor_le32(&r->data);
    a->has_details = cursor_ok(&r->data);
    return smb1_verdict_of(&r->data);
}

/* 2.2.6.16.2, MS-DFSC 2.2.4 */
static enum verdict dfs_answer(struct smb1_reading *r, const struct smb1_subject *s,
                               struct smb1_transaction_response *a) {
    (void)s;
    a->dfs.path_consumed = cursor_le16(&r->data);
    a->dfs.referrals = cursor_le16(&r->data);
    a->has_details = cursor_ok(&r->data);
    return smb1_verdict_of(&r->data);
}

static const struct {
    smb1_asker *ask;
    smb1_answerer *answer;
} subcommands[SUBCOMMANDS] = {
    [TRANS2_OPEN2] = {open2_ask, open2_answer},
    [TRANS2_FIND_FIRST2] = {find_first_ask, find_answer},
    [TRANS2_FIND_NEXT2] = {find_next_ask, find_answer},
    [TRANS2_QUERY_FS_INFORMATION] = {query_fs_ask, query_fs_answer},
    [TRANS2_SET_FS_INFORMATION] = {by_fid_ask, NULL},
    [TRANS2_QUERY_PATH_INFORMATION] = {by_path_ask, query_answer},
    [TRANS2_SET_PATH_INFORMATION] = {set_path_ask, set_answer},
    [TRANS2_QUERY_FILE_INFORMATION] = {by_fid_ask, query_answer},
    [TRANS2_SET_FILE_INFORMATION] = {set_file_ask, set_answer},
    [TRANS2_CREATE_DIRECTORY] = {create_directory_ask, NULL},
    [TRANS2_GET_DFS_REFERRAL] = {dfs_ask, dfs_answer},
};

/* The rest is reserved and has no layout: its parts are all there is to say. */
enum verdict smb1_trans2_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    uint16_t s = q->subject.subcommand;
    return s < SUBCOMMANDS && subcommands[s].ask ? subcommands[s].ask(r, q) : V_OK;
}

enum verdict smb1_trans2_answer(struct smb1_reading *r, const struct smb1_subject *s,
                                struct smb1_transaction_response *a) {
    bool known = s->subcommand < SUBCOMMANDS && subcommands[s->subcommand].answer;
    return known ? subcommands[s->subcommand].answer(r, s, a) : V_OK;
}
