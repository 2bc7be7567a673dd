import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct EnvironmentTests {
    struct Objects: ObjectSource {
        func claim(namespace: String, name: String) -> JSON? { nil }
        func persistentVolume(name: String) -> JSON? { nil }

        var maps: [String: JSON] = [:], secrets: [String: JSON] = [:], list: [JSON] = []
        func configMap(namespace: String, name: String) -> JSON? { maps[name] }
        func secret(namespace: String, name: String) -> JSON? { secrets[name] }
        func serviceAccount(namespace: String, name: String) -> JSON? { nil }
        func services(namespace: String) -> [JSON] { list.filter { $0[path: "metadata", "namespace"]?.string == namespace } }
    }

    private func build(_ container: String, _ objects: Objects = Objects(), spec: String = "") throws -> [String: String] {
        let tree = try #require(
            try YAML.parse(
                Array(
                    "{metadata: {name: p, namespace: ns, uid: u, labels: {a: b}}, spec: {\(spec) nodeName: n, containers: [{name: c, image: x, \(container)}]}}"
                        .utf8)
            ).first)
        let pod = Pod(tree: tree, metadata: try Metadata(of: tree))
        let fields = DownwardFields(
            pod: pod, podIPs: ["10.0.0.2"], hostIPs: ["192.0.2.1"], nodeCPUs: Quantity(2), nodeMemory: 1 << 30)
        let pairs = try Environment(pod: pod, container: pod.containers[0], objects: objects, fields: fields).build()
        return Dictionary(pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    @Test func expandsReferences() throws {
        let values = try build("env: [{name: A, value: x}, {name: B, value: '$(A)-$(NO)-$$(A)'}, {name: C, value: '$(B)!'}]")
        #expect(values["B"] == "x-$(NO)-$(A)")
        #expect(values["C"] == "x-$(NO)-$(A)!")
    }

    @Test func readsConfigMapsSecretsAndFields() throws {
        let objects = Objects(maps: ["m": ["data": ["k": "v", "l": "w"]]], secrets: ["s": ["data": ["p": "c2VjcmV0"]]])
        let values = try build(
            """
            envFrom: [{prefix: M_, configMapRef: {name: m}}, {secretRef: {name: none, optional: true}}],
            env: [{name: K, valueFrom: {configMapKeyRef: {name: m, key: k}}}, {name: P, valueFrom: {secretKeyRef: {name: s, key: p}}},
              {name: 'N', valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: L, valueFrom: {fieldRef: {fieldPath: "metadata.labels['a']"}}},
              {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}},
              {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}},
              {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]
            """, objects)
        #expect(values["M_k"] == "v" && values["M_l"] == "w" && values["K"] == "v" && values["P"] == "secret")
        #expect(
            values["N"] == "p" && values["L"] == "b" && values["IP"] == "10.0.0.2" && values["CPU"] == "2"
                && values["MEM"] == "1024")
    }

    @Test(arguments: [
        ("configMapKeyRef: {name: none, key: k}", "configmap \"none\" not found"),
        ("configMapKeyRef: {name: m, key: absent}", "couldn't find key absent in ConfigMap ns/m"),
        ("secretKeyRef: {name: none, key: k}", "secret \"none\" not found"),
    ])
    func refusesInKubeletsWords(source: String, message: String) throws {
        #expect(throws: ContainerFailure(reason: "CreateContainerConfigError", message: message)) {
            try build("env: [{name: A, valueFrom: {\(source)}}]", Objects(maps: ["m": ["data": [:]]]))
        }
    }

    @Test func linksServices() throws {
        func service(_ name: String, _ namespace: String) -> JSON {
            [
                "metadata": ["name": .string(name), "namespace": .string(namespace)],
                "spec": ["clusterIP": "10.96.0.9", "ports": [["name": "http", "port": 80, "protocol": "TCP"]]],
            ]
        }
        let objects = Objects(list: [service("my-web", "ns"), service("kubernetes", "default")])
        let values = try build("env: [{name: U, value: 'http://$(MY_WEB_SERVICE_HOST)'}]", objects)
        #expect(values["MY_WEB_SERVICE_HOST"] == "10.96.0.9" && values["MY_WEB_SERVICE_PORT"] == "80")
        #expect(values["MY_WEB_SERVICE_PORT_HTTP"] == "80" && values["MY_WEB_PORT"] == "tcp://10.96.0.9:80")
        #expect(values["MY_WEB_PORT_80_TCP_ADDR"] == "10.96.0.9" && values["KUBERNETES_SERVICE_HOST"] == "10.96.0.9")
        #expect(values["U"] == "http://10.96.0.9")
        let without = try build("", objects, spec: "enableServiceLinks: false,")
        #expect(without["MY_WEB_SERVICE_HOST"] == nil && without["KUBERNETES_SERVICE_HOST"] == "10.96.0.9")
    }
}
