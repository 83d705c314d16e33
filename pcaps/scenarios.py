"""What record plays, one function for each capture."""
import os
import struct
import subprocess
import time

import client as smb
from actors import ALL, DIALECT_OF, FS01, FS01B, FS01V6, OK, WS01, WS02, Actor, Smbclient, scenario, text, tool


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


@scenario("multi-protocol", "an SMB1 NEGOTIATE that becomes SMB2 with 0x02FF, then 3.1.1; one that is answered 2.0.2 at once",
          {"smb.cmd == 0x72": 2, "smb2.dialect == 0x02ff": 1, "smb2.cmd == 0 && smb2.dialect == 0x0202": 1,
           "smb2.dialect == 0x0311 && smb2.flags.response == 1": 1}, how="smbclient, client.py")
def multi_protocol(stage):
    ordinary_work(Smbclient(stage, options=("--option=client min protocol=NT1",))).run()
    c = Actor(stage, multi=("NT LM 0.12", "SMB 2.002"))
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
    for i, name in enumerate(("\U0001f600 grin.txt", "\U0002000b\u4e2d\u6587.txt", "e\u0301te\u0301.txt",
                              "\u05e9\u05dc\u05d5\u05dd.txt", "\u00c4\u00d6\u00dc \u00df \u0130\u0131.txt",
                              "\u200bzero\u202ewidth.txt", "\ufb01\uff21.txt")):
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


@scenario("long-names", "a path of nine folders with 84 characters each, too long for a record once it is escaped",
          {"smb2.cmd == 5 && smb2.flags.response == 0": 10, "smb2.cmd == 17": 2}, how="client.py")
def long_names(stage):
    c, path = Actor(stage).ready(), ""
    for _ in range(9):
        path += ("\\" if path else "") + "\u6f22" * 84
        c.folder(path)
    name = path + "\\end of it.docx"
    fid = c.open(name, disposition=smb.CREATE_NEW, access=smb.ALL)
    c.write(fid, b"far down")
    c.rename(fid, path + "\\renamed.docx")
    c.dispose(fid)
    c.close_file(fid, deletes=True)
    c.leave()


@scenario("streams", "alternate data streams written, listed, read, renamed with their file, deleted",
          {"smb2.filename contains \":hidden\"": 2, "smb2.cmd == 16 && smb2.file_info.infolevel == 0x16": 1},
          how="smbclient, client.py")
def streams(stage):
    c = Smbclient(stage).put("host.txt", text(60)).put("host.txt:hidden", text(200))
    c.put("host.txt:Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n").get("host.txt:hidden", 200).add("allinfo host.txt").run()
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



@scenario("guest-anonymous", "an unknown user let in as guest, an anonymous session, and what they may not do",
          {"smb2.ses_flags.guest == 1": 1,  "smb2.nt_status == 0xc0000022": 1},
          how="smbclient, client.py", options={"map to guest": "Bad User"}, shares={"public": {"guest ok": "yes"}})
def guest_anonymous(stage):
    Smbclient(stage, share="public", user="visitor", password="any", auth="guest").put("left by guest.txt", b"hello").run()
    Smbclient(stage, share="public", user="", auth="anonymous").get("left by guest.txt", 5).run()
    c = Actor(stage, dialect=0x0210)
    c.logon("", auth="anonymous")
    c.connect_share("data", "STATUS_ACCESS_DENIED")
    c.connect_share("public")
    c.make("left by nobody.txt", b"bye")
    c.leave()


# ---- chains, and answers that take their time ------------------------------------------------------------------------

@scenario("compounds", "related and unrelated chains: all well, failing at the head, with reads, listings and renames inside",
          {"smb2.flags.chained == 1": 6, "smb2.chain_offset > 0": 6}, how="client.py")
