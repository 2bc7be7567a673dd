import Testing

@testable import KubeAPI

struct SPDYConnectionTests {
    /// A connection's life: two streams, data, a ping, an end, a reset.
    private func conversation() throws -> [UInt8] {
        let peer = SPDYPeer()
        var bytes = try peer.open(1, [("streamType", "error"), ("port", "80")])
        bytes += try peer.open(3, [("streamType", "data"), ("port", "80")])
        bytes += SPDYPeer.data(3, "hello")
        bytes += SPDYFrame.control(.ping, [0, 0, 0, 7])
        bytes += SPDYPeer.data(3, " world", isLast: true)
        bytes += SPDYFrame.control(.settings, [0, 0, 0, 0])
        bytes += SPDYFrame.control(.windowUpdate, [0, 0, 0, 3, 0, 1, 0, 0])
        bytes += SPDYFrame.reset(1, .cancel)
        bytes += SPDYFrame.goAway(lastStream: 0, isError: false)
        return bytes
    }

    /// Events with neighbouring data joined, as the cut of the bytes decides their number.
    private func joined(_ events: [SPDYConnection.Event]) -> [SPDYConnection.Event] {
        events.reduce(into: []) { result, event in
            if case .data(let id, let more) = event, case .data(id, let before)? = result.last {
                result[result.count - 1] = .data(id, before + more)
            } else {
                result.append(event)
            }
        }
    }

    private let expected: [SPDYConnection.Event] = [
        .opened(1, headers: ["streamtype": "error", "port": "80"]), .opened(3, headers: ["streamtype": "data", "port": "80"]),
        .data(3, Array("hello".utf8)), .data(3, Array(" world".utf8)), .finished(3), .reset(1), .goAway,
    ]

    @Test func readsWholeConversations() throws {
        var connection = SPDYConnection()
        #expect(try connection.receive(conversation()) == expected)
        #expect(connection.takeOutput() == SPDYFrame.control(.ping, [0, 0, 0, 7]))
        #expect(connection.takeOutput() == [])
        // Our side of stream 3 is still open.
        #expect(connection.openStreams == 1)
        #expect(connection.data(3, [1], isLast: true) == [0, 0, 0, 3, 1, 0, 0, 1, 1])
        #expect(connection.openStreams == 0)
        #expect(connection.data(3, [1], isLast: false) == nil)
    }

    @Test(arguments: [1, 2, 3, 7, 8, 9, 13, 64]) func anyCutIsRead(size: Int) throws {
        let bytes = try conversation()
        var connection = SPDYConnection()
        var events: [SPDYConnection.Event] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += try connection.receive(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(joined(events) == joined(expected))
    }

    @Test func anEarlyEndIsNoError() throws {
        let bytes = try conversation()
        for count in bytes.indices {
            var connection = SPDYConnection()
            let events = joined(try connection.receive(Array(bytes[..<count])))
            #expect(events.count <= expected.count)
        }
    }

    @Test func theDictionaryIsTheProtocols() throws {
        // The checksum of the dictionary is in the third to sixth byte of a stream.
        #expect(try HeaderDeflater().deflate([0, 0, 0, 0])[2..<6] == [0xe3, 0xc6, 0xa7, 0xc2])
        #expect(SPDYDictionary.bytes.count == 1423)
    }

    @Test func compressionGoesOnFromBlockToBlock() throws {
        let deflater = HeaderDeflater()
        let inflater = HeaderInflater()
        for number in 0..<50 {
            let block = SPDYHeaders.encode([(name: "streamtype", value: "data"), (name: "requestid", value: "\(number)")])
            #expect(try inflater.inflate(try deflater.deflate(block), limit: 100) == block)
        }
    }

    @Test func bombsDoNotExplode() throws {
        let bomb = try HeaderDeflater().deflate([UInt8](repeating: 0, count: 4 << 20))
        var connection = SPDYConnection(limits: .init(controlFrame: 1 << 20))
        let frame = SPDYFrame.control(.synStream, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + bomb)
        #expect(throws: SPDYError.headers("a block of headers becomes larger than 16384 bytes")) {
            try connection.receive(frame)
        }
    }

