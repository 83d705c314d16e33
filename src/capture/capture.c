#include "capture.h"

#include <assert.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/filter_program.h"
#include "capture/plain_file.h"

enum {
    READ_BUFFER = 1 << 20, /* with it a cached file is read as fast as by mmap */
    MAGIC_MAX = 8,
};

/* The file below libpcap: what was read of it, its first bytes and why reading failed, none of which can be had from libpcap. Those of a
 * file on a disk are asked of the system when they are wanted; of a pipe they are noted as it is read. */
struct source {
    int fd;
    FILE *file; /* libpcap's, once it took it */
    bool owned; /* the descriptor is ours to close */
    bool plain; /* a file that the C library reads itself, as fast as it can */
    int error;  /* of the last read, a positive errno */
    uint64_t read, total;
    uint8_t magic[MAGIC_MAX];
    bool (*pause)(void *arg); /* NULL: nobody wants to know */
    void *pause_arg;
};

struct capture {
    struct source source;
    pcap_t *pcap;
    struct plain_file file;
    bool direct; /* frames come from file, not yet or not at all from libpcap */
    char *name, *buffer;
    struct bpf_program filter;
    bool filtered;
    int link_type;   /* of all frames: libpcap reads no file with several */
    uint64_t frames; /* read so far */
    int held;        /* what read_frame said of the frame below; 1: it waits for capture_next */
    bool holding;
    struct frame first;
    struct pcap_pkthdr first_header;
    char why[CAPTURE_WHY_MAX];
};

__attribute__((format(printf, 4, 5))) static int refuse(int error, char *why, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return error;
}

/* A pipe that has nothing at hand makes the reader wait; false where it is not to. */
static bool source_may_wait(struct source *s) {
    struct pollfd ready = {.fd = s->fd, .events = POLLIN};
    return !s->pause || s->total != 0 || poll(&ready, 1, 0) != 0 || s->pause(s->pause_arg);
}

static ssize_t source_read(void *cookie, char *to, size_t n) {
    struct source *s = cookie;
    ssize_t got;
    do {
        if (!source_may_wait(s)) {
            return 0;
        }
        got = read(s->fd, to, n);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        s->error = errno;
        return -1;
    }
    if (s->read < MAGIC_MAX && got > 0) {
        size_t want = MAGIC_MAX - (size_t)s->read;
        memcpy(s->magic + s->read, to, (size_t)got < want ? (size_t)got : want);
    }
    s->read += (uint64_t)got;
    return got;
}

static uint64_t source_position(const struct source *s) {
    off_t at = s->plain ? lseek(s->fd, 0, SEEK_CUR) : (off_t)s->read;
    return at > 0 ? (uint64_t)at : 0;
}

/* Reading ended, or libpcap does not like it: finds out about a plain file what was noted of another one. */
static void source_look(struct source *s) {
    if (s->plain) {
        s->error = ferror(s->file) ? errno : 0;
        s->read = source_position(s);
        (void)!pread(s->fd, s->magic, MAGIC_MAX, 0);
    }
}

static int source_close(void *cookie) {
    struct source *s = cookie;
    return s->owned ? close(s->fd) : 0;
}

static int refuse_open(int error, const char *path, char *why, size_t size) {
    switch (error) {
    case ENOENT:
        return refuse(-error, why, size, "%s: there is no such file; check the path", path);
    case EACCES:
        return refuse(-error, why, size,
                      "%s: no permission to read it; run as a user who has it, or grant it with chmod or setfacl",
                      path);
    default:
        return refuse(-error, why, size, "%s: cannot be opened: %s", path, strerror(error));
    }
}

