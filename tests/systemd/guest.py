#!/usr/bin/env python3
"""What boot.py runs in its container, where systemd runs and smbtap is installed.

usage: guest.py CAPTURE
"""
import ctypes
import glob
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import certificates
import pcapfile
from tap import check, finish, skip

CONFIGURATION, RECORDS = "/etc/smbtap/smbtap.yaml", "/var/log/smbtap/records.jsonl"
GOOD = "interfaces: [eth1]\noutput: %s\nbuffer: 16M\nworkers: 1\n" % RECORDS
# Two outputs over sockets beside the file; the key of one is a credential, and its spool is where it is by default.
SIEM_PORT, SPOOL = 6514, "/var/lib/smbtap/spool"
OUTPUTS = """interfaces: [eth1]
buffer: 16M
workers: 1
outputs:
  - to: %s
  - name: siem
    to: syslog+tls://127.0.0.1
    ca: /etc/smbtap/ca.pem
    certificate: /etc/smbtap/client.pem
    key: $CREDENTIALS_DIRECTORY/client.key
  - name: journal
    to: syslog+unix:///dev/log
    objects: [sensor]
""" % RECORDS
CREDENTIAL = "[Service]\nLoadCredential=client.key:/etc/smbtap/client.key\n"
# Shorter than the unit has it, so that the test is; the rest is as installed.
DROP_IN = "[Service]\nRestartSec=200ms\nWatchdogSec=%d\n"
WATCHDOG_SECONDS = 3
UNIT, INSTANCE = "smbtap.service", "smbtap@eth1.service"
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
SERVER_PORT = 445
PACKETS = pcapfile.read(sys.argv[1])


