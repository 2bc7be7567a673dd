import KubeObject

extension Printers {
    static let networkOfCore: [String: Printer] = [
        "services": Printer([
            .name, .text("Type"), .text("Cluster-IP"), .text("External-IP"), .text("Port(s)"), .age,
            .text("Selector", wide: true),
        ]) { row in
            let spec = row.spec
            let ports = (spec["ports"]?.elements ?? []).map { port in
                let node = port["nodePort"]?.int ?? 0
                return "\(port["port"]?.int ?? 0)\(node > 0 ? ":\(node)" : "")/\(port.text("protocol"))"
            }
            return [
                row.name, .string(spec.text("type")), Row.shown(spec["clusterIPs"]?.strings.first ?? spec.text("clusterIP")),
                .string(externalAddresses(row)), Row.shown(ports.joined(separator: ",")), row.age, Row.labels(spec["selector"]),
            ]
        },
        "endpoints": Printer([.name, .text("Endpoints"), .age]) { row in
            var addresses: [String] = []
            for subset in row.tree["subsets"]?.elements ?? [] {
                let ports = subset["ports"]?.elements ?? []
                let ips = (subset["addresses"]?.elements ?? []).map { $0.text("ip") }
                if ports.isEmpty { addresses += ips }
                for port in ports {
                    addresses += ips.map { "\($0.contains(":") ? "[\($0)]" : $0):\(port["port"]?.int ?? 0)" }
                }
            }
            return [row.name, .string(shortened(addresses)), row.age]
        },
    ]

    private static func externalAddresses(_ row: Row) -> String {
        let spec = row.spec
        let external = spec["externalIPs"]?.strings ?? []
        switch spec.text("type") {
        case "ExternalName": return spec.text("externalName")
        case "LoadBalancer":
            let ingress = (row.status[path: "loadBalancer", "ingress"]?.elements ?? []).map { entry in
                entry.text("ip").isEmpty ? entry.text("hostname") : entry.text("ip")
            }
            let all = ingress + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        default: return external.isEmpty ? "<none>" : external.joined(separator: ",")
        }
    }

    /// The first three of a list, and how many more there are.
    private static func shortened(_ list: [String]) -> String {
        if list.isEmpty { return "<none>" }
        if list.count <= 3 { return list.joined(separator: ",") }
        return "\(list.prefix(3).joined(separator: ",")) + \(list.count - 3) more..."
    }

    static let discovery: [String: Printer] = [
        "endpointslices": Printer([.name, .text("AddressType"), .text("Ports"), .text("Endpoints"), .age]) { row in
            let ports = (row.tree["ports"]?.elements ?? []).map { port in
                port["port"]?.int.map { String($0) } ?? port["name"]?.string ?? "*"
            }
            let addresses = (row.tree["endpoints"]?.elements ?? []).flatMap { $0["addresses"]?.strings ?? [] }
            return [
                row.name, .string(row.tree.text("addressType")), .string(ports.isEmpty ? "<unset>" : shortened(ports)),
                .string(addresses.isEmpty ? "<unset>" : shortened(addresses)), row.age,
            ]
        }
    ]

    static let networking: [String: Printer] = [
        "ingresses": Printer([
            .name, .text("Class"), .text("Hosts"), .text("Address"), .text("Ports"), .age,
        ]) { row in
            let rules = row.spec["rules"]?.elements ?? []
            let hosts = rules.map { $0.text("host") }.filter { !$0.isEmpty }
            let addresses = (row.status[path: "loadBalancer", "ingress"]?.elements ?? []).map { entry in
                entry.text("ip").isEmpty ? entry.text("hostname") : entry.text("ip")
            }
            return [
                row.name, Row.shown(row.spec.text("ingressClassName")), .string(hosts.isEmpty ? "*" : shortened(hosts)),
                .string(addresses.joined(separator: ",")), .string(row.spec.has("tls") ? "80, 443" : "80"), row.age,
            ]
        },
        "ingressclasses": Printer([.name, .text("Controller"), .text("Parameters"), .age]) { row in
            let parameters = row.spec["parameters"] ?? [:]
            let group = parameters.text("apiGroup")
            let kind = parameters.text("kind") + (group.isEmpty ? "" : ".\(group)")
            return [
                row.name, .string(row.spec.text("controller")),
                .string(parameters.isEmpty ? "<none>" : "\(kind)/\(parameters.text("name"))"), row.age,
            ]
        },
        "networkpolicies": Printer([.name, .text("Pod-Selector"), .age]) { row in
            [row.name, Row.selector(row.spec["podSelector"]), row.age]
        },
        "ipaddresses": Printer([.name, .text("ParentRef")]) { row in
            let parent = row.spec["parentRef"] ?? [:]
            let group = parent.text("group")
            let resource = parent.text("resource") + (group.isEmpty ? "" : ".\(group)")
            let parts = [resource, parent.text("namespace"), parent.text("name")].filter { !$0.isEmpty }
            return [row.name, Row.shown(parts.joined(separator: "/"))]
        },
        "servicecidrs": Printer([.name, .text("CIDRs"), .age]) { row in
            [row.name, .string((row.spec["cidrs"]?.strings ?? []).joined(separator: ",")), row.age]
        },
    ]
}
