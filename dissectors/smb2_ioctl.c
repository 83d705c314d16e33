/* IOCTL, MS-SMB2 2.2.31 and 2.2.32, and what is known of the buffers of some control codes. */
#include "smb2.h"

enum {
    COPYCHUNK_SIZE = 24,
    RESUME_KEY_SIZE = 24,
    SOCKADDR_SIZE = 128,
    NETWORK_INTERFACE_SIZE = 24 + SOCKADDR_SIZE,
};

/* Each parser of details gets the input of a request or the output of a response. V_OK: the details are whole. */
typedef enum verdict details_parser(struct arena *, struct cursor *, struct smb2_ioctl *);

static enum verdict verdict_of(const struct cursor *c) {
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* 2.2.31.1 */
static enum verdict copychunk_request(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    struct view key = cursor_take(c, RESUME_KEY_SIZE);
    uint32_t count = cursor_le32(c);
    cursor_skip(c, 4);
    if (!cursor_ok(c) || count > cursor_left(c) / COPYCHUNK_SIZE) {
        return V_BAD;
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < count && cursor_ok(c); i++) {
        cursor_skip(c, 8 + 8);
        total += cursor_le32(c);
        cursor_skip(c, 4);
    }
    r->copychunk.source_key = key;
    r->copychunk.chunk_count = count;
    r->copychunk.total_length = total;
    return V_OK;
}

/* 2.2.32.1 */
static enum verdict copychunk_response(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->copychunk.chunks_written = cursor_le32(c);
    cursor_skip(c, 4); /* ChunkBytesWritten: of the chunk that failed */
    r->copychunk.total_bytes_written = cursor_le32(c);
    return verdict_of(c);
}

/* 2.2.32.3. The context behind the key is not used, and servers differ in whether they send its length. */
static enum verdict resume_key_response(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->resume_key.key = cursor_take(c, RESUME_KEY_SIZE);
    return verdict_of(c);
}

/* 2.2.31.3 */
static enum verdict resiliency_request(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->resiliency.timeout = cursor_le32(c);
    cursor_skip(c, 4);
    return verdict_of(c);
}

/* 2.2.31.4 and 2.2.32.6 */
static enum verdict validate_negotiate(struct arena *mem, struct cursor *c, bool response, struct smb2_ioctl *r) {
    r->validate_negotiate.capabilities = cursor_le32(c);
    cursor_copy(c, r->validate_negotiate.guid.bytes, sizeof r->validate_negotiate.guid.bytes);
    r->validate_negotiate.security_mode = cursor_le16(c);
    uint16_t count = response ? 1 : cursor_le16(c);
    return smb2_take_u16s(mem, c, count, &r->validate_negotiate.dialects);
}

static enum verdict validate_negotiate_request(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    return validate_negotiate(mem, c, false, r);
}

static enum verdict validate_negotiate_response(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    return validate_negotiate(mem, c, true, r);
}

/* UTF-16 up to a NUL; V_BAD where none comes. */
static enum verdict take_terminated(struct cursor *c, struct text *out) {
    struct cursor start = *c;
    size_t units = 0;
    while (cursor_left(c) >= 2 && cursor_le16(c) != 0) {
        units++;
    }
    bool terminated = c->pos == start.pos + 2 * (units + 1);
    *out = text_utf16(cursor_take(&start, 2 * units));
    return terminated ? V_OK : V_BAD;
}

/* MS-DFSC 2.2.2 */
static enum verdict dfs_request(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->dfs.max_level = cursor_le16(c);
    return cursor_ok(c) ? take_terminated(c, &r->dfs.path) : V_BAD;
}

/* MS-DFSC 2.2.3 */
static enum verdict dfs_request_ex(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->dfs.max_level = cursor_le16(c);
    cursor_skip(c, 2 + 4); /* RequestFlags, RequestDataLength */
    uint16_t length = cursor_le16(c);
    return smb2_take_text(c, length, &r->dfs.path);
}

/* MS-DFSC 2.2.4 */
static enum verdict dfs_response(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    r->dfs.path_consumed = cursor_le16(c);
    r->dfs.referrals = cursor_le16(c);
    cursor_skip(c, 4);
    return verdict_of(c);
}

/* 2.2.32.5.1: c covers the whole SOCKADDR_STORAGE. */
static void sockaddr_parse(struct cursor c, struct smb2_network_interface *out) {
    uint16_t family = cursor_le16(&c);
    cursor_skip(&c, 2); /* Port */
    if (family == 0x0002) {
        out->family = 4;
        cursor_copy(&c, out->address, 4);
    } else if (family == 0x0017) {
        out->family = 6;
        cursor_skip(&c, 4); /* FlowInfo */
        cursor_copy(&c, out->address, 16);
    }
}

/* 2.2.32.5: how many there are along Next; 0 where the chain leaves the buffer or does not advance. */
static unsigned interfaces_count(struct cursor c) {
    unsigned count = 0;
    while (cursor_left(&c) >= NETWORK_INTERFACE_SIZE) {
        uint32_t next = cursor_le32(&c);
        count++;
        if (next == 0) {
            return count;
        }
        cursor_skip(&c, next < NETWORK_INTERFACE_SIZE ? SIZE_MAX : next - 4);
    }
    return 0;
}

static enum verdict interfaces_response(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    unsigned count = interfaces_count(*c);
    if (count == 0) {
        return V_BAD;
    }
    struct smb2_network_interface *items = arena_array(mem, count, sizeof *items);
    if (!items) {
        return V_LIMIT;
    }
    for (unsigned i = 0; i < count && cursor_ok(c); i++) {
        uint32_t next = cursor_le32(c);
        items[i].index = cursor_le32(c);
        items[i].capability = cursor_le32(c);
        cursor_skip(c, 4);
        items[i].link_speed = cursor_le64(c);
        sockaddr_parse(cursor_over(cursor_take(c, SOCKADDR_SIZE)), &items[i]);
        cursor_skip(c, next == 0 ? 0 : next - NETWORK_INTERFACE_SIZE);
    }
    r->interfaces.items = items;
    r->interfaces.count = count;
    return V_OK;
}

enum verdict smb2_take_link_names(struct cursor *c, bool has_flags, uint32_t *flags, struct text *substitute,
                                  struct text *print) {
    uint16_t substitute_offset = cursor_le16(c);
    uint16_t substitute_length = cursor_le16(c);
    uint16_t print_offset = cursor_le16(c);
    uint16_t print_length = cursor_le16(c);
    *flags = has_flags ? cursor_le32(c) : 0;
    struct cursor names = cursor_over(cursor_rest(c));
    struct cursor a = cursor_over(cursor_at(&names, substitute_offset, substitute_length));
    struct cursor b = cursor_over(cursor_at(&names, print_offset, print_length));
    if (!cursor_ok(c) || !cursor_ok(&names)) {
        return V_BAD;
    }
    return smb2_worse(smb2_take_text(&a, a.in.n, substitute), smb2_take_text(&b, b.in.n, print));
}

/* MS-FSCC 2.1.2.2, 2.1.2.4 and 2.1.2.5 */
static enum verdict reparse_point(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    struct smb2_reparse_point *point = &r->reparse;
    point->tag = cursor_le32(c);
    uint16_t length = cursor_le16(c);
    cursor_skip(c, 2);
    struct cursor data = cursor_over(cursor_take(c, length));
    if (!cursor_ok(c)) {
        return V_BAD;
    }
    if (point->tag != IO_REPARSE_TAG_SYMLINK && point->tag != IO_REPARSE_TAG_MOUNT_POINT) {
        return V_OK;
    }
    return smb2_take_link_names(&data, point->tag == IO_REPARSE_TAG_SYMLINK, &point->flags, &point->substitute_name,
                                &point->print_name);
}

/* MS-FSCC 2.3.49 */
static enum verdict pipe_wait_request(struct arena *mem, struct cursor *c, struct smb2_ioctl *r) {
    (void)mem;
    cursor_skip(c, 8); /* Timeout */
    uint32_t length = cursor_le32(c);
    cursor_skip(c, 1 + 1);
    return smb2_take_text(c, length, &r->pipe_wait.name);
}

static const struct {
    uint32_t ctl_code;
    details_parser *request, *response;
} details[] = {
    {FSCTL_DFS_GET_REFERRALS, dfs_request, dfs_response},
    {FSCTL_DFS_GET_REFERRALS_EX, dfs_request_ex, dfs_response},
    {FSCTL_SET_REPARSE_POINT, reparse_point, NULL},
    {FSCTL_GET_REPARSE_POINT, NULL, reparse_point},
    {FSCTL_PIPE_WAIT, pipe_wait_request, NULL},
    {FSCTL_SRV_REQUEST_RESUME_KEY, NULL, resume_key_response},
    {FSCTL_LMR_REQUEST_RESILIENCY, resiliency_request, NULL},
    {FSCTL_QUERY_NETWORK_INTERFACE_INFO, NULL, interfaces_response},
    {FSCTL_VALIDATE_NEGOTIATE_INFO, validate_negotiate_request, validate_negotiate_response},
    {FSCTL_SRV_COPYCHUNK, copychunk_request, copychunk_response},
    {FSCTL_SRV_COPYCHUNK_WRITE, copychunk_request, copychunk_response},
};

static details_parser *details_parser_of(uint32_t ctl_code, bool response) {
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        if (details[i].ctl_code == ctl_code) {
            return response ? details[i].response : details[i].request;
        }
    }
    return NULL;
}

