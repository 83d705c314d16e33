/* Whole transactions in the tests: putting their parts together, and having every truncation of each part asked and answered. */
#ifndef SMB1_TRANS_TEST_H
#define SMB1_TRANS_TEST_H

#include "smb1_wire.h"
#include "smb1_transaction.h"

struct trans {
    uint8_t command;
    bool unicode;
    uint16_t function;
    uint32_t parameter_offset;
    struct octets name, setup, parameters, data;
};

/* Empties it. TRANSACTION2 has its subcommand in setup, NT_TRANSACT as its function. */
void trans_begin(struct trans *, uint8_t command, bool unicode, uint16_t subcommand);
/* A string with its NUL in the encoding of t, not aligned. */
void trans_string(struct octets *, const struct trans *, const char *ascii);

/* All parts as they are: asserts the verdict. Before that, every truncation of each part, in memory of that size. */
struct smb1_transaction_request trans_ask(const struct trans *, enum verdict);
struct smb1_transaction_response trans_answer(const struct trans *, const struct smb1_subject *, enum verdict);

bool trans_says(const struct trans *, struct text, const char *ascii);

#endif
