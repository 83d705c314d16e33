/* Information buffers, whose class the request says: the first byte here. The rest is the buffer, in memory of its own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/touch_view.h"
#include "fscc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    size_t n = size - 1;
    uint8_t *copy = malloc(n ? n : 1);
    assert(copy);
    memcpy(copy, data + 1, n);
    struct fscc_file out;
    memset(&out, 0, sizeof out);
    enum verdict v = fscc_file_information(data[0], (struct view){copy, n}, &out);
    assert(v < VERDICTS);
    if (v == V_OK) {
        touch_text(out.name);
    }
    free(copy);
    return 0;
}
