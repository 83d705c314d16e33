#include "inventory/inventory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/list.h"
#include "names.h"

/* A connection that SMB1 was used on. */
struct flow {
    struct hash_node node;
    struct link age;
    char *id;
    bool asked, answered, refused, silent;
    struct inventory_row sums; /* its own, folded into the pair's in the end */
};

struct row {
    struct hash_node node;
    struct inventory_row public;
};

struct inventory {
    struct budget *budget;
    uint64_t since_ns, newest_ns, secret, left_out;
    struct hash flows, rows;
    struct list ages; /* of flows, the quietest first */
    size_t flow_count;
    struct inventory_row *sorted;
    struct row **all;
    size_t row_count;
};

/* ---- names */

/* As much of a name as is kept, cut between characters. NULL without memory. */
static char *keep(const struct inventory *v, const char *name) {
    size_t n = strlen(name);
    if (n > INVENTORY_NAME_MAX) {
        for (n = INVENTORY_NAME_MAX; n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80;) {
            n--;
        }
    }
    char *kept = budget_take(v->budget, n + 1);
    return kept ? memcpy(kept, name, n) : NULL;
}

static void drop(const struct inventory *v, char *name) {
    budget_give(v->budget, name, name ? strlen(name) + 1 : 0);
}

static void list_add(const struct inventory *v, struct name_list *l, const char *name, unsigned max) {
    if (!name || !*name) {
        return;
    }
    for (unsigned i = 0; i < l->count; i++) {
        if (strncasecmp(l->items[i], name, INVENTORY_NAME_MAX - 4) ==
            0) { /* a cut may have taken some of the last four */
            return;
        }
    }
    if (!l->items) {
        l->items = budget_take(v->budget, max * sizeof *l->items);
        l->room = l->items ? max : 0;
    }
    char *copy = l->count < l->room ? keep(v, name) : NULL;
    if (!copy) {
        l->more = true;
        return;
    }
    l->items[l->count++] = copy;
}

static void list_join(const struct inventory *v, struct name_list *to, const struct name_list *from) {
    for (unsigned i = 0; i < from->count; i++) {
        list_add(v, to, from->items[i], INVENTORY_ROW_NAMES_MAX);
    }
    to->more |= from->more;
}

static void sums_free(const struct inventory *v, struct inventory_row *r) {
    struct name_list *lists[] = {&r->dialects, &r->server_systems, &r->client_systems, &r->shares};
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (unsigned j = 0; j < lists[i]->count; j++) {
            drop(v, lists[i]->items[j]);
        }
        budget_give(v->budget, (void *)lists[i]->items, lists[i]->room * sizeof *lists[i]->items);
    }
    drop(v, r->server);
    drop(v, r->client);
    drop(v, r->server_name);
}

/* ---- rows */

static uint64_t row_hash(const struct inventory *v, const struct inventory_row *r) {
    uint64_t h = hash_bytes(v->secret, r->server, strlen(r->server));
    h = hash_more(v->secret, h, hash_bytes(v->secret, r->client, strlen(r->client)));
    return hash_more(v->secret, h, r->outcome);
}

static struct row *row_new(struct inventory *v, const struct inventory_row *like, uint64_t hash) {
    struct row *row = v->row_count < INVENTORY_ROWS_MAX ? budget_take(v->budget, sizeof *row) : NULL;
    if (!row) {
        return NULL;
    }
    row->public = (struct inventory_row){.server = keep(v, like->server),
                                         .client = keep(v, like->client),
                                         .outcome = like->outcome,
                                         .first_ns = like->first_ns,
                                         .last_ns = like->last_ns};
    if (!row->public.server || !row->public.client) {
        sums_free(v, &row->public);
        budget_give(v->budget, row, sizeof *row);
        return NULL;
    }
    hash_insert(&v->rows, &row->node, hash);
    v->all[v->row_count++] = row;
    return row;
}

static struct row *row_get(struct inventory *v, const struct inventory_row *like) {
    uint64_t hash = row_hash(v, like);
    for (struct hash_node *n = hash_first(&v->rows, hash); n; n = hash_again(n, hash)) {
        struct row *row = container_of(n, struct row, node);
        if (row->public.outcome == like->outcome && strcmp(row->public.server, like->server) == 0 &&
            strcmp(row->public.client, like->client) == 0) {
            return row;
        }
    }
    return row_new(v, like, hash);
}

/* ---- connections */

static void flow_free(struct inventory *v, struct flow *f) {
    hash_remove(&v->flows, &f->node);
    list_remove(&f->age);
    v->flow_count--;
    sums_free(v, &f->sums);
    drop(v, f->id);
    budget_give(v->budget, f, sizeof *f);
}

