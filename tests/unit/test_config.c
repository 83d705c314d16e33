#include "../../src/config.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/options.h"
#include "../../src/settings.h"

#define SECOND UINT64_C(1000000000)

static struct options o, fresh;
static char said[8192]; /* to standard error by the last call */
static char path[] = "/tmp/smbtap-config-XXXXXX";
static int status;

static int saved_stderr = -1;
static FILE *heard;

static void listen_to_stderr(void) {
    heard = tmpfile();
    assert_non_null(heard);
    fflush(stderr);
    saved_stderr = dup(2);
    dup2(fileno(heard), 2);
}

static void stop_listening(void) {
    dup2(saved_stderr, 2);
    close(saved_stderr);
    rewind(heard);
    said[fread(said, 1, sizeof said - 1, heard)] = 0;
    fclose(heard);
}

static void write_file(const char *yaml, size_t n) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(yaml, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* A configuration, and what stands behind -c FILE on the command line, parted by single spaces. */
static bool parse_bytes(const char *yaml, size_t n, const char *more) {
    static char words[8192];
    char *argv[256] = {NULL};
    int argc = 0;
    write_file(yaml, n);
    snprintf(words, sizeof words, "smbtap -c %s %s", path, more);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    optind = 0; /* anew, as glibc has it */
    options_free(&o);
    listen_to_stderr();
    status = options_parse(&o, argc, argv);
    stop_listening();
    assert_true((status == 0) == (said[0] == 0));
    assert_true(status == 0 || strchr(said, '\n') == said + strlen(said) - 1); /* one line */
    return status == 0;
}

static bool parse(const char *yaml, const char *more) {
    return parse_bytes(yaml, strlen(yaml), more);
}

static bool reload(const char *yaml) {
    options_free(&fresh);
    listen_to_stderr();
    bool good = options_reload(&fresh, &o, yaml, strlen(yaml));
    stop_listening();
    return good;
}

static void all_of_them(void **state) {
    (void)state;
    assert_true(parse("quiet: no\n"
                      "verbose: yes\n"
                      "interfaces: [eth0, eth1]\n"
                      "output: out.jsonl\n"
                      "workers: 1\n"
                      "buffer: 64M\n"
                      "snap_length: 1500\n"
                      "promiscuous: no\n"
                      "filter: port 445 or\n"
                      "  port 139 # a comment\n"
                      "stats_interval: 5m\n"
                      "loss_threshold: 0.5\n"
                      "metrics: '9145'\n"
                      "metrics_file: m.prom\n"
                      "user: nobody\n"
                      "sandbox: no\n"
                      "detail: operations\n"
                      "port:\n  - 445\n  - 4455\n"
                      "home_net: [10.0.0.0/8, '2001:db8::/32']\n"
                      "sensor_id: \"s 1\"\n"
                      "code_page: CP437\n"
                      "memory: 64M\n"
                      "flows: 1000\n"
                      "idle_timeout: 1h\n"
                      "slow: 1.5s\n"
                      "flow_key: [vlan, tunnel]\n"
                      "verify_checksums: yes\n",
                      ""));
    assert_int_equal(o.action, DO_LIVE);
    assert_int_equal(o.level, LOG_DETAILS);
    assert_int_equal(o.live.interface_count, 2);
    assert_string_equal(o.live.interfaces[1], "eth1");
    assert_string_equal(options_file(&o), "out.jsonl");
    assert_int_equal(o.live.workers, 1);
    assert_int_equal(o.live.buffer_bytes, 64 << 20);
    assert_int_equal(o.live.snap_length, 1500);
    assert_string_equal(o.filter, "port 445 or port 139");
    assert_int_equal(o.live.stats_interval_ns, 300 * SECOND);
    assert_true(o.live.loss_percent == 0.5);
    assert_string_equal(o.live.metrics_address, "9145");
    assert_string_equal(o.live.metrics_file, "m.prom");
    assert_string_equal(o.live.user, "nobody");
    assert_string_equal(o.live.config_file, path);
    assert_false(o.live.promiscuous || o.live.sandbox);
    assert_true(o.pipeline.every_operation && o.pipeline.verify_checksums);
    assert_true(o.pipeline.key_vlan && o.pipeline.key_tunnel);
    assert_int_equal(o.pipeline.port_count, 2);
    assert_int_equal(o.pipeline.ports[1], 4455);
    assert_int_equal(o.pipeline.home_count, 2);
    assert_string_equal(o.pipeline.sensor_id, "s 1");
    assert_string_equal(o.pipeline.code_page, "CP437");
    assert_int_equal(o.memory, 64 << 20);
    assert_int_equal(o.pipeline.flows_max, 1000);
    assert_int_equal(o.pipeline.idle_ns, 3600 * SECOND);
    assert_int_equal(o.pipeline.slow_ns, SECOND / 2 * 3);
}

/* The command line lies on top; a list of it replaces that of the file. */
static void on_top(void **state) {
    (void)state;
    static const char yaml[] = "interfaces: [eth0, eth1]\nport: [1, 2, 3]\nmemory: 64M\nflow_key: [vlan]\nquiet: yes\n"
                               "filter: port 1\nsensor_id: of the file\n";
    assert_true(parse(yaml, "-i lo --port 445 --port 139 --memory 32M --flow-key tunnel -v --sensor-id mine port 2"));
    assert_int_equal(o.live.interface_count, 1);
    assert_string_equal(o.live.interfaces[0], "lo");
    assert_int_equal(o.pipeline.port_count, 2);
    assert_int_equal(o.pipeline.ports[0], 445);
    assert_int_equal(o.memory, 32 << 20);
    assert_true(o.pipeline.key_tunnel && !o.pipeline.key_vlan);
    assert_int_equal(o.level, LOG_DETAILS);
    assert_string_equal(o.filter, "port 2");
    assert_string_equal(o.pipeline.sensor_id, "mine");
    assert_true(parse(yaml, ""));
    assert_int_equal(o.pipeline.port_count, 3);
    assert_int_equal(o.level, LOG_ERRORS);
    assert_string_equal(o.filter, "port 1");
    assert_string_equal(o.pipeline.sensor_id, "of the file");
}

/* A replay takes how to decode from the file, but it is no sensor and does not write over a sensor's records. */
static void of_a_replay(void **state) {
    (void)state;
    static const char yaml[] =
        "interfaces: [eth0]\noutput: records.jsonl\nworkers: 1\nhome_net: [10.0.0.0/8]\nsandbox: no\n";
    assert_true(parse(yaml, "-r a"));
    assert_int_equal(o.action, DO_REPLAY);
    assert_string_equal(options_file(&o), "-");
    assert_int_equal(o.pipeline.home_count, 1);
    assert_string_equal(o.pipeline.sensor_id, "replay");
    assert_false(o.live.sandbox);
    assert_true(parse(yaml, "-r a -o mine"));
    assert_string_equal(options_file(&o), "mine");
    assert_false(parse("interfaces: [eth0]\nworkers: none\n", "-r a"));
}

static void empty_ones(void **state) {
    (void)state;
    static const char *const cases[] = {
        "", "\n", "# nothing\n", "---\n", "--- # nothing\n...\n", "{}\n", "interfaces: []\n"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(parse(cases[i], "-i lo"));
        assert_int_equal(o.live.interface_count, 1);
        assert_int_equal(o.memory, OPTIONS_MEMORY_DEFAULT);
        assert_false(parse(cases[i], ""));
    }
}

struct wrong {
    const char *yaml;
    unsigned line; /* 0: of the file as a whole */
    const char *words;
};

static void refuses(const struct wrong *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char place[64];
        snprintf(place, sizeof place, cases[i].line ? "smbtap: %s:%u: " : "smbtap: %s: ", path, cases[i].line);
        assert_false(parse(cases[i].yaml, "-i lo"));
        assert_int_equal(status, OPTIONS_USAGE);
        if (strncmp(said, place, strlen(place)) != 0 || !strstr(said, cases[i].words)) {
            fail_msg("%s: %s", cases[i].yaml, said);
        }
    }
}

