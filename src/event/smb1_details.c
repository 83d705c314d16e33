/* The facts of each SMB1 command: of the request what was asked, of the successful response what was done. */
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "event/maker.h"

static const struct smb1_message *request_of(const struct operation *op) {
    return op->smb1_request && !op->smb1_request->empty ? op->smb1_request : NULL;
}

/* The response with its body; NULL where it is an error. */
static const struct smb1_message *answer_of(const struct operation *op) {
    const struct smb1_message *r = op->smb1_response;
    return r && !op->failed && !r->is_error && !r->empty ? r : NULL;
}

/* ---- status */

static const char *dos_error_name(const struct smb1_header *h) {
    static const struct name_table *const tables[] = {NULL, &names_dos_error_dos, &names_dos_error_srv,
                                                      &names_dos_error_hrd};
    bool known = h->error_class > 0 && h->error_class < sizeof tables / sizeof tables[0];
    return known ? names_find(tables[h->error_class], h->error_code) : NULL;
}

static struct text literal(const char *s) {
    return (struct text){{(const uint8_t *)s, strlen(s)}, ENC_UTF8};
}

/* ERRDOS/ERRbadfile; what has no name in hex. */
static void dos_error(struct event_maker *m, const struct smb1_header *h) {
    const char *class = names_find(&names_dos_error_class, h->error_class), *code = dos_error_name(h);
    struct text *parts = maker_texts(m, 3);
    if (!parts) {
        return;
    }
    snprintf(m->unnamed, sizeof m->unnamed, "0x%02x", (unsigned)h->error_class);
    snprintf(m->unnamed + 8, sizeof m->unnamed - 8, "0x%04x", (unsigned)h->error_code);
    parts[0] = literal(class ? class : m->unnamed);
    parts[1] = literal("/");
    parts[2] = literal(code ? code : m->unnamed + 8);
    event_joined(&m->event, FIELD_STATUS, parts, 3);
}

void maker_smb1_status(struct event_maker *m, const struct smb1_header *h) {
    if (!h->nt_status && h->status != 0) {
        dos_error(m, h);
        return;
    }
    event_named(&m->event, FIELD_STATUS, h->status, &names_ntstatus, 8);
    event_uint(&m->event, FIELD_STATUS_CODE, h->status);
}

void maker_smb1_command(struct event_maker *m, uint8_t command) {
    const char *name = names_find(&names_smb1_command, command);
    snprintf(m->unnamed_command, sizeof m->unnamed_command, "SMB1_0x%02x", (unsigned)command);
    if (name) {
        event_name(&m->event, FIELD_COMMAND, name);
    } else {
        event_text(&m->event, FIELD_COMMAND, literal(m->unnamed_command));
    }
}

/* ---- times, which DOS keeps in seconds */

/* UTIME, MS-CIFS 2.2.1.4.3; 0 and -1 leave a time as it is. */
static void utime(struct event *e, enum field field, uint32_t seconds) {
    if (seconds != 0 && seconds != UINT32_MAX) {
        event_time(e, field, seconds * UINT64_C(1000000000));
    }
}

/* SMB_DATE and SMB_TIME, MS-CIFS 2.2.1.4.1 and 2.2.1.4.2, in a zone that is so many minutes behind UTC. */
static void dos_time(struct event *e, enum field field, struct smb1_dos_time t, int minutes) {
    unsigned year = 1980 + (t.date >> 9), month = t.date >> 5 & 0xF, day = t.date & 0x1F;
    if (month < 1 || month > 12 || day < 1) {
        return;
    }
    uint64_t seconds = calendar_days(year, month, day) * 86400 + (t.time >> 11) * UINT64_C(3600) +
                       (t.time >> 5 & 0x3F) * UINT64_C(60) + (t.time & 0x1F) * UINT64_C(2);
    event_time(e, field, (uint64_t)((int64_t)seconds + minutes * 60) * UINT64_C(1000000000));
}

