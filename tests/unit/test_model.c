/* What holds for all of the model: its bounds, and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/base/pool.h"
#include "model_bench.h"

static void nothing(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_close(&p);
    bench_free(b);
    model_free(NULL);
}

/* One of everything. */
static void a_life(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    assert_string_equal(bench_last(b, 0)->path, "\\\\srv\\data");
    peer_create(&p, "a.txt", 7, 0);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_CREATE);
    assert_string_equal(bench_last(b, 0)->name, "a.txt");
    assert_string_equal(bench_last(b, 0)->asked, "a.txt");
    peer_write(&p, 7, 100);
    peer_write(&p, 7, 50);
    peer_read(&p, 7, 30);
    struct seen *s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_READ);
    assert_string_equal(s->name, "a.txt");
    assert_string_equal(s->user, "alice");
    assert_string_equal(s->path, "\\\\srv\\data");
    assert_int_equal(s->bytes_read, 30);
    assert_true(s->first_of_handle);
    assert_false(bench_last(b, 1)->first_of_handle);
    assert_true(bench_last(b, 2)->first_of_handle);
    peer_close_file(&p, 7);
    s = bench_last(b, 0);
    assert_int_equal(s->kind, OPERATION_CLOSE);
    assert_true(s->sums);
    assert_int_equal(s->sum_read, 30);
    assert_int_equal(s->sum_written, 150);
    peer_close(&p);
    assert_int_equal(b->end.files_opened, 1);
    assert_int_equal(b->end.files_written, 1);
    assert_int_equal(b->end.bytes_written, 150);
    assert_int_equal(b->end.bytes_read, 30);
    assert_int_equal(b->end.requests, 8);
    assert_int_equal(b->end.user_count, 1);
    assert_string_equal(b->end.first_user, "alice");
    assert_string_equal(b->end.server_name, "srv");
    bench_free(b);
}

/* What a connection left open is told at its end, at the time and in the frame of its end, in the order of the opens. */
static void left_open(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    enum { FILES = 40 };
    char name[16];
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%u", i);
        peer_create(&p, name, 100 + i, 0);
    }
    for (unsigned i = FILES; i-- > 0;) {
        peer_write(&p, 100 + i, i + 1);
    }
    unsigned before = b->count;
    peer_close(&p);
    assert_int_equal(b->count, before + FILES);
    for (unsigned i = 0; i < FILES; i++) {
        const struct seen *s = &b->seen[before + i];
        snprintf(name, sizeof name, "f%u", i);
        assert_string_equal(s->name, name);
        assert_true(s->implicit);
        assert_true(s->sums);
        assert_int_equal(s->kind, OPERATION_WRITE);
        assert_int_equal(s->sum_written, i + 1);
        assert_int_equal(s->begin_ns, b->now.time_ns);
        assert_int_equal(s->begin_frame, b->now.frame);
    }
    bench_free(b);
}

/* ---- bounds */

/* With a ceiling that bites everywhere, whatever it is set to, work goes on, and what is said is not wrong: a name there is no room
 * for is not the root. */
static void any_budget(void **state) {
    (void)state;
    for (size_t room = 0; room < 16 * POOL_BLOCK; room += room < 2000 ? 40 : POOL_BLOCK / 5) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2);
        b->budget.ceiling = b->budget.held + room;
        peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
        peer_create(&p, "a name that is longer than the least text", 7, 0);
        peer_create(&p, "b", 8, FILE_DELETE_ON_CLOSE);
        peer_write(&p, 7, 5);
        peer_rename(&p, 8, "another name longer than the least text", 0);
        peer_close_file(&p, 8);
        peer_close(&p);
        for (unsigned i = 0; i < b->count; i++) {
            const struct seen *s = &b->seen[i];
            assert_string_not_equal(s->name, "");
            assert_true(s->name[0] == '?' || s->name[0] == 'a' || s->name[0] == 'b');
            assert_true(s->path[0] == '?' || strcmp(s->path, "\\\\srv\\data") == 0);
            assert_true(s->user[0] == '?' || strcmp(s->user, "alice") == 0);
            assert_true(s->kind != OPERATION_DELETE || s->name[0] == '?' || s->name[1] == 'n' || s->name[0] == 'b');
        }
        bench_free(b);
    }
}

