#include "record.h"

#include "base/digits.h"
#include "fact.h"

static void write_text(struct json_writer *json, enum field field, const char *value, size_t n) {
    char *to = fact_put_key(field, json_end(json));
    *to = '"';
    to = digits_copy(to + 1, value, n);
    *to = '"';
    json_wrote(json, to + 1);
}

static inline void write_string(struct json_writer *json, enum field field, const char *value) {
    write_text(json, field, value, strlen(value));
}

static void write_address(struct json_writer *json, const struct address *a) {
    json_char(json, '"');
    fact_write_address(json, a->family, a->bytes);
    json_char(json, '"');
}

static void write_endpoint(struct json_writer *json, enum field ip, enum field port, const struct endpoint *at) {
    json_wrote(json, fact_put_key(ip, json_end(json)));
    write_address(json, &at->ip);
    json_wrote(json, fact_put_key(port, json_end(json)));
    json_uint(json, at->port);
}

static void write_mac(struct json_writer *json, enum field field, const uint8_t mac[6]) {
    static const char digits[] = "0123456789abcdef";
    char *to = fact_put_key(field, json_end(json));
    char before = '"';
    for (unsigned i = 0; i < 6; i++) {
        *to++ = before;
        *to++ = digits[mac[i] >> 4];
        *to++ = digits[mac[i] & 15];
        before = ':';
    }
    *to = '"';
    json_wrote(json, to + 1);
}

static bool in_network(const struct network *net, const struct address *a) {
    unsigned width = a->family == 4 ? 32 : 128;
    unsigned prefix = net->prefix_length < width ? net->prefix_length : width;
    if (net->base.family != a->family || memcmp(net->base.bytes, a->bytes, prefix / 8) != 0) {
        return false;
    }
    if (prefix % 8 == 0) {
        return true;
    }
    uint8_t mask = (uint8_t)(0xFF00u >> prefix % 8);
    return ((net->base.bytes[prefix / 8] ^ a->bytes[prefix / 8]) & mask) == 0;
}

static bool at_home(const struct address *a, const struct network *home, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (in_network(&home[i], a)) {
            return true;
        }
    }
    return false;
}

static void write_vlans(struct json_writer *json, const struct link_facts *link) {
    char before = '[';
    json_wrote(json, fact_put_key(FIELD_VLAN, json_end(json)));
    for (unsigned i = 0; i < link->vlan_count; i++) {
        json_char(json, before);
        json_uint(json, link->vlan[i]);
        before = ',';
    }
    json_char(json, ']');
}

static const char encapsulation_member[] = ",\"encapsulation\":[";

/* What the flow was wrapped in, members of capture. */
static void write_encapsulation(struct json_writer *json, const struct wrapping *w) {
    static const struct {
        const char *name;
        bool numbered;
    } kinds[ENCAPSULATIONS] = {
#define ENCAPSULATION(id, name, numbered) [ENCAPSULATION_##id] = {name, numbered},
#include "tables/encapsulation.def"
#undef ENCAPSULATION
    };
    json_raw(json, encapsulation_member, sizeof encapsulation_member - 1);
    for (unsigned i = 0; i < w->layer_count; i++) {
        if (i != 0) {
            json_char(json, ',');
        }
        json_char(json, '"');
        json_raw(json, kinds[w->layers[i]].name, strlen(kinds[w->layers[i]].name));
        if (kinds[w->layers[i]].numbered) {
            json_char(json, ':');
            json_uint(json, w->layer_ids[i]);
        }
        json_char(json, '"');
    }
    json_char(json, ']');
    if (w->has_tunnel) {
        json_literal(json, ",\"tunnel_src_ip\":");
        write_address(json, &w->tunnel_src);
        json_literal(json, ",\"tunnel_dest_ip\":");
        write_address(json, &w->tunnel_dst);
    }
}

size_t record_flow_capture(struct view json) {
    size_t n = sizeof encapsulation_member - 1;
    if (json.n < n || memcmp(json.p, encapsulation_member, n) != 0) {
        return 0;
    }
    const char *src_ip = fact_keys[FIELD_SRC_IP].member; /* the flow's first; names and numbers have none of it */
    const uint8_t *end = memmem(json.p, json.n, src_ip, fact_shapes[FIELD_SRC_IP].key_length);
    return end ? (size_t)(end - json.p) : 0;
}

enum network_direction record_direction(const struct flow_facts *flow, const struct network *home, size_t count) {
    static const enum network_direction directions[2][2] = {{NETWORK_EXTERNAL, NETWORK_INBOUND},
                                                            {NETWORK_OUTBOUND, NETWORK_INTERNAL}};
    if (count == 0) {
        return NETWORK_UNKNOWN;
    }
    return directions[at_home(&flow->client.ip, home, count)][at_home(&flow->server.ip, home, count)];
}

size_t record_flow(const struct flow_facts *flow, enum network_direction direction, char *to) {
    static const char *const directions[] = {[NETWORK_EXTERNAL] = "external",
                                             [NETWORK_INBOUND] = "inbound",
                                             [NETWORK_OUTBOUND] = "outbound",
                                             [NETWORK_INTERNAL] = "internal"};
    char text[FLOW_JSON_MAX + JSON_SLACK];
    struct json_writer json = {.base = text, .size = FLOW_JSON_MAX};
    if (flow->wrapping && flow->wrapping->layer_count != 0) {
        write_encapsulation(&json, flow->wrapping);
    }
    write_endpoint(&json, FIELD_SRC_IP, FIELD_SRC_PORT, &flow->client);
    write_endpoint(&json, FIELD_DEST_IP, FIELD_DEST_PORT, &flow->server);
    write_string(&json, FIELD_TRANSPORT_PROTOCOL, "tcp");
    write_string(&json, FIELD_APPLICATION_PROTOCOL, "smb");
    write_string(&json, FIELD_PROTOCOL, "smb");
    write_string(&json, FIELD_FLOW_ID, flow->flow_id);
    write_string(&json, FIELD_COMMUNITY_ID, flow->community_id);
    if (direction != NETWORK_UNKNOWN) {
        write_string(&json, FIELD_NETWORK_DIRECTION, directions[direction]);
    }
    if (flow->link.vlan_count != 0) {
        write_vlans(&json, &flow->link);
    }
    if (flow->link.has_mac) {
        write_mac(&json, FIELD_SRC_MAC, flow->link.src_mac);
        write_mac(&json, FIELD_DEST_MAC, flow->link.dst_mac);
    }
    assert(!json.overflowed);
    memcpy(to, text, json.used);
    return json.used;
}
