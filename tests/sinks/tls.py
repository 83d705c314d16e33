#!/usr/bin/env python3
"""TLS that cannot be right is refused, with one clear line for each output; what waits stays, and arrives once the receiver is put
right. All cases run side by side.

usage: tls.py SMBTAP
"""
import os
import re
import subprocess
import sys
import tempfile
import time

import certificates
import counting
import receivers
import tap  # noqa: E402

TRIED = 2.5  # seconds in which several tries fit
CAPTURES = ("hostile-names", "dialect-3.1.1")


class Plain(receivers.Rsyslog):
    """Takes clients without a certificate."""

    def configuration(self):
        text = receivers.Rsyslog.configuration(self)
        text = re.sub(r'tls.authMode="[^"]*" tls.permittedPeer=\[[^]]*\]', "", text)
        return re.sub(r'streamDriver.authMode="[^"]*" permittedPeer=\[[^]]*\]', 'streamDriver.authMode="anon"', text)


class OldServer:
    """Speaks TLS 1.1 at most."""

    def __init__(self, receiver):
        keys = receiver.certificates
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-quiet", "-accept", "127.0.0.1:%d" % receiver.port, "-cert", keys.pem("server"), "-key",
             keys.key("server"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + receivers.SECONDS
        while not receivers.listens(self.process.pid, receiver.port) and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Case:
    """One that is refused, at first."""

    def __init__(self, name, kind, reason, server="server", one=receivers.Rsyslog, old=False, later=None, **settings):
        """reason: what its line says. server: whose certificate the receiver has at first. later: the class that is put there then."""
        self.name, self.kind, self.reason, self.server, self.one, self.old = name, kind, reason, server, one, old
        self.later, self.settings = later or one, settings
        self.bad = self.receiver = self.process = None

    def begin(self, smbtap, folder, keys, words):
        self.receiver = self.one(os.path.join(folder, self.label()), self.kind, keys, server=self.server)
        self.bad = OldServer(self.receiver) if self.old else self.receiver.start()
        settings = {name: value(keys) if callable(value) else value for name, value in self.settings.items()}
        settings.setdefault("server_name", certificates.NAME)
        self.said = os.path.join(folder, self.label() + ".err")
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen([os.path.abspath(smbtap)] + words + ["-o", self.receiver.url(name=self.label(), **settings)],
                                            cwd=tap.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)

    def label(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name + "-" + self.kind)

    def lines(self):
        with open(self.said, encoding="utf-8", errors="replace") as file:
            return [line for line in file.read().split("\n") if self.label() in line]

    def refused(self):
        title = "%s, %s: " % (self.name, self.kind)
        lines = self.lines()
        print("# " + "\n# ".join(lines))
        tap.check(title + "waits, and has said so in one line", self.process.poll() is None and len(lines) == 1,
                  self.process.poll(), *lines)
        tap.check(title + "the line says why", lines and re.search(self.reason, lines[0], re.I), self.reason, *lines)
        tap.check(title + "nothing was sent", self.receiver.count() == 0, self.receiver.count())

    def mend(self):
        self.bad.stop()
        after = self.later(self.receiver.folder, self.kind, self.receiver.certificates)
        after.port, self.receiver = self.receiver.port, after
        after.start()

    def arrives(self, wanted):
        title = "%s, %s: " % (self.name, self.kind)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = None
        self.receiver.wait(len(wanted), 5)
        found = self.receiver.messages()
        lines = counting.difference(wanted, list(dict.fromkeys(found)))
        tap.check(title + "then all arrives", status == 0 and not lines, status, *self.lines(), *lines, self.receiver.said()[-500:])
        self.receiver.stop()


def cases():
    for kind in ("tls", "relp+tls"):
        yield Case("wrong CA", kind, "certificate.*(ca|authority|issuer|trust)", server="foreign")
        yield Case("expired", kind, "expired", server="expired")
        yield Case("wrong name", kind, re.escape(certificates.NAME), server="other-name")
        yield Case("wrong fingerprint", kind, "fingerprint", server="other-name", ca=None,
                   fingerprint=lambda keys: keys.fingerprint("server"))
        yield Case("old protocol", kind, "TLS|protocol|version", old=True)
        yield Case("no client certificate", kind, "certificate", later=Plain, certificate=None, key=None)
        yield Case("client certificate of another CA", kind, "refuses our certificate", later=Plain,
                   certificate=lambda keys: keys.pem("foreign-client"), key=lambda keys: keys.key("foreign-client"))


def accepted(smbtap, folder, keys, words, wanted):
    """What must not be refused."""
    for title, kind, server, settings in (
            ("right fingerprint, no CA", "tls", "foreign", {"ca": None, "fingerprint": keys.fingerprint("foreign")}),
            ("right fingerprint, expired", "tls", "expired", {"ca": None, "fingerprint": keys.fingerprint("expired")}),
            ("another name, not verified", "tls", "other-name", {"verify_name": "no"}),
            ("TLS 1.3 alone", "tls", "server", {"tls_version_min": "1.3"}),
            ("TLS 1.3 alone", "relp+tls", "server", {"tls_version_min": "1.3"}),
            ("an address as name", "tls", "server", {})):
        receiver = receivers.Rsyslog(os.path.join(folder, re.sub(r"\W+", "-", title + kind)), kind, keys, server=server).start()
        run = tap.run(smbtap, *words, "-o", receiver.url(**settings))
        receiver.wait(len(wanted), 5)
        lines = counting.difference(wanted, receiver.messages())
        tap.check("%s, %s: accepted" % (title, kind), run.status == 0 and not run.err and not lines, run.status, run.err, *lines,
                  receiver.said()[-500:])
        receiver.stop()


def test():
    receivers.need(receivers.Rsyslog)
    words = ["-q"] + [word for capture in tap.captures(*CAPTURES) for word in ("-r", capture)]
    wanted = tap.run(sys.argv[1], *words).out.split(b"\n")[:-1]
    with tempfile.TemporaryDirectory(prefix="smbtap-sinks-") as folder:
        os.chmod(folder, 0o755)
        keys = certificates.Certificates(os.path.join(folder, "keys"))
        them = list(cases())
        for case in them:
            case.begin(sys.argv[1], folder, keys, words)
        time.sleep(TRIED)
        for case in them:
            case.refused()
        for case in them:
            case.mend()
        for case in them:
            case.arrives(wanted)
        accepted(sys.argv[1], folder, keys, words, wanted)
    tap.finish()


test()
