import Crypto

/// How volumes are written one after another into a stream: a line that says what it is, then frames, the last of which has the checksum of everything
/// before it.
///
///     SampanVolumes/1\n
///     frame: kind (1 byte) · length of what follows (4 bytes, big endian) · payload
///       V  a volume begins: its handle (40 bytes) · attributes of its top
///       D  a directory begins: attributes · name; what follows is in it
///       U  the directory, or the volume, ends
///       F  a file: attributes · size (8) · number (4) · name; a number that isn't 0 is how other names of it refer to it
///       B  bytes of that file: where they belong (8) · the bytes, in order; what isn't told of is a hole
///       S  a symbolic link: attributes · length of its target (2) · target · name
///       P  a named pipe: attributes · name
///       L  another name of a file of the same volume: number (4) · name
///       E  SHA-256 of every byte before this frame: once, last
///     attributes: mode (4), owner (4), group (4), time of change in seconds (8, signed) and nanoseconds (4), how many extended attributes (2), each
///       with the length of its name (2) and of its value (4) · name · value
///
/// Nothing in it is a path: a name is one part of one and belongs to the directory that was begun last. So whoever makes one up can't lead out of the
/// volume.
enum VolumeFormat {
    static let start = Array("SampanVolumes/1\n".utf8)
    static let handleLength = 40
    /// Of bytes in one frame.
    static let maximumPiece = 1 << 20
    static let maximumName = 255
    static let maximumTarget = 4095
    static let maximumAttributes = 64
    static let maximumAttributeName = 255
    static let maximumAttributeValue = 65_536
    /// How deep directories may be in each other; each takes a descriptor.
    static let maximumDepth = 512
    /// What each entry counts as, beside its bytes: it takes an inode.
    static let entryCost = 512
    /// What a volume may have beside what its claim requests.
    static let slack = 1 << 20

    enum Kind: UInt8 {
        case volume = 0x56
        case directory = 0x44
        case up = 0x55
        case file = 0x46
        case bytes = 0x42
        case link = 0x53
        case pipe = 0x50
        case name = 0x4C
        case end = 0x45
    }

    /// Of any frame's payload.
    static let maximumPayload = maximumPiece + 8

    /// What is said of each entry.
    struct Attributes: Equatable {
        var mode: UInt32 = 0
        var owner: UInt32 = 0
        var group: UInt32 = 0
        var seconds: Int64 = 0
        var nanoseconds: UInt32 = 0
        var extended: [Extended] = []

        struct Extended: Equatable {
            var name: [UInt8]
            var value: [UInt8]
        }

        /// What they count as.
        var size: Int { extended.reduce(0) { $0 + $1.name.count + $1.value.count } }
    }

    /// Whether an extended attribute goes along: what containers can set. What the machine's own security modules or the kernel keep doesn't.
    static func carries(_ name: [UInt8]) -> Bool {
        let text = String(decoding: name, as: UTF8.self)
        return text.hasPrefix("user.")
            || ["security.capability", "system.posix_acl_access", "system.posix_acl_default"].contains(text)
    }

    static func frame(_ kind: Kind, _ payload: [UInt8], to output: inout [UInt8]) {
        output.append(kind.rawValue)
        put(UInt32(clamping: payload.count), to: &output)
        output += payload
    }

    static func put(_ number: some FixedWidthInteger, to output: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { output.append(contentsOf: $0) }
    }

    static func put(_ attributes: Attributes, to output: inout [UInt8]) {
        put(attributes.mode, to: &output)
        put(attributes.owner, to: &output)
        put(attributes.group, to: &output)
        put(attributes.seconds, to: &output)
        put(attributes.nanoseconds, to: &output)
        put(UInt16(clamping: attributes.extended.count), to: &output)
        for extended in attributes.extended {
            put(UInt16(clamping: extended.name.count), to: &output)
            put(UInt32(clamping: extended.value.count), to: &output)
            output += extended.name
            output += extended.value
        }
    }

    /// Goes along with a stream that is being written, and ends it.
    struct Digest {
        private var hash = SHA256()

        mutating func update(_ bytes: some Sequence<UInt8>) { hash.update(data: Array(bytes)) }
        func value() -> [UInt8] { Array(hash.finalize()) }
    }
}

/// Why volumes can't be read or made.
public struct VolumeArchiveError: Error, Sendable, CustomStringConvertible {
    public let description: String
    /// Whether what was sent is to blame, and not this machine.
    public let isContent: Bool

    static func content(_ text: String) -> VolumeArchiveError { VolumeArchiveError(description: text, isContent: true) }
    static func machine(_ text: String) -> VolumeArchiveError { VolumeArchiveError(description: text, isContent: false) }
}

/// Reads a frame's payload, every byte of which may be anybody's.
struct VolumeFrameReader: ~Copyable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(VolumeArchiveError) -> Number {
        try take(MemoryLayout<Number>.size).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func take(_ count: Int) throws(VolumeArchiveError) -> ArraySlice<UInt8> {
        guard count >= 0, bytes.endIndex - position >= count else { throw .content("a frame of a volume is cut off") }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// What is left, as one part of a path.
    mutating func name() throws(VolumeArchiveError) -> [UInt8] {
        let name = Array(rest())
        guard (1...VolumeFormat.maximumName).contains(name.count), !name.contains(0), !name.contains(UInt8(ascii: "/")),
            name != [UInt8(ascii: ".")], name != Array("..".utf8)
        else { throw .content("a volume has a file whose name can't be one") }
        return name
    }

    mutating func attributes() throws(VolumeArchiveError) -> VolumeFormat.Attributes {
        var result = VolumeFormat.Attributes(
            mode: try number(), owner: try number(), group: try number(), seconds: try number(), nanoseconds: try number())
        guard result.nanoseconds < 1_000_000_000 else { throw .content("a volume has a file with a time that can't be") }
        // The system takes it for "no change".
        guard result.owner != .max, result.group != .max else {
            throw .content("a volume has a file with an owner that can't be")
        }
        let count = Int(try number(UInt16.self))
        guard count <= VolumeFormat.maximumAttributes else { throw .content("a file has too many extended attributes") }
        for _ in 0..<count {
            let name = Int(try number(UInt16.self))
            let value = Int(try number(UInt32.self))
            guard name <= VolumeFormat.maximumAttributeName, value <= VolumeFormat.maximumAttributeValue else {
                throw .content("a file has an extended attribute that is too long")
            }
            let extended = VolumeFormat.Attributes.Extended(name: Array(try take(name)), value: Array(try take(value)))
            guard VolumeFormat.carries(extended.name), !extended.name.contains(0) else {
                throw .content("a file has an extended attribute that doesn't go along with volumes")
            }
            result.extended.append(extended)
        }
        return result
    }
}
