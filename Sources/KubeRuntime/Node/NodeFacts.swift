internal import Foundation
import Glibc
import KubeRegistry

/// What is true of the machine as a Kubernetes node: its size, its system, its addresses.
public struct NodeFacts: Sendable, Equatable {
    public var hostname: String
    public var cpus: Int
    /// Bytes.
    public var memory: Int64
    /// Bytes of the file system that holds the data directory.
    public var ephemeralStorage: Int64
    public var kernelVersion: String
    public var osImage: String
    public var machineID: String
    public var systemUUID: String
    public var bootID: String
    public var swap: Int64
    /// The address of the interface that has the default route, else the first that isn't loopback.
    public var internalIP: String
    /// The IPv6 address of the same interface, link-local ones apart; else the first such address of another; nil without one.
    public var internalIPv6: String?

    /// As Go names it.
    public static var architecture: String { MachineArchitecture.name }

    /// Reads this machine.
    public static func read(dataDirectory: String) -> NodeFacts {
        var name = utsname()
        uname(&name)
        func text<T>(_ field: T) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        func firstLine(_ path: String) -> String { ((try? File.text(path)) ?? "").trimmed }
        var disk = statvfs()
        let space = statvfs(dataDirectory, &disk) == 0 ? Int64(disk.f_blocks) * Int64(disk.f_frsize) : 0
        let release = keyValues((try? File.text("/etc/os-release")) ?? "", separator: "=")
        let memory = keyValues((try? File.text("/proc/meminfo")) ?? "", separator: ":")
        func bytes(_ key: String) -> Int64 { (Int64(memory[key]?.split(separator: " ").first ?? "") ?? 0) * 1024 }
        return NodeFacts(
            hostname: text(name.nodename).lowercased(), cpus: sysconf(Int32(_SC_NPROCESSORS_ONLN)), memory: bytes("MemTotal"),
            ephemeralStorage: space, kernelVersion: text(name.release), osImage: release["PRETTY_NAME"] ?? "Linux",
            machineID: firstLine("/etc/machine-id"), systemUUID: firstLine("/sys/class/dmi/id/product_uuid"),
            bootID: firstLine("/proc/sys/kernel/random/boot_id"), swap: bytes("SwapTotal"),
            internalIP: mainAddress(AF_INET) ?? "127.0.0.1", internalIPv6: mainAddress(AF_INET6))
    }

    private static func keyValues(_ text: String, separator: Character) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimmed
            values[parts[0].trimmed] =
                value.hasPrefix("\"") && value.hasSuffix("\"") ? String(value.dropFirst().dropLast()) : value
        }
        return values
    }

    private static func mainAddress(_ family: Int32) -> String? {
        let routes = (try? File.text("/proc/net/route")) ?? ""
        var interface: String?
        for line in routes.split(separator: "\n").dropFirst() where interface == nil {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            if fields.count > 2, fields[1] == "00000000" { interface = String(fields[0]) }
        }
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return nil }
        defer { freeifaddrs(first) }
        var found: String?
        var next = first
        while let entry = next {
            defer { next = entry.pointee.ifa_next }
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(family) else { continue }
            var text = [CChar](repeating: 0, count: 64)
            let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            getnameinfo(address, socklen_t(size), &text, 64, nil, 0, NI_NUMERICHOST)
            let ip = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if family == AF_INET6, ip == "::1" || ip.hasPrefix("fe80:") || ip.contains("%") { continue }
            if let interface, String(cString: entry.pointee.ifa_name) == interface { return ip }
            if found == nil || found == "127.0.0.1" { found = ip }
        }
        return found
    }
}
