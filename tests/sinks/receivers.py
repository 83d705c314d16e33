"""Syslog receivers of a test: Debian's rsyslog and syslog-ng on loopback, with the configurations of smbtap-outputs(7), which other
ports, files and certificates are put into. `./bootstrap test` unpacks them; those of the machine are taken where it did not.

What a receiver got is read from the file it writes: a JSON object on each line with the header's fields, the message as it came,
and the fields that the receiver's own parser found in the message.
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

PAGE = os.path.join(tap.ROOT, "src", "smbtap-outputs.7")
UNPACKED = os.path.join(tap.ROOT, "build-receivers")
PORT_NUMBERS = iter(range(20000 + os.getpid() % 100 * 100, 32000))
SECONDS = 10  # to start in
MESSAGE = re.compile(rb'"message":("(?:[^"\\]|\\.)*")')  # the first of that name is the receiver's own, not the record's


class Failed(Exception):
    """A receiver did not do what it must for the test to go on."""


# ---- the page --------------------------------------------------------------------------------------------------------

def block(name):
    """A configuration of the manual page, as a reader sees it."""
    with open(PAGE, encoding="ascii") as file:
        found = re.search(r'^\.\\" BEGIN %s\n(.*?)^\.\\" END %s\n' % (re.escape(name), re.escape(name)), file.read(), re.M | re.S)
    if not found:
        raise Failed("%s has no configuration %s" % (PAGE, name))
    lines = [line for line in found.group(1).split("\n") if not re.match(r"\.(Bd|Ed)\b", line)]
    return re.sub(r"\\([e&])", lambda escape: {"e": "\\", "&": ""}[escape.group(1)], "\n".join(lines))


def replaced(text, places):
    """With other words in the place of those; each that is there must be known, so that nothing outside of the test is touched."""
    for before, after in sorted(places.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(before, after)
    left = re.findall(r'"(/(?:var|etc|run)/[^"]*)"', text)
    if left:
        raise Failed("the test does not know what to put in the place of %s" % ", ".join(left))
    return text


def free_port(kind):
    """Below those that the kernel gives to clients, so that it is still there after a while without a receiver."""
    for port in PORT_NUMBERS:
        with socket.socket(type=socket.SOCK_DGRAM if kind.endswith("udp") else socket.SOCK_STREAM) as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed("no port is free")


def listens(pid, port, udp=False):
    """Does somebody, in the network of that process?"""
    name, state = ("udp", "07") if udp else ("tcp", "0A")
    for version in ("", "6"):
        with open("/proc/%d/net/%s%s" % (pid, name, version), encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if int(words[1].rsplit(":", 1)[1], 16) == port and words[3] == state:
                    return True
    return False


# ---- the programs ----------------------------------------------------------------------------------------------------

def _unpacked(*names):
    found = glob.glob(os.path.join(UNPACKED, *names))
    return found[0] if found else None


def program(name):
    """Its file, or None."""
    return _unpacked("usr", "sbin", name) or shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")


class Receiver:
    """One that runs, or is down for a while. Subclasses say how it is started."""

    kinds = ()

    def __init__(self, folder, kind, certificates=None, server="server", address="127.0.0.1", prefix=()):
        """certificates, server: of TLS. prefix: words in front of the command, as those that run it in another network."""
        self.folder, self.kind, self.certificates, self.address = folder, kind, certificates, address
        self.prefix = list(prefix)
        os.makedirs(folder, exist_ok=True)
        self.server = server
        self.port = None if kind == "unix" else free_port(kind)
        self.socket = self.path("log")
        self.written, self.unparsed = self.path("seen.json"), self.path("unparsed.json")
        self.process = self.name = None
        self.kills, self.torn = 0, set()  # a kill may tear the line that was being written

    def path(self, name):
        return os.path.join(self.folder, name)

    def places(self):
        found = {"/var/log/siem/smbtap.json": self.written, "/var/log/siem/unparsed.json": self.unparsed,
                 "/run/siem/log": self.socket, "/var/spool/siem": self.folder}
        if self.certificates:
            found.update({"/etc/siem/ca.pem": self.certificates.pem("ca"), "/etc/siem/cert.pem": self.certificates.pem(self.server),
                          "/etc/siem/key.pem": self.certificates.key(self.server)})
        return found

    def url(self, scheme=None, **settings):
        """What smbtap is given with -o."""
        self.name = settings.get("name")
        schemes = {"newline": "syslog+tcp", "bsd-udp": "syslog+udp", "bsd-tcp": "syslog+tcp", "relp": "relp", "relp+tls": "relp+tls"}
        scheme = scheme or schemes.get(self.kind, "syslog+" + self.kind)
        if self.kind == "newline":
            settings.setdefault("framing", "newline")
        if self.kind in ("tls", "relp+tls"):
            for name, value in (("ca", self.certificates.pem("ca")), ("certificate", self.certificates.pem("client")),
                                ("key", self.certificates.key("client"))):
                settings.setdefault(name, value)
        where = self.socket if self.kind == "unix" else "%s:%d" % (self.address, self.port)
        query = "&".join("%s=%s" % pair for pair in settings.items() if pair[1] is not None)
        return "%s://%s%s" % (scheme, where, "?" + query if query else "")

    # -- life

    def start(self):
        """Also again after it was killed."""
        with open(self.path("configuration"), "w", encoding="ascii") as file:
            file.write(self.configuration())
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self._mend(self.written)
        self._mend(self.unparsed)
        with open(self.path("said"), "ab") as said:
            self.process = subprocess.Popen(self.prefix + ["setpriv", "--pdeathsig", "KILL"] + self.words(), stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=said, env=dict(os.environ, **self.environment()), cwd=self.folder)
        end = time.monotonic() + SECONDS
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed("%s does not start: %s" % (type(self).__name__, self.said()))
            time.sleep(0.02)
        return self

    @staticmethod
    def _mend(file):
        """What comes next does not go on in a line that was torn."""
        if os.path.exists(file) and os.path.getsize(file):
            with open(file, "r+b") as opened:
                opened.seek(-1, os.SEEK_END)
                if opened.read(1) != b"\n":
                    opened.write(b"\n")

    def _listens(self):
        if self.kind == "unix":
            return os.path.exists(self.socket)
        return listens(self.process.pid, self.port, self.kind.endswith("udp"))

    def tell(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.kills += 1
            self.process.kill()
            self.process.wait()

    def stop(self):
        """In order."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def said(self):
        with open(self.path("said"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # -- what it got

    def lines(self, file=None):
        """Whole lines that it wrote."""
        try:
            with open(file or self.written, "rb") as opened:
                data = opened.read()
        except FileNotFoundError:
            return []
        return data[:data.rfind(b"\n") + 1].split(b"\n")[:-1]

    def seen(self):
        found = []
        for line in self.lines():
            try:
                found.append(json.loads(line))
            except ValueError:
                self._note_torn(line)
        return found

    def unparsable(self):
        return self.lines(self.unparsed)

    def messages(self):
        """The records as they came, bytes; without a look at the fields, for they are many."""
        found = []
        for line in self.lines():
            match = MESSAGE.search(line)
            if match and line.endswith(b"}"):
                found.append(json.loads(match.group(1)).encode())
            else:
                self._note_torn(line)
        return found

    def _note_torn(self, line):
        self.torn.add(line)
        if len(self.torn) > self.kills:
            raise Failed("%d lines are torn, and it was killed %d times: %s" % (len(self.torn), self.kills, list(self.torn)[-1]))

    def count(self):
        return len(self.lines())

    def wait(self, count, seconds=20):
        """Until it has so many, or that time is over; returns how many it has."""
        end = time.monotonic() + seconds
        while self.count() < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.count()

    def quiet(self, seconds=0.5, most=20):
        """Until nothing more comes."""
        end, before = time.monotonic() + most, -1
        while time.monotonic() < end:
            now = self.count()
            if now == before:
                break
            before = now
            time.sleep(seconds)
        return self.count()


class Rsyslog(Receiver):
    program = "rsyslogd"
    kinds = ("udp", "tcp", "newline", "tls", "unix", "relp", "relp+tls")

    def configuration(self):
        text = block("rsyslog") + block("rsyslog-" + {"newline": "tcp"}.get(self.kind, self.kind))
        if self.port:
            text = re.sub(r'port="(\d+)"', 'address="%s" port="%d"' % (self.address, self.port), text)
        return 'global(workDirectory="%s")\n' % self.folder + replaced(text, self.places())

    def words(self):
        words = [program("rsyslogd"), "-n", "-f", self.path("configuration"), "-i", self.path("pid")]
        modules = _unpacked("usr", "lib", "*", "rsyslog")
        return words + (["-M", modules] if modules else [])

    def environment(self):
        return {}


class SyslogNg(Receiver):
    program = "syslog-ng"
    kinds = ("udp", "tcp", "newline", "tls", "unix")  # and bsd-udp, bsd-tcp: RFC 3164

    def configuration(self):
        text = block("syslog-ng") + block("syslog-ng-" + self.kind) + block("syslog-ng-log")
        if self.port:
            text = re.sub(r"\bport\(\d+\)", 'ip("%s") port(%d)' % (self.address, self.port), text)
        return replaced(text, self.places())

    def words(self):
        words = [program("syslog-ng"), "-F", "-f", self.path("configuration"), "-R", self.path("persist"), "-c", self.path("control"),
                 "-p", self.path("pid"), "--no-caps"]
        modules = _unpacked("usr", "lib", "syslog-ng", "3.*")
        return words + (["--module-path=" + modules] if modules else [])

    def environment(self):
        libraries = _unpacked("usr", "lib", "syslog-ng")
        return {"LD_LIBRARY_PATH": libraries} if libraries else {}


def need(*classes):
    """The program ends here, as skipped, without one of them."""
    missing = [one.program for one in classes or (Rsyslog, SyslogNg) if not program(one.program)]
    missing += [name for name in ("openssl", "setpriv") if not shutil.which(name)]
    if missing:
        tap.skip_all("not at hand: %s; ./bootstrap test unpacks receivers" % ", ".join(missing))
