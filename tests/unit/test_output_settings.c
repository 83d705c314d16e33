#include "../../src/delivery/output_settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "operation.h"
#include "sink.h"

static struct output_settings o;
static char why[OUTPUT_WHY_SIZE];
static char shown[VALUE_TEXT_SIZE];

static void parse(const char *text) {
    output_settings_free(&o);
    if (output_settings_parse(&o, text, why) != 0) {
        fail_msg("%s: %s", text, why);
    }
}

static void refuses(const char *text, const char *words) {
    struct output_settings untouched = {.resend_bytes = 77}, p = untouched;
    why[0] = 0;
    assert_int_equal(output_settings_parse(&p, text, why), -EINVAL);
    assert_memory_equal(&p, &untouched, sizeof p);
    if (!strstr(why, words) || !strchr(why, ';')) {
        fail_msg("%s: %s", text, why);
    }
}

static const struct output_setting *find(const char *name) {
    const struct output_setting *s;
    for (size_t i = 0; (s = output_setting_at(i)) != NULL; i++) {
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    fail_msg("%s", name);
    return NULL;
}

static const char *show(const char *name, size_t i) {
    return output_settings_show(&o, find(name), i, shown);
}

/* Each kind, where it leads, and what it is called by itself. */
static void kinds(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum output_kind kind;
        const char *host, *port, *path, *name;
    } cases[] = {
        {"-", OUTPUT_STANDARD, NULL, NULL, NULL, "-"},
        {"records.jsonl", OUTPUT_PATH, NULL, NULL, "records.jsonl", "records.jsonl"},
        {"/var/log/a.jsonl", OUTPUT_PATH, NULL, NULL, "/var/log/a.jsonl", "var_log_a.jsonl"},
        {"what?is=this&", OUTPUT_PATH, NULL, NULL, "what?is=this&", NULL},
        {"c:records", OUTPUT_PATH, NULL, NULL, "c:records", "c-records"},
        {"/", OUTPUT_PATH, NULL, NULL, "/", "_"},
        {"./-", OUTPUT_PATH, NULL, NULL, "./-", NULL},
        {"file:a.jsonl", OUTPUT_FILE, NULL, NULL, "a.jsonl", "a.jsonl"},
        {"file:/var/log/a%20b%3f.jsonl", OUTPUT_FILE, NULL, NULL, "/var/log/a b?.jsonl", NULL},
        {"file:///var/log/a", OUTPUT_FILE, NULL, NULL, "/var/log/a", "var_log_a"},
        {"syslog+udp://10.0.0.1", OUTPUT_UDP, "10.0.0.1", "514", NULL, "syslog_udp-10.0.0.1-514"},
        {"syslog+tcp://siem.example:1514", OUTPUT_TCP, "siem.example", "1514", NULL, "syslog_tcp-siem.example-1514"},
        {"syslog+tcp://siem.example/", OUTPUT_TCP, "siem.example", "514", NULL, "syslog_tcp-siem.example-514"},
        {"syslog+tls://siem", OUTPUT_TLS, "siem", "6514", NULL, "syslog_tls-siem-6514"},
        {"syslog+tls://[2001:db8::1]:65535", OUTPUT_TLS, "2001:db8::1", "65535", NULL, NULL},
        {"syslog+udp://[fe80::1%25eth0]", OUTPUT_UDP, "fe80::1%eth0", "514", NULL, NULL},
        {"syslog+unix:///dev/log", OUTPUT_UNIX, NULL, NULL, "/dev/log", "syslog_unix-dev_log"},
        {"relp://h:2514", OUTPUT_RELP, "h", "2514", NULL, "relp-h-2514"},
        {"relp+tls://h:20514", OUTPUT_RELP_TLS, "h", "20514", NULL, "relp_tls-h-20514"},
        {"kafka://b/t", OUTPUT_KAFKA, NULL, NULL, NULL, "kafka-b-9092-t"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parse(cases[i].text);
        assert_int_equal(o.kind, cases[i].kind);
        assert_string_equal(o.url, cases[i].text);
        assert_string_equal(o.host ? o.host : "", cases[i].host ? cases[i].host : "");
        assert_string_equal(o.port ? o.port : "", cases[i].port ? cases[i].port : "");
        assert_string_equal(o.path ? o.path : "", cases[i].path ? cases[i].path : "");
        if (cases[i].name) {
            assert_string_equal(o.name, cases[i].name);
        }
        assert_int_equal(output_settings_network(&o), cases[i].kind >= OUTPUT_UDP);
    }
    parse("kafka://b1,b2:1,[::1],[::2]:3/a.b_c-D");
    assert_string_equal(o.kafka.brokers, "b1:9092,b2:1,[::1]:9092,[::2]:3");
    assert_string_equal(o.kafka.topic, "a.b_c-D");
}

/* The name is that of a folder which is to be found again, and no two that lead elsewhere have the same one. */
static void names(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"syslog+tcp://h", "syslog+tcp://h:514?cee=yes"}, {"kafka://b/t", "kafka://b:9092/t"}, {"a", "file:a"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char first[OUTPUT_NAME_MAX + 1];
        parse(same[i][0]);
        strcpy(first, o.name);
        parse(same[i][1]);
        assert_string_equal(o.name, first);
    }
    static const char *const others[] = {
        "file:a b",
        "file:a+b",
        "file:a%25b",
        "file:.a",
        "file:_a",
        "file:\xc3\xa4",
        "file:\xc3\xb6",
        "file:a;b",
        "syslog+udp://[::1]",
        "syslog+udp://[::2]",
        "relp://tls-h:1",
        "relp+tls://h:1",
        "kafka://a,b/t",
        "kafka://b,a/t",
        "syslog+tcp://h:514",
        "syslog+udp://h:514",
    };
    enum { OTHERS = sizeof others / sizeof others[0] };
    char all[OTHERS][OUTPUT_NAME_MAX + 1];
    for (size_t i = 0; i < OTHERS; i++) {
        parse(others[i]);
        strcpy(all[i], o.name);
        assert_true(o.name[0] != '.' &&
                    strspn(o.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                        strlen(o.name));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(all[i], all[k]);
        }
    }
    /* This one is in folders already: it must not change. */
    parse("syslog+udp://[::1]");
    assert_string_equal(o.name, "syslog_udp---1-514-3a79508e");
}

