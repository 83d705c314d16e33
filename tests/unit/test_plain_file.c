/* Whether a file is read past libpcap or by it, the same comes out: made files, and what may be wrong with them, against libpcap alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include "../../src/capture/capture.h"
#include "../../src/capture/plain_file.h"

enum { FRAMES = 5000, SNAP = 2000, BUFFER = 1 << 20 };

static const uint32_t MICRO = 0xa1b2c3d4, NANO = 0xa1b23c4d;

/* What is written; zero: as usual. */
struct plan {
    uint32_t magic, snap, link_type;
    uint16_t minor;
    bool swapped, no_snap;
    unsigned odd_at;             /* this frame has */
    uint32_t captured, fraction; /* these */
    long cut;                    /* bytes that the end lacks */
    bool plain;                  /* it is to be taken for a plain one */
    const uint32_t *options;     /* pcapng: those of the interface, and how many; NULL: a pcap file */
    size_t option_count;
    uint32_t odd_type; /* pcapng: what block stands before the odd frame */
    bool odd_interface, odd_edge;
};

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, NAMES = 4, STATISTICS = 5, PACKET = 6, UNKNOWN = 77 };

static uint32_t seed;

static uint32_t next_number(void) {
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void put(FILE *file, const struct plan *p, uint32_t v) {
    v = p->swapped ? __builtin_bswap32(v) : v;
    fwrite(&v, sizeof v, 1, file);
}

static void put_block(FILE *file, const struct plan *p, uint32_t type, const uint32_t *words, size_t n) {
    uint32_t length = (uint32_t)(12 + 4 * n);
    put(file, p, type);
    put(file, p, length);
    for (size_t i = 0; i < n; i++) {
        put(file, p, words[i]);
    }
    put(file, p, length);
}

static uint32_t snap_of(const struct plan *p) {
    return p->no_snap ? 0 : p->snap ? p->snap : SNAP;
}

/* A number of 16 bits with a zero behind it. */
static uint32_t first_half(const struct plan *p, uint32_t v) {
    return p->swapped ? v << 16 : v;
}

/* draft-ietf-opsawg-pcapng, 4.1 and 4.2. */
static void put_interface(FILE *file, const struct plan *p) {
    uint32_t words[20] = {first_half(p, DLT_EN10MB), snap_of(p)};
    memcpy(words + 2, p->options, p->option_count * sizeof *words);
    put_block(file, p, INTERFACE, words, 2 + p->option_count);
}

static void begin_blocks(FILE *file, const struct plan *p) {
    const uint32_t words[] = {0x1a2b3c4d, first_half(p, 1), UINT32_MAX, UINT32_MAX};
    put_block(file, p, SECTION, words, sizeof words / sizeof *words);
    put_interface(file, p);
}

/* The block that is to stand before the odd frame, and sometimes one that says nothing of frames. */
static void put_between(FILE *file, const struct plan *p, bool odd) {
    static const uint32_t few[] = {0, 0, 4, 0xffffffff};
    if (next_number() % 8 == 0) {
        put_block(file, p, next_number() % 2 ? NAMES : STATISTICS, few, next_number() % 5);
    }
    if (odd && p->odd_type == INTERFACE) {
        put_interface(file, p);
    } else if (odd && p->odd_type == SECTION) {
        begin_blocks(file, p);
    } else if (odd && p->odd_type != 0) {
        put_block(file, p, p->odd_type, few + 2, 2);
    }
}

static void write_packet(FILE *file, const struct plan *p, unsigned i) {
    static uint8_t bytes[300000];
    bool odd = p->odd_at == i && i != 0;
    put_between(file, p, odd);
    uint32_t size = next_number() % (SNAP + 1), captured = odd && p->captured ? p->captured : size;
    size = captured < sizeof bytes ? captured : size;
    uint32_t room = (size + 3) & ~3u, comment = next_number() % 4 ? 0 : 8;
    put(file, p, PACKET);
    put(file, p, 32 + room + comment);
    put(file, p, odd && p->odd_interface);
    put(file, p, next_number() >> 8);
    put(file, p, odd && p->fraction ? p->fraction : next_number() << 8);
    put(file, p, captured);
    put(file, p, next_number() % 4 ? captured : captured + next_number() % 3000 - 1000);
    memset(bytes, (int)i, size);
    fwrite(bytes, 1, room, file);
    fwrite("\1\0\4\0text", 1, comment, file);
    put(file, p, 32 + room + comment + (odd && p->odd_edge ? 4 : 0));
}

static void write_frame(FILE *file, const struct plan *p, unsigned i) {
    static uint8_t bytes[300000];
    bool odd = p->odd_at == i && i != 0;
    uint32_t captured = next_number() % (SNAP + 1);
    captured = odd && p->captured ? p->captured : captured;
    put(file, p, next_number() << 8);
    put(file, p, odd && p->fraction ? p->fraction : next_number() % 1000000);
    put(file, p, captured);
    put(file, p,
        next_number() % 4 ? captured : captured + next_number() % 3000 - 1000); /* may be less than was captured */
    memset(bytes, (int)i, captured < sizeof bytes ? captured : sizeof bytes);
    fwrite(bytes, 1, captured < sizeof bytes ? captured : sizeof bytes, file);
}

static void write_file(char *path, const struct plan *p) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    assert_non_null(file);
    uint32_t minor = p->minor ? p->minor : 4, version = p->swapped ? 2u << 16 | minor : minor << 16 | 2;
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
        version = version << 16 | version >> 16;
    }
    seed = 445;
    if (p->options) {
        begin_blocks(file, p);
    } else {
        put(file, p, p->magic ? p->magic : MICRO);
        put(file, p, version);
        put(file, p, 0);
        put(file, p, 0);
        put(file, p, snap_of(p));
        put(file, p, p->link_type ? p->link_type : DLT_EN10MB);
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        (p->options ? write_packet : write_frame)(file, p, i);
    }
    fflush(file);
    assert_int_equal(ftruncate(fd, ftell(file) - p->cut), 0);
    fclose(file);
}

