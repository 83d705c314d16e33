#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inventory/inventory.h"

static const uint64_t second = 1000000000;

static struct sighting message(const char *flow, uint64_t at, const char *command) {
    return (struct sighting){.time_ns = at * second,
                             .end_ns = at * second + 5,
                             .flow_id = flow,
                             .client = "192.0.2.20",
                             .server = "192.0.2.10",
                             .message = true,
                             .version = 1,
                             .command = command,
                             .answered = true,
                             .succeeded = true};
}

static struct sighting negotiate(const char *flow, uint64_t at, const char *dialect) {
    struct sighting s = message(flow, at, "SMB1_NEGOTIATE");
    s.offers = true;
    s.dialect = dialect;
    return s;
}

static struct sighting end_of(const char *flow, uint64_t from, uint64_t to) {
    struct sighting s = message(flow, from, NULL);
    s.message = s.answered = false;
    s.end = true;
    s.end_ns = to * second;
    return s;
}

static void an_answered_connection(struct inventory *v, const char *flow, uint64_t at) {
    struct sighting s = negotiate(flow, at, "NT LM 0.12");
    inventory_take(v, &s);
    s = message(flow, at + 1, "SMB1_SESSION_SETUP_ANDX");
    s.dialect = "NT LM 0.12";
    s.native_os = "Unix";
    s.native_os_client = "Windows 5.1";
    inventory_take(v, &s);
    s = message(flow, at + 2, "SMB1_TREE_CONNECT_ANDX");
    s.share = "data";
    inventory_take(v, &s);
    s.share = "DATA";
    inventory_take(v, &s);
    s.share = "secret";
    s.succeeded = false;
    inventory_take(v, &s);
    s = end_of(flow, at - 1, at + 9);
    inventory_take(v, &s);
}

static void spoken(void **state) {
    (void)state;
    size_t n;
    struct inventory *v = inventory_new(0, NULL);
    an_answered_connection(v, "a", 100);
    an_answered_connection(v, "b", 50);
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, 1);
    assert_string_equal(r->server, "192.0.2.10");
    assert_string_equal(r->client, "192.0.2.20");
    assert_int_equal(r->outcome, OUTCOME_ANSWERED);
    assert_int_equal(r->first_ns, 49 * second);
    assert_int_equal(r->last_ns, 109 * second);
    assert_int_equal(r->connections, 2);
    assert_int_equal(r->sessions, 2);
    assert_int_equal(r->dialects.count, 1);
    assert_string_equal(r->server_systems.items[0], "Unix");
    assert_string_equal(r->client_systems.items[0], "Windows 5.1");
    assert_int_equal(r->shares.count, 1);
    assert_string_equal(r->shares.items[0], "data");
    inventory_free(v);
}

static void outcome_is(const struct sighting *first, const struct sighting *last, int wanted) {
    size_t n;
    struct inventory *v = inventory_new(0, NULL);
    inventory_take(v, first);
    if (last) {
        inventory_take(v, last);
    }
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, wanted < 0 ? 0 : 1);
    if (wanted >= 0) {
        assert_int_equal(r->outcome, wanted);
    }
    inventory_free(v);
}

static void attempts(void **state) {
    (void)state;
    enum { NOTHING = -1 };
    struct sighting end = end_of("a", 1, 3), hung_up = end;
    end.version = hung_up.version = 0;
    hung_up.server_closed = true;
    struct sighting s = negotiate("a", 1, NULL); /* index 0xFFFF */
    outcome_is(&s, &end, OUTCOME_REFUSED);
    s.answered = s.succeeded = false;
    outcome_is(&s, NULL, OUTCOME_UNANSWERED);
    outcome_is(&s, &end, OUTCOME_UNANSWERED);
    outcome_is(&s, &hung_up, OUTCOME_REFUSED);
    s.offers_smb2 = true;
    outcome_is(&s, &hung_up, NOTHING);
    s = negotiate("a", 1, "2.???");
    outcome_is(&s, &end, OUTCOME_REFUSED); /* nobody asked for that */
    s.offers_smb2 = true;
    outcome_is(&s, &end, NOTHING);
    s.dialect = "NT LM 0.12";
    outcome_is(&s, &end, OUTCOME_ANSWERED);
    s = message("a", 1, "SMB1_ECHO");
    outcome_is(&s, &end, OUTCOME_ANSWERED);
    s.answered = false;
    outcome_is(&s, &hung_up, OUTCOME_UNANSWERED);
    s.unasked = true;
    outcome_is(&s, NULL, OUTCOME_ANSWERED);
    s = message("a", 1, "SMB2_CREATE");
    s.version = 3;
    outcome_is(&s, &end, NOTHING);
    end.version = 1; /* all that the records of handles tell of a connection that was picked up in the middle */
    outcome_is(&end, NULL, OUTCOME_UNANSWERED);
    end.in_bytes = 40;
    outcome_is(&end, NULL, OUTCOME_ANSWERED);
}

static void outcomes_stay_apart(void **state) {
    (void)state;
    size_t n;
    struct inventory *v = inventory_new(0, NULL);
    struct sighting s = negotiate("x", 7, NULL);
    inventory_take(v, &s);
    an_answered_connection(v, "a", 100);
    s = negotiate("y", 7, NULL);
    s.server = "2001:db8::1";
    inventory_take(v, &s);
    s = negotiate("z", 7, NULL);
    s.server = "192.0.2.9";
    inventory_take(v, &s);
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, 4);
    assert_string_equal(r[0].server, "192.0.2.9");
    assert_int_equal(r[1].outcome, OUTCOME_ANSWERED);
    assert_int_equal(r[2].outcome, OUTCOME_REFUSED);
    assert_string_equal(r[3].server, "2001:db8::1");
    inventory_free(v);
}

