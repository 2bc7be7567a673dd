import KubeClient
import KubeObject

/// What members see over all teams. Kubernetes refuses a list to who may get some of its objects only; so those are asked for that the user's own
/// rules name.
extension PlatformAPI {
    private static let reviews = GroupVersionResource(
        group: "authorization.k8s.io", version: "v1", resource: "selfsubjectrulesreviews")

    /// All teams, or for a member those that they are in.
    func visibleTeams() async throws -> JSON {
        do {
            return try await client.list(teamPath())
        } catch let error as StatusError where error.code == 403 {
            var items: [JSON] = []
            for name in try await ownTeams() {
                do {
                    items.append(try await client.get(teamPath(name)))
                } catch let error as StatusError where [403, 404].contains(error.code) {
                    // It went, or the membership did, since the rules were read.
                    continue
                }
            }
            return Self.list(of: "Team", items)
        }
    }

    /// The objects of all namespaces, or for a member those of their teams'.
    func visible(_ resource: GroupVersionResource, kind: String, labelSelector: String = "") async throws -> JSON {
        do {
            return try await client.list(ResourcePath(resource), labelSelector: labelSelector)
        } catch let error as StatusError where error.code == 403 {
            let teams = try await ownTeams()
            guard !teams.isEmpty else { throw error }
            var items: [JSON] = []
            for team in teams {
                let list = try await client.list(ResourcePath(resource, namespace: team), labelSelector: labelSelector)
                items += list["items"]?.elements ?? []
            }
            return Self.list(of: kind, items)
        }
    }

    /// Names of the teams that the user's own rules name.
    private func ownTeams() async throws -> [String] {
        let answer = try await client.create(
            [
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                "spec": ["namespace": .string(namespace(""))],
            ], at: ResourcePath(Self.reviews))
        return Self.teams(in: answer[path: "status", "resourceRules"]?.elements ?? [])
    }

    /// The teams that rules of a `SelfSubjectRulesReview` let one get.
    static func teams(in rules: [JSON]) -> [String] {
        func says(_ rule: JSON, _ field: String, _ value: String) -> Bool {
            (rule[field]?.strings ?? []).contains { $0 == value || $0 == "*" }
        }
        let names = rules.filter {
            says($0, "apiGroups", teams.group) && says($0, "resources", teams.resource) && says($0, "verbs", "get")
        }.flatMap { $0["resourceNames"]?.strings ?? [] }
        return Set(names).sorted()
    }

    private static func list(of kind: String, _ items: [JSON]) -> JSON {
        ["apiVersion": "sampan.dev/v1alpha1", "kind": .string(kind + "List"), "metadata": [:], "items": .array(items)]
    }

    /// Whether there is a team of this name, as far as the user may know.
    ///
    /// - Throws: that there is none.
    func requireTeam(_ name: String) async throws {
        guard !name.isEmpty else { return }
        do { _ = try await client.get(teamPath(name)) } catch { throw TeamCommand.notFoundHint(error, name) }
    }
}