/* What outlives a connection is how its two machines are called, what the server answered to its offer, and that they spoke
 * SMB2: one block of each kind. */
enum { names_alone = 4 * POOL_BLOCK };

/* Evictions while a handle of many is at work: those that go are told, the one at work stays. */
static void handles_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.handles = 4;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    for (unsigned i = 0; i < 10; i++) {
        peer_create(&p, "a", 100 + i, FILE_DELETE_ON_CLOSE);
        peer_write(&p, 100 + i, 5);
        peer_read(&p, 100, 5); /* stays young */
    }
    assert_int_equal(b->stats.evicted_handles, 6);
    assert_int_equal(bench_count(b, OPERATION_DELETE, NULL), 0); /* they live on, on the server */
    assert_string_equal(bench_last(b, 0)->name, "a");
    peer_close(&p);
    assert_int_equal(b->budget.held, names_alone);
    bench_free(b);
}

/* State is freed with its owner: handles by CLOSE, with their tree, their session and their connection; requests by their answers. */
static void open_many(struct peer *p) {
    for (unsigned i = 0; i < 2000; i++) {
        peer_create(p, "a name of a file", 100 + i, 0);
    }
}

static void owners(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    const size_t least = b->budget.held + 2000 * sizeof(struct handle_facts);
    open_many(&p);
    assert_true(b->budget.held > least);
    for (unsigned i = 0; i < 2000; i++) {
        peer_close_file(&p, 100 + i);
    }
    const size_t empty = b->budget.held; /* tables have grown */
    assert_true(empty < least);
    open_many(&p);
    assert_true(b->budget.held > least);
    struct smb2_message q = peer_ask(&p, SMB2_TREE_DISCONNECT);
    peer_exchange(&p, &q, 0);
    assert_true(b->budget.held <= empty);
    peer_tree(&p, 7, "\\\\srv\\data");
    open_many(&p);
    assert_true(b->budget.held > least);
    q = peer_ask(&p, SMB2_LOGOFF);
    peer_exchange(&p, &q, 0);
    assert_true(b->budget.held <= empty);
    for (unsigned i = 0; i < 2000; i++) {
        q = peer_ask(&p, SMB2_ECHO);
        peer_request(&p, &q);
    }
    assert_true(b->budget.held > least);
    peer_close(&p);
    assert_int_equal(b->budget.held, names_alone);
    bench_free(b);
}

/* The longest idle piece of state is the one that goes, of whatever kind, and it is told. */
static void oldest_first(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    peer_create(&p, "first", 1, 0);
    peer_create(&p, "second", 2, 0);
    struct smb2_message q = peer_ask(&p, SMB2_ECHO);
    peer_request(&p, &q);
    peer_read(&p, 1, 5); /* young again */
    for (unsigned i = 0; i < 4;
         i++) { /* what the server answered, what the two machines are called, that they spoke SMB2 */
        assert_true(model_evict(b->model));
    }
    assert_int_equal(b->stats.evicted_machines, 2);
    assert_int_equal(b->stats.evicted_answers, 1);
    assert_int_equal(b->stats.evicted_peers, 1);
    uint64_t now = b->now.frame + 100;
    uint64_t idle = model_idle(b->model, now);
    assert_true(idle > 100);
    assert_true(model_evict(b->model)); /* the second file */
    assert_int_equal(b->stats.evicted_handles, 1);
    assert_true(model_idle(b->model, now) < idle);
    assert_true(model_evict(b->model)); /* the request */
    assert_int_equal(b->stats.evicted_exchanges, 1);
    assert_int_equal(bench_last(b, 0)->kind, OPERATION_ECHO);
    assert_false(model_evict(b->model)); /* the last of a kind may be at work */
    peer_read(&p, 1, 5);
    assert_string_equal(bench_last(b, 0)->name, "first");
    peer_close(&p);
    assert_int_equal(model_idle(b->model, now), 0);
    bench_free(b);
}

