public import KubeSchema

/// What to do with fields that the schema doesn't know, or that stand twice (`fieldValidation=`).
public enum FieldValidation: String, Sendable {
    case ignore = "Ignore"
    case warn = "Warn"
    case strict = "Strict"
}

/// The options of a create request.
public struct CreateOptions: Sendable {
    /// Do everything but store it.
    public var dryRun: Bool
    public var fieldValidation: FieldValidation
    public var fieldManager: String
    /// What is wrong with the body's own form, such as fields that stand twice: warned of or refused, as `fieldValidation` says.
    public var complaints: BodyComplaints = []

    public init(dryRun: Bool = false, fieldValidation: FieldValidation = .ignore, fieldManager: String = "") {
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
        self.fieldManager = fieldManager
    }
}

/// The options of an update request.
public typealias UpdateOptions = CreateOptions

/// The options of a patch request.
public struct PatchOptions: Sendable {
    public var dryRun: Bool
    public var fieldValidation: FieldValidation
    public var fieldManager: String
    /// Take fields from other managers (server-side apply).
    public var force: Bool
    /// What is wrong with the patch's own form, such as fields that stand twice: warned of or refused, as `fieldValidation` says.
    public var complaints: [String] = []

    public init(dryRun: Bool = false, fieldValidation: FieldValidation = .ignore, fieldManager: String = "", force: Bool = false)
    {
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
        self.fieldManager = fieldManager
        self.force = force
    }

    var update: UpdateOptions { UpdateOptions(dryRun: dryRun, fieldValidation: fieldValidation, fieldManager: fieldManager) }
}

/// The kinds of patch, by their media type.
public enum PatchType: String, Sendable, CaseIterable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategicMerge = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

/// What happens to the dependents of a deleted object.
public enum PropagationPolicy: String, Sendable {
    case orphan = "Orphan"
    case background = "Background"
    case foreground = "Foreground"
}

/// The options of a delete request, from its query or its body.
public struct DeleteOptions: Sendable {
    public var gracePeriodSeconds: Int64?
    public var propagationPolicy: PropagationPolicy?
    /// The older way to say it; never together with ``propagationPolicy``.
    public var orphanDependents: Bool?
    public var preconditionUID: String?
    public var preconditionResourceVersion: String?
    public var dryRun: Bool

    public init(
        gracePeriodSeconds: Int64? = nil, propagationPolicy: PropagationPolicy? = nil, orphanDependents: Bool? = nil,
        preconditionUID: String? = nil, preconditionResourceVersion: String? = nil, dryRun: Bool = false
    ) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagationPolicy = propagationPolicy
        self.orphanDependents = orphanDependents
        self.preconditionUID = preconditionUID
        self.preconditionResourceVersion = preconditionResourceVersion
        self.dryRun = dryRun
    }
}

/// The options of a list or watch request, as they stand in its query; the verb parses and checks them.
public struct ListOptions: Sendable {
    public var labelSelector: String
    public var fieldSelector: String
    /// At most so many objects; 0 for all.
    public var limit: Int
    /// The token of the page before.
    public var continueToken: String
    public var resourceVersion: String
    /// `NotOlderThan`, `Exact` or empty.
    public var resourceVersionMatch: String
    /// Watch: whether to send bookmarks.
    public var allowWatchBookmarks: Bool
    /// Watch: whether the state at the start is sent as synthetic events, ended by a marked bookmark.
    public var sendInitialEvents: Bool?

    public init(
        labelSelector: String = "", fieldSelector: String = "", limit: Int = 0, continueToken: String = "",
        resourceVersion: String = "", resourceVersionMatch: String = "", allowWatchBookmarks: Bool = false,
        sendInitialEvents: Bool? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.limit = limit
        self.continueToken = continueToken
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
        self.allowWatchBookmarks = allowWatchBookmarks
        self.sendInitialEvents = sendInitialEvents
    }
}
