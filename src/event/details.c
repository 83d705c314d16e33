/* The facts of each command: of the request what was asked, of the successful response what was done. */
#include <string.h>

#include "event/maker.h"

static const struct smb2_message *request_of(const struct operation *op) {
    return op->request && !op->request->empty ? op->request : NULL;
}

/* The response with its body; NULL where it is an error. */
static const struct smb2_message *answer_of(const struct operation *op) {
    return op->response && !op->response->is_error && !op->response->empty ? op->response : NULL;
}

void maker_of_share(struct event_maker *m, const struct operation *op) {
    if (op->tree) {
        maker_share(m, op->tree);
    }
}

/* The file that the operation's handle stands for. */
void maker_of_file(struct event_maker *m, const struct operation *op) {
    maker_of_share(m, op);
    if (op->handle && op->handle->named) {
        maker_file(m, op->tree, op->handle->name, op->handle->directory);
    } else if (op->has_aimed_name) {
        maker_file(m, op->tree, op->aimed_name, false);
    }
    if (op->handle && op->handle->directory) {
        event_bool(&m->event, FIELD_DIRECTORY, true);
    }
}

void maker_times(struct event *e, const struct smb2_file_times *t) {
    event_filetime(e, FIELD_CREATED_TIME, t->creation);
    event_filetime(e, FIELD_ACCESSED_TIME, t->last_access);
    event_filetime(e, FIELD_MODIFIED_TIME, t->last_write);
    event_filetime(e, FIELD_CHANGED_TIME, t->change);
}

/* ---- NEGOTIATE */

enum { DIALECT_DIGITS = 3 }; /* of a dialect without a name: they are written 0x311 */

static void offered(struct event_maker *m, const struct smb2_negotiate_request *q) {
    struct event *e = &m->event;
    event_names16(e, FIELD_OFFERED_DIALECTS, q->dialects, &names_dialect, DIALECT_DIGITS);
    event_guid(e, FIELD_CLIENT_GUID, &q->client_guid);
    event_bits(e, FIELD_SECURITY_MODE_CLIENT, q->security_mode, &names_security_mode);
    event_bits(e, FIELD_CAPABILITIES_CLIENT, q->capabilities, &names_global_capability);
    event_names16(e, FIELD_CIPHERS, q->contexts.ciphers, &names_cipher, 4);
    event_names16(e, FIELD_SIGNING_ALGORITHMS, q->contexts.signing_algorithms, &names_signing_algorithm, 4);
    event_bits(e, FIELD_TRANSPORT_CAPABILITIES, q->contexts.transport_flags, &names_transport_capability);
    event_text(e, FIELD_NETNAME, q->contexts.netname);
}

static void first_named(struct event *e, enum field field, struct u16_list list, const struct name_table *table) {
    if (list.count != 0) {
        event_named(e, field, list.items[0], table, 4);
    }
}

static void chosen(struct event_maker *m, const struct smb2_negotiate_response *r) {
    struct event *e = &m->event;
    event_guid(e, FIELD_SERVER_GUID, &r->server_guid);
    event_bits(e, FIELD_SECURITY_MODE_SERVER, r->security_mode, &names_security_mode);
    event_bits(e, FIELD_CAPABILITIES_SERVER, r->capabilities, &names_global_capability);
    first_named(e, FIELD_CIPHER, r->contexts.ciphers, &names_cipher);
    first_named(e, FIELD_SIGNING_ALGORITHM, r->contexts.signing_algorithms, &names_signing_algorithm);
    first_named(e, FIELD_HASH_ALGORITHM, r->contexts.hash_algorithms, &names_hash_algorithm);
    event_uint(e, FIELD_MAX_TRANSACT_SIZE, r->max_transact_size);
    event_uint(e, FIELD_MAX_READ_SIZE, r->max_read_size);
    event_uint(e, FIELD_MAX_WRITE_SIZE, r->max_write_size);
    event_filetime(e, FIELD_SERVER_TIME, r->system_time);
    event_filetime(e, FIELD_SERVER_START_TIME, r->server_start_time);
}

