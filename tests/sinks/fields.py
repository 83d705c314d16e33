#!/usr/bin/env python3
"""Every field of every record arrives, and the receiver's own parser sees it as it is: over each transport, to rsyslog and to
syslog-ng, with the configurations of the manual page. The messages are, byte for byte, the lines that a file gets.

usage: fields.py SMBTAP
"""
import json
import os
import sys
import tempfile

import certificates
import counting
import receivers
import tap  # noqa: E402

SECONDS = 8  # for the last records to arrive
FEW = ("hostile-names", "long-names")  # over UDP nobody waits for a receiver that is late
CEE = (('cookie=""', 'cookie="@cee:"'), ('json-parser(prefix', 'json-parser(marker("@cee:") prefix'))


class Cee:
    """With the cookie in front of the JSON."""

    def configuration(self):
        text = super().configuration()
        for before, after in CEE:
            text = text.replace(before, after)
        return text


class RsyslogCee(Cee, receivers.Rsyslog):
    pass


class SyslogNgCee(Cee, receivers.SyslogNg):
    pass


class Run:
    def __init__(self, smbtap, folder):
        self.smbtap, self.folder = smbtap, folder
        self.keys = certificates.Certificates(os.path.join(folder, "keys"))
        self.all, self.few = self._words(tap.captures()), self._words(tap.captures(*FEW))
        self.wanted = {id(words): self._lines(words) for words in (self.all, self.few)}
        self.number = 0

    @staticmethod
    def _words(captures):
        return ["-q", "--detail", "operations"] + [word for capture in captures for word in ("-r", capture)]

    def _lines(self, words):
        to = os.path.join(self.folder, "records.jsonl")
        run = tap.run(self.smbtap, *words, "-o", to)
        with open(to, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
        tap.check("into a file: records of all captures", run.status == 0 and lines, run.status, run.err)
        return lines

    def receiver(self, one, kind):
        self.number += 1
        return one(os.path.join(self.folder, "%d" % self.number), kind, self.keys).start()

    def words(self, kind):
        return self.few if kind in ("udp", "bsd-udp") else self.all

    def judge(self, title, receiver, words, cookie=b"", old=False, **header):
        wanted = self.wanted[id(words)]
        receiver.wait(len(wanted), SECONDS)
        seen = receiver.seen()
        messages = [one["message"].encode() for one in seen]
        if old:
            messages = [message.removeprefix(b" ") for message in messages]  # of RFC 3164's TAG, see RFC 3164 4.1.3
        lines = counting.difference([cookie + line for line in wanted], messages)
        lines += counting.fields_apart(seen, exact=isinstance(receiver, receivers.Rsyslog))
        lines += headers_apart_old(seen) if old else counting.headers_apart(seen, **header)
        tap.check(title, not lines and not receiver.unparsable(), *lines, *receiver.unparsable()[:1], receiver.said()[-400:])
        receiver.stop()

    def one(self, title, one, kind, cookie=b"", old=False, header=None, **settings):
        receiver = self.receiver(one, kind)
        run = tap.run(self.smbtap, *self.words(kind), "-o", receiver.url(**settings))
        tap.check(title + ": ends with 0, silently", run.status == 0 and not run.err and not run.out, run.status, run.err)
        self.judge(title + ": all arrives, and parses", receiver, self.words(kind), cookie, old, **(header or {}))

    def together(self, classes_kinds):
        """To all of them in one run."""
        them = [(one, self.receiver(one, kind)) for one, kind in classes_kinds]
        words = self.all
        run = tap.run(self.smbtap, *words, *(word for _, receiver in them for word in ("-o", receiver.url())))
        tap.check("%d outputs at once: ends with 0, silently" % len(them), run.status == 0 and not run.err, run.status, run.err)
        for one, receiver in them:
            self.judge("%d outputs at once: %s, %s" % (len(them), one.program, receiver.kind), receiver, words)


def headers_apart_old(seen):
    """RFC 3164 has no more than these, and its time has neither year nor fraction."""
    lines = []
    for one in seen:
        record = json.loads(one["message"])
        wanted = {"pri": str(counting.priority(record)), "host": record["sensor_id"]}
        if any(one.get(name) != value for name, value in wanted.items()) or one["program"].split("[")[0] != "smbtap":
            lines.append("%s: %s %s %s" % (record["record_id"], one.get("pri"), one.get("host"), one.get("program")))
        elif one["time"][5:19] != record["time"][5:19]:
            lines.append("%s: time %s, not %s" % (record["record_id"], one["time"], record["time"]))
    return lines[:counting.SHOWN]


def test():
    receivers.need()
    with tempfile.TemporaryDirectory(prefix="smbtap-sinks-") as folder:
        os.chmod(folder, 0o755)
        run = Run(sys.argv[1], folder)
        for one in (receivers.Rsyslog, receivers.SyslogNg):
            for kind in one.kinds:
                run.one("%s, %s" % (one.program, kind), one, kind)
        for one, kind in ((RsyslogCee, "tcp"), (SyslogNgCee, "tcp"), (RsyslogCee, "relp")):
            run.one("%s, %s, @cee" % (one.program, kind), one, kind, cookie=b"@cee: ", cee="yes")
        for one, kind in ((receivers.Rsyslog, "newline"), (receivers.Rsyslog, "udp"), (receivers.Rsyslog, "relp"),
                          (receivers.SyslogNg, "bsd-udp"), (receivers.SyslogNg, "bsd-tcp")):
            run.one("%s, %s, RFC 3164" % (one.program, kind), one, kind, old=True, format="rfc3164",
                    **({"framing": "newline"} if kind == "bsd-tcp" else {}))
        run.one("rsyslogd, facility, severity and host name by setting", receivers.Rsyslog, "tcp",
                header={"facility": 20, "severity": 5, "hostname": "tap-7.example"}, facility="local4", severity="notice",
                hostname="tap-7.example")
        run.together([(receivers.Rsyslog, kind) for kind in ("tcp", "tls", "relp", "relp+tls")] + [(receivers.SyslogNg, "newline")])
    tap.finish()


os.environ["TZ"] = "UTC"  # RFC 3164 has local time
test()
