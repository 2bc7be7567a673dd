import Testing

@testable import KubeStore

struct OrderedMapTests {
    /// Every operation against a plain sorted dictionary, with snapshots taken on the way that must never change.
    @Test(arguments: [(1, 40), (2, 400), (3, 5_000), (4, 100_000)] as [(UInt64, Int)])
    func behavesAsASortedDictionary(seed: UInt64, keys: Int) {
        var random = Seeded(state: seed)
        var map = OrderedMap<Int>()
        var model: [String: Int] = [:]
        var kept: [(map: OrderedMap<Int>, model: [String: Int])] = []

        for step in 0..<8_000 {
            let key = OrderedMapTests.key(Int.random(in: 0..<keys, using: &random))
            // Phases of growth and of shrinking, so that nodes both split and join.
            if Int.random(in: 0..<10, using: &random) < (step / 1_000 % 2 == 0 ? 8 : 2) {
                #expect(map.put(key, step) == model.updateValue(step, forKey: key))
            } else {
                #expect(map.remove(key) == model.removeValue(forKey: key))
            }
            #expect(map.count == model.count)
            if step % 1_500 == 0 { kept.append((map, model)) }
            if step % 500 == 0 { check(map, model, &random) }
        }
        for (map, model) in kept { check(map, model, &random) }
        for key in model.keys { map.remove(key) }
        #expect(map.isEmpty)
        #expect(map.rank(.afterPrefix("")) == 0)
    }

    private func check(_ map: OrderedMap<Int>, _ model: [String: Int], _ random: inout Seeded) {
        let sorted = model.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        let all = Array(map.entries(from: 0, count: map.count))
        #expect(all.map(\.key) == sorted.map(\.key))
        #expect(all.map(\.value) == sorted.map(\.value))
        checkShape(map.root)

        for _ in 0..<40 {
            let key = OrderedMapTests.key(Int.random(in: 0..<100_000, using: &random))
            #expect(map.get(key) == model[key])
            let below = sorted.prefix { compareBytes($0.key, key) < 0 }.count
            #expect(map.rank(.before(key)) == below)
            #expect(map.rank(.after(key)) == below + (model[key] == nil ? 0 : 1))
            let prefix = String(key.prefix(Int.random(in: 0...key.count, using: &random)))
            let matching = sorted.filter { hasBytePrefix($0.key, prefix) }
            let start = map.rank(.before(prefix))
            #expect(map.rank(.afterPrefix(prefix)) - start == matching.count)
            #expect(map.entries(from: start, count: matching.count).map(\.key) == matching.map(\.key))
            let position = Int.random(in: 0...sorted.count, using: &random)
            #expect(map.entries(from: position, count: 5).map(\.key) == sorted.dropFirst(position).prefix(5).map(\.key))
        }
    }

    /// All leaves on one level, counts right, separators between the branches' keys. Returns the depth.
    @discardableResult
    private func checkShape(_ node: OrderedMap<Int>.Node) -> Int {
        guard case .branches(let branches) = node else { return 1 }
        #expect(branches.count > 0 && branches.count <= OrderedMap<Int>.capacity)
        var depths: Set<Int> = []
        for (index, branch) in branches.enumerated() {
            #expect(branch.count == branch.node.count)
            #expect(branch.count > 0)
            #expect(compareBytes(branch.least, branch.node.least) <= 0)
            if index > 0 { #expect(compareBytes(branches[index - 1].node.greatest, branch.least) < 0) }
            depths.insert(checkShape(branch.node))
        }
        #expect(depths.count == 1)
        return (depths.first ?? 0) + 1
    }

    /// Keys of several lengths with shared prefixes, some beyond ASCII.
    private static func key(_ number: Int) -> String {
        switch number % 5 {
        case 0: "core/pods/ns-\(number % 7)/p-\(number)"
        case 1: "core/pods/ns-\(number % 7)-more/p-\(number)"
        case 2: "apps/deployments/ns-\(number % 3)/ü-\(number)"
        case 3: "apps/deployments/ns-\(number % 3)/\u{10FFFF}\(number)"
        default: "\(number)"
        }
    }

    @Test func keysInOrderFillNodes() {
        var map = OrderedMap<Int>()
        for number in 10_000..<20_000 { map.put("key-\(number)", number) }
        var leaves = 0
        func visit(_ node: OrderedMap<Int>.Node) {
            guard case .branches(let branches) = node else {
                leaves += 1
                return
            }
            for branch in branches { visit(branch.node) }
        }
        visit(map.root)
        #expect(leaves <= 10_000 / OrderedMap<Int>.capacity + 2)
    }

    @Test func keysOfEqualCanonicalFormAreDifferent() {
        var map = OrderedMap<Int>()
        map.put("caf\u{e9}", 1)
        map.put("cafe\u{301}", 2)
        #expect(map.count == 2)
        #expect(map.get("caf\u{e9}") == 1)
        #expect(Key("caf\u{e9}") != Key("cafe\u{301}"))
    }

    @Test func aChangedCopySharesTheOtherNodes() {
        var map = OrderedMap<Int>()
        for number in 10_000..<12_000 { map.put("key-\(number)", number) }
        var copy = map
        copy.put("key-10500", 0)
        #expect(map.get("key-10500") == 10_500)
        guard case .branches(let before) = map.root, case .branches(let after) = copy.root else {
            Issue.record("2,000 keys fit in one node")
            return
        }
        let shared = zip(before, after).filter { $0.node.isIdentical(to: $1.node) }.count
        #expect(shared == before.count - 1)
    }
}

extension OrderedMap.Node {
    fileprivate var greatest: String {
        switch self {
        case .leaf(let entries): entries.last?.key ?? ""
        case .branches(let branches): branches.last?.node.greatest ?? ""
        }
    }

    fileprivate func isIdentical(to other: Self) -> Bool {
        switch (self, other) {
        case (.leaf(let left), .leaf(let right)):
            left.withUnsafeBufferPointer { l in right.withUnsafeBufferPointer { r in l.baseAddress == r.baseAddress } }
        case (.branches(let left), .branches(let right)):
            left.withUnsafeBufferPointer { l in right.withUnsafeBufferPointer { r in l.baseAddress == r.baseAddress } }
        default: false
        }
    }
}
