#!/usr/bin/env python3
"""The records do not depend on how TCP cut the stream.

usage: recut.py SMBTAP [NAME...]

Each capture of pcaps/ is written anew with its segments cut at random (fixed seeds): neighbours of one direction are
joined and divided elsewhere, from single bytes to 60,000. The records must be the same but for what tells of packets:
frames, times, counts. And the same capture must give the same bytes a second time, and through a pipe.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pcapfile  # noqa: E402
import tap  # noqa: E402

SEEDS = (1, 2, 3)
ACK, PSH = 0x10, 0x08
OF_PACKETS = {"record_id", "time", "start_time", "end_time", "latency_ns", "duration_ns", "packet_count", "capture",
              "flow_id", "first_time", "last_time", "evidence"}
OF_INPUT = {"record_id", "capture", "evidence"}


def pieces(generator, payload):
    """Cuts a payload at random; now and then into very small pieces."""
    largest = generator.choice((1, 7, 100, 1460, 9000, 60000))
    if len(payload) > 4000:
        largest = max(largest, 100)
    at = 0
    while at < len(payload):
        size = generator.randint(1, largest)
        yield at, payload[at:at + size]
        at += size


def recut_run(generator, run):
    """The packets of a run of segments that follow each other in one direction, cut anew."""
    payload = b"".join(segment.payload for segment in run)
    flags = 0
    for segment in run:
        flags |= segment.flags
    for at, piece in pieces(generator, payload):
        last = at + len(piece) == len(payload)
        yield run[-1].with_payload(run[0].seq + at, flags if last else flags & ~PSH, piece)


def follows(run, segment):
    return (run and segment.flow == run[-1].flow and
            segment.seq == (run[-1].seq + len(run[-1].payload)) & 0xFFFFFFFF and
            sum(len(other.payload) for other in run) < 200000)


def recut(packets, seed):
    """The same capture, other segments. Only those with nothing between them are joined, so nothing overtakes anything."""
    generator, run, result = random.Random(seed), [], []
    for packet in packets:
        segment = pcapfile.segment(packet)
        if segment and (not segment.payload or segment.flags & ~PSH != ACK):
            segment = None
        if run and not (segment and follows(run, segment)):
            result += recut_run(generator, run)
            run = []
        if segment:
            run.append(segment)
        else:
            result.append(packet)
    return result + list(recut_run(generator, run))


def truncated(record):
    """What was cut to the size of a record: how much of it is left depends on the other fields."""
    cut = record.get("proto_info", {}).get("truncated", ())
    return set(cut) | {"truncated"} if cut else set()


def without(record, names):
    return {name: without(value, names) if isinstance(value, dict) else value
            for name, value in record.items() if name not in names}


def differences(old, new, names):
    """The first records that differ, with the names in them left out."""
    old, new = tap.records(old), tap.records(new)
    lines = ["%d records, and %d" % (len(old), len(new))] if len(old) != len(new) else []
    for before, after in zip(old, new):
        ignored = names | truncated(before) | truncated(after)
        before, after = without(before, ignored), without(after, ignored)
        if before != after and len(lines) < 6:
            lines += [str(before), str(after)]
    return lines


def main():
    smbtap, names = sys.argv[1], sys.argv[2:]
    for capture in tap.captures(*names):
        command = ("--detail", "operations")
        first = tap.run(smbtap, "-r", capture, *command)
        again = tap.run(smbtap, "-r", capture, *command)
        tap.check("%s: the same bytes again" % capture, first.out == again.out and first.out)
        with open(os.path.join(tap.ROOT, capture), "rb") as file:
            piped = tap.run(smbtap, "-r", "-", *command, stdin=file.read())
        lines = differences(first.out, piped.out, OF_INPUT)
        tap.check("%s: the same through a pipe" % capture, not lines, *lines)
        packets = pcapfile.read(os.path.join(tap.ROOT, capture))
        for seed in SEEDS:
            cut = tap.run(smbtap, "-r", "-", *command, stdin=pcapfile.pcapng(recut(packets, seed)))
            lines = differences(first.out, cut.out, OF_PACKETS)
            tap.check("%s: cut anew with seed %d" % (capture, seed), not lines, cut.err, *lines)
    tap.finish()


if __name__ == "__main__":
    main()