static void negotiate(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    const struct smb2_negotiate_contexts *offer = q ? &q->negotiate_request.contexts : NULL;
    const struct smb2_negotiate_contexts *choice = r ? &r->negotiate_response.contexts : offer;
    if (op->smb1_request) {
        event_texts(&m->event, FIELD_OFFERED_DIALECTS, op->smb1_request->negotiate_request.dialects.items,
                    op->smb1_request->negotiate_request.dialects.count);
    }
    if (q) {
        offered(m, &q->negotiate_request);
    }
    if (r) {
        chosen(m, &r->negotiate_response);
    }
    if (choice) {
        event_names16(&m->event, FIELD_COMPRESSION_ALGORITHMS, choice->compression_algorithms,
                      &names_compression_algorithm, 4);
        event_names16(&m->event, FIELD_RDMA_TRANSFORMS, choice->rdma_transforms, &names_rdma_transform, 4);
    }
    maker_mechanisms(&m->event, op->security);
    if (offer) {
        unsigned types = offer->count < SMB2_CONTEXT_TYPES ? offer->count : SMB2_CONTEXT_TYPES;
        event_names16(&m->event, FIELD_NEGOTIATE_CONTEXTS, (struct u16_list){offer->types, types},
                      &names_negotiate_context, 4);
    }
}

/* ---- sessions and trees */

static void session_setup(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    struct event *e = &m->event;
    maker_session(m, op);
    if (q && q->session_setup_request.previous_session_id != 0) {
        event_hex(e, FIELD_PREVIOUS_SESSION_ID, q->session_setup_request.previous_session_id, 16);
    }
    if (op->session_binding) {
        event_bool(e, FIELD_SESSION_BINDING, true);
    }
    if (q) {
        event_bits(e, FIELD_SECURITY_MODE_CLIENT, q->session_setup_request.security_mode, &names_security_mode);
    }
    if (r) {
        event_bits(e, FIELD_SESSION_FLAGS, r->session_setup_response.session_flags, &names_session_flag);
    }
}

static void tree_connect(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    struct event *e = &m->event;
    if (op->tree && op->tree->path.bytes.n) {
        maker_share(m, op->tree);
    } else if (q) {
        maker_share(m, &(struct tree_facts){.path = q->tree_connect_request.path});
    }
    if (r) {
        event_bits(e, FIELD_SHARE_FLAGS, r->tree_connect_response.share_flags & ~(uint32_t)SMB2_SHAREFLAG_CACHING_MASK,
                   &names_share_flag);
        event_bits(e, FIELD_SHARE_CAPABILITIES, r->tree_connect_response.capabilities, &names_share_capability);
        event_bits(e, FIELD_MAXIMAL_ACCESS, r->tree_connect_response.maximal_access,
                   r->tree_connect_response.share_type == SMB2_SHARE_TYPE_DISK ? &names_access_mask_directory
                                                                               : &names_access_mask_file);
    }
    const struct smb2_message *error = op->response;
    if (error && error->is_error && !error->empty && error->error.has_redirect) {
        event_text(e, FIELD_REDIRECT_TO, error->error.redirect_resource);
    }
    if (error && error->is_error && !error->empty && error->error.has_cluster_dialect) {
        event_named(e, FIELD_CLUSTER_DIALECT, error->error.cluster_dialect, &names_dialect, DIALECT_DIGITS);
    }
}

/* ---- CREATE and CLOSE */

void maker_contexts(struct event_maker *m, enum field field, uint32_t mask) {
    struct text *names = mask ? maker_texts(m, (unsigned)__builtin_popcount(mask)) : NULL;
    unsigned count = 0;
    for (unsigned kind = 0; names && kind < 32; kind++) {
        if (mask >> kind & 1) {
            const char *name = kind == 0 ? "unknown" : names_create_context[kind - 1].name;
            names[count++] = (struct text){{(const uint8_t *)name, strlen(name)}, ENC_UTF8};
        }
    }
    event_texts(&m->event, field, names, count);
}

static void created(struct event_maker *m, const struct smb2_create_response *r) {
    struct event *e = &m->event;
    event_named(e, FIELD_CREATE_ACTION, r->create_action, &names_create_action, 8);
    event_named(e, FIELD_OPLOCK_LEVEL, r->oplock_level, &names_oplock_level, 2);
    if (r->contexts.has_lease) {
        event_bits(e, FIELD_LEASE_STATE, r->contexts.lease_state, &names_lease_state);
    }
    event_bits(e, FIELD_ATTRIBUTES, r->file_attributes, &names_file_attribute);
    event_uint(e, FIELD_SIZE, r->end_of_file);
    maker_times(e, &r->times);
    if (r->contexts.has_maximal_access && r->contexts.query_status == STATUS_SUCCESS) {
        event_bits(e, FIELD_MAXIMAL_ACCESS, r->contexts.maximal_access, &names_access_mask_file);
    }
}

