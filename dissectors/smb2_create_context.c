/* Create contexts, MS-SMB2 2.2.13.2 (requests) and 2.2.14.2 (responses): a list of named buffers behind a CREATE. */
#include "smb2.h"

#include "names.h"

enum { CONTEXT_HEADER_SIZE = 16 };

/* The kinds are the rows of the table of names, with the unknown one before them. */
static enum smb2_create_context_kind kind_of(struct view name, size_t data_length) {
    const struct name_create_context *row = names_find_create_context(name.p, name.n, data_length);
    return row ? (enum smb2_create_context_kind)(row->id + 1) : SMB2_CREATE_CONTEXT_UNKNOWN;
}

/* The parsers below get the data of one context. Whoever reads past its end made it fail, and it is V_BAD. */
typedef void context_parser(struct cursor *, bool response, struct smb2_create_contexts *);

/* 2.2.13.2.3, 2.2.14.2.3: the data is reserved either way. */
static void durable_request(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    (void)c, (void)response;
    out->durable_request = true;
}

/* 2.2.13.2.4 */
static void durable_reconnect(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct file_id id = smb2_take_file_id(c);
    if (cursor_ok(c) && !response) {
        out->durable_reconnect = true;
        out->reconnect_id = id;
    }
}

/* 2.2.13.2.11, 2.2.14.2.12 */
static void durable_request_v2(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct guid guid = {{0}};
    uint32_t timeout = cursor_le32(c);
    uint32_t flags = cursor_le32(c);
    if (!response) {
        cursor_skip(c, 8);
        cursor_copy(c, guid.bytes, sizeof guid.bytes);
    }
    if (!cursor_ok(c)) {
        return;
    }
    out->durable_request = true;
    out->durable_timeout = timeout;
    out->persistent = flags & SMB2_DHANDLE_FLAG_PERSISTENT;
    if (!response) {
        out->has_create_guid = true;
        out->create_guid = guid;
    }
}

/* 2.2.13.2.12 */
static void durable_reconnect_v2(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct guid guid;
    struct file_id id = smb2_take_file_id(c);
    cursor_copy(c, guid.bytes, sizeof guid.bytes);
    uint32_t flags = cursor_le32(c);
    if (!cursor_ok(c) || response) {
        return;
    }
    out->durable_reconnect = true;
    out->reconnect_id = id;
    out->has_create_guid = true;
    out->create_guid = guid;
    out->persistent = flags & SMB2_DHANDLE_FLAG_PERSISTENT;
}

/* 2.2.14.2.5; in a request (2.2.13.2.5) nothing or a time that says nothing to us */
static void maximal_access(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    if (!response) {
        return;
    }
    uint32_t status = cursor_le32(c);
    uint32_t access = cursor_le32(c);
    if (cursor_ok(c)) {
        out->has_maximal_access = true;
        out->query_status = status;
        out->maximal_access = access;
    }
}

/* 2.2.13.2.6 */
static void allocation_size(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    uint64_t size = cursor_le64(c);
    if (cursor_ok(c) && !response) {
        out->has_allocation_size = true;
        out->allocation_size = size;
    }
}

/* 2.2.13.2.7 */
static void timewarp(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    uint64_t time = cursor_le64(c);
    if (cursor_ok(c) && !response) {
        out->has_timewarp = true;
        out->timewarp = time;
    }
}

/* 2.2.13.2.8, 2.2.14.2.10 */
static void lease(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct guid key;
    (void)response;
    cursor_copy(c, key.bytes, sizeof key.bytes);
    uint32_t state = cursor_le32(c);
    uint32_t flags = cursor_le32(c);
    cursor_skip(c, 8); /* LeaseDuration */
    if (cursor_ok(c)) {
        out->has_lease = true;
        out->lease_key = key;
        out->lease_state = state;
        out->lease_flags = flags;
    }
}

/* 2.2.13.2.10, 2.2.14.2.11: the same with more behind it. Its data is 52 bytes, or it would not be this one. */
static void lease_v2(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    lease(c, response, out);
    cursor_copy(c, out->parent_lease_key.bytes, sizeof out->parent_lease_key.bytes);
}