/* Keys of server-side copies: as many as are kept, and three more. */
static void copy_keys_evicted(void **state) {
    (void)state;
    struct bench *b = bench_new(NULL);
    struct peer p = peer_open(b, 1, 2);
    uint8_t key[24] = {0};
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    for (unsigned i = 0; i < COPY_SOURCES_MAX + 3; i++) {
        peer_create(&p, "a", 100 + i, 0);
        struct smb2_message m = peer_ask_file(&p, SMB2_IOCTL, 100 + i);
        m.ioctl.ctl_code = FSCTL_SRV_REQUEST_RESUME_KEY;
        peer_request(&p, &m);
        m = peer_say(&p, SMB2_IOCTL, 0);
        key[0] = (uint8_t)i;
        m.empty = false;
        m.ioctl.ctl_code = FSCTL_SRV_REQUEST_RESUME_KEY;
        m.ioctl.has_details = true;
        m.ioctl.resume_key.key = (struct view){key, sizeof key};
        peer_response(&p, &m);
    }
    assert_int_equal(b->stats.evicted_copy_keys, 3);
    peer_close(&p);
    bench_free(b);
}

/* The break of an oplock names no session: its handle is found in so many, and not beyond. */
static void break_among_many_sessions(void **state) {
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct bench *b = bench_new(NULL);
        struct peer p = peer_open(b, 1, 2);
        peer_negotiate(&p, 1, 2);
        for (unsigned i = 0; i + 1 < BREAK_SESSIONS_MAX + more; i++) {
            peer_login(&p, 0x100 + i, "bob");
        }
        peer_login(&p, 0x51, "alice");
        peer_tree(&p, 7, "\\\\srv\\data");
        peer_create(&p, "a", 7, 0);
        struct smb2_message m = peer_say(&p, SMB2_OPLOCK_BREAK, 0);
        m.header.message_id = UINT64_MAX;
        m.header.session_id = 0;
        m.header.tree_id = 0;
        m.empty = false;
        m.oplock_break.file_id = bench_id(7);
        peer_response(&p, &m);
        assert_string_equal(bench_last(b, 0)->name, more ? "?" : "a");
        assert_int_equal(b->stats.searches_cut, more);
        peer_close(&p);
        bench_free(b);
    }
}

static void trees_evicted(void **state) {
    (void)state;
    struct model_limits limits = model_limits_default();
    limits.trees = 3;
    struct bench *b = bench_new(&limits);
    struct peer p = peer_open(b, 1, 2);
    peer_settle(&p, 0x51, "alice", "\\\\srv\\data");
    for (uint32_t i = 2; i < 10; i++) {
        peer_tree(&p, i, "\\\\srv\\other");
        peer_create(&p, "a", 100 + i, 0);
        peer_write(&p, 100 + i, 5);
    }
    assert_int_equal(b->stats.evicted_trees, 6);
    assert_int_equal(bench_count(b, OPERATION_WRITE, "a"),
                     8 + 5); /* what was written through a tree that goes is summed */
    peer_close(&p);
    bench_free(b);
}

/* ---- noise: every command in both directions, headers and bodies at random, against limits of a few */

struct noise {
    struct bench *b;
    struct peer peers[3];
    struct connection_place places[3];
    uint64_t state;
    unsigned folded;
};

static uint64_t dice(struct noise *n, uint64_t sides) {
    n->state ^= n->state << 13;
    n->state ^= n->state >> 7;
    n->state ^= n->state << 17;
    return (n->state >> 11) % sides;
}

static const char *any_name(struct noise *n) {
    static const char *const names[] = {"", "a", "b:c", "d\\e", ":x", "\\f", "a", "a"};
    return names[dice(n, 8)];
}

static struct file_id any_id(struct noise *n) {
    static const uint64_t ids[] = {UINT64_MAX, 1, 1, 2, 3, 4, 5, 6};
    uint64_t id = ids[dice(n, 8)];
    return id == UINT64_MAX ? (struct file_id){id, id} : bench_id(id);
}

