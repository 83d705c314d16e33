#include "event/service_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

enum { NAME_BYTES = 256 };

/* The text up to a character of the set, in lower case as far as it is ASCII, from *pos on, which ends behind that. */
static void take(struct text t, size_t *pos, const char *ends, char to[NAME_BYTES]) {
    size_t n = 0;
    while (*pos < t.bytes.n) {
        uint32_t c = text_next(t, pos);
        if (c < 0x80 && c != 0 && strchr(ends, (int)c)) {
            break;
        }
        c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        if (n + 1 < NAME_BYTES) {
            to[n++] = c < 0x80 && c != 0 ? (char)c : '?';
        }
    }
    to[n] = 0;
}

static bool is_name(const char *host, struct text name) {
    char whole[NAME_BYTES], first[NAME_BYTES];
    size_t pos = 0;
    take(name, &pos, "", whole);
    pos = 0;
    take(name, &pos, ".", first);
    return *whole && (strcmp(host, whole) == 0 || strcmp(host, first) == 0);
}

static bool is_address(const char *host, const struct address *a) {
    uint8_t bytes[16];
    return inet_pton(a->family == 4 ? AF_INET : AF_INET6, host, bytes) == 1 &&
           memcmp(bytes, a->bytes, a->family == 4 ? 4 : 16) == 0;
}

/* "cifs/FS01.example.test:445/..." Where the server did not say who it is, any host may be it. */
static bool is_foreign(const struct operation *op, struct text spn) {
    char service[NAME_BYTES], host[NAME_BYTES];
    const struct text *names = op->security->names;
    struct text netbios = names[SECURITY_SERVER_NETBIOS_NAME], dns = names[SECURITY_SERVER_DNS_NAME];
    size_t pos = 0;
    take(spn, &pos, "/", service);
    take(spn, &pos, "/:", host);
    if (strcmp(service, "cifs") != 0 && strcmp(service, "host") != 0) {
        return true;
    }
    bool told = netbios.bytes.n != 0 || dns.bytes.n != 0;
    return told && !is_name(host, netbios) && !is_name(host, dns) &&
           !is_address(host, &op->connection->flow->server.ip);
}

enum service_name service_name_judge(const struct operation *op) {
    const struct security_facts *s = op->security;
    if (!s || op->leg || (op->auth && op->auth->kind == AUTH_ANONYMOUS)) {
        return SERVICE_NAME_UNKNOWN;
    }
    struct text spn = s->names[SECURITY_SPN];
    if (spn.bytes.n != 0) {
        return is_foreign(op, spn) ? SERVICE_NAME_FOREIGN : SERVICE_NAME_GOOD;
    }
    if (!s->authenticated || s->responses == 0) {
        return SERVICE_NAME_UNKNOWN;
    }
    if (!(s->responses & NTLM_RESPONSE_NTLMV2)) {
        return SERVICE_NAME_MISSING;
    }
    return !s->pairs_whole ? SERVICE_NAME_UNKNOWN : s->empty_spn ? SERVICE_NAME_EMPTY : SERVICE_NAME_MISSING;
}
