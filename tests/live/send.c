/* Sends the packets of a capture through a network interface, with libnet, wrapped as real clients and servers never wrap them.
 *
 *   send [-p | -r PACKETS] INTERFACE CAPTURE [LAYER ... [/ LAYER ...] ...]
 *
 * -p keeps the distances in time, -r sends that many packets in a second; else it is as fast as it goes. Layers are put around each
 * frame from the inside out; where there are several stacks of them, each packet gets one by chance, always the same one:
 *
 *   vlan:VID[:TPID]     a tag; TPID in hex, by default 8100
 *   mpls:LABEL          a label
 *   fragment:BYTES      IP fragments with that much payload, a multiple of 8
 *   ipip:4 ipip:6       IP in IPv4 or IPv6
 *   gre:4:KEY gre:6:KEY
 *   erspan:4 erspan:6   type II
 *   vxlan:4:VNI vxlan:6:VNI
 *
 * On standard output: what was sent, as JSON. */
#include <libnet.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LAYERS_MAX = 8, /* in a stack */
    STACKS_MAX = 16,
    FRAMES_MAX = 8192, /* of one packet, in fragments */
    ETHERNET = 14,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86DD,
    TYPE_TEB = 0x6558,
    TYPE_MPLS = 0x8847,
    TYPE_ERSPAN = 0x88BE,
    PROTOCOL_FRAGMENT = 44,
    PORT_VXLAN = 4789,
    HOPS = 64,
    SECOND_NS = 1000000000,
};

struct frame {
    uint8_t *data; /* malloc'd, or pcap's for the innermost */
    uint32_t size;
    bool borrowed;
};

struct frames {
    struct frame list[FRAMES_MAX];
    size_t count;
};

struct sender {
    libnet_t *net;
    uint16_t ip_id;
    uint32_t fragment_id, sequence;
    uint64_t frames, bytes;
};

struct layer {
    void (*put)(struct sender *, struct frames *out, const struct frame *, const struct layer *);
    unsigned long first, second;
};

struct stack {
    struct layer layers[LAYERS_MAX];
    size_t count;
};

struct stacks {
    struct stack list[STACKS_MAX];
    size_t count;
    uint32_t chance;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "send: %s: %s\n", what, why);
    exit(1);
}

static uint16_t load16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t type_of(const struct frame *f) {
    if (f->size < ETHERNET)
        die("capture", "a frame is shorter than Ethernet's header");
    return load16(f->data + 12);
}

static uint32_t total_of(const uint8_t *ip, uint32_t room) {
    bool four = ip[0] >> 4 == 4;
    if (room < (four ? IPV4_HEADER : IPV6_HEADER) || (four && ip[0] != 0x45))
        die("capture", "IP headers without options are wanted");
    uint32_t total = four ? load16(ip + 2) : IPV6_HEADER + load16(ip + 4);
    if (total > room)
        die("capture", "an IP packet is cut");
    return total;
}

/* The bytes of the IP packet in a frame, without Ethernet's padding. */
static uint32_t packet_of(const struct frame *f) {
    if (type_of(f) != TYPE_IPV4 && type_of(f) != TYPE_IPV6)
        return 0;
    return total_of(f->data + ETHERNET, f->size - ETHERNET);
}

static void built(struct sender *s, libnet_ptag_t tag) {
    if (tag < 0)
        die("libnet", libnet_geterror(s->net));
}

/* What was built becomes one more frame. */
static void take(struct sender *s, struct frames *out) {
    if (out->count == FRAMES_MAX)
        die("fragment", "too many of one packet");
    uint8_t *whole;
    struct frame f = {0};
    if (libnet_adv_cull_packet(s->net, &whole, &f.size) < 0)
        die("libnet", libnet_geterror(s->net));
    f.data = malloc(f.size);
    if (!f.data)
        die("memory", "there is none left");
    memcpy(f.data, whole, f.size);
    libnet_adv_free_packet(s->net, whole); /* before the next one: how it is freed depends on what was built last */
    libnet_clear_packet(s->net);
    out->list[out->count++] = f;
}