static struct smb2_header any_header(struct noise *n, uint16_t command, bool response) {
    static const uint32_t statuses[] = {
        0, 0, 0, 0, 0, STATUS_PENDING, STATUS_MORE_PROCESSING_REQUIRED, STATUS_ACCESS_DENIED};
    static const uint64_t sessions[] = {0x51, 0x51, 0x51, 0x51, 0x52, 0x53, 0x54, 0, UINT64_MAX};
    struct smb2_header h = {.command = command};
    h.status = response ? statuses[dice(n, 8)] : 0;
    h.message_id = dice(n, 40) == 0 ? UINT64_MAX : dice(n, 8);
    h.session_id = sessions[dice(n, 9)];
    h.tree_id = dice(n, 30) == 0 ? UINT32_MAX : (uint32_t)dice(n, 5);
    h.flags = (dice(n, 3) == 0 ? SMB2_FLAGS_RELATED_OPERATIONS : 0) | (dice(n, 9) == 0 ? SMB2_FLAGS_ASYNC_COMMAND : 0);
    return h;
}

static void any_request_body(struct noise *n, struct peer *p, struct smb2_message *m) {
    if (m->header.command == SMB2_CREATE) {
        m->create_request.name = bench_text(n->b, any_name(n));
        m->create_request.create_options = dice(n, 2) ? FILE_DELETE_ON_CLOSE : 0;
        m->create_request.contexts.durable_reconnect = dice(n, 3) == 0;
        m->create_request.contexts.reconnect_id = any_id(n);
    } else if (m->header.command == SMB2_SET_INFO) {
        m->set_info_request.change = dice(n, 2) ? SMB2_CHANGE_RENAME : SMB2_CHANGE_DISPOSITION;
        m->set_info_request.whole = dice(n, 8) != 0;
        m->set_info_request.new_name = bench_text(n->b, any_name(n));
        m->set_info_request.whole = true;
        m->set_info_request.delete_pending = dice(n, 2);
        m->set_info_request.disposition_flags = (uint32_t)dice(n, 16);
        m->set_info_request.file_id = any_id(n);
    } else if (m->header.command == SMB2_SESSION_SETUP) {
        m->session_setup_request.flags = (uint8_t)dice(n, 2);
        m->session_setup_request.previous_session_id = 0x50 + dice(n, 5);
        peer_claim(p, dice(n, 2) ? "alice" : "bob");
    } else if (m->header.command == SMB2_TREE_CONNECT) {
        m->tree_connect_request.path = bench_text(n->b, "\\\\srv\\data");
    } else if (m->header.command == SMB2_NEGOTIATE) {
        m->negotiate_request.client_guid.bytes[0] = (uint8_t)dice(n, 2);
    }
}

/* Commands with a FileId mostly, the more so since only they find something to work on. */
static struct smb2_message any_message(struct noise *n, struct peer *p, bool response) {
    static const uint16_t with_file[] = {SMB2_CLOSE,         SMB2_READ,  SMB2_WRITE,
                                         SMB2_CHANGE_NOTIFY, SMB2_FLUSH, SMB2_OPLOCK_BREAK};
    uint16_t command = dice(n, 5) < 2 ? SMB2_CREATE
                       : dice(n, 2)   ? with_file[dice(n, 6)]
                                      : (uint16_t)dice(n, SMB2_COMMANDS + 1);
    struct smb2_message m = {0};
    for (unsigned i = 0; i < 6 && !response; i++) {
        if (with_file[i] == command) {
            m = peer_ask_file(p, command, any_id(n).persistent);
        }
    }
    m.response = response;
    m.empty = dice(n, 16) == 0;
    m.header = any_header(n, command, response);
    m.is_error = response && m.header.status >> 30 == 3 && m.header.status != STATUS_MORE_PROCESSING_REQUIRED;
    if (!response) {
        any_request_body(n, p, &m);
    } else if (command == SMB2_CREATE) {
        m.create_response.file_id = any_id(n);
        m.create_response.contexts.durable_request = dice(n, 3) == 0;
    }
    return m;
}

static const struct model_limits few = {.exchanges = 12,
                                        .sessions = 4,
                                        .channels = 6,
                                        .trees = 9,
                                        .handles = 4,
                                        .durables = 2,
                                        .setups = 2,
                                        .answer_timeout_ns = 20000000};

