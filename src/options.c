#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/packet_clock.h"
#include "config.h"
#include "settings.h"
#include "settings_outputs.h"

/* An option as it stood on the command line. */
struct given {
    const struct setting *setting;
    const char *text; /* of a switch what it means */
};

enum { PLACE_SIZE = 32, LETTERS_SIZE = 2 * SETTINGS_ROWS + 3, LONG_OPTION = 256 };

/* The settings of a command as getopt_long(3) wants them; what it returns for the i-th setting is its letter or LONG_OPTION + i. */
struct words {
    struct option names[SETTINGS_ROWS + 1];
    char letters[LETTERS_SIZE];
};

static void write_words(struct words *w, unsigned command) {
    *w = (struct words){.letters = "+:"};
    struct option *name = w->names;
    char *letter = w->letters + strlen(w->letters);
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL; i++) {
        assert(i < SETTINGS_ROWS);
        bool value = s->kind != SETTING_SWITCH;
        if (s->option && s->commands & command) {
            *name++ = (struct option){s->option, value ? required_argument : no_argument, NULL, LONG_OPTION + (int)i};
        }
        if (s->letter && s->commands & command) {
            *letter++ = s->letter;
            *letter = ':';
            letter += value;
        }
    }
    *letter = 0;
}

/* What getopt_long returned; NULL: no option of ours. */
static const struct setting *find(int option) {
    if (option >= LONG_OPTION) {
        return settings_at((size_t)(option - LONG_OPTION));
    }
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL && s->letter != option; i++) {
    }
    return s;
}

/* A letter may stand in the middle of others, where optind is not behind it yet; of a long one the letter is none. */
static int refuse_option(int option, char *const *argv) {
    if (option == ':') {
        log_error("%s: it needs a value; see smbtap -h", argv[optind - 1]);
    } else if (optopt > 0 && optopt < LONG_OPTION) {
        log_error("-%c: there is no such option; see smbtap -h", optopt);
    } else {
        log_error("%s: there is no such option; see smbtap -h", argv[optind - 1]);
    }
    return OPTIONS_USAGE;
}

static int out_of_memory(void) {
    log_error("out of memory; close other programs and run it again");
    return EXIT_FAILURE;
}

/* What is behind the options is one BPF expression, as tcpdump takes it. */
static int join_expression(struct options *o, int argc, char **argv) {
    size_t size = 1;
    for (int i = optind; i < argc; i++) {
        size += strlen(argv[i]) + 1;
    }
    if (optind == argc) {
        return 0;
    }
    o->expression = malloc(size);
    if (!o->expression) {
        return out_of_memory();
    }
    char *to = o->expression;
    for (int i = optind; i < argc; i++) {
        to += sprintf(to, "%s%s", i > optind ? " " : "", argv[i]);
    }
    return 0;
}

/* Reads the command line, and takes nothing from it yet. */
static int read_command_line(struct options *o, unsigned command, int argc, char **argv) {
    struct words words;
    write_words(&words, command);
    size_t letters = 1; /* an argument may be several options of a letter each */
    for (int i = 0; i < argc; i++) {
        letters += strlen(argv[i]);
    }
    o->given = calloc(letters, sizeof *o->given);
    if (!o->given) {
        return out_of_memory();
    }
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, words.letters, words.names, NULL)) != -1;) {
        const struct setting *s = option == '?' || option == ':' ? NULL : find(option);
        if (!s) {
            return refuse_option(option, argv);
        }
        o->given[o->given_count++] = (struct given){s, s->kind == SETTING_SWITCH ? s->means : optarg};
    }
    return join_expression(o, argc, argv);
}

static void set_defaults(struct options *o, bool inventory) {
    o->action = inventory ? DO_INVENTORY : DO_REPLAY;
    o->inventory = (struct inventory_options){0};
    o->input_count = 0;
    settings_clear_outputs(o);
    o->filter = NULL;
    o->level = LOG_NOTES;
    o->memory = OPTIONS_MEMORY_DEFAULT;
    o->pipeline = (struct pipeline_settings){.every_operation = inventory, .slow_ns = OPTIONS_SLOW_SECONDS * SECOND_NS};
    o->live = (struct live_options){
        .buffer_bytes = OPTIONS_BUFFER_DEFAULT,
        .snap_length = OPTIONS_SNAP_MOST,
        .promiscuous = true,
        .stats_interval_ns = OPTIONS_STATS_SECONDS * SECOND_NS,
        .loss_percent = OPTIONS_LOSS_PERCENT,
        .user = SANDBOX_USER,
        .sandbox = true,
    };
}

