/* Fuzzes the whole program but its output: the input is a capture file. Whatever it holds, every line must be ASCII and no longer
 * than a record may be, and all memory that was charged must be given back. */
#include <assert.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_CEILING = 64 << 20, SCANT = 384 << 10 };

static int check_line(void *arg, const struct event *event, const char *line, size_t n) {
    (void)arg;
    (void)event;
    assert(n <= RECORD_MAX);
    for (size_t i = 0; i < n; i++) {
        assert(line[i] >= ' ' && line[i] <= '~');
    }
    return 0;
}

static void feed(pcap_t *capture, struct pipeline *pipeline) {
    struct frame frame = {.link_type = pcap_datalink(capture)};
    uint64_t unit = pcap_get_tstamp_precision(capture) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    while (pcap_next_ex(capture, &header, &bytes) == 1) {
        frame.bytes = (struct view){bytes, header->caplen};
        frame.wire_length = header->len;
        frame.at.frame++;
        frame.at.time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec * unit;
        (void)!pipeline_frame(pipeline, &frame);
    }
    (void)!pipeline_finish(pipeline);
}

/* The same capture can be had in either detail: an odd size asks for the shorter one; and one of three sizes with so little memory
 * that it is always at its end. */
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
    struct budget memory = {.ceiling = size % 3 == 0 ? SCANT : MEMORY_CEILING};
    struct stats stats = {0};
    const struct pipeline_settings settings = {
        .every_operation = size % 2 == 0, .ports = {445, 139}, .port_count = 2, .sensor_id = "fuzz"};
    const struct pipeline_outlet outlet = {.line = check_line};
    struct pipeline *pipeline = pipeline_new(&settings, "fuzz", &outlet, &memory, &stats);
    assert(pipeline);
    feed(capture, pipeline);
    pipeline_free(pipeline);
    assert(memory.held == 0);
    pcap_close(capture);
    return 0;
}
