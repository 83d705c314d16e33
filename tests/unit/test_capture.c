/* Capture files, written here byte by byte: both formats, orders and precisions, and everything that is wrong with
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/dlt.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/capture/capture.h"
#include "../../src/capture/filter_program.h"

/* An Ethernet frame with an empty TCP segment from port 50000 to port 445. */
static const uint8_t tcp_frame[54] = {
    2, 2, 2, 2,  2, 2, 2, 2,    2,    2, 2,    2, 8, 0, 0x45, 0, 0, 40, 0, 1,    0x40, 0,    64,   6, 0, 0, 10,
    0, 0, 1, 10, 0, 0, 2, 0xc3, 0x50, 1, 0xbd, 0, 0, 0, 1,    0, 0, 0,  0, 0x50, 2,    0xff, 0xff, 0, 0, 0, 0,
};

struct writer {
    FILE *file;
    bool big;
    char path[64];
};

static void put(struct writer *w, uint64_t v, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        fputc((int)(v >> 8 * (w->big ? size - 1 - i : i) & 0xff), w->file);
    }
}

static void writer_open(struct writer *w, bool big) {
    *w = (struct writer){.big = big, .path = "/tmp/test_capture.XXXXXX"};
    int fd = mkstemp(w->path);
    assert_true(fd >= 0);
    w->file = fdopen(fd, "wb");
    assert_non_null(w->file);
}

static void writer_pcap(struct writer *w, uint32_t magic, bool big, uint32_t link_type) {
    writer_open(w, big);
    put(w, magic, 4);
    put(w, 2, 2);
    put(w, 4, 2);
    put(w, 0, 8);
    put(w, 65535, 4);
    put(w, link_type, 4);
}

static void writer_frame(struct writer *w, uint32_t seconds, uint32_t fraction, uint32_t captured, uint32_t wire) {
    put(w, seconds, 4);
    put(w, fraction, 4);
    put(w, captured, 4);
    put(w, wire, 4);
    assert_true(captured <= sizeof tcp_frame);
    fwrite(tcp_frame, 1, captured, w->file);
}

static int open_path(struct capture **c, const char *path, char why[CAPTURE_WHY_MAX]) {
    int fd = open(path, O_RDONLY);
    return capture_open(c, fd >= 0 ? fd : -errno, path, why, CAPTURE_WHY_MAX);
}

static int set_filter(struct capture *c, const char *expression, char why[CAPTURE_WHY_MAX]) {
    int fd = memfd_create("filter", 0);
    assert_true(fd >= 0);
    assert_int_equal(filter_program_make((void *)(uintptr_t)expression, capture_filter_kind(c), fd), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return capture_set_filter(c, fd, expression, why, CAPTURE_WHY_MAX);
}

static struct capture *open_good(struct writer *w) {
    char why[CAPTURE_WHY_MAX] = "";
    struct capture *c = NULL;
    fclose(w->file);
    if (open_path(&c, w->path, why) != 0) {
        fail_msg("%s", why);
    }
    return c;
}

static void done(struct writer *w, struct capture *c) {
    capture_close(c);
    unlink(w->path);
}

static const uint32_t MICRO = 0xa1b2c3d4, NANO = 0xa1b23c4d;

static void both_orders_and_precisions(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct writer w;
        writer_pcap(&w, i & 1 ? NANO : MICRO, i & 2, 1);
        writer_frame(&w, 1700000000, 123456, 54, 54);
        writer_frame(&w, 1700000001, 999999, 40, 1500);
        struct capture *c = open_good(&w);
        struct frame f;
        assert_int_equal(capture_link_type(c), DLT_EN10MB);
        assert_int_equal(capture_snap_length(c), 65535);
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(f.at.time_ns, UINT64_C(1700000000000000000) + (i & 1 ? 123456u : 123456000u));
        assert_int_equal(f.at.frame, 1);
        assert_int_equal(f.bytes.n, 54);
        assert_memory_equal(f.bytes.p, tcp_frame, 54);
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(f.at.frame, 2);
        assert_int_equal(f.bytes.n, 40);
        assert_int_equal(f.wire_length, 1500);
        assert_int_equal(capture_next(c, &f), 0);
        struct capture_position at = capture_position(c);
        assert_int_equal(at.read, 24 + 16 + 54 + 16 + 40);
        assert_int_equal(at.total, at.read);
        done(&w, c);
    }
}

