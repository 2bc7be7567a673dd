import Glibc
import KubeObject

/// Puts a pod's volumes on the node's file system, and describes their mounts in containers.
struct VolumeMounter {
    let pod: Pod
    let files: PodFiles
    let payload: VolumePayload
    let claims: ClaimVolumes

    /// A volume that couldn't be set up.
    struct Failure: Error {
        var volume: String
        var message: String
    }

    private var group: gid_t? { pod.spec[path: "securityContext", "fsGroup"]?.int.map { gid_t(truncatingIfNeeded: $0) } }

    /// Sets up all volumes; those that are there already are brought up to date.
    /// - Returns: whether the content of one changed.
    @discardableResult
    func setUp() async throws(Failure) -> Bool {
        var hasChanged = false
        for volume in pod.spec["volumes"]?.elements ?? [] {
            let name = volume["name"]?.string ?? ""
            do {
                if try await setUp(volume, name) { hasChanged = true }
            } catch let failure as ContainerFailure {
                throw Failure(volume: name, message: failure.message)
            } catch {
                throw Failure(volume: name, message: "\(error)")
            }
        }
        return hasChanged
    }

    private func setUp(_ volume: JSON, _ name: String) async throws -> Bool {
        if let found = try claims.find(volume) {
            try await setUp(found, name)
            return false
        }
        let path = try self.path(volume)
        if let content = try await payload.files(volume) {
            try File.makeDirectory(path, mode: 0o755)
            // Secrets never reach the disk.
            if volume["configMap"] == nil && volume["downwardAPI"] == nil && !Mounts.isMountPoint(path) {
                try Mounts.tmpfs(at: path, size: nil, mode: 0o1777)
            }
            return try AtomicWriter(directory: path, group: group, owner: payload.tokenOwner).write(content)
        }
        if let source = volume["emptyDir"] {
            guard !File.exists(path) || (source["medium"]?.string == "Memory" && !Mounts.isMountPoint(path)) else { return false }
            try File.makeDirectory(path, mode: 0o777)
            if source["medium"]?.string == "Memory" {
                try Mounts.tmpfs(at: path, size: ContainerResources.amount(source["sizeLimit"])?.value, mode: 0o1777)
            }
            chmod(path, 0o777)
            if let group {
                chown(path, uid_t.max, group)
                chmod(path, 0o2777)
            }
            return false
        }
        if let source = volume["hostPath"] { return try checkHostPath(source) }
        // Those are mounted for each container, when it is made: as its own image, they may have to be pulled.
        if volume["image"] != nil { return false }
        let kind = (volume.object?.keys).map { $0.first { $0 != "name" } } ?? nil
        throw ContainerFailure(reason: "FailedMount", message: "volumes of kind \(kind ?? "?") are not supported on this node")
    }

    /// A volume of the cluster: made ready once in a pod's life.
    private func setUp(_ found: ClaimVolumes.Found, _ name: String) async throws {
        let mark = "\(files.volumes)/kubernetes.io~csi/\(name)"
        guard !File.exists(mark) else { return }
        switch found.kind {
        case .local(let handle): try claims.local.create(handle, cluster: claims.cluster)
        case .directory:
            guard File.isDirectory(found.path) else {
                throw ContainerFailure(reason: "FailedMount", message: "path \"\(found.path)\" does not exist")
            }
        case .host(let source): _ = try checkHostPath(source)
        }
        if let group, !found.isReadOnly {
            let policy = pod.spec[path: "securityContext", "fsGroupChangePolicy"]?.string
            switch found.kind {
            case .host: break  // the machine's own files stay as they are
            default: try await VolumeOwnership.apply(group, to: found.path, onlyOnMismatch: policy == "OnRootMismatch")
            }
        }
        try File.makeDirectory(mark, mode: 0o750)
    }

    /// Where a volume is on the node.
    func path(_ volume: JSON) throws(ContainerFailure) -> String {
        if let found = try claims.find(volume) { return found.path }
        if let host = volume[path: "hostPath", "path"]?.string { return host }
        let kind = ["configMap", "secret", "downwardAPI", "projected", "emptyDir"].first { volume[$0] != nil } ?? "emptyDir"
        let plugin = ["configMap": "configmap", "downwardAPI": "downward-api", "emptyDir": "empty-dir"][kind] ?? kind
        return "\(files.volumes)/kubernetes.io~\(plugin)/\(volume["name"]?.string ?? "")"
    }

