public import KubeObject

/// A kubeconfig file: named clusters, users, and contexts that pair them.
///
/// The whole document is kept, so entries and fields that Sampan knows nothing of survive a merge.
/// See <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>.
public struct Kubeconfig: Sendable, Equatable {
    /// The document, an object.
    public private(set) var tree: JSON

    /// A file with nothing in it.
    public init() {
        tree = Self.empty
    }

    private static let empty: JSON = [
        "apiVersion": "v1", "kind": "Config", "clusters": [], "contexts": [], "users": [], "current-context": "",
    ]

    /// Parses YAML or JSON. An empty text is an empty kubeconfig, as for kubectl.
    public init(parsing text: [UInt8]) throws {
        let documents: [JSON]
        do {
            documents = try YAML.parse(text)
        } catch {
            throw KubeconfigError("not YAML: \(error)")
        }
        guard let first = documents.first, !first.isNull else {
            tree = Self.empty
            return
        }
        guard case .object = first, documents.count == 1 else {
            throw KubeconfigError("not one YAML object")
        }
        guard first["kind"]?.string ?? "Config" == "Config" else {
            throw KubeconfigError("its kind is \(first["kind"]?.string ?? "no text"), not Config")
        }
        for list in Self.lists where !(first[list]?.isNull ?? true) {
            guard let entries = first[list]?.array, entries.allSatisfy({ $0["name"]?.string != nil }) else {
                throw KubeconfigError("\(list) isn't a list of named entries")
            }
        }
        tree = first
    }

    public var currentContext: String? {
        get { tree["current-context"]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        set { tree["current-context"] = .string(newValue ?? "") }
    }

    public var contexts: [String] { names("contexts") }

    /// The document as YAML.
    public var text: String { YAML.encode(tree) }

    static let lists = ["clusters", "contexts", "users"]

    private func names(_ list: String) -> [String] {
        (tree[list]?.elements ?? []).compactMap { $0["name"]?.string }
    }

    /// The entry called `name` in `list`, without its name: the object under the list's singular.
    func entry(_ list: String, _ name: String) -> JSON? {
        tree[list]?.elements.first { $0["name"]?.string == name }?[String(list.dropLast())]
    }
}

// MARK: - Changing

extension Kubeconfig {
    /// Adds `other`'s entries to this file, replacing those of the same names; everything else stays as and where it is.
    /// `other`'s current context becomes this file's, as when kind or minikube create a cluster.
    public mutating func merge(_ other: Kubeconfig) {
        for list in Self.lists {
            var entries = tree[list]?.elements ?? []
            for entry in other.tree[list]?.elements ?? [] {
                if let index = entries.firstIndex(where: { $0["name"] == entry["name"] }) {
                    entries[index] = entry
                } else {
                    entries.append(entry)
                }
            }
            tree[list] = .array(entries)
        }
        if let current = other.currentContext { currentContext = current }
        if tree["apiVersion"] == nil { tree["apiVersion"] = "v1" }
        if tree["kind"] == nil { tree["kind"] = "Config" }
    }

    /// Removes the context called `name`, with the cluster and the user that no other context names; a current context that goes with
    /// them is unset.
    ///
    /// - Returns: whether there was such a context.
    @discardableResult
    public mutating func remove(context name: String) -> Bool {
        guard let body = entry("contexts", name) else { return false }
        drop("contexts", name)
        for (list, member) in [("clusters", "cluster"), ("users", "user")] {
            guard let named = body[member]?.string else { continue }
            let isShared = contexts.contains { entry("contexts", $0)?[member]?.string == named }
            if !isShared { drop(list, named) }
        }
        if currentContext == name { currentContext = nil }
        return true
    }

    private mutating func drop(_ list: String, _ name: String) {
        guard let entries = tree[list]?.array else { return }
        tree[list] = .array(entries.filter { $0["name"]?.string != name })
    }

    /// The current context alone, with its context, cluster and user all called `name`.
    public func renamed(to name: String) throws -> Kubeconfig {
        let (context, cluster, user) = try resolve(context: nil)
        var renamed = Kubeconfig()
        var contextBody = context
        contextBody["cluster"] = .string(name)
        contextBody["user"] = .string(name)
        renamed.tree["clusters"] = [["name": .string(name), "cluster": cluster]]
        renamed.tree["contexts"] = [["name": .string(name), "context": contextBody]]
        renamed.tree["users"] = [["name": .string(name), "user": user]]
        renamed.currentContext = name
        return renamed
    }

    /// The same file with other proof of who its users are.
    public func proving(by user: JSON) -> Kubeconfig {
        var changed = self
        let users = (tree["users"]?.elements ?? []).map { entry -> JSON in
            var entry = entry
            entry["user"] = user
            return entry
        }
        changed.tree["users"] = .array(users)
        return changed
    }

    /// The bodies of a context and of the cluster and user that it names.
    func resolve(context name: String?) throws -> (context: JSON, cluster: JSON, user: JSON) {
        guard let name = name ?? currentContext else { throw KubeconfigError("it has no current context") }
        guard let context = entry("contexts", name) else { throw KubeconfigError("it has no context \(name)") }
        let clusterName = context["cluster"]?.string ?? ""
        guard let cluster = entry("clusters", clusterName) else {
            throw KubeconfigError("context \(name) names the cluster \(clusterName), which isn't there")
        }
        let userName = context["user"]?.string ?? ""
        guard let user = userName.isEmpty ? .object([:]) : entry("users", userName) else {
            throw KubeconfigError("context \(name) names the user \(userName), which isn't there")
        }
        return (context, cluster, user)
    }
}

/// A kubeconfig that can't be used, and why.
public struct KubeconfigError: Error, CustomStringConvertible, Equatable {
    public var reason: String
    /// The file, when it came from one.
    public var path: String?

    public init(_ reason: String, path: String? = nil) {
        self.reason = reason
        self.path = path
    }

    public var description: String { "kubeconfig\(path.map { " \($0)" } ?? ""): \(reason)" }
}