/* At OUTPUT_NAME_MAX what goes on is told by a digest. */
static void long_names(void **state) {
    (void)state;
    char url[256], first[OUTPUT_NAME_MAX + 1];
    const int fits = OUTPUT_NAME_MAX - (int)strlen("relp--1");
    snprintf(url, sizeof url, "relp://%0*d:1", fits, 0);
    parse(url);
    assert_int_equal(strlen(o.name), OUTPUT_NAME_MAX);
    assert_string_equal(o.name + OUTPUT_NAME_MAX - 2, "-1");
    snprintf(url, sizeof url, "relp://%0*d:1", fits + 1, 0);
    parse(url);
    assert_int_equal(strlen(o.name), OUTPUT_NAME_MAX);
    strcpy(first, o.name);
    snprintf(url, sizeof url, "relp://%0*d:1", fits + 2, 0);
    parse(url);
    assert_int_equal(strlen(o.name), OUTPUT_NAME_MAX);
    assert_string_not_equal(o.name, first);
    snprintf(url, sizeof url, "-?name=%0*d", OUTPUT_NAME_MAX, 0);
    parse(url);
    snprintf(url, sizeof url, "-?name=%0*d", OUTPUT_NAME_MAX + 1, 0);
    refuses(url, "no name for an output");
}

