"""What record plays, one function for each capture: what the clients do is written down as it is done (the truth).

An operation of a truth has the names and values of the record schema: operation, user, share, file_name, rename_to, status and
so on. Two kinds of client act: Smbclient runs Samba's own with a script on its standard input, Actor speaks through client.py.
Both fail the recording when the server answers otherwise than the scenario says.
"""
import os
import re
import struct
import subprocess
import time

import client as smb

ALL = {}
OK = "STATUS_SUCCESS"
FS01, FS01B, FS01V6 = "192.0.2.10", "192.0.2.11", "2001:db8::10"
WS01, WS02, WS01V6 = "192.0.2.20", "192.0.2.21", "2001:db8::20"
DIALECT_OF = {"SMB2_02": "2.0.2", "SMB2_10": "2.1", "SMB3_00": "3.0", "SMB3_02": "3.0.2", "SMB3_11": "3.1.1"}


class Scenario:
    def __init__(self, act, name, about, how, expect, options, shares, prepare, midstream):
        self.act, self.name, self.about, self.how, self.expect = act, name, about, how, expect
        self.options, self.shares, self.prepare, self.midstream = options, shares, prepare, midstream


def scenario(name, about, expect, how="smbclient", options=None, shares=None, prepare=None, midstream=False):
    """expect: tshark display filters, and how many frames each must match at least."""
    def keep(act):
        ALL[name] = Scenario(act, name, about, how, expect, options or {}, shares or {}, prepare, midstream)
        return act
    return keep


