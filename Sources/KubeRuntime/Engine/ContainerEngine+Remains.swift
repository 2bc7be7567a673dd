/// What pods have on the machine beside what containerd knows of: files, logs, control groups.
extension ContainerEngine {
    /// The uids of all pods that have something here.
    func podsWithRemains() -> Set<String> {
        var uids = Set(File.names(in: paths.pods))
        // NAMESPACE_NAME_UID, of which no part has an underscore.
        uids.formUnion(File.names(in: paths.podLogs).compactMap { $0.split(separator: "_").last.map(String.init) })
        for directory in Cgroups.existing(paths.cgroup) {
            uids.formUnion(File.names(in: directory).filter { $0.hasPrefix("pod") }.map { String($0.dropFirst("pod".count)) })
        }
        let prefix = paths.slice.unit.dropLast(".slice".count) + "-pod"
        for directory in Cgroups.existing(paths.slice.path) {
            for name in File.names(in: directory) where name.hasPrefix(prefix) && name.hasSuffix(".slice") {
                uids.insert(String(name.dropFirst(prefix.count).dropLast(".slice".count).map { $0 == "_" ? "-" : $0 }))
            }
        }
        return uids.filter(Self.isUID)
    }

    /// Removes the files of a pod of which nothing runs, and with `removeGroup` its control group.
    func removeRemains(ofPod uid: String, removeGroup: () async throws -> Void) async throws {
        Mounts.unmountAll(below: "\(paths.pods)/\(uid)")
        File.removeTree("\(paths.pods)/\(uid)")
        for name in File.names(in: paths.podLogs) where name.hasSuffix("_\(uid)") { File.removeTree("\(paths.podLogs)/\(name)") }
        try await removeGroup()
    }

    /// Nothing else is ever removed, whatever somebody has put there.
    private static func isUID(_ text: String) -> Bool {
        text.utf8.count == 36 && text.allSatisfy { $0.isHexDigit || $0 == "-" }
    }
}
