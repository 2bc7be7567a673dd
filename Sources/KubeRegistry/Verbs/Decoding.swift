import KubeObject
import KubeSchema

/// Makes what a client sent into an object of the kind that the address asks for.
enum Decoding {
    /// Checks apiVersion, kind and types; drops or refuses fields that the schema doesn't know; and normalises.
    ///
    /// - Parameters:
    ///   - complaints: what was wrong with the form of what the client sent.
    ///   - patch: how the tree came about, when it is the outcome of a patch.
    /// - Throws: 400, or 422 after a patch, in upstream's words.
    static func decode(
        _ tree: JSON, as gvk: GroupVersionKind, type: TypeSchema?, validation: FieldValidation, warnings: inout [String],
        complaints: BodyComplaints = [], patch: (type: PatchType, body: JSON)? = nil
    ) throws(StatusError) -> JSON {
        guard tree.object != nil else {
            throw .badRequest(
                "the object provided is unrecognized (must be of type \(gvk.kind)): couldn't get version/kind; json parse error: json: cannot unmarshal \(tree.typeName) into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"
            )
        }
        var object = tree
        let apiVersion = tree.text("apiVersion")
        let kind = tree.text("kind")
        if apiVersion.isEmpty { object["apiVersion"] = .string(gvk.apiVersion) }
        if kind.isEmpty { object["kind"] = .string(gvk.kind) }
        // What a custom object is can't be told by its type.
        if !apiVersion.isEmpty || (patch == nil && type?.custom != nil), apiVersion != gvk.apiVersion {
            throw .badRequest(
                "the API version in the data (\(apiVersion)) does not match the expected API version (\(gvk.apiVersion))")
        }
        if !kind.isEmpty, kind != gvk.kind, type?.custom != nil {
            throw .invalid(
                GroupKind(group: gvk.group, kind: kind), tree["metadata"]?.text("name") ?? "",
                [.invalid("kind", .string(kind), "must be \(gvk.kind)")])
        }
        if !kind.isEmpty, kind != gvk.kind {
            throw .badRequest(
                "\(kind) in version \(quoted(gvk.version)) cannot be handled as a \(gvk.kind): converting (\(kind)) to (\(gvk.kind)): unknown conversion"
            )
        }
        guard let type else { return object }
        let isStrict = validation == .strict
        var (decoded, problems) =
            if let patch {
                try type.decodePatched(
                    object, strategicPatch: patch.type == .strategicMerge ? patch.body : nil, complaints: complaints,
                    isStrict: isStrict)
            } else {
                try type.decodeRequest(object, kind: gvk, complaints: complaints, isStrict: isStrict)
            }
        if validation == .warn { warnings += problems }
        type.applyDefaults(to: &decoded)
        return decoded
    }
}
