import KubeObject
import KubeRegistry

/// Connections to a pod's ports over SPDY, each with a stream for data and one for errors.
/// Source: the protocol `portforward.k8s.io`, k8s.io/kubelet/pkg/cri/streaming/portforward
struct PortForward: Sendable {
    static let subprotocol = "portforward.k8s.io"
    /// How long half a pair waits for the other.
    static let pairing = Duration.seconds(30)

    /// Moves bytes to and from a port of the pod.
    let forward: @Sendable (UInt16, ByteSource, any ByteSink) async throws -> Void
    /// The pod's name and uid, for errors.
    let pod: (name: String, uid: String)

    private typealias Pairs = PortForwardPairs<SPDYStream>

    private enum Step: Sendable {
        case opened(SPDYStream)
        case expired(String)
    }

    /// Returns when the client has ended the connection.
    func run(_ transport: any ByteSession) async throws {
        let session = SPDYSession(transport)
        // No more than the session's streams ever wait here.
        let (steps, step) = AsyncStream<Step>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { step.finish() }
                try await session.run(accepts: { Pairs.port($0) != nil }, opened: { step.yield(.opened($0)) })
            }
            group.addTask {
                await withDiscardingTaskGroup { connections in
                    var pairs = Pairs()
                    for await next in steps { await self.take(next, &pairs, &connections, step) }
                    connections.cancelAll()
                }
            }
            try await group.waitForAll()
        }
    }

    private func take(
        _ next: Step, _ pairs: inout Pairs, _ connections: inout DiscardingTaskGroup, _ step: AsyncStream<Step>.Continuation
    ) async {
        switch next {
        case .opened(let stream):
            let id = Pairs.id(stream.headers, stream: stream.id)
            let added = pairs.add(stream, stream.headers, id: id)
            if let pair = added.pair {
                connections.addTask { await self.connect(pair) }
            } else if added.isFirst {
                connections.addTask {
                    do { try await Task.sleep(for: Self.pairing) } catch { return }
                    step.yield(.expired(id))
                }
            }
        case .expired(let id):
            guard let half = pairs.expire(id) else { return }
            await half.data?.reset()
            await Self.tell("(request=\(id)) timed out waiting for streams", on: half.error)
            await half.error?.close()
        }
    }

    private func connect(_ pair: Pairs.Pair) async {
        let failure = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    try await self.forward(pair.port, pair.data.input, pair.data)
                    return nil
                } catch {
                    return error
                }
            }
            group.addTask {
                await pair.data.ended.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let failure { await Self.tell(self.message(failure, port: pair.port), on: pair.error) }
        await pair.data.close()
        await pair.error.close()
    }

    func message(_ failure: any Error, port: UInt16) -> String {
        if let failure = failure as? PortForwardFailure { return failure.message }
        return "error forwarding port \(port) to pod \(self.pod.name), uid \(self.pod.uid): \(failure)"
    }

    private static func tell(_ text: String, on stream: SPDYStream?) async {
        do {
            try await stream?.write(Array(text.utf8))
        } catch {
            // The client has gone, and with it the one who would have read it.
        }
    }
}
