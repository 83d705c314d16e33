/* SMB1 on the bench of the model: messages are put together byte by byte, dissected as any, and go to a connection of
 * model_bench.h, which keeps what is told of them.
 *
 * One message is at hand: ask_ or say_ begins it, block_ adds a command to its chain, and send_it sends it the way its header says. */
#ifndef SMB1_BENCH_H
#define SMB1_BENCH_H

#include "model_bench.h"
#include "octets.h"
#include "smb1_transaction.h"

struct smb1_bench {
    struct bench *b;
    struct peer peer;
    uint16_t tid, uid, mid, flags2;
    uint32_t pid;
    size_t snap; /* messages are cut behind so many bytes; 0: none is */
    struct octets o;
    size_t andx_at, words_at, bytes_at; /* of the block at hand */
    uint8_t flags;
    bool chained; /* a block came before */
};

struct smb1_bench smb1_bench_new(const struct model_limits *); /* connected, and nothing said */
/* With UID 0x800 of alice and TID 0x801 of \\srv\data. */
struct smb1_bench smb1_bench_settled(void);
void smb1_bench_free(struct smb1_bench *);

/* ---- messages */

void ask_begin(struct smb1_bench *);
void say_begin(struct smb1_bench *, uint32_t status);
/* A command: its words are put next, then its bytes; those of AndX are there already. */
void block_begin(struct smb1_bench *, uint8_t command);
void block_bytes(struct smb1_bench *);
void block_end(struct smb1_bench *);
void send_it(struct smb1_bench *);
/* To the other side than the header says. */
void send_back(struct smb1_bench *);

/* Blocks. */
void block_plain(struct smb1_bench *, uint8_t command); /* without words, or with those of AndX alone */
void block_setup(struct smb1_bench *, const char *user);
void block_setup_done(struct smb1_bench *);
void block_tree(struct smb1_bench *, const char *path);
void block_tree_done(struct smb1_bench *);
void block_create(struct smb1_bench *, const char *name, uint32_t options);
void block_created(struct smb1_bench *, uint16_t fid);
void block_open(struct smb1_bench *, const char *name);
void block_opened(struct smb1_bench *, uint16_t fid);
void block_read(struct smb1_bench *, uint16_t fid, uint16_t count);
void block_data(struct smb1_bench *, uint16_t length);
void block_write(struct smb1_bench *, uint16_t fid, uint16_t length);
void block_written(struct smb1_bench *, uint16_t length);
void block_close(struct smb1_bench *, uint16_t fid);
void block_path(struct smb1_bench *, uint8_t command, const char *name); /* DELETE, CHECK_DIRECTORY and their kin */

/* Whole exchanges, each under the next MID. */
void do_create(struct smb1_bench *, const char *name, uint16_t fid, uint32_t options);
void do_read(struct smb1_bench *, uint16_t fid, uint16_t length);
void do_write(struct smb1_bench *, uint16_t fid, uint16_t length);
void do_close(struct smb1_bench *, uint16_t fid);
void do_plain(struct smb1_bench *, uint8_t command, uint32_t status);

/* ---- transactions */

/* A part: what is in it, where it belongs, and of how much. */
struct part {
    uint32_t total_parameters, total_data;
    uint32_t parameters_at, data_at;
    const void *parameters, *data;
    uint32_t parameter_count, data_count;
};

/* The first request: TRANSACTION2 with its subcommand as the setup word, NT_TRANSACT with its function. */
void ask_transaction(struct smb1_bench *, uint8_t command, uint16_t subcommand, const struct part *);
void ask_secondary(struct smb1_bench *, uint8_t command, const struct part *);
void say_transaction(struct smb1_bench *, uint8_t command, uint32_t status, const struct part *);

#endif
