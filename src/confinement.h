/* How a replay, or an inventory, reaches its files from inside the sandbox: their names are looked up, the broker is started with them,
 * what is opened when it is first used is opened; then the sandbox is entered. */
#ifndef CONFINEMENT_H
#define CONFINEMENT_H

#include "broker.h"
#include "inputs.h"
#include "options.h"
#include "outputs.h"

struct code_page;

struct confinement {
    struct inputs inputs; /* found, and not looked into; none where records are read */
    struct broker_file *files;
    struct broker *broker;
    struct code_page *code_page; /* keeps the tables of its kind at hand */
    int statm;                   /* of resident_open */
    size_t output, filter;       /* their numbers with the broker; of the first output, the others follow */
    struct outputs *outputs;     /* of a replay */
};

/* stop: somebody wants the end. False after one line on standard error. */
bool confinement_enter(struct confinement *, const struct options *, const volatile sig_atomic_t *stop);

/* Descriptors, or negative errnos. A capture by the number of its input; a file of records by its place among the options' inputs. */
int confinement_input(void *confinement, size_t which);
int confinement_output(struct confinement *, size_t which);
/* The options' filter, for filter_program_read. */
int confinement_filter(struct confinement *, uint64_t kind);

/* There is no way out of the sandbox. */
void confinement_end(struct confinement *);

#endif
