"""Autoscalers by metrics that a cluster's own server has (custom.metrics.k8s.io, external.metrics.k8s.io), for a Deployment and a custom
resource, as kubectl shows them."""

import json
import os
import unittest

from harness import settings, shared
from harness.cluster import deployment
from harness.waiting import until
from harness.webhook import Webhook
from test_custom_resources import PROPERTIES, crd, crontab

USER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


def autoscaler(name, target, *metrics):
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4, "metrics": list(metrics),
                 "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}


def external(name, **target):
    return {"type": "External", "external": {"metric": {"name": name}, "target": target}}


def average(amount):
    return {"type": "AverageValue", "averageValue": amount}


WEB = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
TABLE = {"apiVersion": "example.com/v1", "kind": "CronTab", "name": "table"}


class Autoscaling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("autoscaling")
        cls.hook = Webhook(cls, cls.cluster, "metrics_server.py")
        cls.values = {}
        cls.say()
        authority = cls.hook.client_config("/")["caBundle"]
        for group, version in (("custom", "v1beta1"), ("custom", "v1beta2"), ("external", "v1beta1")):
            cls.cluster.apply({
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"{version}.{group}.metrics.k8s.io"},
                "spec": {"group": f"{group}.metrics.k8s.io", "version": version, "groupPriorityMinimum": 100,
                         "versionPriority": 100 if version == "v1beta1" else 200, "caBundle": authority,
                         "service": {"namespace": "default", "name": "hook"}}})
        cls.cluster.kubectl("wait", "--for=condition=Available", "--timeout=60s", "apiservice/v1beta1.custom.metrics.k8s.io",
                            "apiservice/v1beta2.custom.metrics.k8s.io", "apiservice/v1beta1.external.metrics.k8s.io")
        cls.cluster.apply(crd(PROPERTIES))
        cls.cluster.kubectl("wait", "--for=condition=Established", "crd/crontabs.example.com", f"--timeout={settings.patience:.0f}s")

    @classmethod
    def say(cls, **values):
        cls.values |= values
        place = os.path.join(cls.hook.folder, "values.json")
        with open(place + ".new", "w") as file:
            json.dump(cls.values, file)
        os.rename(place + ".new", place)

    def asked(self):
        with open(os.path.join(self.hook.folder, "asked")) as file:
            return [json.loads(line) for line in file]

    def condition(self, name, kind):
        found = self.cluster.get(f"hpa/{name}").get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"], c["message"]) for c in found if c["type"] == kind), None)

    def size(self, name):
        return self.cluster.get(name)["spec"]["replicas"]

    def test_1_a_deployment_follows_all_kinds_of_metrics(self):
        cluster = self.cluster
        cluster.apply(deployment("web", 1, "sampan.dev/sample/web:1"))
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        self.say(external={"queue": ["15", "15"]}, objects={"services/hook/hitscode=200": "1500m"}, pods={"load": {}})
        cluster.apply(autoscaler(
            "web", WEB, external("queue", **average("10")),
            {"type": "Object", "object": {
                "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "hook"},
                "metric": {"name": "hits", "selector": {"matchLabels": {"code": "200"}}}, "target": {"type": "Value", "value": "2"}}},
            {"type": "Pods", "pods": {"metric": {"name": "load"}, "target": average("2")}}))
        # The largest wins, though one of them can't be had.
        until(lambda: self.size("deployment/web") == 3, "the queue asks for three", timeout=60)
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        self.assertEqual({item["user"] for item in self.asked()}, {USER})
        self.assertIn("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/services/hook/hits?metricLabelSelector=code%3D200",
                      {item["path"] for item in self.asked()})
        until(lambda: "10/10 (avg)" in cluster.kubectl("get", "hpa", "web"), "the table has what is so", timeout=60)
        self.assertRegex(cluster.kubectl("get", "hpa", "web"), r"web +Deployment/web +10/10 \(avg\), 1500m/2 \+ 1 more... +1 +4 +3")
        described = cluster.kubectl("describe", "hpa", "web")
        self.assertRegex(described, r'"queue" \(target average value\): +10 / 10\n')
        self.assertRegex(described, r'"hits" on Service/hook \(target value\): +1500m / 2\n')
        self.assertRegex(described, r'"load" on pods: +<unknown> / 2\n')
        self.assertIn("ValidMetricFound", described)
        self.assertIn("New size: 3; reason: external metric queue(nil) above target", described)
        self.assertRegex(described, "FailedGetPodsMetric .*unable to get metric load: no metrics returned from custom metrics API")

        # All of them are had, and less is asked for.
        names = [p["metadata"]["name"] for p in cluster.get("pods", "-l", "app=web")["items"]]
        self.say(external={"queue": ["3"]}, objects={"services/hook/hitscode=200": "1"}, pods={"load": {name: "500m" for name in names}})
        until(lambda: self.size("deployment/web") == 2, "the service asks for two", timeout=60)
        cluster.kubectl("delete", "hpa,deployment", "web")

    def test_2_a_custom_resource_is_scaled(self):
        cluster = self.cluster
        cluster.apply(crontab("table", replicas=1))
        self.say(external={"rows": ["30"]})
        cluster.apply(autoscaler("table", TABLE, external("rows", **average("10"))))
        until(lambda: (self.condition("table", "ScalingActive") or "")[1:] == (
            "InvalidSelector", "the HPA target's scale is missing a selector"), "it says that it has no selector", timeout=60)
        cluster.kubectl("patch", "crontab/table", "--subresource=status", "--type=merge", "-p",
                        '{"status":{"replicas":1,"selector":"app=table"}}')
        until(lambda: self.size("crontab/table") == 3, "three are asked for", timeout=60)
        self.assertEqual(cluster.get("hpa/table")["status"]["desiredReplicas"], 3)
        cluster.kubectl("patch", "crontab/table", "--subresource=status", "--type=merge", "-p", '{"status":{"replicas":3}}')
        self.say(external={"rows": ["12"]})
        until(lambda: self.size("crontab/table") == 2, "two are asked for", timeout=60)
        # A size that its own schema forbids.
        tight = {**PROPERTIES, "replicas": {"type": "integer", "maximum": 2}}
        cluster.apply(crd(tight))
        self.say(external={"rows": ["40"]})
        until(lambda: (self.condition("table", "AbleToScale") or ("", ""))[1] == "FailedUpdateScale", "it is told of", timeout=60)
        self.assertIn("the HPA controller was unable to update the target scale: CronTab.example.com \"table\" is invalid",
                      self.condition("table", "AbleToScale")[2])
        cluster.kubectl("delete", "hpa,crontab", "table")

    def test_3_what_cannot_be_had_is_told(self):
        cluster = self.cluster
        cluster.apply(crontab("table", replicas=1))
        cluster.kubectl("patch", "crontab/table", "--subresource=status", "--type=merge", "-p",
                        '{"status":{"replicas":1,"selector":"app=table"}}')
        cluster.apply(autoscaler("table", TABLE, external("nothing", **average("10"))), autoscaler(
            "lost", {**TABLE, "name": "lost"}, external("rows", **average("10"))))
        until(lambda: self.condition("table", "ScalingActive") == (
            "False", "FailedGetExternalMetric",
            "the HPA was unable to compute the replica count: unable to get external metric default/nothing/nil: unable to fetch metrics from "
            "external metrics API: the metric nothing isn't known to this server"), "the server's words are told", timeout=60)
        until(lambda: self.condition("lost", "AbleToScale") == (
            "False", "FailedGetScale",
            'the HPA controller was unable to get the target\'s current scale: crontabs.example.com "lost" not found'), "no target", timeout=60)
        cluster.kubectl("delete", "hpa", "table", "lost")

    def test_4_a_slow_server_holds_up_nobody_else(self):
        cluster = self.cluster
        self.say(slow=60, external={"rows": ["30"]})
        cluster.apply(*[autoscaler(f"slow-{i}", TABLE, external("rows", **average("10"))) for i in range(80)])
        until(lambda: self.condition("slow-0", "ScalingActive") and "unable to return a response in the time allotted" in
              self.condition("slow-0", "ScalingActive")[2], "it isn't waited for", timeout=90)
        other = shared.instance().cluster("autoscaling-other")
        other.apply(deployment("web", 1, "sampan.dev/sample/web:1"), autoscaler("web", WEB, external("rows", **average("10"))))
        until(lambda: other.get("hpa/web").get("status", {}).get("conditions"), "another cluster's autoscaler is looked at", timeout=10)
        other.kubectl("delete", "hpa,deployment", "web")
        cluster.kubectl("delete", "hpa", "--all")

    def test_5_two_at_the_same_pods_both_stop(self):
        cluster = self.cluster
        self.say(slow=0, external={"queue": ["25"]})
        cluster.apply(deployment("web", 1, "sampan.dev/sample/web:1"))
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        both = [autoscaler(name, WEB, external("queue", **average("10"))) for name in ("one", "two")]
        for scaler in both:
            scaler["spec"]["maxReplicas"] = 2
        cluster.apply(*both)
        message = "pods by selector app=web are controlled by multiple HPAs: [default/one default/two]"
        for name in ("one", "two"):
            until(lambda: self.condition(name, "ScalingActive") == ("False", "AmbiguousSelector", message), f"{name} is told", timeout=60)
        self.assertIn("AmbiguousSelector", {event["reason"] for event in cluster.get(
            "events", "--field-selector", "involvedObject.name=two")["items"]})
        cluster.kubectl("delete", "hpa/two")
        until(lambda: (self.condition("one", "ScalingActive") or ("",))[0] == "True", "the one left goes on", timeout=60)
        until(lambda: self.size("deployment/web") == 2, "and scales", timeout=60)
        cluster.kubectl("delete", "hpa/one", "deployment/web")
