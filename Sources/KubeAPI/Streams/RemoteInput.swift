package import KubeRegistry

/// What a client's messages mean that has the streams of a process in one WebSocket: the first byte of each is its channel.
package struct RemoteInput: Sendable {
    package enum Event: Equatable, Sendable {
        case stdin([UInt8])
        /// The client has no more for the process.
        case stdinEnded
        case resized(TerminalSize)
        /// More than makes sense: the client is to be left.
        case excessive
    }

    /// The most that the size of a terminal may take, in bytes.
    private static let sizeLimit = 1024

    private let takesStdin: Bool
    private let takesSizes: Bool
    private let closesChannels: Bool
    private var channel: RemoteCommand.Channel?
    private var size: [UInt8] = []

    /// - Parameter closesChannels: whether there is a message that closes one channel (v5).
    package init(takesStdin: Bool, takesSizes: Bool, closesChannels: Bool) {
        self.takesStdin = takesStdin
        self.takesSizes = takesSizes
        self.closesChannels = closesChannels
    }

    /// Takes a piece of a message.
    ///
    /// - Parameter isStart: false for what continues the message before.
    package mutating func take(_ piece: [UInt8], isStart: Bool) -> Event? {
        var bytes = piece
        if isStart {
            guard let first = bytes.first else { return nil }
            self.channel = RemoteCommand.Channel(rawValue: first)
            bytes.removeFirst()
            self.size = []
        }
        switch self.channel {
        case .stdin where self.takesStdin: return .stdin(bytes)
        case .resize where self.takesSizes:
            guard self.size.count + bytes.count < Self.sizeLimit else { return .excessive }
            self.size += bytes
            return TerminalSize(json: self.size).map { .resized($0) }
        case .close where self.closesChannels:
            return bytes.first == RemoteCommand.Channel.stdin.rawValue ? .stdinEnded : nil
        default: return nil
        }
    }
}