static int source_open(struct source *s, int fd, const char *path, char *why, size_t size) {
    bool is_stdin = fd == STDIN_FILENO;
    if (fd < 0) {
        return refuse_open(-fd, path, why, size);
    }
    s->fd = fd;
    s->owned = !is_stdin;
    struct stat st;
    int error = 0;
    if (fstat(fd, &st) != 0) {
        error = refuse_open(errno, path, why, size);
    } else if (S_ISDIR(st.st_mode)) {
        error = refuse(-EISDIR, why, size, "%s: is a directory, not a capture; name the files in it", path);
    } else if (is_stdin && isatty(fd)) {
        error = refuse(-EINVAL, why, size,
                       "standard input is a terminal; pipe a capture into it, as in: zcat x.pcap.gz | smbtap -r -");
    }
    if (error != 0) {
        source_close(s);
        return error;
    }
    if (S_ISREG(st.st_mode)) {
        s->total = (uint64_t)st.st_size;
        s->plain = s->owned;
    }
    return 0;
}

/* Used by one thread alone, and so without locks. buffer NULL: a small one of its own does. */
static bool source_stream(struct source *s, char *buffer) {
    static const cookie_io_functions_t functions = {.read = source_read, .close = source_close};
    s->file = s->plain ? fdopen(s->fd, "r") : fopencookie(s, "r", functions);
    if (!s->file) {
        source_close(s);
        return false;
    }
    (void)__fsetlocking(s->file, FSETLOCKING_BYCALLER);
    if (buffer) {
        setvbuf(s->file, buffer, _IOFBF, READ_BUFFER);
    }
    return true;
}

/* What a file that is no capture may be, by its first bytes, and what to do about it. */
static const struct {
    const char *magic, *remedy;
    uint8_t size;
} other_formats[] = {
    {"\x1f\x8b", "it is compressed by gzip; try: zcat %s | smbtap -r -", 2},
    {"\xfd"
     "7zXZ",
     "it is compressed by xz; try: xzcat %s | smbtap -r -", 5},
    {"\x28\xb5\x2f\xfd", "it is compressed by zstd; try: zstdcat %s | smbtap -r -", 4},
    {"BZh", "it is compressed by bzip2; try: bzcat %s | smbtap -r -", 3},
    {"\x04\x22\x4d\x18", "it is compressed by lz4; try: lz4cat %s | smbtap -r -", 4},
    {"PK\x03\x04", "it is a zip archive; try: unzip -p %s | smbtap -r -", 4},
    {"snoop\0\0\0", "it is a snoop capture; convert it: editcap -F pcap %s new.pcap", 8},
    {"\x54\x52\x53\x4e\x49\x46\x46", "it is a Sniffer capture; convert it: editcap -F pcap %s new.pcap", 7},
    {"GMBU", "it is a Network Monitor capture; convert it: editcap -F pcap %s new.pcap", 4},
    {"RTSS", "it is a Network Monitor capture; convert it: editcap -F pcap %s new.pcap", 4},
    {"\xff\xd8\xff", "it is a picture", 3},
    {"\x7f"
     "ELF",
     "it is a program", 4},
    {"{\"", "it is JSON text, perhaps smbtap's own output", 2},
};

static bool is_pcap_magic(const uint8_t *m) {
    static const uint32_t known[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0x0a0d0d0a};
    uint32_t big = (uint32_t)m[0] << 24 | (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (big == known[i] || __builtin_bswap32(big) == known[i]) {
            return true;
        }
    }
    return false;
}

