#include "nbss.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "acquaintance.h"
#include "cursor.h"
#include "extent.h"
#include "nbss_pool.h"
#include "pdu_smb1.h"
#include "pdu_smb2.h"
#include "resync.h"
#include "sparse.h"

enum {
    HEADER_SIZE = 4,
    PROTOCOL_ID_SIZE = 4,
    LENGTH_BITS = 0x1FFFF, /* of a frame's length, where a session was asked for: RFC 1002 4.3.1 */
    CONTROL_MAX = 512, /* bytes of a packet that is no session message; two names with their scopes, RFC 1002 4.3.2 */
};

/* RFC 1002 4.3.1 */
enum {
    SESSION_MESSAGE = 0x00,
    SESSION_REQUEST = 0x81,
    POSITIVE_RESPONSE = 0x82,
    NEGATIVE_RESPONSE = 0x83,
    RETARGET_RESPONSE = 0x84,
    SESSION_KEEP_ALIVE = 0x85,
};

enum lane_state {
    LANE_HEADER,  /* in the NetBIOS header */
    LANE_HEAD,    /* in a message whose extent is not known yet */
    LANE_BODY,    /* in a message whose extent is known */
    LANE_SKIP,    /* passing over the rest of a frame */
    LANE_CONTROL, /* in a packet of the session service's own */
    LANE_LOST,    /* looking for a message that proves itself */
};

/* Bytes that may be a message, while the framing is lost. */
struct lost {
    struct nbss_piece *piece;
    unsigned mark_count;
    bool first; /* the first byte follows a gap or a doubtful message */
    struct resync_mark marks[RESYNC_MARKS];
};

/* One direction. */
struct lane {
    struct nbss_piece *kept; /* front of the message at hand, where it straddles segments */
    struct lost *lost;       /* NULL most of the time, when lost as well */
    struct moment begin;     /* of the frame at first, then of the element */
    struct extent extent;    /* in LANE_BODY */
    uint32_t left;           /* of the frame, from the start of the element at hand on */
    uint32_t pos;            /* in the element at hand */
    uint32_t missing;
    uint32_t run;  /* number of the doubtful message at hand and of those that it follows; see framer.h */
    uint8_t state; /* enum lane_state */
    uint8_t header[HEADER_SIZE], header_have;
    /* the first four in one go, where an ordinary frame begins */
    bool first : 1;     /* element of its chain */
    bool trusted : 1;   /* a message was seen since the framing was found */
    bool edge : 1;      /* LANE_LOST: no byte was seen since the gap, the start, or the end of a doubtful message */
    bool chained : 1;   /* with edge: it is the end of a doubtful message */
    bool trial : 1;     /* the frame at hand has to prove itself at its end */
    bool doubtful : 1;  /* what was found is to be confirmed; until then each frame has to prove itself */
    bool told : 1;      /* LANE_LOST: FAULT_RESYNC was reported */
    bool begun : 1;     /* begin is set for the element */
    bool broken : 1;    /* a gap ended what is whole of the element */
    bool cut : 1;       /* a limit or the budget did */
    bool delivered : 1; /* the element, ahead of its end, for want of memory */
};

struct nbss {
    bool session_service; /* a session request was seen: lengths have 17 bits, RFC 1002 4.3.1 */
    struct nbss_pool *pool;
    struct budget *budget;
    struct framer_sink sink;
    struct lane lanes[DIRECTIONS];
    struct acquaintance known;
};

/* What a step works on. */
struct step {
    struct nbss *n;
    struct lane *lane;
    enum direction dir;
    struct moment at;
};

static uint32_t smaller(size_t a, size_t b) {
    return (uint32_t)(a < b ? a : b);
}

static void report(const struct step *s, enum framer_fault fault) {
    s->n->sink.fault(s->n->sink.arg, s->dir, fault);
}

static void release(const struct step *s) {
    nbss_pool_release(s->n->pool, s->n->budget, &s->lane->kept);
}

/* The element at hand is forgotten; what comes next is nothing of it. */
static void element_reset(const struct step *s) {
    struct lane *l = s->lane;
    release(s);
    l->pos = 0;
    l->missing = 0;
    l->begun = l->broken = l->cut = l->delivered = false;
}

static void lose(const struct step *s, bool behind_gap) {
    struct lane *l = s->lane;
    element_reset(s);
    l->state = LANE_LOST;
    l->header_have = 0;
    l->edge = behind_gap;
    l->chained = false;
    l->trusted = l->trial = l->told = l->doubtful = false;
    if (!behind_gap) {
        acquaintance_missed(&s->n->known, s->dir, 1);
    }
}

