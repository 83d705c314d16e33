#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/delivery/channel.h"
#include "record.h"

enum { SMALL = 64 << 10 };

/* A text that tells its number, and has a length of its own. */
static char *text_of(uint64_t seq, size_t n) {
    static char text[RECORD_MAX];
    memset(text, 'a' + (int)(seq % 26), n);
    memcpy(text, &seq, n < sizeof seq ? n : sizeof seq);
    return text;
}

static size_t length_of(uint64_t seq) {
    return (size_t)(seq * 2654435761U % (RECORD_MAX + 1));
}

static int put_one(struct channel *c, uint64_t seq, const struct gap *gap) {
    size_t n = length_of(seq);
    const struct line line = {.text = text_of(seq, n),
                              .length = (uint16_t)n,
                              .object = (uint8_t)(seq % 3),
                              .action = (uint8_t)(seq % 7),
                              .operation = (uint8_t)(seq % 28),
                              .severity = (uint8_t)(seq % 4),
                              .seq = seq,
                              .gap = gap};
    return channel_put(c, &line, 1);
}

static void expect(const struct line *l, uint64_t seq) {
    assert_int_equal(l->seq, seq);
    assert_int_equal(l->length, length_of(seq));
    assert_memory_equal(l->text, text_of(seq, l->length), l->length);
    assert_int_equal(l->object, seq % 3);
    assert_int_equal(l->action, seq % 7);
    assert_int_equal(l->operation, seq % 28);
    assert_int_equal(l->severity, seq % 4);
}

static struct channel *channel_of(size_t bytes) {
    struct channel *c = channel_new(bytes);
    assert_non_null(c);
    channel_attach(c);
    return c;
}

static struct channel *new_channel(void) {
    return channel_of(SMALL);
}

static bool readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Filled until there is no room, emptied in part, many times round: what comes is what was put, in its order. */
static void in_order(void **state) {
    (void)state;
    struct channel *c = new_channel();
    struct line line;
    uint64_t put = 1, got = 1;
    for (unsigned round = 0; round < 2000; round++) {
        while (put_one(c, put, NULL) == 0) {
            put++;
        }
        assert_true(put > got);
        for (unsigned n = 0; n < round % 40 && channel_next(c, &line); n++) {
            expect(&line, got++);
        }
        channel_taken(c);
    }
    while (channel_next(c, &line)) {
        expect(&line, got++);
    }
    channel_taken(c);
    assert_int_equal(got, put);
    assert_true(channel_empty(c));
    assert_true(channel_roomy(c));
    channel_free(c);
}

/* A deliverer that keeps up, falls behind and keeps up again: the ring begins anew in between, and nothing is lost by that. */
static void keeps_up_and_falls_behind(void **state) {
    (void)state;
    struct channel *c = channel_of(4 << 20);
    struct line line;
    uint64_t put = 1, got = 1;
    for (unsigned round = 0; round < 60000; round++) {
        unsigned lines = round % 97 == 0 ? 900 : 1 + round % 3;
        for (unsigned n = 0; n < lines && put_one(c, put, NULL) == 0; n++) {
            put++;
        }
        unsigned take = round % 97 == 0 ? round % 300 : UINT_MAX;
        for (unsigned n = 0; n < take && channel_next(c, &line); n++) {
            expect(&line, got++);
            if (round % 5 == 0 && n == 1) {
                channel_unread(c);
                assert_true(channel_next(c, &line));
                expect(&line, got - 1);
            }
        }
        channel_taken(c);
    }
    assert_true(got > 60000);
    channel_free(c);
}

/* As long as it keeps up the ring costs no more memory than a part of it. */
static void the_rest_is_not_touched(void **state) {
    (void)state;
    struct channel *c = channel_of(CHANNEL_BYTES);
    struct line line;
    long before, after;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*s %*s %ld", &before), 1);
    for (uint64_t seq = 1; seq < 40000; seq++) { /* 80 MB */
        assert_int_equal(put_one(c, seq, NULL), 0);
        assert_true(channel_next(c, &line));
        expect(&line, seq);
        channel_taken(c);
    }
    fclose(statm);
    statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*s %*s %ld", &after), 1);
    fclose(statm);
    assert_true((after - before) * sysconf(_SC_PAGESIZE) < 2 << 20);
    channel_free(c);
}

