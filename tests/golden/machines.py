#!/usr/bin/env python3
"""Names of machines and findings of pairs where addresses are many, or one address stands for many.

usage: machines.py SMBTAP

Behind one address several machines take turns, as behind a NAT: a connection that shows a name has it on its records, whatever
the others show; one that shows none has the newest of its address; and no address has a name that it did not show. Behind the
address of a server likewise. Then floods: more addresses than are kept, each with a name; thousands of names from one address;
more pairs than the findings keep. Each record has the name of its own address, what is forgotten is counted, what is newest is
still known, and no finding is lost: the counts of a pair add up to what was sent. And a pair of some hours is told for each.
"""
import collections
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import events_made  # noqa: E402
import pcapfile  # noqa: E402
import smbwire  # noqa: E402
import tap  # noqa: E402
import users_made  # noqa: E402
from smbwire import CREATE, MORE_PROCESSING, RESPONSE, SERVER, SESSION_SETUP, utf16  # noqa: E402

LOGON_FAILURE = 0xC000006D
SECOND = 10**9
MINUTE = 60 * SECOND
ADDRESSES, NAMES, PAIRS = 66500, 3000, 2000  # MODEL_MACHINES_MAX, MODEL_PEERS_MAX: 65,536
TEMPLATE = "WS-0000000"


# Of a record; there are so many that JSON takes its time.
WHO = re.compile('"src_ip":"([^"]*)","src_port":([0-9]*),(?:.*"src_hostname":"([^"]*)")?')


def text_of(address):
    return ".".join(map(str, address))


def authenticate(user, workstation):
    """MS-NLMP 2.2.1.3, with NTLMv2."""
    at, fields, payload = 64, b"", b""
    for part in (bytes(24), events_made.ntlmv2(), b"", utf16(user), utf16(workstation), b""):
        fields += struct.pack("<HHI", len(part), len(part), at)
        at, payload = at + len(part), payload + part
    return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 0x00088201) + payload


def at_server(packets, server):
    return [packet._replace(data=packet.data[:26] + packet.data[26:34].replace(SERVER, server) + packet.data[34:]) for packet in packets]


class Scene:
    """Connections whose exchanges follow each other, and the names that the records of each must have."""

    def __init__(self):
        self.time, self.people = 10**18, []
        self.talk = self  # for who comes after: it has a time
        self.newest, self.shown = {}, collections.defaultdict(set)  # by address
        self.expected = {}  # by connection and message id: (client's, server's)

    def show(self, address, name):
        self.newest[address] = name
        self.shown[address].add(name)


class Host(users_made.Person):
    """A connection of a machine. guid: of its server, a byte."""

    def __init__(self, scene, port, name, server_name="FS01", client=smbwire.CLIENT, server=SERVER, guid=1, seen=True):
        self.scene, self.name, self.server_name, self.server, self.own_names = scene, name, server_name, server, {}
        events_made.Made.__init__(self, port, scene, client=client)
        self.own, self.guid, self.server_guid = 0x5500000000 + port, struct.pack("<QQ", port, port), bytes([guid] * 16)
        self.key = text_of(client), port, text_of(server)
        scene.time = self.talk.time
        if not seen:
            self.talk.packets.clear()
        scene.people.append(self)
        if seen:
            self.turn(self.negotiate)

    def turn(self, step, *arguments, **more):
        self.talk.time = max(self.talk.time, self.scene.time)
        step(*arguments, **more)
        self.scene.time = self.talk.time

    def has(self, side):
        return self.own_names.get(side, self.scene.newest.get(self.talk.client if side == 0 else self.server))

    def legs(self, user, status):
        number, answer = self.next_id(), events_made.challenge(self.server_name)
        request = b"NTLMSSP\0" + struct.pack("<II16x", 1, 0x00888205)
        head = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(request), 0)
        self.talk.send(0, smbwire.smb2(SESSION_SETUP, number, head + request, session=0, tree=0))
        self.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, 0, 72, len(answer)) + answer, RESPONSE, MORE_PROCESSING,
                                       session=self.own, tree=0))
        said = authenticate(user, self.name)
        body = struct.pack("<HBBIB", 9, 0, 0, 0, 0) if status else struct.pack("<HHHH", 9, 0, 72, 0)
        self.exchange(SESSION_SETUP, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(said), 0) + said, body, status, session=self.own, tree=0)

    def log_on(self, user, status=0):
        self.turn(self.legs, user, status)
        self.own_names = {0: self.name, 1: self.server_name}
        self.scene.show(self.server, self.server_name)
        if status == 0:
            self.scene.show(self.talk.client, self.name)

    def open(self, name):
        """Opens a file, and writes down which names its record must have."""
        self.scene.expected[self.key, self.id] = self.has(0), self.has(1)
        self.turn(self.work, name)

    def work(self, name, status=0):
        self.exchange(CREATE, smbwire.create_request(utf16(name)), smbwire.create_response(struct.pack("<QQ", self.id, 9)), status, session=self.own)


