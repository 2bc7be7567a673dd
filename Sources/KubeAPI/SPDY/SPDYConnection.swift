/// The server's side of an SPDY/3.1 connection, as a state machine: bytes in, events and bytes out.
///
/// A stream is open from its SYN_STREAM until both sides have said their last, or one has reset it. What comes for a stream that
/// isn't open any more is dropped, as it may have been on its way. Flow control is the transport's: Kubernetes' clients neither
/// keep to SPDY's windows nor widen them, so they are not kept here either, and who reads slowly holds up the connection.
///
/// Source: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
package struct SPDYConnection {
    package enum Event: Equatable, Sendable {
        /// A new stream, to be answered by ``reply(to:)`` or ``reset(_:_:)``.
        case opened(UInt32, headers: [String: String])
        case data(UInt32, [UInt8])
        /// The peer has no more for this stream.
        case finished(UInt32)
        /// The peer wants nothing more of this stream.
        case reset(UInt32)
        /// The peer opens no more streams.
        case goAway
    }

    package struct Limits {
        /// The payload of one control frame, in bytes.
        var controlFrame: Int
        /// One block of headers, decompressed, in bytes.
        var headerBlock: Int
        /// Streams open at once; more are refused.
        package var streams: Int

        package init(controlFrame: Int = 16 << 10, headerBlock: Int = 16 << 10, streams: Int = 1000) {
            self.controlFrame = controlFrame
            self.headerBlock = headerBlock
            self.streams = streams
        }
    }

    private struct Stream {
        var remoteIsFinished = false
        var localIsFinished = false
    }

    private enum Reading {
        case frameHeader
        case control(kind: UInt16, flags: UInt8, length: Int)
        case data(stream: UInt32, left: Int, isLast: Bool)
    }

    private let limits: Limits
    private let inflater = HeaderInflater()
    private let deflater = HeaderDeflater()
    private var streams: [UInt32: Stream] = [:]
    private var lastStream: UInt32 = 0
    private var reading = Reading.frameHeader
    private var buffer: [UInt8] = []
    /// What is to be sent, in this order, before anything that is sent later.
    private var output: [UInt8] = []

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    package var openStreams: Int { self.streams.count }

    /// The bytes that have become due to be sent since the last call.
    package mutating func takeOutput() -> [UInt8] {
        defer { self.output = [] }
        return self.output
    }

    // MARK: In

    /// Takes bytes as they come, in pieces of any size. A data frame's are passed on at once, whatever its length.
    /// - Throws: when the connection can't go on; send ``goAway(isError:)`` and close.
    package mutating func receive(_ bytes: [UInt8]) throws(SPDYError) -> [Event] {
        var events: [Event] = []
        var rest = bytes[...]
        while true {
            switch self.reading {
            case .frameHeader:
                guard let header = self.collect(8, &rest) else { return events }
                try self.begin(header, &events)
            case .control(let kind, let flags, let length):
                guard let payload = self.collect(length, &rest) else { return events }
                self.reading = .frameHeader
                try self.control(kind, flags, payload, &events)
            case .data(let stream, let left, let isLast):
                guard !rest.isEmpty else { return events }
                let piece = rest.prefix(left)
                rest = rest.dropFirst(piece.count)
                if self.streams[stream].map({ !$0.remoteIsFinished }) == true { events.append(.data(stream, Array(piece))) }
                guard piece.count == left else {
                    self.reading = .data(stream: stream, left: left - piece.count, isLast: isLast)
                    return events
                }
                self.endData(stream, isLast: isLast, &events)
            }
        }
    }

    /// Moves bytes to the buffer until there are `count`, and returns them then.
    private mutating func collect(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        let piece = rest.prefix(count - self.buffer.count)
        self.buffer += piece
        rest = rest.dropFirst(piece.count)
        guard self.buffer.count == count else { return nil }
        defer { self.buffer = [] }
        return self.buffer
    }

    private mutating func begin(_ header: [UInt8], _ events: inout [Event]) throws(SPDYError) {
        let length = Int(header[5]) << 16 | Int(header[6]) << 8 | Int(header[7])
        guard header[0] & 0x80 != 0 else {
            let stream = Self.number(header, 0)
            let isLast = header[4] & SPDYFrame.finFlag != 0
            if stream == 0 || stream > self.lastStream {
                self.output += SPDYFrame.reset(stream, .invalidStream)
            } else if self.streams[stream]?.remoteIsFinished == true {
                // As section 2.2.2 has it: the stream's end was said already.
                self.output += self.reset(stream, .protocolError)
                events.append(.reset(stream))
            }
            guard length > 0 else { return self.endData(stream, isLast: isLast, &events) }
            self.reading = .data(stream: stream, left: length, isLast: isLast)
            return
        }
        let version = UInt16(header[0] & 0x7f) << 8 | UInt16(header[1])
        guard version == 3 else { throw .frame("a frame of version \(version)") }
        guard length <= self.limits.controlFrame else { throw .frame("a control frame of \(length) bytes") }
        self.reading = .control(kind: UInt16(header[2]) << 8 | UInt16(header[3]), flags: header[4], length: length)
    }

    private mutating func endData(_ stream: UInt32, isLast: Bool, _ events: inout [Event]) {
        self.reading = .frameHeader
        if isLast { self.finishRemote(stream, &events) }
    }

    private mutating func control(
        _ kind: UInt16, _ flags: UInt8, _ payload: [UInt8], _ events: inout [Event]
    ) throws(SPDYError) {
        func require(_ count: Int) throws(SPDYError) {
            guard payload.count >= count else { throw .frame("a control frame of type \(kind) ends early") }
        }
        switch SPDYFrame.Kind(rawValue: kind) {
        case .synStream:
            try require(10)
            try self.open(Self.number(payload, 0), flags, Array(payload.dropFirst(10)), &events)
        case .headers, .synReply:
            // Nobody needs them, but the compression goes on from block to block.
            try require(4)
            _ = try self.inflater.inflate(Array(payload.dropFirst(4)), limit: self.limits.headerBlock)
            if flags & SPDYFrame.finFlag != 0 { self.finishRemote(Self.number(payload, 0), &events) }
        case .rstStream:
            try require(8)
            let stream = Self.number(payload, 0)
            if self.streams.removeValue(forKey: stream) != nil { events.append(.reset(stream)) }
        case .ping:
            try require(4)
            // An even id would be an answer to a ping of ours, and there are none.
            if payload[3] & 1 == 1 { self.output += SPDYFrame.control(.ping, Array(payload.prefix(4))) }
        case .goAway: events.append(.goAway)
        case .settings, .windowUpdate, nil: break
        }
    }

    private mutating func open(
        _ stream: UInt32, _ flags: UInt8, _ block: [UInt8], _ events: inout [Event]
    ) throws(SPDYError) {
        let headers = try SPDYHeaders.decode(try self.inflater.inflate(block, limit: self.limits.headerBlock))
        guard stream % 2 == 1, stream > self.lastStream else {
            // Source: section 2.3.2: an id that goes back ends the connection; a peer that uses one twice is beyond trust.
            throw .frame("a stream with the id \(stream) after \(self.lastStream)")
        }
        self.lastStream = stream
        guard self.streams.count < self.limits.streams else {
            self.output += SPDYFrame.reset(stream, .refusedStream)
            return
        }
        self.streams[stream] = Stream(localIsFinished: flags & SPDYFrame.unidirectionalFlag != 0)
        events.append(.opened(stream, headers: headers))
        if flags & SPDYFrame.finFlag != 0 { self.finishRemote(stream, &events) }
    }

    private mutating func finishRemote(_ stream: UInt32, _ events: inout [Event]) {
        guard let known = self.streams[stream], !known.remoteIsFinished else { return }
        events.append(.finished(stream))
        if known.localIsFinished { self.streams[stream] = nil } else { self.streams[stream]?.remoteIsFinished = true }
    }

    private static func number(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        UInt32(bytes[index] & 0x7f) << 24 | UInt32(bytes[index + 1]) << 16 | UInt32(bytes[index + 2]) << 8
            | UInt32(bytes[index + 3])
    }

    // MARK: Out

    /// Says that a stream was taken. To be sent before the stream's data.
    package mutating func reply(to stream: UInt32) throws(SPDYError) -> [UInt8] {
        let block = try self.deflater.deflate(SPDYHeaders.encode([]))
        return SPDYFrame.control(.synReply, Int(stream).bigEndianBytes + block)
    }

    /// The frame of some data; nil when nothing can be sent on the stream any more.
    package mutating func data(_ stream: UInt32, _ bytes: ArraySlice<UInt8>, isLast: Bool) -> [UInt8]? {
        guard let known = self.streams[stream], !known.localIsFinished else { return nil }
        if isLast {
            if known.remoteIsFinished { self.streams[stream] = nil } else { self.streams[stream]?.localIsFinished = true }
        }
        return SPDYFrame.data(stream, bytes, isLast: isLast)
    }

    /// Ends a stream at once; empty when it has ended.
    mutating func reset(_ stream: UInt32, _ status: SPDYFrame.ResetStatus) -> [UInt8] {
        guard self.streams.removeValue(forKey: stream) != nil else { return [] }
        return SPDYFrame.reset(stream, status)
    }

    /// Says that no more streams are taken, or that the peer has made a mistake that ends the connection.
    func goAway(isError: Bool = false) -> [UInt8] {
        SPDYFrame.goAway(lastStream: self.lastStream, isError: isError)
    }
}
