/* Puts together a program of the classic packet filter (bpf(4) of BSD; Documentation/networking/filter.rst of Linux), with jumps that
 * are filled in when it is known where they lead. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <assert.h>
#include <linux/filter.h>
#include <stdint.h>

enum { PROGRAM_SIZE = 4096 }; /* what the kernel takes: BPF_MAXINSNS */

struct program {
    unsigned n;
    struct sock_filter code[PROGRAM_SIZE];
};

static inline void program_put(struct program *p, unsigned code, uint32_t k) {
    assert(p->n < PROGRAM_SIZE);
    p->code[p->n++] = (struct sock_filter){(uint16_t)code, 0, 0, k};
}

/* A comparison of A with k (BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET); both ways lead to the next instruction until said otherwise. */
static inline unsigned program_if(struct program *p, unsigned comparison, uint32_t k) {
    program_put(p, BPF_JMP | comparison | BPF_K, k);
    return p->n - 1;
}

static inline uint8_t program_distance(const struct program *p, unsigned at) {
    unsigned distance = p->n - at - 1;
    assert(distance <= UINT8_MAX);
    return (uint8_t)distance;
}

/* Where the comparison held, it goes on here. */
static inline void program_then(struct program *p, unsigned at) {
    p->code[at].jt = program_distance(p, at);
}

/* Where it did not, it goes on here. */
static inline void program_else(struct program *p, unsigned at) {
    p->code[at].jf = program_distance(p, at);
}

/* A jump that is always taken, to where program_land is called with what this returns. */
static inline unsigned program_jump(struct program *p) {
    program_put(p, BPF_JMP | BPF_JA, 0);
    return p->n - 1;
}

static inline void program_land(struct program *p, unsigned at) {
    p->code[at].k = p->n - at - 1;
}

#endif
