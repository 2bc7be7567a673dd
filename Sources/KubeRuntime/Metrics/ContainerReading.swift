import Glibc

/// What the kernel has counted for a container's control group.
public struct ContainerReading: Sendable, Equatable {
    /// Processor time since the container began, in nanoseconds.
    public var processorNanoseconds: UInt64
    /// Memory in use, without what the kernel would drop first: the working set, in bytes.
    public var workingSet: UInt64
    /// All memory in use, in bytes.
    public var memory: UInt64
    /// Of that what isn't a file's: the resident set, in bytes.
    public var residentSet: UInt64
    /// Since the container began.
    public var pageFaults: UInt64
    public var majorPageFaults: UInt64

    /// Reads a container's counters; nil when it has ended.
    ///
    /// - Parameters:
    ///   - group: the control group's path, as `/sampan-x/podUID/ID`.
    ///   - root: where control groups are mounted.
    static func read(_ group: String, root: String = "/sys/fs/cgroup") -> ContainerReading? {
        if File.exists("\(root)/cgroup.controllers") {
            let directory = root + group
            guard let usage = values(in: "\(directory)/cpu.stat")["usage_usec"],
                let memory = number("\(directory)/memory.current")
            else { return nil }
            return ContainerReading(
                processorNanoseconds: usage &* 1000, memory: memory, values(in: "\(directory)/memory.stat"), prefix: "",
                resident: "anon")
        }
        let (processor, memory) = ("\(root)/cpuacct\(group)/cpuacct.usage", "\(root)/memory\(group)")
        guard let usage = number(processor), let used = number("\(memory)/memory.usage_in_bytes") else { return nil }
        return ContainerReading(
            processorNanoseconds: usage, memory: used, values(in: "\(memory)/memory.stat"), prefix: "total_", resident: "rss")
    }

    /// Tells a control group from one that was of the same path before.
    static func identity(of group: String, root: String = "/sys/fs/cgroup") -> UInt64? {
        var facts = stat()
        let directory = File.exists("\(root)/cgroup.controllers") ? root + group : "\(root)/cpuacct\(group)"
        return stat(directory, &facts) == 0 ? UInt64(facts.st_ino) : nil
    }

    private init(
        processorNanoseconds: UInt64, memory: UInt64, _ details: [Substring: UInt64], prefix: String, resident: String
    ) {
        func detail(_ name: String) -> UInt64 { details[(prefix + name)[...]] ?? 0 }
        self.processorNanoseconds = processorNanoseconds
        self.memory = memory
        workingSet = memory - min(memory, detail("inactive_file"))
        residentSet = detail(resident)
        pageFaults = detail("pgfault")
        majorPageFaults = detail("pgmajfault")
    }

    private static func number(_ path: String) -> UInt64? {
        do { return UInt64(try File.text(path).trimmed) } catch { return nil }  // the container has ended meanwhile
    }

    /// Numbers after words, one to a line.
    private static func values(in path: String) -> [Substring: UInt64] {
        let text: String
        do { text = try File.text(path) } catch { return [:] }  // as above
        var values: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = UInt64(words[1]) { values[words[0]] = number }
        }
        return values
    }
}
