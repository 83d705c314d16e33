"""Conversations in which one user could be taken for another. Each is named by what happens in it."""
import struct

import events_made
import smbwire
from smbwire import ACK, CREATE, LOGOFF, MORE_PROCESSING, RESPONSE, RST, SESSION, SESSION_SETUP, utf16

LOGON_FAILURE, SESSION_DELETED = 0xC000006D, 0xC0000203


def token(user):
    return events_made.ntlm(bytes(24), user) if user else events_made.ntlm(b"", flags=0x00088A01)


class Person(events_made.Made):
    """Of one connection; port tells it from others."""

    def __init__(self, port, session=SESSION, guid=None, server_guid=events_made.SERVER_GUID):
        super().__init__(port)
        self.own, self.guid, self.server_guid = session, guid or struct.pack("<QQ", port, port), server_guid
        self.negotiate()

    def negotiate_request(self, *arguments, **more):
        request = super().negotiate_request(*arguments, **more)
        return request[:12] + self.guid + request[28:]

    def negotiate_response(self, *arguments, **more):
        response = super().negotiate_response(*arguments, **more)
        return response[:8] + self.server_guid + response[24:]

    def logon(self, user, status=0, flags=0, previous=0, answered=True):
        """In one leg."""
        said, number = token(user), self.next_id()
        request = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(said), previous) + said
        self.talk.send(0, smbwire.smb2(SESSION_SETUP, number, request, session=self.own, tree=0))
        if not answered:
            return
        body = struct.pack("<HBBIB", 9, 0, 0, 0, 0) if status else struct.pack("<HHHH", 9, flags, 72, 0)
        self.talk.send(1, smbwire.smb2(SESSION_SETUP, number, body, RESPONSE, status, session=self.own, tree=0))

    def first_leg(self):
        number, request, answer = self.next_id(), b"NTLMSSP\0" + struct.pack("<II16x", 1, 0x00888205), events_made.challenge("FS01")
        self.talk.send(0, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(request), 0) + request,
                                       session=0, tree=0))
        self.talk.send(1, smbwire.smb2(SESSION_SETUP, number, struct.pack("<HHHH", 9, 0, 72, len(answer)) + answer, RESPONSE,
                                       MORE_PROCESSING, session=self.own, tree=0))

    def tree(self):
        path = utf16("\\\\FS01\\data")
        self.exchange(smbwire.TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path,
                      struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0x1F01FF), session=self.own)

    def work(self, name, status=0):
        """Opens a file, or tries to."""
        request = smbwire.create_request(utf16(name))
        answer = smbwire.create_response(struct.pack("<QQ", self.id, 9)) if status == 0 else struct.pack("<HBBIB", 9, 0, 0, 0, 0)
        self.exchange(CREATE, request, answer, status, session=self.own)

    def logoff(self):
        self.exchange(LOGOFF, struct.pack("<HH", 4, 0), struct.pack("<HH", 4, 0), session=self.own, tree=0)


def begun(user="alice", port=42000, **more):
    c = Person(port, **more)
    c.logon(user)
    c.tree()
    c.work("first")
    return c


def ended(*people):
    """What all of them sent, in the order of its times."""
    for one in people:
        one.talk.end()
    return sorted((packet for one in people for packet in one.talk.packets), key=lambda packet: packet.time_ns)


def proved_anew_by_another():
    c = begun()
    c.logon("bob")
    c.work("second")
    return ended(c)


def proved_anew_by_nobody():
    c = begun()
    c.logon("")
    c.work("second")
    return ended(c)


def another_is_refused():
    c = begun()
    c.logon("mallory", LOGON_FAILURE)
    c.work("second")
    return ended(c)


def refused_and_then_nobody():
    c = Person(42000)
    c.logon("mallory", LOGON_FAILURE)
    c.logon("")
    c.tree()
    c.work("first")
    return ended(c)


def id_used_again():
    """By another after LOGOFF; and by one who is not seen to prove it."""
    c = begun()
    c.logoff()
    c.logon("bob")
    c.tree()
    c.work("second")
    c.logoff()
    c.work("third", SESSION_DELETED)
    c.work("fourth")
    return ended(c)


def not_answered():
    """A claim without an answer, and work in a session of that id all the same: who accepted whom is not known."""
    c = Person(42000)
    c.logon("mallory", answered=False)
    c.work("first", SESSION_DELETED)
    return ended(c)


def connection_anew():
    """Ports and session id of a connection that was reset, of another client, who is in a session already."""
    c = begun()
    c.talk.packet(0, RST | ACK)
    d = Person(42000, guid=bytes(16))
    for packet in range(len(d.talk.packets)):
        later = d.talk.packets[packet]
        d.talk.packets[packet] = later._replace(time_ns=later.time_ns + 10**9)
    d.talk.time += 10**9
    d.work("second")
    d.talk.end()
    return c.talk.packets + d.talk.packets


def side_by_side():
    """Two exchanges on one connection, one within the other."""
    c = Person(42000)
    c.own = SESSION + 1
    c.first_leg()
    c.own = SESSION + 2
    c.first_leg()
    c.own = SESSION + 1
    c.logon("alice")
    c.own = SESSION + 2
    c.work("early", SESSION_DELETED)
    c.logon("bob")
    for number in (1, 2, 1):
        c.own = SESSION + number
        c.tree()
        c.work("file")
    return ended(c)


def same_id_elsewhere():
    """Two clients in sessions of the same id, which is the server's word for two connections, not for one person."""
    c = begun()
    d = Person(42001)
    d.work("of whom")
    c.work("second")
    return ended(c, d)


def guids_of_nobody():
    """Two servers that have no GUID of their own, and give out the same ids, as ksmbd does; of one the SESSION_SETUP was not seen. And two
    clients that have none, of a server that began to count anew."""
    guid = bytes(range(64, 80))
    c, d = begun(guid=guid, server_guid=bytes(16)), Person(42001, guid=guid, server_guid=bytes(16))
    d.work("of whom")
    e, f = begun("carol", 42002, session=SESSION + 1, guid=bytes(16)), Person(42003, session=SESSION + 1, guid=bytes(16))
    f.work("of whom")
    there = sorted(events_made.at_other_address(d.talk.packets + f.talk.packets, 0), key=lambda packet: packet.time_ns)
    return sorted(ended(c, e) + there, key=lambda packet: packet.time_ns)


def replaced():
    """A session of bob that says to replace that of alice, who goes on."""
    c = begun()
    d = Person(42001, session=SESSION + 7)
    d.logon("bob", previous=SESSION)
    d.tree()
    d.work("of bob")
    c.work("of alice")
    return ended(c, d)


def as_guest():
    c = Person(42000)
    c.logon("visitor", flags=1)
    c.tree()
    c.work("first")
    c.logon("", flags=2)
    c.work("second")
    return ended(c)


MADE = (proved_anew_by_another, proved_anew_by_nobody, another_is_refused, refused_and_then_nobody, id_used_again, not_answered, connection_anew,
        side_by_side, same_id_elsewhere, guids_of_nobody, replaced, as_guest)
