import KubeObject

/// Whose use is asked for, of which time, and how it is added up.
struct UsageQuery: Sendable, Equatable {
    enum Grouping: String, CaseIterable, Sendable {
        case cluster, hour, day, team
    }

    /// One line of a report.
    struct Entry: Sendable, Equatable {
        /// The beginning of the hour or day; nil in sums over time.
        var time: Double?
        var team: String
        /// Empty in sums over clusters.
        var cluster: String
        var uid: String
        var amounts = UsageAmounts()
        var isOpen = false

        var tree: JSON {
            func decimal(_ value: Double) -> JSON { .double((value * 1e6).rounded() / 1e6) }
            let hour = 3600.0
            let gibibyteHour = hour * 1_073_741_824
            var tree: JSON = [
                "team": .string(team), "cpuSeconds": decimal(amounts.cpuSeconds),
                "memoryGiBHours": decimal(amounts.memoryByteSeconds / gibibyteHour),
                "storageGiBHours": decimal(amounts.storageByteSeconds / gibibyteHour),
                "awakeHours": decimal(amounts.awakeSeconds / hour), "requests": .int(amounts.requests),
            ]
            if let time { tree["time"] = .string(Timestamp.format(time)) }
            if !cluster.isEmpty { tree["cluster"] = .string(cluster) }
            if !uid.isEmpty { tree["clusterUID"] = .string(uid) }
            if isOpen { tree["open"] = true }
            return tree
        }
    }

    static let maximumTime: Double = 366 * 86_400
    static let maximumEntries = 10_000

    var team: String
    /// Seconds since 1970, whole hours.
    var since: Double
    var until: Double
    var grouping: Grouping

    /// - Parameter now: seconds since 1970.
    /// - Throws: what is wrong with the request.
    init(_ body: JSON, team: String, now: Double) throws(QueryErrors) {
        self.team = team
        var errors: [FieldError] = []
        func time(_ field: String, _ standing: Double) -> Double {
            guard let text = body[field]?.string, !text.isEmpty else { return standing }
            if let time = Timestamp.parse(text) { return time }
            errors.append(.invalid(field, .string(text), "must be a time such as 2026-11-28T07:00:00Z"))
            return standing
        }
        let end = time("until", now)
        let begin = time("since", end - 86_400)
        let by = body["by"]?.string ?? ""
        let known = by.isEmpty ? .cluster : Grouping(rawValue: by)
        if known == nil { errors.append(.notSupported("by", .string(by), Grouping.allCases.map(\.rawValue))) }
        if errors.isEmpty, begin >= end {
            errors.append(
                .invalid("since", .string(Timestamp.format(begin)), "must be before until, which is \(Timestamp.format(end))"))
        } else if errors.isEmpty, end - begin > Self.maximumTime {
            errors.append(.invalid("since", .string(Timestamp.format(begin)), "must be at most 366 days before until"))
        }
        guard errors.isEmpty, let known else { throw QueryErrors(list: errors) }
        since = (begin / 3600).rounded(.down) * 3600
        until = end
        grouping = known
    }

    struct QueryErrors: Error {
        var list: [FieldError]
    }

    func covers(_ record: UsageRecord) -> Bool { record.team == team && record.hour >= since && record.hour < until }
}

/// Adds records up as a query wants it.
struct UsageSum {
    private struct Group: Hashable {
        var time: Double?
        var uid: String
    }

    private let query: UsageQuery
    private var groups: [Group: UsageQuery.Entry] = [:]

    init(_ query: UsageQuery) { self.query = query }

    mutating func add(_ record: UsageRecord, isOpen: Bool) {
        let time: Double? =
            switch query.grouping {
            case .hour: record.hour
            case .day: (record.hour / 86_400).rounded(.down) * 86_400
            case .cluster, .team: nil
            }
        let isOfCluster = query.grouping != .team
        let group = Group(time: time, uid: isOfCluster ? record.uid : "")
        // One more than may be, so that it is seen that there are too many.
        guard groups[group] != nil || groups.count <= UsageQuery.maximumEntries else { return }
        groups[
            group,
            default: UsageQuery.Entry(
                time: time, team: record.team, cluster: isOfCluster ? record.cluster : "", uid: group.uid)
        ].amounts += record.amounts
        if isOpen { groups[group]?.isOpen = true }
    }

    var entries: [UsageQuery.Entry] {
        groups.values.sorted { ($0.time ?? 0, $0.cluster, $0.uid) < ($1.time ?? 0, $1.cluster, $1.uid) }
    }
}
