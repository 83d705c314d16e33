#!/usr/bin/env python3
"""What is still whole on the wire is found, though packets around it were lost; and what was lost is told.

usage: loss.py SMBTAP [--full] [NAME...]

A second reader (tests/smbread.py) tells which messages a capture of pcaps/ has and where their bytes are. Packets are
dropped, or cut by a snap length, and from what is left it follows what the records must be:

- request and response whole but for payload: the operation, with every fact that stands in the two, and those names
  whose own messages were whole; `gap` where, and only where, bytes of the two are missing;
- one of them lost: the other alone, and it says so; both lost: nothing;
- what was lost in part may be told or not; where it is, it has a `gap`;
- nothing else, and nothing that drop.py would call invented;
- `missed_bytes` and `gaps` of a flow: what lies between bytes that were captured, or before what the other side
  acknowledged. What was lost at the very end, and never acknowledged, cannot be known.

An element of a chain whose frame's header was lost, while it is whole itself, is looked for and may be found.
"""
import argparse
import calendar
import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import drop  # noqa: E402
import loss_made  # noqa: E402
import pcapfile  # noqa: E402
import smbread  # noqa: E402
import tap  # noqa: E402
from smbread import ACK, BROKEN, FIN, LOST, NO_PAYLOAD, RST, SYN, TO_CLIENT, TO_SERVER, UNLED, WHOLE  # noqa: E402

# Several requests in flight under one MID: which of them a response answers cannot be known where one was lost.
LEFT_OUT = {"smb1-mids"}
# What an operation has from other messages than its own two.
OF_OTHERS = {"dialect", "version", "operation", "share", "share_path", "share_type", "file_name", "file_path", "local_path", "stream", "extension",
             "signing",
             "pipe_name", "midstream", "read_count", "write_count", "auth", "session_binding", "copy_source", "file_id",
             "session_id", "tree_id", "truncated", "lossy", "dfs_path", "gap", "directory", "snapshot_time", "encryption_algorithm",
             "mech_list_mic", "signing_required", "encryption_required", "signed_messages", "unsigned_messages", "encrypted_messages",
             "downgrade_signs", "earlier_dialect", *drop.OF_EXCHANGE}
# Of what was negotiated, on a record of another command.
OF_NEGOTIATE = {"cipher", "signing_algorithm"}
SUMS = {"bytes_read", "bytes_written"} # of a CLOSE
SMALL = 24 # packets of a capture of which each is dropped in turn without --full
DEFAULT = ("compounds", "encrypted-3.1.1", "ioctls", "large", "multichannel-3.1.1", "notify", "port-139", "smb1-139", "smb1-chains",
           "smb1-io", "smb1-large", "smb1-secondary", "midstream", "two-clients")


def nanoseconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(text[20:29])


def apart(packets):
    """The packets, each later than the one before, so that a time tells one."""
    result, last = [], 0
    for packet in packets:
        last = max(packet.time_ns, last + 1)
        result.append(packet._replace(time_ns=last))
    return result


def has_parts(command):
    """Whether messages between the first request and the last response belong to the operation as well."""
    return "TRANSACT" in command or command in ("SMB1_ECHO", "SMB1_WRITE_RAW", "SMB1_READ_RAW")


def is_quiet(operation):
    """Whether the request is one that the server answers only where it fails (MS-CIFS 2.2.4.32): without a response none is missed."""
    return operation.info.get("command") == "SMB1_LOCKING_ANDX" and operation.info["operation"] == "oplock_break"


def ident(message):
    """The MessageId or MID as records have it."""
    return None if message.id in (smbread.ALL_ONES,) or (message.kind == 1 and message.id == 0xFFFF) else message.id


class Operation:
    """One record of the whole capture with its messages."""

    def __init__(self, record, requests, responses, between):
        self.record, self.info = record, record["proto_info"]
        self.requests, self.responses = requests, responses
        self.between = between # other messages under its ids: interim responses, parts of a transaction
        self.where = drop.place(record)

    def name(self):
        return "%s (%s)" % (self.record.get("content"), self.info.get("message_id"))


