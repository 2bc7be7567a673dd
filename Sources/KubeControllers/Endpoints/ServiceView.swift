import KubeObject

/// What the endpoint controllers read of a service.
struct ServiceView {
    struct Port {
        var name: String
        var networkProtocol: String
        var port: Int64
        var targetPort: JSON?
        var appProtocol: String?
    }

    let object: Object
    /// Nil for a service without a selector, whose endpoints are somebody else's.
    let selector: [String: String]?
    let ports: [Port]
    let isHeadless: Bool
    let isExternalName: Bool
    let publishesNotReady: Bool
    /// `IPv4`, `IPv6` or both, the primary first.
    let families: [String]

    init(_ object: Object) {
        let spec = object.tree["spec"]
        self.object = object
        selector = spec?["selector"]?.object.flatMap { $0.isEmpty ? nil : spec?["selector"]?.stringMap }
        ports = (spec?["ports"]?.elements ?? []).map { port in
            Port(
                name: port["name"]?.string ?? "", networkProtocol: port["protocol"]?.string ?? "TCP",
                port: port["port"]?.int ?? 0,
                targetPort: port["targetPort"], appProtocol: port["appProtocol"]?.string)
        }
        isHeadless = spec?["clusterIP"]?.string == "None"
        isExternalName = spec?["type"]?.string == "ExternalName"
        publishesNotReady =
            spec?["publishNotReadyAddresses"]?.bool
            ?? (object.tree[path: "metadata", "annotations", "service.alpha.kubernetes.io/tolerate-unready-endpoints"]?.string
                == "true")
        let families = spec?["ipFamilies"]?.strings ?? []
        self.families = families.isEmpty ? ["IPv4"] : families
    }

    var metadata: Metadata { object.metadata }
    var name: String { object.metadata.name }
    /// Whether its endpoints come from pods.
    var selectsPods: Bool { selector != nil && !isExternalName && object.metadata.deletionTimestamp == nil }

    func selects(_ labels: [String: String]) -> Bool {
        guard let selector else { return false }
        return selector.allSatisfy { labels[$0.key] == $0.value }
    }
}

/// What the endpoint controllers read of a pod.
struct EndpointPod {
    let pod: PodState
    let addresses: [String]

    init(_ object: Object) {
        pod = PodState(object)
        let status = object.tree["status"]
        let all = (status?["podIPs"]?.elements ?? []).compactMap { $0["ip"]?.string }
        addresses = all.isEmpty ? [status?["podIP"]?.string].compactMap { $0 }.filter { !$0.isEmpty } : all
    }

    var metadata: Metadata { pod.metadata }

    /// Whether it is an endpoint at all, ready or not.
    func isEndpoint(includingTerminating: Bool) -> Bool {
        !pod.isFinished && !addresses.isEmpty && (includingTerminating || !pod.isTerminating)
    }

    func address(family: String) -> String? { addresses.first { $0.contains(":") == (family == "IPv6") } }

    /// Its own name in a headless service's domain, if it has one there.
    func hostname(in service: ServiceView) -> String? {
        let spec = pod.object.tree["spec"]
        guard let hostname = spec?["hostname"]?.string, !hostname.isEmpty, spec?["subdomain"]?.string == service.name,
            metadata.namespace == service.metadata.namespace
        else { return nil }
        return hostname
    }

    /// The number of a service's port on this pod; nil when no container has a port of that name.
    func number(of port: ServiceView.Port) -> Int64? {
        switch port.targetPort {
        case .int(let number)?: return number
        case .string(let name)?:
            let spec = pod.object.tree["spec"]
            // A sidecar is an init container that goes on running.
            let sidecars = (spec?["initContainers"]?.elements ?? []).filter { $0["restartPolicy"]?.string == "Always" }
            for container in (spec?["containers"]?.elements ?? []) + sidecars {
                for candidate in container["ports"]?.elements ?? []
                where candidate["name"]?.string == name && candidate["protocol"]?.string ?? "TCP" == port.networkProtocol {
                    return candidate["containerPort"]?.int
                }
            }
            return nil
        default: return port.port
        }
    }

    /// `EndpointPort`s for this pod.
    func ports(of service: ServiceView) -> [JSON] {
        service.ports.compactMap { port in
            guard let number = number(of: port) else { return nil }
            var tree: JSON = [
                "name": .string(port.name), "port": .int(number), "protocol": .string(port.networkProtocol),
            ]
            if let appProtocol = port.appProtocol { tree["appProtocol"] = .string(appProtocol) }
            return tree
        }
    }

    /// What a change of must be for endpoints to change; two equal values make equal endpoints.
    var fingerprint: Fingerprint {
        let spec = pod.object.tree["spec"]
        return Fingerprint(
            labels: metadata.labels, addresses: addresses, isReady: pod.isReady, isTerminating: pod.isTerminating,
            isFinished: pod.isFinished, nodeName: pod.nodeName, hostname: spec?["hostname"]?.string,
            subdomain: spec?["subdomain"]?.string)
    }

    struct Fingerprint: Equatable {
        var labels: [String: String]
        var addresses: [String]
        var isReady: Bool
        var isTerminating: Bool
        var isFinished: Bool
        var nodeName: String
        var hostname: String?
        var subdomain: String?
    }
}
