/* The process of one output: two of them, in truth. The first does nothing but start the second, again when that one crashed; the second is
 * in a sandbox that lets it reach files and networks, but start nothing, and runs the deliverer (delivery/deliverer.h). What is in the
 * channel outlives either. */
#ifndef OUTPUT_PROCESS_H
#define OUTPUT_PROCESS_H

#include "delivery/channel.h"
#include "delivery/output_settings.h"
#include "sandbox.h"

enum { OUTPUT_PROCESS_WHY_SIZE = 512 };

struct output_process;

struct output_process_settings {
    const struct output_settings *output; /* outlives it */
    const struct sandbox_settings *sandbox;
    uint64_t run_id;
    bool live;
};

/* Before the sandbox and before the first thread; returns once the output is opened. 0, or a negative errno and a line. */
__attribute__((warn_unused_result)) int output_process_start(struct output_process **,
                                                             const struct output_process_settings *,
                                                             char why[OUTPUT_PROCESS_WHY_SIZE]);
struct channel *output_process_channel(const struct output_process *);
/* False: it came to its end; the status is its exit status then. */
bool output_process_runs(struct output_process *, int *status);
/* A descriptor that is readable when it came to its end. */
int output_process_life(const struct output_process *);
/* Its maker is done with it, and does not wait. NULL is fine. */
void output_process_free(struct output_process *);

#endif
