/* Writes captures of one nasty thing each, so many times; always the same for the same number. tests/bench/scale reads them.
 *
 *   make_nasty KIND CAPTURE N
 *   make_nasty kinds             lists the kinds, one a line, with what N counts
 *
 * Ethernet, IPv4, TCP. On standard output: how many packets were written. */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADERS = 54, /* Ethernet, IPv4, TCP */
    SEGMENT_MAX = 60000,
    MESSAGE_MAX = 1 << 20,
    SMB2_HEADER = 64,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_ACK = 0x10,
    IP_MORE_FRAGMENTS = 0x2000,
    MORE_PROCESSING_REQUIRED = (int)0xC0000016,
    SMB1_REPLY = 0x80,
};

enum command { SESSION_SETUP = 1, TREE_CONNECT = 3, CREATE = 5, WRITE = 9, ECHO = 13 };
enum smb1_command {
    EXIT = 0x11,
    LOCKING_ANDX = 0x24,
    TRANS2 = 0x32,
    NT_TRANSACT = 0xA0,
    NT_CREATE = 0xA2,
    READ_ANDX = 0x2E
};
enum side { CLIENT, SERVER };

/* One connection at a time. */
struct load {
    pcap_dumper_t *out;
    uint64_t time_us, step_us, packets;
    uint32_t address[2], seq[2];
    uint16_t port[2];
    uint16_t fragment, datagram; /* of the IP header; datagram: 0 for one of its own */
    uint8_t packet[HEADERS + SEGMENT_MAX];
    uint8_t message[4 + MESSAGE_MAX];
    size_t used;
    uint64_t message_id, session_id;
    uint32_t tree_id;
    uint16_t mid, pid;
};