static long resident_bytes(void) {
    FILE *statm = fopen("/proc/self/statm", "r");
    long pages;
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*s %ld", &pages), 1);
    fclose(statm);
    return pages * sysconf(_SC_PAGESIZE);
}

/* A stall costs memory as long as it lasts. */
static void a_stall_gives_its_memory_back(void **state) {
    (void)state;
    struct channel *c = channel_of(CHANNEL_BYTES);
    struct line line;
    uint64_t seq = 0, read = 0;
    const long before = resident_bytes(), most = CHANNEL_BYTES;
    for (unsigned round = 0; round < 3; round++) {
        assert_true(channel_used(c) == 0);
        while (channel_used(c) < CHANNEL_BYTES - (1 << 20)) {
            assert_int_equal(put_one(c, ++seq, NULL), 0);
        }
        channel_trim(c);
        channel_trim(c); /* not what is waited for */
        assert_true(resident_bytes() - before > most / 10 * 9);
        while (channel_next(c, &line)) {
            expect(&line, ++read);
        }
        channel_taken(c);
        assert_int_equal(read, seq);
        channel_trim(c);
        assert_int_equal(put_one(c, ++seq, NULL), 0);
        channel_trim(c); /* a line waits */
        assert_true(channel_next(c, &line));
        expect(&line, ++read);
        channel_taken(c);
        channel_trim(c);
        assert_true(resident_bytes() - before < most / 10);
    }
    channel_free(c);
}

/* Who kept up until now and then pauses has all of it before the maker has no room. */
static void a_pause_has_the_whole_ring(void **state) {
    (void)state;
    struct channel *c = channel_of(CHANNEL_BYTES);
    struct line line;
    uint64_t seq = 0, read = 0, bytes = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (bytes = 0; bytes < 3 << 19; bytes += length_of(seq)) {
            assert_int_equal(put_one(c, ++seq, NULL), 0);
        }
        while (channel_next(c, &line)) {
            expect(&line, ++read);
            channel_taken(c);
        }
        assert_int_equal(read, seq);
        assert_int_equal(put_one(c, ++seq, NULL), 0);
        assert_true(channel_roomy(c));
        for (bytes = 0; bytes < CHANNEL_BYTES / 10 * 9; bytes += length_of(seq)) {
            assert_int_equal(put_one(c, ++seq, NULL), 0);
        }
        while (put_one(c, seq + 1, NULL) == 0) {
            seq++;
        }
        assert_false(channel_roomy(c));
        assert_true(channel_next(c, &line));
        expect(&line, read + 1);
        channel_unread(c);
        channel_attach(c); /* another, that begins where the first one did */
        while (channel_next(c, &line)) {
            expect(&line, ++read);
        }
        channel_taken(c);
        assert_int_equal(read, seq);
        assert_true(channel_empty(c));
    }
    channel_free(c);
}

static void all_or_none(void **state) {
    (void)state;
    struct channel *c = new_channel();
    static struct line lines[32];
    struct line line;
    for (unsigned i = 0; i < 32; i++) {
        lines[i] = (struct line){.text = text_of(1, RECORD_MAX), .length = RECORD_MAX, .seq = i};
    }
    assert_int_equal(channel_put(c, lines, 32), -EAGAIN); /* 128,000 bytes and more */
    assert_true(channel_empty(c));
    assert_int_equal(channel_put(c, lines, 16), 0);
    assert_int_equal(channel_put(c, lines + 16, 1), -EAGAIN);
    assert_int_equal(channel_put(c, lines, 0), 0);
    for (unsigned i = 0; i < 16; i++) {
        assert_true(channel_next(c, &line));
        assert_int_equal(line.seq, i);
    }
    assert_false(channel_next(c, &line));
    channel_free(c);
}

