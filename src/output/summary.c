#include "summary.h"

#include <stdlib.h>

#include "../base/text.h"
#include "fact.h"
#include "quantity.h"
#include "tally.h"

enum { OPERATIONS, SHARES, USERS, FILES, FINDINGS, LISTS };

enum { SHOWN = 10 }; /* of shares, users and files: those seen most often */

struct summary {
    struct tally lists[LISTS];
};

struct summary *summary_new(void) {
    static const size_t max[LISTS] = {SUMMARY_OPERATIONS_MAX, SUMMARY_SHARES_MAX, SUMMARY_USERS_MAX, SUMMARY_FILES_MAX,
                                      SUMMARY_RULES_MAX};
    struct summary *s = calloc(1, sizeof(*s));
    for (unsigned i = 0; s != NULL && i < LISTS; i++) {
        if (tally_init(&s->lists[i], max[i]) != 0) {
            summary_free(s);
            return NULL;
        }
    }
    return s;
}

/* Names that stand for something by themselves, and texts as a terminal may show them. */
static void collect(struct tally *t, const struct fact *f) {
    char name[4096];
    size_t n = 0;
    const char *known = fact_name(f);
    if (known != NULL) {
        tally_add(t, known, strlen(known));
    } else if (f != NULL && f->form == FACT_TEXT) {
        n = text_to_utf8(f->text, name, sizeof(name));
    } else if (f != NULL && f->form == FACT_JOINED) {
        for (unsigned i = 0; i < f->parts; i++) {
            n += text_to_utf8(f->joined[i], name + n, sizeof(name) - n);
        }
    }
    if (n != 0) {
        tally_add(t, name, n);
    }
}

void summary_event(struct summary *s, const struct event *e) {
    if (e->object == OBJECT_FINDING) {
        collect(&s->lists[FINDINGS], event_find(e, FIELD_RULE_NAME));
    }
    if (e->object != OBJECT_FLOW || e->action != ACTION_MESSAGE) {
        return;
    }
    const struct fact *file = event_find(e, FIELD_FILE_PATH);
    collect(&s->lists[OPERATIONS], event_find(e, FIELD_OPERATION));
    collect(&s->lists[SHARES], event_find(e, FIELD_SHARE_PATH));
    collect(&s->lists[USERS], event_find(e, FIELD_USER));
    collect(&s->lists[FILES], file != NULL ? file : event_find(e, FIELD_FILE_NAME));
}

/* "2 flows, " and the like: a comma before all but the first. */
struct line {
    FILE *to;
    bool begun;
};

static struct line line_begin(FILE *to, const char *title) {
    fprintf(to, "  %-11s ", title);
    return (struct line){to, false};
}

static void line_add(struct line *l, uint64_t n, const char *one, const char *many) {
    if (n != 0) {
        fprintf(l->to, "%s%s %s", l->begun ? ", " : "", quantity_count(n).text, n == 1 ? one : many);
        l->begun = true;
    }
}

static void line_end(struct line *l) {
    fputs(l->begun ? "\n" : "none\n", l->to);
}

static void print_input(const struct stats *stats, FILE *to) {
    struct line l = line_begin(to, "read");
    line_add(&l, stats->captures, "capture", "captures");
    line_add(&l, stats->packets, "packet", "packets");
    if (stats->bytes != 0) {
        fprintf(to, ", %s", quantity_bytes(stats->bytes).text);
    }
    line_end(&l);
    l = line_begin(to, "flows");
    line_add(&l, stats->flows_started, "flow", "flows");
    line_add(&l, stats->flows_refused, "refused", "refused");
    line_end(&l);
}

static uint64_t messages_seen(const struct stats *stats) {
    uint64_t total = 0;
    for (unsigned i = 0; i < MESSAGE_KINDS; i++) {
        total += stats->messages[i];
    }
    return total;
}

