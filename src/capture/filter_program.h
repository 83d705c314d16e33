/* A filter of pcap-filter(7), compiled apart from the capture it is for: names in it are looked up, with files and sockets, where these
 * can be had, and what comes out is passed on in a file. */
#ifndef FILTER_PROGRAM_H
#define FILTER_PROGRAM_H

#include <pcap/pcap.h>
#include <stddef.h>
#include <stdint.h>

/* What a program depends on besides its expression: link type and order of bytes. */
uint64_t filter_program_kind(pcap_t *);

/* Compiles an expression for a kind and writes the program to fd, or what is wrong with the expression. 0; or a negative errno where it
 * could not write. Takes any kind. As broker_make calls it. */
__attribute__((warn_unused_result)) int filter_program_make(void *expression, uint64_t kind, int fd);

/* Reads it back, from where fd stands. The caller frees the program with pcap_freecode. -EINVAL: the expression is wrong, and problem
 * says how; or another negative errno. */
__attribute__((warn_unused_result)) int filter_program_read(int fd, struct bpf_program *, char *problem, size_t size);

#endif
