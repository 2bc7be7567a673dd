public import KubeObject
public import KubeSchema
public import KubeStore

/// Custom objects on their way from and to the store.
///
/// What is stored by the definition as it is now is sent as it is. What is older, or in another version, is completed and
/// converted each time that it is read, as upstream does with every object.
extension Registry {
    private static let reviewTimeout = Duration.seconds(30)
    /// How many objects a webhook is asked to convert at once.
    private static let reviewSize = 100
    /// What an answer may have, in bytes, for each byte that was asked about, and at least.
    private static let answerFactor = 4
    private static let smallestAnswer = 4 << 20

    /// The key of the definition of a custom resource.
    static func definitionKey(_ resource: ResourceType) -> Key {
        Key(
            group: "apiextensions.k8s.io", plural: "customresourcedefinitions",
            name: "\(resource.plural).\(resource.group)")
    }

    /// The resource as it is defined at a snapshot; the same one for what isn't custom.
    ///
    /// - Throws: 404 when it isn't served any more.
    func current(
        _ resource: ResourceType, at snapshot: Snapshot, _ cluster: LogicalCluster
    ) throws(StatusError) -> ResourceType {
        guard resource.definition != nil else { return resource }
        guard let current = schema(of: cluster, at: snapshot).resource(resource.gvr) else { throw .unknownPath() }
        return current
    }

    /// The condition of a write of a custom object: its definition is still the one that the object was made by.
    func definitionChecks(_ resource: ResourceType, at snapshot: Snapshot) -> [Write] {
        guard resource.definition != nil else { return [] }
        let key = Self.definitionKey(resource)
        guard let definition = snapshot.get(key) else { return [] }
        return [.check(key, expect: .revision(definition.metadata.resourceVersion))]
    }

    /// Stored objects in the resource's version. What isn't custom was converted before and is returned as it is.
    ///
    /// - Throws: 500 when a webhook fails, in upstream's words.
    public func served(
        _ objects: [Object], _ resource: ResourceType, in cluster: LogicalCluster
    ) async throws(StatusError) -> [Object] {
        guard resource.definition != nil, !objects.isEmpty else { return objects }
        return try await served(objects.map { ($0, $0.metadata.resourceVersion) }, resource, in: cluster)
    }

    /// As above, for a list's objects: those of built-in kinds stay as they are, uncopied.
    public func served(
        _ objects: ObjectList, _ resource: ResourceType, in cluster: LogicalCluster
    ) async throws(StatusError) -> ObjectList {
        guard resource.definition != nil else { return objects }
        return ObjectList(try await served(Array(objects), resource, in: cluster))
    }

    /// As above, for one object.
    public func served(
        _ object: Object, _ resource: ResourceType, in cluster: LogicalCluster
    ) async throws(StatusError) -> Object {
        guard resource.definition != nil else { return Conversion.served(object, resource) }
        return try await served([(object, object.metadata.resourceVersion)], resource, in: cluster)[0]
    }

    /// - Parameter objects: with the revision at which each was written.
    func served(
        _ objects: [(object: Object, writtenAt: UInt64)], _ resource: ResourceType, in cluster: LogicalCluster
    ) async throws(StatusError) -> [Object] {
        guard let definition = resource.definition, let version = resource.custom else { return objects.map(\.object) }
        let definedAt = cluster.snapshot.get(Self.definitionKey(resource))?.metadata.resourceVersion ?? .max
        var result: [Object] = []
        result.reserveCapacity(objects.count)
        var waiting: [(index: Int, tree: JSON)] = []
        for (index, (object, writtenAt)) in objects.enumerated() {
            result.append(object)
            if object.apiVersion == resource.apiVersion {
                if writtenAt <= definedAt { result[index] = CustomForm.renewed(object, definition) }
                continue
            }
            var tree = object.tree
            CustomForm.setDefaults(&tree, definition)
            if definition.webhookConversion == nil {
                result[index] = CustomForm.sealed(CustomForm.inVersion(version, tree), object)
            } else {
                waiting.append((index, tree))
            }
        }
        var start = 0
        while start < waiting.count {
            let batch = waiting[start..<min(start + Self.reviewSize, waiting.count)]
            start += batch.count
            let converted = try await convert(batch.map(\.tree), to: version, definition, in: cluster)
            for (tree, (index, _)) in zip(converted, batch) {
                result[index] = CustomForm.sealed(CustomForm.inVersion(version, tree), objects[index].object)
            }
        }
        return result
    }

    /// What a client sent, in the version that is stored.
    func stored(_ tree: JSON, _ resource: ResourceType, in cluster: LogicalCluster) async throws(StatusError) -> JSON {
        guard let definition = resource.definition, let version = definition.storageVersion else { return tree }
        return try await converted(tree, to: version, definition, in: cluster)
    }

    /// A custom object of any version in the version of a resource.
    func converted(
        _ tree: JSON, to resource: ResourceType, in cluster: LogicalCluster
    ) async throws(StatusError) -> JSON {
        guard let definition = resource.definition, let version = resource.custom else { return tree }
        return try await converted(tree, to: version, definition, in: cluster)
    }

    private func converted(
        _ tree: JSON, to version: CustomResourceVersion, _ definition: CustomResourceDefinition, in cluster: LogicalCluster
    ) async throws(StatusError) -> JSON {
        if tree.text("apiVersion") == version.kind.apiVersion { return tree }
        guard definition.webhookConversion != nil else { return CustomForm.inVersion(version, tree) }
        return CustomForm.inVersion(version, try await convert([tree], to: version, definition, in: cluster)[0])
    }

    /// Asks the definition's webhook.
    private func convert(
        _ trees: [JSON], to version: CustomResourceVersion, _ definition: CustomResourceDefinition, in cluster: LogicalCluster
    ) async throws(StatusError) -> [JSON] {
        let from = trees.first?.text("apiVersion") ?? ""
        let what = "conversion webhook for \(from), Kind=\(version.kind.kind)"
        // Upstream tells of it by an error that has no reason.
        func failure(_ message: String) -> StatusError { StatusError(code: 500, reason: "", message: message) }
        guard let config = definition.webhookConversion?["webhook"],
            let target = config["clientConfig"].flatMap({ WebhookTarget(clientConfig: $0) })
        else { throw failure("\(what) failed: it isn't configured") }
        guard let client = webhookClient else {
            throw failure("\(what) failed: this server has no client for webhooks")
        }
        do {
            let review = try ConversionReview(
                desiredAPIVersion: version.kind.apiVersion, supported: config["conversionReviewVersions"]?.strings ?? [],
                uid: Identifiers.uid())
            let body = review.request(trees).encoded()
            let answer = try await client.post(
                WebhookRequest(
                    target: target, cluster: cluster, body: body, timeout: Self.reviewTimeout,
                    maximumAnswer: max(Self.smallestAnswer, body.count * Self.answerFactor)))
            let tree = try JSON(parsing: answer)
            return try review.converted(tree, from: trees, what: what)
        } catch let error as ConversionReview.Failure {
            throw failure(error.text)
        } catch let error as WebhookFailure {
            throw failure("\(what) failed: \(error.message)")
        } catch {
            throw failure("\(what) failed: the answer isn't JSON: \(error)")
        }
    }
}
