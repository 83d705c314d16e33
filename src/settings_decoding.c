/* What decoding is told. */
#include <stdio.h>
#include <string.h>

#include "base/code_page.h"
#include "flow/limits.h"
#include "options.h"
#include "settings.h"

/* A sensor's name goes into every record: short, and not empty. */
enum { SENSOR_ID_MAX = 64 };

static int set_detail(struct options *o, const char *place, const char *text) {
    bool every = strcmp(text, "operations") == 0;
    if (!every && strcmp(text, "handles") != 0) {
        return settings_refuse(place, text, "there is no such detail; give handles or operations");
    }
    o->pipeline.every_operation = every;
    return 0;
}

static const char *show_detail(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->pipeline.every_operation ? "operations" : "handles";
}

static int add_port(struct options *o, const char *place, const char *text) {
    struct pipeline_settings *p = &o->pipeline;
    unsigned long port;
    if (!value_number(text, 1, 65535, &port)) {
        return settings_refuse(place, text, "not a TCP port; give a number from 1 to 65535");
    }
    if (p->port_count == PIPELINE_PORTS_MAX) {
        return settings_refuse(place, text, "more than %d ports; SMB on others is found by its first message",
                               PIPELINE_PORTS_MAX);
    }
    p->ports[p->port_count++] = (uint16_t)port;
    return 0;
}

static const char *show_port(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    static const char *const defaults[] = {"445", "139"};
    if (o->pipeline.port_count == 0) {
        return i < sizeof defaults / sizeof defaults[0] ? defaults[i] : NULL;
    }
    if (i >= o->pipeline.port_count) {
        return NULL;
    }
    snprintf(to, VALUE_TEXT_SIZE, "%u", o->pipeline.ports[i]);
    return to;
}

static void clear_ports(struct options *o) {
    o->pipeline.port_count = 0;
}

static int add_home(struct options *o, const char *place, const char *text) {
    struct pipeline_settings *p = &o->pipeline;
    struct network net;
    if (!value_network(text, &net)) {
        return settings_refuse(place, text, "not a network; give it as 192.0.2.0/24 or 2001:db8::/32");
    }
    if (p->home_count == PIPELINE_HOME_MAX) {
        return settings_refuse(place, text, "more than %d networks; give larger ones", PIPELINE_HOME_MAX);
    }
    p->home[p->home_count++] = net;
    return 0;
}

static const char *show_home(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    return i < o->pipeline.home_count ? value_network_text(&o->pipeline.home[i], to) : NULL;
}

static void clear_home(struct options *o) {
    o->pipeline.home_count = 0;
}

static int set_sensor_id(struct options *o, const char *place, const char *text) {
    size_t n = strlen(text);
    if (n == 0 || n > SENSOR_ID_MAX) {
        return settings_refuse(place, text, "give 1 to %d bytes; it stands in every record", SENSOR_ID_MAX);
    }
    o->pipeline.sensor_id = text;
    return 0;
}

static const char *show_sensor_id(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->pipeline.sensor_id;
}

static int set_code_page(struct options *o, const char *place, const char *text) {
    struct code_page *page = o->sandboxed ? NULL : code_page_open(text);
    if (!page && !o->sandboxed) {
        return settings_refuse(place, text,
                               "there is no such code page; iconv -l lists those there are, " CODE_PAGE_DEFAULT
                               " is the default");
    }
    code_page_close(page);
    o->pipeline.code_page = text;
    return 0;
}

static const char *show_code_page(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return o->pipeline.code_page ? o->pipeline.code_page : CODE_PAGE_DEFAULT;
}

static int set_memory(struct options *o, const char *place, const char *text) {
    size_t bytes;
    if (!value_size(text, &bytes)) {
        return settings_refuse(place, text, "not a size; give it as 64M or 2G");
    }
    if (bytes < OPTIONS_MEMORY_MIN) {
        return settings_refuse(place, text, "too little to follow connections with; give %dM or more",
                               OPTIONS_MEMORY_MIN >> 20);
    }
    o->memory = bytes;
    return 0;
}

static const char *show_memory(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_size_text(o->memory, to);
}

static int set_flows(struct options *o, const char *place, const char *text) {
    unsigned long n;
    if (!value_number(text, 1, OPTIONS_FLOWS_MOST, &n)) {
        return settings_refuse(place, text, "not a number of connections; give one from 1 to %lu", OPTIONS_FLOWS_MOST);
    }
    o->pipeline.flows_max = n;
    return 0;
}

