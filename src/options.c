#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/code_page.h"

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

static bool add_key(struct pipeline_settings *p, const char *text) {
    bool vlan = strcmp(text, "vlan") == 0, tunnel = strcmp(text, "tunnel") == 0;
    if (!vlan && !tunnel) {
        log_error("--flow-key %s: connections are not told apart by that; give vlan or tunnel", text);
        return false;
    }
    p->key_vlan |= vlan;
    p->key_tunnel |= tunnel;
    return true;
}

static bool add_input(struct options *o, const char *option, const char *path) {
    if (o->input_count == OPTIONS_INPUTS_MAX) {
        log_error("%s %s: more than %d files named; put captures in a folder and name that", option, path,
                  OPTIONS_INPUTS_MAX);
        return false;
    }
    for (size_t i = 0; strcmp(path, "-") == 0 && i < o->input_count; i++) {
        if (strcmp(o->inputs[i], "-") == 0) {
            log_error("%s -: given twice; standard input can be read once", option);
            return false;
        }
    }
    o->inputs[o->input_count++] = path;
    return true;
}

static bool add_capture(struct options *o, const char *path) {
    if (o->inventory.records) {
        log_error("-r %s: captures and records at once; read either -r or --records", path);
        return false;
    }
    return add_input(o, "-r", path);
}

static bool add_records(struct options *o, const char *path) {
    if (!o->inventory.records && o->input_count != 0) {
        log_error("--records %s: captures and records at once; read either -r or --records", path);
        return false;
    }
    o->inventory.records = true;
    return add_input(o, "--records", path);
}

enum {
    OPTION_DETAIL = 256,
    OPTION_PORT,
    OPTION_HOME_NET,
    OPTION_SENSOR_ID,
    OPTION_CODE_PAGE,
    OPTION_SCHEMA,
    OPTION_FLOW_KEY,
    OPTION_VERIFY_CHECKSUMS,
    OPTION_PRINT_FILTER,
    OPTION_RECORDS,
    OPTION_SINCE,
    OPTION_FORMAT,
    OPTION_MEMORY,
    OPTION_FLOWS,
    OPTION_IDLE_TIMEOUT,
};

static const struct option long_options[] = {
    {"detail", required_argument, NULL, OPTION_DETAIL},
    {"port", required_argument, NULL, OPTION_PORT},
    {"home-net", required_argument, NULL, OPTION_HOME_NET},
    {"sensor-id", required_argument, NULL, OPTION_SENSOR_ID},
    {"code-page", required_argument, NULL, OPTION_CODE_PAGE},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"flows", required_argument, NULL, OPTION_FLOWS},
    {"idle-timeout", required_argument, NULL, OPTION_IDLE_TIMEOUT},
    {"flow-key", required_argument, NULL, OPTION_FLOW_KEY},
    {"verify-checksums", no_argument, NULL, OPTION_VERIFY_CHECKSUMS},
    {"print-filter", no_argument, NULL, OPTION_PRINT_FILTER},
    {"schema", no_argument, NULL, OPTION_SCHEMA},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

