"""Takes audit events over TLS, and keeps the batches in requests.jsonl; fails while there is a file `fail`. usage: FOLDER PORT"""

import json
import os
import sys

import answering

folder = sys.argv[1]


class Handler(answering.Handler):
    def do_POST(self):
        fails = os.path.exists(os.path.join(folder, "fail"))
        with open(os.path.join(folder, "requests.jsonl"), "a") as log:
            log.write(json.dumps({"path": self.path, "failed": fails, "token": self.headers["Authorization"], "body": self.content()}) + "\n")
        self.answer(b"", 500 if fails else 200)


answering.serve(folder, Handler, sys.argv[2])
