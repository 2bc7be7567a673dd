"""HTTP/2 frame by frame, for what no client would send. Header blocks are literal, without indexing (RFC 7541, 6.2.2)."""

import socket
import ssl
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def number(value, prefix):
    """RFC 7541, 5.1."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([value])
    data, value = bytes([limit]), value - limit
    while value >= 128:
        data, value = data + bytes([value % 128 + 128]), value // 128
    return data + bytes([value])


def block(fields):
    data = b""
    for name, value in fields:
        name, value = (text.encode("latin-1") if isinstance(text, str) else text for text in (name, value))
        data += b"\x00" + number(len(name), 7) + name + number(len(value), 7) + value
    return data


class HTTP2:
    """One connection. Frames are sent as they are given; `answers` reads until the server ends it or nothing comes any more."""

    def __init__(self, port, authority=None):
        context = ssl.create_default_context(cadata=authority) if authority else ssl._create_unverified_context()
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10), server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(SETTINGS, 0, 0))

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def send(self, *frame):
        """Whether the server still takes what is sent."""
        try:
            self.socket.sendall(frame[0] if len(frame) == 1 else self.frame(*frame))
            return True
        except OSError:
            return False

    def request(self, stream, fields, flags=END_STREAM | END_HEADERS):
        return self.send(HEADERS, flags, stream, block(fields))

    def answers(self, seconds=5, until=None):
        """The frames that come, as (kind, flags, stream, payload), and whether the server closed the connection."""
        frames, data = [], b""
        self.socket.settimeout(seconds)
        try:
            while True:
                piece = self.socket.recv(1 << 16)
                if not piece:
                    return frames, True
                data += piece
                while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                    length = int.from_bytes(data[:3], "big")
                    frame = (data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:9 + length])
                    frames.append(frame)
                    data = data[9 + length:]
                    if frame[0] == SETTINGS and not frame[1] & ACK:
                        self.send(SETTINGS, ACK, 0)
                    if until and until(frame):
                        return frames, False
        except TimeoutError:
            return frames, False
        except OSError:
            return frames, True

    def ended(self, seconds=10):
        """Whether the server ends the connection: by GOAWAY, or by closing it. What the client could send before says nothing:
        the kernel takes megabytes of it before the server has seen the first byte."""
        frames, closed = self.answers(seconds, until=lambda frame: frame[0] == GOAWAY)
        return closed or bool(frames) and frames[-1][0] == GOAWAY

    def close(self):
        self.socket.close()
