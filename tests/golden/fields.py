#!/usr/bin/env python3
"""What a record of an SMB2 operation says of its messages is what stands in them, byte for byte.

usage: fields.py SMBTAP [NAME...]

The events of SMBServer/Performance are the messages of SMB2 themselves; the fields of records that the list of smbtap events
gives for them are read here once more, from the places that MS-SMB2 2.2 gives, by a reader that shares nothing with smbtap but
the tables of names, out of our captures and the conversations made by hand. A field of a record that is zero may be left out;
any other must be there, and none may say something else. Each field that is listed for those events must have been looked at.
"""
import collections
import datetime
import json
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import events_lists  # noqa: E402
import events_made  # noqa: E402
import pcapfile  # noqa: E402
import smbread  # noqa: E402
import tap  # noqa: E402

ROW = re.compile(r"^[A-Z0-9_]+\((0x[0-9a-fA-F]+|[0-9]+)[uU]?, ([^,)]+)(?:, ([^,)]+))?", re.M)
SIZES = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
EPOCH = 116444736000000000  # FILETIME of 1970
ASYNC, RELATED, PENDING, MORE_PROCESSING, NO_MORE_FILES = 2, 4, 0x103, 0xC0000016, 0x80000006
(NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK, IOCTL, CANCEL, ECHO,
 QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO, SET_INFO, OPLOCK_BREAK) = range(19)
HEADER = 64
OTHERS = ("ASYNC", "RELATED", "PENDING", "MORE_PROCESSING", "NO_MORE_FILES", "HEADER", "EPOCH")


def table(name):
    """A table of include/tables, names by number: those of records, which are a second column of some."""
    with open(os.path.join(tap.ROOT, "include", "tables", name.replace("/directory", "") + ".def"), encoding="ascii") as file:
        return {int(number, 0): (second if second.startswith('"') or name.endswith("/directory") else first).strip('" ')
                for number, first, second in ROW.findall(file.read())}


_tables = {}


def names(name):
    if name not in _tables:
        _tables[name] = table(name)
    return _tables[name]


# ---- values, as records have them; None: there is none

def bits(name):
    def value(number):
        return sorted(text for bit, text in names(name).items() if bit and number & bit == bit) or None
    return value


def named(name):
    return lambda number: names(name).get(number, "0x%08x" % number if number > 0xFF else "0x%02x" % number)


def number(value):
    return value


def time(value):
    if value in (0, 0xFFFFFFFFFFFFFFFF) or value < EPOCH:
        return None
    seconds, rest = divmod(value - EPOCH, 10**7)
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + ".%07d00Z" % rest


def guid(raw):
    a, b, c = struct.unpack_from("<IHH", raw)
    return "%08x-%04x-%04x-%s-%s" % (a, b, c, raw[8:10].hex(), raw[10:].hex())


def file_id(raw):
    if raw == b"\xff" * 16:
        return None  # that of the chain, or none
    return "0x" + "".join("%016x" % part for part in struct.unpack("<QQ", raw))


def hexadecimal(digits):
    return lambda value: "0x%0*x" % (digits, value)


