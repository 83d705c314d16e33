#include "../../src/options.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <getopt.h>

static struct options o;
static int status_of_parse;
static char said[4096]; /* what the last parse wrote to standard error */

/* The words of a command line, parted by single spaces. */
static bool parse(const char *line) {
    static char words[8192];
    char *argv[4200] = {NULL};
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(2);
    dup2(fileno(file), 2);
    optind = 0; /* anew, as glibc has it */
    options_free(&o);
    status_of_parse = options_parse(&o, argc, argv);
    bool good = status_of_parse == 0;
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = 0;
    fclose(file);
    assert_true(good == (said[0] == 0));
    assert_true(good || strchr(said, '\n') == said + strlen(said) - 1); /* one line */
    return good;
}

static void defaults(void **state) {
    (void)state;
    assert_true(parse("smbtap -r a.pcap"));
    assert_int_equal(o.action, DO_REPLAY);
    assert_int_equal(o.input_count, 1);
    assert_string_equal(o.inputs[0], "a.pcap");
    assert_string_equal(options_file(&o), "-");
    assert_null(o.filter);
    assert_int_equal(o.level, LOG_NOTES);
    assert_false(o.pipeline.every_operation);
    assert_int_equal(o.pipeline.port_count, 0);
    assert_int_equal(o.pipeline.home_count, 0);
    assert_string_equal(o.pipeline.sensor_id, "replay");
    assert_int_equal(o.memory, 512 << 20);
    assert_int_equal(o.pipeline.flows_max, 0);
    assert_int_equal(o.pipeline.idle_ns, 0);
    assert_int_equal(o.pipeline.slow_ns, 15 * UINT64_C(1000000000));
}

static void sizes_and_spans(void **state) {
    (void)state;
    static const struct {
        const char *line;
        size_t memory;
    } cases[] = {
        {"smbtap -r a --memory 16M", 16 << 20},         {"smbtap -r a --memory 16777216", 16 << 20},
        {"smbtap -r a --memory 16384K", 16 << 20},      {"smbtap -r a --memory 4G", (size_t)4 << 30},
        {"smbtap inventory -r a --memory 1G", 1 << 30}, {"smbtap -r a --memory 17179869183G", SIZE_MAX >> 30 << 30},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(parse(cases[i].line));
        assert_int_equal(o.memory, cases[i].memory);
    }
    assert_true(parse("smbtap -r a --flows 1 --idle-timeout 90s"));
    assert_int_equal(o.pipeline.flows_max, 1);
    assert_int_equal(o.pipeline.idle_ns, 90 * UINT64_C(1000000000));
    assert_true(parse("smbtap -r a --slow 250ms"));
    assert_int_equal(o.pipeline.slow_ns, UINT64_C(250000000));
    assert_true(parse("smbtap -r a --slow 1.5s"));
    assert_int_equal(o.pipeline.slow_ns, UINT64_C(1500000000));
    assert_true(parse("smbtap -r a --slow 2m"));
    assert_int_equal(o.pipeline.slow_ns, 120 * UINT64_C(1000000000));
    assert_true(parse("smbtap inventory -r a --flows 2000000 --idle-timeout 2d --since 1h"));
    assert_int_equal(o.pipeline.flows_max, 2000000);
    assert_int_equal(o.pipeline.idle_ns, 172800 * UINT64_C(1000000000));
    assert_int_equal(o.inventory.since_ns, 3600 * UINT64_C(1000000000));
}

static void all_of_them(void **state) {
    (void)state;
    assert_true(
        parse("smbtap -v -r a -r - -r dir -o out --detail operations --port 445 --port 65535 --port 1 "
              "--home-net 10.0.0.0/8 --home-net 2001:db8::/32 --home-net 192.0.2.1 --home-net ::1 --sensor-id s1 "
              "tcp port 445 and host 192.0.2.1"));
    assert_int_equal(o.input_count, 3);
    assert_string_equal(o.inputs[2], "dir");
    assert_string_equal(options_file(&o), "out");
    assert_int_equal(o.level, LOG_DETAILS);
    assert_true(o.pipeline.every_operation);
    assert_int_equal(o.pipeline.port_count, 3);
    assert_int_equal(o.pipeline.ports[1], 65535);
    assert_int_equal(o.pipeline.home_count, 4);
    assert_int_equal(o.pipeline.home[0].prefix_length, 8);
    assert_int_equal(o.pipeline.home[0].base.family, 4);
    assert_int_equal(o.pipeline.home[0].base.bytes[0], 10);
    assert_int_equal(o.pipeline.home[1].prefix_length, 32);
    assert_int_equal(o.pipeline.home[1].base.family, 6);
    assert_int_equal(o.pipeline.home[2].prefix_length, 32);
    assert_int_equal(o.pipeline.home[3].prefix_length, 128);
    assert_string_equal(o.pipeline.sensor_id, "s1");
    assert_string_equal(o.filter, "tcp port 445 and host 192.0.2.1");
    assert_true(parse("smbtap --quiet --detail=handles -ra -oout -- host ::1"));
    assert_int_equal(o.level, LOG_ERRORS);
    assert_string_equal(o.inputs[0], "a");
    assert_string_equal(options_file(&o), "out");
    assert_string_equal(o.filter, "host ::1");
}

