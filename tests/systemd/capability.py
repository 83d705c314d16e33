#!/usr/bin/env python3
"""The unit's own command, started as the unit has it: as an unprivileged user with the capability of the unit and no other. It is
shown that this one is needed, suffices and is given up, and that the calls it makes are those that the unit lets through.

usage: capability.py SMBTAP

The unit is the one that meson made beside SMBTAP. Network and service manager are this script's: by hand it is

    setpriv --reuid=smbtap --regid=smbtap --clear-groups --no-new-privs --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \\
        --bounding-set=-all,+net_raw smbtap -c /etc/smbtap/smbtap.yaml
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pcapfile
from tap import PCAPS, check, finish, skip, skip_all

APART = "SMBTAP_TEST_APART"  # set in the network namespace of its own
NOBODY = 65534
SECONDS = 20
# Libraries do without them: libcap-ng asks the kernel, and malloc keeps to its default.
DISPENSABLE = ("/proc/sys/kernel/cap_last_cap", "/proc/sys/vm/overcommit_memory")
SERVER_PORT = 445
PACKETS = pcapfile.read(os.path.join(PCAPS, "dialect-3.1.1.pcap"))


def unit(smbtap):
    """The unit's settings: each with the list of its values."""
    settings = {}
    with open(os.path.join(os.path.dirname(smbtap), "systemd", "smbtap.service"), encoding="utf-8") as file:
        for key, value in re.findall(r"^(\w+)=(.*)$", file.read(), re.M):
            settings.setdefault(key, []).append(value)
    return settings


def command(settings, smbtap, configuration):
    """The unit's, with program and configuration of this test; variables are empty, as the unit has them."""
    words = [word for word in settings["ExecStart"][0].split() if not word.startswith("$")]
    words[0], words[words.index("-c") + 1] = smbtap, configuration
    return words


def privileges(capabilities):
    only = "-all" + "".join(",+" + name.lower().replace("cap_", "", 1) for name in capabilities)
    return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", "--no-new-privs", "--inh-caps=" + only,
            "--ambient-caps=" + only, "--bounding-set=" + only]


class Manager:
    """As a service manager it starts a program, and hears what that says."""

    def __init__(self, words):
        self.said = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0smbtap-test-%d" % os.getpid())
        self.socket.settimeout(0.1)
        environment = dict(os.environ, NOTIFY_SOCKET="@smbtap-test-%d" % os.getpid(), WATCHDOG_USEC="4000000")
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def hears(self, wanted, seconds=SECONDS):
        """Whether it said what matches wanted, from now on or, where nothing came since, before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.said.append(self.socket.recv(4096).decode())
            except socket.timeout:
                if self.process.poll() is not None:
                    return False
                continue
            if re.search(wanted, self.said[-1]):
                return True
        return False

    def end(self, number=None):
        """Exit status, what it wrote, and how long it took."""
        begin = time.monotonic()
        if number:
            os.kill(self.pid(), number)
        try:
            out = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out = self.process.communicate()
        self.socket.close()
        return self.process.returncode, b"".join(out).decode("utf-8", "replace"), time.monotonic() - begin

    def pid(self):
        """Of the program itself, which strace has for a child."""
        with open("/proc/%d/comm" % self.process.pid, encoding="ascii") as file:
            if file.read().strip() != "strace":
                return self.process.pid
        with open("/proc/%d/task/%d/children" % ((self.process.pid,) * 2), encoding="ascii") as file:
            return int(file.read().split()[0])


POWERS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def status(path):
    with open(path + "/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if line.startswith(POWERS + ("Name", "NoNewPrivs", "Seccomp:", "Uid")))


def tasks(pid):
    """The threads of a process, and of the processes that it started."""
    threads = glob.glob("/proc/%d/task/*" % pid)
    for path in list(threads):
        with open(path + "/children", encoding="ascii") as file:
            threads += [thread for child in file.read().split() for thread in tasks(int(child))]
    return threads


def send(port):
    """The capture's one connection, from another port of the client's each time: else it would be the same once more."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("peer1", 0))
        for packet in PACKETS:
            tcp = 14 + 4 * (packet.data[14] & 15)
            ports = [port if number != SERVER_PORT else number for number in struct.unpack_from(">HH", packet.data, tcp)]
            wire.send(packet.data[:tcp] + struct.pack(">HH", *ports) + packet.data[tcp + 4:])