static void die(const char *what) {
    fprintf(stderr, "make_nasty: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- packets */

static void be16(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void be32(uint8_t *to, uint32_t value) {
    be16(to, value >> 16);
    be16(to + 2, value & 0xffff);
}

static void headers(struct load *l, enum side from, uint32_t seq, unsigned flags, size_t n) {
    enum side to = from == CLIENT ? SERVER : CLIENT;
    uint8_t *p = l->packet;
    memset(p, 0, HEADERS);
    p[5] = p[11] = (uint8_t)(from + 1);
    be16(p + 12, 0x0800);
    p[14] = 0x45;
    be16(p + 16, (uint32_t)(HEADERS - 14 + n));
    be16(p + 18, l->datagram ? l->datagram : (uint32_t)l->packets & 0xffff);
    be16(p + 20, l->fragment);
    p[22] = 64;
    p[23] = 6;
    be32(p + 26, l->address[from]);
    be32(p + 30, l->address[to]);
    be16(p + 34, l->port[from]);
    be16(p + 36, l->port[to]);
    be32(p + 38, seq);
    be32(p + 42, flags & TCP_ACK ? l->seq[to] : 0);
    p[46] = 0x50;
    p[47] = (uint8_t)flags;
    be16(p + 48, 0xffff);
}

static void send_at(struct load *l, enum side from, uint32_t seq, unsigned flags, const uint8_t *data, size_t n) {
    headers(l, from, seq, flags, n);
    if (n > 0) {
        memcpy(l->packet + HEADERS, data, n);
    }
    l->time_us += l->step_us;
    struct pcap_pkthdr header = {.caplen = (uint32_t)(HEADERS + n), .len = (uint32_t)(HEADERS + n)};
    header.ts.tv_sec = (time_t)(1700000000 + l->time_us / 1000000);
    header.ts.tv_usec = (suseconds_t)(l->time_us % 1000000);
    pcap_dump((unsigned char *)l->out, &header, l->packet);
    l->packets++;
}

static void send_packet(struct load *l, enum side from, unsigned flags, const uint8_t *data, size_t n) {
    send_at(l, from, l->seq[from], flags, data, n);
    l->seq[from] += (uint32_t)n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

/* The NetBIOS header in front of what was put together. */
static size_t frame(struct load *l) {
    be32(l->message, (uint32_t)l->used);
    size_t length = 4 + l->used;
    l->used = 0;
    return length;
}

static void send_message(struct load *l, enum side from) {
    size_t length = frame(l);
    for (size_t at = 0; at < length; at += SEGMENT_MAX) {
        send_packet(l, from, TCP_ACK, l->message + at, length - at < SEGMENT_MAX ? length - at : SEGMENT_MAX);
    }
}

/* The i-th pair of ends: 60,000 ports for each client. */
static void ends(struct load *l, uint32_t i, uint16_t server_port) {
    l->address[CLIENT] = 0x0a000001 + i / 60000;
    l->address[SERVER] = 0xac100001;
    l->port[CLIENT] = (uint16_t)(2000 + i % 60000);
    l->port[SERVER] = server_port;
    l->seq[CLIENT] = 1000 + i;
    l->seq[SERVER] = 2000 + i;
    l->message_id = 0;
}

static void open_connection(struct load *l) {
    send_packet(l, CLIENT, TCP_SYN, NULL, 0);
    send_packet(l, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
    send_packet(l, CLIENT, TCP_ACK, NULL, 0);
}

static void handshake(struct load *l, uint32_t i) {
    ends(l, i, 445);
    open_connection(l);
}

/* ---- messages, little-endian */

static uint8_t *room(struct load *l, size_t n) {
    if (n > MESSAGE_MAX - l->used) {
        die("a message is too large");
    }
    l->used += n;
    return memset(l->message + 4 + l->used - n, 0, n);
}

static void put(struct load *l, size_t width, uint64_t value) {
    uint8_t *at = room(l, width);
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* MS-SMB2 2.2.1.2 */
static void smb2(struct load *l, enum command command, bool response, uint32_t status, uint32_t next) {
    memcpy(room(l, 4), "\xfeSMB", 4);
    put(l, 2, SMB2_HEADER);
    put(l, 2, 1);
    put(l, 4, status);
    put(l, 2, command);
    put(l, 2, 1);
    put(l, 4, response);
    put(l, 4, next);
    put(l, 8, l->message_id);
    put(l, 4, 0xfeff);
    put(l, 4, l->tree_id);
    put(l, 8, l->session_id);
    room(l, 16);
}

static void echo(struct load *l, bool response, uint32_t next) {
    smb2(l, ECHO, response, 0, next);
    put(l, 4, 4);
}

static void file_id(struct load *l, uint64_t i) {
    put(l, 8, i);
    put(l, 8, i ^ 0x5151);
}

/* MS-SMB2 2.2.13, 2.2.14: opens file i, under a name of so many letters. */
static void create(struct load *l, uint32_t i, unsigned letters) {
    smb2(l, CREATE, false, 0, 0);
    put(l, 2, 57);
    room(l, 22);
    put(l, 4, 0x120089);
    room(l, 4);
    put(l, 4, 7);
    put(l, 4, 1);
    put(l, 4, 0);
    put(l, 2, SMB2_HEADER + 56);
    put(l, 2, 2 * letters);
    put(l, 8, 0);
    for (unsigned k = 0; k < letters; k++) {
        put(l, 2, k < 8 ? 'a' + (i >> 4 * k & 15) : 'x');
    }
    send_message(l, CLIENT);
    smb2(l, CREATE, true, 0, 0);
    put(l, 2, 89);
    put(l, 2, 0);
    put(l, 4, 1);
    room(l, 56);
    file_id(l, i + 1);
    put(l, 8, 0);
    send_message(l, SERVER);
    l->message_id++;
}

/* MS-SMB2 2.2.5, 2.2.6: without a token. */
static void session_setup(struct load *l, uint64_t id, uint32_t status) {
    l->session_id = 0;
    smb2(l, SESSION_SETUP, false, 0, 0);
    put(l, 2, 25);
    room(l, 10);
    put(l, 2, SMB2_HEADER + 24);
    room(l, 10);
    send_message(l, CLIENT);
    l->session_id = id;
    smb2(l, SESSION_SETUP, true, status, 0);
    put(l, 2, 9);
    room(l, 6);
    send_message(l, SERVER);
    l->message_id++;
}

/* MS-SMB2 2.2.9, 2.2.10 */
static void tree_connect(struct load *l, uint32_t id) {
    static const char path[] = "\\\\srv\\share";
    l->tree_id = 0;
    smb2(l, TREE_CONNECT, false, 0, 0);
    put(l, 2, 9);
    put(l, 2, 0);
    put(l, 2, SMB2_HEADER + 8);
    put(l, 2, 2 * (sizeof path - 1));
    for (const char *c = path; *c; c++) {
        put(l, 2, (uint8_t)*c);
    }
    send_message(l, CLIENT);
    l->tree_id = id;
    smb2(l, TREE_CONNECT, true, 0, 0);
    put(l, 2, 16);
    put(l, 2, 1);
    room(l, 12);
    send_message(l, SERVER);
    l->message_id++;
}

static void begin_smb2(struct load *l) {
    handshake(l, 0);
    session_setup(l, 0x51, 0);
    tree_connect(l, 1);
}

/* MS-CIFS 2.2.3.1 */
static void smb1(struct load *l, enum smb1_command command, bool response) {
    memcpy(room(l, 4), "\xffSMB", 4);
    put(l, 1, command);
    put(l, 4, 0);
    put(l, 1, response ? SMB1_REPLY : 0);
    put(l, 2, 0x4000);
    room(l, 12);
    put(l, 2, 1);
    put(l, 2, l->pid);
    put(l, 2, 1);
    put(l, 2, l->mid);
}

/* ---- the kinds */

static void half_open(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        ends(l, i, 445);
        send_packet(l, CLIENT, TCP_SYN, NULL, 0);
    }
}

static void candidates(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        ends(l, i, 8080);
        send_packet(l, CLIENT, TCP_SYN, NULL, 0);
    }
}

/* Each opens a file, and later they speak once more, in the same order. */
static void live(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        handshake(l, i);
        session_setup(l, i + 1, 0);
        tree_connect(l, 1);
        create(l, i, 16);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t sent[2] = {0, 0};
        ends(l, i, 445);
        sent[CLIENT] = 1 + 4 + SMB2_HEADER + 24 + 4 + SMB2_HEADER + 8 + 22 + 4 + SMB2_HEADER + 56 + 32;
        sent[SERVER] = 1 + 4 + SMB2_HEADER + 8 + 4 + SMB2_HEADER + 16 + 4 + SMB2_HEADER + 88;
        l->seq[CLIENT] += sent[CLIENT];
        l->seq[SERVER] += sent[SERVER];
        l->message_id = 3;
        l->session_id = i + 1;
        echo(l, false, 0);
        send_message(l, CLIENT);
        echo(l, true, 0);
        send_message(l, SERVER);
    }
}

static void handles(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++) {
        create(l, i, 16);
    }
}

static void names(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++) {
        create(l, i, 16000);
    }
}

static void requests(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++, l->message_id++) {
        echo(l, false, 0);
        send_message(l, CLIENT);
    }
}

