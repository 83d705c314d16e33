/* A capture file past libpcap and through it: the input is the file, and both must give the same frames and the same end.
 *
 * It is read twice, from memory that has a descriptor: from its beginning, where it is plain, and from behind a byte that was put in front
 * of it, where it never is (plain_file.h). One of 32 sizes repeats what is behind the header until the buffer is too small for the
 * file; one of three stops after some frames and goes on with the others one by one. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 24, LONG_FILE = 1300 << 10 }; /* bytes; more than is read at once */

static void put(int fd, const uint8_t *p, size_t n) {
    for (size_t at = 0; at < n;) {
        ssize_t put = write(fd, p + at, n - at);
        assert(put > 0);
        at += (size_t)put;
    }
}

/* The capture of a file with the input in it, behind so many bytes; NULL: it is none. */
static struct capture *open_file(const uint8_t *data, size_t size, size_t in_front, char *why) {
    struct capture *c = NULL;
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert(fd >= 0);
    put(fd, (const uint8_t *)"\n", in_front);
    put(fd, data, size);
    if (size % 32 == 0 && size > HEADER) {
        for (size_t have = size; have < LONG_FILE; have += size - HEADER) {
            put(fd, data + HEADER, size - HEADER);
        }
    }
    assert(lseek(fd, (off_t)in_front, SEEK_SET) == (off_t)in_front);
    return capture_open(&c, fd, "x", why, CAPTURE_WHY_MAX) == 0 ? c : NULL;
}

/* Of the second reading; left: frames until the first one stops. */
struct other {
    struct capture *capture;
    size_t left;
};

static bool compare(void *arg, const struct frame *f) {
    struct other *o = arg;
    struct frame g;
    int got = capture_next(o->capture, &g);
    assert(got == 1);
    assert(f->bytes.n == g.bytes.n && memcmp(f->bytes.p, g.bytes.p, g.bytes.n) == 0);
    assert(f->wire_length == g.wire_length && f->link_type == g.link_type && f->interface == g.interface);
    assert(f->at.time_ns == g.at.time_ns && f->at.frame == g.at.frame);
    return o->left == 0 || --o->left > 0;
}

static int read_all(struct capture *c, struct other *o) {
    struct frame f;
    int got = capture_read(c, compare, o);
    while (got == 1) {
        got = capture_next(c, &f);
        if (got == 1) {
            compare(o, &f);
        }
    }
    return got;
}

static void compare_ends(struct capture *c, struct capture *through, int got) {
    struct frame f;
    int expected = capture_next(through, &f);
    assert(got == expected);
    assert(got == 0 || strcmp(capture_why(c), capture_why(through)) == 0);
    struct capture_position is = capture_position(c), was = capture_position(through);
    assert(is.total + 1 == was.total);
    assert(got != 0 || (is.read == is.total && was.read == was.total)); /* else libpcap may have read ahead */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char why[CAPTURE_WHY_MAX];
    struct capture *c = open_file(data, size, 0, why), *through = open_file(data, size, 1, why);
    assert((c != NULL) == (through != NULL));
    if (c) {
        struct other other = {.capture = through, .left = size % 3 == 0 ? 1 + size % 7 : 0};
        compare_ends(c, through, read_all(c, &other));
    }
    capture_close(c);
    capture_close(through);
    return 0;
}
