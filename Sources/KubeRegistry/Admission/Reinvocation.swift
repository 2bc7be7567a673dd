import KubeObject

/// Who is to be asked again after somebody else has changed the object.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
struct Reinvocation: Sendable {
    /// Whether this is the second round.
    var isRepeated = false
    /// Whether there shall be one.
    var isNeeded = false
    private var parties: [String: Party] = [:]

    private struct Party: Sendable {
        /// Those that were asked and may be asked again.
        var willing: Set<String> = []
        /// Those that must be.
        var required: Set<String> = []
        var lastOutput: JSON?
    }

    /// A plugin begins. In the second round, whoever is willing is asked again if others have changed the object since.
    mutating func begin(_ plugin: String, _ object: JSON) {
        guard isRepeated, let last = parties[plugin]?.lastOutput, last != object else { return }
        requireWilling(plugin)
    }

    mutating func end(_ plugin: String, _ object: JSON) { parties[plugin, default: Party()].lastOutput = object }

    /// Whether a party is to be asked in this round. Nobody is asked for the first time in the second.
    func asks(_ plugin: String, _ name: String) -> Bool {
        !isRepeated || parties[plugin]?.required.contains(name) ?? false
    }

    /// A party has answered.
    mutating func note(_ plugin: String, _ name: String, isChanged: Bool, isWilling: Bool) {
        if isChanged {
            requireWilling(plugin)
            isNeeded = true
        }
        if isWilling { parties[plugin, default: Party()].willing.insert(name) }
    }

    private mutating func requireWilling(_ plugin: String) {
        guard let party = parties[plugin] else { return }
        parties[plugin]?.required.formUnion(party.willing)
        parties[plugin]?.willing = []
    }
}