def compounds(stage):
    c = Actor(stage).ready()
    made, wrote, closed = c.chain(smb.create("chain.txt", disposition=smb.OVERWRITE_IF), smb.write(smb.LAST, text(77)), smb.close())
    c.opened("chain.txt", made)
    c.note("write", wrote, file_name="chain.txt", bytes_written=77)
    c.note("close", closed, file_name="chain.txt")
    made, read, info, closed = c.chain(smb.create("chain.txt"), smb.read(smb.LAST, 77), smb.query_info(smb.LAST),
                                       smb.close(flags=1))
    c.opened("chain.txt", made)
    c.note("read", read, file_name="chain.txt", bytes_read=77)
    c.note("query_info", info, file_name="chain.txt")
    c.note("close", closed, file_name="chain.txt")
    made, first, last, closed = c.chain(smb.create("", smb.READ_DATA, options=smb.DIRECTORY), smb.query_directory(pattern="*.txt"),
                                        smb.query_directory(pattern="*.txt"), smb.close())
    c.opened("\\", made, directory=True)
    c.note("query_directory", first, file_name="\\", search_pattern="*.txt")
    c.note("query_directory", last, "STATUS_NO_MORE_FILES", file_name="\\", search_pattern="*.txt")
    c.note("close", closed, file_name="\\")
    made, info, closed = c.chain(smb.create("none.txt"), smb.query_info(smb.LAST), smb.close())
    for operation, answer in (("create", made), ("query_info", info), ("close", closed)):
        c.note(operation, answer, "STATUS_OBJECT_NAME_NOT_FOUND", file_name="none.txt")
    one, two = c.chain(smb.create("left.txt", disposition=smb.CREATE_NEW),
                       smb.create("right.txt", smb.ALL, disposition=smb.CREATE_NEW), related=False)
    left, right = c.opened("left.txt", one), c.opened("right.txt", two)
    answers = c.chain(smb.rename(right, "moved.txt"), smb.write(left, b"left"), smb.echo(), related=False)
    c.note("rename", answers[0], file_name="right.txt", rename_to="moved.txt")
    c.note("write", answers[1], file_name="left.txt", bytes_written=4)
    c.note("echo", answers[2])
    c.names[right] = "moved.txt"
    for fid, answer in zip((left, right), c.chain(smb.close(left), smb.close(right), related=False)):
        c.note("close", answer, file_name=c.names[fid])
    made, renamed, closed = c.chain(smb.create("moved.txt", smb.ALL), smb.rename(smb.LAST, "at last.txt"), smb.close())
    c.opened("moved.txt", made)
    c.note("rename", renamed, file_name="moved.txt", rename_to="at last.txt")
    c.note("close", closed, file_name="at last.txt")
    c.leave()


@scenario("notify", "CHANGE_NOTIFY: pending and answered, pending and cancelled, pending until its folder is closed",
          {"smb2.cmd == 15 && smb2.nt_status == 0x103": 3, "smb2.cmd == 15 && smb2.nt_status == 0xc0000120": 1, "smb2.cmd == 12": 1,
           "smb2.notify.action": 1}, how="client.py")
def notify(stage):
    a, b = Actor(stage, source=WS01).ready("alice"), Actor(stage, source=WS02).ready("bob")
    a.folder("watched")
    fid = a.open("watched", access=smb.READ_DATA, options=smb.DIRECTORY)
    watch, = a.send(smb.notify(fid, tree=True))
    a.wait_pending(watch)
    b.make("watched\\new.txt", b"1")
    a.note("notify", a.wait(watch), file_name="watched", interim_responses=1)
    watch, = a.send(smb.notify(fid))
    while watch not in a.pending and watch not in a.answers:             # what b did last may be the first answer
        a._receive()
    if watch in a.answers:
        a.note("notify", a.wait(watch), file_name="watched")
        watch, = a.send(smb.notify(fid, completion=0x1))
        a.wait_pending(watch)
    a.cancel(watch)
    stage.did("cancel", user=a.user)
    a.note("notify", a.wait(watch), "STATUS_CANCELLED", file_name="watched", interim_responses=1)
    watch, = a.send(smb.notify(fid, completion=0x1))
    a.wait_pending(watch)
    done, = a.send(smb.close(fid))
    a.note("notify", a.wait(watch), "STATUS_NOTIFY_CLEANUP", file_name="watched", interim_responses=1)
    a.note("close", a.wait(done), file_name="watched")
    a.leave()
    b.leave()


@scenario("locks", "LOCK: granted, refused, waiting and granted, waiting and cancelled; reading and writing against it",
          {"smb2.cmd == 10 && smb2.nt_status == 0x103": 2, "smb2.nt_status == 0xc0000055": 1, "smb2.nt_status == 0xc0000054": 1,
           "smb2.cmd == 10 && smb2.nt_status == 0xc0000120": 1}, how="client.py")
def locks(stage):
    a, b = Actor(stage, source=WS01).ready("alice"), Actor(stage, source=WS02).ready("bob")
    a.make("locked.dat", text(500))
    mine, yours = a.open("locked.dat"), b.open("locked.dat")

    def lock(c, fid, how, expect=OK, offset=0):
        c.note("lock", c.call(smb.lock(fid, offset, 100, how)), expect, file_name="locked.dat")
    lock(a, mine, smb.LOCK_EXCLUSIVE | smb.FAIL_AT_ONCE)
    lock(b, yours, smb.LOCK_EXCLUSIVE | smb.FAIL_AT_ONCE, "STATUS_LOCK_NOT_GRANTED")
    b.read(yours, 50, 0, "STATUS_FILE_LOCK_CONFLICT")
    b.write(yours, b"against the lock", 10, "STATUS_FILE_LOCK_CONFLICT")
    b.read(yours, 50, 200)
    waiting, = b.send(smb.lock(yours, 0, 100, smb.LOCK_EXCLUSIVE))
    b.wait_pending(waiting)
    lock(a, mine, smb.UNLOCK)
    b.note("lock", b.wait(waiting), file_name="locked.dat", interim_responses=1)
    waiting, = a.send(smb.lock(mine, 0, 100, smb.LOCK_SHARED))
    a.wait_pending(waiting)
    a.cancel(waiting)
    stage.did("cancel", user=a.user)
    a.note("lock", a.wait(waiting), "STATUS_CANCELLED", file_name="locked.dat", interim_responses=1)
    lock(a, mine, smb.UNLOCK, "STATUS_RANGE_NOT_LOCKED", 300)
    a.close_file(mine)
    b.close_file(yours)
    a.leave()
    b.leave()


