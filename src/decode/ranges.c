#include "ranges.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 4 };

uint32_t ranges_find(const struct ranges *r, uint32_t place) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->at[middle].to > place) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static uint32_t next_room(const struct ranges *r) {
    return r->room ? r->room * 2 : ROOM_MIN;
}

size_t ranges_wanted(const struct ranges *r) {
    return r->count < r->room ? 0 : (next_room(r) - r->room) * sizeof *r->at;
}

bool ranges_reserve(struct ranges *r) {
    if (r->count < r->room) {
        return true;
    }
    uint32_t room = next_room(r);
    struct range *at = realloc(r->at, room * sizeof *at);
    if (!at) {
        return false;
    }
    r->at = at;
    r->room = room;
    return true;
}

void ranges_add(struct ranges *r, uint32_t from, uint32_t to) {
    uint32_t first = from == 0 ? 0 : ranges_find(r, from - 1); /* also one that ends where this begins */
    uint32_t last = first;
    while (last < r->count && r->at[last].from <= to) {
        from = r->at[last].from < from ? r->at[last].from : from;
        to = r->at[last].to > to ? r->at[last].to : to;
        last++;
    }
    memmove(r->at + first + 1, r->at + last, (r->count - last) * sizeof *r->at);
    r->count = r->count - (last - first) + 1;
    r->at[first] = (struct range){from, to};
}

size_t ranges_size(const struct ranges *r) {
    return r->room * sizeof *r->at;
}

void ranges_free(struct ranges *r) {
    free(r->at);
    *r = (struct ranges){0};
}