static const struct option inventory_options[] = {
    {"records", required_argument, NULL, OPTION_RECORDS},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"port", required_argument, NULL, OPTION_PORT},
    {"code-page", required_argument, NULL, OPTION_CODE_PAGE},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"flows", required_argument, NULL, OPTION_FLOWS},
    {"idle-timeout", required_argument, NULL, OPTION_IDLE_TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* A number from 1 on and one letter behind it, the unit; its place in units goes to *unit. */
static bool parse_quantity(const char *text, const char *units, unsigned long *count, size_t *unit) {
    char number[24] = "";
    size_t n = strlen(text);
    const char *found = n > 1 && n < sizeof number ? strchr(units, text[n - 1]) : NULL;
    if (found) {
        memcpy(number, text, n - 1);
        *unit = (size_t)(found - units);
    }
    return found && parse_number(number, 1, ULONG_MAX, count);
}

/* 90s, 30m, 1h, 2d: at most ten years. */
static bool parse_span(const char *option, const char *text, uint64_t *ns) {
    static const unsigned seconds[] = {1, 60, 3600, 86400};
    const unsigned long longest = 3650UL * 86400;
    unsigned long count;
    size_t unit;
    if (!parse_quantity(text, "smhd", &count, &unit) || count > longest / seconds[unit]) {
        log_error("%s %s: not a span of time; give it as 30m, 1h or 2d", option, text);
        return false;
    }
    *ns = (uint64_t)count * seconds[unit] * 1000000000;
    return true;
}

/* Bytes, or K, M or G of them. */
static bool set_memory(struct options *o, const char *text) {
    unsigned long count;
    size_t unit = 0;
    bool good = parse_quantity(text, "KMG", &count, &unit) || parse_number(text, 1, ULONG_MAX, &count);
    unsigned shift = isdigit((unsigned char)text[strlen(text) - (*text != 0)]) ? 0 : 10 * (unsigned)(unit + 1);
    if (!good || count > ULONG_MAX >> shift) {
        log_error("--memory %s: not a size; give it as 64M or 2G", text);
        return false;
    }
    o->memory = count << shift;
    if (o->memory < OPTIONS_MEMORY_MIN) {
        log_error("--memory %s: too little to follow connections with; give %dM or more", text,
                  OPTIONS_MEMORY_MIN >> 20);
        return false;
    }
    return true;
}

static bool set_flows(struct pipeline_settings *p, const char *text) {
    unsigned long n;
    if (!parse_number(text, 1, OPTIONS_FLOWS_MOST, &n)) {
        log_error("--flows %s: not a number of connections; give one from 1 to %lu", text, OPTIONS_FLOWS_MOST);
        return false;
    }
    p->flows_max = n;
    return true;
}

static bool set_format(struct options *o, const char *text) {
    static const char *const names[] = {[REPORT_TABLE] = "table", [REPORT_JSON] = "json", [REPORT_CSV] = "csv"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            o->inventory.format = (enum report_format)i;
            return true;
        }
    }
    log_error("--format %s: there is no such format; give table, json or csv", text);
    return false;
}

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

