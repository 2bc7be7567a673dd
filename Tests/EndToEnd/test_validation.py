"""What kubectl prints of objects that are wrong and of changes that aren't allowed, in upstream's words."""

import unittest

from harness import shared

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {%s}\n"
CONTAINER = "containers: [{name: a, image: x}]"
TEMPLATE = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}"
DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, %s" + TEMPLATE + "}\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {%s}\n"
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {%stemplate: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}\n"

# what: a manifest, and the lines that `kubectl create` ends with
REFUSED = {
    "no image": (POD % ("p", "containers: [{name: a}]"), 'The Pod "p" is invalid: spec.containers[0].image: Required value'),
    "two problems": (
        POD % ("p", "restartPolicy: Sometimes, containers: [{image: x}]"),
        'The Pod "p" is invalid: \n* spec.containers[0].name: Required value\n'
        '* spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'),
    "a limit below the request": (
        POD % ("p", "containers: [{name: a, image: x, resources: {requests: {cpu: '2'}, limits: {cpu: '1'}}}]"),
        'The Pod "p" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'),
    "a mount of no volume": (
        POD % ("p", "containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v}]}]"),
        'The Pod "p" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "v"'),
    "a probe without a handler": (
        POD % ("p", "containers: [{name: a, image: x, livenessProbe: {periodSeconds: 1}}]"),
        'The Pod "p" is invalid: spec.containers[0].livenessProbe: Required value: must specify a handler type'),
    "a negative number of replicas": (
        DEPLOYMENT % "replicas: -1, ",
        'The Deployment "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'),
    "a service without ports": (SERVICE % "type: ClusterIP", 'The Service "s" is invalid: spec.ports: Required value'),
    "ports without names": (
        SERVICE % "ports: [{port: 80}, {port: 81}]",
        'The Service "s" is invalid: \n* spec.ports[0].name: Required value\n* spec.ports[1].name: Required value'),
    "an indexed job without completions": (
        JOB % "completionMode: Indexed, parallelism: 2, ",
        'The Job "j" is invalid: spec.completions: Required value: when completion mode is Indexed'),
    "a bad schedule": (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {schedule: hourly, jobTemplate: {spec: {template: {spec: "
        "{restartPolicy: Never, containers: [{name: a, image: x}]}}}}}\n",
        'The CronJob "c" is invalid: spec.schedule: Invalid value: "hourly": expected exactly 5 fields, found 1: [hourly]'),
    "an ingress without rules": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {}\n", "either `defaultBackend` or `rules` must be specified"),
    "a claim without a size": (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {accessModes: [ReadWriteOnce]}\n",
        'The PersistentVolumeClaim "c" is invalid: spec.resources[storage]: Required value'),
    "a role without verbs": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: [''], resources: [pods]}]\n",
        'The Role "r" is invalid: rules[0].verbs: Required value: verbs must contain at least one value'),
    "a policy with a bad expression": (
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec: {matchConstraints: "
        "{resourceRules: [{operations: [CREATE], apiGroups: [''], apiVersions: [v1], resources: [pods]}]}, validations: [{expression: 'objekt.x'}]}\n",
        "undeclared reference to 'objekt' (in container '')"),
    "a budget of both kinds": (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: 1, maxUnavailable: 1}\n",
        "minAvailable and maxUnavailable cannot be both set"),
}

# what: a manifest that is accepted, a merge patch, and what kubectl says of it
CHANGES = {
    "a pod's host name": (
        POD % ("fixed", CONTAINER), "pod/fixed", '{"spec": {"hostname": "h"}}',
        'The Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields other than'),
    "a deployment's selector": (
        DEPLOYMENT % "replicas: 0, ", "deployment/d", '{"spec": {"selector": {"matchLabels": {"a": "c"}}, "template": {"metadata": {"labels": {"a": "c"}}}}}',
        "spec.selector: Invalid value: "),
    "a service's address": (
        SERVICE % "ports: [{port: 80}]", "service/s", '{"spec": {"clusterIP": "10.96.200.200"}}', "may not change once set"),
    "a map that is immutable": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\nimmutable: true\ndata: {a: b}\n", "configmap/m", '{"data": {"a": "c"}}',
        'The ConfigMap "m" is invalid: data: Forbidden: field is immutable when `immutable` is set'),
    "a secret's type": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\ntype: a/b\n", "secret/t", '{"type": "c/d"}',
        'The Secret "t" is invalid: type: Invalid value: "c/d": field is immutable'),
    "a class's provisioner": (
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: c}\nprovisioner: a/b\n", "storageclass/c", '{"provisioner": "c/d"}',
        "updates to provisioner are forbidden."),
}

# where some of the rarer kinds are listed
PATHS = {
    "resourceclaims": "/apis/resource.k8s.io/v1/resourceclaims",
    "validatingadmissionpolicies": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "csidrivers": "/apis/storage.k8s.io/v1/csidrivers", "ipaddresses": "/apis/networking.k8s.io/v1/ipaddresses",
}


class Validation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("validation")

    def test_creations(self):
        for what, (manifest, expected) in REFUSED.items():
            with self.subTest(what):
                result = self.cluster.kubectl("create", "-f", "-", input=manifest, check=False)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(expected, result.stderr)

    def test_changes(self):
        for what, (manifest, name, patch, expected) in CHANGES.items():
            with self.subTest(what):
                self.cluster.kubectl("create", "-f", "-", input=manifest)
                result = self.cluster.kubectl("patch", name, "--type=merge", "-p", patch, check=False)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(expected, result.stderr)

    def test_warnings(self):
        manifest = POD % ("warned", "nodeSelector: {beta.kubernetes.io/os: linux}, " + CONTAINER)
        result = self.cluster.kubectl("create", "-f", "-", input=manifest, check=False)
        self.assertIn('Warning: spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead', result.stderr)

    def test_columns(self):
        for resource, columns in (
            ("resourceclaims", "NAME STATE AGE"), ("validatingadmissionpolicies", "NAME VALIDATIONS PARAMKIND AGE"),
            ("csidrivers", "NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE"),
            ("ipaddresses", "NAME PARENTREF"),
        ):
            with self.subTest(resource):
                table = self.cluster.request("GET", PATHS[resource], headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).json
                names = " ".join(column["name"].upper() for column in table["columnDefinitions"] if column["priority"] == 0)
                self.assertEqual(names, columns)
