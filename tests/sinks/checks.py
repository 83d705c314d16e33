#!/usr/bin/env python3
"""The checks that the other scripts conclude from: with a stand-in for smbtap they see nothing wrong where nothing is, and each
fault that is put in. All receivers and configurations of the manual page work with it.

usage: checks.py SMBTAP
"""
import json
import os
import sys
import tempfile

import certificates
import counting
import receivers
import standin
import tap  # noqa: E402


def altered(message, **fields):
    record = json.loads(message)
    record.update(fields)
    return json.dumps(record, separators=(",", ":")).encode()


def sent(receiver, messages, syslog=standin.syslog, seconds=5):
    """What the receiver has of them, at the latest then."""
    sender = standin.Sender(receiver)
    for message in messages:
        sender.send(syslog(message))
    sender.close()
    receiver.wait(len(messages), seconds)
    return receiver.seen()


def apart(wanted, seen):
    """Lines of each check."""
    return (counting.difference(wanted, [one["message"].encode() for one in seen]), counting.fields_apart(seen),
            counting.headers_apart(seen))


def all_receivers(folder, keys, wanted):
    for one in (receivers.Rsyslog, receivers.SyslogNg):
        for kind in one.kinds:
            title = "%s, %s" % (one.program, kind)
            receiver = one(os.path.join(folder, title.replace(", ", "-")), kind, keys).start()
            lines = counting.difference(wanted, [found["message"].encode() for found in sent(receiver, wanted)])
            lines += counting.fields_apart(receiver.seen(), exact=one is receivers.Rsyslog) + counting.headers_apart(receiver.seen())
            tap.check(title + ": its configuration takes all", not lines and not receiver.unparsable(), *lines)
            receiver.stop()


def unparsable(folder, wanted):
    """What is no JSON goes beside."""
    for one in (receivers.Rsyslog, receivers.SyslogNg):
        receiver = one(os.path.join(folder, "unparsable-" + one.program), "tcp").start()
        sent(receiver, wanted[:2], lambda line: standin.syslog(line).replace(b'":"', b'":', 1) if line == wanted[0] else
             standin.syslog(line), seconds=0.7)
        tap.check("%s: what does not parse goes to the other file" % one.program, receiver.messages() == wanted[1:2] and
                  len(receiver.unparsable()) == 1, receiver.messages(), receiver.unparsable())
        receiver.stop()


def faults(folder, wanted):
    """Each is seen, by the check that it is for."""
    first, second, rest = wanted[0], wanted[1], wanted[2:]
    name = json.loads(second)["record_id"]
    other = 4711
    for title, messages, which in (
            ("a record that is missing", [first] + rest, 0),
            ("a record that is missing at the end", wanted[:-1], 0),
            ("a record that came twice", [first, first, second] + rest, 0),
            ("a record that was altered", [first, altered(second, src_port=other)] + rest, 0),
            ("a byte that was lost", [first, second.replace(b"tcp", b"tc", 1)] + rest, 0),
            ("two that changed places", [second, first] + rest, 0)):
        receiver = receivers.Rsyslog(os.path.join(folder, "fault-" + title.replace(" ", "-")), "tcp").start()
        lines = apart(wanted, sent(receiver, messages))
        tap.check("seen: " + title, lines[which], *lines)
        receiver.stop()
    receiver = receivers.Rsyslog(os.path.join(folder, "fault-header"), "tcp").start()
    lines = apart(wanted, sent(receiver, wanted, lambda one: standin.syslog(one).replace(b"flow/message", b"flow/massage", 1).replace(
        b'sequenceId="1"', b'sequenceId="9"')))
    tap.check("seen: another MSGID, another sequenceId", lines[2] and name in str(lines[2]) and not lines[0], *lines)
    seen = receiver.seen()
    seen[1]["fields"]["src_port"] = str(seen[1]["fields"]["src_port"])
    tap.check("seen: a field of another type", name in str(counting.fields_apart(seen)), counting.fields_apart(seen))
    del seen[1]["fields"]["src_port"]
    tap.check("seen: a field that is missing", name in str(counting.fields_apart(seen)), counting.fields_apart(seen))
    receiver.stop()


