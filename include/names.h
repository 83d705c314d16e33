/* The specifications' names for the numbers on the wire.
 *
 * Purpose: turn a value into the name that stands in a record. Every table is constant, made at compile time from
 * include/tables/, where each file says which section of which specification it holds.
 *
 * Ownership: tables and names are static; nothing is allocated, nothing is freed, and a name may be kept for ever.
 * Errors: none. A value without a name is NULL, and what to write then (hex, mostly) is the caller's choice.
 *
 * The convention of include/tables/ *.def: a file holds rows of one macro, called as the file is in capitals, and
 * ascending. Who includes one defines the macro before and undefines it after; the file does neither, so that it
 * can be included again for something else:
 *
 *     #define NTSTATUS(value, name) { value, #name },
 *     #include "tables/ntstatus.def"
 *     #undef NTSTATUS
 *
 * The same numbers as constants are in constants.h.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

struct name_row {
    uint32_t value;
    const char *name;
};

struct name_table {
    const struct name_row *rows; /* ascending by value, each value once */
    size_t count;                /* at least 1 */
};

/* The name of value, or NULL. In a table of bits the value is one bit; walk the rows to name a whole mask. */
const char *names_find(const struct name_table *table, uint32_t value);

/* Commands, as records spell them: "SMB2_CREATE". */
extern const struct name_table names_smb2_command; /* MS-SMB2 2.2.1 */

/* Statuses and control codes. */
extern const struct name_table names_ntstatus; /* MS-ERREF 2.3.1 */
extern const struct name_table names_fsctl;    /* MS-FSCC 2.3, MS-SMB2 2.2.31 */

/* Bits. */
extern const struct name_table names_access_mask_file;      /* MS-SMB2 2.2.13.1.1: files, pipes, printers */
extern const struct name_table names_access_mask_directory; /* MS-SMB2 2.2.13.1.2 */
extern const struct name_table names_file_attribute;        /* MS-FSCC 2.6 */

#endif
