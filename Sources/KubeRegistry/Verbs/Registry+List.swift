public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// A page of a resource's objects, in one namespace or (empty) in all, out of one consistent snapshot. Custom objects are as
    /// they are stored, for `served` to bring into the resource's version, and not yet selected by fields of that: `servedList` does both.
    ///
    /// - Throws: 400 for bad options, 410 when the snapshot of a continued list is no longer known.
    public func list(
        _ resource: ResourceType, namespace: String, _ options: ListOptions, _ context: RequestContext
    ) throws(StatusError) -> ListResult {
        guard resource.isStored else {
            guard resource.allows("list") else { throw .methodNotSupported(resource.groupResource, "list") }
            // Component statuses: there are no components to tell of.
            return ListResult(objects: ObjectList([]), resourceVersion: context.cluster.revision)
        }
        try ListValidation.validateList(options)
        return try page(resource, namespace: namespace, options, try Selection(options, resource).ofStored, context)
    }

    /// How many objects are brought into a version at once, to be selected by its fields.
    private static let candidates = 500

    /// As `list`, of objects in the resource's version.
    public func servedList(
        _ resource: ResourceType, namespace: String, _ options: ListOptions, _ context: RequestContext
    ) async throws(StatusError) -> ListResult {
        do {
            return try await selectedList(resource, namespace: namespace, options, context)
        } catch  where !error.continueToken.isEmpty {
            await moveOn(from: options, context.cluster)
            throw error
        }
    }

    /// A list that can't be gone on with as it was goes on in another revision, even if nothing has happened since: upstream's revisions
    /// move on by themselves, and who takes what follows for the same list as before would be wrong about it.
    private func moveOn(from options: ListOptions, _ cluster: LogicalCluster) async {
        do {
            guard try ContinueToken(options.continueToken).revision == cluster.revision else { return }
            try await cluster.advance()
        } catch {
            // The client gets the same revision again: that's all it costs.
        }
    }

    private func selectedList(
        _ resource: ResourceType, namespace: String, _ options: ListOptions, _ context: RequestContext
    ) async throws(StatusError) -> ListResult {
        guard resource.definition != nil, !options.fieldSelector.isEmpty, try Selection(options, resource).isOfVersion else {
            var result = try list(resource, namespace: namespace, options, context)
            result.objects = try await served(result.objects, resource, in: context.cluster)
            return result
        }
        try ListValidation.validateList(options)
        let selection = try Selection(options, resource)
        let limit = options.limit > 0 ? options.limit : Int.max
        var options = options
        // A page of a revision would be of exactly that one.
        options.limit = limit < .max || options.resourceVersion.isEmpty ? Self.candidates : 0
        var objects: [Object] = []
        while true {
            let token = options.continueToken.isEmpty ? nil : try ContinueToken(options.continueToken)
            var result = try page(resource, namespace: namespace, options, selection.ofStored, context)
            let candidates = Array(result.objects)
            for (index, object) in try await served(candidates, resource, in: context.cluster).enumerated()
            where selection.matches(object) {
                objects.append(object)
                guard objects.count == limit else { continue }
                if index < candidates.count - 1 || !result.continueToken.isEmpty {
                    result.continueToken = continueToken(after: object, resource, result.resourceVersion, token)
                }
                result.objects = ObjectList(objects)
                return result
            }
            guard !result.continueToken.isEmpty else {
                result.objects = ObjectList(objects)
                return result
            }
            options.continueToken = result.continueToken
            (options.resourceVersion, options.resourceVersionMatch) = ("", "")
        }
    }

    private func page(
        _ resource: ResourceType, namespace: String, _ options: ListOptions, _ selection: Selection, _ context: RequestContext
    ) throws(StatusError) -> ListResult {
        let token = options.continueToken.isEmpty ? nil : try ContinueToken(options.continueToken)
        let snapshot = try snapshot(for: options, token, context.cluster)

        if let name = selection.name, !resource.isNamespaced || !namespace.isEmpty {
            let found = snapshot.get(resource.key(namespace: namespace, name: name)).map { selection.matches($0) ? [$0] : [] }
            return ListResult(
                objects: ObjectList((found ?? []).map { Conversion.served($0, resource) }), resourceVersion: snapshot.revision)
        }

        let prefix = resource.prefix(namespace: namespace)
        let after = token.map { Key("\(Key.prefix(group: resource.storedAs.group, plural: resource.plural))\($0.after)") }
        let limit = options.limit > 0 ? options.limit : Int.max
        guard !selection.isEmpty else {
            let range = snapshot.objects(prefix: prefix, after: after, limit: limit == .max ? nil : limit)
            var result = ListResult(
                objects: resource.gvk == resource.storedAs
                    ? ObjectList(range) : ObjectList(range.map { Conversion.served($0, resource) }),
                resourceVersion: snapshot.revision)
            if range.count == limit, let last = range.last {
                let left = snapshot.count(prefix: prefix, after: key(of: last, resource))
                if left > 0 {
                    result.remainingItemCount = left
                    result.continueToken = continueToken(after: last, resource, snapshot.revision, token)
                }
            }
            return result
        }

        var objects: [Object] = []
        var isMore = false
        for (_, object) in snapshot.entries(prefix: prefix, after: after) where selection.matches(object) {
            if objects.count == limit {
                isMore = true
                break
            }
            objects.append(object)
        }
        var result = ListResult(
            objects: ObjectList(
                resource.gvk == resource.storedAs ? objects : objects.map { Conversion.served($0, resource) }),
            resourceVersion: snapshot.revision)
        if isMore, let last = objects.last {
            result.continueToken = continueToken(after: last, resource, snapshot.revision, token)
        }
        return result
    }

    private func key(of object: Object, _ resource: ResourceType) -> Key {
        resource.key(namespace: object.metadata.namespace, name: object.metadata.name)
    }

    private func continueToken(
        after last: Object, _ resource: ResourceType, _ revision: UInt64, _ token: ContinueToken?
    ) -> String {
        let namespace = resource.isNamespaced ? last.metadata.namespace : "_"
        var next = ContinueToken(revision: revision, after: "\(namespace)/\(last.metadata.name)")
        if let token, token.revision != nil { next.began = token.began }
        return next.text
    }

    /// The snapshot that a list shall show.
    private func snapshot(
        for options: ListOptions, _ token: ContinueToken?, _ cluster: LogicalCluster
    ) throws(StatusError) -> Snapshot {
        if let token {
            guard let revision = token.revision else { return cluster.snapshot }
            do {
                if token.isExpired { throw StoreError.expired(oldest: revision) }
                return try cluster.snapshot(at: revision)
            } catch {
                var expired = StatusError.expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
                        + "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
                        + "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
                        + "deleted between the time the first chunk was returned and now may show up in the list.")
                expired.continueToken = ContinueToken(revision: nil, after: token.after).text
                throw expired
            }
        }
        let revision: UInt64?
        do { revision = try ListValidation.revision(options.resourceVersion) } catch {
            throw .badRequest("invalid resource version: \(error.message)")
        }
        guard let wanted = revision, wanted > 0 else { return cluster.snapshot }
        // A page of a revision is of exactly that one, when nothing else is said.
        let isExact = options.resourceVersionMatch == "Exact" || (options.resourceVersionMatch.isEmpty && options.limit > 0)
        if isExact {
            do {
                return try cluster.snapshot(at: wanted)
            } catch .expired {
                throw .expired("The resourceVersion for the provided list is too old.")
            } catch .tooLarge(let current) {
                throw ListValidation.tooLarge(wanted, current)
            } catch {
                throw StatusError(error, GroupResource(group: "", resource: ""), "")
            }
        }
        let snapshot = cluster.snapshot
        if wanted > snapshot.revision { throw ListValidation.tooLarge(wanted, snapshot.revision) }
        return snapshot
    }
}

