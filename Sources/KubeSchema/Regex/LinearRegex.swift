/// Regular expressions with RE2's syntax that match in time linear in the text, whatever the expression: patterns and texts both
/// come from tenants.
///
/// A pattern becomes a program of at most ``maximumProgram`` instructions, run as a set of threads in lockstep (Thompson's simulation). There
/// are no back references and no look-around; nothing backtracks.
/// Source: https://github.com/google/re2/wiki/Syntax
public struct LinearRegex: Sendable {
    /// Why a pattern is refused, in Go's words where it has some.
    public struct SyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
        public var description: String
    }

    enum Instruction: Sendable {
        case match
        case character(CharacterSet)
        /// Tried in this order.
        case split(Int, Int)
        case jump(Int)
        case assert(Assertion)
    }

    enum Assertion: Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
    }

    static let maximumProgram = 20_000
    static let maximumPattern = 16_384

    let program: [Instruction]

    public init(_ pattern: String) throws(SyntaxError) {
        guard pattern.utf8.count <= Self.maximumPattern else {
            throw SyntaxError(description: "error parsing regexp: expression too large")
        }
        var parser = RegexParser(pattern)
        let tree = try parser.parse()
        var compiler = RegexCompiler()
        try compiler.emit(tree)
        compiler.program.append(.match)
        program = compiler.program
    }

    /// Whether the pattern matches anywhere in the text.
    public func matches(_ text: String) -> Bool {
        run(Array(text.unicodeScalars), from: 0, stopAtFirst: true) != nil
    }

    /// The leftmost match, as RE2 chooses it.
    public func firstMatch(in text: String) -> String? {
        let scalars = Array(text.unicodeScalars)
        return run(scalars, from: 0, stopAtFirst: false).map { Self.text(scalars[$0]) }
    }

    /// All matches that don't overlap, at most `limit`.
    public func allMatches(in text: String, limit: Int = .max) -> [String] {
        let scalars = Array(text.unicodeScalars)
        var found: [String] = []
        var start = 0
        while found.count < limit, start <= scalars.count, let range = run(scalars, from: start, stopAtFirst: false) {
            found.append(Self.text(scalars[range]))
            start = range.isEmpty ? range.upperBound + 1 : range.upperBound
        }
        return found
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private struct Thread {
        var counter: Int
        var start: Int
    }

    /// Threads in the order of their priority, each program counter at most once.
    private struct ThreadList {
        var threads: [Thread] = []
        var marks: [Int]
        var generation = 0

        init(_ size: Int) { marks = Array(repeating: -1, count: size) }

        mutating func clear() {
            threads.removeAll(keepingCapacity: true)
            generation += 1
        }
    }

    private func run(_ text: [Unicode.Scalar], from first: Int, stopAtFirst: Bool) -> Range<Int>? {
        var current = ThreadList(program.count)
        var next = ThreadList(program.count)
        var best: Range<Int>?
        current.generation = 1
        for position in first...max(first, text.count) {
            if best == nil { add(0, start: position, position, text, &current) }
            if current.threads.isEmpty { break }
            next.clear()
            let scalar = position < text.count ? text[position] : nil
            step: for thread in current.threads {
                switch program[thread.counter] {
                case .match:
                    best = thread.start..<position
                    if stopAtFirst { return best }
                    break step
                case .character(let set):
                    if let scalar, set.contains(scalar) {
                        add(thread.counter + 1, start: thread.start, position + 1, text, &next)
                    }
                default: break
                }
            }
            swap(&current, &next)
            if position >= text.count { break }
        }
        return best
    }

    /// Follows jumps and assertions without consuming; a stack of our own, since patterns choose the depth.
    private func add(_ counter: Int, start: Int, _ position: Int, _ text: [Unicode.Scalar], _ list: inout ThreadList) {
        var stack = [counter]
        while let counter = stack.popLast() {
            guard list.marks[counter] != list.generation else { continue }
            list.marks[counter] = list.generation
            switch program[counter] {
            case .jump(let target): stack.append(target)
            case .split(let first, let second):
                stack.append(second)
                stack.append(first)
            case .assert(let assertion):
                if holds(assertion, position, text) { stack.append(counter + 1) }
            case .match, .character: list.threads.append(Thread(counter: counter, start: start))
            }
        }
    }

    private func holds(_ assertion: Assertion, _ position: Int, _ text: [Unicode.Scalar]) -> Bool {
        func isWord(_ index: Int) -> Bool { text.indices.contains(index) && CharacterSet.word.contains(text[index]) }
        switch assertion {
        case .textStart: return position == 0
        case .textEnd: return position == text.count
        case .lineStart: return position == 0 || text[position - 1] == "\n"
        case .lineEnd: return position == text.count || text[position] == "\n"
        case .wordBoundary: return isWord(position - 1) != isWord(position)
        case .noWordBoundary: return isWord(position - 1) == isWord(position)
        }
    }
}
