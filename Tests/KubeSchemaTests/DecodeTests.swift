import Foundation
import KubeObject
import Testing

@testable import KubeSchema

@Suite("Decoding against a type")
struct DecodeTests {
    let schema = Schema.builtin

    private func type(_ apiVersion: String, _ kind: String) throws -> TypeSchema {
        try #require(schema.type(forKind: GroupVersion(apiVersion: apiVersion).kind(kind)))
    }

    struct Mismatch: Sendable, CustomTestStringConvertible {
        var kind: String
        var tree: String
        var message: String
        var testDescription: String { message }
    }

    static let mismatches: [Mismatch] = [
        Mismatch(
            kind: "apps/v1 Deployment", tree: #"{"spec":{"replicas":"three"}}"#,
            message: "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        Mismatch(
            kind: "apps/v1 Deployment", tree: #"{"spec":{"replicas":1.5}}"#,
            message: "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        Mismatch(
            kind: "apps/v1 Deployment", tree: #"{"spec":{"replicas":5000000000}}"#,
            message: "json: cannot unmarshal number 5000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        Mismatch(
            kind: "apps/v1 Deployment", tree: #"{"spec":[]}"#,
            message: "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"spec":{"containers":[{"name":"a"},{"ports":[{"containerPort":"x"}]}]}}"#,
            message:
                "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32"
        ),
        Mismatch(
            kind: "v1 Pod", tree: #"{"spec":{"containers":{}}}"#,
            message: "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"metadata":{"labels":{"a":1}}}"#,
            message: "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"spec":{"containers":[{"ports":[{"protocol":6}]}]}}"#,
            message:
                "json: cannot unmarshal number into Go struct field ContainerPort.spec.containers.ports.protocol of type v1.Protocol"
        ),
        Mismatch(
            kind: "v1 Pod", tree: #"{"spec":{"hostNetwork":"yes"}}"#,
            message: "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}"#,
            message: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        Mismatch(kind: "v1 Secret", tree: #"{"data":{"a":"not base64"}}"#, message: "illegal base64 data at input byte 3"),
        Mismatch(kind: "v1 Secret", tree: #"{"data":{"a":"YWJjZA="}}"#, message: "illegal base64 data at input byte 7"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"metadata":{"creationTimestamp":"yesterday"}}"#,
            message: #"parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#),
        Mismatch(
            kind: "v1 Pod", tree: #"{"metadata":{"creationTimestamp":"2026-13-01T00:00:00Z"}}"#,
            message: #"parsing time "2026-13-01T00:00:00Z": month out of range"#),
        Mismatch(
            kind: "coordination.k8s.io/v1 Lease", tree: #"{"spec":{"renewTime":"2026-01-01T00:00:00Z"}}"#,
            message: #"parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#),
        Mismatch(
            kind: "v1 Service", tree: #"{"spec":{"ports":[{"targetPort":true}]}}"#,
            message: "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32"),
        Mismatch(
            kind: "v1 Pod", tree: #"{"metadata":{"uid":1}}"#,
            message: "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.uid of type types.UID"),
    ]

    @Test(arguments: mismatches) func `a wrong type gets Go's message`(_ example: Mismatch) throws {
        let words = example.kind.split(separator: " ").map(String.init)
        let type = try type(words[0], words[1])
        let error = #expect(throws: DecodeError.self) { try type.decode(json(example.tree)) }
        #expect(error?.message == example.message)
    }

    struct Normal: Sendable, CustomTestStringConvertible {
        var kind: String
        var tree: String
        var result: String
        var testDescription: String { tree }
    }

    static let normals: [Normal] = [
        Normal(kind: "v1 ConfigMap", tree: #"{"kind":"ConfigMap"}"#, result: #"{"kind":"ConfigMap","metadata":{}}"#),
        Normal(
            kind: "v1 ConfigMap", tree: #"{"metadata":{"creationTimestamp":null,"name":"a","labels":{}},"data":{"k":null}}"#,
            result: #"{"metadata":{"name":"a"},"data":{"k":""}}"#),
        Normal(
            kind: "v1 Pod", tree: #"{"spec":{"containers":[{"name":"a","image":"","command":[],"stdin":false}]}}"#,
            result: #"{"metadata":{},"spec":{"containers":[{"name":"a","resources":{}}]},"status":{}}"#),
        Normal(
            kind: "v1 Pod",
            tree: #"{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"0.5","memory":1024,"x":"1000m"}}}]}}"#,
            result:
                #"{"metadata":{},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"500m","memory":"1024","x":"1"}}}]},"status":{}}"#
        ),
        Normal(
            kind: "v1 Service", tree: #"{"spec":{"ports":[{"port":80}],"clusterIP":""}}"#,
            result: #"{"metadata":{},"spec":{"ports":[{"port":80,"targetPort":0}]},"status":{"loadBalancer":{}}}"#),
        Normal(
            kind: "apps/v1 Deployment", tree: #"{"spec":{"replicas":0,"paused":false,"selector":null}}"#,
            result:
                #"{"metadata":{},"spec":{"replicas":0,"selector":null,"strategy":{},"template":{"metadata":{},"spec":{"containers":null}}},"status":{}}"#
        ),
        Normal(
            kind: "discovery.k8s.io/v1 EndpointSlice", tree: #"{"addressType":"IPv4","endpoints":[],"ports":[]}"#,
            result: #"{"metadata":{},"addressType":"IPv4","endpoints":null,"ports":null}"#),
        Normal(
            kind: "coordination.k8s.io/v1 Lease", tree: #"{"spec":{"renewTime":"2026-01-01T02:00:00.500000+02:00"}}"#,
            result: #"{"metadata":{},"spec":{"renewTime":"2026-01-01T00:00:00.500000Z"}}"#),
        Normal(
            kind: "v1 Pod", tree: #"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00.9+01:00"},"spec":{"containers":[]}}"#,
            result: #"{"metadata":{"deletionTimestamp":"2025-12-31T23:00:00Z"},"spec":{"containers":null},"status":{}}"#),
        Normal(
            kind: "v1 Secret", tree: #"{"data":{"a":"YWJj\nZGVm","b":""}}"#,
            result: #"{"metadata":{},"data":{"a":"YWJjZGVm","b":""}}"#),
        Normal(
            kind: "apps/v1 ControllerRevision", tree: #"{"data":{"any":[{"thing":null}]},"revision":0}"#,
            result: #"{"metadata":{},"data":{"any":[{"thing":null}]},"revision":0}"#),
    ]

    @Test(arguments: normals) func `what is read is written as Go would`(_ example: Normal) throws {
        let words = example.kind.split(separator: " ").map(String.init)
        let decoded = try type(words[0], words[1]).decode(json(example.tree))
        #expect(decoded.tree.text == json(example.result).text)
        #expect(decoded.unknownFields.isEmpty)
        #expect(try type(words[0], words[1]).decode(decoded.tree).tree == decoded.tree, "decoding again changes nothing")
    }

    @Test func `unknown fields are dropped and told`() throws {
        let pod = try type("v1", "Pod")
        let tree = json(
            #"{"foo":1,"metadata":{"Name":"x","labels":{"any":"thing"}},"spec":{"containers":[{"name":"a"},{"nam":"b","ports":[{"x":1}]}]}}"#
        )
        let decoded = try pod.decode(tree)
        #expect(decoded.unknownFields == ["foo", "metadata.Name", "spec.containers[1].nam", "spec.containers[1].ports[0].x"])
        #expect(decoded.tree["foo"] == nil && decoded.tree["metadata"] == ["labels": ["any": "thing"]])
    }

    @Test func `unknown and repeated fields are problems, or refused`() throws {
        let type = try type("apps/v1", "Deployment")
        let kind = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        let tree = json(#"{"spec":{"foo":1}}"#)
        let lenient = try type.decodeRequest(
            tree, kind: kind, complaints: BodyComplaints(duplicates: ["spec.replicas"]), isStrict: false)
        #expect(lenient.problems == [#"duplicate field "spec.replicas""#, #"unknown field "spec.foo""#])
        let message =
            #"Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: duplicate field "spec.replicas", unknown field "spec.foo""#
        #expect(throws: StatusError.badRequest(message)) {
            try type.decodeRequest(tree, kind: kind, complaints: BodyComplaints(duplicates: ["spec.replicas"]), isStrict: true)
        }
        // In the order of the body, in which a field is there twice at its second place.
        let text = #"{"spec":{"zeta":1,"replicas":2,"foo":1,"replicas":3,"alpha":{"foo":1}},"bar":1}"#
        let ordered = try type.decodeRequest(
            json(text), kind: kind, complaints: BodyComplaints(duplicates: ["spec.replicas"], text: Array(text.utf8)),
            isStrict: false)
        #expect(
            ordered.problems == [
                #"unknown field "spec.zeta""#, #"unknown field "spec.foo""#, #"duplicate field "spec.replicas""#,
                #"unknown field "spec.alpha""#, #"unknown field "bar""#,
            ])
        let error = #expect(throws: StatusError.self) {
            try type.decodePatched(tree, strategicPatch: ["spec": 1], isStrict: true)
        }
        #expect(
            error?.code == 422
                && error?.message.hasPrefix(#" "" is invalid: patch: Invalid value: "map[spec:1]": strict"#) == true)
    }

    @Test(arguments: [
        (#"{"spec":{"paused":"x"}}"#, "unrecognized type: bool"), (#"{"spec":{"replicas":"x"}}"#, "unrecognized type: int32"),
        (#"{"spec":{"replicas":1.5}}"#, "cannot convert float64 to int32"),
        (#"{"metadata":{"finalizers":"x"}}"#, "cannot restore slice from string"),
        (#"{"metadata":{"labels":[]}}"#, "cannot restore map from slice"), (#"{"spec":1}"#, "cannot restore struct from: int64"),
        (#"{"metadata":{"name":1}}"#, "cannot convert int64 to string"),
        (#"{"metadata":{"name":true}}"#, "unrecognized type: string"),
    ])
    func `what a strategic merge made is told of in other words`(_ tree: String, _ problem: String) throws {
        let type = try type("apps/v1", "Deployment")
        let error = #expect(throws: StatusError.self) {
            try type.decodePatched(json(tree), strategicPatch: [:], isStrict: false)
        }
        #expect(error?.message == #" "" is invalid: patch: Invalid value: "map[]": "# + problem)
    }

    @Test func `declared defaults are set where there are objects`() throws {
        let pod = try type("v1", "Pod")
        var tree = json(
            #"{"spec":{"containers":[{"ports":[{"containerPort":1},{"containerPort":2,"protocol":"UDP"},{"protocol":""}]}],"volumes":[{"rbd":{}}]}}"#
        )
        pod.applyDefaults(to: &tree)
        let ports = tree["spec"]!["containers"]![0]!["ports"]!.elements
        #expect(ports.map { $0["protocol"] } == ["TCP", "UDP", "TCP"])
        #expect(tree["spec"]!["volumes"]![0]!["rbd"] == ["pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"])
        #expect(tree["status"] == nil)
    }

    static let testdata = ProcessInfo.processInfo.environment["SAMPAN_K8S_TESTDATA"]

    /// `testdata/HEAD` of Debian's golang-k8s-api-dev: one filled-in object of every kind.
    @Test(.enabled(if: testdata != nil, "SAMPAN_K8S_TESTDATA doesn't name a folder"))
    func `upstream's objects come through unchanged`() throws {
        let folder = try #require(Self.testdata)
        var seen = 0
        for resource in schema.resources {
            let group = resource.group.isEmpty ? "core" : resource.group
            let path = "\(folder)/\(group).\(resource.version).\(resource.kind).json"
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            let tree = try JSON(parsing: [UInt8](data))
            let decoded = try #require(resource.type).decode(tree)
            #expect(decoded.tree == tree, "\(resource.gvk)")
            #expect(decoded.unknownFields.isEmpty, "\(resource.gvk)")
            seen += 1
        }
        #expect(seen > 50)
    }
}
