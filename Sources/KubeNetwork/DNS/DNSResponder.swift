import NIOCore

/// From a client's bytes to ours: who asks, what they may know, and who knows it.
struct DNSResponder: Sendable {
    enum Response {
        case now([UInt8])
        case later(EventLoopFuture<[UInt8]>)
        /// Nothing is said.
        case silence
    }

    let zone: ClusterZone
    let forwarder: DNSForwarder
    /// Told of each answer from outside before it is given: to whom, for which name, and how old it is. Gives a future for which the answer
    /// waits, whatever becomes of it, or nil.
    var learn: Learn = { _, _, _, _, _ in nil }
    /// The state of the cluster that a source address belongs to.
    let directory: @Sendable (IPv4Address) -> (any DNSDirectory)?

    typealias Learn =
        @Sendable (IPv4Address, DNSName, UpstreamAnswer, _ age: UInt32, any EventLoop) -> EventLoopFuture<Void>?

    func respond(to bytes: [UInt8], from source: IPv4Address, isDatagram: Bool, on loop: any EventLoop) -> Response {
        let query: DNSQuery
        do {
            query = try DNSQuery(bytes)
        } catch {
            switch error {
            case .ignored: return .silence
            case .refused(let id, let flags, let code):
                return .now(DNSReply.bytes(refusing: id, flags: flags, code))
            }
        }
        guard let directory = directory(source) else {
            return .now(DNSReply(.refused).bytes(to: query, isDatagram: isDatagram))
        }
        switch zone.answer(query, directory) {
        case .reply(let reply): return .now(reply.bytes(to: query, isDatagram: isDatagram))
        case .forward:
            guard query.wantsRecursion else { return .now(DNSReply(.refused).bytes(to: query, isDatagram: isDatagram)) }
            if let (answer, age) = forwarder.remembered(query) {
                let bytes = fitting(answer.bytes(to: query, age: age), query, isDatagram)
                guard let learned = learn(source, query.name, answer, age, loop) else { return .now(bytes) }
                return .later(learned.hop(to: loop).map { bytes }.recover { _ in bytes })
            }
            return .later(
                forwarder.ask(query, for: source, isDatagram: isDatagram, on: loop)
                    .flatMap { learned($0, query.name, source, loop) }
                    .map { fitting($0.bytes(to: query, age: 0), query, isDatagram) }
                    .flatMapErrorThrowing { _ in DNSReply(.serverFailure).bytes(to: query, isDatagram: isDatagram) })
        case .follow(let reply, let target):
            let next = query.following(target)
            // Whole answers are wanted, to be put into ours, which is truncated as a whole.
            return .later(
                forwarder.ask(next, for: source, isDatagram: true, on: loop)
                    .flatMap { answer in
                        guard answer.isTruncated else { return loop.makeSucceededFuture(answer) }
                        return forwarder.ask(next, for: source, isDatagram: false, on: loop)
                    }
                    .flatMap { learned($0, target, source, loop) }
                    .map { answer in
                        var whole = reply
                        whole.answers += answer.records
                        if answer.code == .nameError { whole.code = .nameError }
                        return whole.bytes(to: query, isDatagram: isDatagram)
                    }
                    // Without a resolver the alias itself is still true.
                    .flatMapErrorThrowing { _ in reply.bytes(to: query, isDatagram: isDatagram) })
        }
    }

    /// An answer just had, when it may be given.
    private func learned(
        _ answer: UpstreamAnswer, _ name: DNSName, _ source: IPv4Address, _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        guard let learned = learn(source, name, answer, 0, loop) else { return loop.makeSucceededFuture(answer) }
        return learned.hop(to: loop).map { answer }.recover { _ in answer }
    }

    /// An answer from outside, or, where it's more than the client takes, the word that it should come again by TCP.
    private func fitting(_ bytes: [UInt8], _ query: DNSQuery, _ isDatagram: Bool) -> [UInt8] {
        let limit = min(max(Int(query.extended?.payloadSize ?? 512), 512), DNSReply.maximumDatagram)
        guard isDatagram, bytes.count > limit else { return bytes }
        var short = DNSReply(.noError).bytes(to: query, isDatagram: true)
        short[2] |= 0x02
        return short
    }
}