class Truth:
    """A capture: its messages, and its records when nothing is lost."""

    def __init__(self, smbtap, packets):
        self.packets = apart(packets)
        self.flows = {flow.place: flow for flow in smbread.flows_of(self.packets)}
        self.times = [packet.time_ns for packet in self.packets]
        self.by_key = collections.defaultdict(list)
        self.by_ident = collections.defaultdict(list)
        for flow in self.flows.values():
            for message in flow.messages:
                self.by_key[flow.place, message.dir, self.times[message.packet], ident(message)].append(message)
                self.by_ident[flow.place, ident(message)].append(message)
        done = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=pcapfile.pcapng(self.packets))
        self.records = tap.records(done.out)
        self.whole = drop.Whole(self.records)
        self.operations = [self.operation(record) for record in self.records
                           if record["action"] == "message" and "command" in record["proto_info"] or
                           record.get("proto_info", {}).get("operation") == "encrypted"]
        late = {id(record) for record in drop.after_smb2(self.records)}
        self.after_smb2 = {operation for operation in self.operations if id(operation.record) in late}

    def operation(self, record):
        where, number = drop.place(record), record["proto_info"].get("message_id")
        begin = nanoseconds(record["time"])
        alone = "end_time" not in record or "command" not in record["proto_info"]
        end = begin if alone else nanoseconds(record["end_time"])
        requests = self.by_key[where, TO_SERVER, begin, number]
        responses = self.by_key[where, TO_CLIENT, end, number]
        between = []
        if number is not None and (record["proto_info"].get("async") or has_parts(record["proto_info"]["command"])):
            between = [message for message in self.by_ident[where, number]
                       if message not in requests and message not in responses]
        return Operation(record, requests, responses, between)


# ---- what a loss leaves

class Loss:
    """The capture without some packets, or with packets cut."""

    def __init__(self, truth, dropped=(), snap=None, recaptured=None):
        self.truth = truth
        self.dropped = frozenset(dropped)
        self.snap = snap
        self.left = {}
        for flow in truth.flows.values():
            for direction in (TO_SERVER, TO_CLIENT):
                pieces = ((start, min(end, start + self.payload_left(number, end - start)))
                          for start, end, number in flow.sides[direction].pieces if number not in self.dropped)
                self.left[flow.place, direction] = smbread.Left([piece for piece in pieces if piece[0] < piece[1]])
        self.states = {}

    def payload_left(self, number, length):
        if self.snap is None:
            return length
        packet = self.truth.packets[number]
        return max(0, length - max(0, len(packet.data) - self.snap))

    def capture(self):
        packets = [packet for number, packet in enumerate(self.truth.packets) if number not in self.dropped]
        if self.snap is not None:
            packets = [packet._replace(data=packet.data[:self.snap]) for packet in packets]
        return pcapfile.pcapng(packets)

    def state(self, message):
        key = id(message)
        if key not in self.states:
            self.states[key] = smbread.state_of(message, self.left[message.flow.place, message.dir])
        return self.states[key]

    def side(self, messages):
        """The state of a request or response; None where there was none, UNLED where it is not clear."""
        if not messages:
            return None
        states = {self.state(message) for message in messages}
        return states.pop() if len(states) == 1 else BROKEN

    def expected_loss(self, flow):
        """missed_bytes and gaps of a flow, as far as they can be known, and the bytes a lost FIN may add."""
        missed = gaps = doubt = 0
        for direction in (TO_SERVER, TO_CLIENT):
            bounds = self.known(flow, direction)
            if bounds:
                left = self.left[flow.place, direction]
                missed += left.missing(*bounds[:2])
                gaps += left.holes(*bounds[:2])
                doubt += bounds[2]
        return missed, gaps, doubt

    def known(self, flow, direction):
        """From where to where a direction is known to have data; None where nothing of it was captured."""
        side = flow.sides[direction]
        start = high = fin = acked = None
        packets = syn = 0
        for number, of, segment in flow.packets:
            if number in self.dropped:
                continue
            if of != direction:
                if segment.flags & ACK and side.origin is not None:
                    ack = side.offset(int.from_bytes(segment.packet.data[segment.transport + 8:segment.transport + 12], "big"))
                    start = ack if start is None and (syn or segment.flags & SYN) else start
                    acked = ack if acked is None else max(acked, ack)
                syn |= segment.flags & SYN
                continue
            packets += 1
            syn |= segment.flags & SYN
            if side.origin is None or segment.flags & RST:
                continue
            at = side.offset(segment.seq)
            if segment.flags & SYN:
                start, at = 0, 0
            elif segment.payload and start is None:
                start = at
            end = at + len(segment.payload)
            if segment.payload:
                high = max(high or 0, end)
            fin = end if segment.flags & FIN else fin
        if start is None or not packets:
            return None
        high = max(start, high or 0, fin if fin is not None else 0)
        doubt = 0
        if acked is not None and acked > high and fin is None:
            doubt = acked == len(side.stream) + 1
            high = min(acked, len(side.stream))
        return start, high, doubt


