#!/usr/bin/env python3
"""The metrics server, as scrapers and others treat it: the text is what Prometheus reads, also while it changes; clients that are
slow, silent, many or talk nonsense hold up nobody.

usage: metrics.py SERVE_METRICS
"""
import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import metrics_format  # noqa: E402
import tap  # noqa: E402

CONNECTIONS_MAX, IDLE_SECONDS = 16, 10  # METRICS_CONNECTIONS_MAX, METRICS_IDLE_SECONDS
QUICK = 2.0  # seconds that a scrape may take here, whatever others do


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A serve_metrics that runs."""

    def __init__(self, program, address=None):
        self.port = free_port()
        self.host = "127.0.0.1"
        self.process = subprocess.Popen([program, address or str(self.port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.turn = int(self.process.stdout.readline())

    def publish(self):
        self.process.stdin.write(b"x")
        self.process.stdin.flush()
        self.turn = int(self.process.stdout.readline())

    def get(self, path="/metrics", method="GET", timeout=QUICK):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def samples(self):
        return metrics_format.parse(self.get()[2])

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=QUICK)

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def end(self):
        self.process.stdin.close()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "does not end"


def what_is_served(server):
    tap.check("before there are figures it says so", server.get()[0] == 503)
    server.publish()
    status, headers, text = server.get()
    tap.check("GET /metrics", status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8",
              status, headers)
    try:
        samples = metrics_format.parse(text)
    except metrics_format.Broken as broken:
        tap.check("the text is what Prometheus reads", False, broken, text)
        return
    tap.check("the text is what Prometheus reads", len(samples) > 80, text)
    wanted = {("smbtap_packets_total", ()): 1, ("smbtap_verdicts_total", (("verdict", "bad"),)): 1,
              ("smbtap_operations_total", (("command", "SMB2_CREATE"),)): 1,
              ("smbtap_limits_reached_total", (("limit", "handles"),)): 1,
              ("smbtap_interface_up", (("interface", "eth1"),)): 1,
              ("smbtap_interface_received_packets_total", (("interface", 'odd"\\\nname'),)): 1,
              ("smbtap_output_oldest_waiting_seconds", (("output", "-"),)): 1.5,
              ("smbtap_memory_held_bytes", ()): 4096, ("smbtap_capture_loss_ratio", ()): 0.5}
    wrong = {key: samples.get(key) for key, value in wanted.items() if samples.get(key) != value}
    tap.check("it has what was counted", not wrong, wrong)
    unknown = ("smbtap_interface_dropped_packets_total", (("interface", 'odd"\\\nname'),))
    tap.check("what is unknown is left out", unknown not in samples and
              not any(name == "smbtap_output_spooled_records" for name, _ in samples))
    status, _, text = server.get("/")
    tap.check("GET / names it", status == 200 and "/metrics" in text, status, text)
    tap.check("another path is not there", server.get("/metrics/../etc/passwd")[0] == 404)
    tap.check("HEAD", server.get(method="HEAD")[0] == 200)
    for method in ("POST", "PUT", "DELETE"):
        tap.check("%s is not allowed" % method, server.get(method=method)[0] == 405)


def while_it_changes(server):
    """Each scrape is of one moment, and none of an earlier one than the last."""
    stop, faults, scrapes = threading.Event(), [], []

    def scrape():
        last = {}
        while not stop.is_set():
            try:
                now = metrics_format.counters(server.samples())
            except (metrics_format.Broken, OSError, http.client.HTTPException) as fault:
                faults.append(repr(fault))
                return
            values = {value for (name, _), value in now.items()
                      if not name.startswith("smbtap_metrics_") and name != "smbtap_output_dropped_records_total"}
            if len(values) != 1:
                faults.append("of several moments: %s" % values)
            if any(now[key] < value for key, value in last.items()):
                faults.append("a counter fell")
            last = now
            scrapes.append(1)

    threads = [threading.Thread(target=scrape) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        server.publish()
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    tap.check("scrapes while it changes", not faults and len(scrapes) > 30, len(scrapes), *faults[:5])


def quick_scrape(name, server):
    begin = time.monotonic()
    try:
        samples = server.samples()
    except (metrics_format.Broken, OSError, http.client.HTTPException) as fault:
        return tap.check(name, False, repr(fault)) and {}
    took = time.monotonic() - begin
    tap.check(name, took < QUICK, "%.3f s" % took)
    return samples


def ended(one, within):
    """Whether the server closes the connection within so many seconds."""
    one.settimeout(within)
    try:
        while one.recv(4096):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


def those_who_dawdle(server):
    """Half a request each, a byte more now and then; more of them than there may be."""
    slow = []
    for _ in range(3 * CONNECTIONS_MAX):
        one = server.connect()
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ")
        slow.append(one)
    for _ in range(5):
        for one in slow[-CONNECTIONS_MAX:]:
            try:
                one.sendall(b"a")
            except OSError:
                pass
        time.sleep(0.02)
    samples = quick_scrape("a scrape beside three times as many slow clients as there may be", server)
    closed = samples.get(("smbtap_metrics_connections_closed_total", ()), 0)
    tap.check("those at the limit are counted", closed >= 2 * CONNECTIONS_MAX, closed)
    tap.check("the oldest went", all(ended(one, QUICK) for one in slow[:CONNECTIONS_MAX]))
    tap.check("no more descriptors than connections", server.descriptors() <= 4 * CONNECTIONS_MAX, server.descriptors())
    begin = time.monotonic()
    silent = slow[-1]
    gone = ended(silent, IDLE_SECONDS + 5)
    took = time.monotonic() - begin
    tap.check("one on which nothing moves is closed", gone and took < IDLE_SECONDS + 5, "%.1f s" % took)
    for one in slow:
        one.close()


def those_who_talk_nonsense(server, seed=1):
    chance = random.Random(seed)
    texts = [b"", b"\0" * 100, b"GET\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b"GET " + b"/" * 100000,
             b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"\xff\xfeSMB" * 50, b"\x16\x03\x01\x02\0\x01",
             b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
             b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 200000,
             b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
             b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
             b"GET /metrics HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"]
    texts += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 2000))) for _ in range(40)]
    for text in texts:
        try:
            with server.connect() as one:
                one.sendall(text)
                one.shutdown(socket.SHUT_WR)
                ended(one, 0.2)
        except OSError:
            pass
    quick_scrape("a scrape after nonsense", server)


def one_that_does_not_read(server):
    with server.connect() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        quick_scrape("a scrape beside a client that does not read", server)


def descriptors_come_back(server):
    before = server.descriptors()
    for _ in range(200):
        server.get()
    for _ in range(50):
        if server.descriptors() <= before:
            break
        time.sleep(0.1)
    tap.check("descriptors come back", server.descriptors() <= before, before, server.descriptors())


def own_address():
    """Another one of this machine than the loopback's, where it has one."""
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def addresses(program):
    taken = Server(program)
    run = subprocess.run([program, str(taken.port)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    text = run.stderr.decode()
    tap.check("a port in use is one line with the remedy",
              run.returncode == 1 and text.count("\n") == 1 and "another program" in text and "--metrics" in text, text)
    with socket.socket() as other:
        other.settimeout(QUICK)
        address = own_address()
        reached = not address.startswith("127.") and other.connect_ex((address, taken.port)) == 0
        tap.check("a port alone is one of the loopback", not reached, address)
    tap.check("it ends", taken.end() == 0)
    again = Server(program, "127.0.0.1:%d" % taken.port)
    tap.check("the port is free again at once", again.turn == 0)
    again.end()
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        tap.skip("an address of IPv6", "this machine has none")
        return
    port = free_port()
    server = Server(program, "[::1]:%d" % port)
    server.host, server.port = "::1", port
    server.publish()
    quick_scrape("an address of IPv6", server)
    server.end()


def main():
    program = os.path.abspath(sys.argv[1])
    server = Server(program)
    what_is_served(server)
    while_it_changes(server)
    those_who_talk_nonsense(server)
    one_that_does_not_read(server)
    descriptors_come_back(server)
    those_who_dawdle(server)
    tap.check("it ends with clients about", server.end() == 0)
    addresses(program)
    tap.finish()


if __name__ == "__main__":
    main()