/* An empty buffer has no details and is not bad: there are servers and statuses that send none. With
 * STATUS_BUFFER_OVERFLOW the server cut it, which is no fault either. */
static enum verdict details_parse(struct smb2_body *b, bool response, struct smb2_ioctl *r) {
    struct view buffer = response ? r->output : r->input;
    details_parser *parser = details_parser_of(r->ctl_code, response);
    if (!parser || buffer.n == 0) {
        return V_OK;
    }
    struct cursor c = cursor_over(buffer);
    enum verdict v = parser(b->d->mem, &c, r);
    r->has_details = v == V_OK;
    return response && b->header->status == STATUS_BUFFER_OVERFLOW ? V_OK : v;
}

static enum verdict ioctl_parse(struct smb2_body *b, bool response, struct smb2_ioctl *out) {
    struct smb2_ioctl r = {0};
    cursor_skip(&b->c, 2);
    r.ctl_code = cursor_le32(&b->c);
    r.file_id = smb2_take_file_id(&b->c);
    uint32_t input_offset = cursor_le32(&b->c);
    uint32_t input_count = cursor_le32(&b->c);
    r.max_input = response ? 0 : cursor_le32(&b->c);
    uint32_t output_offset = cursor_le32(&b->c);
    uint32_t output_count = cursor_le32(&b->c);
    r.max_output = response ? 0 : cursor_le32(&b->c);
    r.flags = cursor_le32(&b->c);
    enum verdict of_input = smb2_part(b, input_offset, input_count, &r.input);
    enum verdict of_output = smb2_part(b, output_offset, output_count, &r.output);
    r.input_length = of_input == V_BAD ? 0 : input_count;
    r.output_length = of_output == V_BAD ? 0 : output_count;
    enum verdict v = smb2_worse(of_input, of_output);
    v = smb2_worse(v, details_parse(b, response, &r));
    *out = r;
    return v;
}

/* 2.2.31 */
enum verdict smb2_ioctl_request(struct smb2_body *b, struct smb2_message *m) {
    return ioctl_parse(b, false, &m->ioctl);
}

/* 2.2.32 */
enum verdict smb2_ioctl_response(struct smb2_body *b, struct smb2_message *m) {
    return ioctl_parse(b, true, &m->ioctl);
}
