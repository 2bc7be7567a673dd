import KubeObject
import Testing

@testable import Fleet

@Suite struct SleepStateTests {
    @Test func isReadAsItWasWritten() {
        var cluster: JSON = ["metadata": ["creationTimestamp": "1970-01-01T00:01:40Z"], "status": ["phase": "Ready"]]
        #expect(SleepState(cluster) == SleepState(isAwake: true, since: 100, reason: "Created", message: "The cluster was made."))
        let asleep = SleepState(isAwake: false, since: 200, reason: "Idle", message: "nobody")
        var status = cluster["status"] ?? [:]
        asleep.write(to: &status)
        cluster["status"] = status
        #expect(SleepState(cluster) == asleep)
        #expect(status["phase"]?.string == "Asleep")
        SleepState(isAwake: true, since: 300, reason: "Needed", message: "exec").write(to: &status)
        #expect(status["phase"]?.string == "Ready")
        #expect(status["conditions"]?.elements.count == 1)
    }

    @Test func metricsHaveFewSeries() {
        let metrics = WakeMetrics()
        metrics.slept("Idle")
        metrics.woke("write")
        for tenth in 1...100 { metrics.took(Double(tenth) / 10) }
        metrics.took(.infinity)
        let text = metrics.text(asleep: 3)
        #expect(text.contains("sampan_clusters_asleep 3\n"))
        #expect(text.contains("sampan_cluster_wake_duration_seconds_bucket{le=\"2.0\"} 20\n"))
        #expect(text.contains("sampan_cluster_wake_duration_seconds_bucket{le=\"+Inf\"} 101\n"))
        #expect(text.contains("sampan_cluster_wake_recent_seconds{quantile=\"0.5\"} 5.1\n"))
        #expect(text.split(separator: "\n").count < 40)
    }
}
