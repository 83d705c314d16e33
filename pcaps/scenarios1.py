"""What record plays in SMB1, one function for each capture. Section numbers are those of MS-CIFS where nothing else is said."""
import struct

import client as smb
import client1 as smb1
from actors import FS01, OK, WS01, WS02, Actor1, Smbclient, scenario, text, tool

NT1 = {"server min protocol": "NT1"}
OLD = {"server min protocol": "CORE", "lanman auth": "yes", "ntlm auth": "ntlmv1-permitted", "raw NTLMv2 auth": "yes"}


def old(stage, *options, protocol="NT1", share="data", **more):
    """smbclient for SMB1; options as in smb.conf. It writes the share in capitals."""
    options = ("client min protocol=CORE", *options)
    return Smbclient(stage, share=share.upper(), protocol=protocol, options=["--option=" + o for o in options], **more)


def ordinary_work(c):
    c.mkdir("docs").put("docs\\report.txt", text(3000)).get("docs\\report.txt", 3000).ls("docs")
    c.rename("docs\\report.txt", "docs\\final.txt").delete("docs\\final.txt").rmdir("docs")
    return c


SET_PATH_INFORMATION, SET_FILE_INFORMATION = 0x0006, 0x0008               # 2.2.2.2


# ---- getting in ------------------------------------------------------------------------------------------------------

WORK = {"smb.cmd == 0x00": 2, "smb.cmd == 0x07": 2, "smb.cmd == 0x06": 2, "smb.cmd == 0x01": 2, "smb.cmd == 0xa2": 4,
        "smb.cmd == 0x2e": 2, "smb.cmd == 0x2f": 2, "smb.trans2.cmd == 0x0001": 1}


@scenario("smb1-extended", "NT LM 0.12 with extended security: mkdir, create, write, read, list, rename, delete, rmdir",
          {**WORK, "ntlmssp.messagetype == 3 && smb": 1, "smb.flags2.esn == 1": 2}, options=NT1)
def extended(stage):
    ordinary_work(old(stage)).run()


@scenario("smb1-plain", "NT LM 0.12 without extended security: NTLMv2 responses in the SESSION_SETUP_ANDX",
          {**WORK, "smb.ansi_pwlen == 24 && smb.unicode_pwlen > 24": 1}, options=OLD)
def plain(stage):
    ordinary_work(old(stage, "client use spnego=no")).run()


@scenario("smb1-ntlmv1", "NT LM 0.12 without extended security, with NTLMv1 responses",
          {**WORK, "smb.unicode_pwlen == 24": 1}, options=OLD)
def ntlmv1(stage):
    ordinary_work(old(stage, "client use spnego=no", "client ntlmv2 auth=no", auth="ntlmv1")).run()


@scenario("smb1-signed", "NT LM 0.12 with signing required", {**WORK, "smb.flags2.sec_sig == 1": 10},
          options=dict(NT1, **{"server signing": "mandatory"}))
def signed(stage):
    ordinary_work(old(stage, "client signing=required")).run()


@scenario("smb1-oem", "NT LM 0.12 without Unicode: names of CP850 with umlauts, in smbclient and client1.py",
          {"smb.flags2.string == 0 && smb.cmd == 0xa2": 4}, options=NT1, how="smbclient, client1.py")
