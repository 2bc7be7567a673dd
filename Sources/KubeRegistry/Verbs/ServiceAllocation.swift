import KubeObject
import KubeSchema
import KubeStore

/// Gives a service its addresses and node ports.
///
/// Every address is an `IPAddress` object and every node port a hidden one, written in the service's own transaction on the
/// condition that it isn't there yet: so no two services get the same, however many are made at once.
struct ServiceAllocation {
    static let nodePortGroup = "internal.sampan.dev"
    private let isService: Bool
    private let old: JSON?
    private let ports: NodePortBook
    private let isDualStack: Bool
    /// Why a taken address or port can't be replaced by another: the client asked for it.
    private var wanted: [Key: FieldError] = [:]

    init(_ resource: ResourceType, old: Object?, ports: NodePortBook, isDualStack: Bool = false) {
        self.isDualStack = isDualStack
        self.ports = ports
        isService = resource.storedResource == GroupResource(group: "", resource: "services")
        self.old = isService ? old?.tree : nil
    }

    /// Fills in the addresses and ports that the service needs, and says what must be written with it.
    ///
    /// - Throws: 422 when the client asked for one that can't be had.
    mutating func claim(for service: inout JSON, in snapshot: Snapshot) throws(StatusError) -> [Write] {
        guard isService else { return [] }
        wanted = [:]
        var writes: [Write] = []
        let name = service["metadata"]?.text("name") ?? ""
        let held = old.map(Self.keys) ?? []
        do {
            try claimAddresses(for: &service, held, snapshot, name, &writes)
            var own = Set(held)
            try claimPorts(for: &service, &own, snapshot, name, &writes)
            try claimHealthCheckPort(for: &service, &own, snapshot, &writes)
        } catch let error as StatusError {
            throw error
        } catch {
            throw .internalError("allocating for service \(name): \(error)")
        }
        let kept = Set(Self.keys(of: service))
        writes += held.filter { !kept.contains($0) }.map { .delete($0) }
        return writes
    }

    /// Told that a claim was refused: some other service was quicker.
    ///
    /// - Throws: 422 when the client had asked for just that.
    func isTaken(_ key: Key, _ kind: GroupKind, _ name: String) throws(StatusError) {
        if let error = wanted[key] { throw .invalid(kind, name, [error]) }
    }

    /// What must be written when a service goes.
    static func releases(of object: Object, _ resource: ResourceType) -> [Write] {
        guard resource.storedResource == GroupResource(group: "", resource: "services") else { return [] }
        return keys(of: object.tree).map { .delete($0) }
    }

    /// One address for each of the service's families, in their order.
    private mutating func claimAddresses(
        for service: inout JSON, _ held: [Key], _ snapshot: Snapshot, _ name: String, _ writes: inout [Write]
    ) throws {
        let spec = service["spec"] ?? [:]
        guard spec.text("type") != "ExternalName", spec.text("clusterIP") != "None" else { return }
        var addresses = spec["clusterIPs"]?.strings ?? []
        if addresses.isEmpty, !spec.text("clusterIP").isEmpty { addresses = [spec.text("clusterIP")] }
        var families = spec["ipFamilies"]?.strings ?? []
        if families.isEmpty { families = ["IPv4"] }
        for (index, family) in families.enumerated() {
            let range = family == "IPv6" ? ServiceRange.six : ServiceRange.four
            if index < addresses.count, !addresses[index].isEmpty {
                try claim(addresses[index], all: addresses, range, for: service, held, snapshot, name, &writes)
                continue
            }
            guard let address = range.freeAddress(in: snapshot) else {
                throw StatusError.internalError("failed to allocate a serviceIP: range is full")
            }
            if index < addresses.count { addresses[index] = address } else { addresses.append(address) }
            writes.append(
                .put(try Draft(Self.filled(Self.address(address, of: service))), at: Self.addressKey(address), expect: .absent))
        }
        guard let first = addresses.first else { return }
        service[path: "spec", "clusterIP"] = .string(first)
        service[path: "spec", "clusterIPs"] = JSON(addresses)
    }

    /// An address that the client asked for, or that the service has.
    private mutating func claim(
        _ given: String, all: [String], _ range: ServiceRange.Family, for service: JSON, _ held: [Key], _ snapshot: Snapshot,
        _ name: String, _ writes: inout [Write]
    ) throws {
        let key = Self.addressKey(given)
        if held.contains(key) { return }
        func refuse(_ why: String) -> FieldError {
            .invalid("spec.clusterIPs", JSON(all), "failed to allocate IP \(given): \(why)")
        }
        let kind = GroupKind(group: "", kind: "Service")
        guard range.contains(given, in: snapshot) else {
            throw StatusError.invalid(
                kind, name,
                [refuse("the provided IP (\(given)) is not in the valid range. The range of valid IPs is \(range.text)")])
        }
        let taken = refuse("provided IP is already allocated")
        if snapshot.get(key) != nil { throw StatusError.invalid(kind, name, [taken]) }
        wanted[key] = taken
        writes.append(.put(try Draft(Self.filled(Self.address(given, of: service))), at: key, expect: .absent))
    }

