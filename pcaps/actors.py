"""Who plays the scenarios: clients that write down what they do while they do it (the truth).

An operation of a truth has the names and values of the record schema: operation, user, share, file_name, rename_to, status and
so on. Three kinds of client act: Smbclient runs Samba's own with a script on its standard input, Actor speaks through
client.py, Actor1 through client1.py. All fail the recording when the server answers otherwise than the scenario says.
"""
import os
import re
import struct
import subprocess

import client as smb
import client1 as smb1

ALL = {}
OK = "STATUS_SUCCESS"
FS01, FS01B, FS01V6 = "192.0.2.10", "192.0.2.11", "2001:db8::10"
WS01, WS02, WS01V6 = "192.0.2.20", "192.0.2.21", "2001:db8::20"
DIALECT_OF = {"SMB2_02": "2.0.2", "SMB2_10": "2.1", "SMB3_00": "3.0", "SMB3_02": "3.0.2", "SMB3_11": "3.1.1",
              "NT1": "NT LANMAN 1.0", "LANMAN2": "LANMAN2.1", "LANMAN1": "LANMAN1.0", "CORE": "PC NETWORK PROGRAM 1.0"}


class Scenario:
    def __init__(self, act, name, about, how, expect, options, shares, prepare, midstream, domain):
        self.act, self.name, self.about, self.how, self.expect = act, name, about, how, expect
        self.options, self.shares, self.prepare, self.midstream, self.domain = options, shares, prepare, midstream, domain


def scenario(name, about, expect, how="smbclient", options=None, shares=None, prepare=None, midstream=False, domain=False):
    """expect: tshark display filters, and how many frames each must match at least. domain: the server is a domain controller."""
    def keep(act):
        ALL[name] = Scenario(act, name, about, how, expect, options or {}, shares or {}, prepare, midstream, domain)
        return act
    return keep


def text(size):
    """Content that can be told apart and that packs well."""
    line = b"The quick brown fox jumps over the lazy dog.\r\n"
    return (line * (size // len(line) + 1))[:size]


class Smbclient:
    """A script for smbclient, and the truth of what it does; nothing happens before run()."""

    def __init__(self, stage, share="data", user="alice", protocol="SMB3_11", server=FS01, port=445, domain="EXAMPLE",
                 options=(), password=None, status=OK, tree_status=OK, auth="ntlmv2", kerberos=False, **facts):
        self.stage, self.share, self.lines, self.truths, self.files, self.port = stage, share, [], [], 0, port
        self.user = "%s\\%s" % (domain, user) if user else None
        self.dialect = DIALECT_OF[protocol]
        name = user + "@EXAMPLE.COM" if kerberos else self.user
        account = "%s%%%s" % (name, password or stage.users.get(user, "")) if user else "%"
        self.command = ["smbclient", "//FS01/" + share, "-I", server, "-p", str(port), "-m", protocol, "-U", account,
                        "-s", os.path.join(stage.dir, "client.conf"),
                        "--use-kerberos=" + ("required" if kerberos else "disabled"), *options]
        stage.connections.append({"src_ip": WS01V6 if ":" in server else WS01, "dest_ip": server, "dest_port": port,
                                  "dialect": self.dialect})
        if kerberos:                                                    # who it is, is hidden
            self.user = user = domain = None
            facts, auth = dict(facts, mechanism="kerberos"), "kerberos"
        stage.did("session_setup", user=self.user, user_name=user or None, domain=domain if user else None,
                  auth=auth, status=status, **facts)
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
        with subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", cwd=self.stage.dir, env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC",
                                                                        KRB5_CONFIG=os.path.join(self.stage.dir, "krb5.conf"))) as process:
            output, _ = process.communicate("".join(line + "\n" for line in self.lines), 60)
        said = sorted(set(re.findall(r"NT_(STATUS_\w+)", output)))
        assert said == sorted(set(errors)), "smbclient: expected %s: %s" % (", ".join(errors) or "no error", output)
        assert process.returncode == 0 or errors, "smbclient: " + output
        for operation, facts in self.truths:
            self.stage.did(operation, user=self.user, share=facts.pop("share", self.share), **facts)
        return process.pid


