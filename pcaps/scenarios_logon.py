"""What record plays of logons: mechanisms, responses, and all that can become of them."""
import os
import subprocess
import time

import client as smb
from actors import Actor, Smbclient, scenario

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


@scenario("kerberos", "Kerberos, then NTLM from the same client to the same server, a domain controller; then Kerberos again",
          {"kerberos.msg_type == 14": 2, "kerberos.msg_type == 15": 2, "ntlmssp.auth.username == \"bob\"": 1}, domain=True)
def kerberos(stage):
    for _ in range(2):
        Smbclient(stage, kerberos=True).put("ticket.txt", b"by ticket").get("ticket.txt", 9).run()
        Smbclient(stage, user="bob").get("ticket.txt", 9).run()
