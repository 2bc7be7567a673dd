import Foundation
import KubeObject
import KubeStore

/// An APIService whose group version another server answers for, behind a service of the cluster.
struct RemoteAPIService: Sendable, Equatable {
    /// `VERSION.GROUP`.
    var name: String
    var uid: String
    var revision: UInt64
    var group: String
    var version: String
    var namespace: String
    var service: String
    var port: Int64
    var groupPriority: Int64
    var versionPriority: Int64
    /// PEM of who may vouch for the server; nil to believe it anyhow.
    var trust: [UInt8]?
    var isAvailable: Bool
    /// Whether it wasn't available for want of endpoints, at the last look.
    var lacksEndpoints: Bool

    /// Nil for one that this server answers for itself.
    init?(_ object: Object) {
        let tree = object.tree
        guard let spec = tree["spec"], let service = spec["service"], service.object != nil else { return nil }
        self.name = object.metadata.name
        self.uid = object.metadata.uid
        self.revision = object.metadata.resourceVersion
        self.group = spec["group"]?.string ?? ""
        self.version = spec["version"]?.string ?? ""
        self.namespace = service["namespace"]?.string ?? ""
        self.service = service["name"]?.string ?? ""
        self.port = service["port"]?.int ?? 443
        self.groupPriority = spec["groupPriorityMinimum"]?.int ?? 0
        self.versionPriority = spec["versionPriority"]?.int ?? 0
        let bundle = spec["caBundle"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
        // Without a bundle the system's authorities would have to vouch, who know no service of a cluster: nobody is believed then.
        self.trust = spec["insecureSkipTLSVerify"]?.bool == true ? nil : Array(bundle)
        let available = tree[path: "status", "conditions"]?.elements.first { $0["type"]?.string == "Available" }
        self.isAvailable = available?["status"]?.string == "True"
        self.lacksEndpoints = !self.isAvailable && available?["reason"]?.string == "MissingEndpoints"
    }

    /// The name that the server's certificate is to have.
    var serverName: String { "\(self.service).\(self.namespace).svc" }

    /// The path of the group version's discovery.
    var path: String { "/apis/\(self.group)/\(self.version)" }

    /// All of a cluster.
    static func all(in cluster: LogicalCluster) -> [RemoteAPIService] {
        cluster.snapshot.list(prefix: Key.prefix(group: "apiregistration.k8s.io", plural: "apiservices"))
            .compactMap(RemoteAPIService.init)
    }

    /// The one for a group version, if there is.
    static func find(group: String, version: String, in cluster: LogicalCluster) -> RemoteAPIService? {
        cluster.snapshot.get(Self.key("\(version).\(group)")).flatMap(RemoteAPIService.init)
    }

    static func key(_ name: String) -> Key { Key(group: "apiregistration.k8s.io", plural: "apiservices", name: name) }
}