static void put_block(struct writer *w, uint32_t type, uint32_t body) {
    put(w, type, 4);
    put(w, body + 12, 4);
}

static void writer_section(struct writer *w, bool big) {
    writer_open(w, big);
    put_block(w, 0x0a0d0d0a, 16);
    put(w, 0x1a2b3c4d, 4);
    put(w, 1, 2);
    put(w, 0, 2);
    put(w, UINT64_MAX, 8);
    put(w, 28, 4);
}

static void writer_interface(struct writer *w, unsigned link_type, uint32_t snap, unsigned resolution) {
    put_block(w, 1, 20);
    put(w, link_type, 2);
    put(w, 0, 2);
    put(w, snap, 4);
    put(w, 9, 2); /* if_tsresol */
    put(w, 1, 2);
    fputc((int)resolution, w->file);
    put(w, 0, 3);
    put(w, 0, 4);
    put(w, 32, 4);
}

static void writer_packet(struct writer *w, uint32_t interface, uint64_t time) {
    put_block(w, 6, 20 + 56);
    put(w, interface, 4);
    put(w, time >> 32, 4);
    put(w, time & 0xffffffff, 4);
    put(w, 54, 4);
    put(w, 54, 4);
    fwrite(tcp_frame, 1, 54, w->file);
    put(w, 0, 2);
    put(w, 20 + 56 + 12, 4);
}

static void pcapng_with_several_interfaces(void **state) {
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct writer w;
        struct frame f;
        writer_section(&w, big);
        writer_interface(&w, 1, 65535, 9);
        writer_interface(&w, 1, 65535, 6);
        writer_packet(&w, 0, UINT64_C(1700000000123456789));
        writer_packet(&w, 1, UINT64_C(1700000000123456));
        struct capture *c = open_good(&w);
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(f.at.time_ns, UINT64_C(1700000000123456789));
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(f.at.time_ns, UINT64_C(1700000000123456000));
        assert_memory_equal(f.bytes.p, tcp_frame, 54);
        assert_int_equal(capture_next(c, &f), 0);
        done(&w, c);
    }
}

static void interfaces_that_differ(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct writer w;
        struct frame f;
        writer_section(&w, false);
        writer_interface(&w, 1, 65535, 9);
        writer_packet(&w, 0, 1);
        writer_interface(&w, i == 0 ? 101 : 1, i == 0 ? 65535 : 128, 9);
        writer_packet(&w, 1, 1);
        struct capture *c = open_good(&w);
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(capture_next(c, &f), -EBADMSG);
        assert_non_null(strstr(capture_why(c), w.path));
        assert_non_null(strstr(capture_why(c), "editcap"));
        done(&w, c);
    }
}

static void first_frame_is_held(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    writer_frame(&w, 1, 0, 54, 54);
    writer_frame(&w, 2, 0, 54, 60);
    struct capture *c = open_good(&w);
    struct frame f, g;
    char why[CAPTURE_WHY_MAX];
    assert_int_equal(capture_first(c, &f), 1);
    assert_int_equal(capture_first(c, &f), 1);
    assert_int_equal(f.at.frame, 1);
    assert_int_equal(f.wire_length, 54);
    assert_memory_equal(f.bytes.p, tcp_frame, 54);
    assert_int_equal(set_filter(c, "greater 60", why), 0);
    assert_int_equal(capture_next(c, &g), 1);
    assert_int_equal(g.at.frame, 2); /* the first was held, and the filter held it back as well */
    assert_int_equal(capture_next(c, &g), 0);
    done(&w, c);

    writer_pcap(&w, MICRO, false, 1);
    c = open_good(&w);
    assert_int_equal(capture_first(c, &f), 0);
    assert_int_equal(capture_next(c, &f), 0);
    done(&w, c);
}

