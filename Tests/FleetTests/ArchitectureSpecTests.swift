import KubeObject
import Testing

@testable import Fleet

@Suite struct ArchitectureSpecTests {
    @Test(
        arguments: [
            ([:], nil, true), (["architecture": ""], nil, true), (["architecture": "amd64"], nil, true),
            (["architecture": "arm64"], nil, false), (["architecture": "vax"], [:], false),
            // A cluster that came from elsewhere may be changed otherwise.
            (["architecture": "arm64"], ["architecture": "arm64"], true),
        ] as [(JSON, JSON?, Bool)])
    func onlyWhatThereIsMayBeAskedFor(spec: JSON, old: JSON?, isRight: Bool) {
        let errors = ArchitectureSpec.errors(in: spec, old: old, machine: "amd64")
        #expect(errors.isEmpty == isRight)
        #expect(errors.allSatisfy { $0.description.contains("supported values: \"amd64\"") })
    }
}
