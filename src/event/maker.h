/* operation -> event: which facts a record carries. An event borrows from its operation and from the maker; both must live until
 * it was written. */
#ifndef MAKER_H
#define MAKER_H

#include "event.h"
#include "operation.h"
#include "windows_event.h"

/* records.md, Detail */
enum detail { DETAIL_HANDLES, DETAIL_OPERATIONS };

enum { MAKER_TEXTS = 64, EXTENSION_MAX = 16, NTLM_VERSION_TEXT = 16 };

/* Events of the Windows logs that a record names, at most; conditions as bits, 64 in a word. */
enum { WINDOWS_RECORD_MAX = 32, WINDOWS_MET_WORDS = (WINDOWS_CONDITIONS + 63) / 64, WINDOWS_TOLD_BITS = 6 };

/* A longer list is written anew into each record. */
enum { WINDOWS_JSON_SIZE = 640 };

/* A set of conditions, its events, and these as they stand in a record. */
struct windows_told {
    uint64_t met[WINDOWS_MET_WORDS];
    unsigned count, json_length; /* json_length 0: there is no room for it */
    const struct windows_event *items[WINDOWS_RECORD_MAX];
    char json[WINDOWS_JSON_SIZE];
};

enum { MAKER_INTERFACES = 32, INTERFACE_COLUMNS = 7, ADDRESS_TEXT = 46 }; /* INET6_ADDRSTRLEN */

/* Interfaces of a server that changed, as far as a record has room for them. */
struct maker_interfaces {
    struct fact_rows rows;
    struct text names[MAKER_INTERFACES];
    char addresses[MAKER_INTERFACES][ADDRESS_TEXT];
    uint64_t cells[MAKER_INTERFACES][INTERFACE_COLUMNS];
};

/* Of an end record: its sessions and shares, as the facts of them borrow. */
enum { PROTECTION_ROWS = 16, SESSION_COLUMNS = 5, SHARE_COLUMNS = 3, SESSION_ID_TEXT = 32 };

struct protection_rows {
    char ids[PROTECTION_ROWS][SESSION_ID_TEXT];
    struct text session_names[PROTECTION_ROWS], share_names[PROTECTION_ROWS];
    uint64_t session_cells[PROTECTION_ROWS * SESSION_COLUMNS], share_cells[PROTECTION_ROWS * SHARE_COLUMNS];
    struct fact_rows sessions, shares;
};

struct event_maker {
    struct event event;
    /* what facts borrow beside the operation: parts of joined texts, the extension in lower case, names of contexts */
    struct text texts[MAKER_TEXTS];
    unsigned text_count;
    uint8_t extension[EXTENSION_MAX * 2];
    uint8_t drive[3];
    char versions[2][NTLM_VERSION_TEXT];
    char machine_id[2 * NTLM_MACHINE_ID_SIZE];
    uint64_t fault_counts[FRAMER_FAULTS + VERDICTS];
    char unnamed[16], unnamed_command[16]; /* what has no name, in hex */
    bool dfs;                              /* the operation's names may have the host and share in front */
    enum detail detail;
    uint64_t slow_ns; /* the caller's: an answer that is later is slow; 0: none is */
    uint64_t
        windows_met[WINDOWS_MET_WORDS]; /* conditions that hold of the operation or connection at hand, a bit each */
    struct windows_told windows_told[1 << WINDOWS_TOLD_BITS]; /* by a digest of the set; all zeroes: the empty one */
    char address[ADDRESS_TEXT];
    struct maker_interfaces interfaces;
    bool windows_indexed;
    struct windows_index windows_index;
    struct protection_rows protection;
};

/* Does this detail have a record for the operation? */
bool maker_wants(const struct operation *, enum detail);
/* Was its answer later than the maker's slow_ns? Not of what waits for somebody: locks, changes, pipes, breaks. */
bool maker_is_slow(const struct event_maker *, const struct operation *);
/* For how long TCP held it up, where that was slow_ns or longer; else 0. causes: enum stall_cause. */
uint64_t maker_stalled_ns(const struct event_maker *, const struct operation *, uint8_t *causes);
/* May its event be worth a finding (windows_events), where it has no record? */
bool maker_notable(const struct operation *);
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
/* What commands of all versions have: the share, the file that the handle stands for or that the request names, the handle's sums, what
 * the operation itself read and wrote, the times of a file. */
void maker_of_share(struct event_maker *, const struct operation *);
void maker_of_file(struct event_maker *, const struct operation *);
void maker_sums(struct event_maker *, const struct operation *);
void maker_moved(struct event *, const struct operation *);
void maker_times(struct event *, const struct smb2_file_times *);

/* session_details.c: a SESSION_SETUP's, whichever version; and what SPNEGO offers and chose, NULL: nothing */
void maker_session(struct event_maker *, const struct operation *);
void maker_mechanisms(struct event *, const struct security_facts *);
/* An array of the names of create contexts, of a mask with bit 1 << kind of each. */
void maker_contexts(struct event_maker *, enum field, uint32_t mask);

/* changes.c: what a server answers otherwise than before; an open that another client's took the place of, or that took another's */
void maker_changes(struct event_maker *, const struct operation *);
void maker_takeover(struct event_maker *, const struct operation *);

/* wire_details.c: SMB2, only with DETAIL_OPERATIONS */
void maker_wire_details(struct event_maker *, const struct operation *);

/* windows.c: the events of the Windows logs that say the same, as a fact */
void maker_windows_operation(struct event_maker *, const struct operation *, enum detail);
void maker_windows_start(struct event_maker *, const struct connection_facts *);
void maker_windows_end(struct event_maker *, const struct connection_facts *, enum flow_end_reason);
/* Were packets of both sides captured? Of one alone it is not known which closed first. */
bool maker_both_seen(const struct flow_facts *);
/* The server closed, and all that it said before was seen. */
bool maker_hung_up(const struct connection_facts *, enum flow_end_reason);

/* protection.c: how an operation's session or share is signed and encrypted; what a connection's sides offered, and what its
 * sessions and shares came to */
void maker_protection(struct event_maker *, const struct operation *);
void maker_protection_offered(struct event_maker *, const struct connection_facts *);
void maker_protection_ends(struct event_maker *, const struct connection_facts *);

/* smb1_details.c: the same of SMB1 */
void maker_smb1_details(struct event_maker *, const struct operation *);
/* Fact COMMAND; what has no name is SMB1_ and its number. */
void maker_smb1_command(struct event_maker *, uint8_t command);
/* Fact STATUS: an NTSTATUS, or the class and code of a DOS error (MS-CIFS 2.2.2.4). */
void maker_smb1_status(struct event_maker *, const struct smb1_header *);

#endif