    /// Where a volume that is an image is for one container.
    func imagePath(_ volume: JSON, container: String) -> String {
        "\(files.volumes)/kubernetes.io~image/\(volume["name"]?.string ?? "")/\(container)"
    }

    private func checkHostPath(_ source: JSON) throws -> Bool {
        let path = source["path"]?.string ?? ""
        var facts = stat()
        let exists = stat(path, &facts) == 0
        let format = facts.st_mode & S_IFMT
        func refuse(_ what: String) -> ContainerFailure {
            ContainerFailure(reason: "FailedMount", message: "hostPath type check failed: \(path) is not \(what)")
        }
        switch source["type"]?.string ?? "" {
        case "DirectoryOrCreate":
            if !exists { try File.makeDirectory(path) } else if format != S_IFDIR { throw refuse("a directory") }
        case "FileOrCreate":
            if !exists { try File.writeInPlace([], to: path, mode: 0o644) } else if format != S_IFREG { throw refuse("a file") }
        case "Directory": if !exists || format != S_IFDIR { throw refuse("a directory") }
        case "File": if !exists || format != S_IFREG { throw refuse("a file") }
        case "Socket": if !exists || format != S_IFSOCK { throw refuse("a socket file") }
        case "CharDevice": if !exists || format != S_IFCHR { throw refuse("a character device") }
        case "BlockDevice": if !exists || format != S_IFBLK { throw refuse("a block device") }
        default: if !exists { try File.makeDirectory(path) }
        }
        return false
    }

    /// The mounts of one container, those of /etc/hosts and the termination message included.
    func mounts(_ container: ContainerSpec, attempt: UInt32, environment: [(name: String, value: String)]) throws -> [CRIMount] {
        var result: [CRIMount] = []
        let volumes = pod.spec["volumes"]?.elements ?? []
        let values = Dictionary(environment, uniquingKeysWith: { _, last in last })
        for (index, mount) in (container.tree["volumeMounts"]?.elements ?? []).enumerated() {
            let name = mount["name"]?.string ?? ""
            guard let volume = volumes.first(where: { $0["name"]?.string == name }) else {
                throw ContainerFailure.config("cannot find volume \"\(name)\" to mount into container \"\(container.name)\"")
            }
            let isImage = volume["image"] != nil
            var source = isImage ? imagePath(volume, container: container.name) : try path(volume)
            let isReadOnly = try isImage || claims.find(volume)?.isReadOnly ?? false
            let expression = mount["subPathExpr"]?.string.map { Expansion.expand($0) { values[$0] } }
            if let subPath = expression ?? mount["subPath"]?.string, !subPath.isEmpty {
                let target = "\(files.subpaths)/\(name)/\(container.name)/\(index)"
                source = try SubPath.prepare(volume: source, subPath: subPath, target: target, group: group)
            }
            var entry = CRIMount()
            entry.hostPath = source
            let containerPath = mount["mountPath"]?.string ?? ""
            entry.containerPath = containerPath.hasPrefix("/") ? containerPath : "/" + containerPath
            entry.readonly = mount["readOnly"]?.bool == true || isReadOnly
            switch mount["mountPropagation"]?.string {
            case "HostToContainer": entry.propagation = .propagationHostToContainer
            case "Bidirectional": entry.propagation = .propagationBidirectional
            default: entry.propagation = .propagationPrivate
            }
            result.append(entry)
        }
        if !result.contains(where: { $0.containerPath == "/etc/hosts" }) {
            result.append(CRIMount.file(from: files.hosts, to: "/etc/hosts"))
        }
        let message = files.message(container.name, attempt)
        try File.makeDirectory(String(message[..<(message.lastIndex(of: "/") ?? message.endIndex)]))
        try File.writeInPlace([], to: message, mode: 0o666)
        let target = container.tree["terminationMessagePath"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "/dev/termination-log"
        result.append(CRIMount.file(from: message, to: target))
        return result
    }
}

extension CRIMount {
    static func file(from host: String, to container: String) -> CRIMount {
        var mount = CRIMount()
        mount.hostPath = host
        mount.containerPath = container
        return mount
    }
}
