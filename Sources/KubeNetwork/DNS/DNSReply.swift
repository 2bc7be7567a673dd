/// An answer before it is written.
struct DNSReply: Sendable, Hashable {
    var code: DNSCode
    /// Whether the answer is our own knowledge (AA).
    var isAuthoritative = false
    var answers: [DNSRecord] = []
    var authorities: [DNSRecord] = []
    var additionals: [DNSRecord] = []

    init(_ code: DNSCode) {
        self.code = code
    }

    /// The biggest datagram sent, which fits every path's packets without fragments (DNS flag day 2020).
    static let maximumDatagram = 1_232

    /// The message.
    /// - Parameter isDatagram: over UDP, what doesn't fit is left out, and the client told to come again by TCP.
    func bytes(to query: DNSQuery, isDatagram: Bool) -> [UInt8] {
        var limit = 65_535
        if isDatagram {
            limit = min(max(Int(query.extended?.payloadSize ?? 512), 512), Self.maximumDatagram)
        }
        var writer = DNSWriter(limit: limit)
        let reserve = query.extended == nil ? 0 : DNSWriter.extendedSize
        writer.header(id: query.id, flags: 0, questions: 1, answers: 0, authorities: 0, additionals: 0)
        writer.question(query.name, query.type, query.recordClass)
        var isTruncated = false
        func write(_ records: [DNSRecord], mustFit: Bool) -> UInt16 {
            var count: UInt16 = 0
            for record in records {
                guard writer.record(record, keeping: reserve) else {
                    if mustFit { isTruncated = true }
                    break
                }
                count += 1
            }
            return count
        }
        let answerCount = write(answers, mustFit: true)
        let authorityCount = isTruncated ? 0 : write(authorities, mustFit: true)
        var additionalCount = isTruncated ? 0 : write(additionals, mustFit: false)
        if query.extended != nil {
            var extended = ExtendedDNS(payloadSize: UInt16(Self.maximumDatagram))
            extended.wantsSecurity = query.extended?.wantsSecurity ?? false
            writer.extended(extended, code: code)
            additionalCount += 1
        }
        // An answer, recursion available; opcode, RD and CD as in the query.
        var flags: UInt16 = 0x8080 | query.flags & 0x7910 | code.number & 0xF
        if isAuthoritative { flags |= 0x0400 }
        if isTruncated { flags |= 0x0200 }
        for (offset, number) in [(2, flags), (6, answerCount), (8, authorityCount), (10, additionalCount)] {
            writer.set16(number, at: offset)
        }
        return writer.bytes
    }

    /// The answer to bytes of which no more than the header could be read.
    static func bytes(refusing id: UInt16, flags: UInt16, _ code: DNSCode) -> [UInt8] {
        var writer = DNSWriter(limit: 12)
        writer.header(
            id: id, flags: 0x8080 | flags & 0x7910 | code.number, questions: 0, answers: 0, authorities: 0, additionals: 0)
        return writer.bytes
    }
}
