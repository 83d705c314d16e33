/* What an output can be told, once: the query of its URL on the command line (-o 'syslog+tcp://HOST:PORT?facility=local3') and its
 * entry in the configuration's list "outputs" have the same names, from one table (include/tables/output_setting.def).
 *
 *   -            PATH            file:PATH       syslog+udp://HOST[:PORT]   syslog+tcp://   syslog+tls://   syslog+unix:///dev/log
 *   relp://HOST:PORT             relp+tls://HOST:PORT        kafka://BROKER[:PORT][,BROKER...]/TOPIC
 *
 * It is begun with its URL, told one setting after the other, checked, and settled once it is known what kind of run it is for.
 * What is wrong is a negative errno, -EINVAL or -ENOMEM, and a text "what is wrong; the remedy". */
#ifndef OUTPUT_SETTINGS_H
#define OUTPUT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/value.h"

enum {
    OUTPUT_NAME_MAX = 64, /* bytes: letters, digits, . _ - alone, for it names a folder of the spool */
    OUTPUT_PROPERTIES_MAX = 64,
    OUTPUT_VALUES_MAX = 64,       /* of a list in the configuration */
    OUTPUT_SPOOL_MIN = 16 << 20,  /* of spool_max_bytes */
    OUTPUT_ROTATE_MIN = 64 << 10, /* of rotate_bytes */
    OUTPUT_KEEP_FILES = 100000,   /* of rotate_keep */
    OUTPUT_SECRET_BYTES = 65536,  /* of a file that a property is read from */
    OUTPUT_SETTING_ROWS = 32,     /* of the table, at most */
    OUTPUT_WHY_SIZE = 1024,       /* of a text that says what is wrong */
};
#define OUTPUT_SPOOL_FOLDER "/var/lib/smbtap/spool" /* where nothing else was told, neither by systemd */
#define OUTPUT_SPOOL_DEFAULT ((uint64_t)1 << 30)
#define OUTPUT_RESEND_DEFAULT ((size_t)8 << 20)

enum output_kind {
    OUTPUT_STANDARD, /* - */
    OUTPUT_PATH,     /* PATH: a replay writes it anew, a live run appends */
    OUTPUT_FILE,     /* file:PATH: appends, and may rotate */
    OUTPUT_UDP,
    OUTPUT_TCP,
    OUTPUT_TLS,
    OUTPUT_UNIX,
    OUTPUT_RELP,
    OUTPUT_RELP_TLS,
    OUTPUT_KAFKA,
    OUTPUT_KINDS
};

/* Records that an output takes. Those that tell what was lost on it, it takes always. */
struct output_filter {
    uint32_t objects;    /* a bit each, enum event_object */
    uint64_t operations; /* a bit each, enum operation_kind; asked of flow/message alone */
};

enum syslog_format { SYSLOG_RFC5424, SYSLOG_RFC3164 };
enum syslog_framing { SYSLOG_OCTET_COUNTING, SYSLOG_NEWLINE }; /* RFC 6587 3.4.1, 3.4.2 */

struct syslog_settings {
    enum syslog_format format;
    unsigned facility; /* RFC 5424 6.2.1, 0 to 23 */
    unsigned severity; /* of records that are no findings, 0 to 7 */
    bool cee;          /* "@cee: " in front of the JSON */
    enum syslog_framing framing;
    const char *hostname; /* HOSTNAME; sensor_id where it was told none */
};

struct tls_settings {
    const char *ca; /* file with certificates; NULL: those of the system */
    const char *
        fingerprint; /* SHA-256 of the server's certificate, 64 hex digits, colons allowed; instead of a CA; NULL: none */
    const char *name; /* that the certificate must be for; NULL: the host's. "" is refused */
    bool verify_name;
    const char *certificate, *key; /* files, of the client; NULL: none */
    unsigned version_min;          /* 0x0303 (1.2) or 0x0304 */
};

enum spool_policy { SPOOL_DROP_OLDEST, SPOOL_DROP_NEWEST, SPOOL_WAIT };
enum spool_sync { SPOOL_SYNC_NEVER, SPOOL_SYNC_INTERVAL, SPOOL_SYNC_ALWAYS };

