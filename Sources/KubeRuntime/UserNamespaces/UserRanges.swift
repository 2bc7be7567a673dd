import Synchronization

/// Gives pods ranges of the machine's IDs, none to two pods. Which pod has which is kept in the pods' own directories, so it outlives the
/// server and goes with the pod.
final class UserRanges: Sendable {
    private struct State {
        /// The UIDs of pods.
        var holders: [Int: String] = [:]
        var next = 0
    }

    private let directory: String
    private let state: Mutex<State>

    /// - Parameter directory: where pods' directories are, by their UIDs.
    init(directory: String) {
        self.directory = directory
        var known = State()
        for uid in File.names(in: directory) {
            guard let text = try? File.text(Self.file(directory, uid)), let range = UserRange(text.trimmed) else { continue }
            known.holders[range.index] = uid
        }
        known.next = (known.holders.keys.max() ?? -1) + 1
        state = Mutex(known)
    }

    /// The pod's range, from now until its directory is gone.
    func range(podUID uid: String) throws(EngineError) -> UserRange {
        let range = try state.withLock { state throws(EngineError) in
            if let index = state.holders.first(where: { $0.value == uid })?.key { return UserRange(index: index) }
            for offset in 0..<UserRange.count {
                let index = (state.next + offset) % UserRange.count
                guard state.holders[index].map({ !File.exists("\(directory)/\($0)") }) ?? true else { continue }
                state.holders[index] = uid
                state.next = index + 1
                return UserRange(index: index)
            }
            throw .noUserRange
        }
        try File.makeDirectory("\(directory)/\(uid)")
        try File.write(range.text, to: Self.file(directory, uid), mode: 0o600)
        return range
    }

    private static func file(_ directory: String, _ uid: String) -> String { "\(directory)/\(uid)/user-range" }
}
