/* OEM strings of SMB1: bytes of a code page that client and server agreed on elsewhere (MS-CIFS 2.2.1.1), turned into UTF-16. */
#ifndef CODE_PAGE_H
#define CODE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

#define CODE_PAGE_DEFAULT "CP850"

struct code_page;

/* By the name that iconv knows it by. NULL: there is no such code page, or no memory. */
struct code_page *code_page_open(const char *name);
/* NULL is fine. */
void code_page_close(struct code_page *);

/* Writes the text as UTF-16LE, two bytes a unit, as far as size goes, and returns the bytes written. A byte that means nothing in
 * the code page becomes a lone surrogate, so that a record calls it lossy. NULL for a code page knows ASCII alone. */
size_t code_page_to_utf16(struct code_page *, struct view, uint8_t *to, size_t size);

#endif