static void wrong_values(void **state) {
    (void)state;
    static const struct wrong cases[] = {
        {"interfaces: [lo]\n\nport: [445,\n 70000]\n", 4, "port: 70000: "},
        {"port:\n- 445\n- smb\n", 3, "port: smb: "},
        {"# one\n# two\nworkers: many\n", 3, "workers: many: "},
        {"promiscuous: maybe\n", 1, "promiscuous: maybe: "},
        {"verify_checksums: 1\n", 1, "verify_checksums: 1: "},
        {"quiet: YES\n", 1, "quiet: YES: "},
        {"buffer: 1K\n", 1, "buffer: 1K: "},
        {"memory: 1M\n", 1, "give 16M or more"},
        {"stats_interval: 60\n", 1, "stats_interval: 60: "},
        {"loss_threshold: 200\n", 1, "loss_threshold: 200: "},
        {"metrics: localhost\n", 1, "metrics: localhost: "},
        {"home_net:\n  - 10.0.0.0/8\n\n  - 10.0.0.0/64\n", 4, "home_net: 10.0.0.0/64: "},
        {"flow_key: [vlan, mac]\n", 1, "flow_key: mac: "},
        {"interfaces: [lo, lo]\n", 1, "twice"},
        {"code_page: CP0\n", 1, "code_page: CP0: "},
        {"sensor_id: ''\n", 1, "sensor_id: \"\": "},
        {"idle_timeout: forever\n", 1, "idle_timeout: forever: "},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
}

static void wrong_shapes(void **state) {
    (void)state;
    static const struct wrong cases[] = {
        {"user: a\nno_such: 1\n", 2, "no_such: there is no such setting"},
        {"user: a\n\n\nhome-net: [10.0.0.0/8]\n", 4, "home_net"},
        {"snap-length: 100\n", 1, "snap_length"},
        {"no-sandbox: yes\n", 1, "called sandbox"},
        {"config: other.yaml\n", 1, "config: "},
        {"Port: [1]\n", 1, "Port: "},
        {"user: a\nuser: b\n", 2, "user: it stands there twice"},
        {"port: [1]\nuser: a\nport: [2]\n", 3, "port: it stands there twice"},
        {"port: 445\n", 1, "port: a list is wanted"},
        {"port:\n", 1, "port: a list is wanted"},
        {"port: {a: b}\n", 1, "port: a list is wanted"},
        {"user: [a]\n", 1, "user: one value is wanted"},
        {"user:\n  name: a\n", 2, "user: one value is wanted"},
        {"port: [[445]]\n", 1, "port: one value is wanted"},
        {"port: [445, {a: b}]\n", 1, "port: one value is wanted"},
        {"port:\n-\n", 2, "port: it has no value"},
        {"\nuser:\nquiet: no\n", 2, "user: it has no value"},
        {"user: &a nobody\nsensor_id: *a\n", 2, "sensor_id: aliases"},
        {"port: [445, *a]\n", 1, "port: aliases"},
        {"user: !include other\n", 1, "user: tags"},
        {"port: !x [445]\n", 1, "port: tags"},
        {"user: \"a\\0b\"\n", 1, "user: there is a NUL"},
        {"\"user\\0\": a\n", 1, "user: there is no such setting"},
        {"? [a]\n: b\n", 1, "the name of a setting is wanted"},
        {"*a : b\n", 1, "the name of a setting is wanted"},
        {"- user\n", 1, "settings are wanted"},
        {"\n\nuser\n", 3, "settings are wanted"},
        {"<<: {user: a}\n", 1, "<<: there is no such setting"},
        {"user: a\n---\nuser: b\n", 2, "a second document"},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
}

static const char outputs[] = "interfaces: [lo]\n"
                              "outputs:\n"
                              "  - name: siem\n"
                              "    to: syslog+tls://siem.example\n"
                              "    ca: /etc/smbtap/ca.pem\n"
                              "    objects: [finding, sensor]\n"
                              "    operations: [create, delete]\n"
                              "    spool_max_bytes: 2G\n"
                              "  - {to: 'file:/var/log/a%20b?.jsonl', rotate_interval: 1d}\n";

static void several_outputs(void **state) {
    (void)state;
    assert_false(parse(outputs, ""));
    assert_non_null(strstr(said, ":9: outputs: file:/var/log/a%20b?.jsonl: to: "));
    static const char yaml[] = "interfaces: [lo]\n"
                               "outputs:\n"
                               "  - facility: local3\n"
                               "    name: siem\n"
                               "    to: syslog+tls://siem.example\n"
                               "    ca: /etc/smbtap/ca.pem\n"
                               "    objects: [finding, sensor]\n"
                               "    operations: [create, delete]\n"
                               "    spool_max_bytes: 2G\n"
                               "  - {to: 'file:/var/log/a%20b%3F.jsonl', rotate_interval: 1d}\n"
                               "  - to: '-'\n"
                               "  - to: what?is=this\n";
    assert_true(parse(yaml, ""));
    assert_int_equal(o.output_count, 4);
    assert_string_equal(o.outputs[0].name, "siem");
    assert_int_equal(o.outputs[0].kind, OUTPUT_TLS);
    assert_string_equal(o.outputs[0].port, "6514");
    assert_string_equal(o.outputs[0].tls.ca, "/etc/smbtap/ca.pem");
    assert_int_equal(o.outputs[0].syslog.facility, 19);
    assert_int_equal(o.outputs[0].filter.objects, 6);
    assert_true(o.outputs[0].spool.max_bytes == (uint64_t)2 << 30);
    assert_int_equal(o.outputs[1].kind, OUTPUT_FILE);
    assert_string_equal(o.outputs[1].path, "/var/log/a b?.jsonl");
    assert_true(o.outputs[1].rotation.interval_ns == 86400 * SECOND);
    assert_int_equal(o.outputs[2].kind, OUTPUT_STANDARD);
    assert_int_equal(o.outputs[3].kind, OUTPUT_PATH);
    assert_string_equal(o.outputs[3].path, "what?is=this");
    /* The command line replaces all of them; a replay takes none. */
    assert_true(parse(yaml, "-o mine -o file:yours?objects=flow"));
    assert_int_equal(o.output_count, 2);
    assert_string_equal(o.outputs[0].path, "mine");
    assert_int_equal(o.outputs[1].filter.objects, 1);
    assert_true(parse(yaml, "-r a"));
    assert_int_equal(o.output_count, 1);
    assert_int_equal(o.outputs[0].kind, OUTPUT_STANDARD);
    /* One alone has a shorthand, which takes what -o takes. */
    assert_true(parse("output: syslog+tcp://h?cee=yes\n", "-i lo"));
    assert_int_equal(o.output_count, 1);
    assert_true(o.outputs[0].syslog.cee);
    assert_true(parse("outputs: []\n", "-i lo"));
    assert_int_equal(o.outputs[0].kind, OUTPUT_STANDARD);
}

static void wrong_outputs(void **state) {
    (void)state;
    static const struct wrong cases[] = {
        {"outputs:\n- name: siem\n  to: syslog+tcp://h\n  facility: local9\n", 4,
         "outputs: siem: facility: local9: no value of this setting; give kern"},
        {"outputs:\n- to: syslog+tcp://h\n  objects: [flow,\n   files]\n", 4,
         "outputs: syslog+tcp://h: objects: files: "},
        {"outputs:\n- to: syslog+tcp://h\n  rotate_bytes: 1G\n", 3,
         "rotate_bytes: an output of the kind syslog+tcp has no"},
        {"outputs:\n- name: a b\n  to: x\n", 2, "outputs: a b: name: a b: no name"},
        {"outputs:\n- name: siem\n  to: syslog+tls://h\n  key: k\n", 3, "outputs: siem: a certificate and its key"},
        {"outputs:\n- name: siem\n  to: syslog+tcp://h:0\n", 3,
         "outputs: siem: to: syslog+tcp://h:0: \"0\" is no port"},
        {"outputs:\n- to: syslog+tcp://h?cee=yes\n", 2,
         "outputs: syslog+tcp://h?cee=yes: to: syslog+tcp://h: settings have lines"},
        {"outputs:\n- to: ''\n", 2, "outputs: \"\": to: "},
        {"outputs:\n- to: a\n- to: file:./a\n", 3, "outputs: file:./a: another output writes to that file"},
        {"outputs:\n- to: '-'\n- to: '-'\n  name: b\n", 3, "outputs: -: given twice"},
        {"outputs:\n- to: syslog+tcp://h\n- to: syslog+tcp://h:514\n", 3, "has the name syslog_tcp-h-514 as well"},
        {"outputs:\n- to: syslog+udp://h\n  name: x\n- to: a\n  name: x\n", 4, "has the name x as well"},
        {"outputs:\n- to: a\n  too: b\n", 3, "outputs: too: there is no such setting of an output"},
        {"outputs:\n- to: a\n  ? [b]\n  : c\n", 3, "outputs: ?: there is no such setting"},
        {"outputs:\n- name: b\n\n- to: a\n", 2, "outputs: one without \"to\""},
        {"outputs:\n- {}\n", 2, "outputs: one without \"to\""},
        {"outputs:\n- to: a\n  to: b\n", 3, "outputs: to: it stands there twice"},
        {"outputs:\n- to: a\n  objects: [flow]\n  objects: [flow]\n", 4, "outputs: objects: it stands there twice"},
        {"outputs:\n- to: a\n  objects: flow\n", 3, "outputs: objects: a list is wanted"},
        {"outputs:\n- to: a\n  objects: []\n", 3, "outputs: objects: the list is empty"},
        {"outputs:\n- to: a\n  name: [b]\n", 3, "outputs: name: one value is wanted"},
        {"outputs:\n- to: a\n  name:\n", 3, "outputs: name: it has no value"},
        {"outputs:\n- to: &a b\n- to: *a\n", 3, "outputs: to: aliases"},
        {"outputs:\n- *a\n", 2, "outputs: the settings of an output are wanted"},
        {"outputs:\n- a\n", 2, "outputs: the settings of an output are wanted"},
        {"outputs:\n- !x {to: a}\n", 2, "outputs: tags"},
        {"outputs: a\n", 1, "outputs: a list is wanted"},
        {"outputs: {to: a}\n", 1, "outputs: a list is wanted"},
        {"outputs:\n- to: \"a\\0b\"\n", 2, "outputs: to: there is a NUL"},
        {"output: a\nuser: a\noutputs:\n- to: b\n", 3, "outputs: output stands there as well"},
        {"outputs:\n- to: b\noutput: a\n", 3, "output: outputs stands there as well"},
        {"output: syslog+tcp://h?cee=maybe\n", 1, "output: syslog+tcp://h: cee: maybe: "},
        {"outputs:\n- to: kafka://b/t\n  kafka_properties: [\"sasl.password=hunter2\"]\n", 3,
         "outputs: kafka://b/t: kafka_properties: sasl.password=...: a secret"},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
    assert_null(strstr(said, "hunter2"));
}

/* As many as there is room for, and one more: FIGURES_OUTPUTS_MAX, OUTPUT_VALUES_MAX. */
static void many_outputs(void **state) {
    (void)state;
    char yaml[4096] = "outputs:\n";
    for (unsigned i = 0; i < FIGURES_OUTPUTS_MAX; i++) {
        sprintf(yaml + strlen(yaml), "- to: a%u\n", i);
    }
    assert_true(parse(yaml, "-i lo"));
    assert_int_equal(o.output_count, FIGURES_OUTPUTS_MAX);
    strcat(yaml, "- to: b\n");
    assert_false(parse(yaml, "-i lo"));
    assert_non_null(strstr(said, ":18: outputs: the list has more than 16 entries"));
    strcpy(yaml, "outputs:\n- to: a\n  operations:\n");
    for (unsigned i = 0; i < OUTPUT_VALUES_MAX; i++) {
        strcat(yaml, "  - create\n");
    }
    assert_true(parse(yaml, "-i lo"));
    strcat(yaml, "  - create\n");
    assert_false(parse(yaml, "-i lo"));
    assert_non_null(strstr(said, ":68: outputs: operations: the list has more than 64 entries"));
}

static void no_yaml(void **state) {
    (void)state;
    static const struct wrong cases[] = {
        {"user: a\n\tquiet: no\n", 2, "this is no YAML"},
        {"user: a\nsensor_id: \"b\nquiet: no\n", 4, "of line 2"},
        {"port: [1, 2\nuser: a\n", 2, "of line 1"},
        {"user: a\nquiet no\nverbose: no\n", 3, "this is no YAML"},
        {"user: a: b\n", 1, "this is no YAML"},
        {"user: a\n\n# \xff\n", 3, "this is no YAML"},
        {"user: a\n\n\n\xc3", 4, "this is no YAML"},
        {"user: @a\n", 1, "this is no YAML"},
        {"%YAML 3.0\n---\nuser: a\n", 1, "this is no YAML"},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
    assert_false(parse_bytes("user: a\0b\n", 10, "-i lo"));
    assert_non_null(strstr(said, "this is no YAML"));
}

/* The machine's refusals are no wrong usage. */
static void refused_by_the_machine(void **state) {
    (void)state;
    assert_false(parse("\nworkers: 100000\n", "-i lo"));
    assert_int_equal(status, 1);
    assert_non_null(strstr(said, ":2: workers: 100000: "));
    assert_false(parse("", "-i lo -c /nonexistent/smbtap.yaml"));
    assert_int_equal(status, 1);
    assert_non_null(strstr(said, "/nonexistent/smbtap.yaml: "));
    assert_false(parse("quiet: no\n", ""));
    assert_int_equal(status, 2);
    assert_non_null(strstr(said, "interfaces"));
    assert_false(parse("", "-i lo -c /tmp"));
    assert_int_equal(status, 1);
    assert_true(parse("", "-h -c /nonexistent/smbtap.yaml")); /* which has no use for it */
}

/* -T says what a run would find out. */
static void filters(void **state) {
    (void)state;
    assert_false(parse("user: a\nfilter: prot 445\n", "-T -i lo"));
    assert_int_equal(status, OPTIONS_USAGE);
    assert_non_null(strstr(said, ":2: filter: prot 445: the filter does not compile"));
    assert_true(parse("filter: prot 445\n", "-i lo"));
    assert_false(parse("filter: prot 445\n", "-T -i lo port 445")); /* though it would not be used */
    assert_true(parse("filter: port 139\n", "-T -i lo port 445"));
    assert_string_equal(o.filter, "port 445");
    assert_false(parse("filter: port 445\n", "-T -i lo prot 445"));
    assert_non_null(strstr(said, "filter: prot 445: "));
    static const char *const good[] = {"inbound", "vlan 7 and port 445", "ether host 02:00:00:00:00:01", "ifindex 1",
                                       "''"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char yaml[64];
        snprintf(yaml, sizeof yaml, "filter: %s\n", good[i]);
        if (!parse(yaml, "-T -i lo")) {
            fail_msg("%s", said);
        }
    }
}

static void limits(void **state) {
    (void)state;
    static char text[CONFIG_BYTES_MAX + 2];
    memset(text, '#', sizeof text);
    assert_true(parse_bytes(text, CONFIG_BYTES_MAX, "-i lo"));
    assert_false(parse_bytes(text, CONFIG_BYTES_MAX + 1, "-i lo"));
    assert_non_null(strstr(said, "256 KiB"));
    for (int over = 0; over < 2; over++) {
        int n = snprintf(text, sizeof text, "filter: ");
        memset(text + n, 'x', (size_t)(CONFIG_TEXT_MAX + over));
        assert_int_equal(parse_bytes(text, (size_t)(n + CONFIG_TEXT_MAX + over), "-i lo"), !over);
    }
    assert_non_null(strstr(said, "filter: its value is longer"));
    int n = snprintf(text, sizeof text, "home_net: [");
    for (unsigned i = 0; i <= CONFIG_ENTRIES_MAX; i++) {
        n += sprintf(text + n, "fd00::1,\n");
    }
    assert_false(parse_bytes(text, (size_t)n, "-i lo"));
    assert_non_null(strstr(said, ":257: home_net: the list has more"));
    n = snprintf(text, sizeof text, "home_net: [");
    for (unsigned i = 0; i <= PIPELINE_HOME_MAX; i++) {
        n += sprintf(text + n, "fd00::1,\n");
    }
    snprintf(text + n, sizeof text - (size_t)n, "]\n");
    assert_false(parse(text, "-i lo"));
    assert_non_null(strstr(said, ":65: home_net: fd00::1: more than 64"));
    memset(text, '[', sizeof text); /* nothing is followed down */
    assert_false(parse_bytes(text, CONFIG_BYTES_MAX, "-i lo"));
    memcpy(text, "port: ", 6);
    assert_false(parse_bytes(text, CONFIG_BYTES_MAX, "-i lo"));
}

/* What is printed is a configuration that says the same. */
static void printed(void **state) {
    (void)state;
    static const char *const lines[] = {
        "-i lo",
        "-i eth0 -i eth1 -v --workers 1 --buffer 1G --snap-length 9000 --no-promiscuous --stats-interval 90s "
        "--loss-threshold 0.000001 --metrics [::1]:9145 --metrics-file /x/~y --user nobody --no-sandbox --detail "
        "operations "
        "--port 1 --port 2 --home-net ::/0 --sensor-id yes --code-page CP437 --memory 1025M --flows 7 --slow 250ms "
        "--idle-timeout "
        "36h "
        "--flow-key tunnel --verify-checksums -o #not-a-comment port 445 or # [x] {y} & * ! | > ' \" % @ ` \\ : -",
        "-T -i lo -o "
        "syslog+tls://siem.example?name=siem&objects=finding,sensor&operations=create&format=rfc3164&facility=3&"
        "severity=0&cee=on&framing=newline&hostname=~&ca=$CREDENTIALS_DIRECTORY/ca&server_name=null&verify_name=no&"
        "certificate=[c]&key={k}&tls_version_min=1.3&spool_directory=none&spool_max_bytes=3000M&spool_policy=drop_"
        "newest&"
        "spool_fsync=always&resend_bytes=0 -o relp+tls://[::1]:1?fingerprint="
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -o "
        "file:a%20b?rotate_bytes=1M&rotate_interval=7h&"
        "rotate_keep=3&compress=zstd -o - -o c?d -o syslog+udp://[fe80::1%25lo]?spool_fsync=never -o "
        "syslog+unix:///dev/log "
        "-o kafka://a,b:1/t?kafka_key=none&kafka_topics=object&kafka.a=%23x%3a%20y&kafka.sasl.password=@/x",
        "-q -i any --flow-key vlan --flow-key tunnel --sensor-id ~ -o null --metrics-file \xc3\xa9\xe2\x82\xac : -",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        static char first[8192], second[8192];
        assert_true(parse("", lines[i]));
        bool checked = strncmp(lines[i], "-T ", 3) == 0; /* what is run wants its credentials */
        assert_int_equal(o.action, checked ? DO_CHECK : DO_LIVE);
        FILE *to = fmemopen(first, sizeof first, "w");
        assert_int_equal(options_print(&o, to), 0);
        fclose(to);
        if (!parse(first, checked ? "-T" : "")) {
            fail_msg("%s\n%s", said, first);
        }
        to = fmemopen(second, sizeof second, "w");
        assert_int_equal(options_print(&o, to), 0);
        fclose(to);
        assert_string_equal(first, second);
    }
    assert_true(parse("", "-T -i lo --sensor-id \xff"));
    listen_to_stderr();
    status = options_print(&o, stdout);
    stop_listening();
    assert_int_equal(status, 1);
    assert_non_null(strstr(said, "UTF-8"));
}

static void read_again(void **state) {
    (void)state;
    assert_true(
        parse("interfaces: [eth0]\nstats_interval: 60s\nsensor_id: a\n", "--port 445 --loss-threshold 2 -v port 445"));
    assert_true(reload("interfaces: [eth0]\nstats_interval: 5s\nsensor_id: a\nport: [1]\nloss_threshold: 9\n"
                       "detail: operations\n"));
    assert_string_equal(said, "");
    assert_true(fresh.pipeline.every_operation);
    assert_int_equal(fresh.live.stats_interval_ns, 5 * SECOND);
    assert_true(fresh.live.loss_percent == 2);
    assert_int_equal(fresh.pipeline.port_count, 1);
    assert_int_equal(fresh.pipeline.ports[0], 445);
    assert_string_equal(fresh.filter, "port 445");
    assert_int_equal(fresh.level, LOG_DETAILS);
    assert_int_equal(fresh.action, DO_LIVE);
    assert_string_equal(fresh.live.config_file, path);
    /* What cannot change while it runs is told; neither cores nor code pages are looked up in a sandbox. */
    assert_true(
        reload("interfaces: [eth0, eth1]\nworkers: 255\ncode_page: CP0\nsensor_id: b\nhome_net: []\nuser: smbtap\n"));
    assert_non_null(strstr(said, "interfaces, workers, sensor_id, code_page: "));
    assert_int_equal(fresh.live.stats_interval_ns, 60 * SECOND);
    assert_null(strstr(said, "output"));
    /* So are outputs, whatever changed in them. */
    static const char *const changes[] = {"output: a\n", "outputs: [{to: '-', objects: [flow]}]\n",
                                          "outputs: [{to: '-'}, {to: a}]\n"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "interfaces: [eth0]\nsensor_id: a\n%s", changes[i]);
        assert_true(reload(yaml));
        assert_non_null(strstr(said, ": outputs: what changed there waits for the next start"));
    }
    assert_true(reload("interfaces: [eth0]\nsensor_id: a\noutputs: [{to: '-', objects: [all]}]\n"));
    assert_string_equal(said, "");
    /* A broken one changes nothing. */
    assert_false(reload("interfaces: [eth0]\nworkers: 257\n")); /* OPTIONS_WORKERS_MAX */
    assert_non_null(strstr(said, "more than 256 workers"));
    assert_false(reload("interfaces: [eth0]\nstats_interval: soon\n"));
    assert_non_null(strstr(said, ":2: stats_interval: soon: "));
    assert_null(fresh.given);
    assert_false(reload("stats_interval: 5s\n"));
    assert_non_null(strstr(said, "no interfaces"));
    assert_int_equal(o.live.stats_interval_ns, 60 * SECOND);
    assert_string_equal(o.pipeline.sensor_id, "a");
}

/* What systemd loads is not looked for again, and nothing waits where the words are the same. */
static void outputs_read_again(void **state) {
    (void)state;
    static const char yaml[] = "interfaces: [lo]\noutputs:\n- to: syslog+tls://h\n  certificate: c\n"
                               "  key: $CREDENTIALS_DIRECTORY/key\n  spool_directory: none\n";
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_true(parse(yaml, "-T"));
    assert_false(parse(yaml, ""));
    assert_int_equal(status, 1);
    assert_non_null(strstr(said, "output syslog_tls-h-6514: $CREDENTIALS_DIRECTORY/key: "));
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials", 1);
    assert_true(parse(yaml, ""));
    assert_string_equal(o.outputs[0].tls.key, "/run/credentials/key");
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_true(reload(yaml));
    assert_string_equal(said, "");
    assert_true(reload("interfaces: [lo]\noutputs:\n- to: syslog+tls://h\n"));
    assert_non_null(strstr(said, "outputs: what changed"));
}

/* The name of the machine stays what it was at the start. */
static void read_again_without_a_name(void **state) {
    (void)state;
    assert_true(parse("", "-i lo"));
    assert_string_equal(o.pipeline.sensor_id, o.host);
    strcpy(o.host, "renamed-since");
    assert_true(reload(""));
    assert_string_equal(said, "");
    assert_string_equal(fresh.pipeline.sensor_id, "renamed-since");
    assert_true(parse("sensor_id: a\n", "-i lo"));
    assert_true(reload(""));
    assert_non_null(strstr(said, "sensor_id: "));
    assert_string_equal(fresh.pipeline.sensor_id, o.host);
}

/* The file that is installed has every setting in a comment: as "#key: value" with its default, as "# key: value" with an example
 * where there is no default, and what is indented below that belongs to it. Where the records of a service go is the only one that is
 * set; the examples have several outputs instead. */
static void uncomment(const char *file, bool examples, char *to, size_t size) {
    char line[512];
    FILE *from = fopen(file, "r");
    assert_non_null(from);
    size_t n = 0;
    for (bool below = false; fgets(line, sizeof line, from);) {
        const char *key = line[0] == '#' ? line + 1 + (line[1] == ' ') : line;
        size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyz_");
        bool setting = length != 0 && key[length] == ':', set = setting && key == line;
        assert_true(!set || strncmp(key, "output:", 7) == 0);
        below = (setting && strcmp(key + length, ":\n") == 0) || (below && strncmp(line, "#   ", 4) == 0);
        bool example = (setting && key == line + 2) || below;
        bool taken = set ? !examples : example ? examples : setting;
        n += taken ? (size_t)snprintf(to + n, size - n, "%s", key) : 0;
    }
    to[n] = 0;
    fclose(from);
}

static bool has(const char *yaml, const char *before, const char *key) {
    char line[64];
    snprintf(line, sizeof line, "\n%s%s:", before, key);
    return strncmp(yaml, line + 1, strlen(line + 1)) == 0 || strstr(yaml, line);
}

static void installed_one(void **state) {
    (void)state;
    static char yaml[16384], printed_first[8192], printed_second[8192];
    assert_true(parse("", "-T -i lo"));
    FILE *to = fmemopen(printed_first, sizeof printed_first, "w");
    assert_int_equal(options_print(&o, to), 0);
    fclose(to);
    uncomment("systemd/smbtap.yaml", false, yaml, sizeof yaml);
    assert_non_null(strstr(yaml, "\noutput: /var/log/smbtap/records.jsonl\n")); /* it differs in this alone */
    if (!parse(yaml, "-T -i lo -o -")) {
        fail_msg("%s", said);
    }
    to = fmemopen(printed_second, sizeof printed_second, "w");
    assert_int_equal(options_print(&o, to), 0);
    fclose(to);
    assert_string_equal(printed_first, printed_second);
    uncomment("systemd/smbtap.yaml", true, yaml, sizeof yaml);
    if (!parse(yaml, "-T")) {
        fail_msg("%s", said);
    }
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL; i++) {
        if (s->key && strcmp(s->key, "output") != 0 && !has(yaml, "", s->key)) {
            fail_msg("systemd/smbtap.yaml lacks %s", s->key);
        }
    }
    const struct output_setting *of_output;
    for (size_t i = 0; (of_output = output_setting_at(i)) != NULL; i++) {
        if (!has(yaml, "  - ", of_output->name) && !has(yaml, "    ", of_output->name)) {
            fail_msg("systemd/smbtap.yaml lacks %s", of_output->name);
        }
    }
}

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
    (void)state;
    options_free(&o);
    options_free(&fresh);
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(on_top),
        cmocka_unit_test(of_a_replay),
        cmocka_unit_test(empty_ones),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(no_yaml),
        cmocka_unit_test(refused_by_the_machine),
        cmocka_unit_test(limits),
        cmocka_unit_test(filters),
        cmocka_unit_test(printed),
        cmocka_unit_test(several_outputs),
        cmocka_unit_test(wrong_outputs),
        cmocka_unit_test(many_outputs),
        cmocka_unit_test(outputs_read_again),
        cmocka_unit_test(read_again),
        cmocka_unit_test(read_again_without_a_name),
        cmocka_unit_test(installed_one),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
