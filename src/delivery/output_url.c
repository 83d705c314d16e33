#include "output_url.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/siphash.h"
#include "base/value.h"
#include "output_texts.h"

enum {
    HOST_LONGEST = 253,                 /* RFC 1035 2.3.4, without the dot at its end */
    TOPIC_LONGEST = 249 - 8,            /* Kafka's, with room for "-finding" */
    BROKERS_SIZE = 4096,                /* bytes of their list */
    NAME_RAW_SIZE = BROKERS_SIZE + 512, /* of what a name is made from */
    DIGEST_SIZE = 9,                    /* "-" and eight digits */
};

struct scheme {
    const char *name;
    enum output_kind kind;
    const char *port; /* unless another one is given; NULL: one has to be */
};

/* No port is assigned to RELP. */
static const struct scheme schemes[] = {
    {"file", OUTPUT_FILE, NULL},         {"syslog+udp", OUTPUT_UDP, "514"}, /* RFC 5426 3.3 */
    {"syslog+tcp", OUTPUT_TCP, "514"},  /* RFC 6587 1: customary, though the shell service has it */
    {"syslog+tls", OUTPUT_TLS, "6514"}, /* RFC 5425 4.1 */
    {"syslog+unix", OUTPUT_UNIX, NULL},  {"relp", OUTPUT_RELP, NULL},
    {"relp+tls", OUTPUT_RELP_TLS, NULL}, {"kafka", OUTPUT_KAFKA, "9092"},
};

enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

