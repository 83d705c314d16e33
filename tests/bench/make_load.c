/* Writes captures to measure with, always the same for the same numbers.
 *
 *   make_load bulk CAPTURE BYTES [CONNECTIONS]          4 connections, READ and WRITE of 64 KiB to 1 MiB until BYTES are in the file
 *   make_load metadata CAPTURE MESSAGES [CONNECTIONS]   500 connections that log on, open, query, list, rename and close
 *   make_load mixed CAPTURE BYTES [CONNECTIONS]         200 connections that do the one and the other, most bytes being bulk
 *   make_load short CAPTURE CONNECTIONS                 each logs on, opens one file, closes it and goes, before the next begins
 *   make_load flows CAPTURE CONNECTIONS [OPEN]          each has a turn of metadata; OPEN of them, or all, are there at a time
 *   make_load handles CAPTURE FILES [OPEN]              one connection opens, queries and closes them; OPEN, or all, are open at a time
 *
 * Ethernet, IPv4, TCP with segments of 1460 bytes and an acknowledgement for every second one. On standard output: what was
 * written, as JSON. */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MSS = 1460,
    HEADERS = 54, /* Ethernet, IPv4, TCP */
    SMB2_HEADER = 64,
    METADATA_STEPS = 12, /* until a connection begins again */
    CONNECTIONS_MAX = 1 << 20,
    CLIENTS = 200, /* addresses */
    CLIENT_PORT = 49152,
    CLIENT_PORTS = 16384,
    MESSAGE_MAX = (1 << 20) + 4096,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    MORE_PROCESSING_REQUIRED = (int)0xC0000016,
    NO_MORE_FILES = (int)0x80000006,
    OBJECT_NAME_NOT_FOUND = (int)0xC0000034,
};

enum command {
    NEGOTIATE = 0,
    SESSION_SETUP = 1,
    LOGOFF = 2,
    TREE_CONNECT = 3,
    TREE_DISCONNECT = 4,
    CREATE = 5,
    CLOSE = 6,
    READ = 8,
    WRITE = 9,
    QUERY_DIRECTORY = 14,
    QUERY_INFO = 16,
    SET_INFO = 17,
};

enum side { CLIENT, SERVER };

struct connection {
    uint32_t address[2]; /* of client and server */
    uint16_t port[2];
    uint32_t seq[2];
    uint16_t ip_id[2];
    uint64_t message_id, session_id;
    uint32_t tree_id;
    unsigned number, step, files;
};

struct load {
    pcap_dumper_t *out;
    uint64_t time_us, packets, bytes, messages, requests;
    uint8_t packet[HEADERS + MSS];
    uint8_t message[4 + MESSAGE_MAX]; /* NetBIOS header and what put_*() appended */
    size_t used;                      /* from the SMB2 header on */
    uint32_t random;
};

