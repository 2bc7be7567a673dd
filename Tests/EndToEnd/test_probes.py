"""Probes of every kind that fail: what has started badly or has become ill is started anew, and nothing else of its pod."""

import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"
WAIT = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


def probed(name, command=WAIT, **probes):
    """Without a command it runs the image's own, which is a web server."""
    return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", **({"command": command} if command else {}), **{
        kind: {"periodSeconds": 1, "failureThreshold": 1, **probe} for kind, probe in probes.items()}}


class Probes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("probes")
        cls.addClassCleanup(shared.instance().delete, "probes")

    def status(self, name):
        return {each["name"]: each for each in self.cluster.get(f"pod/{name}")["status"].get("containerStatuses", [])}

    def events(self, name, reason):
        return self.cluster.get("events", "--field-selector", f"involvedObject.name={name},reason={reason}")["items"]

    def test_what_fails_is_restarted_and_nothing_else(self):
        web = {"command": None}
        ill = {
            "http-live": (dict(web, livenessProbe={"httpGet": {"path": "/not-there", "port": 8080}, "failureThreshold": 3}),
                          r"Liveness probe failed: (HTTP probe failed with statuscode: 404|Get .*: connect: connection refused)"),
            "tcp-live": (dict(livenessProbe={"tcpSocket": {"port": 81}}), r"Liveness probe failed: dial tcp \S+:81: connect: connection refused"),
            "grpc-live": (dict(livenessProbe={"grpc": {"port": 82}}), r"Liveness probe failed: "),
            "exec-live": (dict(livenessProbe={"exec": {"command": ["sh", "-c", "echo ill; exit 3"]}}), r"Liveness probe failed: ill"),
            "http-start": (dict(web, startupProbe={"httpGet": {"path": "/not-there", "port": 8080}, "failureThreshold": 3}),
                           r"Startup probe failed: (HTTP probe failed with statuscode: 404|Get .*: connect: connection refused)"),
            "tcp-start": (dict(startupProbe={"tcpSocket": {"port": 83}, "failureThreshold": 2}),
                          r"Startup probe failed: dial tcp \S+:83: connect: connection refused"),
            "grpc-start": (dict(startupProbe={"grpc": {"port": 84}, "failureThreshold": 2}), r"Startup probe failed: "),
        }
        well = probed(
            "well", None, startupProbe={"tcpSocket": {"port": 8080}, "failureThreshold": 30},
            livenessProbe={"httpGet": {"path": "/", "port": 8080}}, readinessProbe={"tcpSocket": {"port": 8080}})
        # A pod each, since a pod is told of 25 times at once; what is well lives beside one that isn't.
        self.cluster.apply(*(pod(name, None, containers=[probed("main", **probes), *([well] if name == "tcp-live" else [])])
                             for name, (probes, _) in ill.items()))
        self.addCleanup(self.cluster.kubectl, "delete", "pods", *ill, "--now", "--wait=false")
        for name, (probes, message) in ill.items():
            with self.subTest(name):
                status = until(lambda: (found := self.status(name)).get("main", {}).get("restartCount") and found, f"{name} is started anew")
                kind = "startup" if "startupProbe" in probes else "liveness"
                if name == "tcp-live":
                    self.assertEqual((status["well"]["restartCount"], status["well"]["started"]), (0, True))
                if kind == "startup":
                    self.assertFalse(status["main"]["ready"])
                told = until(lambda: [event["message"] for event in self.events(name, "Unhealthy")
                                      if event["involvedObject"].get("fieldPath") == "spec.containers{main}"], "it is told")
                for text in told:
                    self.assertRegex(text, message)
                until(lambda: f"Container main failed {kind} probe, will be restarted" in
                      [event["message"] for event in self.events(name, "Killing")], "and why it is ended")

    def test_what_is_not_ready_is_not_restarted(self):
        body = pod("unready", None, containers=[probed("main", readinessProbe={"tcpSocket": {"port": 81}})])
        self.cluster.apply(body)
        self.addCleanup(self.cluster.kubectl, "delete", "pod/unready", "--now", "--wait=false")
        until(lambda: len(self.events("unready", "Unhealthy")) > 0, "it is told that it isn't ready")
        status = self.status("unready")["main"]
        self.assertEqual((status["ready"], status["started"], status["restartCount"]), (False, True, 0))


if __name__ == "__main__":
    unittest.main()
