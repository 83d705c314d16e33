#include "outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "json_writer.h"
#include "record.h"

enum { PREFIX_SIZE = 96, LINES = OUTLET_BATCH / RECORD_PREFIX_MAX }; /* no record is shorter than half of that */

struct state {
    bool broken;
    bool refused;   /* the last batch */
    struct gap gap; /* since it took one last; to 0: there is none */
    uint64_t taken, refusals;
};

struct outlet {
    const struct sink *sinks;
    size_t count, failed; /* failed: see outlet_failed */
    struct state *states; /* by sink */
    int error;
    uint64_t seq;                          /* the last one numbered */
    char prefix[PREFIX_SIZE + JSON_SLACK]; /* up to the number in record_id */
    size_t prefix_length;
    struct json_writer batch;
    struct line *lines; /* of the batch; where they lie in it is written before it is handed on */
    size_t line_count;
    struct line *chosen; /* those for one sink, and their bytes */
    char *chosen_bytes;
};

static void make_prefix(struct outlet *o, uint64_t run_id) {
    struct json_writer json = {.base = o->prefix, .size = PREFIX_SIZE};
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
    o->batch = (struct json_writer){.base = malloc(OUTLET_BATCH + JSON_SLACK), .size = OUTLET_BATCH};
    o->lines = calloc(LINES, sizeof(*o->lines));
    o->chosen = calloc(LINES, sizeof(*o->chosen));
    o->chosen_bytes = malloc(OUTLET_BATCH);
    if (o->states == NULL || o->batch.base == NULL || o->lines == NULL || o->chosen == NULL ||
        o->chosen_bytes == NULL) {
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

/* Is the batch for a sink as it is? A line that tells of a loss is another one to each. */
static bool wants_all(const struct outlet *o, const struct sink *to) {
    size_t i = 0;
    while (i < o->line_count && o->lines[i].gap == NULL && to->want(to->state, &o->lines[i])) {
        i++;
    }
    return i == o->line_count;
}

/* What of the batch is for a sink; of what was lost elsewhere it has nothing to tell again. */
static struct line_list choose(struct outlet *o, size_t sink) {
    const struct sink *to = &o->sinks[sink];
    struct line_list chosen = {o->chosen_bytes, 0, o->chosen, 0};
    for (size_t i = 0; i < o->line_count; i++) {
        const struct line *from = &o->lines[i];
        if (to->want(to->state, from)) {
            struct line *l = &o->chosen[chosen.count++];
            *l = *from;
            l->gap = from->gap_sink == sink || from->gap_sink == SINK_EACH ? from->gap : NULL;
            l->text = memcpy(o->chosen_bytes + chosen.n, from->text, from->length + 1);
            chosen.n += from->length + (size_t)1;
        }
    }
    return chosen;
}

static void note_refusal(struct state *s, const struct line_list *lines) {
    s->gap.from = s->gap.to != 0 ? s->gap.from : lines->list[0].seq;
    s->gap.to = lines->list[lines->count - 1].seq;
    s->gap.count += lines->count;
    s->refusals += lines->count;
}

static void hand_on_to(struct outlet *o, size_t sink) {
    struct state *s = &o->states[sink];
    const struct line_list all = {o->batch.base, o->batch.used, o->lines, o->line_count};
    const struct sink *to = &o->sinks[sink];
    const struct line_list lines = to->want && !wants_all(o, to) ? choose(o, sink) : all;
    if (s->broken || lines.count == 0) {
        return;
    }
    int error = to->write(to->state, &lines);
    s->refused = error == -EAGAIN;
    if (s->refused) {
        note_refusal(s, &lines);
    } else if (error < 0) {
        note_failure(o, sink, error);
    } else {
        s->taken += lines.count;
    }
}

static void hand_on(struct outlet *o) {
    for (size_t i = 0; i < o->count && o->line_count != 0; i++) {
        hand_on_to(o, i);
    }
    o->batch.used = 0;
    o->line_count = 0;
}

int outlet_line(struct outlet *o, const struct line *line) {
    static const char between[] = "\",\"seq\":";
    assert(line->length != 0 && line->length <= RECORD_MAX - RECORD_PREFIX_MAX);
    struct json_writer *batch = &o->batch;
    if (batch->size - batch->used < RECORD_MAX + 1 || o->line_count == LINES) {
        hand_on(o);
    }
    size_t begin = batch->used;
    o->seq++;
    json_raw(batch, o->prefix, o->prefix_length);
    char *seq = json_end(batch), *end = digits_uint(seq, o->seq);
    size_t digits = (size_t)(end - seq);
    memcpy(end, between, sizeof(between) - 1);
    end = digits_copy(end + sizeof(between) - 1, seq, digits);
    *end++ = ',';
    json_wrote(batch, end);
    assert(batch->used - begin <= RECORD_PREFIX_MAX);
    json_raw(batch, line->text, line->length);
    struct line *kept = &o->lines[o->line_count++];
    *kept = *line;
    kept->seq = o->seq;
    kept->text = batch->base + begin;
    kept->length = (uint16_t)(batch->used - begin);
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

void outlet_roomy(struct outlet *o, size_t sink) {
    o->states[sink].refused = false;
}

bool outlet_gap(struct outlet *o, size_t sink, struct gap *gap) {
    struct state *s = &o->states[sink];
    if (s->refused || s->gap.to == 0) {
        return false;
    }
    *gap = s->gap;
    gap->reason = GAP_OUTPUT_FULL;
    s->gap = (struct gap){0};
    return true;
}

uint64_t outlet_lost(const struct outlet *o, size_t sink) {
    return o->states[sink].gap.count;
}

uint64_t outlet_taken(const struct outlet *o, size_t sink) {
    return o->states[sink].taken;
}

uint64_t outlet_refusals(const struct outlet *o, size_t sink) {
    return o->states[sink].refusals;
}

bool outlet_refused(const struct outlet *o, size_t sink) {
    return o->states[sink].refused;
}

uint64_t outlet_skip(struct outlet *o, uint64_t n) {
    uint64_t first = o->seq + 1;
    hand_on(o); /* what was refused before is known then */
    o->seq += n;
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
        free(o->lines);
        free(o->chosen);
        free(o->chosen_bytes);
        free(o);
    }
}
