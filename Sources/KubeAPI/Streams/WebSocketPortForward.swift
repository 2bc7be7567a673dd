import KubeObject
import KubeRegistry

/// Connections to ports that are named in advance, over a WebSocket: two channels a port, one for its data and one for errors, each
/// of which begins with the port in two bytes, the lower first.
/// Source: k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go
struct WebSocketPortForward: Sendable {
    /// The port's number is one byte, and there are two channels a port.
    static let maximumPorts = 128

    let session: any WebSocketSession
    let ports: [UInt16]
    let portForward: PortForward

    /// The ports of a query, as `ports=80,81&ports=82`.
    static func ports(_ query: QueryItems) throws(StatusError) -> [UInt16] {
        let texts = query.all("port") + query.all("ports")
        guard !texts.isEmpty else { throw .badRequest("query parameter \"port\" is required") }
        var ports: [UInt16] = []
        for text in texts {
            guard !text.isEmpty else { throw .badRequest("query parameter \"port\" cannot be empty") }
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let port = UInt16(part) else {
                    throw .badRequest(
                        "unable to parse \"\(text)\" as a port: strconv.ParseUint: parsing \"\(part)\": invalid syntax")
                }
                guard port > 0 else { throw .badRequest("port \"\(text)\" must be > 0") }
                ports.append(port)
            }
        }
        guard ports.count <= self.maximumPorts else { throw .badRequest("more than \(self.maximumPorts) ports") }
        return ports
    }

    /// Returns when all connections have ended, or the client has closed.
    func run() async throws {
        let budget = ByteBudget(limit: 1 << 20)
        let inputs = self.ports.map { _ in ByteHandoff(limit: .max, budget: budget) }
        for (index, port) in self.ports.enumerated() {
            let bytes = [UInt8(truncatingIfNeeded: port), UInt8(truncatingIfNeeded: port >> 8)]
            for channel in [2 * index, 2 * index + 1] { try await self.sink(channel).write(bytes) }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.read(to: inputs, budget) }
            group.addTask {
                await withTaskGroup(of: Void.self) { connections in
                    for (index, port) in self.ports.enumerated() {
                        connections.addTask { await self.connect(index, port, inputs[index]) }
                    }
                }
            }
            await group.next()
            group.cancelAll()
        }
        try await self.session.close(code: 1000, reason: "")
    }

    private func connect(_ index: Int, _ port: UInt16, _ input: ByteHandoff) async {
        do {
            try await self.portForward.forward(port, input, self.sink(2 * index))
        } catch {
            do {
                try await self.sink(2 * index + 1).write(Array(self.portForward.message(error, port: port).utf8))
            } catch {
                // The client is gone.
            }
        }
        input.discard()
    }

    private func read(to inputs: [ByteHandoff], _ budget: ByteBudget) async {
        var current: ByteHandoff?
        do {
            while case .data(var bytes, let isStart) = try await self.session.receive() {
                if isStart {
                    guard let channel = bytes.first.map(Int.init) else { continue }
                    bytes.removeFirst()
                    current = channel % 2 == 0 && inputs.indices.contains(channel / 2) ? inputs[channel / 2] : nil
                }
                await current?.give(bytes)
                await budget.waitForRoom()
            }
        } catch {
            // The client is gone: the same as its close.
        }
        for input in inputs { input.finish() }
    }

    private func sink(_ channel: Int) -> ChannelSink {
        ChannelSink(session: self.session, channel: UInt8(truncatingIfNeeded: channel))
    }
}