# Of each command, of request and answer: the field of records, its place behind the header, its size, what becomes of it.
REQUEST = {
    NEGOTIATE: (("security_mode_client", 4, 2, bits("security_mode")), ("capabilities_client", 8, 4, bits("global_capability")),
                ("client_guid", 12, 16, guid)),
    SESSION_SETUP: (("security_mode_client", 3, 1, bits("security_mode")), ("capabilities_client", 4, 4, bits("global_capability")),
                    ("previous_session_id", 16, 8, hexadecimal(16))),
    CREATE: (("requested_oplock_level", 3, 1, named("oplock_level")), ("impersonation_level", 4, 4, named("impersonation_level")),
             ("desired_access", 24, 4, bits("access_mask")), ("requested_attributes", 28, 4, bits("file_attribute")),
             ("share_access", 32, 4, bits("share_access")), ("create_disposition", 36, 4, named("create_disposition")),
             ("create_options", 40, 4, bits("create_option"))),
    CLOSE: (("file_id", 8, 16, file_id), ("close_flags", 2, 2, bits("close_flag"))),
    FLUSH: (("file_id", 8, 16, file_id),),
    READ: (("length", 4, 4, number), ("offset", 8, 8, number), ("file_id", 16, 16, file_id), ("minimum_count", 32, 4, number),
           ("channel", 36, 4, named("channel")), ("remaining_bytes", 40, 4, number)),
    WRITE: (("length", 4, 4, number), ("offset", 8, 8, number), ("file_id", 16, 16, file_id), ("channel", 32, 4, named("channel")),
            ("remaining_bytes", 36, 4, number), ("write_flags", 44, 4, bits("write_flag"))),
    LOCK: (("locks", 2, 2, number), ("file_id", 8, 16, file_id), ("offset", 24, 8, number), ("length", 32, 8, number),
           ("lock_flags", 40, 4, bits("lock_flag"))),
    IOCTL: (("control_code", 4, 4, named("fsctl")), ("file_id", 8, 16, file_id), ("ioctl_flags", 48, 4, bits("ioctl_flag"))),
    QUERY_DIRECTORY: (("info_class", 2, 1, named("file_info_class")), ("query_flags", 3, 1, bits("query_directory_flag")),
                      ("file_index", 4, 4, number), ("file_id", 8, 16, file_id), ("buffer_length", 28, 4, number)),
    CHANGE_NOTIFY: (("notify_flags", 2, 2, bits("change_notify_flag")), ("buffer_length", 4, 4, number), ("file_id", 8, 16, file_id),
                    ("completion_filter", 24, 4, bits("completion_filter"))),
    QUERY_INFO: (("info_type", 2, 1, named("info_type")), ("buffer_length", 4, 4, number),
                 ("additional_information", 16, 4, bits("security_information")), ("query_flags", 20, 4, bits("query_info_flag")),
                 ("file_id", 24, 16, file_id)),
    SET_INFO: (("info_type", 2, 1, named("info_type")), ("buffer_length", 4, 4, number),
               ("additional_information", 12, 4, bits("security_information")), ("file_id", 16, 16, file_id)),
}
ANSWER = {
    NEGOTIATE: (("security_mode_server", 2, 2, bits("security_mode")), ("capabilities_server", 24, 4, bits("global_capability")),
                ("max_transact_size", 28, 4, number), ("max_read_size", 32, 4, number), ("max_write_size", 36, 4, number),
                ("server_time", 40, 8, time), ("server_guid", 8, 16, guid)),
    SESSION_SETUP: (("session_flags", 2, 2, bits("session_flag")),),
    CLOSE: (("granted_close_flags", 2, 2, bits("close_flag")),),
    TREE_CONNECT: (("share_type", 2, 1, named("share_type")), ("share_capabilities", 8, 4, bits("share_capability")),
                   ("maximal_access", 12, 4, bits("access_mask"))),
    CREATE: (("oplock_level", 2, 1, named("oplock_level")), ("create_action", 4, 4, named("create_action")), ("created_time", 8, 8, time),
             ("accessed_time", 16, 8, time), ("modified_time", 24, 8, time), ("changed_time", 32, 8, time), ("allocation_size", 40, 8, number),
             ("size", 48, 8, number), ("attributes", 56, 4, bits("file_attribute")), ("file_id", 64, 16, file_id)),
    READ: (("bytes_read", 4, 4, number),),
    WRITE: (("bytes_written", 4, 4, number),),
    IOCTL: (("control_code", 4, 4, named("fsctl")), ("file_id", 8, 16, file_id)),
    QUERY_INFO: (("output_length", 4, 4, number),),
}
# CLOSE, where its flag says that they are there, 2.2.16.
ATTRIBUTES = (("created_time", 8, 8, time), ("accessed_time", 16, 8, time), ("modified_time", 24, 8, time), ("changed_time", 32, 8, time),
              ("allocation_size", 40, 8, number), ("size", 48, 8, number), ("attributes", 56, 4, bits("file_attribute")))
BREAK = (("oplock_level", 2, 1, named("oplock_level")), ("file_id", 8, 16, file_id))
LEASE = (("lease_key", 8, 16, guid), ("lease_state", 24, 4, bits("lease_state")))
NOTIFIED = (("lease_flags", 4, 4, bits("lease_break_flag")), ("lease_key", 8, 16, guid), ("current_lease_state", 24, 4, bits("lease_state")),
            ("lease_state", 28, 4, bits("lease_state")), ("break_reason", 32, 4, number))
# Texts of requests: where their offset from the header and their length stand, 2.2.9, 2.2.13, 2.2.33.
TEXTS = {TREE_CONNECT: ("share_path", 4, 6), CREATE: ("file_name", 44, 46), QUERY_DIRECTORY: ("search_pattern", 24, 26)}
INFO_CLASSES = {1: "file_info_class", 2: "fs_info_class"}  # by InfoType, 2.2.37
COMMANDS = {1: NEGOTIATE, 2: SESSION_SETUP, 3: LOGOFF, 4: TREE_CONNECT, 5: TREE_DISCONNECT, 6: ECHO, 8: CREATE, 9: CLOSE, 10: FLUSH,
            11: READ, 12: WRITE, 13: OPLOCK_BREAK, 15: OPLOCK_BREAK, 16: LOCK, 17: IOCTL, 18: QUERY_DIRECTORY, 19: CHANGE_NOTIFY,
            20: QUERY_INFO, 21: SET_INFO}


