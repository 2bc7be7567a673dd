import Foundation

/// The host's routes, as far as they lead to pods.
enum HostRoutes {
    /// The interface that the route to just this address leads to: the host's end of the pod's cable.
    /// - Returns: nil when there's no such route.
    static func interface(to address: IPAddress) throws -> InterfaceName? {
        interface(to: address, in: try KernelFile.text("/proc/net/route"))
    }

    /// - Parameter table: as in `/proc/net/route`: after a heading, lines of name, destination, gateway, flags, reference
    ///   count, use, metric and mask; addresses in hexadecimal, of the machine's byte order.
    static func interface(to address: IPAddress, in table: String) -> InterfaceName? {
        for line in table.split(separator: "\n").dropFirst() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 8, words[7] == "FFFFFFFF", let destination = UInt32(words[1], radix: 16) else { continue }
            if IPAddress(number: UInt32(bigEndian: destination)) == address { return InterfaceName(String(words[0])) }
        }
        return nil
    }

    /// Whether there's such an interface now.
    static func exists(_ interface: InterfaceName) -> Bool {
        FileManager.default.fileExists(atPath: "/sys/class/net/\(interface)")
    }
}