struct compared {
    pcap_t *pcap;
    unsigned frames;
    bool wide; /* times have 64 bits */
};

static bool compare_frame(void *arg, const struct frame *f) {
    struct compared *c = arg;
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    assert_int_equal(pcap_next_ex(c->pcap, &h, &bytes), 1);
    uint64_t fraction = h->ts.tv_usec < 0 || h->ts.tv_usec > 999999999 ? 999999999 : (uint64_t)h->ts.tv_usec;
    uint64_t seconds = c->wide ? (uint64_t)h->ts.tv_sec : (uint32_t)h->ts.tv_sec;
    assert_int_equal(f->at.time_ns, seconds < UINT64_MAX / 1000000000 ? seconds * 1000000000 + fraction : UINT64_MAX);
    assert_int_equal(f->at.frame, ++c->frames);
    assert_int_equal(f->bytes.n, h->caplen);
    assert_int_equal(f->wire_length, h->len > h->caplen ? h->len : h->caplen);
    assert_memory_equal(f->bytes.p, bytes, h->caplen);
    return true;
}

static void check_end(struct capture *c, struct compared *with, int got) {
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    int expected = pcap_next_ex(with->pcap, &h, &bytes);
    if (expected == PCAP_ERROR_BREAK) {
        assert_int_equal(got, 0);
        assert_int_equal(capture_position(c).read, capture_position(c).total);
    } else {
        assert_int_equal(expected, PCAP_ERROR);
        assert_true(got < 0);
        assert_non_null(strstr(capture_why(c), pcap_geterr(with->pcap)));
    }
}

/* As the program does it, or one after another. */
static int read_all(struct capture *c, struct compared *with, bool singly) {
    struct frame f;
    int got;
    assert_int_equal(capture_first(c, &f), 1);
    if (!singly) {
        return capture_read(c, compare_frame, with);
    }
    while ((got = capture_next(c, &f)) == 1) {
        assert_true(compare_frame(with, &f));
    }
    return got;
}

static void check_plan(const struct plan *p) {
    static uint8_t buffer[BUFFER];
    char path[] = "/tmp/test_plain_file.XXXXXX", problem[PCAP_ERRBUF_SIZE], why[CAPTURE_WHY_MAX];
    write_file(path, p);
    for (int singly = 0; singly < 2; singly++) {
        struct plain_file file;
        struct capture *c = NULL;
        int fd = open(path, O_RDONLY);
        assert_int_equal(plain_file_begin(&file, fd, buffer, sizeof buffer), p->plain);
        assert_int_equal(capture_open(&c, fd, path, why, sizeof why), 0);
        struct compared with = {pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, problem), 0,
                                p->options != NULL};
        assert_non_null(with.pcap);
        check_end(c, &with, read_all(c, &with, singly));
        assert_true(!p->plain || with.frames >= (p->odd_at ? p->odd_at : FRAMES - 2));
        pcap_close(with.pcap);
        capture_close(c);
    }
    unlink(path);
}

static void plain_ones(void **state) {
    (void)state;
    check_plan(&(struct plan){.plain = true});
    check_plan(&(struct plan){.magic = NANO, .plain = true});
    check_plan(&(struct plan){.no_snap = true, .plain = true});
    check_plan(&(struct plan){.snap = UINT32_MAX, .plain = true});
    check_plan(&(struct plan){.link_type = 101, .plain = true}); /* raw IP, by its number in files */
    check_plan(&(struct plan){.link_type = 113, .plain = true});
    check_plan(&(struct plan){.link_type = 276, .plain = true});
}

static void others(void **state) {
    (void)state;
    check_plan(&(struct plan){.swapped = true});
    check_plan(&(struct plan){.minor = 3});
    check_plan(&(struct plan){.link_type = 0x14000001}); /* Ethernet with a check sequence */
}

