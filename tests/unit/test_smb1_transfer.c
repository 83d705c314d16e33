/* Transactions in several messages, MS-CIFS 3.2.4.1.5 and 3.2.5.1.4: put together whatever the order of their parts, and nothing made
 * up of what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smb1_bench.h"

enum { LEVEL_AND_RESERVED = 6, FID = 0x4001 };

/* TRANS2_QUERY_PATH_INFORMATION of \abcdef, SMB_QUERY_FILE_STANDARD_INFO. */
static const uint8_t query[] = "\x02\x01\0\0\0\0\\abcdef";
enum { QUERY = sizeof query };

/* Bytes from to to of the parameters, of QUERY in all. */
static struct part piece(uint32_t from, uint32_t to) {
    return (struct part){
        .total_parameters = QUERY, .parameters_at = from, .parameters = query + from, .parameter_count = to - from};
}

static void ask_first(struct smb1_bench *s, uint32_t to) {
    struct part p = piece(0, to);
    ask_transaction(s, SMB1_TRANSACTION2, TRANS2_QUERY_PATH_INFORMATION, &p);
    send_it(s);
}

static void ask_more(struct smb1_bench *s, struct part p) {
    ask_secondary(s, SMB1_TRANSACTION2_SECONDARY, &p);
    send_it(s);
}

static void say_failed(struct smb1_bench *s, uint8_t command) {
    say_begin(s, STATUS_OBJECT_NAME_NOT_FOUND);
    block_plain(s, command);
    send_it(s);
}

/* The answer comes; what it is to was aimed at this name. */
static void expect_name(struct smb1_bench *s, const char *name) {
    say_failed(s, SMB1_TRANSACTION2);
    const struct seen *seen = bench_last(s->b, 0);
    assert_int_equal(seen->command, SMB1_TRANSACTION2);
    assert_true(seen->request && seen->response);
    assert_int_equal(seen->kind, OPERATION_QUERY_INFO);
    assert_string_equal(seen->name, name);
}

/* ---- requests */

static void any_order(void **state) {
    (void)state;
    static const uint32_t cuts[] = {4, 7, 11, QUERY};
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct smb1_bench s = smb1_bench_settled();
        unsigned before = s.b->count;
        ask_first(&s, cuts[0]);
        for (unsigned j = 0; j < 3; j++) {
            ask_more(&s, piece(cuts[orders[i][j]], cuts[orders[i][j] + 1]));
        }
        assert_int_equal(s.b->count, before + 3); /* each secondary request is one, and has no answer */
        assert_false(bench_last(s.b, 0)->response_lost);
        expect_name(&s, "abcdef");
        smb1_bench_free(&s);
    }
}

/* A part that comes again does not stand for one that is missing. */
static void duplicates(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_first(&s, 7);
    ask_more(&s, piece(7, 11));
    ask_more(&s, piece(7, 11));
    ask_more(&s, piece(11, QUERY));
    expect_name(&s, "abcdef");
    s.mid++;
    ask_first(&s, 7);
    ask_more(&s, piece(7, 11));
    ask_more(&s, piece(7, 11));
    expect_name(&s, "?");
    smb1_bench_free(&s);
}

static void overlaps(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_first(&s, 7);
    ask_more(&s, piece(5, 10));
    ask_more(&s, piece(9, QUERY));
    expect_name(&s, "abcdef");
    s.mid++;
    ask_first(&s, 7);
    ask_more(&s, piece(0, QUERY)); /* all of it once more */
    expect_name(&s, "abcdef");
    smb1_bench_free(&s);
}

/* A later part may say that there is less; that there is more it may not (MS-CIFS 2.2.4.47.1). */
static void totals(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    struct part p = {.total_parameters = 1000, .parameters = query, .parameter_count = 7};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_PATH_INFORMATION, &p);
    send_it(&s);
    ask_more(&s, piece(7, QUERY));
    expect_name(&s, "abcdef");
    s.mid++;
    ask_first(&s, 7);
    p = piece(7, QUERY);
    p.total_parameters = 2000;
    ask_more(&s, p);
    expect_name(&s, "abcdef");
    s.mid++;
    ask_first(&s, QUERY - 1); /* a part behind the end adds nothing */
    p = piece(QUERY - 1, QUERY);
    p.parameters_at = 60000;
    ask_more(&s, p);
    expect_name(&s, "?");
    smb1_bench_free(&s);
}

