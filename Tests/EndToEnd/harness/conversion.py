"""A conversion webhook: /convert renames spec.colour of v1 to spec.color of v1beta1, and back; /split makes hostPort of v1 host and port of
v2, and back. usage: conversion.py FOLDER-WITH-CERTIFICATE"""

import sys

import answering


def rename(item):
    old, new = ("color", "colour") if item["apiVersion"].endswith("/v1") else ("colour", "color")
    spec = item.get("spec", {})
    if old in spec:
        spec[new] = spec.pop(old)
    if spec.get("fail") == "name":
        item["metadata"]["name"] = "other"


def split(item):
    if item["apiVersion"].endswith("/v1"):
        item["hostPort"] = ":".join(item.pop(part) for part in ("host", "port") if part in item)
    else:
        item.update(zip(("host", "port"), item.pop("hostPort").split(":")))


class Handler(answering.Handler):
    def do_POST(self):
        body = self.content()
        change = {"/convert": rename, "/split": split}.get(self.path.split("?")[0])
        if not change:
            return self.answer(b"not here", 404)
        request = body["request"]
        for item in request["objects"]:
            item["apiVersion"] = request["desiredAPIVersion"]
            change(item)
        self.answer({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": request["objects"]},
        })


def main(folder):
    answering.serve(folder, Handler)


if __name__ == "__main__":
    main(sys.argv[1])