static const char *const wrong_urls[][2] = {
    {"", "no output"},
    {"http://h", "those there are: file, syslog+udp, syslog+tcp, syslog+tls, syslog+unix, relp, relp+tls, kafka"},
    {"syslog://h", "syslog: there is no such kind"},
    {"SYSLOG+TCP://h", "no such kind"},
    {"syslog+tcp:h", "two slashes"},
    {"syslog+tcp:/h", "two slashes"},
    {"syslog+unix:/dev/log", "two slashes"},
    {"syslog+tcp://", "no host"},
    {"syslog+tcp://:514", "no host"},
    {"syslog+tcp://?cee=yes", "no host"},
    {"syslog+tcp://h:", "\"\" is no port"},
    {"syslog+tcp://h:0", "\"0\" is no port"},
    {"syslog+tcp://h:65536", "no port"},
    {"syslog+tcp://h:http", "no port"},
    {"syslog+tcp://h:+1", "no port"},
    {"syslog+tcp://h/x", "nothing stands behind"},
    {"syslog+tcp://u@h", "a user"},
    {"syslog+tcp://h h", "neither the name"},
    {"syslog+tcp://-h", "neither the name"},
    {"syslog+tcp://h#1", "neither the name"},
    {"syslog+tcp://\xc3\xa4", "neither the name"},
    {"syslog+tcp://::1", "brackets"},
    {"syslog+tcp://2001:db8::1:514", "brackets"},
    {"syslog+tcp://[::1", "brackets"},
    {"syslog+tcp://[::1]514", "brackets"},
    {"syslog+tcp://[]", "no host"},
    {"syslog+tcp://[h]", "neither the name"},
    {"syslog+tcp://[10.0.0.1]", "neither the name"},
    {"syslog+tcp://[fe80::1%25]", "neither the name"},
    {"syslog+tcp://[fe80::1%eth0]", "neither the name"},
    {"syslog+tcp://[::1]:0", "no port"},
    {"relp://h", "no port in it, and none is customary"},
    {"relp+tls://[::1]", "none is customary"},
    {"syslog+unix://dev/log", "a host"},
    {"syslog+unix:///", "no file"},
    {"file:", "no file"},
    {"file:-", "./-"},
    {"file:///", "no file"},
    {"file:a/", "no file"},
    {"file://h/a", "a host"},
    {"file:a%2", "%25"},
    {"file:a%00b", "%25"},
    {"file:a%gg", "%25"},
    {"kafka://b", "no topic"},
    {"kafka://b/", "no topic"},
    {"kafka://b/a/b", "a/b: no name of a topic"},
    {"kafka://b/..", "no name of a topic"},
    {"kafka:///t", "no host"},
    {"kafka://b,/t", "no host"},
    {"kafka://b:0/t", "no port"},
    {"kafka://b,::1/t", "brackets"},
};

static void bad_urls(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong_urls / sizeof wrong_urls[0]; i++) {
        refuses(wrong_urls[i][0], wrong_urls[i][1]);
    }
    char url[8192] = "kafka://";
    for (unsigned i = 0; i < 400; i++) {
        strcat(url, i ? ",broker" : "broker");
    }
    strcat(url, "/t");
    refuses(url, "too long");
    snprintf(url, sizeof url, "kafka://b/%0242d", 0);
    refuses(url, "241 at most");
    snprintf(url, sizeof url, "kafka://b/%0241d", 0);
    parse(url);
    snprintf(url, sizeof url, "syslog+unix:///%0106d", 0); /* sun_path, and a NUL */
    parse(url);
    snprintf(url, sizeof url, "syslog+unix:///%0107d", 0);
    refuses(url, "107 bytes");
}

