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
    /// Whom the cluster of a source address wants to be asked for a name, and by whom; nil for the machine's resolvers.
    var route: Route = { _, _, _ in nil }
    /// Asks those, so that they take nothing of the others' turns.
    var clusterForwarder: DNSForwarder?
    /// The state of the cluster that a source address belongs to.
    let directory: @Sendable (IPAddress) -> (any DNSDirectory)?

    typealias Route = @Sendable (IPAddress, DNSName, _ isDatagram: Bool) -> ClusterNameServers.Route?

    typealias Learn =
        @Sendable (IPAddress, DNSName, UpstreamAnswer, _ age: UInt32, any EventLoop) -> EventLoopFuture<Void>?

    func respond(to bytes: [UInt8], from source: IPAddress, isDatagram: Bool, on loop: any EventLoop) -> Response {
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
            if let route = route(source, query.name, isDatagram) {
                return answer(query, by: route, isDatagram, loop)
            }
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
                ask(next, source, isDatagram: true, loop)
                    .flatMap { answer in
                        guard answer.isTruncated else { return loop.makeSucceededFuture(answer) }
                        return ask(next, source, isDatagram: false, loop)
                    }
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

    /// From name servers that the cluster has named. Allowlists learn nothing from them: they could say that any address is a name's.
    private func answer(
        _ query: DNSQuery, by route: ClusterNameServers.Route, _ isDatagram: Bool, _ loop: any EventLoop
    ) -> Response {
        if let (answer, age) = route.cache.answer(to: query) {
            return .now(fitting(answer.bytes(to: query, age: age), query, isDatagram))
        }
        let forwarder = clusterForwarder ?? self.forwarder
        return .later(
            forwarder.ask(query, by: route, isDatagram: isDatagram, on: loop)
                .map { fitting($0.bytes(to: query, age: 0), query, isDatagram) }
                .flatMapErrorThrowing { _ in DNSReply(.serverFailure).bytes(to: query, isDatagram: isDatagram) })
    }

    /// What an alias leads to, from whoever is to be asked for it.
    private func ask(
        _ query: DNSQuery, _ source: IPAddress, isDatagram: Bool, _ loop: any EventLoop
    ) -> EventLoopFuture<UpstreamAnswer> {
        if let route = route(source, query.name, isDatagram) {
            return (clusterForwarder ?? forwarder).ask(query, by: route, isDatagram: isDatagram, on: loop)
        }
        return forwarder.ask(query, for: source, isDatagram: isDatagram, on: loop)
            .flatMap { learned($0, query.name, source, loop) }
    }

    /// An answer just had, when it may be given.
    private func learned(
        _ answer: UpstreamAnswer, _ name: DNSName, _ source: IPAddress, _ loop: any EventLoop
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
