import KubeObject

/// What has to be done so that a container that containerd has described runs in a user namespace. Pure: the description goes in, a new
/// one and the work come out.
///
/// containerd 1.6 describes it as for the machine's users. So whatever the container sees of the machine's files is shown to it through mounts that
/// translate IDs, and the pod's network namespace is changed for one that belongs to its users.
struct UserNamespaceBundle: Equatable {
    struct Failure: Error, Equatable, CustomStringConvertible {
        var message: String
        var description: String { message }
    }

    /// A file or directory that is to be shown with translated IDs, at `place`.
    struct Shown: Equatable {
        var source: String
        var place: String
    }

    /// `config.json` as runc is to read it, but for the path of a sandbox's user namespace.
    var specification: JSON
    var range: UserRange
    /// The file of the pod's user namespace, for a container in it; nil for the sandbox, whose namespace is made for it.
    var userNamespace: String?
    /// The file of the pod's network namespace.
    var network: String
    var shown: [Shown] = []

    /// - Parameters:
    ///   - specification: `config.json` as containerd wrote it.
    ///   - place: a directory for mounts.
    ///   - options: which of `ro`, `nosuid`, `nodev`, and `noexec` what a path is on is mounted with. In a user namespace nobody can take them away, and
    ///     the attempt fails.
    /// - Throws: when the sandbox wasn't given a range: a container that is to have users of its own never gets the machine's.
    init(_ specification: JSON, place: String, options: (String) -> [String]) throws(Failure) {
        let text = specification[path: "annotations", UserRange.annotation]?.string ?? ""
        guard let range = UserRange(text) else { throw Failure(message: "the pod has no range of user IDs: \"\(text)\"") }
        self.range = range
        self.specification = specification
        let namespaces = specification[path: "linux", "namespaces"]?.elements ?? []
        guard let network = namespaces.first(where: { $0["type"]?.string == "network" })?["path"]?.string else {
            throw Failure(message: "the pod has no network namespace of its own")
        }
        self.network = network
        if specification[path: "annotations", "io.kubernetes.cri.container-type"]?.string != "sandbox" {
            // The pod's namespaces are named by its first process.
            let process = namespaces.lazy.compactMap { Self.process(of: $0["path"]?.string ?? "") }.first
            guard let process else { throw Failure(message: "the pod's own process isn't named") }
            userNamespace = "/proc/\(process)/ns/user"
            join(userNamespace: "/proc/\(process)/ns/user")
        }
        self.specification[path: "linux", "uidMappings"] = range.specification
        self.specification[path: "linux", "gidMappings"] = range.specification
        if specification[path: "linux", "sysctl", Self.pingGroups] != nil {
            // All groups are meant, and there are no more.
            self.specification[path: "linux", "sysctl", Self.pingGroups] = .string("0 \(UserRange.size - 1)")
        }
        showMounts(place, options)
        self.specification[path: "root", "path"] = .string(Self.root(in: place))
    }

    private static let pingGroups = "net.ipv4.ping_group_range"

    /// Where the container's root is mounted while it is being made.
    static func root(in place: String) -> String { "\(place)/root" }

    /// Has runc put the container into a user namespace that is there.
    mutating func join(userNamespace path: String) {
        let namespaces = specification[path: "linux", "namespaces"]?.elements ?? []
        specification[path: "linux", "namespaces"] = .array(namespaces + [["type": "user", "path": .string(path)]])
    }

    /// The number in `/proc/NUMBER/ns/…`.
    private static func process(of path: String) -> Int? {
        let parts = path.split(separator: "/")
        return parts.count == 4 && parts[0] == "proc" && parts[2] == "ns" ? Int(parts[1]) : nil
    }

    private mutating func showMounts(_ place: String, _ locked: (String) -> [String]) {
        var mounts = specification["mounts"]?.elements ?? []
        for index in mounts.indices {
            let options = mounts[index]["options"]?.strings ?? []
            guard mounts[index]["type"]?.string == "bind" || options.contains("bind") || options.contains("rbind"),
                let source = mounts[index]["source"]?.string
            else { continue }
            shown.append(Shown(source: source, place: "\(place)/\(index)"))
            mounts[index]["source"] = .string("\(place)/\(index)")
            mounts[index]["options"] = .array((options + locked(source)).map { .string($0) })
        }
        specification["mounts"] = .array(mounts)
    }
}