static void create_asked(struct event_maker *m, const struct operation *op, const struct smb2_create_request *q,
                         bool directory) {
    struct event *e = &m->event;
    event_bits(e, FIELD_DESIRED_ACCESS, q->desired_access,
               directory ? &names_access_mask_directory : &names_access_mask_file);
    event_bits(e, FIELD_SHARE_ACCESS, q->share_access, &names_share_access);
    event_named(e, FIELD_CREATE_DISPOSITION, q->create_disposition, &names_create_disposition, 8);
    event_bits(e, FIELD_CREATE_OPTIONS, q->create_options, &names_create_option);
    maker_contexts(m, FIELD_CREATE_CONTEXTS, op->context_mask);
    if (q->contexts.has_lease) {
        event_guid(e, FIELD_LEASE_KEY, &q->contexts.lease_key);
    }
    if (q->contexts.has_timewarp) {
        event_filetime(e, FIELD_SNAPSHOT_TIME, q->contexts.timewarp);
    }
    if (op->has_delete_mark) {
        event_bool(e, FIELD_DELETE_ON_CLOSE, op->delete_pending);
    }
}

/* Which handle it takes up again, and for whom. */
static void reopened(struct event *e, const struct operation *op, const struct smb2_create_contexts *c) {
    if (c->durable_reconnect) {
        event_file_id(e, FIELD_REOPENED_FILE_ID, c->reconnect_id);
        if (c->has_create_guid) {
            event_guid(e, FIELD_CREATE_GUID, &c->create_guid);
        }
        if (c->persistent) {
            event_bool(e, FIELD_PERSISTENT, true);
        }
    }
    if (op->resilient) {
        event_bool(e, FIELD_RESILIENT, true);
    }
    if (c->has_app_instance) {
        event_guid(e, FIELD_APP_INSTANCE_ID, &c->app_instance);
    }
}

static void create(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    bool known = op->handle && op->handle->named;
    bool directory = r ? (r->create_response.file_attributes & FILE_ATTRIBUTE_DIRECTORY) != 0
                       : q && (q->create_request.create_options & FILE_DIRECTORY_FILE) != 0;
    maker_of_share(m, op);
    bool aimed = !known && op->has_aimed_name;
    if (known || aimed || (q && !q->create_request.name_lost)) {
        maker_file(m, op->tree, known ? op->handle->name : aimed ? op->aimed_name : q->create_request.name, directory);
    }
    if (r) {
        event_bool(&m->event, FIELD_DIRECTORY, directory);
        created(m, &r->create_response);
    }
    if (q) {
        create_asked(m, op, &q->create_request, directory);
        reopened(&m->event, op, &q->create_request.contexts);
    }
    if (op->durable_reconnect) {
        event_bool(&m->event, FIELD_DURABLE_RECONNECT, true);
    }
    const struct smb2_message *error = op->response;
    if (error && error->is_error && !error->empty && error->error.has_symlink) {
        event_text(&m->event, FIELD_SYMLINK_TARGET, error->error.substitute_name);
    }
}

void maker_sums(struct event_maker *m, const struct operation *op) {
    if (op->sums && op->handle) {
        event_uint(&m->event, FIELD_BYTES_READ, op->handle->bytes_read);
        event_uint(&m->event, FIELD_BYTES_WRITTEN, op->handle->bytes_written);
        event_uint(&m->event, FIELD_READ_COUNT, op->handle->read_count);
        event_uint(&m->event, FIELD_WRITE_COUNT, op->handle->write_count);
    }
}

static void close_handle(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *r = answer_of(op);
    maker_of_file(m, op);
    maker_sums(m, op);
    if (r && (r->close_response.flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB)) {
        event_uint(&m->event, FIELD_SIZE, r->close_response.end_of_file);
        event_bits(&m->event, FIELD_ATTRIBUTES, r->close_response.file_attributes, &names_file_attribute);
        maker_times(&m->event, &r->close_response.times);
    }
}

/* ---- data */

void maker_moved(struct event *e, const struct operation *op) {
    if (op->has_bytes_read) {
        event_uint(e, FIELD_BYTES_READ, op->bytes_read);
    }
    if (op->has_bytes_written) {
        event_uint(e, FIELD_BYTES_WRITTEN, op->bytes_written);
    }
}

