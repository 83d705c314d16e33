/* smbtap events: which events of the Windows logs are seen, and in which records. */
#ifndef EVENTS_COMMAND_H
#define EVENTS_COMMAND_H

/* argv[0] is "events". The program's exit status: 0, or 2 wrong usage, after one line on standard error. What it printed is to be
 * flushed. */
int events_run(int argc, char **argv);

#endif
