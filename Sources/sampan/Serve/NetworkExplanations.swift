import Fleet
import KubeNetwork
import KubeObject
import KubeStore

/// The network's answers as the platform's API gives them: Fleet and KubeNetwork know nothing of each other.
enum NetworkExplanations {
    static func answer(_ body: JSON, _ name: String, _ cluster: LogicalCluster, _ network: LocalNetwork) async throws
        -> JSONObject
    {
        let question: NetworkQuestion
        do {
            question = try NetworkQuestion(
                from: body["from"]?.string ?? "", to: body["to"]?.string ?? "", port: body["port"]?.int,
                transport: body["protocol"]?.string)
        } catch {
            throw NetworkExplainHandler.refusal(name, field: error.field, value: body[error.field], error.message)
        }
        let answer = try await network.explain(question, in: cluster)
        return [
            "reachable": .bool(answer.isReachable), "reason": .string(answer.reason.rawValue), "message": .string(answer.message),
            "steps": JSON(answer.steps),
        ]
    }
}
