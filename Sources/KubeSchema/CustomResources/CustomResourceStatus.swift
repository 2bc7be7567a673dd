public import KubeObject

/// The status of definitions: which names they got, and which versions may be stored.
public enum CustomResourceStatus {
    static func isTrue(_ condition: String, _ definition: JSON) -> Bool {
        definition[path: "status", "conditions"]?.elements.contains {
            $0["type"]?.string == condition && $0["status"]?.string == "True"
        } ?? false
    }

    /// The status that a definition shall have beside the others.
    ///
    /// - Parameters:
    ///   - others: all other definitions; those of the same group may have taken names.
    ///   - now: for conditions that change.
    /// - Returns: the definition's status; the same as it has when nothing changes.
    public static func status(of definition: JSON, others: [JSON], now: String) -> JSON {
        let group = definition[path: "spec", "group"]
        let sameGroup = others.filter { $0[path: "spec", "group"] == group }.map {
            CustomResourceDefinition.Names($0[path: "status", "acceptedNames"])
        }
        let usedResources = Set(sameGroup.flatMap { [$0.plural, $0.singular] + $0.shortNames })
        let usedKinds = Set(sameGroup.flatMap { [$0.kind, $0.listKind] })

        let wanted = CustomResourceDefinition.Names(definition[path: "spec", "names"])
        var accepted = CustomResourceDefinition.Names(definition[path: "status", "acceptedNames"])
        var conflict: (reason: String, message: String)?
        func take(_ name: String, _ current: String, _ used: Set<String>, _ reason: String) -> String {
            guard name != current, used.contains(name) else { return name }
            conflict = (reason, "\(JSON.string(name).text) is already in use")
            return current
        }
        accepted.plural = take(wanted.plural, accepted.plural, usedResources, "PluralConflict")
        accepted.singular = take(wanted.singular, accepted.singular, usedResources, "SingularConflict")
        let taken = wanted.shortNames.filter { !accepted.shortNames.contains($0) && usedResources.contains($0) }
        if taken.isEmpty {
            accepted.shortNames = wanted.shortNames
        } else {
            let texts = taken.map { "\(JSON.string($0).text) is already in use" }
            conflict = ("ShortNamesConflict", texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]")
        }
        accepted.kind = take(wanted.kind, accepted.kind, usedKinds, "KindConflict")
        accepted.listKind = take(wanted.listKind, accepted.listKind, usedKinds, "ListKindConflict")
        accepted.categories = wanted.categories

        var status = definition["status"] ?? [:]
        status["acceptedNames"] = accepted.json
        var conditions = status["conditions"]?.elements ?? []
        set(
            &conditions, "NamesAccepted", isTrue: conflict == nil, conflict?.reason ?? "NoConflicts",
            conflict?.message ?? "no conflicts found", now)
        // What was established stays so: its objects are there.
        if conflict == nil, !isTrue("Established", definition) {
            set(&conditions, "Established", isTrue: true, "InitialNamesAccepted", "the initial names have been accepted", now)
        } else if !conditions.contains(where: { $0["type"]?.string == "Established" }) {
            set(&conditions, "Established", isTrue: false, "NotAccepted", "not all names are accepted", now)
        }
        if let approval = APIApproval(definition)?.condition {
            set(
                &conditions, "KubernetesAPIApprovalPolicyConformant", isTrue: approval.isTrue, approval.reason, approval.message,
                now)
        }
        status["conditions"] = .array(conditions)
        status["storedVersions"] = storedVersions(of: definition)
        return status
    }

    /// The versions that objects may be stored in: those so far, and the storage version.
    public static func storedVersions(of definition: JSON) -> JSON {
        var stored = definition[path: "status", "storedVersions"]?.strings ?? []
        let storage = definition[path: "spec", "versions"]?.elements.first { $0["storage"]?.bool == true }
        if let name = storage?["name"]?.string, !stored.contains(name) { stored.append(name) }
        return JSON(stored)
    }

    /// The condition of a definition that is being deleted.
    public static func terminating(
        _ definition: JSON, isTrue: Bool, reason: String, message: String, now: String
    ) -> JSON {
        var status = definition["status"] ?? [:]
        var conditions = status["conditions"]?.elements ?? []
        set(&conditions, "Terminating", isTrue: isTrue, reason, message, now)
        status["conditions"] = .array(conditions)
        return status
    }

    private static func set(
        _ conditions: inout [JSON], _ type: String, isTrue: Bool, _ reason: String, _ message: String, _ now: String
    ) {
        var condition: JSON = [
            "type": .string(type), "status": isTrue ? "True" : "False", "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": .string(now),
        ]
        guard let index = conditions.firstIndex(where: { $0["type"]?.string == type }) else {
            conditions.append(condition)
            return
        }
        if conditions[index]["status"] == condition["status"] {
            condition["lastTransitionTime"] = conditions[index]["lastTransitionTime"]
        }
        conditions[index] = condition
    }
}
