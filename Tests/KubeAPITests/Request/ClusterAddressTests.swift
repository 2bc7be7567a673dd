import HTTPTypes
import Testing

@testable import KubeAPI

struct ClusterAddressTests {
    private static func address(_ path: String, host: String = "127.0.0.1:6443", server: String? = nil) -> ClusterAddress {
        ClusterAddress(
            APIRequest(method: .get, target: path, authority: host, connection: ClientConnection(serverName: server)),
            domain: "sampan.test", podCluster: { _ in nil })
    }

    @Test(
        arguments: [
            // What the client asked for, when nothing else says the cluster, or another one.
            ("/clusters/demo/api/v1", "127.0.0.1", nil, "/clusters/demo/api/v1"),
            ("/clusters/demo/api/v1", "127.0.0.1", "other.sampan.test", "/clusters/demo/api/v1"),
            ("/clusters/demo/api/v1", "other.sampan.test:6443", "demo.sampan.test", "/clusters/demo/api/v1"),
            ("/clusters/demo/api/v1", "sampan.test", "sampan.test", "/clusters/demo/api/v1"),
            // What leads there, too, and is as an API server has it that knows of no others.
            ("/clusters/demo/api/v1", "127.0.0.1", "demo.sampan.test", "/api/v1"),
            ("/clusters/demo/api/v1", "demo.sampan.test:6443", nil, "/api/v1"),
            ("/clusters/demo", "127.0.0.1", "demo.sampan.test", "/"),
            ("/api/v1", "demo.sampan.test", "demo.sampan.test", "/api/v1"),
        ] as [(String, String, String?, String)])
    func linksLeaveOutWhatTheNameSays(path: String, host: String, server: String?, expected: String) {
        #expect(Self.address(path, host: host, server: server).linkPath == expected)
    }

    @Test func thePathSaysTheClusterBeforeTheName() {
        let address = Self.address("/clusters/demo/api/v1", server: "other.sampan.test")
        #expect(address.target == .name("demo"))
        #expect(address.path == "/api/v1")
    }

    @Test(
        arguments: [
            ("demo.sampan.test", "demo"), ("Demo.SAMPAN.test:6443", "demo"), ("a.b.sampan.test", "root"),
            (".sampan.test", "root"),
            ("sampan.test", "root"), ("demo.sampan.tess", "root"), ("demo.sampan.test.", "root"), ("demosampan.test", "root"),
            ("demo.other.test", "root"), ("", "root"),
        ] as [(String, String)])
    func theHostSaysTheCluster(host: String, cluster: String) {
        #expect(Self.address("/api/v1", host: host).target == .name(cluster))
    }
}