static const char *show_flows(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    snprintf(to, VALUE_TEXT_SIZE, "%zu", o->pipeline.flows_max ? o->pipeline.flows_max : FLOWS_MAX);
    return to;
}

static int set_idle_timeout(struct options *o, const char *place, const char *text) {
    return value_span(text, &o->pipeline.idle_ns) ? 0 : settings_refuse(place, text, SETTINGS_NO_SPAN);
}

static int set_slow(struct options *o, const char *place, const char *text) {
    return value_delay(text, &o->pipeline.slow_ns)
               ? 0
               : settings_refuse(place, text, "not a span of time; give it as 250ms, 1.5s, 15s or 2m");
}

static const char *show_slow(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_delay_text(o->pipeline.slow_ns, to);
}

static const char *show_idle_timeout(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i;
    return value_span_text(o->pipeline.idle_ns ? o->pipeline.idle_ns : IDLE_NS, to);
}

static int add_flow_key(struct options *o, const char *place, const char *text) {
    bool vlan = strcmp(text, "vlan") == 0, tunnel = strcmp(text, "tunnel") == 0;
    if (!vlan && !tunnel) {
        return settings_refuse(place, text, "connections are not told apart by that; give vlan or tunnel");
    }
    o->pipeline.key_vlan |= vlan;
    o->pipeline.key_tunnel |= tunnel;
    return 0;
}

static const char *show_flow_key(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)to;
    if (i == 0 && o->pipeline.key_vlan) {
        return "vlan";
    }
    return i == o->pipeline.key_vlan && o->pipeline.key_tunnel ? "tunnel" : NULL;
}

static void clear_flow_keys(struct options *o) {
    o->pipeline.key_vlan = o->pipeline.key_tunnel = false;
}

static int set_verify_checksums(struct options *o, const char *place, const char *text) {
    return settings_set_switch(&o->pipeline.verify_checksums, place, text);
}

static const char *show_verify_checksums(const struct options *o, size_t i, char to[VALUE_TEXT_SIZE]) {
    (void)i, (void)to;
    return settings_show_switch(o->pipeline.verify_checksums);
}

static const struct setting rows[] = {
    {
        .option = "detail",
        .commands = OF_SMBTAP,
        .key = "detail",
        .changes = true,
        .set = set_detail,
        .show = show_detail,
    },
    {
        .option = "port",
        .commands = OF_BOTH,
        .kind = SETTING_LIST,
        .key = "port",
        .set = add_port,
        .show = show_port,
        .clear = clear_ports,
    },
    {
        .option = "home-net",
        .commands = OF_SMBTAP,
        .kind = SETTING_LIST,
        .key = "home_net",
        .changes = true,
        .set = add_home,
        .show = show_home,
        .clear = clear_home,
    },
    {
        .option = "sensor-id",
        .commands = OF_SMBTAP,
        .key = "sensor_id",
        .set = set_sensor_id,
        .show = show_sensor_id,
    },
    {
        .option = "code-page",
        .commands = OF_BOTH,
        .key = "code_page",
        .set = set_code_page,
        .show = show_code_page,
    },
    {
        .option = "memory",
        .commands = OF_BOTH,
        .key = "memory",
        .set = set_memory,
        .show = show_memory,
    },
    {
        .option = "flows",
        .commands = OF_BOTH,
        .key = "flows",
        .set = set_flows,
        .show = show_flows,
    },
    {
        .option = "idle-timeout",
        .commands = OF_BOTH,
        .key = "idle_timeout",
        .set = set_idle_timeout,
        .show = show_idle_timeout,
    },
    {
        .option = "slow",
        .commands = OF_SMBTAP,
        .key = "slow",
        .changes = true,
        .set = set_slow,
        .show = show_slow,
    },
    {
        .option = "flow-key",
        .commands = OF_SMBTAP,
        .kind = SETTING_LIST,
        .key = "flow_key",
        .set = add_flow_key,
        .show = show_flow_key,
        .clear = clear_flow_keys,
    },
    {
        .option = "verify-checksums",
        .commands = OF_SMBTAP,
        .kind = SETTING_SWITCH,
        .means = "yes",
        .key = "verify_checksums",
        .set = set_verify_checksums,
        .show = show_verify_checksums,
    },
};

const struct settings_rows settings_decoding = {rows, sizeof rows / sizeof rows[0]};
