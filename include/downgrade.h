/* Signs of a downgrade, as bits of an operation, a connection and an event: rows of tables/downgrade_sign.def. */
#ifndef DOWNGRADE_H
#define DOWNGRADE_H

#include <stdbool.h>

enum downgrade_sign {
#define DOWNGRADE_SIGN(bit, id, name, told) DOWNGRADE_##id = bit,
#include "tables/downgrade_sign.def"
#undef DOWNGRADE_SIGN
};

/* Those that always have a record. */
enum {
    DOWNGRADE_TOLD = 0
#define DOWNGRADE_SIGN(bit, id, name, told) | ((told) ? bit : 0)
#include "tables/downgrade_sign.def"
#undef DOWNGRADE_SIGN
};

#endif