static void read_data(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op);
    maker_of_file(m, op);
    if (q) {
        event_uint(&m->event, FIELD_OFFSET, q->read_request.offset);
        event_uint(&m->event, FIELD_LENGTH, q->read_request.length);
    }
    maker_moved(&m->event, op);
}

static void write_data(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op);
    maker_of_file(m, op);
    if (q) {
        event_uint(&m->event, FIELD_OFFSET, q->write_request.offset);
        event_uint(&m->event, FIELD_LENGTH, q->write_request.length);
    }
    maker_moved(&m->event, op);
}

static void lock(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op);
    maker_of_file(m, op);
    if (!q || q->lock_request.lock_count == 0) {
        return;
    }
    event_uint(&m->event, FIELD_OFFSET, q->lock_request.locks[0].offset);
    event_uint(&m->event, FIELD_LENGTH, q->lock_request.locks[0].length);
    event_uint(&m->event, FIELD_LOCKS, q->lock_request.lock_count);
    event_bits(&m->event, FIELD_LOCK_FLAGS, q->lock_request.locks[0].flags, &names_lock_flag);
}

/* ---- IOCTL */

static void validate_negotiate(struct event *e, const struct smb2_ioctl *q, const struct smb2_ioctl *r) {
    if (q && q->has_details) {
        event_names16(e, FIELD_OFFERED_DIALECTS, q->validate_negotiate.dialects, &names_dialect, DIALECT_DIGITS);
        event_guid(e, FIELD_CLIENT_GUID, &q->validate_negotiate.guid);
        event_bits(e, FIELD_SECURITY_MODE_CLIENT, q->validate_negotiate.security_mode, &names_security_mode);
        event_bits(e, FIELD_CAPABILITIES_CLIENT, q->validate_negotiate.capabilities, &names_global_capability);
    }
    if (r && r->has_details) {
        event_guid(e, FIELD_SERVER_GUID, &r->validate_negotiate.guid);
        event_bits(e, FIELD_SECURITY_MODE_SERVER, r->validate_negotiate.security_mode, &names_security_mode);
        event_bits(e, FIELD_CAPABILITIES_SERVER, r->validate_negotiate.capabilities, &names_global_capability);
        first_named(e, FIELD_VALIDATED_DIALECT, r->validate_negotiate.dialects, &names_dialect);
    }
}

static void reparse_point(struct event *e, const struct smb2_ioctl *any) {
    if (any && any->has_details) {
        event_named(e, FIELD_REPARSE_TAG, any->reparse.tag, &names_reparse_tag, 8);
        event_text(e, FIELD_SYMLINK_TARGET, any->reparse.substitute_name);
    }
}

static void interfaces(struct event *e, const struct smb2_ioctl *r) {
    if (r && r->has_details && r->interfaces.count != 0) {
        struct fact *f = event_add(e, FIELD_INTERFACES, FACT_ADDRESSES);
        f->interfaces.items = r->interfaces.items;
        f->interfaces.count = r->interfaces.count;
    }
}

static void ioctl_details(struct event_maker *m, const struct operation *op, uint32_t code, const struct smb2_ioctl *q,
                          const struct smb2_ioctl *r) {
    struct event *e = &m->event;
    switch (code) {
    case FSCTL_DFS_GET_REFERRALS:
    case FSCTL_DFS_GET_REFERRALS_EX:
        if (q && q->has_details) {
            event_text(e, FIELD_DFS_PATH, q->dfs.path);
        }
        if (r && r->has_details) {
            event_uint(e, FIELD_ENTRIES, r->dfs.referrals);
        }
        break;
    case FSCTL_SRV_COPYCHUNK:
    case FSCTL_SRV_COPYCHUNK_WRITE:
        event_text(e, FIELD_COPY_SOURCE, op->copy_source);
        if (r && r->has_details &&
            op->response->header.status == STATUS_SUCCESS) { /* else the server's limits, 2.2.32.1 */
            event_uint(e, FIELD_BYTES_COPIED, r->copychunk.total_bytes_written);
        }
        break;
    case FSCTL_PIPE_WAIT:
        if (q && q->has_details) {
            event_text(e, FIELD_PIPE_NAME, q->pipe_wait.name);
        }
        break;
    case FSCTL_VALIDATE_NEGOTIATE_INFO:
        validate_negotiate(e, q, r);
        break;
    case FSCTL_QUERY_NETWORK_INTERFACE_INFO:
        interfaces(e, r);
        break;
    case FSCTL_SET_REPARSE_POINT:
        reparse_point(e, q);
        break;
    case FSCTL_GET_REPARSE_POINT:
        reparse_point(e, r);
        break;
    default:
        break;
    }
}