static bool given_before(const struct options *o, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (o->given[k].setting == o->given[i].setting) {
            return true;
        }
    }
    return false;
}

static const char *place_of(const struct setting *s, char to[PLACE_SIZE]) {
    if (s->option) {
        snprintf(to, PLACE_SIZE, "--%s", s->option);
    } else {
        snprintf(to, PLACE_SIZE, "-%c", s->letter);
    }
    return to;
}

/* The command line lies on top: a list of it replaces what was in it. */
static int take_given(struct options *o) {
    char place[PLACE_SIZE];
    for (size_t i = 0; i < o->given_count; i++) {
        const struct setting *s = o->given[i].setting;
        if (s->clear && !given_before(o, i)) {
            s->clear(o);
        }
        int status = s->set(o, place_of(s, place), o->given[i].text);
        if (status != 0) {
            return status;
        }
    }
    return o->expression ? settings_set_filter(o, "filter:", o->expression) : 0;
}

/* What was given for a live run alone, of a replay; NULL: nothing. */
static const struct setting *out_of_place(const struct options *o) {
    for (size_t i = 0; i < o->given_count; i++) {
        if (o->given[i].setting->live) {
            return o->given[i].setting;
        }
    }
    return NULL;
}

static int nothing_to_read(const struct options *o) {
    if (o->action == DO_INVENTORY) {
        log_error("nothing to read; name captures with -r, or records with --records, see smbtap inventory -h");
    } else if (o->live.config_file) {
        log_error("%s: it has no interfaces; name one there or with -i", o->live.config_file);
    } else {
        log_error("nothing to read; name an interface with -i, or with -r a capture, a folder of captures or - for "
                  "standard input, see smbtap -h");
    }
    return OPTIONS_USAGE;
}

/* A run with captures: -r or --records. */
static int complete_replay(const struct options *o) {
    char place[PLACE_SIZE];
    const struct setting *live = out_of_place(o);
    if (o->input_count == 0) {
        return nothing_to_read(o);
    }
    if (live) {
        log_error("%s: it is of a live sensor, and -r reads captures; leave one of the two out", place_of(live, place));
        return OPTIONS_USAGE;
    }
    if (o->inventory.records && (o->expression || o->pipeline.port_count != 0)) {
        log_error("%s: it chooses packets, and records have none; leave it out with --records",
                  o->expression ? o->expression : "--port");
        return OPTIONS_USAGE;
    }
    return 0;
}

/* What a live sensor is that was told nothing else. */
static int settle(struct options *o) {
    o->live.workers = o->live.workers ? o->live.workers : settings_workers();
    if (!o->sandboxed && gethostname(o->host, sizeof o->host - 1) != 0) {
        o->host[0] = 0;
    }
    o->pipeline.sensor_id = o->pipeline.sensor_id ? o->pipeline.sensor_id : o->host;
    if (!*o->pipeline.sensor_id) {
        log_error("this machine has no name; give the sensor one with --sensor-id");
        return EXIT_FAILURE;
    }
    return 0;
}

static int complete_live(struct options *o) {
    if (o->input_count != 0) {
        log_error("-r %s: captures are not read with -T; leave one of the two out", o->inputs[0]);
        return OPTIONS_USAGE;
    }
    if (o->live.interface_count == 0) {
        return nothing_to_read(o);
    }
    return settle(o);
}

/* What is only asked for, or read again in the sandbox, needs no secret. */
static enum output_run output_run(const struct options *o) {
    return o->action == DO_CHECK || o->sandboxed ? OUTPUT_OF_CHECK
           : o->action == DO_LIVE                ? OUTPUT_OF_LIVE
                                                 : OUTPUT_OF_REPLAY;
}

static int complete(struct options *o) {
    if (o->action == DO_REPLAY && o->input_count == 0 && o->live.interface_count != 0) {
        o->action = DO_LIVE;
    }
    int status = 0;
    switch (o->action) {
    case DO_LIVE:
    case DO_CHECK:
        status = complete_live(o);
        break;
    case DO_REPLAY:
    case DO_INVENTORY:
        o->pipeline.sensor_id = o->pipeline.sensor_id ? o->pipeline.sensor_id : "replay";
        status = complete_replay(o);
        break;
    default:
        return 0;
    }
    return status ? status : settings_settle_outputs(o, output_run(o));
}

/* The file to read; NULL: none. */
static const char *config_file(const struct options *o) {
    bool live =
        o->action == DO_CHECK || (o->action == DO_REPLAY && o->input_count == 0 && o->live.interface_count != 0);
    if (o->action != DO_CHECK && o->action != DO_REPLAY && o->action != DO_PRINT_FILTER) {
        return NULL;
    }
    if (!o->live.config_file && live && access(OPTIONS_CONFIG_DEFAULT, F_OK) == 0) {
        return OPTIONS_CONFIG_DEFAULT;
    }
    return o->live.config_file;
}

