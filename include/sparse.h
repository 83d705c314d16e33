/* Memory that is zeroes for the most part, written without them: in words of eight bytes, of each no more bytes than its value needs. For
 * what lies about for a while and is seldom looked at. */
#ifndef SPARSE_H
#define SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

enum { SPARSE_WORD = 8, SPARSE_SLACK = 8 };
/* The most that so many words take, bytes. */
#define SPARSE_ROOM(words) ((words) * (SPARSE_WORD + 1) + SPARSE_SLACK)

/* to: SPARSE_ROOM(words). Returns how many bytes it wrote, not counting SPARSE_SLACK that it may scribble over. */
size_t sparse_write(const void *from, size_t words, uint8_t *to);
/* What sparse_write wrote, into zeroes. SPARSE_SLACK bytes behind it are read, whatever they are. */
void sparse_read(struct view, void *to);

#endif
