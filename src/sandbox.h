/* What the program gives up before the first byte that strangers made: the user who started it, every capability, and all system calls
 * but those that decoding needs. Files are opened by the broker (broker.h) from then on.
 *
 * What fails is told twice: by a negative errno, and by one line for a person with the remedy. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SANDBOX_USER "smbtap" /* who it is, unless --user says otherwise */

enum { SANDBOX_WHY_SIZE = 512 };

struct sandbox_settings {
    const char *user; /* NULL: SANDBOX_USER; of no matter where root did not start it */
    bool enabled;     /* false: --no-sandbox; nothing is given up, and that is said aloud */
    /* Threads and sockets as a sensor needs, and the user must be there. A replay takes nobody where it is not. */
    bool live;
};

/* For the whole process, which has one thread yet; there is no way back. Forbidden system calls then end the process with SIGSYS:
 * among them all that open, execute, connect or fork. Libraries that open files when they are first used are used before. */
__attribute__((warn_unused_result)) int sandbox_enter(const struct sandbox_settings *, char *why, size_t why_size);

/* The same for the broker's process. Live it takes the identity of the user; for a replay it stays who started it, and keeps of root's
 * capabilities those that open files. makes: it also makes things (broker.h), which may need any system call. */
__attribute__((warn_unused_result)) int sandbox_enter_broker(const struct sandbox_settings *, bool makes, char *why,
                                                             size_t why_size);

/* Of an output's two processes (output_process.h). Of the one that starts the other: live it takes the identity of the user; a replay stays
 * who started it. */
__attribute__((warn_unused_result)) int sandbox_enter_keeper(const struct sandbox_settings *, char *why,
                                                             size_t why_size);
/* Of the other, on top of that: all that files, networks and threads take, and none that starts a program or looks into another. */
__attribute__((warn_unused_result)) int sandbox_enter_deliverer(const struct sandbox_settings *, char *why,
                                                                size_t why_size);
/* Who it becomes; false: it stays who it is. */
bool sandbox_identity(const struct sandbox_settings *, uid_t *user, gid_t *group);

#endif