static void trees(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++) {
        tree_connect(l, i + 2);
    }
}

static void sessions(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        session_setup(l, i + 1, 0);
    }
}

static void setups(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        session_setup(l, i + 1, (uint32_t)MORE_PROCESSING_REQUIRED);
    }
}

/* So many messages in one chain, again and again. */
static void compound(struct load *l, uint32_t n) {
    enum { CHAIN = 10000, ELEMENT = 72 };
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++, l->message_id++) {
        bool last = i % CHAIN == CHAIN - 1 || i == n - 1;
        echo(l, false, last ? 0 : ELEMENT);
        if (!last) {
            room(l, 4);
        } else {
            send_message(l, CLIENT);
        }
    }
}

/* ---- what TCP does to them: n segments, each a message of its own */

/* The same order backwards, so many at a time. */
static void reversed_by(struct load *l, uint32_t n, uint32_t window) {
    begin_smb2(l);
    const uint32_t length = 4 + SMB2_HEADER + 4;
    for (uint32_t i = 0; i < n; i += window) {
        uint32_t count = n - i < window ? n - i : window;
        for (uint32_t k = count; k-- > 0;) {
            l->message_id = 10 + i + k;
            echo(l, false, 0);
            send_at(l, CLIENT, l->seq[CLIENT] + k * length, TCP_ACK, l->message, frame(l));
        }
        l->seq[CLIENT] += count * length;
    }
}