static void decoding(void **state) {
    (void)state;
    assert_true(parse("smbtap -r a"));
    assert_false(o.pipeline.verify_checksums || o.pipeline.key_vlan || o.pipeline.key_tunnel);
    assert_true(parse("smbtap -r a --verify-checksums --flow-key vlan"));
    assert_true(o.pipeline.verify_checksums && o.pipeline.key_vlan && !o.pipeline.key_tunnel);
    assert_true(parse("smbtap -r a --flow-key tunnel"));
    assert_true(!o.pipeline.verify_checksums && !o.pipeline.key_vlan && o.pipeline.key_tunnel);
    assert_true(parse("smbtap -r a --flow-key tunnel --flow-key=vlan --flow-key vlan"));
    assert_true(o.pipeline.key_vlan && o.pipeline.key_tunnel);
}

static void live_defaults(void **state) {
    (void)state;
    assert_true(parse("smbtap -i lo"));
    assert_int_equal(o.action, DO_LIVE);
    assert_int_equal(o.live.interface_count, 1);
    assert_string_equal(o.live.interfaces[0], "lo");
    unsigned most = o.live.workers;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    assert_true(most >= 1 && (most == 1 || most < cores));
    assert_int_equal(o.live.buffer_bytes, 256 << 20);
    assert_int_equal(o.live.snap_length, 262144);
    assert_true(o.live.promiscuous && o.live.sandbox);
    assert_int_equal(o.live.stats_interval_ns, 60 * UINT64_C(1000000000));
    assert_true(o.live.loss_percent == 1.0);
    assert_null(o.live.metrics_address);
    assert_null(o.live.metrics_file);
    assert_string_equal(o.live.user, "smbtap");
    char host[256];
    assert_int_equal(gethostname(host, sizeof host), 0);
    assert_string_equal(o.pipeline.sensor_id, host);
    assert_string_equal(options_file(&o), "-");
}

static void live_settings(void **state) {
    (void)state;
    assert_true(
        parse("smbtap -i eth0 -i eth1 --workers 1 --buffer 64M --snap-length 1500 --no-promiscuous "
              "--stats-interval 5m --loss-threshold 0.25 --metrics [::1]:9145 --metrics-file m.prom --user nobody "
              "--no-sandbox --sensor-id s2 -o out port 445"));
    assert_int_equal(o.action, DO_LIVE);
    assert_int_equal(o.live.interface_count, 2);
    assert_string_equal(o.live.interfaces[1], "eth1");
    assert_int_equal(o.live.workers, 1);
    assert_int_equal(o.live.buffer_bytes, 64 << 20);
    assert_int_equal(o.live.snap_length, 1500);
    assert_false(o.live.promiscuous || o.live.sandbox);
    assert_int_equal(o.live.stats_interval_ns, 300 * UINT64_C(1000000000));
    assert_true(o.live.loss_percent == 0.25);
    assert_string_equal(o.live.metrics_address, "[::1]:9145");
    assert_string_equal(o.live.metrics_file, "m.prom");
    assert_string_equal(o.live.user, "nobody");
    assert_string_equal(o.pipeline.sensor_id, "s2");
    assert_string_equal(o.filter, "port 445");
    assert_true(parse("smbtap -i any --metrics 9145 --loss-threshold 100% --workers auto"));
    assert_true(parse("smbtap -i lo --metrics 192.0.2.1:1 --loss-threshold 0"));
    assert_true(parse("smbtap -r a --no-sandbox --user nobody"));
    assert_false(o.live.sandbox);
    assert_true(parse("smbtap inventory -r a --no-sandbox --user nobody"));
    assert_true(parse("smbtap -T -i lo"));
    assert_int_equal(o.action, DO_CHECK);
}

