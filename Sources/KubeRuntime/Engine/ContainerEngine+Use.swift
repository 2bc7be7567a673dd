import Glibc

/// What an instance's containers take of the machine, as the kernel counts it.
public struct EngineUse: Sendable, Equatable {
    /// Processor time of containerd, the shims and what they had run, in milliseconds since each process began.
    public var engineMilliseconds: [Int32: Double]
    /// Resident memory of containerd and the shims, in kilobytes.
    public var engineKilobytes: Int64
    /// How many pods have a shim.
    public var pods: Int
    /// Processor time of all pods there have been, in milliseconds.
    public var podMilliseconds: Double
    /// Memory of the pods' processes, without what the kernel would drop first, in kilobytes.
    public var podKilobytes: Int64
}

extension ContainerEngine {
    /// What it takes now. Processes that end meanwhile are left out.
    public func use() -> EngineUse {
        let shims = self.shims()
        var use = EngineUse(engineMilliseconds: [:], engineKilobytes: 0, pods: shims.count, podMilliseconds: 0, podKilobytes: 0)
        for pid in shims + (runningProcess().map { [$0] } ?? []) {
            guard let milliseconds = ProcessTable.processorMilliseconds(of: pid) else { continue }
            use.engineMilliseconds[pid] = milliseconds
            use.engineKilobytes += ProcessTable.residentKilobytes(of: pid) ?? 0
        }
        for group in cgroups {
            guard let reading = ContainerReading.read(group) else { continue }
            use.podMilliseconds += Double(reading.processorNanoseconds) / 1e6
            use.podKilobytes += Int64(reading.workingSet / 1024)
        }
        return use
    }

    /// A pod's control group, as `/sampan-x/podUID`.
    func group(ofPod uid: String) -> String {
        machine.usesSystemdCgroups ? paths.slice(podUID: uid).path : "\(paths.cgroup)/pod\(uid)"
    }

    /// A container's control group, as `/sampan-x/podUID/ID`.
    func group(ofPod uid: String, container id: String) -> String {
        machine.usesSystemdCgroups
            ? "\(paths.slice(podUID: uid).path)/cri-containerd-\(id).scope" : "\(paths.cgroup)/pod\(uid)/\(id)"
    }
}

extension ProcessTable {
    /// Processor time of a process and of its children that it has waited for, in milliseconds; nil when it is gone. Source: proc(5).
    static func processorMilliseconds(of pid: pid_t) -> Double? {
        guard let text = try? File.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // After the program's name, which may hold anything: state is the first field, utime the twelfth.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 14 else { return nil }
        return fields[11...14].reduce(0) { $0 + (Double($1) ?? 0) } * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Whether the directory that a process runs in was removed.
    static func isDirectoryGone(of pid: pid_t) -> Bool {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/\(pid)/cwd", &buffer, buffer.count)
        return count > 0 && buffer[..<count].map { UInt8(bitPattern: $0) }.suffix(10).elementsEqual(" (deleted)".utf8)
    }

    /// When a process began, in the kernel's ticks since the boot; nil when it is gone.
    static func startTime(of pid: pid_t) -> UInt64? {
        guard let text = try? File.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // As above; starttime is the twenty-second of all.
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    static func residentKilobytes(of pid: pid_t) -> Int64? {
        guard let text = try? File.text("/proc/\(pid)/status") else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }.flatMap { Int64($0.filter(\.isNumber)) }
    }
}