/* Adds a connection to its row; one that only offered SMB1 beside SMB2 has none. */
static void fold(struct inventory *v, struct flow *f) {
    struct inventory_row *s = &f->sums;
    if (!f->asked && !f->answered) {
        return;
    }
    s->outcome = f->answered ? OUTCOME_ANSWERED : f->refused ? OUTCOME_REFUSED : OUTCOME_UNANSWERED;
    struct row *row = row_get(v, s);
    if (!row) {
        v->left_out++;
        return;
    }
    struct inventory_row *r = &row->public;
    r->connections++;
    r->sessions += s->sessions;
    r->first_ns = s->first_ns < r->first_ns ? s->first_ns : r->first_ns;
    r->last_ns = s->last_ns > r->last_ns ? s->last_ns : r->last_ns;
    list_join(v, &r->dialects, &s->dialects);
    list_join(v, &r->server_systems, &s->server_systems);
    list_join(v, &r->client_systems, &s->client_systems);
    list_join(v, &r->shares, &s->shares);
    if (!r->server_name && s->server_name) {
        r->server_name = keep(v, s->server_name);
    }
}

static bool too_old(const struct inventory *v, const struct flow *f) {
    return v->since_ns != 0 && v->newest_ns > v->since_ns && f->sums.last_ns < v->newest_ns - v->since_ns;
}

static void make_room(struct inventory *v) {
    struct flow *f = container_of(list_first(&v->ages), struct flow, age);
    if (!too_old(v, f)) {
        fold(v, f);
    }
    flow_free(v, f);
}

static struct flow *flow_find(const struct inventory *v, const char *id) {
    uint64_t hash = hash_bytes(v->secret, id, strlen(id));
    for (struct hash_node *n = hash_first(&v->flows, hash); n; n = hash_again(n, hash)) {
        struct flow *f = container_of(n, struct flow, node);
        if (strcmp(f->id, id) == 0) {
            return f;
        }
    }
    return NULL;
}

static struct flow *flow_new(struct inventory *v, const struct sighting *s) {
    if (v->flow_count == INVENTORY_FLOWS_MAX) {
        make_room(v);
    }
    struct flow *f = budget_take(v->budget, sizeof *f);
    while (!f && list_first(&v->ages)) {
        make_room(v);
        f = budget_take(v->budget, sizeof *f);
    }
    if (!f) {
        v->left_out++;
        return NULL;
    }
    f->id = keep(v, s->flow_id);
    f->sums.server = keep(v, s->server);
    f->sums.client = keep(v, s->client);
    f->sums.first_ns = s->time_ns;
    f->sums.last_ns = s->time_ns;
    if (!f->id || !f->sums.server || !f->sums.client) {
        sums_free(v, &f->sums);
        drop(v, f->id);
        budget_give(v->budget, f, sizeof *f);
        v->left_out++;
        return NULL;
    }
    hash_insert(&v->flows, &f->node, hash_bytes(v->secret, f->id, strlen(f->id)));
    list_append(&v->ages, &f->age);
    v->flow_count++;
    return f;
}

static void note_times(struct inventory *v, struct flow *f, const struct sighting *s) {
    struct inventory_row *r = &f->sums;
    r->first_ns = s->time_ns < r->first_ns ? s->time_ns : r->first_ns;
    r->last_ns = s->time_ns > r->last_ns ? s->time_ns : r->last_ns;
    r->last_ns = s->end_ns > r->last_ns ? s->end_ns : r->last_ns;
    list_renew(&v->ages, &f->age);
    if (!r->server_name && s->server_name) {
        r->server_name = keep(v, s->server_name);
    }
}

/* ---- what records say */

static bool is_smb2_dialect(const char *dialect) {
    for (size_t i = 0; dialect && i < names_dialect.count; i++) {
        if (strcmp(names_dialect.rows[i].name, dialect) == 0) {
            return true;
        }
    }
    return false;
}

static bool is(const char *command, const char *name) {
    return strcmp(command, name) == 0;
}

static void take_negotiate(struct flow *f, const struct sighting *s) {
    bool asked = s->offers && !s->offers_smb2;
    bool accepted = s->offers && s->answered && s->dialect && !is_smb2_dialect(s->dialect);
    f->asked |= asked;
    f->answered |= accepted;
    f->refused |= asked && s->answered && !accepted && !s->gap; /* none of them, or SMB2 */
    f->silent |= asked && !s->answered;
}