/* More than four for each core is the machine's refusal, not a wrong command line. */
static void workers(void **state) {
    (void)state;
    char line[64];
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int most = 4 * CPU_COUNT(&set);
    if (most < OPTIONS_WORKERS_MAX) {
        snprintf(line, sizeof line, "smbtap -i lo --workers %d", most);
        assert_true(parse(line));
        snprintf(line, sizeof line, "smbtap -i lo --workers %d", most + 1);
        assert_false(parse(line));
        assert_int_equal(status_of_parse, 1);
        assert_non_null(strstr(said, "or fewer"));
    }
    assert_false(parse("smbtap -i lo --workers 4294967296"));
    assert_int_equal(status_of_parse, 2);
    assert_false(parse("smbtap -i lo --workers 0"));
}

/* Several at once, each of its own kind, in their order. */
static void outputs(void **state) {
    (void)state;
    assert_true(parse("smbtap -i lo"));
    assert_int_equal(o.output_count, 1);
    assert_int_equal(o.outputs[0].kind, OUTPUT_STANDARD);
    assert_true(parse("smbtap -i lo -o - -o file:a?objects=finding -osyslog+tcp://h"));
    assert_int_equal(o.output_count, 3);
    assert_int_equal(o.outputs[1].kind, OUTPUT_FILE);
    assert_int_equal(o.outputs[1].filter.objects, 2);
    assert_string_equal(o.outputs[2].host, "h");
    assert_string_equal(o.outputs[2].spool.directory, "/var/lib/smbtap/spool");
    assert_true(parse("smbtap -r a -o syslog+tcp://h?spool_policy=drop_newest"));
    assert_null(o.outputs[0].spool.directory);
    assert_int_equal(o.outputs[0].spool.policy, SPOOL_WAIT);
    assert_true(parse("smbtap inventory -r a -o a"));
    assert_true(parse("smbtap inventory -r a -o -"));
    assert_true(parse("smbtap -r a -o a/b -o /a/c -o a//d -o ./a"));
    char line[512] = "smbtap -i lo";
    for (unsigned i = 0; i < FIGURES_OUTPUTS_MAX; i++) {
        snprintf(line + strlen(line), sizeof line - strlen(line), " -o a%u", i);
    }
    assert_true(parse(line));
    assert_int_equal(o.output_count, FIGURES_OUTPUTS_MAX);
    strcat(line, " -o b");
    assert_false(parse(line));
    assert_non_null(strstr(said, "-o b: more than 16 outputs"));
}

/* What needs no capture. */
static void other_actions(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum options_action action;
    } cases[] = {
        {"smbtap -h", DO_HELP},
        {"smbtap --help", DO_HELP},
        {"smbtap -V", DO_VERSION},
        {"smbtap --version", DO_VERSION},
        {"smbtap --schema", DO_SCHEMA},
        {"smbtap --print-filter", DO_PRINT_FILTER},
        {"smbtap --port 4455 --print-filter", DO_PRINT_FILTER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(parse(cases[i].line));
        assert_int_equal(o.action, cases[i].action);
    }
}

/* One line that names what is wrong. */
static void refuses(const char *const cases[][2], size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_false(parse(cases[i][0]));
        assert_int_equal(status_of_parse, OPTIONS_USAGE);
        if (!strstr(said, cases[i][1])) {
            fail_msg("%s: %s", cases[i][0], said);
        }
    }
}

