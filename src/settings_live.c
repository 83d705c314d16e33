/* What a live run is told; user and sandbox are of every run. */
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "settings.h"

enum {
    USER_NAME_SIZE = 32,  /* useradd(8) */
    WORKERS_PER_CORE = 4, /* no more can be asked for: they would only wait for each other */
};

static int set_text(const char **to, const char *place, const char *text, const char *what) {
    if (*text == 0) {
        return settings_refuse(place, text, "not %s; give one", what);
    }
    *to = text;
    return 0;
}

static int add_interface(struct options *o, const char *place, const char *text) {
    struct live_options *live = &o->live;
    if (*text == 0 || strlen(text) >= IF_NAMESIZE || strpbrk(text, "/ \t\n")) {
        return settings_refuse(place, text, "no name of an interface; ip link lists those there are");
    }
    if (live->interface_count == OPTIONS_INTERFACES_MAX) {
        return settings_refuse(place, text, "more than %d interfaces; start another smbtap for the others",
                               OPTIONS_INTERFACES_MAX);
    }
    for (size_t i = 0; i < live->interface_count; i++) {
        if (strcmp(live->interfaces[i], text) == 0) {
            return settings_refuse(place, text, "given twice; its packets would be told twice, give it once");
        }
        if (strcmp(live->interfaces[i], "any") == 0 || strcmp(text, "any") == 0) {
            return settings_refuse(place, text,
                                   "any has the packets of all others; give it alone, or those without it");
        }
    }
    live->interfaces[live->interface_count++] = text;
    return 0;
}

static const char *show_interface(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)to;
    return i < o->live.interface_count ? o->live.interfaces[i] : NULL;
}

static void clear_interfaces(struct options *o) {
    o->live.interface_count = 0;
}

/* Those that this process may run on. */
static unsigned cores(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : OPTIONS_WORKERS_MAX;
}

unsigned settings_workers(void) {
    unsigned most = cores() < OPTIONS_WORKERS_MAX ? cores() : OPTIONS_WORKERS_MAX;
    return most > 1 ? most - 1 : 1;
}

static int set_workers(struct options *o, const char *place, const char *text) {
    unsigned long n = 0;
    if (strcmp(text, "auto") != 0 && !value_number(text, 1, UINT_MAX, &n)) {
        return settings_refuse(place, text, "not a number of workers; give one from 1 on, or auto");
    }
    if (!o->sandboxed && n > (unsigned long)cores() * WORKERS_PER_CORE) {
        settings_refuse(place, text,
                        "there are %u cores, and each worker wants one of its own; give %u or fewer, %u at most",
                        cores(), cores(), cores() * WORKERS_PER_CORE);
        return EXIT_FAILURE;
    }
    if (n > OPTIONS_WORKERS_MAX) {
        return settings_refuse(place, text, "more than %d workers; give fewer", OPTIONS_WORKERS_MAX);
    }
    o->live.workers = (unsigned)n;
    return 0;
}

static const char *show_workers(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    snprintf(to, VALUE_TEXT_SIZE, "%u", o->live.workers);
    return to;
}

static int set_buffer(struct options *o, const char *place, const char *text) {
    size_t bytes;
    if (!value_size(text, &bytes)) {
        return settings_refuse(place, text, "not a size; give it as 256M or 1G");
    }
    if (bytes < OPTIONS_BUFFER_MIN) {
        return settings_refuse(place, text, "too little for a ring of packets; give %dM or more",
                               OPTIONS_BUFFER_MIN >> 20);
    }
    o->live.buffer_bytes = bytes;
    return 0;
}

static const char *show_buffer(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_size_text(o->live.buffer_bytes, to);
}

static int set_snap_length(struct options *o, const char *place, const char *text) {
    unsigned long n;
    if (!value_number(text, OPTIONS_SNAP_MIN, OPTIONS_SNAP_MOST, &n)) {
        return settings_refuse(place, text, "not a number of bytes to take of a packet; give one from %d to %d",
                               OPTIONS_SNAP_MIN, OPTIONS_SNAP_MOST);
    }
    o->live.snap_length = (int)n;
    return 0;
}

static const char *show_snap_length(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    snprintf(to, VALUE_TEXT_SIZE, "%d", o->live.snap_length);
    return to;
}

static int set_promiscuous(struct options *o, const char *place, const char *text) {
    return settings_set_switch(&o->live.promiscuous, place, text);
}

static const char *show_promiscuous(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return settings_show_switch(o->live.promiscuous);
}

/* Why libpcap does not take the expression on one of the link types that interfaces have; false: it takes it. */
static bool compile_fails(const char *text, int link_type, char why[PCAP_ERRBUF_SIZE]) {
    pcap_t *p = pcap_open_dead(link_type, OPTIONS_SNAP_MOST);
    struct bpf_program program;
    bool failed = p && pcap_compile(p, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0;
    if (failed) {
        snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(p));
    } else if (p) {
        pcap_freecode(&program);
    }
    if (p) {
        pcap_close(p);
    }
    return failed;
}

/* A run finds out where it is needed; only who asks whether all is right is told before. Some of the language is for Ethernet alone,
 * some for all but it. */
