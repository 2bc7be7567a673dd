import HTTPTypes
import KubeObject
import KubeRegistry
import Testing

@testable import KubeAPI

struct PortForwardTests {
    private let portForward = PortForward(
        forward: { port, source, sink in
            switch port {
            case 7:
                for try await bytes in source { try await sink.write(bytes) }
                await sink.finish()
            case 9:
                // Talks on after the client's end.
                var count = 0
                for try await bytes in source { count += bytes.count }
                try await sink.write(Array("got \(count)".utf8))
                await sink.finish()
            case 11: throw PortForwardFailure("nothing listens at 11")
            default: throw StatusError.badRequest("no")
            }
        }, pod: ("p", "u"))

    private func run(_ body: (FakeTransport, SPDYPeer) async throws -> Void) async throws {
        let transport = FakeTransport()
        let portForward = self.portForward
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await portForward.run(transport) }
            try await body(transport, SPDYPeer())
            transport.hangUp()
            try await group.waitForAll()
        }
    }

    private func pair(_ peer: SPDYPeer, first: UInt32, port: Int, request: String?) throws -> [UInt8] {
        var headers = [("port", "\(port)")]
        if let request { headers.append(("requestID", request)) }
        return try peer.open(first, headers + [("streamType", "error")], flags: SPDYFrame.finFlag)
            + peer.open(first + 2, headers + [("streamType", "data")])
    }

    @Test(arguments: ["0", nil]) func movesBytesBothWays(request: String?) async throws {
        try await run { transport, peer in
            await transport.say(try pair(peer, first: 1, port: 7, request: request))
            await transport.say(SPDYPeer.data(3, "ping"))
            try await transport.until { $0.output(3).text == "ping" }
            await transport.say(SPDYPeer.data(3, "pong", isLast: true))
            try await transport.until { $0.output(3).isFinished && $0.output(1).isFinished }
            #expect(transport.output(3).text == "pingpong")
            #expect(transport.output(1).text == "")
            // Each stream was taken before anything was sent on it.
            let first = transport.frames.firstIndex { $0.kind == nil }
            #expect(transport.frames.prefix(first ?? 0).map(\.kind) == [2, 2])
        }
    }

    @Test func anEndOneWayLeavesTheOther() async throws {
        try await run { transport, peer in
            await transport.say(try pair(peer, first: 1, port: 9, request: "0"))
            await transport.say(SPDYPeer.data(3, "12345", isLast: true))
            try await transport.until { $0.output(3).isFinished }
            #expect(transport.output(3).text == "got 5")
        }
    }

    @Test(arguments: [(11, "nothing listens at 11"), (12, "error forwarding port 12 to pod p, uid u: ")])
    func failuresAreToldOnTheErrorStream(port: Int, text: String) async throws {
        try await run { transport, peer in
            await transport.say(try pair(peer, first: 1, port: port, request: "0"))
            try await transport.until { $0.output(1).isFinished }
            #expect(transport.output(1).text.hasPrefix(text))
        }
    }

    @Test func manyConnectionsAtOnce() async throws {
        try await run { transport, peer in
            for number in 0..<200 {
                let first = UInt32(4 * number + 1)
                await transport.say(
                    try pair(peer, first: first, port: 7, request: "\(number)")
                        + SPDYPeer.data(first + 2, "text \(number)", isLast: true))
            }
            try await transport.until { transport in (0..<200).allSatisfy { transport.output(UInt32(4 * $0 + 3)).isFinished } }
            for number in 0..<200 { #expect(transport.output(UInt32(4 * number + 3)).text == "text \(number)") }
        }
    }

    @Test func aResetEndsItsConnectionOnly() async throws {
        try await run { transport, peer in
            await transport.say(try pair(peer, first: 1, port: 7, request: "0"))
            await transport.say(try pair(peer, first: 5, port: 7, request: "1"))
            await transport.say(SPDYFrame.reset(3, .cancel))
            try await transport.until { $0.output(1).isFinished }
            await transport.say(SPDYPeer.data(7, "still", isLast: true))
            try await transport.until { $0.output(7).isFinished }
            #expect(transport.output(7).text == "still")
        }
    }

    @Test(arguments: [
        [("streamType", "data")], [("streamType", "data"), ("port", "0")], [("streamType", "data"), ("port", "65536")],
        [("streamType", "stdin"), ("port", "80")], [("port", "80")],
    ])
    func unsoundStreamsAreReset(headers: [(String, String)]) async throws {
        try await run { transport, peer in
            await transport.say(try peer.open(1, headers))
            try await transport.until { !$0.frames.isEmpty }
            #expect(transport.frames.map(\.kind) == [SPDYFrame.Kind.rstStream.rawValue])
        }
    }

    @Test func aMistakeIsAnsweredWithGoAway() async throws {
        let transport = FakeTransport()
        await transport.say([0x80, 9, 0, 1, 0, 0, 0, 0])
        await #expect(throws: SPDYError.self) { try await portForward.run(transport) }
        #expect(transport.frames.map(\.kind) == [SPDYFrame.Kind.goAway.rawValue])
    }

    @Test func halvesWaitForEachOther() {
        var pairs = PortForwardPairs<String>()
        #expect(pairs.add("e", ["port": "80", "streamtype": "error"], id: "0").isFirst)
        #expect(pairs.add("f", ["port": "81", "streamtype": "error"], id: "1").pair == nil)
        let pair = pairs.add("d", ["port": "80", "streamtype": "data"], id: "0").pair
        #expect(pair?.port == 80)
        #expect(pair?.error == "e")
        #expect(pairs.expire("0") == nil)
        #expect(pairs.expire("1")?.error == "f")
        #expect(pairs.expire("1") == nil)
    }

    @Test func webSocketPortsAreChecked() throws {
        #expect(try WebSocketPortForward.ports(QueryItems("ports=80,81&ports=82")) == [80, 81, 82])
        for (query, message) in [
            ("", "query parameter \"port\" is required"), ("ports=", "query parameter \"port\" cannot be empty"),
            ("ports=0", "port \"0\" must be > 0"),
            ("ports=x", "unable to parse \"x\" as a port: strconv.ParseUint: parsing \"x\": invalid syntax"),
        ] {
            let failure = #expect(throws: StatusError.self) { try WebSocketPortForward.ports(QueryItems(query)) }
            #expect(failure?.message == message)
        }
    }

    @Test func webSocketChannelsCarryPorts() async throws {
        let session = FakeSession([.data([0] + Array("hi".utf8), isStart: true), .close])
        try await WebSocketPortForward(session: session, ports: [7, 11], portForward: portForward).run()
        let sent = session.sent
        #expect(sent.prefix(4) == [[0, 7, 0], [1, 7, 0], [2, 11, 0], [3, 11, 0]])
        #expect(sent.contains([3] + Array("nothing listens at 11".utf8)))
        #expect(session.closeCode == 1000)
    }
}