static void wrong_live(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"smbtap -i", "-i"},
        {"smbtap -i eth0/1", "eth0/1"},
        {"smbtap -i a-name-too-long-", "a-name-too-long-"},
        {"smbtap -i eth0 -i eth0", "twice"},
        {"smbtap -i any -i eth0", "any"},
        {"smbtap -i eth0 -i any", "any"},
        {"smbtap -i eth0 -r a", "-i"},
        {"smbtap -r a -i eth0", "-i"},
        {"smbtap -r a --workers 1", "--workers"},
        {"smbtap -r a --metrics 9145", "--metrics"},
        {"smbtap -T", "interface"},
        {"smbtap -T -r a", "-r a"},
        {"smbtap -i lo --workers two", "two"},
        {"smbtap -i lo --buffer 256MB", "256MB"},
        {"smbtap -i lo --buffer 1023K", "1023K"},
        {"smbtap -i lo --snap-length 127", "127"},
        {"smbtap -i lo --snap-length 262145", "262145"},
        {"smbtap -i lo --stats-interval 60", "--stats-interval 60"},
        {"smbtap -i lo --loss-threshold 101", "101"},
        {"smbtap -i lo --loss-threshold -1", "-1"},
        {"smbtap -i lo --loss-threshold 1e1", "1e1"},
        {"smbtap -i lo --loss-threshold 1.", "1."},
        {"smbtap -i lo --loss-threshold 1%%", "1%%"},
        {"smbtap -i lo --loss-threshold nan", "nan"},
        {"smbtap -i lo --metrics 0", "--metrics 0"},
        {"smbtap -i lo --metrics localhost:9145", "localhost"},
        {"smbtap -i lo --metrics ::1:9145", "[::1]:9145"},
        {"smbtap -i lo --metrics [192.0.2.1]:9145", "[192.0.2.1]"},
        {"smbtap -i lo --metrics 192.0.2.1:", "192.0.2.1:"},
        {"smbtap -i lo --metrics-file=", "--metrics-file"},
        {"smbtap -i lo --user=", "--user"},
        {"smbtap -i lo --user a:b", "a:b"},
        {"smbtap -i lo -o ", "-o"},
        {"smbtap -i lo -o - -o -", "-o -: given twice"},
        {"smbtap -i lo -o - -o -?objects=flow&name=b", "-o -: given twice"},
        {"smbtap -i lo -o a -o a", "-o a: another output writes to that file"},
        {"smbtap -i lo -o a/b -o file:.//a/./b", "another output writes to that file"},
        {"smbtap -i lo -o /a/b -o file:///a//b", "another output writes to that file"},
        {"smbtap -i lo -o relp://h:1 -o relp://h:1?objects=flow",
         "-o relp://h:1: another output has the name relp-h-1"},
        {"smbtap -i lo -o a?name=x -o -?name=x -o file:b?name=x", "-o file:b: another output has the name x"},
        {"smbtap -i lo -o a/b -o /a/b", "-o /a/b: another output has the name a_b"},
        {"smbtap -i lo -o syslog+tcp://h?facility=x", "-o syslog+tcp://h: facility: x: "},
        {"smbtap -r a -o http://h", "those there are: file, syslog+udp"},
        {"smbtap inventory -r a -o file:a", "-o file:a: the answer"},
        {"smbtap inventory -r a -o a -o b", "-o b: the answer"},
        {"smbtap inventory -r a -i lo", "-i"},
        {"smbtap inventory -r a --workers 1", "--workers"},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
}