/* What is left of the frame, the element at hand included, is passed over. */
static void skip_frame(const struct step *s) {
    struct lane *l = s->lane;
    l->left -= l->pos;
    element_reset(s);
    l->trial = false;
    l->state = l->left ? LANE_SKIP : LANE_HEADER;
}

/* The other side bore it out: where the framing is still at the end of what was doubtful, it goes on from there. */
static void believe(struct lane *l) {
    l->doubtful = false;
    if (l->state == LANE_LOST && l->edge && l->chained) {
        l->state = LANE_HEADER;
        l->edge = false;
    }
}

/* A frame whose end is not there yet was taken for one when less was known of the connection. If it would not be by now, it was file data,
 * and what follows is not to be passed over with it. */
static void look_again(struct nbss *n, enum direction dir, struct moment at) {
    struct lane *l = &n->lanes[dir];
    struct message_ids ids;
    bool doubtful;
    if (!l->trial || !l->doubtful || l->state != LANE_BODY || !l->first ||
        !message_ids_of(&ids, dir, l->extent.kind, nbss_piece_view(l->kept))) {
        return;
    }
    enum fit fit = acquaintance_fit(&n->known, dir, &ids, &doubtful);
    if (fit == FIT_STRANGER || fit == FIT_NOT) {
        lose(&(struct step){n, l, dir, at}, false);
    }
}

/* Learns from a message, where it is believed; returns whether it is doubtful. */
__attribute__((noinline)) static bool learn(const struct step *s, enum message_kind kind, struct view bytes) {
    struct acquaintance *known = &s->n->known;
    struct lane *other = &s->n->lanes[direction_opposite(s->dir)];
    struct message_ids ids;
    if (!message_ids_of(&ids, s->dir, kind, bytes)) {
        return s->lane->doubtful;
    }
    if (s->lane->doubtful) {
        if (!acquaintance_confirm(known, s->dir, &ids)) {
            return true;
        }
        s->lane->doubtful = false;
        believe(other);
        return false;
    }
    if (other->doubtful && acquaintance_settles(known, s->dir, &ids)) {
        believe(other);
    }
    acquaintance_learn(known, s->dir, &ids);
    look_again(s->n, direction_opposite(s->dir), s->at);
    return false;
}

/* The same as learn makes of it: where nothing is in doubt, and the message is the next of its connection. */
static inline bool goes_on(const struct step *s, enum message_kind kind, struct view bytes) {
    const struct lane *other = &s->n->lanes[direction_opposite(s->dir)];
    return kind == MESSAGE_SMB2 && !s->lane->doubtful && !other->doubtful && !other->trial &&
           acquaintance_goes_on(&s->n->known, s->dir, bytes);
}

static void hand_out(const struct step *s, struct view bytes, uint32_t missing) {
    struct lane *l = s->lane;
    const struct extent *e = &l->extent;
    struct message m; /* each field on its own: nothing is cleared first */
    m.kind = e->kind;
    m.bytes = bytes;
    m.length = e->length;
    m.payload = e->payload;
    m.missing = missing;
    m.first = l->first;
    m.last = e->last;
    m.doubtful = !goes_on(s, e->kind, bytes) && learn(s, e->kind, bytes);
    m.run = m.doubtful ? l->run : 0;
    m.begin = l->begin;
    m.end = s->at;
    s->n->sink.message(s->n->sink.arg, s->dir, &m);
}

/* Behind a doubtful frame the next one has to prove itself as well. */
static void frame_end(const struct step *s) {
    struct lane *l = s->lane;
    l->trial = false;
    l->state = l->doubtful ? LANE_LOST : LANE_HEADER;
    l->edge = l->chained = l->doubtful;
}

/* The element's last byte has passed, or is lost. rest: what follows in the segment. */
static void finish(const struct step *s, struct view bytes, struct view rest) {
    struct lane *l = s->lane;
    bool last = l->extent.length == l->left;
    if (last && l->trial && !resync_follows(rest)) {
        lose(s, false);
        return;
    }
    if (!l->delivered) {
        hand_out(s, bytes, l->missing);
    }
    l->left -= l->extent.length;
    element_reset(s);
    l->first = false;
    l->state = LANE_HEAD;
    if (last) {
        frame_end(s);
    }
}

