/* ECHO and CANCEL, MS-SMB2 2.2.28 to 2.2.30: headers with a reserved field behind them. */
#include "smb2.h"

enum verdict smb2_echo_request(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}

enum verdict smb2_echo_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}

enum verdict smb2_cancel_request(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_OK;
}

/* There is none; its row gives it no StructureSize, so smb2.c does not come here. */
enum verdict smb2_cancel_response(struct smb2_body *b, struct smb2_message *m) {
    (void)b, (void)m;
    return V_BAD;
}
