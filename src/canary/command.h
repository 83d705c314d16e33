/* smbtap canary: sends one made-up conversation, and waits for its record. */
#ifndef CANARY_COMMAND_H
#define CANARY_COMMAND_H

/* argv[0] is "canary". The program's exit status: 0 it was sent, or its record arrived; 1 it could not be sent, or did not arrive in
 * time; 2 wrong usage; but for 0 after one line on standard error. What it printed is to be flushed. */
int canary_run(int argc, char **argv);

#endif
