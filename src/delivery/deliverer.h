/* What the process of an output does: it takes lines from the channel, keeps them where the receiver is not ready, and delivers them. */
#ifndef DELIVERER_H
#define DELIVERER_H

#include "delivery/channel.h"
#include "delivery/output_settings.h"

enum { DELIVERER_WHY_SIZE = 512 };

struct deliverer;

struct deliverer_settings {
    const struct output_settings *output; /* outlives it, as the channel does */
    struct channel *channel;
    uint64_t run_id; /* first part of every record_id; 0: the first record tells */
    int life;        /* a descriptor that hangs up when the maker of lines is gone */
    bool live;
};

/* Opens what it delivers to, as far as this process alone can: files, keys, the spool. 0, or a negative errno and a line that says what
 * is wrong and what helps. */
__attribute__((warn_unused_result)) int deliverer_new(struct deliverer **, const struct deliverer_settings *,
                                                      char why[DELIVERER_WHY_SIZE]);
/* Until it was told to stop, or the maker is gone. The exit status: 0, or that of failure, where something was lost at the end. */
int deliverer_run(struct deliverer *);
/* NULL is fine. */
void deliverer_free(struct deliverer *);

#endif
