/* Whole transactions: what they are about, and TRANSACTION: named pipes (MS-CIFS 2.2.5), mailslots (MS-MAIL 2.2.1) and RAP (MS-RAP
 * 2.5). */
#include "smb1_transaction.h"

#include "names.h"
#include "smb1.h"
#include "smb1_trans.h"

/* Does the text begin with these characters, whatever their case? prefix is in capitals. */
static bool begins(struct text t, const char *prefix) {
    size_t unit = t.encoding == ENC_UTF16LE ? 2 : 1;
    for (size_t i = 0; prefix[i]; i++) {
        if (t.bytes.n < (i + 1) * unit || (unit == 2 && t.bytes.p[2 * i + 1] != 0)) {
            return false;
        }
        uint8_t c = t.bytes.p[i * unit];
        uint8_t capital = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
        if (capital != (uint8_t)prefix[i]) {
            return false;
        }
    }
    return true;
}

struct text smb1_parameter_string(struct smb1_reading *r) {
    struct cursor *c = &r->parameters;
    if (r->parts->unicode && (r->parts->parameter_offset + c->pos) % 2 != 0 && cursor_left(c) > 0) {
        cursor_skip(c, 1);
    }
    return smb1_terminated(c, r->parts->unicode);
}

/* MS-CIFS 2.2.5.1 to 2.2.5.11: setup is the subcommand, and a FID or a priority. */
enum verdict smb1_pipe_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    uint16_t second = cursor_le16(&r->setup);
    q->name = r->parts->name;
    q->has_fid = q->subject.subcommand != TRANS_WAIT_NMPIPE && q->subject.subcommand != TRANS_CALL_NMPIPE;
    if (!cursor_ok(&r->setup)) {
        q->has_fid = false;
        return V_BAD;
    }
    if (q->has_fid) {
        q->fid = second;
    } else {
        q->pipe.priority = second;
    }
    if (q->subject.subcommand == TRANS_SET_NMPIPE_STATE) {
        q->pipe.pipe_state = cursor_le16(&r->parameters);
    } else if (q->subject.subcommand == TRANS_QUERY_NMPIPE_INFO) {
        q->subject.level = cursor_le16(&r->parameters);
    }
    return smb1_verdict_of(&r->parameters);
}

/* MS-MAIL 2.2.1 */
static enum verdict mailslot_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    q->name = r->parts->name;
    q->mailslot.priority = cursor_le16(&r->setup);
    q->mailslot.class = cursor_le16(&r->setup);
    return smb1_verdict_of(&r->setup);
}

/* MS-CIFS 2.2.5.4.2 */
static void pipe_info(struct smb1_reading *r, struct smb1_transaction_response *a) {
    a->pipe.output_buffer_size = cursor_le16(&r->data);
    a->pipe.input_buffer_size = cursor_le16(&r->data);
    a->pipe.maximum_instances = cursor_u8(&r->data);
    a->pipe.current_instances = cursor_u8(&r->data);
    cursor_skip(&r->data, 1); /* PipeNameLength; the name has an end */
    if (r->parts->unicode && cursor_left(&r->data) % 2 != 0) {
        cursor_skip(&r->data, 1);
    }
    a->pipe.name = smb1_terminated(&r->data, r->parts->unicode);
}

/* MS-CIFS 2.2.5.3.2, 2.2.5.4.2, 2.2.5.5.2, 2.2.5.7.2, 2.2.5.9.2; what the others answer is the data. */
enum verdict smb1_pipe_answer(struct smb1_reading *r, const struct smb1_subject *s,
                              struct smb1_transaction_response *a) {
    switch (s->subcommand) {
    case TRANS_QUERY_NMPIPE_STATE:
        a->pipe.status = cursor_le16(&r->parameters);
        break;
    case TRANS_QUERY_NMPIPE_INFO:
        pipe_info(r, a);
        break;
    case TRANS_PEEK_NMPIPE:
        a->pipe.available = cursor_le16(&r->parameters);
        a->pipe.message_bytes = cursor_le16(&r->parameters);
        a->pipe.status = cursor_le16(&r->parameters);
        break;
    case TRANS_WRITE_NMPIPE:
    case TRANS_RAW_WRITE_NMPIPE:
        a->pipe.bytes_written = cursor_le16(&r->parameters);
        break;
    default:
        return V_OK;
    }
    a->has_details = cursor_ok(&r->parameters) && cursor_ok(&r->data);
    return a->has_details ? V_OK : V_BAD;
}