static void never_whole(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_first(&s, 7);
    ask_more(&s, piece(11, QUERY));
    unsigned before = s.b->count;
    peer_close(&s.peer);
    assert_int_equal(s.b->count, before + 1);
    const struct seen *seen = bench_last(s.b, 0);
    assert_int_equal(seen->kind, OPERATION_QUERY_INFO);
    assert_true(seen->response_lost);
    assert_string_equal(seen->name, "?");
    bench_free(s.b);
}

/* The front is missing: there is no FID of zeros. */
static void no_front(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    static const uint8_t by_fid[] = {1, 0x40, 2, 1};
    struct part p = {.total_parameters = sizeof by_fid};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_FILE_INFORMATION, &p);
    send_it(&s);
    p = (struct part){.total_parameters = 4, .parameters_at = 2, .parameters = by_fid + 2, .parameter_count = 2};
    ask_more(&s, p);
    say_failed(&s, SMB1_TRANSACTION2);
    assert_false(bench_last(s.b, 0)->has_file_id);
    s.mid++;
    p = (struct part){.total_parameters = sizeof by_fid};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_FILE_INFORMATION, &p);
    send_it(&s);
    p = (struct part){.total_parameters = 4, .parameters = by_fid, .parameter_count = 4};
    ask_more(&s, p);
    say_failed(&s, SMB1_TRANSACTION2);
    assert_int_equal(bench_last(s.b, 0)->file_id.volatile_part, FID);
    smb1_bench_free(&s);
}

/* "Go on" is no answer; and parts are those of their command, their MID and their PID alone. */
static void whose_parts(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    ask_first(&s, 7);
    unsigned before = s.b->count;
    say_begin(&s, 0);
    block_plain(&s, SMB1_TRANSACTION2);
    send_it(&s);
    assert_int_equal(s.b->count, before);
    s.mid++;
    ask_more(&s, piece(7, QUERY));
    s.mid--;
    s.pid++;
    ask_more(&s, piece(7, QUERY));
    s.pid--;
    struct part p = piece(7, QUERY);
    ask_secondary(&s, SMB1_TRANSACTION_SECONDARY, &p);
    send_it(&s);
    expect_name(&s, "?");
    assert_int_equal(bench_last(s.b, 0)->interim, 1);
    smb1_bench_free(&s);
}

/* Parts that the framer is not sure of, of a transaction whose front was lost: what answers it bears them out, of whatever user and id
 * it is, and they it. What is answered never was none. */
static void doubtful_parts(void **state) {
    (void)state;
    for (unsigned interim = 0; interim < 2; interim++) {
        struct smb1_bench s = smb1_bench_settled();
        s.peer.flow->packets[TO_CLIENT] = s.peer.flow->packets[TO_SERVER] = 1;
        s.peer.doubtful = true;
        unsigned before = s.b->count;
        ask_more(&s, piece(7, 11));
        ask_more(&s, piece(11, QUERY));
        s.mid++;
        ask_more(&s, piece(7, QUERY));
        s.mid--;
        s.uid++;
        ask_more(&s, piece(7, QUERY));
        say_failed(&s, SMB1_TRANSACTION);
        s.uid--;
        say_failed(&s, SMB1_TRANSACTION);
        assert_int_equal(s.b->count, before);
        if (interim) {
            say_begin(&s, 0);
            block_plain(&s, SMB1_TRANSACTION2);
            send_it(&s);
            assert_int_equal(s.b->count, before + 2);
            s.peer.doubtful = false; /* the framer has seen both sides as well */
        }
        say_failed(&s, SMB1_TRANSACTION2);
        assert_int_equal(s.b->count, before + 3);
        for (unsigned i = 1; i < 3; i++) {
            const struct seen *part = bench_last(s.b, i);
            assert_int_equal(part->command, SMB1_TRANSACTION2_SECONDARY);
            assert_true(part->request && !part->response && !part->response_lost);
        }
        assert_true(bench_last(s.b, 0)->response && bench_last(s.b, 0)->request_lost);
        peer_close(&s.peer);
        assert_int_equal(s.b->count, before + 3);
        assert_int_equal(s.b->end.requests, 2 + 2); /* those of smb1_bench_settled, and the parts */
        bench_free(s.b);
    }
}

