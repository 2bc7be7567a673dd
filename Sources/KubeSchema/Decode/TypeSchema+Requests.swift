public import KubeObject

extension TypeSchema {
    /// Reads what a client sent as an object of `kind`.
    ///
    /// - Parameter complaints: what was wrong with the body's own form, such as keys that came more than once.
    /// - Parameter isStrict: refuse fields that the type doesn't have and fields that came twice (`fieldValidation=Strict`).
    /// - Returns: the tree in its type's shape, and one text for each of those fields, for warnings.
    /// - Throws: `BadRequest` in upstream's words.
    public func decodeRequest(
        _ tree: JSON, kind: GroupVersionKind, complaints: BodyComplaints = [], isStrict: Bool
    ) throws(StatusError) -> (tree: JSON, problems: [String]) {
        let decoded: Decoded
        do { decoded = try decode(tree) } catch { throw TypeSchema.notHandled(kind, error.message) }
        let problems = complaints.with(unknown: decoded.unknownFields, isCustom: custom != nil)
        guard isStrict, !problems.isEmpty else { return (decoded.tree, problems) }
        throw TypeSchema.notHandled(kind, TypeSchema.strictMessage(problems))
    }

    /// Reads the outcome of a patch; otherwise as `decodeRequest`.
    ///
    /// - Parameters:
    ///   - strategicPatch: the patch, when it was a strategic merge patch.
    ///   - complaints: what was wrong with the patch's own form.
    /// - Throws: `Invalid`: so upstream tells that a patch made an object of the wrong shape. The bad value is the strategic
    ///   merge patch, or, after another patch, the whole object.
    public func decodePatched(
        _ tree: JSON, strategicPatch: JSON? = nil, complaints: BodyComplaints = [], isStrict: Bool
    ) throws(StatusError) -> (tree: JSON, problems: [String]) {
        let decoded: Decoded
        let shown = { strategicPatch?.goDescription ?? tree.text }
        do { decoded = try decode(tree, isMerged: strategicPatch != nil) } catch {
            throw TypeSchema.invalidPatch(shown(), error.message)
        }
        let problems = complaints.with(unknown: decoded.unknownFields, isCustom: custom != nil)
        guard isStrict, !problems.isEmpty else { return (decoded.tree, problems) }
        throw TypeSchema.invalidPatch(shown(), TypeSchema.strictMessage(problems))
    }

    private static func strictMessage(_ problems: [String]) -> String {
        "strict decoding error: \(problems.joined(separator: ", "))"
    }

    private static func notHandled(_ kind: GroupVersionKind, _ message: String) -> StatusError {
        .badRequest("\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): \(message)")
    }

    private static func invalidPatch(_ shown: String, _ message: String) -> StatusError {
        .invalid(GroupKind(group: "", kind: ""), "", [.invalid("patch", .string(shown), message)])
    }
}