def oem(stage):
    c = old(stage, "unicode=no").mkdir("Übung").put("Übung\\Größe.txt", text(50)).get("Übung\\Größe.txt", 50).ls("Übung")
    c.rename("Übung\\Größe.txt", "Übung\\Höhe.txt").delete("Übung\\Höhe.txt").rmdir("Übung").run()
    c = Actor1(stage, unicode=False).ready()
    c.make("ärger.txt", b"x")
    c.do("rename", smb1.rename("\\ärger.txt", "\\Ñandú.txt"), file_name="ärger.txt", rename_to="Ñandú.txt")
    c.remove("Ñandú.txt")
    c.remove("éà.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    c.leave()


@scenario("smb1-lanman2", "LANMAN2.1, and LANMAN1.0, with LM responses: mkdir, create, write, read, list, rename, delete, rmdir",
          {"smb.dialect.index == 6": 1, "smb.dialect.index == 3": 1, "smb.cmd == 0x73 && smb.wct == 10": 2, "smb.cmd == 0x07": 2},
          options=OLD)
def lanman2(stage):
    for protocol in ("LANMAN2", "LANMAN1"):
        options = "client use spnego=no", "client ntlmv2 auth=no", "client lanman auth=yes"
        ordinary_work(old(stage, *options, protocol=protocol, auth=None)).run()


@scenario("smb1-139", "port 139: session requests with their names, keep-alives between requests; then SMB1 without Unicode",
          {"nbss.type == 0x81": 2, "nbss.type == 0x82": 2, "nbss.type == 0x85": 2, "tcp.port == 139 && smb.cmd == 0x06": 2},
          options=NT1, how="smbclient, client1.py")
def port_139(stage):
    old(stage, "unicode=no", port=139).put("over netbios.txt", text(100)).delete("over netbios.txt").run()
    c = Actor1(stage, port=139, called="FS01").ready()
    c.make("kept alive.txt", b"x")
    c.keep_alive()
    c.keep_alive()
    c.remove("kept alive.txt")
    c.leave()


# ---- files, folders, names -------------------------------------------------------------------------------------------

@scenario("smb1-renames", "RENAME of files, folders and by wildcard; NT_RENAME to a new name and to a link; rename by TRANS2; refused",
          {"smb.cmd == 0x07": 8, "smb.cmd == 0xa5": 4, "smb.trans2.cmd == 0x0006": 2, "smb.nt_status == 0xc0000035": 1},
          options=NT1, how="client1.py")
def renames(stage):
    c = Actor1(stage).ready()
    for name in ("one.txt", "taken.txt", "a.tmp", "b.tmp"):
        c.make(name, b"1")
    c.folder("a")

    def rename(name, to, expect=OK, **how):
        c.do("rename", smb1.rename("\\" + name, "\\" + to, **how), expect, file_name=name, rename_to=to)
    rename("one.txt", "a\\two.txt")
    rename("a", "b")
    rename("b\\two.txt", "taken.txt", "STATUS_OBJECT_NAME_COLLISION")
    rename("none.txt", "some.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    rename("*.tmp", "*.bak", "STATUS_OBJECT_NAME_INVALID")                # Samba has no wildcards here since 4.16
    request = smb1.nt_rename("\\b\\two.txt", "\\b\\three.txt")
    c.do("rename", request, file_name="b\\two.txt", rename_to="b\\three.txt")
    request = smb1.nt_rename("\\b\\three.txt", "\\link.txt", smb1.HARD_LINK)
    c.do("set_info", request, file_name="b\\three.txt")
    new = "four.txt".encode("utf-16-le")
    info = struct.pack("<III", 0, 0, len(new)) + new                     # MS-FSCC 2.4.42.1, MS-SMB 2.2.2.3.5
    parameters = struct.pack("<HI", 1010, 0) + "\\b\\three.txt\0".encode("utf-16-le")
    request = smb1.transaction(smb1.TRANSACTION2, (SET_PATH_INFORMATION,), parameters, info)
    c.do("rename", request, file_name="b\\three.txt", rename_to="four.txt")
    fid = c.open("b\\four.txt", access=smb.ALL)
    new = "five.txt".encode("utf-16-le")
    info = struct.pack("<III", 0, 0, len(new)) + new
    request = smb1.transaction(smb1.TRANSACTION2, (SET_FILE_INFORMATION,), struct.pack("<HHH", fid, 1010, 0), info)
    c.do("rename", request, file_name="b\\four.txt", rename_to="five.txt")
    c.close_file(fid)
    rename("b\\five.txt", "five.txt")
    c.leave()


@scenario("smb1-deletes", "DELETE, by wildcard too; delete on close, by disposition, disposition taken back; DELETE_DIRECTORY; refused",
          {"smb.cmd == 0x06": 6, "smb.cmd == 0x01": 4, "smb.trans2.cmd == 0x0008": 3, "smb.nt_status == 0xc0000101": 1},
          options=NT1, how="client1.py")
def deletes(stage):
    c = Actor1(stage).ready()
    for name in ("plain.txt", "1.tmp", "2.tmp", "3.tmp", "by-close.txt", "marked.txt", "kept.txt", "chained.txt"):
        c.make(name, b"x")
    c.remove("plain.txt")
    c.remove("plain.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    c.remove("?.tmp", "STATUS_OBJECT_NAME_INVALID")                      # Samba has no wildcards here since 4.16
    c.remove("*.tmp", "STATUS_OBJECT_NAME_INVALID")
    c.remove("1.tmp")
    c.close_file(c.open("by-close.txt", access=smb.DELETE, options=smb.DELETE_ON_CLOSE), deletes=True)
    fid = c.open("marked.txt", access=smb.ALL)
    c.dispose(fid)
    c.close_file(fid, deletes=True)
    fid = c.open("kept.txt", access=smb.ALL)
    c.dispose(fid)
    c.dispose(fid, False)
    c.remove("kept.txt", "STATUS_SHARING_VIOLATION")
    c.close_file(fid)
    c.folder("full")
    c.folder("full", "STATUS_OBJECT_NAME_COLLISION")
    c.make("full\\inside.txt")

    def remove_folder(name, expect=OK):
        c.do("delete", smb1.named(smb1.DELETE_DIRECTORY, b"", "\\" + name), expect, file_name=name)
    remove_folder("full", "STATUS_DIRECTORY_NOT_EMPTY")
    c.remove("full\\inside.txt")
    remove_folder("full")
    c.folder("empty")
    fid = c.open("empty", access=smb.ALL, options=smb.DIRECTORY | smb.DELETE_ON_CLOSE)
    c.close_file(fid, deletes=True)
    c.leave()


@scenario("smb1-opens", "OPEN, OPEN_ANDX, CREATE, CREATE_NEW, CREATE_TEMPORARY, NT_CREATE_ANDX, TRANS2_OPEN2; CLOSE; refused ones",
          {"smb.cmd == 0x02": 4, "smb.cmd == 0x2d": 4, "smb.cmd == 0x03": 2, "smb.cmd == 0x0f": 4, "smb.cmd == 0x0e": 2,
           "smb.cmd == 0xa2": 4}, options=NT1, how="client1.py")
def opens(stage):
    c = Actor1(stage).ready()

    def opened(name, request, expect=OK, **facts):
        return c.opened(name, c.call(request), expect, **facts)
    c.close_file(opened("created.txt", smb1.create_core("\\created.txt")))
    c.close_file(opened("new.txt", smb1.create_core("\\new.txt", smb1.CREATE_NEW)))
    opened("new.txt", smb1.create_core("\\new.txt", smb1.CREATE_NEW), "STATUS_OBJECT_NAME_COLLISION")
    answer = c.call(smb1.create_core("", smb1.CREATE_TEMPORARY))
    made = answer.blocks[0].data.strip(b"\4\\\0").decode()               # Samba leaves out the format byte
    c.write(c.opened(made, answer, file_name=None), b"in a file that the server named")
    c.close_file(answer.fid())
    c.remove(made)
    c.close_file(opened("new.txt", smb1.open_core("new.txt", mode=0x40)))                    # without a backslash
    opened("none.txt", smb1.open_core("\\none.txt"), "STATUS_OBJECT_NAME_NOT_FOUND")
    c.close_file(opened("andx.txt", smb1.open_andx("\\andx.txt", smb1.OPEN_OR_CREATE)))
    c.close_file(opened("andx.txt", smb1.open_andx("\\andx.txt", smb1.TRUNCATE_OR_CREATE)))
    opened("none\\x.txt", smb1.open_andx("\\none\\x.txt"), "STATUS_OBJECT_PATH_NOT_FOUND")
    c.close_file(c.open("nt.txt", disposition=smb.CREATE_NEW))
    c.open("nt.txt", "STATUS_OBJECT_NAME_COLLISION", disposition=smb.CREATE_NEW)
    c.open("nt.txt", "STATUS_NOT_A_DIRECTORY", options=smb.DIRECTORY)
    c.folder("folder")
    c.open("folder", "STATUS_FILE_IS_A_DIRECTORY", options=smb.NOT_DIRECTORY)
    c.close_file(c.open("folder", access=smb.READ_DATA, options=smb.DIRECTORY))
    alone = c.open("nt.txt", share=0)
    c.open("nt.txt", "STATUS_SHARING_VIOLATION")
    c.close_file(alone)
    c.close_file(alone, expect="STATUS_INVALID_HANDLE")
    parameters = struct.pack("<HHHHIHIH10x", 0, smb1.READ_WRITE, 6, 0, 0, smb1.OPEN_OR_CREATE, 0, 0) \
        + "\\two.txt\0".encode("utf-16-le")                             # 2.2.6.1.1
    answer = c.call(smb1.transaction(smb1.TRANSACTION2, (0,), parameters))
    c.note("create", answer, None, file_name="two.txt")
    if answer.status == 0:
        fid, = struct.unpack_from("<H", answer.transaction()[0])
        c.names[fid] = "two.txt"
        c.close_file(fid)
    c.leave()


# ---- chains ----------------------------------------------------------------------------------------------------------

@scenario("smb1-chains", "AndX chains: session setup with tree connect, open with read and close, write with close, one that fails, logoff",
          {"smb.andxoffset > 0": 8, "smb.cmd == 0x73 && smb.cmd == 0x75": 2, "smb.cmd == 0x2d && smb.cmd == 0x2e && smb.cmd == 0x04": 2,
           "smb.cmd == 0x2f && smb.cmd == 0x04": 2}, options=OLD, how="client1.py")
def chains(stage):
    c = Actor1(stage, extended=False)
    c.user, c.share = "EXAMPLE\\alice", "data"
    response = c.ntlmv2("alice", stage.users["alice"], "EXAMPLE")
    answer = c.call(c.setup_plain("alice", "EXAMPLE", bytes(24), response), smb1.tree_connect("\\\\FS01\\data", "A:"))
    c.note("session_setup", answer, user_name="alice", domain="EXAMPLE", auth="ntlmv2")
    c.note("tree_connect", answer, block=1, share_path="\\\\FS01\\data")
    c.uid, c.tid = answer.uid, answer.tid
    c.make("chain.txt", text(300))
    answer = c.call(smb1.open_andx("\\chain.txt"), smb1.read_andx(smb1.CHAINED, 100))
    fid = c.opened("chain.txt", answer)
    c.note("read", answer, block=1, file_name="chain.txt", bytes_read=100)
    c.close_file(fid)
    answer = c.call(smb1.open_andx("\\chain.txt"), smb1.read_andx(smb1.CHAINED, 200, 50), smb1.close())
    c.opened("chain.txt", answer)
    c.note("read", answer, block=1, file_name="chain.txt", bytes_read=200)
    c.note("close", answer, block=2, file_name="chain.txt")
    fid = c.open("chain.txt")
    answer = c.call(smb1.write_andx(fid, text(77)), smb1.read_andx(fid, 77), smb1.close(fid))
    c.note("write", answer, file_name="chain.txt", bytes_written=77)
    c.note("read", answer, block=1, file_name="chain.txt", bytes_read=77)
    c.note("close", answer, block=2, file_name="chain.txt")
    fid = c.open("chain.txt")
    answer = c.call(smb1.write_andx(fid, text(5), 300), smb1.close(fid))
    c.note("write", answer, file_name="chain.txt", bytes_written=5)
    c.note("close", answer, block=1, file_name="chain.txt")
    answer = c.call(smb1.nt_create("\\none.txt"), smb1.read_andx(smb1.CHAINED, 10), smb1.close())
    c.note("create", answer, "STATUS_OBJECT_NAME_NOT_FOUND", file_name="none.txt")
    answer = c.call(smb1.nt_create("\\made.txt", disposition=smb.OPEN_IF), smb1.write_andx(smb1.CHAINED, b"0123456789"), smb1.close())
    c.opened("made.txt", answer)
    c.note("write", answer, block=1, file_name="made.txt", bytes_written=10)
    c.note("close", answer, block=2, file_name="made.txt")
    answer = c.call(smb1.tree_connect("\\\\FS01\\data"), smb1.open_andx("\\second tree.txt", smb1.OPEN_OR_CREATE))
    c.note("tree_connect", answer, share_path="\\\\FS01\\data")
    c.tid = answer.tid
    fid = c.opened("second tree.txt", answer, block=1)
    answer = c.call(smb1.write_andx(fid, b"at the end"), smb1.Request(smb1.LOGOFF_ANDX))
    c.note("write", answer, file_name="second tree.txt", bytes_written=10)
    c.note("logoff", answer, None, block=1)
    c.close()