def call(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def show(unit):
    """The properties of a unit that are looked at."""
    names = ("ActiveState", "SubState", "MainPID", "StatusText", "NRestarts", "Result", "ExecMainStatus", "ExecMainCode", "ControlGroup")
    return dict(line.split("=", 1) for line in call("systemctl", "show", unit, "-p", ",".join(names)).stdout.splitlines())


def journal(unit):
    return call("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


def until(condition, seconds=10):
    """Whether the condition came true; what it says then."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result or time.monotonic() > end:
            return result
        time.sleep(0.05)


def becomes(unit, **wanted):
    return until(lambda: all(show(unit)[name] == value for name, value in wanted.items()))


def records(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file.read().split("\n")[:-1]]


def actions(path):
    return [record["object"] + "/" + record["action"] for record in records(path)]


def send(port):
    """The capture's one connection, from another port of the client's each time: else it would be the same once more."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("peer1", 0))
        for packet in PACKETS:
            tcp = 14 + 4 * (packet.data[14] & 15)
            ports = [port if number != SERVER_PORT else number for number in struct.unpack_from(">HH", packet.data, tcp)]
            wire.send(packet.data[:tcp] + struct.pack(">HH", *ports) + packet.data[tcp + 4:])


POWERS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def plug_in():
    call("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "peer1")
    call("ip", "link", "set", "peer1", "up")
    call("ip", "link", "set", "eth1", "up")


def status(path):
    with open(path + "/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if line.startswith(POWERS + ("Name", "NoNewPrivs", "Seccomp", "Uid")))


def hold_waiting():
    """The interface is not there yet."""
    call("systemctl", "start", "--no-block", UNIT)
    waits = until(lambda: "eth1" in show(UNIT)["StatusText"])
    now = show(UNIT)
    check("an interface that is not there is waited for, and the status says so", waits and now["ActiveState"] == "activating", now,
          journal(UNIT))
    filters = int(status("/proc/" + now["MainPID"])["Seccomp_filters"])
    plug_in()
    check("when it is there the service is ready", becomes(UNIT, ActiveState="active", SubState="running"), show(UNIT), journal(UNIT))
    return filters


def hold_powers(filters):
    """Every thread of every process of the service, once it is ready: the packets come after that. filters: how many seccomp
    filters it had before, those of the unit."""
    for path in [path for pid in pids() for path in glob.glob("/proc/%s/task/*" % pid)]:
        have = status(path)
        none = all(int(have[name], 16) == 0 for name in POWERS)
        check("%s (%s): no capability, not root, and none to be had" % (path.split("/")[4], have["Name"]),
              none and have["NoNewPrivs"] == "1" and "0" not in have["Uid"].split(), have)
    main = glob.glob("/proc/%s/task/*" % show(UNIT)["MainPID"])
    have = [int(status(path)["Seccomp_filters"]) for path in main]
    check("each thread of the sensor is under a filter of its own besides", len(have) >= 2 and min(have) > filters, filters, have)


def pids():
    group = show(UNIT)["ControlGroup"]
    for base in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        path = base + group + "/cgroup.procs"
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                return file.read().split()
    return []


def hold_records():
    send(49001)
    check("records come", until(lambda: "flow/message" in actions(RECORDS)), actions(RECORDS), journal(UNIT))
    about = os.stat(RECORDS)
    check("their file is the user's, and its group may read it", about.st_uid != 0 and about.st_mode & 0o777 == 0o640, about)
    told = until(lambda: re.search(r"[1-9]\d* packets", show(UNIT)["StatusText"]))
    check("the status says how many packets and drops", told and "drop" in show(UNIT)["StatusText"], show(UNIT)["StatusText"])


def hold_signals():
    call("systemctl", "kill", "--kill-who=main", "--signal=USR1", UNIT)
    check("USR1: statistics", until(lambda: "sensor/stats" in actions(RECORDS)), actions(RECORDS))
    pid = show(UNIT)["MainPID"]
    os.rename(RECORDS, RECORDS + ".1")
    call("systemctl", "reload", UNIT)
    check("reload: the file is made anew", until(lambda: os.path.exists(RECORDS)) and becomes(UNIT, ActiveState="active"), show(UNIT),
          journal(UNIT))
    send(49002)
    check("reload: records go there", until(lambda: "flow/message" in actions(RECORDS)), actions(RECORDS))
    write(CONFIGURATION, "interfaces: [eth1\nno such key: 1\n")
    call("systemctl", "reload", UNIT)
    check("reload: a broken configuration is refused with its name", until(lambda: CONFIGURATION + ":" in journal(UNIT)), journal(UNIT))
    write(CONFIGURATION, GOOD)
    check("reload: and it goes on", becomes(UNIT, ActiveState="active", SubState="running") and show(UNIT)["MainPID"] == pid, show(UNIT))


def restarted(pid, restarts, how):
    def is_another():
        now = show(UNIT)
        return now["ActiveState"] == "active" and now["MainPID"] not in ("0", pid) and int(now["NRestarts"]) == restarts
    check("%s: it is started again" % how, until(is_another, 20), show(UNIT), journal(UNIT))


def hold_killed():
    before = actions(RECORDS)
    pid = show(UNIT)["MainPID"]
    call("systemctl", "kill", "--kill-who=main", "--signal=KILL", UNIT)
    restarted(pid, 1, "killed")
    after = until(lambda: actions(RECORDS)[len(before):])
    check("killed: the records of before are still there", actions(RECORDS)[:len(before)] == before and after, before, after)
    check("killed: those of after begin a run of their own", after and after[0] == "sensor/start", after)


def hold(thread):
    """Stops one thread, from a process that stays until the thread is gone, for that has to take note of it."""
    said, say = os.pipe()
    if os.fork() == 0:
        libc = ctypes.CDLL(None)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        good = libc.ptrace(PTRACE_SEIZE, thread, None, None) == 0 and libc.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
        os.write(say, b"y" if good else b"n")
        while good and os.WIFSTOPPED(os.waitpid(thread, WALL)[1]):
            pass
        os._exit(0)
    return os.read(said, 1) == b"y"


def hold_watchdog():
    """One worker is held, all else runs."""
    pid = show(UNIT)["MainPID"]
    time.sleep(WATCHDOG_SECONDS + 1)
    check("a quiet link does not starve the watchdog", show(UNIT)["MainPID"] == pid and show(UNIT)["NRestarts"] == "1", show(UNIT))
    threads = {status(path)["Name"]: int(path.split("/")[4]) for path in glob.glob("/proc/%s/task/*" % pid)}
    worker = [tid for name, tid in threads.items() if name.startswith("worker")]
    if not check("a worker is called one", len(worker) == 1, threads):
        return
    check("one worker can be held", hold(worker[0]))
    restarted(pid, 2, "a worker that hangs")
    check("by the watchdog", "atchdog" in journal(UNIT), journal(UNIT))


def hold_taken_away():
    """What several workers share cannot be opened again by them: it takes a new start."""
    if len(os.sched_getaffinity(0)) < 2:
        skip("an interface that is taken away from two workers", "there is one core")
        return
    write(CONFIGURATION, GOOD.replace("workers: 1", "workers: 2"))
    call("systemctl", "restart", UNIT)
    pid = show(UNIT)["MainPID"]
    call("ip", "link", "delete", "eth1")
    waits = until(lambda: show(UNIT)["MainPID"] not in ("0", pid) and "eth1" in show(UNIT)["StatusText"])
    check("taken away from two workers: started again, and waited for", waits and show(UNIT)["ActiveState"] == "activating", show(UNIT),
          journal(UNIT))
    plug_in()
    check("and when it is back the service is ready", becomes(UNIT, ActiveState="active"), show(UNIT), journal(UNIT))
    before = actions(RECORDS).count("flow/message")
    send(49005)
    check("and records come", until(lambda: actions(RECORDS).count("flow/message") > before), actions(RECORDS)[-40:])


def hold_end():
    send(49003)
    until(lambda: actions(RECORDS)[-1] == "flow/message", 2)
    begin = time.monotonic()
    call("systemctl", "stop", UNIT)
    seconds = time.monotonic() - begin
    check("stop: within 5 seconds, and as one that ended well: %.1f s" % seconds, seconds < 5 and show(UNIT)["Result"] == "success" and
          show(UNIT)["ExecMainStatus"] == "0", show(UNIT), journal(UNIT))
    check("stop: the last record says so", actions(RECORDS)[-1] == "sensor/stop" and "flow/end" in actions(RECORDS), actions(RECORDS))


class Siem(threading.Thread):
    """A receiver over TLS, with a name in its certificate, for clients of its authority."""

    def __init__(self, made):
        super().__init__(daemon=True)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=made.pem("ca"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_cert_chain(made.pem("server"), made.key("server"))
        self.listener = socket.create_server(("127.0.0.1", SIEM_PORT))
        self.got = b""
        self.start()

    def run(self):
        while True:
            with self.listener.accept()[0] as connection, self.context.wrap_socket(connection, server_side=True) as client:
                while (piece := client.recv(65536)):
                    self.got += piece

    def ids(self):
        return set(re.findall(rb'{"schema_version":"[^"]*","record_id":"([^"]+)"', self.got))


def wait_in(folder):
    """Bytes that wait in the segments of the spool there."""
    return sum(os.path.getsize(path) for path in glob.glob(SPOOL + "/" + folder + "/*"))


def hold_outputs():
    """A receiver that is away while the service is started anew: what waits is in the state directory, and goes on when it is back."""
    made = certificates.Certificates("/etc/smbtap/made")
    for name in ("ca.pem", "client.pem", "client.key"):
        shutil.copy(made.path(name), "/etc/smbtap")
    os.chmod("/etc/smbtap/client.key", 0o600)
    os.remove(RECORDS)
    write(CONFIGURATION, OUTPUTS)
    write("/etc/systemd/system/%s.d/credential.conf" % UNIT, CREDENTIAL)
    call("systemctl", "daemon-reload")
    call("systemctl", "start", UNIT)
    check("outputs: the service is ready while a receiver is away", becomes(UNIT, ActiveState="active", SubState="running"), show(UNIT),
          journal(UNIT))
    send(49007)
    until(lambda: "flow/message" in actions(RECORDS))
    check("outputs: what waits is in the state directory", until(lambda: wait_in("siem") > 0), os.listdir("/var/lib/smbtap"), journal(UNIT))
    about = os.stat(SPOOL + "/siem" if os.path.exists(SPOOL + "/siem") else "/")
    check("outputs: which is for its user alone", about.st_uid != 0 and about.st_mode & 0o077 == 0, about)
    call("systemctl", "restart", UNIT)
    send(49008)
    siem = Siem(made)
    wanted = until(lambda: actions(RECORDS).count("sensor/start") == 2 and len({record["record_id"] for record in records(RECORDS)}))
    came = until(lambda: {record["record_id"].encode() for record in records(RECORDS)} <= siem.ids(), 20)
    check("outputs: all of both runs arrives, the key is the credential", wanted and came, sorted(
        {record["record_id"].encode() for record in records(RECORDS)} - siem.ids())[:4], len(siem.ids()), journal(UNIT))
    entries = call("journalctl", "--no-pager", "-o", "cat", "SYSLOG_FACILITY=16").stdout
    check("outputs: /dev/log can be reached as well", '"action":"start"' in entries and '"action":"message"' not in entries, entries[:800])
    call("systemctl", "stop", UNIT)
    check("outputs: and it ends well", show(UNIT)["Result"] == "success" and show(UNIT)["ExecMainStatus"] == "0", show(UNIT), journal(UNIT))
    check("outputs: with the last record", until(lambda: b'"action":"stop"' in siem.got), siem.got[-300:], journal(UNIT))


def scraped():
    try:
        with urllib.request.urlopen("http://127.0.0.1:9146/metrics", timeout=5) as answer:
            return answer.read().decode()
    except OSError as error:
        return str(error)


def hold_instance():
    """Its interface, its file, and what it has of its own."""
    write(CONFIGURATION, "buffer: 16M\nworkers: 1\n")
    write("/etc/systemd/system/%s.d/options.conf" % INSTANCE.replace("eth1", ""),
          "[Service]\nEnvironment='SMBTAP_OPTIONS=--metrics 9146 --metrics-file /var/lib/smbtap/%i.prom'\n")
    call("systemctl", "daemon-reload")
    run = call("systemctl", "start", INSTANCE)
    send(49006)
    path = "/var/log/smbtap/eth1.jsonl"
    check("an instance: its interface, its file", run.returncode == 0 and until(lambda: "flow/message" in actions(path)), run.stderr,
          show(INSTANCE), journal(INSTANCE))
    wanted = re.compile(r"^smbtap_tcp_packets_total [1-9]", re.M)
    check("an instance: metrics, as SMBTAP_OPTIONS has them", until(lambda: wanted.search(scraped())), scraped(), journal(INSTANCE))
    call("systemctl", "stop", INSTANCE)
    check("an instance: ends well", show(INSTANCE)["Result"] == "success", show(INSTANCE))
    with open("/var/lib/smbtap/eth1.prom", encoding="utf-8") as file:
        text = file.read()
    check("an instance: and leaves its last figures in the file", wanted.search(text), text)


def hold_faults():
    write(CONFIGURATION, "no_such_key: 1\n")
    call("systemctl", "start", UNIT)
    time.sleep(1)
    now = show(UNIT)
    check("a broken configuration at the start: not again and again", now["ActiveState"] == "failed" and now["ExecMainStatus"] == "2", now,
          journal(UNIT))
    write(CONFIGURATION, GOOD)
    call("systemctl", "stop", UNIT)
    write("/etc/systemd/system/smbtap.service.d/no.conf", "[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\nRestart=no\n")
    call("systemctl", "daemon-reload")
    call("systemctl", "start", UNIT)
    now = show(UNIT)
    check("without its capability: exit status 1, and the line says how to get it", now["ExecMainStatus"] == "1" and
          "cap_net_raw" in journal(UNIT).lower(), now, journal(UNIT))


def main():
    write(CONFIGURATION, GOOD)
    for unit in (UNIT, "smbtap@.service"):
        os.makedirs("/etc/systemd/system/%s.d" % unit, exist_ok=True)
        write("/etc/systemd/system/%s.d/test.conf" % unit, DROP_IN % WATCHDOG_SECONDS)
    call("systemctl", "daemon-reload")
    hold_powers(hold_waiting())
    hold_records()
    hold_signals()
    hold_killed()
    hold_watchdog()
    hold_taken_away()
    hold_end()
    hold_outputs()
    hold_instance()
    hold_faults()
    check("the journal has nothing but what smbtap and systemd say", "libcap-ng" not in journal(UNIT), journal(UNIT))
    finish()


main()
