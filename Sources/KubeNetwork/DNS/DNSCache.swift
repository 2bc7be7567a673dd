import NIOCore
import Synchronization

/// Answers from outside, kept for as long as they say, at most half a minute, and at most so many.
final class DNSCache: Sendable {
    private struct Key: Hashable {
        var name: DNSName
        var type: DNSType
        /// CD, and DO: both change what a resolver answers.
        var flags: UInt16
        var isExtended: Bool
        var wantsSecurity: Bool
    }

    private struct Entry {
        var answer: UpstreamAnswer
        var stored: NIODeadline
        var expires: NIODeadline
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let capacity: Int

    init(capacity: Int = 4_096) {
        self.capacity = capacity
    }

    /// What was answered lately, and how many seconds ago.
    func answer(to query: DNSQuery, now: NIODeadline = .now()) -> (answer: UpstreamAnswer, age: UInt32)? {
        let entry = entries.withLock { $0[Self.key(query)] }
        guard let entry, entry.expires > now else { return nil }
        let age = (now - entry.stored).nanoseconds / 1_000_000_000
        return (entry.answer, UInt32(clamping: age))
    }

    func keep(_ answer: UpstreamAnswer, to query: DNSQuery, now: NIODeadline = .now()) {
        guard let lifetime = answer.lifetime, lifetime > 0 else { return }
        let entry = Entry(answer: answer, stored: now, expires: now + .seconds(Int64(lifetime)))
        entries.withLock { entries in
            if entries.count >= capacity {
                entries = entries.filter { $0.value.expires > now }
                // Still full of what lives: whichever come first make room, in bulk, so that this is rare.
                if entries.count >= capacity {
                    for key in Array(entries.keys.prefix(capacity / 4 + 1)) { entries[key] = nil }
                }
            }
            entries[Self.key(query)] = entry
        }
    }

    private static func key(_ query: DNSQuery) -> Key {
        Key(
            name: query.name.canonical, type: query.type, flags: query.flags & 0x0110, isExtended: query.extended != nil,
            wantsSecurity: query.extended?.wantsSecurity ?? false)
    }
}
