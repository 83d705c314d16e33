/* Memory in huge pages: where what is followed lies all over so much of it that the processor's table of pages is too small, each step costs
 * a walk through the system's. It is asked for them (Documentation/admin-guide/mm/transhuge.rst of Linux); one that does not have any gives
 * ordinary pages, and it is slower and no more. */
#ifndef HUGE_PAGE_H
#define HUGE_PAGE_H

#include <stddef.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Zeroed, and aligned to HUGE_PAGE; bytes: a multiple of it. NULL: no memory. */
void *huge_page_take(size_t bytes);
/* So much as was taken. */
void huge_page_give(void *memory, size_t bytes);

#endif
