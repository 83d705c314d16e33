#include "model/model.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "model/smb1_state.h"
#include "model/state.h"

enum { SCRATCH_SIZE = 64 * 1024 };

struct model_limits model_limits_default(void) {
    return (struct model_limits){
        .exchanges = MODEL_EXCHANGES_MAX,
        .sessions = MODEL_SESSIONS_MAX,
        .channels = MODEL_CHANNELS_MAX,
        .trees = MODEL_TREES_MAX,
        .handles = MODEL_HANDLES_MAX,
        .durables = MODEL_DURABLES_MAX,
        .instances = MODEL_INSTANCES_MAX,
        .answers = MODEL_ANSWERS_MAX,
        .setups = MODEL_SETUPS_MAX,
        .machines = MODEL_MACHINES_MAX,
        .peers = MODEL_PEERS_MAX,
        .answer_timeout_ns = UINT64_C(300) * 1000000000,
    };
}

struct model *model_new(const struct model_limits *limits, const struct model_sink *sink, struct budget *budget,
                        struct stats *stats, uint64_t secret) {
    struct model *m = calloc(1, sizeof *m);
    if (!m) {
        return NULL;
    }
    m->limits = *limits;
    m->sink = *sink;
    m->budget = budget;
    m->stats = stats;
    m->secret = secret;
    m->scratch = (struct arena){.base = malloc(SCRATCH_SIZE), .size = SCRATCH_SIZE};
    if (!m->scratch.base) {
        free(m);
        return NULL;
    }
    hash_init(&m->sessions_by_id, budget);
    hash_init(&m->sessions_by_peers, budget);
    hash_init(&m->nodes, budget);
    hash_init(&m->durables_by_server, budget);
    hash_init(&m->durables_by_guid, budget);
    hash_init(&m->machines, budget);
    hash_init(&m->instances_by_application, budget);
    hash_init(&m->instances_by_file, budget);
    hash_init(&m->answers, budget);
    hash_init(&m->peers, budget);
    struct list *const lists[] = {&m->session_ages, &m->tree_ages,     &m->handle_ages,        &m->exchange_ages,
                                  &m->durable_ages, &m->setup_ages,    &m->smb1_exchange_ages, &m->smb1_transfers,
                                  &m->machine_ages, &m->instance_ages, &m->answer_ages,        &m->peers_ages};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        list_init(lists[i]);
    }
    pool_init(&m->connections_pool, sizeof(struct connection), budget);
    pool_init(&m->sessions_pool, sizeof(struct session), budget);
    pool_init(&m->channels_pool, sizeof(struct channel), budget);
    pool_init(&m->trees_pool, sizeof(struct tree), budget);
    pool_init(&m->handles_pool, sizeof(struct handle), budget);
    pool_init(&m->nodes_pool, sizeof(struct node), budget);
    pool_init(&m->exchanges_pool, sizeof(struct exchange), budget);
    pool_init(&m->chains_pool, sizeof(struct chain), budget);
    pool_init(&m->auths_pool, sizeof(struct auth), budget);
    pool_init(&m->setups_pool, sizeof(struct setup), budget);
    pool_init(&m->durables_pool, sizeof(struct durable), budget);
    pool_init(&m->smb1_exchanges_pool, sizeof(struct smb1_exchange), budget);
    pool_init(&m->smb1_processes_pool, sizeof(struct smb1_process), budget);
    pool_init(&m->securities_pool, sizeof(struct security), budget);
    pool_init(&m->machines_pool, sizeof(struct machine), budget);
    pool_init(&m->instances_pool, sizeof(struct instance), budget);
    pool_init(&m->answers_pool, sizeof(struct answer), budget);
    pool_init(&m->peers_pool, sizeof(struct peers), budget);
    pool_init(&m->flow_jsons_pool, FLOW_JSON_ROOM, budget);
    m->machine_generation = 1;
    text_store_init(&m->texts, budget);
    return m;
}

void model_free(struct model *m) {
    if (!m) {
        return;
    }
    assert(m->connection_count == 0);
    durables_free(m);
    machines_free(m);
    instances_free(m);
    answers_free(m);
    peers_free_all(m);
    hash_free(&m->sessions_by_id);
    hash_free(&m->sessions_by_peers);
    hash_free(&m->nodes);
    hash_free(&m->durables_by_server);
    hash_free(&m->durables_by_guid);
    hash_free(&m->machines);
    hash_free(&m->instances_by_application);
    hash_free(&m->instances_by_file);
    hash_free(&m->answers);
    hash_free(&m->peers);
    struct pool *const pools[] = {
        &m->sessions_pool,       &m->channels_pool,       &m->trees_pool,      &m->handles_pool,    &m->nodes_pool,
        &m->exchanges_pool,      &m->chains_pool,         &m->auths_pool,      &m->setups_pool,     &m->durables_pool,
        &m->smb1_exchanges_pool, &m->smb1_processes_pool, &m->securities_pool, &m->machines_pool,   &m->instances_pool,
        &m->answers_pool,        &m->peers_pool,          &m->flow_jsons_pool, &m->connections_pool};
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++) {
        pool_free(pools[i]);
    }
    text_store_free(&m->texts);
    code_page_close(m->code_page);
    free(m->scratch.base);
    free(m);
}

bool model_code_page(struct model *m, const char *name) {
    code_page_close(m->code_page);
    m->code_page = code_page_open(name);
    return m->code_page != NULL;
}

