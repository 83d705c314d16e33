#include "capture/plain_file.h"

#include <errno.h>
#include <unistd.h>

/* draft-ietf-opsawg-pcap, 4 and 5. */
enum { HEADER_SIZE = 24, FRAME_HEADER_SIZE = 16, VERSION_MAJOR = 2, VERSION_MINOR = 4 };
#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)
#define LINK_TYPE_BITS UINT32_C(0x0fffffff) /* the others are told of a check sequence behind the frames */

/* draft-ietf-opsawg-pcapng, 4: a block is its type and its length, the body, and its length again. */
enum {
    BLOCK_INTERFACE = 1,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BLOCK_EDGES = 12,    /* what is not body */
    BLOCK_BODY = 8,      /* where it begins */
    SECTION_SIZE = 28,   /* without options, like the two below; 4.1 */
    INTERFACE_SIZE = 20, /* 4.2 */
    CAPTURED_AT = 20,    /* in a packet's block, 4.3 */
    PACKET_DATA = 28,
    PACKET_SIZE = 32,        /* 4.3 */
    OPTION_RESOLUTION = 9,   /* of time, as a power of ten: 4.2 */
    OPTION_OFFSET = 14,      /* of time, in seconds */
    FIRST_BLOCKS = 64 << 10, /* bytes of the first two blocks */
};
#define BLOCK_SECTION UINT32_C(0x0a0d0d0a)
#define ORDER_MAGIC UINT32_C(0x1a2b3c4d)

/* More than libpcap reads of a frame whose snap length is not told. */
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

static uint32_t u32_at(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint16_t u16_at(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Where none was told: as many as there may be. */
static uint32_t snap_of(uint32_t told) {
    return told == 0 || told > LARGEST_FRAME ? LARGEST_FRAME : told;
}

static bool begin_pcap(struct plain_file *f, const uint8_t *header) {
    const uint32_t magic = u32_at(header);
    if ((magic != MAGIC_MICRO && magic != MAGIC_NANO) || u16_at(header + 4) != VERSION_MAJOR ||
        u16_at(header + 6) != VERSION_MINOR || (u32_at(header + 20) & ~LINK_TYPE_BITS) != 0) {
        return false;
    }
    f->scale = magic == MAGIC_NANO ? 1 : 1000;
    f->snap = snap_of(u32_at(header + 16));
    f->before = HEADER_SIZE;
    return true;
}

/* ---- pcapng */

/* The block in p: its length, or 0 where it is not whole, or of no length that blocks may have. */
static uint32_t block_length(const uint8_t *p, size_t n) {
    uint32_t length = n >= BLOCK_EDGES ? u32_at(p + 4) : 0;
    bool whole = length >= BLOCK_EDGES && length % 4 == 0 && length <= n;
    return whole && u32_at(p + length - 4) == length ? length : 0;
}

/* Units in a second by an interface's options; 0: not to be had from here. */
static uint64_t units_of(const uint8_t *p, size_t n) {
    uint64_t units = 1000000;
    bool told = false;
    while (n >= 4 && u16_at(p) != 0) {
        const unsigned option = u16_at(p), size = u16_at(p + 2);
        const size_t room = 4 + ((size + 3u) & ~3u);
        if (room > n || option == OPTION_OFFSET || (option == OPTION_RESOLUTION && (size != 1 || told))) {
            return 0;
        }
        if (option == OPTION_RESOLUTION) {
            told = true;
            units = p[4] == 6 ? 1000000 : p[4] == 9 ? 1000000000 : 0;
        }
        p += room;
        n -= room;
    }
    return units;
}

/* A section and the first interface; of another one, wherever it comes, libpcap is to know. */
static bool begin_blocks(struct plain_file *f) {
    const uint8_t *p = f->buffer;
    const size_t n = read_at(f->fd, f->buffer, FIRST_BLOCKS, 0);
    const uint32_t section = n >= SECTION_SIZE && u32_at(p) == BLOCK_SECTION && u32_at(p + 8) == ORDER_MAGIC &&
                                     u16_at(p + 12) == 1 && u16_at(p + 14) == 0
                                 ? block_length(p, n)
                                 : 0;
    const uint8_t *interface = p + section;
    const uint32_t size = block_length(interface, n - section);
    if (section < SECTION_SIZE || size < INTERFACE_SIZE || u32_at(interface) != BLOCK_INTERFACE) {
        return false;
    }
    f->blocks = true;
    f->snap = snap_of(u32_at(interface + 12));
    f->units = units_of(interface + INTERFACE_SIZE - 4, size - INTERFACE_SIZE);
    f->scale = f->units == 0 ? 0 : (uint32_t)(1000000000 / f->units);
    f->before = section + size;
    return f->units != 0;
}

/* The block at hand, of one of the types that are read or passed over here; its length, or 0. */
static uint32_t next_block(struct plain_file *f) {
    if (!plain_file_has(f, BLOCK_BODY)) {
        return 0;
    }
    const uint32_t type = u32_at(f->buffer + f->at), length = u32_at(f->buffer + f->at + 4);
    bool known = type == BLOCK_PACKET || type == BLOCK_NAMES || type == BLOCK_STATISTICS;
    bool fits = length <= f->size && known && plain_file_has(f, length);
    return fits ? block_length(f->buffer + f->at, length) : 0;
}

bool plain_file_next_block(struct plain_file *f, struct pcap_pkthdr *header, const uint8_t **bytes) {
    uint32_t length;
    while ((length = next_block(f)) != 0 && u32_at(f->buffer + f->at) != BLOCK_PACKET) {
        f->at += length;
    }
    const uint8_t *p = f->buffer + f->at;
    if (length < PACKET_SIZE || u32_at(p + 8) != 0 /* interface */) {
        return false;
    }
    const uint64_t time = (uint64_t)u32_at(p + 12) << 32 | u32_at(p + 16);
    header->caplen = u32_at(p + CAPTURED_AT);
    header->len = u32_at(p + 24);
    if (header->caplen > f->snap || header->caplen > length - PACKET_SIZE) {
        return false;
    }
    header->ts.tv_sec = (time_t)(time / f->units);
    header->ts.tv_usec = (suseconds_t)(time % f->units) * f->scale;
    *bytes = p + PACKET_DATA;
    f->at += length;
    return true;
}

bool plain_file_begin(struct plain_file *f, int fd, uint8_t *buffer, size_t size) {
    uint8_t header[HEADER_SIZE];
    if (lseek(fd, 0, SEEK_CUR) != 0 || read_at(fd, header, sizeof header, 0) != sizeof header ||
        size < FRAME_HEADER_SIZE + LARGEST_FRAME) {
        return false;
    }
    *f = (struct plain_file){.fd = fd, .buffer = buffer, .size = size};
    return begin_pcap(f, header) || begin_blocks(f);
}

bool plain_file_fill(struct plain_file *f, size_t want) {
    size_t left = f->have - f->at;
    memmove(f->buffer, f->buffer + f->at, left);
    f->before += f->at;
    f->at = 0;
    f->have = left + read_at(f->fd, f->buffer + left, f->size - left, f->before + left);
    return f->have >= want;
}
