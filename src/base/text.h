/* Reads struct text a character at a time, whatever its encoding. Pure functions; nothing is kept. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

#include "view.h"

enum {
    TEXT_REPLACEMENT = 0xFFFD,
    TEXT_BAD = 0x110000, /* above every character: bytes that are none (an unpaired surrogate, broken UTF-8) */
    TEXT_ODD = 0x110001, /* the odd last byte of UTF-16: no text at all (MS-DTYP 2.3.14) */
};

/* The character at *pos, which must be inside the text, or TEXT_BAD or TEXT_ODD; *pos moves past it, a byte at least. Of
 * broken UTF-8 the longest prefix that could have become a character is one TEXT_BAD (Unicode 15, 3.9, table 3-8). */
uint32_t text_next(struct text, size_t *pos);

/* The first position at or after pos where a character begins, for a reader that starts in the middle. */
size_t text_align(struct text, size_t pos);

/* The text as UTF-8 for a terminal, NUL-terminated, cut at a character to fit size bytes: what is no text, or would move the
 * cursor or turn the writing direction round, becomes U+FFFD. Returns the length without the NUL. size is at least 1. */
size_t text_to_utf8(struct text, char *to, size_t size);

#endif
