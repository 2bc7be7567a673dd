import Foundation

/// Settings of the kernel that the pod network needs.
enum HostSettings {
    private static let forwarding = "/proc/sys/net/ipv4/ip_forward"

    /// Makes the host a router for IPv4, as CNI's `ptp` does too. It's left so: others may have come to depend on it.
    /// - Returns: whether it wasn't one before.
    @discardableResult
    static func enableForwarding() throws -> Bool {
        let before = try KernelFile.text(forwarding)
        guard before.first != "1" else { return false }
        try "1\n".write(toFile: forwarding, atomically: false, encoding: .utf8)
        return true
    }

    /// Makes the host a router for IPv6 too, with router advertisements taken as before: a router takes them only where it's told to
    /// (`accept_ra` 2).
    /// - Returns: whether it wasn't one before.
    @discardableResult
    static func enableForwardingSix() throws -> Bool {
        let forwarding = "\(settingsSix)/all/forwarding"
        let before = try KernelFile.text(forwarding)
        guard before.first != "1" else { return false }
        for interface in try FileManager.default.contentsOfDirectory(atPath: settingsSix).sorted() where interface != "all" {
            let path = "\(settingsSix)/\(interface)/accept_ra"
            // An interface may be gone by now.
            guard FileManager.default.fileExists(atPath: path), try KernelFile.text(path).first == "1" else { continue }
            // What is made from here on (pods' cables) isn't to take any.
            guard interface != "default" else { continue }
            try "2\n".write(toFile: path, atomically: false, encoding: .utf8)
        }
        try "1\n".write(toFile: forwarding, atomically: false, encoding: .utf8)
        return true
    }

    private static let settingsSix = "/proc/sys/net/ipv6/conf"

    /// Whether this machine has IPv6 at all.
    static var hasSix: Bool { FileManager.default.fileExists(atPath: "\(settingsSix)/all/forwarding") }

    /// Lets what the host sends from `127.0.0.1` be sent on to a pod. What comes by the pod's cable for such an address is dropped before
    /// that could matter.
    static func routeLoopback(to interface: InterfaceName) throws {
        let path = "/proc/sys/net/ipv4/conf/\(interface)/route_localnet"
        guard try KernelFile.text(path).first != "1" else { return }
        try "1\n".write(toFile: path, atomically: false, encoding: .utf8)
    }
}
