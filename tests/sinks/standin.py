"""A sender that is simple, for what the tests conclude from: it stands in for smbtap where the receivers and the checks themselves
are on trial."""
import json
import socket
import ssl

import certificates
import counting

PROCESS = 77


def syslog(message, form="rfc5424", cookie=b""):
    """The record, bytes, as a syslog message."""
    record = json.loads(message)
    told = counting.header(record)
    if form == "rfc3164":
        return b"<%s>Nov 20 11:47:15 %s smbtap: %s%s" % (told["pri"].encode(), told["host"].encode(), cookie, message)
    data = '[meta sequenceId="%d"][origin software="smbtap" swVersion="0"]' % record["seq"]
    return ("<%(pri)s>1 %(time)s %(host)s %(program)s " % told + "%d %s %s " % (PROCESS, told["msgid"], data)).encode() + cookie + message


class Sender:
    """To a receiver, in the way it understands."""

    def __init__(self, receiver):
        self.kind = receiver.kind
        if self.kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.connect(receiver.socket)
        elif self.kind == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.connect(("127.0.0.1", receiver.port))
        else:
            self.socket = socket.create_connection(("127.0.0.1", receiver.port))
        if self.kind in ("tls", "relp+tls"):
            context = ssl.create_default_context(cafile=receiver.certificates.pem("ca"))
            context.load_cert_chain(receiver.certificates.pem("client"), receiver.certificates.key("client"))
            self.socket = context.wrap_socket(self.socket, server_hostname=certificates.NAME)
        self.transaction = 0
        if self.kind.startswith("relp"):
            self._relp(b"open", b"relp_version=0\nrelp_software=standin\ncommands=syslog")

    def _relp(self, command, data=b""):
        """One frame, and its answer."""
        self.transaction += 1
        text = b"%d %s %d" % (self.transaction, command, len(data)) + (b" " + data if data else b"") + b"\n"
        self.socket.sendall(text)
        answer = b""
        while not answer.endswith(b"\n") or answer.split(b" ", 2)[0] != b"%d" % self.transaction:
            got = self.socket.recv(65536)
            if not got:
                raise OSError("the receiver ended the connection")
            answer += got
            if answer.startswith(b"%d rsp" % self.transaction):
                head = answer.split(b" ", 3)
                if len(head) == 4 and len(head[3]) > int(head[2]):
                    break
        if b" rsp " not in answer or b"200" not in answer:
            raise OSError("RELP: %r" % answer)

    def send(self, message):
        if self.kind.startswith("relp"):
            self._relp(b"syslog", message)
            return
        if self.kind in ("tcp", "tls"):
            message = b"%d %s" % (len(message), message)
        elif self.kind == "newline":
            message += b"\n"
        self.socket.sendall(message)

    def close(self):
        if self.kind == "tls":
            self.socket = self.socket.unwrap()
        self.socket.close()