def read(body, fields):
    """{field: value}, of what the body is long enough for."""
    found = {}
    for name, at, size, value in fields:
        raw = body[at:at + size]
        if len(raw) == size:
            found[name] = value(raw if size == 16 else struct.unpack(SIZES[size], raw)[0])
    return found


def command_name(command):
    return next("SMB2_" + name for name, value in globals().items() if value == command and name.isupper() and name not in OTHERS)


def header(data, side, values):
    flags, = struct.unpack_from("<I", data, 16)
    values["%s_flags" % side] = bits("header_flag")(flags & ~0x71)
    values["credits_requested" if side == "request" else "credits_granted"], = struct.unpack_from("<H", data, 14)
    values["command"], values["message_id"] = command_name(struct.unpack_from("<H", data, 12)[0]), struct.unpack_from("<Q", data, 24)[0]
    if not flags & ASYNC:
        values["tree_id"] = hexadecimal(8)(struct.unpack_from("<I", data, 36)[0])
        if side == "request":
            values["process_id"], = struct.unpack_from("<I", data, 32)
    values["session_id"] = hexadecimal(16)(struct.unpack_from("<Q", data, 40)[0])


def texts(command, data):
    name, at, length_at = TEXTS.get(command, (None, 0, 0))
    if not name:
        return {}
    offset, length = (struct.unpack_from("<H", data, HEADER + place)[0] for place in (at, length_at))
    return {name: data[offset:offset + length].decode("utf-16-le", "replace")}


def asked(command, data):
    values, body, flags = {}, data[HEADER:], struct.unpack_from("<I", data, 16)[0]
    header(data, "request", values)
    fields = REQUEST.get(command, ())
    if command == OPLOCK_BREAK:
        fields = LEASE if struct.unpack_from("<H", body)[0] == 36 else BREAK
    values.update(read(body, fields))
    values.update(texts(command, data))
    if command == NEGOTIATE:
        count, = struct.unpack_from("<H", body, 2)
        values["offered_dialects"] = sorted(named("dialect")(one) for one in struct.unpack_from("<%dH" % count, body, 36))
    if command == SESSION_SETUP:
        values["session_binding"] = True if body[2] & 1 else None
    if command in (QUERY_INFO, SET_INFO) and body[2] in INFO_CLASSES:
        values["info_class"] = named(INFO_CLASSES[body[2]])(body[3])
    if flags & RELATED:
        values["session_id"] = values["tree_id"] = None  # may be those of the chain
    return values


def answered(command, data):
    values, body = {}, data[HEADER:]
    header(data, "response", values)
    status, = struct.unpack_from("<I", data, 8)
    values["status"], values["status_code"] = named("ntstatus")(status), status
    if struct.unpack_from("<H", body)[0] == 9 and (status >> 30 == 3 or status == NO_MORE_FILES) and status != MORE_PROCESSING:
        return values  # an error, 2.2.2
    if command == OPLOCK_BREAK:
        return dict(values, **read(body, LEASE if struct.unpack_from("<H", body)[0] == 36 else BREAK))
    values.update(read(body, ANSWER.get(command, ())))
    if command == CLOSE and body[2] & 1:
        values.update(read(body, ATTRIBUTES))
    if command == NEGOTIATE:
        values["dialect"] = named("dialect")(struct.unpack_from("<H", body, 4)[0])
    if command == TREE_CONNECT:
        flags, = struct.unpack_from("<I", body, 4)
        values["share_flags"] = sorted((bits("share_flag")(flags) or []) + ([names("share_caching")[flags & 0x30]] if flags & 0x30 else [])) or None
    return values


def expected(request, answer):
    """What the record of the two must say; where both say something it is what the answer says."""
    command, = struct.unpack_from("<H", request or answer, 12)
    values = asked(command, request) if request else {}
    if answer:
        said = answered(command, answer)
        if command in (CREATE, TREE_CONNECT) or not request:  # an error names none
            said.update({name: values[name] for name in ("file_id",) if said.get(name) is None and name in values})
        values.update({name: value for name, value in said.items() if value is not None or name not in values})
    if command in (NEGOTIATE, SESSION_SETUP) or command == TREE_CONNECT and values.get("status_code"):
        values["tree_id"] = None  # there is none, whatever stands there
    return command, values