@scenario("oplocks", "a batch oplock broken by another client's open, which waits: acknowledged; then closed instead",
          {"smb2.cmd == 18 && smb2.msg_id == 0xffffffffffffffff": 2, "smb2.cmd == 18 && smb2.flags.response == 0": 1,
           "smb2.cmd == 5 && smb2.nt_status == 0x103": 2}, how="client.py")
def oplocks(stage):
    a, b = Actor(stage, 0x0210, source=WS01).ready("alice"), Actor(stage, 0x0210, source=WS02).ready("bob")
    mine = a.open("held.txt", disposition=smb.OPEN_IF, oplock=9)
    opening, = b.send(smb.create("held.txt"))
    b.wait_pending(opening)
    a.wait_unasked()
    stage.did("oplock_break", user=a.user, share="data", file_name="held.txt")
    a.note("oplock_break", a.call(smb.oplock_acknowledge(mine, 1)), file_name="held.txt")
    yours = b.opened("held.txt", b.wait(opening), interim_responses=1)
    b.close_file(yours)
    a.close_file(mine)
    mine = a.open("held.txt", oplock=9)
    opening, = b.send(smb.create("held.txt", smb.DELETE, options=smb.DELETE_ON_CLOSE))
    b.wait_pending(opening)
    a.wait_unasked()
    stage.did("oplock_break", user=a.user, share="data", file_name="held.txt")
    a.close_file(mine)
    yours = b.opened("held.txt", b.wait(opening), interim_responses=1)
    b.close_file(yours, deletes=True)
    a.leave()
    b.leave()


LEASE_KEY = bytes(range(1, 17))


def lease(key=LEASE_KEY, state=7, version=1):
    """2.2.13.2.8 and 2.2.13.2.10: read, handle and write caching"""
    parent_and_epoch = bytes(20) if version == 2 else b""
    return smb.context(b"RqLs", struct.pack("<16sIIQ", key, state, 0, 0) + parent_and_epoch)


@scenario("leases", "leases of version 1 (2.1) and 2 (3.1.1), broken by another client's open",
          {"smb2.lease.lease_key": 4, "smb2.cmd == 18 && smb2.flags.response == 0": 2,
           "smb2.cmd == 5 && smb2.nt_status == 0x103": 2},
          how="client.py")
def leases(stage):
    for dialect, version in ((0x0210, 1), (0x0311, 2)):
        a, b = Actor(stage, dialect, source=WS01).ready("alice"), Actor(stage, dialect, source=WS02).ready("bob")
        name = "leased%d.txt" % version
        mine = a.open(name, disposition=smb.OPEN_IF, oplock=0xFF, contexts=[lease(version=version)])
        opening, = b.send(smb.create(name))
        b.wait_pending(opening)
        broken = a.wait_unasked()
        stage.did("oplock_break", user=a.user)
        state, = struct.unpack_from("<I", broken.body, 28)               # 2.2.23.2, NewLeaseState
        a.note("oplock_break", a.call(smb.lease_acknowledge(LEASE_KEY, state)))
        yours = b.opened(name, b.wait(opening), interim_responses=1)
        b.close_file(yours)
        a.close_file(mine)
        a.leave()
        b.leave()


# ---- handles and sessions that outlive their connection --------------------------------------------------------------

@scenario("durable-v1", "a durable handle (2.1, batch oplock): the connection is reset, another one takes the handle up again",
          {"smb2.tag == \"DHnQ\" || smb2.cmd == 5": 2, "tcp.flags.reset == 1": 1}, how="client.py")
def durable_v1(stage):
    guid = os.urandom(16)
    a = Actor(stage, 0x0210, guid=guid).ready()
    fid = a.open("durable.txt", disposition=smb.OPEN_IF, oplock=9, contexts=[smb.context(b"DHnQ", bytes(16))])
    a.write(fid, b"before the cut")
    a.close(reset=True)
    time.sleep(0.5)
    b = Actor(stage, 0x0210, guid=guid).ready()
    again = b.open("durable.txt", oplock=9, contexts=[smb.context(b"DHnC", fid)])
    b.read(again, 100)
    b.write(again, b", after it", 14)
    b.close_file(again)
    b.open("durable.txt", "STATUS_OBJECT_NAME_NOT_FOUND", oplock=9, contexts=[smb.context(b"DHnC", fid)])
    b.leave()


@scenario("durable-v2", "a durable handle of version 2 (3.1.1, lease), taken up again in a session that replaces the lost one",
          {"tcp.flags.reset == 1": 1, "smb2.lease.lease_key": 2}, how="client.py")
