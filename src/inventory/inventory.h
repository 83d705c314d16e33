/* Who speaks SMB1 to whom: gathered from what records say, a row for each server, client and outcome. */
#ifndef INVENTORY_H
#define INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

/* Connections that used SMB1, and rows. At the first limit the connection that was quiet for longest goes into its row before its
 * end was seen; what finds no row is counted. Names of each kind that a connection and a row keep, and bytes of one; a list that is
 * full says so. */
enum {
    INVENTORY_FLOWS_MAX = 16384,
    INVENTORY_ROWS_MAX = 8192,
    INVENTORY_FLOW_NAMES_MAX = 16,
    INVENTORY_ROW_NAMES_MAX = 64,
    INVENTORY_NAME_MAX = 128,
};

/* What one record says. Texts are UTF-8 and live during the call; NULL: it says nothing of that. */
struct sighting {
    uint64_t time_ns, end_ns; /* when it began and ended; end_ns 0: it does not say */
    const char *flow_id, *client, *server, *server_name;
    bool message, end; /* an operation; the end of a connection */
    uint64_t version;
    const char *command, *dialect, *native_os, *native_os_client, *share;
    bool offers, offers_smb2; /* dialects of an SMB1 NEGOTIATE */
    bool answered, succeeded; /* there is a response; and it is STATUS_SUCCESS */
    bool request_lost;        /* it came alone */
    bool unasked;             /* the server's own message */
    bool gap;                 /* bytes of it are missing */
    bool server_closed;       /* end: the server's FIN or RST came first, and nothing it sent was missed */
    uint64_t in_bytes;        /* end: server to client */
};

/* What became of it: an attempt is no use, so the three are never added up. */
enum outcome { OUTCOME_ANSWERED, OUTCOME_REFUSED, OUTCOME_UNANSWERED, OUTCOMES };

/* Names in the order they came, each once whatever its case. */
struct name_list {
    char **items;
    unsigned count;
    bool more; /* than there was room for */
    unsigned room;
};

struct inventory_row {
    char *server, *client; /* addresses */
    char *server_name;     /* NULL: none is known */
    enum outcome outcome;
    uint64_t first_ns, last_ns;
    uint64_t connections, sessions;
    struct name_list dialects, server_systems, client_systems, shares;
};

struct inventory;

/* since_ns: look at the time before the newest record only; 0: at all of it. What is kept is charged to the budget, the caller's, which
 * outlives it; where that is spent the quietest connection goes into its row, names are left out, and then rows. NULL without memory. */
struct inventory *inventory_new(uint64_t since_ns, struct budget *);
void inventory_take(struct inventory *, const struct sighting *);
/* Something happened then, whatever it was. */
void inventory_clock(struct inventory *, uint64_t time_ns);
/* The rows, by server, client and outcome: count of them, the inventory's. Nothing is taken after. */
const struct inventory_row *inventory_rows(struct inventory *, size_t *count);
/* Connections that found no row. */
uint64_t inventory_left_out(const struct inventory *);
/* Takes NULL. */
void inventory_free(struct inventory *);

#endif