static void ethernet(struct sender *s, struct frames *out, const struct frame *inner, uint16_t type) {
    built(s, libnet_build_ethernet(inner->data, inner->data + 6, type, NULL, 0, s->net, 0));
    take(s, out);
}

static void put_vlan(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    uint16_t tpid = (uint16_t)(l->second ? l->second : 0x8100);
    built(s, libnet_build_802_1q(in->data, in->data + 6, tpid, 3, 0, (uint16_t)l->first, type_of(in),
                                 in->data + ETHERNET, in->size - ETHERNET, s->net, 0));
    take(s, out);
}

static void put_mpls(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    bool bottom = type_of(in) != TYPE_MPLS;
    built(s,
          libnet_build_mpls((uint32_t)l->first, 0, bottom, HOPS, in->data + ETHERNET, in->size - ETHERNET, s->net, 0));
    ethernet(s, out, in, TYPE_MPLS);
}

static struct libnet_in6_addr address6(const uint8_t *p) {
    struct libnet_in6_addr address;
    memcpy(&address, p, sizeof address);
    return address;
}

static uint32_t address4(const uint8_t *p) {
    uint32_t address;
    memcpy(&address, p, sizeof address);
    return address;
}

static void fragment4(struct sender *s, const uint8_t *ip, uint32_t at, uint32_t size, bool more) {
    uint16_t fragment = (uint16_t)(at / 8 | (more ? IP_MF : 0));
    built(s, libnet_build_ipv4((uint16_t)(IPV4_HEADER + size), ip[1], s->ip_id, fragment, ip[8], ip[9], 0,
                               address4(ip + 12), address4(ip + 16), ip + IPV4_HEADER + at, size, s->net, 0));
}

/* RFC 8200 4.5 */
static void fragment6(struct sender *s, const uint8_t *ip, uint32_t at, uint32_t size, bool more) {
    built(s, libnet_build_ipv6_frag(ip[6], 0, htons((uint16_t)(at | more)), htonl(s->fragment_id),
                                    ip + IPV6_HEADER + at, size, s->net, 0));
    built(s, libnet_build_ipv6(0, 0, (uint16_t)(8 + size), PROTOCOL_FRAGMENT, ip[7], address6(ip + 8),
                               address6(ip + 24), NULL, 0, s->net, 0));
}

static void put_fragments(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    uint32_t total = packet_of(in), header = type_of(in) == TYPE_IPV4 ? IPV4_HEADER : IPV6_HEADER;
    if (total == 0)
        die("fragment", "there is no IP in the frame");
    const uint8_t *ip = in->data + ETHERNET;
    s->ip_id++;
    s->fragment_id++;
    for (uint32_t at = 0; at < total - header; at += (uint32_t)l->first) {
        uint32_t left = total - header - at, size = left < l->first ? left : (uint32_t)l->first;
        (header == IPV4_HEADER ? fragment4 : fragment6)(s, ip, at, size, size < left);
        ethernet(s, out, in, type_of(in));
    }
}

/* The tunnel's own addresses tell the directions apart by the last byte of the inner destination's hardware address. */
static void outer(struct sender *s, struct frames *out, const struct frame *in, bool six, uint8_t protocol,
                  uint32_t size) {
    uint8_t a[16] = {0x20, 1, 0x0d, 0xb8, [15] = in->data[11]}, b[16] = {0x20, 1, 0x0d, 0xb8, [15] = in->data[5]};
    uint8_t a4[4] = {198, 51, 100, in->data[11]}, b4[4] = {198, 51, 100, in->data[5]};
    if (six)
        built(s, libnet_build_ipv6(0, 0, (uint16_t)size, protocol, HOPS, address6(a), address6(b), NULL, 0, s->net, 0));
    else
        built(s, libnet_build_ipv4((uint16_t)(IPV4_HEADER + size), 0, ++s->ip_id, 0, HOPS, protocol, 0, address4(a4),
                                   address4(b4), NULL, 0, s->net, 0));
    ethernet(s, out, in, six ? TYPE_IPV6 : TYPE_IPV4);
}

