import Glibc

/// Control groups by path (`/sampan-x`), in every hierarchy that is mounted: v1's, v2's, or both.
enum Cgroups {
    private static var hierarchies: [String] {
        let top = "/sys/fs/cgroup"
        if File.exists("\(top)/cgroup.controllers") { return [top] }
        return File.names(in: top).map { "\(top)/\($0)" }.filter { File.isDirectory($0) && File.exists("\($0)/cgroup.procs") }
    }

    /// The directories that exist of this group.
    static func existing(_ path: String) -> [String] { hierarchies.map { $0 + path }.filter(File.isDirectory) }

    /// What all processes of a group together may have; nil: as much as there is.
    struct Limit: Sendable, Equatable {
        /// The part of the processor time that it gets beside other groups when there is too little, as cgroup v1's shares: 2 to 262144.
        var weight: Int64?
        var memory: Int64?
        /// Microseconds of processor time in each tenth of a second.
        var processor: Int64?
        /// Processes and threads.
        var processes: Int64?

        /// What both let through.
        func union(_ other: Limit) -> Limit {
            func more(_ part: KeyPath<Limit, Int64?>) -> Int64? {
                guard let own = self[keyPath: part], let other = other[keyPath: part] else { return nil }
                return max(own, other)
            }
            return Limit(
                weight: more(\.weight), memory: more(\.memory), processor: more(\.processor), processes: more(\.processes))
        }
    }

    /// Sets a limit of a group that exists.
    static func limit(_ path: String, _ limit: Limit) throws {
        let top = "/sys/fs/cgroup"
        let isUnified = File.exists("\(top)/cgroup.controllers")
        if let weight = limit.weight {
            // v2 goes from 1 to 10000.
            let (file, value) =
                isUnified
                ? ("\(top)\(path)/cpu.weight", 1 + (weight - 2) * 9999 / 262_142) : ("\(top)/cpu\(path)/cpu.shares", weight)
            try File.writeInPlace(Array("\(value)".utf8), to: file, mode: 0o644)
        }
        if let memory = limit.memory {
            let file = isUnified ? "\(top)\(path)/memory.max" : "\(top)/memory\(path)/memory.limit_in_bytes"
            try File.writeInPlace(Array("\(memory)".utf8), to: file, mode: 0o644)
        }
        if let processor = limit.processor {
            let (file, text) =
                isUnified
                ? ("\(top)\(path)/cpu.max", "\(processor) 100000") : ("\(top)/cpu\(path)/cpu.cfs_quota_us", "\(processor)")
            try File.writeInPlace(Array(text.utf8), to: file, mode: 0o644)
        }
        if let processes = limit.processes {
            let file = isUnified ? "\(top)\(path)/pids.max" : "\(top)/pids\(path)/pids.max"
            try File.writeInPlace(Array("\(processes)".utf8), to: file, mode: 0o644)
        }
    }

    /// Kills every process in the group and below, and waits until they are gone.
    static func killAll(in path: String) async {
        for _ in 0..<50 {
            var pids: Set<pid_t> = []
            for directory in existing(path) { collect(directory, into: &pids) }
            if pids.isEmpty { return }
            for pid in pids { kill(pid, SIGKILL) }
            if !(await ProcessTable.waitForEnd(of: Array(pids), limit: .milliseconds(200))) { continue }
        }
    }

    /// Removes the group and those below it. A group with processes stays.
    static func remove(_ path: String) async {
        for directory in existing(path) {
            for attempt in 0..<20 where File.exists(directory) {
                if attempt > 0 { try? await Task.sleep(for: .milliseconds(25)) }
                removeDirectories(directory)
            }
        }
    }

    private static func removeDirectories(_ directory: String) {
        for name in File.names(in: directory) where File.isDirectory("\(directory)/\(name)") {
            removeDirectories("\(directory)/\(name)")
        }
        rmdir(directory)
    }

    private static func collect(_ directory: String, into pids: inout Set<pid_t>) {
        let text = (try? File.text("\(directory)/cgroup.procs")) ?? ""
        for line in text.split(separator: "\n") { if let pid = pid_t(line) { pids.insert(pid) } }
        for name in File.names(in: directory) where File.isDirectory("\(directory)/\(name)") {
            collect("\(directory)/\(name)", into: &pids)
        }
    }
}
