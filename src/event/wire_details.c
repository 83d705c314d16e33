/* What the header and the body of SMB2 messages have beside the facts that everybody asks for: only where every operation has a
 * record. Events of the Windows logs tell it (smbtap events). */
#include "event/maker.h"

#include <string.h>

static const struct smb2_message *request_of(const struct operation *op) {
    return op->request && !op->request_lost && !op->request->empty ? op->request : NULL;
}

static const struct smb2_message *answer_of(const struct operation *op) {
    return op->response && !op->response->is_error && !op->response->empty ? op->response : NULL;
}

/* ---- headers, MS-SMB2 2.2.1 */

/* The direction, and SMB2_FLAGS_PRIORITY_MASK, which is a number. */
#define OTHERS ((uint32_t)SMB2_FLAGS_SERVER_TO_REDIR | UINT32_C(0x70))

static void headers(struct event *e, const struct operation *op) {
    const struct smb2_header *q = op->request && !op->request_lost ? &op->request->header : NULL;
    const struct smb2_header *r = op->response ? &op->response->header : NULL;
    if (q) {
        event_bits(e, FIELD_REQUEST_FLAGS, q->flags & ~OTHERS, &names_header_flag);
        event_uint(e, FIELD_CREDITS_REQUESTED, q->credits);
    }
    if (r) {
        event_bits(e, FIELD_RESPONSE_FLAGS, r->flags & ~OTHERS, &names_header_flag);
        event_uint(e, FIELD_CREDITS_GRANTED, r->credits);
    }
    const struct smb2_header *any = q ? q : r;
    if (any && !(any->flags & SMB2_FLAGS_ASYNC_COMMAND) && any->process_id != 0) {
        event_uint(e, FIELD_PROCESS_ID, any->process_id);
    }
}

/* ---- CREATE and CLOSE */

static void granted_contexts(struct event_maker *m, const struct smb2_create_contexts *contexts) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < contexts->count; i++) {
        mask |= UINT32_C(1) << contexts->items[i].kind;
    }
    maker_contexts(m, FIELD_GRANTED_CONTEXTS, mask);
}

static void create(struct event_maker *m, const struct smb2_create_request *q, const struct smb2_create_response *r) {
    struct event *e = &m->event;
    if (q) {
        event_named(e, FIELD_REQUESTED_OPLOCK_LEVEL, q->oplock_level, &names_oplock_level, 2);
        event_named(e, FIELD_IMPERSONATION_LEVEL, q->impersonation_level, &names_impersonation_level, 8);
        event_bits(e, FIELD_REQUESTED_ATTRIBUTES, q->file_attributes, &names_file_attribute);
        event_bits(e, FIELD_REQUESTED_LEASE_STATE, q->contexts.has_lease ? q->contexts.lease_state : 0,
                   &names_lease_state);
    }
    if (r) {
        event_uint(e, FIELD_ALLOCATION_SIZE, r->allocation_size);
        granted_contexts(m, &r->contexts);
    }
}

static void close_handle(struct event *e, const struct smb2_close_request *q, const struct smb2_close_response *r) {
    event_bits(e, FIELD_CLOSE_FLAGS, q ? q->flags : 0u, &names_close_flag);
    event_bits(e, FIELD_GRANTED_CLOSE_FLAGS, r ? r->flags : 0u, &names_close_flag);
    if (r && (r->flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB)) {
        event_uint(e, FIELD_ALLOCATION_SIZE, r->allocation_size);
    }
}

/* ---- data */

static void read_data(struct event *e, const struct smb2_read_request *q) {
    event_uint(e, FIELD_MINIMUM_COUNT, q->minimum_count);
    event_named(e, FIELD_CHANNEL, q->channel, &names_channel, 8);
    event_uint(e, FIELD_REMAINING_BYTES, q->remaining_bytes);
}

static void write_data(struct event *e, const struct smb2_write_request *q) {
    event_named(e, FIELD_CHANNEL, q->channel, &names_channel, 8);
    event_uint(e, FIELD_REMAINING_BYTES, q->remaining_bytes);
    event_bits(e, FIELD_WRITE_FLAGS, q->flags, &names_write_flag);
}

/* ---- leases */

/* MS-SMB2 2.2.23.2: why a lease is broken, 0 where the server does not say. */
static void lease_break(struct event *e, const struct operation *op, const struct smb2_oplock_break *b) {
    if (!b->lease) {
        return;
    }
    event_bits(e, FIELD_LEASE_FLAGS, b->lease_flags, &names_lease_break_flag);
    if (op->unasked) {
        event_bits(e, FIELD_CURRENT_LEASE_STATE, b->current_state, &names_lease_state);
        event_uint(e, FIELD_BREAK_REASON, b->break_reason);
    }
}

/* ---- information and the rest */

static void query_directory(struct event *e, const struct smb2_query_directory_request *q) {
    event_bits(e, FIELD_QUERY_FLAGS, q->flags, &names_query_directory_flag);
    event_uint(e, FIELD_FILE_INDEX, q->file_index);
    event_uint(e, FIELD_BUFFER_LENGTH, q->output_buffer_length);
}

static void change_notify(struct event *e, const struct smb2_change_notify_request *q) {
    event_bits(e, FIELD_NOTIFY_FLAGS, q->flags, &names_change_notify_flag);
    event_uint(e, FIELD_BUFFER_LENGTH, q->output_buffer_length);
}

static void query_info(struct event *e, const struct smb2_message *q, const struct smb2_message *r) {
    if (q) {
        event_bits(e, FIELD_QUERY_FLAGS, q->query_info_request.flags, &names_query_info_flag);
        event_uint(e, FIELD_BUFFER_LENGTH, q->query_info_request.output_buffer_length);
    }
    if (r) {
        event_uint(e, FIELD_OUTPUT_LENGTH, r->query_info_response.buffer_length);
    }
}

static void requests(struct event *e, const struct smb2_message *q) {
    switch (q->header.command) {
    case SMB2_SESSION_SETUP:
        event_bits(e, FIELD_CAPABILITIES_CLIENT, q->session_setup_request.capabilities, &names_global_capability);
        break;
    case SMB2_READ:
        read_data(e, &q->read_request);
        break;
    case SMB2_WRITE:
        write_data(e, &q->write_request);
        break;
    case SMB2_IOCTL:
        event_bits(e, FIELD_IOCTL_FLAGS, q->ioctl.flags, &names_ioctl_flag);
        break;
    case SMB2_QUERY_DIRECTORY:
        query_directory(e, &q->query_directory_request);
        break;
    case SMB2_CHANGE_NOTIFY:
        change_notify(e, &q->change_notify_request);
        break;
    case SMB2_SET_INFO:
        event_uint(e, FIELD_BUFFER_LENGTH, q->set_info_request.buffer_length);
        break;
    default:
        break;
    }
}

void maker_wire_details(struct event_maker *m, const struct operation *op) {
    struct event *e = &m->event;
    const struct smb2_message *q = request_of(op), *r = answer_of(op), *any = r ? r : q;
    headers(e, op);
    if (q) {
        requests(e, q);
    }
    if (!any) {
        return;
    }
    switch (any->header.command) {
    case SMB2_CREATE:
        create(m, q ? &q->create_request : NULL, r ? &r->create_response : NULL);
        break;
    case SMB2_CLOSE:
        close_handle(e, q ? &q->close_request : NULL, r ? &r->close_response : NULL);
        break;
    case SMB2_OPLOCK_BREAK:
        lease_break(e, op, &any->oplock_break);
        break;
    case SMB2_QUERY_INFO:
        query_info(e, q, r);
        break;
    default:
        break;
    }
}
