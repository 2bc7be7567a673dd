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


# What the server writes into an object, which no test can know.
OURS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


def plain(tree):
    """The object without what the server writes into its metadata."""
    return {**tree, "metadata": {key: value for key, value in tree["metadata"].items() if key not in OURS}}


def merged(tree, patch):
    """RFC 7386, without its nulls."""
    if not isinstance(tree, dict) or not isinstance(patch, dict):
        return patch
    return {**tree, **{key: merged(tree.get(key), value) for key, value in patch.items()}}


def replacements(tree, patch, path=""):
    """The JSON patch (RFC 6902) that does what the merge patch does."""
    for key, value in patch.items():
        place = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            yield from replacements(tree[key], value, place)
        else:
            yield {"op": "add", "path": place, "value": value}


def in_every_way(test, cluster, path, initial, change, status=None):
    """One object through every verb, and changed by every kind of patch: each has to come to what the update came to.

    `initial` is the whole object with its defaults, `change` and `status` merge patches of it."""
    def ask(method, path, body=None, code=200, **options):
        answer = cluster.request(method, path, body, **options)
        test.assertEqual(answer.code, code, (method, path, answer))
        return answer.json

    group, version, plural = path.split("/")[2], path.split("/")[3], path.split("/")[-1]
    test.assertIn(plural, [resource["name"] for resource in ask("GET", f"/apis/{group}/{version}")["resources"]])
    name, selector = initial["metadata"]["name"], "labelSelector=e2e-test%3Din-every-way"
    initial = merged(initial, {"metadata": {"labels": {"e2e-test": "in-every-way"}}})
    own, wanted = f"{path}/{name}", merged(initial, change)
    began = ask("GET", f"{path}?{selector}")
    test.assertEqual(began["items"], [])

    made = ask("POST", f"{path}?fieldValidation=Strict", initial, 201)
    test.assertEqual(plain(made), initial)
    test.assertEqual(ask("GET", own), made)
    updated = ask("PUT", own, merged(made, change))
    test.assertEqual(plain(updated), wanted)
    test.assertGreater(int(updated["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"]))
    expected = ["ADDED", "MODIFIED"]
    if status:
        updated = ask("PUT", f"{own}/status", merged(updated, {"status": status}))
        test.assertEqual(plain(updated), merged(wanted, {"status": status}))
        test.assertEqual(ask("GET", f"{own}/status"), updated)
        expected.append("MODIFIED")

    kinds = {"strategic-merge-patch+json", "merge-patch+json", "apply-patch+yaml", "json-patch+json"}
    for place, patch in (("", change), *([("/status", {"status": status})] if status else [])):
        for kind in sorted(kinds):
            ask("DELETE", own)
            ask("GET", own, code=404)
            made = ask("POST", path, initial, 201)
            expected += ["DELETED", "ADDED"]
            result = merged(initial, patch)
            if place:
                made, result = ask("PUT", own, merged(made, change)), merged(wanted, patch)
                expected.append("MODIFIED")
            whole = merged({key: initial[key] for key in ("apiVersion", "kind")}, {
                **patch, "metadata": {**patch.get("metadata", {}), "name": name, "uid": made["metadata"]["uid"]}})
            body = list(replacements(made, patch)) if kind == "json-patch+json" else whole
            options = "?fieldValidation=Strict" + ("&fieldManager=test-apply&force=true" if kind == "apply-patch+yaml" else "")
            with test.subTest(kind=kind, subresource=place):
                patched = ask("PATCH", f"{own}{place}{options}", body, content_type=f"application/{kind}")
                test.assertEqual(plain(patched), result)
            expected.append("MODIFIED")

    lists = {path, f"/apis/{group}/{version}/{plural}"}
    for each in lists:
        items = ask("GET", f"{each}?{selector}")["items"]
        test.assertEqual([item["metadata"]["name"] for item in items], [name])
    ask("DELETE", f"{path}?{selector}")
    ask("GET", own, code=404)
    for each in lists:
        events = watched(cluster, each, began["metadata"]["resourceVersion"], selector.removeprefix("labelSelector="))
        test.assertEqual([kind for kind, _ in events], [*expected, "DELETED"])
        versions = [int(tree["metadata"]["resourceVersion"]) for _, tree in events]
        test.assertEqual(versions, sorted(versions))