def durable_v2(stage):
    guid, made = os.urandom(16), os.urandom(16)
    a = Actor(stage, guid=guid).ready()
    fid = a.open("durable.txt", disposition=smb.OPEN_IF, oplock=0xFF,
                 contexts=[lease(version=2), smb.context(b"DH2Q", struct.pack("<IIQ16s", 0, 0, 0, made))])
    a.write(fid, b"before the cut")
    a.close(reset=True)
    time.sleep(0.5)
    b = Actor(stage, guid=guid)
    b.logon(previous=a.session)
    b.connect_share()
    again = b.open("durable.txt", oplock=0xFF, contexts=[lease(version=2), smb.context(b"DH2C", fid + made + struct.pack("<I", 0))])
    b.read(again, 100)
    b.rename(again, "endured.txt")
    b.close_file(again)
    b.leave()


def bound_channels(stage, dialect):
    a = Actor(stage, dialect, source=WS01).ready()
    one = a.open("first channel.txt", disposition=smb.OPEN_IF, access=smb.ALL)
    b = Actor(stage, dialect, server=FS01B, source=WS02, guid=a.guid)
    b.logon(bind=a)
    b.tree, b.share, b.names = a.tree, a.share, a.names
    b.write(one, b"written on the second channel")
    two = b.open("second channel.txt", disposition=smb.OPEN_IF, access=smb.ALL)
    a.read(one, 100)
    a.write(two, b"written on the first channel")
    a.rename(two, "renamed on the first channel.txt")
    b.rename(one, "renamed on the second channel.txt")
    b.dispose(two)
    a.close_file(two, deletes=True)
    b.close_file(one)
    b.close()
    a.leave()


@scenario("multichannel-3.0", "one session over two connections (SMB 3.0): opened on one, named on the other",
          {"smb2.ses_req_flags.session_binding == 1": 2, "smb2.cmd == 17 && smb2.flags.response == 0": 3}, how="client.py")
def multichannel_30(stage):
    bound_channels(stage, 0x0300)


@scenario("multichannel-3.1.1", "one session over two connections (SMB 3.1.1): opened on one, named on the other",
          {"smb2.ses_req_flags.session_binding == 1": 2, "smb2.cmd == 17 && smb2.flags.response == 0": 3}, how="client.py")
def multichannel_311(stage):
    bound_channels(stage, 0x0311)


@scenario("sessions", "two users on one connection, a session proved anew, work after logoff and after tree disconnect refused",
          {"smb2.cmd == 1": 12, "smb2.nt_status == 0xc0000203": 1, "smb2.nt_status == 0xc00000c9": 1}, how="client.py")
def sessions(stage):
    c = Actor(stage, 0x0210).ready("alice")
    c.make("alices.txt", b"a")
    alice = c.session, c.tree, c.key, c.user
    c.session, c.tree, c.key = 0, 0, None
    c.ready("bob")
    fid = c.open("bobs.txt", disposition=smb.OPEN_IF)
    bob = c.session, c.tree, c.key, c.user
    c.session, c.tree, c.key, c.user = alice
    c.make("alices more.txt", b"aa")
    ids = c.send(smb.session_setup(smb.ntlm_negotiate()))                # 3.3.5.5: a session that is there is authenticated again
    challenge = c.wait(ids[0])
    token, _ = smb.ntlm_authenticate(challenge.buffer(4, "<HH"), "alice", stage.users["alice"], "EXAMPLE", "WS01")
    c.note("session_setup", c.call(smb.session_setup(token)), user_name="alice", domain="EXAMPLE", auth="ntlmv2")
    c.note("tree_disconnect", c.call(smb.tree_disconnect()))
    c.note("create", c.call(smb.create("too late.txt", disposition=smb.OPEN_IF)), "STATUS_NETWORK_NAME_DELETED",
           file_name="too late.txt")
    c.note("logoff", c.call(smb.logoff()))
    c.key = None
    c.note("create", c.call(smb.create("far too late.txt", disposition=smb.OPEN_IF)), "STATUS_USER_SESSION_DELETED",
           file_name="far too late.txt")
    c.session, c.tree, c.key, c.user = bob
    c.write(fid, b"still here")
    c.close_file(fid)
    c.note("echo", c.call(smb.echo()))
    c.leave()


@scenario("midstream", "begun in the middle of a session: what was opened before is learned as it shows itself",
          {"smb2.cmd == 9": 2, "smb2.cmd == 17": 4}, how="client.py", midstream=True)
def midstream(stage):
    c = Actor(stage, 0x0302).ready()
    for name in ("old one.txt", "old two.txt", "old three.txt"):
        c.make(name, text(100))
    old = [c.open(name, access=smb.ALL) for name in ("old one.txt", "old two.txt", "old three.txt")]
    stage.operations.clear()
    del stage.connections[-1]["dialect"]
    stage.start_capture()
    user, c.user, c.share, c.names = c.user, None, None, {fid: None for fid in old}
    c.write(old[0], b"no name yet")
    c.rename(old[1], "named by rename.txt")
    c.read(old[1], 50)
    c.dispose(old[2])
    c.close_file(old[2], deletes=True)
    c.make("opened later.txt", b"x")
    c.close_file(old[0])
    c.close_file(old[1])
    c.user = user
    c.ready()
    c.make("after logon.txt", b"x")
    c.leave()


