#!/usr/bin/env python3
"""What packets are lost takes away from the records, and adds nothing: nothing is invented.

usage: drop.py SMBTAP [NAME...]

From each capture of pcaps/ packets are dropped: single ones, some at random (fixed seeds), and one direction of all
connections. Every record that is left must be one of the whole capture's: the same operation with the same status, and
names and users that the file or the session of that operation has in the whole capture. A fact may be missing; it may
not be another. Where one direction is missing, each message of the other is still reported, and says so.
"""
import collections
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

SINGLES = 40  # packets of each capture that are dropped one by one
RATES = ((0.01, 1), (0.05, 2), (0.05, 3), (0.2, 4), (0.5, 5))
# What the record says of its own two messages.
OWN = ("status", "rename_to", "link_to", "search_pattern", "control_code", "info_class", "user_name",
       "create_disposition", "delete_on_close", "offset", "length", "previous_session_id")
# What the last message of a session setup says of all its legs: one of them may be lost, and takes with it what it said.
OF_EXCHANGE = ("mechanism", "mechanisms", "mechanism_chosen", "spnego_state", "workstation_domain", "spn", "realm", "ntlm_version",
               "ntlm_target_name", "ntlm_server_time", "server_ntlm_flags", "server_ntlm_version", "server_netbios_name", "server_dns_name",
               "server_netbios_domain", "server_dns_domain", "server_dns_tree")
OWN += OF_EXCHANGE
# What it has from messages before it. Those may be lost, and what was known before them is then what is known.
OF_FILE = ("file_name", "pipe_name", "stream", "extension")
OF_TREE = ("share", "share_path", "share_type")
# Classes that are told apart by other messages: what is a pipe, what a CLOSE deletes, what a SET_INFO was about.
CLASSES = {"open_pipe": "create", "read_pipe": "read", "write_pipe": "write", "delete": "close", "rename": "set_info"}


def place(record):
    return tuple(record[name] for name in ("src_ip", "src_port", "dest_ip", "dest_port"))


def key(record):
    """What a record is known by. A deletion without a message of its own, at the end of a tree or session where a CLOSE was
    lost, is known by its file: the whole capture must have deleted that as well, perhaps under a later name."""
    info = record["proto_info"]
    if "command" not in info and info["operation"] == "delete":
        return record["dest_ip"], "deleted", info.get("file_name")
    if info["operation"] == "negotiate": # an SMB1 request with an SMB2 answer goes by the answer where it was lost
        return place(record), "negotiate", info.get("message_id")
    return place(record), info.get("command"), info.get("message_id")


def has_one_side(info):
    """Whether nothing answers the message, or, as the data of READ_RAW, the answer has no header to know it by."""
    command = info.get("command", "")
    return (info["operation"] == "cancel" or command.endswith("_SECONDARY") or command == "SMB1_READ_RAW" or
            command == "SMB1_LOCKING_ANDX" and info["operation"] == "oplock_break")


def after_smb2(records):
    """The records of SMB1 requests on connections where SMB2 is spoken already. A server drops such a connection instead of answering
    (MS-SMB2 3.3.5.2), so nothing but its place in the stream tells such a request from one that lies in file data. Behind a gap there
    is no such place, and it is not believed."""
    spoken, result = set(), []
    for record in records:
        if record["action"] == "message" and record["proto_info"]["version"] == 2:
            spoken.add(place(record))
        elif record["action"] == "message" and place(record) in spoken:
            result.append(record)
    return result


def operation_class(record):
    operation = record["proto_info"]["operation"]
    return CLASSES.get(operation, operation)


class Whole:
    """What the whole capture says."""

    def __init__(self, records):
        self.by_key = collections.defaultdict(list)
        self.said = collections.defaultdict(set)
        for record in records:
            if record["action"] == "message":
                self.take(record)

    def take(self, record):
        info = record["proto_info"]
        self.by_key[key(record)].append(record)
        if info["operation"] == "delete" and "command" in info:
            self.by_key[record["dest_ip"], "deleted", info.get("file_name")].append(record)
        for name in OF_FILE:
            self.said["file", info.get("file_id"), name].add(info.get(name))
            self.said["flow", place(record), name].add(info.get(name))
        self.said["session", info.get("session_id")].add(record.get("user"))
        for name in OF_TREE:
            self.said["tree", info.get("session_id"), info.get("tree_id"), name].add(info.get(name))

    def strange(self, record, other):
        """Facts of a record that the whole capture's record of the same message does not bear out."""
        info, whole = record["proto_info"], other["proto_info"]
        cut = set(info.get("truncated", ())) | set(whole.get("truncated", ())) # how much is left depends on the rest
        found = [name for name in OWN if name in info and info[name] != whole.get(name)]
        # Without a FileId the name is that of the CREATE in front of it in its chain.
        of_file = ("file", info["file_id"]) if "file_id" in info else ("flow", place(record))
        found += [name for name in OF_FILE if name in info and info[name] != whole.get(name) and
                  info[name] not in self.said[of_file + (name,)]]
        for name in OF_TREE:
            seen = self.said["tree", info.get("session_id"), info.get("tree_id"), name]
            found += [name] if name in info and info[name] != whole.get(name) and info[name] not in seen else []
        if "user" in record and record["user"] != other.get("user"):
            found += [] if record["user"] in self.said["session", info.get("session_id")] else ["user"]
        found = [name for name in found if name not in cut]
        # What a transaction of SMB1 was about stands in its request alone, and whether LOCKING_ANDX was for an oplock; what an IOCTL was
        # stands in a part that may be cut.
        command = info.get("command", "")
        unknown = ("TRANSACT" in command and info["operation"] == "other" or
                   command == "SMB1_LOCKING_ANDX" and info.get("request_seen") is False or
                   command == "SMB2_IOCTL" and "control_code" not in info)
        same = unknown or operation_class(record) == operation_class(other)
        return found + ([] if same else ["operation"])

    def same(self, record):
        """The records of the whole capture that are known by the same."""
        found = self.by_key.get(key(record), ())
        if found or key(record)[1] != "deleted":
            return found
        server, info = record["dest_ip"], record["proto_info"]
        return [other for name in self.said["file", info.get("file_id"), "file_name"] if info["file_name"] in self.said[
            "file", info.get("file_id"), "file_name"] for other in self.by_key.get((server, "deleted", name), ())]

    def invented(self, records):
        """Lines about what is in records and not in the whole capture."""
        lines = []
        for record in records:
            if record["action"] != "message" or key(record)[1:] == ("deleted", None): # a file whose name was lost
                continue
            same = self.same(record)
            strange = [self.strange(record, other) for other in same]
            if [] not in strange:
                lines.append("%s: %s" % (record.get("content"), " ".join(min(strange, key=len)) if same else "is new"))
                lines += [str(record["proto_info"])] + [str(other["proto_info"]) for other in same[:1]]
        return lines


