import KubeObject
import Testing

@testable import Fleet

/// When a cluster falls asleep and wakes by itself. Times are seconds since 1970-01-01, a Thursday, at midnight in UTC.
@Suite struct SleepPlanTests {
    private static let hour = 3600.0
    private static let nights: JSON = ["schedule": ["sleepAt": ["0 20 * * *"], "wakeAt": ["0 8 * * *"]]]

    private func plan(
        _ sleep: JSON, isAwake: Bool = true, since: Double = 0, lastUse: Double = 0, now: Double
    ) -> SleepPlan {
        SleepPlan(SleepSpec(["sleep": sleep]), isAwake: isAwake, since: since, lastUse: lastUse, now: now)
    }

    @Test func nothingIsSaidSoNothingHappens() {
        #expect(plan([:], now: 1e9) == plan([:], now: 0))
        #expect(plan([:], now: 1e9).nextLook == nil)
    }

    @Test func idleTimeCountsFromTheLastUseOrTheWake() {
        #expect(plan(["afterIdle": "30m"], lastUse: 1000, now: 2000).nextLook == 2800)
        #expect(plan(["afterIdle": "30m"], since: 1500, lastUse: 1000, now: 2000).sleepsAt == 3300)
        #expect(plan(["afterIdle": "30m"], lastUse: 1000, now: 2800).step == .sleep(.idle))
        #expect(plan(["afterIdle": "30m"], isAwake: false, since: 0, now: 1e6).step == .stay)
    }

    @Test func inItsNightsAClusterSleepsWhenNobodyUsesIt() {
        let evening = 20 * Self.hour
        let day = plan(Self.nights, lastUse: 10 * Self.hour, now: 12 * Self.hour)
        #expect(day.step == .stay)
        #expect(day.nextLook == evening)
        #expect(plan(Self.nights, lastUse: 10 * Self.hour, now: evening).step == .sleep(.schedule))
        // Somebody works late.
        let late = plan(Self.nights, lastUse: evening - 60, now: evening)
        #expect(late.step == .stay)
        #expect(late.nextLook == evening - 60 + SleepPlan.nightlyIdle)
        // Woken in the night, it doesn't stay awake till the next one.
        #expect(plan(Self.nights, since: evening + 3600, now: evening + 3600 + SleepPlan.nightlyIdle).step == .sleep(.schedule))
    }

    @Test func inTheMorningItWakes() {
        let night = plan(Self.nights, isAwake: false, since: 20 * Self.hour, now: 23 * Self.hour)
        #expect(night.step == .stay)
        #expect(night.wakesAt == 32 * Self.hour)
        #expect(plan(Self.nights, isAwake: false, since: 20 * Self.hour, now: 32 * Self.hour).step == .wake)
        // The server was away in the morning, and it's night again.
        #expect(plan(Self.nights, isAwake: false, since: 20 * Self.hour, now: 45 * Self.hour).step == .stay)
        // Put to sleep by command in the day: the next morning wakes it.
        #expect(plan(Self.nights, isAwake: false, since: 34 * Self.hour, now: 40 * Self.hour).step == .stay)
    }

    @Test func withoutMorningsANightEndsWithTheFirstUse() {
        let nights: JSON = ["schedule": ["sleepAt": ["0 20 * * *"]]]
        let evening = 20 * Self.hour
        #expect(plan(nights, since: 0, now: evening).step == .sleep(.schedule))
        let woken = plan(nights, since: evening + 60, now: evening + 10 * Self.hour)
        #expect(woken.step == .stay)
        #expect(woken.nextLook == evening + 24 * Self.hour)
    }

    @Test func nightsAreThoseOfTheTimeZone() {
        let nights: JSON = ["schedule": ["sleepAt": ["0 20 * * *"], "timeZone": "Asia/Shanghai"]]
        #expect(plan(nights, now: 0).sleepsAt == 12 * Self.hour)
    }

    @Test(
        arguments: [
            (["afterIdle": "9s"], "spec.sleep.afterIdle"), (["afterIdle": "3h"], "spec.sleep.afterIdle"),
            (["schedule": ["sleepAt": ["x"]]], "spec.sleep.schedule.sleepAt[0]"),
            (["schedule": ["sleepAt": ["@every 1h"]]], "spec.sleep.schedule.sleepAt[0]"),
            (["schedule": ["sleepAt": ["0 0 31 4 *"]]], "spec.sleep.schedule.sleepAt[0]"),
            (["schedule": ["sleepAt": ["0 0 * * *"], "timeZone": "Nowhere/Here"]], "spec.sleep.schedule.timeZone"),
            (["schedule": ["wakeAt": ["0 0 * * *"]]], "spec.sleep.schedule.sleepAt"),
            (["afterIdle": "30m", "schedule": ["wakeAt": ["0 0 * * *"]]], nil), (["afterIdle": "2h"], nil), ([:], nil),
        ] as [(JSON, String?)])
    func specsAreJudged(sleep: JSON, field: String?) {
        #expect(SleepSpec.errors(in: ["sleep": sleep], maximumIdle: 7200).map(\.path) == [field].compactMap { $0 })
    }
}