    /// - Parameter own: what the service holds, with what it claims.
    private mutating func claimPorts(
        for service: inout JSON, _ own: inout Set<Key>, _ snapshot: Snapshot, _ name: String, _ writes: inout [Write]
    ) throws {
        guard ServiceRules.needsNodePorts(service["spec"] ?? [:]) else { return }
        var ports = service[path: "spec", "ports"]?.elements ?? []
        // The same number may serve two protocols.
        for index in ports.indices {
            let given = ports[index]["nodePort"]?.int ?? 0
            if given == 0 {
                let free = self.ports.choose { snapshot.get(Self.portKey($0)) != nil || own.contains(Self.portKey($0)) }
                guard let port = free else {
                    throw StatusError.internalError("failed to allocate a nodePort: range is full")
                }
                ports[index]["nodePort"] = .int(port)
                own.insert(Self.portKey(port))
                writes.append(try Self.claim(port))
                continue
            }
            let key = Self.portKey(given)
            if own.contains(key) { continue }
            let path = "spec.ports[\(index)].nodePort"
            let kind = GroupKind(group: "", kind: "Service")
            guard ServiceRange.nodePorts.contains(given) else {
                throw StatusError.invalid(
                    kind, name,
                    [
                        .invalid(
                            path, .int(given),
                            "provided port is not in the valid range. The range of valid ports is 30000-32767")
                    ])
            }
            let taken = FieldError.invalid(path, .int(given), "provided port is already allocated")
            if snapshot.get(key) != nil { throw StatusError.invalid(kind, name, [taken]) }
            wanted[key] = taken
            own.insert(key)
            writes.append(try Self.claim(given))
        }
        service[path: "spec", "ports"] = .array(ports)
    }

    /// The port by which a load balancer sees whether a node has endpoints of the service.
    private mutating func claimHealthCheckPort(
        for service: inout JSON, _ own: inout Set<Key>, _ snapshot: Snapshot, _ writes: inout [Write]
    ) throws {
        guard ServiceRules.needsHealthCheckPort(service["spec"] ?? [:]) else { return }
        let given = service[path: "spec", "healthCheckNodePort"]?.int ?? 0
        guard given == 0 else {
            let key = Self.portKey(given)
            if own.contains(key) { return }
            // As upstream: this isn't told as a mistake of the field.
            func refuse(_ why: String) -> StatusError {
                .internalError("failed to allocate requested HealthCheck NodePort \(given): \(why)")
            }
            guard ServiceRange.nodePorts.contains(given) else {
                throw refuse("provided port is not in the valid range. The range of valid ports is 30000-32767")
            }
            if snapshot.get(key) != nil { throw refuse("provided port is already allocated") }
            wanted[key] = .invalid("spec.healthCheckNodePort", .int(given), "provided port is already allocated")
            own.insert(key)
            return writes.append(try Self.claim(given))
        }
        let free = self.ports.choose { snapshot.get(Self.portKey($0)) != nil || own.contains(Self.portKey($0)) }
        guard let port = free else {
            throw StatusError.internalError("failed to allocate a HealthCheck NodePort 0: range is full")
        }
        service[path: "spec", "healthCheckNodePort"] = .int(port)
        own.insert(Self.portKey(port))
        writes.append(try Self.claim(port))
    }

    private static func claim(_ port: Int64) throws -> Write {
        .put(try Draft(["metadata": ["name": .string(String(port))]]), at: portKey(port), expect: .absent)
    }

    static func addressKey(_ address: String) -> Key {
        // One address, one name, however a client writes it.
        Key(group: "networking.k8s.io", plural: "ipaddresses", name: CELIP(address)?.text ?? address)
    }

    private static func portKey(_ port: Int64) -> Key {
        Key(group: nodePortGroup, plural: "nodeports", name: String(port))
    }

    /// What a service holds.
    private static func keys(of service: JSON) -> [Key] {
        let spec = service["spec"] ?? [:]
        var keys: [Key] = []
        var addresses = spec["clusterIPs"]?.strings ?? []
        if addresses.isEmpty { addresses = [spec.text("clusterIP")] }
        for address in addresses where !address.isEmpty && address != "None" { keys.append(addressKey(address)) }
        for port in spec["ports"]?.elements ?? [] {
            if let number = port["nodePort"]?.int, number != 0, !keys.contains(portKey(number)) { keys.append(portKey(number)) }
        }
        if let number = spec["healthCheckNodePort"]?.int, number != 0 { keys.append(portKey(number)) }
        return keys
    }

    private static func filled(_ tree: JSON) -> JSON {
        var tree = tree
        tree[path: "metadata", "uid"] = .string(Identifiers.uid())
        tree[path: "metadata", "creationTimestamp"] = .string(Timestamp.now())
        return tree
    }

    /// The `IPAddress` object of one of a service's cluster addresses.
    static func address(_ address: String, of service: JSON) -> JSON {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
            "metadata": [
                "name": .string(CELIP(address)?.text ?? address),
                "labels": [
                    "ipaddress.kubernetes.io/ip-family": Addresses.isIPv6(address) ? "IPv6" : "IPv4",
                    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
                ],
            ],
            "spec": [
                "parentRef": [
                    "group": "", "resource": "services", "name": service[path: "metadata", "name"] ?? "",
                    "namespace": service[path: "metadata", "namespace"] ?? "",
                ]
            ],
        ]
    }
}
