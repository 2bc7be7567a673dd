import KubeObject
import KubeSchema

/// Keeps the books of who owns which field of an object (`metadata.managedFields`): of every write, as upstream, so that whoever
/// applies later is told of the fields that others have set.
enum FieldOwnership {
    /// Books a write that isn't an apply.
    ///
    /// - Parameters:
    ///   - object: the object as it shall be stored, before admission: what admission adds belongs to nobody.
    ///   - old: the object before; nil for a create.
    ///   - options: say which manager writes.
    static func note(
        _ object: inout JSON, old: JSON?, _ resource: ResourceType, subresource: String, _ options: UpdateOptions,
        _ context: RequestContext
    ) {
        let name = options.fieldManager.isEmpty ? context.fieldManager : options.fieldManager
        let write = write(
            ManagedFields.Manager(
                name: name.isEmpty ? "unknown" : name, isApply: false, apiVersion: resource.apiVersion, subresource: subresource),
            resource)
        let isStored = resource.gvk == resource.storedAs || resource.definition != nil
        let books = ServerSideApply.managedFields(
            updating: isStored ? old : old.map { Conversion.fromStored($0, resource) },
            to: isStored ? object : Conversion.fromStored(object, resource), write)
        object[path: "metadata", "managedFields"] = books
    }

    /// What the rules of server-side apply have to know of a write to this resource.
    static func write(_ manager: ManagedFields.Manager, _ resource: ResourceType) -> ServerSideApply.Write {
        // Upstream books what comes through a scale without a time.
        let time = manager.subresource == "scale" ? "" : Timestamp.now()
        return ServerSideApply.Write(
            type: resource.type, manager: manager, reset: reset(resource, manager.subresource), time: time
        ) { object, version in
            let gvk = GroupVersion(apiVersion: version).kind(resource.kind)
            // Versions of custom resources are seen as the own one: a webhook can't be asked for each manager's.
            if resource.definition != nil { return gvk.group == resource.group ? (object, resource.type) : nil }
            if gvk == resource.storedAs {
                let type = gvk == resource.gvk ? resource.type : Schema.builtin.type(forKind: gvk)
                return (Conversion.toStored(object, resource), type)
            }
            guard gvk.group == resource.group || Schema.builtin.resource(forKind: gvk) != nil else { return nil }
            guard let other = Schema.builtin.resource(forKind: gvk) else { return (object, resource.type) }
            return (Conversion.fromStored(Conversion.toStored(object, resource), other), other.type)
        }
    }

    /// The fields that a write through this address doesn't touch: the status through the resource itself, what is desired
    /// through its status.
    private static func reset(_ resource: ResourceType, _ subresource: String) -> FieldSet {
        switch (subresource, resource.group, resource.plural) {
        case ("status", "apps", "deployments"): FieldSet(paths: [["spec"], ["metadata", "labels"]])
        case ("status", "", "pods"):
            FieldSet(paths: [["spec"], ["metadata", "deletionTimestamp"], ["metadata", "ownerReferences"]])
        case ("status", _, _): FieldSet(paths: [["spec"]])
        case ("approval", _, _): FieldSet(paths: [["spec"], ["status", "certificate"]])
        case ("", _, _) where resource.subresource("status") != nil: FieldSet(paths: [["status"]])
        default: FieldSet()
        }
    }
}
