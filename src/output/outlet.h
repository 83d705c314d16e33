/* Takes finished lines, numbers them and hands them to the sinks in batches: one write for some hundred records. */
#ifndef OUTLET_H
#define OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink.h"

struct outlet;

enum { OUTLET_BATCH = 256 * 1024 }; /* bytes collected before the sinks are called */

/* The sinks stay the caller's and outlive the outlet. run_id is the first part of every record_id. NULL without memory. */
struct outlet *outlet_new(uint64_t run_id, const struct sink *sinks, size_t count);

/* One record: the text is record_write's, at most RECORD_MAX - RECORD_PREFIX_MAX bytes; its number is given here. 0, or the first error that a sink ever gave as
 * a negative errno: a sink that failed gets nothing more, the others go on. -EAGAIN is no failure: the sink had no room, what it was
 * to get is lost to it, and it is asked again with the next. */
__attribute__((warn_unused_result)) int outlet_line(struct outlet *, const struct line *);

/* Hands on what was collected and flushes the sinks: when the input pauses, and at the end. Same result. */
__attribute__((warn_unused_result)) int outlet_flush(struct outlet *);

/* Records taken so far; the last one's seq. */
uint64_t outlet_records(const struct outlet *);

/* It has room again, as its owner knows before it is given a line. */
void outlet_roomy(struct outlet *, size_t sink);

/* What a sink with no room has lost of what it wants, once it takes lines again. False: nothing, or it still does not; true, and it is
 * forgotten. */
bool outlet_gap(struct outlet *, size_t sink, struct gap *);
/* How many records that would tell of. */
uint64_t outlet_lost(const struct outlet *, size_t sink);

/* Records that it took since the start; and that it had no room for. */
uint64_t outlet_taken(const struct outlet *, size_t sink);
uint64_t outlet_refusals(const struct outlet *, size_t sink);

/* Did the sink have no room for what it was last given? */
bool outlet_refused(const struct outlet *, size_t sink);

/* Numbers for n records that were lost before they came here; the first of them. */
uint64_t outlet_skip(struct outlet *, uint64_t n);

/* The sink that failed first, by its place in the array; the count where none did. */
size_t outlet_failed(const struct outlet *);

/* Forgets what was not flushed. Takes NULL. */
void outlet_free(struct outlet *);

#endif