struct spool_settings {
    const char *directory; /* in which each output has a folder by its name; NULL: memory alone */
    uint64_t max_bytes;
    enum spool_policy policy;
    enum spool_sync sync;
    uint64_t sync_ns;
};

/* A file's; 0: not for that reason. */
struct rotation_settings {
    uint64_t bytes, interval_ns; /* grows beyond, or is as old: by the clock, at multiples since midnight UTC */
    unsigned keep;               /* files that were rotated away; older ones are removed; 0: all stay */
    bool compress;               /* with zstd */
};

enum kafka_key { KAFKA_KEY_COMMUNITY_ID, KAFKA_KEY_CLIENT, KAFKA_KEY_SERVER, KAFKA_KEY_NONE };

struct kafka_settings {
    const char *brokers; /* host:port,... */
    const char *topic;
    bool topic_per_object; /* TOPIC-flow, TOPIC-finding, TOPIC-sensor */
    enum kafka_key key;
    const char *properties[OUTPUT_PROPERTIES_MAX]; /* name=value, of librdkafka */
    size_t property_count;
};

struct output_settings {
    char name[OUTPUT_NAME_MAX + 1]; /* what its URL gives where it was told none */
    const char *url;                /* as it was written, without the query */
    enum output_kind kind;
    const char *host, *port; /* of UDP, TCP, TLS and RELP; an IPv6 address without its brackets */
    const char *path;        /* of files and UNIX */
    struct output_filter filter;
    struct syslog_settings syslog;
    struct tls_settings tls;
    struct spool_settings spool;
    size_t resend_bytes; /* of TCP and TLS: what was sent last is sent again after a break */
    struct rotation_settings rotation;
    struct kafka_settings kafka;
    struct output_texts *texts; /* the memory of all of these; owned */
};

/* Is the record one for this output? What tells of a loss always is. */
struct line;
bool output_settings_want(const struct output_settings *, const struct line *);

/* Does it leave this machine, or wait in a spool? */
static inline bool output_settings_network(const struct output_settings *o) {
    return o->kind >= OUTPUT_UDP;
}

/* As it stands on the command line: a URL with its query, - with one, or a PATH as it is. Checked. */
__attribute__((warn_unused_result)) int output_settings_parse(struct output_settings *, const char *text,
                                                              char why[OUTPUT_WHY_SIZE]);
/* The same in steps, a URL without a query first; all else has its default then. On failure there is nothing to be freed. */
__attribute__((warn_unused_result)) int output_settings_begin(struct output_settings *, const char *url,
                                                              char why[OUTPUT_WHY_SIZE]);
/* What can be set, in the order of the table; those with a list take one text after the other. */
struct output_setting {
    const char *name;
    const char *values; /* those there are, for people */
    unsigned kinds;     /* that have it: a bit each, enum output_kind */
    size_t offset;
    const struct form *form;
};
const struct output_setting *output_setting_at(size_t i); /* NULL behind the last */
bool output_setting_is_list(const struct output_setting *);
/* Not of the URL, "to". Why begins with the text, where that is wrong, and has no secret in it. */
__attribute__((warn_unused_result)) int output_settings_set(struct output_settings *, const struct output_setting *,
                                                            const char *text, char why[OUTPUT_WHY_SIZE]);
/* The i-th value (of others than lists the one with i 0) as set takes it, in to or where it is kept; NULL: there is none. Secrets are
 * names of files in it. */
const char *output_settings_show(const struct output_settings *, const struct output_setting *, size_t i,
                                 char to[VALUE_TEXT_SIZE]);
/* Whether all that was told goes together. */
__attribute__((warn_unused_result)) int output_settings_check(struct output_settings *, char why[OUTPUT_WHY_SIZE]);

/* What follows from the run: where a spool is, that a replay waits for room in it, and, unless it is only checked, which files
 * credentials are; secrets are read from theirs. Any errno but -EINVAL is one of the system's then. */
enum output_run { OUTPUT_OF_CHECK, OUTPUT_OF_LIVE, OUTPUT_OF_REPLAY };
__attribute__((warn_unused_result)) int output_settings_settle(struct output_settings *, enum output_run,
                                                               char why[OUTPUT_WHY_SIZE]);

void output_settings_free(struct output_settings *); /* all zeroes are fine */

#endif
