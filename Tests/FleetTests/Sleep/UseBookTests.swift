import KubeAPI
import Synchronization
import Testing

@testable import Fleet

@Suite struct UseBookTests {
    private final class Time: Sendable {
        let seconds = Mutex(100.0)
        func set(_ time: Double) { seconds.withLock { $0 = time } }
    }

    private func book() -> (UseBook, Time) {
        let time = Time()
        return (UseBook { time.seconds.withLock { $0 } }, time)
    }

    private let exec = ClusterUse(.stream, "exec by alice in pods default/web")

    @Test func aUseLastsUntilItIsLetGoOf() {
        let (book, time) = book()
        var open: UseBook.OpenUse? = book.begin(exec, of: "demo").open
        #expect(book.open(of: "demo") == [exec.text])
        time.set(500)
        #expect(book.last(of: "demo")?.time == 100)
        withExtendedLifetime(open) {}
        open = nil
        #expect(book.open(of: "demo") == [])
        #expect(book.last(of: "demo") == .init(time: 500, text: exec.text))
        #expect(book.last(of: "other") == nil)
    }

    @Test func theFirstNeedWakesAndOnlyTheFirst() {
        let (book, _) = book()
        #expect(!book.begin(exec, of: "demo").mustWake)
        #expect(book.patience(with: "demo") == nil)
        #expect(book.set("demo", isAsleep: true))
        #expect(!book.set("demo", isAsleep: true))
        #expect(book.patience(with: "demo") != nil)
        #expect(!book.begin(ClusterUse(.stream, "log", needsPods: false), of: "demo").mustWake)
        #expect(book.begin(exec, of: "demo").mustWake)
        #expect(!book.begin(exec, of: "demo").mustWake)
        let wake = book.wake(of: "demo")
        #expect(book.set("demo", isAsleep: false))
        #expect(book.patience(with: "demo") == wake.map { $0.start + UseBook.patience })
        // It falls asleep again before all of its pods were up: the next one wakes it again.
        #expect(book.set("demo", isAsleep: true))
        #expect(book.begin(exec, of: "demo").mustWake)
        if let wake { #expect(!book.endWake("demo", wake)) }
        #expect(book.wake(of: "demo") != nil)
    }

    @Test func usesAreWrittenDownOnce() {
        let (book, time) = book()
        let open = book.begin(exec, of: "demo").open
        #expect(book.takeUnwritten().keys.sorted() == ["demo"])
        // One that goes on is one at the next look too.
        #expect(book.takeUnwritten().keys.sorted() == ["demo"])
        withExtendedLifetime(open) {}
        _ = consume open
        #expect(book.takeUnwritten().keys.sorted() == ["demo"])
        #expect(book.takeUnwritten().isEmpty)
        book.note(.init(time: 50, text: "older"), of: "demo")
        #expect(book.takeUnwritten().isEmpty)
        time.set(900)
        book.note(.init(time: 800, text: "a connection"), of: "demo")
        #expect(book.takeUnwritten()["demo"]?.text == "a connection")
        book.forget("demo")
        #expect(book.last(of: "demo") == nil)
    }

    @Test func aPauseHoldsWhoeverNeedsPodsAndWakesNobody() {
        let (book, _) = book()
        #expect(book.set("demo", isPaused: true, for: "export"))
        #expect(!book.set("demo", isPaused: true, for: "arrival"))
        #expect(book.isAsleep("demo"))
        #expect(book.asleep.isEmpty)
        #expect(!book.begin(exec, of: "demo").mustWake)
        #expect(book.patience(with: "demo") != nil)
        #expect(!book.set("demo", isPaused: false, for: "export"))
        #expect(book.isAsleep("demo"))
        #expect(!book.set("demo", isPaused: false, for: "another"))
        #expect(book.set("demo", isPaused: false, for: "arrival"))
        #expect(!book.isAsleep("demo"))
        #expect(book.patience(with: "demo") == nil)
    }

    @Test func aClusterThatSleepsIsAwakeAfterAPauseOnlyWhenItWoke() {
        let (book, _) = book()
        _ = book.set("demo", isAsleep: true)
        _ = book.set("demo", isPaused: true, for: "export")
        #expect(book.begin(exec, of: "demo").mustWake)
        _ = book.set("demo", isAsleep: false)
        #expect(book.isAsleep("demo"))
        _ = book.set("demo", isPaused: false, for: "export")
        #expect(!book.isAsleep("demo"))
        _ = book.set("demo", isPaused: true, for: "export")
        book.forget("demo")
        #expect(!book.isAsleep("demo"))
    }
}
