import KubeObject
import KubeStore

/// Reads the values that an autoscaler's metrics of type Pods, Object and External have now, in thousandths.
/// Source: https://github.com/kubernetes/design-proposals-archive/blob/main/instrumentation/custom-metrics-api.md
struct MetricsReader: Sendable {
    static let customGroup = "custom.metrics.k8s.io"
    static let externalGroup = "external.metrics.k8s.io"
    /// What all metrics of one autoscaler may take together, in seconds.
    static let budget = 5.0

    let api: (any MetricsAPI)?
    let patience: MetricsPatience
    let cluster: LogicalCluster
    let namespace: String
    /// The plural of a kind with its group, nil when the cluster knows no such kind.
    let plural: @Sendable (GroupKind) -> String?
    /// Seconds since 1970.
    let now: @Sendable () -> Double
    /// When the patience with all of them is over, in seconds since 1970.
    let deadline: Double

    /// The values of the pods that a selector chooses, by name.
    func pods(_ metric: JSON, selector: String) async throws(MetricsAPIFailure) -> [String: Int64] {
        let name = metric.text("name")
        let query = [("labelSelector", selector), ("metricLabelSelector", try Self.selector(metric))]
        let list = try await custom(
            path: ["namespaces", namespace, "pods", "*", name], query: query, resource: "pods", name: "*")
        guard !list.isEmpty else { throw MetricsAPIFailure("no metrics returned from custom metrics API") }
        var values: [String: Int64] = [:]
        for item in list { values[item["describedObject"]?.text("name") ?? ""] = try Self.value(item, "custom") }
        return values
    }

    /// The value of one object of the namespace, or of the namespace itself, whatever its name is said to be.
    func object(_ metric: JSON, _ reference: JSON) async throws(MetricsAPIFailure) -> Int64 {
        let name = metric.text("name")
        let kind = GroupKind(group: GroupVersion(apiVersion: reference.text("apiVersion")).group, kind: reference.text("kind"))
        let query = [("metricLabelSelector", try Self.selector(metric))]
        let list: [JSON]
        if kind == GroupKind(group: "", kind: "Namespace") {
            list = try await custom(
                path: ["namespaces", namespace, "metrics", name], query: query, resource: "metrics", name: name)
        } else {
            guard let plural = plural(kind) else {
                throw Self.unfetched(
                    "custom",
                    "unable to map kind \(Self.text(kind)) to resource: no matches for kind \"\(kind.kind)\" in group \"\(kind.group)\""
                )
            }
            let object = reference.text("name")
            list = try await custom(
                path: ["namespaces", namespace, plural, object, name], query: query, resource: plural, name: object)
        }
        guard list.count == 1 else {
            throw Self.unfetched(
                "custom", "the custom metrics API server returned \(list.count) results when we asked for exactly one")
        }
        return try Self.value(list[0], "custom")
    }

    /// The sum of what an external metric's series have.
    func external(_ metric: JSON) async throws(MetricsAPIFailure) -> Int64 {
        let name = metric.text("name")
        let request = MetricsDocument(
            group: Self.externalGroup, version: "v1beta1",
            path: Self.path(["namespaces", namespace, name], [("labelSelector", try Self.selector(metric))]), resource: name,
            name: "")
        guard api?.versions(of: Self.externalGroup, in: cluster).contains("v1beta1") ?? false else {
            throw Self.unfetched("external", request.refusal(404).message)
        }
        let list = try await items(request, "external")
        guard !list.isEmpty else { throw MetricsAPIFailure("no metrics returned from external metrics API") }
        var sum = 0.0
        for item in list { sum += Double(try Self.value(item, "external")) }
        return Int64(saturating: sum)
    }

    private func custom(
        path: [String], query: [(String, String)], resource: String, name: String
    ) async throws(MetricsAPIFailure) -> [JSON] {
        let versions = api?.versions(of: Self.customGroup, in: cluster) ?? []
        guard !versions.isEmpty else {
            throw Self.unfetched("custom", "no custom metrics API (\(Self.customGroup)) registered")
        }
        guard let version = versions.first(where: ["v1beta2", "v1beta1"].contains) else {
            throw Self.unfetched("custom", "no known available metric versions found")
        }
        return try await items(
            MetricsDocument(
                group: Self.customGroup, version: version, path: Self.path(path, query), resource: resource, name: name), "custom"
        )
    }

    private func items(_ request: MetricsDocument, _ word: String) async throws(MetricsAPIFailure) -> [JSON] {
        guard let api else { return [] }
        var request = request
        let left = deadline - now()
        guard left > 0, !patience.isPaused(cluster.id, request.group, now: now()) else {
            throw Self.unfetched(word, request.refusal(504).message)
        }
        request.timeout = .milliseconds(Int64(saturating: (min(left, Self.budget) * 1000).rounded(.up)))
        do {
            return try await api.document(request, in: cluster)["items"]?.elements ?? []
        } catch {
            if error.wasSlow { patience.pause(cluster.id, request.group, now: now()) }
            throw Self.unfetched(word, error.message)
        }
    }

    private static func unfetched(_ word: String, _ message: String) -> MetricsAPIFailure {
        MetricsAPIFailure("unable to fetch metrics from \(word) metrics API: \(message)")
    }

    private static func value(_ item: JSON, _ word: String) throws(MetricsAPIFailure) -> Int64 {
        let text = item["value"]?.string ?? item["value"]?.int.map { String($0) } ?? ""
        do { return try Quantity(text).milliValue } catch {
            throw unfetched(word, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
        }
    }

    private static func selector(_ metric: JSON) throws(MetricsAPIFailure) -> String {
        guard let tree = metric["selector"], !tree.isNull else { return "" }
        do { return try LabelSelector(tree).description } catch { throw MetricsAPIFailure("\(error)") }
    }

    private static func text(_ kind: GroupKind) -> String { kind.group.isEmpty ? kind.kind : "\(kind.kind).\(kind.group)" }

    static func path(_ segments: [String], _ query: [(String, String)]) -> String {
        let path = segments.map { "/" + encoded($0) }.joined()
        let pairs = query.filter { !$0.1.isEmpty }.map { "\($0.0)=\(encoded($0.1))" }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }

    /// Everything but what is unreserved (RFC 3986) and the star, which means all objects.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "*"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
