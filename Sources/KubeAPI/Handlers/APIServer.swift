import HTTPTypes
import KubeObject
public import KubeRegistry
import KubeSchema
public import KubeStore
public import Logging

/// The API server of all logical clusters: a function from requests to responses, free of any transport.
///
/// The way of a request: cluster → user → impersonation → authorization → limits of the cluster → its turn → verb.
///
/// Concurrency: immutable but for counters; any number of tasks may call ``respond(to:)``.
public final class APIServer: Sendable {
    /// What an API server is put together from.
    public struct Configuration: Sendable {
        /// Clusters are addressed as `NAME.domain`, if set.
        public var domain: String?
        /// Host and port that `/api` tells clients of.
        public var advertisedAddress: String
        /// Whether the server is ready, and if not why; shown by `/readyz`.
        public var readiness: @Sendable () -> [(name: String, failure: String?)]
        /// What one client and one cluster may use.
        public var limits: ServerLimits

        /// See the properties.
        public init(
            domain: String? = nil, advertisedAddress: String = "127.0.0.1:6443", limits: ServerLimits = ServerLimits(),
            readiness: @escaping @Sendable () -> [(name: String, failure: String?)] = { [] }
        ) {
            self.domain = domain
            self.advertisedAddress = advertisedAddress
            self.limits = limits
            self.readiness = readiness
        }
    }

    let registry: Registry
    let configuration: Configuration
    let addressBook: PodAddressBook
    let streams: any PodStreams
    let aggregator: Aggregator?
    let computed: [GroupResource: any ComputedResource]
    let resourceMetrics: ResourceMetrics?
    let attendant: (any ClusterAttendant)?
    let nodeSigns: NodeSigns?
    let moreMetrics: @Sendable () -> String
    private let meter: (@Sendable (LogicalCluster) -> Void)?
    let authenticator: Authenticator
    let limiter: RequestLimiter
    let flows = FlowConfigurations()
    let queue: FairQueue
    let metrics = RequestMetrics()
    let shortRequests = ShortRequests()
    private let auditLog: AuditLog?
    private let logger: Logger

    /// Signs and reads service-account tokens; attached to the registry by this server's initializer.
    public let tokens: ServiceAccountTokens

    /// - Parameters:
    ///   - addressBook: tells the cluster of a connection that comes from a pod.
    ///   - streams: logs, exec and the like of running pods.
    ///   - identities: of the clusters, by which their users are known.
    ///   - issuerDocuments: reads what the issuers publish whom clusters believe; without it none is believed.
    ///   - auditLog: where requests are noted; without it none are.
    ///   - aggregator: finds extension API servers; without it there are none.
    ///   - metrics: what pods use, also as resources that nobody stores. The schema must have them.
    ///   - nodeSigns: of life, of the machine's nodes; without them pods run nowhere.
    ///   - attendant: hears of what people do, and has sleeping clusters wake; without it none sleeps.
    ///   - moreMetrics: the platform's own, in Prometheus' text format.
    ///   - meter: told of each request that is let in.
    public init(
        registry: Registry, addressBook: PodAddressBook, streams: any PodStreams, aggregator: Aggregator? = nil,
        metrics: ResourceMetrics? = nil, nodeSigns: NodeSigns? = nil, attendant: (any ClusterAttendant)? = nil,
        moreMetrics: @escaping @Sendable () -> String = { "" }, meter: (@Sendable (LogicalCluster) -> Void)? = nil,
        identities: IdentityCache = IdentityCache(), issuerDocuments: (any DocumentReader)? = nil, auditLog: AuditLog? = nil,
        configuration: Configuration = Configuration(),
        logger: Logger
    ) {
        self.registry = registry
        self.configuration = configuration
        self.addressBook = addressBook
        self.streams = streams
        self.aggregator = aggregator
        self.computed = metrics?.resources ?? [:]
        self.resourceMetrics = metrics
        self.attendant = attendant
        self.nodeSigns = nodeSigns
        self.moreMetrics = moreMetrics
        self.meter = meter
        self.auditLog = auditLog
        self.logger = logger
        self.tokens = ServiceAccountTokens(identities: identities)
        let bearers = BearerTokens(
            serviceAccounts: self.tokens,
            issuers: IssuerTokens(
                keys: issuerDocuments.map { IssuerKeys(reader: $0, logger: logger) },
                policy: { registry.policies($0).authentication }, logger: logger))
        self.authenticator = Authenticator(identities: identities, tokens: bearers)
        self.limiter = RequestLimiter()
        self.queue = FairQueue(
            .init(seats: configuration.limits.seats, sharedSeats: configuration.limits.sharedSeats))
        registry.store.observe { [flows] batch in flows.note(batch) }
        registry.attach(tokenIssuer: self.tokens, tokenReviewer: bearers)
    }

