import KubeObject
import KubeStore
import Testing

@testable import KubeRegistry

@Suite struct CreateTests {
    @Test func aDeploymentGetsUpstreamsDefaults() async throws {
        try await withRegistry { fixture in
            let created = try await fixture.create(nginx)
            #expect(created[path: "metadata", "generation"] == 1)
            #expect(created["metadata"]?.text("uid").utf8.count == 36)
            #expect(created["metadata"]?.text("namespace") == "default")
            let spec = try #require(created["spec"])
            #expect(spec["replicas"] == 1)
            #expect(
                spec["strategy"] == ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "25%", "maxUnavailable": "25%"]])
            #expect(spec["progressDeadlineSeconds"] == 600)
            #expect(spec[path: "template", "spec", "restartPolicy"] == "Always")
            #expect(spec[path: "template", "spec", "containers"]?[0]?["imagePullPolicy"] == "IfNotPresent")
            #expect(spec[path: "template", "spec", "enableServiceLinks"] == nil)
            #expect(try fixture.get("deployments", "web", group: "apps") == created)
        }
    }

    @Test func aPodGetsItsServiceAccountsTokenAndItsDefaults() async throws {
        try await withRegistry { fixture in
            let created = try await fixture.create(pod("one"))
            let spec = try #require(created["spec"])
            #expect(spec.text("serviceAccountName") == "default")
            #expect(spec["enableServiceLinks"] == true)
            #expect(spec["priority"] == 0)
            #expect(spec["tolerations"]?.elements.count == 2)
            #expect(spec["containers"]?[0]?.text("imagePullPolicy") == "Always")
            let volume = try #require(spec["volumes"]?[0])
            #expect(volume.text("name").hasPrefix("kube-api-access-"))
            #expect(spec["containers"]?[0]?["volumeMounts"]?[0]?.text("name") == volume.text("name"))
            #expect(created["status"] == ["phase": "Pending", "qosClass": "BestEffort"])
        }
    }

    @Test func namesAreGenerated() async throws {
        try await withRegistry { fixture in
            let created = try await fixture.create(
                "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}")
            let name = created["metadata"]?.text("name") ?? ""
            #expect(name.hasPrefix("a-") && name.utf8.count == 7)
        }
    }

    @Test func aDryRunStoresNothing() async throws {
        try await withRegistry { fixture in
            let before = fixture.cluster.revision
            let created = try await fixture.create(nginx, CreateOptions(dryRun: true))
            #expect(created["metadata"]?.text("uid").isEmpty == false)
            #expect(fixture.cluster.revision == before)
        }
    }

    @Test(arguments: [
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: Bad_Name}}", "default", 422,
            "ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", "nowhere", 404, "namespaces \"nowhere\" not found"
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: other}}", "default", 400,
            "the namespace of the provided object does not match the namespace sent on the request"
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {}}", "default", 422,
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt}}", "default", 409,
            "configmaps \"kube-root-ca.crt\" already exists"
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}}}",
            "default", 422,
            "Deployment.apps \"x\" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`]"
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}}}",
            "default", 422,
            "Deployment.apps \"x\" is invalid: spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`"
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 0, targetPort: 80}]}}", "default", 422,
            "Service \"x\" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {serviceAccountName: nobody, containers: [{name: a, image: b}]}}",
            "default", 403,
            "pods \"x\" is forbidden: error looking up service account default/nobody: serviceaccount \"nobody\" not found"
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {priorityClassName: high, containers: [{name: a, image: b}]}}",
            "default", 403, "pods \"x\" is forbidden: no PriorityClass with name high was found"
        ),
    ])
    func badObjectsAreRefusedInUpstreamsWords(_ yaml: String, _ namespace: String, _ code: Int, _ message: String) async throws {
        try await withRegistry { fixture in
            let error = await refusal { try await fixture.create(yaml, namespace: namespace) }
            #expect(error?.code == code)
            #expect(error?.message == message)
        }
    }
}
