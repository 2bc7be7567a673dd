import KubeObject
import Testing

@testable import KubeClient

struct ResourcePathTests {
    @Test(arguments: [
        (ResourcePath(GroupVersionResource(group: "", version: "v1", resource: "pods")), "/api/v1/pods"),
        (
            ResourcePath(
                GroupVersionResource(group: "", version: "v1", resource: "pods"), namespace: "a", name: "b", subresource: "log"),
            "/api/v1/namespaces/a/pods/b/log"
        ),
        (
            ResourcePath(
                GroupVersionResource(group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles"),
                name: "system:node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"
        ),
    ])
    func spells(_ path: ResourcePath, _ text: String) {
        #expect(path.description == text)
    }
}

struct WarningTests {
    @Test(arguments: [
        (#"299 - "the team has no owner""#, "the team has no owner"), (#"299 - "a \"b\" \\ c" "date""#, #"a "b" \ c"#),
        (#"299 - "not ended"#, nil), ("299 - none", nil), (#"199 - "another""#, nil), ("", nil),
    ])
    func reads(_ header: String, _ text: String?) {
        #expect(KubeClient.warning(header) == text)
    }
}

struct LineSplitterTests {
    @Test(arguments: [
        (["a\n", "b\n"], ["a", "b"]),
        (["a", "b\nc", "\n"], ["ab", "c"]),
        (["\n\na\n\nb"], ["a"]),
        (["a\nb\nc\nd"], ["a", "b", "c"]),
        ([""], []),
    ])
    func splits(_ parts: [String], _ expected: [String]) {
        var splitter = LineSplitter()
        var lines: [String] = []
        for part in parts {
            splitter.append(Array(part.utf8))
            while let line = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(lines == expected)
    }
}

struct WatchEventTests {
    @Test func decodes() throws {
        let event = try WatchStream.Iterator.event(Array(#"{"type":"ADDED","object":{"kind":"Pod"}}"#.utf8), "")
        #expect(event == WatchEvent(kind: .added, object: ["kind": "Pod"]))
    }

    @Test func throwsWhatTheServerReports() throws {
        let line = #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#
        let error = try #require(throws: StatusError.self) { try WatchStream.Iterator.event(Array(line.utf8), "") }
        #expect(error.code == 410)
    }

    @Test(arguments: ["{", "{}", #"{"type":"NEW","object":{}}"#])
    func refuses(_ line: String) {
        #expect(throws: ClientError.self) { try WatchStream.Iterator.event(Array(line.utf8), "WATCH") }
    }
}
