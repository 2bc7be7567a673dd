/// A decoder under test: what it is fed, and what must hold of what it makes of it.
struct FuzzedDecoder: Sendable {
    let name: String
    let seeds: [[UInt8]]
    var tokens: [[UInt8]] = []
    /// One of how many inputs it gets: more than 1 for what takes long by its nature.
    var rarity = 1
    /// Decodes one input. Refusing it is fine; crashing, hanging and breaking a promise are not.
    let check: @Sendable ([UInt8]) throws(BrokenPromise) -> Void

    init(
        _ name: String, seeds: [String], tokens: [String] = [], rarity: Int = 1,
        check: @escaping @Sendable ([UInt8]) throws(BrokenPromise) -> Void
    ) {
        self.init(name, seeds: seeds.map { Array($0.utf8) }, tokens: tokens.map { Array($0.utf8) }, check: check)
        self.rarity = rarity
    }

    init(
        _ name: String, seeds: [[UInt8]], tokens: [[UInt8]], check: @escaping @Sendable ([UInt8]) throws(BrokenPromise) -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.tokens = tokens
        self.check = check
    }

    /// Input number `index` of the run with this seed; it depends on nothing that came before.
    func input(_ index: Int, seed: UInt64) -> [UInt8] {
        let salt = name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var generator = SeededGenerator(seed: salt &+ UInt64(index) &* 0xD134_2543_DE82_EF95)
        return Mutator(seeds: seeds, tokens: tokens).input(&generator)
    }

    static let all = texts + languages + objects + streams
}

/// What a decoder made of an input contradicts what it promises.
struct BrokenPromise: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