static void ioctl(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    const struct smb2_ioctl *qi = q ? &q->ioctl : NULL, *ri = r ? &r->ioctl : NULL;
    maker_of_file(m, op);
    if (!qi && !ri) {
        return;
    }
    uint32_t code = qi ? qi->ctl_code : ri->ctl_code;
    event_named(&m->event, FIELD_CONTROL_CODE, code, &names_fsctl, 8);
    if (qi) {
        event_uint(&m->event, FIELD_INPUT_LENGTH, qi->input_length);
    }
    if (ri) {
        event_uint(&m->event, FIELD_OUTPUT_LENGTH, ri->output_length);
    }
    maker_moved(&m->event, op);
    ioctl_details(m, op, code, qi, ri);
}

/* ---- information */

static void query_directory(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    maker_of_file(m, op);
    if (q) {
        event_named(&m->event, FIELD_INFO_CLASS, q->query_directory_request.info_class, &names_file_info_class, 2);
        event_text(&m->event, FIELD_SEARCH_PATTERN, q->query_directory_request.pattern);
    }
    if (r && r->query_directory_response.whole) {
        event_uint(&m->event, FIELD_ENTRIES, r->query_directory_response.entries);
    }
}

static void change_notify(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op), *r = answer_of(op);
    maker_of_file(m, op);
    if (q) {
        event_bits(&m->event, FIELD_COMPLETION_FILTER, q->change_notify_request.completion_filter,
                   &names_completion_filter);
    }
    if (r && r->change_notify_response.whole) {
        event_uint(&m->event, FIELD_ENTRIES, r->change_notify_response.entries);
    }
}

/* The class has a meaning of its own in each type; security and quota have none. */
static void info_kind(struct event *e, uint8_t type, uint8_t class, uint32_t additional) {
    event_named(e, FIELD_INFO_TYPE, type, &names_info_type, 2);
    if (type == SMB2_0_INFO_FILE) {
        event_named(e, FIELD_INFO_CLASS, class, &names_file_info_class, 2);
    } else if (type == SMB2_0_INFO_FILESYSTEM) {
        event_named(e, FIELD_INFO_CLASS, class, &names_fs_info_class, 2);
    } else if (type == SMB2_0_INFO_SECURITY) {
        event_bits(e, FIELD_ADDITIONAL_INFORMATION, additional, &names_security_information);
    }
}

static void query_info(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op);
    maker_of_file(m, op);
    if (q) {
        info_kind(&m->event, q->query_info_request.info_type, q->query_info_request.info_class,
                  q->query_info_request.additional_information);
    }
    if (op->has_size) {
        event_uint(&m->event, FIELD_SIZE, op->size);
    }
}

/* A new name is relative to the share; one leading backslash is taken off, as everywhere (records.md). */
static void new_name(struct event *e, enum field field, const struct smb2_set_info_request *s) {
    struct text name = s->new_name;
    if (name.bytes.n >= 2 && name.bytes.p[0] == '\\' && name.bytes.p[1] == 0) {
        name.bytes = view_from(name.bytes, 2);
    }
    event_text(e, field, name);
    if (s->whole) {
        event_bool(e, FIELD_REPLACE, s->replace);
    }
}

static void change(struct event_maker *m, const struct smb2_set_info_request *s) {
    struct event *e = &m->event;
    switch (s->change) {
    case SMB2_CHANGE_BASIC:
        maker_times(e, &s->times);
        event_bits(e, FIELD_ATTRIBUTES, s->file_attributes, &names_file_attribute);
        break;
    case SMB2_CHANGE_RENAME:
        new_name(e, FIELD_RENAME_TO, s);
        break;
    case SMB2_CHANGE_LINK:
        new_name(e, FIELD_LINK_TO, s);
        break;
    case SMB2_CHANGE_ALLOCATION:
    case SMB2_CHANGE_END_OF_FILE:
        if (s->whole) {
            event_uint(e, s->change == SMB2_CHANGE_END_OF_FILE ? FIELD_SIZE : FIELD_ALLOCATION_SIZE, s->size);
        }
        break;
    default:
        break;
    }
}