/* ---- NEGOTIATE, sessions and trees */

static void negotiated(struct event *e, const struct smb1_negotiate_response *r) {
    uint16_t mode = r->security_mode;
    uint32_t signing = (mode & NEGOTIATE_SECURITY_SIGNATURES_ENABLED ? SMB2_NEGOTIATE_SIGNING_ENABLED : 0u) |
                       (mode & NEGOTIATE_SECURITY_SIGNATURES_REQUIRED ? SMB2_NEGOTIATE_SIGNING_REQUIRED : 0u);
    event_bits(e, FIELD_SECURITY_MODE_SERVER, r->nt_lan_manager ? signing : 0, &names_security_mode);
    if (r->nt_lan_manager) {
        event_bits(e, FIELD_CAPABILITIES_SERVER, r->capabilities, &names_smb1_capability);
        event_filetime(e, FIELD_SERVER_TIME, r->system_time);
    } else if (r->lan_manager) {
        dos_time(e, FIELD_SERVER_TIME, r->server_time, r->server_time_zone);
    }
    if (r->extended_security) {
        event_guid(e, FIELD_SERVER_GUID, &r->server_guid);
    }
    event_text(e, FIELD_SERVER_NETBIOS_NAME, r->server_name);
    event_text(e, FIELD_SERVER_NETBIOS_DOMAIN, r->domain_name);
}

static void negotiate(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op), *r = answer_of(op);
    if (q) {
        event_texts(&m->event, FIELD_OFFERED_DIALECTS, q->negotiate_request.dialects.items,
                    q->negotiate_request.dialects.count);
    }
    if (r) {
        negotiated(&m->event, &r->negotiate_response);
    }
    maker_mechanisms(&m->event, op->security);
}

static void session_setup(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op), *r = answer_of(op);
    struct event *e = &m->event;
    if (op->smb1_response && !op->smb1_response->empty && !op->smb1_response->is_error) {
        r = op->smb1_response; /* a leg that is not the last is no success, and has all */
    }
    maker_session(m, op);
    if (q) {
        event_text(e, FIELD_DOMAIN, q->session_setup_request.primary_domain);
        event_bits(e, FIELD_CAPABILITIES_CLIENT, q->session_setup_request.capabilities, &names_smb1_capability);
        event_text(e, FIELD_NATIVE_OS_CLIENT, q->session_setup_request.native_os);
        event_text(e, FIELD_NATIVE_LAN_MANAGER_CLIENT, q->session_setup_request.native_lan_man);
    }
    if (r) {
        event_bits(e, FIELD_SESSION_FLAGS, r->session_setup_response.action, &names_smb1_setup_action);
        event_text(e, FIELD_NATIVE_OS, r->session_setup_response.native_os);
        event_text(e, FIELD_NATIVE_LAN_MANAGER, r->session_setup_response.native_lan_man);
    }
}

static void tree_connect(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op), *r = answer_of(op);
    if (op->tree && op->tree->path.bytes.n) {
        maker_share(m, op->tree);
    } else if (q) {
        maker_share(m, &(struct tree_facts){.path = q->tree_connect_request.path});
    }
    if (r) {
        const struct smb1_tree_connect_response *t = &r->tree_connect_response;
        enum { CACHING = 0x000C }; /* SMB_CSC_MASK, a number */
        event_bits(&m->event, FIELD_SHARE_FLAGS, t->optional_support & ~(uint32_t)CACHING,
                   &names_smb1_optional_support);
        event_bits(&m->event, FIELD_MAXIMAL_ACCESS, t->has_maximal_access ? t->maximal_share_access_rights : 0,
                   op->tree && op->tree->share_type == SMB2_SHARE_TYPE_DISK ? &names_access_mask_directory
                                                                            : &names_access_mask_file);
    }
}

/* ---- opens and closes */

