import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import Logging
import Testing

@testable import KubeAPI

@Suite struct AuditPolicyTests {
    private func policy(_ yaml: String) throws -> AuditPolicy {
        try AuditPolicy(try #require(try YAML.parse(Array("apiVersion: audit.k8s.io/v1\nkind: Policy\n\(yaml)".utf8)).first))
    }

    private static let example = """
        omitStages: [RequestReceived]
        rules:
        - {level: None, users: [noisy], verbs: [watch], resources: [{group: "", resources: [endpoints, services]}]}
        - {level: None, userGroups: ["system:authenticated"], nonResourceURLs: ["/api*", /version]}
        - {level: Request, resources: [{group: "", resources: [configmaps], resourceNames: [one]}], namespaces: [kube-system]}
        - {level: RequestResponse, resources: [{group: "", resources: ["pods/*", secrets, "serviceaccounts/token"]}, {group: apps}, {group: sampan.dev}]}
        - {level: RequestResponse, resources: [{group: "", resources: ["*/status"]}], omitStages: [ResponseStarted], omitManagedFields: true}
        - {level: Metadata}
        """

    @Test(arguments: [
        ("noisy", "watch", "", "services", "", "default", "", "None"),
        ("noisy", "get", "", "services", "", "default", "", "Metadata"),
        ("jane", "watch", "", "services", "", "default", "", "Metadata"),
        ("jane", "get", "", "configmaps", "", "kube-system", "one", "Request"),
        ("jane", "get", "", "configmaps", "", "default", "one", "Metadata"),
        ("jane", "get", "", "configmaps", "", "kube-system", "two", "Metadata"),
        ("jane", "create", "", "pods", "exec", "default", "p", "RequestResponse"),
        ("jane", "create", "", "pods", "", "default", "p", "Metadata"),
        ("jane", "create", "apps", "deployments", "", "default", "p", "RequestResponse"),
        ("jane", "update", "", "nodes", "status", "", "n", "RequestResponse"),
        // Whatever the rules say.
        ("jane", "get", "", "secrets", "", "default", "s", "Metadata"),
        ("jane", "create", "", "serviceaccounts", "token", "default", "s", "Metadata"),
        ("jane", "create", "sampan.dev", "virtualclusters", "kubeconfig", "default", "c", "Metadata"),
        ("jane", "create", "sampan.dev", "virtualclusters", "export", "default", "c", "Metadata"),
        ("jane", "create", "sampan.dev", "virtualclusters", "import", "default", "c", "Metadata"),
        ("jane", "create", "sampan.dev", "teams", "kubeconfig", "", "t", "Metadata"),
        ("jane", "create", "sampan.dev", "teams", "", "", "t", "RequestResponse"),
    ])
    func `the first rule that matches decides`(
        _ user: String, _ verb: String, _ group: String, _ resource: String, _ subresource: String, _ namespace: String,
        _ name: String, _ level: String
    ) throws {
        let verdict = try policy(Self.example).verdict(
            on: AccessAttributes(
                user: UserInfo(name: user, groups: ["system:authenticated"]), verb: verb, apiGroup: group, resource: resource,
                subresource: subresource, namespace: namespace, name: name))
        #expect(verdict.level.rawValue == level)
    }

    @Test func `paths and stages are left out`() throws {
        let policy = try policy(Self.example)
        func verdict(_ path: String, _ groups: [String]) -> AuditPolicy.Verdict {
            policy.verdict(on: AccessAttributes(user: UserInfo(name: "x", groups: groups), verb: "get", path: path))
        }
        #expect(verdict("/api/v1", ["system:authenticated"]).level == .none)
        #expect(verdict("/version", ["system:authenticated"]).level == .none)
        #expect(verdict("/metrics", ["system:authenticated"]).level == .metadata)
        let anonymous = verdict("/version", ["system:unauthenticated"])
        #expect(anonymous.level == .metadata && !anonymous.notes(.requestReceived) && anonymous.notes(.responseComplete))
    }

    @Test(arguments: [
        "rules: []", "rules: [{level: Everything}]", "rules: [{level: None}]\nomitStages: [Soon]",
        "rules: [{level: None, nonResourceURLs: [/x], namespaces: [a]}]",
    ])
    func `what isn't a policy is refused`(_ yaml: String) {
        #expect(throws: AuditPolicy.Failure.self) { try policy(yaml) }
    }
}

@Suite struct AuditLogTests {
    @Test func `a file that is too large is begun anew, and the oldest go`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let policy = try AuditPolicy(["apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [["level": "Metadata"]]])
        var rotation = AuditLog.Rotation()
        rotation.size = 100
        rotation.files = 2
        let log = AuditLog(
            policy: policy, path: folder + "/audit.log", rotation: rotation, logger: Logger(label: "test"))
        for number in 1...5 {
            log.append(["number": .int(Int64(number)), "padding": .string(String(repeating: "x", count: 60))])
            log.flush()
        }
        func numbers(_ name: String) throws -> [Int64?] {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            return try text.split(separator: "\n").map { try JSON(parsing: $0.utf8)["number"]?.int }
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["audit.log", "audit.log.1", "audit.log.2"])
        #expect(try numbers("audit.log") == [5] && numbers("audit.log.1") == [4] && numbers("audit.log.2") == [3])
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/audit.log")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}
