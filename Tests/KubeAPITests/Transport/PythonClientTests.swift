import Foundation
import HTTPTypes
import KubeObject
import TestPrograms
import Testing

@testable import KubeAPI

/// The Python client (PyPI: kubernetes) against the server at a real port: HTTP/1.1, and WebSockets with the v4 subprotocol.
///
/// `SAMPAN_TEST_PYTHON` names an interpreter that has it; without one these tests are skipped, by name.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["SAMPAN_TEST_PYTHON"] != nil,
        "SAMPAN_TEST_PYTHON names no interpreter with the package kubernetes"))
struct PythonClientTests {
    private static let script = """
        import sys
        from kubernetes import client, config, watch, dynamic
        from kubernetes.stream import stream
        config.load_kube_config(sys.argv[1])
        core = client.CoreV1Api()
        made = core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="py"), data={"a": "b"}))
        version = core.list_namespaced_config_map("default").metadata.resource_version
        core.patch_namespaced_config_map("py", "default", {"data": {"c": "d"}})
        core.delete_namespaced_config_map("py", "default")
        for event in watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=2):
            print("event", event["type"], event["object"].metadata.name)
        print("log", core.read_namespaced_pod_log("p", "default").split())
        for line in watch.Watch().stream(core.read_namespaced_pod_log, "p", "default", follow=True):
            print("line", line)
        print("exec", repr(stream(core.connect_get_namespaced_pod_exec, "p", "default", command=["echo", "hi"],
            stderr=True, stdin=False, stdout=True, tty=False)))
        session = stream(core.connect_get_namespaced_pod_exec, "p", "default", command=["fail"], stderr=True, stdin=False,
            stdout=True, tty=False, _preload_content=False)
        session.run_forever(timeout=5)
        print("code", session.returncode)
        session = stream(core.connect_get_namespaced_pod_exec, "p", "default", command=["cat"], stderr=True, stdin=True,
            stdout=True, tty=False, _preload_content=False)
        session.write_stdin("through")
        session.update(timeout=5)
        print("cat", session.read_stdout(timeout=5))
        session.close()
        apis = dynamic.DynamicClient(client.ApiClient())
        print("dynamic", [x.metadata.name for x in apis.resources.get(api_version="v1", kind="Namespace").get().items])
        try:
            core.read_namespaced_config_map("none", "default")
        except client.ApiException as error:
            print("status", error.status, error.reason)
        """

    @Test func everythingThatTheClientDoesWorks() async throws {
        let python = try #require(ProcessInfo.processInfo.environment["SAMPAN_TEST_PYTHON"])
        try await withListeningServer { kubeconfig, server in
            _ = try await server.send(
                .post, "/api/v1/namespaces/default/pods",
                body: [
                    "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
                    "spec": ["nodeName": "n", "containers": [["name": "a", "image": "i"]]],
                ])
            let text = try await runProgram(["timeout", "40", python, "-c", Self.script, kubeconfig]).output
            for expected in [
                "event MODIFIED py\nevent DELETED py\n", "log ['one', 'two']", "line one\nline two", "exec 'hi\\nwarned\\n'",
                "code 3", "cat through", "dynamic ['default', 'kube-node-lease', 'kube-public', 'kube-system']", "status 404",
            ] {
                #expect(text.contains(expected), "\(expected) is missing in:\n\(text)")
            }
        }
    }
}
