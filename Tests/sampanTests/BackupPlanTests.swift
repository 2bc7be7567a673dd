import KubeControllers
import KubeObject
import Testing

@testable import sampan

struct BackupPlanTests {
    /// 2026-11-28T07:00:00Z, a Saturday.
    static let now = 1_795_849_200.0
    static let day = 86_400.0

    private static func next(_ last: Double?, failed: Double? = nil, zone: String? = nil, now: Double = now) throws -> Double? {
        BackupPlan(schedule: try CronSchedule("0 3 * * *", zone: zone)).next(last: last, failed: failed, now: now)
    }

    @Test func whatWasMissedIsMadeUpForOnce() throws {
        let due = Self.now - 4 * 3600
        #expect(try Self.next(nil) == Self.now)
        #expect(try Self.next(due - 3 * Self.day) == Self.now)
        #expect(try Self.next(due) == due + Self.day)
        #expect(try Self.next(due + 60) == due + Self.day)
    }

    @Test func theTimeZoneCounts() throws {
        // In Berlin it is 3 o'clock an hour earlier in winter.
        let due = Self.now - 5 * 3600
        #expect(try Self.next(due, zone: "Europe/Berlin") == due + Self.day)
    }

    @Test func aFailureIsTriedAgainSoonAndNotAtOnce() throws {
        let last = Self.now - 2 * Self.day
        #expect(try Self.next(last, failed: Self.now) == Self.now + BackupPlan.retry)
        #expect(try Self.next(last, failed: Self.now - BackupPlan.retry - 1) == Self.now)
        #expect(try Self.next(nil, failed: Self.now - 10) == Self.now + BackupPlan.retry - 10)
    }

    @Test func theStateSurvivesBeingWritten() {
        var state = BackupState(
            lastSuccess: Self.now, lastName: "sampan-x", lastSize: 7, successes: 2, failures: 1, next: Self.now + 60)
        #expect(BackupState(state.tree) == state)
        state.failedAt = Self.now + 1
        state.failure = "the disk is full"
        #expect(BackupState(state.tree) == state)
        #expect(state.metricsText.contains("sampan_backup_failing 1"))
    }

    @Test(
        arguments: [
            (nil, false, nil, Finding.State.ok), (BackupState(lastSuccess: now - 60), true, now - 120, .ok),
            (BackupState(lastSuccess: now - 60, failedAt: now, failure: "x"), true, now - 120, .failure),
            (BackupState(lastSuccess: now - 9000), true, now - 7200, .failure), (nil, true, now - 60, .ok),
            (nil, true, now - 7200, .failure),
        ] as [(BackupState?, Bool, Double?, Finding.State)])
    func theDoctorTells(state: BackupState?, isScheduled: Bool, due: Double?, expected: Finding.State) {
        let finding = Diagnosis.backups(state, isScheduled: isScheduled, due: due, now: Self.now, directory: "/b")
        #expect(finding.state == expected)
        // Whatever went well when it was made.
        let damaged = Diagnosis.backups(
            state, isScheduled: isScheduled, due: due, damage: ["It is short."], now: Self.now, directory: "/b")
        #expect(damaged.state == .failure)
        #expect(damaged.message == "It is short.")
    }
}
