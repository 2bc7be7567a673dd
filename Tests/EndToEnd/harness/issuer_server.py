"""An OpenID Connect issuer's documents over TLS, from the folder that it is given: discovery.json and keys.json, read anew each time.

usage: issuer_server.py FOLDER [PORT]
"""

import json
import os
import sys

import answering

folder = sys.argv[1]
files = {"/.well-known/openid-configuration": "discovery.json", "/keys": "keys.json"}


class Handler(answering.Handler):
    def do_GET(self):
        with open(os.path.join(folder, "requests.jsonl"), "a") as log:
            log.write(json.dumps({"path": self.path, "host": self.headers["Host"]}) + "\n")
        name = files.get(self.path)
        if name is None:
            self.send_error(404)
            return
        with open(os.path.join(folder, name), "rb") as file:
            self.answer(file.read())


answering.serve(folder, Handler, *sys.argv[2:])