static void reversed(struct load *l, uint32_t n) {
    reversed_by(l, n, n);
}

static void shuffled(struct load *l, uint32_t n) {
    reversed_by(l, n, 1000);
}

static void tiny(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t sent = 0; sent < n; l->message_id++) {
        echo(l, false, 0);
        size_t length = frame(l);
        for (size_t at = 0; at < length && sent < n; at++, sent++) {
            send_packet(l, CLIENT, TCP_ACK, l->message + at, 1);
        }
    }
}

/* One byte each, backwards. */
static void tiny_reversed(struct load *l, uint32_t n) {
    const uint8_t zero = 0;
    begin_smb2(l);
    for (uint32_t i = n; i-- > 0;) {
        send_at(l, CLIENT, l->seq[CLIENT] + i, TCP_ACK, &zero, 1);
    }
}

static void duplicates(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++) {
        echo(l, false, 0);
        size_t length = frame(l);
        send_at(l, CLIENT, l->seq[CLIENT], TCP_ACK, l->message, length);
        if (i % 20 == 19) {
            l->seq[CLIENT] += (uint32_t)length;
            l->message_id++;
        }
    }
}

/* Every other message is lost, and acknowledged by the other side. */
static void gaps(struct load *l, uint32_t n) {
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i++, l->message_id++) {
        echo(l, false, 0);
        size_t length = frame(l);
        if (i % 2) {
            send_packet(l, CLIENT, TCP_ACK, l->message, length);
            send_packet(l, SERVER, TCP_ACK, NULL, 0);
        } else {
            l->seq[CLIENT] += (uint32_t)length;
        }
    }
}

/* In so many connections something is missing, and never comes. */
static void holes(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        handshake(l, i);
        l->seq[CLIENT] += 100;
        echo(l, false, 0);
        send_message(l, CLIENT);
    }
}

static void fragments(struct load *l, uint32_t n) {
    begin_smb2(l);
    l->fragment = IP_MORE_FRAGMENTS;
    for (uint32_t i = 0; i < n; i++) {
        room(l, 1480);
        send_message(l, CLIENT);
    }
}

/* Datagrams in many pieces, of which every other one is lost; from their end to their beginning. */
static void pieces(struct load *l, uint32_t n) {
    enum { DATA = 4, PIECE = (20 + DATA) / 8, COUNT = 1300 };
    begin_smb2(l);
    l->fragment = IP_MORE_FRAGMENTS;
    const uint8_t data[DATA] = {0};
    for (uint32_t i = 0; i < n; i++) {
        l->datagram = (uint16_t)(1 + i / COUNT);
        l->fragment = (uint16_t)(IP_MORE_FRAGMENTS | (COUNT - i % COUNT) * 2 * PIECE);
        send_packet(l, CLIENT, TCP_ACK, data, sizeof data);
    }
}

/* So many connections of the same two ends, none of which is closed. */
static void reused(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        ends(l, 0, 445);
        l->seq[CLIENT] += i * 100000;
        l->seq[SERVER] += i * 100000;
        open_connection(l);
        echo(l, false, 0);
        send_message(l, CLIENT);
    }
}

/* MS-SMB2 2.2.21: of a write so much data, of which none is here. */
static void write_head(struct load *l, uint32_t data) {
    smb2(l, WRITE, false, 0, 0);
    put(l, 2, 49);
    put(l, 2, SMB2_HEADER + 48);
    put(l, 4, data);
    room(l, 40);
}

