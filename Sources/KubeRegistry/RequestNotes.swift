import Synchronization

/// What is said about a request besides its answer: warnings for the client, annotations for the audit log.
///
/// Concurrency: anybody may add at any time. What a tenant's webhooks can make it hold is bounded.
public final class RequestNotes: Sendable {
    private struct State {
        var warnings: [String] = []
        var annotations: [String: String] = [:]
    }

    private static let maximumWarnings = 256
    private static let maximumWarning = 4096
    private static let maximumAnnotations = 256
    /// As upstream cuts an annotation's value off.
    private static let maximumValue = 10 << 10

    private let state = Mutex(State())

    public init() {}

    public var warnings: [String] { state.withLock { $0.warnings } }
    public var annotations: [String: String] { state.withLock { $0.annotations } }

    /// Says something to the client in a `Warning` header; what is more than a few hundred of them is left out.
    public func warn(_ text: String) {
        state.withLock { state in
            guard state.warnings.count < Self.maximumWarnings else { return }
            state.warnings.append(text.utf8.count > Self.maximumWarning ? String(text.prefix(Self.maximumWarning)) : text)
        }
    }

    /// The first value of a key stays.
    func annotate(_ key: String, _ value: String) {
        state.withLock { state in
            guard state.annotations.count < Self.maximumAnnotations, state.annotations[key] == nil else { return }
            state.annotations[key] = value.utf8.count > Self.maximumValue ? String(value.prefix(Self.maximumValue)) : value
        }
    }
}
