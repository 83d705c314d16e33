#include "smb1_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pdu.h"
#include "smb1_wire.h"

struct smb1_bench smb1_bench_new(const struct model_limits *limits) {
    struct smb1_bench s = {.b = bench_new(limits), .flags2 = TEST_OEM, .pid = 0xFEFF, .tid = 0x801, .uid = 0x800};
    s.peer = peer_open(s.b, 1, 2);
    return s;
}

struct smb1_bench smb1_bench_settled(void) {
    struct smb1_bench s = smb1_bench_new(NULL);
    ask_begin(&s);
    block_setup(&s, "alice");
    block_tree(&s, "\\\\srv\\data");
    send_it(&s);
    say_begin(&s, 0);
    block_setup_done(&s);
    block_tree_done(&s);
    send_it(&s);
    s.mid++;
    assert_string_equal(bench_last(s.b, 0)->path, "\\\\srv\\data");
    return s;
}

void smb1_bench_free(struct smb1_bench *s) {
    peer_close(&s->peer);
    bench_free(s->b);
}

/* ---- messages */

static void begin(struct smb1_bench *s, uint8_t flags, uint32_t status) {
    struct octets *o = &s->o;
    o->n = 0;
    s->chained = false;
    s->flags = flags;
    put_bytes(o, "\xFFSMB", 4);
    put8(o, 0);
    put32(o, status);
    put8(o, flags);
    put16(o, s->flags2);
    put16(o, (uint16_t)(s->pid >> 16));
    put_zeros(o, 8 + 2);
    put16(o, s->tid);
    put16(o, (uint16_t)s->pid);
    put16(o, s->uid);
    put16(o, s->mid);
}

void ask_begin(struct smb1_bench *s) {
    begin(s, SMB_FLAGS_CASE_INSENSITIVE, 0);
}

void say_begin(struct smb1_bench *s, uint32_t status) {
    begin(s, SMB_FLAGS_REPLY, status);
}

static bool is_andx(uint8_t command) {
    return command == SMB1_LOCKING_ANDX || (command >= SMB1_OPEN_ANDX && command <= SMB1_WRITE_ANDX) ||
           (command >= SMB1_SESSION_SETUP_ANDX && command <= SMB1_TREE_CONNECT_ANDX) || command == SMB1_NT_CREATE_ANDX;
}

void block_begin(struct smb1_bench *s, uint8_t command) {
    if (s->chained) {
        set_le(&s->o, s->andx_at, 1, command);
        set_le(&s->o, s->andx_at + 2, 2, s->o.n);
    } else {
        set_le(&s->o, 4, 1, command);
    }
    put8(&s->o, 0);
    s->words_at = s->o.n;
    if (is_andx(command)) {
        s->andx_at = s->o.n;
        put_andx_end(&s->o);
    }
    s->chained = true;
}

void block_bytes(struct smb1_bench *s) {
    set_le(&s->o, s->words_at - 1, 1, (s->o.n - s->words_at) / 2);
    s->bytes_at = open_bytes(&s->o);
}

void block_end(struct smb1_bench *s) {
    close_bytes(&s->o, s->bytes_at);
}

static void deliver(void *arg, const struct pdu *pdu) {
    connection_pdu(arg, pdu);
}

/* In memory of its own that is gone afterwards: nobody may keep what points into it. */
static void send_to(struct smb1_bench *s, enum direction dir) {
    static _Alignas(16) unsigned char memory[65536];
    size_t n = s->snap && s->snap < s->o.n ? s->snap : s->o.n;
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, s->o.b, n);
    s->b->now.time_ns += 1000000;
    s->b->now.frame++;
    struct message message = {
        .kind = MESSAGE_SMB1,
        .bytes = {copy, n},
        .length = (uint32_t)s->o.n,
        .missing = (uint32_t)(s->o.n - n),
        .first = true,
        .last = true,
        .doubtful = s->peer.doubtful,
        .run = s->peer.doubtful ? s->peer.run : 0,
        .begin = s->b->now,
        .end = s->b->now,
    };
    struct arena arena = {memory, sizeof memory, 0, false};
    struct dissection d = {
        .mem = &arena,
        .dir = dir,
        .wire_length = message.length,
        .missing = message.missing,
        .deliver = deliver,
        .arg = s->peer.c,
    };
    connection_message(s->peer.c, dir, &message);
    (void)dissector_smb1.dissect(&d, message.bytes);
    memset(copy, 0xA5, n);
    free(copy);
}

void send_it(struct smb1_bench *s) {
    send_to(s, s->flags & SMB_FLAGS_REPLY ? TO_CLIENT : TO_SERVER);
}

void send_back(struct smb1_bench *s) {
    send_to(s, s->flags & SMB_FLAGS_REPLY ? TO_SERVER : TO_CLIENT);
}

/* ---- blocks */

void block_plain(struct smb1_bench *s, uint8_t command) {
    block_begin(s, command);
    block_bytes(s);
    block_end(s);
}

