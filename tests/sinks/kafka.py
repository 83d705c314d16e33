#!/usr/bin/env python3
"""Records in Kafka: each of them once, with its key and headers, in order; from brokers that are killed, paused or refuse. Against Apache
Kafka where Java, Maven and its repository are at hand, else against librdkafka's mock cluster; the test says which it was.

usage: kafka.py SMBTAP BUILD [TIMES [mock]]

TIMES: how often the broker is killed under load; 2 without.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import certificates
import counting
import kafka_brokers
import receivers
import tap  # noqa: E402

TIMES = 2
PARTITIONS = 3
RATE = 3000  # records a second of the load
PACKETS_MESSAGES, MESSAGE_BYTES = 25000 / 22000, 600
LIMIT = 1500  # bytes, of a topic that admits less than some records have
KEYS = {"community_id": "community_id", "client": "src_ip", "server": "dest_ip"}


class Bench:
    def __init__(self, smbtap, build, folder, brokers):
        self.smbtap, self.build, self.folder, self.brokers = os.path.abspath(smbtap), build, folder, brokers
        self.number = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def url(self, topic, brokers=None, **settings):
        query = "&".join("%s=%s" % (name.replace("kafka__", "kafka."), value) for name, value in settings.items())
        return "kafka://%s/%s%s" % (brokers or self.brokers.brokers, topic, "?" + query if query else "")

    def replay(self, captures, url, seconds=60):
        """(exit status, lines of the file beside it, standard error)."""
        self.number += 1
        file = self.path("%d.jsonl" % self.number)
        words = [word for capture in captures for word in ("-r", capture)]
        done = subprocess.run([self.smbtap, "-q", "--detail", "operations", *words, "-o", file, "-o", url], cwd=tap.ROOT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=seconds)
        return done.returncode, lines_of(file), done.stderr.decode("utf-8", "replace")


def lines_of(file):
    with open(file, "rb") as opened:
        return opened.read().split(b"\n")[:-1]


def keys_apart(messages, member):
    """Messages with another key or other headers than their record says."""
    wrong = []
    for partition, offset, key, headers, value in messages:
        record = json.loads(value)
        wanted = record.get(member) if member else None
        if key != wanted or headers != {"schema_version": record["schema_version"], "sensor": record["sensor_id"]}:
            wrong.append("%d/%d: key %r, headers %r: %s" % (partition, offset, key, headers, counting.short(value)))
    return wrong


def order_apart(messages):
    """Keys that are in more than one partition, or whose records are not in their order."""
    partitions, last, wrong = collections.defaultdict(set), {}, []
    for partition, offset, key, _, value in sorted(messages, key=lambda message: message[:2]):
        seq = int(counting.PLAIN.match(value).group(3))
        if key is not None:
            partitions[key].add(partition)
            if last.get(key, 0) >= seq:
                wrong.append("%s: %d after %d" % (key, seq, last[key]))
            last[key] = seq
    return wrong + ["%s in partitions %s" % pair for pair in partitions.items() if len(pair[1]) > 1]


# ---- what arrives ----------------------------------------------------------------------------------------------------

def every_record(bench):
    bench.brokers.tool.create("all", PARTITIONS)
    status, lines, err = bench.replay(tap.captures(), bench.url("all"))
    messages = bench.brokers.tool.read("all")
    apart = counting.difference(lines, [message[4] for message in messages], ordered=False)
    tap.check("every record of all captures arrives once, byte for byte (%d)" % len(lines), status == 0 and lines and not apart, status,
              err, *apart)
    wrong = keys_apart(messages, "community_id")
    tap.check("each has the connection as its key, and headers", messages and not wrong, *wrong[:3])
    wrong = order_apart(messages)
    used = len({message[0] for message in messages})
    tap.check("a connection's records are in one partition, in their order", not wrong and used > 1, used, *wrong[:3])
    if bench.brokers.real:
        seen = bench.brokers.console("all", len(lines))
        theirs = sorted(line.split(b"\t")[2] for line in seen)
        tap.check("Kafka's own consumer sees the same", theirs == sorted(lines), len(seen), counting.short(seen[0] if seen else b""))


def chosen_keys(bench):
    captures = tap.captures("multichannel-3.1.1", "two-clients")
    for name in ("client", "server", "none"):
        topic = "key-" + name
        bench.brokers.tool.create(topic, PARTITIONS)
        status, lines, err = bench.replay(captures, bench.url(topic, kafka_key=name))
        messages = bench.brokers.tool.read(topic)
        wrong = keys_apart(messages, KEYS.get(name)) + order_apart(messages)
        tap.check("kafka_key=%s" % name, status == 0 and len(messages) == len(lines) and not wrong, err, *wrong[:3])


def topics_of_objects(bench):
    objects = ("flow", "finding", "sensor")
    for name in objects:
        bench.brokers.tool.create("own-" + name, 1)
    status, lines, err = bench.replay(tap.captures("renames", "smb1-plain"), bench.url("own", kafka_topics="object"))
    found = {name: [json.loads(message[4])["object"] for message in bench.brokers.tool.read("own-" + name)] for name in objects}
    tap.check("each object has its topic", status == 0 and all(set(found[name]) == {name} for name in objects if found[name]) and
              found["flow"] and sum(map(len, found.values())) == len(lines), err, {name: len(list_) for name, list_ in found.items()})


# ---- under load ------------------------------------------------------------------------------------------------------

class Load:
    """smbtap with a capture that comes slowly, until there is no need for that any more, into a file and into Kafka."""

    def __init__(self, bench, topic, seconds, **settings):
        capture = bench.path("load.pcap")
        subprocess.run([os.path.join(bench.build, "make_load"), "metadata", capture, str(int(seconds * RATE))], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.file, self.errors = bench.path(topic + ".jsonl"), open(bench.path(topic + ".err"), "w+b")
        self.process = subprocess.Popen([bench.smbtap, "-q", "--detail", "operations", "-r", "-", "-o", self.file, "-o",
                                         bench.url(topic, **settings)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=self.errors)
        self.hurry = threading.Event()
        self.thread = threading.Thread(target=self._feed, args=(capture, seconds))
        self.thread.start()

    def _feed(self, capture, seconds):
        began, size = time.monotonic(), os.path.getsize(capture)
        try:
            with open(capture, "rb") as file, self.process.stdin as to:
                for piece in iter(lambda: file.read(65536), b""):
                    to.write(piece)
                    to.flush()
                    self.hurry.wait(max(0, began + seconds * file.tell() / size - time.monotonic()))
        except BrokenPipeError:
            pass

    def wait(self, seconds):
        self.hurry.set()
        self.process.wait(seconds)
        self.thread.join()

    def err(self):
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hurry.set()
        self.thread.join()


def reached(bench, topic, count, seconds=30):
    """Waits until the topic has so many messages; how many it has."""
    end, there = time.monotonic() + seconds, 0
    while there < count and time.monotonic() < end:
        time.sleep(0.1)
        there = bench.brokers.tool.count(topic)
    return there


def judge(bench, title, load, topic):
    messages = bench.brokers.tool.read(topic)
    lines = lines_of(load.file)
    account = counting.Account([message[4] for message in messages], lines)
    print("# %s: %s" % (title, account.line()))
    lost = account.silently()
    tap.check(title + ": no record is lost", load.process.returncode == 0 and lines and account.arrived() == len(lines) and not lost and
              not account.strange, load.process.returncode, account.line(), lost[:3], load.err()[-1000:], *account.strange[:2])
    tap.check(title + ": none came twice", not account.doubled(), account.line(), load.err()[-1000:])
    wrong = order_apart(messages)
    tap.check(title + ": they are in order", not wrong, *wrong[:3])


def killed(bench, times):
    bench.brokers.tool.create("killed", PARTITIONS)
    load = Load(bench, "killed", 10 + 10 * times)
    try:
        there, again = 0, 0
        for _ in range(times):
            there = reached(bench, "killed", there + RATE // 4)
            bench.brokers.down()
            time.sleep(0.5)
            bench.brokers.up()
            again += reached(bench, "killed", there + 1) > there
        tap.check("records come again after each of %d kills" % times, again == times and not load.hurry.is_set(), again,
                  load.err()[-1000:])
        load.wait(60)
        judge(bench, "broker killed under load", load, "killed")
        tap.check("that it was away is told", "no broker of Kafka at " in load.err(), load.err())
    finally:
        load.stop()


def paused(bench):
    bench.brokers.tool.create("paused", PARTITIONS)
    load = Load(bench, "paused", 20)
    try:
        reached(bench, "paused", RATE // 4)
        bench.brokers.pause()
        time.sleep(2)
        bench.brokers.go_on()
        load.wait(60)
        judge(bench, "broker paused under load", load, "paused")
    finally:
        load.stop()


# ---- what brokers refuse, which is Apache's to do ------------------------------------------------------------------------

def too_large(bench):
    """A topic that admits less than some records: those do not arrive, and that is said; all others do."""
    bench.brokers.tool.create("small", 1, max_message_bytes=LIMIT)
    status, lines, err = bench.replay(tap.captures("dialect-3.1.1"), bench.url("small", **{"kafka.compression.codec": "none"}))
    account = counting.Account([message[4] for message in bench.brokers.tool.read("small")], lines)
    lost = {seq for _, seq in account.lost({run: len(lines) for run in account.runs})}
    large = {seq for seq, line in enumerate(lines, 1) if len(line) > LIMIT}
    small = {seq for seq, line in enumerate(lines, 1) if len(line) < LIMIT - 250}
    tap.check("records that are too large are refused and counted, all others arrive", large and large <= lost and not small & lost and
              status == 1 and "%d records were refused for ever" % len(lost) in err, account.line(), sorted(lost), sorted(large), status, err)


def refused_with_words(bench, keys):
    """What cannot be: one clear line, and the records wait."""
    password = bench.path("password")
    with open(password, "w", encoding="ascii") as file:
        file.write("wrong\n")
    os.chmod(password, 0o644)
    sasl = {"kafka.security.protocol": "sasl_plaintext", "kafka.sasl.mechanism": "PLAIN", "kafka.sasl.username": kafka_brokers.USER,
            "kafka.sasl.password": "@" + password}
    cases = [
        ("a topic that does not exist", "has no topic nosuch; create it",
         bench.url("nosuch", **{"kafka.topic.metadata.propagation.max.ms": "500"})),
        ("a wrong password", "cannot be used: .*Authentication failed.*; check its properties .*sasl",
         bench.url("all", bench.brokers.at("sasl"), **sasl)),
        ("a certificate of somebody else", "cannot be used: .*certificate verify failed.*; check its properties .*ssl",
         bench.url("all", bench.brokers.at("tls"), **{"kafka.security.protocol": "ssl", "kafka.ssl.ca.location": keys.pem("foreign-ca")})),
    ]
    for title, words, url in cases:
        with open(bench.path("refused.err"), "w+b") as errors:
            process = subprocess.Popen([bench.smbtap, "-q", "-r", "pcaps/renames.pcap", "-o", url], cwd=tap.ROOT, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
            end, said = time.monotonic() + 15, ""
            while time.monotonic() < end and not re.search(words, said) and process.poll() is None:
                time.sleep(0.1)
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace")
            tap.check(title + " is told in one line, and records wait", re.search(words, said) and process.poll() is None, said,
                      process.poll())
            os.killpg(process.pid, 9)
            process.wait()


def with_tls_and_password(bench, keys):
    password = bench.path("right-password")
    with open(password, "w", encoding="ascii") as file:
        file.write(kafka_brokers.PASSWORD + "\n")
    os.chmod(password, 0o644)
    ways = {
        "tls": {"kafka.security.protocol": "ssl", "kafka.ssl.ca.location": keys.pem("ca")},
        "sasl": {"kafka.security.protocol": "sasl_plaintext", "kafka.sasl.mechanism": "PLAIN",
                 "kafka.sasl.username": kafka_brokers.USER, "kafka.sasl.password": "@" + password},
    }
    for way, settings in ways.items():
        bench.brokers.tool.create(way, 1)
        status, lines, err = bench.replay(tap.captures("renames"), bench.url(way, bench.brokers.at(way), **settings))
        apart = counting.difference(lines, [message[4] for message in bench.brokers.tool.read(way)])
        tap.check("records arrive over " + way, status == 0 and not apart, status, err, *apart)


def main():
    smbtap, build = sys.argv[1:3]
    times = int(sys.argv[3]) if len(sys.argv) > 3 else TIMES
    program = os.path.join(build, "kafka_tool")
    if not os.path.exists(program):
        tap.skip_all("smbtap was built without Kafka")
    with tempfile.TemporaryDirectory(prefix="smbtap-kafka-") as folder:
        os.chmod(folder, 0o755)
        keys = certificates.Certificates(os.path.join(folder, "keys"))
        brokers = kafka_brokers.some(folder, program, keys, must=sys.argv[4] if len(sys.argv) > 4 else None)
        print("# against %s" % brokers.name())
        try:
            bench = Bench(smbtap, build, folder, brokers)
            every_record(bench)
            chosen_keys(bench)
            topics_of_objects(bench)
            killed(bench, times)
            paused(bench)
            if brokers.real:
                too_large(bench)
                with_tls_and_password(bench, keys)
                refused_with_words(bench, keys)
        finally:
            brokers.stop()
    tap.finish()


try:
    main()
except receivers.Failed as failure:
    tap.check("the test can go on", False, failure)
    tap.finish()