/* libpcap took it for no capture: says why in words that help. */
static int refuse_format(const struct capture *c, const char *problem, char *why, size_t size) {
    const struct source *s = &c->source;
    if (s->error != 0) {
        return refuse(-s->error, why, size, "%s: cannot be read: %s", c->name, strerror(s->error));
    }
    if (s->read == 0) {
        return refuse(-ENODATA, why, size, "%s: is empty; a capture has at least a header of 24 bytes", c->name);
    }
    if (s->read >= 4 && is_pcap_magic(s->magic)) {
        return refuse(-EPROTONOSUPPORT, why, size,
                      "%s: starts like a capture but cannot be used: %s; try: editcap %s new.pcapng", c->name, problem,
                      c->name);
    }
    size_t have = s->read < MAGIC_MAX ? (size_t)s->read : MAGIC_MAX;
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; i++) {
        if (other_formats[i].size <= have && memcmp(s->magic, other_formats[i].magic, other_formats[i].size) == 0) {
            char remedy[CAPTURE_WHY_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(remedy, sizeof remedy, other_formats[i].remedy, c->name);
#pragma GCC diagnostic pop
            return refuse(-EPROTONOSUPPORT, why, size, "%s: is no capture: %s", c->name, remedy);
        }
    }
    return refuse(-EPROTONOSUPPORT, why, size,
                  "%s: is no capture (neither pcap nor pcapng); see what it is with: file %s", c->name, c->name);
}

bool capture_reads(int link_type) {
    switch (link_type) {
#define LINK_TYPE(dlt, decode, name) case dlt:
#include "tables/link_type.def"
#undef LINK_TYPE
        return true;
    default:
        return false;
    }
}

int capture_refuse_link_type(const char *name, int link_type, char *why, size_t size) {
    static const char known[] =
#define LINK_TYPE(dlt, decode, name) ", " name
#include "tables/link_type.def"
#undef LINK_TYPE
        ;
    const char *type = pcap_datalink_val_to_name(link_type);
    return refuse(-EPROTONOSUPPORT, why, size,
                  "%s: frames of link type %d%s%s are not read; capture on an interface of another type (%s)", name,
                  link_type, type ? ", " : "", type ? type : "", known + 2);
}

/* The FILE belongs to libpcap once it took it; before, it is closed here. */
static int open_pcap(struct capture *c, char *why, size_t size) {
    c->direct = c->source.plain && plain_file_begin(&c->file, c->source.fd, (uint8_t *)c->buffer, READ_BUFFER);
    if (!source_stream(&c->source, c->direct ? NULL : c->buffer)) {
        return refuse(-ENOMEM, why, size, "%s: out of memory", c->name);
    }
    char problem[PCAP_ERRBUF_SIZE] = "";
    c->pcap = pcap_fopen_offline_with_tstamp_precision(c->source.file, PCAP_TSTAMP_PRECISION_NANO, problem);
    if (!c->pcap) {
        source_look(&c->source);
        fclose(c->source.file);
        return refuse_format(c, problem, why, size);
    }
    c->link_type = pcap_datalink(c->pcap);
    return capture_reads(c->link_type) ? 0 : capture_refuse_link_type(c->name, c->link_type, why, size);
}

int capture_open(struct capture **out, int fd, const char *path, char *why, size_t why_size) {
    struct capture *c = calloc(1, sizeof *c);
    char *name = strdup(path), *buffer = malloc(READ_BUFFER);
    if (!c || !name || !buffer) {
        free(c);
        free(name);
        free(buffer);
        if (fd > STDIN_FILENO) {
            close(fd);
        }
        return refuse(-ENOMEM, why, why_size, "%s: out of memory", path);
    }
    c->name = name;
    c->buffer = buffer;
    int error = source_open(&c->source, fd, path, why, why_size);
    if (error == 0) {
        error = open_pcap(c, why, why_size);
    }
    if (error != 0) {
        capture_close(c);
        return error;
    }
    *out = c;
    return 0;
}

uint64_t capture_filter_kind(const struct capture *c) {
    return filter_program_kind(c->pcap);
}

int capture_set_filter(struct capture *c, int fd, const char *expression, char *why, size_t why_size) {
    char problem[PCAP_ERRBUF_SIZE] = "";
    struct bpf_program program;
    int error = fd < 0 ? fd : filter_program_read(fd, &program, problem, sizeof problem);
    if (fd >= 0) {
        close(fd);
    }
    if (error == -EINVAL) {
        return refuse(error, why, why_size, "filter \"%s\": %s; see pcap-filter(7) for what can be written", expression,
                      problem);
    }
    if (error != 0) {
        return refuse(error, why, why_size, "filter \"%s\": cannot be compiled: %s", expression, strerror(-error));
    }
    if (c->filtered) {
        pcap_freecode(&c->filter);
    }
    c->filter = program;
    c->filtered = true;
    return 0;
}

