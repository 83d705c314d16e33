/* One clear line for a person, on standard error. Never called per packet: what the wire does is counted, not logged. */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_ERRORS, LOG_NOTES, LOG_DETAILS }; /* -q shows the first, -v all */

void log_set_level(enum log_level);
/* Tells whether a progress bar stands on the last line of the terminal; a line wipes it out first. */
void log_bar(bool drawn);
/* False: a line for which standard error has no room now is left out, and the next one that finds some says how many were; for whoever a
 * reader that stands still must not hold up. At first it is waited for. */
void log_waits(bool);
/* "smbtap: " and the text, one line: control characters in it become question marks, and the end of a long one is lost. */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level, const char *format, ...);
#define log_error(...) log_line(LOG_ERRORS, __VA_ARGS__)
#define log_note(...) log_line(LOG_NOTES, __VA_ARGS__)
#define log_detail(...) log_line(LOG_DETAILS, __VA_ARGS__)

#endif