static void wrong(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"smbtap", "nothing to read"},
        {"smbtap host", "nothing to read"},
        {"smbtap -r", "-r"},
        {"smbtap --detail", "--detail"},
        {"smbtap -r a --detail all", "all"},
        {"smbtap -r a --flow-key mac", "mac"},
        {"smbtap -r a --flow-key", "--flow-key"},
        {"smbtap -r a --verify-checksums=no", "--verify-checksums"},
        {"smbtap -r a --port 0", "--port 0"},
        {"smbtap -r a --memory", "--memory"},
        {"smbtap -r a --memory=", "not a size"},
        {"smbtap -r a --memory M", "not a size"},
        {"smbtap -r a --memory 16m", "not a size"},
        {"smbtap -r a --memory 1.5G", "not a size"},
        {"smbtap -r a --memory -1G", "not a size"},
        {"smbtap -r a --memory 16MB", "not a size"},
        {"smbtap -r a --memory 17179869184G", "not a size"},
        {"smbtap -r a --memory 99999999999999999999", "not a size"},
        {"smbtap -r a --memory 0", "not a size"},
        {"smbtap -r a --memory 16777215", "give 16M or more"},
        {"smbtap -r a --memory 15M", "give 16M or more"},
        {"smbtap -r a --flows 0", "--flows 0"},
        {"smbtap -r a --flows 1k", "--flows 1k"},
        {"smbtap -r a --flows 99999999999", "99999999999"},
        {"smbtap -r a --idle-timeout 5", "--idle-timeout 5"},
        {"smbtap -r a --idle-timeout 0s", "--idle-timeout 0s"},
        {"smbtap -r a --idle-timeout 99999d", "99999d"},
        {"smbtap -r a --idle-timeout 1.5s", "1.5s"},
        {"smbtap -r a --slow 0ms", "--slow 0ms"},
        {"smbtap -r a --slow 1.5", "--slow 1.5"},
        {"smbtap -r a --slow 0.0005s", "250ms"},
        {"smbtap -r a --port 65536", "65536"},
        {"smbtap -r a --port -1", "-1"},
        {"smbtap -r a --port 445x", "445x"},
        {"smbtap -r a --port 99999999999999999999", "99999999999999999999"},
        {"smbtap -r a --home-net 10.0.0.0/33", "10.0.0.0/33"},
        {"smbtap -r a --home-net 10.0.0.0/", "10.0.0.0/"},
        {"smbtap -r a --home-net 10.0.0.0/+8", "+8"},
        {"smbtap -r a --home-net 10.0.0/8", "10.0.0/8"},
        {"smbtap -r a --home-net ::/129", "::/129"},
        {"smbtap -r a --home-net example.org", "example.org"},
        {"smbtap -r a --home-net 0123:4567:89ab:cdef:0123:4567:89ab:cdef:0123:4567:89ab/64", "not a network"},
        {"smbtap -r - -r -", "twice"},
        {"smbtap -r a --sensor-id=", "--sensor-id"},
        {"smbtap -r a --sensor-id 12345678901234567890123456789012345678901234567890123456789012345", "64"},
        {"smbtap -x", "-x"},
        {"smbtap -r a -qxv", "-x"},
        {"smbtap --nonsense", "--nonsense"},
        {"smbtap --schema=yes", "--schema"},
    };
    refuses(cases, sizeof cases / sizeof cases[0]);
}

/* As many as there is room for, and one more. */
static void limits(void **state) {
    (void)state;
    static const struct {
        const char *option;
        unsigned max;
    } cases[] = {{" --port 445", PIPELINE_PORTS_MAX}, {" --home-net 10.0.0.0/8", PIPELINE_HOME_MAX}};
    char interfaces[512] = "smbtap";
    for (unsigned i = 0; i <= OPTIONS_INTERFACES_MAX; i++) {
        assert_true(i == 0 || parse(interfaces));
        snprintf(interfaces + strlen(interfaces), sizeof interfaces - strlen(interfaces), " -i eth%u", i);
    }
    assert_false(parse(interfaces));
    assert_non_null(strstr(said, "more than"));
    assert_false(parse("smbtap -i lo --snap-length 262145")); /* OPTIONS_SNAP_MOST */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[8192] = "smbtap -r a";
        for (unsigned n = 0; n < cases[i].max; n++) {
            strcat(line, cases[i].option);
        }
        assert_true(parse(line));
        strcat(line, cases[i].option);
        assert_false(parse(line));
        assert_non_null(strstr(said, "more than"));
    }
}

static void too_many_inputs(void **state) {
    (void)state;
    static char *argv[2 * OPTIONS_INPUTS_MAX + 4];
    int argc = 0;
    argv[argc++] = (char[]){"smbtap"};
    char r[] = "-r", a[] = "a", q[] = "-q";
    argv[argc++] = q;
    for (unsigned i = 0; i < OPTIONS_INPUTS_MAX; i++) {
        argv[argc++] = r;
        argv[argc++] = a;
    }
    optind = 0;
    options_free(&o);
    assert_int_equal(options_parse(&o, argc, argv), 0);
    assert_int_equal(o.input_count, OPTIONS_INPUTS_MAX);
    assert_true(parse("smbtap -q -r a"));
}

static void freed_twice(void **state) {
    (void)state;
    options_free(&o);
    options_free(&o);
    log_set_level(LOG_NOTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),        cmocka_unit_test(all_of_them),   cmocka_unit_test(decoding),
        cmocka_unit_test(other_actions),   cmocka_unit_test(wrong),         cmocka_unit_test(limits),
        cmocka_unit_test(too_many_inputs), cmocka_unit_test(freed_twice),   cmocka_unit_test(sizes_and_spans),
        cmocka_unit_test(live_defaults),   cmocka_unit_test(live_settings), cmocka_unit_test(workers),
        cmocka_unit_test(wrong_live),      cmocka_unit_test(outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
