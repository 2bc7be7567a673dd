/// A question as a client sent it.
struct DNSQuery: Sendable, Hashable {
    /// What can be said about bytes that are no question we answer.
    enum Failure: Error, Hashable {
        /// Not even a header, or an answer: say nothing, so that two servers can't keep each other busy.
        case ignored
        /// Answer with this code.
        case refused(id: UInt16, flags: UInt16, DNSCode)
    }

    var id: UInt16
    /// The header's flag word.
    var flags: UInt16
    var name: DNSName
    var type: DNSType
    var recordClass: UInt16
    var extended: ExtendedDNS?

    var wantsRecursion: Bool { flags & 0x0100 != 0 }

    /// - Throws: for anything but one well-formed question. Records after it are looked at only for EDNS.
    init(_ bytes: [UInt8]) throws(Failure) {
        var reader = DNSReader(bytes)
        guard let id = reader.number16(), let flags = reader.number16(), let questions = reader.number16(),
            let answers = reader.number16(), let authorities = reader.number16(), let additionals = reader.number16(),
            flags & 0x8000 == 0
        else { throw .ignored }
        self.id = id
        self.flags = flags
        guard flags >> 11 & 0xF == 0 else { throw .refused(id: id, flags: flags, .notImplemented) }
        guard questions == 1, let name = reader.name(), let type = reader.number16(), let recordClass = reader.number16() else {
            throw .refused(id: id, flags: flags, .formatError)
        }
        self.name = name
        self.type = DNSType(type)
        self.recordClass = recordClass
        for _ in 0..<Int(answers) + Int(authorities) + Int(additionals) {
            guard let record = reader.record() else { throw .refused(id: id, flags: flags, .formatError) }
            guard record.type == .opt else { continue }
            guard extended == nil, record.name == .root else { throw .refused(id: id, flags: flags, .formatError) }
            extended = ExtendedDNS(record)
        }
    }

    init(id: UInt16, flags: UInt16 = 0x0100, name: DNSName, type: DNSType, extended: ExtendedDNS? = nil) {
        self.id = id
        self.flags = flags
        self.name = name
        self.type = type
        self.recordClass = 1
        self.extended = extended
    }

    /// The same question about another name, to be answered whole.
    func following(_ target: DNSName) -> DNSQuery {
        var next = self
        next.name = target
        next.flags |= 0x0100
        return next
    }

    /// The question on the wire.
    var bytes: [UInt8] {
        var writer = DNSWriter(limit: 65_535)
        writer.header(
            id: id, flags: flags & ~0x8000, questions: 1, answers: 0, authorities: 0, additionals: extended == nil ? 0 : 1)
        writer.question(name, type, recordClass)
        if let extended { writer.extended(extended, code: .noError) }
        return writer.bytes
    }
}

/// What EDNS (RFC 6891) says in a message.
struct ExtendedDNS: Sendable, Hashable {
    /// The biggest datagram that the sender takes.
    var payloadSize: UInt16
    var version: UInt8 = 0
    /// Whether DNSSEC records are wanted.
    var wantsSecurity = false

    init(payloadSize: UInt16) {
        self.payloadSize = payloadSize
    }

    init(_ record: DNSReader.Record) {
        payloadSize = record.recordClass
        version = UInt8(record.ttl >> 16 & 0xFF)
        wantsSecurity = record.ttl & 0x8000 != 0
    }
}

/// The result of a query.
struct DNSCode: Sendable, Hashable {
    var number: UInt16
    static let noError = DNSCode(number: 0)
    static let formatError = DNSCode(number: 1)
    static let serverFailure = DNSCode(number: 2)
    static let nameError = DNSCode(number: 3)
    static let notImplemented = DNSCode(number: 4)
    static let refused = DNSCode(number: 5)
    static let badVersion = DNSCode(number: 16)
}

/// A record type.
struct DNSType: Sendable, Hashable {
    var number: UInt16
    init(_ number: UInt16) { self.number = number }
    static let a = DNSType(1)
    static let ns = DNSType(2)
    static let cname = DNSType(5)
    static let soa = DNSType(6)
    static let ptr = DNSType(12)
    static let txt = DNSType(16)
    static let aaaa = DNSType(28)
    static let srv = DNSType(33)
    static let opt = DNSType(41)
    static let ixfr = DNSType(251)
    static let axfr = DNSType(252)
    static let any = DNSType(255)
}