int settings_set_filter(struct options *o, const char *place, const char *text) {
    char why[PCAP_ERRBUF_SIZE], ignored[PCAP_ERRBUF_SIZE];
    if (o->action == DO_CHECK && compile_fails(text, DLT_EN10MB, why) && compile_fails(text, DLT_LINUX_SLL2, ignored)) {
        return settings_refuse(place, text, "the filter does not compile (%s); see pcap-filter(7)", why);
    }
    o->filter = *text ? text : NULL;
    return 0;
}

static const char *show_filter(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->filter;
}

static int set_stats_interval(struct options *o, const char *place, const char *text) {
    return value_span(text, &o->live.stats_interval_ns) ? 0 : settings_refuse(place, text, SETTINGS_NO_SPAN);
}

static const char *show_stats_interval(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_span_text(o->live.stats_interval_ns, to);
}

static int set_loss_threshold(struct options *o, const char *place, const char *text) {
    return value_percent(text, &o->live.loss_percent)
               ? 0
               : settings_refuse(place, text, "not a percentage; give a number from 0 to 100, such as 0.5");
}

static const char *show_loss_threshold(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_percent_text(o->live.loss_percent, to);
}

/* PORT, ADDRESS:PORT or [ADDRESS]:PORT */
static bool is_listener(const char *text) {
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
    unsigned long number;
    if (!value_number(port, 1, 65535, &number)) {
        return false;
    }
    if (!colon) {
        return true;
    }
    size_t n = (size_t)(colon - text);
    bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
    struct address address;
    return value_address(text + bracketed, n - 2 * bracketed, &address) && bracketed == (address.family == 6);
}

static int set_metrics(struct options *o, const char *place, const char *text) {
    if (!is_listener(text)) {
        return settings_refuse(place, text, "no address to listen on; give it as 9145, 192.0.2.1:9145 or [::1]:9145");
    }
    o->live.metrics_address = text;
    return 0;
}

static const char *show_metrics(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->live.metrics_address;
}

static int set_metrics_file(struct options *o, const char *place, const char *text) {
    return set_text(&o->live.metrics_file, place, text, "a file's name");
}

static const char *show_metrics_file(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->live.metrics_file;
}

static int set_user(struct options *o, const char *place, const char *text) {
    if (*text == 0 || *text == '-' || strlen(text) > USER_NAME_SIZE || strpbrk(text, ":/ \t\n")) {
        return settings_refuse(place, text, "no name of a user; give that of one who owns nothing else");
    }
    o->live.user = text;
    return 0;
}

static const char *show_user(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->live.user;
}

static int set_sandbox(struct options *o, const char *place, const char *text) {
    return settings_set_switch(&o->live.sandbox, place, text);
}

static const char *show_sandbox(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return settings_show_switch(o->live.sandbox);
}

static const struct setting rows[] = {
    {
        .letter = 'i',
        .commands = OF_SMBTAP,
        .kind = SETTING_LIST,
        .key = "interfaces",
        .live = true,
        .set = add_interface,
        .show = show_interface,
        .clear = clear_interfaces,
    },
    {
        .option = "workers",
        .commands = OF_SMBTAP,
        .key = "workers",
        .live = true,
        .set = set_workers,
        .show = show_workers,
    },
    {
        .option = "buffer",
        .commands = OF_SMBTAP,
        .key = "buffer",
        .live = true,
        .set = set_buffer,
        .show = show_buffer,
    },
    {
        .option = "snap-length",
        .commands = OF_SMBTAP,
        .key = "snap_length",
        .live = true,
        .set = set_snap_length,
        .show = show_snap_length,
    },
    {
        .option = "no-promiscuous",
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "no",
        .key = "promiscuous",
        .live = true,
        .set = set_promiscuous,
        .show = show_promiscuous,
    },
    {
        .commands = OF_SMBTAP,
        .key = "filter",
        .set = settings_set_filter,
        .show = show_filter,
    },
    {
        .option = "stats-interval",
        .commands = OF_SMBTAP,
        .key = "stats_interval",
        .live = true,
        .changes = true,
        .set = set_stats_interval,
        .show = show_stats_interval,
    },
    {
        .option = "loss-threshold",
        .commands = OF_SMBTAP,
        .key = "loss_threshold",
        .live = true,
        .changes = true,
        .set = set_loss_threshold,
        .show = show_loss_threshold,
    },
    {
        .option = "metrics",
        .commands = OF_SMBTAP,
        .key = "metrics",
        .live = true,
        .set = set_metrics,
        .show = show_metrics,
    },
    {
        .option = "metrics-file",
        .commands = OF_SMBTAP,
        .key = "metrics_file",
        .live = true,
        .set = set_metrics_file,
        .show = show_metrics_file,
    },
    {
        .option = "user",
        .commands = OF_BOTH,
        .key = "user",
        .set = set_user,
        .show = show_user,
    },
    {
        .option = "no-sandbox",
        .commands = OF_BOTH,
        .kind = SETTING_SWITCH,
        .means = "no",
        .key = "sandbox",
        .set = set_sandbox,
        .show = show_sandbox,
    },
};

const struct settings_rows settings_live = {rows, sizeof rows / sizeof rows[0]};
