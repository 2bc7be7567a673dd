import FoundationEssentials
import KubeObject
import Testing

@testable import KubeClient

private func config(_ text: String) throws -> Kubeconfig { try Kubeconfig(parsing: Array(text.utf8)) }

/// A kubeconfig with one cluster, context and user called `name`.
private func single(_ name: String, server: String = "https://127.0.0.1:6443", token: String = "secret") throws -> Kubeconfig {
    try config(
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: \(name), cluster: {server: "\(server)"}}]
        contexts: [{name: \(name), context: {cluster: \(name), user: \(name)}}]
        users: [{name: \(name), user: {token: \(token)}}]
        current-context: \(name)
        """)
}

struct KubeconfigMergeTests {
    @Test func addsToAnEmptyFile() throws {
        var merged = try config("")
        merged.merge(try single("sampan-demo"))
        #expect(merged.contexts == ["sampan-demo"])
        #expect(merged.currentContext == "sampan-demo")
    }

    @Test func keepsForeignEntriesAndFieldsInPlace() throws {
        var merged = try config(
            """
            apiVersion: v1
            kind: Config
            preferences: {colors: true}
            clusters:
            - name: work
              cluster: {server: "https://work", extensions: [{name: x, extension: {a: 1}}]}
            contexts:
            - name: work
              context: {cluster: work, user: me, namespace: team}
            users:
            - name: me
              user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}
            current-context: work
            """)
        let before = merged
        merged.merge(try single("sampan-demo"))
        #expect(merged.contexts == ["work", "sampan-demo"])
        #expect(merged.tree["preferences"] == ["colors": true])
        for list in Kubeconfig.lists {
            #expect(merged.tree[list]?[0] == before.tree[list]?[0])
        }
    }

    @Test func replacesEntriesOfTheSameName() throws {
        var merged = try single("sampan-demo", token: "old")
        merged.merge(try single("other"))
        merged.merge(try single("sampan-demo", token: "new"))
        #expect(merged.contexts == ["sampan-demo", "other"])
        #expect(merged.entry("users", "sampan-demo")?["token"] == "new")
    }

    @Test func treatsNullListsAsEmpty() throws {
        var merged = try config("apiVersion: v1\nkind: Config\nclusters: null\ncontexts: null\nusers: null\n")
        merged.merge(try single("a"))
        #expect(merged.contexts == ["a"])
    }

    @Test func removesOneContextAndUnsetsItAsCurrent() throws {
        var merged = try single("a")
        merged.merge(try single("b"))
        let first = merged.remove(context: "b")
        let second = merged.remove(context: "b")
        #expect(first && !second)
        #expect(merged.contexts == ["a"])
        #expect(merged.currentContext == nil)
    }

    @Test func removesWhatOnlyTheContextNames() throws {
        var file = try config(
            """
            clusters: [{name: host, cluster: {server: "https://h"}}, {name: other, cluster: {server: "https://o"}}]
            contexts:
            - {name: demo, context: {cluster: host, user: me}}
            - {name: work, context: {cluster: other, user: me}}
            users: [{name: me, user: {token: t}}]
            current-context: work
            """)
        let wasThere = file.remove(context: "demo")
        #expect(wasThere)
        #expect(file.contexts == ["work"])
        #expect(file.entry("clusters", "host") == nil)
        #expect(file.entry("clusters", "other") != nil)
        #expect(file.entry("users", "me")?["token"] == "t")
        #expect(file.currentContext == "work")
    }

    @Test func renamesTheCurrentContext() throws {
        let renamed = try single("admin").renamed(to: "sampan-demo")
        #expect(renamed.contexts == ["sampan-demo"])
        #expect(try ClientConfiguration(renamed).credentials == .token("secret"))
    }

    @Test func survivesWritingAndReading() throws {
        let written = try single("a")
        #expect(try config(written.text) == written)
    }
}

struct KubeconfigParsingTests {
    @Test(arguments: [
        ("[]", "not one YAML object"),
        ("a: [", "not YAML"),
        ("kind: Pod", "its kind is Pod, not Config"),
        ("clusters: {}", "clusters isn't a list of named entries"),
        ("users: [{user: {}}]", "users isn't a list of named entries"),
    ])
    func refuses(_ text: String, _ reason: String) throws {
        let error = try #require(throws: KubeconfigError.self) { try config(text) }
        #expect(error.reason.hasPrefix(reason))
    }
}

struct ClientConfigurationTests {
    @Test func readsCertificatesAndPathPrefix() throws {
        let pem = Array("PEM".utf8)
        let encoded = Data(pem).base64EncodedString()
        let parsed = try ClientConfiguration(
            config(
                """
                clusters: [{name: c, cluster: {server: "https://host:1/clusters/demo/", certificate-authority-data: \(encoded)}}]
                contexts: [{name: x, context: {cluster: c, user: u, namespace: team}}]
                users: [{name: u, user: {client-certificate-data: \(encoded), client-key-data: \(encoded)}}]
                """), context: "x")
        #expect(parsed.server == "https://host:1/clusters/demo")
        #expect(parsed.certificateAuthority == pem)
        #expect(parsed.credentials == .certificate(chain: pem, key: pem))
        #expect(parsed.namespace == "team")
    }

    @Test(arguments: [
        ("{}", "it has no current context"),
        ("{current-context: x}", "it has no context x"),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: c}}]}",
            "context x names the cluster c, which isn't there"
        ),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c, cluster: {server: host}}]}",
            "the cluster's server isn't an http or https URL"
        ),
        (
            """
            {current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],
             clusters: [{name: c, cluster: {server: "https://h"}}], users: [{name: u, user: {client-certificate-data: UEVN}}]}
            """, "the user has a client certificate without a client key"
        ),
        (
            """
            {current-context: x, contexts: [{name: x, context: {cluster: c}}],
             clusters: [{name: c, cluster: {server: "https://h", certificate-authority-data: "*"}}]}
            """, "certificate-authority-data isn't base64"
        ),
    ])
    func explainsWhatIsWrong(_ text: String, _ reason: String) throws {
        let error = try #require(throws: KubeconfigError.self) { try ClientConfiguration(config(text)) }
        #expect(error.reason == reason)
    }
}

struct KubeconfigFileTests {
    @Test func updatesInOneStepForItsOwnerOnly() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "kube/config").path()
        try Kubeconfig.update(path) { $0.merge(try single("a")) }
        try Kubeconfig.update(path) { $0.merge(try single("b")) }
        #expect(try Kubeconfig.load(path)?.contexts == ["a", "b"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "kube").path()) == ["config"])
    }

    @Test func keepsASymbolicLink() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let target = directory.appending(path: "real").path()
        let link = directory.appending(path: "link").path()
        try single("a").save(target)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        try Kubeconfig.update(link) { $0.merge(try single("b")) }
        #expect(try Kubeconfig.load(target)?.contexts == ["a", "b"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    }

    @Test func leavesTheFileAloneWhenTheChangeThrows() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "config").path()
        try single("a").save(path)
        #expect(throws: CancellationError.self) {
            try Kubeconfig.update(path) { config in
                config = Kubeconfig()
                throw CancellationError()
            }
        }
        #expect(try Kubeconfig.load(path)?.contexts == ["a"])
        #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
    }
}