/* 2.2.14.2.9; in a request there is no data */
static void disk_id(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct view id = cursor_take(c, response ? sizeof out->disk_id : 0);
    if (id.n == sizeof out->disk_id) {
        out->has_disk_id = true;
        memcpy(out->disk_id, id.p, id.n);
    }
}

/* 2.2.13.2.13 */
static void app_instance(struct cursor *c, bool response, struct smb2_create_contexts *out) {
    struct guid id;
    cursor_skip(c, 2 + 2);
    cursor_copy(c, id.bytes, sizeof id.bytes);
    if (cursor_ok(c) && !response) {
        out->has_app_instance = true;
        out->app_instance = id;
    }
}

/* NULL for those whose data the records do not need. */
static context_parser *const parsers[SMB2_CREATE_CONTEXTS] = {
    [SMB2_CREATE_CONTEXT_ALLOCATION_SIZE] = allocation_size,
    [SMB2_CREATE_CONTEXT_APP_INSTANCE_ID] = app_instance,
    [SMB2_CREATE_CONTEXT_DURABLE_HANDLE_RECONNECT] = durable_reconnect,
    [SMB2_CREATE_CONTEXT_DURABLE_HANDLE_RECONNECT_V2] = durable_reconnect_v2,
    [SMB2_CREATE_CONTEXT_DURABLE_HANDLE_REQUEST] = durable_request,
    [SMB2_CREATE_CONTEXT_DURABLE_HANDLE_REQUEST_V2] = durable_request_v2,
    [SMB2_CREATE_CONTEXT_QUERY_MAXIMAL_ACCESS] = maximal_access,
    [SMB2_CREATE_CONTEXT_QUERY_ON_DISK_ID] = disk_id,
    [SMB2_CREATE_CONTEXT_REQUEST_LEASE] = lease,
    [SMB2_CREATE_CONTEXT_REQUEST_LEASE_V2] = lease_v2,
    [SMB2_CREATE_CONTEXT_TIMEWARP_TOKEN] = timewarp,
};

/* 2.2.13.2: one context; its offsets count from its own start. Name and data may not reach past the list. */
static enum verdict context_parse(struct view context, struct smb2_create_context *out) {
    struct cursor c = cursor_over(context);
    cursor_skip(&c, 4); /* Next */
    uint16_t name_offset = cursor_le16(&c);
    uint16_t name_length = cursor_le16(&c);
    cursor_skip(&c, 2);
    uint16_t data_offset = cursor_le16(&c);
    uint32_t data_length = cursor_le32(&c);
    struct view name = cursor_at(&c, name_offset, name_length);
    struct view data = cursor_at(&c, data_offset, data_length);
    if (!cursor_ok(&c)) {
        return V_BAD;
    }
    out->kind = kind_of(name, data_length);
    out->name = name;
    out->data = data;
    return V_OK;
}

/* How many contexts there are along Next, up to the first that leaves the list or does not advance. */
static unsigned contexts_count(struct view list) {
    struct cursor c = cursor_over(list);
    unsigned count = 0;
    while (cursor_left(&c) >= CONTEXT_HEADER_SIZE) {
        uint32_t next = cursor_le32(&c);
        count++;
        if (next < CONTEXT_HEADER_SIZE) {
            break;
        }
        cursor_skip(&c, next - 4);
    }
    return count;
}

enum verdict smb2_create_contexts_parse(struct arena *mem, struct view list, bool response,
                                        struct smb2_create_contexts *out) {
    unsigned count = contexts_count(list);
    if (count == 0) {
        return V_BAD;
    }
    struct smb2_create_context *items = arena_array(mem, count, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    enum verdict v = V_OK;
    struct cursor c = cursor_over(list);
    uint32_t next = 0;
    for (unsigned i = 0; i < count && cursor_ok(&c); i++) {
        struct smb2_create_context *item = &items[i];
        struct view context = view_from(list, c.pos);
        if (context_parse(context, item) != V_OK) {
            v = V_BAD;
        } else if (parsers[item->kind]) {
            struct cursor data = cursor_over(item->data);
            parsers[item->kind](&data, response, out);
            v = cursor_ok(&data) ? v : V_BAD;
        }
        next = cursor_le32(&c);
        cursor_skip(&c, next >= CONTEXT_HEADER_SIZE ? next - 4 : 0);
    }
    out->items = items;
    out->count = count;
    return next == 0 ? v : V_BAD;
}
