import Testing

@testable import KubeRuntime

@Suite struct BackoffTests {
    @Test func doublesUpToFiveMinutesAndForgets() {
        var backoff = Backoff()
        #expect(backoff.end("a", failure: 100, now: 100) == nil)
        backoff.advance("a", now: 100)
        #expect(backoff.end("a", failure: 101, now: 102) == 111)
        #expect(backoff.end("a", failure: 101, now: 111) == nil)
        for (time, delay) in [(111.0, 20.0), (140, 40), (190, 80), (280, 160), (450, 300), (800, 300)] {
            backoff.advance("a", now: time)
            #expect(backoff.delay("a") == delay)
        }
        #expect(backoff.end("a", failure: 1500, now: 1500) == nil)
        backoff.advance("a", now: 1500)
        #expect(backoff.delay("a") == 10)
    }
}