/* Appends to what is kept of the element. False, and the element is cut, where memory is refused. */
static bool keep(const struct step *s, struct view v) {
    if (nbss_pool_append(s->n->pool, s->n->budget, &s->lane->kept, v)) {
        return true;
    }
    report(s, FAULT_MEMORY);
    s->lane->cut = true;
    return false;
}

/* Keeps of v, which goes on where the kept bytes end, as much as limit and budget allow; returns how much. Where not even a first
 * piece is to be had, the message goes out at once with what the segment holds of it. */
static uint32_t collect(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    uint32_t room = NBSS_WHOLE_MAX - l->pos;
    if (v.n > room) {
        report(s, FAULT_WHOLE_LIMIT);
        l->cut = true;
        v.n = room;
    }
    if (v.n == 0 || keep(s, v)) {
        return (uint32_t)v.n;
    }
    if (!l->kept) {
        hand_out(s, v, l->extent.length - (uint32_t)v.n);
        l->delivered = true;
    }
    return 0;
}

static size_t step_body(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    const struct extent *e = &l->extent;
    if (l->pos == 0 && v.n >= e->length) { /* all of it in this segment, the common case: no copy */
        uint32_t whole = smaller(e->whole, NBSS_WHOLE_MAX);
        if (whole < e->whole) {
            report(s, FAULT_WHOLE_LIMIT);
            l->missing = e->whole - whole;
        }
        uint32_t length = e->length;
        finish(s, view_part(v, 0, whole), view_from(v, length));
        return length;
    }
    uint32_t n = smaller(v.n, e->length - l->pos);
    uint32_t must = l->pos < e->whole ? smaller(n, e->whole - l->pos) : 0;
    uint32_t taken = must != 0 && !l->broken && !l->cut ? collect(s, view_part(v, 0, must)) : 0;
    if (l->cut) {
        l->missing += must - taken;
    }
    l->pos += n;
    if (l->pos == e->length) {
        finish(s, nbss_piece_view(l->kept), view_from(v, n));
    }
    return n;
}

/* No memory for a head that straddles: what is there of it goes out, and the rest of it is passed over. */
static void give_up_head(const struct step *s, struct view front) {
    struct lane *l = s->lane;
    l->cut = true;
    if (!extent_of_cut(front, l->left, &l->extent)) {
        skip_frame(s);
        return;
    }
    l->state = LANE_BODY;
    if (!l->kept) {
        hand_out(s, front, l->extent.length - smaller(front.n, l->extent.length));
        l->delivered = true;
    }
}

/* Hands out what is no message of SMB. */
static bool tell_other(const struct step *s, uint8_t type, uint32_t length, struct view bytes) {
    const struct framer_sink *sink = &s->n->sink;
    struct other_packet p = {type, length, bytes, s->lane->begin, s->at};
    return sink->other && sink->other(sink->arg, s->dir, &p);
}

/* Something else than a message of SMB, which begins with these bytes. After good messages the length is believed, else it is as doubtful
 * as the rest. */
static void alien(const struct step *s, struct view head) {
    struct lane *l = s->lane;
    if (!l->first) {
        report(s, FAULT_CHAIN);
        skip_frame(s);
        return;
    }
    if (l->trusted && tell_other(s, SESSION_MESSAGE, l->left, view_part(head, 0, PROTOCOL_ID_SIZE))) {
        skip_frame(s);
        return;
    }
    report(s, FAULT_PROTOCOL_ID);
    if (l->trusted) {
        skip_frame(s);
        l->trusted = false;
    } else {
        lose(s, false);
    }
}

static void head_known(const struct step *s) {
    struct lane *l = s->lane;
    if (!l->first && l->extent.kind != MESSAGE_SMB2) {
        report(s, FAULT_CHAIN);
        skip_frame(s);
        return;
    }
    if (l->extent.chain_lies) {
        report(s, FAULT_CHAIN);
    }
    if (l->extent.payload_lies) {
        report(s, FAULT_PAYLOAD);
    }
    l->trusted = true;
    l->state = LANE_BODY;
}

