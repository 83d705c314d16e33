"""The world of a live test: network namespaces with links between them, and what runs in them: senders, tcpdump, smbtap.

A script calls enter() first. It starts itself anew in namespaces of its own (network, mount, process, host name), so that
when it ends, however it ends, the kernel takes down every process, link and mount. Inside are the user smbtap, whom the
sensor becomes, and a folder that goes with the script. Without root or a tool the script is skipped.

The namespace `wire` is the network that is watched: what is sent from its tx0 comes in at span0, where the sensor is, as from
a mirror port.
"""
import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import tap  # noqa: E402

MARK = "SMBTAP_LIVE_FOLDER"
ALWAYS = ("setpriv", "unshare", "ip", "sysctl", "mount", "tcpdump")
UID = 990
_stamping = None  # while it is open, the kernel stamps each packet once, so that all who capture it see the same time


class Failed(Exception):
    """What a test cannot go on without did not happen; told in one line."""


def command(*words, check=True, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if check and done.returncode:
        raise Failed("%s: exit status %d: %s" % (" ".join(words), done.returncode, done.stdout.strip()))
    return done.stdout


def wait_for(what, seconds, condition):
    """Waits until the condition gives something, and returns that."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed("%s: not within %g s" % (what, seconds))
        time.sleep(0.01)


# ---- entering --------------------------------------------------------------------------------------------------------

def _outside(tools):
    if os.geteuid() != 0:
        tap.skip_all("root is needed, for network namespaces")
    missing = [tool for tool in ALWAYS + tuple(tools) if not shutil.which(tool)]
    if missing:
        tap.skip_all("not installed: " + ", ".join(missing))
    spaces = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    probe = subprocess.run(spaces + ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"], capture_output=True,
                           text=True)
    if probe.returncode:
        tap.skip_all("namespaces with veth links cannot be had here: " + probe.stderr.strip().replace("\n", "; "))
    folder = tempfile.mkdtemp(prefix="smbtap-live-")
    os.chmod(folder, 0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the folder goes
    try:
        done = subprocess.run(["setpriv", "--pdeathsig", "KILL"] + spaces + [sys.executable] + sys.orig_argv[1:],
                              env=tap.once_more(**{MARK: folder}))
        sys.exit(done.returncode)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user():
    for name, line in (("passwd", "smbtap:x:%d:%d::/:/bin/false\n" % (UID, UID)), ("group", "smbtap:x:%d:\n" % UID)):
        with open("/etc/" + name, encoding="utf-8") as file:
            text = "".join(row for row in file if not row.startswith("smbtap:"))
        with open(path(name), "w", encoding="utf-8") as file:
            file.write(text + line)
        command("mount", "--bind", path(name), "/etc/" + name)


def ipv6(on, prefix=(), interface=None):
    """Without it, links are silent but for what a test sends."""
    names = (interface,) if interface else ("all", "default")
    command(*prefix, "sysctl", "-q", "-w", *("net.ipv6.conf.%s.disable_ipv6=%d" % (name, not on) for name in names))


def enter(*tools, sender=True):
    """Returns inside, and there alone. tools: programs that the script needs besides; sender: it calls send()."""
    global _stamping
    if sender and not os.path.exists(os.path.join(sys.argv[2], "live_send")):
        tap.skip_all("live_send is not built")
    if MARK not in os.environ:
        _outside(tools)
    sys.stdout.reconfigure(line_buffering=True)
    command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path())  # a disk that is slow for a while is not what is tested
    command("mount", "-t", "tmpfs", "tmpfs", "/run")  # the names of namespaces are there
    _user()
    command("ip", "netns", "add", "wire")
    for prefix in ((), wire()):
        ipv6(False, prefix)
        command(*prefix, "ip", "link", "set", "lo", "up")
    _stamping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    _stamping.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS


def path(*names):
    """In the script's own folder."""
    return os.path.join(os.environ[MARK], *names)


def folder(name):
    """A new folder that the sensor may write to."""
    made = path(name)
    os.makedirs(made)
    os.chown(made, UID, UID)
    return made


def wire(*words):
    """The words of a command that runs in the watched network."""
    return ("ip", "netns", "exec", "wire") + words


def link(number=0, up=True):
    """A link txN to spanN; returns the latter's name."""
    near, far = "span%d" % number, "tx%d" % number
    command("ip", "link", "add", near, "mtu", "9000", "type", "veth", "peer", "name", far, "mtu", "9000", "netns", "wire")
    command(*wire("ip", "link", "set", far, "up"))
    if up:
        command("ip", "link", "set", near, "up")
    return near


def mirror(source, sink):
    """Copies all that passes the interface source, both ways, to the interface sink, as a switch does to a mirror port; until
    the script ends. What comes out of there has no time stamp of its sender's, as it has on a link of its own."""
    hear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
    hear.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    hear.bind((source, 0))
    say = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    say.bind((sink, 0))
    if os.fork() == 0:
        try:
            while True:
                say.send(hear.recv(65536))
        finally:
            os._exit(1)
    hear.close()
    say.close()


# ---- senders ---------------------------------------------------------------------------------------------------------

def made(build, kind, size):
    """A capture of bench/make_load, in memory, and what is in it."""
    capture = path("%s.pcap" % kind)
    return capture, json.loads(command(os.path.join(build, "make_load"), kind, capture, str(size)))


def send(build, capture, *layers, interface="tx0", rate=None, pace=False):
    """Sends a capture with tests/live/send; returns what it says of it."""
    how = ["-p"] if pace else ["-r", str(rate)] if rate else []
    return json.loads(command(*wire(os.path.join(build, "live_send"), *how, interface, capture, *layers)))


def tcpreplay(capture, core, *words, interface="tx0"):
    """Sends a capture with tcpreplay on a core; returns packets sent, packets a second and Mbit/s."""
    out = command(*wire("taskset", "-c", str(core), "tcpreplay", "-i", interface, "--preload-pcap", "--stats=0", *words, capture))
    failed = re.search(r"Failed packets:\s+(\d+)", out)
    packets = re.search(r"Successful packets:\s+(\d+)", out)
    rated = re.search(r"Rated: ([\d.]+) Bps, ([\d.]+) Mbps, ([\d.]+) pps", out)
    if not packets or not rated or (failed and failed.group(1) != "0"):
        raise Failed("tcpreplay: " + out)
    return int(packets.group(1)), float(rated.group(3)), float(rated.group(2))


class Tcpdump:
    """A capture beside the sensor's."""

    def __init__(self, interface, to, *words, prefix=()):
        self.file = to
        self.process = subprocess.Popen(
            prefix + ("tcpdump", "-i", interface, "-n", "-s", "70000", "-B", "262144", "-U", "--immediate-mode",
                      "--time-stamp-precision=nano", "-Z", "root", "-w", to) + words, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = b""
        for line in self.process.stderr:
            said += line
            if b"listening on" in line:
                return
        raise Failed("tcpdump does not start: " + said.decode())

    def stop(self):
        """Ends when nothing more comes; nothing may be missing from it."""
        size = -1
        while size != os.path.getsize(self.file):
            size = os.path.getsize(self.file)
            time.sleep(0.2)
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate()
        dropped = re.search(rb"(\d+) packets? dropped by kernel", said)
        if not dropped or dropped.group(1) != b"0":
            raise Failed("tcpdump lost packets: " + said.decode())
        return self.file


# ---- the sensor ------------------------------------------------------------------------------------------------------

class Pipe:
    """A FIFO for a sensor's output, that is read when the test wants it."""

    def __init__(self, name):
        self.path = os.path.join(folder(name), "records")
        os.mkfifo(self.path)
        os.chown(self.path, UID, UID)
        self._end = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.data = bytearray()

    def some(self, size):
        """Reads so much, where there is as much."""
        until = len(self.data) + size
        while len(self.data) < until:
            try:
                part = os.read(self._end, min(until - len(self.data), 1 << 20))
            except BlockingIOError:
                part = b""
            if not part:
                return
            self.data += part

    def all(self, process, seconds=20):
        """Reads until the process has ended and nothing more comes."""
        end = time.monotonic() + seconds
        quiet = 0
        while (process.poll() is None or quiet < 20) and time.monotonic() < end:
            size = len(self.data)
            self.some(1 << 30)
            quiet = quiet + 1 if size == len(self.data) else 0
            time.sleep(0.01)


class Sensor:
    """A smbtap that captures. Its records go to a file in a folder that it may write to."""

    def __init__(self, smbtap, name, *arguments, interfaces=("span0",), output=None, wait=True, prefix=(), deaf=False,
                 standard_output=subprocess.DEVNULL):
        """deaf: after it is ready, nobody listens to what it tells the service manager."""
        self.name = name
        self.folder = folder(name)
        self.output = output or os.path.join(self.folder, "records.jsonl")
        self.said = path(name + ".err")
        self.notes = b""
        self.deaf = deaf
        self._standard_output = standard_output
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(os.path.join(self.folder, "notify"))
        os.chmod(os.path.join(self.folder, "notify"), 0o777)
        words = [word for interface in interfaces for word in ("-i", interface)]
        self.words = list(prefix) + [os.path.abspath(smbtap)] + words + ["-o", self.output] + list(arguments)
        self.process = None
        threading.Thread(target=self._listen, daemon=True).start()
        self.start(wait)

    def start(self, wait=True):
        """Also again, after it ended."""
        self.notes = b""
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=self._standard_output, stderr=said,
                                            env=dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder, "notify")))
        atexit.register(self.kill)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        wait_for("%s is ready" % self.name, 20, self.ready)

    def _listen(self):
        while not (self.deaf and b"READY=1" in self.notes):
            self.notes += self._notify.recv(65536) + b"\n"

    def ready(self):
        if self.process.poll() is not None:
            raise Failed("%s ended with status %d: %s" % (self.name, self.process.returncode, self.err()))
        return b"READY=1" in self.notes

    def err(self):
        with open(self.said, encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(self):
        """Whole lines of its output so far."""
        if not os.path.exists(self.output):
            return []
        with open(self.output, "rb") as file:
            data = file.read()
        return data[:data.rfind(b"\n") + 1].split(b"\n")[:-1]

    def records(self):
        return [json.loads(line) for line in self.lines()]

    def sensor(self, action):
        """Its records of itself with that action."""
        return [json.loads(line) for line in self.lines() if b'"object":"sensor"' in line and
                b'"action":"%s"' % action.encode() in line]

    def tell(self, number):
        self.process.send_signal(number)

    def stats(self):
        """Asks for its figures, and waits for them."""
        before = len(self.sensor("stats"))
        self.tell(signal.SIGUSR1)
        return wait_for("%s gives its figures" % self.name, 5, lambda: self.sensor("stats")[before:])[0]["proto_info"]

    def stop(self, number=signal.SIGTERM, seconds=5):
        """Returns its exit status and the time it took."""
        self.tell(number)
        return self.ended(seconds)

    def ended(self, seconds=5):
        """The same, after it was told to stop."""
        start = time.monotonic()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed("%s did not end within %g s: %s" % (self.name, seconds, self.err())) from None
        return self.process.returncode, time.monotonic() - start

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def status(self, key, thread=None):
        """A line of /proc/PID/status."""
        at = "/proc/%d/" % self.process.pid + ("task/%s/" % thread if thread else "") + "status"
        with open(at, encoding="ascii", errors="replace") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith(key + ":"))

    def threads(self):
        return os.listdir("/proc/%d/task" % self.process.pid)

    def resident(self):
        return int(self.status("VmRSS").split()[0]) << 10

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


def main(test):
    """Runs the test, which fails as a whole where it cannot go on."""
    try:
        test()
    except Failed as error:
        tap.check("goes on", False, error)
    except Exception:  # pylint: disable=broad-except
        tap.check("goes on", False, traceback.format_exc())
    tap.finish()