static void filter(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    writer_frame(&w, 1, 0, 54, 54);
    writer_frame(&w, 2, 0, 20, 54);
    writer_frame(&w, 3, 0, 54, 54);
    struct capture *c = open_good(&w);
    struct frame f;
    char why[CAPTURE_WHY_MAX];
    assert_int_equal(set_filter(c, "tcp portt 445", why), -EINVAL);
    assert_non_null(strstr(why, "tcp portt 445"));
    assert_non_null(strstr(why, "pcap-filter(7)"));
    assert_int_equal(set_filter(c, "port 80", why), 0);
    assert_int_equal(set_filter(c, "tcp port 445", why), 0);
    assert_int_equal(capture_next(c, &f), 1);
    assert_int_equal(f.at.frame, 1);
    assert_int_equal(capture_next(c, &f), 1);
    assert_int_equal(f.at.frame, 3);
    assert_int_equal(capture_next(c, &f), 0);
    done(&w, c);
}

/* The family before a packet of BSD null is in the order of the machine that wrote the file: the filter must know it. */
static void filter_of_another_order(void **state) {
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct writer w;
        struct frame f;
        char why[CAPTURE_WHY_MAX];
        writer_pcap(&w, MICRO, big, 0);
        put(&w, 1, 4);
        put(&w, 0, 4);
        put(&w, 4 + 40, 4);
        put(&w, 4 + 40, 4);
        put(&w, 2, 4); /* AF_INET */
        fwrite(tcp_frame + 14, 1, 40, w.file);
        struct capture *c = open_good(&w);
        assert_int_equal(set_filter(c, "tcp port 445", why), 0);
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(set_filter(c, "inbound", why), -EINVAL); /* a file does not tell */
        done(&w, c);
    }
}