/* OpLockLevel of MS-CIFS 2.2.4.64.2 in the numbers of SMB2. */
static void oplock_level(struct event *e, uint8_t level) {
    static const uint8_t levels[] = {SMB2_OPLOCK_LEVEL_NONE, SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_OPLOCK_LEVEL_BATCH,
                                     SMB2_OPLOCK_LEVEL_II};
    if (level < sizeof levels) {
        event_named(e, FIELD_OPLOCK_LEVEL, levels[level], &names_oplock_level, 2);
    }
}

static struct text without_backslash(struct text name) {
    if (name.bytes.n >= 2 && name.bytes.p[0] == '\\' && name.bytes.p[1] == 0) {
        name.bytes = view_from(name.bytes, 2);
    }
    return name;
}

/* \PIPE\srvsvc, PIPE\srvsvc and srvsvc are the same pipe. */
static struct text pipe_name(struct text name) {
    static const char prefix[] = "PIPE\\";
    name = without_backslash(name);
    for (size_t i = 0; i < sizeof prefix - 1; i++) {
        bool same = name.bytes.n >= (sizeof prefix - 1) * 2 && (name.bytes.p[i * 2] & 0xDF) == (prefix[i] & 0xDF) &&
                    name.bytes.p[i * 2 + 1] == 0;
        if (!same) {
            return name;
        }
    }
    name.bytes = view_from(name.bytes, (sizeof prefix - 1) * 2);
    return name;
}

/* Before maker_of_file, whose PIPE_NAME is the name as it is: of two facts the first counts. */
static void pipe(struct event_maker *m, const struct operation *op) {
    bool of_tree = op->tree && op->tree->share_type == SMB2_SHARE_TYPE_PIPE;
    if (op->handle && op->handle->named && (of_tree || op->handle->is_pipe)) {
        event_text(&m->event, FIELD_PIPE_NAME, pipe_name(op->handle->name));
    } else if (of_tree && op->has_aimed_name) {
        event_text(&m->event, FIELD_PIPE_NAME, pipe_name(op->aimed_name));
    }
}

static void file(struct event_maker *m, const struct operation *op) {
    pipe(m, op);
    maker_of_file(m, op);
}

static void nt_create_asked(struct event_maker *m, const struct smb1_nt_create_request *q, bool directory) {
    struct event *e = &m->event;
    event_bits(e, FIELD_DESIRED_ACCESS, q->desired_access,
               directory ? &names_access_mask_directory : &names_access_mask_file);
    event_bits(e, FIELD_SHARE_ACCESS, q->share_access, &names_share_access);
    event_named(e, FIELD_CREATE_DISPOSITION, q->create_disposition, &names_create_disposition, 8);
    event_bits(e, FIELD_CREATE_OPTIONS, q->create_options, &names_create_option);
}

static void nt_created(struct event_maker *m, const struct smb1_nt_create_response *r) {
    struct event *e = &m->event;
    event_named(e, FIELD_CREATE_ACTION, r->create_action, &names_create_action, 8);
    oplock_level(e, r->op_lock_level);
    event_bits(e, FIELD_ATTRIBUTES, r->ext_file_attributes, &names_file_attribute);
    event_uint(e, FIELD_SIZE, r->end_of_file);
    maker_times(e, &r->times);
    event_bits(e, FIELD_MAXIMAL_ACCESS, r->extended ? r->maximal_access_rights : 0, &names_access_mask_file);
}

static void nt_create_facts(struct event_maker *m, const struct operation *op, const struct smb1_nt_create_request *q,
                            const struct smb1_nt_create_response *r) {
    file(m, op);
    if (q) {
        bool directory = r ? r->directory : (q->create_options & FILE_DIRECTORY_FILE) != 0;
        nt_create_asked(m, q, directory);
    }
    if (r) {
        nt_created(m, r);
    }
    if (op->has_delete_mark) {
        event_bool(&m->event, FIELD_DELETE_ON_CLOSE, op->delete_pending);
    }
}

