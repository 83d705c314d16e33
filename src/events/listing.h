/* The table of events, written out. */
#ifndef LISTING_H
#define LISTING_H

#include <stdio.h>

#include "inventory/report.h"

/* Columns of the table, at most, where no word is longer. */
enum { LISTING_COLUMNS = 100 };

void listing_write(FILE *, enum report_format);

#endif
