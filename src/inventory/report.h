/* The inventory, written out. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "inventory/inventory.h"

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_CSV };

/* Columns of a table, at most. */
enum { REPORT_WIDTH = 100 };

/* Names come from the wire: in the table and in CSV what a terminal would act upon is U+FFFD, and a cell that a spreadsheet would
 * take for a formula has an apostrophe in front. */
void report_write(FILE *, enum report_format, const struct inventory_row *, size_t count);

#endif
