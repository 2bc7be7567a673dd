public import KubeSchema

extension ResourceType {
    /// What every answer about a built-in resource warns of that upstream would rather see gone; nil for all others.
    public var builtinDeprecationWarning: String? {
        switch (group, version, plural) {
        case ("", "v1", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
        case ("", "v1", "componentstatuses"): "v1 ComponentStatus is deprecated in v1.19+"
        default: nil
        }
    }
}