static void strange_frames(void **state) {
    (void)state;
    check_plan(&(struct plan){.odd_at = 2500, .captured = SNAP + 1, .plain = true}); /* libpcap leaves out the rest */
    check_plan(&(struct plan){.snap = 262144, .odd_at = 2500, .captured = 262144, .plain = true});
    check_plan(&(struct plan){.snap = 262144, .odd_at = 2500, .captured = 262145, .plain = true});
    check_plan(&(struct plan){.snap = 300000, .odd_at = 2500, .captured = 262145, .plain = true});
    check_plan(&(struct plan){.odd_at = 2500, .captured = UINT32_MAX, .plain = true});
    check_plan(&(struct plan){.odd_at = 2500, .fraction = 1000000, .plain = true});
    check_plan(&(struct plan){.odd_at = 2500, .fraction = UINT32_MAX, .plain = true});
    check_plan(&(struct plan){.magic = NANO, .odd_at = 2500, .fraction = UINT32_MAX, .plain = true});
}

#define OPTIONS(...) .options = (const uint32_t[]){__VA_ARGS__}, .option_count = sizeof((uint32_t[]){__VA_ARGS__}) / 4
/* The interface's options as they lie in a file of this machine's order: code and length, then the value. */
#define OPTION(code, length) ((uint32_t)(length) << 16 | (code))
#define VALUE(byte) ((byte)*UINT32_C(0x01010101)) /* one byte, wherever it lies */
#define MICROSECONDS OPTIONS(0)
#define NANOSECONDS OPTIONS(OPTION(9, 1), VALUE(9), 0)

static void blocks(void **state) {
    (void)state;
    check_plan(&(struct plan){MICROSECONDS, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .plain = true});
    check_plan(&(struct plan){OPTIONS(OPTION(2, 5), 0x30687465, 0, OPTION(9, 1), VALUE(6), 0), .plain = true});
    check_plan(&(struct plan){OPTIONS(OPTION(9, 1), VALUE(9)), .plain = true}); /* no end of the options */
    check_plan(&(struct plan){NANOSECONDS, .no_snap = true, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .snap = 262144, .odd_at = 2500, .captured = 262144, .plain = true});
}

static void other_blocks(void **state) {
    (void)state;
    check_plan(&(struct plan){MICROSECONDS, .swapped = true});
    check_plan(&(struct plan){OPTIONS(OPTION(9, 1), VALUE(3), 0)});
    check_plan(&(struct plan){OPTIONS(OPTION(9, 1), VALUE(12), 0)});
    check_plan(&(struct plan){OPTIONS(OPTION(9, 1), VALUE(0x94), 0)}); /* a power of two */
    check_plan(&(struct plan){OPTIONS(OPTION(14, 8), 100, 0, 0)});
}

static void strange_blocks(void **state) {
    (void)state;
    static const uint32_t types[] = {INTERFACE, SECTION, SIMPLE, UNKNOWN};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        check_plan(&(struct plan){NANOSECONDS, .odd_at = 2500, .odd_type = types[i], .plain = true});
    }
    check_plan(&(struct plan){NANOSECONDS, .odd_at = 2500, .odd_interface = true, .plain = true});
    check_plan(
        &(struct plan){NANOSECONDS, .odd_at = 2500, .odd_interface = true, .odd_type = INTERFACE, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .odd_at = 2500, .odd_edge = true, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .odd_at = 2500, .captured = SNAP + 1, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .snap = 300000, .odd_at = 2500, .captured = 262145, .plain = true});
    check_plan(&(struct plan){NANOSECONDS, .no_snap = true, .odd_at = 2500, .captured = UINT32_MAX, .plain = true});
    check_plan(&(struct plan){MICROSECONDS, .odd_at = 2500, .fraction = UINT32_MAX, .plain = true});
}

static void cut_blocks(void **state) {
    (void)state;
    for (long n = 1; n < 60; n++) {
        check_plan(&(struct plan){NANOSECONDS, .cut = n, .plain = true});
    }
}

static void cut(void **state) {
    (void)state;
    for (long n = 1; n < 40; n++) {
        check_plan(&(struct plan){.cut = n, .plain = true});
    }
}

/* A file that is not at its beginning is not ours to read by place. */
static void read_before(void **state) {
    (void)state;
    static uint8_t buffer[BUFFER];
    char path[] = "/tmp/test_plain_file.XXXXXX";
    struct plain_file file;
    write_file(path, &(struct plan){.cut = 1});
    int fd = open(path, O_RDONLY);
    assert_true(plain_file_begin(&file, fd, buffer, sizeof buffer));
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_false(plain_file_begin(&file, fd, buffer, sizeof buffer));
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ones),   cmocka_unit_test(others),         cmocka_unit_test(strange_frames),
        cmocka_unit_test(cut),          cmocka_unit_test(read_before),    cmocka_unit_test(blocks),
        cmocka_unit_test(other_blocks), cmocka_unit_test(strange_blocks), cmocka_unit_test(cut_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
