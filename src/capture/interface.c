#include "interface.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void tell(const struct nlmsghdr *message, void (*found)(void *arg, const struct interface_facts *), void *arg) {
    const struct ifinfomsg *body = NLMSG_DATA(message);
    struct interface_facts facts = {
        .index = body->ifi_index,
        .hardware_type = body->ifi_type,
        .enabled = (body->ifi_flags & IFF_UP) != 0,
        .carrier = (body->ifi_flags & IFF_LOWER_UP) != 0,
    };
    unsigned left = (unsigned)IFLA_PAYLOAD(message);
    for (const struct rtattr *a = IFLA_RTA(body); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFLA_IFNAME) {
            facts.name = RTA_DATA(a);
        } else if (a->rta_type == IFLA_STATS64 && RTA_PAYLOAD(a) >= offsetof(struct rtnl_link_stats64, rx_compressed)) {
            struct rtnl_link_stats64 stats; /* not aligned in the message */
            memset(&stats, 0, sizeof stats);
            memcpy(&stats, RTA_DATA(a), RTA_PAYLOAD(a) < sizeof stats ? RTA_PAYLOAD(a) : sizeof stats);
            facts.packets = stats.rx_packets;
            facts.dropped = stats.rx_dropped + stats.rx_missed_errors;
        }
    }
    if (facts.name) {
        found(arg, &facts);
    }
}

/* One answer of several messages: 1 when more are to come. */
static int take(struct nlmsghdr *message, size_t size, uint32_t sequence,
                void (*found)(void *arg, const struct interface_facts *), void *arg) {
    for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
        if (message->nlmsg_seq != sequence) {
            continue; /* of a question that was given up */
        }
        if (message->nlmsg_type == NLMSG_DONE) {
            return 0;
        }
        if (message->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = NLMSG_DATA(message);
            return error->error < 0 ? error->error : -EPROTO;
        }
        if (message->nlmsg_type == RTM_NEWLINK) {
            tell(message, found, arg);
        }
    }
    return 1;
}

int interface_each(int ask_fd, void (*found)(void *arg, const struct interface_facts *), void *arg) {
    static const uint32_t sequence = 1;
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
    interface_changed(ask_fd);
    int more = ask(ask_fd, sequence);
    more = more == 0 ? 1 : more;
    while (more == 1) {
        ssize_t got = recv(ask_fd, answer, sizeof answer, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        more = got < 0 ? -errno : take((struct nlmsghdr *)answer, (size_t)got, sequence, found, arg);
    }
    return more;
}