/* Of a transaction whose front was seen they are parts where it waits for some: file data may have what looks like the rest of another. */
static void doubtful_parts_of_another(void **state) {
    (void)state;
    for (unsigned whole = 0; whole < 2; whole++) {
        struct smb1_bench s = smb1_bench_settled();
        s.peer.flow->packets[TO_CLIENT] = s.peer.flow->packets[TO_SERVER] = 1;
        unsigned before = s.b->count;
        ask_first(&s, whole ? QUERY : 7);
        s.peer.doubtful = true;
        ask_more(&s, piece(7, QUERY));
        s.peer.doubtful = false;
        say_failed(&s, SMB1_TRANSACTION2);
        assert_int_equal(s.b->count, before + 2 - whole);
        assert_int_equal(bench_last(s.b, 0)->command, SMB1_TRANSACTION2);
        assert_true(bench_last(s.b, 0)->request && bench_last(s.b, 0)->response);
        smb1_bench_free(&s);
    }
}

/* Cut before its words it still is one that nothing answers. */
static void part_cut_short(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.snap = SMB1_HEADER_SIZE;
    unsigned before = s.b->count;
    ask_more(&s, piece(7, QUERY));
    assert_int_equal(s.b->count, before + 1);
    assert_true(bench_last(s.b, 0)->request && !bench_last(s.b, 0)->response_lost);
    smb1_bench_free(&s);
}

static void ask_nt(struct smb1_bench *s, uint16_t function, const struct part *p) {
    ask_transaction(s, SMB1_NT_TRANSACT, function, p);
    send_it(s);
}

/* NT_TRANSACT_RENAME, with 32-bit counts. */
static void of_nt_transact(void **state) {
    (void)state;
    static const uint8_t rename[] = "\x01\x40\0\0new";
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "old", FID, 0);
    struct part p = {.total_parameters = sizeof rename, .parameters = rename, .parameter_count = 5};
    ask_nt(&s, NT_TRANSACT_RENAME, &p);
    p = (struct part){.total_parameters = sizeof rename,
                      .parameters_at = 5,
                      .parameters = rename + 5,
                      .parameter_count = sizeof rename - 5};
    ask_secondary(&s, SMB1_NT_TRANSACT_SECONDARY, &p);
    send_it(&s);
    p = (struct part){0};
    say_transaction(&s, SMB1_NT_TRANSACT, 0, &p);
    send_it(&s);
    assert_string_equal(bench_last(s.b, 0)->name, "old");
    assert_string_equal(bench_last(s.b, 0)->new_name, "new");
    do_close(&s, FID);
    assert_string_equal(bench_last(s.b, 0)->name, "new");
    smb1_bench_free(&s);
}

/* ---- responses */

/* TRANS2_FIND_FIRST2 of \*, SMB_FIND_FILE_NAMES_INFO. */
static void ask_find(struct smb1_bench *s) {
    static const uint8_t find[] = "\0\0\x0A\0\0\0\x03\x01\0\0\0\0\\*";
    struct part p = {.total_parameters = sizeof find, .parameters = find, .parameter_count = sizeof find};
    ask_transaction(s, SMB1_TRANSACTION2, TRANS2_FIND_FIRST2, &p);
    send_it(s);
}

enum { ENTRY = 16, ENTRIES = 3, FOUND = ENTRY * ENTRIES };

