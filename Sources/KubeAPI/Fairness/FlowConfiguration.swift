import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore

/// A cluster's priority levels and flow schemas, as requests are classified by them.
final class FlowConfiguration: Sendable {
    static let group = "flowcontrol.apiserver.k8s.io"
    /// Of the level for what no schema claims.
    private static let catchAllShares = 5

    let levels: [String: PriorityLevel]
    let sumOfShares: Int
    /// In the order in which they are tried. Those without a level aren't.
    private let schemas: [(rule: FlowSchemaRule, level: PriorityLevel, fields: [HTTPField])]
    private let catchAll: PriorityLevel

    /// - Parameter objects: of the group, of whatever kind.
    init(_ objects: [Object]) {
        var levels: [String: PriorityLevel] = [:]
        for object in objects where object.kind == "PriorityLevelConfiguration" {
            levels[object.metadata.name] = PriorityLevel(object)
        }
        self.catchAll = levels["catch-all"] ?? PriorityLevel(catchAllOf: Self.catchAllShares)
        levels["catch-all"] = self.catchAll
        self.levels = levels
        self.sumOfShares = levels.values.reduce(0) { $0 + $1.shares }
        self.schemas = objects.filter { $0.kind == "FlowSchema" }.map(FlowSchemaRule.init)
            .sorted { ($0.precedence, $0.name) < ($1.precedence, $1.name) }
            .compactMap { rule in
                levels[rule.level].map { level in
                    let fields = [
                        HTTPField(name: .flowSchemaUID, value: rule.uid), HTTPField(name: .priorityLevelUID, value: level.uid),
                    ]
                    return (rule, level, rule.uid.isEmpty ? [] : fields)
                }
            }
    }

    func classify(_ info: RequestInfo, _ user: UserInfo) -> Flow {
        guard let schema = self.schemas.first(where: { $0.rule.matches(info, user) }) else {
            return Flow(configuration: self, level: self.catchAll, fields: [], hash: 0)
        }
        var hasher = Hasher()
        hasher.combine(schema.rule.name)
        switch schema.rule.distinguisher {
        case .none: break
        case .user: hasher.combine(user.name)
        case .namespace: hasher.combine(info.namespace)
        }
        return Flow(
            configuration: self, level: schema.level, fields: schema.fields, hash: UInt64(bitPattern: Int64(hasher.finalize())))
    }
}

/// To which level a request belongs, and with which others it is in one line.
struct Flow: Sendable {
    let configuration: FlowConfiguration
    let level: PriorityLevel
    /// What responses say of the FlowSchema that matched and of its level; nothing when none did.
    let fields: [HTTPField]
    /// The same for all requests of a flow.
    let hash: UInt64
}
