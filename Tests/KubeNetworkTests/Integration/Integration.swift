import Testing

/// Tests on the kernel's packet filter. `scripts/test` runs them apart from the unit tests, and they run one at a time.
@Suite(.serialized) enum Integration {}
