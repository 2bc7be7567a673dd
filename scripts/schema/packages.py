"""Which Go packages are read, where they are found, and how the generated rows name them."""

import os
import shutil
import subprocess
import sys
import sys
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
DEBIAN = [
    "golang-k8s-api-dev",
    "golang-k8s-apimachinery-dev",
    "golang-k8s-apiextensions-apiserver-dev",
    "golang-k8s-metrics-dev",
]

# Row name of the package -> (Go import path, OpenAPI prefix).
# Only packages that a default server serves, and what those need; webhooks' reviews and metrics are used as a client.
PACKAGES = {
    "meta/v1": ("k8s.io/apimachinery/pkg/apis/meta/v1", "io.k8s.apimachinery.pkg.apis.meta.v1"),
    "types": ("k8s.io/apimachinery/pkg/types", "io.k8s.apimachinery.pkg.types"),
    "core/v1": ("k8s.io/api/core/v1", "io.k8s.api.core.v1"),
    "admission/v1": ("k8s.io/api/admission/v1", "io.k8s.api.admission.v1"),
    "admissionregistration/v1": ("k8s.io/api/admissionregistration/v1", "io.k8s.api.admissionregistration.v1"),
    "apiextensions/v1": (
        "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    ),
    "apiregistration/v1": (
        "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1",
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
    ),
    "apps/v1": ("k8s.io/api/apps/v1", "io.k8s.api.apps.v1"),
    "authentication/v1": ("k8s.io/api/authentication/v1", "io.k8s.api.authentication.v1"),
    "authorization/v1": ("k8s.io/api/authorization/v1", "io.k8s.api.authorization.v1"),
    "autoscaling/v1": ("k8s.io/api/autoscaling/v1", "io.k8s.api.autoscaling.v1"),
    "autoscaling/v2": ("k8s.io/api/autoscaling/v2", "io.k8s.api.autoscaling.v2"),
    "batch/v1": ("k8s.io/api/batch/v1", "io.k8s.api.batch.v1"),
    "certificates/v1": ("k8s.io/api/certificates/v1", "io.k8s.api.certificates.v1"),
    "coordination/v1": ("k8s.io/api/coordination/v1", "io.k8s.api.coordination.v1"),
    "discovery/v1": ("k8s.io/api/discovery/v1", "io.k8s.api.discovery.v1"),
    "events/v1": ("k8s.io/api/events/v1", "io.k8s.api.events.v1"),
    "flowcontrol/v1": ("k8s.io/api/flowcontrol/v1", "io.k8s.api.flowcontrol.v1"),
    "networking/v1": ("k8s.io/api/networking/v1", "io.k8s.api.networking.v1"),
    "node/v1": ("k8s.io/api/node/v1", "io.k8s.api.node.v1"),
    "policy/v1": ("k8s.io/api/policy/v1", "io.k8s.api.policy.v1"),
    "rbac/v1": ("k8s.io/api/rbac/v1", "io.k8s.api.rbac.v1"),
    "resource/v1": ("k8s.io/api/resource/v1", "io.k8s.api.resource.v1"),
    "scheduling/v1": ("k8s.io/api/scheduling/v1", "io.k8s.api.scheduling.v1"),
    "storage/v1": ("k8s.io/api/storage/v1", "io.k8s.api.storage.v1"),
    "storagemigration/v1beta1": ("k8s.io/api/storagemigration/v1beta1", "io.k8s.api.storagemigration.v1beta1"),
    "metrics/v1beta1": ("k8s.io/metrics/pkg/apis/metrics/v1beta1", "io.k8s.metrics.pkg.apis.metrics.v1beta1"),
}

# Not in Debian: rows written by hand, next to this file.
BY_HAND = {"apiregistration/v1": "apiregistration.rows"}

# Go types whose JSON form is not that of a struct.
SPECIAL = {
    ("k8s.io/apimachinery/pkg/api/resource", "Quantity"): "!quantity",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "Time"): "!time",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "MicroTime"): "!microtime",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "Duration"): "!duration",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "FieldsV1"): "!fields",
    ("k8s.io/apimachinery/pkg/util/intstr", "IntOrString"): "!intstr",
    ("k8s.io/apimachinery/pkg/runtime", "RawExtension"): "!raw",
    ("k8s.io/apimachinery/pkg/runtime", "Object"): "!raw",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSON"): "!json",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrBool"): "!schemaOrBool",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrArray"): "!schemaOrArray",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrStringArray"): "!schemaOrStrings",
}


def fetch(into):
    """Downloads and unpacks the Debian packages below `into`, through an apt of its own: nothing is installed or upgraded.

    Returns the folder that holds `k8s.io`.
    """
    apt = os.path.join(into, "apt")
    for part in ("lists/partial", "cache/archives/partial", "parts", "preferences", "deb"):
        os.makedirs(os.path.join(apt, part))
    open(os.path.join(apt, "status"), "w").close()
    with open(os.path.join(apt, "parts", "sid.sources"), "w") as source:
        source.write(f"Types: deb\nURIs: {MIRROR}\nSuites: sid\nComponents: main\nSigned-By: {KEYRING}\n")
    settings = os.path.join(apt, "apt.conf")
    with open(settings, "w") as conf:
        conf.write(
            f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{apt}/parts";\n'
            f'Dir::Etc::preferencesparts "{apt}/preferences";\nDir::State::lists "{apt}/lists";\n'
            f'Dir::State::status "{apt}/status";\nDir::Cache "{apt}/cache";\nAPT::Sandbox::User "root";\n'
        )
    environment = dict(os.environ, APT_CONFIG=settings)
    for command in (["update", "-o", "APT::Update::Error-Mode=any"], ["download", *DEBIAN]):
        done = subprocess.run(["apt-get", "-qq", *command], env=environment, cwd=os.path.join(apt, "deb"), text=True, capture_output=True)
        if done.returncode:
            print(f"can't download {', '.join(DEBIAN)} from {MIRROR}:\n{done.stderr}"
                  "try again, or unpack them yourself and use --sources", file=sys.stderr)
            sys.exit(2)
    root = os.path.join(into, "root")
    for deb in sorted(os.listdir(os.path.join(apt, "deb"))):
        print(f"read {deb}", file=sys.stderr)
        subprocess.run(["dpkg-deb", "-x", os.path.join(apt, "deb", deb), root], check=True)
    shutil.rmtree(apt)
    return os.path.join(root, "usr/share/gocode/src")


def scratch():
    return tempfile.TemporaryDirectory(prefix="sampan-schema-")
