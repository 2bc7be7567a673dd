/// Why a connection can't go on.
package enum SPDYError: Error, Equatable {
    /// A control frame that is too large, too short, or of another version.
    case frame(String)
    case headers(String)
}

/// A frame as it is written. Source: SPDY draft 3.1, sections 2.2 and 2.6
package enum SPDYFrame {
    /// The types of control frames.
    package enum Kind: UInt16 {
        case synStream = 1
        case synReply = 2
        case rstStream = 3
        case settings = 4
        case ping = 6
        case goAway = 7
        case headers = 8
        case windowUpdate = 9
    }

    /// Why a stream is reset (section 2.6.4).
    enum ResetStatus: UInt32 {
        case protocolError = 1
        case invalidStream = 2
        case refusedStream = 3
        case cancel = 5
        case flowControlError = 7
        case streamInUse = 8
    }

    static let finFlag: UInt8 = 1
    static let unidirectionalFlag: UInt8 = 2

    package static func control(_ kind: Kind, flags: UInt8 = 0, _ payload: [UInt8]) -> [UInt8] {
        let type = UInt8(truncatingIfNeeded: kind.rawValue)
        return [0x80, 3, 0, type, flags] + payload.count.bigEndianBytes.dropFirst() + payload
    }

    package static func data(_ stream: UInt32, _ bytes: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
        var frame = Int(stream).bigEndianBytes
        frame.reserveCapacity(8 + bytes.count)
        frame.append(isLast ? self.finFlag : 0)
        frame += bytes.count.bigEndianBytes.dropFirst()
        frame += bytes
        return frame
    }

    static func reset(_ stream: UInt32, _ status: ResetStatus) -> [UInt8] {
        self.control(.rstStream, Int(stream).bigEndianBytes + Int(status.rawValue).bigEndianBytes)
    }

    static func goAway(lastStream: UInt32, isError: Bool) -> [UInt8] {
        self.control(.goAway, Int(lastStream).bigEndianBytes + (isError ? 1 : 0).bigEndianBytes)
    }
}