# ---- what the records say

class Found:
    """The records of what was left."""

    def __init__(self, loss, records):
        self.records = records
        self.by_key = collections.defaultdict(list)
        self.used = set()
        for record in records:
            info = record.get("proto_info", {})
            if record["action"] == "message" and ("command" in info or info.get("operation") == "encrypted"):
                self.by_key[self.key(record)].append(record)

    @staticmethod
    def key(record):
        info = record["proto_info"]
        return drop.place(record), info.get("command"), info.get("message_id"), nanoseconds(record["time"])

    def take(self, operation, messages, truth):
        """The record that begins with one of the messages."""
        command, number = operation.info.get("command"), operation.info.get("message_id")
        for message in messages:
            for record in self.by_key[operation.where, command, number, truth.times[message.packet]]:
                if id(record) not in self.used:
                    self.used.add(id(record))
                    return record
        return None


def said(record, name):
    return record["proto_info"].get(name, record.get(name))


def own_facts(operation, record, ignored=()):
    """Facts of the two messages that are not as in the whole capture."""
    info, whole = record["proto_info"], operation.info
    skipped = OF_OTHERS | (OF_NEGOTIATE if whole["operation"] != "negotiate" else set()) | set(ignored) | set(info.get("truncated", ())) | set(whole.get("truncated", ()))
    if "read_count" in whole or "read_count" in info:
        skipped = skipped | SUMS
    return ["%s: %s instead of %s" % (name, info.get(name), whole.get(name))
            for name in sorted(set(info) | set(whole)) if name not in skipped and info.get(name) != whole.get(name)]


class Names:
    """Which operation gave a file, share or user its name, in the whole capture."""

    def __init__(self, truth):
        self.givers = {} # operation: {fact: giver}
        handles, trees, users = {}, {}, {}
        # What ends another session does so while packets of that one's connection may still wait for others.
        taken = {operation.info["previous_session_id"] for operation in truth.operations if "previous_session_id" in operation.info}
        for operation in truth.operations:
            info, status = operation.info, operation.info.get("status")
            session = info.get("session_id")
            file, tree = (operation.where, info.get("file_id")), (operation.where, session, info.get("tree_id"))
            if status == "STATUS_SUCCESS" and info["operation"] in ("create", "open_pipe") and "file_id" in info:
                handles[file] = None if "durable_reconnect" in info else operation # which has its name from another connection
            if status == "STATUS_SUCCESS" and info["operation"] == "tree_connect":
                trees[tree] = operation
            if status == "STATUS_SUCCESS" and info["operation"] == "session_setup" and "session_binding" not in info:
                users[operation.where, session] = operation
            if info["operation"] in ("rename", "set_info"): # which may be a rename that failed to be one
                handles.pop(file, None)
            self.givers[operation] = {} if session in taken else {"file_name": handles.get(file), "share": trees.get(tree),
                                      "user": users.get((operation.where, session))}


def names_missing(names, loss, operation, record):
    """Names that must be there, since the messages that gave them are."""
    lines = []
    for fact, giver in names.givers[operation].items():
        wanted = said(operation.record, fact)
        answered = operation.requests and operation.responses
        if giver is None or giver is operation or wanted is None or not answered or not whole(loss, giver):
            continue
        if fact not in operation.info.get("truncated", ()) and said(record, fact) != wanted:
            lines.append("%s: %s instead of %s" % (fact, said(record, fact), wanted))
    return lines


def whole(loss, operation):
    sides = (loss.side(operation.requests), loss.side(operation.responses))
    return all(side in (WHOLE, NO_PAYLOAD, None) for side in sides) and all(loss.state(m) == WHOLE for m in operation.between)