static void print_messages(const struct stats *stats, FILE *to) {
    struct line l = line_begin(to, "messages");
    line_add(&l, stats->messages[MESSAGE_SMB1], "of SMB1", "of SMB1");
    line_add(&l, stats->messages[MESSAGE_SMB2], "of SMB2 and SMB3", "of SMB2 and SMB3");
    line_add(&l, stats->messages[MESSAGE_TRANSFORM], "encrypted", "encrypted");
    line_add(&l, stats->messages[MESSAGE_COMPRESSED], "compressed", "compressed");
    line_end(&l);
    l = line_begin(to, "files");
    line_add(&l, stats->files_opened, "opened", "opened");
    line_add(&l, stats->files_deleted, "deleted", "deleted");
    if (stats->bytes_read != 0 || stats->bytes_written != 0) {
        fprintf(to, "%s%s read, %s written", l.begun ? ", " : "", quantity_bytes(stats->bytes_read).text,
                quantity_bytes(stats->bytes_written).text);
        l.begun = true;
    }
    line_end(&l);
    l = line_begin(to, "records");
    line_add(&l, stats->records, "record", "records");
    line_end(&l);
}

static void print_operations(const struct tally *t, FILE *to) {
    const struct tally_entry *top[SUMMARY_OPERATIONS_MAX];
    struct line l = line_begin(to, "operations");
    size_t n = tally_top(t, top, SUMMARY_OPERATIONS_MAX);
    for (size_t i = 0; i < n; i++) {
        line_add(&l, top[i]->count, top[i]->name, top[i]->name);
    }
    line_end(&l);
}

static void print_findings(const struct tally *t, FILE *to) {
    const struct tally_entry *top[SUMMARY_RULES_MAX];
    size_t n = tally_top(t, top, SUMMARY_RULES_MAX);
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "  %-11s %s: %s\n", i == 0 ? "findings" : "", top[i]->name, quantity_count(top[i]->count).text);
    }
}

static void print_list(const struct tally *t, const char *title, FILE *to) {
    const struct tally_entry *top[SHOWN];
    size_t n = tally_top(t, top, SHOWN);
    if (n == 0) {
        return;
    }
    fprintf(to, "  %s: %s%s", title, t->others != 0 ? "more than " : "", quantity_count(t->used).text);
    fputs(t->used > n ? "; those seen most often\n" : "\n", to);
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "  %10s  %s\n", quantity_count(top[i]->count).text, top[i]->name);
    }
}

static void print_damage(const struct stats *stats, FILE *to) {
    uint64_t faults = 0;
    for (unsigned i = 0; i < FRAMER_FAULTS; i++) {
        faults += i == FAULT_RESYNC || i == FAULT_WHOLE_LIMIT || i == FAULT_MEMORY ? 0 : stats->framer_faults[i];
    }
    struct line l = line_begin(to, "gaps");
    line_add(&l, stats->gaps, "gap", "gaps");
    line_add(&l, stats->missed_bytes, "byte missed", "bytes missed");
    line_end(&l);
    l = line_begin(to, "damage");
    line_add(&l, stats->decode_faults[DECODE_CUT], "packet with cut headers", "packets with cut headers");
    line_add(&l, stats->decode_faults[DECODE_FRAGMENT], "IP fragment without its datagram",
             "IP fragments without their datagram");
    line_add(&l, stats->decode_faults[DECODE_FRAGMENT_LIMIT], "IP fragment beyond a limit",
             "IP fragments beyond a limit");
    line_add(&l, stats->fragments_differ, "IP fragment that overlaps and differs",
             "IP fragments that overlap and differ");
    line_add(&l, stats->decode_faults[DECODE_BAD], "packet whose headers contradict each other",
             "packets whose headers contradict each other");
    line_add(&l, stats->decode_faults[DECODE_DEPTH], "packet wrapped too deep", "packets wrapped too deep");
    line_add(&l, stats->decode_faults[DECODE_CHECKSUM], "packet with a wrong checksum",
             "packets with a wrong checksum");
    line_add(&l, stats->overlap_differs, "retransmission that differs", "retransmissions that differ");
    line_add(&l, faults, "fault in the framing", "faults in the framing");
    line_add(&l, stats->framer_faults[FAULT_RESYNC], "search for the next message", "searches for the next message");
    line_add(&l, stats->verdicts[V_SHORT], "message that was cut short", "messages that were cut short");
    line_add(&l, stats->verdicts[V_BAD], "message that contradicts itself", "messages that contradict themselves");
    line_end(&l);
}

