"""What most tests of the API itself want: a request with the code that it must have, and its answer."""

import unittest

from .waiting import until


class APITest(unittest.TestCase):
    """A test of `cluster`, which its class sets."""

    MERGE, STRATEGIC, JSON_PATCH, APPLY = (
        f"application/{kind}" for kind in ("merge-patch+json", "strategic-merge-patch+json", "json-patch+json", "apply-patch+yaml"))

    def ask(self, method, path, body=None, code=200, **options):
        answer = self.cluster.request(method, path, body, **options)
        self.assertEqual(answer.code, code, answer)
        return answer.json if answer.body else None

    def patch(self, path, body, content_type=MERGE, code=200):
        return self.ask("PATCH", path, body, code, content_type=content_type)

    def changed(self, path, change):
        """Gets an object, lets `change` have it, and puts it back, again when somebody else was first."""
        while True:
            tree = self.ask("GET", path)
            change(tree)
            answer = self.cluster.request("PUT", path, tree)
            if answer.code != 409:
                self.assertEqual(answer.code, 200, answer)
                return answer.json

    def gone(self, path):
        until(lambda: self.cluster.request("GET", path).code == 404, f"{path} is gone")

    def condition(self, tree, kind):
        """The condition of that type in an object's status, or nothing."""
        return next((c for c in tree.get("status", {}).get("conditions", []) if c["type"] == kind), None)
