import Glibc

/// What the machine lets a container engine do, read once at the start.
public struct MachineFacts: Sendable, Equatable {
    public enum CgroupVersion: String, Sendable { case v1, v2 }

    /// CAP_SYS_RESOURCE is there: a container's OOM score may be lower than our own.
    public var maySetAnyOOMScore: Bool
    /// `overlayfs`, or `native` (copies) where the data directory's file system can't carry an overlay.
    public var snapshotter: String
    /// cgroups are managed by systemd (it runs, and there is only the unified hierarchy).
    public var usesSystemdCgroups: Bool
    public var cgroups: CgroupVersion
    /// The path of gVisor's `runsc`, where it is installed.
    public var runsc: String?
    /// Pods may have user namespaces of their own.
    public var translatesUsers: Bool
    /// The kernel enforces AppArmor's profiles.
    public var enforcesAppArmor: Bool

    public init(
        maySetAnyOOMScore: Bool, snapshotter: String, usesSystemdCgroups: Bool, cgroups: CgroupVersion, runsc: String? = nil,
        translatesUsers: Bool = false, enforcesAppArmor: Bool = false
    ) {
        self.maySetAnyOOMScore = maySetAnyOOMScore
        self.snapshotter = snapshotter
        self.usesSystemdCgroups = usesSystemdCgroups
        self.cgroups = cgroups
        self.runsc = runsc
        self.translatesUsers = translatesUsers
        self.enforcesAppArmor = enforcesAppArmor
    }

    /// Reads the facts; `directory` is where containerd's root will be, and must exist.
    public static func read(directory: String) -> MachineFacts {
        let cgroups: CgroupVersion = File.exists("/sys/fs/cgroup/cgroup.controllers") ? .v2 : .v1
        let overlays = canOverlay(in: directory)
        return MachineFacts(
            maySetAnyOOMScore: hasCapability(24), snapshotter: overlays ? "overlayfs" : "native",
            usesSystemdCgroups: cgroups == .v2 && File.exists("/run/systemd/system"), cgroups: cgroups,
            runsc: Program.find("runsc"), translatesUsers: overlays && IDMappedMounts.work(in: directory),
            enforcesAppArmor: AppArmor.isEnforced)
    }

    /// Whether the effective capabilities of this process have bit `number`.
    static func hasCapability(_ number: Int) -> Bool {
        guard let status = try? File.text("/proc/self/status") else { return false }
        for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
            let bits = UInt64(line.dropFirst(7).trimmingPrefix(while: \.isWhitespace), radix: 16) ?? 0
            return bits & (1 << UInt64(number)) != 0
        }
        return false
    }

    /// Tries an overlay mount, as the only honest test.
    private static func canOverlay(in directory: String) -> Bool {
        let probe = "\(directory)/.overlay-probe-\(getpid())"
        defer { File.removeTree(probe) }
        do {
            for part in ["lower", "upper", "work", "merged"] { try File.makeDirectory("\(probe)/\(part)") }
        } catch {
            return false
        }
        let options = "lowerdir=\(probe)/lower,upperdir=\(probe)/upper,workdir=\(probe)/work"
        guard mount("overlay", "\(probe)/merged", "overlay", 0, options) == 0 else { return false }
        umount2("\(probe)/merged", Int32(2))
        return true
    }
}
