/* Serves metrics of figures that are made up, as the sensor does: each time a byte comes on standard input all counters grow by one and
 * are published, and a line with their number comes out. Ends when standard input does.
 *
 * usage: serve_metrics ADDRESS:PORT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "output/metrics.h"
#include "output/metrics_server.h"

enum { COUNTERS = sizeof(struct stats) / sizeof(uint64_t) };

static void fill(struct figures *f, uint64_t turn) {
    uint64_t counters[COUNTERS];
    for (size_t i = 0; i < COUNTERS; i++) {
        counters[i] = turn;
    }
    memcpy(&f->stats, counters, sizeof f->stats);
    f->time_ns = turn * 1000000000;
    f->start_ns = 1;
    f->workers = 2;
    f->interface_count = 2;
    f->interfaces[0] = (struct interface_figures){"eth1", true, turn, turn, turn, turn};
    f->interfaces[1] = (struct interface_figures){"odd\"\\\nname", false, turn, turn, FIGURE_UNKNOWN, FIGURE_UNKNOWN};
    f->output_count = 1;
    f->outputs[0] =
        (struct output_figures){"-", turn, turn, FIGURE_UNKNOWN, FIGURE_UNKNOWN, 0, turn, FIGURE_UNKNOWN, 1500000000};
    f->flows_active = 3;
    f->memory_held = 4096;
    f->memory_limit = 1 << 20;
    f->records_dropped = f->dispatched = f->dispatch_dropped = turn;
}

int main(int argc, char **argv) {
    static struct figures figures;
    char why[256], byte;
    int fd = argc == 2 ? metrics_listen(argv[1], why, sizeof why) : -1;
    if (fd < 0) {
        fprintf(stderr, "%s\n", argc == 2 ? why : "usage: serve_metrics ADDRESS:PORT");
        return 1;
    }
    struct metrics_server *server = metrics_server_new(fd);
    if (!server) {
        return 1;
    }
    puts("0");
    fflush(stdout);
    for (uint64_t turn = 1; read(STDIN_FILENO, &byte, 1) == 1; turn++) {
        fill(&figures, turn);
        metrics_server_publish(server, metrics_text(&figures));
        printf("%llu\n", (unsigned long long)turn);
        fflush(stdout);
    }
    metrics_server_free(server);
    return 0;
}