static void take_message(struct inventory *v, const struct sighting *s) {
    struct flow *f = flow_find(v, s->flow_id);
    if (!f) {
        f = flow_new(v, s);
    }
    if (!f) {
        return;
    }
    bool setup = is(s->command, "SMB1_SESSION_SETUP_ANDX");
    bool connect = is(s->command, "SMB1_TREE_CONNECT_ANDX") || is(s->command, "SMB1_TREE_CONNECT");
    note_times(v, f, s);
    if (is(s->command, "SMB1_NEGOTIATE")) {
        take_negotiate(f, s);
    } else {
        f->asked |= !s->request_lost && !s->unasked;
        f->answered |= s->answered || s->unasked;
    }
    f->sums.sessions += setup && s->succeeded;
    list_add(v, &f->sums.server_systems, s->native_os, INVENTORY_FLOW_NAMES_MAX);
    list_add(v, &f->sums.client_systems, s->native_os_client, INVENTORY_FLOW_NAMES_MAX);
    if (s->answered && !is_smb2_dialect(s->dialect)) {
        list_add(v, &f->sums.dialects, s->dialect, INVENTORY_FLOW_NAMES_MAX);
    }
    if (!connect || s->succeeded) {
        list_add(v, &f->sums.shares, s->share, INVENTORY_FLOW_NAMES_MAX);
    }
}

/* Records of handles pass over queries and the like: the end may be all that is told of a connection that was picked up in the
 * middle. */
static void take_end(struct inventory *v, const struct sighting *s) {
    struct flow *f = flow_find(v, s->flow_id);
    if (!f && s->version == 1 && !is_smb2_dialect(s->dialect)) {
        f = flow_new(v, s);
        if (f) {
            f->asked = true;
            f->answered = s->in_bytes != 0;
        }
    }
    if (!f) {
        return;
    }
    note_times(v, f, s);
    f->refused |= f->silent && s->server_closed;
}

void inventory_clock(struct inventory *v, uint64_t time_ns) {
    v->newest_ns = time_ns > v->newest_ns ? time_ns : v->newest_ns;
}

void inventory_take(struct inventory *v, const struct sighting *s) {
    inventory_clock(v, s->time_ns);
    inventory_clock(v, s->end_ns);
    if (!s->flow_id || !s->client || !s->server) {
        return;
    }
    if (s->end) {
        take_end(v, s);
    } else if (s->message && s->version == 1 && s->command && strncmp(s->command, "SMB1_", 5) == 0) {
        take_message(v, s);
    }
}

/* ---- the whole */

struct inventory *inventory_new(uint64_t since_ns, struct budget *budget) {
    struct inventory *v = calloc(1, sizeof *v);
    if (!v) {
        return NULL;
    }
    v->budget = budget;
    v->since_ns = since_ns;
    v->all = calloc(INVENTORY_ROWS_MAX, sizeof(struct row *));
    if (!v->all || getrandom(&v->secret, sizeof v->secret, 0) != (ssize_t)sizeof v->secret) {
        free((void *)v->all);
        free(v);
        return NULL;
    }
    hash_init(&v->flows, budget);
    hash_init(&v->rows, budget);
    list_init(&v->ages);
    return v;
}

/* IPv4 before IPv6, by number; what is no address last, by its text. */
static int by_address(const char *a, const char *b) {
    uint8_t x[17] = {2}, y[17] = {2};
    const char *texts[] = {a, b};
    uint8_t *to[] = {x, y};
    for (unsigned i = 0; i < 2; i++) {
        if (inet_pton(AF_INET, texts[i], to[i] + 1) == 1) {
            to[i][0] = 0;
        } else if (inet_pton(AF_INET6, texts[i], to[i] + 1) == 1) {
            to[i][0] = 1;
        }
    }
    int order = memcmp(x, y, sizeof x);
    return order != 0 ? order : strcmp(a, b);
}

static int by_pair(const void *a, const void *b) {
    const struct inventory_row *x = a, *y = b;
    int order = by_address(x->server, y->server);
    order = order != 0 ? order : by_address(x->client, y->client);
    return order != 0 ? order : (x->outcome > y->outcome) - (x->outcome < y->outcome);
}

const struct inventory_row *inventory_rows(struct inventory *v, size_t *count) {
    while (list_first(&v->ages)) {
        make_room(v);
    }
    free(v->sorted);
    v->sorted = calloc(v->row_count ? v->row_count : 1, sizeof *v->sorted);
    *count = v->sorted ? v->row_count : 0;
    for (size_t i = 0; i < *count; i++) {
        v->sorted[i] = v->all[i]->public;
    }
    if (*count != 0) {
        qsort(v->sorted, *count, sizeof *v->sorted, by_pair);
    }
    return v->sorted;
}

uint64_t inventory_left_out(const struct inventory *v) {
    return v->left_out;
}

void inventory_free(struct inventory *v) {
    if (!v) {
        return;
    }
    while (list_first(&v->ages)) {
        flow_free(v, container_of(list_first(&v->ages), struct flow, age));
    }
    for (size_t i = 0; i < v->row_count; i++) {
        sums_free(v, &v->all[i]->public);
        budget_give(v->budget, v->all[i], sizeof *v->all[i]);
    }
    hash_free(&v->flows);
    hash_free(&v->rows);
    free((void *)v->all);
    free(v->sorted);
    free(v);
}
