"""Reads field numbers out of generated.proto, to check those in the struct tags."""

import os
import re

MESSAGE = re.compile(r"^message (\w+) \{")
FIELD = re.compile(r"^  (?:optional|repeated|required)? ?(map<[^>]*>|[\w.]+) (\w+) = (\d+);")


def read_proto(folder):
    """message name -> field name -> number"""
    path = os.path.join(folder, "generated.proto")
    if not os.path.exists(path):
        return None
    messages, current = {}, None
    with open(path) as file:
        for line in file:
            message = MESSAGE.match(line)
            if message:
                current = messages.setdefault(message.group(1), {})
            field = FIELD.match(line)
            if field and current is not None:
                current[field.group(2)] = int(field.group(3))
    return messages
