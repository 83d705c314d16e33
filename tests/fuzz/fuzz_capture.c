/* The whole program but its options and files: the input is a capture file. An odd size asks for the shorter detail, and one of three
 * sizes gives so little memory that it is always at its end. */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

#include "whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_CEILING = 64 << 20, SCANT = 384 << 10 };

static void feed(pcap_t *capture, struct whole *whole) {
    struct frame frame = {.link_type = pcap_datalink(capture)};
    uint64_t unit = pcap_get_tstamp_precision(capture) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    while (pcap_next_ex(capture, &header, &bytes) == 1) {
        frame.bytes = (struct view){bytes, header->caplen};
        frame.wire_length = header->len;
        frame.at.frame++;
        frame.at.time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec * unit;
        whole_frame(whole, &frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char error[PCAP_ERRBUF_SIZE];
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
    pcap_t *capture = file ? pcap_fopen_offline(file, error) : NULL;
    if (!capture) {
        if (file) {
            fclose(file);
        }
        return 0;
    }
    struct whole *whole = whole_new(size % 2 == 0, size % 3 == 0 ? SCANT : MEMORY_CEILING);
    feed(capture, whole);
    whole_finish(whole);
    pcap_close(capture);
    return 0;
}
