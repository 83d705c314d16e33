#!/usr/bin/env python3
"""What a sensor says of itself: records of the sensor, metrics and findings about its own health, of the same packets, agree.

usage: health.py SMBTAP BUILD
"""
import json
import os
import sys
import time
import urllib.request

import world
import metrics_format  # noqa: E402
import pcapfile  # noqa: E402
import tap  # noqa: E402

sys.path.insert(0, os.path.join(tap.ROOT, "tests", "golden"))

import schema  # noqa: E402

CAPTURE, LARGE, PORT, INTERVAL = "dialect-3.1.1", "large", 9145, 1
SILENT = {"no_packets"}  # what a quiet link is told for between what a test sends


def packets(stem):
    return pcapfile.read(os.path.join(tap.ROOT, tap.captures(stem)[0]))


def write(name, chosen):
    with open(world.path(name), "wb") as file:
        file.write(pcapfile.pcap(chosen))
    return world.path(name)


def ports(packet):
    """Where they stand."""
    return 14 + (packet.data[14] & 15) * 4


def to_server(packet):
    at = ports(packet)
    return int.from_bytes(packet.data[at + 2:at + 4], "big") == 445


def from_another_port(packet):
    """So that it is another connection, and not what trails of the last one."""
    at = ports(packet) + (0 if to_server(packet) else 2)
    port = int.from_bytes(packet.data[at:at + 2], "big") ^ 1
    return packet._replace(data=packet.data[:at] + port.to_bytes(2, "big") + packet.data[at + 2:])


def with_holes(stem):
    """Without every fifth packet that carries much data."""
    kept, large = [], 0
    for packet in packets(stem):
        large += packet.length > 1000
        if packet.length <= 1000 or large % 5:
            kept.append(packet)
    return kept


