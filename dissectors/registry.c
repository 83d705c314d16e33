#include "dissector.h"

#include <stddef.h>

const struct dissector *const dissectors[] = {
    &dissector_smb1,   &dissector_smb2,    &dissector_smb2_transform, &dissector_smb2_compression,
    &dissector_spnego, &dissector_ntlmssp, &dissector_kerberos,       NULL,
};

enum verdict dissect_nested(struct dissection *d, const struct dissector *to, struct view v) {
    if (d->depth >= DISSECTION_DEPTH_MAX) {
        return V_LIMIT;
    }
    d->depth++;
    enum verdict verdict = to->dissect(d, v);
    d->depth--;
    return verdict;
}

enum verdict dissect_token(struct dissection *d, struct view token) {
    enum verdict v = token.n > 0 ? dissect_nested(d, &dissector_spnego, token) : V_OK;
    return v == V_OK || v == V_NOT_MINE ? V_OK : v == V_LIMIT ? V_LIMIT : V_BAD;
}
