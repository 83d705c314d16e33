/* All outputs of a run, as the thread that numbers records sees them: sinks, what was lost on each, figures, orders. Standard output is
 * written here, and so is the file of a replay; each of the others has a process of its own. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

#include "delivery/output_settings.h"
#include "figures.h"
#include "sandbox.h"
#include "sink.h"

enum { OUTPUTS_WHY_SIZE = 512, OUTPUTS_POLL = FIGURES_OUTPUTS_MAX + 1 };

struct outputs;

struct outputs_settings {
    const struct output_settings *list; /* outlives it; at most FIGURES_OUTPUTS_MAX */
    size_t count;
    const struct sandbox_settings *sandbox;
    uint64_t run_id;
    bool live; /* what finds no room is refused, see outputs_late; else it is waited for, until stop */
    const volatile sig_atomic_t *stop; /* of a replay: somebody wants the end */
};

/* Starts the processes: before the sandbox and before the first thread. 0, or a negative errno and a line. */
__attribute__((warn_unused_result)) int outputs_start(struct outputs **, const struct outputs_settings *,
                                                      char why[OUTPUTS_WHY_SIZE]);
/* What is no output's process is written to this descriptor, which is the outputs' from now on: the i-th is standard output, or a replay's
 * file. 0 or a negative errno. */
__attribute__((warn_unused_result)) int outputs_attach(struct outputs *, size_t i, int fd);
/* Does the i-th want a descriptor? */
bool outputs_wants(const struct outputs *, size_t i);

size_t outputs_count(const struct outputs *);
const char *outputs_name(const struct outputs *, size_t i);
/* One for each, in their order. */
const struct sink *outputs_sinks(const struct outputs *);

/* Is one of them behind, and still waited for, see patience.h? Then a live run should wait where there is more room than before an output. */
bool outputs_late(struct outputs *);
/* Has it room for a record that must not be lost? */
bool outputs_roomy(const struct outputs *, size_t i);
/* What its own process lost; true, and it is forgotten. */
bool outputs_gap(struct outputs *, size_t i, struct gap *);
/* Is a record about a loss of its still to come? It does not end before that, while there is time. */
void outputs_owe(struct outputs *, size_t i, bool owes);
/* All but the records that were handed to it, and those of them that it had no room for. */
void outputs_figures(struct outputs *, size_t i, struct output_figures *);

/* Descriptors to wait for: there may be room again, or news of an output. */
unsigned outputs_poll(const struct outputs *, struct pollfd to[OUTPUTS_POLL]);
/* After one of them was readable, and each second: says what is wrong, once. NULL, or why nothing can go anywhere any more, in one word:
 * output_closed (standard output has no reader), output_ended (no process of an output is left). */
const char *outputs_look(struct outputs *);
/* Waits until what was handed to them went on, so that figures tell of it; so long at most. */
void outputs_settle(struct outputs *, uint64_t ns);
/* Files are opened anew. */
void outputs_reopen(struct outputs *);

/* Only lines that tell of the end come from now on: they are taken wherever there is room for them. */
void outputs_last(struct outputs *);
/* No more lines come but those of gaps, which news has to take and to tell: it is called when there may be some. All that can be
 * delivered is, for so long at most; UINT64_MAX: until stop. False: something was lost, which was said. */
bool outputs_finish(struct outputs *, uint64_t ns, void (*news)(void *), void *arg);
/* NULL is fine. */
void outputs_free(struct outputs *);

#endif
