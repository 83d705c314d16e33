/* What a server answered otherwise than before, and opens that it closed for another client's. */
#include <arpa/inet.h>
#include <string.h>

#include "event/maker.h"

enum { CAPABILITY_RSS = 1, CAPABILITY_RDMA = 2 }; /* MS-SMB2 2.2.32.5 */

static const char *const columns[INTERFACE_COLUMNS] = {"index", "link_speed", "rss",    "rdma",
                                                       "added", "removed",    "altered"};

static struct text address_text(const struct address *a, char to[ADDRESS_TEXT]) {
    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, to, ADDRESS_TEXT);
    return (struct text){{(const uint8_t *)to, strlen(to)}, ENC_ASCII};
}

static uint64_t holds(bool is) {
    return is ? 1 : FACT_CELL_UNKNOWN;
}

static void interface_row(struct maker_interfaces *to, unsigned row, const struct interface_change *change) {
    const struct smb2_network_interface *n = &change->interface;
    const uint64_t cells[INTERFACE_COLUMNS] = {n->index,
                                               n->link_speed <= INT64_MAX ? n->link_speed : FACT_CELL_UNKNOWN,
                                               (n->capability & CAPABILITY_RSS) != 0,
                                               (n->capability & CAPABILITY_RDMA) != 0,
                                               holds(change->kind == INTERFACE_ADDED),
                                               holds(change->kind == INTERFACE_REMOVED),
                                               holds(change->kind == INTERFACE_ALTERED)};
    struct address address = {.family = n->family};
    memcpy(address.bytes, n->address, sizeof address.bytes);
    memcpy(to->cells[row], cells, sizeof cells);
    to->names[row] = address_text(&address, to->addresses[row]);
}

/* Those of other families have no address that could be told. */
static void interfaces(struct event_maker *m, const struct answer_change *change) {
    struct maker_interfaces *to = &m->interfaces;
    unsigned rows = 0;
    for (unsigned i = 0; i < change->interface_count && rows < MAKER_INTERFACES; i++) {
        uint8_t family = change->interfaces[i].interface.family;
        if (family == 4 || family == 6) {
            interface_row(to, rows++, &change->interfaces[i]);
        }
    }
    to->rows = (struct fact_rows){.names = to->names,
                                  .count = rows,
                                  .columns = columns,
                                  .column_count = INTERFACE_COLUMNS,
                                  .booleans = 0x7C, /* from rss on */
                                  .cells = to->cells[0]};
    if (rows != 0) {
        event_add(&m->event, FIELD_INTERFACE_CHANGES, FACT_ROWS)->rows = &to->rows;
    }
}

/* A server takes the highest dialect that both have: another one means another maximum. Where it refuses, or refused, it may have been
 * the minimum as well. */
static void dialect(struct event_maker *m, uint16_t before, const struct operation *op) {
    if (before == 0) {
        event_name(&m->event, FIELD_PREVIOUS_DIALECT, "refused");
        return;
    }
    event_named(&m->event, FIELD_PREVIOUS_DIALECT, before, &names_dialect, 3);
    if (op->response && op->response->header.status == STATUS_SUCCESS) {
        event_name(&m->event, FIELD_DIALECT_LIMIT, "maximum");
    }
}

void maker_changes(struct event_maker *m, const struct operation *op) {
    const struct answer_change *change = op->change;
    if (!change) {
        return;
    }
    if (change->has_dialect) {
        dialect(m, change->dialect_before, op);
    }
    if (change->has_cluster_dialect) {
        event_named(&m->event, FIELD_PREVIOUS_CLUSTER_DIALECT, change->cluster_dialect_before, &names_dialect, 3);
    }
    if (change->interface_count != 0) {
        interfaces(m, change);
    }
}

void maker_takeover(struct event_maker *m, const struct operation *op) {
    if (op->takeover && op->taken_over) {
        event_text(&m->event, FIELD_TAKEN_OVER_BY, address_text(&op->takeover->client, m->address));
    } else if (op->takeover) {
        event_file_id(&m->event, FIELD_TAKEN_OVER_FILE_ID, op->takeover->file_id);
        event_text(&m->event, FIELD_TAKEN_OVER_FROM, address_text(&op->takeover->client, m->address));
    }
}
