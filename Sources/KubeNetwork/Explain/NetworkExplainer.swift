import KubeRegistry

/// Follows a connection through the chains of docs/network.md, by the models that the kernel's rules are made from. Pure.
struct NetworkExplainer {
    let configuration: NetworkConfiguration
    let model: NetworkModel
    let policies: PolicyModel
    let allowlists: AllowlistModel
    let cluster: Int64
    /// The cluster's services as they are now.
    let services: ClusterServicesView
    /// The machine's own addresses.
    let machine: Set<IPAddress>

    /// Reads services when they are asked for.
    struct ClusterServicesView {
        var names: () -> [ServiceName]
        var facts: (ServiceName) -> (service: ServiceFacts?, slices: [SliceFacts])
    }

    private static let apiService = ServiceName(namespace: "default", name: "kubernetes")
    private static let dnsService = ServiceName(namespace: "kube-system", name: "kube-dns")

    func answer(_ question: NetworkQuestion) -> NetworkAnswer {
        if case .cluster(let name) = question.to { return otherCluster("cluster \(name)") }
        switch question.from {
        case .cluster(let name): return otherCluster("cluster \(name)")
        case .service: return end(.refused, "a service opens no connections", [])
        case .pod(let name):
            guard let address = policies.addresses(of: name, in: cluster).min() else { return notRunning("pod \(name)") }
            return way(from: address, question, ["pod \(name) has the address \(address)"])
        case .address(let address):
            if let pod = model.pods[address] {
                guard pod.cluster == cluster else { return otherCluster("the pod that has \(address)") }
                return way(from: address, question, ["\(address) is pod \(pod.namespace)/\(pod.name)"])
            }
            guard !isPods(address) else { return notRunning("a pod with the address \(address)") }
            return wayFromOutside(address, question)
        }
    }

    // MARK: - From a pod

    private func way(from source: IPAddress, _ question: NetworkQuestion, _ steps: [String]) -> NetworkAnswer {
        switch question.to {
        case .cluster(let name): return otherCluster("cluster \(name)")
        case .pod(let name):
            guard let target = policies.addresses(of: name, in: cluster).min() else { return notRunning("pod \(name)", steps) }
            return toPod(source, target, question.port ?? 0, question.transport, steps)
        case .service(let name): return toService(source, name, question, steps)
        case .address(let address): return toAddress(source, address, question, steps)
        }
    }

    private func toAddress(
        _ source: IPAddress, _ address: IPAddress, _ question: NetworkQuestion, _ steps: [String]
    ) -> NetworkAnswer {
        let port = question.port ?? 0
        if address == configuration.apiAddress, port == 443, question.transport == .tcp {
            return toService(source, Self.apiService, question, steps)
        }
        if address == configuration.dnsAddress, port == 53, question.transport != .sctp {
            return toService(source, Self.dnsService, question, steps)
        }
        if let name = services.names().sorted(by: { "\($0)" < "\($1)" }).first(where: { name in
            services.facts(name).service?.addresses.contains(address) == true
        }) {
            return toService(source, name, question, by: address.family, steps + ["\(address) is service \(name)"])
        }
        if isOwn(address), !address.isLoopback {
            switch holder(of: port, question.transport, at: address) {
            case .service(let name, let step):
                return toEndpoints(
                    source, name, { $0.nodePort == port && $0.transport == question.transport }, isFromOutside: true,
                    by: address.family, steps + [step])
            case .pod(let target, let step):
                return toPod(source, target.address, target.port, question.transport, steps + [step])
            case .otherCluster(let what, let step): return otherCluster(what, steps + [step])
            case nil: break
            }
        }
        if model.pods[address]?.cluster == cluster { return toPod(source, address, port, question.transport, steps) }
        if isOwn(address) {
            return end(
                .machine,
                "\(address) is the machine, of which pods reach only their API server, DNS, and node and host ports of their cluster",
                steps)
        }
        if isPods(address) { return otherCluster("whoever has \(address)", steps) }
        if configuration.serviceRanges.contains(where: { $0.contains(address) }) {
            return end(.refused, "\(address) is no service's in this cluster", steps)
        }
        guard configuration.families.contains(address.family) else {
            return end(
                .blocked, "pods have no addresses of \(address.family.rawValue) here, by which they'd get to \(address)", steps)
        }
        if let range = configuration.blocked.first(where: { $0.contains(address) }) {
            return end(.blocked, "the platform lets no pod go to \(range), which is the machine's or its cloud's own", steps)
        }
        let packet = PolicyLine.Packet(
            source: own(source, like: address), destination: address, transport: question.transport, port: port)
        return cross(.outgoing, packet, steps) { steps, text in
            leave(packet, steps, whatElse: text ?? "\(address) is outside, where pods may go") { answer in
                guard let text, answer.isReachable else { return answer }
                return end(.allowed, answer.message == text ? text : "\(text), and \(answer.message)", answer.steps)
            }
        }
    }

