import KubeObject

/// The endpoint slices that show what somebody wrote by hand into `Endpoints`, decided from those and the slices there are.
/// Source: KEP-0752, mirroring of endpoints
enum EndpointMirror {
    static let managedBy = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"

    struct Plan: Equatable {
        var create: [JSON] = []
        /// Whole objects, with the name of the slice each replaces.
        var update: [String: JSON] = [:]
        var delete: [String] = []
    }

    /// Whether these endpoints are shown in slices: the service has no selector, and nobody said otherwise.
    static func isMirrored(_ endpoints: Object?, service: Object?) -> Bool {
        guard let endpoints, let service, endpoints.metadata.deletionTimestamp == nil else { return false }
        guard endpoints.metadata.labels[skipLabel] != "true" else { return false }
        let leader = endpoints.tree[path: "metadata", "annotations", "control-plane.alpha.kubernetes.io/leader"]
        return leader == nil && ServiceView(service).selector == nil
    }

    /// - Parameter existing: the slices that mirror this service.
    static func plan(_ endpoints: Object, existing: [Object]) -> Plan {
        var plan = Plan()
        var unused = existing
        for subset in endpoints.tree["subsets"]?.elements ?? [] {
            for family in ["IPv4", "IPv6"] {
                let addresses = entries(subset, family: family)
                guard !addresses.isEmpty else { continue }
                let slice = slice(endpoints, subset: subset, family: family, endpoints: addresses)
                let same = unused.firstIndex {
                    $0.tree["addressType"] == slice["addressType"] && $0.tree["ports"] == slice["ports"]
                }
                guard let index = same ?? unused.firstIndex(where: { $0.tree["addressType"] == slice["addressType"] }) else {
                    plan.create.append(slice)
                    continue
                }
                let old = unused.remove(at: index)
                if old.tree["endpoints"] != slice["endpoints"] || old.tree["ports"] != slice["ports"]
                    || JSON(old.metadata.labels) != slice[path: "metadata", "labels"]
                {
                    plan.update[old.metadata.name] = slice
                }
            }
        }
        plan.delete = unused.map(\.metadata.name)
        return plan
    }

    private static func entries(_ subset: JSON, family: String) -> [JSON] {
        [("addresses", true), ("notReadyAddresses", false)].flatMap { key, isReady -> [JSON] in
            (subset[key]?.elements ?? []).compactMap { address in
                guard let ip = address["ip"]?.string, ip.contains(":") == (family == "IPv6") else { return nil }
                var entry: JSON = ["addresses": [.string(ip)], "conditions": ["ready": .bool(isReady)]]
                entry["hostname"] = address["hostname"]
                entry["nodeName"] = address["nodeName"]
                entry["targetRef"] = address["targetRef"]
                return entry
            }
        }
    }

    private static func slice(_ endpoints: Object, subset: JSON, family: String, endpoints entries: [JSON]) -> JSON {
        var labels = endpoints.metadata.labels
        labels[EndpointSlicePlan.serviceNameLabel] = endpoints.metadata.name
        labels[EndpointSlicePlan.managedByLabel] = managedBy
        let ports = (subset["ports"]?.elements ?? []).map { port -> JSON in
            var port = port
            if port["name"] == nil { port["name"] = "" }
            return port
        }
        return [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "generateName": .string("\(endpoints.metadata.name)-"), "namespace": .string(endpoints.metadata.namespace),
                "labels": JSON(labels), "ownerReferences": [ControllerOwnership.reference(to: endpoints).tree],
            ],
            "addressType": .string(family), "ports": .array(ports), "endpoints": .array(entries),
        ]
    }
}
