import KubeObject

/// What is special about a kind, beyond what the schema says: defaults that depend on other fields, validation, and what a create
/// or an update does to the fields that clients don't own. All of it is functions of JSON.
protocol KindRules: Sendable {
    /// What the kind's names must be.
    var nameRule: NameRule { get }

    /// Whether `metadata.generation` counts the changes of what is desired.
    var countsGeneration: Bool { get }

    /// Whether the status counts as desired too.
    var countsStatus: Bool { get }

    /// Whether a PUT of an object that isn't there creates it.
    var allowsCreateOnUpdate: Bool { get }

    /// Whether an update may leave out the resourceVersion.
    var allowsUnconditionalUpdate: Bool { get }

    /// What happens to dependents when a deletion doesn't say.
    var defaultPropagation: PropagationPolicy? { get }

    /// Whether a deletion at once answers with the object instead of a Status.
    var returnsDeletedObject: Bool { get }

    /// Whether a status update leaves the labels as they are.
    var statusKeepsLabels: Bool { get }

    /// Whether a status update leaves all metadata as it is.
    var statusKeepsMetadata: Bool { get }

    /// Fills in what the client left out. Called for every create and update, before admission.
    func setDefaults(_ object: inout JSON)

    /// Clears and sets the fields that the server owns.
    func prepareForCreate(_ object: inout JSON)

    /// As `prepareForCreate`, for an update of the main resource; the status has already been carried over.
    func prepareForUpdate(_ object: inout JSON, old: JSON)

    /// As `prepareForUpdate`, for an update through `/status`; all but metadata and status has already been carried over.
    func prepareForStatusUpdate(_ object: inout JSON, old: JSON)

    /// As `prepareForUpdate`, for an update through another subresource that writes the object.
    func prepareForUpdate(_ object: inout JSON, old: JSON, subresource: String)

    /// What is wrong with the object, apart from the metadata that all kinds share.
    func validate(_ object: JSON, _ errors: inout FieldErrors)

    /// As `validate`, for a new object, of which some kinds ask more.
    func validateCreate(_ object: JSON, _ errors: inout FieldErrors)

    /// What the change does that it may not; `validate` isn't called before.
    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors)

    /// What is wrong with the new status.
    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors)

    /// What is wrong with a change through another subresource that writes the object.
    func validateUpdate(_ object: JSON, old: JSON, subresource: String, _ errors: inout FieldErrors)

    /// Texts for `Warning` headers.
    func warnings(_ object: JSON, old: JSON?) -> [String]

    /// The value of a field that a field selector may ask for, nil for one that it may not.
    func selectableField(_ path: String, of object: Object) -> String?
}

extension KindRules {
    var nameRule: NameRule { .subdomain }
    var countsGeneration: Bool { false }
    var countsStatus: Bool { false }
    var allowsCreateOnUpdate: Bool { false }
    var allowsUnconditionalUpdate: Bool { true }
    var defaultPropagation: PropagationPolicy? { .background }
    var returnsDeletedObject: Bool { false }
    var statusKeepsLabels: Bool { false }
    var statusKeepsMetadata: Bool { false }
    func setDefaults(_ object: inout JSON) {}
    func prepareForCreate(_ object: inout JSON) {}
    func prepareForUpdate(_ object: inout JSON, old: JSON) {}
    func prepareForStatusUpdate(_ object: inout JSON, old: JSON) {}
    func prepareForUpdate(_ object: inout JSON, old: JSON, subresource: String) {}
    func validate(_ object: JSON, _ errors: inout FieldErrors) {}
    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) { validate(object, &errors) }
    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) { validate(object, &errors) }
    func validateUpdate(_ object: JSON, old: JSON, subresource: String, _ errors: inout FieldErrors) {}
    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {}
    func warnings(_ object: JSON, old: JSON?) -> [String] { [] }
    func selectableField(_ path: String, of object: Object) -> String? { nil }
}

/// A kind of which nothing is special.
struct PlainRules: KindRules {
    var nameRule: NameRule = .subdomain
    var countsGeneration = false
    var allowsCreateOnUpdate = false
    var allowsUnconditionalUpdate = true
    var defaultPropagation: PropagationPolicy? = .background
    var returnsDeletedObject = false
}
