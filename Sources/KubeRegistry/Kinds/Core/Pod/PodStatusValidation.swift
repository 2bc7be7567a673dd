import KubeObject

/// What is checked of a pod's status.
enum PodStatusValidation {
    static func validate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let status = object["status"] ?? [:]
        let before = old["status"] ?? [:]
        let spec = old["spec"] ?? [:]
        let known: Set<String> = ["PodScheduled", "Ready", "Initialized"]
        // Upstream takes the conditions for a part of the metadata.
        errors.each(status["conditions"], "metadata.conditions") { condition, path, errors in
            let type = condition.text("type")
            if !known.contains(type) { errors.invalid("\(path).Type", type, Names.qualified(type)) }
        }
        let nominated = status.text("nominatedNodeName")
        if !nominated.isEmpty, nominated != before.text("nominatedNodeName") {
            errors.invalid("status.nominatedNodeName", nominated, Names.subdomain(nominated))
        }
        errors.immutable(status["qosClass"], before["qosClass"], "status.qosClass")
        validateTransitions(status, before, spec, &errors)
        validateClaims(status, spec, &errors)
        validateAddresses(status["podIPs"], "status.podIPs", &errors)
        validateHostAddresses(status, &errors)
    }

    /// A container that won't be restarted stays ended.
    private static func validateTransitions(_ status: JSON, _ before: JSON, _ spec: JSON, _ errors: inout FieldErrors) {
        let policy = spec.text("restartPolicy")
        let all = (spec["containers"]?.elements ?? []) + (spec["initContainers"]?.elements ?? [])
        let own = Dictionary(
            all.map { ($0.text("name"), $0) }, uniquingKeysWith: { first, _ in first })
        for (key, policy) in [
            ("containerStatuses", policy), ("initContainerStatuses", policy), ("ephemeralContainerStatuses", "Never"),
        ] where policy != "Always" {
            for (index, old) in (before[key]?.elements ?? []).enumerated() {
                guard let terminated = old[path: "state", "terminated"], !terminated.isNull else { continue }
                let container = own[old.text("name")]
                let policy = container?.present("restartPolicy")?.string ?? policy
                if policy == "Always" || container?.has("restartPolicyRules") == true { continue }
                if policy == "OnFailure", terminated["exitCode"]?.int ?? 0 != 0 { continue }
                let revived = (status[key]?.elements ?? []).contains { new in
                    new.text("name") == old.text("name") && new["state"]?.present("terminated") == nil
                }
                if revived {
                    errors.forbidden("status.\(key)[\(index)].state", "may not be transitioned to non-terminated state")
                }
            }
        }
    }

    private static func validateClaims(_ status: JSON, _ spec: JSON, _ errors: inout FieldErrors) {
        let claims = Set((spec["resourceClaims"]?.elements ?? []).map { $0.text("name") })
        var seen: Set<String> = []
        errors.each(status["resourceClaimStatuses"], "status.resourceClaimStatuses") { claim, path, errors in
            let name = claim.text("name")
            if !claims.contains(name) {
                errors.invalid("\(path).name", .string(name), "must match the name of an entry in `spec.resourceClaims`")
            }
            if !seen.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            if let real = claim.present("resourceClaimName")?.string {
                errors.invalid("\(path).name", real, Names.subdomain(real))
            }
        }
    }

    private static func validateAddresses(_ list: JSON?, _ path: String, _ errors: inout FieldErrors) {
        let addresses = (list?.elements ?? []).map { $0.text("ip") }
        for (index, address) in addresses.enumerated() {
            errors.invalid("\(path)[\(index)]", address, Addresses.ip(address))
        }
        guard addresses.count > 1 else { return }
        if Addresses.isDualStack(addresses) != true || addresses.count > 2 {
            errors.invalid(path, list, "may specify no more than one IP for each IP family")
        }
        var seen: Set<String> = []
        for (index, address) in addresses.enumerated() where !seen.insert(address).inserted {
            errors.duplicate("\(path)[\(index)]", list?[index] ?? .null)
        }
    }

    private static func validateHostAddresses(_ status: JSON, _ errors: inout FieldErrors) {
        guard let first = status["hostIPs"]?[0] else { return }
        if first.text("ip") != status.text("hostIP") {
            errors.invalid("status.hostIPs[0].ip", .string(first.text("ip")), "must be equal to `hostIP`")
        }
        validateAddresses(status["hostIPs"], "status.hostIPs", &errors)
    }
}