/* Times before 1970 and after 2554 are no times; what a hostile file says is brought into that range. */
static uint64_t nanoseconds(const struct timeval *tv) {
    const uint64_t second = 1000000000;
    uint64_t seconds = tv->tv_sec < 0 ? (uint32_t)tv->tv_sec : (uint64_t)tv->tv_sec;
    uint64_t fraction = (uint64_t)tv->tv_usec < second ? (uint64_t)tv->tv_usec : second - 1;
    return seconds < UINT64_MAX / second ? seconds * second + fraction : UINT64_MAX;
}

/* libpcap 1.10 wants one link type and one snap length for all interfaces of a pcapng file, and finds out on the way.
 */
static int refuse_frame(struct capture *c) {
    source_look(&c->source);
    const char *problem = pcap_geterr(c->pcap);
    if (c->source.error != 0) {
        return refuse(-c->source.error, c->why, sizeof c->why, "%s: cannot be read behind frame %llu: %s", c->name,
                      (unsigned long long)c->frames, strerror(c->source.error));
    }
    if (strstr(problem, "a snapshot length")) {
        return refuse(-EBADMSG, c->why, sizeof c->why,
                      "%s: behind frame %llu comes an interface with another snap length, which libpcap does not read; "
                      "bring them together: editcap -F pcap %s new.pcap",
                      c->name, (unsigned long long)c->frames, c->name);
    }
    if (strstr(problem, "different from the type of the first")) {
        return refuse(-EBADMSG, c->why, sizeof c->why,
                      "%s: behind frame %llu comes an interface with another link type, which libpcap does not read; "
                      "take them one at "
                      "a time: tshark -r %s -Y 'frame.interface_id == 0' -w - | editcap -F pcap -T ether - new.pcap",
                      c->name, (unsigned long long)c->frames, c->name);
    }
    if (strncmp(problem, "truncated", 9) == 0) {
        return refuse(-EBADMSG, c->why, sizeof c->why, "%s: is cut short behind frame %llu: %s", c->name,
                      (unsigned long long)c->frames, problem);
    }
    return refuse(-EBADMSG, c->why, sizeof c->why, "%s: is damaged behind frame %llu: %s", c->name,
                  (unsigned long long)c->frames, problem);
}

static inline void set_frame(struct capture *c, const struct pcap_pkthdr *h, const uint8_t *bytes,
                             struct frame *frame) {
    frame->bytes = (struct view){bytes, h->caplen};
    frame->wire_length = h->len > h->caplen ? h->len : h->caplen;
    frame->link_type = c->link_type;
    frame->at = (struct moment){nanoseconds(&h->ts), ++c->frames};
    frame->interface = 0;
}

/* The file's end, or what is not as plain as all before it: libpcap goes on there. */
__attribute__((cold)) static int hand_over(struct capture *c) {
    c->direct = false;
    if (fseeko(c->source.file, (off_t)plain_file_position(&c->file), SEEK_SET) != 0) {
        return refuse(-errno, c->why, sizeof c->why, "%s: cannot be read behind frame %llu: %s", c->name,
                      (unsigned long long)c->frames, strerror(errno));
    }
    return 0;
}