/* Returns how many bytes of v were kept; the ones that were looked at only are left to the next step. */
static size_t step_head(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    if (!l->begun && !l->first) {
        l->begin = s->at;
    }
    l->begun = true;
    size_t used = 0;
    for (;;) {
        struct view have = l->kept ? nbss_piece_view(l->kept) : view_part(v, 0, l->left);
        uint32_t need = 0;
        switch (extent_of(have, l->left, &need, &l->extent)) {
        case EXTENT_KNOWN:
            head_known(s);
            if (l->state == LANE_BODY && l->pos == l->extent.length) { /* nothing but a header */
                finish(s, nbss_piece_view(l->kept), view_from(v, used));
            }
            return used;
        case EXTENT_ALIEN:
            alien(s, have);
            return used;
        case EXTENT_TINY:
            report(s, l->first ? FAULT_NBSS_LENGTH : FAULT_CHAIN);
            skip_frame(s);
            return used;
        case EXTENT_MORE:
            break;
        }
        assert(need > have.n && need <= l->left);
        struct view more = view_part(v, used, need - l->pos);
        if (more.n == 0) {
            return used;
        }
        if (!keep(s, more)) {
            give_up_head(s, have);
            return used;
        }
        l->pos += (uint32_t)more.n;
        used += more.n;
    }
}

/* A packet of the session service that is no message. */
static void control_begin(const struct step *s, uint8_t type, uint32_t length) {
    static const uint32_t expected[] = {
        [POSITIVE_RESPONSE - SESSION_REQUEST] = 0,
        [NEGATIVE_RESPONSE - SESSION_REQUEST] = 1,
        [RETARGET_RESPONSE - SESSION_REQUEST] = 6,
        [SESSION_KEEP_ALIVE - SESSION_REQUEST] = 0,
    };
    struct lane *l = s->lane;
    if (length > CONTROL_MAX || (type != SESSION_REQUEST && length != expected[type - SESSION_REQUEST])) {
        report(s, FAULT_NBSS_LENGTH);
    }
    if (length > CONTROL_MAX) {
        lose(s, false);
        return;
    }
    s->n->session_service = s->n->session_service || type == SESSION_REQUEST;
    if (length == 0) {
        (void)tell_other(s, type, 0, (struct view){NULL, 0});
        l->state = LANE_HEADER;
        return;
    }
    element_reset(s);
    l->left = length;
    l->state = LANE_CONTROL;
}

static void frame_begin(const struct step *s) {
    struct lane *l = s->lane;
    struct cursor c = cursor_over((struct view){l->header, HEADER_SIZE});
    uint8_t type = cursor_u8(&c);
    uint32_t length = cursor_be24(&c);
    if (s->n->session_service && length > LENGTH_BITS) {
        report(s, FAULT_NBSS_LENGTH);
        length &= LENGTH_BITS;
    }
    l->header_have = 0;
    if (type >= SESSION_REQUEST && type <= SESSION_KEEP_ALIVE) {
        control_begin(s, type, length);
        return;
    }
    if (type != SESSION_MESSAGE) {
        report(s, FAULT_NBSS_TYPE);
        lose(s, false);
        return;
    }
    l->left = length;
    l->first = true;
    l->state = LANE_HEAD;
    if (length < PROTOCOL_ID_SIZE) {
        if (!l->trusted || !tell_other(s, SESSION_MESSAGE, length, (struct view){NULL, 0})) {
            report(s, FAULT_NBSS_LENGTH);
        }
        l->state = length ? LANE_SKIP : LANE_HEADER;
    }
}

static size_t step_header(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    uint8_t had = l->header_have;
    if (had == 0) {
        l->begin = s->at;
    }
    uint32_t n = smaller(v.n, (size_t)HEADER_SIZE - had);
    memcpy(l->header + had, v.p, n);
    l->header_have = (uint8_t)(had + n);
    if (l->header_have < HEADER_SIZE) {
        return n;
    }
    frame_begin(s);
    /* The search goes on right behind the byte that was taken for a header's first. */
    return l->state == LANE_LOST && had == 0 ? 1 : n;
}

static size_t step_skip(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    uint32_t n = smaller(v.n, l->left);
    l->left -= n;
    if (l->left == 0) {
        l->state = LANE_HEADER;
    }
    return n;
}

static size_t step_control(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    uint32_t n = smaller(v.n, l->left - l->pos);
    bool whole = l->pos == 0 && n == l->left;
    if (!whole && !l->cut) {
        (void)keep(s, view_part(v, 0, n));
    }
    l->pos += n;
    if (l->pos == l->left) {
        (void)tell_other(s, l->header[0], l->left, whole ? view_part(v, 0, n) : nbss_piece_view(l->kept));
        element_reset(s);
        l->left = 0;
        l->state = LANE_HEADER;
    }
    return n;
}

