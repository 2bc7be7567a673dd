/// What the kernel has counted for a container's control group.
struct ContainerReading: Sendable, Equatable {
    /// Processor time since the container began, in nanoseconds.
    var processorNanoseconds: UInt64
    /// Memory in use, without what the kernel would drop first: the working set, in bytes.
    var workingSet: UInt64

    /// Reads a container's counters; nil when it has ended.
    ///
    /// - Parameters:
    ///   - group: the control group's path, as `/sampan-x/podUID/ID`.
    ///   - root: where control groups are mounted.
    static func read(_ group: String, root: String = "/sys/fs/cgroup") -> ContainerReading? {
        if File.exists("\(root)/cgroup.controllers") {
            let directory = root + group
            guard let usage = value("usage_usec", in: "\(directory)/cpu.stat"), let memory = number("\(directory)/memory.current")
            else { return nil }
            return ContainerReading(
                processorNanoseconds: usage &* 1000, memory: memory,
                inactive: value("inactive_file", in: "\(directory)/memory.stat"))
        }
        let (processor, memory) = ("\(root)/cpuacct\(group)/cpuacct.usage", "\(root)/memory\(group)")
        guard let usage = number(processor), let used = number("\(memory)/memory.usage_in_bytes") else { return nil }
        return ContainerReading(
            processorNanoseconds: usage, memory: used, inactive: value("total_inactive_file", in: "\(memory)/memory.stat"))
    }

    private init(processorNanoseconds: UInt64, memory: UInt64, inactive: UInt64?) {
        self.processorNanoseconds = processorNanoseconds
        workingSet = memory - min(memory, inactive ?? 0)
    }

    private static func number(_ path: String) -> UInt64? {
        do { return UInt64(try File.text(path).trimmed) } catch { return nil }  // the container has ended meanwhile
    }

    /// The number after a word, one to a line.
    private static func value(_ name: String, in path: String) -> UInt64? {
        let text: String
        do { text = try File.text(path) } catch { return nil }  // as above
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == name { return UInt64(words[1]) }
        }
        return nil
    }
}
