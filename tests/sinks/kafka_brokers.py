"""Brokers of Kafka for a test: Apache Kafka in KRaft mode, one broker on loopback, whose jars Maven fetches and keeps in its own
repository; or librdkafka's mock cluster, where Java, Maven or the network are not at hand.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

import receivers

VERSION = "3.9.1"
POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>%s</version></dependency>
  </dependencies>
</project>
""" % (VERSION, VERSION)
FETCH_SECONDS = 120
START_SECONDS = 60
JAVA = ["-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
CLUSTER = "c21idGFwLXRlc3QtMTIzNA"  # 16 bytes in base64
USER, PASSWORD = "smbtap", "right"
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
SERVER = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
num.io.threads=2
num.network.threads=2
log.cleaner.dedupe.buffer.size=2097152
"""


class Absent(Exception):
    """Apache Kafka is not to be had here; told in a word."""


def _run(words, seconds, what):
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Absent("%s takes longer than %d s" % (what, seconds)) from None
    if done.returncode:
        said = [line for line in done.stdout.split("\n") if line.strip()] or ["exit status %d" % done.returncode]
        raise Absent("%s: %s" % (what, said[0][:200]))
    return done.stdout


def jars(folder):
    """The class path of a broker."""
    for program in ("java", "mvn"):
        if not shutil.which(program):
            raise Absent("%s is not installed" % program)
    pom, found = os.path.join(folder, "pom.xml"), os.path.join(folder, "classpath")
    with open(pom, "w", encoding="ascii") as file:
        file.write(POM)
    words = ["mvn", "-q", "-B", "-f", pom, "dependency:build-classpath", "-Dmdep.outputFile=" + found]
    _run(words, FETCH_SECONDS, "Maven")
    with open(found, encoding="utf-8") as file:
        return file.read().strip()


class Tool:
    """kafka_tool, with the brokers of one of those below."""

    def __init__(self, program, brokers):
        self.program, self.brokers = program, brokers

    def _run(self, what, *words):
        done = subprocess.run([self.program, what, self.brokers, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        if done.returncode:
            raise receivers.Failed(done.stderr.decode().strip())
        return done.stdout

    def create(self, topic, partitions, **configuration):
        self._run("create", topic, str(partitions), *("%s=%s" % (name.replace("_", "."), value)
                                                      for name, value in configuration.items()))

    def count(self, topic):
        return int(self._run("count", topic))

    def read(self, topic):
        """[(partition, offset, key or None, {header: value}, value as bytes)], as they lie in each partition."""
        found = []
        for line in self._run("read", topic).split(b"\n")[:-1]:
            partition, offset, key, headers, value = line.split(b"\t", 4)
            pairs = [pair.split("=", 1) for pair in headers.decode().split(",") if pair]
            found.append((int(partition), int(offset), None if key == b"-" else key.decode(), dict(pairs), value))
        return found


class Apache:
    real = True

    def __init__(self, folder, program, keys=None):
        """keys: certificates.Certificates, for its port with TLS."""
        self.folder, self.process = os.path.join(folder, "apache"), None
        os.makedirs(self.folder)
        self.classpath = jars(self.folder)
        self.ports = {name: receivers.free_port("tcp") for name in ("plain", "sasl", "tls", "controller")}
        self.properties = os.path.join(self.folder, "server.properties")
        keystore = os.path.join(self.folder, "server.pem")
        with open(keystore, "wb") as file:
            for part in (keys.key("server"), keys.pem("server")):
                with open(part, "rb") as one:
                    file.write(one.read())
        with open(self.properties, "w", encoding="ascii") as file:
            file.write(SERVER.format(folder=self.folder, user=USER, password=PASSWORD, keystore=keystore, **self.ports))
        _run(self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.properties), START_SECONDS, "Kafka's StorageTool")
        self.brokers = self.at("plain")
        self.tool = Tool(program, self.brokers)

    def name(self):
        return "Apache Kafka %s in KRaft mode" % VERSION

    def at(self, port):
        return "127.0.0.1:%d" % self.ports[port]

    def _java(self, *words):
        return DIES_WITH_US + ["java", *JAVA, "-cp", self.classpath, *words]

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self._java("kafka.Kafka", self.properties), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.ports["plain"]), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise receivers.Failed("Kafka does not start; see %s/log" % self.folder)

    def down(self):
        self.process.kill()
        self.process.wait()

    up = start

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def console(self, topic, count):
        """What Kafka's own consumer sees: lines of it."""
        done = subprocess.run(self._java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self.brokers, "--topic",
                                         topic, "--from-beginning", "--max-messages", str(count), "--property", "print.key=true",
                                         "--property", "print.headers=true"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        return done.stdout.split(b"\n")[:-1]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Mock:
    real = False

    def __init__(self, program, why):
        self.program, self.why, self.process = program, why, None

    def name(self):
        return "librdkafka's mock cluster (%s)" % self.why

    def start(self):
        self.process = subprocess.Popen(DIES_WITH_US + [self.program, "mock", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.brokers = self.process.stdout.readline().strip()
        self.tool = Tool(self.program, self.brokers)
        self.tool.create = lambda *_, **__: None  # it makes what it is asked for

    def _tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def down(self):
        self._tell("down")

    def up(self):
        self._tell("up")

    pause, go_on = down, up

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def some(folder, program, keys, must=None):
    """A cluster that runs: Apache's where it can be had, else the mock. must: "mock"."""
    try:
        if must == "mock":
            raise Absent("asked for")
        brokers = Apache(folder, program, keys)
    except Absent as why:
        brokers = Mock(program, why)
    brokers.start()
    return brokers
