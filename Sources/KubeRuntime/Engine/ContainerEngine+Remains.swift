internal import GRPCCore
import Glibc
import KubeStore
import Logging
internal import SwiftProtobuf

/// What pods have on the machine beside what containerd knows of: files, logs, control groups, shims.
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

    /// Ends shims that an earlier containerd had started when it was killed, and of which it had noted nothing: nobody will ask for them
    /// again. Removes also the sockets of those that ended by themselves. Those of pods that are just being made are younger than the containerd that makes them, and the directory that they run in is there:
    /// a program that an earlier one left may start its shim at any time, but in a directory that the next one has removed.
    func endStrayShims() async {
        ShimSockets.removeDead()
        guard let engine = runningProcess(), let began = ProcessTable.startTime(of: engine) else { return }
        let shims = self.shims()
        let homeless = shims.filter { ProcessTable.isDirectoryGone(of: $0) }
        let older = shims.filter { ProcessTable.startTime(of: $0).map { $0 < began } ?? false }
        if homeless.isEmpty, older.isEmpty { return }
        do {
            let sandboxes = try await client.runtime.listPodSandbox(CRIListPodSandboxRequest(), options: .within(.seconds(30)))
            let containers = try await client.runtime.listContainers(CRIListContainersRequest(), options: .within(.seconds(30)))
            let known = Set(sandboxes.items.map(\.id) + containers.containers.map(\.id))
            for pid in Set(older + homeless) {
                let arguments = ProcessTable.arguments(of: pid)
                guard let place = arguments.firstIndex(of: "-id"), arguments.indices.contains(place + 1) else { continue }
                let id = arguments[place + 1]
                guard !known.contains(id) else { continue }
                Healings.process.note(.shims)
                logger.info("ended a shim that nobody knows of", metadata: ["sandbox": "\(id)"])
                kill(pid, SIGKILL)
                for group in groups(of: id) {
                    await Cgroups.killAll(in: group)
                    await Cgroups.remove(group)
                    // The pod's, which may be gone already: a group with others in it stays.
                    for directory in Cgroups.existing(String(group.prefix(upTo: group.lastIndex(of: "/") ?? group.endIndex))) {
                        rmdir(directory)
                    }
                }
                client.removeShimSocket(of: id)
            }
        } catch {
            logger.warning("shims could not be looked through", metadata: ["error": "\(error)"])
        }
    }

    /// The control groups of a container, of whichever pod it is.
    private func groups(of id: String) -> [String] {
        let suffixes = ["/\(id)", "/cri-containerd-\(id).scope"]
        return cgroups.flatMap { top in
            Set(Cgroups.existing(top).flatMap { File.names(in: $0) }).flatMap { pod in suffixes.map { "\(top)/\(pod)\($0)" } }
        }.filter { !Cgroups.existing($0).isEmpty }
    }

    /// Nothing else is ever removed, whatever somebody has put there.
    private static func isUID(_ text: String) -> Bool {
        text.utf8.count == 36 && text.allSatisfy { $0.isHexDigit || $0 == "-" }
    }
}