static void nt_create(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op), *r = answer_of(op);
    nt_create_facts(m, op, q ? &q->nt_create_request : NULL, r ? &r->nt_create_response : NULL);
}

/* OpenResults, MS-CIFS 2.2.4.41.2; opened, created, truncated. */
static void open_results(struct event *e, uint16_t results) {
    static const uint8_t actions[] = {FILE_SUPERSEDED, FILE_OPENED, FILE_CREATED, FILE_OVERWRITTEN};
    if ((results & 3) != 0) {
        event_named(e, FIELD_CREATE_ACTION, actions[results & 3], &names_create_action, 8);
    }
}

static void open_answered(struct event_maker *m, const struct smb1_open_response *r, bool andx) {
    if (!r) {
        return;
    }
    event_bits(&m->event, FIELD_ATTRIBUTES, r->file_attributes, &names_file_attribute);
    event_uint(&m->event, FIELD_SIZE, r->file_data_size);
    utime(&m->event, FIELD_MODIFIED_TIME, r->last_write_time);
    if (andx) {
        open_results(&m->event, r->open_results);
    }
}

static void open_file(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *r = answer_of(op);
    file(m, op);
    open_answered(m, r ? &r->open_response : NULL, r && r->command == SMB1_OPEN_ANDX);
}

static void create_directory(struct event_maker *m, const struct operation *op) {
    maker_of_share(m, op);
    if (op->has_aimed_name) {
        maker_file(m, op->tree, op->aimed_name, true);
    }
    event_bool(&m->event, FIELD_DIRECTORY, true);
}

static void close_file(struct event_maker *m, const struct operation *op) {
    file(m, op);
    maker_sums(m, op);
}

/* ---- data */

static void read_data(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op);
    file(m, op);
    if (q) {
        event_uint(&m->event, FIELD_OFFSET, q->read_request.offset);
        event_uint(&m->event, FIELD_LENGTH, q->read_request.max_count);
    }
    maker_moved(&m->event, op);
}

/* Of WRITE_RAW the request brings a part at most, and says how much there is in all (MS-CIFS 2.2.4.25.1). */
static void write_data(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op);
    file(m, op);
    if (q) {
        bool raw = q->command == SMB1_WRITE_RAW;
        event_uint(&m->event, FIELD_OFFSET, q->write_request.offset);
        event_uint(&m->event, FIELD_LENGTH, raw ? q->write_request.total_count : q->write_request.data_length);
    }
    maker_moved(&m->event, op);
}

static void lock(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op);
    file(m, op);
    if (q) {
        event_uint(&m->event, FIELD_OFFSET, q->lock_request.offset);
        event_uint(&m->event, FIELD_LENGTH, q->lock_request.count);
    }
}

static void locking(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = op->unasked ? op->smb1_response : request_of(op);
    file(m, op);
    if (!q || q->empty) {
        return;
    }
    const struct smb1_locking_request *l = &q->locking_request;
    if (op->kind == OPERATION_OPLOCK_BREAK) {
        oplock_level(&m->event, l->new_op_lock_level ? 3 : 0); /* MS-CIFS 2.2.4.32.1: to none or to level II */
    }
    event_bits(&m->event, FIELD_LOCK_FLAGS, l->type_of_lock, &names_smb1_lock_type);
    if (l->locks.count + l->unlocks.count != 0) {
        event_uint(&m->event, FIELD_LOCKS, l->locks.count + l->unlocks.count);
    }
}

/* ---- names and what is told of files */

/* What is named by its path: the file's facts, where the name is known. */
static void rename_file(struct event_maker *m, const struct operation *op) {
    file(m, op);
    if (op->has_new_name) {
        event_text(&m->event, op->links ? FIELD_LINK_TO : FIELD_RENAME_TO, op->new_name);
    }
}

static void copy_file(struct event_maker *m, const struct operation *op) {
    rename_file(m, op);
    event_text(&m->event, FIELD_COPY_SOURCE, op->copy_source);
}