/* One segment, or what is left of one, as long as the framing holds; returns how far that was. */
static size_t follow(const struct step *s, struct view v) {
    size_t pos = 0;
    while (pos < v.n && s->lane->state != LANE_LOST) {
        struct view rest = view_from(v, pos);
        switch ((enum lane_state)s->lane->state) {
        case LANE_HEADER:
            pos += step_header(s, rest);
            break;
        case LANE_HEAD:
            pos += step_head(s, rest);
            break;
        case LANE_BODY:
            pos += step_body(s, rest);
            break;
        case LANE_SKIP:
            pos += step_skip(s, rest);
            break;
        case LANE_CONTROL:
            pos += step_control(s, rest);
            break;
        case LANE_LOST:
            break;
        }
    }
    return pos;
}

/* The source from pos on, segment by segment, as long as the framing holds. */
static uint32_t follow_source(struct step *s, const struct resync_source *src, uint32_t pos) {
    struct moment now = s->at;
    for (unsigned i = 0; i < src->mark_count && s->lane->state != LANE_LOST; i++) {
        uint32_t end = i + 1 < src->mark_count ? src->marks[i + 1].offset : (uint32_t)src->bytes.n;
        if (end > pos) {
            s->at = src->marks[i].at;
            pos += (uint32_t)follow(s, view_part(src->bytes, pos, end - pos));
        }
    }
    s->at = now;
    return pos;
}

static void passed_over(const struct step *s) {
    if (!s->lane->told) {
        s->lane->told = true;
        report(s, FAULT_RESYNC);
    }
}

/* Works off a source from pos on; returns from where on it has to be kept, because a message may begin there: the end, mostly. */
static uint32_t consume(struct step *s, struct resync_source *src, uint32_t pos) {
    struct lane *l = s->lane;
    uint32_t end = (uint32_t)src->bytes.n;
    while (pos < end) {
        if (l->state != LANE_LOST) {
            pos = follow_source(s, src, pos);
            src->first = l->state == LANE_LOST && l->edge ? pos : src->first;
            continue;
        }
        enum resync_answer answer;
        bool doubtful = false;
        uint32_t found = resync_find(src, pos, &answer, &doubtful);
        if (found > pos) {
            passed_over(s);
        }
        pos = found;
        l->edge = false;
        if (answer == RESYNC_WAIT) {
            return pos;
        }
        if (answer != RESYNC_NOTHING) {
            l->run += !l->chained || pos != src->first;
            l->state = LANE_HEADER;
            l->trial = answer == RESYNC_TRIAL;
            l->doubtful = doubtful;
        }
    }
    return pos;
}

static void lost_free(const struct step *s, struct lost *lost) {
    if (lost) {
        nbss_pool_release(s->n->pool, s->n->budget, &lost->piece);
        budget_release(s->n->budget, sizeof *lost);
        free(lost);
    }
}

static struct resync_source lost_source(const struct step *s, const struct lost *lost, bool forced) {
    return (struct resync_source){
        .bytes = nbss_piece_view(lost->piece),
        .marks = lost->marks,
        .mark_count = lost->mark_count,
        .known = &s->n->known,
        .dir = s->dir,
        .first = lost->first ? 0 : RESYNC_NOWHERE,
        .forced = forced,
    };
}

/* Forgets the bytes before pos. */
static void lost_drop(struct lost *lost, uint32_t pos, bool first) {
    lost->first = first;
    if (pos == 0) {
        return;
    }
    struct nbss_piece *p = lost->piece;
    memmove(p->bytes, p->bytes + pos, p->n - pos);
    p->n -= pos;
    unsigned out = 0;
    for (unsigned i = 0; i < lost->mark_count; i++) {
        struct resync_mark m = lost->marks[i];
        if (i + 1 < lost->mark_count && lost->marks[i + 1].offset <= pos) {
            continue;
        }
        m.segment_start = m.segment_start && m.offset >= pos;
        m.offset = m.offset > pos ? m.offset - pos : 0;
        lost->marks[out++] = m;
    }
    lost->mark_count = out;
}

/* False where the window or the budget does not allow it. */
static bool lost_append(const struct step *s, struct lost *lost, struct view v) {
    uint32_t had = lost->piece ? lost->piece->n : 0;
    if (v.n > RESYNC_WINDOW - smaller(had, RESYNC_WINDOW) ||
        !nbss_pool_append(s->n->pool, s->n->budget, &lost->piece, v)) {
        return false;
    }
    if (lost->mark_count < RESYNC_MARKS) { /* else the last one stands for this segment too */
        lost->marks[lost->mark_count++] = (struct resync_mark){s->at, had, true};
    }
    return true;
}

