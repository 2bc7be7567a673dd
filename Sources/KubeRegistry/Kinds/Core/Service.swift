import KubeObject

/// Service. Its addresses and node ports are given by ``ServiceAllocation``, in the transaction that stores it.
struct ServiceRules: KindRules {
    /// Whether clusters here have IPv6 for services.
    var isDualStack = false

    var nameRule: NameRule { .label1035 }
    var allowsCreateOnUpdate: Bool { true }
    var returnsDeletedObject: Bool { true }

    static func needsNodePorts(_ spec: JSON) -> Bool {
        switch spec.text("type") {
        case "NodePort": true
        case "LoadBalancer": spec["allocateLoadBalancerNodePorts"]?.bool ?? true
        default: false
        }
    }

    /// Whether a load balancer has to ask the nodes which of them have endpoints.
    static func needsHealthCheckPort(_ spec: JSON) -> Bool {
        spec.text("type") == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local"
    }

    /// Whether it can be reached from outside of the cluster.
    static func isExternal(_ spec: JSON) -> Bool {
        switch spec.text("type") {
        case "NodePort", "LoadBalancer": true
        case "ClusterIP": spec.has("externalIPs")
        default: false
        }
    }

    static func needsAddress(_ spec: JSON) -> Bool { spec.text("type") != "ExternalName" }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("sessionAffinity", "None")
            if spec.text("sessionAffinity") == "ClientIP" {
                if spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"]?.int == nil {
                    spec["sessionAffinityConfig"] = ["clientIP": ["timeoutSeconds": 10800]]
                }
            } else if spec.text("sessionAffinity") == "None" {
                spec["sessionAffinityConfig"] = nil
            }
            spec.setDefaultText("type", "ClusterIP")
            spec.editEach("ports") { port in
                port.setDefaultText("protocol", "TCP")
                switch port["targetPort"] {
                case nil, .null?, .int(0)?, .string("")?: port["targetPort"] = port["port"]
                default: break
                }
            }
            let type = spec.text("type")
            if Self.isExternal(spec) { spec.setDefaultText("externalTrafficPolicy", "Cluster") }
            if type != "ExternalName" { spec.setDefaultText("internalTrafficPolicy", "Cluster") }
            if type == "LoadBalancer" { spec.setDefault("allocateLoadBalancerNodePorts", true) }
        }
        object.setDefault("status", [:])
        let isBalancer = object[path: "spec", "type"] == "LoadBalancer"
        object.edit("status") { status in
            status.setDefault("loadBalancer", [:])
            guard isBalancer else { return }
            status.edit("loadBalancer") { balancer in
                balancer.editEach("ingress") { if $0.has("ip") { $0.setDefaultText("ipMode", "VIP") } }
            }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["loadBalancer": [:]]
        object.edit("spec") { normaliseAddresses(&$0, old: nil) }
    }

    /// `clusterIP` and the first of `clusterIPs` are one; what the families are follows from the addresses.
    private func normaliseAddresses(_ spec: inout JSON, old: JSON?) {
        guard Self.needsAddress(spec) else { return }
        let address = spec.text("clusterIP")
        if !address.isEmpty, !spec.has("clusterIPs") { spec["clusterIPs"] = [.string(address)] }
        // What is wrong is told when it's validated.
        _ = ServiceFamilies.complete(&spec, old: old, isDualStack: isDualStack)
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        let before = old["spec"] ?? [:]
        object.edit("spec") { spec in
            if !Self.needsAddress(spec) {
                if Self.needsAddress(before) {
                    for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec[key] == before[key] {
                        spec[key] = nil
                    }
                }
            } else if Self.needsAddress(before) {
                // A client may leave out what the server gave.
                if !spec.has("clusterIP") { spec["clusterIP"] = before["clusterIP"] }
                if spec["clusterIP"] == before["clusterIP"] {
                    if !spec.has("clusterIPs") { spec["clusterIPs"] = before["clusterIPs"] }
                } else if FieldErrors.isSame(spec["clusterIPs"], before["clusterIPs"]) {
                    spec["clusterIPs"] = spec["clusterIP"].map { [$0] }
                }
                if !spec.has("ipFamilies"), FieldErrors.isSame(spec["clusterIPs"], before["clusterIPs"]) {
                    spec["ipFamilies"] = before["ipFamilies"]
                }
                if !spec.has("ipFamilyPolicy") { spec["ipFamilyPolicy"] = before["ipFamilyPolicy"] }
            }
            normaliseAddresses(&spec, old: before)
            Self.carryNodePorts(&spec, before)
        }
    }

    private static func carryNodePorts(_ spec: inout JSON, _ before: JSON) {
        let oldPorts = before["ports"]?.elements ?? []
        if needsNodePorts(spec), needsNodePorts(before) {
            spec.editEach("ports") { port in
                guard port["nodePort"]?.int ?? 0 == 0 else { return }
                let same = oldPorts.first { $0.text("protocol") == port.text("protocol") && $0["port"] == port["port"] }
                if let number = same?["nodePort"] { port["nodePort"] = number }
            }
        } else if !needsNodePorts(spec), needsNodePorts(before) {
            // Going back to a cluster address lets the ports go that the server gave.
            let known = Set(oldPorts.compactMap { $0["nodePort"]?.int })
            spec.editEach("ports") { port in
                if let number = port["nodePort"]?.int, known.contains(number) { port["nodePort"] = nil }
            }
        }
        if needsHealthCheckPort(before) {
            if !needsHealthCheckPort(spec) {
                if spec["healthCheckNodePort"] == before["healthCheckNodePort"] { spec["healthCheckNodePort"] = nil }
            } else if spec["healthCheckNodePort"]?.int ?? 0 == 0 {
                spec["healthCheckNodePort"] = before["healthCheckNodePort"]
            }
        }
        if isExternal(before), !isExternal(spec), spec["externalTrafficPolicy"] == before["externalTrafficPolicy"] {
            spec["externalTrafficPolicy"] = nil
        }
        if before.text("type") == "LoadBalancer", spec.text("type") != "LoadBalancer" {
            for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
            where spec[key] == before[key] {
                spec[key] = nil
            }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) { ServiceValidation.validate(object, &errors) }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        validateFamilies(object, old: nil, &errors)
        if errors.isEmpty { validate(object, &errors) }
    }

    /// What couldn't be completed.
    private func validateFamilies(_ object: JSON, old: JSON?, _ errors: inout FieldErrors) {
        var spec = object["spec"] ?? [:]
        errors.add(ServiceFamilies.complete(&spec, old: old, isDualStack: isDualStack))
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validateFamilies(object, old: old["spec"] ?? [:], &errors)
        if !errors.isEmpty { return }
        ServiceFamilies.validateUpdate(object["spec"] ?? [:], old: old["spec"] ?? [:], &errors)
        if object[path: "spec", "type"] == "LoadBalancer", old[path: "spec", "type"] == "LoadBalancer" {
            errors.immutable(
                object[path: "spec", "loadBalancerClass"], old[path: "spec", "loadBalancerClass"], "spec.loadBalancerClass",
                "may not change once set")
        }
        let (spec, before) = (object["spec"] ?? [:], old["spec"] ?? [:])
        if Self.needsHealthCheckPort(spec), Self.needsHealthCheckPort(before),
            spec["healthCheckNodePort"] != before["healthCheckNodePort"]
        {
            errors.forbidden("spec.healthCheckNodePort", "field is immutable")
        }
        validate(object, &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        LoadBalancerStatus.validate(object, isService: true, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        let spec = object["spec"] ?? [:]
        var warnings: [String] = []
        if object[path: "metadata", "annotations", ServiceValidation.topologyHints] != nil {
            warnings.append(
                "annotation \(ServiceValidation.topologyHints) is deprecated, please use \(ServiceValidation.topologyMode) instead"
            )
        }
        if spec.text("type") == "ExternalName", spec.has("externalIPs") {
            warnings.append("spec.externalIPs is ignored when spec.type is \"ExternalName\"")
        }
        if spec.text("type") != "ExternalName", spec.text("clusterIP") == "None" {
            if spec.has("loadBalancerIP") { warnings.append("spec.loadBalancerIP is ignored for headless services") }
            if spec.has("externalIPs") { warnings.append("spec.externalIPs is ignored for headless services") }
            if spec.text("sessionAffinity") != "None" {
                warnings.append("spec.SessionAffinity is ignored for headless services")
            }
        }
        return warnings
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        switch path {
        case "spec.clusterIP": object.tree["spec"]?.text("clusterIP") ?? ""
        case "spec.type": object.tree["spec"]?.text("type") ?? ""
        default: nil
        }
    }
}
