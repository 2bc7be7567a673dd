/// How much of the reference event is done: what nine servers did, times a factor.
struct ContestPlan: Equatable {
    /// One for all of it.
    var scale: Double
    var teams: Int
    /// How many are created and reclaimed over the run.
    var clusters: Int
    /// How many are awake at once, each with a Deployment, its pod, and its part of the services.
    var awake: Int
    /// How many answer at once.
    var services: Int
    /// How many sleep beside them, from the beginning to the end.
    var asleep: Int
    /// How often one that fell asleep is woken.
    var wakes: Int

    /// The event: 130 teams, 990 clusters, 175 of them at once, 980 services.
    ///
    /// - Parameter clusters: how many are created over the run, if not the event's part.
    init(scale: Double, clusters wanted: Int? = nil, asleep: Int = 0) {
        func part(_ number: Double) -> Int { max(1, Int((number * scale).rounded())) }
        self.scale = scale
        teams = part(130)
        awake = part(175)
        clusters = max(wanted ?? part(990), awake)
        services = max(part(980), awake)
        self.asleep = asleep
        wakes = min(awake, max(clusters - awake, 1))
    }

    /// How many services a cluster has, by its number: so that any `awake` clusters that follow each other have `services` together.
    func services(ofCluster number: Int) -> Int {
        let place = number % awake
        return (place + 1) * services / awake - place * services / awake
    }

    /// How many clusters a team may have: its part of all that can be there at once, and one for the change of one for another.
    var clustersPerTeam: Int { (clusters + asleep + teams - 1) / teams + 1 }
}

/// What developers ask for, and how often: of a thousand requests so many.
enum ContestRequest: String, CaseIterable {
    case nodePort = "HTTP to a service, by node port"
    case proxied = "HTTP to a service, by the API's proxy"
    case table = "kubectl get pods"
    case get = "get a deployment"
    case list = "list services"
    case create = "create and delete a config map"
    case apply = "apply a config map"
    case patch = "patch a config map"
    case watch = "watch until a change is told"
    case logs = "kubectl logs"
    case exec = "kubectl exec, wget a service by its name"
    case rollout = "rollout restart until it is done"
    case foreign = "another team's cluster"
    case beyondQuota = "a cluster beyond the quota"

    var perMille: Int {
        switch self {
        case .nodePort: 320
        case .proxied: 200
        case .table: 130
        case .get: 110
        case .list: 60
        case .create: 50
        case .apply: 50
        case .patch: 30
        case .watch: 15
        case .logs: 20
        case .exec: 4
        case .rollout: 1
        case .foreign: 6
        case .beyondQuota: 4
        }
    }

    /// Whether the server must refuse it.
    var mustBeRefused: Bool { self == .foreign || self == .beyondQuota }

    /// Whether it names pods, so that it can't go beside a rollout, which replaces them.
    var namesPods: Bool { self == .logs || self == .exec }

    /// The kinds in the order in which requests come: spread evenly, the same in every run.
    static let sequence: [ContestRequest] = {
        let ranked = allCases.flatMap { kind in
            (0..<kind.perMille).map { (kind: kind, place: (Double($0) + 0.5) / Double(kind.perMille)) }
        }
        return ranked.sorted { $0.place < $1.place }.map(\.kind)
    }()
}