    /// - Parameter family: of the address by which it goes there; nil when a service is asked for by its name, so by any.
    private func toService(
        _ source: IPAddress, _ name: ServiceName, _ question: NetworkQuestion, by family: AddressFamily? = nil,
        _ steps: [String]
    ) -> NetworkAnswer {
        let host: (UInt16, String)? =
            switch name {
            case Self.apiService: (configuration.apiPort, "the API server of its cluster, which is the machine's")
            case Self.dnsService: (configuration.dnsPort, "its cluster's DNS, which is the machine's")
            default: nil
            }
        if let (port, what) = host {
            let transport = name == Self.apiService ? .tcp : question.transport
            let packet = PolicyLine.Packet(
                source: own(source, like: configuration.gateway), destination: configuration.gateway, transport: transport,
                port: port)
            return leave(packet, steps + ["service \(name) is \(what)"], whatElse: "every pod reaches \(what)") { $0 }
        }
        return toEndpoints(
            source, name, { ($0.number == question.port || question.port == nil) && $0.transport == question.transport },
            by: family, steps)
    }

    private func toEndpoints(
        _ source: IPAddress, _ name: ServiceName, _ isMeant: (ServiceFacts.Port) -> Bool, isFromOutside: Bool = false,
        by family: AddressFamily? = nil, _ steps: [String]
    ) -> NetworkAnswer {
        let (facts, slices) = services.facts(name)
        guard let facts else {
            return end(
                .refused, "there is no service \(name) with an address of its own; ask for its pods if it is headless", steps)
        }
        let ports = facts.ports.filter(isMeant)
        guard !ports.isEmpty else { return end(.refused, "service \(name) has no such port", steps) }
        var answers: [(EndpointAddress, NetworkAnswer)] = []
        for port in ports {
            let isLocal = isFromOutside ? facts.isExternalLocal : facts.isInternalLocal
            let endpoints = endpoints(of: port, slices, on: isLocal ? configuration.nodes : nil).filter { endpoint in
                family.map { $0 == endpoint.address.family } ?? facts.families.contains(endpoint.address.family)
            }
            guard !endpoints.isEmpty else { return nobody(name, port, slices, steps) }
            for endpoint in endpoints {
                let step = "service \(name), port \(port.number), leads to \(endpoint.address):\(endpoint.port)"
                answers.append((endpoint, toPod(source, endpoint.address, endpoint.port, port.transport, steps + [step])))
            }
        }
        return combine(answers, name, steps)
    }

    /// Why a service leads nowhere.
    private func nobody(_ name: ServiceName, _ port: ServiceFacts.Port, _ slices: [SliceFacts], _ steps: [String])
        -> NetworkAnswer
    {
        let isElsewhere = !endpoints(of: port, slices).isEmpty
        return end(
            .refused,
            isElsewhere
                ? "service \(name) has no endpoint on this node for port \(port.number), and its traffic policy is Local"
                : "service \(name) has no ready endpoint for port \(port.number)", steps)
    }

    private func combine(_ answers: [(EndpointAddress, NetworkAnswer)], _ name: ServiceName, _ steps: [String]) -> NetworkAnswer {
        let shut = answers.filter { !$0.1.isReachable }
        let telling = shut.first ?? answers.first { $0.1.reason == .allowed } ?? answers.first
        guard let first = telling else { return end(.refused, "service \(name) has no endpoints", steps) }
        guard !shut.isEmpty, shut.count < answers.count else { return first.1 }
        return end(
            .partly,
            "\(shut.count) of the \(answers.count) endpoints of service \(name) can't be reached, \(first.0.address):\(first.0.port) for one: \(first.1.message)",
            first.1.steps)
    }

    private func toPod(
        _ source: IPAddress, _ target: IPAddress, _ port: UInt16, _ transport: TransportProtocol, _ steps: [String]
    ) -> NetworkAnswer {
        guard model.pods[target]?.cluster == cluster else { return otherCluster("whoever has \(target)", steps) }
        let source = own(source, like: target)
        if source == target { return end(.open, "a pod always reaches itself", steps) }
        let packet = PolicyLine.Packet(source: source, destination: target, transport: transport, port: port)
        return leave(packet, steps, whatElse: "no network policy is for either pod in this direction") { enter(packet, $0) }
    }

    // MARK: - From outside