/* What is free at the ring's end is written again while the first line behind it is not taken. */
static void unread_at_the_end(void **state) {
    (void)state;
    struct channel *c = new_channel();
    struct line line, large = {.text = text_of(1, RECORD_MAX), .length = RECORD_MAX};
    for (large.seq = 1; channel_put(c, &large, 1) == 0; large.seq++) {
    }
    for (uint64_t seq = 1; seq < large.seq; seq++) {
        assert_true(channel_next(c, &line));
        channel_taken(c);
    }
    assert_int_equal(channel_put(c, &large, 1), 0); /* it is at the start */
    assert_true(channel_next(c, &line));
    while (large.seq++, channel_put(c, &large, 1) == 0) {
    }
    large.length = 100;
    while (channel_put(c, &large, 1) == 0) { /* up to the end, over what was free */
    }
    channel_unread(c);
    assert_true(channel_next(c, &line));
    assert_int_equal(line.length, RECORD_MAX);
    channel_free(c);
}

static void gaps_travel(void **state) {
    (void)state;
    struct channel *c = new_channel();
    const struct gap gap = {.run_id = 3, .from = 5, .to = 9, .count = 4, .reason = GAP_SPOOL_FULL};
    struct gap got;
    struct line line;
    assert_int_equal(put_one(c, 1, NULL), 0);
    assert_int_equal(put_one(c, 2, &gap), 0);
    assert_true(channel_next(c, &line));
    assert_null(line.gap);
    assert_true(channel_next(c, &line));
    expect(&line, 2);
    assert_memory_equal(line.gap, &gap, sizeof gap);
    assert_false(channel_gap(c, &got));
    unsigned told = 0;
    while (channel_tell_gap(c, &(struct gap){.from = told + 1, .to = told + 1})) {
        told++;
    }
    assert_true(told > 0 && readable(channel_news(c)));
    for (unsigned i = 0; i < told; i++) {
        assert_true(channel_gap(c, &got));
        assert_int_equal(got.from, i + 1);
    }
    assert_false(channel_gap(c, &got));
    assert_true(channel_tell_gap(c, &gap));
    channel_free(c);
}

/* The bell rings once for whoever listens; news come when half is free again. */
static void waking(void **state) {
    (void)state;
    struct channel *c = new_channel();
    struct line line;
    uint64_t seq = 1, until = 0;
    assert_true(channel_listen(c));
    assert_false(readable(channel_bell(c)));
    assert_int_equal(put_one(c, seq++, NULL), 0);
    assert_true(readable(channel_bell(c)));
    assert_false(channel_listen(c)); /* there is a line */
    while (put_one(c, seq, NULL) == 0) {
        seq++;
    }
    assert_false(readable(channel_news(c)));
    while (!channel_roomy(c)) {
        assert_false(readable(channel_news(c)));
        assert_true(channel_next(c, &line));
        channel_taken(c);
    }
    assert_true(readable(channel_news(c)));
    channel_hear(c);
    assert_false(readable(channel_news(c)));
    while (channel_next(c, &line)) {
    }
    channel_taken(c);
    assert_true(channel_listen(c));
    channel_order(c, CHANNEL_STOP, 77);
    channel_order(c, CHANNEL_REOPEN, 0);
    assert_true(readable(channel_bell(c)));
    assert_false(channel_listen(c));
    assert_int_equal(channel_orders(c, &until), CHANNEL_STOP | CHANNEL_REOPEN);
    assert_int_equal(until, 77);
    assert_int_equal(channel_orders(c, &until), 0);
    assert_false(channel_owed(c));
    channel_owe(c, true);
    assert_true(channel_owed(c));
    channel_owe(c, false);
    assert_false(channel_owed(c));
    until = 0;
    channel_attach(c); /* another, in its place: the end is still to come */
    assert_int_equal(channel_orders(c, &until), CHANNEL_STOP);
    assert_int_equal(until, 77);
    channel_free(c);
}

