import HTTPTypes
import Synchronization

/// Counts requests, and how long they took, by verb and status: a few hundred series at most, whatever clients ask for.
final class RequestMetrics: Sendable {
    private struct Series: Hashable {
        var verb: String
        var code: Int
    }

    /// Upper bounds of the duration's buckets, in seconds.
    private static let bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30]
    private static let verbs: Set<String> = [
        "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post", "put", "head", "options",
    ]

    private struct Durations {
        var buckets = [Int](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var sum = 0.0
        var count = 0
    }

    private struct State {
        var requests: [Series: Int] = [:]
        var durations: [String: Durations] = [:]
    }

    private let state = Mutex(State())

    func note(_ info: RequestInfo, status: Int, duration: Duration) {
        let verb = Self.verbs.contains(info.verb) ? info.verb : "other"
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        self.state.withLock { state in
            state.requests[Series(verb: verb, code: status), default: 0] += 1
            guard !info.isLongRunning else { return }
            let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
            state.durations[verb, default: Durations()].buckets[bucket] += 1
            state.durations[verb, default: Durations()].sum += seconds
            state.durations[verb, default: Durations()].count += 1
        }
    }

    /// A page of metrics in Prometheus' text format.
    static func page(_ text: String) -> APIResponse {
        var response = APIResponse.text(text)
        response.headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }

    struct Gauge {
        var name: String
        var help: String
        var value: Int

        init(_ name: String, _ help: String, _ value: Int) {
            self.name = name
            self.help = help
            self.value = value
        }
    }

    private static func header(_ name: String, _ help: String, _ type: String) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Gauges in Prometheus' text format, version 0.0.4.
    static func text(_ gauges: [Gauge]) -> String {
        gauges.map { Self.header($0.name, $0.help, "gauge") + "\($0.name) \($0.value)\n" }.joined()
    }

    /// What was counted, in Prometheus' text format.
    var text: String {
        let (requests, durations) = self.state.withLock { ($0.requests, $0.durations) }
        var text = ""
        func header(_ name: String, _ help: String, _ type: String) { text += Self.header(name, help, type) }
        header("apiserver_request_total", "Requests answered, by verb and status code.", "counter")
        for (series, count) in requests.sorted(by: { ($0.key.verb, $0.key.code) < ($1.key.verb, $1.key.code) }) {
            text += "apiserver_request_total{verb=\"\(series.verb)\",code=\"\(series.code)\"} \(count)\n"
        }
        let name = "apiserver_request_duration_seconds"
        header(name, "Time until a request's answer was ready, by verb; without watches and other streams.", "histogram")
        for (verb, durations) in durations.sorted(by: { $0.key < $1.key }) {
            var total = 0
            for (bound, count) in zip(Self.bounds.map { String($0) } + ["+Inf"], durations.buckets) {
                total += count
                text += "\(name)_bucket{verb=\"\(verb)\",le=\"\(bound)\"} \(total)\n"
            }
            text += "\(name)_sum{verb=\"\(verb)\"} \(durations.sum)\n\(name)_count{verb=\"\(verb)\"} \(durations.count)\n"
        }
        return text
    }
}