static void set_information(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op);
    file(m, op);
    if (q) {
        event_bits(&m->event, FIELD_ATTRIBUTES, q->set_information_request.file_attributes, &names_file_attribute);
        utime(&m->event, FIELD_MODIFIED_TIME, q->set_information_request.last_write_time);
    }
}

static void query_information(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *r = answer_of(op);
    file(m, op);
    if (r) {
        event_uint(&m->event, FIELD_SIZE, r->query_information_response.file_size);
        event_bits(&m->event, FIELD_ATTRIBUTES, r->query_information_response.file_attributes, &names_file_attribute);
        utime(&m->event, FIELD_MODIFIED_TIME, r->query_information_response.last_write_time);
    }
}

static void search(struct event_maker *m, const struct operation *op) {
    file(m, op);
    event_text(&m->event, FIELD_SEARCH_PATTERN, op->pattern);
    if (op->has_entries) {
        event_uint(&m->event, FIELD_ENTRIES, op->entries);
    }
}

static void ioctl(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *q = request_of(op);
    file(m, op);
    if (q) {
        event_hex(&m->event, FIELD_CONTROL_CODE, (uint32_t)q->ioctl.category << 16 | q->ioctl.function, 8);
    }
}

/* ---- transactions */

static void level(struct event_maker *m, const struct smb1_subject *s) {
    const char *name = smb1_level_name(s);
    if (name) {
        event_name(&m->event, FIELD_INFO_CLASS, name);
    } else if (s->level != 0) {
        event_hex(&m->event, FIELD_INFO_CLASS, s->level, 4);
    }
}

/* The answer, where it has what belongs to the subcommand. */
static const struct smb1_transaction_response *answered(const struct operation *op) {
    return op->smb1_answered && op->smb1_answered->has_details ? op->smb1_answered : NULL;
}

static void pipe_call(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    if (!op->handle || !op->handle->named) {
        event_text(&m->event, FIELD_PIPE_NAME, pipe_name(q->name));
    }
    file(m, op);
    maker_moved(&m->event, op);
}

static void rap_call(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    (void)q; /* the name of its pipe is with the transaction */
    const struct smb1_transaction_response *r = answered(op);
    maker_of_share(m, op);
    event_text(&m->event, FIELD_PIPE_NAME, pipe_name(op->smb1_request->transaction.name));
    if (r && r->rap.has_entries) {
        event_uint(&m->event, FIELD_ENTRIES, r->rap.entries_returned);
    }
}

static void mailslot(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    maker_of_share(m, op);
    event_text(&m->event, FIELD_FILE_NAME, without_backslash(q->name));
}

static void changed(struct event_maker *m, const struct operation *op, const struct smb1_change *c) {
    struct event *e = &m->event;
    switch (c->kind) {
    case SMB1_CHANGE_BASIC:
        maker_times(e, &c->times);
        event_bits(e, FIELD_ATTRIBUTES, c->file_attributes, &names_file_attribute);
        break;
    case SMB1_CHANGE_ALLOCATION:
        event_uint(e, FIELD_ALLOCATION_SIZE, c->size);
        break;
    case SMB1_CHANGE_END_OF_FILE:
        event_uint(e, FIELD_SIZE, c->size);
        break;
    case SMB1_CHANGE_RENAME:
    case SMB1_CHANGE_LINK:
        event_text(e, op->links ? FIELD_LINK_TO : FIELD_RENAME_TO, op->new_name);
        event_bool(e, FIELD_REPLACE, c->replace);
        break;
    case SMB1_CHANGE_SYMLINK: /* what it says, and not a path of the share */
        event_text(e, FIELD_SYMLINK_TARGET, c->new_name);
        break;
    default:
        break;
    }
    if (op->has_delete_mark) {
        event_bool(e, FIELD_DELETE_ON_CLOSE, op->delete_pending);
    }
}