/* Every setting, and that it is told again as it was said. */
static void queries(void **state) {
    (void)state;
    parse("syslog+tls://"
          "h?name=siem-1&objects=finding,sensor&operations=create,delete,other&format=rfc3164&facility=local3&"
          "severity=notice&cee=yes&framing=newline&hostname=sensor1&ca=/etc/a%26b.pem&server_name=siem.example&"
          "verify_name=no&certificate=c&key=k&tls_version_min=1.3&spool_directory=/spool&spool_max_bytes=16M&"
          "spool_policy=drop_newest&spool_fsync=90s&resend_bytes=1M");
    assert_string_equal(o.name, "siem-1");
    assert_string_equal(o.url, "syslog+tls://h");
    assert_int_equal(o.filter.objects, 1 << OBJECT_FINDING | 1 << OBJECT_SENSOR);
    assert_int_equal(o.filter.operations, UINT64_C(1) << OPERATION_CREATE | UINT64_C(1) << OPERATION_DELETE |
                                              UINT64_C(1) << OPERATION_OTHER);
    assert_int_equal(o.syslog.format, SYSLOG_RFC3164);
    assert_int_equal(o.syslog.facility, 19);
    assert_int_equal(o.syslog.severity, 5);
    assert_true(o.syslog.cee);
    assert_int_equal(o.syslog.framing, SYSLOG_NEWLINE);
    assert_string_equal(o.syslog.hostname, "sensor1");
    assert_string_equal(o.tls.ca, "/etc/a&b.pem");
    assert_string_equal(o.tls.name, "siem.example");
    assert_false(o.tls.verify_name);
    assert_string_equal(o.tls.certificate, "c");
    assert_string_equal(o.tls.key, "k");
    assert_int_equal(o.tls.version_min, 0x0304);
    assert_string_equal(o.spool.directory, "/spool");
    assert_int_equal(o.spool.max_bytes, 16 << 20);
    assert_int_equal(o.spool.policy, SPOOL_DROP_NEWEST);
    assert_int_equal(o.spool.sync, SPOOL_SYNC_INTERVAL);
    assert_true(o.spool.sync_ns == UINT64_C(90000000000));
    assert_int_equal(o.resend_bytes, 1 << 20);
    assert_string_equal(show("operations", 2), "other");
    assert_null(show("operations", 3));
    assert_string_equal(show("spool_fsync", 0), "90s");
    assert_string_equal(show("resend_bytes", 0), "1M");
    assert_null(show("rotate_keep", 0));
}

static void more_queries(void **state) {
    (void)state;
    parse("file:a?rotate_bytes=64K&rotate_interval=1d&rotate_keep=7&compress=zstd&objects=all");
    assert_int_equal(o.rotation.bytes, 64 << 10);
    assert_true(o.rotation.interval_ns == UINT64_C(86400000000000));
    assert_int_equal(o.rotation.keep, 7);
    assert_true(o.rotation.compress);
    assert_string_equal(show("objects", 0), "all");
    assert_string_equal(show("compress", 0), "zstd");

    parse("kafka://b/"
          "t?kafka_key=server&kafka_topics=object&kafka.linger.ms=5&kafka.client.id=a%26b%3dc,d&spool_fsync=always");
    assert_int_equal(o.kafka.key, KAFKA_KEY_SERVER);
    assert_true(o.kafka.topic_per_object);
    assert_int_equal(o.kafka.property_count, 2);
    assert_string_equal(o.kafka.properties[0], "linger.ms=5");
    assert_string_equal(o.kafka.properties[1], "client.id=a&b=c,d");
    assert_int_equal(o.spool.sync, SPOOL_SYNC_ALWAYS);
    assert_string_equal(show("kafka_properties", 1), "client.id=a&b=c,d");
    assert_null(show("kafka_properties", 2));

    parse("-?objects=flow");
    assert_int_equal(o.kind, OUTPUT_STANDARD);
    assert_int_equal(o.filter.objects, 1 << OBJECT_FLOW);
    parse("syslog+tcp://h?resend_bytes=0&facility=4&severity=0&spool_fsync=never&hostname=a+b");
    assert_int_equal(o.resend_bytes, 0);
    assert_string_equal(show("resend_bytes", 0), "0");
    assert_string_equal(show("facility", 0), "auth");
    assert_string_equal(show("severity", 0), "emerg");
    assert_string_equal(show("spool_fsync", 0), "never");
    assert_string_equal(o.syslog.hostname, "a+b");
    parse("syslog+tls://h?fingerprint=00:11:22:33:44:55:66:77:88:99:AA:bb:cc:dd:ee:ff:"
          "00:11:22:33:44:55:66:77:88:99:AA:bb:cc:dd:ee:ff");
    assert_int_equal(strlen(o.tls.fingerprint), 95);
}

