/// Joins the two streams of each forwarded connection: one for its data, one for what goes wrong.
///
/// Clients number the connections; very old ones don't, and open the stream for errors just before the one for data.
struct PortForwardPairs<Stream: Sendable> {
    struct Pair: Sendable {
        var id: String
        var port: UInt16
        var data: Stream
        var error: Stream
    }

    private struct Half {
        var data: Stream?
        var error: Stream?
        var port: UInt16
    }

    private var halves: [String: Half] = [:]

    /// The connection that a stream belongs to.
    static func id(_ headers: [String: String], stream: UInt32) -> String {
        if let id = headers["requestid"], !id.isEmpty { return id }
        return String(headers["streamtype"] == "data" && stream > 2 ? stream - 2 : stream)
    }

    /// Whether headers say what is needed: a port of 1 to 65535, and the type of the stream.
    static func port(_ headers: [String: String]) -> UInt16? {
        guard let port = headers["port"].flatMap(UInt16.init), port > 0, ["data", "error"].contains(headers["streamtype"]) else {
            return nil
        }
        return port
    }

    /// Takes a stream; returns its pair when that is complete, and whether it is the first of its pair.
    mutating func add(_ stream: Stream, _ headers: [String: String], id: String) -> (pair: Pair?, isFirst: Bool) {
        guard let port = Self.port(headers) else { return (nil, false) }
        var half = self.halves[id] ?? Half(port: port)
        let isFirst = half.data == nil && half.error == nil
        if headers["streamtype"] == "data" {
            half.data = stream
            half.port = port
        } else {
            half.error = stream
        }
        guard let data = half.data, let error = half.error else {
            self.halves[id] = half
            return (nil, isFirst)
        }
        self.halves[id] = nil
        return (Pair(id: id, port: half.port, data: data, error: error), isFirst)
    }

    /// The half that is still alone, which is forgotten.
    mutating func expire(_ id: String) -> (data: Stream?, error: Stream?)? {
        guard let half = self.halves.removeValue(forKey: id) else { return nil }
        return (half.data, half.error)
    }
}