EMPTY = (None, 0, "", "0x" + "0" * 16, "0x" + "0" * 8)
ELSEWHERE = {"TotalTime": "of packets, no bytes of a message", "LeaseKey": "of a create context", "LeaseLevel": "of a create context",
             "CreateContextsCount": "of create contexts"}
DIRECTORY = ("desired_access", "maximal_access")


def same(name, found, wanted):
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(found) == wanted or name in DIRECTORY and sorted(map(as_file, found)) == wanted
    if name == "file_name":
        return found == (wanted.lstrip("\\").replace("\0", "\ufffd") or "\\")  # the share's root has no name
    return found == wanted


def as_file(name):
    """The bit of a directory by its name for files."""
    bit = [bit for bit, other in names("access_mask/directory").items() if other == name]
    return names("access_mask")[bit[0]] if bit else name


class Walk:
    def __init__(self):
        self.seen, self.wrong = collections.Counter(), collections.Counter()
        self.examples = {}

    def hold(self, where, record, command, values):
        info = dict(record, **record["proto_info"])
        if info.get("gap") or info.get("compressed") or info.get("truncated"):
            return
        for name, wanted in values.items():
            found = info.get(name)
            if wanted in EMPTY and found is None or wanted is None:
                continue
            key = info["command"], name
            self.seen[key] += 1
            if not same(name, found, wanted):
                self.wrong[key] += 1
                self.examples.setdefault(key, "%s, frame %d, message %s: %s, and not %s" % (
                    where, record["capture"]["frame"], info.get("message_id"), found, wanted))

    def capture(self, smbtap, where, packets):
        requests, answers = {}, {}
        for flow in smbread.flows_of(packets):
            for message in flow.messages:
                if message.kind != 2 or message.id == smbread.ALL_ONES:
                    continue
                data = flow.sides[message.dir].stream[message.start:message.end]
                key = flow.place, message.id
                if message.dir == smbread.TO_SERVER and message.command != CANCEL:
                    requests.setdefault(key, []).append(data)
                elif message.dir == smbread.TO_CLIENT and message.status != PENDING:
                    answers.setdefault(key, []).append(data)
        run = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(packets))
        for record in tap.records(run.out):
            info = record.get("proto_info", {})
            key = tuple(record.get(n) for n in ("src_ip", "src_port", "dest_ip", "dest_port")), info.get("message_id")
            if record["action"] != "message" or not info.get("command", "").startswith("SMB2") or "message_id" not in info:
                continue
            asked, said = requests.get(key, []), answers.get(key, [])
            if len(asked) > 1 or len(said) > 1 or not (asked or said) or info["command"] == "SMB2_CANCEL":
                continue  # a number used again, in another connection of the same ports
            if info.get("request_seen") is False or info.get("response_seen") is False:
                continue
            self.hold(where, record, *expected(asked[0] if asked else None, said[0] if said else None))


    def covers(self, event):
        """Each field that is listed for a message was held against one."""
        number = event["id"] % 100 if event["channel"].endswith("/Performance") else 0
        if number not in COMMANDS:
            return
        unfilled = events_lists.UNFILLED.get("%s %s %d" % (event["document"], event["channel"], event["id"]), {})
        command = command_name(COMMANDS[number])
        left = sorted(field for field, ours in event["fields"].items() if field not in unfilled and field not in ELSEWHERE and
                      not any(self.seen[command, name] for name in ours))
        tap.check("%s: each field of %d was looked at" % (command, event["id"]), not left, *left)


def main():
    smbtap, only = sys.argv[1], sys.argv[2:]
    walk = Walk()
    for capture in tap.captures(*only):
        try:
            walk.capture(smbtap, tap.stem(capture), pcapfile.read(os.path.join(tap.ROOT, capture)))
        except ValueError as error:
            tap.skip(tap.stem(capture), "not whole: %s" % error)
    for made in events_made.MADE if not only else ():
        try:
            walk.capture(smbtap, made.__name__, made())
        except ValueError as error:
            tap.skip(made.__name__, "not whole: %s" % error)
    listed = json.loads(tap.run(smbtap, "events", "--format", "json").out)
    for event in listed if not only else ():
        walk.covers(event)
    for key in sorted(walk.seen):
        tap.check("%s: %s, %d times" % (*key, walk.seen[key]), not walk.wrong[key], walk.wrong[key], walk.examples.get(key))
    tap.finish()


if __name__ == "__main__":
    main()
