import Foundation
import NIOCore

/// The resolvers that the host itself uses.
struct ResolverConfiguration: Sendable {
    var servers: [SocketAddress]

    /// From the text of `/etc/resolv.conf`: its first three name servers, as the C library takes them.
    /// - Parameter excluded: ranges whose addresses are our own doing, so that no question comes back to us.
    init(parsing text: String, excluding excluded: [IPRange] = [], port: Int = 53) {
        servers = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver" else { continue }
            if let address = IPAddress(words[1]), excluded.contains(where: { $0.contains(address) }) { continue }
            do {
                servers.append(try SocketAddress(ipAddress: String(words[1]), port: port))
            } catch {
                // A line that the C library would skip too, such as an IPv6 address with a zone.
                continue
            }
        }
        servers = Array(servers.prefix(3))
    }

    /// - Throws: when the file can't be read.
    init(path: String, excluding excluded: [IPRange]) throws {
        self.init(parsing: try String(contentsOfFile: path, encoding: .utf8), excluding: excluded)
    }
}
