#include "outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "json_writer.h"
#include "record.h"

struct state {
    bool broken;
    bool refused;          /* the last batch */
    struct outlet_gap gap; /* since it took one last; to 0: there is none */
};

struct outlet {
    const struct sink *sinks;
    size_t count, failed; /* failed: see outlet_failed */
    struct state *states; /* by sink */
    int error;
    uint64_t seq, handed_on; /* the last one numbered; the last that sinks were asked to take */
    char prefix[96];         /* up to the number in record_id */
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
    o->states = calloc(count ? count : 1, sizeof(*o->states));
    o->batch = (struct json_writer){.base = malloc(OUTLET_BATCH), .size = OUTLET_BATCH};
    if (o->states == NULL || o->batch.base == NULL) {
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
    o->states[sink].broken = true;
    if (o->error == 0) {
        o->error = error;
        o->failed = sink;
    }
}

static void hand_on_to(struct outlet *o, size_t sink) {
    struct state *s = &o->states[sink];
    int error = s->broken ? 0 : o->sinks[sink].write(o->sinks[sink].state, o->batch.base, o->batch.used);
    s->refused = error == -EAGAIN;
    if (s->refused) {
        s->gap.from = s->gap.to != 0 ? s->gap.from : o->handed_on + 1;
        s->gap.to = o->seq;
        s->gap.count += o->seq - o->handed_on;
    } else if (error < 0) {
        note_failure(o, sink, error);
    }
}

static void hand_on(struct outlet *o) {
    for (size_t i = 0; i < o->count && o->batch.used != 0; i++) {
        hand_on_to(o, i);
    }
    o->batch.used = 0;
    o->handed_on = o->seq;
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
        int error = o->states[i].broken ? 0 : o->sinks[i].flush(o->sinks[i].state);
        if (error < 0) {
            note_failure(o, i, error);
        }
    }
    return o->error;
}

bool outlet_gap(struct outlet *o, size_t sink, struct outlet_gap *gap) {
    struct state *s = &o->states[sink];
    if (s->refused || s->gap.to == 0) {
        return false;
    }
    *gap = s->gap;
    s->gap = (struct outlet_gap){0, 0, 0};
    return true;
}

uint64_t outlet_lost(const struct outlet *o, size_t sink) {
    return o->states[sink].gap.count;
}

bool outlet_refused(const struct outlet *o, size_t sink) {
    return o->states[sink].refused;
}

uint64_t outlet_skip(struct outlet *o, uint64_t n) {
    uint64_t first = o->seq + 1;
    hand_on(o); /* a batch is without holes */
    o->seq += n;
    o->handed_on = o->seq;
    return first;
}

uint64_t outlet_records(const struct outlet *o) {
    return o->seq;
}

size_t outlet_failed(const struct outlet *o) {
    return o->failed;
}

void outlet_free(struct outlet *o) {
    if (o != NULL) {
        free(o->states);
        free(o->batch.base);
        free(o);
    }
}