static void trans2(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = answered(op);
    bool made = q->subject.subcommand == TRANS2_CREATE_DIRECTORY ||
                (q->subject.subcommand == TRANS2_SET_PATH_INFORMATION && q->change.kind == SMB1_CHANGE_POSIX_OPEN &&
                 q->change.directory);
    if (made) {
        create_directory(m, op);
    } else {
        file(m, op);
    }
    level(m, &q->subject);
    switch (q->subject.subcommand) {
    case TRANS2_OPEN2:
        open_answered(m, r ? &r->open.response : NULL, true);
        break;
    case TRANS2_SET_PATH_INFORMATION:
    case TRANS2_SET_FILE_INFORMATION:
        changed(m, op, &q->change);
        break;
    case TRANS2_GET_DFS_REFERRAL:
        event_named(&m->event, FIELD_CONTROL_CODE, FSCTL_DFS_GET_REFERRALS, &names_fsctl, 8);
        event_text(&m->event, FIELD_DFS_PATH, q->name);
        break;
    default:
        event_text(&m->event, FIELD_SEARCH_PATTERN, op->pattern);
        break;
    }
}

/* What was asked was cut by the capture: the name is no text at all. */
static bool is_cut(const struct smb1_transaction_request *q) {
    return q->name.bytes.n == 0 && q->name.encoding == ENC_ASCII;
}

static void security(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    file(m, op);
    event_named(&m->event, FIELD_INFO_TYPE, SMB2_0_INFO_SECURITY, &names_info_type, 2);
    event_bits(&m->event, FIELD_ADDITIONAL_INFORMATION, q->security.information, &names_security_information);
}

static void nt_ioctl(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    file(m, op);
    event_named(&m->event, FIELD_CONTROL_CODE, q->subject.function_code, &names_fsctl, 8);
    event_uint(&m->event, FIELD_INPUT_LENGTH, q->data.n);
    maker_moved(&m->event, op);
    event_text(&m->event, FIELD_COPY_SOURCE, op->copy_source);
    const struct smb1_transaction_response *r = answered(op);
    bool copied = r && q->subject.function_code == FSCTL_SRV_COPYCHUNK && op->smb1_response->header.status == 0;
    if (copied) { /* else it may be the limits of the server, MS-SMB 3.3.5.11.1.3 */
        event_uint(&m->event, FIELD_BYTES_COPIED, r->ioctl.total_bytes_written);
    }
}

static void nt_transact(struct event_maker *m, const struct operation *op, const struct smb1_transaction_request *q) {
    const struct smb1_transaction_response *r = answered(op);
    switch (q->subject.subcommand) {
    case NT_TRANSACT_CREATE:
    case NT_TRANSACT_CREATE2:
        nt_create_facts(m, op, is_cut(q) ? NULL : &q->create, r ? &r->create : NULL);
        break;
    case NT_TRANSACT_IOCTL:
        nt_ioctl(m, op, q);
        break;
    case NT_TRANSACT_NOTIFY_CHANGE:
        file(m, op);
        event_bits(&m->event, FIELD_COMPLETION_FILTER, q->notify.completion_filter, &names_completion_filter);
        break;
    case NT_TRANSACT_RENAME:
        rename_file(m, op);
        break;
    case NT_TRANSACT_QUERY_SECURITY_DESC:
    case NT_TRANSACT_SET_SECURITY_DESC:
        security(m, op, q);
        break;
    default:
        file(m, op);
        break;
    }
}

static void (*const transactions[])(struct event_maker *, const struct operation *,
                                    const struct smb1_transaction_request *) = {
    [SMB1_SUBJECT_PIPE] = pipe_call, [SMB1_SUBJECT_MAILSLOT] = mailslot, [SMB1_SUBJECT_RAP] = rap_call,
    [SMB1_SUBJECT_TRANS2] = trans2,  [SMB1_SUBJECT_NT] = nt_transact,
};