/* Three names of four characters, and their parameters. */
static const uint8_t found[FOUND] =
    "\x10\0\0\0\0\0\0\0\4\0\0\0aaaa\x10\0\0\0\0\0\0\0\4\0\0\0bbbb\0\0\0\0\0\0\0\0\4\0\0\0cccc";
static const uint8_t found_parameters[10] = {1, 0, ENTRIES, 0, 1, 0, 0, 0, 0, 0};

static void say_found(struct smb1_bench *s, bool parameters, uint32_t from, uint32_t to) {
    struct part p = {.total_parameters = sizeof found_parameters,
                     .total_data = FOUND,
                     .parameters_at = parameters ? 0 : sizeof found_parameters,
                     .parameters = found_parameters,
                     .parameter_count = parameters ? sizeof found_parameters : 0,
                     .data_at = from,
                     .data = found + from,
                     .data_count = to - from};
    say_transaction(s, SMB1_TRANSACTION2, 0, &p);
    send_it(s);
}

static void response_in_parts(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    ask_find(&s);
    say_found(&s, true, 0, FOUND);
    assert_int_equal(bench_last(s.b, 0)->entries, ENTRIES);
    ask_find(&s);
    say_found(&s, false, 20, FOUND);
    say_found(&s, false, 20, FOUND);
    assert_int_equal(s.b->count, before + 1);
    say_found(&s, true, 0, 20);
    assert_int_equal(s.b->count, before + 2);
    const struct seen *seen = bench_last(s.b, 0);
    assert_int_equal(seen->entries, ENTRIES);
    assert_int_equal(seen->interim, 2);
    assert_string_equal(seen->pattern, "\\*");
    ask_find(&s); /* what is left of it may shrink */
    say_found(&s, true, 0, 20);
    struct part p = {.total_parameters = sizeof found_parameters, .total_data = 20};
    say_transaction(&s, SMB1_TRANSACTION2, 0, &p);
    send_it(&s);
    assert_int_equal(s.b->count, before + 3);
    smb1_bench_free(&s);
}

/* Their request was not seen: one response, however many parts it has. */
static void response_alone_in_parts(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    say_found(&s, true, 0, 20);
    say_found(&s, false, 20, 30);
    say_found(&s, false, 30, FOUND);
    assert_int_equal(s.b->count, before + 1);
    assert_true(bench_last(s.b, 0)->request_lost);
    s.mid++;
    say_found(&s, true, 0, FOUND);
    say_found(&s, true, 0, FOUND); /* two whole ones are two */
    assert_int_equal(s.b->count, before + 3);
    s.mid++;
    for (unsigned i = 0; i < 2; i++) { /* and so are two in parts, under one MID and with another between */
        say_found(&s, true, 0, 20);
        s.mid++;
        say_failed(&s, SMB1_TRANSACTION2);
        s.mid--;
        say_found(&s, false, 20, FOUND);
    }
    assert_int_equal(s.b->count, before + 7);
    smb1_bench_free(&s);
}

/* A capture that cuts the parts short still tells how many there are, by their counts. */
static void response_cut_short(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    ask_find(&s);
    s.snap = 60; /* the words, and nothing behind them */
    say_found(&s, true, 0, 20);
    say_found(&s, false, 20, 30);
    assert_int_equal(s.b->count, before);
    say_found(&s, false, 30, FOUND);
    assert_int_equal(s.b->count, before + 1);
    assert_int_equal(bench_last(s.b, 0)->entries, -1);
    assert_int_equal(bench_last(s.b, 0)->interim, 2);
    s.snap = 0;
    ask_find(&s);
    s.snap = 40; /* not even the words */
    say_found(&s, true, 0, 20);
    say_found(&s, false, 20, 30);
    say_found(&s, false, 30, FOUND);
    assert_int_equal(s.b->count, before + 2);
    assert_true(bench_last(s.b, 0)->request && bench_last(s.b, 0)->response);
    smb1_bench_free(&s);
}

