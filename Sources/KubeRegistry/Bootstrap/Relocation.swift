public import KubeObject
public import KubeStore

/// Makes a cluster's objects those of a cluster on this machine: what says where something runs is as it is here, and everything else stays as it
/// was, to the byte. What changes takes the revisions that follow, so clients that come back see it happen.
///
/// - Pods begin anew, with their names, owners and specs, but with another uid: containers don't move, and by its uid a pod is known on the
///   whole machine, where the cluster that it comes from may still be.
/// - The nodes are this machine's; pods that were on others are on them, together if they were together. The others' leases go with them.
/// - The endpoints of the service `kubernetes` are this server's.
///
/// Pure.
public struct Relocation: Sendable {
    let nodes: [JSON]
    let apiServer: (address: String, port: Int)
    let trust: JSON?

    /// - Parameters:
    ///   - nodes: this machine's, without uid and creation time; none where no pods run.
    ///   - apiServer: where the API server listens, as pods see it.
    ///   - trust: with another identity, the config map that tells extension servers of it. Then tokens in secrets are to be made again, too.
    public init(nodes: [JSON], apiServer: (address: String, port: Int), trust: JSON?) {
        self.nodes = nodes
        self.apiServer = apiServer
        self.trust = trust
    }

    /// - Throws: `StoreError.unavailable` when `objects` can't be a cluster's; `ObjectError`.
    public func apply(to objects: [(key: Key, object: Object)], revision: UInt64) throws -> RestoredObjects {
        var moved = Moved(revision: revision)
        let homes = homes(of: objects)
        let lost = Set(nodes.isEmpty ? [] : objects.filter { $0.key.resourcePrefix == Self.nodePrefix }.map(\.key.name))
        for (key, object) in objects {
            let isLease = key.resourcePrefix == Self.leasePrefix && key.namespace == NodeSigns.namespace
            if !nodes.isEmpty, key.resourcePrefix == Self.nodePrefix || isLease && lost.contains(key.name) {
                moved.remove(object, at: key)
            } else if let tree = changed(object, at: key, homes) {
                // Another uid is another object, also to those who watch.
                let isAnother = tree[path: "metadata", "uid"]?.string != object.metadata.uid
                if isAnother { moved.remove(object, at: key) }
                try moved.put(tree, at: key, over: isAnother ? nil : object)
            } else {
                moved.objects.append((key, object))
            }
        }
        for node in nodes {
            var tree = node
            let now = Timestamp.now()
            FirstManagers.book(&tree, by: FirstManagers.kubelet, time: now, ownsStatus: true, isAlike: false)
            tree[path: "metadata", "uid"] = .string(Identifiers.uid())
            tree[path: "metadata", "creationTimestamp"] = .string(now)
            try moved.put(tree, at: Key(group: "", plural: "nodes", name: tree["metadata"]?.text("name") ?? ""), over: nil)
        }
        return try RestoredObjects(revision: moved.revision, objects: moved.objects, events: moved.events)
    }

    /// The objects as they will be, and what happened to them.
    private struct Moved {
        var revision: UInt64
        var objects: [(key: Key, object: Object)] = []
        var events: [Event] = []

        mutating func remove(_ object: Object, at key: Key) {
            revision += 1
            events.append(
                Event(
                    type: .deleted, key: key, object: object.resealed(resourceVersion: revision), previous: object,
                    revision: revision))
        }

        mutating func put(_ tree: JSON, at key: Key, over previous: Object?) throws {
            revision += 1
            let object = try Draft(tree).sealed(resourceVersion: revision)
            objects.append((key, object))
            events.append(
                Event(
                    type: previous == nil ? .added : .modified, key: key, object: object, previous: previous,
                    revision: revision))
        }
    }

    private static let nodePrefix = Key.prefix(group: "", plural: "nodes")
    private static let leasePrefix = Key.prefix(group: "coordination.k8s.io", plural: "leases")

    /// Which of this machine's nodes stands for which that pods were on.
    private func homes(of objects: [(key: Key, object: Object)]) -> [String: String] {
        let names = nodes.compactMap { $0["metadata"]?.text("name") }
        guard !names.isEmpty else { return [:] }
        let former = Set(
            objects.compactMap { entry -> String? in
                guard entry.key.resourcePrefix == "core/pods/" else { return nil }
                return entry.object.passingTree[path: "spec", "nodeName"]?.string
            }.filter { !$0.isEmpty })
        // A node's number is the last thing in its name, and the shortest name the first's.
        let sorted = former.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        return Dictionary(
            uniqueKeysWithValues: sorted.enumerated().map { ($1, names.contains($1) ? $1 : names[$0 % names.count]) })
    }

    private func changed(_ object: Object, at key: Key, _ homes: [String: String]) -> JSON? {
        switch key.resourcePrefix {
        case "core/pods/": return pod(object.passingTree, homes)
        case "core/endpoints/", "discovery.k8s.io/endpointslices/":
            guard key.namespace == "default", key.name == "kubernetes" else { return nil }
            return endpoints(object.passingTree, isSlice: key.plural == "endpointslices")
        case "core/secrets/":
            guard trust != nil else { return nil }
            let tree = object.passingTree
            return tree.text("type") == "kubernetes.io/service-account-token" ? withoutToken(tree) : nil
        case "core/configmaps/":
            guard let trust, key.namespace == "kube-system", key.name == trust["metadata"]?.text("name") else { return nil }
            return told(object.passingTree, trust)
        default: return nil
        }
    }

    private func told(_ old: JSON, _ trust: JSON) -> JSON {
        var tree = old
        for (name, value) in trust[path: "metadata", "annotations"]?.object ?? [:] {
            tree[path: "metadata", "annotations", name] = value
        }
        for (name, value) in trust["data"]?.object ?? [:] { tree[path: "data", name] = value }
        return tree
    }

    private func pod(_ old: JSON, _ homes: [String: String]) -> JSON {
        var pod = old
        pod[path: "metadata", "uid"] = .string(Identifiers.uid())
        if let node = homes[old["spec"]?.text("nodeName") ?? ""] { pod[path: "spec", "nodeName"] = .string(node) }
        // Debugging a container that is gone is over.
        pod[path: "spec", "ephemeralContainers"] = nil
        guard !["Succeeded", "Failed"].contains(old["status"]?.text("phase")) else { return pod }
        pod["status"] = ["phase": "Pending"]
        pod[path: "status", "qosClass"] = old[path: "status", "qosClass"]
        return pod
    }

    private func endpoints(_ old: JSON, isSlice: Bool) -> JSON? {
        let (address, port) = apiServer
        let here = isSlice ? Bootstrap.apiServerSlice(address, port) : Bootstrap.apiServerEndpoints(address, port)
        var tree = old
        for member in isSlice ? ["addressType", "endpoints", "ports"] : ["subsets"] { tree[member] = here[member] }
        return tree == old ? nil : tree
    }

    private func withoutToken(_ old: JSON) -> JSON {
        var tree = old
        tree[path: "data", "token"] = nil
        return tree
    }
}

extension Registry {
    /// Creates a logical cluster with what another one had, in one durable commit.
    ///
    /// - Parameters:
    ///   - uid: the cluster's own identity, unique for ever.
    ///   - record: the cluster's private record, as its keys.
    ///   - restored: all of its objects; nothing of the base that isn't among them.
    public func createCluster(
        _ name: String, uid: String, record: JSON, restored: RestoredObjects
    ) async throws(StoreError) -> LogicalCluster {
        try await store.createCluster(name, uid: uid, record: record, base: base, restored: restored)
    }
}
