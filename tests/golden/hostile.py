#!/usr/bin/env python3
"""Hostile messages do no harm: not to the program, and not to what is told of the messages around them.

usage: hostile.py SMBTAP [WORD]    WORD: only cases with it in their names

Each case of hostile_cases.py is a connection of its own: good operations, something hostile, good operations. The good ones must be told as
without it; of the hostile one what is certain, and no name that it did not have; parse_faults must count it. All cases are in one capture;
where that run fails each is tried alone. Then what is no SMB, and more requests than are kept. Time and memory of the program are limited.
"""
import os
import random
import resource
import struct
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

import json  # noqa: E402

import hostile_cases  # noqa: E402
import pcapfile  # noqa: E402
import schema  # noqa: E402
import smbwire  # noqa: E402
import tap  # noqa: E402

FIRST_PORT = 20000
MEMORY_MAX, SECONDS_MAX = 1 << 30, 60
PENDING = 150000  # more than 16 MiB hold
# Of the record of a hostile operation, what nobody but the wire can name.
NAMES = ("file_name", "stream", "extension", "pipe_name", "search_pattern", "rename_to", "link_to", "user_name", "domain", "workstation",
         "netname", "dfs_path", "symlink_target", "copy_source", "redirect_to", "offered_dialects", "local_path")
OF_ORDER = ("message_id", "latency_ns", "file_path")


def limit(sanitized):
    def apply():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
        if not sanitized:  # the shadow of the sanitizers is larger than that
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    return apply


class Program:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.limit = limit(b"__asan_init" in file.read())
        self.schema = json.loads(tap.run(path, "--schema").out)

    def run(self, packets, detail="operations", *more):
        return tap.run(self.path, "-r", "-", "--detail", detail, *more, stdin=pcapfile.pcap(packets), preexec_fn=self.limit)

    def wrong(self, done):
        """What is wrong with a run, whatever it read."""
        if done.status != 0 or "runtime error" in done.err or "Sanitizer" in done.err:
            return ["exit status %d" % done.status, done.err[-2000:]]
        lines = done.out.split(b"\n")[:-1]
        found = ["a line of %d bytes" % len(line) for line in lines if len(line) > schema.RECORD_MAX]
        found += ["not ASCII: %r" % line[:200] for line in lines if any(byte < 32 or byte > 126 for byte in line)]
        for line in lines[:6000]:
            found += [problem + ": %r" % line[:300] for problem in schema.violations(json.loads(line), self.schema)]
        return found[:10]


class Played:
    """A case as it was sent."""

    def __init__(self, case, port):
        self.case, self.port = case, port
        talk = smbwire.Talk(port)
        client = smbwire.Client2(talk) if case.version == 2 else smbwire.Client1(talk)
        client.begin()
        client.file("before.txt", 1)
        self.first = client.id
        case.play(client)
        self.last = client.id
        client.file("behind.txt", 2)
        talk.end()
        self.packets = talk.packets

    def is_hostile(self, record):
        number = record["proto_info"].get("message_id", -1)
        first = self.first if self.case.version == 2 else self.first + 1
        return first <= number < first + self.last - self.first


def good_records(records):
    """What is told of the good operations, without what depends on the order of messages."""
    return [json.dumps({name: value for name, value in record["proto_info"].items() if name not in OF_ORDER}, sort_keys=True)
            for record in records]


def names_wrong(info, case):
    """Names that must not be there or are others, and marks that are missing."""
    for name in NAMES:
        wanted = case.facts.get(name, False)
        if name in info and (wanted is False or (wanted is not None and info[name] != wanted)):
            yield "%s is %s" % (name, json.dumps(info[name])[:200])
        if name not in info and wanted not in (False, None):
            yield "%s is missing" % name
    for mark, wanted in (("lossy", case.lossy), ("truncated", case.truncated)):
        told = [name for name in info.get(mark, ()) if name in NAMES]
        if wanted is not None and sorted(told) != sorted(wanted):
            yield "%s: %s" % (mark, told)


def judge(played, records, baseline):
    """Lines about what is wrong with the records of a case in all detail."""
    case = played.case
    messages = [record for record in records if record["action"] == "message"]
    hostile = [record for record in messages if played.is_hostile(record)]
    good = good_records(record for record in messages if not played.is_hostile(record))
    wanted = baseline if case.behind else baseline[:-4]
    found = ["%s operations around it, not %d" % (len(good), len(wanted))] if case.commands is not None and len(good) != len(wanted) else []
    found += ["not told as without it: " + line for line in wanted if line not in good]
    told = [record["proto_info"].get("command") for record in hostile]
    if case.commands is not None and told != list(case.commands):
        found.append("told: %s" % told)
    for record in hostile:
        found += ["%s: %s" % (record["proto_info"].get("command"), line) for line in names_wrong(record["proto_info"], case)]
    ends = [record for record in records if record["action"] == "end"]
    if len(ends) != 1:
        return found + ["%d ends" % len(ends)]
    faults = ends[0].get("parse_faults")
    if case.faulty is not None and bool(faults) != case.faulty:
        found.append("parse_faults: %s" % faults)
    return found