static void transaction(struct event_maker *m, const struct operation *op) {
    const struct smb1_transaction_request *q = op->smb1_asked;
    const char *subcommand = q ? smb1_subcommand_name(&q->subject) : NULL;
    if (subcommand) {
        event_name(&m->event, FIELD_SUBCOMMAND, subcommand);
    } else if (q && q->subject.kind != SMB1_SUBJECT_UNKNOWN && q->subject.kind != SMB1_SUBJECT_MAILSLOT) {
        event_hex(&m->event, FIELD_SUBCOMMAND, q->subject.subcommand, 4);
    }
    if (q && transactions[q->subject.kind]) {
        transactions[q->subject.kind](m, op, q);
    } else {
        maker_of_share(m, op);
    }
    if (op->has_size) {
        event_uint(&m->event, FIELD_SIZE, op->size);
    }
    if (op->has_entries) {
        event_uint(&m->event, FIELD_ENTRIES, op->entries);
    }
}

static void (*const details[256])(struct event_maker *, const struct operation *) = {
    [SMB1_CREATE_DIRECTORY] = create_directory,
    [SMB1_DELETE_DIRECTORY] = file,
    [SMB1_OPEN] = open_file,
    [SMB1_CREATE] = file,
    [SMB1_CLOSE] = close_file,
    [SMB1_FLUSH] = file,
    [SMB1_DELETE] = file,
    [SMB1_RENAME] = rename_file,
    [SMB1_QUERY_INFORMATION] = query_information,
    [SMB1_SET_INFORMATION] = set_information,
    [SMB1_READ] = read_data,
    [SMB1_WRITE] = write_data,
    [SMB1_LOCK_BYTE_RANGE] = lock,
    [SMB1_UNLOCK_BYTE_RANGE] = lock,
    [SMB1_CREATE_TEMPORARY] = file,
    [SMB1_CREATE_NEW] = file,
    [SMB1_CHECK_DIRECTORY] = file,
    [SMB1_SEEK] = file,
    [SMB1_LOCK_AND_READ] = read_data,
    [SMB1_WRITE_AND_UNLOCK] = write_data,
    [SMB1_READ_RAW] = read_data,
    [SMB1_READ_MPX] = read_data,
    [SMB1_WRITE_RAW] = write_data,
    [SMB1_WRITE_MPX] = write_data,
    [SMB1_SET_INFORMATION2] = file,
    [SMB1_QUERY_INFORMATION2] = query_information,
    [SMB1_LOCKING_ANDX] = locking,
    [SMB1_TRANSACTION] = transaction,
    [SMB1_IOCTL] = ioctl,
    [SMB1_COPY] = copy_file,
    [SMB1_MOVE] = copy_file,
    [SMB1_WRITE_AND_CLOSE] = write_data,
    [SMB1_OPEN_ANDX] = open_file,
    [SMB1_READ_ANDX] = read_data,
    [SMB1_WRITE_ANDX] = write_data,
    [SMB1_TRANSACTION2] = transaction,
    [SMB1_TREE_CONNECT] = tree_connect,
    [SMB1_NEGOTIATE] = negotiate,
    [SMB1_SESSION_SETUP_ANDX] = session_setup,
    [SMB1_TREE_CONNECT_ANDX] = tree_connect,
    [SMB1_SEARCH] = search,
    [SMB1_FIND] = search,
    [SMB1_FIND_UNIQUE] = search,
    [SMB1_NT_CREATE_ANDX] = nt_create,
    [SMB1_NT_TRANSACT] = transaction,
    [SMB1_NT_RENAME] = rename_file,
    [SMB1_OPEN_PRINT_FILE] = file,
    [SMB1_WRITE_PRINT_FILE] = write_data,
    [SMB1_CLOSE_PRINT_FILE] = close_file,
};

void maker_smb1_details(struct event_maker *m, const struct operation *op) {
    const struct smb1_message *any = op->smb1_request ? op->smb1_request : op->smb1_response;
    (details[any->command] ? details[any->command] : maker_of_share)(m, op);
}
