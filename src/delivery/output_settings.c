#include "output_settings.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/packet_clock.h"
#include "base/text.h"
#include "base/value.h"
#include "event.h"
#include "operation.h"
#include "output_texts.h"
#include "output_url.h"
#include "sink.h"

enum {
    HOSTNAME_LONGEST = 255, /* RFC 5424 6 */
    FINGERPRINT_DIGITS = 64,
    TLS_1_2 = 0x0303, /* the next one has the next number */
    FACILITY_DEFAULT = 16,
    SEVERITY_DEFAULT = 6,
    WORD_SHOWN = 200, /* bytes of a value that a message shows */
};

#define PROPERTY_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789._"
#define CREDENTIALS "$CREDENTIALS_DIRECTORY/" /* systemd.exec(5): LoadCredential= */

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes are of one kind");
_Static_assert(OPERATION_KINDS < 64, "a bit for each operation");

/* How a value is written. Both get the setting, for its place in the output. */
struct form {
    /* 0, or a negative errno and why: what is wrong, without the text itself. */
    int (*set)(struct output_settings *, const struct output_setting *, const char *text, char *why);
    const char *(*show)(const struct output_settings *, const struct output_setting *, size_t i, char *to);
    const char *const *names; /* of numbers from first on */
    size_t name_count;
    unsigned bytes; /* of the number, and of its bits */
    unsigned first;
    bool numbers; /* they may be written as such as well */
    bool list;
    uint64_t low, high;
};

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, OUTPUT_WHY_SIZE, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int no_memory(char *why) {
    wrong(why, "out of memory; close other programs and run it again");
    return -ENOMEM;
}

/* ---- places */

static const void *place_of(const struct output_settings *o, const struct output_setting *s) {
    return (const char *)o + s->offset;
}

static void *place_in(struct output_settings *o, const struct output_setting *s) {
    return (char *)o + s->offset;
}

static uint64_t number_of(const struct output_settings *o, const struct output_setting *s) {
    const void *at = place_of(o, s);
    switch (s->form->bytes) {
    case 1:
        return *(const bool *)at;
    case 4:
        return *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

static void put_number(struct output_settings *o, const struct output_setting *s, uint64_t n) {
    void *at = place_in(o, s);
    switch (s->form->bytes) {
    case 1:
        *(bool *)at = n != 0;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)n;
        break;
    default:
        *(uint64_t *)at = n;
    }
}

static int put_text(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    const char *kept = output_texts_keep(o, text, strlen(text));
    if (!kept) {
        return no_memory(why);
    }
    *(const char **)place_in(o, s) = kept;
    return 0;
}

/* ---- names and numbers */

static int not_one(const struct output_setting *s, char *why) {
    return wrong(why, "no value of this setting; give %s", s->values);
}

static bool find_name(const struct form *f, const char *text, size_t *i) {
    unsigned long number;
    for (*i = 0; *i < f->name_count; ++*i) {
        if (strcmp(f->names[*i], text) == 0) {
            return true;
        }
    }
    if (f->numbers && value_number(text, 0, f->name_count - 1, &number)) {
        *i = number;
        return true;
    }
    return false;
}

static int set_choice(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    size_t i;
    if (!find_name(s->form, text, &i)) {
        return not_one(s, why);
    }
    put_number(o, s, i + s->form->first);
    return 0;
}

static const char *show_choice(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)to;
    uint64_t n = number_of(o, s) - s->form->first;
    return i == 0 && n < s->form->name_count ? s->form->names[n] : NULL;
}

static uint64_t all_bits(const struct form *f) {
    return (UINT64_C(1) << f->name_count) - 1;
}

/* None of them stands for all until that is checked. */
static int set_bits(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    size_t i;
    if (strcmp(text, "all") == 0) {
        put_number(o, s, all_bits(s->form));
    } else if (find_name(s->form, text, &i)) {
        put_number(o, s, number_of(o, s) | UINT64_C(1) << i);
    } else {
        return not_one(s, why);
    }
    return 0;
}

