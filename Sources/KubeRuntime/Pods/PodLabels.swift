/// The labels by which sandboxes and containers are recognized after a restart: kubelet's, and two of ours.
enum PodLabels {
    static let podName = "io.kubernetes.pod.name"
    static let podNamespace = "io.kubernetes.pod.namespace"
    static let podUID = "io.kubernetes.pod.uid"
    static let containerName = "io.kubernetes.container.name"
    static let instance = "sampan.dev/instance"
    static let cluster = "sampan.dev/cluster"
    /// Annotations.
    static let image = "sampan.dev/spec-image"
    static let messagePath = "io.kubernetes.container.terminationMessagePath"
    static let messagePolicy = "io.kubernetes.container.terminationMessagePolicy"

    static func pod(_ pod: Pod, cluster: Int64, instance: String) -> [String: String] {
        [
            podName: pod.name, podNamespace: pod.namespace, podUID: pod.uid, self.instance: instance, self.cluster: "\(cluster)",
        ]
    }
}

/// Where a pod's files are on the node.
struct PodFiles: Sendable {
    let directory: String
    let logs: String

    init(_ paths: EnginePaths, namespace: String, name: String, uid: String) {
        directory = "\(paths.pods)/\(uid)"
        logs = "\(paths.podLogs)/\(namespace)_\(name)_\(uid)"
    }

    var hosts: String { "\(directory)/etc-hosts" }
    var volumes: String { "\(directory)/volumes" }
    var subpaths: String { "\(directory)/volume-subpaths" }

    /// Where a container's process writes why it ended.
    func message(_ container: String, _ attempt: UInt32) -> String { "\(directory)/containers/\(container)/\(attempt)" }

    /// Relative to `logs`, as the CRI wants it.
    static func logName(_ container: String, _ attempt: UInt32) -> String { "\(container)/\(attempt).log" }

    func log(_ container: String, _ attempt: UInt32) -> String { "\(logs)/\(Self.logName(container, attempt))" }
}
