public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// The changes of a resource's objects, in one namespace or (empty) in all.
    ///
    /// Without a resourceVersion, or from "0", the state at the start comes first, as synthetic events. A resourceVersion that
    /// is too old is answered inside the stream, as upstream does.
    /// - Throws: 400 and 422 for bad options.
    public func watch(
        _ resource: ResourceType, namespace: String, _ options: ListOptions, _ context: RequestContext
    ) throws(StatusError) -> WatchStream {
        guard resource.isStored else { throw .methodNotSupported(resource.groupResource, "watch") }
        try ListValidation.validateWatch(options)
        let selection = try Selection(options, resource)
        let since = try ListValidation.revision(options.resourceVersion) ?? 0
        let cluster = context.cluster
        var prefix = resource.prefix(namespace: namespace)
        if let name = selection.name, !resource.isNamespaced || !namespace.isEmpty {
            // The prefix may also be that of longer names; the selection sorts those out.
            prefix = resource.key(namespace: namespace, name: name).text
        }
        let matching = selection.isEmpty ? nil : selection

        let wantsInitialEvents = options.sendInitialEvents ?? (since == 0)
        do {
            if wantsInitialEvents || since == 0 {
                let (snapshot, subscription) = try cluster.snapshotAndWatch(prefix: prefix)
                if since > snapshot.revision { throw ListValidation.tooLarge(since, snapshot.revision) }
                var first: [WatchEvent] = []
                if wantsInitialEvents {
                    for object in snapshot.list(prefix: prefix) where selection.ofStored.matches(object) {
                        first.append(WatchEvent(.added, .object(Conversion.served(object, resource))))
                    }
                }
                if options.sendInitialEvents == true, options.allowWatchBookmarks {
                    first.append(WatchStream.bookmark(resource, at: snapshot.revision, endsInitialEvents: true))
                }
                return WatchStream(
                    resource, first: first, subscription: subscription, selection: matching,
                    custom: customServing(resource, subscription, cluster))
            }
            let subscription = try cluster.watch(prefix: prefix, since: since)
            return WatchStream(
                resource, first: [], subscription: subscription, selection: matching,
                custom: customServing(resource, subscription, cluster))
        } catch let error as StoreError {
            switch error {
            case .expired(let oldest):
                let status = StatusError.expired("too old resource version: \(since) (\(oldest))").status
                return WatchStream(resource, first: [WatchEvent(.error, .document(status))], subscription: nil, selection: nil)
            case .tooLarge(let current):
                // Upstream waits until it gets there.
                do {
                    let subscription = try cluster.watch(prefix: prefix, since: current)
                    return WatchStream(
                        resource, first: [], subscription: subscription, selection: matching, minimumRevision: since,
                        custom: customServing(resource, subscription, cluster))
                } catch {
                    throw StatusError(error, resource.groupResource, "")
                }
            default: throw StatusError(error, resource.groupResource, "")
            }
        } catch let error as StatusError {
            throw error
        } catch {
            throw .internalError("starting a watch of \(resource.groupResource): \(error)")
        }
    }

    /// What a watch of custom objects needs beside its events.
    private func customServing(
        _ resource: ResourceType, _ subscription: WatchSubscription, _ cluster: LogicalCluster
    ) -> WatchStream.CustomServing? {
        guard let definition = resource.definition else { return nil }
        return WatchStream.CustomServing(
            serve: { [self] objects throws(StatusError) in try await served(objects, resource, in: cluster) },
            registration: customWatches.add(subscription, of: definition.name, in: cluster.id))
    }
}