    private func wayFromOutside(_ source: IPAddress, _ question: NetworkQuestion) -> NetworkAnswer {
        let isMachine = machine.contains(source) || configuration.gateways.contains(source)
        let steps = [isMachine ? "\(source) is the machine, which network policies always let in" : "\(source) is outside"]
        func arrive(_ target: EndpointAddress, _ transport: TransportProtocol, by port: UInt16, _ steps: [String])
            -> NetworkAnswer
        {
            guard model.pods[target.address]?.cluster == cluster else {
                return otherCluster("whoever has \(target.address)", steps)
            }
            if isMachine { return end(.open, "the machine reaches every pod", steps) }
            let packet = PolicyLine.Packet(
                source: source, destination: target.address, transport: transport, port: target.port)
            var opened = packet
            opened.port = port
            return cross(.incoming, opened, steps) { steps, text in
                enter(
                    packet, end(text == nil ? .open : .allowed, text ?? "no network policy is for what comes into the pod", steps)
                )
            }
        }
        switch question.to {
        case .cluster(let name): return otherCluster("cluster \(name)")
        case .pod(let name):
            guard let target = policies.addresses(of: name, in: cluster).min() else { return notRunning("pod \(name)", steps) }
            let port = question.port ?? 0
            if isMachine { return arrive(EndpointAddress(address: target, port: port), question.transport, by: port, steps) }
            return end(
                .outside, "from outside nobody reaches a pod's address; that takes a node port of a service, or a host port",
                steps)
        case .service(let name):
            let (facts, slices) = services.facts(name)
            let ports = (facts?.ports ?? []).filter {
                $0.transport == question.transport && (question.port == nil || [$0.number, $0.nodePort].contains(question.port))
            }
            guard let facts, let port = ports.first(where: { $0.nodePort != nil }), let nodePort = port.nodePort else {
                return end(.outside, "service \(name) has no node port for that, so that from outside nobody reaches it", steps)
            }
            if let holder = model.holder(ofPort: nodePort, port.transport), holder != (cluster, name) {
                return end(.refused, "node port \(nodePort) is held by another service, which had it first", steps)
            }
            let node = facts.isExternalLocal ? configuration.nodes : nil
            let endpoints = endpoints(of: port, slices, on: node).filter { $0.address.family == source.family }
            guard !endpoints.isEmpty else { return nobody(name, port, slices, steps) }
            return combine(
                endpoints.map {
                    (
                        $0,
                        arrive(
                            $0, port.transport, by: nodePort, steps + ["node port \(nodePort) leads to \($0.address):\($0.port)"])
                    )
                }, name, steps)
        case .address(let address):
            let port = question.port ?? 0
            // What is sent to 127.0.0.1 elsewhere stays there, and the machine's own has host ports only.
            guard isOwn(address), isMachine || !address.isLoopback else {
                return end(.outside, "the platform decides nothing between \(source) and \(address)", steps)
            }
            switch holder(of: port, question.transport, at: address) {
            case .service(let name, let step):
                var again = question
                again.to = .service(name)
                let answer = wayFromOutside(source, again)
                return end(answer.reason, answer.message, [steps[0], step] + answer.steps.dropFirst())
            case .pod(let target, let step): return arrive(target, question.transport, by: port, steps + [step])
            case .otherCluster(let what, let step): return otherCluster(what, steps + [step])
            case nil: return end(.outside, "no service and no pod has port \(port) of the machine", steps)
            }
        }
    }

    // MARK: - Ports of the machine

    private enum Holder {
        case service(ServiceName, step: String)
        case pod(EndpointAddress, step: String)
        case otherCluster(_ what: String, step: String)
    }

    private func isOwn(_ address: IPAddress) -> Bool { configuration.gateways.contains(address) || machine.contains(address) }

    private func isPods(_ address: IPAddress) -> Bool { configuration.podSubnets.contains { $0.contains(address) } }

    /// A pod's address of the same family as another's.
    private func own(_ source: IPAddress, like other: IPAddress) -> IPAddress {
        guard source.family != other.family, let pod = model.pods[source] else { return source }
        return model.pods.first { $0.key.family == other.family && $0.value.interface == pod.interface }?.key
            ?? source
    }

    /// A port's endpoints of the families that pods have.
    private func endpoints(of port: ServiceFacts.Port, _ slices: [SliceFacts], on nodes: MachineNodes? = nil)
        -> [EndpointAddress]
    {
        ServiceElements.endpoints(of: port, slices: slices, on: nodes).filter {
            configuration.families.contains($0.address.family)
        }
    }