EVERYONE = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + struct.pack("<BBHHHBBHI", 2, 0, 28, 1, 0, 0, 0, 20, 0x1F01FF) \
    + bytes((1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0))                        # MS-DTYP 2.4.6: a DACL that lets everyone do everything

# ---- IOCTL, information, RPC -----------------------------------------------------------------------------------------

@scenario("ioctls", "validate negotiate, server-side copy, network interfaces, resume key, sparse, zero, ranges, reparse points",
          {"smb2.ioctl.function == 0x00140204": 2, "smb2.ioctl.function == 0x001401fc": 2, "smb2.ioctl.function == 0x00140078": 2,
           "smb2.ioctl.function == 0x001440f2 || smb2.ioctl.function == 0x001480f2": 2}, how="smbclient, client.py")
def ioctls(stage):
    Smbclient(stage, protocol="SMB3_00").put("source.txt", text(5000)).add(
        "scopy source.txt copied.txt", ("create", {"file_name": "source.txt"}), ("create", {"file_name": "copied.txt"}),
        ("ioctl", {"control_code": "FSCTL_SRV_REQUEST_RESUME_KEY", "file_name": "source.txt"}),
        ("ioctl", {"control_code": "FSCTL_SRV_COPYCHUNK_WRITE", "file_name": "copied.txt"})).run()
    c = Actor(stage, 0x0302).ready()
    guid = struct.pack("<I16sHHH", 0x7F, c.guid, 1, 1, 0x0302)
    c.control(0x00140204, "FSCTL_VALIDATE_NEGOTIATE_INFO", data=guid)
    c.control(0x001401FC, "FSCTL_QUERY_NETWORK_INTERFACE_INFO")
    fid = c.open("source.txt", access=smb.ALL)
    key = c.control(0x00140078, "FSCTL_SRV_REQUEST_RESUME_KEY", fid=fid).buffer(32, "<II")[:24]
    to = c.open("chunks.txt", access=smb.ALL, disposition=smb.OPEN_IF)
    chunks = key + struct.pack("<II", 2, 0) + struct.pack("<QQII", 0, 0, 1000, 0) + struct.pack("<QQII", 3000, 1000, 500, 0)
    c.control(0x001440F2, "FSCTL_SRV_COPYCHUNK", fid=to, data=chunks)
    c.control(0x001440F2, "FSCTL_SRV_COPYCHUNK", "STATUS_OBJECT_NAME_NOT_FOUND", fid=to, data=bytes(24) + chunks[24:])
    c.control(0x000900C4, "FSCTL_SET_SPARSE", fid=to, data=b"\1")
    c.control(0x000980C8, "FSCTL_SET_ZERO_DATA", fid=to, data=struct.pack("<QQ", 100, 200))
    c.control(0x000940CF, "FSCTL_QUERY_ALLOCATED_RANGES", fid=to, data=struct.pack("<QQ", 0, 5000))
    c.control(0x00144064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS", fid=fid, expect=None, room=16)
    target = "chunks.txt".encode("utf-16-le")
    link = struct.pack("<IHHHHHHI", 0xA000000C, 12 + 2 * len(target), 0, 0, len(target), len(target), len(target), 1)
    link += target + target                                              # MS-FSCC 2.1.2.4, with both names the same
    c.control(0x000900A4, "FSCTL_SET_REPARSE_POINT", fid=to, data=link, expect=None)
    c.control(0x000900A8, "FSCTL_GET_REPARSE_POINT", fid=to, expect=None)
    c.control(0x0009003C, "FSCTL_GET_COMPRESSION", fid=to, expect=None)
    c.control(0x000900C0, "FSCTL_CREATE_OR_GET_OBJECT_ID", fid=to, expect=None)
    c.control(0x0014FFFC, "0x0014fffc", fid=to, expect=None)
    c.close_file(to)
    c.close_file(fid)
    c.leave()


@scenario("information", "QUERY_INFO and SET_INFO: classes of files, file systems, security and attributes; links; refused ones",
          {"smb2.cmd == 16": 20, "smb2.cmd == 17": 12}, how="client.py")
def information(stage):
    c = Actor(stage).ready()
    fid = c.open("thing.txt", access=smb.ALL, disposition=smb.OPEN_IF)
    c.write(fid, text(100))
    for info_class in (4, 5, 6, 7, 8, 14, 16, 17, 18, 21, 22, 28, 34, 35, 48, 0x63):
        c.note("query_info", c.call(smb.query_info(fid, 1, info_class)), None, file_name="thing.txt")
    for info_class in (1, 3, 4, 5, 6, 7, 8, 11):
        c.note("query_info", c.call(smb.query_info(fid, 2, info_class)), None, file_name="thing.txt")
    c.note("query_info", c.call(smb.query_info(fid, 3, 0, 0x7)), None, file_name="thing.txt")
    long_ago = 116444736000000000 + 10**9 * 10**7

    def change(info_class, data, **more):
        c.note("set_info", c.call(smb.set_info(fid, info_class, data, **more)), None, file_name="thing.txt")
    change(4, struct.pack("<QQQQII", long_ago, long_ago, long_ago, long_ago, 0x2, 0))          # basic: times, hidden
    change(20, struct.pack("<Q", 42))                                    # end of file
    change(19, struct.pack("<Q", 8192))                                  # allocation
    change(14, struct.pack("<Q", 7))                                     # position
    change(16, struct.pack("<I", 0))                                     # mode
    change(15, struct.pack("<IBBH", 0, 0, 5, 6) + b"COLOR\0" + b"purple")                      # extended attributes
    change(64, struct.pack("<I", 0))                                     # disposition, extended
    renamed = smb.set_info(fid, 65, struct.pack("<I4xQI", 0, 0, 12) + "x2.txt".encode("utf-16-le"))    # extended
    c.note("rename", c.call(renamed), None, file_name="thing.txt", rename_to="x2.txt")
    change(11, struct.pack("<B7xQI", 0, 0, 16) + "link.txt".encode("utf-16-le"))               # hard link
    change(0, EVERYONE, info_type=3, additional=4)
    change(0x63, b"\0" * 8)
    c.close_file(fid)
    c.leave()


@scenario("attributes", "smbclient's allinfo, stat, setmode, utimes, setea, showacls; smbcacls changing a security descriptor",
          {"smb2.cmd == 17 && smb2.class == 0x03": 2, "smb2.cmd == 17 && smb2.file_info.infolevel == 0x0f": 1})
def attributes(stage):
    changed = [("set_info", {"file_name": "thing.txt"})]
    c = Smbclient(stage).put("thing.txt", text(10)).add("allinfo thing.txt", ("query_info", {"file_name": "thing.txt"}))
    c.add("setmode thing.txt +rh", *changed).add("utimes thing.txt -1 2001:09:09-01:46:40 2001:09:09-01:46:40 -1", *changed)
    c.add("setea thing.txt color purple", *changed).add("geteas thing.txt").add("volume").add("du")
    c.add("showacls").add("ls thing.txt").run()
    tool(stage, "smbcacls", "//FS01/data", "thing.txt", "-a", "ACL:FS01\\bob:ALLOWED/0x0/READ", "-m", "SMB3_11", shares=("data",))
    stage.did("set_info", user="EXAMPLE\\alice", share="data", file_name="thing.txt", status=OK)


@scenario("rpc", "named pipes: smbclient -L, and rpcclient asking srvsvc, samr and lsarpc",
          {"srvsvc.opnum == 15": 1, "samr": 2, "lsarpc": 2, "smb2.ioctl.function == 0x0011c017": 4})
def rpc(stage):
    tool(stage, "smbclient", "-L", "//FS01")
    pipe(stage, "srvsvc", "srvsvc", "NetrShareEnum")
    tool(stage, "rpcclient", "FS01", "-c", "netshareenum 1; netsharegetinfo data; srvinfo")
    pipe(stage, "srvsvc", "srvsvc", "NetrShareEnum", "NetrShareGetInfo", "NetrServerGetInfo")
    tool(stage, "rpcclient", "FS01", "-c", "enumdomusers")
    pipe(stage, "samr", "samr", "SamrEnumerateUsersInDomain")
    tool(stage, "rpcclient", "FS01", "-c", "lookupnames bob")
    pipe(stage, "lsarpc", "lsarpc", "LsarLookupNames")


def pipe(stage, name, interface, *calls):
    stage.did("open_pipe", user="EXAMPLE\\alice", share="IPC$", pipe_name=name, status=OK)
    for call in calls:
        stage.did("transact_pipe", user="EXAMPLE\\alice", share="IPC$", pipe_name=name, rpc_interface=interface,
                  rpc_operation=call, status=OK)


def make_dfs_link(stage):
    os.symlink("msdfs:FS01\\data", os.path.join(stage.share_folder("dfs"), "link"))


@scenario("dfs", "a DFS root: referrals asked for and followed to another share",
          {"smb2.ioctl.function == 0x00060194 && smb2.flags.response == 1 && smb2.nt_status == 0": 1,
           "smb2.nt_status == 0xc0000257": 1},
          options={"host msdfs": "yes"}, shares={"dfs": {"msdfs root": "yes"}}, prepare=make_dfs_link)
def dfs(stage):
    c, link = Smbclient(stage, share="dfs"), "FS01\\dfs\\link"
    not_here = ("create", {"file_name": link, "status": "STATUS_PATH_NOT_COVERED"})
    referral = ("ioctl", {"share": "IPC$", "control_code": "FSCTL_DFS_GET_REFERRALS"})
    c.add("cd link", not_here, referral, not_here)
    c.add("ls", not_here, ("query_directory", {"share": "data", "search_pattern": "*"}))
    c.add('put "%s" via-link.txt' % c.local(b"through the link"),
          ("create", {"file_name": link + "\\via-link.txt", "status": "STATUS_PATH_NOT_COVERED"}),
          ("create", {"share": "data", "file_name": "via-link.txt"}),
          ("write", {"share": "data", "file_name": "via-link.txt", "bytes_written": 16}))
    for share in ("IPC$", "data"):                                       # a connection for asking, another for where it leads
        stage.connections.append(stage.connections[0])
        stage.did("session_setup", user=c.user, user_name="alice", domain="EXAMPLE", auth="ntlmv2", status=OK)
        stage.did("tree_connect", user=c.user, share=share, status=OK)
    c.run()


@scenario("contexts", "create contexts: maximal access, disk id, allocation, attributes, security, timewarp, application instance",
          {"smb2.cmd == 5": 6}, how="client.py")
def contexts(stage):
    c = Actor(stage).ready()
    attribute = struct.pack("<IBBH", 0, 0, 5, 4) + b"SHAPE\0" + b"blue"
    fid = c.open("all.txt", disposition=smb.OPEN_IF, access=smb.ALL, contexts=[
        smb.context(b"MxAc"), smb.context(b"QFid"), smb.context(b"AlSi", struct.pack("<Q", 4096)),
        smb.context(b"ExtA", attribute), smb.context(b"SecD", EVERYONE),
        smb.context(bytes.fromhex("45BCA66AEFA7F74A9008FA462E144D74"), struct.pack("<HH16s", 20, 0, b"application-0001"))])
    c.close_file(fid)
    fid = c.open("all.txt", contexts=[smb.context(b"MxAc", struct.pack("<Q", 0)), smb.context(b"none", b"of ours"),
                                      smb.context(b"QFid")])
    c.close_file(fid)
    c.close_file(c.open("all.txt", access=smb.READ_DATA, contexts=[smb.context(b"TWrp", struct.pack("<Q", 126444736000000000))]))
    c.leave()


# ---- transports and crowds -------------------------------------------------------------------------------------------

@scenario("ipv6", "the ordinary work over IPv6", {"ipv6 && smb2.cmd == 17": 2})
def ipv6(stage):
    ordinary_work(Smbclient(stage, server=FS01V6)).run()


@scenario("port-139", "the NetBIOS session service on port 139: session request and answer, then SMB2",
          {"nbss.type == 0x81": 1, "nbss.type == 0x82": 1, "tcp.port == 139 && smb2.cmd == 9": 2})
def port_139(stage):
    Smbclient(stage, port=139).put("over netbios.txt", text(100)).delete("over netbios.txt").run()


@scenario("port-4455", "SMB on a port that is not its own", {"tcp.port == 4455": 20}, options={"smb ports": "4455"})
def port_4455(stage):
    Smbclient(stage, port=4455).put("elsewhere.txt", text(100)).delete("elsewhere.txt").run()


@scenario("two-clients", "alice and bob at work in one share at once, by turns, with equal names on different trees",
          {"smb2.cmd == 5": 6, "ip.src == 192.0.2.21": 5}, how="client.py", shares={"other": {}})
def two_clients(stage):
    a, b = Actor(stage, source=WS01).ready("alice"), Actor(stage, source=WS02).ready("bob", "other")
    x, y = a.open("same.txt", disposition=smb.OPEN_IF, access=smb.ALL), b.open("same.txt", disposition=smb.OPEN_IF, access=smb.ALL)
    a.write(x, b"alice's")
    b.write(y, b"bob's file")
    b.rename(y, "bobs.txt")
    a.rename(x, "alices.txt")
    other = b.tree
    b.connect_share("data")
    z = b.open("alices.txt")
    b.read(z, 100)
    a.dispose(x)
    b.close_file(z)
    a.close_file(x, deletes=True)
    b.tree, b.share = other, "other"
    b.close_file(y)
    a.leave()
    b.leave()


@scenario("large", "a write and a read of 70,000 bytes with several credits each",
          {"smb2.credit.charge >= 2 && smb2.cmd == 9": 1, "smb2.credit.charge >= 2 && smb2.cmd == 8": 1}, how="client.py")
def large(stage):
    c = Actor(stage).ready()
    fid = c.open("large.bin", disposition=smb.OPEN_IF)
    c.write(fid, text(70000))
    c.read(fid, 70000)
    c.close_file(fid)
    c.leave()


@scenario("print", "a file sent to a print share", {"smb2.tree contains \"lp\"": 1, "smb2.share_type == 0x03": 1},
          options={"printing": "bsd"}, shares={"lp": {"printable": "yes", "read only": "yes", "print command": "rm -f %s",
                                                      "lpq command": "true"}})
def print_job(stage):
    c = Smbclient(stage, share="lp")
    path = c.local(text(200))
    name = "%s-%d" % (os.path.basename(path), c.add('print "%s"' % path).run())
    stage.did("create", user=c.user, share="lp", file_name=name, status=OK)
    stage.did("write", user=c.user, share="lp", file_name=name, bytes_written=200, status=OK)


IMPACKET = """
import sys
from impacket.smbconnection import SMBConnection
from io import BytesIO
c = SMBConnection("FS01", "192.0.2.10", sess_port=445, preferredDialect=int(sys.argv[2]))
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


@scenario("impacket", "impacket's client at 2.1, and at 3.0, where it encrypts although nobody asks for it",
          {"smb2.cmd == 17": 2, "smb2.cmd == 9": 2, "smb2.header.transform.signature": 10}, how="impacket")
def impacket(stage):
    user, one, two = "EXAMPLE\\alice", {"file_name": "tools\\one.txt"}, {"file_name": "tools\\two.txt"}
    for dialect, name in ((0x0210, "2.1"), (0x0300, "3.0")):
        done = subprocess.run(["/usr/bin/python3", "-c", IMPACKET, stage.users["alice"], str(dialect)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        stage.connections.append({"src_ip": WS01, "dest_ip": FS01, "dest_port": 445, "dialect": name})
        stage.did("session_setup", user=user, user_name="alice", domain="EXAMPLE", auth="ntlmv2", status=OK)
        stage.hidden = dialect == 0x0300
        for steps in ([("create", {"file_name": "tools", "directory": True})],
                      [("create", one), ("write", dict(one, bytes_written=11))],
                      [("create", one), ("read", dict(one, bytes_read=11))],
                      [("query_directory", {"file_name": "tools", "search_pattern": "*"})],
                      [("rename", dict(one, rename_to="tools\\two.txt"))], [("delete", two)], [("delete", {"file_name": "tools"})]):
            stage.did("tree_connect", user=user, share="data", share_path="\\\\192.0.2.10\\data", status=OK)
            for operation, facts in steps:
                stage.did(operation, user=user, share="data", status=OK, **facts)
            stage.did("tree_disconnect", user=user, share="data", status=OK)
        stage.did("logoff", user=user, status=OK)
        stage.hidden = False


README = """# Captures

Our own recordings of a real Samba server and its clients, for the demo and the tests. `./record` made them, and makes them
anew: `./record NAME...` (as root) records some, `./record --list` names them, `./record --check` holds those that are here
against what each must contain, and `./record --readme` writes this page, as every recording does.

Server FS01 (192.0.2.10 and .11, 2001:db8::10), clients WS01 (192.0.2.20 and .21, 2001:db8::20), domain EXAMPLE, users alice and
bob, who may do anything in the share `data`. All of it is invented, and the addresses are those for documentation. Numbers with
dots are dialects; what begins with `smb1-` is SMB1. Made with smbclient (or another of Samba's tools), impacket, or `client.py`
and `client1.py`, small clients for what those cannot be made to send in SMB2 and SMB1; the server is Samba's in all of them.

| capture | what it holds | made with | bytes | sha256 |
|---|---|---|---|---|
@TABLE@

## Truths

`truth/NAME.json` is what the clients did, written by the script while they did it; no decoder had a part in it.

| key | meaning |
|---|---|
| `capture`, `about` | the capture's file name, and the line in the table above |
| `complete` | kinds of operation of which `operations` lists every one that happened, failed ones too (`"delete"`, `"rename"`); of the others there may be more in the capture: smbclient asks for more than it was told to |
| `passwords` | of the users who logged on, so that encrypted captures can be decrypted |
| `connections` | TCP connections in the order they were opened: `src_ip`, `dest_ip`, `dest_port`, `dialect` |
| `operations` | what was done, in this order on each connection; one object each, one per line |

An operation has fields of the record schema, with its names and values: `operation` always, then `user` (`DOMAIN\\name`), `share`,
`file_name`, `rename_to`, `status` and so on. A field that is absent is not asserted. `bytes_read` and `bytes_written`
are those of a request, or of all requests of one smbclient command: compare sums by user, share and file name. `delete` is the
CLOSE that removed the file (in SMB1 also DELETE and DELETE_DIRECTORY), `set_info` with `delete_on_close` the mark before it. In
SMB1, of a search pattern sent with its folder the truth has the last part, and the folder as `file_name`; a name of the Unix
extensions loses its leading slash; CHECK_DIRECTORY is `query_info`, a DFS referral `ioctl` (as in SMB2), NT_RENAME that makes a link
`set_info`, RAP `transact_pipe`; what was done by `client1.py` has its `command`; of a chain that failed what came after the failure
is left out, and so is the `status` where MS-CIFS has no name for a DOS error. `"hidden": true`: it was encrypted on the wire,
so that a sensor without keys cannot report it. In `midstream` a name is given from where the wire gives it. The times and most identifiers
differ from one recording to the next.
"""
