/* operation -> event: which facts a record carries. An event borrows from its operation and from the maker; both must live until
 * it was written. */
#ifndef MAKER_H
#define MAKER_H

#include "event.h"
#include "operation.h"

/* records.md, Detail */
enum detail { DETAIL_HANDLES, DETAIL_OPERATIONS };

enum { MAKER_TEXTS = 64, EXTENSION_MAX = 16 };

struct event_maker {
    struct event event;
    /* what facts borrow beside the operation: parts of joined texts, the extension in lower case, names of contexts */
    struct text texts[MAKER_TEXTS];
    unsigned text_count;
    uint8_t extension[EXTENSION_MAX * 2];
    uint8_t drive[3];
    uint64_t fault_counts[FRAMER_FAULTS + VERDICTS];
};

/* Does this detail have a record for the operation? */
bool maker_wants(const struct operation *, enum detail);
/* Makes maker->event. */
void maker_operation(struct event_maker *, const struct operation *, enum detail);
void maker_flow_start(struct event_maker *, const struct connection_facts *);
void maker_flow_end(struct event_maker *, const struct connection_facts *, enum flow_end_reason, struct moment);

/* paths.c: what follows from a share's path and a file's name */
void maker_share(struct event_maker *, const struct tree_facts *);
/* name has no leading backslash; empty is the share's root. */
void maker_file(struct event_maker *, const struct tree_facts *, struct text name, bool directory);
/* Room for count texts that live as long as the event; NULL where there is none left. */
struct text *maker_texts(struct event_maker *, unsigned count);

/* details.c: the facts of each command */
void maker_details(struct event_maker *, const struct operation *);

#endif
