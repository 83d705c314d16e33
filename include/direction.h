/* Which way bytes go. The client is the side that opened the connection (records.md: src is always the client). */
#ifndef DIRECTION_H
#define DIRECTION_H

enum direction { TO_SERVER, TO_CLIENT, DIRECTIONS };

static inline enum direction direction_opposite(enum direction d) {
    return d == TO_SERVER ? TO_CLIENT : TO_SERVER;
}

#endif