static void defaults(void **state) {
    (void)state;
    parse("syslog+tls://h");
    assert_int_equal(o.filter.objects, 7);
    assert_true(o.filter.operations == (UINT64_C(1) << OPERATION_KINDS) - 1);
    assert_string_equal(show("objects", 0), "all");
    assert_null(show("objects", 1));
    assert_int_equal(o.syslog.format, SYSLOG_RFC5424);
    assert_string_equal(show("facility", 0), "local0");
    assert_int_equal(o.syslog.facility, 16);
    assert_int_equal(o.syslog.severity, 6);
    assert_int_equal(o.syslog.framing, SYSLOG_OCTET_COUNTING);
    assert_false(o.syslog.cee);
    assert_null(o.syslog.hostname);
    assert_null(o.tls.ca);
    assert_true(o.tls.verify_name);
    assert_int_equal(o.tls.version_min, 0x0303);
    assert_true(o.spool.max_bytes == (uint64_t)1 << 30);
    assert_int_equal(o.spool.policy, SPOOL_DROP_OLDEST);
    assert_string_equal(show("spool_fsync", 0), "1s");
    assert_int_equal(o.resend_bytes, 8 << 20);
    parse("file:a");
    assert_true(o.rotation.bytes == 0 && o.rotation.interval_ns == 0 && o.rotation.keep == 0 && !o.rotation.compress);
    assert_null(show("rotate_bytes", 0));
    assert_null(show("rotate_interval", 0));
    assert_null(show("spool_directory", 0));
    parse("kafka://b/t");
    assert_int_equal(o.kafka.key, KAFKA_KEY_COMMUNITY_ID);
    assert_false(o.kafka.topic_per_object);
    output_settings_free(&o);
    output_settings_free(&o);
}

static const char *const wrong_queries[][2] = {
    {"syslog+tcp://h?", "\"\" is no setting"},
    {"syslog+tcp://h?cee", "\"cee\" is no setting"},
    {"syslog+tcp://h?cee=yes&", "\"\" is no setting"},
    {"syslog+tcp://h?cee=yes&cee=no", "cee: it stands there twice"},
    {"syslog+tcp://h?objects=flow&objects=sensor", "objects: it stands there twice"},
    {"syslog+tcp://h?Cee=yes", "Cee: there is no such setting; syslog+tcp has name, objects,"},
    {"syslog+tcp://h?to=x", "to: there is no such setting"},
    {"syslog+tcp://h?kafka_properties=a", "kafka_properties: there is no such setting"},
    {"syslog+tcp://h?cee=%", "%25"},
    {"syslog+tls://h?ca=%ff", "ca: its value is no UTF-8"},
    {"kafka://b/t?kafka.client.id=%e3d", "no UTF-8"},
    {"syslog+tcp://h?cee=maybe", "cee: maybe: "},
    {"syslog+tcp://h?cee=", "cee: \"\": "},
    {"syslog+tcp://h?name=a/b", "name: a/b: no name"},
    {"syslog+tcp://h?name=", "no name"},
    {"syslog+tcp://h?name=.a", "no name"},
    {"syslog+tcp://h?name=a%20b", "no name"},
    {"syslog+tcp://h?objects=flows", "objects: flows: no value of this setting; give flow, finding or sensor"},
    {"syslog+tcp://h?objects=flow,", "objects: \"\""},
    {"syslog+tcp://h?operations=creates", "operations: creates"},
    {"syslog+tcp://h?format=5424", "rfc5424 or rfc3164"},
    {"syslog+tcp://h?facility=local8", "kern, user, mail"},
    {"syslog+tcp://h?facility=24", "0 to 23"},
    {"syslog+tcp://h?facility=-1", "0 to 23"},
    {"syslog+tcp://h?severity=8", "severity: 8"},
    {"syslog+tcp://h?framing=none", "octet_counting or newline"},
    {"syslog+tcp://h?hostname=a%20b", "hostname: a b"},
    {"syslog+tcp://h?hostname=", "hostname"},
    {"syslog+tls://h?ca=", "ca: \"\""},
    {"syslog+tls://h?fingerprint=00", "64 hexadecimal digits"},
    {"syslog+tls://h?server_name=a%20b", "server_name: a b"},
    {"syslog+tls://h?tls_version_min=1.1", "1.2 or 1.3"},
    {"syslog+tls://h?certificate=c", "belong together"},
    {"syslog+tls://h?key=k", "belong together"},
    {"syslog+tls://h?ca=c&fingerprint=0000000000000000000000000000000000000000000000000000000000000000", "either"},
    {"syslog+tls://h?certificate=c&key=$CREDENTIALS_DIRECTORY/", "no name of a credential"},
    {"syslog+tls://h?certificate=c&key=$CREDENTIALS_DIRECTORY/../k", "no name of a credential"},
    {"syslog+tls://h?certificate=c&key=$CREDENTIALS_DIRECTORY/..", "no name of a credential"},
    {"syslog+tcp://h?spool_max_bytes=15M", "16M or more"},
    {"syslog+tcp://h?spool_max_bytes=0", "16M or more"},
    {"syslog+tcp://h?spool_policy=wait", "drop_oldest or drop_newest"},
    {"syslog+tcp://h?spool_fsync=1", "never, always"},
    {"syslog+tcp://h?spool_fsync=0s", "never, always"},
    {"syslog+tcp://h?spool_max_bytes=16M&resend_bytes=8193K", "half of spool_max_bytes"},
    {"syslog+tcp://h?resend_bytes=many", "resend_bytes: many"},
    {"file:a?rotate_bytes=63K", "64K or more"},
    {"file:a?rotate_interval=0s", "rotate_interval: 0s"},
    {"file:a?rotate_keep=7", "say when"},
    {"file:a?compress=zstd", "say when"},
    {"file:a?rotate_bytes=1M&rotate_keep=100001", "100000"},
    {"file:a?rotate_bytes=1M&compress=gzip", "none or zstd"},
    {"kafka://b/t?kafka_key=flow", "community_id, client"},
    {"kafka://b/t?kafka_topics=many", "one or object"},
    {"kafka://b/t?kafka.=x", "kafka_properties: =...: "},
    {"kafka://b/t?kafka.A=x", "no property"},
    {"kafka://b/t?kafka.a=1&kafka.a=2", "kafka_properties: a=...: it stands there twice"},
    {"kafka://b/t?kafka.bootstrap.servers=x", "brokers stand in the URL"},
    {"kafka://b/t?linger.ms=1", "kafka.NAME"},
};