def whole(scene):
    packets = []
    for one in scene.people:
        one.turn(one.talk.end)
        packets += at_server(one.talk.packets, one.server)
    return sorted(packets, key=lambda packet: packet.time_ns)


def key_of(record):
    return record["src_ip"], record["src_port"], record["dest_ip"]


def hold(smbtap, name, scene):
    """Each record of an open has its names; and no record one that its address did not show."""
    by_text = {text_of(address): names for address, names in scene.shown.items()}
    for own in scene.people:
        by_text.setdefault(own.key[0], set())
    packets = whole(scene)
    for detail in ("handles", "operations"):
        run = tap.run(smbtap, "-q", "-r", "-", "--detail", detail, stdin=pcapfile.pcap(packets))
        wrong, seen = [], 0
        for record in (r for r in tap.records(run.out) if r["object"] == "flow"):
            claimed = {one.name for one in scene.people if one.key == key_of(record)}
            for address, field in (("src_ip", "src_hostname"), ("dest_ip", "dest_hostname")):
                if field in record and record[field] not in by_text.get(record[address], set()) | claimed:
                    wrong.append("%s is no name of %s" % (record[field], record[address]))
            info = record.get("proto_info", {})
            wanted = scene.expected.get((key_of(record), info.get("message_id")))
            if wanted and info.get("operation") == "create":
                seen += 1
                found = record.get("src_hostname"), record.get("dest_hostname")
                wrong += ["%s: %s, and not %s" % (key_of(record), found, wanted)] if found != wanted else []
        tap.check("%s, %s: every name where it belongs" % (name, detail), run.status == 0 and not wrong and seen == len(scene.expected),
                  run.err, seen, len(scene.expected), *wrong[:8])


def behind_a_nat():
    """Three machines at one address, that come one after the other and go on in turns; one that shows no name; one that is refused; and the
    address as a server."""
    scene = Scene()
    silent = Host(scene, 43000, "SILENT", seen=False)
    for turn in range(3):  # a packet of before may still come
        silent.open("before all, %d" % turn)
        scene.time += 3 * SECOND
    hosts = [Host(scene, 43001 + i, "WS%d" % i) for i in range(3)]
    for i, host in enumerate(hosts):
        host.log_on("user%d" % i)
        host.open("first")
        silent.open("after %d" % i)
    refused = Host(scene, 43010, "CLAIMED")
    refused.log_on("mallory", LOGON_FAILURE)
    silent.open("after the refusal")
    for turn in range(3):
        for host in hosts:
            host.open("turn %d" % turn)
    hosts[0].log_on("user0")  # it proves it anew: it is the newest again
    silent.open("after WS0")
    back = Host(scene, 43020, "INNER", "WS9", client=bytes((192, 0, 2, 30)), server=smbwire.CLIENT)
    back.open("not logged on")
    back.log_on("carol")
    back.open("logged on")
    silent.open("the server's name is one of the address")
    hosts[1].open("and not of those that have their own")
    return scene


