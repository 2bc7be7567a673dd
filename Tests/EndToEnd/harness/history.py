"""What happened in a cluster, in the order of its revisions, kept by watches that outlive the server."""

import http.client
import json
import threading
import time


class Change:
    """One event; or, with type LISTED, everything that there was at a revision, after events that nobody can tell any more."""

    def __init__(self, revision, path, type, objects):
        self.revision, self.path, self.type, self.objects = revision, path, type, objects


class History:
    def __init__(self, cluster, *paths):
        """Watches each path until `finish`; everything that is there has been listed when this returns."""
        self.cluster, self.changes, self.broken = cluster, [], []
        self.news, self.stopped = threading.Condition(), False
        self.threads = [threading.Thread(target=self._follow, args=(path, self._list(path)), daemon=True) for path in paths]
        for thread in self.threads:
            thread.start()

    def wait(self, count, limit):
        """Returns when `count` more changes were seen, and after `limit` seconds at the latest."""
        with self.news:
            goal = len(self.changes) + count
            self.news.wait_for(lambda: len(self.changes) >= goal, limit)

    def finish(self):
        """Ends the watches. Returns the changes in the order of their revisions, of which the last are a list of each path."""
        self.stopped = True
        for thread in self.threads:
            thread.join()
        return sorted(self.changes, key=lambda change: (change.revision, change.type == "LISTED"))

    def _add(self, change):
        with self.news:
            self.changes.append(change)
            self.news.notify_all()

    def _list(self, path):
        tree = self.cluster.request("GET", path).json
        if tree["kind"] == "Status":
            raise AssertionError(f"{path} can't be listed: {tree}")
        revision = int(tree["metadata"]["resourceVersion"])
        self._add(Change(revision, path, "LISTED", tree["items"]))
        return revision

    def _follow(self, path, revision):
        while not self.stopped:
            try:
                revision = self._watch(path, revision)
                if revision is None:
                    revision = self._list(path)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # There is no server just now.
            except Exception as error:
                self.broken.append(f"{path}: {error!r}")
                return
        self._list(path)

    def _watch(self, path, revision):
        """Returns the revision to go on from when the stream ends, None when what came after it is forgotten."""
        connection = self.cluster.connect(timeout=10)
        try:
            connection.http.request("GET", f"{connection.prefix}{path}?watch=1&timeoutSeconds=2&resourceVersion={revision}", headers={
                "Accept": "application/json", **({"Authorization": f"Bearer {connection.token}"} if connection.token else {})})
            response = connection.http.getresponse()
            if response.status == 410:
                return None
            if response.status != 200:
                raise OSError(f"the watch was answered {response.status}: {response.read()[:300]}")
            while True:
                try:
                    line = response.readline()
                except (OSError, http.client.HTTPException):
                    return revision
                if not line.endswith(b"\n"):
                    return revision
                event = json.loads(line)
                if event["type"] == "ERROR":
                    if event["object"].get("code") == 410:
                        return None
                    raise AssertionError(event["object"])
                seen = int(event["object"]["metadata"]["resourceVersion"])
                if seen <= revision:
                    raise AssertionError(f"after revision {revision} came {seen}")
                revision = seen
                self._add(Change(revision, path, event["type"], [event["object"]]))
        finally:
            connection.close()


def replay(changes):
    """Yields each change with all objects as they were after it, by path and name."""
    state = {}
    for change in changes:
        objects = state.setdefault(change.path, {})
        if change.type == "LISTED":
            objects.clear()
        for item in change.objects:
            if change.type == "DELETED":
                objects.pop(item["metadata"]["name"], None)
            else:
                objects[item["metadata"]["name"]] = item
        yield change, state
