/* The least that reading a capture can cost: libpcap hands out each packet, and one byte in 64 of it is touched. What smbtap
 * takes is told as a multiple of this. usage: loop CAPTURE */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_SIZE = 1 << 20, STRIDE = 64 };

struct totals {
    uint64_t packets, bytes, sum;
};

static void count(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes) {
    struct totals *t = (struct totals *)(void *)user;
    t->packets++;
    t->bytes += header->caplen;
    for (uint32_t i = 0; i < header->caplen; i += STRIDE) {
        t->sum += bytes[i];
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: loop CAPTURE\n", stderr);
        return 2;
    }
    char error[PCAP_ERRBUF_SIZE];
    FILE *file = fopen(argv[1], "rb");
    if (!file || setvbuf(file, NULL, _IOFBF, BUFFER_SIZE) != 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    pcap_t *capture = pcap_fopen_offline(file, error);
    if (!capture) {
        fprintf(stderr, "%s: %s\n", argv[1], error);
        return EXIT_FAILURE;
    }
    struct totals totals = {0};
    int result = pcap_loop(capture, -1, count, (unsigned char *)&totals);
    pcap_close(capture);
    printf("{\"packets\": %llu, \"bytes\": %llu, \"sum\": %llu}\n", (unsigned long long)totals.packets,
           (unsigned long long)totals.bytes, (unsigned long long)totals.sum);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
