import FoundationEssentials
import KubeClient
import KubeObject
import Synchronization

/// A cluster of the contest, as its developer.
final class ContestCluster: Sendable {
    let number: Int
    let team: ContestTeam
    let name: String
    let services: [String]
    /// With the cluster's own credential.
    let client: KubeClient
    let kubeconfig: String
    /// Where kubectl remembers what the cluster serves.
    var cache: String { kubeconfig + ".cache" }
    /// What its first service answers at, by a port of the machine.
    private let door = Mutex<KubeClient?>(nil)
    private let uses = Mutex(Uses())

    private struct Uses {
        var all = 0
        var ofPods = 0
        var isLeaving = false
        var rolls = false
    }

    static let namespace = "default"
    static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")
    static let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
    static let serviceKind = GroupVersionResource(group: "", version: "v1", resource: "services")
    static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")

    /// What all answers of its pods begin with: nobody else's do.
    var signature: String { "version \(logical) from" }
    var logical: String { team.api.clusterName(name, team: team.name) }

    private init(number: Int, team: ContestTeam, name: String, services: Int, _ config: Kubeconfig, folder: String) throws {
        (self.number, self.team, self.name) = (number, team, name)
        self.services = (0..<services).map { "web-\($0)" }
        client = try KubeClient(ClientConfiguration(config))
        kubeconfig = "\(folder)/\(team.name)-\(name).kubeconfig"
        try config.save(kubeconfig)
    }

    /// Asks for the cluster and uses it for the first time: what kubectl does first, by a connection and a credential of its own.
    static func make(_ number: Int, _ team: ContestTeam, services: Int, folder: String) async throws -> ContestCluster {
        let name = "c\(number)"
        try await team.create(name)
        let config = try await team.api.kubeconfig(name, seconds: 12 * 3600)
        let cluster = try ContestCluster(number: number, team: team, name: name, services: services, config, folder: folder)
        let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")
        _ = try await cluster.client.get(ResourcePath(namespaces, name: namespace))
        return cluster
    }

    /// Deploys the web server and its services.
    ///
    /// - Parameter machine: by which address its ports of the machine are reached; nil where no pod is wanted.
    func deploy(image: String, machine: String?) async throws {
        let container: JSON = [
            "name": "web", "image": .string(image), "imagePullPolicy": "IfNotPresent",
            "ports": [["name": "http", "containerPort": 8080]], "env": [["name": "VERSION", "value": .string(logical)]],
            "readinessProbe": ["httpGet": ["path": "/", "port": "http"], "periodSeconds": 2],
        ]
        let template: JSON = ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [container]]]
        let deployment: JSON = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"],
            "spec": [
                "replicas": .int(machine == nil ? 0 : 1), "selector": ["matchLabels": ["app": "web"]], "template": template,
            ],
        ]
        _ = try await client.create(deployment, at: path(Self.deployments))
        for (index, name) in services.enumerated() {
            let service: JSON = [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
                "spec": [
                    "type": index == 0 && machine != nil ? "NodePort" : "ClusterIP", "selector": ["app": "web"],
                    "ports": [["port": 80, "targetPort": "http"]],
                ],
            ]
            let made = try await client.create(service, at: path(Self.serviceKind))
            guard index == 0, let machine else { continue }
            guard let port = made[path: "spec", "ports"]?.elements.first?["nodePort"]?.int else {
                throw CommandFailure("The service \(name) of \(logical) has no node port.")
            }
            let server = ClientConfiguration(
                server: "http://\(machine):\(port)", certificateAuthority: nil, credentials: .anonymous)
            let client = try KubeClient(server, usesHTTP2: false)
            door.withLock { $0 = client }
        }
    }

    func path(_ resource: GroupVersionResource, _ name: String = "", _ subresource: String = "") -> ResourcePath {
        ResourcePath(resource, namespace: Self.namespace, name: name, subresource: subresource)
    }

    // MARK: - Its services

    /// Asks the first service by its port of the machine.
    func knock() async throws {
        guard let door = door.withLock({ $0 }) else { throw CommandFailure("\(logical) has no node port.") }
        try check(try await door.send("GET", "/"), "by node port")
    }

    func askByProxy(_ service: String) async throws {
        try check(
            try await client.send("GET", "/api/v1/namespaces/\(Self.namespace)/services/\(service):80/proxy/", accept: "*/*"),
            "by the proxy to \(service)")
    }

    func check(_ answer: [UInt8], _ how: String) throws {
        let text = String(decoding: answer, as: UTF8.self)
        guard text.hasPrefix(signature) else {
            throw CommandFailure("\(logical) was asked \(how), and this came: \(text.prefix(200))")
        }
    }

    /// Waits until all services answer. As long as no pod is ready they may refuse.
    func untilServicesAnswer(seconds: Int = 120) async throws {
        try await ContestLimit.within(seconds, "the services of \(logical) coming up") { [self] in
            try await Self.retried { try await self.knock() }
            for service in services { try await Self.retried { try await self.askByProxy(service) } }
        }
    }

    private static func retried(_ ask: () async throws -> Void) async throws {
        while true {
            do {
                return try await ask()
            } catch let error as StatusError where error.code == 503 {
                try await Task.sleep(for: .milliseconds(25))
            } catch let error as ClientError where error.reason == .unreachable {
                try await Task.sleep(for: .milliseconds(25))
            }
        }
    }

    // MARK: - Who uses it

    /// Whether it can be used for such a request now. What begins has to be ended.
    func begin(_ kind: ContestRequest) -> Bool {
        uses.withLock { uses in
            if uses.isLeaving || uses.rolls && (kind.namesPods || kind == .rollout) { return false }
            uses.all += 1
            if kind.namesPods { uses.ofPods += 1 }
            if kind == .rollout { uses.rolls = true }
            return true
        }
    }

    func end(_ kind: ContestRequest) {
        uses.withLock { uses in
            uses.all -= 1
            if kind.namesPods { uses.ofPods -= 1 }
            if kind == .rollout { uses.rolls = false }
        }
    }

    /// Nobody begins anything any more; returns when what had begun is over.
    func retire() async throws {
        uses.withLock { $0.isLeaving = true }
        while uses.withLock({ $0.all > 0 }) { try await Task.sleep(for: .milliseconds(10)) }
    }

    func untilPodsAreUnused() async throws {
        while uses.withLock({ $0.ofPods > 0 }) { try await Task.sleep(for: .milliseconds(10)) }
    }

    // MARK: - Its end

    /// Puts it to sleep, and returns when its pods have stopped.
    func sleep() async throws {
        try await retire()
        try await team.sleep(name)
        try await ContestLimit.within(120, "\(logical) falling asleep") { [team, name] in
            while try await team.runningPods(name) > 0 { try await Task.sleep(for: .milliseconds(100)) }
        }
    }

    /// The first connection wakes it; then it may be used again.
    func wake() async throws {
        try await knock()
    }

    func use() { uses.withLock { $0.isLeaving = false } }

    func delete() async throws {
        try await retire()
        try await ContestLimit.within(120, "reclaiming \(logical)") { [team, name] in try await team.delete(name) }
        try await close()
    }

    func close() async throws {
        try await client.shutdown()
        let door = door.withLock { door in
            defer { door = nil }
            return door
        }
        try await door?.shutdown()
        for path in [kubeconfig, cache] where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
    }
}
