/// The directories of an overlay mount, as the kernel's table of mounts tells them.
struct OverlayLayers: Equatable {
    /// The uppermost first.
    var lower: [String]
    var upper: String
    var work: String

    /// - Parameters:
    ///   - table: `/proc/self/mountinfo`.
    ///   - mountPoint: the last mount there is meant.
    /// - Returns: nil when there's none, or it isn't an overlay that can be written.
    init?(in table: String, at mountPoint: String) {
        let line = table.split(separator: "\n").last { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count > 4 && Mounts.unescape(fields[4]) == mountPoint
        }
        guard let fields = line?.split(separator: " "), let dash = fields.firstIndex(of: "-"), fields.count > dash + 3,
            fields[dash + 1] == "overlay"
        else { return nil }
        var options: [Substring: String] = [:]
        for option in fields[dash + 3].split(separator: ",") {
            let parts = option.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { options[parts[0]] = Mounts.unescape(parts[1]) }
        }
        guard let lower = options["lowerdir"], let upper = options["upperdir"], let work = options["workdir"] else { return nil }
        // With many layers containerd gives them relative to its directory of snapshots, which is where the upper one is too.
        let snapshots = upper.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        self.lower = lower.split(separator: ":").map { $0.hasPrefix("/") ? String($0) : "\(snapshots)/\($0)" }
        self.upper = upper
        self.work = work
    }
}
