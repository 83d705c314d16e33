"""What record plays in SMB1, one function for each capture. Section numbers alone are those of MS-CIFS."""
import os
import struct
import subprocess
import sys

import client as smb
import client1 as smb1
from actors import FS01, FS01B, OK, WS01, WS02, Actor, Actor1, Smbclient, scenario, text, tool
from scenarios import make_dfs_link, pipe

NT1 = {"server min protocol": "NT1"}
OLD = {"server min protocol": "CORE", "lanman auth": "yes", "ntlm auth": "ntlmv1-permitted", "raw NTLMv2 auth": "yes"}


def old(stage, *options, protocol="NT1", share="data", **more):
    """smbclient for SMB1; options as in smb.conf. It writes the share in capitals."""
    options = ("client min protocol=CORE", *options)
    return Smbclient(stage, share=share.upper(), protocol=protocol, options=["--option=" + o for o in options], **more)


def ordinary_work(c):
    c.mkdir("docs").put("docs\\report.txt", text(300)).get("docs\\report.txt", 300).ls("docs")
    c.rename("docs\\report.txt", "docs\\final.txt").delete("docs\\final.txt").rmdir("docs")
    return c


SET_PATH_INFORMATION, SET_FILE_INFORMATION = 0x0006, 0x0008               # 2.2.2.2
RENAME_INFORMATION = 1000 + 10                                          # MS-SMB 2.2.2.3.5: a class of MS-FSCC
IPC_PROTOCOLS = ("min protocol", "max protocol", "ipc min protocol", "ipc max protocol")
SRVSVC = bytes.fromhex("c84f324b7016d30112785a47bf6ee188") + struct.pack("<HH", 3, 0)                     # MS-SRVS 1.9
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)                         # C706 appendix I


def new_name(name):
    """MS-FSCC 2.4.42.1"""
    name = name.encode("utf-16-le")
    return struct.pack("<III", 0, 0, len(name)) + name


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
          {"smb.unicode_pwlen == 24": 1, "smb.cmd == 0x07": 2}, options=OLD)
def ntlmv1(stage):
    c = old(stage, "client use spnego=no", "client ntlmv2 auth=no", auth="ntlmv1")
    c.put("file.txt", text(300)).rename("file.txt", "renamed.txt").delete("renamed.txt").run()


@scenario("smb1-signed", "NT LM 0.12 with signing required", {**WORK, "smb.flags2.sec_sig == 1": 10},
          options=dict(NT1, **{"server signing": "mandatory"}))
def signed(stage):
    ordinary_work(old(stage, "client signing=required")).run()


@scenario("smb1-oem", "NT LM 0.12 without Unicode: names of CP850 with umlauts, in smbclient and client1.py",
          {"smb.flags2.string == 0 && smb.cmd == 0xa2": 4}, options=NT1, how="smbclient, client1.py")
def oem(stage):
    c = old(stage, "unicode=no").mkdir("Übung").put("Übung\\Größe.txt", text(50))
    c.get("Übung\\Größe.txt", 50).ls("Übung")
    c.rename("Übung\\Größe.txt", "Übung\\Höhe.txt").delete("Übung\\Höhe.txt").rmdir("Übung").run()
    c = Actor1(stage, unicode=False).ready()
    c.make("ärger.txt", b"x")
    c.do("rename", smb1.rename("\\ärger.txt", "\\Ñandú.txt"), file_name="ärger.txt", rename_to="Ñandú.txt")
    c.remove("Ñandú.txt")
    c.remove("éà.txt", "STATUS_OBJECT_NAME_NOT_FOUND")
    c.leave()


@scenario("smb1-lanman2",
          "LANMAN2.1 and LANMAN1.0, with LM responses: the ordinary work, and a file written and deleted",
          {"smb.dialect.index == 6": 1, "smb.dialect.index == 3": 1, "smb.cmd == 0x73 && smb.wct == 10": 2,
           "smb.cmd == 0x07": 2, "smb.cmd == 0x06": 4},
          options=OLD)
def lanman2(stage):
    options = "client use spnego=no", "client ntlmv2 auth=no", "client lanman auth=yes"
    ordinary_work(old(stage, *options, protocol="LANMAN2", auth=None)).run()
    old(stage, *options, protocol="LANMAN1", auth=None).put("file.txt", text(100)).add(
        'del "file.txt"', ("delete", {"file_name": "FILE.TXT"})).run()      # a search of LANMAN1.0 answers in capitals


