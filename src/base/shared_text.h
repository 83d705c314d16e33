/* A text that the model keeps: copied once from the wire, then shared by all who name the same thing. */
#ifndef SHARED_TEXT_H
#define SHARED_TEXT_H

#include <stdbool.h>

#include "budget.h"
#include "pool.h"
#include "view.h"

struct shared_text;

/* Where texts live: short ones in pools by size, long ones on their own. */
enum { SHARED_TEXT_SIZES = 4 };

/* Texts that are kept again and again; and how long they are at most, in bytes. */
enum { TEXT_COMMON_SLOTS = 64, TEXT_COMMON_LENGTH = 256 };

struct text_store {
    struct pool sizes[SHARED_TEXT_SIZES];
    struct budget *budget;
    struct shared_text *common[TEXT_COMMON_SLOTS]; /* as long as somebody else holds them */
};

void text_store_init(struct text_store *, struct budget *);
void text_store_free(struct text_store *);

/* A copy with one holder; NULL for an empty text, or where budget or memory is at its end. */
struct shared_text *text_keep(struct text_store *, struct text);
/* The same for what many say, such as a domain or a share: where it is one of the last that were kept so, and is still held, it is not
 * copied but has one more holder. */
struct shared_text *text_keep_common(struct text_store *, struct text);
/* One more holder; NULL stays NULL. */
struct shared_text *text_share(struct shared_text *);
/* One holder less; the last one frees it. NULL is fine. */
void text_drop(struct text_store *, struct shared_text *);
/* What it says; empty for NULL. Lives as long as a holder does. */
struct text text_of(const struct shared_text *);
/* Byte for byte, and to be read in the same way. */
bool text_same(struct text, struct text);

#endif