static void wrong_settings(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong_queries / sizeof wrong_queries[0]; i++) {
        refuses(wrong_queries[i][0], wrong_queries[i][1]);
    }
}

/* What a kind has not. */
static void misfits(void **state) {
    (void)state;
    static const char *const urls[] = {
        [OUTPUT_STANDARD] = "-",
        [OUTPUT_PATH] = "a",
        [OUTPUT_FILE] = "file:a",
        [OUTPUT_UDP] = "syslog+udp://h",
        [OUTPUT_TCP] = "syslog+tcp://h",
        [OUTPUT_TLS] = "syslog+tls://h",
        [OUTPUT_UNIX] = "syslog+unix:///a",
        [OUTPUT_RELP] = "relp://h:1",
        [OUTPUT_RELP_TLS] = "relp+tls://h:1",
        [OUTPUT_KAFKA] = "kafka://b/t",
    };
    static const struct {
        const char *name, *value;
        unsigned kinds; /* that have it */
    } cases[] = {
        {"objects", "flow", 0x3ff},   {"rotate_bytes", "1M", 1 << OUTPUT_FILE},
        {"framing", "newline", 0x30}, {"facility", "user", 0x1f8},
        {"ca", "c", 0x120},           {"spool_max_bytes", "1G", 0x3f8},
        {"resend_bytes", "1M", 0x30}, {"kafka_key", "none", 1 << OUTPUT_KAFKA},
    };
    for (enum output_kind kind = 0; kind < OUTPUT_KINDS; kind++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            output_settings_free(&o);
            assert_int_equal(output_settings_begin(&o, urls[kind], why), 0);
            bool fits = cases[i].kinds >> kind & 1;
            assert_int_equal(output_settings_set(&o, find(cases[i].name), cases[i].value, why), fits ? 0 : -EINVAL);
            assert_true(fits || strstr(why, "has no such setting"));
            assert_int_equal(show(cases[i].name, 0) != NULL, fits);
        }
    }
    refuses("syslog+tcp://h?rotate_bytes=1M",
            "rotate_bytes: an output of the kind syslog+tcp has no such setting, it is one of file; leave it out");
    assert_int_equal(output_settings_begin(&(struct output_settings){0}, "file:a?objects=flow", why), -EINVAL);
    assert_non_null(strstr(why, "lines of their own"));
}

