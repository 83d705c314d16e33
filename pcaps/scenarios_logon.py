"""What record plays of logons: mechanisms, responses, and all that can become of them."""
import os
import struct
import subprocess
import time

import client as smb
from actors import OK, Actor, Smbclient, scenario

PERMITTED = {"ntlm auth": "ntlmv1-permitted"}
NTLMV1 = "--option=client ntlmv2 auth=no"


def on_server(stage, tool, *options):
    done = subprocess.run([tool, "-s", os.path.join(stage.dir, "smb.conf"), *options], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, "%s: %s" % (tool, done.stdout)


def account(stage, *options):
    """Changes an account, or the rules for all."""
    on_server(stage, "pdbedit", *options)


def refused(stage, status, user="bob", password=None):
    Smbclient(stage, user=user, password=password, status=status).run(status)


@scenario("logons", "wrong password, unknown user; an account that is disabled, expired, due for a new password, locked; then let in",
          {"smb2.nt_status == 0xc000006d": 3, "smb2.nt_status == 0xc0000072": 1, "smb2.nt_status == 0xc0000193": 1, "smb2.nt_status == 0xc0000071": 1,
           "smb2.nt_status == 0xc0000224": 1,
           "smb2.nt_status == 0xc0000234": 1},
          how="smbclient, client.py", options={"map to guest": "Never"})
def logons(stage):
    refused(stage, "STATUS_LOGON_FAILURE", user="alice", password="wrong")
    refused(stage, "STATUS_LOGON_FAILURE", user="nobody-knows", password="any")
    account(stage, "-r", "-u", "bob", "-c", "[D]")
    refused(stage, "STATUS_ACCOUNT_DISABLED")
    account(stage, "-r", "-u", "bob", "-c", "[]")
    account(stage, "-r", "-u", "bob", "-K", "1000000000")
    refused(stage, "STATUS_ACCOUNT_EXPIRED")
    account(stage, "-r", "-u", "bob", "-K", "never")
    account(stage, "-P", "maximum password age", "-C", "1")
    time.sleep(1.1)
    refused(stage, "STATUS_PASSWORD_EXPIRED")
    account(stage, "-P", "maximum password age", "-C", "-1")
    on_server(stage, "net", "sam", "set", "pwdmustchangenow", "bob", "yes")
    refused(stage, "STATUS_PASSWORD_MUST_CHANGE")
    on_server(stage, "net", "sam", "set", "pwdmustchangenow", "bob", "no")
    account(stage, "-P", "bad lockout attempt", "-C", "2")
    for _ in range(2):
        refused(stage, "STATUS_LOGON_FAILURE", password="wrong")
    refused(stage, "STATUS_ACCOUNT_LOCKED_OUT")
    account(stage, "-r", "-u", "bob", "-c", "[]")
    account(stage, "-z", "-u", "bob")
    Smbclient(stage, user="bob").put("at last.txt", b"let in").run()
    c = Actor(stage, 0x0210)                                            # asks who the server is, and leaves
    c.send(smb.session_setup(smb.ntlm_negotiate()))
    c.wait(1)
    c.close()


@scenario("ntlmv1", "NTLMv1 over SMB2: with extended session security, without it, and with the LM response beside it",
          {"ntlmssp.ntlmclientchallenge": 1, "ntlmssp.auth.username == \"alice\"": 3},
          options=dict(PERMITTED, **{"lanman auth": "yes"}))
def ntlmv1(stage):
    for options in ((), ("--option=ntlmssp_client:ntlm2=no",),
                    ("--option=ntlmssp_client:ntlm2=no", "--option=client lanman auth=yes")):
        Smbclient(stage, options=(NTLMV1, *options), auth="ntlmv1").put("old.txt", b"old").get("old.txt", 3).run()


def der(tag, *parts):
    """X.690: tag, length and what is in it; text is a GeneralString, a number an INTEGER."""
    inside = b"".join(part if isinstance(part, bytes) else der(0x1B, part.encode()) if isinstance(part, str) else der(2, bytes((part,)))
                      for part in parts)
    length = bytes((len(inside),)) if len(inside) < 0x80 else struct.pack(">BH", 0x82, len(inside))
    return bytes((tag,)) + length + inside


def fields(*numbered):
    """A SEQUENCE whose fields have explicit tags."""
    return der(0x30, *(der(0xA0 | number, value) for number, value in numbered))


def false_ticket():
    """A GSS-API token (RFC 4121 4.1) with an AP-REQ (RFC 4120 5.5.1) that is well formed, and encrypted with nobody's key."""
    def encrypted(kind, *version):
        return fields((0, kind), *version, (2, der(4, os.urandom(200))))
    name = fields((0, 2), (1, der(0x30, "cifs", "fs01.example.com")))
    ticket = der(0x61, fields((0, 5), (1, "EXAMPLE.COM"), (2, name), (3, encrypted(18, (1, 1)))))
    request = der(0x6E, fields((0, 5), (1, 14), (2, der(3, b"\0\x20\0\0\0")), (3, ticket), (4, encrypted(18))))
    return der(0x60, b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00", request)


@scenario("kerberos", "Kerberos, then NTLM from the same client to the same server, a domain controller; Kerberos again; a false ticket, without SPNEGO",
          {"kerberos.msg_type == 14": 2, "kerberos.msg_type == 15": 2, "ntlmssp.auth.username == \"bob\"": 1}, how="smbclient, client.py", domain=True)
def kerberos(stage):
    for _ in range(2):
        Smbclient(stage, kerberos=True).put("ticket.txt", b"by ticket").get("ticket.txt", 9).run()
        Smbclient(stage, user="bob").get("ticket.txt", 9).run()
    c = Actor(stage)
    c.note("session_setup", c.call(smb.session_setup(false_ticket())), "STATUS_LOGON_FAILURE", mechanism="kerberos", auth="kerberos")
    c.close()


def bad_tickets(stage):
    """By name, what tickets.py makes."""
    keytab, conf = os.path.join(stage.dir, "server.keytab"), os.path.join(stage.dir, "domain", "etc", "smb.conf")
    for command in (["samba-tool", "domain", "exportkeytab", keytab, "--principal=FS01$", "-s", conf],
                    ["/usr/bin/python3", os.path.join(os.path.dirname(os.path.abspath(__file__)), "tickets.py"),
                     os.path.join(stage.dir, "client.conf"), stage.users["alice"], keytab]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                              env=dict(os.environ, KRB5_CONFIG=os.path.join(stage.dir, "krb5.conf")))
        assert done.returncode == 0, "%s: %s" % (command[0], done.stderr)
    return {name: bytes.fromhex(token) for name, token in (line.split() for line in done.stdout.splitlines())}


def in_spnego(token):
    """A NegTokenInit with Microsoft's Kerberos alone, RFC 4178 4.2.1."""
    kerberos_ms = b"\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"
    return der(0x60, b"\x06\x06\x2b\x06\x01\x05\x05\x02", der(0xA0, fields((0, der(0x30, kerberos_ms)), (2, der(4, token)))))


@scenario("kerberos-errors", "Kerberos with a clock that is wrong: refused with an error, tried again and let in, and given up; "
          "a ticket for later, one that is over, one of a key that the server has not, and one with another service's name, which is let in",
          {"kerberos.error_code == 37": 2, "kerberos.error_code == 33": 1, "kerberos.msg_type == 14": 7, "kerberos.kvno == 99": 1},
          how="client.py with impacket's tickets", domain=True)
def kerberos_errors(stage):
    tokens = bad_tickets(stage)
    kerberos_facts = {"mechanism": "kerberos", "auth": "kerberos"}
    c = Actor(stage)
    c.session = c.call(smb.session_setup(tokens["skewed"])).session_id
    c.note("session_setup", c.call(smb.session_setup(tokens["right"])), kerberos_error="KRB_AP_ERR_SKEW", kerberos_error_service="FS01$",
           kerberos_skew_recovery=True, spn="cifs/fs01.example.com", **kerberos_facts)
    c.close()
    for token in (in_spnego(tokens["ahead"]), tokens["not_yet"]):           # given up
        c = Actor(stage)
        answer = c.call(smb.session_setup(token))
        assert answer.name == "STATUS_MORE_PROCESSING_REQUIRED", answer.name
        c.close()
    for name, status, facts in (("expired", "STATUS_INVALID_PARAMETER", {}), ("other_key", "STATUS_LOGON_FAILURE", {"kerberos_key_version": 99}),
                                ("other_service", OK, {"spn": "cifs/other.example.com"})):
        c = Actor(stage)
        c.note("session_setup", c.call(smb.session_setup(tokens[name])), status, **facts, **kerberos_facts)
        c.close()
