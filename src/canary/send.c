#include "canary/send.h"

#include <errno.h>
#include <libnet.h>
#include <net/if.h>
#include <pcap/dlt.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* A request is to be seen before its response, also where each direction is mirrored on a way of its own. */
static const struct timespec between = {.tv_nsec = 2000000};

static int put(void *arg, struct view frame) {
    errno = 0;
    if (libnet_adv_write_link(arg, frame.p, (uint32_t)frame.n) != (int)frame.n) {
        return errno ? -errno : -EIO;
    }
    nanosleep(&between, NULL);
    return 0;
}

static bool put_all(const char *interface, libnet_t *net, const struct conversation *c) {
    if (net->link_type != DLT_EN10MB) {
        log_error("%s: it is no Ethernet; name an interface that is", interface);
        return false;
    }
    int error = conversation_frames(c, put, net);
    if (error) {
        log_error("%s: cannot be sent to: %s; see whether it is up (ip link)", interface, strerror(-error));
    }
    return error == 0;
}

/* libnet says in words that it could not, and the reason is asked for anew. */
static void explain(const char *interface, const char *why) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EPERM) {
        log_error("%s: there is no right to send; run it as root, or let the program with setcap cap_net_raw=ep",
                  interface);
    } else if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP)) {
        log_error("%s: it is down; take it up with ip link set %s up", interface, interface);
    } else {
        log_error("%s: cannot be sent to: %s; name an interface that is an Ethernet", interface, why);
    }
    if (fd >= 0) {
        close(fd);
    }
}

bool send_conversation(const char *interface, const struct conversation *c) {
    char why[LIBNET_ERRBUF_SIZE] = "";
    if (if_nametoindex(interface) == 0) {
        log_error("%s: there is no such interface; ip link shows those that there are", interface);
        return false;
    }
    libnet_t *net = libnet_init(LIBNET_LINK_ADV, interface, why);
    if (!net) {
        explain(interface, why);
        return false;
    }
    bool sent = put_all(interface, net, c);
    libnet_destroy(net);
    return sent;
}
