import KubeObject
import KubeStore

/// A change that policies look at, as light as it can be: what is true now is read from the snapshot.
enum PolicyChange: Sendable, Hashable {
    case policy(ServiceName)
    case namespace(String)
    case pod(ServiceName)

    static let policyPrefix = Key.prefix(group: "networking.k8s.io", plural: "networkpolicies")
    static let namespacePrefix = Key.prefix(group: "core", plural: "namespaces")
    static let podPrefix = Key.prefix(group: "core", plural: "pods")

    /// - Returns: nil for a change of something else, and for pods and namespaces whose labels are what they were: the runtime tells of
    ///   pods that come and go.
    init?(_ event: Event) {
        let text = event.key.text
        let metadata = event.object.metadata
        if text.hasPrefix(Self.podPrefix) {
            guard event.type == .modified, event.previous?.metadata.labels != metadata.labels else { return nil }
            self = .pod(ServiceName(namespace: metadata.namespace, name: metadata.name))
        } else if text.hasPrefix(Self.policyPrefix) {
            self = .policy(ServiceName(namespace: metadata.namespace, name: metadata.name))
        } else if text.hasPrefix(Self.namespacePrefix) {
            if event.type == .modified, event.previous?.metadata.labels == metadata.labels { return nil }
            self = .namespace(metadata.name)
        } else {
            return nil
        }
    }
}
