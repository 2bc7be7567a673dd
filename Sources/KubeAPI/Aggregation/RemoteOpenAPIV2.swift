import KubeObject
import KubeSchema
import Synchronization

/// The OpenAPI v2 documents of extension API servers, and clusters' own documents with those in them.
///
/// A server is asked when somebody asks for the cluster's document and what is known is older than a minute, as upstream asks every
/// minute; so a cluster of which nobody asks has no work. What it said last holds until it says something else.
///
/// Concurrency: any task may call any function. While one asks a server for news, others go on with what is known.
final class RemoteOpenAPIV2: Sendable {
    struct Key: Hashable, Sendable {
        var cluster: Int64
        /// Of the APIService.
        var uid: String
    }

    private struct Known {
        /// Only what is about the APIService's group version; empty when it has said nothing yet.
        var part: [UInt8] = []
        var etag = ""
        var askedAt: ContinuousClock.Instant
        var period: Duration
    }

    private struct Merged {
        /// The tags of all parts.
        var parts: [String]
        var json: Document
        var protobuf: Document?

        var size: Int { self.json.bytes.count + (self.protobuf?.bytes.count ?? 0) }
    }

    /// How long what is known counts as fresh, and how long a server that gave nothing is left alone.
    static let period = Duration.seconds(60)
    static let failurePeriod = Duration.seconds(30)
    /// The largest document that is taken of a server, in bytes.
    static let documentLimit = 4 << 20
    /// The most bytes of all parts in one cluster's document; what comes after them is left out.
    static let partsLimit = 16 << 20
    /// The most servers that are asked at once, and the most that are asked at all, of one cluster.
    static let concurrency = 4
    static let mostServices = 64
    /// In bytes, over all clusters.
    private static let capacity = 64 << 20
    private static let overhead = 256

    private let now: @Sendable () -> ContinuousClock.Instant
    private let known = Mutex(SizedCache<Key, Known>(capacity: RemoteOpenAPIV2.capacity))
    private let merged = Mutex(SizedCache<Int64, Merged>(capacity: RemoteOpenAPIV2.capacity))

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
    }

    /// What a server says of its group version.
    ///
    /// - Parameters:
    ///   - prefix: of the paths that it may speak of.
    ///   - ask: asks it; nil when what has that tag still holds. Not called when it was asked lately.
    /// - Returns: nil when it has said nothing yet.
    func part(
        _ key: Key, below prefix: String, ask: (_ knownETag: String) async throws -> DocumentRequest.Answer?
    ) async -> [UInt8]? {
        var known = self.known.withLock { $0[key] }
        let now = self.now()
        if let known, now - known.askedAt < known.period { return known.part.isEmpty ? nil : known.part }
        // Whoever comes now doesn't ask as well.
        if var noted = known, !noted.part.isEmpty {
            noted.askedAt = now
            self.keep(noted, for: key)
        }
        do {
            if let answer = try await ask(known?.etag ?? "") {
                let part = OpenAPIV2Merge.part(of: try JSON(parsing: answer.bytes), below: prefix).encoded()
                known = Known(part: part, etag: answer.etag, askedAt: now, period: Self.period)
            } else {
                known?.askedAt = now
                known?.period = Self.period
            }
        } catch {
            // Not to have a document is no fault: many servers don't. What it said last still holds.
            var noted = known ?? Known(askedAt: now, period: Self.failurePeriod)
            noted.askedAt = now
            noted.period = Self.failurePeriod
            known = noted
        }
        guard let known else { return nil }
        self.keep(known, for: key)
        return known.part.isEmpty ? nil : known.part
    }

    /// What a server said last; nil when it never said anything.
    func lastPart(_ key: Key) -> [UInt8]? {
        self.known.withLock { $0[key] }.flatMap { $0.part.isEmpty ? nil : $0.part }
    }

    private func keep(_ known: Known, for key: Key) {
        self.known.withLock { $0.keep(known, size: known.part.count + Self.overhead, for: key) }
    }

    /// A cluster's document with those parts in it.
    ///
    /// - Parameter parts: in the order in which they are added.
    func document(_ cluster: Int64, own: Document, parts: [[UInt8]], isProtobuf: Bool) throws -> Document {
        let tags = [own.etag] + parts.map { Document(bytes: $0).etag }
        let found = self.merged.withLock { $0[cluster] }
        var merged: Merged
        if let found, found.parts == tags {
            guard isProtobuf else { return found.json }
            if let document = found.protobuf { return document }
            merged = found
        } else {
            var merge = OpenAPIV2Merge(try JSON(parsing: own.bytes))
            for part in parts { merge.add(try JSON(parsing: part)) }
            merged = Merged(parts: tags, json: Document(merge.document))
        }
        let protobuf = isProtobuf ? try Schema.openAPIV2Protobuf(of: merged.json) : nil
        merged.protobuf = protobuf ?? merged.protobuf
        self.merged.withLock { [merged] in $0.keep(merged, size: merged.size, for: cluster) }
        return protobuf ?? merged.json
    }
}