void block_setup(struct smb1_bench *s, const char *user) {
    block_begin(s, SMB1_SESSION_SETUP_ANDX);
    put_zeros(&s->o, 10);
    put16(&s->o, 0);
    put16(&s->o, 24); /* UnicodePasswordLen */
    put_zeros(&s->o, 8);
    block_bytes(s);
    put_series(&s->o, 1, 24);
    put_string(&s->o, s->flags2, user);
    put_string(&s->o, s->flags2, "CORP");
    put_string(&s->o, s->flags2, "Unix");
    put_string(&s->o, s->flags2, "Samba");
    block_end(s);
}

void block_setup_done(struct smb1_bench *s) {
    block_begin(s, SMB1_SESSION_SETUP_ANDX);
    put16(&s->o, 0);
    block_bytes(s);
    put_string(&s->o, s->flags2, "Unix");
    put_string(&s->o, s->flags2, "Samba");
    put_string(&s->o, s->flags2, "CORP");
    block_end(s);
}

void block_tree(struct smb1_bench *s, const char *path) {
    block_begin(s, SMB1_TREE_CONNECT_ANDX);
    put16(&s->o, 0);
    put16(&s->o, 1);
    block_bytes(s);
    put8(&s->o, 0);
    put_string(&s->o, s->flags2, path);
    put_oem(&s->o, "?????");
    block_end(s);
}

void block_tree_done(struct smb1_bench *s) {
    block_begin(s, SMB1_TREE_CONNECT_ANDX);
    put16(&s->o, 0);
    block_bytes(s);
    put_oem(&s->o, "A:");
    put_string(&s->o, s->flags2, "NTFS");
    block_end(s);
}

void block_create(struct smb1_bench *s, const char *name, uint32_t options) {
    bool unicode = s->flags2 & SMB_FLAGS2_UNICODE;
    block_begin(s, SMB1_NT_CREATE_ANDX);
    put8(&s->o, 0);
    put16(&s->o, (uint16_t)(strlen(name) * (unicode ? 2 : 1)));
    put_zeros(&s->o, 32);
    put32(&s->o, options);
    put_zeros(&s->o, 5);
    block_bytes(s);
    put_string(&s->o, s->flags2, name);
    block_end(s);
}

void block_created(struct smb1_bench *s, uint16_t fid) {
    block_begin(s, SMB1_NT_CREATE_ANDX);
    put8(&s->o, 0);
    put16(&s->o, fid);
    put32(&s->o, FILE_CREATED);
    put_zeros(&s->o, 57);
    block_bytes(s);
    block_end(s);
}

void block_open(struct smb1_bench *s, const char *name) {
    block_begin(s, SMB1_OPEN_ANDX);
    put_zeros(&s->o, 26);
    block_bytes(s);
    put_string(&s->o, s->flags2, name);
    block_end(s);
}

void block_opened(struct smb1_bench *s, uint16_t fid) {
    block_begin(s, SMB1_OPEN_ANDX);
    put16(&s->o, fid);
    put_zeros(&s->o, 24);
    block_bytes(s);
    block_end(s);
}

void block_read(struct smb1_bench *s, uint16_t fid, uint16_t count) {
    block_begin(s, SMB1_READ_ANDX);
    put16(&s->o, fid);
    put32(&s->o, 0);
    put16(&s->o, count);
    put_zeros(&s->o, 8);
    block_bytes(s);
    block_end(s);
}

/* READ_ANDX response */
void block_data(struct smb1_bench *s, uint16_t length) {
    block_begin(s, SMB1_READ_ANDX);
    put_zeros(&s->o, 6);
    put16(&s->o, length);
    put16(&s->o, (uint16_t)(s->o.n + 14));
    put_zeros(&s->o, 10);
    block_bytes(s);
    put_series(&s->o, 1, length);
    block_end(s);
}

void block_write(struct smb1_bench *s, uint16_t fid, uint16_t length) {
    block_begin(s, SMB1_WRITE_ANDX);
    put16(&s->o, fid);
    put_zeros(&s->o, 14);
    put16(&s->o, length);
    put16(&s->o, (uint16_t)(s->o.n + 4));
    block_bytes(s);
    put_series(&s->o, 1, length);
    block_end(s);
}

void block_written(struct smb1_bench *s, uint16_t length) {
    block_begin(s, SMB1_WRITE_ANDX);
    put16(&s->o, length);
    put_zeros(&s->o, 6);
    block_bytes(s);
    block_end(s);
}

void block_close(struct smb1_bench *s, uint16_t fid) {
    block_begin(s, SMB1_CLOSE);
    put16(&s->o, fid);
    put32(&s->o, 0);
    block_bytes(s);
    block_end(s);
}

void block_path(struct smb1_bench *s, uint8_t command, const char *name) {
    block_begin(s, command);
    put_zeros(&s->o, command == SMB1_DELETE ? 2 : 0);
    block_bytes(s);
    put_path(&s->o, s->flags2, name);
    block_end(s);
}