/* Up to OUTPUT_PROPERTIES_MAX. */
static void many_properties(void **state) {
    (void)state;
    char url[4096] = "kafka://b/t?kafka.a0=x";
    for (unsigned i = 1; i < OUTPUT_PROPERTIES_MAX; i++) {
        sprintf(url + strlen(url), "&kafka.a%u=x", i);
    }
    parse(url);
    assert_int_equal(o.kafka.property_count, OUTPUT_PROPERTIES_MAX);
    strcat(url, "&kafka.b=x");
    refuses(url, "more than 64");
}

static void settle(enum output_run run) {
    if (output_settings_settle(&o, run, why) != 0) {
        fail_msg("%s", why);
    }
}

/* Where a spool is, and who waits for room in it. */
static void spools(void **state) {
    (void)state;
    unsetenv("STATE_DIRECTORY");
    parse("syslog+tcp://h");
    settle(OUTPUT_OF_LIVE);
    assert_string_equal(o.spool.directory, "/var/lib/smbtap/spool");
    assert_string_equal(show("spool_directory", 0), "/var/lib/smbtap/spool");
    assert_int_equal(o.spool.policy, SPOOL_DROP_OLDEST);
    setenv("STATE_DIRECTORY", "/state/a:/state/b", 1);
    parse("syslog+tcp://h");
    settle(OUTPUT_OF_CHECK);
    assert_string_equal(o.spool.directory, "/state/a/spool");
    parse("file:a");
    settle(OUTPUT_OF_LIVE);
    assert_null(o.spool.directory);
    parse("syslog+tcp://h?spool_directory=none");
    assert_string_equal(show("spool_directory", 0), "none");
    settle(OUTPUT_OF_LIVE);
    assert_null(o.spool.directory);
    assert_string_equal(show("spool_directory", 0), "none");
    parse("syslog+tcp://h?spool_policy=drop_newest");
    settle(OUTPUT_OF_REPLAY);
    assert_null(o.spool.directory);
    assert_int_equal(o.spool.policy, SPOOL_WAIT);
    assert_null(show("spool_policy", 0));
    parse("syslog+tcp://h?spool_directory=/spool");
    settle(OUTPUT_OF_REPLAY);
    assert_string_equal(o.spool.directory, "/spool");
    unsetenv("STATE_DIRECTORY");
}