/* Defaults, the configuration and the command line, each on top of the one before. A replay's output is not the sensor's: that
 * would be overwritten. */
static int take_all(struct options *o, const char *file, const char *yaml, size_t n) {
    bool replay = o->input_count != 0;
    enum options_action action = o->action;
    set_defaults(o, false);
    o->action = action;
    int status = config_parse(file, yaml, n, &o->config);
    if (status == 0) {
        status = config_apply(o->config, o);
    }
    if (replay) {
        settings_clear_outputs(o);
    }
    if (status == 0) {
        status = take_given(o);
    }
    o->live.config_file = file;
    return status;
}

static int take_file(struct options *o, const char *file) {
    char *yaml;
    size_t n;
    int status = config_read(file, &yaml, &n);
    if (status == 0) {
        status = take_all(o, file, yaml, n);
        free(yaml);
    }
    return status;
}

int options_parse(struct options *o, int argc, char **argv) {
    bool inventory = argc > 1 && strcmp(argv[1], "inventory") == 0;
    *o = (struct options){0};
    set_defaults(o, inventory);
    int status = read_command_line(o, inventory ? OF_INVENTORY : OF_SMBTAP, argc - inventory, argv + inventory);
    if (status == 0) {
        status = take_given(o);
    }
    const char *file = status == 0 ? config_file(o) : NULL;
    if (file) {
        status = take_file(o, file);
    }
    if (status == 0) {
        log_set_level(o->level);
        status = complete(o);
    }
    return status;
}

static bool differs(const struct setting *s, const struct options *a, const struct options *b) {
    char of_a[VALUE_TEXT_SIZE], of_b[VALUE_TEXT_SIZE];
    if (s->kind == SETTING_OUTPUTS) {
        return settings_outputs_differ(a, b);
    }
    for (size_t i = 0;; i++) {
        const char *in_a = s->show(a, i, of_a), *in_b = s->show(b, i, of_b);
        if (!in_a || !in_b) {
            return in_a || in_b;
        }
        if (strcmp(in_a, in_b) != 0) {
            return true;
        }
        if (s->kind != SETTING_LIST) {
            return false;
        }
    }
}

/* One line for all that waits. */
static void tell_what_waits(const struct options *fresh, const struct options *running) {
    char names[512] = "";
    size_t n = 0;
    const struct setting *s;
    for (size_t i = 0; (s = settings_at(i)) != NULL; i++) {
        if (s->key && !s->changes && n < sizeof names && differs(s, fresh, running)) {
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", s->key);
        }
    }
    if (n) {
        log_note("%s: %s: what changed there waits for the next start", running->live.config_file, names);
    }
}

/* The command line and what the machine was asked at the start. */
static bool inherit(struct options *fresh, const struct options *running) {
    fresh->sandboxed = true;
    memcpy(fresh->host, running->host, sizeof fresh->host);
    fresh->given = calloc(running->given_count + 1, sizeof *fresh->given);
    fresh->expression = running->expression ? strdup(running->expression) : NULL;
    if (!fresh->given || (running->expression && !fresh->expression)) {
        return false;
    }
    memcpy(fresh->given, running->given, running->given_count * sizeof *fresh->given);
    fresh->given_count = running->given_count;
    return true;
}

bool options_reload(struct options *fresh, const struct options *running, const char *yaml, size_t n) {
    assert(running->action == DO_LIVE && running->live.config_file);
    *fresh = (struct options){0};
    int status = inherit(fresh, running) ? 0 : out_of_memory();
    if (status == 0) {
        status = take_all(fresh, running->live.config_file, yaml, n);
    }
    if (status == 0) {
        fresh->live.workers = fresh->live.workers ? fresh->live.workers : running->live.workers;
        fresh->action = DO_LIVE;
        status = complete(fresh);
    }
    if (status != 0) {
        options_free(fresh);
        return false;
    }
    log_set_level(fresh->level);
    tell_what_waits(fresh, running);
    return true;
}

const char *options_file(const struct options *o) {
    for (size_t i = 0; i < o->output_count; i++) {
        if (o->outputs[i].path && o->outputs[i].kind <= OUTPUT_FILE) {
            return o->outputs[i].path;
        }
    }
    return "-";
}

int options_print(const struct options *o, FILE *to) {
    return config_print(o, to);
}

void options_free(struct options *o) {
    settings_clear_outputs(o);
    free(o->given);
    free(o->expression);
    config_free(o->config);
    *o = (struct options){0};
}
