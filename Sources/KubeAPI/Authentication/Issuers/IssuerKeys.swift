import KubeObject
import KubeRegistry
import KubeStore
import Logging
import Synchronization

/// Where an issuer publishes its keys.
struct IssuerLocation: Sendable, Hashable {
    var url: String
    /// Where its discovery document is, when that isn't below `url`.
    var discoveryURL: String?
    var authorities: [UInt8] = []
    var isTrusted = false
    var findsServices = false

    /// Source: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest
    var discovery: String { self.discoveryURL ?? Self.withoutSlash(self.url) + "/.well-known/openid-configuration" }

    private static func withoutSlash(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}

/// The keys of issuers, read when somebody comes with a token of theirs, and kept.
///
/// An issuer is asked again when its keys are old, and when a token is signed with one that isn't known; at most once in
/// ``pause``, whatever tokens are sent, and by one request at a time: others go by what is known, or wait for what it finds.
/// When it doesn't answer, its keys stay good for ``longest``.
final class IssuerKeys: Sendable {
    private struct Name: Hashable {
        var cluster: Int64
        var location: IssuerLocation
    }

    private struct Entry {
        var keys: [JSONWebKey] = []
        var readAt: ContinuousClock.Instant?
        var freshFor = IssuerKeys.freshness.upperBound
        var triedAt: ContinuousClock.Instant?
        var failure: String?
        var isReading = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var usedAt: UInt64 = 0
    }

    private struct State {
        var entries: [Name: Entry] = [:]
        var uses: UInt64 = 0
    }

    private enum Step {
        case accept
        case refuse(String)
        case read
        case wait
    }

    static let pause = Duration.seconds(5)
    static let longest = Duration.seconds(24 * 3600)
    private static let freshness = Duration.seconds(60)...Duration.seconds(600)
    private static let capacity = 1024
    private static let maximumWaiters = 256
    private static let timeout = Duration.seconds(5)
    private static let maximumDocument = 512 << 10
    private static let wrongSignature = "failed to verify signature: failed to verify id token signature"

    private let reader: any DocumentReader
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(
        reader: any DocumentReader, logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.reader = reader
        self.logger = logger
        self.now = now
    }

    /// - Throws: when no key of the issuer has signed the token.
    func verify(_ token: JSONWebToken.Parts, _ location: IssuerLocation, in cluster: LogicalCluster) async throws(TokenRefusal) {
        let name = Name(cluster: cluster.id, location: location)
        var hasRead = false
        while true {
            switch self.step(token, name, hasRead: hasRead) {
            case .accept: return
            case .refuse(let reason): throw TokenRefusal(reason)
            case .wait: await self.untilRead(name)
            case .read:
                await self.read(name, cluster)
                hasRead = true
            }
        }
    }

    private func step(_ token: JSONWebToken.Parts, _ name: Name, hasRead: Bool) -> Step {
        let now = self.now()
        let keys = self.state.withLock { $0.entries[name]?.keys ?? [] }
        let id = token.header["kid"]?.string ?? ""
        let isSigned = keys.contains { (id.isEmpty || $0.id == id) && $0.signed(token) }
        return self.state.withLock { state in
            var entry = state.entries[name] ?? Entry()
            state.uses += 1
            entry.usedAt = state.uses
            defer {
                if state.entries[name] == nil { Self.makeRoom(&state) }
                state.entries[name] = entry
            }
            let age = entry.readAt.map { $0.duration(to: now) }
            let isFresh = age.map { $0 < entry.freshFor } ?? false
            let isUsable = isSigned && (age.map { $0 < Self.longest } ?? false)
            if isSigned, isFresh { return .accept }
            if entry.isReading {
                if isUsable { return .accept }
                return entry.waiters.count < Self.maximumWaiters
                    ? .wait : .refuse("fetching keys: too many requests wait for them")
            }
            if !hasRead, entry.triedAt.map({ $0.duration(to: now) >= Self.pause }) ?? true {
                entry.isReading = true
                entry.triedAt = now
                return .read
            }
            if isUsable { return .accept }
            return .refuse(entry.failure.map { "fetching keys: \($0)" } ?? Self.wrongSignature)
        }
    }

    /// Returns when the request that reads the keys is through with it.
    private func untilRead(_ name: Name) async {
        await withCheckedContinuation { continuation in
            let isReading = self.state.withLock { state in
                guard state.entries[name]?.isReading == true else { return false }
                state.entries[name]?.waiters.append(continuation)
                return true
            }
            if !isReading { continuation.resume() }
        }
    }

    private func read(_ name: Name, _ cluster: LogicalCluster) async {
        var found: (keys: [JSONWebKey], maximumAge: Int?)?
        var failure: String?
        do throws(WebhookFailure) {
            found = try await self.published(name.location, cluster)
        } catch {
            failure = error.message
            self.logger.warning(
                "The keys of an issuer of tokens can't be read",
                metadata: ["cluster": "\(cluster.name)", "issuer": "\(name.location.url)", "error": "\(error.message)"])
        }
        let now = self.now()
        let waiters = self.state.withLock { state in
            var entry = state.entries[name] ?? Entry()
            defer { state.entries[name] = entry }
            entry.failure = failure
            // Who goes away while the keys are read must not keep others from reading them.
            if failure != nil, Task.isCancelled { entry.triedAt = nil }
            if let found {
                entry.keys = found.keys
                entry.readAt = now
                let asked = found.maximumAge.map { Duration.seconds($0) } ?? Self.freshness.upperBound
                entry.freshFor = min(max(asked, Self.freshness.lowerBound), Self.freshness.upperBound)
            }
            entry.isReading = false
            defer { entry.waiters = [] }
            return entry.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The keys that the issuer's discovery document leads to.
    private func published(
        _ location: IssuerLocation, _ cluster: LogicalCluster
    ) async throws(WebhookFailure) -> (keys: [JSONWebKey], maximumAge: Int?) {
        func document(_ url: String) async throws(WebhookFailure) -> (tree: JSON, maximumAge: Int?) {
            let answer = try await self.reader.read(
                IssuerDocumentRequest(
                    url: url, authorities: location.authorities, cluster: cluster, isTrusted: location.isTrusted,
                    findsServices: location.findsServices, timeout: Self.timeout, maximumSize: Self.maximumDocument))
            do {
                return (try JSON(parsing: answer.bytes), answer.maximumAge)
            } catch {
                throw WebhookFailure("\(url): not JSON: \(error)")
            }
        }
        let discovery = try await document(location.discovery).tree
        let issuer = discovery["issuer"]?.string ?? ""
        guard issuer == location.url else {
            throw WebhookFailure(
                "oidc: issuer did not match the issuer returned by provider, expected \(JSON.string(location.url).text) got \(JSON.string(issuer).text)"
            )
        }
        guard let address = discovery["jwks_uri"]?.string, !address.isEmpty else {
            throw WebhookFailure("\(location.discovery): it names no jwks_uri")
        }
        let set = try await document(address)
        return (JSONWebKey.keys(in: set.tree), set.maximumAge)
    }

    private static func makeRoom(_ state: inout State) {
        guard state.entries.count >= self.capacity else { return }
        let oldest = state.entries.filter { !$0.value.isReading }.min { $0.value.usedAt < $1.value.usedAt }
        if let oldest { state.entries[oldest.key] = nil }
    }
}