/* They are told as they were written. */
static void credentials(void **state) {
    (void)state;
    static const char url[] = "syslog+tls://h?certificate=/c&key=$CREDENTIALS_DIRECTORY/key";
    unsetenv("CREDENTIALS_DIRECTORY");
    parse(url);
    settle(OUTPUT_OF_CHECK);
    assert_string_equal(show("key", 0), "$CREDENTIALS_DIRECTORY/key");
    parse(url);
    assert_int_equal(output_settings_settle(&o, OUTPUT_OF_LIVE, why), -ENOENT);
    assert_non_null(strstr(why, "LoadCredential=key:FILE"));
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/smbtap.service", 1);
    parse(url);
    settle(OUTPUT_OF_LIVE);
    assert_string_equal(o.tls.key, "/run/credentials/smbtap.service/key");
    assert_string_equal(show("key", 0), "$CREDENTIALS_DIRECTORY/key");
    assert_string_equal(o.tls.certificate, "/c");
    parse("kafka://b/t?kafka.ssl.key.location=$CREDENTIALS_DIRECTORY/k&kafka.client.id=$CREDENTIALS_DIRECTORY");
    settle(OUTPUT_OF_LIVE);
    assert_string_equal(o.kafka.properties[0], "ssl.key.location=/run/credentials/smbtap.service/k");
    assert_string_equal(o.kafka.properties[1], "client.id=$CREDENTIALS_DIRECTORY");
    assert_string_equal(show("kafka_properties", 0), "ssl.key.location=$CREDENTIALS_DIRECTORY/k");
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* Secrets come from files, and are nowhere shown. */
static void secrets(void **state) {
    (void)state;
    static const char *const inline_ones[] = {
        "kafka://b/t?kafka.sasl.password=hunter2",           "kafka://b/t?kafka.sasl.password=",
        "kafka://b/t?kafka.ssl.key.password=hunter2",        "kafka://b/t?kafka.ssl.key.pem=hunter2",
        "kafka://b/t?kafka.ssl.keystore.password=hunter2",   "kafka://b/t?kafka.sasl.oauthbearer.client.secret=hunter2",
        "kafka://b/t?kafka.sasl.oauthbearer.config=hunter2", "kafka://b/t?kafka.sasl.password=@",
    };
    for (size_t i = 0; i < sizeof inline_ones / sizeof inline_ones[0]; i++) {
        refuses(inline_ones[i], "=@FILE");
        assert_null(strstr(why, "hunter2"));
    }
    output_settings_free(&o);
    assert_int_equal(output_settings_begin(&o, "kafka://b/t", why), 0);
    assert_int_equal(output_settings_set(&o, find("kafka_properties"), "sasl.password: hunter2", why), -EINVAL);
    assert_null(strstr(why, "hunter2"));

    char folder[] = "/tmp/smbtap-secret-XXXXXX", url[256], path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/kafka", folder);
    snprintf(url, sizeof url, "kafka://b/t?kafka.sasl.password=@%s", path);
    parse(url);
    assert_int_equal(output_settings_settle(&o, OUTPUT_OF_LIVE, why), -ENOENT);
    assert_non_null(strstr(why, path));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("hunter2\n", file);
    fclose(file);
    parse(url);
    settle(OUTPUT_OF_CHECK);
    assert_non_null(strchr(o.kafka.properties[0], '@'));
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    parse("kafka://b/t?kafka.sasl.password=@$CREDENTIALS_DIRECTORY/kafka");
    settle(OUTPUT_OF_LIVE);
    assert_string_equal(o.kafka.properties[0], "sasl.password=hunter2");
    assert_string_equal(show("kafka_properties", 0), "sasl.password=@$CREDENTIALS_DIRECTORY/kafka");
    unsetenv("CREDENTIALS_DIRECTORY");
    file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i <= OUTPUT_SECRET_BYTES; i++) {
        fputc('x', file);
    }
    fclose(file);
    parse(url);
    assert_int_equal(output_settings_settle(&o, OUTPUT_OF_LIVE, why), -EFBIG);
    assert_non_null(strstr(why, "too long"));
    unlink(path);
    rmdir(folder);
}

/* A sensor/gap record comes in any case: numbers are missing on all outputs. */
static void filters(void **state) {
    (void)state;
    const struct gap gap = {.count = 1};
    const struct line flow = {.object = OBJECT_FLOW, .operation = OPERATION_CREATE},
                      start = {.object = OBJECT_FLOW, .operation = OPERATION_KINDS},
                      finding = {.object = OBJECT_FINDING, .operation = OPERATION_KINDS},
                      lost = {.object = OBJECT_SENSOR, .operation = OPERATION_KINDS, .gap = &gap};
    parse("a");
    assert_true(output_settings_want(&o, &flow) && output_settings_want(&o, &start));
    assert_true(output_settings_want(&o, &finding) && output_settings_want(&o, &lost));
    parse("-?objects=finding");
    assert_true(!output_settings_want(&o, &flow) && !output_settings_want(&o, &start));
    assert_true(output_settings_want(&o, &finding) && output_settings_want(&o, &lost));
    parse("-?operations=delete,create");
    assert_true(output_settings_want(&o, &flow) && output_settings_want(&o, &start) &&
                output_settings_want(&o, &finding));
    parse("-?operations=delete");
    assert_true(!output_settings_want(&o, &flow) && output_settings_want(&o, &start));
}

static int forget(void **state) {
    (void)state;
    output_settings_free(&o);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),           cmocka_unit_test(names),          cmocka_unit_test(long_names),
        cmocka_unit_test(bad_urls),        cmocka_unit_test(queries),        cmocka_unit_test(more_queries),
        cmocka_unit_test(defaults),        cmocka_unit_test(wrong_settings), cmocka_unit_test(misfits),
        cmocka_unit_test(many_properties), cmocka_unit_test(spools),         cmocka_unit_test(credentials),
        cmocka_unit_test(secrets),         cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
