"""What events.py does not find, why, and what would show it. Names are those of the document, the channel and the id."""

_PROVIDER = "smbserver-provider Microsoft-Windows-SMBServer/"
_REFERENCE = "eid-quick-reference Microsoft-Windows-SMBClient/"


def _of(channel, names):
    return {"%s%s %s" % (_PROVIDER, channel, number): what for number, what in names.items()}


# Events that no record names.
UNSEEN = {
    **_of("Analytic", {
        603: "a refused TREE_CONNECT is told with its status; which status a cluster that is not ready gives is not documented",
        700: "NetrShareAdd over srvsvc: what is said inside named pipes is not decoded",
        701: "NetrShareSetInfo over srvsvc: likewise",
        702: "NetrShareDel over srvsvc: likewise",
    }),
    **_of("Operational", {
        3004: "a snapshot: what makes the server write it is not sent",
        3005: "as 3004",
        3006: "as 3004",
    }),
}

# Kinds of records that are listed for an event, and in which it does not come out.
KINDS_UNSEEN = {}

_ZERO = "zero in this message, and what is zero is not told"
_UNASKED = "zero, or all ones, in what a server sends unasked"

# Fields of events that come out, which are in none of the records that name them.
UNFILLED = {
    **_of("Operational", {
        1046: {"ShareName": "told of SESSION_SETUP alone, which has no share"},
        1061: {"Flags": _ZERO, "SessionId": _ZERO, "TreeId": _ZERO},
    }),
    **_of("Performance", {
        1: {"Flags": _ZERO, "SessionId": _ZERO, "TreeId": _ZERO},
        2: {"TreeId": _ZERO},
        6: {"TreeId": _ZERO},
        7: {"ProcessId": "in its place stands AsyncId in our captures", "TreeId": "in its place stands AsyncId in our captures"},
        14: {name: _UNASKED for name in ("Flags", "MessageId", "ProcessId", "SessionId", "TreeId")},
        15: {"LeaseFlags": "reserved in an acknowledgement"},
        101: {"Flags": _ZERO, "SessionId": _ZERO, "TreeId": _ZERO},
        102: {"TreeId": _ZERO},
        103: {"TreeId": _ZERO},
        106: {"TreeId": _ZERO},
        115: {"LeaseFlags": "reserved in a response"},
    }),
    **_of("Security", {
        1015: {"SessionID": "told of the connection; the encrypted record before has its session_id"},
    }),
}

_RESERVED = "reserved: it says nothing"
_RDMA = "of RDMA, which is not on these ports"
_BYTES = "records hold no bytes of messages or files"

# Fields of the catalogue with a place on the wire that the list gives none of ours for: by name, or by name and event.
UNTOLD = {
    "MasterMessageId": "the document does not say what it is; inferred from the chain, of which records say that there is one",
    "SecurityFlags": _RESERVED, "CreateFlags": _RESERVED, "RootDirectoryFid": _RESERVED, "LeaseDuration": _RESERVED,
    "AccessMaskHint": _RESERVED, "ShareMaskHint": _RESERVED, "Remaining": _RESERVED,
    "Channel of %sPerformance 2" % _PROVIDER: _RESERVED,
    "ReadChannelInfoOffset": _RDMA, "ReadChannelInfoLength": _RDMA, "WriteChannelInfoOffset": _RDMA, "WriteChannelInfoLength": _RDMA,
    "IoctlFlags of %sPerformance 117" % _PROVIDER: _RESERVED,
    "CreditsRequested of %sPerformance 14" % _PROVIDER: "a server requests none",
    "ShareName of %sOperational 30803" % _REFERENCE: "the record of the refused TREE_CONNECT has its share_path",
    "ClientAddressLength of %sOperational 1012" % _PROVIDER: "always 128, the size of the structure",
    "OutputBuffer": _BYTES, "FragmentData": _BYTES, "PacketData": _BYTES,
    "ServerRequiresEncryption": "session_flags of the SESSION_SETUP record says so",
}
