/* Private to the decoders of whole SMB1 transactions. */
#ifndef SMB1_TRANS_H
#define SMB1_TRANS_H

#include "cursor.h"
#include "smb1_transaction.h"

/* One transaction that is read: its parts, and a cursor over each. */
struct smb1_reading {
    const struct smb1_parts *parts;
    struct cursor setup, parameters, data; /* setup stands behind the subcommand */
};

static inline enum verdict smb1_verdict_of(const struct cursor *c) {
    return cursor_ok(c) ? V_OK : V_BAD;
}

/* The string at the cursor of the parameters, up to its NUL, aligned where it is Unicode. */
struct text smb1_parameter_string(struct smb1_reading *);

/* Each sets what is its own of the request or response, whose subject is set. */
typedef enum verdict smb1_asker(struct smb1_reading *, struct smb1_transaction_request *);
typedef enum verdict smb1_answerer(struct smb1_reading *, const struct smb1_subject *,
                                   struct smb1_transaction_response *);

smb1_asker smb1_pipe_ask, smb1_rap_ask, smb1_trans2_ask, smb1_nt_ask;
smb1_answerer smb1_pipe_answer, smb1_rap_answer, smb1_trans2_answer, smb1_nt_answer;

/* The data of SET_PATH_INFORMATION and SET_FILE_INFORMATION, MS-CIFS 2.2.8.4. */
enum verdict smb1_level_change(struct cursor *, bool unicode, uint16_t level, struct smb1_change *);
/* The data of responses of QUERY_PATH_INFORMATION and QUERY_FILE_INFORMATION, MS-CIFS 2.2.8.3; has_details is left false where the
 * level is not known. */
enum verdict smb1_level_file(struct smb1_reading *, uint16_t level, struct smb1_transaction_response *);
/* The data of responses of QUERY_FS_INFORMATION, MS-CIFS 2.2.8.2. */
enum verdict smb1_level_file_system(struct smb1_reading *, uint16_t level, struct smb1_transaction_response *);
/* How many entries of a FIND level the data holds, at most `most`; MS-CIFS 2.2.8.1. */
enum verdict smb1_level_entries(struct view data, const struct smb1_subject *, unsigned most, unsigned *entries);

#endif
