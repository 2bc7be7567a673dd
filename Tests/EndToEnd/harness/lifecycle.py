"""The verbs in the order in which the conformance suite goes through them for one kind."""

import json


def watched(cluster, path, version, selector):
    """The events since a version: (type, object)."""
    answer = cluster.request("GET", f"{path}?watch=1&timeoutSeconds=1&resourceVersion={version}&labelSelector={selector}")
    return [(event["type"], event["object"]) for event in map(json.loads, answer.body.decode().splitlines())]


def go_through(test, cluster, path, kind, spec, change, back, status=None):
    """Create three of a kind, get, list, watch, patch, update, status, delete, and delete the others together.

    `spec` is the object without its metadata; `change` a merge patch of it, which `back` (a function of the object) undoes.
    `status` is the status of a merge patch, of which the last condition is looked for."""
    def ask(method, path, body=None, code=200, **options):
        answer = cluster.request(method, path, body, **options)
        test.assertEqual(answer.code, code, answer)
        return answer.json

    group = path.split("/")[2] if path.startswith("/apis/") else ""
    if group:
        groups = ask("GET", "/apis")["groups"]
        version = path.split("/")[3]
        test.assertIn(version, [v["version"] for g in groups if g["name"] == group for v in g["versions"]])
        test.assertIn(version, [v["version"] for v in ask("GET", f"/apis/{group}")["versions"]])
        test.assertIn(path.split("/")[-1], [r["name"] for r in ask("GET", f"/apis/{group}/{version}")["resources"]])

    selector = f"e2e-test={kind.lower()}"
    body = {**spec, "kind": kind, "metadata": {"generateName": "e2e-example-", "labels": {"e2e-test": kind.lower()}}}
    made = [ask("POST", path, body, 201) for _ in range(3)][-1]
    own = f"{path}/{made['metadata']['name']}"
    test.assertEqual(ask("GET", own)["metadata"]["uid"], made["metadata"]["uid"])
    found = ask("GET", f"{path}?labelSelector={selector}")
    test.assertEqual(len(found["items"]), 3)

    patched = ask("PATCH", own, {"metadata": {"annotations": {"patched": "true"}}, **change},
                  content_type="application/merge-patch+json")
    test.assertEqual(patched["metadata"]["annotations"]["patched"], "true")
    for field, value in change.get("spec", {}).items():
        test.assertEqual(patched["spec"][field], value)
    updated = ask("GET", own)
    updated["metadata"]["annotations"]["updated"] = "true"
    back(updated)
    updated = ask("PUT", own, updated)
    test.assertEqual(updated["metadata"]["annotations"]["updated"], "true")
    events = watched(cluster, path, found["metadata"]["resourceVersion"], selector)
    test.assertTrue(events)
    test.assertTrue(all(kind == "MODIFIED" for kind, _ in events), [kind for kind, _ in events])
    test.assertEqual(events[0][1]["metadata"]["annotations"], {"patched": "true"})

    if status is not None:
        test.assertEqual(ask("GET", f"{own}/status")["metadata"]["uid"], made["metadata"]["uid"])
        patched = ask("PATCH", f"{own}/status", {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": status},
                      content_type="application/merge-patch+json")
        test.assertEqual(patched["metadata"]["annotations"].get("patchedstatus"), "true")
        for condition in status.get("conditions", []):
            test.assertIn(condition["type"], [c["type"] for c in patched["status"]["conditions"]])
        body = ask("GET", f"{own}/status")
        # client-go sends a time that isn't set as null.
        body.setdefault("status", {}).setdefault("conditions", []).append(
            {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from an e2e test", "lastTransitionTime": None})
        updated = ask("PUT", f"{own}/status", body)
        test.assertIn("StatusUpdate", [c["type"] for c in updated["status"]["conditions"]])

    ask("DELETE", own)
    ask("GET", own, code=404)
    test.assertEqual(len(ask("GET", f"{path}?labelSelector={selector}")["items"]), 2)
    ask("DELETE", f"{path}?labelSelector={selector}")
    test.assertEqual(ask("GET", f"{path}?labelSelector={selector}")["items"], [])
