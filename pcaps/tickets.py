#!/usr/bin/python3
"""Kerberos tickets of alice for the file server, each with something wrong: for record, which has a domain controller in its namespace.

usage: tickets.py CONFIGURATION PASSWORD KEYTAB

Prints a line for each: its name, and in hex the GSS-API token (RFC 4121 4.1) with the AP-REQ (RFC 4120 5.5.1) that a client sends.
The configuration is that of Samba's clients, whose library asks for the ticket. The keytab has the server's keys, which a ticket
with other times in it takes. Needs impacket, and Samba's library for Python.
"""
import datetime
import os
import sys
import tempfile

from impacket.krb5 import constants
from impacket.krb5.asn1 import AP_REQ, Authenticator, EncTicketPart, seq_set
from impacket.krb5.asn1 import Ticket as EncodedTicket
from impacket.krb5.ccache import CCache
from impacket.krb5.crypto import _enctype_table as ENCRYPTIONS
from impacket.krb5.crypto import Key
from impacket.krb5.keytab import Keytab
from impacket.krb5.types import KerberosTime, Principal, Ticket
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import noValue
from samba import credentials, gensec, param

REALM, USER, SERVICE, MACHINE = "EXAMPLE.COM", "alice", "cifs/fs01.example.com", "FS01$"
OF_TICKET, OF_AUTHENTICATOR = 2, 11                                     # key usages, RFC 4120 7.5.1
MUTUAL, FLAGS = constants.APOptions.mutual_required.value, b"\x10\0\0\0" + bytes(16) + b"\x3a\0\0\0"  # RFC 4121 4.1.1: no bindings


def der(tag, data):
    length = bytes((len(data),)) if len(data) < 0x80 else b"\x82" + len(data).to_bytes(2, "big")
    return bytes((tag,)) + length + data


def hours(count):
    return datetime.datetime.utcnow() + datetime.timedelta(hours=count)


def ask(configuration, password, cache):
    """Leaves a ticket for the service in the file."""
    loaded, who = param.LoadParm(configuration), credentials.Credentials()
    who.guess(loaded)
    who.set_username(USER)
    who.set_password(password)
    who.set_realm(REALM)
    who.set_kerberos_state(credentials.MUST_USE_KERBEROS)
    kept = who.get_named_ccache(loaded, "FILE:" + cache)
    client = gensec.Security.start_client({"lp_ctx": loaded, "target_hostname": SERVICE.partition("/")[2]})
    client.set_credentials(who)
    client.set_target_service(SERVICE.partition("/")[0])
    client.start_mech_by_name("gssapi_krb5")
    client.update(b"")
    return kept


class Client:
    def __init__(self, configuration, password):
        self.name = Principal(USER, type=constants.PrincipalNameType.NT_PRINCIPAL.value)
        with tempfile.TemporaryDirectory() as folder:
            cache = os.path.join(folder, "cache")
            ask(configuration, password, cache)
            kept = next(one for one in CCache.loadFile(cache).credentials if one["server"].prettyPrint().startswith(b"cifs/"))
        self.ticket = kept.ticket["data"]
        self.key = Key(kept["key"]["keytype"], kept["key"]["keyvalue"])
        self.cipher = ENCRYPTIONS[kept["key"]["keytype"]]

    def token(self, clock=0, change=None):
        """clock: how many hours the client's is ahead. change: what is done to the ticket."""
        ticket = Ticket()
        ticket.from_asn1(decoder.decode(self.ticket, asn1Spec=EncodedTicket())[0])
        request = AP_REQ()
        request["pvno"], request["msg-type"] = 5, constants.ApplicationTagNumbers.AP_REQ.value
        request["ap-options"] = constants.encodeFlags([MUTUAL])
        seq_set(request, "ticket", ticket.to_asn1)
        if change:
            change(request["ticket"])
        request["authenticator"] = noValue
        request["authenticator"]["etype"] = self.cipher.enctype
        request["authenticator"]["cipher"] = self.cipher.encrypt(self.key, OF_AUTHENTICATOR, self.authenticator(hours(clock)), None)
        return der(0x60, b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00" + encoder.encode(request))

    def authenticator(self, now):
        said = Authenticator()
        said["authenticator-vno"], said["crealm"] = 5, REALM
        seq_set(said, "cname", self.name.components_to_asn1)
        said["cusec"], said["ctime"] = now.microsecond, KerberosTime.to_asn1(now)
        said["cksum"] = noValue
        said["cksum"]["cksumtype"], said["cksum"]["checksum"] = 0x8003, FLAGS
        said["seq-number"] = 0
        return encoder.encode(said)


class Forger:
    """Who has the server's key."""

    def __init__(self, keytab):
        self.keys = Keytab.loadFile(keytab)

    def times(self, start, end):
        def change(ticket):
            kind = int(ticket["enc-part"]["etype"])
            key = Key(kind, self.keys.getKey(MACHINE, kind)["keyvalue"]["data"])
            inside = decoder.decode(ENCRYPTIONS[kind].decrypt(key, OF_TICKET, ticket["enc-part"]["cipher"].asOctets()),
                                    asn1Spec=EncTicketPart())[0]
            inside["starttime"], inside["endtime"] = KerberosTime.to_asn1(hours(start)), KerberosTime.to_asn1(hours(end))
            ticket["enc-part"]["cipher"] = ENCRYPTIONS[kind].encrypt(key, OF_TICKET, encoder.encode(inside), None)
        return change


def other_key(ticket):
    ticket["enc-part"]["kvno"] = 99


def other_service(ticket):
    ticket["sname"]["name-string"][1] = "other.example.com"


def main():
    configuration, password, keytab = sys.argv[1:]
    client, forger = Client(configuration, password), Forger(keytab)
    for name, token in (("skewed", client.token(clock=-1)), ("right", client.token()), ("ahead", client.token(clock=1)),
                        ("other_key", client.token(change=other_key)), ("other_service", client.token(change=other_service)),
                        ("not_yet", client.token(change=forger.times(2, 9))), ("expired", client.token(change=forger.times(-9, -2)))):
        print(name, token.hex())


if __name__ == "__main__":
    main()