class Nothing(hostile_cases.Case):
    def __init__(self, version):
        super().__init__("", version, lambda client: None)


def by_port(records):
    found = {}
    for record in records:
        found.setdefault(record.get("src_port"), []).append(record)
    return found


def try_cases(program, word):
    baselines = {}
    for version in (1, 2):
        run = program.run(Played(Nothing(version), FIRST_PORT).packets)
        baselines[version] = good_records(record for record in tap.records(run.out) if record["action"] == "message")
        tap.check("SMB%d: the good operations" % version, len(baselines[version]) == 11 and not program.wrong(run), run.err)
    played = [Played(case, FIRST_PORT + number) for number, case in enumerate(hostile_cases.all_cases()) if word in case.name]
    packets = [packet for play in played for packet in play.packets]
    runs = {detail: program.run(packets, detail) for detail in ("operations", "handles")}
    for detail, run in runs.items():
        wrong = program.wrong(run)
        if not tap.check("all hostile cases in one capture, detail %s" % detail, not wrong, *wrong) and run.status != 0:
            for play in played:
                wrong = program.wrong(program.run(play.packets, detail))
                tap.check("%s alone, detail %s" % (play.case.name, detail), not wrong, *wrong)
            return
    records = by_port(tap.records(runs["operations"].out))
    for play in played:
        wrong = judge(play, records.get(play.port, []), baselines[play.case.version])
        tap.check(play.case.name, not wrong, *wrong[:12])


def others():
    """(label, what the client sends, what the server sends) of what is no SMB, on port 445."""
    noise = random.Random(7)
    hello = bytes.fromhex("160301002f0100002b0303") + bytes(32) + bytes.fromhex("000004c02f003501000000")
    yield "TLS", hello * 3, b"\x16\x03\x03\0\x20" + bytes(32)
    yield "HTTP", b"GET /\xffSMB HTTP/1.1\r\nHost: fs01\r\n\r\n" * 20, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xfeSMB" * 20
    yield "SSH", b"SSH-2.0-OpenSSH_9.2\r\n" + noise.randbytes(600), b"SSH-2.0-OpenSSH_9.2\r\n" + noise.randbytes(600)
    yield "RDP", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0"
    yield "zeros", bytes(200000), bytes(200000)
    yield "0xff", b"\xff" * 200000, b"\xff" * 200000
    yield "random bytes", noise.randbytes(300000), noise.randbytes(300000)
    yield "the names of the protocol over and over", b"\xffSMB\xfeSMB\xfdSMB\xfcSMB" * 10000, b"\0\0\0\x10\xfeSMB" * 10000
    yield "a message of 16 MiB that never comes", b"\0\xff\xff\xff\xfeSMC" + bytes(200000), b""


def try_others(program):
    for number, (label, client, server) in enumerate(others()):
        for handshake in (True, False):
            talk = smbwire.Talk(FIRST_PORT + number, handshake=handshake)
            talk.raw(0, client)
            talk.raw(1, server)
            talk.end()
            run = program.run(talk.packets)
            wrong = program.wrong(run)
            invented = [record.get("content") for record in (tap.records(run.out) if not wrong else ()) if record["action"] == "message"]
            tap.check("%s on port 445%s" % (label, "" if handshake else ", picked up in the middle"), not wrong and not invented,
                      *wrong, *invented[:5])


def try_pending(program):
    """More requests without an answer than fit below the ceiling: none is lost, and the good ones behind them are told."""
    for version, message in (
            (2, lambda number: smbwire.smb2(smbwire.ECHO, number, struct.pack("<HH", 4, 0))),
            (1, lambda number: smbwire.smb1(0x2B, number & 0xFFFF, struct.pack("<H", 1), b""))):
        talk = smbwire.Talk(FIRST_PORT + version)
        client = smbwire.Client2(talk) if version == 2 else smbwire.Client1(talk)
        client.begin()
        first = client.id + 1
        talk.raw(0, b"".join(smbwire.nbss(message(first + number)) for number in range(PENDING)), 65000)
        client.id = first + PENDING if version == 2 else 0
        client.file("behind.txt", 2)
        talk.end()
        run = program.run(talk.packets, "operations", "--memory", "16M")
        wrong = program.wrong(run) + ([] if "ceiling of 16 MiB" in run.err else ["the ceiling was not reached", run.err])
        waiting, behind = run.out.count(b'"response_seen":false'), run.out.count(b'"file_name":"behind.txt"')
        tap.check("SMB%d: %d requests without an answer" % (version, PENDING), waiting == PENDING and behind == 4,
                  "%d told, %d behind" % (waiting, behind), *wrong)


def main():
    program, word = Program(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    try_cases(program, word)
    if not word:
        try_others(program)
        try_pending(program)
    tap.finish()


if __name__ == "__main__":
    main()
