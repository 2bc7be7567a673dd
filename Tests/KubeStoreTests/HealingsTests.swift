import Testing

@testable import KubeStore

struct HealingsTests {
    @Test func areCountedByKind() {
        let healings = Healings()
        healings.note(.containers)
        healings.note(.containers, 2)
        healings.note(.rules, 0)
        #expect(healings.count(.containers) == 3)
        #expect(healings.count(.rules) == 0)
        let text = healings.metricsText
        #expect(text.contains("sampan_healed_total{what=\"containers\"} 3\n"))
        // Every kind is a series from the start on, and there are no others.
        #expect(text.split(separator: "\n").count == Healings.Kind.allCases.count + 2)
    }
}
