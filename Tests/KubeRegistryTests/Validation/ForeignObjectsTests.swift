import KubeObject
import KubeSchema
import KubeStore
import Testing

@testable import KubeRegistry

struct ForeignObjectsTests {
    private static func entry(_ key: String, _ yaml: String) throws -> (key: Key, object: Object) {
        (Key(key), try Draft(try parse(yaml)).sealed(resourceVersion: 7))
    }

    /// What a cluster has that was only used as it should be comes through.
    @Test func whatRequestsMadeIsTaken() async throws {
        try await withRegistry { fixture in
            try await fixture.create("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: eA==}}")
            try await fixture.create(
                "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: NodePort, ports: [{port: 80}]}}")
            try await fixture.create(
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  selector: {matchLabels: {a: b}}
                  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
                """)
            try await fixture.create(
                "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}")
            try await fixture.create(
                """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: j}
                spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}
                """)
            let all = fixture.cluster.snapshot.entries(prefix: "").map { ($0.key, $0.object) }
            let rules = ForeignObjects(all, schema: fixture.registry.schema, podSecurity: .baseline)
            for (key, object) in all {
                #expect(throws: Never.self, "\(key)") { try rules.check(key, object) }
            }
        }
    }

    @Test(arguments: [
        (
            "core/configmaps/default/m",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: default}, data: {../../x: y}}",
            "data"
        ),
        (
            "core/configmaps/default/m", "{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: default}}",
            "its place"
        ),
        ("core/configmaps/other/m", "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: default}}", "its place"),
        (
            "core/configmaps/default/m",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: default, uid: ../../x}}",
            "uid"
        ),
        ("core/configmaps/default/m", "{apiVersion: v1, kind: Secret, metadata: {name: m, namespace: default}}", "keeps it"),
        (
            "core/configmaps/default/m", "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: default}, data: 7}",
            "wrong type"
        ),
        ("core/reviews/default/m", "{apiVersion: v1, kind: Review, metadata: {name: m, namespace: default}}", "hasn't got"),
        (
            "a.example/things/default/m", "{apiVersion: a.example/v1, kind: Thing, metadata: {name: m, namespace: default}}",
            "hasn't got"
        ),
        ("internal.sampan.dev/nodeports/_/22", "{metadata: {name: '22'}}", "no node port"),
        ("internal.sampan.dev/others/_/30000", "{metadata: {name: '30000'}}", "no node port"),
        (
            "core/persistentvolumes/_/v",
            "{apiVersion: v1, kind: PersistentVolume, metadata: {name: v}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /, type: ''}, persistentVolumeReclaimPolicy: Retain, volumeMode: Filesystem}}",
            "machine's directories"
        ),
        (
            "core/pods/default/p",
            "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {hostNetwork: true, restartPolicy: Always, dnsPolicy: ClusterFirst, terminationGracePeriodSeconds: 30, containers: [{name: c, image: i, imagePullPolicy: Always, terminationMessagePolicy: File, terminationMessagePath: /dev/l}]}}",
            "PodSecurity"
        ),
        (
            "core/pods/default/p", "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {containers: []}}",
            "containers"
        ),
    ])
    func whatNoRequestCouldHaveMadeIsRefused(_ key: String, _ yaml: String, _ why: String) throws {
        // A definition that says it makes pods and config maps changes nothing.
        let definition = try Self.entry(
            "apiextensions.k8s.io/customresourcedefinitions/_/x",
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x}, spec: {group: '', scope: Namespaced, names: {plural: pods}}}"
        )
        let rules = ForeignObjects([definition], schema: .builtin, podSecurity: .baseline)
        let (key, object) = try Self.entry(key, yaml)
        do {
            try rules.check(key, object)
            Issue.record("was taken")
        } catch {
            #expect(error.message.contains(why), "\(error.message)")
        }
    }
}
