import KubeObject

/// Writes protobuf fields into growing bytes.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: about how many bytes there will be.
    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Goes on after some bytes. Whoever has others let go of them meanwhile has them grow where they are.
    init(after bytes: consuming [UInt8]) { self.bytes = bytes }

    mutating func removeAll(from start: Int) { bytes.removeSubrange(start...) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func field(_ number: Int, varint value: UInt64) {
        varint(UInt64(number) << 3)
        varint(value)
    }

    /// Negative numbers take ten bytes, as `int32` and `int64` do.
    mutating func field(_ number: Int, int value: Int64) { field(number, varint: UInt64(bitPattern: value)) }

    mutating func field(_ number: Int, double value: Double) {
        varint(UInt64(number) << 3 | 1)
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * index))) }
    }

    mutating func field(_ number: Int, bytes value: some Collection<UInt8>) {
        begin(number, length: value.count)
        bytes.append(contentsOf: value)
    }

    mutating func field(_ number: Int, text: String) {
        begin(number, length: text.utf8.count)
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    /// A value's JSON.
    mutating func field(_ number: Int, json value: JSON) {
        field(number) { writer in JSON.write(value, to: &writer.bytes) }
    }

    /// The number and length of a field whose bytes somebody else writes.
    mutating func begin(_ number: Int, length: Int) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(length))
    }

    /// A message whose length is known only when it is written: its bytes move over to make room for the length.
    mutating func field<E: Error>(_ number: Int, message write: (inout ProtobufWriter) throws(E) -> Void) throws(E) {
        varint(UInt64(number) << 3 | 2)
        let start = bytes.count
        bytes.append(0)
        try write(&self)
        let length = bytes.count - start - 1
        if length < 0x80 {
            bytes[start] = UInt8(length)
            return
        }
        let size = Self.size(ofVarint: UInt64(length))
        bytes.insert(contentsOf: repeatElement(0, count: size - 1), at: start)
        for index in 0..<size {
            let part = UInt8(truncatingIfNeeded: length >> (7 * index)) & 0x7F
            bytes[start + index] = index + 1 < size ? part | 0x80 : part
        }
    }

    private static func size(ofVarint value: UInt64) -> Int {
        max((UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7, 1)
    }
}
