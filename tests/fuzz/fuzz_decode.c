/* Any bytes as a frame of any link type: the first byte chooses it, the second how much the snap length cut off. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/decode/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int link_types[] = {1, 113, 276, 12, 228, 229, 0, 108};
    if (size < 2) {
        return 0;
    }
    size_t n = size - 2;
    uint8_t *copy = malloc(n + (n == 0));
    assert(copy);
    memcpy(copy, data + 2, n);
    struct frame frame = {{copy, n}, (uint32_t)n + data[1], link_types[data[0] % 8], {1, 1}};
    struct packet packet;
    struct stats *stats = calloc(1, sizeof *stats);
    assert(stats);
    if (decode_frame(&frame, &packet, stats) == V_OK) {
        assert(packet.payload.n <= packet.payload_length);
        assert(packet.payload.n == 0 || (packet.payload.p >= copy && packet.payload.p + packet.payload.n <= copy + n));
        assert(packet.link.vlan_count <= VLAN_MAX);
    }
    free(stats);
    free(copy);
    return 0;
}
