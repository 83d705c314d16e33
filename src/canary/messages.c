#include "canary/messages.h"

#include "constants.h"

enum {
    HEADER_SIZE = 64, /* MS-SMB2 2.2.1.2 */
    TREE = 1,
    CREDITS = 1,
    TRANSFER_BYTES =
        65536, /* MaxTransactSize and so on: all that is allowed without multi-credit requests, MS-SMB2 3.3.5.4 */
};
#define SERVER_PATH "\\\\canary\\"
#define FILETIME_1970 UINT64_C(116444736000000000) /* MS-DTYP 2.3.3: 1970 in 100 ns since 1601 */

struct exchange {
    enum smb2_command command;
    bool in_session, in_tree; /* the request names one */
    void (*request)(struct octets *, const struct conversation *);
    void (*response)(struct octets *, const struct conversation *);
};

static void guid(struct octets *o, uint64_t number) {
    octets_le(o, number, 8);
    octets_le(o, ~number, 8);
}

/* MS-SMB2 2.2.3 */
static void negotiate_request(struct octets *o, const struct conversation *c) {
    octets_le(o, 36, 2); /* StructureSize */
    octets_le(o, 1, 2);  /* DialectCount */
    octets_le(o, SMB2_NEGOTIATE_SIGNING_ENABLED, 2);
    octets_zero(o, 2); /* Reserved */
    octets_zero(o, 4); /* Capabilities */
    guid(o, c->number);
    octets_zero(o, 8); /* ClientStartTime */
    octets_le(o, SMB2_DIALECT_0210, 2);
}

/* MS-SMB2 2.2.4. Without a token of the server's the client begins to authenticate as it likes. */
static void negotiate_response(struct octets *o, const struct conversation *c) {
    octets_le(o, 65, 2); /* StructureSize */
    octets_le(o, SMB2_NEGOTIATE_SIGNING_ENABLED, 2);
    octets_le(o, SMB2_DIALECT_0210, 2);
    octets_zero(o, 2); /* Reserved */
    guid(o, c->number << 1);
    octets_zero(o, 4);               /* Capabilities */
    octets_le(o, TRANSFER_BYTES, 4); /* MaxTransactSize */
    octets_le(o, TRANSFER_BYTES, 4); /* MaxReadSize */
    octets_le(o, TRANSFER_BYTES, 4); /* MaxWriteSize */
    octets_le(o, c->time_ns / 100 + FILETIME_1970, 8);
    octets_zero(o, 8);                 /* ServerStartTime */
    octets_le(o, HEADER_SIZE + 64, 2); /* SecurityBufferOffset */
    octets_zero(o, 2);                 /* SecurityBufferLength */
    octets_zero(o, 4);                 /* Reserved2 */
}

/* MS-SMB2 2.2.5. Nobody authenticates: no name and no secret is made up. */
static void session_setup_request(struct octets *o, const struct conversation *c) {
    (void)c;
    octets_le(o, 25, 2); /* StructureSize */
    octets_zero(o, 1);   /* Flags */
    octets_le(o, SMB2_NEGOTIATE_SIGNING_ENABLED, 1);
    octets_zero(o, 4);                 /* Capabilities */
    octets_zero(o, 4);                 /* Channel */
    octets_le(o, HEADER_SIZE + 24, 2); /* SecurityBufferOffset */
    octets_zero(o, 2);                 /* SecurityBufferLength */
    octets_zero(o, 8);                 /* PreviousSessionId */
}

/* MS-SMB2 2.2.6 */
static void session_setup_response(struct octets *o, const struct conversation *c) {
    (void)c;
    octets_le(o, 9, 2); /* StructureSize */
    octets_le(o, SMB2_SESSION_FLAG_IS_NULL, 2);
    octets_le(o, HEADER_SIZE + 8, 2); /* SecurityBufferOffset */
    octets_zero(o, 2);                /* SecurityBufferLength */
}

static void utf16(struct octets *o, const char *ascii) {
    for (; *ascii; ascii++) {
        octets_le(o, (unsigned char)*ascii, 2);
    }
}

/* MS-SMB2 2.2.9 */
static void tree_connect_request(struct octets *o, const struct conversation *c) {
    octets_le(o, 9, 2);               /* StructureSize */
    octets_zero(o, 2);                /* Reserved */
    octets_le(o, HEADER_SIZE + 8, 2); /* PathOffset */
    octets_le(o, 2 * (strlen(SERVER_PATH) + strlen(c->mark)), 2);
    utf16(o, SERVER_PATH);
    utf16(o, c->mark);
}

/* MS-SMB2 2.2.10 */
static void tree_connect_response(struct octets *o, const struct conversation *c) {
    (void)c;
    octets_le(o, 16, 2); /* StructureSize */
    octets_le(o, SMB2_SHARE_TYPE_DISK, 1);
    octets_zero(o, 1); /* Reserved */
    octets_zero(o, 4); /* ShareFlags */
    octets_zero(o, 4); /* Capabilities */
    octets_le(o, FILE_READ_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE, 4);
}

/* MS-SMB2 2.2.7, 2.2.8, 2.2.11 and 2.2.12: LOGOFF and TREE_DISCONNECT, both ways */
static void nothing(struct octets *o, const struct conversation *c) {
    (void)c;
    octets_le(o, 4, 2); /* StructureSize */
    octets_zero(o, 2);  /* Reserved */
}

static const struct exchange exchanges[MESSAGES_EXCHANGES] = {
    {SMB2_NEGOTIATE, false, false, negotiate_request, negotiate_response},
    {SMB2_SESSION_SETUP, false, false, session_setup_request, session_setup_response},
    {SMB2_TREE_CONNECT, true, false, tree_connect_request, tree_connect_response},
    {SMB2_TREE_DISCONNECT, true, true, nothing, nothing},
    {SMB2_LOGOFF, true, false, nothing, nothing},
};

/* The response that makes a session or a tree is the first message that names it. */
static void header(struct octets *o, const struct conversation *c, unsigned exchange, enum direction d) {
    const struct exchange *e = &exchanges[exchange];
    bool response = d == TO_CLIENT;
    bool in_session = e->in_session || (response && e->command == SMB2_SESSION_SETUP);
    bool in_tree = e->in_tree || (response && e->command == SMB2_TREE_CONNECT);
    octets_bytes(o, "\xfeSMB", 4);
    octets_le(o, HEADER_SIZE, 2);
    octets_le(o, e->command != SMB2_NEGOTIATE, 2); /* CreditCharge */
    octets_le(o, STATUS_SUCCESS, 4);
    octets_le(o, e->command, 2);
    octets_le(o, CREDITS, 2);
    octets_le(o, response ? SMB2_FLAGS_SERVER_TO_REDIR : 0, 4);
    octets_zero(o, 4); /* NextCommand */
    octets_le(o, exchange, 8);
    octets_zero(o, 4); /* Reserved */
    octets_le(o, in_tree ? TREE : 0, 4);
    octets_le(o, in_session ? c->number | 1 : 0, 8);
    octets_zero(o, 16); /* Signature */
}

void messages_write(struct octets *o, const struct conversation *c, unsigned exchange, enum direction d) {
    assert(exchange < MESSAGES_EXCHANGES);
    header(o, c, exchange, d);
    (d == TO_SERVER ? exchanges[exchange].request : exchanges[exchange].response)(o, c);
}