@scenario("smb1-139",
          "port 139: session requests with their names, keep-alives between requests; then SMB1 without Unicode",
          {"nbss.type == 0x81": 2, "nbss.type == 0x82": 2, "nbss.type == 0x85": 2,
           "tcp.port == 139 && smb.cmd == 0x06": 2},
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

@scenario("smb1-renames",
          "RENAME of files, folders and by wildcard; NT_RENAME to a new name and to a link; rename by TRANS2; refused",
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
    request = c.path_info("b\\three.txt", RENAME_INFORMATION, SET_PATH_INFORMATION, new_name("four.txt"))
    c.do("rename", request, file_name="b\\three.txt", rename_to="four.txt")
    fid = c.open("b\\four.txt", access=smb.ALL)
    request = c.file_info(fid, RENAME_INFORMATION, SET_FILE_INFORMATION, new_name("five.txt"))
    c.do("rename", request, file_name="b\\four.txt", rename_to="five.txt")
    c.names[fid] = "b\\five.txt"                                         # a name alone stays in its folder
    c.close_file(fid)
    rename("b\\five.txt", "five.txt")
    c.leave()


@scenario("smb1-deletes",
          "DELETE, by wildcard too; delete on close, by disposition, disposition taken back; DELETE_DIRECTORY; refused",
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


@scenario("smb1-opens",
          "OPEN, OPEN_ANDX, CREATE, CREATE_NEW, CREATE_TEMPORARY, NT_CREATE_ANDX, TRANS2_OPEN2; CLOSE; refused ones",
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
    del c.names[alone]
    c.close_file(alone, expect="STATUS_INVALID_HANDLE")
    parameters = struct.pack("<HHHHIHIH10x", 0, smb1.READ_WRITE, 6, 0, 0, smb1.OPEN_OR_CREATE, 0, 0) \
        + "\\two.txt\0".encode("utf-16-le")                             # 2.2.6.1.1
    answer = c.call(smb1.transaction(smb1.TRANSACTION2, (0,), parameters))
    c.note("create", answer, None)          # for "" it asks: two zero bytes too many stand before the name
    if answer.status == 0:
        fid, = struct.unpack_from("<H", answer.transaction()[0])
        c.names[fid] = "two.txt"
        c.close_file(fid)
    c.leave()


# ---- chains ----------------------------------------------------------------------------------------------------------

@scenario("smb1-chains",
          "AndX chains: session setup and tree connect, open, read and close, write and close, a failure, logoff",
          {"smb.andxoffset > 0": 8, "smb.cmd == 0x73 && smb.cmd == 0x75": 2,
           "smb.cmd == 0x2d && smb.cmd == 0x2e && smb.cmd == 0x04": 2,
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
    answer = c.call(smb1.nt_create("\\made.txt", disposition=smb.OPEN_IF),
                    smb1.write_andx(smb1.CHAINED, b"0123456789"), smb1.close())
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


# ---- reading and writing ---------------------------------------------------------------------------------------------

@scenario("smb1-io",
          "READ and WRITE in all their forms: core, ANDX, RAW, MPX, with lock, unlock and close; SEEK, FLUSH, ECHO",
          {"smb.cmd == 0x0a": 2, "smb.cmd == 0x0b": 4, "smb.cmd == 0x13": 2, "smb.cmd == 0x14": 2, "smb.cmd == 0x1a": 1,
           "smb.cmd == 0x1d": 2, "smb.cmd == 0x2c": 2, "smb.cmd == 0x2b": 3}, options=NT1, how="client1.py")
def io(stage):
    c = Actor1(stage).ready()
    fid = c.open("io.dat", disposition=smb.OPEN_IF, access=smb.ALL)
    c.write(fid, text(600), request=smb1.write_core(fid, text(600)))
    c.write(fid, text(100), request=smb1.write_andx(fid, text(100), 600))
    c.write(fid, text(100), request=smb1.write_andx(fid, text(100), 700, large=True, pad=b"\0\0\0"))
    c.read(fid, 100, request=smb1.read_core(fid, 100, 20))
    c.read(fid, 100, request=smb1.read_andx(fid, 100, 20))
    c.read(fid, 500, request=smb1.read_andx(fid, 500, 650, large=True))
    c.read(fid, 100, request=smb1.read_andx(fid, 100, 5 << 32, large=True))
    c.read(fid, 50, request=smb1.read_core(fid, 50, 0, smb1.LOCK_AND_READ))
    c.write(fid, text(50), request=smb1.write_core(fid, text(50), 0, smb1.WRITE_AND_UNLOCK))
    c.do("lock", smb1.of_fid(smb1.LOCK_BYTE_RANGE, fid, "II", 100, 0), file_name="io.dat")
    c.do("lock", smb1.of_fid(smb1.UNLOCK_BYTE_RANGE, fid, "II", 100, 0), file_name="io.dat")
    c.do("lock", smb1.of_fid(smb1.UNLOCK_BYTE_RANGE, fid, "II", 100, 0), "STATUS_RANGE_NOT_LOCKED", file_name="io.dat")
    c.call(smb1.of_fid(smb1.SEEK, fid, "Hi", 2, -10))
    c.do("flush", smb1.of_fid(smb1.FLUSH, fid), file_name="io.dat")
    c.send(smb1.read_raw(fid, 700, 10))
    _, data = c.receive_session_message()                                # the data alone, 2.2.4.22.2
    stage.did("read", command="SMB1_READ_RAW", user=c.user, share="data", file_name="io.dat", bytes_read=len(data),
              status=OK)
    mid = c.send(smb1.write_raw(fid, 900, text(300), 800))
    c.wait(mid)                                                          # the interim answer
    c.send_raw(text(900)[300:])
    c.note("write", c.wait(mid), command=smb1.WRITE_RAW, file_name="io.dat", bytes_written=900)
    c.do("read", smb1.read_mpx(fid, 100), None, file_name="io.dat")
    c.do("write", smb1.write_core(fid, b"", 1000), file_name="io.dat", bytes_written=0)  # cuts the file there, 2.2.4.12
    mid = c.send(smb1.echo(3, b"still there?"))
    for _ in range(3):
        answer = c.wait(mid)
    c.note("echo", answer)
    c.do("write", smb1.write_and_close(fid, b"the end", 1000), file_name="io.dat", bytes_written=7)
    c.do("read", smb1.read_andx(fid, 10), "STATUS_INVALID_HANDLE")
    c.leave()


@scenario("smb1-large",
          "a WRITE_ANDX of 66,000 bytes, whose length needs its high part; a READ_ANDX beyond MaxBufferSize",
          {"smb.data_len_high == 1": 1, "smb.data_len_low > 17000": 1}, options=NT1, how="client1.py")
def large(stage):
    c = Actor1(stage).ready()
    fid = c.open("large.bin", disposition=smb.OPEN_IF)
    c.write(fid, text(66000))
    c.read(fid, 17500, 40000)
    c.close_file(fid)
    c.leave()


# ---- asking and telling ----------------------------------------------------------------------------------------------

@scenario("smb1-information",
          "QUERY and SET_INFORMATION(2), CHECK_DIRECTORY, QUERY_INFORMATION_DISK; TRANS2 information levels",
          {"smb.cmd == 0x08": 4, "smb.cmd == 0x09": 2, "smb.cmd == 0x22": 2, "smb.cmd == 0x23": 2, "smb.cmd == 0x10": 4,
           "smb.cmd == 0x80": 2, "smb.trans2.cmd == 0x0005": 8, "smb.trans2.cmd == 0x0003": 4}, options=NT1,
          how="client1.py")
def information(stage):
    c = Actor1(stage).ready()
    name = {"file_name": "thing.txt"}
    c.make("thing.txt", text(100))
    c.folder("folder")
    c.do("query_info", smb1.named(smb1.QUERY_INFORMATION, b"", "\\thing.txt"), **name)
    c.do("query_info", smb1.named(smb1.QUERY_INFORMATION, b"", "\\none.txt"), "STATUS_OBJECT_NAME_NOT_FOUND",
         file_name="none.txt")
    c.do("set_info", smb1.set_information("\\thing.txt", 0x20, 1000000000), **name)
    c.do("query_info", smb1.named(smb1.CHECK_DIRECTORY, b"", "\\folder"), file_name="folder")
    c.do("query_info", smb1.named(smb1.CHECK_DIRECTORY, b"", "\\thing.txt"), "STATUS_NOT_A_DIRECTORY", **name)
    c.do("query_info", smb1.Request(smb1.QUERY_INFORMATION_DISK))
    fid = c.open("thing.txt", access=smb.ALL)
    c.do("query_info", smb1.of_fid(smb1.QUERY_INFORMATION2, fid), **name)
    c.do("set_info", smb1.of_fid(smb1.SET_INFORMATION2, fid, "6H", 0, 0, 0, 0, 0x2B29, 0x0DD4), **name)
    for level in (0x0001, 0x0101, 0x0102, 0x0103, 0x0104, 0x0107, 0x0108, 0x0109, 0x010B, 1000 + 34, 0x7777):
        c.do("query_info", c.path_info("thing.txt", level), None, **name)
    for level in (0x0001, 0x0002, 0x0101, 0x0107, 1000 + 6):
        c.do("query_info", c.file_info(fid, level), None, **name)
    for level in (0x0001, 0x0002, 0x0102, 0x0103, 0x0104, 0x0105, 1000 + 7):
        request = smb1.transaction(smb1.TRANSACTION2, (0x0003,), struct.pack("<H", level))
        c.do("query_info", request, None)
    long_ago = 116444736000000000 + 10**9 * 10**7
    basic = struct.pack("<QQQQII", long_ago, long_ago, long_ago, long_ago, 0x2, 0)
    c.do("set_info", c.file_info(fid, 0x0101, SET_FILE_INFORMATION, basic), **name)
    c.do("set_info", c.file_info(fid, 0x0104, SET_FILE_INFORMATION, struct.pack("<Q", 42)), **name)      # end of file
    c.do("set_info", c.file_info(fid, 0x0103, SET_FILE_INFORMATION, struct.pack("<Q", 8192)), **name)    # allocation
    c.do("set_info", c.path_info("thing.txt", 1000 + 4, SET_PATH_INFORMATION, basic), **name)
    attribute = struct.pack("<IBBH", 4 + 4 + 6 + 6, 0, 5, 6) + b"COLOR\0" + b"purple"                     # 2.2.1.2.2.1
    c.do("set_info", c.path_info("thing.txt", 0x0002, SET_PATH_INFORMATION, attribute), None, **name)
    c.do("query_info", c.path_info("thing.txt", 0x0004), None, **name)
    c.close_file(fid)
    request = smb1.transaction(smb1.TRANSACTION2, (0x000D,), bytes(4) + c.encode("\\by trans2\0"))
    c.do("create", request, file_name="by trans2", directory=True)
    c.leave()


@scenario("smb1-searches",
          "SEARCH, FIND, FIND_UNIQUE, FIND_CLOSE; FIND_FIRST2, FIND_NEXT2 in several pages, FIND_CLOSE2",
          {"smb.cmd == 0x81": 4, "smb.cmd == 0x82": 2, "smb.cmd == 0x83": 2, "smb.cmd == 0x84": 2, "smb.cmd == 0x34": 2,
           "smb.trans2.cmd == 0x0001": 4, "smb.trans2.cmd == 0x0002": 4}, options=NT1, how="client1.py")
def searches(stage):
    c = Actor1(stage).ready()
    c.folder("many")
    for i in range(12):
        c.quiet = i > 0
        c.make("many\\file%02d.txt" % i)
    c.quiet = False

    def old_search(command, count, key=b"", expect=OK, pattern="\\many\\*.txt"):
        facts = {} if key else {"file_name": "many", "search_pattern": pattern.split("\\")[-1]}
        answer = c.call(smb1.search("" if key else pattern, count, key=key, command=command))
        c.note("query_directory", answer, expect, **facts,
               **({"entries": answer.word(0)} if answer.status == 0 else {}))
        return answer.blocks[0].data[3:][43 * (answer.word(0) - 1):][:21] if answer.status == 0 else b""
    key = old_search(smb1.SEARCH, 5)
    key = old_search(smb1.SEARCH, 20, key)
    old_search(smb1.SEARCH, 5, key, None)
    key = old_search(smb1.FIND, 3)
    c.call(smb1.search("", 0, key=key, command=smb1.FIND_CLOSE))
    old_search(smb1.FIND_UNIQUE, 5, pattern="\\many\\file03.txt")
    old_search(smb1.SEARCH, 5, expect=None, pattern="\\many\\none.*")
    for level, pattern in ((0x0104, "*"), (0x0001, "file*.txt")):
        parameters = struct.pack("<HHHHI", smb1.FOLDERS_TOO, 5, 0x0004, level, 0)
        parameters += c.encode("\\many\\" + pattern + "\0")
        answer = c.call(smb1.transaction(smb1.TRANSACTION2, (0x0001,), parameters))                       # 2.2.6.2
        sid, count, end = struct.unpack_from("<HHH", answer.transaction()[0])
        c.note("query_directory", answer, file_name="many", search_pattern=pattern, entries=count)
        while not end:
            parameters = struct.pack("<HHHIH", sid, 5, level, 0, 0x000C) + c.encode("\0")                # 2.2.6.3
            answer = c.call(smb1.transaction(smb1.TRANSACTION2, (0x0002,), parameters))
            count, end = struct.unpack_from("<HH", answer.transaction()[0])
            c.note("query_directory", answer, entries=count)
        c.call(smb1.of_fid(smb1.FIND_CLOSE2, sid))
    parameters = struct.pack("<HHHHI", smb1.FOLDERS_TOO, 5, 0x0004, 0x0104, 0) + c.encode("\\many\\none.*\0")
    c.do("query_directory", smb1.transaction(smb1.TRANSACTION2, (0x0001,), parameters), None, file_name="many",
         search_pattern="none.*")
    c.leave()


# ---- two clients, and answers that take their time -------------------------------------------------------------------

@scenario("smb1-locks",
          "LOCKING_ANDX: granted, refused, waiting and granted, cancelled; 64-bit ranges; reading against it",
          {"smb.cmd == 0x24": 12, "smb.nt_status == 0xc0000055 || smb.nt_status == 0xc0000054": 1,
           "smb.cmd == 0xa4": 1},
          options=NT1, how="client1.py")
def locks(stage):
    a, b = Actor1(stage, source=WS01).ready("alice"), Actor1(stage, source=WS02).ready("bob")
    a.make("locked.dat", text(500))
    mine, yours = a.open("locked.dat"), b.open("locked.dat")
    name = {"file_name": "locked.dat"}
    a.do("lock", smb1.locking(mine, locks=[(0, 100), (200, 10)]), **name)
    b.do("lock", smb1.locking(yours, locks=[(0, 100)]), "STATUS_LOCK_NOT_GRANTED", **name)
    b.do("lock", smb1.locking(yours, smb1.LARGE_FILES, locks=[(5 << 32, 100)]), **name)
    b.read(yours, 50, expect="STATUS_FILE_LOCK_CONFLICT")
    b.write(yours, b"against the lock", 10, "STATUS_FILE_LOCK_CONFLICT")
    waiting = b.send(smb1.locking(yours, smb1.LARGE_FILES, locks=[(0, 100)], timeout=20000))
    b.call(smb1.echo(1, b"meanwhile"))
    a.do("lock", smb1.locking(mine, unlocks=[(0, 100)]), **name)
    b.note("lock", b.wait(waiting), **name)
    waiting = a.send(smb1.locking(mine, smb1.LARGE_FILES | smb1.SHARED_LOCK, locks=[(0, 100)], timeout=20000))
    a.call(smb1.echo(1, b"meanwhile"))
    a.send(smb1.Request(smb1.NT_CANCEL), mid=waiting)
    stage.did("cancel", command="SMB1_NT_CANCEL", user=a.user)
    a.note("lock", a.wait(waiting), None, **name)
    a.mid += 10
    a.do("lock", smb1.locking(mine, unlocks=[(300, 5)]), "STATUS_RANGE_NOT_LOCKED", **name)
    a.close_file(mine)
    b.close_file(yours)
    a.leave()
    b.leave()


@scenario("smb1-oplocks", "an oplock broken by another client's open: released to level II, then by closing the file",
          {"smb.cmd == 0x24 && smb.mid == 0xffff": 2, "smb.cmd == 0x24 && smb.mid != 0xffff": 1}, options=NT1,
          how="client1.py")
def oplocks(stage):
    a, b = Actor1(stage, source=WS01).ready("alice"), Actor1(stage, source=WS02).ready("bob")
    for last in (False, True):
        mine = a.open("held.txt", disposition=smb.OPEN_IF, flags=smb1.BATCH_OPLOCK)
        opening = b.send(smb1.nt_create("\\held.txt"))
        asked = a.wait(smb1.UNASKED)
        assert asked.blocks[0].command == smb1.LOCKING_ANDX and asked.word(2) == mine
        stage.did("oplock_break", command="SMB1_LOCKING_ANDX", share="data", file_name="held.txt")
        if last:
            a.close_file(mine)
        else:
            a.send(smb1.locking(mine, smb1.OPLOCK_RELEASE, oplock=1))    # has no answer, 2.2.4.32.2
            stage.did("oplock_break", command="SMB1_LOCKING_ANDX", user=a.user, share="data", file_name="held.txt")
        b.close_file(b.opened("held.txt", b.wait(opening)))
        if not last:
            a.close_file(mine)
    a.leave()
    b.leave()


@scenario("smb1-corners",
          "a SESSION_SETUP_ANDX with a domain behind its token; a break's acknowledgement that the server refuses",
          {"smb.cmd == 0x24 && smb.nt_status == 0xc0000008": 1,
           "smb.primary_domain == \"EXAMPLE\" && smb.wct == 12": 1}, options=NT1, how="client1.py")
def corners(stage):
    c = Actor1(stage)
    first = c.setup_extended(smb.ntlm_negotiate(), "EXAMPLE")            # has no place in MS-SMB 2.2.4.6.1, and is sent
    answer = c.call(first)
    c.uid = answer.uid
    token = answer.blocks[0].data[:answer.word(3)]
    token, _ = smb.ntlm_authenticate(token, "alice", stage.users["alice"], "EXAMPLE", "WS01")
    c.user = "EXAMPLE\\alice"
    c.note("session_setup", c.call(c.setup_extended(token)), user_name="alice", domain="EXAMPLE")
    c.connect_share()
    fid = c.open("held.txt", disposition=smb.OPEN_IF, flags=smb1.BATCH_OPLOCK)
    c.close_file(fid)
    del c.names[fid]
    c.do("oplock_break", smb1.locking(fid, smb1.OPLOCK_RELEASE), "STATUS_INVALID_HANDLE")
    c.leave()


def watch(c, fid, completion=0x17F, tree=False):
    """NT_TRANSACT_NOTIFY_CHANGE, 2.2.7.4; returns the MID."""
    return c.send(smb1.nt_transact(4, struct.pack("<IHBB", completion, fid, int(tree), 0), room=(4096, 0)))


@scenario("smb1-notify", "NT_TRANSACT_NOTIFY_CHANGE: answered, cancelled by NT_CANCEL, ended by closing its folder",
          {"smb.nt.function == 4": 4, "smb.cmd == 0xa4": 1, "smb.nt_status == 0xc0000120": 1}, options=NT1,
          how="client1.py")
def notify(stage):
    a, b = Actor1(stage, source=WS01).ready("alice"), Actor1(stage, source=WS02).ready("bob")
    a.folder("watched")
    fid = a.open("watched", access=smb.READ_DATA, options=smb.DIRECTORY)
    waiting = watch(a, fid, tree=True)
    a.call(smb1.echo(1, b"it waits"))
    b.folder("watched\\new folder")
    a.note("notify", a.wait(waiting), file_name="watched")
    a.close_file(fid)
    fid = a.open("watched", access=smb.READ_DATA, options=smb.DIRECTORY)
    waiting = watch(a, fid, completion=0x40)
    a.call(smb1.echo(1, b"it waits"))
    following, _ = a.mid, a.send(smb1.Request(smb1.NT_CANCEL), mid=waiting)
    stage.did("cancel", command="SMB1_NT_CANCEL", user=a.user)
    a.note("notify", a.wait(waiting), "STATUS_CANCELLED", file_name="watched")
    a.mid = following
    waiting = watch(a, fid, completion=0x40)
    done = a.send(smb1.close(fid))
    a.note("notify", a.wait(waiting), None, file_name="watched")
    a.note("close", a.wait(done), file_name="watched")
    a.leave()
    b.leave()


# ---- transactions ----------------------------------------------------------------------------------------------------

@scenario("smb1-nt-transact",
          "NT_TRANSACT: CREATE, QUERY and SET_SECURITY_DESC, IOCTL, QUERY_QUOTA; one with secondary parts",
          {"smb.nt.function == 1": 2, "smb.nt.function == 2": 4, "smb.nt.function == 3": 2, "smb.nt.function == 6": 2,
           "smb.cmd == 0xa1": 2}, options=NT1, how="client1.py")
def nt_transact(stage):
    c = Actor1(stage).ready()
    name = "\\by transaction.txt"
    words = 0, 0, smb.ALL, 0, 0, 7, smb.OPEN_IF, 0, 0, 0, 2 * len(name), 2, 0
    parameters = struct.pack("<IIIQIIIIIIIIB", *words)                  # 2.2.7.1.1
    answer = c.call(smb1.nt_transact(1, parameters=parameters + b"\0" + c.encode(name + "\0")))
    known = {"file_name": name[1:]}
    c.note("create", answer, **known)
    fid, = struct.unpack_from("<H", answer.transaction()[0], 2)
    c.names[fid] = name[1:]
    c.write(fid, b"opened by a transaction")
    answer = c.do("query_info", smb1.nt_transact(6, parameters=struct.pack("<HHI", fid, 0, 7)), **known)       # 2.2.7.6
    c.do("query_info", smb1.nt_transact(6, parameters=struct.pack("<HHI", fid, 0, 7), room=(4, 0)), None, **known)
    descriptor, parameters = answer.transaction()[1], struct.pack("<HHI", fid, 0, 4)
    c.do("set_info", smb1.nt_transact(3, parameters=parameters, data=descriptor), None, **known)               # 2.2.7.3
    totals = len(parameters), len(descriptor)
    mid = c.send(smb1.nt_transact(3, parameters=parameters, data=descriptor[:20], totals=totals))
    c.wait(mid)                                                         # the interim answer: the rest may come
    c.send(smb1.nt_secondary(totals, data=descriptor[20:50], at=(totals[0], 20)), mid=mid)
    c.send(smb1.nt_secondary(totals, data=descriptor[50:], at=(totals[0], 50)), mid=mid)
    c.note("set_info", c.wait(mid), None, **known)
    for code, control in ((0x000900C4, "FSCTL_SET_SPARSE"), (0x000900C0, "FSCTL_CREATE_OR_GET_OBJECT_ID"),
                          (0x00144064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"), (0x0014FFFC, "0x0014fffc")):
        request = smb1.nt_transact(2, struct.pack("<IHBB", code, fid, 1, 0))                                   # 2.2.7.2
        c.do("ioctl", request, None, control_code=control, **known)
    c.do("query_info", smb1.nt_transact(7, parameters=struct.pack("<H14x", fid)), None, **known)        # MS-SMB 2.2.7.5
    c.do("ioctl", smb1.Request(smb1.IOCTL, struct.pack("<7HIHHHHH", fid, 0x53, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
         None, **known)
    c.close_file(fid)
    c.leave()


@scenario("smb1-secondary", "TRANSACTION2 in several parts: parameters and data apart, and one that is never completed",
          {"smb.cmd == 0x33": 3}, options=NT1, how="client1.py")
def parts(stage):
    c = Actor1(stage).ready()
    c.make("thing.txt", text(10))

    def in_parts(request_setup, parameters, data, *cuts):
        """The first part has the parameters and data before the first cut (a pair), and so on."""
        totals, at = (len(parameters), len(data)), cuts[0]
        mid = c.send(smb1.transaction(smb1.TRANSACTION2, request_setup, parameters[:at[0]], data[:at[1]], total=totals))
        c.wait(mid)
        for to in (*cuts[1:], totals):
            c.send(smb1.secondary(smb1.TRANSACTION2_SECONDARY, totals, parameters[at[0]:to[0]], data[at[1]:to[1]], at),
                   mid=mid)
            at = to
        return c.wait(mid)
    parameters = struct.pack("<HI", RENAME_INFORMATION, 0) + c.encode("\\thing.txt\0")
    answer = in_parts((SET_PATH_INFORMATION,), parameters, new_name("in parts.txt"), (len(parameters), 0))
    c.note("rename", answer, file_name="thing.txt", rename_to="in parts.txt")
    parameters = struct.pack("<HI", RENAME_INFORMATION, 0) + c.encode("\\in parts.txt\0")
    answer = in_parts((SET_PATH_INFORMATION,), parameters, new_name("in more parts.txt"), (10, 0), (20, 5),
                      (len(parameters), 13))
    c.note("rename", answer, file_name="in parts.txt", rename_to="in more parts.txt")
    parameters = struct.pack("<HHHHI", 6, 5, 4, 0x0104, 0) + c.encode("\\*.txt\0")
    answer = in_parts((1,), parameters, b"", (8, 0))
    c.note("query_directory", answer, file_name="\\", search_pattern="*.txt")
    totals = len(parameters), 0
    c.wait(c.send(smb1.transaction(smb1.TRANSACTION2, (1,), parameters[:6], total=totals)))
    c.leave()


@scenario("smb1-pipes",
          "named pipes: rpcclient's srvsvc, samr and lsarpc; reads, writes and TRANSACTIONs, one in two parts",
          {"smb": 2,  "smb.cmd == 0x25": 10, "smb.cmd == 0x26": 1}, options=NT1,
          how="smbclient, client1.py")
def pipes(stage):
    for name, commands, calls in (("srvsvc", "netshareenum 1; srvinfo", ("NetrShareEnum", "NetrServerGetInfo")),
                                  ("samr", "enumdomusers", ("SamrEnumerateUsersInDomain",)),
                                  ("lsarpc", "lookupnames bob", ("LsarLookupNames",))):
        tool(stage, "rpcclient", "FS01", "-c", commands, *("--option=client %s=NT1" % o for o in IPC_PROTOCOLS),
             dialect="NT LANMAN 1.0")
        pipe(stage, name, name, *calls)
    c = Actor1(stage).ready(share="IPC$")
    bind = struct.pack("<BBBBIHHIHHIIHH", 5, 0, 11, 3, 0x10, 72, 0, 1, 4280, 4280, 0, 1, 0, 1) + SRVSVC + NDR
    for command in (smb1.NT_CREATE_ANDX, smb1.OPEN_ANDX, smb1.OPEN):
        request = {smb1.NT_CREATE_ANDX: smb1.nt_create("\\srvsvc"), smb1.OPEN: smb1.open_core("\\PIPE\\srvsvc"),
                   smb1.OPEN_ANDX: smb1.open_andx("\\PIPE\\srvsvc")}[command]
        answer = c.call(request)
        known = {"pipe_name": "srvsvc"}
        c.note("open_pipe", answer, None, **known)
        if answer.status:
            continue
        fid = answer.fid()
        if command == smb1.NT_CREATE_ANDX:
            c.do("write_pipe", smb1.write_andx(fid, bind), bytes_written=len(bind), **known)
            answer = c.call(smb1.read_andx(fid, 1024))
            c.note("read_pipe", answer, bytes_read=c.got(answer), **known)
        else:
            totals = 0, len(bind)
            setup = 0x26, fid                                           # 2.2.5.6
            mid = c.send(smb1.transaction(smb1.TRANSACTION, setup, data=bind[:30], name="\\PIPE\\", total=totals))
            c.wait(mid)
            c.send(smb1.secondary(smb1.TRANSACTION_SECONDARY, totals, data=bind[30:], at=(0, 30)), mid=mid)
            c.note("transact_pipe", c.wait(mid), **known)
        for code in (0x01, 0x21, 0x22, 0x23, 0x36, 0x11, 0x31):
            c.call(smb1.transaction(smb1.TRANSACTION, (code, fid), b"\0\0" if code == 1 else b"", name="\\PIPE\\"))
        c.do("close", smb1.close(fid))
    c.call(smb1.transaction(smb1.TRANSACTION, (0x53, 0), name="\\PIPE\\srvsvc"))                              # 2.2.5.12
    c.leave()


@scenario("smb1-rap",
          "RAP over \\PIPE\\LANMAN: NetShareEnum, NetServerGetInfo and others, by net rap and by client1.py",
          {"smb_pipe.function || smb.cmd == 0x25": 6, "lanman": 4}, options=NT1, how="smbclient, client1.py")
def rap(stage):
    tool(stage, "net", "rap", "share", "-S", "FS01", "-I", FS01,
         *("--option=client %s=NT1" % o for o in IPC_PROTOCOLS), "-W", "EXAMPLE",
         dialect="NT LANMAN 1.0", code=2)
    c = Actor1(stage).ready(share="IPC$")
    for parameters in (struct.pack("<H", 0) + b"WrLeh\0B13BWz\0" + struct.pack("<HH", 1, 4096),         # MS-RAP 2.5.5.2
                       struct.pack("<H", 13) + b"WrLh\0B16BBDz\0" + struct.pack("<HH", 1, 4096),
                       struct.pack("<H", 63) + b"WrLh\0zzzBBzz\0" + struct.pack("<HH", 10, 4096),
                       struct.pack("<H", 999) + b"WrLh\0\0"):
        c.do("transact_pipe", smb1.transaction(smb1.TRANSACTION, (), parameters, name="\\PIPE\\LANMAN"), None,
             pipe_name="LANMAN")
    c.leave()


@scenario("smb1-dfs", "a DFS root: TRANS2_GET_DFS_REFERRAL, names that are not covered, and where they lead",
          {"smb.trans2.cmd == 0x0010": 2, "smb.nt_status == 0xc0000257": 1}, options=dict(NT1, **{"host msdfs": "yes"}),
          shares={"dfs": {"msdfs root": "yes"}}, prepare=make_dfs_link, how="smbclient, client1.py")
def dfs(stage):
    c = old(stage, share="dfs")
    c.add("cd link").add('put "%s" via-link.txt' % c.local(b"through the link"),
                         ("create", {"share": "DATA", "file_name": "via-link.txt"}),
                         ("write", {"share": "DATA", "file_name": "via-link.txt", "bytes_written": 16}))
    for _ in range(2):                                             # a connection for asking, another for where it leads
        stage.connections.append(stage.connections[0])
    c.run()
    c = Actor1(stage).ready(share="IPC$")
    request = smb1.transaction(smb1.TRANSACTION2, (0x0010,), struct.pack("<H", 3) + c.encode("\\FS01\\dfs\\link\0"))
    c.do("ioctl", request)                                               # 2.2.6.16
    c.leave()


# ---- Unix extensions, printing ---------------------------------------------------------------------------------------

@scenario("smb1-posix",
          "Unix extensions: posix_open, posix_mkdir, posix_unlink, posix_rmdir, symlink, link, chmod, stat",
          {"smb.trans2.cmd == 0x0006": 10}, options=NT1)
def posix(stage):
    c = old(stage).add("posix").add("posix_mkdir folder 755", ("create", {"file_name": "folder", "directory": True}))
    c.add("posix_open folder/file.txt 0644", ("create", {"file_name": "folder/file.txt"}))
    c.add("link folder/file.txt hard.txt").add("symlink folder/file.txt soft.txt").add("readlink soft.txt")
    c.add("chmod 0600 folder/file.txt", ("set_info", {"file_name": "folder/file.txt"})).add("stat folder/file.txt")
    c.add("getfacl folder/file.txt").add("posix_unlink hard.txt", ("delete", {"file_name": "hard.txt"}))
    c.add("posix_unlink soft.txt", ("delete", {"file_name": "soft.txt"}))
    c.add("posix_unlink folder/file.txt", ("delete", {"file_name": "folder/file.txt"}))
    c.add("posix_rmdir folder", ("delete", {"file_name": "folder"})).run()


@scenario("smb1-encrypted", "the encryption of Samba's Unix extensions: all that follows has the protocol id FF 'E'",
          {"smb.trans2.cmd == 0x0004": 2, "nbss.type == 0 && tcp.payload[4:2] == ff:45": 6}, options=NT1)
def encrypted(stage):
    c = old(stage).add("posix_encrypt").mkdir("unseen").put("unseen\\file.txt", text(300))
    c.delete("unseen\\file.txt").rmdir("unseen")
    stage.hidden = True
    c.run()


@scenario("smb1-print", "OPEN_PRINT_FILE, WRITE_PRINT_FILE, CLOSE_PRINT_FILE, GET_PRINT_QUEUE; smbclient's print",
          {"smb.cmd == 0xc0": 2, "smb.cmd == 0xc1": 2, "smb.cmd == 0xc2": 2, "smb.cmd == 0xc3": 2},
          options=dict(NT1, **{"printing": "bsd"}), how="smbclient, client1.py",
          shares={"lp": {"printable": "yes", "read only": "yes", "print command": "rm -f %s", "lpq command": "true"}})
def print_job(stage):
    c = Actor1(stage)
    c.logon()
    c.connect_share("lp", service="LPT1:")
    answer = c.do("print", smb1.named(smb1.OPEN_PRINT_FILE, struct.pack("<HH", 0, 1), "report"))
    data = struct.pack("<BH", 1, 200) + text(200)
    c.do("print", smb1.Request(smb1.WRITE_PRINT_FILE, struct.pack("<H", answer.fid()), [data]))
    c.do("print", smb1.of_fid(smb1.CLOSE_PRINT_FILE, answer.fid()))
    c.do("print", smb1.Request(smb1.GET_PRINT_QUEUE, struct.pack("<HH", 10, 0)), None)       # not without SPOOLSS
    c.leave()
    c = old(stage, share="lp")
    path = c.local(text(200))
    name = "%s-%d" % (os.path.basename(path), c.add('print "%s"' % path).run())
    stage.did("create", user=c.user, share="LP", file_name=name, status=OK)
    stage.did("write", user=c.user, share="LP", file_name=name, bytes_written=200, status=OK)


# ---- identifiers -----------------------------------------------------------------------------------------------------

@scenario("smb1-mids",
          "one MID for every request; several under way with the same MID and PID, and with one MID and several PIDs",
          {"smb.mid == 7": 40}, options=NT1, how="client1.py")
def mids(stage):
    c = Actor1(stage)
    c.same_mid, c.mid = True, 7
    c.ready()
    c.make("one.txt", text(100))
    c.make("two.txt", text(200))
    one, two = c.open("one.txt", access=smb.ALL), c.open("two.txt", access=smb.ALL)
    c.read(one, 50)
    c.read(two, 150)
    for request in (smb1.read_andx(one, 20), smb1.read_andx(two, 30),
                    smb1.write_andx(one, b"written while others are read")):
        c.send(request)
    for operation, facts in (("read", {"file_name": "one.txt", "bytes_read": 20}),
                             ("read", {"file_name": "two.txt", "bytes_read": 30}),
                             ("write", {"file_name": "one.txt", "bytes_written": 29})):
        c.note(operation, c.wait(7), **facts)
    for pid, fid in ((0x1001, one), (0x1002, two), (0x1003, one)):
        c.pid = pid
        c.send(smb1.read_andx(fid, 10 + (pid & 3)))
    for name, size in (("one.txt", 11), ("two.txt", 12), ("one.txt", 13)):
        c.note("read", c.wait(7), file_name=name, bytes_read=size)
    c.dispose(two)
    c.close_file(one)
    c.close_file(two, deletes=True)
    c.do("rename", smb1.rename("\\one.txt", "\\three.txt"), file_name="one.txt", rename_to="three.txt")
    c.remove("three.txt")
    c.leave()


@scenario("smb1-users",
          "two users and three trees on one connection; PROCESS_EXIT, logoff of one, work after tree disconnect",
          {"smb.cmd == 0x73": 8, "smb.cmd == 0x74": 4, "smb.cmd == 0x11": 2}, options=NT1, shares={"other": {}},
          how="client1.py")
def users(stage):
    c = Actor1(stage).ready("alice")
    alice = c.uid, c.tid, c.user, c.share
    mine = c.open("alices.txt", disposition=smb.OPEN_IF)
    c.uid = c.tid = 0
    c.ready("bob", "other")
    bob = c.uid, c.tid, c.user, c.share
    c.make("alices.txt", b"bob's, of the same name")
    c.connect_share("data")
    third = c.tid
    c.make("bobs.txt", b"bob's")
    c.uid, c.tid, c.user, c.share = alice
    c.write(mine, b"alice's")
    c.pid = 0x4321
    c.open("left open.txt", disposition=smb.OPEN_IF)
    c.call(smb1.Request(smb1.PROCESS_EXIT))                              # closes what this PID opened, 2.2.4.18
    c.pid = 0x1234
    c.close_file(mine)
    c.do("tree_disconnect", smb1.Request(smb1.TREE_DISCONNECT))
    c.do("create", smb1.nt_create("\\too late.txt"), None, share=None, file_name="too late.txt")
    c.do("logoff", smb1.Request(smb1.LOGOFF_ANDX))
    c.uid, c.tid, c.user, c.share = bob
    c.remove("alices.txt")
    c.tid, c.share = third, "data"
    c.remove("bobs.txt")
    c.leave()


# ---- failures --------------------------------------------------------------------------------------------------------

def failing(c, folder):
    """The same mistakes, in whatever form the errors come; the truth has what the server said."""
    c.logon("alice", password="wrong", expect=None)
    c.uid = 0
    c.ready()
    c.connect_share("nosuch", None)
    c.connect_share("data")
    c.remove("none.txt", None)
    c.make("there.txt", b"x")
    c.folder("there.txt", None)
    c.do("create", smb1.open_core("\\none\\none.txt"), None, file_name="none\\none.txt")
    c.do("create", smb1.create_core("\\there.txt", smb1.CREATE_NEW), None, file_name="there.txt")
    c.do("rename", smb1.rename("\\none.txt", "\\some.txt"), None, file_name="none.txt", rename_to="some.txt")
    fid = c.opened("there.txt", c.call(smb1.open_core("\\there.txt", mode=0x12)))         # denies everything to others
    c.do("create", smb1.open_core("\\there.txt"), None, file_name="there.txt")
    c.close_file(fid)
    c.do("close", smb1.close(fid), None)
    c.folder(folder)
    c.make(folder + "\\inside.txt")
    c.do("delete", smb1.named(smb1.DELETE_DIRECTORY, b"", "\\" + folder), None, file_name=folder)
    c.do("query_info", smb1.named(smb1.CHECK_DIRECTORY, b"", "\\none"), None, file_name="none")
    c.do("rename", smb1.copy("\\there.txt", "\\copy.txt", smb1.MOVE), None, file_name="there.txt", rename_to="copy.txt")
    c.do("other", smb1.copy("\\there.txt", "\\copy.txt"), None)
    c.leave()


@scenario("smb1-failures",
          "wrong password, missing share, file and folder, collisions, sharing violation; COPY and MOVE; NT status",
          {"smb.nt_status == 0xc000006d": 1, "smb.nt_status == 0xc00000cc": 1, "smb.nt_status == 0xc0000034": 1,
           "smb.nt_status == 0xc0000043": 1, "smb.cmd == 0x29": 1, "smb.cmd == 0x2a": 1}, options=OLD, how="client1.py")
def failures(stage):
    failing(Actor1(stage), "full")


@scenario("smb1-dos-errors", "the same failures with DOS errors: Flags2 without NT status, with Unicode and without",
          {"smb.error_class == 1": 8, "smb.error_class == 2": 2}, options=OLD, how="client1.py")
def dos_errors(stage):
    failing(Actor1(stage, extended=False, nt_status=False), "full")
    failing(Actor1(stage, extended=False, nt_status=False, unicode=False), "full too")


@scenario("smb1-guest-anonymous",
          "an unknown user let in as guest, an anonymous session; a clear-text password taken for a guest",
          {"smb.setup.action.guest == 1": 1, "smb.nt_status == 0xc0000022": 1}, how="smbclient, client1.py",
          options=dict(OLD, **{"map to guest": "Bad User"}), shares={"public": {"guest ok": "yes"}})
def guest_anonymous(stage):
    old(stage, share="public", user="visitor", password="any", auth="guest").put("left by guest.txt", b"hello").run()
    old(stage, share="public", user="", auth="anonymous").get("left by guest.txt", 5).run()
    for extended in (True, False):
        c = Actor1(stage, extended=extended)
        c.logon("", auth="anonymous")
        c.connect_share("data", "STATUS_ACCESS_DENIED")
        c.connect_share("public")
        c.make("left by nobody.txt", b"bye")
        c.leave()
    c = Actor1(stage, extended=False)
    c.logon("visitor", "any", auth="guest")
    c.connect_share("public")
    c.remove("left by nobody.txt")
    c.leave()
    c = Actor1(stage, dialects=("LANMAN2.1",))
    c.user = "EXAMPLE\\visitor"
    answer = c.call(c.setup_plain("visitor", "EXAMPLE", b"in clear text\0"))
    c.uid = answer.uid
    c.note("session_setup", answer, user_name="visitor", domain="EXAMPLE", auth="guest")
    c.connect_share("public")
    c.do("create", smb1.named(smb1.CREATE_DIRECTORY, b"", "\\by a guest"), file_name="by a guest", directory=True)
    c.close()


@scenario("smb1-refused", "SMB1 asked of a server that has only SMB2, by smbclient and client1.py; then SMB2",
          {"smb.cmd == 0x72": 4, "smb2.cmd == 1": 2}, options={"server min protocol": "SMB2_02"},
          how="smbclient, client1.py")
def refused(stage):
    for _ in range(2):
        c = smb1.Client(FS01)
        try:
            c.negotiate("PC NETWORK PROGRAM 1.0", "LANMAN1.0", smb1.NT1)
            assert c.dialect is None
        except ConnectionError:
            pass
        c.close()
        stage.connections.append({"src_ip": WS01, "dest_ip": FS01, "dest_port": 445})
    Smbclient(stage).put("by smb2.txt", b"x").delete("by smb2.txt").run()


@scenario("smb1-after-smb2",
          "SMB2 first, then SMB1 on a connection of its own; an SMB1 message amidst SMB2 ends its connection",
          {"smb.cmd == 0xa2": 2, "smb2.cmd == 5": 4, "smb.cmd == 0x2b": 1}, options=NT1,
          how="smbclient, client.py, client1.py")
def after_smb2(stage):
    Smbclient(stage).put("by smb2.txt", b"x").run()
    old(stage).get("by smb2.txt", 1).delete("by smb2.txt").run()
    c = Actor(stage, 0x0210).ready()
    c.make("again by smb2.txt", b"x")
    c._send_bytes(b"\xffSMB\x2b" + bytes(27) + struct.pack("<BHH", 1, 1, 2) + b"hi")
    try:
        c._receive()
    except ConnectionError:
        pass
    c.close()


@scenario("smb1-core",
          "the oldest dialect (CORE) alone, refused; LANMAN1.0 as a guest: TREE_CONNECT and the old commands",
          {"smb.cmd == 0x70": 2, "smb.dialect.index == 65535 || smb.dialect.index == -1": 1, "smb.cmd == 0x0a": 2,
           "smb.cmd == 0x0b": 2},
          how="client1.py", options=dict(OLD, **{"map to guest": "Bad User"}), shares={"public": {"guest ok": "yes"}})
def core(stage):
    c = Actor1(stage, dialects=("PC NETWORK PROGRAM 1.0",))
    assert c.dialect is None
    c.close()
    c = Actor1(stage, dialects=("PC NETWORK PROGRAM 1.0", "LANMAN1.0"))
    c.user, c.share = "EXAMPLE\\visitor", "public"
    answer = c.call(c.setup_plain("visitor", "EXAMPLE", bytes(24)))
    c.uid = answer.uid
    c.note("session_setup", answer, user_name="visitor", domain="EXAMPLE", auth="guest")
    answer = c.do("tree_connect", smb1.named(smb1.TREE_CONNECT, b"", "\\\\FS01\\public", "", "A:"),
                  share_path="\\\\FS01\\public")
    c.tid = answer.word(1)
    fid = c.opened("old.txt", c.call(smb1.create_core("\\old.txt")))
    c.write(fid, text(60), request=smb1.write_core(fid, text(60)))
    c.close_file(fid)
    fid = c.opened("old.txt", c.call(smb1.open_core("\\old.txt")))
    c.read(fid, 60, request=smb1.read_core(fid, 60))
    c.close_file(fid)
    c.do("rename", smb1.rename("\\old.txt", "\\older.txt"), file_name="old.txt", rename_to="older.txt")
    c.remove("older.txt")
    c.remove("older.txt", None)
    c.do("tree_disconnect", smb1.Request(smb1.TREE_DISCONNECT))
    c.close()


RESPONDER = """
import socket, struct
server = socket.create_server(("192.0.2.11", 139))
print("ready", flush=True)
for answer in (b"\\x83\\0\\0\\1\\x80", b"\\x83\\0\\0\\1\\x82", b"\\x83\\0\\0\\1\\x8f",
               b"\\x84\\0\\0\\6" + bytes((192, 0, 2, 10)) + b"\\1\\xbd"):
    connection, _ = server.accept()
    connection.recv(1000)
    connection.sendall(answer)
    connection.recv(1)
    connection.close()
"""


@scenario("smb1-139-refused",
          "port 139: session requests refused (RFC 1002 4.3.4) and retargeted to port 445, which is then followed",
          {"nbss.type == 0x83": 3, "nbss.type == 0x84": 1, "smb.cmd == 0xa2": 1},
          options=dict(NT1, **{"smb ports": "445"}),
          how="client1.py; a responder of ours on port 139")
def port_139_refused(stage):
    command = ["ip", "netns", "exec", "server", sys.executable, "-c", RESPONDER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as responder:
        responder.stdout.readline()
        for called in ("FS01", "NOBODY", "FS01", "FS01"):
            c = smb1.Client(FS01B, 139)
            c.session_request(called, "WS01")
            c.close()
            stage.connections.append({"src_ip": WS01, "dest_ip": FS01B, "dest_port": 139})
    c = Actor1(stage).ready()
    c.make("where it was sent to.txt", b"x")
    c.leave()


@scenario("smb1-plaintext",
          "passwords in clear text, LANMAN2.1 and NT LM 0.12; Samba 4.17 asks for them and refuses them all",
          {"smb.ansi_password || smb.password": 2}, how="client1.py", options=dict(OLD, **{"encrypt passwords": "no"}))
def plaintext(stage):
    for dialect in ("LANMAN2.1", smb1.NT1):
        c = Actor1(stage, dialects=(dialect,), extended=False, unicode=False)
        c.user = "EXAMPLE\\alice"
        answer = c.call(c.setup_plain("alice", "EXAMPLE", stage.users["alice"].encode() + b"\0"))
        c.note("session_setup", answer, None, user_name="alice", domain="EXAMPLE")
        c.close()


@scenario("smb1-midstream", "begun in the middle of a session: what was opened before is learned as it shows itself",
          {"smb.cmd == 0x2f": 2, "smb.cmd == 0x07": 2}, options=NT1, how="client1.py", midstream=True)
def midstream(stage):
    c = Actor1(stage).ready()
    for name in ("old one.txt", "old two.txt"):
        c.make(name, text(100))
    old_ones = [c.open(name, access=smb.ALL) for name in ("old one.txt", "old two.txt")]
    stage.operations.clear()
    stage.start_capture()
    user, c.user, c.share, c.names = c.user, None, None, {fid: None for fid in old_ones}
    c.write(old_ones[0], b"no name yet")
    c.read(old_ones[0], 50)
    c.dispose(old_ones[1])
    c.close_file(old_ones[1], deletes=True)
    c.make("opened later.txt", b"x")
    c.do("rename", smb1.rename("\\opened later.txt", "\\renamed.txt"), file_name="opened later.txt",
         rename_to="renamed.txt")
    c.close_file(old_ones[0])
    c.uid, c.user = 0, user
    c.ready()
    c.remove("renamed.txt")
    c.leave()


IMPACKET = """
import sys
from impacket.smbconnection import SMBConnection
from impacket.smb import SMB_DIALECT
from io import BytesIO
c = SMBConnection("FS01", "192.0.2.10", sess_port=int(sys.argv[2]), preferredDialect=SMB_DIALECT)
c.login("alice", sys.argv[1], "EXAMPLE")
c.createDirectory("data", "tools")
c.putFile("data", "tools\\\\one.txt", BytesIO(b"by impacket").read)
c.getFile("data", "tools\\\\one.txt", lambda data: None)
c.listPath("data", "tools\\\\*")
c.rename("data", "tools\\\\one.txt", "tools\\\\two.txt")
c.deleteFile("data", "tools\\\\two.txt")
c.deleteDirectory("data", "tools")
c.logoff()
"""


@scenario("smb1-impacket", "impacket's SMB1 client, on port 139",
          {"smb.cmd == 0x07": 2, "smb.cmd == 0x06": 2, "nbss.type == 0x81": 1},
          options=NT1, how="impacket")
def impacket(stage):
    user, one, two = "EXAMPLE\\alice", {"file_name": "tools\\one.txt"}, {"file_name": "tools\\two.txt"}
    done = subprocess.run(["/usr/bin/python3", "-c", IMPACKET, stage.users["alice"], "139"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    stage.connections.append({"src_ip": WS01, "dest_ip": FS01, "dest_port": 139, "dialect": smb1.NT1})
    stage.did("session_setup", user=user, user_name="alice", domain="EXAMPLE", auth="ntlmv2", status=OK)
    for operation, facts in (("create", {"file_name": "tools", "directory": True}), ("create", one),
                             ("write", dict(one, bytes_written=11)),
                             ("create", one), ("read", dict(one, bytes_read=11)),
                             ("query_directory", {"file_name": "tools", "search_pattern": "*"}),
                             ("rename", dict(one, rename_to="tools\\two.txt")), ("delete", two),
                             ("delete", {"file_name": "tools"})):
        stage.did(operation, user=user, share="data", status=OK, **facts)
    stage.did("logoff", user=user, status=OK)
