/* The parser of RELP answers: what a receiver says is as hostile as it likes. Whole and cut at every byte it says the same, and it never
 * takes more than there is. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/relp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory of its own, so that a sanitizer sees a read behind it. */
static ssize_t parse(const uint8_t *data, size_t n, struct relp_answer *a) {
    char *copy = malloc(n ? n : 1);
    assert(copy);
    memcpy(copy, data, n);
    ssize_t taken = relp_parse(copy, n, a);
    assert(taken == -EBADMSG || (taken >= 0 && (size_t)taken <= n && taken <= RELP_ANSWER_MAX));
    if (taken > 0) {
        assert(a->n <= (size_t)taken && a->txnr <= RELP_TXNR_LAST && a->code <= 999);
        assert(a->text >= copy && a->text + a->n < copy + taken && copy[taken - 1] == '\n');
    }
    free(copy);
    return taken;
}

/* Once it is no frame, nothing that follows makes it one; and a frame is known by its last byte, and not before. */
static void cut(const uint8_t *data, size_t whole, ssize_t wanted) {
    struct relp_answer a;
    bool bad = false;
    for (size_t n = 0; n < whole; n++) {
        ssize_t taken = parse(data, n, &a);
        assert(taken <= 0 && (!bad || taken < 0));
        bad = taken < 0;
    }
    assert(!bad || wanted < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct relp_answer a;
    for (size_t at = 0; at < size;) {
        ssize_t taken = parse(data + at, size - at, &a);
        size_t most = size - at < RELP_ANSWER_MAX ? size - at : RELP_ANSWER_MAX;
        cut(data + at, taken > 0 ? (size_t)taken : most, taken);
        if (taken <= 0) {
            assert(taken < 0 || size - at < RELP_ANSWER_MAX);
            break;
        }
        at += (size_t)taken;
    }
    return 0;
}
