import Testing

/// Tests with a real containerd. `scripts/test` runs them apart from the unit tests, which would keep the processors from them for longer
/// than an engine may take to start, and they run one at a time for the same reason.
@Suite(.serialized, .needsEngine) enum Integration {}
