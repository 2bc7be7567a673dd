"""Set by ../run, or by the environment."""

import os

binary = os.environ.get("SAMPAN_BINARY", "sampan")
cache = os.environ.get("SAMPAN_CACHE", os.path.expanduser("~/.cache/sampan"))
old_kubectl = os.environ.get("KUBECTL_OLD", os.path.join(cache, "bin", "kubectl-1.20"))
kubectl = os.environ.get("KUBECTL", "kubectl")
# Short, because socket paths are limited to 107 bytes.
folder = os.environ.get("SAMPAN_E2E_DIR", "/var/tmp")
repository = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
# Waiting for something that a loaded machine does late is no failure; these are limits against hanging.
patience = float(os.environ.get("SAMPAN_E2E_PATIENCE", "60"))