static void put_ipip(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    uint32_t size = packet_of(in);
    uint8_t protocol = type_of(in) == TYPE_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
    if (size == 0)
        die("ipip", "there is no IP in the frame");
    built(s, libnet_build_data(in->data + ETHERNET, size, s->net, 0));
    outer(s, out, in, l->first == 6, protocol, size);
}

/* RFC 2784, RFC 2890 */
static void put_gre(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    uint16_t size = (uint16_t)(8 + in->size);
    built(s, libnet_build_gre(GRE_KEY, TYPE_TEB, 0, 0, (uint32_t)l->second, 0, size, in->data, in->size, s->net, 0));
    outer(s, out, in, l->first == 6, IPPROTO_GRE, size);
}

/* A tunnel's header and the frame in it. */
static void put_behind(struct sender *s, const uint8_t head[8], const struct frame *in, uint8_t *room) {
    memcpy(room, head, 8);
    memcpy(room + 8, in->data, in->size);
    built(s, libnet_build_data(room, 8 + in->size, s->net, 0));
}

/* draft-foschiano-erspan 4.2 */
static void put_erspan(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    static const uint8_t head[8] = {0x10, 0, 0x18, 9, 0, 0, 0, 1};
    static uint8_t room[65536];
    uint16_t size = (uint16_t)(16 + in->size);
    put_behind(s, head, in, room);
    built(s, libnet_build_gre(GRE_SEQ, TYPE_ERSPAN, 0, 0, 0, s->sequence++, size, NULL, 0, s->net, 0));
    outer(s, out, in, l->first == 6, IPPROTO_GRE, size);
}

/* RFC 7348 5 */
static void put_vxlan(struct sender *s, struct frames *out, const struct frame *in, const struct layer *l) {
    uint8_t head[8] = {8, 0, 0, 0, (uint8_t)(l->second >> 16), (uint8_t)(l->second >> 8), (uint8_t)l->second};
    static uint8_t room[65536];
    uint16_t length = (uint16_t)(LIBNET_UDP_H + 8 + in->size), port = (uint16_t)(49152 + in->data[11]);
    put_behind(s, head, in, room);
    built(s, libnet_build_udp(port, PORT_VXLAN, length, 0, NULL, 0, s->net, 0));
    outer(s, out, in, l->first == 6, IPPROTO_UDP, length);
}

static struct layer layer(const char *text) {
    static const struct {
        const char *name;
        void (*put)(struct sender *, struct frames *, const struct frame *, const struct layer *);
    } kinds[] = {
        {"vlan", put_vlan}, {"mpls", put_mpls},     {"fragment", put_fragments}, {"ipip", put_ipip},
        {"gre", put_gre},   {"erspan", put_erspan}, {"vxlan", put_vxlan},
    };
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (length == 0 || strlen(kinds[k].name) != length || strncmp(text, kinds[k].name, length) != 0)
            continue;
        char *end;
        struct layer l = {.put = kinds[k].put, .first = strtoul(colon + 1, &end, 10)};
        if (*end == ':')
            l.second = strtoul(end + 1, &end, l.put == put_vlan ? 16 : 10);
        if (*end != '\0' || (l.put == put_fragments && (l.first == 0 || l.first % 8 != 0)))
            break;
        return l;
    }
    die(text, "no such layer; see the head of send.c");
    abort();
}

static struct stacks stacks_of(char *const *words) {
    struct stacks s = {.count = 1, .chance = 1};
    for (; *words; words++) {
        struct stack *last = &s.list[s.count - 1];
        if (strcmp(*words, "/") == 0 && s.count < STACKS_MAX)
            s.count++;
        else if (last->count < LAYERS_MAX)
            last->layers[last->count++] = layer(*words);
        else
            die(*words, "too much");
    }
    return s;
}

static void release(struct frames *f) {
    for (size_t k = 0; k < f->count; k++)
        if (!f->list[k].borrowed)
            free(f->list[k].data);
    f->count = 0;
}