/* Behind each gap are so many headers of messages that lie in one another, all with the same end, and there one that is good. */
static void false_headers(struct load *l, uint32_t n) {
    enum { NESTED = 500, HEAD = 4 + SMB2_HEADER + 48, ECHO_FRAME = 4 + SMB2_HEADER + 4 };
    begin_smb2(l);
    for (uint32_t i = 0; i < n; i += NESTED) {
        uint32_t count = n - i < NESTED ? n - i : NESTED;
        l->seq[CLIENT] += 100;
        send_packet(l, SERVER, TCP_ACK, NULL, 0);
        uint64_t good = l->message_id + 1;
        room(l, 3);
        for (uint32_t k = 0; k < count; k++) {
            uint32_t rest = (count - k - 1) * HEAD + ECHO_FRAME;
            uint8_t *head = room(l, 4);
            be32(head, HEAD - 4 + rest);
            l->message_id = good + 20000 + i + k;
            write_head(l, rest);
        }
        l->message_id = good;
        for (int k = 0; k < 3; k++, l->message_id++) {
            be32(room(l, 4), ECHO_FRAME - 4);
            echo(l, false, 0);
        }
        send_packet(l, CLIENT, TCP_ACK, l->message + 4, l->used);
        l->used = 0;
    }
}

/* ---- SMB1 */

/* n commands, 64 of them in a chain. */
static void andx(struct load *l, uint32_t n) {
    enum { CHAIN = 64, ELEMENT = 1 + 16 + 2, SMB1_HEADER = 32 };
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i % CHAIN;
        bool last = k == CHAIN - 1 || i == n - 1;
        if (k == 0) {
            smb1(l, LOCKING_ANDX, false);
        }
        put(l, 1, 8);
        put(l, 1, last ? 0xff : LOCKING_ANDX);
        put(l, 1, 0);
        put(l, 2, last ? 0 : SMB1_HEADER + (k + 1) * ELEMENT);
        put(l, 2, 7);
        room(l, 10);
        put(l, 2, 0);
        if (last) {
            send_message(l, CLIENT);
            l->mid++;
        }
    }
}

/* Transactions whose second part never comes, MS-CIFS 2.2.4.46.1. */
static void secondary(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        l->mid = (uint16_t)i;
        l->pid = (uint16_t)(i >> 16);
        smb1(l, TRANS2, false);
        put(l, 1, 15);
        put(l, 2, 4096);
        put(l, 2, 4096);
        room(l, 14);
        put(l, 2, 16);
        put(l, 2, 68);
        put(l, 2, 0);
        put(l, 2, 0);
        put(l, 2, 1);
        put(l, 2, 5);
        put(l, 2, 19);
        room(l, 3 + 16);
        send_message(l, CLIENT);
    }
}

/* Transactions that announce more than is kept of one, MS-CIFS 2.2.4.62.1. */
static void long_transactions(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++, l->mid++) {
        smb1(l, NT_TRANSACT, false);
        put(l, 1, 23);
        room(l, 3);
        put(l, 4, 100000);
        put(l, 4, 1000000);
        room(l, 24);
        put(l, 1, 4);
        put(l, 2, 6);
        room(l, 8);
        put(l, 2, 0);
        send_message(l, CLIENT);
    }
}

/* One MID for all, and no answer. */
static void same_mid(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        smb1(l, READ_ANDX, false);
        put(l, 1, 10);
        put(l, 4, 0xff);
        put(l, 2, 7);
        room(l, 14);
        put(l, 2, 0);
        send_message(l, CLIENT);
    }
}

/* Watches on folders that wait for as long as it takes, MS-CIFS 2.2.7.4.1, and time passes. */
static void notify(struct load *l, uint32_t n) {
    handshake(l, 0);
    l->step_us = 10000;
    for (uint32_t i = 0; i < n; i++) {
        l->mid = (uint16_t)i;
        l->pid = (uint16_t)(i >> 16);
        smb1(l, NT_TRANSACT, false);
        put(l, 1, 23);
        room(l, 35);
        put(l, 1, 4);
        put(l, 2, 4);
        room(l, 8);
        put(l, 2, 0);
        send_message(l, CLIENT);
    }
}

/* MS-CIFS 2.2.4.64: the name has so many letters. */
static void smb1_create(struct load *l, uint16_t fid, uint16_t letters) {
    smb1(l, NT_CREATE, false);
    put(l, 1, 24);
    put(l, 4, 0xff);
    put(l, 1, 0);
    put(l, 2, letters);
    room(l, 41);
    put(l, 2, letters + 1u);
    memset(room(l, letters), 'a', letters);
    put(l, 1, 0);
    send_message(l, CLIENT);
    smb1(l, NT_CREATE, true);
    put(l, 1, 34);
    put(l, 4, 0xff);
    put(l, 1, 0);
    put(l, 2, fid);
    room(l, 61);
    put(l, 2, 0);
    send_message(l, SERVER);
    l->mid++;
}