def text(size):
    """Content that can be told apart and that packs well."""
    line = b"The quick brown fox jumps over the lazy dog.\r\n"
    return (line * (size // len(line) + 1))[:size]


class Smbclient:
    """A script for smbclient, and the truth of what it does; nothing happens before run()."""

    def __init__(self, stage, share="data", user="alice", protocol="SMB3_11", server=FS01, port=445, domain="EXAMPLE",
                 options=(), password=None, status=OK, tree_status=OK):
        self.stage, self.share, self.lines, self.truths, self.files, self.port = stage, share, [], [], 0, port
        self.user = "%s\\%s" % (domain, user) if user else None
        self.dialect = DIALECT_OF[protocol]
        account = "%s%%%s" % (self.user, password or stage.users.get(user, "")) if user else "%"
        self.command = ["smbclient", "//FS01/" + share, "-I", server, "-p", str(port), "-m", protocol, "-U", account,
                        "-s", os.path.join(stage.dir, "client.conf"), "--use-kerberos=disabled", *options]
        stage.connections.append({"src_ip": WS01V6 if ":" in server else WS01, "dest_ip": server, "dest_port": port,
                                  "dialect": self.dialect})
        stage.did("session_setup", user=self.user, user_name=user, domain=domain if user else None, status=status)
        if status == OK:
            stage.did("tree_connect", user=self.user, share=share, share_path="\\\\FS01\\" + share, status=tree_status)

    def add(self, line, *truths):
        self.lines.append(line)
        for operation, facts in truths:
            facts.setdefault("status", OK)
            self.truths.append((operation, facts))
        return self

    def local(self, content=None):
        self.files += 1
        path = os.path.join(self.stage.dir, "local%d" % self.files)
        if content is not None:
            with open(path, "wb") as out:
                out.write(content)
        return path

    def put(self, name, content):
        return self.add('put "%s" "%s"' % (self.local(content), name), ("create", {"file_name": name}),
                        ("write", {"file_name": name, "bytes_written": len(content)}))

    def get(self, name, size):
        return self.add('get "%s" "%s"' % (name, self.local()), ("create", {"file_name": name}),
                        ("read", {"file_name": name, "bytes_read": size}))

    def mkdir(self, name):
        return self.add('mkdir "%s"' % name, ("create", {"file_name": name, "directory": True}))

    def ls(self, folder, pattern="*"):
        path = folder + "\\" + pattern if folder else pattern
        return self.add('ls "%s"' % path, ("query_directory", {"file_name": folder or "\\", "search_pattern": pattern}))

    def rename(self, name, to):
        return self.add('rename "%s" "%s"' % (name, to), ("rename", {"file_name": name, "rename_to": to}))

    def delete(self, name):
        return self.add('del "%s"' % name, ("delete", {"file_name": name}))

    def rmdir(self, name):
        return self.add('rmdir "%s"' % name, ("delete", {"file_name": name}))

    def run(self, *errors):
        """errors: the NT_STATUS_ names that smbclient must report, and no others."""
        done = subprocess.run(self.command, input="".join(line + "\n" for line in self.lines), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, errors="replace", cwd=self.stage.dir,
                              env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC"))
        said = sorted(set(re.findall(r"NT_(STATUS_\w+)", done.stdout)))
        assert said == sorted(set(errors)), "smbclient: expected %s: %s" % (", ".join(errors) or "no error", done.stdout)
        assert self.lines or done.returncode == 0 or errors, "smbclient: " + done.stdout
        for operation, facts in self.truths:
            self.stage.did(operation, user=self.user, share=self.share, **facts)
        return done.stdout


def tool(stage, *command, user="alice", server=FS01, shares=("IPC$",)):
    """Another of Samba's tools; what it does is for the caller to tell."""
    account = "EXAMPLE\\%s%%%s" % (user, stage.users[user])
    done = subprocess.run([*command, "-s", os.path.join(stage.dir, "client.conf"), "-U", account], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, "%s: %s" % (command[0], done.stdout)
    stage.connections.append({"src_ip": WS01, "dest_ip": server, "dest_port": 445, "dialect": "3.1.1"})
    stage.did("session_setup", user="EXAMPLE\\" + user, user_name=user, domain="EXAMPLE", status=OK)
    for share in shares:
        stage.did("tree_connect", user="EXAMPLE\\" + user, share=share, status=OK)
    return done.stdout


class Actor(smb.Client):
    """client.py with a memory: each step says which status it expects, and goes into the truth."""

    def __init__(self, stage, dialect=0x0311, server=FS01, source=None, port=445, guid=None, offered=None, quiet=False):
        super().__init__(server, port, source, guid)
        self.stage, self.share, self.user, self.names, self.quiet = stage, None, None, {}, quiet
        self.src, self.fields = self.socket.getsockname()[0], {}
        self.negotiate(*(offered or (dialect,)))
        stage.connections.append({"src_ip": self.src, "dest_ip": server, "dest_port": port,
                                  "dialect": smb.DIALECTS[self.dialect]})

    def note(self, operation, answer, expect=OK, **facts):
        assert answer.name == expect, "%s %s: expected %s, got %s" % (operation, facts, expect, answer.name)
        if not self.quiet:
            share = None if operation in ("session_setup", "logoff", "echo") else facts.pop("share", self.share)
            self.stage.did(operation, user=self.user, share=share, status=answer.name, **facts)
        return answer

    def logon(self, user="alice", password=None, expect=OK, domain="EXAMPLE", bind=None, previous=0):
        answer = self.login(user, password or self.stage.users.get(user, ""), domain, bind=bind, previous=previous)
        self.user = "%s\\%s" % (domain, user) if user else None
        return self.note("session_setup", answer, expect, user_name=user or None, domain=domain if user else None)

    def connect_share(self, share="data", expect=OK):
        answer = self.tree_connect("\\\\FS01\\" + share)
        self.share = share
        self.note("tree_connect", answer, expect, share_path="\\\\FS01\\" + share)
        return self

    def ready(self, user="alice", share="data"):
        self.logon(user)
        return self.connect_share(share)

    def opened(self, name, answer, expect=OK, **facts):
        self.note("create", answer, expect, file_name=name, **facts)
        if answer.status == 0:
            self.names[answer.fid] = name
        return answer.fid if answer.status == 0 else None

    def open(self, name, expect=OK, **how):
        raw = how.pop("raw", name)
        answer = self.last = self.call(smb.create(raw, **how))
        facts = {"directory": True} if how.get("options", 0) & smb.DIRECTORY else {}
        return self.opened(name or "\\", answer, expect, **facts)

    def make(self, name, content=b"", **how):
        """A new file with this content, closed again."""
        fid = self.open(name, disposition=smb.OVERWRITE_IF, **how)
        if content:
            self.write(fid, content)
        self.close_file(fid)

    def folder(self, name):
        self.close_file(self.open(name, disposition=smb.CREATE_NEW, options=smb.DIRECTORY, access=smb.READ_DATA))

    def write(self, fid, content, offset=0, expect=OK):
        facts = {"bytes_written": len(content)} if expect == OK else {}
        self.note("write", self.call(smb.write(fid, content, offset)), expect, file_name=self.names[fid], **facts)

    def read(self, fid, size, offset=0, expect=OK):
        answer = self.call(smb.read(fid, size, offset))
        facts = {"bytes_read": struct.unpack_from("<I", answer.body, 4)[0]} if answer.status == 0 else {}
        self.note("read", answer, expect, file_name=self.names[fid], **facts)

    def rename(self, fid, to, expect=OK, replace=False, **how):
        self.note("rename", self.call(smb.rename(fid, to, replace, **how)), expect, file_name=self.names[fid], rename_to=to)
        if expect == OK:
            self.names[fid] = to

    def dispose(self, fid, delete=True, expect=OK):
        self.note("set_info", self.call(smb.disposition(fid, delete)), expect, file_name=self.names[fid],
                  delete_on_close=delete)

    def close_file(self, fid, deletes=False, expect=OK):
        answer = self.call(smb.close(fid))
        self.note("delete" if deletes else "close", answer, expect, file_name=self.names.get(fid))

    def control(self, code, name, expect=OK, fid=smb.LAST, data=b"", **more):
        answer = self.call(smb.ioctl(code, fid, data, **more))
        return self.note("ioctl", answer, expect, control_code=name, file_name=self.names.get(fid))

    def leave(self):
        self.note("tree_disconnect", self.call(smb.tree_disconnect()))
        self.note("logoff", self.call(smb.logoff()))
        self.close()


# ---- dialects --------------------------------------------------------------------------------------------------------

def ordinary_work(c):
    """What every dialect is recorded with."""
    c.mkdir("docs").put("docs\\report.txt", text(3000)).get("docs\\report.txt", 3000).ls("docs")
    c.rename("docs\\report.txt", "docs\\final.txt").delete("docs\\final.txt").rmdir("docs")
    return c


def record_dialect(protocol, number):
    @scenario("dialect-" + DIALECT_OF[protocol],
              "SMB %s: mkdir, create, write, read, list, rename, delete, rmdir" % DIALECT_OF[protocol],
              {"smb2.cmd == 0 && smb2.dialect == 0x%04x && smb2.flags.response == 1" % number: 1,
               "smb2.cmd == 17 && smb2.filename contains \"final.txt\"": 1, "smb2.cmd == 8": 2, "smb2.cmd == 9": 2,
               "smb2.cmd == 14": 2})
    def act(stage):
        ordinary_work(Smbclient(stage, protocol=protocol)).run()


for _protocol, _number in (("SMB2_02", 0x0202), ("SMB2_10", 0x0210), ("SMB3_00", 0x0300), ("SMB3_02", 0x0302),
                           ("SMB3_11", 0x0311)):
    record_dialect(_protocol, _number)

NEW_CLIENT = "--option=client min protocol=SMB2_02"


@scenario("multi-protocol", "an SMB1 NEGOTIATE that becomes SMB2 with 0x02FF, then 3.1.1; one that is answered 2.0.2 at once",
          {"smb.cmd == 0x72": 2, "smb2.dialect == 0x02ff": 1, "smb2.cmd == 0 && smb2.dialect == 0x0202": 1,
           "smb2.dialect == 0x0311 && smb2.flags.response == 1": 1}, how="smbclient, client.py")
def multi_protocol(stage):
    ordinary_work(Smbclient(stage)).run()
    c = Actor.__new__(Actor)
    smb.Client.__init__(c, FS01)
    c.stage, c.share, c.user, c.names, c.quiet = stage, None, None, {}, False
    c.multi_protocol("NT LM 0.12", "SMB 2.002")
    stage.connections.append({"src_ip": WS01, "dest_ip": FS01, "dest_port": 445, "dialect": smb.DIALECTS[c.dialect]})
    c.ready()
    c.make("from-202.txt", b"two")
    c.leave()


# ---- signing and encryption ------------------------------------------------------------------------------------------

@scenario("signed-2.1", "SMB 2.1 with signing required (HMAC-SHA256)", {"smb2.flags.signature == 1": 10},
          options={"server signing": "mandatory"})
def signed_21(stage):
    ordinary_work(Smbclient(stage, protocol="SMB2_10", options=("--client-protection=sign",))).run()


@scenario("signed-3.1.1", "SMB 3.1.1 with signing required", {"smb2.flags.signature == 1": 10},
          options={"server signing": "mandatory"})
def signed_311(stage):
    ordinary_work(Smbclient(stage, options=("--client-protection=sign",))).run()


def encrypted_work(stage, protocol):
    stage.hidden = False
    c = Smbclient(stage, protocol=protocol)
    stage.operations[-1]["hidden"] = True                               # the TREE_CONNECT
    ordinary_work(c)
    stage.hidden = True
    c.run()


@scenario("encrypted-3.0", "SMB 3.0, the whole session encrypted (AES-128-CCM): nothing is to be seen but the logon",
          {"smb2.header.transform.signature": 10},
          options={"server smb encrypt": "required"})
def encrypted_30(stage):
    encrypted_work(stage, "SMB3_00")


@scenario("encrypted-3.1.1", "SMB 3.1.1, the whole session encrypted (AES-128-GCM): nothing is to be seen but the logon",
          {"smb2.header.transform.signature": 10},
          options={"server smb encrypt": "required", "server smb3 encryption algorithms": "AES-128-GCM"})
def encrypted_311(stage):
    encrypted_work(stage, "SMB3_11")


@scenario("encrypted-share", "one share encrypted, another clear, on the same server",
          {"smb2.header.transform.signature": 5,
           "smb2.tree contains \"sealed\"": 1,
           "smb2.tree contains \"data\"": 1, "smb2.filename contains \"clear.txt\"": 1},
          shares={"sealed": {"smb encrypt": "required"}})
def encrypted_share(stage):
    Smbclient(stage).put("clear.txt", text(100)).run()
    c = Smbclient(stage, share="sealed").put("secret.txt", text(100)).get("secret.txt", 100).delete("secret.txt")
    stage.hidden = True
    c.run()
    stage.hidden = False
    Smbclient(stage).delete("clear.txt").run()


# ---- files, folders, names -------------------------------------------------------------------------------------------

@scenario("renames", "files and folders renamed and moved, over an existing file, and refused",
          {"smb2.cmd == 17 && smb2.filename && smb2.flags.response == 0": 7, "smb2.nt_status == 0xc0000035": 1},
          how="smbclient, client.py")
def renames(stage):
    c = Smbclient(stage).mkdir("a").mkdir("b").put("a\\one.txt", b"1").rename("a\\one.txt", "a\\two.txt")
    c.rename("a\\two.txt", "b\\three.txt").rename("a", "c").rename("b", "c\\b").run()
    c = Actor(stage).ready()
    c.make("taken.txt", b"taken")
    fid = c.open("c\\b\\three.txt", access=smb.ALL)
    c.rename(fid, "taken.txt", "STATUS_OBJECT_NAME_COLLISION")
    c.rename(fid, "nowhere\\x.txt", "STATUS_OBJECT_PATH_NOT_FOUND")
    c.rename(fid, "taken.txt", replace=True)
    c.rename(fid, "again.txt")
    c.close_file(fid)
    fid = c.open("c", access=smb.ALL, options=smb.DIRECTORY)
    c.rename(fid, "renamed folder")
    c.close_file(fid)
    c.leave()


@scenario("deletes", "delete on close, by disposition, disposition taken back, refused, and within compounds",
          {"smb2.cmd == 17 && smb2.flags.response == 0": 4, "smb2.nt_status == 0xc0000101": 1,
           "smb2.disposition.delete_on_close == 0": 1, "smb.nt.create_options.delete_on_close == 1": 3,
           "smb2.chain_offset > 0 && smb2.flags.chained == 1": 2}, how="client.py")
def deletes(stage):
    c = Actor(stage).ready()
    for name in ("by-close.txt", "by-disposition.txt", "kept.txt", "compound.txt", "options.txt"):
        c.make(name, b"x")
    c.close_file(c.open("by-close.txt", access=smb.DELETE, options=smb.DELETE_ON_CLOSE), deletes=True)
    fid = c.open("by-disposition.txt", access=smb.ALL)
    c.dispose(fid)
    c.close_file(fid, deletes=True)
    fid = c.open("kept.txt", access=smb.ALL)
    c.dispose(fid)
    c.dispose(fid, delete=False)
    c.close_file(fid)
    fid = c.open("kept.txt", access=smb.READ_DATA)
    c.dispose(fid, expect="STATUS_ACCESS_DENIED")
    c.close_file(fid)
    first, second, third = c.chain(smb.create("compound.txt", smb.ALL), smb.disposition(), smb.close())
    c.opened("compound.txt", first)
    c.note("set_info", second, file_name="compound.txt", delete_on_close=True)
    c.note("delete", third, file_name="compound.txt")
    first, second = c.chain(smb.create("options.txt", smb.DELETE, options=smb.DELETE_ON_CLOSE), smb.close())
    c.opened("options.txt", first)
    c.note("delete", second, file_name="options.txt")
    c.folder("full")
    c.make("full\\inside.txt")
    fid = c.open("full", access=smb.ALL, options=smb.DIRECTORY)
    c.dispose(fid, expect="STATUS_DIRECTORY_NOT_EMPTY")
    c.close_file(fid)
    c.close_file(c.open("full\\inside.txt", access=smb.DELETE, options=smb.DELETE_ON_CLOSE), deletes=True)
    fid = c.open("full", access=smb.ALL, options=smb.DIRECTORY)
    c.dispose(fid)
    c.close_file(fid, deletes=True)
    c.leave()


@scenario("delete-shared", "a file open twice: marked for deletion on one handle, gone when the other one closes",
          {"smb2.nt_status == 0xc0000056": 1, "smb2.cmd == 17 && smb2.flags.response == 0": 1}, how="client.py")
def delete_shared(stage):
    a, b = Actor(stage, source=WS01).ready("alice"), Actor(stage, source=WS02).ready("bob")
    a.make("both.txt", b"x")
    one, two = a.open("both.txt", access=smb.ALL), b.open("both.txt", access=smb.ALL)
    a.dispose(one)
    a.close_file(one)
    b.open("both.txt", "STATUS_DELETE_PENDING")
    b.close_file(two, deletes=True)
    b.open("both.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    a.leave()
    b.leave()


@scenario("unicode", "names beyond ASCII: surrogate pairs, combining characters, right-to-left, case beyond ASCII, 255 units",
          {"smb2.filename contains \"\\xf0\\x9f\\x98\\x80\"": 2, "smb2.filename contains \"\\xf0\\xa0\\x80\\x8b\"": 2,
           "smb2.cmd == 17 && smb2.flags.response == 0": 5})
def unicode_names(stage):
    c = Smbclient(stage)
    for i, name in enumerate(("\U0001f600 grin.txt", "\U0002000b\u4e2d\u6587.txt", "e\u0301te\u0301.txt", "\u05e9\u05dc\u05d5\u05dd.txt",
                              "\u00c4\u00d6\u00dc \u00df \u0130\u0131.txt", "\u200bzero\u202ewidth.txt", "\ufb01\uff21.txt")):
        c.put(name, b"%d" % i).rename(name, "to " + name)
        if i < 2:
            c.ls("", "to " + name).delete("to " + name)
    folder = "\U0001f4c1 \u30d5\u30a9\u30eb\u30c0"
    c.mkdir(folder).put(folder + "\\\U0001f1e9\U0001f1ea.txt", b"flag").delete(folder + "\\\U0001f1e9\U0001f1ea.txt").rmdir(folder)
    c.put("n" * 251 + ".txt", b"long").delete("n" * 251 + ".txt").run()


@scenario("hostile-names", "names that break consoles, logs and parsers; unpaired surrogates, NUL and control characters",
          {"smb2.nt_status == 0xc0000033 && smb2.cmd == 5": 1, "smb2.filename contains \"%s%n\"": 1}, how="client.py")
def hostile_names(stage):
    c = Actor(stage).ready()
    for name in ("%s%n%x.txt", "quo'te, `back` $(id) ;&.txt", " leading blank", "del\x7fnext\x85line.txt",
                 "{'a'= 1}, [x]", "\u2028line\u2029paragraph\ufeff\ufffe.txt", "dots..in...it"):
        fid = c.open(name, disposition=smb.CREATE_NEW, access=smb.ALL)
        c.rename(fid, "to" + name)
        c.dispose(fid)
        c.close_file(fid, deletes=True)
    for name in ("a\nb\tc\x1b[31m.txt", "wild*card?.txt", "quote\"; {\"a\": 1}.txt", "pipe<|>.txt"):
        c.open(name, "STATUS_OBJECT_NAME_INVALID", disposition=smb.CREATE_NEW)
    c.open("..\\up.txt", "STATUS_OBJECT_PATH_SYNTAX_BAD", disposition=smb.CREATE_NEW)
    refused(c, "lone\ufffdlow.txt", "lone\udc00low.txt")
    refused(c, "lone\ufffdhigh.txt", "lone\ud800high.txt")
    refused(c, "swapped\ufffd\ufffd.txt", "swapped\udc00\ud800.txt")
    refused(c, "nul\ufffdinside.txt", "nul\0inside.txt")
    c.leave()


def refused(c, name, raw):
    """A name the server may take or not; the truth is what it said."""
    answer = c.call(smb.create(raw.encode("utf-16-le", "surrogatepass"), disposition=smb.OPEN_IF))
    c.opened(name, answer, answer.name)
    if answer.status == 0:
        c.close_file(answer.fid)


@scenario("streams", "alternate data streams written, listed, read, renamed with their file, deleted",
          {"smb2.filename contains \":hidden\"": 2, "smb2.cmd == 16 && smb2.file_info.infolevel == 0x16": 1}, how="smbclient, client.py")
def streams(stage):
    c = Smbclient(stage).put("host.txt", text(60)).put("host.txt:hidden", text(200)).put("host.txt:Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")
    c.get("host.txt:hidden", 200).add("allinfo host.txt").run()
    c = Actor(stage).ready()
    fid = c.open("host.txt:hidden:$DATA", access=smb.ALL)
    c.read(fid, 200)
    c.note("query_info", c.call(smb.query_info(fid)), file_name="host.txt:hidden:$DATA")
    c.dispose(fid)
    c.close_file(fid, deletes=True)
    fid = c.open("host.txt", access=smb.ALL)
    c.rename(fid, "guest.txt")
    c.close_file(fid)
    c.close_file(c.open("guest.txt:Zone.Identifier", access=smb.READ_DATA))
    c.open("guest.txt:none", "STATUS_OBJECT_NAME_NOT_FOUND")
    c.leave()


# ---- failures --------------------------------------------------------------------------------------------------------

@scenario("failures", "wrong password, unknown user, missing share, missing file, access denied, sharing violation, not empty",
          {"smb2.nt_status == 0xc000006d": 2, "smb2.nt_status == 0xc00000cc": 1, "smb2.nt_status == 0xc0000034": 1,
           "smb2.nt_status == 0xc0000022": 1, "smb2.nt_status == 0xc0000043": 1, "smb2.nt_status == 0xc0000101": 1},
          shares={"bobs": {"valid users": "bob"}, "fixed": {"read only": "yes"}}, how="smbclient, client.py")
def failures(stage):
    Smbclient(stage, password="wrong", status="STATUS_LOGON_FAILURE").run("STATUS_LOGON_FAILURE")
    Smbclient(stage, user="mallory", password="guess", status="STATUS_LOGON_FAILURE").run("STATUS_LOGON_FAILURE")
    Smbclient(stage, share="nosuch", tree_status="STATUS_BAD_NETWORK_NAME").run("STATUS_BAD_NETWORK_NAME")
    Smbclient(stage, share="bobs", tree_status="STATUS_ACCESS_DENIED").run("STATUS_ACCESS_DENIED")
    c = Actor(stage).ready(share="fixed")
    c.open("new.txt", "STATUS_ACCESS_DENIED", disposition=smb.CREATE_NEW)
    c.connect_share("data")
    c.open("missing.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    c.open("missing\\x.txt", "STATUS_OBJECT_PATH_NOT_FOUND")
    c.make("there.txt", b"x")
    c.open("there.txt", "STATUS_OBJECT_NAME_COLLISION", disposition=smb.CREATE_NEW)
    c.open("there.txt", "STATUS_NOT_A_DIRECTORY", options=smb.DIRECTORY)
    mine = c.open("there.txt", share=0)
    c.open("there.txt", "STATUS_SHARING_VIOLATION")
    c.read(mine, 10, 1000, "STATUS_END_OF_FILE")
    c.close_file(mine)
    c.note("close", c.call(smb.close(mine)), "STATUS_FILE_CLOSED")
    c.folder("full")
    c.open("full", "STATUS_FILE_IS_A_DIRECTORY", options=smb.NOT_DIRECTORY)
    c.make("full\\x.txt")
    fid = c.open("full", access=smb.ALL, options=smb.DIRECTORY)
    c.dispose(fid, expect="STATUS_DIRECTORY_NOT_EMPTY")
    c.close_file(fid)
    c.leave()


README = """# Captures

Our own recordings of a real Samba server and its clients, for demo and tests. `./record` made them, and makes them anew:
`./record NAME...` (root) records some, `./record --list` names them, `./record --check` holds those that are here against what each
must contain. Server FS01 (192.0.2.10 and .11, 2001:db8::10), clients WS01 (192.0.2.20 and .21, 2001:db8::20), domain EXAMPLE,
users alice and bob: all invented, the addresses are those for documentation. Names with dots are dialects.

`truth/NAME.json` is what the clients did, written by the script while they did it, independent of any decoder.

| capture | what it holds | made with | bytes | sha256 |
|---|---|---|---|---|
@TABLE@
"""
