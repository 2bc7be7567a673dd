/// systemd's slices: where containers' cgroups are when systemd manages them. It makes a slice with the first container in it, and keeps
/// it when the last one has ended, so whoever had it made must have it stopped.
struct Slice: Sendable, Equatable {
    /// The unit, `a-b.slice`.
    let unit: String

    /// - Parameter names: of the slices from the top to this one; `-` separates them in the unit's name, so it is `_` within them.
    init(_ names: String...) {
        unit = names.map { String($0.map { $0 == "-" ? "_" : $0 }) }.joined(separator: "-") + ".slice"
    }

    /// The cgroup: every part of the name that a `-` ends is a slice around it (systemd.slice(5)).
    var path: String {
        var path = ""
        var name = ""
        for part in unit.dropLast(".slice".count).split(separator: "-") {
            name += name.isEmpty ? part : "-\(part)"
            path += "/\(name).slice"
        }
        return path
    }

    /// Has systemd stop the slice with all that is in it, and removes what is left of its cgroup; nothing when there is none.
    func remove() async throws {
        guard !Cgroups.existing(path).isEmpty else { return }
        if let systemctl = Program.find("systemctl"), File.exists("/run/systemd/system") {
            try await Program.run(systemctl, ["stop", "--quiet", unit])
        }
        await Cgroups.remove(path)
    }
}
