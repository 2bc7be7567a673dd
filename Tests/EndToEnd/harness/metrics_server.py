"""An extension API server for custom and external metrics. usage: metrics_server.py FOLDER-WITH-CERTIFICATE-AND-VALUES

`values.json` in the folder says what is so: {"pods": {METRIC: NUMBER-FOR-EACH-POD-ASKED-FOR-BY-NAME}, "objects": {METRIC: NUMBER},
"external": {METRIC: [NUMBER, ...]}, "slow": SECONDS}. Who asked for what is appended to `asked` there."""

import json
import os
import sys
import time
import urllib.parse

import answering

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
NOW = "2026-01-01T00:00:00Z"


class Handler(answering.Handler):
    protocol_version = "HTTP/1.1"
    folder = ""

    def do_GET(self):
        with open(os.path.join(self.folder, "values.json")) as file:
            values = json.load(file)
        path, _, query = self.path.partition("?")
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if parts[0] != "apis" or len(parts) < 3:
            return self.status(404, "NotFound", "not here")
        group, version, rest = parts[1], parts[2], parts[3:]
        if not rest:
            return self.answer({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}", "resources": []})
        with open(os.path.join(self.folder, "asked"), "a") as file:
            file.write(json.dumps({"user": self.headers["X-Remote-User"], "path": self.path}) + "\n")
        time.sleep(values.get("slow", 0))
        selector = urllib.parse.parse_qs(query).get("metricLabelSelector" if group == CUSTOM else "labelSelector", [""])[0]
        if group == EXTERNAL:
            found = values.get("external", {}).get(rest[2])
            if found is None:
                return self.status(404, "NotFound", f"the metric {rest[2]} isn't known to this server")
            items = [{"metricName": rest[2], "metricLabels": {}, "timestamp": NOW, "value": number} for number in found]
            return self.answer({"kind": "ExternalMetricValueList", "apiVersion": f"{group}/{version}", "metadata": {}, "items": items})
        namespace, resource, name, metric = rest[1], rest[2], rest[3], rest[4]
        if name == "*":
            described = values.get("pods", {}).get(metric, {})
        else:
            described = {name: values.get("objects", {}).get(f"{resource}/{name}/{metric}{selector}")}
        items = [{
            "describedObject": {"kind": "Pod" if name == "*" else "Service", "namespace": namespace, "name": item, "apiVersion": "v1"},
            "metric": {"name": metric}, "timestamp": NOW, "value": number} for item, number in described.items() if number is not None]
        self.answer({"kind": "MetricValueList", "apiVersion": f"{group}/{version}", "metadata": {}, "items": items})

    def status(self, code, reason, message):
        self.answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                     "reason": reason, "message": message}, code)


def main(folder):
    Handler.folder = folder
    answering.serve(folder, Handler)


if __name__ == "__main__":
    main(sys.argv[1])
