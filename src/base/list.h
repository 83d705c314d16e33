/* A doubly linked list through its members, oldest first. A member that is in no list has both links NULL. */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>

struct link {
    struct link *prev, *next;
};

struct list {
    struct link head; /* a ring; list_init before use */
};

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l) {
    l->head.prev = l->head.next = &l->head;
}

static inline struct link *list_first(struct list *l) {
    return l->head.next == &l->head ? NULL : l->head.next;
}

static inline struct link *list_next(struct list *l, struct link *at) {
    return at->next == &l->head ? NULL : at->next;
}

static inline void list_append(struct list *l, struct link *x) {
    x->prev = l->head.prev;
    x->next = &l->head;
    l->head.prev->next = x;
    l->head.prev = x;
}

/* Nothing happens to a member that is in no list. */
static inline void list_remove(struct link *x) {
    if (x->next) {
        x->prev->next = x->next;
        x->next->prev = x->prev;
        x->prev = x->next = NULL;
    }
}

/* To the young end of its list. */
static inline void list_renew(struct list *l, struct link *x) {
    if (l->head.prev != x) {
        list_remove(x);
        list_append(l, x);
    }
}

#endif
