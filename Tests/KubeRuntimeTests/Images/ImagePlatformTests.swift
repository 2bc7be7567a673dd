import Foundation
import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct ImagePlatformTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    private func entry(_ architecture: String, variant: String? = nil, digest: String = digest) -> JSON {
        var platform: JSON = ["architecture": .string(architecture), "os": "linux"]
        if let variant { platform["variant"] = .string(variant) }
        return ["digest": .string(digest), "platform": platform]
    }

    @Test func choosesTheMachinesOwnThenTheLikeliest() {
        let arm = entry("arm64")
        let risc = entry("riscv64")
        #expect(ImagePlatform.choose(from: ["manifests": [risc, arm]], machine: "amd64")?.platform.architecture == "arm64")
        #expect(ImagePlatform.choose(from: ["manifests": [arm, risc]], machine: "riscv64")?.platform.architecture == "riscv64")
        #expect(
            ImagePlatform.choose(from: ["manifests": [entry("arm", variant: "v7")]], machine: "amd64")?.platform.description
                == "linux/arm/v7")
    }

    @Test func takesNothingThatIsNoManifestForASystem() {
        // Attestations are of no architecture.
        #expect(ImagePlatform.choose(from: ["manifests": [entry("unknown")]], machine: "amd64") == nil)
        #expect(ImagePlatform.choose(from: ["manifests": [entry("arm64", digest: "--help")]], machine: "amd64") == nil)
        #expect(ImagePlatform.choose(from: ["manifests": [entry("arm", variant: "v7 --all")]], machine: "amd64") == nil)
        #expect(ImagePlatform.choose(from: [:], machine: "amd64") == nil)
    }

    @Test func readsWhatTheEnginesToolLoaded() {
        let output = "unpacking sampan.dev/a:1 (\(Self.digest))...done\nother\n"
        let loaded = ImageStore.loaded(output)
        #expect(loaded.map(\.name) == ["sampan.dev/a:1"])
        #expect(loaded.map(\.digest) == [Self.digest])
    }

    @Test func findsADigestInATable() {
        #expect(ImagePlatform.digest(in: "REF TYPE DIGEST\nx:1 application/json \(Self.digest) 12 B") == Self.digest)
        #expect(ImagePlatform.digest(in: "sha256:12 not found") == nil)
    }

    // MARK: Handlers

    private static let arm64 = """
        interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
        flags: PF
        offset 0
        magic 7f454c460201010000000000000000000200b700
        mask ffffffffffffff00fffffffffffffffffeffffff
        """

    private func obstacle(
        _ handler: String?, status: String = "enabled", architecture: String = "arm64", isSandboxed: Bool = false
    ) throws -> String? {
        let directory = NSTemporaryDirectory() + "formats-\(UUID().uuidString)"
        defer { File.removeTree(directory) }
        try File.makeDirectory(directory)
        try File.write(status + "\n", to: "\(directory)/status")
        try File.write("", to: "\(directory)/register")
        try File.write("enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n", to: "\(directory)/jar")
        if let handler { try File.write(handler, to: "\(directory)/qemu-aarch64") }
        return ImagePlatform(architecture: architecture).obstacle(
            image: "x:1", isSandboxed: isSandboxed, machine: "amd64", formats: directory)
    }

    @Test func runsWhereTheKernelHasAnOpenHandler() throws {
        #expect(try obstacle("enabled\n" + Self.arm64) == nil)
        #expect(try obstacle(nil, architecture: "amd64") == nil)
        #expect(try obstacle(nil, architecture: "386") == nil)
    }

    @Test func saysWhatIsMissing() throws {
        let start = "no match for platform in manifest: image \"x:1\" is for linux/arm64, this node is linux/amd64"
        let end =
            ": install qemu-user-static and binfmt-support on the machine (scripts/install emulation), or use an image for linux/amd64"
        #expect(try obstacle(nil) == "\(start), and the kernel has no handler for such programs\(end)")
        #expect(try obstacle("disabled\n" + Self.arm64) == "\(start), and the kernel's handler qemu-aarch64 is disabled\(end)")
        let closed = Self.arm64.replacingOccurrences(of: "PF", with: "P")
        #expect(try obstacle("enabled\n" + closed) == "\(start), and the kernel's handler qemu-aarch64 lacks the flag F\(end)")
        #expect(try obstacle("enabled\n" + Self.arm64, architecture: "riscv64")?.contains("no handler") == true)
        #expect(try obstacle("enabled\n" + Self.arm64, status: "disabled")?.contains("says disabled") == true)
        #expect(
            try obstacle("enabled\n" + Self.arm64, isSandboxed: true) == "\(start), and gVisor runs only the node's own programs")
        #expect(try obstacle(nil, architecture: "sparc")?.hasSuffix("which can't emulate it") == true)
    }
}
