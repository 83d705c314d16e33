/* The program from frames to finished records, as the targets run it. Whatever the frames hold, each record must be JSON under the
 * schema, ASCII, and no longer than a record may be; numbers must rise by one; and all memory that was charged must be given back. */
#ifndef WHOLE_H
#define WHOLE_H

#include <stdbool.h>

#include "packet.h"

struct whole;

/* every_operation: --detail operations. ceiling: bytes that it may hold. */
struct whole *whole_new(bool every_operation, size_t ceiling);
void whole_frame(struct whole *, const struct frame *);
/* The capture is at its end. Checks what is left, and frees it. */
void whole_finish(struct whole *);

#endif
