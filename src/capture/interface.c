#include "interface.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "view.h"

enum { ANSWER_BYTES = 32768 }; /* what the kernel fills of a dump at once */

int interface_socket(bool watch) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (watch ? SOCK_NONBLOCK : 0), NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = watch ? RTMGRP_LINK : 0};
    if (bind(fd, (struct sockaddr *)&local, sizeof local) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

bool interface_changed(int watch_fd) {
    bool changed = false;
    char message[256]; /* the rest of it is thrown away */
    while (recv(watch_fd, message, sizeof message, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
        changed = true;
    }
    return changed;
}

/* RTM_GETLINK, all of them. */
static int ask(int fd, uint32_t sequence) {
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
    } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = sequence},
        .body = {.ifi_family = AF_UNSPEC},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    do {
        sent = sendto(fd, &request, request.header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* The next piece of a message, which begins with its length as the kernel's head of the type says; false at the end. */
#define TAKE(from, head, length, body) take((from), &(head), sizeof(head), &(head).length, sizeof(head).length, (body))

static bool take(struct view *from, void *head, size_t head_size, const void *length, size_t length_size,
                 struct view *body) {
    if (from->n < head_size) {
        return false;
    }
    memcpy(head, from->p, head_size);
    uint32_t size = length_size == sizeof(uint16_t) ? *(const uint16_t *)length : *(const uint32_t *)length;
    if (size < head_size || size > from->n) {
        return false;
    }
    *body = view_part(*from, head_size, size - head_size);
    *from = view_part(*from, NLMSG_ALIGN(size), SIZE_MAX);
    return true;
}

static void tell_dropped(struct view body, struct interface_facts *facts) {
    struct rtnl_link_stats64 stats;
    memset(&stats, 0, sizeof stats);
    memcpy(&stats, body.p, body.n < sizeof stats ? body.n : sizeof stats); /* it grows with the kernel's version */
    facts->dropped = stats.rx_dropped + stats.rx_missed_errors;
    facts->packets = stats.rx_packets;
}

static void tell(struct view in, void (*found)(void *arg, const struct interface_facts *), void *arg) {
    struct ifinfomsg about;
    if (in.n < sizeof about) {
        return;
    }
    memcpy(&about, in.p, sizeof about);
    struct interface_facts facts = {
        .index = about.ifi_index,
        .hardware_type = about.ifi_type,
        .enabled = (about.ifi_flags & IFF_UP) != 0,
        .carrier = (about.ifi_flags & IFF_LOWER_UP) != 0,
    };
    in = view_part(in, NLMSG_ALIGN(sizeof about), SIZE_MAX);
    struct rtattr head;
    struct view body;
    while (TAKE(&in, head, rta_len, &body)) {
        if (head.rta_type == IFLA_IFNAME && body.n > 0 && body.p[body.n - 1] == '\0') {
            facts.name = (const char *)body.p;
        } else if (head.rta_type == IFLA_STATS64) {
            tell_dropped(body, &facts);
        }
    }
    if (facts.name) {
        found(arg, &facts);
    }
}

/* One answer of several messages: 1 when more are to come. */
static int take_answer(struct view in, uint32_t sequence, void (*found)(void *arg, const struct interface_facts *),
                       void *arg) {
    struct nlmsghdr head;
    struct view body;
    while (TAKE(&in, head, nlmsg_len, &body)) {
        int error = 0;
        if (head.nlmsg_seq != sequence) {
            continue; /* of a question that was given up */
        }
        switch (head.nlmsg_type) {
        case NLMSG_DONE:
            return 0;
        case NLMSG_ERROR:
            memcpy(&error, body.p, body.n < sizeof error ? 0 : sizeof error);
            return error < 0 ? error : -EPROTO;
        case RTM_NEWLINK:
            tell(body, found, arg);
            break;
        default:
            break;
        }
    }
    return 1;
}

int interface_each(int ask_fd, void (*found)(void *arg, const struct interface_facts *), void *arg) {
    static const uint32_t sequence = 1;
    uint8_t answer[ANSWER_BYTES];
    interface_changed(ask_fd);
    int more = ask(ask_fd, sequence);
    more = more == 0 ? 1 : more;
    while (more == 1) {
        ssize_t got = recv(ask_fd, answer, sizeof answer, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        more = got < 0 ? -errno : take_answer((struct view){answer, (size_t)got}, sequence, found, arg);
    }
    return more;
}
