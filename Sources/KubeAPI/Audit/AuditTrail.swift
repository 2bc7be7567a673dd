import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore
import Synchronization

/// What is noted of one request while it is answered. Exists only when there is an audit log.
///
/// Concurrency: handlers add what they have read; the request's own task writes the events.
final class AuditTrail: Sendable {
    private struct State {
        var cluster = ""
        var requester: UserInfo?
        var user: UserInfo?
        var verdict: AuditPolicy.Verdict?
        var isAllowed: Bool?
        var requestObject: JSON?
        /// What the path didn't say of the object, and the body did.
        var completion: JSON = [:]
        var notes: RequestNotes?
    }

    private let auditID: String
    private let request: APIRequest
    private let info: RequestInfo
    private let log: AuditLog
    private let received = Timestamp.microNow()
    private let state = Mutex(State())

    init(_ auditID: String, _ request: APIRequest, _ info: RequestInfo, _ log: AuditLog) {
        self.auditID = auditID
        self.request = request
        self.info = info
        self.log = log
    }

    /// The request is somebody's by now: what is noted of it is decided.
    ///
    /// - Parameter requester: who sent it, which is another than `user` when that one is impersonated.
    func identify(_ requester: UserInfo, as user: UserInfo, in cluster: LogicalCluster) {
        let verdict = self.log.policy.verdict(on: self.info.attributes(of: user))
        self.state.withLock { state in
            state.cluster = cluster.name
            state.requester = requester
            state.user = user
            state.verdict = verdict
        }
        self.note(.requestReceived, response: nil)
    }

    func note(isAllowed: Bool) { self.state.withLock { $0.isAllowed = isAllowed } }

    /// What admission will say belongs to the event.
    func attach(_ notes: RequestNotes) { self.state.withLock { $0.notes = notes } }

    /// The object that was sent is noted as a whole where the policy wants that; which one it is, always: a create's path doesn't say.
    func note(object: JSON) {
        self.note(requestObject: object)
        let metadata = object["metadata"]
        var completion: JSON = [:]
        for key in ["name", "namespace", "resourceVersion", "uid"] {
            // What is longer is no object's.
            guard let value = metadata?[key]?.string, !value.isEmpty, value.utf8.count <= 253 else { continue }
            completion[key] = .string(value)
        }
        self.state.withLock { $0.completion = completion }
    }

    /// What was sent that isn't the object itself: a patch, or options.
    func note(requestObject: JSON) {
        self.state.withLock { state in
            guard let verdict = state.verdict, verdict.level >= .request else { return }
            state.requestObject = verdict.omitsManagedFields ? Self.withoutBooks(requestObject) : requestObject
        }
    }

    /// The response is about to be sent. What lasts is noted when it begins, and again when it has ended.
    func finish(_ response: inout APIResponse) {
        // Who isn't identified is noted as nobody.
        self.state.withLock { state in
            if state.verdict == nil { state.verdict = self.log.policy.verdict(on: self.info.attributes(of: UserInfo(name: ""))) }
        }
        if self.info.isLongRunning, response.status < 400 {
            self.note(.responseStarted, response: response)
            let status = response.status
            response.body = response.body.followed {
                self.note(.responseComplete, response: APIResponse(status: status, body: .bytes([])))
            }
        } else {
            self.note(.responseComplete, response: response)
        }
    }

    private func note(_ stage: AuditPolicy.Stage, response: APIResponse?) {
        let state = self.state.withLock { $0 }
        guard let verdict = state.verdict, verdict.notes(stage) else { return }
        var event: JSON = [
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": .string(verdict.level.rawValue),
            "auditID": .string(self.auditID), "stage": .string(stage.rawValue),
            "requestURI": .string(self.request.rawPath + self.request.queryText), "verb": .string(self.info.verb),
            "user": Self.tree(of: state.requester), "sourceIPs": [.string(self.request.connection.address)],
            "requestReceivedTimestamp": .string(self.received), "stageTimestamp": .string(Timestamp.microNow()),
        ]
        if let agent = self.request.headers[.userAgent] { event["userAgent"] = .string(String(agent.prefix(1024))) }
        if let user = state.user, user != state.requester { event["impersonatedUser"] = Self.tree(of: user) }
        if self.info.isResource { event["objectRef"] = self.reference(state.completion) }
        if stage != .requestReceived {
            if let object = state.requestObject { event["requestObject"] = object }
            event["annotations"] = Self.annotations(state)
        }
        if let response {
            event["responseStatus"] = ["metadata": [:], "code": .int(Int64(response.status))]
            if case .bytes(let bytes) = response.body, verdict.level >= .requestResponse || response.status >= 400,
                response.headers[.contentType]?.hasPrefix("application/json") ?? false,
                case .success(let tree) = Result(catching: { try JSON(parsing: bytes) })
            {
                if tree["kind"]?.string == "Status", response.status >= 400 {
                    event["responseStatus"] = tree
                } else if verdict.level >= .requestResponse {
                    event["responseObject"] = verdict.omitsManagedFields ? Self.withoutBooks(tree) : tree
                }
            }
        }
        self.log.append(event)
    }

    private static func annotations(_ state: State) -> JSON {
        var annotations = state.notes?.annotations ?? [:]
        if let isAllowed = state.isAllowed {
            annotations["authorization.k8s.io/decision"] = isAllowed ? "allow" : "forbid"
        }
        if !state.cluster.isEmpty { annotations["sampan.dev/cluster"] = state.cluster }
        // The patches of webhooks are parts of the request.
        if (state.verdict?.level ?? .none) < .request {
            annotations = annotations.filter { !$0.key.hasPrefix("patch.webhook.admission.k8s.io/") }
        }
        return JSON(annotations)
    }

    private func reference(_ completion: JSON) -> JSON {
        var reference = completion
        for (key, value) in [
            ("resource", self.info.resource), ("namespace", self.info.namespace), ("name", self.info.name),
            ("apiGroup", self.info.group), ("apiVersion", self.info.version), ("subresource", self.info.subresource),
        ] where !value.isEmpty {
            reference[key] = .string(value)
        }
        return reference
    }

    private static func tree(of user: UserInfo?) -> JSON {
        guard let user else { return [:] }
        var tree: JSON = ["username": .string(user.name)]
        if !user.uid.isEmpty { tree["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { tree["groups"] = JSON(user.groups) }
        if !user.extra.isEmpty { tree["extra"] = .object(JSONObject(user.extra.map { ($0.key, JSON($0.value)) })) }
        return tree
    }

    private static func withoutBooks(_ tree: JSON) -> JSON {
        var tree = tree
        tree[path: "metadata", "managedFields"] = nil
        if case .array(let items)? = tree["items"] { tree["items"] = .array(items.map(withoutBooks)) }
        return tree
    }
}