static void request_cut_short(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.snap = 72;
    ask_first(&s, 11);
    s.snap = 0;
    ask_more(&s, piece(11, QUERY));
    expect_name(&s, "?");
    s.mid++;
    ask_first(&s, 11);
    s.snap = 53;
    ask_more(&s, piece(11, QUERY));
    s.snap = 0;
    expect_name(&s, "?");
    smb1_bench_free(&s);
}

/* ---- bounds */

enum { RENAME_LEVEL = 1010 }; /* FileRenameInformation, passed through */
enum { TRANSFERS_MAX = 4096, SPANS_MAX = 32, DATA_MAX = 256 * 1024 };

/* The oldest is given up, and asked what it is about by what is there. */
static void too_many(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.mid = 0;
    for (unsigned i = 0; i < TRANSFERS_MAX; i++) {
        ask_first(&s, 7);
        s.mid++;
    }
    assert_int_equal(s.b->stats.evicted_transfers, 0);
    ask_first(&s, 7);
    assert_int_equal(s.b->stats.evicted_transfers, 1);
    ask_more(&s, piece(7, QUERY)); /* the youngest is still put together */
    expect_name(&s, "abcdef");
    s.mid = 0;
    ask_more(&s, piece(7, QUERY));
    expect_name(&s, "?");
    smb1_bench_free(&s);
}

/* A response that was given up ends with its next part, and is told once. */
static void too_many_responses(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    unsigned before = s.b->count;
    s.mid = 0;
    for (unsigned i = 0; i <= TRANSFERS_MAX; i++) {
        ask_find(&s);
        say_found(&s, true, 0, 20);
        s.mid++;
    }
    assert_int_equal(s.b->stats.evicted_transfers, 1);
    s.mid = 0;
    assert_int_equal(s.b->count, before);
    say_found(&s, false, 20, 30);
    assert_int_equal(s.b->count, before + 1);
    assert_int_equal(bench_last(s.b, 0)->entries, -1);
    say_found(&s, false, 30, FOUND);
    assert_int_equal(s.b->count, before + 1);
    s.mid = TRANSFERS_MAX;
    say_found(&s, false, 20, FOUND);
    assert_int_equal(bench_last(s.b, 0)->entries, ENTRIES);
    smb1_bench_free(&s);
}

/* More pieces with holes between them than are kept apart: what does not fit is left out, counted. */
static void too_many_pieces(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    static const uint8_t bytes[4 * SPANS_MAX];
    struct part p = {.total_parameters = sizeof bytes};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_PATH_INFORMATION, &p);
    send_it(&s);
    for (uint32_t i = 0; i < SPANS_MAX; i++) {
        p = (struct part){sizeof bytes, 0, 2 * i, 0, bytes, NULL, 1, 0};
        ask_more(&s, p);
    }
    assert_int_equal(s.b->stats.cut_transfers, 0);
    p = (struct part){sizeof bytes, 0, 2 * SPANS_MAX, 0, bytes, NULL, 1, 0};
    ask_more(&s, p);
    assert_int_equal(s.b->stats.cut_transfers, 1);
    p = (struct part){sizeof bytes, 0, 2 * SPANS_MAX - 1, 0, bytes, NULL, 1, 0}; /* one that joins on to others fits */
    ask_more(&s, p);
    assert_int_equal(s.b->stats.cut_transfers, 1);
    expect_name(&s, "?");
    smb1_bench_free(&s);
}

/* What a count announces is not what is held. */
static void counts_above_their_bound(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    size_t held = s.b->budget.held;
    struct part p = {.total_parameters = UINT32_MAX, .total_data = UINT32_MAX};
    ask_nt(&s, NT_TRANSACT_SET_QUOTA, &p);
    assert_int_equal(s.b->stats.cut_transfers, 1);
    assert_true(s.b->budget.held - held < 512 * 1024);
    p = (struct part){UINT32_MAX, UINT32_MAX, UINT32_MAX - 1, UINT32_MAX - 1, "xx", "xx", 2, 2};
    ask_secondary(&s, SMB1_NT_TRANSACT_SECONDARY, &p);
    send_it(&s);
    p = (struct part){UINT32_MAX, UINT32_MAX, 0, DATA_MAX - 1, NULL, "xx", 0, 2};
    ask_secondary(&s, SMB1_NT_TRANSACT_SECONDARY, &p);
    send_it(&s);
    say_failed(&s, SMB1_NT_TRANSACT);
    assert_int_equal(bench_last(s.b, 0)->command, SMB1_NT_TRANSACT);
    assert_false(bench_last(s.b, 0)->has_file_id);
    smb1_bench_free(&s);
}

