#include "capture/plain_file.h"

#include <errno.h>
#include <unistd.h>

/* draft-ietf-opsawg-pcap, 4 and 5. */
enum { HEADER_SIZE = 24, FRAME_HEADER_SIZE = 16, ETHERNET = 1, VERSION_MAJOR = 2, VERSION_MINOR = 4 };
#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)

/* More than libpcap reads of an Ethernet frame. */
enum { LARGEST_FRAME = 262144 };

static size_t read_at(int fd, uint8_t *to, size_t n, uint64_t at) {
    size_t got = 0;
    while (got < n) {
        ssize_t more = pread(fd, to + got, n - got, (off_t)(at + got));
        if (more > 0) {
            got += (size_t)more;
        } else if (more == 0 || errno != EINTR) {
            break; /* libpcap will find out why */
        }
    }
    return got;
}

bool plain_file_begin(struct plain_file *f, int fd, uint8_t *buffer, size_t size) {
    uint8_t header[HEADER_SIZE];
    uint32_t magic, snap, link_type;
    uint16_t version[2];
    if (lseek(fd, 0, SEEK_CUR) != 0 || read_at(fd, header, sizeof header, 0) != sizeof header) {
        return false;
    }
    memcpy(&magic, header, sizeof magic);
    memcpy(version, header + 4, sizeof version);
    memcpy(&snap, header + 16, sizeof snap);
    memcpy(&link_type, header + 20, sizeof link_type);
    if ((magic != MAGIC_MICRO && magic != MAGIC_NANO) || version[0] != VERSION_MAJOR || version[1] != VERSION_MINOR ||
        link_type != ETHERNET || size < FRAME_HEADER_SIZE + LARGEST_FRAME) {
        return false;
    }
    *f = (struct plain_file){
        .fd = fd, .scale = magic == MAGIC_NANO ? 1 : 1000, .buffer = buffer, .size = size, .before = HEADER_SIZE};
    f->snap = snap == 0 || snap > LARGEST_FRAME ? LARGEST_FRAME : snap; /* none was told: as many as there may be */
    return true;
}

bool plain_file_fill(struct plain_file *f, size_t want) {
    size_t left = f->have - f->at;
    memmove(f->buffer, f->buffer + f->at, left);
    f->before += f->at;
    f->ahead -= f->shown == 0 ? f->ahead : f->at;
    f->at = 0;
    f->have = left + read_at(f->fd, f->buffer + left, f->size - left, f->before + left);
    return f->have >= want;
}