/* Every bound that was reached, and how often. */
static void print_limits(const struct stats *s, FILE *to) {
    const struct {
        uint64_t count;
        const char *one, *many;
    } rows[] = {
        {s->memory_limit, "time at the memory ceiling", "times at the memory ceiling"},
        {s->flows_limit, "time at the limit of connections", "times at the limit of connections"},
        {s->flows_evicted, "connection given up", "connections given up"},
        {s->candidates_evicted, "silent connection on another port given up",
         "silent connections on other ports given up"},
        {s->flows_refused_memory, "packet without room for its connection",
         "packets without room for their connection"},
        {s->flows_undecoded, "connection without room to be decoded", "connections without room to be decoded"},
        {s->reassembly_limit, "time at the limit of reordering", "times at the limit of reordering"},
        {s->evicted_stalls, "time of TCP held up forgotten", "times of TCP held up forgotten"},
        {s->segments_dropped, "segment far outside its stream", "segments far outside their stream"},
        {s->framer_faults[FAULT_WHOLE_LIMIT], "message too large to keep whole", "messages too large to keep whole"},
        {s->framer_faults[FAULT_MEMORY], "message without room", "messages without room"},
        {s->evicted_exchanges, "request no longer waited for", "requests no longer waited for"},
        {s->evicted_transfers, "transaction given up", "transactions given up"},
        {s->cut_transfers, "transaction cut", "transactions cut"},
        {s->evicted_setups, "session setup forgotten", "session setups forgotten"},
        {s->evicted_sessions, "session forgotten", "sessions forgotten"},
        {s->evicted_trees, "share forgotten", "shares forgotten"},
        {s->evicted_handles, "handle forgotten", "handles forgotten"},
        {s->evicted_durables, "durable handle forgotten", "durable handles forgotten"},
        {s->evicted_instances, "application's open forgotten", "applications' opens forgotten"},
        {s->evicted_answers, "server's answer forgotten", "servers' answers forgotten"},
        {s->cut_answers, "list of interfaces too long to compare", "lists of interfaces too long to compare"},
        {s->evicted_machines, "machine's name forgotten", "machines' names forgotten"},
        {s->evicted_peers, "pair of client and server forgotten", "pairs of client and server forgotten"},
        {s->evicted_copy_keys, "copy key forgotten", "copy keys forgotten"},
        {s->searches_cut, "search for a handle cut", "searches for a handle cut"},
        {s->names_lost, "name not kept", "names not kept"},
        {s->names_left_out, "name left out of an end record", "names left out of end records"},
        {s->findings_evicted, "finding told early", "findings told early"},
        {s->findings_pending_evicted, "unanswered request not followed up", "unanswered requests not followed up"},
        {s->findings_lost, "finding without room", "findings without room"},
        {s->decode_faults[DECODE_DEPTH], "packet with too many headers", "packets with too many headers"},
        {s->verdicts[V_LIMIT], "message beyond a limit", "messages beyond a limit"},
    };
    struct line l = line_begin(to, "limits");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        line_add(&l, rows[i].count, rows[i].one, rows[i].many);
    }
    line_end(&l);
}

void summary_print(const struct summary *s, const struct stats *stats, FILE *to) {
    fputs("summary\n", to);
    print_input(stats, to);
    if (messages_seen(stats) == 0) {
        fputs("  No SMB was found.\n", to);
    } else {
        print_messages(stats, to);
        print_operations(&s->lists[OPERATIONS], to);
        print_findings(&s->lists[FINDINGS], to);
        print_list(&s->lists[SHARES], "shares", to);
        print_list(&s->lists[USERS], "users", to);
        print_list(&s->lists[FILES], "files", to);
    }
    print_damage(stats, to);
    print_limits(stats, to);
}

void summary_free(struct summary *s) {
    for (unsigned i = 0; s != NULL && i < LISTS; i++) {
        tally_release(&s->lists[i]);
    }
    free(s);
}