/* No program: it was not made, or is cut. */
static void no_filter(void **state) {
    (void)state;
    struct writer w;
    char why[CAPTURE_WHY_MAX];
    writer_pcap(&w, MICRO, false, 1);
    struct capture *c = open_good(&w);
    assert_int_equal(capture_set_filter(c, -EMFILE, "tcp", why, sizeof why), -EMFILE);
    assert_non_null(strstr(why, "\"tcp\""));
    for (off_t size = 0; size < 8 + 3 * 8; size += 7) {
        int fd = memfd_create("filter", 0);
        assert_int_equal(filter_program_make((void *)(uintptr_t) "tcp", capture_filter_kind(c), fd), 0);
        assert_int_equal(ftruncate(fd, size), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(capture_set_filter(c, fd, "tcp", why, sizeof why), -EIO);
    }
    done(&w, c);
}

static bool count_frame(void *arg, const struct frame *f) {
    int *left = arg;
    assert_int_equal(f->bytes.n, 54);
    return --*left != 0;
}

/* How many frames there are, one by one or all at once, the first of them looked at before. */
static int read_to_end(struct capture *c, unsigned how, int *frames) {
    struct frame f;
    int got, left = 0;
    if (how == 2) {
        (void)!capture_first(c, &f);
    }
    if (how != 0) {
        got = capture_read(c, count_frame, &left);
        *frames = -left;
        return got;
    }
    for (*frames = 0; (got = capture_next(c, &f)) == 1;) {
        ++*frames;
    }
    return got;
}

static void stops_where_it_is_told(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    for (unsigned i = 0; i < 5; i++) {
        writer_frame(&w, i, 0, 54, 54);
    }
    struct capture *c = open_good(&w);
    struct frame f;
    int left = 1;
    assert_int_equal(capture_first(c, &f), 1);
    assert_int_equal(capture_read(c, count_frame, &left), 1);
    left = 2;
    assert_int_equal(capture_read(c, count_frame, &left), 1);
    assert_int_equal(capture_next(c, &f), 1);
    assert_int_equal(f.at.frame, 4);
    left = 9;
    assert_int_equal(capture_read(c, count_frame, &left), 0);
    assert_int_equal(left, 8);
    done(&w, c);
}

static void cut_anywhere(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    writer_frame(&w, 1, 0, 54, 54);
    writer_frame(&w, 2, 0, 54, 54);
    fclose(w.file);
    for (long i = 3 * (24 + 70 + 70 - 1); i >= 3 * 24; i--) {
        long size = i / 3;
        assert_int_equal(truncate(w.path, size), 0);
        struct capture *c = NULL;
        char why[CAPTURE_WHY_MAX];
        assert_int_equal(open_path(&c, w.path, why), 0);
        int frames, got = read_to_end(c, (unsigned)(i % 3), &frames);
        assert_int_equal(frames, (size - 24) / 70);
        if (size == 24 || size == 24 + 70) {
            assert_int_equal(got, 0);
        } else {
            assert_int_equal(got, -EBADMSG);
            assert_non_null(strstr(capture_why(c), w.path));
            assert_non_null(strstr(capture_why(c), "cut short"));
        }
        capture_close(c);
    }
    unlink(w.path);
}

static void damaged(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    writer_frame(&w, 1, 0, 54, 54);
    put(&w, 1, 8);
    put(&w, 0x7fffffff, 8); /* a frame of two gigabytes */
    put(&w, 0, 8);
    struct capture *c = open_good(&w);
    struct frame f;
    assert_int_equal(capture_next(c, &f), 1);
    assert_int_equal(capture_next(c, &f), -EBADMSG);
    assert_non_null(strstr(capture_why(c), "behind frame 1"));
    done(&w, c);
}

static void strange_times(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, NANO, false, 1);
    writer_frame(&w, UINT32_MAX, UINT32_MAX, 54, 54);
    struct capture *c = open_good(&w);
    struct frame f;
    assert_int_equal(capture_next(c, &f), 1);
    assert_true(f.at.time_ns / 1000000000 == UINT32_MAX);
    done(&w, c);
    writer_section(&w, false);
    writer_interface(&w, 1, 65535, 0); /* seconds, so that they overflow nanoseconds */
    writer_packet(&w, 0, UINT64_C(1) << 60);
    c = open_good(&w);
    assert_int_equal(capture_next(c, &f), 1);
    done(&w, c);
}

/* Refused, with a line that names the file and has the word of the remedy in it, and *out as it was. */
static void refused(const char *path, int error, const char *word) {
    char why[CAPTURE_WHY_MAX] = "";
    struct capture *c = NULL;
    assert_int_equal(open_path(&c, path, why), error);
    assert_null(c);
    if (!strstr(why, path) || !strstr(why, word) || strchr(why, '\n')) {
        fail_msg("\"%s\" does not name %s and %s", why, path, word);
    }
}

static void refused_bytes(const void *bytes, size_t n, int error, const char *word) {
    struct writer w;
    writer_open(&w, false);
    fwrite(bytes, 1, n, w.file);
    fclose(w.file);
    refused(w.path, error, word);
    unlink(w.path);
}

static void no_captures(void **state) {
    (void)state;
    refused("/nonexistent/x.pcap", -ENOENT, "no such file");
    refused("/tmp", -EISDIR, "directory");
    refused("/proc/self/mem", -EIO, "cannot be read: Input/output error"); /* its first page is none */
    refused_bytes("", 0, -ENODATA, "empty");
    refused_bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10, -EPROTONOSUPPORT, "zcat");
    refused_bytes("\x28\xb5\x2f\xfd\x00\x00\x00\x00", 8, -EPROTONOSUPPORT, "zstdcat");
    refused_bytes("\xfd"
                  "7zXZ\0\0\4",
                  8, -EPROTONOSUPPORT, "xzcat");
    refused_bytes("hello, world, this is text\n", 27, -EPROTONOSUPPORT, "neither pcap nor pcapng");
    refused_bytes("hi", 2, -EPROTONOSUPPORT, "neither pcap nor pcapng");
    refused_bytes("\xd4\xc3\xb2\xa1\x02\x00", 6, -EPROTONOSUPPORT, "starts like a capture");
    refused_bytes("\xd4\xc3\xb2\xa1\x09\x00\x09\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0", 24, -EPROTONOSUPPORT,
                  "version");
}