/* ---- exchanges */

void do_create(struct smb1_bench *s, const char *name, uint16_t fid, uint32_t options) {
    ask_begin(s);
    block_create(s, name, options);
    send_it(s);
    say_begin(s, 0);
    block_created(s, fid);
    send_it(s);
    s->mid++;
}

void do_read(struct smb1_bench *s, uint16_t fid, uint16_t length) {
    ask_begin(s);
    block_read(s, fid, length);
    send_it(s);
    say_begin(s, 0);
    block_data(s, length);
    send_it(s);
    s->mid++;
}

void do_write(struct smb1_bench *s, uint16_t fid, uint16_t length) {
    ask_begin(s);
    block_write(s, fid, length);
    send_it(s);
    say_begin(s, 0);
    block_written(s, length);
    send_it(s);
    s->mid++;
}

void do_close(struct smb1_bench *s, uint16_t fid) {
    ask_begin(s);
    block_close(s, fid);
    send_it(s);
    say_begin(s, 0);
    block_plain(s, SMB1_CLOSE);
    send_it(s);
    s->mid++;
}

void do_plain(struct smb1_bench *s, uint8_t command, uint32_t status) {
    ask_begin(s);
    block_plain(s, command);
    send_it(s);
    say_begin(s, status);
    block_plain(s, command);
    send_it(s);
    s->mid++;
}

/* ---- transactions, MS-CIFS 2.2.4.33, 2.2.4.34, 2.2.4.46, 2.2.4.47, 2.2.4.62, 2.2.4.63 */

/* The bytes of the parts, and where they are into the words, at places of size bytes each. */
static void put_parts(struct smb1_bench *s, const struct part *p, size_t parameters_at, size_t data_at, unsigned size) {
    block_bytes(s);
    set_le(&s->o, parameters_at, size, s->o.n);
    put_bytes(&s->o, p->parameters ? p->parameters : "", p->parameter_count);
    set_le(&s->o, data_at, size, s->o.n);
    put_bytes(&s->o, p->data ? p->data : "", p->data_count);
    block_end(s);
}

static void put_totals(struct smb1_bench *s, const struct part *p, unsigned size) {
    put_le(&s->o, size, p->total_parameters);
    put_le(&s->o, size, p->total_data);
}

/* Count, offset and, in others than the first request, displacement. */
static size_t put_place(struct smb1_bench *s, uint32_t count, uint32_t at, unsigned size, bool first) {
    put_le(&s->o, size, count);
    size_t offset = s->o.n;
    put_le(&s->o, size, 0);
    if (!first) {
        put_le(&s->o, size, at);
    }
    return offset;
}

static void put_all(struct smb1_bench *s, const struct part *p, unsigned size, bool first, const void *setup,
                    size_t setup_size) {
    size_t parameters = put_place(s, p->parameter_count, p->parameters_at, size, first);
    size_t data = put_place(s, p->data_count, p->data_at, size, first);
    put_bytes(&s->o, setup, setup_size);
    put_parts(s, p, parameters, data, size);
}

void ask_transaction(struct smb1_bench *s, uint8_t command, uint16_t subcommand, const struct part *p) {
    ask_begin(s);
    block_begin(s, command);
    if (command == SMB1_NT_TRANSACT) {
        const uint8_t setup[] = {0, (uint8_t)subcommand, (uint8_t)(subcommand >> 8)};
        put_zeros(&s->o, 3);
        put_totals(s, p, 4);
        put_zeros(&s->o, 8);
        put_all(s, p, 4, true, setup, sizeof setup);
        return;
    }
    const uint8_t setup[] = {1, 0, (uint8_t)subcommand, (uint8_t)(subcommand >> 8)};
    put_totals(s, p, 2);
    put_zeros(&s->o, 14);
    put_all(s, p, 2, true, setup, sizeof setup);
}

void ask_secondary(struct smb1_bench *s, uint8_t command, const struct part *p) {
    bool nt = command == SMB1_NT_TRANSACT_SECONDARY;
    unsigned size = nt ? 4 : 2;
    ask_begin(s);
    block_begin(s, command);
    put_zeros(&s->o, nt ? 3 : 0);
    put_totals(s, p, size);
    put_all(s, p, size, false, "\0\0", nt ? 1 : command == SMB1_TRANSACTION2_SECONDARY ? 2 : 0);
}

void say_transaction(struct smb1_bench *s, uint8_t command, uint32_t status, const struct part *p) {
    bool nt = command == SMB1_NT_TRANSACT;
    unsigned size = nt ? 4 : 2;
    say_begin(s, status);
    block_begin(s, command);
    put_zeros(&s->o, nt ? 3 : 0);
    put_totals(s, p, size);
    put_zeros(&s->o, nt ? 0 : 2);
    put_all(s, p, size, false, "\0\0", nt ? 1 : 2);
}
