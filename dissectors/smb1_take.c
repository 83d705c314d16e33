/* How the Bytes of a command are read: strings, secrets, blobs, and the data that offsets point at. */
#include "smb1.h"
#include "smb2.h"

#include <string.h>

/* Bytes before the first NUL unit; all of them where there is none. */
static size_t length_of(struct view v, size_t unit) {
    size_t n = 0;
    if (unit == 1) {
        const uint8_t *end = v.n != 0 ? memchr(v.p, 0, v.n) : NULL;
        return end ? (size_t)(end - v.p) : v.n;
    }
    while (v.n - n >= unit && (v.p[n] != 0 || v.p[n + 1] != 0)) {
        n += unit;
    }
    return n;
}

/* Not an empty text, which is the name of a root: none. */
static const struct text none = {{NULL, 0}, ENC_ASCII};

struct text smb1_terminated(struct cursor *c, bool unicode) {
    size_t unit = unicode ? 2 : 1;
    struct view rest = view_part(view_from(c->in, c->pos), 0, cursor_left(c));
    size_t n = length_of(rest, unit);
    struct text t = {cursor_take(c, n), unicode ? ENC_UTF16LE : ENC_OEM};
    size_t left = cursor_left(c);
    cursor_skip(c, left < unit ? left : unit);
    return n == 0 && left < unit ? none : t;
}

struct text smb1_counted(struct cursor *c, size_t n, bool unicode) {
    size_t left = cursor_left(c);
    if (!cursor_ok(c) || (n > 0 && left == 0)) {
        return none;
    }
    struct view v = cursor_take(c, n < left ? n : left);
    return (struct text){view_part(v, 0, length_of(v, unicode ? 2 : 1)), unicode ? ENC_UTF16LE : ENC_OEM};
}

/* Without a NUL in what is there of Bytes that were cut, the rest of the string was cut. */
static enum verdict take(struct smb1_block *b, bool unicode, struct text *out) {
    size_t before = b->bytes.pos;
    *out = smb1_terminated(&b->bytes, unicode);
    if (!cursor_ok(&b->bytes)) {
        return smb1_lacking(b);
    }
    bool ended = b->bytes.pos - before == out->bytes.n + (unicode ? 2 : 1);
    return ended ? V_OK : b->lack;
}

enum verdict smb1_take_unaligned(struct smb1_block *b, bool unicode, struct text *out) {
    return take(b, unicode, out);
}

static bool align(struct smb1_block *b) {
    bool unicode = b->header->flags2 & SMB_FLAGS2_UNICODE;
    if (unicode && b->bytes.pos % 2 != 0 && cursor_left(&b->bytes) > 0) {
        cursor_skip(&b->bytes, 1);
    }
    return unicode;
}

enum verdict smb1_take_string(struct smb1_block *b, struct text *out) {
    bool unicode = align(b);
    return take(b, unicode, out);
}

enum verdict smb1_take_counted(struct smb1_block *b, size_t n, struct text *out) {
    bool unicode = align(b);
    size_t left = cursor_left(&b->bytes);
    *out = smb1_counted(&b->bytes, n, unicode);
    return n <= left ? V_OK : smb1_lacking(b);
}

enum verdict smb1_take_oem(struct smb1_block *b, struct text *out) {
    return take(b, false, out);
}

enum verdict smb1_take_path(struct smb1_block *b, struct text *out) {
    uint8_t format = cursor_u8(&b->bytes);
    if (!cursor_ok(&b->bytes)) {
        return smb1_lacking(b);
    }
    return format == SMB1_FORMAT_STRING ? smb1_take_string(b, out) : V_BAD;
}

enum verdict smb1_take_secret(struct smb1_block *b, size_t n, struct smb1_secret *out) {
    *out = (struct smb1_secret){(uint16_t)n, false};
    struct view v = cursor_take(&b->bytes, n);
    for (size_t i = 0; i < v.n; i++) {
        out->present = out->present || v.p[i] != 0;
    }
    return smb1_bytes_verdict(b);
}

enum verdict smb1_take_blob(struct smb1_block *b, size_t n, struct view *out) {
    *out = cursor_take(&b->bytes, n);
    enum verdict v = dissect_token(b->d, *out);
    return smb1_worse(smb1_bytes_verdict(b), v);
}

enum verdict smb1_part(const struct smb1_block *b, uint32_t offset, uint32_t length, struct view *out) {
    *out = (struct view){NULL, 0};
    if (length == 0) {
        return V_OK;
    }
    if (offset < SMB1_HEADER_SIZE) {
        return V_BAD;
    }
    enum verdict v = smb1_reach(b, (uint64_t)offset + length);
    if (v == V_OK) {
        *out = view_part(b->message, offset, length);
    }
    return v;
}

enum verdict smb1_data(struct smb1_block *b, uint32_t offset, uint32_t length, struct view *out) {
    *out = (struct view){NULL, 0};
    b->data_may_be_cut = true;
    if (length == 0) {
        return V_OK;
    }
    if (offset < SMB1_HEADER_SIZE) {
        return V_BAD;
    }
    *out = view_part(b->message, offset, length);
    return smb1_reach(b, (uint64_t)offset + length) == V_BAD ? V_BAD : V_OK;
}

enum verdict smb1_counted_data(struct smb1_block *b, uint32_t *offset, uint32_t *length, struct view *out) {
    uint8_t format = cursor_u8(&b->bytes);
    *length = cursor_le16(&b->bytes);
    *offset = (uint32_t)b->bytes.pos;
    if (!cursor_ok(&b->bytes)) {
        return smb1_lacking(b);
    }
    return smb1_worse(format == SMB1_FORMAT_DATA ? V_OK : V_BAD, smb1_data(b, *offset, *length, out));
}

struct smb1_dos_time smb1_take_dos_time(struct cursor *c) {
    struct smb1_dos_time t;
    t.date = cursor_le16(c);
    t.time = cursor_le16(c);
    return t;
}

struct smb2_file_times smb1_take_times(struct cursor *c) {
    return smb2_take_times(c);
}
