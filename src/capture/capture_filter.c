#include "capture_filter.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>

static void one_of(FILE *to, const char *what, const uint16_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "%s %u", what, values[i]);
    }
}

#define ONE_OF(to, what, ...)                                            \
    do {                                                                 \
        static const uint16_t values[] = {__VA_ARGS__};                  \
        one_of(to, " or " what, values, sizeof values / sizeof *values); \
    } while (0)

static void ports_of(FILE *to, const uint16_t *ports, size_t count) {
    static const uint16_t defaults[] = {445, 139};
    if (!ports || count == 0) {
        ports = defaults;
        count = sizeof defaults / sizeof *defaults;
    }
    one_of(to, "tcp port", ports, 1);
    one_of(to, " or tcp port", ports + 1, count - 1);
}

/* IP where the filter's offsets stand, without what is wrapped by other means than IP. */
static void on_ip(FILE *to, const uint16_t *ports, size_t count) {
    ports_of(to, ports, count);
    /* Fragments without ports: of TCP, and of UDP, which may be a tunnel's. */
    fputs(" or (ip[6:2] & 0x1fff != 0 and (ip[9] = 6 or ip[9] = 17))", to);
    /* IP in IP, GRE, AH, MPLS; and for IPv6 its extension headers. */
    ONE_OF(to, "ip[9] =", 4, 41, 47, 51, 137);
    ONE_OF(to, "ip6[6] =", 0, 4, 41, 43, 44, 47, 51, 60, 137);
    ONE_OF(to, "udp dst port", 4789, 4790, 6081, 8472);
}

static void on_link(FILE *to, const uint16_t *ports, size_t count) {
    on_ip(to, ports, count);
    /* MPLS, PPPoE, and tags that libpcap does not know as such. */
    fputs(" or ether proto 0x8847 or ether proto 0x8848 or ether proto 0x8864", to);
    fputs(" or ether proto 0x9200 or ether proto 0x9300", to);
}

/* IP behind LLC and SNAP (RFC 1042). */
static void on_snap(FILE *to, unsigned tags) {
    unsigned at = 12 + 4 * tags;
    fprintf(to, " or (ether[%u:2] < 0x600 and ether[%u:4] = 0xaaaa0300 and ether[%u:2] = 0)", at, at + 2, at + 6);
}

static void on_ethernet(FILE *to, const uint16_t *ports, size_t count) {
    for (unsigned tags = 0; tags <= CAPTURE_FILTER_TAGS_MAX; tags++) {
        on_link(to, ports, count);
        on_snap(to, tags);
        /* The word vlan moves the offsets of all that is written behind it: that must be what is behind the tag. */
        fputs(tags < CAPTURE_FILTER_TAGS_MAX ? " or (vlan and (" : " or vlan", to);
    }
    for (unsigned tags = 0; tags < CAPTURE_FILTER_TAGS_MAX; tags++) {
        fputs("))", to);
    }
}

char *capture_filter(int link_type, const uint16_t *ports, size_t count) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) {
        return NULL;
    }
    if (link_type == DLT_EN10MB) {
        on_ethernet(to, ports, count);
    } else {
        on_link(to, ports, count);
        fputs(" or ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100", to);
    }
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
