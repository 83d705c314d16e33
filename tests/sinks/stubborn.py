"""Receivers that do not behave: one takes each connection and resets it after the first record, one takes it and reads nothing, or in
RELP answers nothing."""
import select
import socket
import struct
import threading


class Receiver:
    """On a port of loopback, from now until stop()."""

    def __init__(self, port, kind, how):
        self.kind, self.how = kind, how
        self.connections, self.got = 0, 0
        self._held, self._over = [], False
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that what it does not read is soon too much
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over:
            if select.select([self._socket], [], [], 0.05)[0]:
                connection, _ = self._socket.accept()
                self.connections += 1
                try:
                    self._treat(connection)
                except OSError:
                    connection.close()

    def _treat(self, connection):
        connection.settimeout(1)
        if self.kind == "relp":
            opened = connection.recv(65536)
            answer = b"200 OK\nrelp_version=0\nrelp_software=stubborn\ncommands=syslog"
            connection.sendall(b"%s rsp %d %s\n" % (opened.split(b" ")[0], len(answer), answer))
        if self.how == "stalls":
            self._held.append(connection)
            return
        self.got += len(connection.recv(2048))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST
        connection.close()

    def stop(self):
        self._over = True
        self._thread.join()
        self._socket.close()
        for connection in self._held:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