static bool set_code_page(struct pipeline_settings *p, const char *text) {
    struct code_page *page = code_page_open(text);
    if (!page) {
        log_error("--code-page %s: there is no such code page; iconv -l lists those there are, " CODE_PAGE_DEFAULT
                  " is the default",
                  text);
        return false;
    }
    code_page_close(page);
    p->code_page = text;
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

/* Those of decoding. False: it is none of them, or its value is wrong, which was said then. */
static bool take_setting(struct pipeline_settings *p, int option, bool *known) {
    *known = true;
    switch (option) {
    case OPTION_DETAIL:
        return set_detail(p, optarg);
    case OPTION_PORT:
        return add_port(p, optarg);
    case OPTION_HOME_NET:
        return add_home(p, optarg);
    case OPTION_SENSOR_ID:
        return set_sensor_id(p, optarg);
    case OPTION_CODE_PAGE:
        return set_code_page(p, optarg);
    case OPTION_FLOW_KEY:
        return add_key(p, optarg);
    case OPTION_VERIFY_CHECKSUMS:
        p->verify_checksums = true;
        return true;
    default:
        *known = false;
        return false;
    }
}

static bool take_option(struct options *o, int option, char *const *argv) {
    bool known, good = take_setting(&o->pipeline, option, &known);
    if (known) {
        return good;
    }
    switch (option) {
    case 'r':
        return add_capture(o, optarg);
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
        o->action = o->action == DO_INVENTORY ? DO_INVENTORY_HELP : DO_HELP;
        return true;
    case OPTION_RECORDS:
        return add_records(o, optarg);
    case OPTION_SINCE:
        return parse_span("--since", optarg, &o->inventory.since_ns);
    case OPTION_FORMAT:
        return set_format(o, optarg);
    case OPTION_MEMORY:
        return set_memory(o, optarg);
    case OPTION_FLOWS:
        return set_flows(&o->pipeline, optarg);
    case OPTION_IDLE_TIMEOUT:
        return parse_span("--idle-timeout", optarg, &o->pipeline.idle_ns);
    case OPTION_SCHEMA:
        o->action = DO_SCHEMA;
        return true;
    case OPTION_PRINT_FILTER:
        o->action = DO_PRINT_FILTER;
        return true;
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

static bool complete(const struct options *o) {
    if (o->action == DO_REPLAY && o->input_count == 0) {
        log_error(
            "nothing to read; name a capture, a folder of captures or - for standard input with -r, see smbtap -h");
        return false;
    }
    if (o->action == DO_INVENTORY && o->input_count == 0) {
        log_error("nothing to read; name captures with -r, or records with --records, see smbtap inventory -h");
        return false;
    }
    return true;
}

bool options_parse(struct options *o, int argc, char **argv) {
    bool inventory = argc > 1 && strcmp(argv[1], "inventory") == 0;
    *o = (struct options){.output = "-", .level = LOG_NOTES, .action = inventory ? DO_INVENTORY : DO_REPLAY};
    o->pipeline.sensor_id = "replay";
    o->memory = OPTIONS_MEMORY_DEFAULT;
    o->pipeline.every_operation = inventory;
    opterr = 0;
    argc -= inventory;
    argv += inventory;
    const char *letters = inventory ? "+:r:o:qvh" : "+:r:o:qvVh";
    const struct option *words = inventory ? inventory_options : long_options;
    for (int option; (option = getopt_long(argc, argv, letters, words, NULL)) != -1;) {
        if (!take_option(o, option, argv)) {
            return false;
        }
    }
    log_set_level(o->level);
    if (o->inventory.records && (optind < argc || o->pipeline.port_count != 0)) {
        log_error("%s: it chooses packets, and records have none; leave it out with --records",
                  optind < argc ? argv[optind] : "--port");
        return false;
    }
    return complete(o) && join_filter(o, argc, argv);
}

void options_free(struct options *o) {
    free(o->filter);
    o->filter = NULL;
}

void options_help(void) {
    static const char text[] =
        "usage: smbtap -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "       smbtap inventory ...  who still speaks SMB1 to whom; see smbtap inventory -h\n"
        "\n"
        "Reads captures and writes what SMB clients did, one JSON record a line.\n"
        "\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  -o FILE|-             where records go; default: standard output\n"
        "  --detail DETAIL       handles (default): what was done to files; operations: every request and response\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "                        (SMB on any other port is found by its first message)\n"
        "  --home-net CIDR       a network of ours, repeatable; gives each record its network_direction\n"
        "  --code-page NAME      how names are written in SMB1 without Unicode, as iconv calls it; "
        "default: " CODE_PAGE_DEFAULT "\n"
        "  --sensor-id NAME      stands in every record; default: replay\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  --flow-key KEY        vlan or tunnel, repeatable: these identifiers tell connections apart as well\n"
        "  --verify-checksums    leaves alone what has a wrong checksum of IPv4's header or of TCP\n"
        "  --print-filter        prints a filter for tcpdump or dumpcap that lets SMB through, also tagged, wrapped\n"
        "                        and fragmented\n"
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

void options_inventory_help(void) {
    static const char text[] =
        "usage: smbtap inventory -r FILE|DIR|- [-r ...] [option ...] [BPF expression]\n"
        "       smbtap inventory --records FILE|- [--records ...] [option ...]\n"
        "\n"
        "Says who still speaks SMB1 to whom, and who asks for it in vain.\n"
        "\n"
        "  -r FILE|DIR|-         a capture, a folder of captures (in name order) or standard input; repeatable\n"
        "  --records FILE|-      records that smbtap wrote, or standard input; repeatable\n"
        "  --since TIME          only connections that were active so long before the newest record: 30m, 1h, 2d\n"
        "  --format FORMAT       table (default), json or csv\n"
        "  -o FILE|-             where the answer goes; default: standard output\n"
        "  --port N              a TCP port of SMB servers, repeatable; default 445 and 139\n"
        "  --memory SIZE         what the program may hold of what it follows: bytes, or 64M, 2G; default: 512M\n"
        "  --flows N             connections followed at once; default: 1048576\n"
        "  --idle-timeout TIME   a connection without a packet ends after this: 90s, 30m, 3h (default), 1d\n"
        "  -q, --quiet           only errors on standard error\n"
        "  -v, --verbose         more on standard error\n"
        "  -h, --help            prints this\n"
        "\n"
        "Exit status: 0 nobody spoke SMB1 or asked for it; 4 somebody did; 1 something could not be read or written;\n"
        "2 wrong usage; 3 a capture or a file of records is damaged. More in smbtap(8).\n";
    fputs(text, stdout);
}
