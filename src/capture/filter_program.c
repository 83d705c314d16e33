#include "filter_program.h"

#include <byteswap.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t swapped = UINT64_C(1) << 32;

uint64_t filter_program_kind(pcap_t *p) {
    return (uint32_t)pcap_datalink(p) | (pcap_is_swapped(p) ? swapped : 0);
}

/* The header of a capture file (draft-ietf-opsawg-pcap 4), for it is by a file that libpcap knows what cannot be asked of one. */
static pcap_t *open_kind(uint64_t kind, char problem[PCAP_ERRBUF_SIZE]) {
    enum { MAGIC, VERSION, ZONE, ACCURACY, SNAP_LENGTH, LINK_TYPE, WORDS };
    uint32_t header[WORDS] = {[MAGIC] = 0xa1b2c3d4, [SNAP_LENGTH] = 262144, [LINK_TYPE] = (uint16_t)kind};
    uint16_t version[] = {2, 4};
    for (size_t i = 0; kind & swapped && i < WORDS; i++) {
        header[i] = bswap_32(header[i]);
    }
    for (size_t i = 0; kind & swapped && i < 2; i++) {
        version[i] = bswap_16(version[i]);
    }
    memcpy(&header[VERSION], version, sizeof version);
    FILE *file = fmemopen(header, sizeof header, "r");
    if (!file) {
        snprintf(problem, PCAP_ERRBUF_SIZE, "out of memory");
        return NULL;
    }
    pcap_t *p = pcap_fopen_offline(file, problem);
    if (!p) {
        fclose(file);
    }
    return p; /* its file goes with it; the header has been read */
}

static int write_all(int fd, const void *bytes, size_t n) {
    for (const char *p = bytes; n > 0;) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno != EINTR) {
            return -errno;
        }
        p += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* What stands in the file: this, and then the instructions or a text. */
struct head {
    uint32_t wrong, size; /* bytes of what follows */
};

static int write_part(int fd, bool wrong, const void *bytes, size_t n) {
    struct head head = {wrong, (uint32_t)n};
    int error = n <= UINT32_MAX ? write_all(fd, &head, sizeof head) : -EFBIG;
    return error ? error : write_all(fd, bytes, n);
}

int filter_program_make(void *expression, uint64_t kind, int fd) {
    char problem[PCAP_ERRBUF_SIZE] = "";
    struct bpf_program program;
    pcap_t *p = open_kind(kind, problem);
    if (!p) {
        return write_part(fd, true, problem, strlen(problem));
    }
    int error;
    if (pcap_compile(p, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        error = write_part(fd, true, pcap_geterr(p), strlen(pcap_geterr(p)));
    } else {
        error = write_part(fd, false, program.bf_insns, program.bf_len * sizeof *program.bf_insns);
        pcap_freecode(&program);
    }
    pcap_close(p);
    return error;
}

/* All n bytes, or -EIO. */
static int read_all(int fd, void *to, size_t n) {
    for (char *p = to; n > 0;) {
        ssize_t got = read(fd, p, n);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return got == 0 ? -EIO : -errno;
        }
        p += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int read_problem(int fd, size_t n, char *problem, size_t size) {
    size_t take = n < size - 1 ? n : size - 1;
    int error = read_all(fd, problem, take);
    problem[error ? 0 : take] = '\0';
    return error ? error : -EINVAL;
}

int filter_program_read(int fd, struct bpf_program *program, char *problem, size_t size) {
    struct head head;
    int error = read_all(fd, &head, sizeof head);
    if (error != 0 || head.wrong) {
        return error ? error : read_problem(fd, head.size, problem, size);
    }
    struct bpf_insn *instructions = malloc(head.size ? head.size : 1);
    error = instructions ? read_all(fd, instructions, head.size) : -ENOMEM;
    if (error != 0) {
        free(instructions);
        return error;
    }
    *program = (struct bpf_program){head.size / sizeof *instructions, instructions};
    return 0;
}