__attribute__((format(printf, 2, 3))) static int wrong(char why[OUTPUT_WHY_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, OUTPUT_WHY_SIZE, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int no_memory(char why[OUTPUT_WHY_SIZE]) {
    wrong(why, "out of memory; close other programs and run it again");
    return -ENOMEM;
}

/* ---- schemes */

/* Bytes of what may be a scheme (RFC 3986 3.1) in front of a colon; 0: there is none. */
static size_t scheme_length(const char *text) {
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (n != 0 && text[n] != 0 && strchr("+-.", text[n]))) {
        n++;
    }
    return text[n] == ':' ? n : 0;
}

static const struct scheme *scheme_of(const char *text) {
    size_t n = scheme_length(text);
    for (size_t i = 0; i < SCHEMES; i++) {
        if (strlen(schemes[i].name) == n && memcmp(schemes[i].name, text, n) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

static bool looks_like_url(const char *text) {
    size_t n = scheme_length(text);
    return n != 0 && strncmp(text + n, "://", 3) == 0;
}

const char *output_url_kind(enum output_kind kind) {
    for (size_t i = 0; i < SCHEMES; i++) {
        if (schemes[i].kind == kind) {
            return schemes[i].name;
        }
    }
    return kind == OUTPUT_STANDARD ? "-" : "PATH";
}

bool output_url_queried(const char *text) {
    return strcmp(text, "-") == 0 || strncmp(text, "-?", 2) == 0 || scheme_of(text) || looks_like_url(text);
}

static int refuse_scheme(const char *url, char why[OUTPUT_WHY_SIZE]) {
    char names[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < SCHEMES && n < sizeof names; i++) {
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", schemes[i].name);
    }
    return wrong(why, "%.*s: there is no such kind of output; those there are: %s", (int)scheme_length(url), url,
                 names);
}

/* ---- parts */

static int digit_of(char c) {
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found ? (int)(found - digits) : -1;
}

bool output_url_decode(char *text) {
    char *to = text;
    while (*text) {
        if (*text != '%') {
            *to++ = *text++;
            continue;
        }
        int high = digit_of(text[1]), low = high < 0 ? -1 : digit_of(text[2]);
        if (low < 0 || (high == 0 && low == 0)) {
            return false;
        }
        *to++ = (char)(high * 16 + low);
        text += 3;
    }
    *to = 0;
    return true;
}

bool output_url_hosts(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    return n != 0 && n <= HOST_LONGEST && text[n] == 0 && text[0] != '-' && text[0] != '.';
}

/* In brackets; a zone behind a percent sign, as fe80::1%25eth0 (RFC 6874). */
static bool is_address6(char *text) {
    struct address address;
    if (!output_url_decode(text)) {
        return false;
    }
    size_t n = strcspn(text, "%");
    bool zone = text[n] != 0;
    return value_address(text, n, &address) && address.family == 6 &&
           (!zone || (text[n + 1] && strlen(text + n + 1) < IF_NAMESIZE));
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT; both are cut out of the text. */
static int split_host(const struct scheme *s, char *text, char **host, const char **port, char why[OUTPUT_WHY_SIZE]) {
    char *colon;
    unsigned long number;
    if (text[strcspn(text, "@")]) {
        return wrong(why, "a user has no place in it; write %s://HOST:PORT", s->name);
    }
    bool bracketed = text[0] == '[';
    if (bracketed) {
        char *end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':')) {
            return wrong(why, "an IPv6 address stands in brackets, and the port behind them; write %s://[ADDRESS]:PORT",
                         s->name);
        }
        colon = end[1] ? end + 1 : NULL;
        *end = 0;
        *host = text + 1;
    } else {
        colon = strchr(text, ':');
        *host = text;
        if (colon && strchr(colon + 1, ':')) {
            return wrong(why, "an IPv6 address stands in brackets; write %s://[ADDRESS]:PORT", s->name);
        }
    }
    if (colon) {
        *colon = 0;
    }
    if (!**host) {
        return wrong(why, "there is no host in it; write %s://HOST:PORT", s->name);
    }
    if (bracketed ? !is_address6(*host) : !output_url_hosts(*host)) {
        return wrong(why, "%.64s: neither the name of a host nor an address; write %s://HOST:PORT", *host, s->name);
    }
    *port = colon ? colon + 1 : s->port;
    if (!*port) {
        return wrong(why, "there is no port in it, and none is customary; write %s://HOST:PORT", s->name);
    }
    if (!value_number(*port, 1, 65535, &number)) {
        return wrong(why, "\"%.32s\" is no port; give a number from 1 to 65535", *port);
    }
    return 0;
}

/* ---- kinds */

static int take_host(struct output_settings *o, const struct scheme *s, char *rest, char why[OUTPUT_WHY_SIZE]) {
    char *slash = strchr(rest, '/'), *host;
    if (slash && slash[1]) {
        return wrong(why,
                     "nothing stands behind its host and port; settings do behind a \"?\", as %s://HOST:PORT?cee=yes",
                     s->name);
    }
    if (slash) {
        *slash = 0;
    }
    int error = split_host(s, rest, &host, &o->port, why);
    o->host = host;
    return error;
}

/* file:PATH, file:///PATH, syslog+unix:///PATH */
static int take_path(struct output_settings *o, const struct scheme *s, char *rest, char why[OUTPUT_WHY_SIZE]) {
    bool unix_socket = s->kind == OUTPUT_UNIX;
    if (strncmp(rest, "//", 2) == 0) {
        rest += 2;
        if (*rest != '/') {
            return wrong(why, "a host has no place in it; write %s:%sPATH", s->name, unix_socket ? "///" : "");
        }
    }
    if (!output_url_decode(rest)) {
        return wrong(why, "a %% in it is not followed by two hexadecimal digits; write %%25 for the sign itself");
    }
    size_t n = strlen(rest);
    if (n == 0 || rest[n - 1] == '/') {
        return wrong(why, "there is no file in it; write %s:%sPATH", s->name, unix_socket ? "///" : "");
    }
    if (unix_socket && *rest != '/') {
        return wrong(why, "a socket is named from / on; write %s:///dev/log", s->name);
    }
    if (unix_socket && n >= sizeof((struct sockaddr_un *)0)->sun_path) {
        return wrong(why, "the name of a socket has at most %zu bytes; make a shorter one",
                     sizeof((struct sockaddr_un *)0)->sun_path - 1);
    }
    if (strcmp(rest, "-") == 0) {
        return wrong(why, "standard output is - alone; for a file of that name write file:./-");
    }
    o->path = rest;
    return 0;
}

static int take_brokers(struct output_settings *o, const struct scheme *s, char *list, char why[OUTPUT_WHY_SIZE]) {
    char brokers[BROKERS_SIZE];
    size_t n = 0;
    char *host;
    const char *port;
    for (char *next = list; next;) {
        char *one = strsep(&next, ",");
        int error = split_host(s, one, &host, &port, why);
        if (error != 0) {
            return error;
        }
        bool address = strchr(host, ':') != NULL;
        n += (size_t)snprintf(brokers + n, sizeof brokers - n, "%s%s%s%s:%s", n ? "," : "", address ? "[" : "", host,
                              address ? "]" : "", port);
        if (n >= sizeof brokers) {
            return wrong(why, "its list of brokers is too long; a few of them are enough, for they tell of the others");
        }
    }
    o->kafka.brokers = output_texts_keep(o, brokers, n);
    return o->kafka.brokers ? 0 : no_memory(why);
}

static int take_kafka(struct output_settings *o, const struct scheme *s, char *rest, char why[OUTPUT_WHY_SIZE]) {
    char *topic = strchr(rest, '/');
    if (!topic || !topic[1]) {
        return wrong(why, "there is no topic in it; write kafka://BROKER:PORT/TOPIC");
    }
    *topic++ = 0;
    size_t n = strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    if (topic[n] || n > TOPIC_LONGEST || strcmp(topic, ".") == 0 || strcmp(topic, "..") == 0) {
        return wrong(why,
                     "%.64s: no name of a topic; it has letters, digits, dots, underscores and hyphens, %d at most",
                     topic, TOPIC_LONGEST);
    }
    o->kafka.topic = topic;
    return take_brokers(o, s, rest, why);
}

static int take_rest(struct output_settings *o, const struct scheme *s, char why[OUTPUT_WHY_SIZE]) {
    const char *from = o->url + strlen(s->name) + 1;
    char *rest = output_texts_keep(o, from, strlen(from));
    if (!rest) {
        return no_memory(why);
    }
    o->kind = s->kind;
    if (s->kind == OUTPUT_FILE) {
        return take_path(o, s, rest, why);
    }
    if (strncmp(rest, "//", 2) != 0) {
        return wrong(why, "two slashes are missing; write %s://...", s->name);
    }
    switch (s->kind) {
    case OUTPUT_UNIX:
        return take_path(o, s, rest, why);
    case OUTPUT_KAFKA:
        return take_kafka(o, s, rest + 2, why);
    default:
        return take_host(o, s, rest + 2, why);
    }
}

/* ---- its name */

bool output_url_names(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n != 0 && n <= OUTPUT_NAME_MAX && text[n] == 0 && text[0] != '.';
}

/* Where it leads, with what is left out of a URL. */
static void write_raw(const struct output_settings *o, char raw[NAME_RAW_SIZE]) {
    const char *kind = output_url_kind(o->kind);
    switch (o->kind) {
    case OUTPUT_STANDARD:
        snprintf(raw, NAME_RAW_SIZE, "-");
        break;
    case OUTPUT_PATH:
    case OUTPUT_FILE:
        snprintf(raw, NAME_RAW_SIZE, "%s", o->path + (o->path[0] == '/' && o->path[1]));
        break;
    case OUTPUT_UNIX:
        snprintf(raw, NAME_RAW_SIZE, "%s-%s", kind, o->path + 1);
        break;
    case OUTPUT_KAFKA:
        snprintf(raw, NAME_RAW_SIZE, "%s-%s-%s", kind, o->kafka.brokers, o->kafka.topic);
        break;
    default:
        snprintf(raw, NAME_RAW_SIZE, "%s-%s-%s", kind, o->host, o->port);
    }
}

/* What a letter becomes; *lost where several become the same that are not told apart by what stands around them. */
static char letter_of(char c, bool *lost) {
    switch (c) {
    case '/':
    case '+':
        return '_';
    case ':':
        return '-';
    case '.':
    case '_':
    case '-':
        return c;
    default:
        *lost |= !isalnum((unsigned char)c) || !isascii((unsigned char)c);
        return isascii((unsigned char)c) && isalnum((unsigned char)c) ? c : '-';
    }
}

static void make_name(struct output_settings *o) {
    char raw[NAME_RAW_SIZE];
    write_raw(o, raw);
    size_t n = strlen(raw), fits = n < OUTPUT_NAME_MAX ? n : OUTPUT_NAME_MAX;
    bool lost = n > OUTPUT_NAME_MAX || raw[0] == '.' || (o->host && strchr(o->host, ':'));
    for (size_t i = 0; i < fits; i++) {
        o->name[i] = letter_of(raw[i], &lost);
    }
    o->name[fits] = 0;
    o->name[0] = raw[0] == '.' ? '_' : o->name[0];
    if (lost) {
        size_t at = fits < OUTPUT_NAME_MAX - (DIGEST_SIZE) ? fits : OUTPUT_NAME_MAX - DIGEST_SIZE;
        uint32_t digest = (uint32_t)siphash24((struct siphash_key){0}, (struct view){(const uint8_t *)raw, n});
        snprintf(o->name + at, sizeof o->name - at, "-%08" PRIx32, digest);
    }
}

int output_url_take(struct output_settings *o, const char *url, char why[OUTPUT_WHY_SIZE]) {
    const struct scheme *s = scheme_of(url);
    int error = 0;
    if (!*url) {
        return wrong(why,
                     "no output; give a file's name, a URL such as syslog+tcp://HOST:PORT, or - for standard output");
    }
    o->url = output_texts_keep(o, url, strlen(url));
    if (!o->url) {
        return no_memory(why);
    }
    if (s) {
        error = take_rest(o, s, why);
    } else if (looks_like_url(url)) {
        error = refuse_scheme(url, why);
    } else {
        o->kind = strcmp(url, "-") == 0 ? OUTPUT_STANDARD : OUTPUT_PATH;
        o->path = o->kind == OUTPUT_PATH ? o->url : NULL;
    }
    if (error == 0) {
        make_name(o);
    }
    return error;
}