def server_ports(records):
    return {record["dest_port"].to_bytes(2, "big") for record in records if "dest_port" in record}


def one_way(packets, ports, to_server):
    """The packets without those of one direction."""
    for packet in packets:
        segment = pcapfile.segment(packet)
        if segment is None or (segment.flow[3] in ports) == to_server:
            yield packet


def lost(record, side):
    return record["proto_info"].get(side) is False


def unreported(whole, records, to_server):
    """Messages of the direction that is left that have no record, or one that does not say that the other is missing."""
    side, other = ("response_seen", "request_seen") if to_server else ("request_seen", "response_seen")
    said = {key(record) for record in records if record["action"] == "message" and lost(record, side)}
    lines = []
    for wanted, found in whole.by_key.items():
        record = found[0]
        info = record["proto_info"]
        there = not lost(record, other) and (to_server or "status" in info) and "message_id" in info and wanted[1] != "deleted"
        if there and not has_one_side(info) and wanted not in said:
            lines.append(str(record.get("content")))
    return lines


def try_losses(smbtap, capture, packets, whole):
    """All ways to lose packets but for a whole direction."""
    generator = random.Random(capture)
    ways = [("packet %d" % (number + 1), [number])
            for number in sorted(generator.sample(range(len(packets)), min(SINGLES, len(packets))))]
    for rate, seed in RATES:
        generator = random.Random(seed)
        ways.append(("%d %% with seed %d" % (rate * 100, seed), [n for n in range(len(packets)) if generator.random() < rate]))
    for name, dropped in ways:
        dropped = set(dropped)
        left = [packet for number, packet in enumerate(packets) if number not in dropped]
        done = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(left))
        lines = ["status %d" % done.status, done.err] if done.status else whole.invented(tap.records(done.out))
        if lines:
            yield "without " + name
            yield from lines[:9]


def try_multi_protocol(smbtap):
    """The answer to an SMB1 NEGOTIATE is lost, and the SMB2 NEGOTIATE behind it: what answers that one answers no SMB1."""
    packets = pcapfile.read(os.path.join(tap.ROOT, "pcaps", "multi-protocol.pcap"))
    for dropped in ((5, 7), (5,), (7,)):
        left = [packet for number, packet in enumerate(packets) if number not in dropped]
        done = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(left))
        first = [record for record in tap.records(done.out) if record["action"] == "message"
                 and record["proto_info"].get("operation") == "negotiate" and record["src_port"] == 34944]
        said = [(r["proto_info"]["command"], r["proto_info"].get("dialect"), "status" in r["proto_info"]) for r in first]
        wrong = any(command == "SMB1_NEGOTIATE" and answered != (5 not in dropped) for command, _, answered in said)
        tap.check("multi-protocol without %s: what the SMB1 NEGOTIATE is told to have been answered" % (dropped,),
                  said and not wrong, *said)


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    for capture in tap.captures(*names):
        packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        records = tap.records(tap.run(smbtap, "-r", capture, "--detail", "operations").out)
        whole = Whole(records)
        lines = list(try_losses(smbtap, capture, packets, whole))
        tap.check("%s: nothing is invented" % capture, not lines, *lines[:60])
        for to_server in (True, False):
            left = list(one_way(packets, server_ports(records), to_server))
            done = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(left))
            lines = ["status %d" % done.status, done.err] if done.status else unreported(whole, tap.records(done.out), to_server)
            tap.check("%s: the %s alone" % (capture, "client" if to_server else "server"), not lines, *lines[:20])
    if not names:
        try_multi_protocol(smbtap)
    tap.finish()


if __name__ == "__main__":
    main()