/* MS-RAP 2.5.1. Where the first parameter is a level and a receive buffer ("WrLh...") it is told, and where it is a name, that too
 * ("zWrLh"): the two forms of all queries. */
enum verdict smb1_rap_ask(struct smb1_reading *r, struct smb1_transaction_request *q) {
    struct cursor *c = &r->parameters;
    q->rap.param_desc = smb1_terminated(c, false);
    q->rap.data_desc = smb1_terminated(c, false);
    struct cursor params = *c;
    q->rap.params = cursor_rest(c);
    struct view desc = q->rap.param_desc.bytes;
    if (desc.n > 0 && desc.p[0] == 'z') {
        q->name = smb1_terminated(&params, false);
        desc = view_from(desc, 1);
    }
    if (desc.n >= 3 && memcmp(desc.p, "WrL", 3) == 0) {
        q->subject.level = cursor_le16(&params);
        q->rap.receive_buffer_size = cursor_le16(&params);
    }
    return cursor_ok(c) && cursor_ok(&params) ? V_OK : V_BAD;
}

/* MS-RAP 2.5.2. The parameters of functions that list begin with two counts. */
enum verdict smb1_rap_answer(struct smb1_reading *r, const struct smb1_subject *s,
                             struct smb1_transaction_response *a) {
    (void)s;
    a->rap.win32_error = cursor_le16(&r->parameters);
    a->rap.converter = cursor_le16(&r->parameters);
    a->has_details = cursor_ok(&r->parameters);
    if (cursor_left(&r->parameters) >= 4) {
        a->rap.has_entries = true;
        a->rap.entries_returned = cursor_le16(&r->parameters);
        a->rap.entries_available = cursor_le16(&r->parameters);
    }
    return a->has_details ? V_OK : V_BAD;
}

/* Which kind, and the subcommand. TRANSACTION tells its kinds apart by the name; 2.2.2.2: a code means what its resource makes it mean. */
static void subject_find(struct smb1_reading *r, struct smb1_subject *s) {
    const struct smb1_parts *p = r->parts;
    struct cursor *from = &r->setup;
    if (p->command == SMB1_NT_TRANSACT) {
        s->kind = SMB1_SUBJECT_NT;
        s->subcommand = p->function;
        return;
    }
    if (p->command == SMB1_TRANSACTION2) {
        s->kind = SMB1_SUBJECT_TRANS2;
    } else if (begins(p->name, "\\MAILSLOT\\")) {
        s->kind = SMB1_SUBJECT_MAILSLOT;
    } else if (begins(p->name, "\\PIPE\\LANMAN") && p->setup.n == 0) {
        s->kind = SMB1_SUBJECT_RAP;
        from = &r->parameters;
    } else {
        s->kind = SMB1_SUBJECT_PIPE;
    }
    s->subcommand = cursor_le16(from);
    s->kind = cursor_ok(from) ? s->kind : SMB1_SUBJECT_UNKNOWN;
}

static struct smb1_reading reading_of(const struct smb1_parts *p) {
    return (struct smb1_reading){p, cursor_over(p->setup), cursor_over(p->parameters), cursor_over(p->data)};
}

static bool is_transaction(uint8_t command) {
    return command == SMB1_TRANSACTION || command == SMB1_TRANSACTION2 || command == SMB1_NT_TRANSACT;
}