static int read_frame(struct capture *c, struct pcap_pkthdr *header, struct frame *frame) {
    const uint8_t *bytes;
    if (!c->direct || !plain_file_next(&c->file, header, &bytes)) {
        struct pcap_pkthdr *of_pcap;
        int error = c->direct ? hand_over(c) : 0;
        int got = error == 0 ? pcap_next_ex(c->pcap, &of_pcap, &bytes) : 0;
        if (error != 0 || got != 1) {
            return error != 0 ? error : got == PCAP_ERROR_BREAK ? 0 : refuse_frame(c);
        }
        *header = *of_pcap;
    }
    set_frame(c, header, bytes, frame);
    return 1;
}

int capture_first(struct capture *c, struct frame *frame) {
    assert(c->frames == 0 || c->holding);
    if (!c->holding) {
        c->held = read_frame(c, &c->first_header, &c->first);
        c->holding = true;
    }
    if (c->held == 1) {
        *frame = c->first;
    }
    return c->held;
}

static inline bool wanted(const struct capture *c, const struct pcap_pkthdr *header, const struct frame *frame) {
    return !c->filtered || pcap_offline_filter(&c->filter, header, frame->bytes.p) != 0;
}

int capture_next(struct capture *c, struct frame *frame) {
    for (;;) {
        struct pcap_pkthdr header = c->first_header;
        int got;
        if (c->holding) {
            got = c->held;
            *frame = c->first;
            c->holding = false;
        } else {
            got = read_frame(c, &header, frame);
        }
        if (got != 1 || wanted(c, &header, frame)) {
            return got;
        }
    }
}

/* Of capture_read. */
struct reading {
    struct capture *capture;
    bool (*take)(void *arg, const struct frame *);
    void *arg;
};

static void on_frame(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes) {
    const struct reading *r = (const struct reading *)(const void *)user;
    struct frame frame;
    set_frame(r->capture, header, bytes, &frame);
    if (wanted(r->capture, header, &frame) && !r->take(r->arg, &frame)) {
        pcap_breakloop(r->capture->pcap);
    }
}

/* 0: what comes is libpcap's to read. */
static int read_direct(struct capture *c, bool (*take)(void *arg, const struct frame *), void *arg) {
    struct pcap_pkthdr header;
    struct frame frame;
    const uint8_t *bytes;
    while (plain_file_next(&c->file, &header, &bytes)) {
        set_frame(c, &header, bytes, &frame);
        if (wanted(c, &header, &frame) && !take(arg, &frame)) {
            return 1;
        }
    }
    return hand_over(c);
}

int capture_read(struct capture *c, bool (*take)(void *arg, const struct frame *), void *arg) {
    struct reading reading = {c, take, arg};
    if (c->holding) {
        c->holding = false;
        if (c->held != 1) {
            return c->held;
        }
        if (wanted(c, &c->first_header, &c->first) && !take(arg, &c->first)) {
            return 1;
        }
    }
    int got = c->direct ? read_direct(c, take, arg) : 0;
    if (got != 0) {
        return got;
    }
    got = pcap_loop(c->pcap, -1, on_frame, (unsigned char *)&reading);
    return got == PCAP_ERROR_BREAK ? 1 : got < 0 ? refuse_frame(c) : 0;
}

const char *capture_why(const struct capture *c) {
    return c->why;
}

struct capture_position capture_position(const struct capture *c) {
    uint64_t read = c->direct ? plain_file_position(&c->file) : source_position(&c->source);
    return (struct capture_position){read, c->source.total};
}

int capture_link_type(const struct capture *c) {
    return c->link_type;
}

int capture_snap_length(const struct capture *c) {
    return pcap_snapshot(c->pcap);
}

const char *capture_name(const struct capture *c) {
    return c->name;
}

void capture_on_pause(struct capture *c, bool (*pause)(void *arg), void *arg) {
    c->source.pause = pause;
    c->source.pause_arg = arg;
}

void capture_close(struct capture *c) {
    if (!c) {
        return;
    }
    if (c->filtered) {
        pcap_freecode(&c->filter);
    }
    if (c->pcap) {
        pcap_close(c->pcap);
    }
    free(c->buffer);
    free(c->name);
    free(c);
}
