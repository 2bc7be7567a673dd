"""kubectl port-forward, and what goes through it."""

import contextlib
import socket
import subprocess

from .instance import free_port


@contextlib.contextmanager
def forwarded(command, target, port):
    """Runs `command` (of `Cluster.command`) as `port-forward target`; gives the local port, and the process."""
    local = free_port()
    process = subprocess.Popen(
        [*command, "port-forward", target, f"{local}:{port}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if "Forwarding from" not in line:
            raise AssertionError(f"kubectl port-forward said {line!r} and {process.stderr.read()!r}")
        yield local, process
    finally:
        process.kill()
        process.communicate()


def get(port, path="/"):
    """What a web server at a local port answers; the request's end is said by closing that half of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        return receive(connection)


def receive(connection):
    """All that comes, to the end."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)