static void transmit(struct sender *s, const struct frame *f) {
    while (libnet_adv_write_link(s->net, f->data, f->size) != (int)f->size) {
        if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            die("sending", strerror(errno));
        usleep(50); /* the interface's queue is full */
    }
    s->frames++;
    s->bytes += f->size;
}

static void send_one(struct sender *s, struct frame frame, const struct stack *stack) {
    static struct frames hold[2];
    struct frames *now = &hold[0], *next = &hold[1];
    now->list[now->count++] = frame;
    for (size_t l = 0; l < stack->count; l++) {
        for (size_t k = 0; k < now->count; k++)
            stack->layers[l].put(s, next, &now->list[k], &stack->layers[l]);
        release(now);
        struct frames *swap = now;
        now = next;
        next = swap;
    }
    for (size_t k = 0; k < now->count; k++)
        transmit(s, &now->list[k]);
    release(now);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t when_ns) {
    struct timespec t = {.tv_sec = (time_t)(when_ns / SECOND_NS), .tv_nsec = (long)(when_ns % SECOND_NS)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

struct pace {
    bool as_captured;
    unsigned long per_second;
    uint64_t start_ns, first_ns, packets;
};

static void keep_pace(struct pace *p, const struct pcap_pkthdr *head) {
    uint64_t time_ns =
        (uint64_t)head->ts.tv_sec * SECOND_NS + (uint64_t)head->ts.tv_usec; /* nanoseconds, as was asked */
    if (p->packets++ == 0) {
        p->first_ns = time_ns;
        p->start_ns = now_ns();
    } else if (p->as_captured && time_ns > p->first_ns) {
        wait_until(p->start_ns + time_ns - p->first_ns);
    } else if (p->per_second) {
        wait_until(p->start_ns + (p->packets - 1) * SECOND_NS / p->per_second);
    }
}

static const struct stack *next_stack(struct stacks *s) {
    s->chance = s->chance * 1664525 + 1013904223;
    return &s->list[(s->chance >> 16) % s->count];
}

static void send_all(struct sender *s, const char *path, struct pace *pace, struct stacks *stacks) {
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *capture = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!capture)
        die(path, why);
    if (pcap_datalink(capture) != DLT_EN10MB)
        die(path, "is no capture of Ethernet");
    struct pcap_pkthdr *head;
    const u_char *data;
    int got;
    while ((got = pcap_next_ex(capture, &head, &data)) == 1) {
        if (head->caplen < head->len)
            die(path, "a packet is cut by the snap length");
        keep_pace(pace, head);
        struct frame frame = {.data = (uint8_t *)(uintptr_t)data, .size = head->caplen, .borrowed = true};
        send_one(s, frame, next_stack(stacks));
    }
    if (got != PCAP_ERROR_BREAK)
        die(path, pcap_geterr(capture));
    pcap_close(capture);
}

int main(int argc, char **argv) {
    struct pace pace = {0};
    int option;
    while ((option = getopt(argc, argv, "pr:")) != -1) {
        if (option == 'p')
            pace.as_captured = true;
        else if (option != 'r' || (pace.per_second = strtoul(optarg, NULL, 10)) == 0)
            argc = 0;
    }
    if (argc - optind < 2)
        die("usage", "send [-p | -r PACKETS] INTERFACE CAPTURE [LAYER ... [/ LAYER ...] ...]");
    struct stacks stacks = stacks_of(argv + optind + 2);
    char why[LIBNET_ERRBUF_SIZE];
    struct sender sender = {.net = libnet_init(LIBNET_LINK_ADV, argv[optind], why)};
    if (!sender.net)
        die(argv[optind], why);
    uint64_t start = now_ns();
    send_all(&sender, argv[optind + 1], &pace, &stacks);
    printf("{\"packets\": %ju, \"frames\": %ju, \"bytes\": %ju, \"seconds\": %.6f}\n", (uintmax_t)pace.packets,
           (uintmax_t)sender.frames, (uintmax_t)sender.bytes, (double)(now_ns() - start) / SECOND_NS);
    libnet_destroy(sender.net);
    return 0;
}
