#include "outlet.h"

#include <assert.h>
#include <stdlib.h>

#include "json_writer.h"
#include "record.h"

struct outlet {
    const struct sink *sinks;
    size_t count, failed; /* failed: see outlet_failed */
    bool *broken;         /* by sink */
    int error;
    uint64_t seq;
    char prefix[96]; /* up to the number in record_id */
    size_t prefix_length;
    struct json_writer batch;
};

static void make_prefix(struct outlet *o, uint64_t run_id) {
    struct json_writer json = {.base = o->prefix, .size = sizeof(o->prefix)};
    json_literal(&json, "{\"schema_version\":\"1.0\",\"record_id\":\"");
    json_hex(&json, run_id, 16);
    json_char(&json, '-');
    o->prefix_length = json.used;
}

struct outlet *outlet_new(uint64_t run_id, const struct sink *sinks, size_t count) {
    struct outlet *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->broken = calloc(count ? count : 1, sizeof(*o->broken));
    o->batch = (struct json_writer){.base = malloc(OUTLET_BATCH), .size = OUTLET_BATCH};
    if (o->broken == NULL || o->batch.base == NULL) {
        outlet_free(o);
        return NULL;
    }
    o->sinks = sinks;
    o->count = count;
    o->failed = count;
    make_prefix(o, run_id);
    return o;
}

static void note_failure(struct outlet *o, size_t sink, int error) {
    o->broken[sink] = true;
    if (o->error == 0) {
        o->error = error;
        o->failed = sink;
    }
}

static void hand_on(struct outlet *o) {
    for (size_t i = 0; i < o->count && o->batch.used != 0; i++) {
        int error = o->broken[i] ? 0 : o->sinks[i].write(o->sinks[i].state, o->batch.base, o->batch.used);
        if (error < 0) {
            note_failure(o, i, error);
        }
    }
    o->batch.used = 0;
}

int outlet_line(struct outlet *o, const char *line, size_t n) {
    assert(n <= RECORD_MAX - RECORD_PREFIX_MAX);
    struct json_writer *batch = &o->batch;
    if (batch->size - batch->used < RECORD_MAX + 1) {
        hand_on(o);
    }
    size_t begin = batch->used;
    o->seq++;
    json_raw(batch, o->prefix, o->prefix_length);
    json_uint(batch, o->seq);
    json_literal(batch, "\",\"seq\":");
    json_uint(batch, o->seq);
    json_char(batch, ',');
    assert(batch->used - begin <= RECORD_PREFIX_MAX);
    json_raw(batch, line, n);
    json_char(batch, '\n');
    assert(!batch->overflowed);
    return o->error;
}

int outlet_flush(struct outlet *o) {
    hand_on(o);
    for (size_t i = 0; i < o->count; i++) {
        int error = o->broken[i] ? 0 : o->sinks[i].flush(o->sinks[i].state);
        if (error < 0) {
            note_failure(o, i, error);
        }
    }
    return o->error;
}

uint64_t outlet_records(const struct outlet *o) {
    return o->seq;
}

size_t outlet_failed(const struct outlet *o) {
    return o->failed;
}

void outlet_free(struct outlet *o) {
    if (o != NULL) {
        free(o->broken);
        free(o->batch.base);
        free(o);
    }
}
