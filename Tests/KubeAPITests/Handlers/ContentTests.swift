import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import TestPrograms
import Testing

@testable import KubeAPI

/// What clients get for what they say they take.
struct ContentTests {
    @Test(arguments: [
        ("application/json", "json object"), ("*/*", "json object"), ("application/*", "json object"),
        ("application/vnd.kubernetes.protobuf,application/json", "protobuf object"),
        ("application/json;q=0.5,application/yaml", "yaml object"), ("text/html,*/*;q=0.1", "json object"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "json table v1"),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", "json table v1beta1"),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", "json object"),
        ("application/json;as=Nothing;v=v1;g=meta.k8s.io,application/yaml", "yaml object"),
        ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json", "json object"),
        ("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "protobuf partial v1"),
        ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "json list v1"),
        ("application/json;stream=watch", "json object"), ("application/json;stream=other", "406"),
        ("application/json;v=v1", "406"), ("text/html", "406"), ("application/cbor", "406"),
    ])
    func theFirstTypeThatCanBeGivenIsTaken(_ accept: String, _ expected: String) {
        var found: String
        do {
            let representation = try Representation(accept: [accept], allowsForms: true)
            let coding = ["application/json": "json", "application/yaml": "yaml"][representation.contentType] ?? "protobuf"
            switch representation.form {
            case .object: found = "\(coding) object"
            case .table(let version): found = "\(coding) table \(version)"
            case .partialMetadata(let version): found = "\(coding) partial \(version)"
            case .partialMetadataList(let version): found = "\(coding) list \(version)"
            }
        } catch {
            found = "\(error.code)"
        }
        #expect(found == expected)
    }

    @Test func customResourcesHaveNoProtobuf() throws {
        let both = try Representation(
            accept: ["application/vnd.kubernetes.protobuf,application/json"], allowsForms: true, hasProtobuf: false)
        #expect(both.coding == .json)
        let metadata = try Representation(
            accept: ["application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"], allowsForms: true,
            hasProtobuf: false)
        #expect(metadata.coding == .protobuf)
        #expect(throws: StatusError.self) {
            try Representation(accept: [Protobuf.mediaType], allowsForms: true, hasProtobuf: false)
        }
    }

    @Test func errorsComeInTheClientsCoding() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps/none"
            let yaml = try await server.send(.get, path, headers: [.accept: "application/yaml"])
            #expect(
                yaml.status == 404 && yaml.headers[.contentType] == "application/yaml" && yaml.text.contains("reason: NotFound"))
            let protobuf = try await server.send(.get, path, headers: [.accept: Protobuf.mediaType])
            #expect(protobuf.headers[.contentType] == Protobuf.mediaType)
            #expect(try Protobuf.decode(protobuf.bytes, schema: .builtin)["reason"] == "NotFound")
            #expect(try await server.send(.get, path + "?pretty=1").text.contains("\n  \"reason\": \"NotFound\""))
            let compact = try await server.send(.get, path + "?pretty=nonsense")
            #expect(!compact.text.contains("\n  "))
            let none = try await server.send(.get, path, headers: [.accept: "text/html"])
            #expect(none.status == 406 && none.json["reason"] == "NotAcceptable")
            #expect(
                none.message
                    == "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
            )
            // What is only answered has no table.
            let review = try await server.send(
                .post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                body: [
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                    "spec": ["nonResourceAttributes": ["verb": "get", "path": "/"]],
                ], headers: [.accept: "application/json;as=Table;v=v1;g=meta.k8s.io"])
            #expect(review.status == 406)
            let watch = try await server.send(
                .get, "/api/v1/configmaps?watch=1&timeoutSeconds=1", headers: [.accept: "application/yaml"])
            #expect(
                watch.status == 406
                    && watch.text.contains("application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"))
        }
    }

    @Test func formsAreForWhatTheyAreNamedAfter() async throws {
        try await TestServer.run { server in
            try await server.createNamespacedConfigMap("a")
            let path = "/api/v1/namespaces/default/configmaps"
            func accept(_ form: String, _ coding: String = "application/json", _ version: String = "v1") -> HTTPFields {
                [.accept: "\(coding);as=\(form);g=meta.k8s.io;v=\(version)"]
            }
            let list = try await server.send(.get, path, headers: accept("PartialObjectMetadata"))
            #expect(
                list.status == 406
                    && list.message
                        == "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
            )
            let single = try await server.send(.get, path + "/a", headers: accept("PartialObjectMetadataList"))
            #expect(
                single.status == 406
                    && single.message
                        == "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
            )
            for version in ["v1", "v1beta1"] {
                let json = try await server.send(
                    .get, path, headers: accept("PartialObjectMetadataList", "application/json", version))
                #expect(json.json["apiVersion"]?.string == "meta.k8s.io/\(version)")
                let bytes = try await server.send(
                    .get, path, headers: accept("PartialObjectMetadataList", Protobuf.mediaType, version)
                ).bytes
                #expect(
                    bytes.starts(with: [0x6B, 0x38, 0x73, 0x00])
                        && String(decoding: bytes, as: UTF8.self).contains("kube-root-ca.crt"))
                let table = try await server.send(.get, path + "/a", headers: accept("Table", "application/json", version)).json
                #expect(table["apiVersion"]?.string == "meta.k8s.io/\(version)")
                #expect(table["rows"]?[0]?[path: "object", "apiVersion"]?.string == "meta.k8s.io/\(version)")
            }
            let bad = try await server.send(.get, path + "?includeObject=All", headers: accept("Table"))
            #expect(
                bad.message
                    == "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty"
            )
            #expect(
                try await server.send(.get, path + "?includeObject=None", headers: accept("Table")).json["rows"]?[0]?["object"]
                    == nil)
        }
    }

    @Test func listsInYAMLSayTheirKindOnce() async throws {
        try await TestServer.run { server in
            let list = try await server.send(
                .get, "/api/v1/namespaces/default/configmaps", headers: [.accept: "application/yaml"])
            let tree = try #require(try YAML.parse(list.bytes).first)
            #expect(tree["kind"] == "ConfigMapList" && tree["items"]?[0]?["kind"] == nil && tree["items"]?[0]?["metadata"] != nil)
        }
    }

    @Test func longAnswersAreCompressedForThoseWhoTakeIt() async throws {
        try await TestServer.run { server in
            let path = "/api/v1/namespaces/default/configmaps"
            try await server.createNamespacedConfigMap("short")
            for index in 0..<4 {
                try await server.createNamespacedConfigMap(
                    "long\(index)", data: ["text": .string(String(repeating: "abcdefgh \(index) ", count: 14_000))])
            }
            func get(_ target: String, _ encoding: String?) async throws -> TestServer.Result {
                try await server.send(.get, target, headers: encoding.map { [.acceptEncoding: $0] } ?? [:])
            }
            for target in [path + "/long0", path] {
                let plain = try await get(target, nil)
                #expect(plain.headers[.contentEncoding] == nil && plain.bytes.count > 128 << 10)
                let gzipped = try await get(target, "deflate, gzip")
                #expect(gzipped.headers[.contentEncoding] == "gzip" && gzipped.headers[.vary] == "Accept-Encoding")
                #expect(gzipped.bytes.count < plain.bytes.count / 4 && gzipped.bytes.starts(with: [0x1F, 0x8B]))
                #expect(try await gunzip(gzipped.bytes) == plain.bytes)
                #expect(try await get(target, "identity").bytes == plain.bytes)
            }
            #expect(try await get(path + "/short", "gzip").headers[.contentEncoding] == nil)
        }
    }
}

struct WarningHeaderTests {
    @Test func textsAreQuotedOnceAndBounded() {
        #expect(
            WarningHeader.values(["a \"b\" \\", "a \"b\" \\", "", "x\ny", "ö"]) == [
                #"299 - "a \"b\" \\""#, #"299 - "ö""#,
            ])
        let long = (0..<40).map { "\($0)" + String(repeating: "x", count: 1000) }
        let values = WarningHeader.values(long)
        #expect(values.count == 16 && values.allSatisfy { $0.count == 256 + 8 })
        #expect(WarningHeader.values([String(repeating: "x", count: 4000)])[0].count == 4008)
    }
}

/// What the system's gzip makes of bytes.
private func gunzip(_ bytes: [UInt8]) async throws -> [UInt8] {
    let file = FileManager.default.temporaryDirectory.appending(path: "gunzip-\(UUID().uuidString)")
    try Data(bytes).write(to: file)
    let (output, status) = try await runProgram(["gzip", "-dc", file.path])
    try FileManager.default.removeItem(at: file)
    #expect(status == 0)
    return Array(output.utf8)
}
