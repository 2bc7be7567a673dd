public import KubeObject
public import KubeRegistry
import KubeStore

/// Answers `teams/NAME/usage`: what the team's clusters have used. The team `default` stands for the clusters that are no team's.
///
/// The clusters and the team may be gone by now; their hours are still there.
public struct UsageHandler: SubresourceHandler {
    private let keeper: MeterKeeper

    public init(_ keeper: MeterKeeper) { self.keeper = keeper }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let kind = GroupKind(group: Platform.group, kind: "UsageReport")
        let query: UsageQuery
        do {
            query = try UsageQuery(body, team: name, now: Timestamp.seconds)
        } catch {
            throw .invalid(kind, name, error.list)
        }
        let entries: [UsageQuery.Entry]
        do {
            entries = try await keeper.report(query)
        } catch {
            throw .internalError("reading the usage ledger: \(error)")
        }
        guard entries.count <= UsageQuery.maximumEntries else {
            throw .invalid(
                kind, name,
                [
                    .invalid(
                        "since", .string(Timestamp.format(query.since)),
                        "there are more than \(UsageQuery.maximumEntries) records; ask for a shorter time, or by day, cluster or team"
                    )
                ])
        }
        return WriteResult(
            .document([
                "apiVersion": .string(Platform.version.apiVersion), "kind": "UsageReport", "by": .string(query.grouping.rawValue),
                "since": .string(Timestamp.format(query.since)), "until": .string(Timestamp.format(query.until)),
                "records": .array(entries.map(\.tree)),
            ]), code: 201)
    }
}
