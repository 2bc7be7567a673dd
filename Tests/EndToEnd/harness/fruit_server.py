"""An extension API server for `fruit.example.com/v1`, with one apple in every namespace. usage: fruit_server.py FOLDER-WITH-CERTIFICATE"""

import os
import signal
import sys

import answering

GROUP, VERSION = "fruit.example.com", "v1"
PLACE = f"/apis/{GROUP}/{VERSION}"
KIND = {"group": GROUP, "version": VERSION, "kind": "Apple"}
DOCUMENT = {
    "openapi": "3.0.0", "info": {"title": "fruit", "version": "1"},
    "paths": {f"{PLACE}/apples": {"get": {"responses": {}, "x-kubernetes-action": "list", "x-kubernetes-group-version-kind": KIND}}},
    "components": {"schemas": {"Apple": {
        "type": "object", "description": "An apple a day.", "x-kubernetes-group-version-kind": [KIND],
        "properties": {"taste": {"type": "string", "description": "How it tastes."}}}}}}


def apple(namespace, name="one"):
    return {"kind": "Apple", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {"name": name, "namespace": namespace}, "taste": "sweet"}


class Handler(answering.Handler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        parts = path.removeprefix(PLACE).strip("/").split("/")
        if path == PLACE:
            self.answer({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": [{
                "name": "apples", "singularName": "apple", "namespaced": True, "kind": "Apple", "verbs": ["create", "get", "list", "watch"]}]})
        elif path == "/openapi/v3":
            self.answer({"paths": {PLACE[1:]: {"serverRelativeURL": f"/openapi/v3{PLACE}?hash=1"}}})
        elif path == f"/openapi/v3{PLACE}":
            self.answer(DOCUMENT)
        elif path.startswith(PLACE) and parts[-1] == "apples":
            namespace = parts[1] if parts[0] == "namespaces" else "default"
            if "watch=" in query:
                self.answer({"type": "ADDED", "object": apple(namespace)})
            else:
                self.answer({"kind": "AppleList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": [apple(namespace)]})
        elif path.startswith(PLACE) and parts[-2] == "apples":
            self.answer(apple(parts[1], parts[-1]))
        else:
            self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"}, 404)

    def do_POST(self):
        self.answer(self.content(), 201)


def main(folder):
    # The first process of a container has to say that it can be ended.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    answering.serve(folder, Handler)


if __name__ == "__main__":
    main(sys.argv[1])
