internal import GRPCCore
import Glibc
import Logging
internal import SwiftProtobuf

extension ContainerEngine {
    /// Ends all pods and containerd itself, and takes back everything they made on the system: processes, mounts, network namespaces,
    /// addresses, cgroups. Images, pods' volumes and logs stay on disk. Works with whatever is left of an instance, and may be repeated.
    public func stopAll() async throws {
        if runningProcess() != nil {
            await removeSandboxes()
        }
        if let pid = runningProcess() {
            kill(pid, SIGTERM)
            if !(await ProcessTable.waitForEnd(of: [pid], limit: .seconds(10))) {
                kill(pid, SIGKILL)
                _ = await ProcessTable.waitForEnd(of: [pid], limit: .seconds(5))
            }
        }
        let shims = self.shims()
        for pid in shims { kill(pid, SIGKILL) }
        _ = await ProcessTable.waitForEnd(of: shims, limit: .seconds(5))
        for cgroup in cgroups { await Cgroups.killAll(in: cgroup) }
        ShimSockets.removeDead()
        rmdir(UserNamespaceBundle.root(in: paths.userNamespaceMounts))
        rmdir(paths.userNamespaceMounts)
        Mounts.unmountAll(below: paths.state)
        Mounts.unmountAll(below: paths.root)
        Mounts.unmountAll(below: paths.pods)
        File.removeTree(paths.state)
        File.removeTree(paths.ipam)
        File.removeTree(paths.streams)
        for name in [paths.socket, paths.socket + ".ttrpc", paths.pidFile] { unlink(name) }
        for name in cachedNetworkResults() { unlink(name) }
        try await paths.slice.remove()
        await Cgroups.remove(paths.cgroup)
    }

    /// Where pods' cgroups may be: systemd may have managed them or not, whatever is so now.
    var cgroups: [String] { [paths.cgroup, paths.slice.path] }

    /// What of this instance is still on the system; empty after ``stopAll()``.
    public func leftovers() -> [String] {
        var found: [String] = []
        if let pid = runningProcess() { found.append("process \(pid): containerd") }
        found += shims().map { "process \($0): a container's shim" }
        found += Mounts.below(paths.home).map { "mount \($0)" }
        found += Mounts.below(paths.pods).map { "mount \($0)" }
        found += cgroups.flatMap(Cgroups.existing).map { "cgroup \($0)" }
        found += File.names(in: "\(paths.ipam)/\(paths.networkName)").filter { $0.first?.isNumber == true }.map {
            "pod address \($0)"
        }
        found += cachedNetworkResults().map { "network state \($0)" }
        return found
    }

    private func removeSandboxes() async {
        do {
            let list = try await client.runtime.listPodSandbox(CRIListPodSandboxRequest(), options: .within(.seconds(10)))
            await withDiscardingTaskGroup { group in
                for sandbox in list.items {
                    group.addTask {
                        do {
                            try await self.client.removeSandbox(sandbox.id, limit: .seconds(30))
                        } catch {
                            self.logger.warning(
                                "a pod could not be removed in order: its processes will be killed",
                                metadata: ["pod": "\(sandbox.metadata.namespace)/\(sandbox.metadata.name)", "error": "\(error)"])
                        }
                    }
                }
            }
        } catch {
            logger.warning("containerd doesn't answer: its containers will be killed", metadata: ["error": "\(error)"])
        }
    }

    /// The shims of our containerd: their arguments name its socket.
    func shims() -> [pid_t] {
        ProcessTable.processes { arguments in
            arguments.first?.hasSuffix("containerd-shim-runc-v2") == true && arguments.contains(paths.socket)
        }
    }

    /// The CNI library keeps results here, whatever one says; ours name a network namespace in our state directory.
    private func cachedNetworkResults() -> [String] {
        File.names(in: "/var/lib/cni/results").map { "/var/lib/cni/results/\($0)" }.filter { path in
            guard let text = try? File.text(path) else { return false }  // removed just now
            return text.contains("\"\(paths.state)/")
        }
    }
}
