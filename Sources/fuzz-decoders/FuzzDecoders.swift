import ArgumentParser
import Foundation

/// Feeds decoders with hostile inputs, each decoder in a process of its own, and watches for crashes, hangs and unbounded memory.
@main
struct FuzzDecoders: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz-decoders", abstract: "Feeds the decoders with hostile inputs.",
        discussion: """
            The inputs are made from good ones by chance, always the same for the same seed, so that a failure is repeated by its number:

              fuzz-decoders --inputs 1000000             a million inputs for each decoder
              fuzz-decoders --only yaml --seed 7         one decoder, other inputs
              fuzz-decoders --only yaml --seed 7 --at 5  shows input 5, and feeds just it
            """)

    @Option(help: "How many inputs each decoder gets (fewer where one takes long by its nature).") var inputs = 100_000
    @Option(help: "Chooses the inputs.") var seed: UInt64 = 1
    @Option(help: "Only this decoder: \(FuzzedDecoder.all.map(\.name).joined(separator: ", ")).") var only: String?
    @Option(help: "Only input number AT of the decoder named by --only.") var at: Int?
    @Option(help: "The most memory that decoding may take, in MiB.") var memory = 1024
    @Option(help: "How long one input may take, in seconds.") var patience = 20
    /// Where a child process notes the number of the input it is at.
    @Option(help: .hidden) var progress: String?

    func validate() throws {
        guard inputs > 0 else { throw ValidationError("--inputs must be positive.") }
        if let only, decoders.isEmpty { throw ValidationError("There's no decoder \(only); see --help for their names.") }
        if at != nil, only == nil { throw ValidationError("--at needs --only, since each decoder has inputs of its own.") }
    }

    private var decoders: [FuzzedDecoder] { FuzzedDecoder.all.filter { only == nil || $0.name == only } }

    func run() async throws {
        if let at, let decoder = decoders.first {
            let input = decoder.input(at, seed: seed)
            print(String(decoding: input, as: UTF8.self))
            print(input.map { String($0, radix: 16) }.joined(separator: " "))
            try decoder.check(input)
        } else if let progress, let decoder = decoders.first {
            try FuzzWorker(decoder: decoder, seed: seed, inputs: inputs, progress: progress, memory: memory).run()
        } else {
            var failures = 0
            for decoder in decoders where try await !watch(decoder) { failures += 1 }
            print("\(decoders.count - failures) passed, \(failures) failed")
            if failures > 0 { throw ExitCode.failure }
        }
    }

    /// Runs one decoder's inputs in a child process; false when it failed, which has been said then.
    private func watch(_ decoder: FuzzedDecoder) async throws -> Bool {
        let start = ContinuousClock.now
        let count = max(1, inputs / decoder.rarity)
        let file = try ProgressFile.make()
        defer { file.remove() }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "--only", decoder.name, "--seed", "\(seed)", "--inputs", "\(count)", "--progress", file.path, "--memory",
            "\(memory)",
        ]
        try process.run()
        var last = 0
        var since = ContinuousClock.now
        while process.isRunning {
            try await Task.sleep(for: .milliseconds(20))
            let index = file.index
            if index != last { (last, since) = (index, .now) }
            if ContinuousClock.now - since > .seconds(patience), process.isRunning {
                process.terminate()
                say(decoder, index, "takes longer than \(patience) s")
                return false
            }
        }
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            say(
                decoder, file.index,
                process.terminationReason == .exit ? "fails" : "crashes with signal \(process.terminationStatus)")
            return false
        }
        let seconds = (ContinuousClock.now - start).components.seconds
        print("ok      \(decoder.name): \(count) inputs in \(seconds) s")
        return true
    }

    private func say(_ decoder: FuzzedDecoder, _ index: Int, _ what: String) {
        print(
            "FAILED  \(decoder.name): input \(index) \(what); repeat it with --only \(decoder.name) --seed \(seed) --at \(index)")
    }
}