static const char *show_bits(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)to;
    uint64_t bits = number_of(o, s) & all_bits(s->form);
    if (bits == 0 || bits == all_bits(s->form)) {
        return i == 0 ? "all" : NULL;
    }
    for (size_t k = 0; k < s->form->name_count; k++) {
        if (bits >> k & 1 && i-- == 0) {
            return s->form->names[k];
        }
    }
    return NULL;
}

static int set_flag(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    bool on;
    if (!value_switch(text, &on)) {
        return not_one(s, why);
    }
    put_number(o, s, on);
    return 0;
}

static const char *show_flag(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)to;
    return i != 0 ? NULL : number_of(o, s) ? "yes" : "no";
}

static int set_number(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    unsigned long n;
    if (!value_number(text, s->form->low, s->form->high, &n)) {
        return not_one(s, why);
    }
    put_number(o, s, n);
    return 0;
}

static const char *show_number(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    snprintf(to, VALUE_TEXT_SIZE, "%" PRIu64, number_of(o, s));
    return i == 0 ? to : NULL;
}

static int set_size(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    size_t n = 0;
    if ((strcmp(text, "0") != 0 && !value_size(text, &n)) || n < s->form->low) {
        return not_one(s, why);
    }
    put_number(o, s, n);
    return 0;
}

static const char *show_size(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    uint64_t n = number_of(o, s);
    return i != 0 || n < s->form->low ? NULL : value_size_text(n, to);
}

static int set_span(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    uint64_t ns;
    if (!value_span(text, &ns)) {
        return not_one(s, why);
    }
    put_number(o, s, ns);
    return 0;
}

static const char *show_span(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    uint64_t ns = number_of(o, s);
    return i != 0 || ns == 0 ? NULL : value_span_text(ns, to);
}

static int set_fsync(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    if (strcmp(text, "never") == 0) {
        o->spool.sync = SPOOL_SYNC_NEVER;
    } else if (strcmp(text, "always") == 0) {
        o->spool.sync = SPOOL_SYNC_ALWAYS;
    } else if (value_span(text, &o->spool.sync_ns)) {
        o->spool.sync = SPOOL_SYNC_INTERVAL;
    } else {
        return not_one(s, why);
    }
    return 0;
}

static const char *show_fsync(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)s;
    if (i != 0) {
        return NULL;
    }
    switch (o->spool.sync) {
    case SPOOL_SYNC_NEVER:
        return "never";
    case SPOOL_SYNC_ALWAYS:
        return "always";
    case SPOOL_SYNC_INTERVAL:
        break;
    }
    return value_span_text(o->spool.sync_ns, to);
}

/* ---- texts */

static int set_name(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    if (!output_url_names(text)) {
        return wrong(why, "no name for an output; give %s", s->values);
    }
    memcpy(o->name, text, strlen(text) + 1);
    return 0;
}

static const char *show_name(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)s, (void)to;
    return i == 0 ? o->name : NULL;
}

static const char *show_text(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)to;
    const char *text = *(const char *const *)place_of(o, s);
    return i == 0 && text ? output_texts_written(o, text) : NULL;
}

static int set_hostname(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    size_t n = 0;
    while (text[n] > ' ' && text[n] < 0x7f) {
        n++;
    }
    return n == 0 || n > HOSTNAME_LONGEST || text[n] ? not_one(s, why) : put_text(o, s, text, why);
}

static int set_server_name(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    struct address address;
    bool good = output_url_hosts(text) || value_address(text, strlen(text), &address);
    return good ? put_text(o, s, text, why) : not_one(s, why);
}

static int set_fingerprint(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    size_t digits = 0, n = strspn(text, "0123456789abcdefABCDEF:");
    for (size_t i = 0; i < n; i++) {
        digits += text[i] != ':';
    }
    return text[n] || digits != FINGERPRINT_DIGITS ? not_one(s, why) : put_text(o, s, text, why);
}

/* What stands behind $CREDENTIALS_DIRECTORY/ is a name without a slash. NULL: it does not begin so. */
static const char *credential_of(const char *text) {
    size_t n = strlen(CREDENTIALS);
    return strncmp(text, CREDENTIALS, n) == 0 ? text + n : NULL;
}

