/* What a transport has to know of a record and finds in its JSON text. */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include "sink.h"
#include "view.h"

enum { RECORD_TEXT_NAME_MAX = 32 }; /* bytes of a member's name, at most */

/* The text of the first member of that name whose value is text, as it is written, without its quotes; borrowed from the line. Without p:
 * it has none.
 *
 * A quote within a JSON text has a backslash in front of it (RFC 8259, 7), so that "name":" with all its quotes bare is nothing but a
 * member. It looks into objects in objects as well, and does not undo escapes: it is for members that have none. */
struct view record_text_find(const struct line *, const char *name);

#endif