/* Keeps the end of a segment, which may be the front of a message. */
static void lost_begin(const struct step *s, struct view v, bool whole_segment, bool first) {
    if (v.n > RESYNC_WINDOW || !budget_charge(s->n->budget, sizeof(struct lost))) {
        passed_over(s);
        return;
    }
    struct lost *lost = calloc(1, sizeof *lost);
    if (!lost) {
        budget_release(s->n->budget, sizeof *lost);
        passed_over(s);
        return;
    }
    lost->first = first;
    if (!lost_append(s, lost, v)) {
        lost_free(s, lost);
        passed_over(s);
        return;
    }
    lost->marks[0].segment_start = whole_segment;
    s->lane->lost = lost;
}

/* No more bytes for what was kept: decides with what is there. */
static void lost_decide(struct step *s) {
    struct lost *lost = s->lane->lost;
    if (lost) {
        s->lane->lost = NULL;
        struct resync_source src = lost_source(s, lost, true);
        consume(s, &src, 0);
        lost_free(s, lost);
    }
}

/* A segment, of which this much was worked off already. */
__attribute__((noinline)) static void lane_bytes(struct step *s, struct view v, uint32_t done) {
    struct lost *lost = s->lane->lost;
    if (lost && lost_append(s, lost, v)) {
        struct resync_source src = lost_source(s, lost, false);
        uint32_t from = consume(s, &src, 0);
        if (from < src.bytes.n) {
            lost_drop(lost, from, src.first == from);
        } else {
            s->lane->lost = NULL;
            lost_free(s, lost);
        }
        return;
    }
    lost_decide(s);
    struct resync_mark mark = {s->at, 0, true};
    struct resync_source src = {v, &mark, 1, &s->n->known, s->dir, s->lane->edge ? 0 : RESYNC_NOWHERE, false};
    uint32_t from = consume(s, &src, done);
    if (from < v.n) {
        lost_begin(s, view_from(v, from), from == 0, src.first == from);
    }
}

/* ---- the ordinary case, which is the same as the steps above make of it, and shorter */

/* An element that is all there and says nothing odd. */
__attribute__((noinline)) static bool is_plain(struct extent *e, struct view v, uint32_t left, bool first) {
    uint32_t need;
    return extent_of(v, left, &need, e) == EXTENT_KNOWN && !e->chain_lies && !e->payload_lies &&
           e->whole <= NBSS_WHOLE_MAX && (first || e->kind == MESSAGE_SMB2);
}

static inline bool first_is_plain(struct extent *e, struct view v, uint32_t left) {
    return (left <= NBSS_WHOLE_MAX && extent_of_ordinary(v, left, e)) || is_plain(e, v, left, true);
}

/* A frame that begins here and ends in the same segment: hands out its elements where they lie. Returns how much that was: all of the
 * frame, nothing, or up to an element that has to go through the steps. */
static size_t pass_frame(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    if (v.n < HEADER_SIZE) {
        return 0;
    }
    struct cursor c = cursor_fixed(v, HEADER_SIZE);
    uint32_t left = cursor_be32(&c); /* a session message's type is 0 */
    if (left > LENGTH_BITS || left > v.n - HEADER_SIZE) {
        return 0;
    }
    struct view rest = {v.p + HEADER_SIZE, left};
    if (!first_is_plain(&l->extent, rest, left)) {
        return 0;
    }
    l->begin = s->at;
    l->trusted = l->first = true;
    l->edge = l->chained = false;
    do {
        uint32_t length = l->extent.length;
        hand_out(s, view_part(rest, 0, l->extent.whole), 0);
        l->first = false;
        rest = view_from(rest, length);
        left -= length;
    } while (left != 0 && is_plain(&l->extent, rest, left, false));
    if (left != 0) {
        l->left = left;
        l->state = LANE_HEAD;
    }
    return (size_t)(rest.p - v.p);
}

/* And nothing is in doubt. */
static bool is_between_frames(const struct lane *l) {
    return l->state == LANE_HEADER && l->header_have == 0 && !l->trial && !l->doubtful;
}

