public import KubeObject
import KubeSchema
import KubeStore

/// Asks the cluster's mutating webhooks, one after another in the order of their configurations' names, and changes the object as they
/// say.
public struct MutatingWebhooks: MutatingAdmissionPlugin {
    private static let plugin = "MutatingAdmissionWebhook"

    private let compiled = CompiledObjects<[AdmissionWebhook]>()

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.snapshot.count(prefix: AdmissionConfigurations.mutatingWebhooks) > 0,
            !AdmissionConfigurations.concerns(request)
        else { return }
        request.reinvocation.begin(Self.plugin, request.object)
        let deadline = WebhookCall.deadline(of: request)
        var index = 0
        for configuration in request.snapshot.objects(prefix: AdmissionConfigurations.mutatingWebhooks) {
            for webhook in compiled.value(of: configuration, AdmissionWebhook.all(of:)) {
                defer { index += 1 }
                guard let target = try await webhook.match(request), request.reinvocation.asks(Self.plugin, webhook.id) else {
                    continue
                }
                try await ask(webhook, as: target, index: index, &request, deadline)
            }
        }
        request.reinvocation.end(Self.plugin, request.object)
    }

    private func ask(
        _ webhook: AdmissionWebhook, as target: AdmissionTarget, index: Int, _ request: inout AdmissionRequest,
        _ deadline: ContinuousClock.Instant
    ) async throws(StatusError) {
        let object = try await request.object(as: target)
        let old = try await request.oldObject(as: target)
        let place = "round_\(request.reinvocation.isRepeated ? 1 : 0)_index_\(index)"
        let before = request.object
        do throws(WebhookRefusal) {
            let response = try await WebhookCall(webhook: webhook, isMutating: true).ask(
                request, as: target, object: object, old: old, deadline: deadline)
            if let patch = response.patch {
                try await apply(patch, to: object, of: webhook, as: target, &request)
                request.context.notes?.annotate(
                    "patch.webhook.admission.k8s.io/\(place)",
                    "{\"configuration\":\(JSON.string(webhook.configuration).text),\"webhook\":\(JSON.string(webhook.name).text),"
                        + "\"patch\":\(String(decoding: patch, as: UTF8.self)),\"patchType\":\"JSONPatch\"}")
            }
        } catch {
            let annotation = "failed-open.mutation.webhook.admission.k8s.io/\(place)"
            if let error = error.error(of: webhook, request.context.notes, annotation: annotation) { throw error }
        }
        let isChanged = request.object != before
        request.context.notes?.annotate(
            "mutation.webhook.admission.k8s.io/\(place)",
            "{\"configuration\":\(JSON.string(webhook.configuration).text),\"webhook\":\(JSON.string(webhook.name).text),"
                + "\"mutated\":\(isChanged)}")
        request.reinvocation.note(Self.plugin, webhook.id, isChanged: isChanged, isWilling: webhook.isReinvocable)
    }

    private func apply(
        _ patch: [UInt8], to object: JSON, of webhook: AdmissionWebhook, as target: AdmissionTarget,
        _ request: inout AdmissionRequest
    ) async throws(WebhookRefusal) {
        let operations: JSON
        do {
            operations = try JSON(parsing: patch)
        } catch {
            throw .uncallable("received undecodable patch in webhook response: \(error)")
        }
        guard case .array(let list) = operations else {
            throw .uncallable(
                "received undecodable patch in webhook response: json: cannot unmarshal \(operations.typeName) into Go value of type jsonpatch.Patch"
            )
        }
        if list.isEmpty { return }
        if object.isNull {
            throw .failed(
                .internalError(
                    "admission webhook \(quoted(webhook.name)) attempted to modify the object, which is not supported for this operation"
                ))
        }
        do throws(StatusError) {
            let changed = try JSONPatch.apply(operations, to: object)
            try await request.replaceObject(with: Self.keepingBooks(changed, of: object), as: target)
        } catch {
            throw .failed(error.code == 500 ? error : .internalError(error.message))
        }
    }

    /// Books of who owns what that a webhook has spoilt are as they were before.
    private static func keepingBooks(_ changed: JSON, of object: JSON) -> JSON {
        let books = object[path: "metadata", "managedFields"]
        guard changed["metadata"] != nil, changed[path: "metadata", "managedFields"] != books else { return changed }
        if let given = changed[path: "metadata", "managedFields"]?.array, given.allSatisfy({ $0.object != nil }) {
            return changed
        }
        var changed = changed
        changed[path: "metadata", "managedFields"] = books
        return changed
    }
}