def line(run, seq, **more):
    return json.dumps(dict({"record_id": "%s-%d" % (run, seq), "seq": seq, "object": "flow", "action": "message"}, **more)).encode()


def gap(run, seq, first, last, count, **more):
    told = {"from_seq": first, "records_lost": count, "reason": "spool_full", **more}
    if last is not None:
        told["to_seq"] = last
    return line(run, seq, object="sensor", action="gap", proto_info=told)


def counts():
    whole = [line("a", seq) for seq in range(1, 11)]
    good = counting.Account(whole)
    tap.check("counted: all there", (good.arrived(), good.doubled(), good.lost(), good.silently()) == (10, 0, [], []), good.line())
    twice = counting.Account(whole + whole[5:])
    tap.check("counted: five came twice", (twice.arrived(), twice.doubled(), twice.silently()) == (10, 5, []), twice.line())
    holes = counting.Account(whole[:3] + whole[5:])
    tap.check("counted: two missing, silently", holes.silently() == [("a", 4), ("a", 5)], holes.line())
    tap.check("counted: missing at the end, where that is known", counting.Account(whole[:8]).silently({"a": 10}) ==
              [("a", 9), ("a", 10)] and counting.Account([]).silently({"a": 1}) == [("a", 1)])
    told = counting.Account(whole[:3] + whole[5:] + [gap("a", 11, 4, 5, 2)])
    tap.check("counted: two missing, told", len(told.lost()) == 2 and not told.silently() and not told.wrongly(), told.line(),
              told.wrongly())
    short = counting.Account(whole[:3] + whole[6:] + [gap("a", 11, 4, 5, 2)])
    tap.check("counted: three missing, two told", short.silently() == [("a", 6)], short.line())
    false = counting.Account(whole + [gap("a", 11, 4, 5, 2)])
    tap.check("counted: a gap that is none", false.wrongly(), false.line())
    runs = counting.Account(whole[:3] + [gap("b", 1, 4, None, None, run_id="a"), line("b", 2)])
    tap.check("counted: the rest of an earlier run, told by the next", not runs.silently({"a": 7, "b": 2}) and
              len(runs.lost({"a": 7})) == 4, runs.line())
    plain = [b'{"schema_version":"1.0","record_id":"a-%d","seq":%d,"object":"flow","action":"message"}' % (seq, seq)
             for seq in range(1, 6)]
    tap.check("counted: against a file", not counting.Account(plain, plain).strange and not counting.Account(plain, plain[:2]).strange and
              counting.Account(plain[:4], plain).silently({"a": 5}) == [("a", 5)])
    tap.check("counted: another than the file has", len(counting.Account(plain[:4] + [plain[4].replace(b"flow", b"slow")],
                                                                        plain).strange) == 1)
    others = counting.Account(whole[:3] + whole[5:] + [gap("a", 11, 4, 5, 2, output="that")], output="this")
    tap.check("counted: a gap of another output tells nothing", len(others.silently()) == 2, others.line())
    tap.check("counted: what is no record", len(counting.Account([b"{", b"{}", line("a", 1)[:-20]]).strange) == 3)


def test():
    receivers.need()
    captures = tap.captures("hostile-names", "unicode", "dialect-3.1.1", "smb1-oem")
    run = tap.run(sys.argv[1], "-q", *(word for capture in captures for word in ("-r", capture)))
    wanted = run.out.split(b"\n")[:-1]
    tap.check("there are records", run.status == 0 and len(wanted) > 100, run.err)
    with tempfile.TemporaryDirectory(prefix="smbtap-sinks-") as folder:
        all_receivers(folder, certificates.Certificates(os.path.join(folder, "keys")), wanted)
        faults(folder, wanted[:20])
        unparsable(folder, wanted)
    counts()
    tap.finish()


test()