def tool(stage, *command, user="alice", server=FS01, shares=("IPC$",), dialect="3.1.1", code=0):
    """Another of Samba's tools; what it does is for the caller to tell."""
    account = "EXAMPLE\\%s%%%s" % (user, stage.users[user])
    done = subprocess.run([*command, "-s", os.path.join(stage.dir, "client.conf"), "-U", account], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == code, "%s: %d: %s" % (command[0], done.returncode, done.stdout)
    stage.connections.append({"src_ip": WS01, "dest_ip": server, "dest_port": 445, "dialect": dialect})
    stage.did("session_setup", user="EXAMPLE\\" + user, user_name=user, domain="EXAMPLE", auth="ntlmv2", status=OK)
    for share in shares:
        stage.did("tree_connect", user="EXAMPLE\\" + user, share=share, status=OK)
    return done.stdout


class Actor(smb.Client):
    """client.py with a memory: each step says which status it expects (None: whatever comes), and goes into the truth."""

    def __init__(self, stage, dialect=0x0311, server=FS01, source=None, port=445, guid=None, offered=None, multi=None):
        super().__init__(server, port, source, guid)
        self.stage, self.share, self.user, self.names = stage, None, None, {}
        self.quiet = False                                              # while set, nothing goes into the truth
        if multi:
            self.multi_protocol(*multi)
        else:
            self.negotiate(*(offered or (dialect,)))
        stage.connections.append({"src_ip": self.socket.getsockname()[0], "dest_ip": server, "dest_port": port,
                                  "dialect": smb.DIALECTS[self.dialect]})

    def note(self, operation, answer, expect=OK, **facts):
        assert expect in (None, answer.name), "%s %s: expected %s, got %s" % (operation, facts, expect, answer.name)
        if not self.quiet:
            share = None if operation in ("session_setup", "logoff", "echo") else facts.pop("share", self.share)
            if answer.name in ("STATUS_USER_SESSION_DELETED", "STATUS_NETWORK_NAME_DELETED"):
                share = None  # the id stands for nothing any more
            user = None if answer.name == "STATUS_USER_SESSION_DELETED" else self.user
            self.stage.did(operation, user=user, share=share, status=answer.name, **facts)
        return answer

    def logon(self, user="alice", password=None, expect=OK, domain="EXAMPLE", bind=None, previous=0, auth="ntlmv2"):
        answer = self.login(user, password or self.stage.users.get(user, ""), domain, bind=bind, previous=previous)
        self.user = "%s\\%s" % (domain, user) if user else None
        return self.note("session_setup", answer, expect, user_name=user or None, domain=domain if user else None, auth=auth)

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
        facts = {"directory": True} if how.get("options", 0) & smb.DIRECTORY and expect == OK else {}
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


class Actor1(smb1.Client):
    """client1.py with a memory, as Actor; of a chain, each command is told with its own answer."""

    def __init__(self, stage, server=FS01, source=None, port=445, dialects=(smb1.NT1,), called=None, **how):
        super().__init__(server, port, source)
        self.stage, self.share, self.user, self.names = stage, None, None, {}
        self.quiet = False                                              # while set, nothing goes into the truth
        if called:
            kind, _ = self.session_request(called, "WS01")
            assert kind == 0x82, "session request: 0x%02x" % kind
        self.negotiate(*dialects, **how)
        stage.connections.append({"src_ip": self.socket.getsockname()[0], "dest_ip": server, "dest_port": port,
                                  **({"dialect": self.dialect} if self.dialect else {})})

    def note(self, operation, answer, expect=OK, command=None, block=0, **facts):
        """command: of the request, where the answer alone does not tell it."""
        last = block == len(answer.blocks) - 1
        status = answer.name if last else OK
        assert expect in (None, status), "%s %s: expected %s, got %s" % (operation, facts, expect, status)
        share = None if operation in ("session_setup", "logoff", "echo") else facts.pop("share", self.share)
        command = answer.blocks[block].command if command is None else command
        if not self.quiet:
            self.stage.did(operation, command="SMB1_" + smb1.NAMES[command], user=self.user, share=share, status=status,
                           **facts)
        return answer

    def do(self, operation, request, expect=OK, **facts):
        return self.note(operation, self.call(request), expect, request.command, **facts)

    def logon(self, user="alice", password=None, expect=OK, domain="EXAMPLE", auth="ntlmv2"):
        answer = self.login(user, password or self.stage.users.get(user, ""), domain)
        self.user = "%s\\%s" % (domain, user) if user else None
        domain = domain if user else None
        return self.note("session_setup", answer, expect, user_name=user or None, domain=domain, auth=auth)

    def connect_share(self, share="data", expect=OK, **how):
        path = "\\\\FS01\\" + share
        self.share = share
        answer = self.do("tree_connect", smb1.tree_connect(path, **how), expect, share_path=path)
        if answer.status == 0:
            self.tid = answer.tid
        return self

    def ready(self, user="alice", share="data"):
        self.logon(user)
        return self.connect_share(share)

    def opened(self, name, answer, expect=OK, block=0, operation="create", **facts):
        facts.setdefault("file_name", name)
        self.note(operation, answer, expect, block=block, **facts)
        if block < len(answer.blocks) - 1 or answer.status == 0:
            fid = answer.fid(block)
            self.names[fid] = name
            return fid
        return None

    def open(self, name, expect=OK, **how):
        """By NT_CREATE_ANDX."""
        facts = {"directory": True} if how.get("options", 0) & smb.DIRECTORY and expect == OK else {}
        request = smb1.nt_create("\\" + name, unicode=self.unicode, **how)
        return self.opened(name or "\\", self.call(request), expect, **facts)

    def make(self, name, content=b"", **how):
        """A new file with this content, closed again."""
        fid = self.open(name, disposition=smb.OVERWRITE_IF, **how)
        if content:
            self.write(fid, content)
        self.close_file(fid)

    def folder(self, name, expect=OK):
        self.do("create", smb1.named(smb1.CREATE_DIRECTORY, b"", "\\" + name), expect, file_name=name, directory=True)

    def write(self, fid, content, offset=0, expect=OK, request=None):
        facts = {"bytes_written": len(content)} if expect == OK else {}
        self.do("write", request or smb1.write_andx(fid, content, offset), expect, file_name=self.names[fid], **facts)

    def read(self, fid, size, offset=0, expect=OK, request=None):
        answer = self.call(request or smb1.read_andx(fid, size, offset))
        facts = {"bytes_read": self.got(answer)} if answer.status == 0 else {}
        self.note("read", answer, expect, file_name=self.names[fid], **facts)

    def got(self, answer, block=0):
        """The bytes that the answer to a READ or READ_ANDX brought."""
        if answer.blocks[block].command == smb1.READ_ANDX:
            return answer.word(5, block=block) + (answer.word(7, block=block) << 16)
        return answer.word(0, block=block)

    def path_info(self, name, level, subcommand=0x0005, data=b""):
        """TRANS2_QUERY_PATH_INFORMATION, or what sets (2.2.6.6, 2.2.6.7)."""
        parameters = struct.pack("<HI", level, 0) + self.encode("\\" + name + "\0")
        return smb1.transaction(smb1.TRANSACTION2, (subcommand,), parameters, data)

    def file_info(self, fid, level, subcommand=0x0007, data=b""):
        """TRANS2_QUERY_FILE_INFORMATION, or what sets (2.2.6.8, 2.2.6.9)."""
        parameters = struct.pack("<HH", fid, level) + (b"\0\0" if subcommand == 0x0008 else b"")
        return smb1.transaction(smb1.TRANSACTION2, (subcommand,), parameters, data)

    def dispose(self, fid, mark=True, expect=OK):
        """SMB_SET_FILE_DISPOSITION_INFO, 2.2.8.4.4"""
        request = self.file_info(fid, 0x0102, 0x0008, bytes((int(mark),)))
        self.do("set_info", request, expect, file_name=self.names[fid], delete_on_close=mark)

    def close_file(self, fid, deletes=False, expect=OK):
        self.do("delete" if deletes else "close", smb1.close(fid), expect, file_name=self.names.get(fid))

    def remove(self, name, expect=OK):
        self.do("delete", smb1.delete("\\" + name), expect, file_name=name)

    def leave(self):
        self.do("tree_disconnect", smb1.Request(smb1.TREE_DISCONNECT))
        self.do("logoff", smb1.Request(smb1.LOGOFF_ANDX))
        self.close()