class Judge:
    def __init__(self, truth, loss, names, records):
        self.truth, self.loss, self.names = truth, loss, names
        self.found = Found(loss, records)
        self.records = records
        self.lines = []
        self.wanted = self.had = 0 # operations that are whole

    def complain(self, operation, text):
        self.lines.append("%s: %s" % (operation.name(), text))

    def judge(self):
        for operation in self.truth.operations:
            self.one(operation)
        for record in self.records:
            info = record.get("proto_info", {})
            known = record["action"] != "message" or id(record) in self.found.used or self.is_part(record)
            if not known and ("command" in info or info.get("operation") == "encrypted"):
                self.lines.append("%s (%s) is nowhere in the whole capture" % (record.get("content"), info.get("message_id")))
        self.lines += self.truth.whole.invented(self.records)
        self.flow_ends()
        return self.lines

    def is_part(self, record):
        """One of several responses, whose request was lost."""
        where, command, number, when = self.found.key(record)
        if command == "SMB2_NEGOTIATE" and self.truth.by_key.get((where, TO_CLIENT, when, number)):
            return True # to a request of SMB1
        return command and has_parts(command) and said(record, "request_seen") is False and \
            self.truth.by_key.get((where, TO_CLIENT, when, number))

    def one(self, operation):
        request, response = self.loss.side(operation.requests), self.loss.side(operation.responses)
        parts = [self.loss.state(message) for message in operation.between]
        own = self.one_mid(operation) or drop.has_one_side(operation.info)
        more = [] if own else operation.between
        record = self.found.take(operation, operation.requests + operation.responses + more, self.truth)
        there = (WHOLE, NO_PAYLOAD)
        unsure = any(part != WHOLE for part in parts) or (self.loss.dropped and operation.info.get("command") == "SMB1_READ_RAW")
        if request in there + (None,) and response in there + (None,):
            self.both(operation, record, {request, response}, unsure)
        elif request in there or response in there:
            self.one_side(operation, record, request, response, unsure)
        elif record and {request, response} <= {LOST, None} and set(parts) <= {LOST}:
            self.complain(operation, "both its messages are lost")

    def both(self, operation, record, states, unsure):
        if record is None and operation in self.truth.after_smb2:
            return
        self.wanted += 1
        if record is None:
            self.complain(operation, "is whole, and not found")
            return
        self.had += 1
        if (said(record, "gap") or False) != (NO_PAYLOAD in states) and not unsure:
            self.complain(operation, "gap is %s" % said(record, "gap"))
        ignored = {"interim_responses", "async"} if operation.between else set()
        if not unsure:
            for line in own_facts(operation, record, ignored) + names_missing(self.names, self.loss, operation, record):
                self.complain(operation, line)

    def one_side(self, operation, record, request, response, unsure):
        lost, name = (response, "response_seen") if request in (WHOLE, NO_PAYLOAD) else (request, "request_seen")
        if record is None:
            seen = (operation.responses if name == "request_seen" else operation.requests)[0]
            negotiates = operation.info["command"] == "SMB1_NEGOTIATE" and seen.kind == 2 # told as SMB2_NEGOTIATE then
            if lost == LOST and not unsure and not negotiates and not self.is_stranger(operation, seen):
                self.complain(operation, "is not found, whose %s is lost" % name[:-5])
            return
        quiet = name == "response_seen" and is_quiet(operation)
        if lost == LOST and not unsure and not quiet and said(record, name) is not False:
            self.complain(operation, "%s is not false" % name)
        if lost == BROKEN and not said(record, "gap") and said(record, name) is not False and not unsure:
            self.complain(operation, "has no gap")

    def one_mid(self, operation):
        """Whether all that a client of SMB1 asks has the same MID."""
        return operation.info["version"] == 1 and len({message.id for message in self.truth.flows[operation.where].messages}) == 1

    def is_stranger(self, operation, message):
        """Whether of its session, or, where the capture begins in the middle, of its connection, nothing was found before it, so that
        nothing tells it from file data while the other side is lost."""
        flow, when = self.truth.flows[operation.where], self.truth.times[message.packet]
        begins = any(segment.flags & SYN for number, _, segment in flow.packets if number not in self.loss.dropped)
        if not begins and not self.at_frame(flow):
            return True
        if self.one_mid(operation):
            return True # nor its MID
        sessions = {record["proto_info"].get("session_id") for record in self.records
                    if record["action"] == "message" and drop.place(record) == operation.where and
                    nanoseconds(record["time"]) < when}
        return operation.info.get("session_id") not in sessions and (bool(sessions) or not begins)

    def at_frame(self, flow):
        """Whether the first data that is left begins with a frame."""
        for number, direction, segment in flow.packets:
            if number not in self.loss.dropped and segment.payload:
                at = flow.sides[direction].offset(segment.seq)
                return any(message.begin == at for message in flow.messages if message.dir == direction)
        return True

    def flow_ends(self):
        ends = collections.defaultdict(list)
        for record in self.records:
            if record["action"] == "end":
                ends[drop.place(record)].append(record)
        for place, flow in self.truth.flows.items():
            missed, gaps, doubt = self.loss.expected_loss(flow)
            have = ends.get(place, ())
            if not have and not (missed or gaps):
                continue
            got = sum(record["missed_bytes"] for record in have), sum(record["gaps"] for record in have)
            if not missed <= got[0] <= missed + doubt or (self.loss.snap is None and got[1] != gaps and not doubt):
                self.lines.append("%s: %d bytes in %d gaps are missing, not %d in %d" % (place, missed, gaps, *got))