/* Root reads everything: then somebody else tries. */
static void unreadable(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    bool root = geteuid() == 0;
    struct writer w;
    writer_pcap(&w, MICRO, false, 1);
    fclose(w.file);
    assert_int_equal(chmod(w.path, 0), 0);
    assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
    refused(w.path, -EACCES, "permission");
    assert_int_equal(root ? seteuid(0) : 0, 0);
    unlink(w.path);
}

static void unknown_link_type(void **state) {
    (void)state;
    struct writer w;
    writer_pcap(&w, MICRO, false, 147);
    fclose(w.file);
    refused(w.path, -EPROTONOSUPPORT, "link type 147 are not read");
    unlink(w.path);
    writer_pcap(&w, MICRO, false, 105);
    fclose(w.file);
    refused(w.path, -EPROTONOSUPPORT, "IEEE802_11");
    refused(w.path, -EPROTONOSUPPORT, "Linux cooked v2");
    unlink(w.path);
}

static void every_link_type_that_is_read(void **state) {
    (void)state;
    static const uint32_t link_types[] = {0, 1, 101, 108, 113, 228, 229, 276};
    for (size_t i = 0; i < sizeof link_types / sizeof *link_types; i++) {
        struct writer w;
        writer_pcap(&w, MICRO, false, link_types[i]);
        done(&w, open_good(&w));
    }
}

/* A pipe gives each frame as soon as it was written. */
static void standard_input_streams(void **state) {
    (void)state;
    int ends[2], keep = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    struct writer w = {.file = fdopen(ends[1], "wb")};
    assert_non_null(w.file);
    put(&w, MICRO, 4);
    put(&w, 2, 2);
    put(&w, 4, 2);
    put(&w, 0, 8);
    put(&w, 65535, 4);
    put(&w, 1, 4);
    fflush(w.file);
    char why[CAPTURE_WHY_MAX];
    struct capture *c = NULL;
    struct frame f;
    assert_int_equal(capture_open(&c, STDIN_FILENO, "-", why, sizeof why), 0);
    for (uint32_t i = 1; i < 4; i++) {
        writer_frame(&w, i, 0, 54, 54);
        fflush(w.file);
        if (i == 1) {
            assert_int_equal(capture_first(c, &f), 1);
        }
        assert_int_equal(capture_next(c, &f), 1);
        assert_int_equal(f.at.frame, i);
    }
    assert_int_equal(capture_position(c).total, 0);
    assert_int_equal(capture_position(c).read, 24 + 3 * 70);
    put(&w, 0, 3);
    fclose(w.file);
    assert_int_equal(capture_next(c, &f), -EBADMSG);
    capture_close(c);
    assert_true(dup2(keep, STDIN_FILENO) >= 0); /* it was left open, and is ours again */
    close(keep);
    close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_orders_and_precisions),
        cmocka_unit_test(pcapng_with_several_interfaces),
        cmocka_unit_test(interfaces_that_differ),
        cmocka_unit_test(first_frame_is_held),
        cmocka_unit_test(filter),
        cmocka_unit_test(filter_of_another_order),
        cmocka_unit_test(no_filter),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(stops_where_it_is_told),
        cmocka_unit_test(damaged),
        cmocka_unit_test(strange_times),
        cmocka_unit_test(no_captures),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(unknown_link_type),
        cmocka_unit_test(every_link_type_that_is_read),
        cmocka_unit_test(standard_input_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
