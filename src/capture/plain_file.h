/* Captures as nearly all are: a file on a disk in this machine's byte order, pcap of version 2.4, or pcapng with one section and one
 * interface, and nothing strange in it. Their frames are handed out where they were read, without a copy and without a call into libpcap
 * for each. Whatever else stands in a file, its end too, is libpcap's to read and to judge, from that place on. */
#ifndef CAPTURE_PLAIN_FILE_H
#define CAPTURE_PLAIN_FILE_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct plain_file {
    int fd;
    bool blocks;    /* it is pcapng */
    uint32_t snap;  /* a frame that is longer is strange */
    uint32_t scale; /* of a fraction of a second, to nanoseconds */
    uint8_t *buffer;
    size_t size, have, at;
    uint64_t before; /* bytes of the file in front of the buffer */
    uint64_t units;  /* pcapng: in a second */
};

/* Whether it is such a file. Its descriptor is read by place, and stays where it is. The buffer is lent. */
bool plain_file_begin(struct plain_file *, int fd, uint8_t *buffer, size_t size);

/* Room was made, and read into, for so many bytes from the one at hand on; false: the file does not have them. */
bool plain_file_fill(struct plain_file *, size_t want);

static inline uint64_t plain_file_position(const struct plain_file *f) {
    return f->before + f->at;
}

static inline bool plain_file_has(struct plain_file *f, size_t want) {
    return f->have - f->at >= want || plain_file_fill(f, want);
}

/* plain_file_next of a pcapng file. */
bool plain_file_next_block(struct plain_file *, struct pcap_pkthdr *header, const uint8_t **bytes);

/* The next frame, which stays until the one after it is asked for; false: at its place, where the file is now, libpcap is to go on. */
static inline bool plain_file_next(struct plain_file *f, struct pcap_pkthdr *header, const uint8_t **bytes) {
    uint32_t fields[4]; /* seconds, fraction, captured, on the wire */
    if (__builtin_expect(f->blocks, false)) {
        return plain_file_next_block(f, header, bytes);
    }
    if (!plain_file_has(f, sizeof fields)) {
        return false;
    }
    memcpy(fields, f->buffer + f->at, sizeof fields);
    if (fields[2] > f->snap || !plain_file_has(f, sizeof fields + fields[2])) {
        return false;
    }
    header->ts.tv_sec = (int32_t)fields[0];
    header->ts.tv_usec = (suseconds_t)(int32_t)fields[1] * f->scale;
    header->caplen = fields[2];
    header->len = fields[3];
    *bytes = f->buffer + f->at + sizeof fields;
    f->at += sizeof fields + fields[2];
    return true;
}

#endif