/* Without room for all of it, which no name that a server takes is long enough for, it is lost. */
void model_unify(struct model *m, struct text *t) {
    if (t->encoding != ENC_OEM) {
        return;
    }
    const size_t align = _Alignof(max_align_t);
    size_t left = m->scratch.size - m->scratch.used, need = t->bytes.n * 2;
    left = left > align ? left - align : 0;
    if (need > left) {
        m->stats->names_lost++;
        *t = (struct text){{NULL, 0}, ENC_ASCII};
        return;
    }
    uint8_t *to = need ? arena_take(&m->scratch, need) : NULL;
    *t = text_utf16((struct view){to, to ? code_page_to_utf16(m->code_page, t->bytes, to, need) : 0});
}

/* The oldest of what is most easily done without. */
static bool evict(struct model *m) {
    return durable_evict(m) || peers_evict(m) || machine_evict(m) || answer_evict(m) || instance_evict(m) ||
           setup_evict(m) || exchange_evict(m) || smb1_evict(m) || handle_evict(m) || tree_evict(m) || session_evict(m);
}

/* What may go, most easily done without first, and the oldest of each. */
struct oldest {
    struct link *link;
    uint64_t used;
    bool (*evict)(struct model *);
};

enum { EVICTABLE = 11 };

static uint64_t used(struct link *x) {
    return x ? container_of(x, struct age, link)->used : 0;
}

static void find_oldest(struct model *m, struct oldest found[EVICTABLE]) {
    struct link *ex = list_first(&m->exchange_ages), *smb1 = list_first(&m->smb1_exchange_ages);
    struct link *ages[] = {list_first(&m->durable_ages),  list_first(&m->setup_ages),   list_first(&m->handle_ages),
                           list_first(&m->tree_ages),     list_first(&m->session_ages), list_first(&m->machine_ages),
                           list_first(&m->instance_ages), list_first(&m->answer_ages),  list_first(&m->peers_ages)};
    const struct oldest all[EVICTABLE] = {
        {ages[0], used(ages[0]), durable_evict},
        {ages[1], used(ages[1]), setup_evict},
        {ex, ex ? container_of(ex, struct exchange, of_model)->begin.frame : 0, exchange_evict},
        {smb1, smb1 ? container_of(smb1, struct smb1_exchange, of_model)->begin.frame : 0, smb1_evict},
        {ages[2], used(ages[2]), handle_evict},
        {ages[3], used(ages[3]), tree_evict},
        {ages[4], used(ages[4]), session_evict},
        {ages[5], used(ages[5]), machine_evict},
        {ages[6], used(ages[6]), instance_evict},
        {ages[7], used(ages[7]), answer_evict},
        {ages[8], used(ages[8]), peers_evict},
    };
    memcpy(found, all, sizeof all);
}

static struct oldest *oldest_of(struct oldest found[EVICTABLE]) {
    struct oldest *best = NULL;
    for (unsigned i = 0; i < EVICTABLE; i++) {
        if (found[i].link && (!best || found[i].used < best->used)) {
            best = &found[i];
        }
    }
    return best;
}

uint64_t model_idle(struct model *m, uint64_t frame) {
    struct oldest found[EVICTABLE];
    find_oldest(m, found);
    const struct oldest *best = oldest_of(found);
    return best && best->used < frame ? frame - best->used : 0;
}

bool model_evict(struct model *m) {
    struct oldest found[EVICTABLE];
    find_oldest(m, found);
    for (struct oldest *best; (best = oldest_of(found));) {
        if (best->evict(m)) {
            return true;
        }
        best->link = NULL; /* the last of its kind stays */
    }
    return false;
}

__attribute__((cold, noinline)) static void *take_evicting(struct model *m, struct pool *pool) {
    void *object = NULL;
    while (!object && evict(m)) {
        object = pool_take(pool);
    }
    return object;
}

void *model_take(struct model *m, struct pool *pool) {
    void *object = pool_take(pool);
    return object ? object : take_evicting(m, pool);
}

void *model_take_raw(struct model *m, struct pool *pool) {
    void *object = pool_take_raw(pool);
    return object ? object : take_evicting(m, pool);
}

static struct shared_text *keep_text(struct model *m, struct text text,
                                     struct shared_text *(*keep)(struct text_store *, struct text)) {
    struct shared_text *t = keep(&m->texts, text);
    while (!t && text.bytes.n != 0 && evict(m)) {
        t = keep(&m->texts, text);
    }
    m->stats->names_lost += !t && text.bytes.n != 0;
    return t;
}

struct shared_text *model_text(struct model *m, struct text text) {
    return keep_text(m, text, text_keep);
}

struct shared_text *model_text_common(struct model *m, struct text text) {
    return keep_text(m, text, text_keep_common);
}

struct model_costs model_costs(void) {
    return (struct model_costs){
        .connection = pool_cost(sizeof(struct connection)) + pool_cost(FLOW_JSON_ROOM),
        .session =
            pool_cost(sizeof(struct session)) + pool_cost(sizeof(struct channel)) + pool_cost(sizeof(struct auth)),
        .tree = pool_cost(sizeof(struct tree)),
        .handle = pool_cost(sizeof(struct handle)) + pool_cost(sizeof(struct node)),
        .request = pool_cost(sizeof(struct exchange)),
    };
}
