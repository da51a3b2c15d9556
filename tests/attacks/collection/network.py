"""Something outside is asked, or told; this machine counts as outside."""

from __future__ import annotations

from tests.attacks.attack import Attack

FAMILY = "network"

ATTACKS = (
    Attack(
        "tcp",
        FAMILY,
        "Connects to a server, here on the same machine.",
        "reached",
        (("network", "IPv4"),),
        before="""
import socket

with socket.create_connection(("127.0.0.1", @TCP@), timeout=5) as connection:
    connection.sendall(b"@ATTACK@")
    if connection.recv(5) == b"hello":
        @REACHED@
""",
    ),
    Attack(
        "udp",
        FAMILY,
        "Sends a datagram out, as one would with the tests of an exam.",
        "reached",
        (("network", "IPv4"),),
        before="""
import socket

out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.settimeout(5)
out.sendto(b"@ATTACK@", ("127.0.0.1", @UDP@))
if out.recv(5) == b"hello":
    @REACHED@
""",
    ),
    Attack(
        "unix-socket",
        FAMILY,
        "Connects to a socket of the grader's machine by its abstract name, which no folder hides.",
        "reached",
        (("network", "unix"),),
        before="""
import socket

inside = socket.socket(socket.AF_UNIX)
inside.connect(chr(0) + "@UNIX@")
inside.sendall(b"@ATTACK@")
if inside.recv(5) == b"hello":
    @REACHED@
""",
    ),
    Attack(
        "server-of-its-own",
        FAMILY,
        "Opens a server on loopback, by which two submissions could meet.",
        "reached",
        (("network", "IPv4"),),
        before="""
import socket

with socket.create_server(("127.0.0.1", 0)):
    @REACHED@
""",
    ),
)