# ---- ways to lose packets

def ways_of(truth, full):
    """(name, packets dropped, snap length)"""
    count, generator = len(truth.packets), random.Random(count_seed(truth))
    singles = range(count) if full or count <= SMALL else sorted(generator.sample(range(count), SMALL))
    for number in singles:
        yield "packet %d" % (number + 1), [number], None
    for length in range(2, 21) if full else (2, 5, 20):
        for _ in range(12 if full else 2):
            at = generator.randrange(count)
            yield "%d packets from %d on" % (length, at + 1), range(at, at + length), None
    for rate, seeds in ((0.01, 1), (0.1, 3), (0.3, 1)) if not full else ((0.01, 20), (0.1, 20), (0.3, 10)):
        for seed in range(seeds):
            chance = random.Random(seed)
            dropped = [number for number in range(count) if chance.random() < rate]
            yield "%d %% with seed %d" % (rate * 100, seed), dropped, None
    for direction in (TO_SERVER, TO_CLIENT):
        of = sorted(number for flow in truth.flows.values() for number, way, _ in flow.packets if way == direction)
        for _ in range(10 if full else 1):
            at = generator.randrange(len(of))
            yield "one direction from %d on" % (of[at] + 1), of[at:at + generator.randint(2, 20)], None
    for first in generator.sample(range(count), min(count, 60 if full else 4)):
        yield "all before packet %d" % (first + 1), range(first), None
    for snap in (150, 200, 260, 400, 1000) if full else (200, 400):
        yield "snap length %d" % snap, [], snap


def count_seed(truth):
    return len(truth.packets)


def try_all(smbtap, truth, ways):
    names = Names(truth)
    wanted = had = 0
    lines = []
    for name, dropped, snap in ways:
        loss = Loss(truth, dropped, snap)
        done = tap.run(smbtap, "-q", "-r", "-", "--detail", "operations", stdin=loss.capture())
        if done.status:
            lines += ["without %s: status %d" % (name, done.status), done.err]
            continue
        judge = Judge(truth, loss, names, tap.records(done.out))
        wrong = judge.judge()
        wanted, had = wanted + judge.wanted, had + judge.had
        lines += ["without %s:" % name] + wrong[:9] if wrong else []
    return lines, wanted, had


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("smbtap")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--full", action="store_true", help="all captures, and more losses of each")
    given = parser.parse_intermixed_args()
    for capture in tap.captures(*(given.names or (() if given.full else DEFAULT))):
        if tap.stem(capture) in LEFT_OUT:
            continue
        packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        truth = Truth(given.smbtap, packets)
        ways = loss_made.behind(ways_of(truth, given.full), loss_made.KNOWN_FIRST.get(tap.stem(capture), 0))
        lines, wanted, had = try_all(given.smbtap, truth, ways)
        tap.check("%s: %d of %d whole operations found" % (capture, had, wanted), not lines, *lines[:80])
    for name, make in loss_made.MADE.items():
        if not given.names or name in given.names:
            truth = Truth(given.smbtap, make())
            ways = loss_made.behind(ways_of(truth, given.full), loss_made.KNOWN_FIRST.get(name, 0))
            lines, wanted, had = try_all(given.smbtap, truth, ways)
            tap.check("%s: %d of %d whole operations found" % (name, had, wanted), not lines, *lines[:80])
    tap.finish()


if __name__ == "__main__":
    main()
