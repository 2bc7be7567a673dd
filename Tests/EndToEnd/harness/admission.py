"""An admission webhook whose path says what it does; every request goes to requests.jsonl. usage: admission.py FOLDER-WITH-CERTIFICATE"""

import base64
import json
import os
import sys
import threading
import time

import answering

FOLDER = sys.argv[1]
LOCK = threading.Lock()


def deny(request):
    labels = ((request.get("object") or request.get("oldObject") or {}).get("metadata") or {}).get("labels") or {}
    if request["operation"] != "CONNECT" and "refuse" not in labels:
        return {"allowed": True, "warnings": ["this was looked at"]}
    return {"allowed": False, "status": {"message": f"{request['operation']} isn't for {request['userInfo']['username']}", "code": 403,
                                         "reason": "NotHere"}}


def mutate(request):
    if "data" in request["object"]:
        patch = [{"op": "add", "path": "/data/mutated", "value": "yes"}]
    else:
        patch = [{"op": "add", "path": "/spec/containers/-", "value": {
            "name": "sidecar", "image": "sampan.dev/sample/web:1", "command": ["sleep", "1000"]}}]
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}


def slow(request):
    time.sleep(8)
    return {"allowed": True}


class Handler(answering.Handler):
    def do_POST(self):
        path = self.path.split("?")[0]
        request = self.content()["request"]
        with LOCK, open(os.path.join(FOLDER, "requests.jsonl"), "a") as file:
            file.write(json.dumps({"path": self.path, **request}) + "\n")
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "https://169.254.169.254/latest/meta-data")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if path == "/huge":
            return self.answer(b" " * (16 << 20))
        if path == "/garbage":
            return self.answer(b"<html>")
        response = {"/deny": deny, "/mutate": mutate, "/slow": slow}[path](request)
        self.answer({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": request["uid"], **response}})

    def answer(self, content, code=200):
        try:
            super().answer(content, code)
        except OSError:
            pass  # whoever asked has given up


if __name__ == "__main__":
    answering.serve(FOLDER, Handler)