    /// Who has a port of the machine: services first, as in the kernel's table. On 127.0.0.1 there are no node ports.
    private func holder(of port: UInt16, _ transport: TransportProtocol, at address: IPAddress) -> Holder? {
        if !address.isLoopback, let holder = model.holder(ofPort: port, transport, address.family) {
            let step = "port \(port) of the machine is a service's node port"
            guard holder.cluster == cluster else { return .otherCluster("the service that has node port \(port)", step: step) }
            return .service(holder.service, step: "\(step), \(holder.service)")
        }
        guard let target = model.hostPort(port, transport, at: address), let pod = model.pods[target.address] else { return nil }
        let step = "port \(port) of the machine is a pod's host port"
        guard pod.cluster == cluster else { return .otherCluster("the pod that has host port \(port)", step: step) }
        return .pod(target, step: "\(step), \(pod.namespace)/\(pod.name) at \(target.address):\(target.port)")
    }

    // MARK: - What decides

    /// What the allowlists say to a packet that leaves for outside or comes from there, and then `next`, with what lets it pass, if anything.
    private func cross(
        _ direction: PolicyChain.Direction, _ packet: PolicyLine.Packet, _ steps: [String],
        next: ([String], String?) -> NetworkAnswer
    ) -> NetworkAnswer {
        let field = direction == .outgoing ? "egress" : "ingress"
        switch allowlists.verdict(direction, on: packet, in: cluster) {
        case .free: return next(steps, nil)
        case .denied(let owner):
            return end(
                .notAllowlisted,
                "\(owner) has an allowlist for what \(direction == .outgoing ? "goes out" : "comes in"), and no entry of its spec.network.\(field) is for this",
                steps)
        case .allowed(let entries):
            let texts = entries.map { "spec.network.\(field)[\($0.rule)] of \($0.owner)" }
            let text =
                "\(texts.joined(separator: " and ")) \(texts.count == 1 ? "lets" : "let") it \(direction == .outgoing ? "out" : "in")"
            return next(steps + ["\(field): \(text)"], text)
        }
    }

    /// What the policies of the sending pod say, and then `next`.
    private func leave(
        _ packet: PolicyLine.Packet, _ steps: [String], whatElse: String, next: (NetworkAnswer) -> NetworkAnswer
    ) -> NetworkAnswer {
        switch policies.verdict(.outgoing, on: packet, at: packet.source, in: cluster) {
        case .free: return next(end(.open, whatElse, steps + ["egress: no network policy is for the sending pod"]))
        case .allowed(let name, let rule):
            let text = "network policy \(name) lets it out by spec.egress[\(rule)]"
            return next(end(.allowed, text, steps + ["egress: \(text)"]))
        case .denied(let names): return end(.egressDenied, Self.denial(names, "egress", "sending"), steps)
        case .tooMany(let names): return end(.egressDenied, Self.excess(names, "sending"), steps)
        }
    }

    /// What the policies of the receiving pod say to what has come so far.
    private func enter(_ packet: PolicyLine.Packet, _ before: NetworkAnswer) -> NetworkAnswer {
        switch policies.verdict(.incoming, on: packet, at: packet.destination, in: cluster) {
        case .free:
            return end(before.reason, before.message, before.steps + ["ingress: no network policy is for the receiving pod"])
        case .allowed(let name, let rule):
            let text = "network policy \(name) lets it in by spec.ingress[\(rule)]"
            let message = before.reason == .allowed ? "\(before.message), and \(text)" : text
            return end(.allowed, message, before.steps + ["ingress: \(text)"])
        case .denied(let names): return end(.ingressDenied, Self.denial(names, "ingress", "receiving"), before.steps)
        case .tooMany(let names): return end(.ingressDenied, Self.excess(names, "receiving"), before.steps)
        }
    }

    private static func denial(_ names: [ServiceName], _ direction: String, _ which: String) -> String {
        let list =
            names.prefix(5).map(\.description).joined(separator: ", ") + (names.count > 5 ? ", and \(names.count - 5) more" : "")
        return names.count == 1
            ? "network policy \(list) is for the \(which) pod, and no \(direction) rule of it lets this pass"
            : "network policies \(list) are for the \(which) pod, and no \(direction) rule of theirs lets this pass"
    }

    private static func excess(_ names: [ServiceName], _ which: String) -> String {
        "the \(names.count) network policies for the \(which) pod make more than \(PolicyCompiler.limit) rules, so that nothing passes"
    }

    private func otherCluster(_ what: String, _ steps: [String] = []) -> NetworkAnswer {
        end(.otherCluster, "\(what) isn't in this cluster, and clusters can't reach each other", steps)
    }

    private func notRunning(_ what: String, _ steps: [String] = []) -> NetworkAnswer {
        end(
            .notRunning,
            "\(what) isn't in the pod network: it doesn't run here now, its cluster sleeps, or it uses the machine's network",
            steps)
    }

    private func end(_ reason: NetworkAnswer.Reason, _ message: String, _ steps: [String]) -> NetworkAnswer {
        let isReachable = reason == .open || reason == .allowed
        return NetworkAnswer(isReachable: isReachable, reason: reason, message: message, steps: steps)
    }
}