/* What a rename says of its new name in its first message alone is not that name. */
static void no_memory_for_a_name(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    do_create(&s, "a", 0x4001, 0);
    static const uint8_t by_fid[] = {0x01, 0x40, (uint8_t)RENAME_LEVEL, RENAME_LEVEL >> 8, 0, 0};
    static const uint8_t half[] = {0, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0, 0, 'n', 0, 'e', 0};
    s.b->budget.ceiling = s.b->budget.held + 40000; /* less than the transaction has */
    struct part p = {.total_parameters = sizeof by_fid,
                     .total_data = 50000,
                     .parameters = by_fid,
                     .data = half,
                     .parameter_count = sizeof by_fid,
                     .data_count = sizeof half};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_SET_FILE_INFORMATION, &p);
    send_it(&s);
    assert_int_equal(s.b->stats.evicted_transfers, 1);
    p = (struct part){.parameters = "\0", .total_parameters = 2, .parameter_count = 2};
    say_transaction(&s, SMB1_TRANSACTION2, 0, &p);
    send_it(&s);
    assert_int_equal(bench_last(s.b, 0)->command, SMB1_TRANSACTION2);
    assert_string_equal(bench_last(s.b, 0)->name, "a");
    assert_string_equal(bench_last(s.b, 0)->new_name, "");
    do_close(&s, 0x4001);
    assert_string_equal(bench_last(s.b, 0)->name, "a");
    smb1_bench_free(&s);
}

/* Without memory for it, a transaction is read as far as its first message goes. */
static void no_memory(void **state) {
    (void)state;
    struct smb1_bench s = smb1_bench_settled();
    s.b->budget.ceiling = s.b->budget.held + 40000; /* less than the transaction has */
    struct part p = {.total_parameters = 50000, .parameters = query, .parameter_count = 7};
    ask_transaction(&s, SMB1_TRANSACTION2, TRANS2_QUERY_PATH_INFORMATION, &p);
    send_it(&s);
    assert_int_equal(s.b->stats.evicted_transfers, 1);
    ask_more(&s, piece(7, QUERY));
    expect_name(&s, "?");
    s.mid++;
    ask_find(&s);
    p = (struct part){50000, 0, 0, 0, found_parameters, NULL, sizeof found_parameters, 0};
    say_transaction(&s, SMB1_TRANSACTION2, 0, &p);
    send_it(&s);
    unsigned count = s.b->count;
    assert_int_equal(bench_last(s.b, 0)->command, SMB1_TRANSACTION2);
    p.parameters_at = 20000;
    say_transaction(&s, SMB1_TRANSACTION2, 0, &p);
    send_it(&s);
    assert_int_equal(s.b->count, count);
    smb1_bench_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(totals),
        cmocka_unit_test(never_whole),
        cmocka_unit_test(no_front),
        cmocka_unit_test(whose_parts),
        cmocka_unit_test(of_nt_transact),
        cmocka_unit_test(response_in_parts),
        cmocka_unit_test(response_alone_in_parts),
        cmocka_unit_test(response_cut_short),
        cmocka_unit_test(request_cut_short),
        cmocka_unit_test(too_many),
        cmocka_unit_test(too_many_responses),
        cmocka_unit_test(too_many_pieces),
        cmocka_unit_test(counts_above_their_bound),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(no_memory_for_a_name),
        cmocka_unit_test(doubtful_parts),
        cmocka_unit_test(part_cut_short),
        cmocka_unit_test(doubtful_parts_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