/* As many files as there are FIDs for, by one process, and the end of another, again and again. */
static void exits(struct load *l, uint32_t n) {
    enum { FIDS = 60000 };
    handshake(l, 0);
    l->pid = 1;
    for (uint32_t i = 0; i < n / 2 && i < FIDS; i++) {
        smb1_create(l, (uint16_t)(i + 1), 1);
    }
    l->pid = 2;
    for (uint32_t i = 0; i < n / 2; i++, l->mid++) {
        for (enum side from = CLIENT; from <= SERVER; from++) {
            smb1(l, EXIT, from == SERVER);
            put(l, 1, 0);
            put(l, 2, 0);
            send_message(l, from);
        }
    }
}

/* Names that have no room in UTF-16. */
static void oem_names(struct load *l, uint32_t n) {
    handshake(l, 0);
    for (uint32_t i = 0; i < n; i++) {
        smb1_create(l, (uint16_t)(i + 1), 40000);
    }
}

/* So many connections stop in the middle of a message that must be whole. */
static void partial(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        handshake(l, i);
        smb2(l, CREATE, false, 0, 0);
        put(l, 2, 57);
        room(l, 100000);
        frame(l);
        be32(l->message, 100066 + 50000);
        send_packet(l, CLIENT, TCP_ACK, l->message, 50000);
        send_packet(l, CLIENT, TCP_ACK, l->message + 50000, 50000);
    }
}

/* So many clients ask for SMB1. */
static void pairs(struct load *l, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        handshake(l, i * 60000 % 0xf0000000 + i / 50000);
        smb1(l, READ_ANDX, false);
        put(l, 1, 10);
        put(l, 4, 0xff);
        put(l, 2, 7);
        room(l, 14);
        put(l, 2, 0);
        send_message(l, CLIENT);
    }
}

static const struct kind {
    const char *name, *unit;
    void (*make)(struct load *, uint32_t n);
} kinds[] = {
    {"half_open", "SYN", half_open},
    {"candidates", "SYN", candidates},
    {"live", "connection", live},
    {"handles", "handle", handles},
    {"names", "name", names},
    {"requests", "request", requests},
    {"trees", "tree", trees},
    {"sessions", "session", sessions},
    {"setups", "exchange", setups},
    {"compound", "message", compound},
    {"reversed", "segment", reversed},
    {"shuffled", "segment", shuffled},
    {"tiny", "segment", tiny},
    {"tiny_reversed", "segment", tiny_reversed},
    {"duplicates", "segment", duplicates},
    {"gaps", "message", gaps},
    {"holes", "connection", holes},
    {"fragments", "fragment", fragments},
    {"pieces", "fragment", pieces},
    {"reused", "connection", reused},
    {"false_headers", "header", false_headers},
    {"andx", "command", andx},
    {"secondary", "transaction", secondary},
    {"long_transactions", "transaction", long_transactions},
    {"oem_names", "name", oem_names},
    {"partial", "connection", partial},
    {"same_mid", "request", same_mid},
    {"notify", "request", notify},
    {"exits", "message", exits},
    {"pairs", "client", pairs},
};

static const struct kind *find(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    die("there is no such kind");
    return NULL;
}

static int list(void) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        printf("%s %s\n", kinds[i].name, kinds[i].unit);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    static struct load load = {.step_us = 1};
    if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
        return list();
    }
    if (argc != 4) {
        die("usage: make_nasty KIND CAPTURE N");
    }
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, 1 << 18);
    load.out = dead ? pcap_dump_open(dead, argv[2]) : NULL;
    if (!load.out) {
        die("the capture cannot be written");
    }
    find(argv[1])->make(&load, (uint32_t)strtoul(argv[3], NULL, 10));
    printf("%llu\n", (unsigned long long)load.packets);
    pcap_dump_close(load.out);
    pcap_close(dead);
    return EXIT_SUCCESS;
}