    struct Hostile: CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var testDescription: String { name }
    }

    private static func hostile() throws -> [Hostile] {
        func block(_ bytes: [UInt8]) throws -> [UInt8] { try SPDYPeer().open(1, block: bytes) }
        return [
            Hostile(name: "HTTP", bytes: [0x80] + Array("GET / HTTP/1.1".utf8)),
            Hostile(name: "another version", bytes: [0x80, 2, 0, 1, 0, 0, 0, 10]),
            Hostile(name: "a large control frame", bytes: [0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
            Hostile(name: "a large unknown frame", bytes: [0x80, 3, 0, 99, 0, 0xff, 0xff, 0xff]),
            Hostile(name: "a short SYN_STREAM", bytes: SPDYFrame.control(.synStream, [0, 0, 0, 1])),
            Hostile(name: "a short RST_STREAM", bytes: SPDYFrame.control(.rstStream, [0, 0, 0, 1])),
            Hostile(name: "an empty PING", bytes: SPDYFrame.control(.ping, [])),
            Hostile(name: "no compression", bytes: SPDYFrame.control(.synStream, [UInt8](repeating: 0, count: 40))),
            Hostile(name: "an empty block", bytes: SPDYFrame.control(.synStream, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
            Hostile(name: "names without end", bytes: try block([0xff, 0xff, 0xff, 0xff])),
            Hostile(name: "a name without end", bytes: try block([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])),
            Hostile(name: "an empty name", bytes: try block([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])),
            Hostile(name: "upper case", bytes: try block([0, 0, 0, 1, 0, 0, 0, 1, 65, 0, 0, 0, 0])),
            Hostile(
                name: "a name twice", bytes: try block([0, 0, 0, 2, 0, 0, 0, 1, 97, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 0, 0])),
            Hostile(name: "bytes left over", bytes: try block([0, 0, 0, 0, 1])),
            Hostile(name: "the server's stream id", bytes: try SPDYPeer().open(2, [])),
            Hostile(name: "stream 0", bytes: try SPDYPeer().open(0, [])),
        ]
    }

    @Test(arguments: try SPDYConnectionTests.hostile()) func mistakesEndTheConnection(_ hostile: Hostile) {
        var connection = SPDYConnection()
        #expect(throws: SPDYError.self) { try connection.receive(hostile.bytes) }
    }

    @Test func idsOnlyGrow() throws {
        let peer = SPDYPeer()
        var connection = SPDYConnection()
        _ = try connection.receive(try peer.open(5, []))
        let again = try peer.open(5, [])
        #expect(throws: SPDYError.self) { try connection.receive(again) }
    }

    @Test func dataForOtherStreams() throws {
        let peer = SPDYPeer()
        var connection = SPDYConnection()
        #expect(try connection.receive(SPDYPeer.data(7, "for nobody")) == [])
        #expect(connection.takeOutput() == SPDYFrame.reset(7, .invalidStream))
        _ = try connection.receive(try peer.open(1, []))
        #expect(connection.reset(1, .cancel) == SPDYFrame.reset(1, .cancel))
        // It may have been on its way.
        #expect(try connection.receive(SPDYPeer.data(1, "late", isLast: true)) == [])
        #expect(connection.takeOutput() == [])
        _ = try connection.receive(try peer.open(3, [], flags: SPDYFrame.finFlag))
        #expect(try connection.receive(SPDYPeer.data(3, "after its end")) == [.reset(3)])
        #expect(connection.takeOutput() == SPDYFrame.reset(3, .protocolError))
    }

    @Test func tooManyStreamsAreRefused() throws {
        let peer = SPDYPeer()
        var connection = SPDYConnection(limits: .init(streams: 2))
        for id: UInt32 in [1, 3] { #expect(try connection.receive(try peer.open(id, [])).count == 1) }
        #expect(try connection.receive(try peer.open(5, [])) == [])
        #expect(connection.takeOutput() == SPDYFrame.reset(5, .refusedStream))
        _ = connection.reset(1, .cancel)
        #expect(try connection.receive(try peer.open(7, [])) == [.opened(7, headers: [:])])
    }

    /// A hundred thousand broken conversations: each ends in events or an error.
    @Test func brokenBytesDoNoHarm() throws {
        let whole = try conversation()
        var numbers = SeededNumbers(state: 31)
        for _ in 0..<100_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                switch Int.random(in: 0..<4, using: &numbers) {
                case 0: bytes[Int.random(in: bytes.indices, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
                case 1: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &numbers))
                case 2:
                    bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: Int.random(in: bytes.indices, using: &numbers))
                default:
                    let start = Int.random(in: bytes.indices, using: &numbers)
                    bytes.removeSubrange(start..<min(bytes.count, start + 4))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            var connection = SPDYConnection()
            do {
                #expect(try connection.receive(bytes).count < 64)
            } catch {
                // A mistake was found, as it may be.
            }
            #expect(connection.takeOutput().count <= 2 * bytes.count + 16)
        }
    }
}
