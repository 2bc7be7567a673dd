import KubeObject
import KubeStore

/// Which workloads a change of a pod (or of anything else that has a controller) concerns.
enum PodOwners {
    /// The controllers of this kind before and after the change; for an orphan those that might adopt it.
    static func keys(for event: Event, kind: String, mayAdopt: (Metadata) -> [Object]) -> [ObjectName] {
        let metadata = event.object.metadata
        var keys: [ObjectName] = []
        let controller = metadata.controller
        if let controller, controller.kind == kind {
            keys.append(ObjectName(namespace: metadata.namespace, name: controller.name))
        }
        if let old = event.previous?.metadata.controller, old.kind == kind, old.uid != controller?.uid {
            keys.append(ObjectName(namespace: metadata.namespace, name: old.name))
        }
        if controller == nil, event.type != .deleted, metadata.deletionTimestamp == nil,
            event.previous.map({ $0.metadata.labels != metadata.labels || $0.metadata.controller != nil }) ?? true
        {
            keys += mayAdopt(metadata).map { ObjectName($0.metadata) }
        }
        return keys
    }
}