static void die(const char *what) {
    fprintf(stderr, "make_load: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint32_t next_random(struct load *l) {
    l->random = l->random * 1664525u + 1013904223u;
    return l->random >> 8;
}

/* ---- packets ---- */

static void be16(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void be32(uint8_t *to, uint32_t value) {
    be16(to, value >> 16);
    be16(to + 2, value & 0xffff);
}

static void packet_headers(struct load *l, struct connection *c, enum side from, unsigned flags, size_t n) {
    static const uint8_t macs[12] = {0, 0, 0x5e, 0, 0x53, 2, 0, 0, 0x5e, 0, 0x53, 1};
    enum side to = from == CLIENT ? SERVER : CLIENT;
    uint8_t *p = l->packet;
    memset(p, 0, HEADERS);
    memcpy(p, macs + (from == CLIENT ? 0 : 6), 6);
    memcpy(p + 6, macs + (from == CLIENT ? 6 : 0), 6);
    be16(p + 12, 0x0800);
    p[14] = 0x45;
    be16(p + 16, (uint32_t)(HEADERS - 14 + n));
    be16(p + 18, c->ip_id[from]++);
    be16(p + 20, 0x4000);
    p[22] = 64;
    p[23] = 6;
    be32(p + 26, c->address[from]);
    be32(p + 30, c->address[to]);
    be16(p + 34, c->port[from]);
    be16(p + 36, c->port[to]);
    be32(p + 38, c->seq[from]);
    be32(p + 42, flags & TCP_ACK ? c->seq[to] : 0);
    p[46] = 0x50;
    p[47] = (uint8_t)flags;
    be16(p + 48, 0xffff);
}

static void send_packet(struct load *l, struct connection *c, enum side from, unsigned flags, const uint8_t *data,
                        size_t n) {
    packet_headers(l, c, from, flags, n);
    if (n > 0) {
        memcpy(l->packet + HEADERS, data, n);
    }
    c->seq[from] += (uint32_t)n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    l->time_us += 1 + n / 1000;
    struct pcap_pkthdr header = {.caplen = (uint32_t)(HEADERS + n), .len = (uint32_t)(HEADERS + n)};
    header.ts.tv_sec = (time_t)(1700000000 + l->time_us / 1000000);
    header.ts.tv_usec = (suseconds_t)(l->time_us % 1000000);
    pcap_dump((unsigned char *)l->out, &header, l->packet);
    l->packets++;
    l->bytes += header.caplen;
}

/* Sends the message that was put together, in segments, acknowledged every second one. */
static void send_message(struct load *l, struct connection *c, enum side from) {
    enum side to = from == CLIENT ? SERVER : CLIENT;
    be32(l->message, (uint32_t)l->used);
    size_t length = 4 + l->used;
    unsigned segments = 0;
    for (size_t at = 0; at < length; at += MSS) {
        size_t n = length - at < MSS ? length - at : MSS;
        bool last = at + n == length;
        send_packet(l, c, from, TCP_ACK | (last ? TCP_PSH : 0), l->message + at, n);
        if (++segments % 2 == 0 && !last) {
            send_packet(l, c, to, TCP_ACK, NULL, 0);
        }
    }
    l->used = 0;
}

static void handshake(struct load *l, struct connection *c) {
    send_packet(l, c, CLIENT, TCP_SYN, NULL, 0);
    send_packet(l, c, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
    send_packet(l, c, CLIENT, TCP_ACK, NULL, 0);
}

static void goodbye(struct load *l, struct connection *c) {
    send_packet(l, c, CLIENT, TCP_FIN | TCP_ACK, NULL, 0);
    send_packet(l, c, SERVER, TCP_FIN | TCP_ACK, NULL, 0);
    send_packet(l, c, CLIENT, TCP_ACK, NULL, 0);
}

/* ---- what messages are made of, little-endian ---- */

static uint8_t *put_room(struct load *l, size_t n) {
    if (n > MESSAGE_MAX - l->used) {
        die("a message is too large");
    }
    uint8_t *at = l->message + 4 + l->used;
    l->used += n;
    return at;
}

static void put(struct load *l, size_t width, uint64_t value) {
    uint8_t *at = put_room(l, width);
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_zeroes(struct load *l, size_t n) {
    memset(put_room(l, n), 0, n);
}

static void put_bytes(struct load *l, const void *bytes, size_t n) {
    memcpy(put_room(l, n), bytes, n);
}

static void put_utf16(struct load *l, const char *ascii) {
    for (; *ascii; ascii++) {
        put(l, 2, (uint8_t)*ascii);
    }
}

/* MS-SMB2 2.2.1.2 */
static void put_header(struct load *l, struct connection *c, enum command command, bool response, uint32_t status,
                       unsigned credits) {
    put_bytes(l, "\xfeSMB", 4);
    put(l, 2, SMB2_HEADER);
    put(l, 2, credits);
    put(l, 4, status);
    put(l, 2, command);
    put(l, 2, credits);
    put(l, 4, response ? 1 : 0);
    put(l, 4, 0);
    put(l, 8, c->message_id);
    put(l, 4, 0xfeff);
    put(l, 4, c->tree_id);
    put(l, 8, c->session_id);
    put_zeroes(l, 16);
}

static void begin_request(struct load *l, struct connection *c, enum command command) {
    put_header(l, c, command, false, 0, 1);
}

/* Sends the request and begins its response. */
static void begin_response(struct load *l, struct connection *c, enum command command, uint32_t status,
                           unsigned credits) {
    send_message(l, c, CLIENT);
    l->requests++;
    l->messages++;
    put_header(l, c, command, true, status, credits);
}

static void end_response(struct load *l, struct connection *c, unsigned credits) {
    send_message(l, c, SERVER);
    l->messages++;
    c->message_id += credits;
}

/* A response without a body of its own: MS-SMB2 2.2.2. */
static void put_error(struct load *l) {
    put(l, 2, 9);
    put_zeroes(l, 7);
}

/* MS-SMB2 2.2.14.1: the FileId of a connection's latest file. */
static void put_file_id(struct load *l, const struct connection *c) {
    put(l, 8, (uint64_t)c->number << 32 | c->files);
    put(l, 8, (uint64_t)0x51 << 32 | c->files);
}

/* ---- exchanges ---- */

static void negotiate(struct load *l, struct connection *c) {
    static const uint16_t dialects[] = {0x0202, 0x0210, 0x0300, 0x0302};
    begin_request(l, c, NEGOTIATE);
    put(l, 2, 36);
    put(l, 2, 4);
    put(l, 4, 1);
    put(l, 4, 0x7f);
    put(l, 8, c->number);
    put(l, 8, 0x1122334455667788);
    put_zeroes(l, 8);
    for (size_t i = 0; i < 4; i++) {
        put(l, 2, dialects[i]);
    }
    begin_response(l, c, NEGOTIATE, 0, 1);
    put(l, 2, 65);
    put(l, 2, 1);
    put(l, 2, 0x0302);
    put(l, 2, 0);
    put(l, 8, 0x8877665544332211);
    put(l, 8, 0x99aabbccddeeff00);
    put(l, 4, 0x7f);
    put(l, 4, 1 << 20);
    put(l, 4, 1 << 20);
    put(l, 4, 1 << 20);
    put(l, 8, 133444736000000000);
    put(l, 8, 0);
    put(l, 2, 128);
    put(l, 2, 0);
    put(l, 4, 0);
    end_response(l, c, 1);
}

/* MS-NLMP 2.2.1; the size of the domain, user and workstation is what the offsets are made from. */
static void put_ntlm_authenticate(struct load *l, const char *domain, const char *user, const char *workstation) {
    const char *texts[] = {domain, user, workstation};
    uint32_t at = 72;
    put_bytes(l, "NTLMSSP", 8);
    put(l, 4, 3);
    uint32_t names = 0;
    for (size_t i = 0; i < 3; i++) {
        names += 2 * (uint32_t)strlen(texts[i]);
    }
    for (uint32_t i = 0; i < 2; i++) { /* LM and NT response */
        uint32_t n = i == 0 ? 24 : 120;
        put(l, 2, n);
        put(l, 2, n);
        put(l, 4, at + names + (i == 0 ? 0 : 24));
    }
    for (size_t i = 0; i < 3; i++) {
        uint32_t n = 2 * (uint32_t)strlen(texts[i]);
        put(l, 2, n);
        put(l, 2, n);
        put(l, 4, at);
        at += n;
    }
    put_zeroes(l, 8); /* session key */
    put(l, 4, 0xe2888215);
    put_zeroes(l, 8); /* version */
    for (size_t i = 0; i < 3; i++) {
        put_utf16(l, texts[i]);
    }
    put_zeroes(l, 24);
    memset(put_room(l, 120), 0x5a, 120);
}

static void session_setup_leg(struct load *l, struct connection *c, unsigned leg, const char *user) {
    begin_request(l, c, SESSION_SETUP);
    put(l, 2, 25);
    put(l, 2, 0x0100);
    put(l, 4, 1);
    put(l, 4, 0);
    put(l, 2, SMB2_HEADER + 24);
    size_t length_at = l->used;
    put(l, 2, 0);
    put(l, 8, 0);
    size_t start = l->used;
    if (leg == 1) {
        put_bytes(l, "NTLMSSP", 8);
        put(l, 4, 1);
        put(l, 4, 0xe2088297);
        put_zeroes(l, 24);
    } else {
        put_ntlm_authenticate(l, "EXAMPLE", user, "WS01");
    }
    size_t n = l->used - start;
    l->message[4 + length_at] = (uint8_t)n;
    l->message[4 + length_at + 1] = (uint8_t)(n >> 8);
    c->session_id = 0x400000000000 + c->number;
    begin_response(l, c, SESSION_SETUP, leg == 1 ? (uint32_t)MORE_PROCESSING_REQUIRED : 0, 1);
    put(l, 2, 9);
    put(l, 2, 0);
    put(l, 2, SMB2_HEADER + 8);
    put(l, 2, leg == 1 ? 56 : 0);
    if (leg == 1) {
        put_bytes(l, "NTLMSSP", 8);
        put(l, 4, 2);
        put_zeroes(l, 44);
    }
    end_response(l, c, 1);
}

static void log_on(struct load *l, struct connection *c) {
    char user[16];
    snprintf(user, sizeof(user), "user%04u", c->number);
    session_setup_leg(l, c, 1, user);
    session_setup_leg(l, c, 2, user);
}

static void tree_connect(struct load *l, struct connection *c) {
    static const char path[] = "\\\\FS01\\projects";
    begin_request(l, c, TREE_CONNECT);
    put(l, 2, 9);
    put(l, 2, 0);
    put(l, 2, SMB2_HEADER + 8);
    put(l, 2, 2 * (sizeof(path) - 1));
    put_utf16(l, path);
    c->tree_id = 5 + c->number;
    begin_response(l, c, TREE_CONNECT, 0, 1);
    put(l, 2, 16);
    put(l, 2, 1);
    put(l, 4, 0x30);
    put(l, 4, 0);
    put(l, 4, 0x001f01ff);
    end_response(l, c, 1);
}

static void create(struct load *l, struct connection *c, bool fails) {
    char name[64];
    c->files++;
    snprintf(name, sizeof(name), "team%02u\\reports\\quarter %u\\summary-%06u.docx", c->number % 50, c->files % 4,
             c->files);
    begin_request(l, c, CREATE);
    put(l, 2, 57);
    put(l, 2, 0xff00);
    put(l, 4, 2);
    put_zeroes(l, 16);
    put(l, 4, 0x0012019f);
    put(l, 4, 0x80);
    put(l, 4, 7);
    put(l, 4, fails ? 1 : 3);
    put(l, 4, 0x40);
    put(l, 2, SMB2_HEADER + 56);
    put(l, 2, 2 * strlen(name));
    put(l, 4, 0);
    put(l, 4, 0);
    put_utf16(l, name);
    begin_response(l, c, CREATE, fails ? (uint32_t)OBJECT_NAME_NOT_FOUND : 0, 1);
    if (fails) {
        put_error(l);
    } else {
        put(l, 2, 89);
        put(l, 2, 0);
        put(l, 4, 1);
        for (int i = 0; i < 4; i++) {
            put(l, 8, 133444736000000000 + c->files);
        }
        put(l, 8, 4096);
        put(l, 8, 1234);
        put(l, 4, 0x20);
        put(l, 4, 0);
        put_file_id(l, c);
        put(l, 8, 0);
    }
    end_response(l, c, 1);
}

static void close_file(struct load *l, struct connection *c) {
    begin_request(l, c, CLOSE);
    put(l, 2, 24);
    put_zeroes(l, 6);
    put_file_id(l, c);
    begin_response(l, c, CLOSE, 0, 1);
    put(l, 2, 60);
    put_zeroes(l, 58);
    end_response(l, c, 1);
}

static void query_info(struct load *l, struct connection *c) {
    begin_request(l, c, QUERY_INFO);
    put(l, 2, 41);
    put(l, 1, 1);
    put(l, 1, 5);
    put(l, 4, 24);
    put_zeroes(l, 16);
    put_file_id(l, c);
    begin_response(l, c, QUERY_INFO, 0, 1);
    put(l, 2, 9);
    put(l, 2, SMB2_HEADER + 8);
    put(l, 4, 24);
    put(l, 8, 4096);
    put(l, 8, 1234);
    put(l, 8, 1);
    end_response(l, c, 1);
}

static void query_directory(struct load *l, struct connection *c, bool first) {
    begin_request(l, c, QUERY_DIRECTORY);
    put(l, 2, 33);
    put(l, 1, 12);
    put(l, 1, 0);
    put(l, 4, 0);
    put_file_id(l, c);
    put(l, 2, SMB2_HEADER + 32);
    put(l, 2, 2);
    put(l, 4, 65536);
    put_utf16(l, "*");
    begin_response(l, c, QUERY_DIRECTORY, first ? 0 : (uint32_t)NO_MORE_FILES, 1);
    if (first) { /* FileNamesInformation, MS-FSCC 2.4.33 */
        put(l, 2, 9);
        put(l, 2, SMB2_HEADER + 8);
        put(l, 4, 8 * 32);
        for (unsigned i = 0; i < 8; i++) {
            put(l, 4, i < 7 ? 32 : 0);
            put(l, 4, i);
            put(l, 4, 20);
            put_utf16(l, "file-a.txt");
        }
    } else {
        put_error(l);
    }
    end_response(l, c, 1);
}

static void rename_file(struct load *l, struct connection *c) {
    static const char name[] = "team\\archive\\summary.docx";
    uint32_t n = 2 * (sizeof(name) - 1);
    begin_request(l, c, SET_INFO);
    put(l, 2, 33);
    put(l, 1, 1);
    put(l, 1, 10);
    put(l, 4, 20 + n);
    put(l, 2, SMB2_HEADER + 32);
    put(l, 2, 0);
    put(l, 4, 0);
    put_file_id(l, c);
    put_zeroes(l, 16);
    put(l, 4, n);
    put_utf16(l, name);
    begin_response(l, c, SET_INFO, 0, 1);
    put(l, 2, 2);
    end_response(l, c, 1);
}

static void put_data(struct load *l, uint32_t n) {
    uint8_t *at = put_room(l, n);
    if (n > 0) {
        memset(at, (int)(next_random(l) & 0xff), n);
    }
}

static void read_file(struct load *l, struct connection *c, uint64_t offset, uint32_t n) {
    unsigned credits = n == 0 ? 1 : (n - 1) / 65536 + 1;
    put_header(l, c, READ, false, 0, credits);
    put(l, 2, 49);
    put(l, 2, 0x50);
    put(l, 4, n);
    put(l, 8, offset);
    put_file_id(l, c);
    put_zeroes(l, 17);
    begin_response(l, c, READ, 0, credits);
    put(l, 2, 17);
    put(l, 2, SMB2_HEADER + 16);
    put(l, 4, n);
    put(l, 8, 0);
    put_data(l, n);
    end_response(l, c, credits);
}

static void write_file(struct load *l, struct connection *c, uint64_t offset, uint32_t n) {
    unsigned credits = n == 0 ? 1 : (n - 1) / 65536 + 1;
    put_header(l, c, WRITE, false, 0, credits);
    put(l, 2, 49);
    put(l, 2, SMB2_HEADER + 48);
    put(l, 4, n);
    put(l, 8, offset);
    put_file_id(l, c);
    put_zeroes(l, 16);
    put_data(l, n);
    begin_response(l, c, WRITE, 0, credits);
    put(l, 2, 17);
    put(l, 2, 0);
    put(l, 4, n);
    put_zeroes(l, 8);
    end_response(l, c, credits);
}

static void disconnect(struct load *l, struct connection *c) {
    static const enum command commands[] = {TREE_DISCONNECT, LOGOFF};
    for (size_t i = 0; i < 2; i++) {
        begin_request(l, c, commands[i]);
        put(l, 4, 4);
        begin_response(l, c, commands[i], 0, 1);
        put(l, 4, 4);
        end_response(l, c, 1);
    }
    goodbye(l, c);
}

/* ---- loads ---- */

/* 192.0.2.0, and where one network has not enough ports, those of 198.18.0.0/15. */
static uint32_t client_network(unsigned number) {
    unsigned nth = number / CLIENT_PORTS;
    return nth == 0 ? 0xc0000200u : 0xc6120000u + (nth << 8);
}

static void begin_connection(struct load *l, struct connection *c, unsigned number) {
    *c = (struct connection){
        .address = {client_network(number) + 10 + number % CLIENTS, 0xc6336400u + 1 + number % 8},
        .port = {(uint16_t)(CLIENT_PORT + number % CLIENT_PORTS), 445},
        .seq = {number * 7919u, number * 104729u},
        .number = number,
    };
    handshake(l, c);
    negotiate(l, c);
    log_on(l, c);
    tree_connect(l, c);
}

/* One more message with much data, written and read in turn. */
static void bulk_step(struct load *l, struct connection *c) {
    static const uint32_t sizes[] = {65536, 262144, 1 << 20, 1 << 20};
    uint32_t n = sizes[next_random(l) % 4];
    if (c->step++ % 2 == 0) {
        write_file(l, c, (uint64_t)c->step << 20, n);
    } else {
        read_file(l, c, (uint64_t)c->step << 20, n);
    }
}

static void bulk(struct load *l, struct connection *connections, uint64_t bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        begin_connection(l, &connections[i], i);
        create(l, &connections[i], false);
    }
    while (l->bytes < bytes) {
        bulk_step(l, &connections[next_random(l) % count]);
    }
    for (unsigned i = 0; i < count; i++) {
        close_file(l, &connections[i]);
        disconnect(l, &connections[i]);
    }
}

/* The next exchange of a connection's everyday life. */
static void metadata_step(struct load *l, struct connection *c) {
    switch (c->step++ % METADATA_STEPS) {
    case 0:
        create(l, c, true);
        break;
    case 1:
        create(l, c, false);
        break;
    case 2:
        query_info(l, c);
        break;
    case 3:
        query_directory(l, c, true);
        break;
    case 4:
        query_directory(l, c, false);
        break;
    case 5:
        close_file(l, c);
        break;
    case 6:
        create(l, c, false);
        break;
    case 7:
        write_file(l, c, 0, 200 + next_random(l) % 1000);
        break;
    case 8:
        read_file(l, c, 0, 200 + next_random(l) % 1000);
        break;
    case 9:
        query_info(l, c);
        break;
    case 10:
        rename_file(l, c);
        break;
    default:
        close_file(l, c);
        break;
    }
}

static void metadata(struct load *l, struct connection *connections, uint64_t messages, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        begin_connection(l, &connections[i], i);
    }
    while (l->messages < messages) {
        metadata_step(l, &connections[next_random(l) % count]);
    }
    for (unsigned i = 0; i < count; i++) {
        disconnect(l, &connections[i]);
    }
}

/* A connection's latest file is the one that a turn of metadata left closed, so each with much data has a file of its own. */
static void mixed(struct load *l, struct connection *connections, uint64_t bytes, unsigned count) {
    enum { BULK_SHARE = 48, BULK_STEPS = 2 };
    for (unsigned i = 0; i < count; i++) {
        begin_connection(l, &connections[i], i);
    }
    while (l->bytes < bytes) {
        struct connection *c = &connections[next_random(l) % count];
        metadata_step(l, c);
        if (c->step % METADATA_STEPS != 0 || next_random(l) % (BULK_SHARE / METADATA_STEPS) != 0) {
            continue;
        }
        unsigned step = c->step;
        create(l, c, false);
        for (unsigned i = 0; i < BULK_STEPS; i++) {
            bulk_step(l, c);
        }
        close_file(l, c);
        c->step = step;
    }
    for (unsigned i = 0; i < count; i++) {
        disconnect(l, &connections[i]);
    }
}

static void short_ones(struct load *l, struct connection *connections, uint64_t total, unsigned count) {
    for (unsigned i = 0; i < total; i++) {
        struct connection *c = &connections[i % count];
        begin_connection(l, c, i);
        create(l, c, false);
        close_file(l, c);
        disconnect(l, c);
    }
}

/* However many are there at a time, the same connections do the same: what differs is how far apart the packets of one are. */
static void flows(struct load *l, struct connection *connections, uint64_t total, unsigned count) {
    unsigned begun = 0, ended = 0;
    while (ended < total) {
        for (unsigned i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            if (c->session_id == 0 && begun < total) {
                begin_connection(l, c, begun++);
            } else if (c->session_id != 0 && c->step < METADATA_STEPS) {
                metadata_step(l, c);
            } else if (c->session_id != 0) {
                disconnect(l, c);
                c->session_id = 0;
                ended++;
            }
        }
    }
}

/* The same for the files of a connection. */
static void handles(struct load *l, struct connection *connections, uint64_t total, unsigned count) {
    struct connection *c = connections;
    begin_connection(l, c, 0);
    for (unsigned i = 1; i <= total + count; i++) {
        if (i <= total) {
            c->files = i - 1; /* create() counts it */
            create(l, c, false);
            query_info(l, c);
        }
        if (i > count) {
            c->files = i - count;
            close_file(l, c);
        }
    }
    disconnect(l, c);
}

struct kind {
    const char *name;
    void (*make)(struct load *, struct connection *, uint64_t size, unsigned count);
    unsigned count; /* the default; 0: all */
};

static const struct kind kinds[] = {
    {"bulk", bulk, 4},        {"metadata", metadata, 500}, {"mixed", mixed, 200},
    {"short", short_ones, 1}, {"flows", flows, 0},         {"handles", handles, 0},
};

static const struct kind *find_kind(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static void make(struct load *l, const struct kind *kind, uint64_t size, uint64_t count) {
    if (count == 0) {
        count = kind->count ? kind->count : size;
    }
    struct connection *connections = count <= CONNECTIONS_MAX ? calloc(count + 1, sizeof *connections) : NULL;
    if (!connections) {
        die("too many at a time");
    }
    kind->make(l, connections, size, (unsigned)count);
    free(connections);
}

int main(int argc, char **argv) {
    const struct kind *kind = argc == 4 || argc == 5 ? find_kind(argv[1]) : NULL;
    if (!kind) {
        fputs("usage: make_load bulk|metadata|mixed|short|flows|handles CAPTURE SIZE [NUMBER]\n", stderr);
        return 2;
    }
    static struct load load = {.random = 1};
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 262144);
    load.out = dead ? pcap_dump_open(dead, argv[2]) : NULL;
    if (!load.out) {
        die(dead ? pcap_geterr(dead) : "no memory");
    }
    setvbuf(pcap_dump_file(load.out), NULL, _IOFBF, 1 << 20);
    make(&load, kind, strtoull(argv[3], NULL, 10), argc == 5 ? strtoull(argv[4], NULL, 10) : 0);
    if (pcap_dump_flush(load.out) != 0) {
        die("the capture could not be written");
    }
    pcap_dump_close(load.out);
    pcap_close(dead);
    printf("{\"packets\": %llu, \"bytes\": %llu, \"messages\": %llu, \"requests\": %llu}\n",
           (unsigned long long)load.packets, (unsigned long long)load.bytes, (unsigned long long)load.messages,
           (unsigned long long)load.requests);
    return EXIT_SUCCESS;
}
