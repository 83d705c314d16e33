"""Certificates for a test of TLS, made by openssl: of an authority, of servers good and bad, of clients."""
import os
import subprocess

NAME, CLIENT = "receiver.example", "sensor.example"
CONFIGURATION = "[req]\ndistinguished_name = name\n[name]\n"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Certificates:
    """In a folder: NAME.pem and NAME.key of each."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        with open(self.path("openssl.cnf"), "w", encoding="ascii") as file:
            file.write(CONFIGURATION)
        for authority in ("ca", "foreign-ca"):
            self._make(authority, "/CN=" + authority, "basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign")
        server = "subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1" % NAME
        self._make("server", "/CN=" + NAME, server, authority="ca")
        self._expired(server)
        self._make("other-name", "/CN=other.example", "subjectAltName=DNS:other.example", authority="ca")
        self._make("foreign", "/CN=" + NAME, server, authority="foreign-ca")
        self._make("client", "/CN=" + CLIENT, "subjectAltName=DNS:" + CLIENT, authority="ca")
        self._make("foreign-client", "/CN=" + CLIENT, "subjectAltName=DNS:" + CLIENT, authority="foreign-ca")

    def path(self, name):
        return os.path.join(self.folder, name)

    def pem(self, name):
        return self.path(name + ".pem")

    def key(self, name):
        return self.path(name + ".key")

    def _make(self, name, subject, *extensions, authority=None):
        words = ["openssl", "req", "-x509", *KEY, "-config", self.path("openssl.cnf"), "-subj", subject, "-days", "2",
                 "-keyout", self.key(name), "-out", self.pem(name)]
        for extension in extensions:
            words += ["-addext", extension]
        if authority:
            words += ["-CA", self.pem(authority), "-CAkey", self.key(authority)]
        self._run(*words)
        os.chmod(self.key(name), 0o644)  # who reads it may have become somebody else

    def _expired(self, *extensions):
        """openssl req makes none that never was valid; openssl x509 does."""
        extension = self.path("extensions")
        with open(extension, "w", encoding="ascii") as file:
            file.write("\n".join(extensions) + "\n")
        request = self.path("request")
        self._run("openssl", "req", *KEY, "-config", self.path("openssl.cnf"), "-subj", "/CN=" + NAME, "-keyout", self.key("expired"),
                  "-out", request)
        self._run("openssl", "x509", "-req", "-in", request, "-CA", self.pem("ca"), "-CAkey", self.key("ca"), "-set_serial", "9",
                  "-days", "-1", "-extfile", extension, "-out", self.pem("expired"))

    def fingerprint(self, name):
        """SHA-256 of the certificate, as openssl prints it."""
        return self._run("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", self.pem(name)).strip().split("=", 1)[1]

    @staticmethod
    def _run(*words):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(words), done.stderr))
        return done.stdout
