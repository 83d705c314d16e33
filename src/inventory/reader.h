/* Records read back, with jansson: what each says of SMB1 goes to the inventory. */
#ifndef READER_H
#define READER_H

#include <signal.h>
#include <stdio.h>

#include "inventory/inventory.h"

/* A line that is longer is no record of ours: they have 4,000 bytes at most. */
enum { READER_LINE_MAX = 65536 };

/* One record, n bytes. False where it is none. */
bool reader_record(struct inventory *, const char *line, size_t n);

/* All lines of a file until *stop. 0; -EBADMSG after one line on standard error, where some were no records and the others were
 * read; or another negative errno after such a line. name is for that line. */
int reader_file(struct inventory *, FILE *, const char *name, const volatile sig_atomic_t *stop);

#endif