static bool bad_credential(const char *text) {
    const char *name = credential_of(text);
    return name && (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

static int set_file(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    if (!*text) {
        return not_one(s, why);
    }
    if (bad_credential(text)) {
        return wrong(why, "no name of a credential; write " CREDENTIALS "NAME, as LoadCredential=NAME:... has it");
    }
    return put_text(o, s, text, why);
}

/* Until it is settled "none" is a text as any other, and nothing is what follows from the run. */
static const char *show_folder(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    const char *text = show_text(o, s, 0, to);
    return i != 0 ? NULL : text ? text : "none";
}

/* ---- properties of librdkafka */

/* Those of its CONFIGURATION.md that nobody else may read. */
static bool is_secret(const char *name, size_t n) {
    static const char *const endings[] = {"password", "secret", "passphrase", "key.pem", "sasl.oauthbearer.config"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t m = strlen(endings[i]);
        if (n >= m && memcmp(name + n - m, endings[i], m) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_property(const char *text, size_t n, const char *name) {
    return strlen(name) == n && memcmp(text, name, n) == 0;
}

static int check_property(const struct output_settings *o, const char *text, size_t n, char *why) {
    const struct kafka_settings *k = &o->kafka;
    const char *value = text + n + 1;
    if (n == 0 || text[n] != '=') {
        return wrong(why, "no property of librdkafka; write NAME=VALUE, in a URL kafka.NAME=VALUE");
    }
    if (is_property(text, n, "bootstrap.servers") || is_property(text, n, "metadata.broker.list")) {
        return wrong(why, "brokers stand in the URL; leave it out");
    }
    if (k->property_count == OUTPUT_PROPERTIES_MAX) {
        return wrong(why, "more than %d properties; give fewer", OUTPUT_PROPERTIES_MAX);
    }
    for (size_t i = 0; i < k->property_count; i++) {
        if (strncmp(k->properties[i], text, n + 1) == 0) {
            return wrong(why, "it stands there twice; leave one of the two out");
        }
    }
    return bad_credential(*value == '@' ? value + 1 : value)
               ? wrong(why, "no name of a credential; write " CREDENTIALS "NAME, as LoadCredential=NAME:... has it")
               : 0;
}

static int set_property(struct output_settings *o, const struct output_setting *s, const char *text, char *why) {
    (void)s;
    size_t n = strspn(text, PROPERTY_LETTERS);
    int error = check_property(o, text, n, why);
    if (error != 0) {
        return error;
    }
    if (is_secret(text, n) && (text[n + 1] != '@' || !text[n + 2])) {
        return wrong(why, "a secret does not stand where others can read it; write it into a file, and %.*s=@FILE",
                     (int)n, text);
    }
    const char *kept = output_texts_keep(o, text, strlen(text));
    if (!kept) {
        return no_memory(why);
    }
    o->kafka.properties[o->kafka.property_count++] = kept;
    return 0;
}

static const char *show_property(const struct output_settings *o, const struct output_setting *s, size_t i, char *to) {
    (void)s, (void)to;
    return i < o->kafka.property_count ? output_texts_written(o, o->kafka.properties[i]) : NULL;
}

/* ---- the table */

static const char *const object_names[] = {
    [OBJECT_FLOW] = "flow", [OBJECT_FINDING] = "finding", [OBJECT_SENSOR] = "sensor"};
static const char *const operation_names[] = {
#define OPERATION(id, name) name,
#include "tables/operation.def"
#undef OPERATION
};
static const char *const format_names[] = {[SYSLOG_RFC5424] = "rfc5424", [SYSLOG_RFC3164] = "rfc3164"};
static const char *const framing_names[] = {[SYSLOG_OCTET_COUNTING] = "octet_counting", [SYSLOG_NEWLINE] = "newline"};
static const char *const facility_names[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                             "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                             "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                             "local2", "local3", "local4", "local5", "local6",   "local7"};
static const char *const severity_names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
static const char *const version_names[] = {"1.2", "1.3"};
static const char *const policy_names[] = {[SPOOL_DROP_OLDEST] = "drop_oldest", [SPOOL_DROP_NEWEST] = "drop_newest"};
static const char *const compress_names[] = {"none", "zstd"};
static const char *const key_names[] = {[KAFKA_KEY_COMMUNITY_ID] = "community_id",
                                        [KAFKA_KEY_CLIENT] = "client",
                                        [KAFKA_KEY_SERVER] = "server",
                                        [KAFKA_KEY_NONE] = "none"};
static const char *const topic_names[] = {"one", "object"};

#define NAMES(array) .names = array, .name_count = sizeof(array) / sizeof(array)[0]
#define CHOICE(array, size) .set = set_choice, .show = show_choice, NAMES(array), .bytes = size

static const struct form form_name = {.set = set_name, .show = show_name};
static const struct form form_url = {.show = show_text};
static const struct form form_objects = {
    .set = set_bits, .show = show_bits, NAMES(object_names), .bytes = 4, .list = true};
static const struct form form_operations = {
    .set = set_bits, .show = show_bits, NAMES(operation_names), .bytes = 8, .list = true};
static const struct form form_flag = {.set = set_flag, .show = show_flag, .bytes = sizeof(bool)};
static const struct form form_format = {CHOICE(format_names, sizeof(enum syslog_format))};
static const struct form form_framing = {CHOICE(framing_names, sizeof(enum syslog_framing))};
static const struct form form_facility = {CHOICE(facility_names, sizeof(unsigned)), .numbers = true};
static const struct form form_severity = {CHOICE(severity_names, sizeof(unsigned)), .numbers = true};
static const struct form form_hostname = {.set = set_hostname, .show = show_text};
static const struct form form_file = {.set = set_file, .show = show_text};
static const struct form form_folder = {.set = set_file, .show = show_folder};
static const struct form form_fingerprint = {.set = set_fingerprint, .show = show_text};
static const struct form form_server_name = {.set = set_server_name, .show = show_text};
static const struct form form_tls_version = {CHOICE(version_names, sizeof(unsigned)), .first = TLS_1_2};
static const struct form form_spool_bytes = {.set = set_size, .show = show_size, .bytes = 8, .low = OUTPUT_SPOOL_MIN};
static const struct form form_resend_bytes = {.set = set_size, .show = show_size, .bytes = 8};
static const struct form form_rotate_bytes = {.set = set_size, .show = show_size, .bytes = 8, .low = OUTPUT_ROTATE_MIN};
static const struct form form_policy = {CHOICE(policy_names, sizeof(enum spool_policy))};
static const struct form form_fsync = {.set = set_fsync, .show = show_fsync};
static const struct form form_span = {.set = set_span, .show = show_span, .bytes = 8};
static const struct form form_rotate_keep = {
    .set = set_number, .show = show_number, .bytes = 4, .high = OUTPUT_KEEP_FILES};
static const struct form form_compress = {CHOICE(compress_names, sizeof(bool))};
static const struct form form_kafka_key = {CHOICE(key_names, sizeof(enum kafka_key))};
static const struct form form_kafka_topics = {CHOICE(topic_names, sizeof(bool))};
static const struct form form_property = {.set = set_property, .show = show_property, .list = true};

enum {
    KINDS_ALL = (1 << OUTPUT_KINDS) - 1,
    KINDS_FILE = 1 << OUTPUT_FILE,
    KINDS_STREAMS = 1 << OUTPUT_TCP | 1 << OUTPUT_TLS,
    KINDS_TLS = 1 << OUTPUT_TLS | 1 << OUTPUT_RELP_TLS,
    KINDS_SYSLOG = KINDS_STREAMS | 1 << OUTPUT_UDP | 1 << OUTPUT_UNIX | 1 << OUTPUT_RELP | 1 << OUTPUT_RELP_TLS,
    KINDS_KAFKA = 1 << OUTPUT_KAFKA,
    KINDS_NETWORK = KINDS_SYSLOG | KINDS_KAFKA,
};

static const struct output_setting rows[] = {
#define OUTPUT_SETTING(name, form, kinds, member, values, meaning) \
    {#name, values, KINDS_##kinds, offsetof(struct output_settings, member), &form_##form},
#include "tables/output_setting.def"
#undef OUTPUT_SETTING
};

enum { ROWS = sizeof rows / sizeof rows[0] };
_Static_assert((int)ROWS <= (int)OUTPUT_SETTING_ROWS, "whoever has something for each has room");

const struct output_setting *output_setting_at(size_t i) {
    return i < ROWS ? &rows[i] : NULL;
}

bool output_setting_is_list(const struct output_setting *s) {
    return s->form->list;
}

static const struct output_setting *find(const char *name) {
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- telling an output */

int output_settings_begin(struct output_settings *out, const char *url, char why[OUTPUT_WHY_SIZE]) {
    struct output_settings o = {
        .syslog = {.facility = FACILITY_DEFAULT, .severity = SEVERITY_DEFAULT},
        .tls = {.verify_name = true, .version_min = TLS_1_2},
        .spool = {.max_bytes = OUTPUT_SPOOL_DEFAULT, .sync = SPOOL_SYNC_INTERVAL, .sync_ns = SECOND_NS},
        .resend_bytes = OUTPUT_RESEND_DEFAULT,
    };
    int error =
        output_url_queried(url) && strchr(url, '?')
            ? wrong(why, "settings have lines of their own here; put them there, and write %%3F for the sign \"?\"")
            : output_url_take(&o, url, why);
    if (error == 0) {
        *out = o;
    } else {
        output_settings_free(&o);
    }
    return error;
}

/* The kinds that have a setting, by their names. */
static void list_kinds(const struct output_setting *s, char *to, size_t size) {
    size_t n = 0;
    for (enum output_kind kind = 0; kind < OUTPUT_KINDS && n < size; kind++) {
        if (s->kinds >> kind & 1) {
            n += (size_t)snprintf(to + n, size - n, "%s%s", n ? ", " : "", output_url_kind(kind));
        }
    }
}

int output_settings_set(struct output_settings *o, const struct output_setting *s, const char *text,
                        char why[OUTPUT_WHY_SIZE]) {
    char kinds[128], inner[OUTPUT_WHY_SIZE];
    assert(s->form->set);
    if (!(s->kinds >> o->kind & 1)) {
        list_kinds(s, kinds, sizeof kinds);
        return wrong(why, "an output of the kind %s has no such setting, it is one of %s; leave it out",
                     output_url_kind(o->kind), kinds);
    }
    int error = s->form->set(o, s, text, inner);
    if (error == -EINVAL) {
        bool property = s->form == &form_property; /* its value may be a secret */
        int shown = property ? (int)strspn(text, PROPERTY_LETTERS) : WORD_SHOWN;
        return wrong(why, "%.*s%s: %s", shown, *text && shown ? text : "",
                     property ? "=..."
                     : *text  ? ""
                              : "\"\"",
                     inner);
    }
    return error ? no_memory(why) : 0;
}

const char *output_settings_show(const struct output_settings *o, const struct output_setting *s, size_t i,
                                 char to[VALUE_TEXT_SIZE]) {
    return s->kinds >> o->kind & 1 ? s->form->show(o, s, i, to) : NULL;
}

int output_settings_check(struct output_settings *o, char why[OUTPUT_WHY_SIZE]) {
    if (!o->tls.certificate != !o->tls.key) {
        return wrong(why, "a certificate and its key belong together; give both, certificate and key");
    }
    if (o->tls.ca && o->tls.fingerprint) {
        return wrong(why, "with a fingerprint no authority is asked; give either ca or fingerprint");
    }
    if ((o->rotation.keep != 0 || o->rotation.compress) && o->rotation.bytes == 0 && o->rotation.interval_ns == 0) {
        return wrong(why, "rotate_keep and compress are for files that are put aside; say when, with rotate_bytes or "
                          "rotate_interval");
    }
    if (1 << o->kind & KINDS_STREAMS && o->resend_bytes > o->spool.max_bytes / 2) {
        return wrong(why, "what is sent again waits in the spool until then; give a resend_bytes of at most half of "
                          "spool_max_bytes");
    }
    if (o->filter.objects == 0) {
        o->filter.objects = (uint32_t)all_bits(&form_objects);
    }
    if (o->filter.operations == 0) {
        o->filter.operations = all_bits(&form_operations);
    }
    return 0;
}

/* ---- a query */

struct query {
    struct output_settings *o;
    bool seen[ROWS];
    char *why;
};

static int refuse_name(const struct query *q, const char *name) {
    char names[OUTPUT_WHY_SIZE / 2] = "";
    size_t n = 0;
    for (size_t i = 0; i < ROWS && n < sizeof names; i++) {
        if (rows[i].form->set && rows[i].kinds >> q->o->kind & 1) {
            bool property = rows[i].form == &form_property;
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                                  property ? "kafka.NAME" : rows[i].name);
        }
    }
    return wrong(q->why, "%.64s: there is no such setting; %s has %s", name, output_url_kind(q->o->kind), names);
}

/* A list has commas. Text is taken apart. */
static int set_all(const struct query *q, const struct output_setting *s, char *text, char *why) {
    int error = 0;
    for (char *next = text; next && error == 0;) {
        char *one = s->form == &form_property || !s->form->list ? next : strsep(&next, ",");
        next = one == next ? NULL : next;
        error = output_settings_set(q->o, s, one, why);
    }
    return error;
}

/* -T tells it as YAML, which has no other bytes. */
static bool is_utf8(const char *value) {
    struct text text = {{(const uint8_t *)value, strlen(value)}, ENC_UTF8};
    size_t pos = 0;
    while (pos < text.bytes.n) {
        if (text_next(text, &pos) == TEXT_BAD) {
            return false;
        }
    }
    return true;
}

/* name=value */
static int take_piece(struct query *q, char *piece) {
    char why[OUTPUT_WHY_SIZE], *value = strchr(piece, '=');
    bool property = strncmp(piece, "kafka.", 6) == 0;
    if (!value) {
        return wrong(q->why, "\"%.64s\" is no setting; write each as name=value, with \"&\" between them", piece);
    }
    *value++ = 0;
    const struct output_setting *s = find(property ? "kafka_properties" : piece);
    if (!s || !s->form->set || (s->form == &form_property) != property) {
        return refuse_name(q, piece);
    }
    if (q->seen[s - rows] && !property) {
        return wrong(q->why, "%s: it stands there twice; leave one of the two out", piece);
    }
    q->seen[s - rows] = true;
    if (!output_url_decode(value)) {
        return wrong(
            q->why,
            "%.64s: a %% in its value is not followed by two hexadecimal digits; write %%25 for the sign itself",
            piece);
    }
    if (!is_utf8(value)) {
        return wrong(q->why, "%.64s: its value is no UTF-8; give names in UTF-8", piece);
    }
    if (property) {
        value[-1] = '=';
        piece += strlen("kafka.");
    }
    int error = set_all(q, s, property ? piece : value, why);
    if (error == -EINVAL) {
        return wrong(q->why, "%s: %s", s->name, why);
    }
    return error ? no_memory(q->why) : 0;
}

static int take_query(struct output_settings *o, char *query, char *why) {
    struct query q = {.o = o, .why = why};
    int error = 0;
    for (char *next = query; next && error == 0;) {
        error = take_piece(&q, strsep(&next, "&"));
    }
    return error;
}

int output_settings_parse(struct output_settings *out, const char *text, char why[OUTPUT_WHY_SIZE]) {
    char *copy = strdup(text);
    if (!copy) {
        return no_memory(why);
    }
    char *query = output_url_queried(copy) ? strchr(copy, '?') : NULL;
    if (query) {
        *query++ = 0;
    }
    struct output_settings o;
    int error = output_settings_begin(&o, copy, why);
    if (error == 0) {
        error = query ? take_query(&o, query, why) : 0;
        error = error ? error : output_settings_check(&o, why);
        if (error == 0) {
            *out = o;
        } else {
            output_settings_free(&o);
        }
    }
    free(copy);
    return error;
}

/* ---- what follows from the run */

/* What a text with a credential's name in it at stands for. */
static int expand(struct output_settings *o, const char **text, size_t at, char *why) {
    const char *name = credential_of(*text + at), *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!name) {
        return 0;
    }
    if (!folder || !*folder) {
        wrong(
            why,
            "%.*s: the environment has no CREDENTIALS_DIRECTORY; let systemd load it, with LoadCredential=%.64s:FILE, "
            "or name the file itself",
            WORD_SHOWN, *text + at, name);
        return -ENOENT;
    }
    size_t size = at + strlen(folder) + strlen(name) + 2;
    char *whole = malloc(size);
    if (!whole) {
        return no_memory(why);
    }
    snprintf(whole, size, "%.*s%s/%s", (int)at, *text, folder, name);
    const char *kept = output_texts_replace(o, *text, whole);
    free(whole);
    *text = kept ? kept : *text;
    return kept ? 0 : no_memory(why);
}

/* A file's text, without the newline at its end, behind the n bytes of *text. */
static int read_secret(struct output_settings *o, const char **text, size_t n, char *why) {
    const char *path = *text + n + 1; /* behind the @ */
    char *whole = malloc(n + OUTPUT_SECRET_BYTES + 2);
    if (!whole) {
        return no_memory(why);
    }
    memcpy(whole, *text, n);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, whole + n, OUTPUT_SECRET_BYTES + 1);
    int error = got < 0 ? -errno : got > OUTPUT_SECRET_BYTES || memchr(whole + n, 0, (size_t)got) ? -EFBIG : 0;
    if (fd >= 0) {
        close(fd);
    }
    if (error != 0) {
        wrong(why, "%.*s: the secret cannot be read: %s; check the file and who may read it", WORD_SHOWN, path,
              error == -EFBIG ? "it is no text, or too long" : strerror(-error));
    } else {
        got -= got > 0 && whole[n + (size_t)got - 1] == '\n';
        whole[n + (size_t)got] = 0;
        const char *kept = output_texts_replace(o, *text, whole);
        *text = kept ? kept : *text;
        error = kept ? 0 : no_memory(why);
    }
    explicit_bzero(whole, n + OUTPUT_SECRET_BYTES + 2);
    free(whole);
    return error;
}

static int expand_property(struct output_settings *o, const char **text, char *why) {
    size_t n = strcspn(*text, "=");
    bool secret = is_secret(*text, n);
    int error = expand(o, text, n + 1 + secret, why);
    return error || !secret ? error : read_secret(o, text, n + 1, why);
}

static int expand_all(struct output_settings *o, char *why) {
    int error = 0;
    for (size_t i = 0; i < ROWS && error == 0; i++) {
        const char **text = place_in(o, &rows[i]);
        if ((rows[i].form == &form_file || rows[i].form == &form_folder) && *text) {
            error = expand(o, text, 0, why);
        }
    }
    for (size_t i = 0; i < o->kafka.property_count && error == 0; i++) {
        error = expand_property(o, &o->kafka.properties[i], why);
    }
    return error;
}

/* That of the service (systemd.exec(5): StateDirectory=, the first of several), or the usual one. */
static int settle_folder(struct output_settings *o, char *why) {
    const char *state = getenv("STATE_DIRECTORY");
    size_t n = state ? strcspn(state, ":") : 0;
    char folder[4096];
    int length = n == 0 ? snprintf(folder, sizeof folder, "%s", OUTPUT_SPOOL_FOLDER)
                        : snprintf(folder, sizeof folder, "%.*s/spool", (int)n, state);
    if (length < 0 || (size_t)length >= sizeof folder) {
        return wrong(why, "the state directory has too long a name; name another folder with spool_directory");
    }
    o->spool.directory = output_texts_keep(o, folder, (size_t)length);
    return o->spool.directory ? 0 : no_memory(why);
}

int output_settings_settle(struct output_settings *o, enum output_run run, char why[OUTPUT_WHY_SIZE]) {
    bool network = output_settings_network(o), none = o->spool.directory && strcmp(o->spool.directory, "none") == 0;
    int error = 0;
    if (none) {
        o->spool.directory = NULL;
    } else if (network && !o->spool.directory && run != OUTPUT_OF_REPLAY) {
        error = settle_folder(o, why);
    }
    if (run == OUTPUT_OF_REPLAY) {
        o->spool.policy = SPOOL_WAIT;
    }
    return error || run == OUTPUT_OF_CHECK ? error : expand_all(o, why);
}

bool output_settings_want(const struct output_settings *o, const struct line *line) {
    const struct output_filter *f = &o->filter;
    return line->gap || (f->objects >> line->object & 1 &&
                         (line->operation >= OPERATION_KINDS || f->operations >> line->operation & 1));
}

void output_settings_free(struct output_settings *o) {
    output_texts_free(o);
}
