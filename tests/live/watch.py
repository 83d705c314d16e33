"""Sensors with 1, 2 and 4 workers and tcpdump, side by side on the same interfaces: what each says must be what a replay of tcpdump's
capture says."""
import json
import os
import signal
import time
import urllib.request

import comparing
import tap
import world

WORKERS = (1, 2, 4)


def _children(pid):
    found = []
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, thread), encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


def _named(pids, name):
    found = []
    for pid in pids:
        with open("/proc/%d/comm" % pid, encoding="ascii") as file:
            found += [pid] * (file.read().strip() == name)
    return found


def keepers(sensor):
    """The processes that start those of its outputs, in the order of these."""
    return sorted(_named(_children(sensor.process.pid), "smbtap-keeper"))


def deliverers(sensor):
    """The processes of its outputs, in their order."""
    return [pid for keeper in keepers(sensor) for pid in _named(_children(keeper), "smbtap-output")]


def metric(port, name):
    """The sum of a metric of its, as it tells it now."""
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=5) as answer:
        text = answer.read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.split("\n") if line.startswith(name))


def replay(smbtap, *captures, arguments=()):
    run = tap.run(smbtap, "-q", *(word for capture in captures for word in ("-r", capture)), *arguments)
    if run.status:
        raise world.Failed("replay: status %d: %s" % (run.status, run.err))
    return tap.records(run.out)


def settled(sensor, seconds=30):
    """Waits until it has decoded what it received; returns its figures. Workers tell theirs once a second."""
    end = time.monotonic() + seconds
    before = None
    while time.monotonic() < end:
        now = sensor.stats()
        waiting = now["packets_received"] - now["packets_dropped_kernel"] - now["packets_decoded"]
        if waiting == 0 and before == now["packets_received"]:
            return now
        before = now["packets_received"]
        time.sleep(1.1)
    raise world.Failed("%s has not decoded within %d s what was sent: %s" % (sensor.name, seconds, json.dumps(now)))


def whole(sensor, title):
    """The output of a sensor that ended: numbers without a hole, from start to stop, nothing lost on the way."""
    records = sensor.records()
    wrong = []
    if [record["seq"] for record in records] != list(range(1, len(records) + 1)):
        wrong.append("seq has holes, or is out of order")
    if len({record["record_id"] for record in records}) != len(records):
        wrong.append("record_id is there twice")
    ends = [record["action"] for record in records if record["object"] == "sensor"]
    if not records or ends[:1] != ["start"] or ends[-1:] != ["stop"] or records[-1]["action"] != "stop":
        wrong.append("no start, or stop is not last: %s" % ends)
    tap.check(title + ": numbered, from start to stop", not wrong, *wrong)
    return records


class Watch:
    def __init__(self, smbtap, build, name, *arguments, interfaces=("span0",), workers=WORKERS, beside=None):
        """beside: the interface that tcpdump looks at."""
        self.smbtap, self.name = smbtap, name
        self.arguments = arguments
        self.tcpdump = world.Tcpdump(beside or interfaces[0], world.path(name + ".pcap"))
        self.sensors = {count: world.Sensor(smbtap, "%s-%d" % (name, count), "--workers", str(count), "--buffer", "64M",
                                            *arguments, interfaces=interfaces, wait=False)
                        for count in workers}
        for sensor in self.sensors.values():
            sensor.wait_ready()

    def wanted(self, expression=None):
        """The records of the capture beside, through the filter that a live run has."""
        if expression is None:
            expression = tap.run(self.smbtap, "--print-filter").out.decode().strip()
        return replay(self.smbtap, self.tcpdump.file, arguments=self.arguments + (expression,))

    def compare(self, expression=None, times=True):
        capture = self.tcpdump.stop()
        for sensor in self.sensors.values():
            sensor.tell(signal.SIGTERM)
        ended = {count: sensor.ended(10) for count, sensor in self.sensors.items()}
        replayed = self.wanted(expression)
        for count, sensor in self.sensors.items():
            title = "%s, %d %s" % (self.name, count, "worker" if count == 1 else "workers")
            status, seconds = ended[count]
            tap.check(title + ": ends with 0 within 5 s", status == 0 and seconds < 5, status, seconds, sensor.err())
            records = whole(sensor, title)
            stop = records[-1]["proto_info"] if records else {}
            lost = {key: stop.get(key) for key in ("packets_dropped_kernel", "records_dropped", "segments_dispatch_dropped")}
            tap.check(title + ": nothing is lost", set(lost.values()) <= {0, None}, lost)
            wanted = comparing.plain(replayed, times, machines=count == 1)
            lines = comparing.difference(wanted, comparing.plain(records, times, machines=count == 1))
            tap.check(title + ": the records of a replay", wanted and not lines, *lines)
        return capture
