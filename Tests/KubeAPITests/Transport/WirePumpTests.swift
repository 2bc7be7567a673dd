import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import KubeAPI

struct WirePumpTests {
    /// Gives what it was given, and tells whoever listens of it once.
    private final class Source: PushSource {
        private struct State {
            var steps: [PushStep] = []
            var listener: (@Sendable () -> Void)?
            var isListening = false
            var isFinished = false
        }

        private let state = Mutex(State())

        var isFinished: Bool { self.state.withLock { $0.isFinished } }
        var left: Int { self.state.withLock { $0.steps.count } }

        func add(_ steps: PushStep...) {
            let listener = self.state.withLock { state in
                state.steps += steps
                defer { state.isListening = false }
                return state.isListening ? state.listener : nil
            }
            listener?()
        }

        func take(_ framing: PushFraming) -> PushStep {
            self.state.withLock { state in
                state.isListening = state.steps.isEmpty
                return state.steps.isEmpty ? .nothing : state.steps.removeFirst()
            }
        }

        func listen(_ listener: @escaping @Sendable () -> Void) { self.state.withLock { $0.listener = listener } }

        func finish() { self.state.withLock { $0.isFinished = true } }
    }

    private let channel = EmbeddedChannel()
    private let source = Source()
    private let push: WirePush
    private let pump: WirePump

    init() {
        self.push = WirePush(self.source)
        self.pump = WirePump(
            self.push, framing: .none, loop: self.channel.embeddedEventLoop, queue: PumpQueue(self.channel.embeddedEventLoop),
            isWritable: { [channel] in channel.isWritable }, write: { [channel] in channel.write($0, promise: nil) },
            flush: { [channel] in channel.flush() })
        self.pump.start()
    }

    private func written() throws -> String {
        var text = ""
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    private static func step(_ text: String) -> PushStep { .bytes(ByteBuffer(string: text)) }

    @Test func writesWhatComesOnTheLoop() throws {
        #expect(try self.written() == "")
        self.source.add(Self.step("a"), Self.step("b"))
        self.source.add(Self.step("c"))
        #expect(try self.written() == "")
        self.channel.embeddedEventLoop.run()
        #expect(try self.written() == "abc")
        self.source.add(Self.step("d"), .end(ByteBuffer(string: "e")), Self.step("never"))
        self.channel.embeddedEventLoop.run()
        #expect(try self.written() == "de")
        #expect(self.push.hasEnded)
        #expect(self.source.left == 1)
    }

    @Test func leavesWhatTheWireDoesNotTake() throws {
        self.channel.isWritable = false
        self.source.add(Self.step("a"))
        self.channel.embeddedEventLoop.run()
        #expect(try self.written() == "")
        #expect(self.source.left == 1)
        self.channel.isWritable = true
        self.pump.run()
        #expect(try self.written() == "a")
    }

    @Test func aLongOneLetsOthersHaveTheirTurn() throws {
        let megabyte = ByteBuffer(repeating: 120, count: 1 << 20)
        self.source.add(.bytes(megabyte), .bytes(megabyte))
        self.pump.run()
        #expect(self.source.left == 1)
        self.channel.embeddedEventLoop.run()
        #expect(self.source.left == 0)
        #expect(try self.written().utf8.count == 2 << 20)
    }

    @Test func nothingFollowsItsEnd() throws {
        self.pump.stop()
        #expect(self.source.isFinished)
        #expect(self.push.hasEnded)
        self.source.add(Self.step("a"))
        self.channel.embeddedEventLoop.run()
        #expect(try self.written() == "")
    }

    @Test func cancellingTheWaitEndsIt() async throws {
        let (push, source) = (self.push, self.source)
        let waiting = Task { await push.wait() }
        waiting.cancel()
        await waiting.value
        #expect(push.hasEnded)
        #expect(source.isFinished)
        await push.wait()
    }

    @Test(arguments: [("", ""), ("hello", "5\r\nhello\r\n"), (String(repeating: "x", count: 300), nil)])
    func chunksAreThoseOfHTTP(text: String, chunk: String?) {
        let framed = String(buffer: PushFraming.chunk.frame(ByteBuffer(string: text)))
        #expect(framed == chunk ?? "12c\r\n\(text)\r\n")
        #expect(String(buffer: PushFraming.none.frame(ByteBuffer(string: text))) == text)
    }

    @Test func manyPumpsWakeTheLoopOnce() throws {
        let loop = self.channel.embeddedEventLoop
        let queue = PumpQueue(loop)
        let sources = (0..<300).map { _ in Source() }
        for source in sources {
            let pump = WirePump(
                WirePush(source), framing: .none, loop: loop, queue: queue, isWritable: { true },
                write: { [channel] in channel.write($0, promise: nil) }, flush: { [channel] in channel.flush() })
            pump.start()
        }
        for source in sources { source.add(Self.step("x")) }
        loop.run()
        #expect(try self.written().utf8.count == 300)
    }
}
