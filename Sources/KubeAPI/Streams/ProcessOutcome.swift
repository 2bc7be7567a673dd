import KubeObject
package import KubeRegistry

/// How a process that a client has streams of came to its end.
enum ProcessOutcome: Sendable {
    case exited(Int32)
    case failed(any Error)
    /// There is nobody left to be told.
    case clientGone

    /// Runs a process while its client's messages are read; whichever ends first ends the other.
    static func first(
        of process: @escaping @Sendable () async throws -> Int32, orEndOf reading: @escaping @Sendable () async -> Void
    ) async -> ProcessOutcome {
        await withTaskGroup(of: ProcessOutcome.self) { group in
            group.addTask {
                do { return .exited(try await process()) } catch { return .failed(error) }
            }
            group.addTask {
                await reading()
                return .clientGone
            }
            defer { group.cancelAll() }
            return await group.next() ?? .clientGone
        }
    }

    /// What the client is told.
    var status: JSON? {
        switch self {
        case .clientGone: nil
        case .exited(0): ["metadata": [:], "status": "Success"]
        case .exited(let code):
            [
                "metadata": [:], "status": "Failure", "reason": "NonZeroExitCode",
                "message": .string("command terminated with non-zero exit code: exit status \(code)"),
                "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
            ]
        case .failed(let error as StatusError): error.status
        case .failed(let error): StatusError.internalError("error executing command in container: \(error)").status
        }
    }
}

extension TerminalSize {
    /// `{"Width":80,"Height":24}`; nil for what isn't that, or not all of it.
    package init?(json: [UInt8]) {
        do {
            let tree = try JSON(parsing: json)
            guard let width = tree["Width"]?.int, let height = tree["Height"]?.int else { return nil }
            self.init(width: UInt16(clamping: width), height: UInt16(clamping: height))
        } catch {
            // A size that comes in pieces, or nonsense: wait for the next.
            return nil
        }
    }
}
