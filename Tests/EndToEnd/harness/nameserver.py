"""A name server for tests. usage: nameserver.py FILE [PORT]; FILE is JSON, read anew for each question: {"name.": [TTL, "address" or "alias."]}."""

import ipaddress
import json
import socketserver
import struct
import sys


def name_at(message, offset):
    labels = []
    while message[offset]:
        labels.append(message[offset + 1:offset + 1 + message[offset]].decode())
        offset += message[offset] + 1
    return ".".join(labels).lower() + ".", offset + 1


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        message, reply = self.request
        with open(sys.argv[1]) as file:
            known = json.load(file)
        name, end = name_at(message, 12)
        kind, = struct.unpack("!H", message[end:end + 2])
        records, code, asked = [], 0 if name in known else 3, name
        while asked in known and len(records) < 5:
            ttl, value = known[asked]
            if value.endswith("."):
                records.append(encoded(asked) + struct.pack("!HHIH", 5, 1, ttl, len(encoded(value))) + encoded(value))
                asked = value
                continue
            if kind == 28 and ":" in value:
                records.append(encoded(asked) + struct.pack("!HHIH", 28, 1, ttl, 16) + ipaddress.ip_address(value).packed)
            if kind == 1 and ":" not in value:
                records.append(encoded(asked) + struct.pack("!HHIH", 1, 1, ttl, 4) + bytes(map(int, value.split("."))))
            break
        head = message[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        reply.sendto(head + message[12:end + 4] + b"".join(records), self.client_address)


if __name__ == "__main__":
    socketserver.ThreadingUDPServer(("0.0.0.0", int(sys.argv[2]) if len(sys.argv) > 2 else 53), Handler).serve_forever()