def behind_a_balancer():
    """Two servers at one address, which are not the same by their GUIDs."""
    scene = Scene()
    hosts = [Host(scene, 43100 + i, "WS%d" % i, "NODE%d" % (i % 2), client=bytes((192, 0, 2, 40 + i)), guid=1 + i % 2) for i in range(4)]
    for host in hosts:
        host.log_on("user")
        host.open("first")
    other = Host(scene, 43110, "WS9", "ELSEWHERE", client=bytes((192, 0, 2, 40)), server=bytes((192, 0, 2, 99)))
    other.open("of no name yet")
    other.log_on("user")
    for turn in range(2):
        for host in hosts + [other]:
            host.open("turn %d" % turn)
    return scene


# ---- floods

def flood(packets, count, address, name=None, port=None, step=10**7):
    """The same conversation that often: of the nth address, with the nth name in place of the template, and from the nth port."""
    old, ports = utf16(TEMPLATE), packets[0].data[34:36]
    places = [(packet.data.find(smbwire.CLIENT, 26, 34), packet.data.find(old)) for packet in packets]
    made, start = [], packets[0].time_ns
    for number in range(count):
        client, own = address(number), utf16(name(number)) if name else old
        for packet, (at, named) in zip(packets, places):
            data = packet.data[:at] + client + packet.data[at + 4:]
            if named >= 0:
                data = data[:named] + own + data[named + len(old):]
            if port:
                data = data[:34] + data[34:38].replace(ports, struct.pack("!H", port(number))) + data[38:]
            made.append(packet._replace(time_ns=start + number * step + packet.time_ns - start, data=data))
    return made


def many(number):
    return struct.pack("!I", 0x0A000001 + number)


def shown_once():
    """A logon, an open and the end."""
    scene = Scene()
    host = Host(scene, 43200, TEMPLATE)
    host.log_on("alice")
    host.open("a")
    return whole(scene)


def nameless(client, at_ns, port):
    """A connection under way, of an address that shows no name in it."""
    scene = Scene()
    scene.time = at_ns
    Host(scene, port, "", client=client, seen=False).open("later")
    return whole(scene)


def old_one(client, at_ns, port):
    """A connection that asks for SMB1 alone, and has it."""
    c = smbwire.Client1(smbwire.Talk(port, time_ns=at_ns, client=client))
    c.begin()
    c.talk.end()
    return c.talk.packets


def said_of(summary, words):
    """The number before the words in what a run says of its limits; 0: it says nothing of them."""
    for line in summary.split("\n"):
        if words in line:
            return int(line[:line.index(words)].split()[-1].replace(",", ""))
    return 0


def many_addresses(smbtap):
    """Each has a name; behind them the first and the last come without one, and in SMB1."""
    packets = flood(shown_once(), ADDRESSES, many, "WS-{:07d}".format)
    for number, client in enumerate((many(0), many(ADDRESSES - 1))):
        packets += nameless(client, packets[-1].time_ns + 1000, 43300 + number)
        packets += old_one(client, packets[-1].time_ns + 1000, 43310 + number)
    run = tap.run(smbtap, "-v", "-r", "-", stdin=pcapfile.pcap(packets))
    names, later, after = {}, {}, []
    for line in run.out.decode("ascii").splitlines():
        address, port, name = WHO.search(line).groups()
        if '"rule_id":"smb1_after_smb2"' in line:
            after.append(address)
        elif port == "43200":
            names.setdefault(address, set()).add(name)
        elif port in ("43300", "43301") and '"action":"message"' in line:
            later[int(port)] = name
    wanted = {text_of(many(i)): {"WS-%07d" % i} for i in range(ADDRESSES)}
    wrong = [key for key in wanted if names.get(key, set()) - {None} != wanted[key]]
    tap.check("many addresses: each has its own name", run.status == 0 and not wrong, run.err, [(key, names.get(key)) for key in wrong[:4]])
    tap.check("many addresses: what is forgotten is counted", said_of(run.err, "machines' names forgotten") > ADDRESSES - 65536 - 8, run.err)
    tap.check("many addresses: the oldest is forgotten, the newest is not", later == {43300: None, 43301: "WS-%07d" % (ADDRESSES - 1)}, later)
    tap.check("many addresses: that the newest spoke SMB2 is known, too", after == [text_of(many(ADDRESSES - 1))], after)
    tap.check("many addresses: and what of that is forgotten is counted", said_of(run.err, "pairs of client and server forgotten") > 0, run.err)


