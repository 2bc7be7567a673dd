import Glibc

/// What has gone through a network interface since it was made.
public struct NetworkCounters: Sendable, Equatable {
    public var name: String
    public var receivedBytes: Int64
    public var receiveErrors: Int64
    public var sentBytes: Int64
    public var sendErrors: Int64
}

/// What the kernel counts for processes and their groups.
enum KernelCounters {
    /// The interfaces that a process sees, without loopback; none when it has ended.
    static func interfaces(of process: pid_t) -> [NetworkCounters] {
        do { return interfaces(try File.text("/proc/\(process)/net/dev")) } catch { return [] }  // it has ended meanwhile
    }

    /// - Parameter table: as in `/proc/PID/net/dev`: after two lines of headings, a name and, behind a colon, sixteen numbers.
    static func interfaces(_ table: String) -> [NetworkCounters] {
        table.split(separator: "\n").dropFirst(2).compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            let numbers = parts[1].split(separator: " ").map { Int64($0) ?? 0 }
            let name = parts[0].trimmed
            guard numbers.count >= 11, name != "lo" else { return nil }
            return NetworkCounters(
                name: name, receivedBytes: numbers[0], receiveErrors: numbers[2], sentBytes: numbers[8], sendErrors: numbers[10])
        }.sorted { $0.name < $1.name }
    }

    /// A process of a control group; nil when it has none.
    static func process(in group: String) -> pid_t? {
        for directory in Cgroups.existing(group) {
            guard let text = try? File.text("\(directory)/cgroup.procs") else { continue }  // the group has gone meanwhile
            if let process = text.split(separator: "\n").lazy.compactMap({ pid_t($0) }).first { return process }
        }
        return nil
    }

    /// How many processes and threads a group has, with the groups below it; nil where nobody counts them.
    static func processes(in group: String) -> Int64? {
        Cgroups.existing(group).lazy.compactMap { number("\($0)/pids.current") }.first
    }

    static func number(_ path: String) -> Int64? {
        do { return Int64(try File.text(path).trimmed) } catch { return nil }  // it isn't counted, or not any more
    }
}