class Health:
    def __init__(self, smbtap, build):
        self.smbtap, self.build = smbtap, build
        self.file = os.path.join(world.path("health"), "smbtap.prom")
        self.sensor = world.Sensor(smbtap, "health", "--workers", "1", "--buffer", "64M", "--metrics", str(PORT),
                                   "--metrics-file", self.file, "--stats-interval", "%ds" % INTERVAL)

    def findings(self):
        """Those about the sensor itself; others are about clients and servers."""
        return [record for record in self.sensor.records() if record["object"] == "finding" and "src_ip" not in record]

    def rules(self):
        return [record["rule_id"] for record in self.findings()]

    def intervals(self, count):
        before = len(self.sensor.sensor("stats"))
        world.wait_for("%d intervals" % count, 10 * INTERVAL * count + 10,
                       lambda: len(self.sensor.sensor("stats")) >= before + count)

    def send(self, path):
        return world.send(self.build, path)["packets"]

    def told(self, rule, count, seconds=20):
        return world.wait_for("finding " + rule, seconds, lambda: self.rules().count(rule) >= count)

    def scrape(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % PORT, timeout=5) as answer:
            return metrics_format.parse(answer.read().decode())

    # ---- the cases

    def silence(self):
        """A quiet link is told once, and once more after packets came."""
        self.told("no_packets", 1)
        self.intervals(3)
        tap.check("no packets: told once while it lasts", self.rules() == ["no_packets"], self.rules())
        finding = self.findings()[0]
        tap.check("it names interface and evidence",
                  finding["capture"] == {"interface": "span0"} and "src_ip" not in finding and
                  finding["evidence"][0] in {record["record_id"] for record in self.sensor.sensor("stats")}, finding)
        self.sent = self.send(write("both.pcap", packets(CAPTURE)))
        self.told("no_packets", 2)
        tap.check("both directions, and nothing lost: nothing else is told", set(self.rules()) == SILENT, self.rules())

    def one_side(self):
        self.sent += self.send(write("one.pcap", [from_another_port(packet) for packet in packets(CAPTURE) if to_server(packet)]))
        self.told("one_direction", 1)
        self.intervals(2)
        tap.check("one direction: told once", self.rules().count("one_direction") == 1 and
                  set(self.rules()) == SILENT | {"one_direction"}, self.rules())

    def loss(self):
        self.sent += self.send(write("holes.pcap", with_holes(LARGE)))
        self.told("capture_loss", 1)
        finding = [record for record in self.findings() if record["rule_id"] == "capture_loss"][0]
        missed = self.sensor.stats()["missed_bytes"]
        tap.check("bytes missed are told", "bytes missed (%d)" % missed in finding["summary"] and missed > 0 and
                  finding["count"] >= 1, missed, finding)

    def agreement(self):
        """Nothing is sent now: record, scrape and file are of the same figures."""
        self.intervals(1)
        time.sleep(1.5)
        record, scraped = self.sensor.stats(), self.scrape()
        interface = (("interface", "span0"),)
        pairs = {
            "packets_received": scraped[("smbtap_interface_received_packets_total", interface)],
            "packets_dropped_kernel": scraped[("smbtap_interface_kernel_dropped_packets_total", interface)],
            "packets_dropped_interface": scraped[("smbtap_interface_dropped_packets_total", interface)],
            "packets_decoded": scraped[("smbtap_packets_total", ())],
            "bytes_decoded": scraped[("smbtap_bytes_total", ())],
            "flows_started": scraped[("smbtap_flows_started_total", ())],
            "missed_bytes": scraped[("smbtap_missed_bytes_total", ())],
            "gaps": scraped[("smbtap_gaps_total", ())],
            "memory_limit": scraped[("smbtap_memory_limit_bytes", ())],
        }
        wrong = {key: (record[key], value) for key, value in pairs.items() if record[key] != value}
        tap.check("record and metrics agree", not wrong, wrong)
        tap.check("and with what was sent", record["packets_received"] == self.sent == record["packets_decoded"],
                  self.sent, json.dumps(record))
        tap.check("messages by kind", record["messages"]["smb2"] == scraped[("smbtap_messages_total", (("kind", "smb2"),))],
                  record["messages"])

    def first_metrics_file(self):
        world.wait_for("the metrics file", 15, lambda: os.path.exists(self.file))
        self.first = open(self.file, encoding="utf-8")

    def metrics_file(self):
        """It is replaced as a whole: whoever has the old one open reads on in it."""
        old = os.fstat(self.first.fileno()).st_ino
        world.wait_for("another metrics file", 15, lambda: os.stat(self.file).st_ino != old)
        with self.first, open(self.file, encoding="utf-8") as new:
            texts = (self.first.read(), new.read())
        try:
            both = [metrics_format.counters(metrics_format.parse(text)) for text in texts]
        except metrics_format.Broken as broken:
            tap.check("the metrics file", False, broken, *texts)
            return
        fell = [key for key, value in both[0].items() if both[1][key] < value]
        tap.check("the metrics file is replaced, and what reads the old one has all of it", not fell, fell)
        tap.check("no other file is left beside it", sorted(os.listdir(os.path.dirname(self.file))) ==
                  ["notify", "records.jsonl", "smbtap.prom"], os.listdir(os.path.dirname(self.file)))

    def end(self):
        status, _ = self.sensor.stop()
        records = self.sensor.records()
        wanted = json.loads(tap.run(self.smbtap, "--schema").out)
        with open(self.sensor.output, "rb") as file:
            wrong = schema.output_violations(file.read(), records, wanted)
        tap.check("every record fits the schema", not wrong, *wrong[:10])
        kinds = [record["action"] for record in records if record["object"] == "sensor"]
        tap.check("start comes first, stop last", status == 0 and kinds[0] == "start" and kinds[-1] == "stop" and
                  records[0]["object"] == records[-1]["object"] == "sensor", status, kinds)
        stop = records[-1]["proto_info"]
        tap.check("stop has the totals", stop["packets_received"] == self.sent and
                  stop["outputs"][0]["sent"] == stop["outputs"][0]["records"] == len(records) - 1, json.dumps(stop), len(records))


def test():
    world.link()
    health = Health(*sys.argv[1:3])
    health.silence()
    health.first_metrics_file()
    health.one_side()
    health.loss()
    health.agreement()
    health.metrics_file()
    health.end()


if __name__ == "__main__":
    world.enter()
    world.main(test)