    /// Answers a request. Every failure is an answer too, as a `Status`.
    public func respond(to request: APIRequest) async -> APIResponse {
        let start = ContinuousClock.now
        let auditID = Self.auditID(of: request)
        let address = ClusterAddress(request, domain: self.configuration.domain) { self.addressBook.cluster(ofPodIP: $0) }
        let info = RequestInfo(method: request.method, path: address.path, query: request.query)
        let trail = self.auditLog.map { AuditTrail(auditID, request, info, $0) }
        var progress = Progress()
        var response: APIResponse
        do throws(StatusError) {
            response = try await self.handle(request, info, address, trail, &progress)
        } catch {
            if error.code >= 500, error.reason == "InternalError" {
                self.logger.error(
                    "A request failed inside the server",
                    metadata: ["audit-id": "\(auditID)", "path": "\(request.rawPath)", "error": "\(error.message)"])
            }
            response = self.failure(error, request)
        }
        trail?.finish(&response)
        // What is only passed on, as a proxy's answers, is left as it is.
        if info.subresource.isEmpty { self.compress(&response, request) }
        progress.finish(&response)
        response.headers[fields: .auditID] = [.passing(.auditID, auditID)]
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-cache, private" }
        let duration = start.duration(to: .now)
        self.metrics.note(info, status: response.status, duration: duration)
        self.logger.debug(
            "Request",
            metadata: [
                "audit-id": "\(auditID)", "verb": "\(info.verb)", "path": "\(request.rawPath)", "status": "\(response.status)",
                "duration": "\(duration)", "peer": "\(request.connection.address)",
            ])
        return response
    }

    private func handle(
        _ request: APIRequest, _ info: RequestInfo, _ address: ClusterAddress, _ trail: AuditTrail?,
        _ progress: inout Progress
    ) async throws(StatusError) -> APIResponse {
        guard let cluster = try await self.cluster(address.target) else {
            return try self.handleUnknownCluster(request, info, &progress)
        }
        if !info.isLongRunning, let timeout = request.query["timeout"], !timeout.isEmpty, GoDuration.nanoseconds(timeout) == nil {
            throw .badRequest(
                "invalid timeout specified in the request URL - time: invalid duration \(JSON.string(timeout).text)")
        }
        let requester = try await self.authenticator.user(of: request, path: address.path, in: cluster)
        let user = try Impersonation.user(for: request, by: requester, in: cluster, authorizer: self.registry.authorizer)
        trail?.identify(requester, as: user, in: cluster)
        // Upstream's fairness comes before authorization: who isn't allowed is told the flow, too.
        progress.flow = self.flow(info, user, cluster)
        do throws(StatusError) {
            try self.registry.authorizer.require(info.attributes(of: user), in: cluster)
            trail?.note(isAllowed: true)
        } catch {
            trail?.note(isAllowed: false)
            throw error
        }
        if !info.isLongRunning, info.verb != "list" { self.shortRequests.note() }
        let limits = self.registry.policies(cluster).limits
        let permit = try self.limiter.begin(cluster: cluster.id, isLongRunning: info.isLongRunning, limits)
        self.meter?(cluster)
        self.noteUse(request, info, user, cluster, permit)
        guard await self.awaitTurn(cluster, limits, &progress) else { return .tooManyRequests }
        let context = RequestContext(cluster: cluster, user: user)
        let call = Call(
            request: request, info: info, path: address.path, linkPath: address.linkPath, context: context, permit: permit,
            trail: trail,
            bodyLimit: min(limits.requestBytes, self.configuration.limits.bodyBytes))
        return try await Turn.take(progress.turn) { () async throws(StatusError) in try await self.handle(call) }
    }

