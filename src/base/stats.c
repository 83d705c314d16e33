#include "stats.h"

const char *const decode_fault_names[DECODE_FAULTS] = {
    [DECODE_LINK] = "link",         [DECODE_CUT] = "cut",           [DECODE_BAD] = "bad",
    [DECODE_DEPTH] = "depth",       [DECODE_FRAGMENT] = "fragment", [DECODE_FRAGMENT_LIMIT] = "fragment_limit",
    [DECODE_CHECKSUM] = "checksum", [DECODE_NOT_TCP] = "not_tcp",
};

const char *const message_kind_names[MESSAGE_KINDS] = {
    [MESSAGE_SMB1] = "smb1",
    [MESSAGE_SMB2] = "smb2",
    [MESSAGE_TRANSFORM] = "encrypted",
    [MESSAGE_COMPRESSED] = "compressed",
};

const char *const smb2_command_names[SMB2_COMMANDS] = {
#define SMB2_COMMAND(prefix, name, number, request_size, response_size, section) [number] = "SMB2_" #name,
#include "tables/smb2_command.def"
#undef SMB2_COMMAND
};

const char *const parse_fault_names[FRAMER_FAULTS + VERDICTS] = {
    [FAULT_NBSS_TYPE] = "nbss_type",     [FAULT_NBSS_LENGTH] = "nbss_length",
    [FAULT_PROTOCOL_ID] = "protocol_id", [FAULT_CHAIN] = "chain",
    [FAULT_PAYLOAD] = "payload",         [FAULT_WHOLE_LIMIT] = "whole_limit",
    [FAULT_MEMORY] = "memory",           [FAULT_RESYNC] = "resync",
    [FRAMER_FAULTS + V_OK] = "ok",       [FRAMER_FAULTS + V_NOT_MINE] = "not_smb",
    [FRAMER_FAULTS + V_SHORT] = "short", [FRAMER_FAULTS + V_BAD] = "bad",
    [FRAMER_FAULTS + V_LIMIT] = "limit",
};

#define verdict_names (parse_fault_names + FRAMER_FAULTS)

/* The one value of a counter that stands alone, as an array of one. */
#define METRIC(name, label, help)
#define COUNTER(member, value, role) static const char *const value_of_##member[] = {value};
#define COUNTERS(member, length, values, role)
#include "tables/counter.def"
#undef METRIC
#undef COUNTER
#undef COUNTERS

#define MEMBER(member, values, role)                                                                                   \
    {NULL,   NULL,          NULL, #member, offsetof(struct stats, member), sizeof(((struct stats *)NULL)->member) / 8, \
     values, COUNTER_##role},

const struct counter_info stats_counters[] = {
#define METRIC(name, label, help) {name, label, help, NULL, 0, 0, NULL, COUNTER_PLAIN},
#define COUNTER(member, value, role) MEMBER(member, value_of_##member, role)
#define COUNTERS(member, length, values, role) MEMBER(member, values, role)
#include "tables/counter.def"
#undef METRIC
#undef COUNTER
#undef COUNTERS
};

const size_t stats_counter_count = sizeof stats_counters / sizeof stats_counters[0];

/* Nothing but counters is in it: all members come from the table. */
enum { COUNTERS_IN_ALL = sizeof(struct stats) / sizeof(uint64_t) };

_Static_assert(COUNTERS_IN_ALL * sizeof(uint64_t) == sizeof(struct stats), "a member that is no counter");

void stats_add(struct stats *to, const struct stats *from) {
    uint64_t *t = (uint64_t *)(void *)to;
    const uint64_t *f = (const uint64_t *)(const void *)from;
    for (size_t i = 0; i < COUNTERS_IN_ALL; i++) {
        t[i] += f[i];
    }
}
