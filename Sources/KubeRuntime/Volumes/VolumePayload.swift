internal import Foundation
import Glibc
import KubeObject

/// The files of a volume that is made of API objects: config map, secret, downward API, projected.
struct VolumePayload {
    let pod: Pod
    let objects: any ObjectSource
    let fields: DownwardFields
    /// Gives a token for a `serviceAccountToken` source.
    let token: @Sendable (_ audience: String, _ seconds: Int64) async throws -> String

    /// Nil for a kind of volume that isn't made of files.
    func files(_ volume: JSON) async throws -> [String: AtomicWriter.File]? {
        if let source = volume["configMap"] { return try configMap(source, defaultMode(source)) }
        if let source = volume["secret"] {
            return try secret(source, name: source["secretName"]?.string ?? "", defaultMode(source))
        }
        if let source = volume["downwardAPI"] { return try downward(source, defaultMode(source)) }
        guard let projected = volume["projected"] else { return nil }
        let mode = defaultMode(projected)
        var all: [String: AtomicWriter.File] = [:]
        for source in projected["sources"]?.elements ?? [] {
            var part: [String: AtomicWriter.File] = [:]
            if let source = source["configMap"] {
                part = try configMap(source, mode)
            } else if let source = source["secret"] {
                part = try secret(source, name: source["name"]?.string ?? "", mode)
            } else if let source = source["downwardAPI"] {
                part = try downward(source, mode)
            } else if let source = source["serviceAccountToken"] {
                let text = try await token(source["audience"]?.string ?? "", source["expirationSeconds"]?.int ?? 3600)
                // Only its user may read a token; when that isn't root, the file's owner or group is the pod's.
                let hasOwner = pod.spec[path: "securityContext", "fsGroup"] != nil || tokenOwner != nil
                part = [source["path"]?.string ?? "token": .init(content: Array(text.utf8), mode: hasOwner ? 0o600 : mode)]
            }
            all.merge(part) { _, last in last }
        }
        return all
    }

    /// The one user that all containers run as, when they say so.
    var tokenOwner: uid_t? {
        let ofPod = pod.spec[path: "securityContext", "runAsUser"]?.int
        let users = Set(pod.allContainers.map { $0.tree[path: "securityContext", "runAsUser"]?.int ?? ofPod })
        guard users.count == 1, let user = users.first ?? nil else { return nil }
        return uid_t(truncatingIfNeeded: user)
    }

    private func defaultMode(_ source: JSON) -> mode_t { mode_t(truncatingIfNeeded: source["defaultMode"]?.int ?? 0o644) }

    private func configMap(_ source: JSON, _ mode: mode_t) throws -> [String: AtomicWriter.File] {
        let name = source["name"]?.string ?? ""
        guard let map = objects.configMap(namespace: pod.namespace, name: name) else {
            if source["optional"]?.bool == true { return [:] }
            throw ContainerFailure(reason: "FailedMount", message: "configmap \"\(name)\" not found")
        }
        var content: [String: [UInt8]] = [:]
        if let data = map["data"]?.object { for (key, value) in data { content[key] = Array((value.string ?? "").utf8) } }
        if let data = map["binaryData"]?.object { for (key, value) in data { content[key] = decoded(value) } }
        return try select(content, source, mode, kind: "configmap")
    }

    private func secret(_ source: JSON, name: String, _ mode: mode_t) throws -> [String: AtomicWriter.File] {
        guard let secret = objects.secret(namespace: pod.namespace, name: name) else {
            if source["optional"]?.bool == true { return [:] }
            throw ContainerFailure(reason: "FailedMount", message: "secret \"\(name)\" not found")
        }
        var content: [String: [UInt8]] = [:]
        if let data = secret["data"]?.object { for (key, value) in data { content[key] = decoded(value) } }
        return try select(content, source, mode, kind: "secret")
    }

    private func select(
        _ content: [String: [UInt8]], _ source: JSON, _ mode: mode_t, kind: String
    ) throws -> [String: AtomicWriter.File] {
        let items = source["items"]?.elements ?? []
        if items.isEmpty { return content.mapValues { .init(content: $0, mode: mode) } }
        var files: [String: AtomicWriter.File] = [:]
        for item in items {
            let key = item["key"]?.string ?? ""
            guard let bytes = content[key] else {
                if source["optional"]?.bool == true { continue }
                throw ContainerFailure(reason: "FailedMount", message: "references non-existent \(kind) key: \(key)")
            }
            let own = item["mode"]?.int.map { mode_t(truncatingIfNeeded: $0) }
            files[item["path"]?.string ?? key] = .init(content: bytes, mode: own ?? mode)
        }
        return files
    }

    private func downward(_ source: JSON, _ mode: mode_t) throws -> [String: AtomicWriter.File] {
        var files: [String: AtomicWriter.File] = [:]
        for item in source["items"]?.elements ?? [] {
            let own = item["mode"]?.int.map { mode_t(truncatingIfNeeded: $0) }
            var text = ""
            if let path = item[path: "fieldRef", "fieldPath"]?.string {
                text = try fields.field(path)
            } else if let reference = item["resourceFieldRef"] {
                text = try fields.resource(reference, of: reference["containerName"]?.string ?? "")
            }
            files[item["path"]?.string ?? ""] = .init(content: Array(text.utf8), mode: own ?? mode)
        }
        return files
    }

    private func decoded(_ value: JSON) -> [UInt8] { Data(base64Encoded: value.string ?? "").map(Array.init) ?? [] }
}