static void since(void **state) {
    (void)state;
    size_t n;
    struct inventory *v = inventory_new(60 * second, NULL);
    an_answered_connection(v, "old", 100); /* until 109 */
    an_answered_connection(v, "new", 130); /* until 139 */
    inventory_clock(v, 170 * second);
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, 1);
    assert_int_equal(r->connections, 1);
    assert_int_equal(r->first_ns, 129 * second);
    inventory_free(v);
    v = inventory_new(61 * second, NULL); /* the very edge is inside */
    an_answered_connection(v, "old", 100);
    inventory_clock(v, 170 * second);
    inventory_rows(v, &n);
    assert_int_equal(n, 1);
    inventory_free(v);
}

static void the_bounds(void **state) {
    (void)state;
    size_t n;
    char id[32], client[32];
    struct inventory *v = inventory_new(0, NULL);
    for (unsigned i = 0; i < INVENTORY_FLOWS_MAX + 10;
         i++) { /* connections beyond the limit are counted all the same */
        snprintf(id, sizeof id, "%u", i);
        struct sighting s = message(id, 1, "SMB1_ECHO");
        inventory_take(v, &s);
    }
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(n, 1);
    assert_int_equal(r->connections, INVENTORY_FLOWS_MAX + 10);
    inventory_free(v);
    v = inventory_new(0, NULL);
    for (unsigned i = 0; i < INVENTORY_ROWS_MAX + 10; i++) {
        snprintf(client, sizeof client, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        struct sighting s = message(client, 1, "SMB1_ECHO");
        s.client = client;
        inventory_take(v, &s);
    }
    inventory_rows(v, &n);
    assert_int_equal(n, INVENTORY_ROWS_MAX);
    assert_int_equal(inventory_left_out(v), 10);
    inventory_free(v);
}

static void many_and_long_names(void **state) {
    (void)state;
    size_t n;
    char name[400];
    struct inventory *v = inventory_new(0, NULL);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "share%u", i);
        struct sighting s = message(i < 50 ? "a" : "b", 1, "SMB1_TREE_CONNECT");
        s.share = name;
        inventory_take(v, &s);
    }
    memset(name, 'x', 127);
    memcpy(name + 127, "\xc3\xa9 and more", 12);
    struct sighting s = message("c", 1, "SMB1_TREE_CONNECT");
    s.share = name;
    inventory_take(v, &s);
    inventory_take(v, &s);
    const struct inventory_row *r = inventory_rows(v, &n);
    assert_int_equal(r->shares.count, 2 * INVENTORY_FLOW_NAMES_MAX + 1);
    assert_true(r->shares.more);
    assert_int_equal(strlen(r->shares.items[2 * INVENTORY_FLOW_NAMES_MAX]),
                     INVENTORY_NAME_MAX - 1); /* no half a character */
    inventory_free(v);
    v = inventory_new(0, NULL);
    for (unsigned i = 0; i < INVENTORY_ROW_NAMES_MAX + 10;
         i++) { /* of one row, on connections that have room for theirs */
        char id[16];
        snprintf(id, sizeof id, "%u", i / 10);
        snprintf(name, sizeof name, "share%u", i);
        s = message(id, 1, "SMB1_TREE_CONNECT");
        s.share = name;
        inventory_take(v, &s);
    }
    r = inventory_rows(v, &n);
    assert_int_equal(n, 1);
    assert_int_equal(r->shares.count, INVENTORY_ROW_NAMES_MAX);
    assert_true(r->shares.more);
    inventory_free(v);
}

/* At the ceiling connections go into their rows early, and what finds no room is counted; nothing is kept above it, or in the end. */
static void memory_is_bounded(void **state) {
    (void)state;
    enum { CONNECTIONS = 3000 };
    size_t n;
    char id[32], name[130];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    for (size_t ceiling = 0; ceiling < 200000; ceiling += ceiling / 2 + 400) {
        struct budget budget = {.ceiling = ceiling};
        struct inventory *v = inventory_new(0, &budget);
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            snprintf(id, sizeof id, "10.0.%u.%u", i / 2 / 256, i / 2 % 256);
            struct sighting s = message(id, 1, "SMB1_TREE_CONNECT");
            snprintf(id, sizeof id, "10.0.%u.%u", i / 2 / 256, i / 2 % 256);
            snprintf(name, 8, "%06u", i);
            name[6] = 'n';
            s.client = id;
            s.share = name;
            inventory_take(v, &s);
            assert_true(budget.held <= ceiling);
        }
        const struct inventory_row *r = inventory_rows(v, &n);
        uint64_t told = inventory_left_out(v);
        for (size_t i = 0; i < n; i++) {
            told += r[i].connections;
        }
        assert_true(told >= CONNECTIONS / 2); /* each client's one connection, at least once */
        inventory_free(v);
        assert_int_equal(budget.held, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spoken),
        cmocka_unit_test(attempts),
        cmocka_unit_test(outcomes_stay_apart),
        cmocka_unit_test(since),
        cmocka_unit_test(the_bounds),
        cmocka_unit_test(many_and_long_names),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