/* From the start of a segment: frames that are all in it, or a part of the data of READ or WRITE. Returns how much that was. */
static size_t pass_ordinary(const struct step *s, struct view v) {
    struct lane *l = s->lane;
    if (l->state == LANE_BODY && l->pos >= l->extent.whole && v.n < l->extent.length - l->pos) {
        l->pos += (uint32_t)v.n;
        return v.n;
    }
    size_t pos = 0;
    while (is_between_frames(l)) {
        size_t n = pass_frame(s, view_from(v, pos));
        pos += n;
        if (n == 0 || pos >= v.n) {
            break;
        }
    }
    return pos;
}

/* A gap in a message whose extent is not known: as much of it is kept as is known. */
static void gap_in_head(const struct step *s) {
    struct lane *l = s->lane;
    acquaintance_missed(&s->n->known, s->dir, 1); /* what follows in its chain, at least */
    struct view have = nbss_piece_view(l->kept);
    if (have.n == 0 || !extent_of_cut(have, l->left, &l->extent) || (!l->first && l->extent.kind != MESSAGE_SMB2)) {
        skip_frame(s);
        return;
    }
    l->state = LANE_BODY;
}

/* As much of a gap as lies in the element at hand. */
static uint32_t gap_in_body(const struct step *s, uint64_t length) {
    struct lane *l = s->lane;
    uint32_t left = l->extent.length - l->pos;
    uint32_t n = length < left ? (uint32_t)length : left;
    l->broken = l->broken || l->pos < l->extent.whole;
    l->missing += n;
    l->pos += n;
    if (l->pos == l->extent.length) {
        finish(s, nbss_piece_view(l->kept), (struct view){NULL, 0});
    }
    return n;
}

static void lane_gap(struct step *s, uint64_t length) {
    struct lane *l = s->lane;
    lost_decide(s);
    while (length > 0) {
        switch ((enum lane_state)l->state) {
        case LANE_HEAD:
            gap_in_head(s);
            break;
        case LANE_BODY:
            length -= gap_in_body(s, length);
            break;
        case LANE_CONTROL:
            skip_frame(s);
            break;
        case LANE_SKIP: {
            uint32_t n = length < l->left ? (uint32_t)length : l->left;
            length -= n;
            l->left -= n;
            l->state = l->left ? LANE_SKIP : LANE_HEADER;
            break;
        }
        case LANE_HEADER:
            acquaintance_missed(&s->n->known, s->dir, length);
            lose(s, true);
            return;
        case LANE_LOST:
            acquaintance_missed(&s->n->known, s->dir, length);
            l->edge = true;
            l->doubtful = l->chained = false;
            return;
        }
    }
}

static struct step step_of(struct nbss *n, enum direction dir, struct moment at) {
    return (struct step){n, &n->lanes[dir], dir, at};
}

struct nbss *nbss_begin(void *room, struct nbss_pool *pool, const struct framer_sink *sink, struct budget *budget,
                        bool start_seen) {
    struct nbss *n = room;
    *n = (struct nbss){.pool = pool, .budget = budget, .sink = *sink};
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        n->lanes[i].state = start_seen ? LANE_HEADER : LANE_LOST;
        n->lanes[i].edge = !start_seen;
    }
    acquaintance_begin(&n->known, start_seen);
    return n;
}

size_t nbss_size(void) {
    return sizeof(struct nbss);
}

enum { NBSS_WORDS = sizeof(struct nbss) / SPARSE_WORD };
_Static_assert(sizeof(struct nbss) % SPARSE_WORD == 0, "whole words");
_Static_assert(SPARSE_ROOM((int)NBSS_WORDS) <= (int)NBSS_FOLDED_ROOM, "room for all of them");

size_t nbss_fold(const struct nbss *n, uint8_t to[NBSS_FOLDED_ROOM]) {
    struct nbss folded = *n;
    assert(nbss_idle(n));
    folded.pool = NULL;
    folded.budget = NULL;
    folded.sink = (struct framer_sink){0};
    return sparse_write(&folded, NBSS_WORDS, to);
}

struct nbss *nbss_unfold(void *room, struct nbss_pool *pool, const struct framer_sink *sink, struct budget *budget,
                         struct view folded) {
    struct nbss *n = memset(room, 0, sizeof *n);
    sparse_read(folded, n);
    n->pool = pool;
    n->budget = budget;
    n->sink = *sink;
    return n;
}

void nbss_bytes(struct nbss *n, enum direction dir, struct view v, struct moment at) {
    struct step s = step_of(n, dir, at);
    size_t done = pass_ordinary(&s, v);
    if (done < v.n) {
        lane_bytes(&s, v, (uint32_t)done);
    }
}