/* One that was folded is there again; by itself it may be already. */
static void unfold(struct noise *n, unsigned i) {
    struct connection_place *place = &n->places[i];
    if (place->folded) {
        n->b->budget.ceiling = SIZE_MAX;
        assert_true(connection_unfold(place));
    }
    n->peers[i].c = place->connection;
}

static void fold(struct noise *n, unsigned i) {
    if (connection_fold(&n->places[i], (struct view){NULL, 0})) {
        n->peers[i].c = NULL;
        n->folded++;
    }
}

static void open_peer(struct noise *n, unsigned i, bool midstream) {
    n->peers[i] = midstream ? peer_open_midstream(n->b, 3, 2) : peer_open(n->b, 1, 2);
    n->places[i] = (struct connection_place){n->peers[i].c, NULL};
}

static void noise_begin(struct noise *n) {
    *n = (struct noise){.b = bench_new(&few), .state = UINT64_C(0x9e3779b97f4a7c15)};
    for (unsigned i = 0; i < 3; i++) {
        open_peer(n, i, i == 2);
    }
}

static void noise_end(struct noise *n) {
    for (unsigned i = 0; i < 3; i++) {
        unfold(n, i);
        peer_close(&n->peers[i]);
    }
    const struct stats *s = &n->b->stats;
    assert_true(s->evicted_exchanges && s->evicted_sessions && s->evicted_handles && s->evicted_trees);
    assert_true(s->evicted_durables && s->evicted_setups && s->evicted_machines && s->files_deleted && s->files_opened);
}

static void noise_step(struct noise *n, bool folds) {
    unsigned at = (unsigned)dice(n, 3);
    struct peer *p = &n->peers[at];
    bool response = dice(n, 2);
    unfold(n, at);
    struct smb2_message m = any_message(n, p, response);
    p->first = dice(n, 2);
    p->last = dice(n, 2);
    (response ? peer_response : peer_request)(p, &m);
    if (dice(n, 1000) == 0) {
        peer_close(p);
        n->b->budget.ceiling = SIZE_MAX;
        open_peer(n, at, false);
    } else if (folds) {
        fold(n, at);
    }
}

/* Short of memory half of the time. */
static void noise(void **state) {
    (void)state;
    struct noise n;
    noise_begin(&n);
    for (unsigned i = 0; i < 200000; i++) {
        noise_step(&n, i % 2000 < 1000);
        n.b->budget.ceiling = i % 1000 < 500 ? SIZE_MAX : 4 * POOL_BLOCK;
    }
    assert_true(n.folded > 1000);
    noise_end(&n);
    bench_free(n.b);
}

/* Whether connections are folded between their messages changes nothing of what is told. */
static void folded_noise(void **state) {
    (void)state;
    struct noise whole, folding;
    noise_begin(&whole);
    noise_begin(&folding);
    for (unsigned i = 0; i < 100000; i++) {
        whole.b->count = folding.b->count = 0;
        noise_step(&whole, false);
        noise_step(&folding, true);
        assert_int_equal(folding.b->count, whole.b->count);
        for (unsigned k = 0; k < whole.b->count; k++) {
            struct seen *a = bench_last(whole.b, k), *b = bench_last(folding.b, k);
            a->connection = b->connection = NULL;
            assert_memory_equal(a, b, sizeof *a);
        }
    }
    assert_true(folding.folded > 200);
    noise_end(&whole);
    noise_end(&folding);
    assert_memory_equal(&folding.b->stats, &whole.b->stats, sizeof folding.b->stats);
    bench_free(whole.b);
    bench_free(folding.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(a_life),
        cmocka_unit_test(left_open),
        cmocka_unit_test(any_budget),
        cmocka_unit_test(owners),
        cmocka_unit_test(oldest_first),
        cmocka_unit_test(copy_keys_evicted),
        cmocka_unit_test(break_among_many_sessions),
        cmocka_unit_test(handles_evicted),
        cmocka_unit_test(trees_evicted),
        cmocka_unit_test(noise),
        cmocka_unit_test(folded_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
