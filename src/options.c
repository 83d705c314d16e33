#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *out) {
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno || n < low || n > high) {
        return false;
    }
    *out = n;
    return true;
}

static bool add_port(struct pipeline_settings *p, const char *text) {
    unsigned long port;
    if (!parse_number(text, 1, 65535, &port)) {
        log_error("--port %s: not a TCP port; give a number from 1 to 65535", text);
        return false;
    }
    if (p->port_count == PIPELINE_PORTS_MAX) {
        log_error("--port %s: more than %d ports; SMB on others is found by its first message", text,
                  PIPELINE_PORTS_MAX);
        return false;
    }
    p->ports[p->port_count++] = (uint16_t)port;
    return true;
}

static bool parse_address(const char *text, struct address *out) {
    *out = (struct address){.family = 4};
    if (inet_pton(AF_INET, text, out->bytes) == 1) {
        return true;
    }
    out->family = 6;
    return inet_pton(AF_INET6, text, out->bytes) == 1;
}

static bool add_home(struct pipeline_settings *p, const char *text) {
    char address[INET6_ADDRSTRLEN + 1];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    unsigned long bits = 0;
    struct network net = {0};
    bool good = n < sizeof address;
    if (good) {
        memcpy(address, text, n);
        address[n] = 0;
        good = parse_address(address, &net.base);
    }
    unsigned long longest = net.base.family == 4 ? 32 : 128;
    if (!good || (slash && !parse_number(slash + 1, 0, longest, &bits))) {
        log_error("--home-net %s: not a network; give it as 192.0.2.0/24 or 2001:db8::/32", text);
        return false;
    }
    if (p->home_count == PIPELINE_HOME_MAX) {
        log_error("--home-net %s: more than %d networks; give larger ones", text, PIPELINE_HOME_MAX);
        return false;
    }
    net.prefix_length = (unsigned)(slash ? bits : longest);
    p->home[p->home_count++] = net;
    return true;
}

static bool set_detail(struct pipeline_settings *p, const char *text) {
    p->every_operation = strcmp(text, "operations") == 0;
    if (!p->every_operation && strcmp(text, "handles") != 0) {
        log_error("--detail %s: there is no such detail; give handles or operations", text);
        return false;
    }
    return true;
}

static bool add_input(struct options *o, const char *path) {
    if (o->input_count == OPTIONS_INPUTS_MAX) {
        log_error("-r %s: more than %d captures named; put them in a folder and name that", path, OPTIONS_INPUTS_MAX);
        return false;
    }
    for (size_t i = 0; strcmp(path, "-") == 0 && i < o->input_count; i++) {
        if (strcmp(o->inputs[i], "-") == 0) {
            log_error("-r -: given twice; standard input can be read once");
            return false;
        }
    }
    o->inputs[o->input_count++] = path;
    return true;
}

enum { OPTION_DETAIL = 256, OPTION_PORT, OPTION_HOME_NET, OPTION_SENSOR_ID, OPTION_SCHEMA };

static const struct option long_options[] = {
    {"detail", required_argument, NULL, OPTION_DETAIL},
    {"port", required_argument, NULL, OPTION_PORT},
    {"home-net", required_argument, NULL, OPTION_HOME_NET},
    {"sensor-id", required_argument, NULL, OPTION_SENSOR_ID},
    {"schema", no_argument, NULL, OPTION_SCHEMA},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* A sensor's name goes into every record: short, and not empty. */
enum { SENSOR_ID_MAX = 64 };

static bool set_sensor_id(struct pipeline_settings *p, const char *text) {
    size_t n = strlen(text);
    if (n == 0 || n > SENSOR_ID_MAX) {
        log_error("--sensor-id: give 1 to %d bytes; it stands in every record", SENSOR_ID_MAX);
        return false;
    }
    p->sensor_id = text;
    return true;
}

/* A letter may stand in the middle of others, where optind is not behind it yet; of a long one the letter is none. */
static void unknown_option(char *const *argv) {
    if (optopt > 0 && optopt < OPTION_DETAIL) {
        log_error("-%c: there is no such option; see smbtap -h", optopt);
    } else {
        log_error("%s: there is no such option; see smbtap -h", argv[optind - 1]);
    }
}

static bool take_option(struct options *o, int option, char *const *argv) {
    switch (option) {
    case 'r':
        return add_input(o, optarg);
    case 'o':
        o->output = optarg;
        return true;
    case 'q':
        o->level = LOG_ERRORS;
        return true;
    case 'v':
        o->level = LOG_DETAILS;
        return true;
    case 'V':
        o->action = DO_VERSION;
        return true;
    case 'h':
        o->action = DO_HELP;
        return true;
    case OPTION_SCHEMA:
        o->action = DO_SCHEMA;
        return true;
    case OPTION_DETAIL:
        return set_detail(&o->pipeline, optarg);
    case OPTION_PORT:
        return add_port(&o->pipeline, optarg);
    case OPTION_HOME_NET:
        return add_home(&o->pipeline, optarg);
    case OPTION_SENSOR_ID:
        return set_sensor_id(&o->pipeline, optarg);
    case ':':
        log_error("%s: it needs a value; see smbtap -h", argv[optind - 1]);
        return false;
    default:
        unknown_option(argv);
        return false;
    }
}

/* What is behind the options is one BPF expression, as tcpdump takes it. */
static bool join_filter(struct options *o, int argc, char **argv) {
    size_t size = 1;
    for (int i = optind; i < argc; i++) {
        size += strlen(argv[i]) + 1;
    }
    if (optind == argc) {
        return true;
    }
    o->filter = malloc(size);
    if (!o->filter) {
        log_error("out of memory");
        return false;
    }
    char *to = o->filter;
    for (int i = optind; i < argc; i++) {
        to += sprintf(to, "%s%s", i > optind ? " " : "", argv[i]);
    }
    return true;
}

bool options_parse(struct options *o, int argc, char **argv) {
    *o = (struct options){.output = "-", .level = LOG_NOTES};
    o->pipeline.sensor_id = "replay";
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:r:o:qvVh", long_options, NULL)) != -1;) {
        if (!take_option(o, option, argv)) {
            return false;
        }
    }
    log_set_level(o->level);
    if (o->action == DO_REPLAY && o->input_count == 0) {
        log_error(
            "nothing to read; name a capture, a folder of captures or - for standard input with -r, see smbtap -h");
        return false;
    }
    return join_filter(o, argc, argv);
}

void options_free(struct options *o) {
    free(o->filter);
    o->filter = NULL;
}

void options_help(void) {
    static const char text[] =
        "usage: smbtap -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "\n"
        "Reads captures and writes what SMB clients did, one JSON record a line.\n"
        "\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  -o FILE|-             where records go; default: standard output\n"
        "  --detail DETAIL       handles (default): what was done to files; operations: every request and response\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "                        (SMB on any other port is found by its first message)\n"
        "  --home-net CIDR       a network of ours, repeatable; gives each record its network_direction\n"
        "  --sensor-id NAME      stands in every record; default: replay\n"
        "  --schema              prints the JSON Schema of the records\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error, and the summary also where that is no terminal\n"
        "  -V, --version         prints the version\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 done; 1 something could not be read or written; 2 wrong usage; 3 a capture is cut or damaged,\n"
        "and what could be read of it was decoded. More in smbtap(8).\n";
    fputs(text, stdout);
}
