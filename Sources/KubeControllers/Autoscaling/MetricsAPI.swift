public import KubeObject
public import KubeStore

/// Asks what serves the metrics APIs `custom.metrics.k8s.io` and `external.metrics.k8s.io` in a cluster: an extension API server, which
/// may be slow or hostile. Implemented by the part that reaches such servers.
public protocol MetricsAPI: Sendable {
    /// The versions of a group that the cluster has, the one that it prefers first; empty when nothing serves it.
    func versions(of group: String, in cluster: LogicalCluster) -> [String]

    /// - Throws: what was wrong, once the document's time is over at the latest.
    func document(_ request: MetricsDocument, in cluster: LogicalCluster) async throws(MetricsAPIFailure) -> JSON
}

/// A document of a metrics API.
public struct MetricsDocument: Sendable, Equatable {
    public var group: String
    public var version: String
    /// What follows `/apis/GROUP/VERSION`, with its query, percent-encoded.
    public var path: String
    /// The resource that is read, and the name, as a client names them when it was answered without a reason.
    public var resource: String
    public var name: String
    /// What the answer may take.
    public var timeout = Duration.seconds(5)

    /// The words of a client that was answered by a bare status code.
    /// Source: https://pkg.go.dev/k8s.io/apimachinery/pkg/api/errors#NewGenericServerResponse
    public func refusal(_ status: Int) -> MetricsAPIFailure {
        let text =
            switch status {
            case 401: "the server has asked for the client to provide credentials"
            case 403: "forbidden"
            case 404: "the server could not find the requested resource"
            case 429: "the server has received too many requests and has asked us to try again later"
            case 500: "an error on the server (\"unknown\") has prevented the request from succeeding"
            case 503: "the server is currently unable to handle the request"
            case 504: "the server was unable to return a response in the time allotted, but may still be processing the request"
            default: "the server responded with the status code \(status) but did not return more information"
            }
        return MetricsAPIFailure("\(text) (get \(resource).\(group)\(name.isEmpty ? "" : " \(name)"))", wasSlow: status == 504)
    }
}

/// Why a document of a metrics API can't be had.
public struct MetricsAPIFailure: Error, Equatable {
    public var message: String
    /// Whether it took all its time to find out.
    public var wasSlow: Bool

    public init(_ message: String, wasSlow: Bool = false) {
        self.message = message
        self.wasSlow = wasSlow
    }
}