    private func handle(_ call: Call) async throws(StatusError) -> APIResponse {
        var call = call
        guard call.info.isResource, !Self.readingVerbs.contains(call.info.verb) || !call.info.subresource.isEmpty else {
            return try await self.perform(call)
        }
        let notes = RequestNotes()
        call.context.notes = notes
        call.trail?.attach(notes)
        call.context.deadline = .now.advanced(by: Self.longestWrite)
        do throws(StatusError) {
            var response = try await self.perform(call)
            for value in WarningHeader.values(notes.warnings) {
                response.headers.append(HTTPField(name: .warning, value: value))
            }
            return response
        } catch {
            throw error.warning(notes.warnings)
        }
    }

    private static let readingVerbs: Set<String> = ["get", "list", "watch"]
    /// What a write may take, as upstream bounds it.
    private static let longestWrite = Duration.seconds(34)

    private func perform(_ call: Call) async throws(StatusError) -> APIResponse {
        if self.isLight(call) { return try await self.handleResource(call) }
        return try await offEventLoop { () async throws(StatusError) in
            try await call.info.isResource ? self.handleResource(call) : self.handlePath(call)
        }
    }

    /// Whether a request is answered in a moment for certain, so that its connection's event loop may do it: one object of a built-in
    /// kind, of little size. Everything else may have any number of objects to go through, or rules of its cluster's own to compile
    /// or to follow.
    private func isLight(_ call: Call) -> Bool {
        let info = call.info
        guard info.isResource, info.subresource.isEmpty || info.subresource == "status", info.group != "apiextensions.k8s.io",
            self.registry.schema.resource(group: info.group, version: info.version, plural: info.resource) != nil
        else { return false }
        switch info.verb {
        // A node may have to give a sign first, which is a write.
        case "get": return info.namespace != NodeSigns.namespace && !(info.resource == "nodes" && info.group.isEmpty)
        case "create", "update", "patch", "delete":
            if self.registry.hasAdmissionRules(call.cluster) { return false }
            let length = call.request.headers[.contentLength]
            return length.flatMap { Int($0) }.map { $0 <= Self.lightBody } ?? (info.verb == "delete" && length == nil)
        default: return false
        }
    }

    private static let lightBody = 32 << 10

    private func cluster(_ target: ClusterAddress.Target) async throws(StatusError) -> LogicalCluster? {
        do {
            switch target {
            case .name(let name): return try await self.registry.store.cluster(name)
            case .id(let id): return try await self.registry.store.cluster(id: id)
            }
        } catch {
            throw .internalError("loading the cluster: \(error)")
        }
    }

    /// A cluster that doesn't exist answers as one in which nobody has any right: its absence can't be told from outside.
    private func handleUnknownCluster(
        _ request: APIRequest, _ info: RequestInfo, _ progress: inout Progress
    ) throws(StatusError) -> APIResponse {
        if Authenticator.hasCredential(request) { throw .unauthorized() }
        if let response = self.publicPath(info, request) {
            progress.flow = self.flows.ofNewClusters.classify(info, .anonymous)
            return response
        }
        throw info.attributes(of: .anonymous).forbidden()
    }

    /// The client's own id when it is a sound one, or a new one.
    private static func auditID(of request: APIRequest) -> String {
        if let given = request.headers[.auditID], given.utf8.count <= 64,
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !given.isEmpty
        {
            return given
        }
        return Identifiers.uid()
    }
}

/// A request that has been let in: who may do what in which cluster.
struct Call: Sendable {
    var request: APIRequest
    var info: RequestInfo
    /// The path within the cluster, with its percent escapes.
    var path: String
    /// See ``ClusterAddress/linkPath``.
    var linkPath: String
    var context: RequestContext
    /// Counts as in progress while it is referred to: a streamed body keeps it.
    var permit: RequestLimiter.Permit
    /// Notes the request, where there is an audit log.
    var trail: AuditTrail?
    /// The largest body that the cluster takes, in bytes.
    var bodyLimit: Int

    var cluster: LogicalCluster { self.context.cluster }

    /// The whole body. While it is on its way, others work.
    ///
    /// - Throws: 413 when it is larger than the cluster's limit.
    func body() async throws(StatusError) -> [UInt8] {
        try await Turn.resting { () async throws(StatusError) in try await self.request.body.collect(limit: self.bodyLimit) }
    }
}