static void set_info(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *q = request_of(op);
    maker_of_file(m, op);
    if (!q) {
        return;
    }
    const struct smb2_set_info_request *s = &q->set_info_request;
    info_kind(&m->event, s->info_type, s->info_class, s->additional_information);
    change(m, s);
    if (op->has_delete_mark) {
        event_bool(&m->event, FIELD_DELETE_ON_CLOSE, op->delete_pending);
    }
}

/* ---- what the server sends unasked, and envelopes */

static void oplock_break(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *any = answer_of(op) ? answer_of(op) : request_of(op);
    struct event *e = &m->event;
    maker_of_file(m, op);
    if (!any) {
        return;
    }
    const struct smb2_oplock_break *b = &any->oplock_break;
    if (b->lease) {
        event_guid(e, FIELD_LEASE_KEY, &b->lease_key);
        event_bits(e, FIELD_LEASE_STATE, b->lease_state, &names_lease_state);
    } else {
        event_named(e, FIELD_OPLOCK_LEVEL, b->oplock_level, &names_oplock_level, 2);
    }
}

static void notification(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *any = answer_of(op);
    if (any && any->header.command == SMB2_SERVER_TO_CLIENT_NOTIFICATION) {
        event_named(&m->event, FIELD_NOTIFICATION, any->notification.type, &names_notification_type, 8);
    }
}

/* Flags of 3.0 name the cipher; those of 3.1.1 do not, there it is the negotiated one (MS-SMB2 2.2.41). */
static void encrypted(struct event_maker *m, const struct operation *op) {
    const struct connection_facts *c = op->connection;
    struct event *e = &m->event;
    event_bool(e, FIELD_ENCRYPTED, true);
    if (c->cipher) {
        event_named(e, FIELD_ENCRYPTION_ALGORITHM, c->cipher, &names_cipher, 4);
    } else if (c->dialect != 0 && c->dialect < SMB2_DIALECT_0311) {
        event_named(e, FIELD_ENCRYPTION_ALGORITHM, op->transform->flags, &names_cipher, 4);
    }
    event_uint(e, FIELD_ORIGINAL_SIZE, op->transform->original_size);
    event_uint(e, FIELD_LENGTH, op->transform->length);
}

static void compressed(struct event_maker *m, const struct operation *op) {
    event_named(&m->event, FIELD_COMPRESSION_ALGORITHM, op->compression->algorithm, &names_compression_algorithm, 4);
    event_uint(&m->event, FIELD_ORIGINAL_SIZE, op->compression->original_size);
    event_uint(&m->event, FIELD_LENGTH, op->compression->length);
}

/* An implicit end of a handle: whose it was, and its sums. */
static void implicit(struct event_maker *m, const struct operation *op) {
    maker_of_file(m, op);
    maker_sums(m, op);
}

static void (*const details[SMB2_COMMANDS])(struct event_maker *, const struct operation *) = {
    [SMB2_NEGOTIATE] = negotiate,
    [SMB2_SESSION_SETUP] = session_setup,
    [SMB2_LOGOFF] = maker_of_share,
    [SMB2_TREE_CONNECT] = tree_connect,
    [SMB2_TREE_DISCONNECT] = maker_of_share,
    [SMB2_CREATE] = create,
    [SMB2_CLOSE] = close_handle,
    [SMB2_FLUSH] = maker_of_file,
    [SMB2_READ] = read_data,
    [SMB2_WRITE] = write_data,
    [SMB2_LOCK] = lock,
    [SMB2_IOCTL] = ioctl,
    [SMB2_CANCEL] = maker_of_share,
    [SMB2_ECHO] = maker_of_share,
    [SMB2_QUERY_DIRECTORY] = query_directory,
    [SMB2_CHANGE_NOTIFY] = change_notify,
    [SMB2_QUERY_INFO] = query_info,
    [SMB2_SET_INFO] = set_info,
    [SMB2_OPLOCK_BREAK] = oplock_break,
    [SMB2_SERVER_TO_CLIENT_NOTIFICATION] = notification,
};

void maker_details(struct event_maker *m, const struct operation *op) {
    const struct smb2_message *any = op->request ? op->request : op->response;
    if (op->implicit && op->kind == OPERATION_SESSION_SETUP) {
        maker_session(m, op);
    } else if (op->implicit) {
        implicit(m, op);
    } else if (op->transform) {
        encrypted(m, op);
    } else if (op->compression) {
        compressed(m, op);
    } else if (any && any->header.command < SMB2_COMMANDS) {
        details[any->header.command](m, op);
    } else if (op->smb1_request || op->smb1_response) {
        maker_smb1_details(m, op);
    }
}