def many_names(smbtap):
    """From one address, and all but one of them are forgotten, without any limit."""
    packets = flood(shown_once(), NAMES, lambda number: smbwire.CLIENT, "WS-{:07d}".format, port=lambda number: 1024 + number)
    packets += nameless(smbwire.CLIENT, packets[-1].time_ns + 1000, 43300)
    run = tap.run(smbtap, "-v", "-r", "-", stdin=pcapfile.pcap(packets))
    opens = [r for r in tap.records(run.out) if r["object"] == "flow" and r.get("proto_info", {}).get("operation") == "create"]
    found = [record.get("src_hostname") for record in opens]
    wanted = ["WS-%07d" % i for i in range(NAMES)] + ["WS-%07d" % (NAMES - 1)]
    tap.check("many names: each on its own records, the newest on those of the address", run.status == 0 and found == wanted,
              run.err, len(found), [pair for pair in zip(found, wanted) if pair[0] != pair[1]][:4])
    tap.check("many names: no address is forgotten", said_of(run.err, "names forgotten") == 0, run.err)


def counts_of(run, rule):
    counts = collections.Counter()
    for record in tap.records(run.out):
        if record["object"] == "finding" and record["rule_id"] == rule:
            counts[record["src_ip"]] += record["count"]
    return counts


def many_pairs(smbtap):
    """Twice each, and so far apart that the findings of a pair are told before it comes again."""
    old, new = old_one(smbwire.CLIENT, 10**18, 43200), shown_once()
    for name, packets, rule, times in (("SMB1", old, "smb1_answered", 3), ("SMB2", new, "signing_not_required", 1)):
        once = flood(packets, PAIRS, many, step=10**5)
        later = once[-1].time_ns + 1000 - once[0].time_ns
        both = once + [packet._replace(time_ns=packet.time_ns + later) for packet in flood(packets, PAIRS, many, port=lambda number: 50000, step=10**5)]
        run = tap.run(smbtap, "-v", "-r", "-", "--memory", "16M", stdin=pcapfile.pcap(both))
        counts = counts_of(run, rule)
        wrong = [i for i in range(PAIRS) if counts[text_of(many(i))] != 2 * times]
        tap.check("many pairs in %s: counts add up" % name, run.status == 0 and not wrong and len(counts) == PAIRS, run.err, len(counts),
                  [(i, counts[text_of(many(i))]) for i in wrong[:4]])
        tap.check("many pairs in %s: what was told early is counted" % name, said_of(run.err, "findings told early") > 0, run.err)


def intervals(smbtap):
    """Of one pair in three hours: told for each hour, with what it was in it."""
    packets = []
    for number, minute in enumerate((0, 30, 59, 61, 130)):
        packets += old_one(smbwire.CLIENT, 10**18 + minute * MINUTE, 43400 + number)
    run = tap.run(smbtap, "-q", "-r", "-", stdin=pcapfile.pcap(packets))
    records = tap.records(run.out)
    ids = {record["record_id"]: record for record in records}
    for rule in ("smb1_requested", "smb1_answered"):
        told = [record for record in records if record.get("rule_id") == rule]
        tap.check("intervals: %s once in each" % rule, [record["count"] for record in told] == [9, 3, 3], [record["count"] for record in told])
        wrong = [one for record in told for one in record["evidence"] if not record["first_time"] <= ids[one]["time"] <= record["last_time"]]
        tap.check("intervals: %s with the evidence of its own" % rule, told and not wrong and all(record["evidence"] for record in told), *wrong)


def main():
    smbtap = sys.argv[1]
    for make in (behind_a_nat, behind_a_balancer):
        hold(smbtap, make.__name__, make())
    for test in (many_addresses, many_names, many_pairs, intervals):
        test(smbtap)
    tap.finish()


if __name__ == "__main__":
    main()