void nbss_gap(struct nbss *n, enum direction dir, uint64_t length, struct moment at) {
    struct step s = step_of(n, dir, at);
    if (length != 0) {
        lane_gap(&s, length);
    }
}

void nbss_end(struct nbss *n, struct moment at) {
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        struct step s = step_of(n, (enum direction)i, at);
        struct lane *l = s.lane;
        lost_decide(&s);
        if (l->state == LANE_HEAD && l->kept) {
            gap_in_head(&s);
        }
        if (l->state == LANE_BODY) {
            gap_in_body(&s, l->extent.length - l->pos);
        }
        lose(&s, true);
    }
}

bool nbss_idle(const struct nbss *n) {
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        const struct lane *l = &n->lanes[i];
        if (l->state == LANE_HEAD || l->state == LANE_BODY || l->kept || l->lost) {
            return false;
        }
    }
    return true;
}

void nbss_finish(struct nbss *n) {
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        struct step s = step_of(n, (enum direction)i, (struct moment){0, 0});
        release(&s);
        lost_free(&s, s.lane->lost);
    }
}

/* A name of the first level, RFC 1001 14.1: a label of 32 letters, two for each byte; behind it the labels of a scope, and a zero. */
static bool take_name(struct cursor *c, struct netbios_name *out) {
    enum { LETTERS = 32, LAST = LETTERS / 2 - 1 };
    uint8_t decoded[LETTERS / 2];
    bool good = cursor_u8(c) == LETTERS;
    struct view v = cursor_take(c, LETTERS);
    for (size_t i = 0; good && i < v.n; i++) {
        good = v.p[i] >= 'A' && v.p[i] <= 'P';
        uint8_t half = (uint8_t)(v.p[i] - 'A');
        decoded[i / 2] = i % 2 == 0 ? (uint8_t)(half << 4) : (uint8_t)(decoded[i / 2] | half);
    }
    for (uint8_t label = cursor_u8(c); label != 0 && cursor_ok(c); label = cursor_u8(c)) {
        cursor_skip(c, label);
    }
    if (!good || !cursor_ok(c)) {
        return false;
    }
    *out = (struct netbios_name){.length = LAST, .suffix = decoded[LAST]};
    memcpy(out->bytes, decoded, LAST);
    while (out->length > 0 && (out->bytes[out->length - 1] == ' ' || out->bytes[out->length - 1] == 0)) {
        out->length--;
    }
    return true;
}

bool nbss_session_request_names(struct view bytes, struct netbios_name *called, struct netbios_name *calling) {
    struct cursor c = cursor_over(bytes);
    struct netbios_name first, second;
    if (!take_name(&c, &first) || !take_name(&c, &second)) {
        return false;
    }
    *called = first;
    *calling = second;
    return true;
}

/* RFC 1002 4.3.2: two names in the encoding of RFC 1001 14.1, 32 letters each; as far as the bytes go. */
static bool session_request(struct view v) {
    struct cursor c = cursor_over(v);
    uint8_t type = cursor_u8(&c);
    uint32_t length = cursor_be24(&c);
    uint8_t label = cursor_u8(&c);
    if (!cursor_ok(&c) || type != SESSION_REQUEST || length < 2 * 34 || length > CONTROL_MAX || label != 32) {
        return false;
    }
    struct view name = view_part(cursor_rest(&c), 0, 32);
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] < 'A' || name.p[i] > 'P') {
            return false;
        }
    }
    return true;
}

enum nbss_probe nbss_probe(struct view first_data) {
    enum { REQUEST_CHECKED = HEADER_SIZE + 1 + 32 }; /* type, length and the called name */
    if (first_data.n != 0 && first_data.n < REQUEST_CHECKED && first_data.p[0] == SESSION_REQUEST) {
        return PROBE_MORE;
    }
    if (session_request(first_data)) {
        return PROBE_REQUEST;
    }
    enum message_kind kind = extent_kind(view_from(first_data, HEADER_SIZE));
    if (first_data.n >= HEADER_SIZE + 4 && kind != MESSAGE_SMB1 && kind != MESSAGE_SMB2) {
        return PROBE_NO; /* the other two do not tell their direction */
    }
    enum resync_answer request = resync_head(first_data, TO_SERVER);
    if (request == RESYNC_WAIT) {
        return PROBE_MORE;
    }
    if (request == RESYNC_PROVEN) {
        return PROBE_REQUEST;
    }
    return resync_head(first_data, TO_CLIENT) == RESYNC_PROVEN ? PROBE_RESPONSE : PROBE_NO;
}