enum verdict smb1_transaction_ask(const struct smb1_parts *p, struct smb1_transaction_request *out) {
    if (!is_transaction(p->command)) {
        return V_NOT_MINE;
    }
    static smb1_asker *const askers[] = {
        [SMB1_SUBJECT_PIPE] = smb1_pipe_ask, [SMB1_SUBJECT_MAILSLOT] = mailslot_ask,
        [SMB1_SUBJECT_RAP] = smb1_rap_ask,   [SMB1_SUBJECT_TRANS2] = smb1_trans2_ask,
        [SMB1_SUBJECT_NT] = smb1_nt_ask,
    };
    struct smb1_transaction_request q;
    memset(&q, 0, sizeof q);
    struct smb1_reading r = reading_of(p);
    subject_find(&r, &q.subject);
    q.data = p->data;
    enum verdict v = q.subject.kind == SMB1_SUBJECT_UNKNOWN ? V_BAD : askers[q.subject.kind](&r, &q);
    *out = q;
    return v;
}

enum verdict smb1_transaction_answer(const struct smb1_parts *p, const struct smb1_subject *s,
                                     struct smb1_transaction_response *out) {
    if (!is_transaction(p->command)) {
        return V_NOT_MINE;
    }
    static smb1_answerer *const answerers[] = {
        [SMB1_SUBJECT_PIPE] = smb1_pipe_answer, [SMB1_SUBJECT_MAILSLOT] = NULL,
        [SMB1_SUBJECT_RAP] = smb1_rap_answer,   [SMB1_SUBJECT_TRANS2] = smb1_trans2_answer,
        [SMB1_SUBJECT_NT] = smb1_nt_answer,
    };
    struct smb1_transaction_response a;
    memset(&a, 0, sizeof a);
    a.kind = s->kind;
    a.data = p->data;
    struct smb1_reading r = reading_of(p);
    enum verdict v = V_OK;
    if (answerers[s->kind] && (p->parameters.n > 0 || p->data.n > 0)) {
        v = answerers[s->kind](&r, s, &a);
    }
    *out = a;
    return v;
}

const char *smb1_subcommand_name(const struct smb1_subject *s) {
    static const struct name_table *const tables[] = {
        [SMB1_SUBJECT_PIPE] = &names_smb1_trans_subcommand,
        [SMB1_SUBJECT_RAP] = &names_rap_opcode,
        [SMB1_SUBJECT_TRANS2] = &names_smb1_trans2_subcommand,
        [SMB1_SUBJECT_NT] = &names_smb1_nt_subcommand,
    };
    if (s->kind == SMB1_SUBJECT_MAILSLOT) {
        return s->subcommand == 1 ? "TRANS_MAILSLOT_WRITE" : NULL;
    }
    return tables[s->kind] ? names_find(tables[s->kind], s->subcommand) : NULL;
}

const char *smb1_level_name(const struct smb1_subject *s) {
    static const struct name_table *const tables[] = {
        [TRANS2_FIND_FIRST2] = &names_smb1_find_level,
        [TRANS2_FIND_NEXT2] = &names_smb1_find_level,
        [TRANS2_QUERY_FS_INFORMATION] = &names_smb1_query_fs_level,
        [TRANS2_SET_FS_INFORMATION] = &names_smb1_set_fs_level,
        [TRANS2_QUERY_PATH_INFORMATION] = &names_smb1_query_level,
        [TRANS2_SET_PATH_INFORMATION] = &names_smb1_set_level,
        [TRANS2_QUERY_FILE_INFORMATION] = &names_smb1_query_level,
        [TRANS2_SET_FILE_INFORMATION] = &names_smb1_set_level,
    };
    if (s->kind != SMB1_SUBJECT_TRANS2 || s->subcommand >= sizeof tables / sizeof *tables || !tables[s->subcommand]) {
        return NULL;
    }
    if (s->level < SMB1_PASSTHROUGH) {
        return names_find(tables[s->subcommand], s->level);
    }
    bool fs = s->subcommand == TRANS2_QUERY_FS_INFORMATION || s->subcommand == TRANS2_SET_FS_INFORMATION;
    return names_find(fs ? &names_fs_info_class : &names_file_info_class, s->level - SMB1_PASSTHROUGH);
}