def actions(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return [json.loads(line)["action"] for line in file.read().split("\n")[:-1]]


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def hold_one(words, capabilities, output):
    manager = Manager(privileges(capabilities) + words)
    if not check("with %s alone it starts" % " ".join(capabilities), manager.hears("^READY=1"), manager.said, *manager.end(signal.SIGTERM)
                 if manager.process.poll() is not None else ()):
        return
    for path in tasks(manager.pid()):
        have = status(path)
        check("%s: and has none when it is ready" % have["Name"], have["NoNewPrivs"] == "1" and have["Seccomp"] == "2" and
              all(int(have[name], 16) == 0 for name in POWERS), have)
    send(49001)
    check("records come", until(lambda: "message" in actions(output)), actions(output))
    check("STATUS= says packets", manager.hears(r"^STATUS=.*[1-9]\d* packets"), manager.said)
    check("WATCHDOG=1 comes, at least twice in its time", all(manager.hears("^WATCHDOG=1$", 2) for _ in range(4)), manager.said)
    os.kill(manager.pid(), signal.SIGHUP)
    check("HUP: RELOADING=1 with the time", manager.hears(r"^RELOADING=1\nMONOTONIC_USEC=\d+$"), manager.said)
    check("HUP: READY=1 after it", manager.hears("^READY=1"), manager.said)
    os.kill(manager.pid(), signal.SIGTERM)
    check("TERM: STOPPING=1", manager.hears("^STOPPING=1"), manager.said)
    code, out, seconds = manager.end()
    check("TERM: exit status 0 within 5 s: %.1f" % seconds, code == 0 and seconds < 5, code, out)


def hold_none(words):
    manager = Manager(privileges([]) + words)
    code, out, _ = manager.end()
    check("without it, exit status 1 and one line that says how to get it", code == 1 and out.count("\n") == 1 and
          "cap_net_raw" in out.lower(), code, out)


def call_sets():
    """The sets of system calls that systemd has names for."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True).stdout
    sets, name = {}, None
    for line in text.split("\n"):
        word = line.strip()
        if line.startswith("@"):
            name = word
            sets[name] = set()
        elif word and name and not word.startswith("#"):
            sets[name].add(word)
    return sets


def let_through(lines):
    """The calls that the lines of SystemCallFilter= let through."""
    sets, allowed = call_sets(), set()

    def expand(word):
        return set().union(*map(expand, sets[word])) if word.startswith("@") else {word}
    for line in lines:
        named = set().union(*map(expand, line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def hold_calls(words, settings, folder, output):
    if not shutil.which("strace") or not shutil.which("systemd-analyze"):
        skip("the unit lets through what it calls", "needs strace and systemd-analyze")
        return
    trace = os.path.join(folder, "trace")
    manager = Manager(["strace", "-f", "-qq", "-o", trace] + privileges(settings["AmbientCapabilities"][0].split()) + words)
    ready = manager.hears("^READY=1")
    before = len(actions(output))
    send(49002)
    came = until(lambda: "message" in actions(output)[before:])
    os.kill(manager.pid(), signal.SIGHUP)
    again = manager.hears("^READY=1")
    os.kill(manager.pid(), signal.SIGUSR1)
    until(lambda: "stats" in actions(output)[before:])
    with urllib.request.urlopen("http://127.0.0.1:9145/metrics", timeout=SECONDS) as answer:
        scraped = answer.read()
    code, out, _ = manager.end(signal.SIGTERM)
    check("it runs under strace", ready and came and again and b"smbtap_packets_total" in scraped and code == 0, ready, came, again,
          code, out, manager.said)
    with open(trace, encoding="utf-8", errors="replace") as file:
        text = file.read()
    text = text[text.find('execve("%s"' % words[0]):]
    called = set(re.findall(r"^\d+ +(\w+)\(", text, re.M))
    more = called - let_through(settings["SystemCallFilter"])
    check("the unit lets through the %d calls that it makes" % len(called), len(called) > 30 and not more, sorted(more))
    families = set(re.findall(r"\bsocket\((AF_\w+)", text))
    check("and its %d address families" % len(families), families and families <= set(settings["RestrictAddressFamilies"][0].split()), families)
    opened = re.findall(r'\bopen(?:at)?\((?:AT_FDCWD, )?"(/(?:proc|home|root|run/user)/[^"]*)"[^)]*\) = \d', text)
    hidden = [path for path in opened if not re.match(r"/proc/(self|thread-self|\d+)/", path) and path not in DISPENSABLE]
    check("and it opens nothing that the unit hides", not hidden, hidden)


def main():
    smbtap = os.path.abspath(sys.argv[1])
    if os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", "unshare", "ip"))):
        skip_all("needs root, setpriv, unshare and ip")
    if APART not in os.environ:
        done = subprocess.run(["unshare", "--net", sys.executable] + sys.argv, env=dict(os.environ, **{APART: "1"}))
        sys.exit(done.returncode)
    if subprocess.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "peer1"], capture_output=True).returncode != 0:
        skip_all("an interface cannot be made")
    for name in ("lo", "peer1", "eth1"):
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    settings = unit(smbtap)
    with tempfile.TemporaryDirectory(prefix="smbtap-capability-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        configuration, output = (os.path.join(folder, name) for name in ("smbtap.yaml", "records.jsonl"))
        with open(configuration, "w", encoding="ascii") as file:
            file.write("interfaces: [eth1]\noutput: %s\nbuffer: 16M\nworkers: 1\nmetrics: 9145\nmetrics_file: %s.prom\n" % (output, output))
        os.chmod(configuration, 0o644)
        words = command(settings, smbtap, configuration)
        hold_one(words, settings["AmbientCapabilities"][0].split(), output)
        hold_none(words)
        hold_calls(words, settings, folder, output)
    finish()


main()