/* Whoever goes on after one that crashed begins behind what that one had taken. */
static void after_a_crash(void **state) {
    (void)state;
    struct channel *c = new_channel();
    struct line line;
    uint64_t put = 1;
    while (put_one(c, put, NULL) == 0) {
        put++;
    }
    pid_t pid = fork();
    if (pid == 0) {
        channel_attach(c);
        for (uint64_t seq = 1; channel_next(c, &line); seq++) {
            if (seq == 3) {
                channel_taken(c);
            } else if (seq == 5) {
                raise(SIGKILL);
            }
        }
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    channel_attach(c);
    for (uint64_t seq = 4; seq < put; seq++) {
        assert_true(channel_next(c, &line));
        expect(&line, seq);
        if (seq == 6) {
            channel_unread(c);
            assert_true(channel_next(c, &line));
            expect(&line, seq);
        }
    }
    assert_false(channel_next(c, &line));
    channel_free(c);
}

/* Some are where they should be, others not yet: the latter come again, and the room of the former is free, wherever in the ring they lie. */
static void some_are_taken_of(size_t bytes, unsigned rounds) {
    struct channel *c = channel_of(bytes);
    struct line line;
    uint64_t put = 0, read = 0, taken = 0, dice = 1;
    for (unsigned round = 0; round < rounds; round++) {
        dice = dice * 6364136223846793005U + 1442695040888963407U;
        for (uint64_t n = dice >> 58; n > 0 && put_one(c, put + 1, NULL) == 0; n--) {
            put++;
        }
        for (uint64_t n = dice >> 52 & 63; n > 0 && channel_next(c, &line); n--) {
            expect(&line, ++read);
        }
        if (dice >> 50 & 1 && read > taken) {
            channel_unread(c);
            read -= channel_next(c, &line) ? 0 : 1;
            expect(&line, read);
        }
        taken = read - (dice >> 40 & 255) % (read - taken + 1);
        channel_taken_but(c, (size_t)(read - taken));
        assert_int_equal(channel_empty(c), taken == put);
        if ((dice >> 36 & 15) == 0) {
            channel_attach(c); /* after a crash */
            read = taken;
        }
    }
    assert_true(taken > rounds * UINT64_C(10));
    channel_free(c);
}

static void some_are_taken(void **state) {
    (void)state;
    some_are_taken_of(SMALL, 5000);
    some_are_taken_of(4 << 20, 20000); /* goes back to its start now and then */
}

/* Two processes, as fast as they can: nothing is lost, doubled or out of order, and neither sleeps for ever. */
static void two_processes(void **state) {
    (void)state;
    enum { LINES = 200000 };
    struct channel *c = new_channel();
    pid_t pid = fork();
    if (pid == 0) {
        struct line line;
        struct pollfd bell = {.fd = channel_bell(c), .events = POLLIN};
        channel_attach(c);
        for (uint64_t got = 0; got < LINES;) {
            while (channel_next(c, &line)) {
                expect(&line, ++got);
                channel_taken(c);
            }
            if (got < LINES && channel_listen(c) && poll(&bell, 1, 20000) != 1) {
                _exit(2);
            }
        }
        _exit(channel_empty(c) ? 0 : 3);
    }
    struct pollfd news = {.fd = channel_news(c), .events = POLLIN};
    for (uint64_t seq = 1; seq <= LINES;) {
        if (put_one(c, seq, NULL) == 0) {
            seq++;
        } else {
            assert_int_equal(poll(&news, 1, 20000), 1);
            channel_hear(c);
        }
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    channel_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(keeps_up_and_falls_behind),
        cmocka_unit_test(the_rest_is_not_touched),
        cmocka_unit_test(a_stall_gives_its_memory_back),
        cmocka_unit_test(a_pause_has_the_whole_ring),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(unread_at_the_end),
        cmocka_unit_test(gaps_travel),
        cmocka_unit_test(waking),
        cmocka_unit_test(after_a_crash),
        cmocka_unit_test(some_are_taken),
        cmocka_unit_test(two_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