/// The checks of list and watch options.
enum ListValidation {
    private static let kind = GroupKind(group: "meta.k8s.io", kind: "ListOptions")

    static func validateList(_ options: ListOptions) throws(StatusError) {
        var errors = FieldErrors()
        let match = options.resourceVersionMatch
        if !match.isEmpty {
            if options.resourceVersion.isEmpty {
                errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            if !options.continueToken.isEmpty {
                errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
            }
            errors.oneOf(.string(match), ["Exact", "NotOlderThan", ""], "resourceVersionMatch")
            if match == "Exact", options.resourceVersion == "0" {
                errors.forbidden("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")
            }
        }
        if options.sendInitialEvents != nil { errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list") }
        if !errors.isEmpty { throw .invalid(kind, "", errors.list) }
        if !options.continueToken.isEmpty, !options.resourceVersion.isEmpty, options.resourceVersion != "0" {
            throw .badRequest("specifying resource version is not allowed when using continue")
        }
    }

    static func validateWatch(_ options: ListOptions) throws(StatusError) {
        var errors = FieldErrors()
        let match = options.resourceVersionMatch
        if options.sendInitialEvents != nil, match != "NotOlderThan" {
            errors.forbidden(
                "resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        if !match.isEmpty {
            if options.sendInitialEvents == nil {
                errors.forbidden(
                    "resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
            }
            errors.oneOf(.string(match), ["NotOlderThan"], "resourceVersionMatch")
            if !options.continueToken.isEmpty {
                errors.forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
            }
        }
        if !errors.isEmpty { throw .invalid(kind, "", errors.list) }
    }

    /// The number that a resourceVersion is; nil for none.
    static func revision(_ text: String) throws(StatusError) -> UInt64? {
        if text.isEmpty { return nil }
        guard let revision = UInt64(text), !text.hasPrefix("+") else {
            let problem = FieldError.invalid("resourceVersion", .string(text), unreadable(text))
            throw StatusError(code: 500, reason: "", message: problem.description)
        }
        return revision
    }

    /// Why a text isn't a revision, in Go's words.
    static func unreadable(_ text: String) -> String {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 }
        return "strconv.ParseUint: parsing \(quoted(text)): \(isNumber ? "value out of range" : "invalid syntax")"
    }

    static func tooLarge(_ wanted: UInt64, _ current: UInt64) -> StatusError {
        var error = StatusError.timeout("Timeout: Too large resource version: \(wanted), current: \(current)")
        error.details = [
            "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]], "retryAfterSeconds": 1,
        ]
        return error
    }
}
