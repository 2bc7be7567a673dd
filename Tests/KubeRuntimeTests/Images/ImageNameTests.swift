import Testing

@testable import KubeRuntime

@Suite struct ImageNameTests {
    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("localhost/x", "localhost/x:latest"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("Registry-1.Example.com/x", "Registry-1.Example.com/x:latest"),
        ("localhost:5000/x:y", "localhost:5000/x:y"),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        (
            "quay.io/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "quay.io/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ),
    ])
    func writesNamesInFull(short: String, full: String) {
        #expect(ImageName(short)?.description == full)
    }

    @Test(arguments: [
        "", "UPPER", "a//b", "a:", "a:b:c/d:", "x@sha256:zz", "-a", "a/.b", "nginx:latest:", "--user.x/a", "a b.c/d", "x.y:/a",
        "x.y:z/a", "a..b/c", "[::g]/a",
    ])
    func refusesWhatIsNoName(text: String) {
        #expect(ImageName(text) == nil)
    }

    @Test func findsTheRegistrysCredentials() throws {
        let image = try #require(ImageName("registry.example.com/team/app:1"))
        #expect(RegistryCredential.matches(server: "https://registry.example.com/v1/", image: image))
        #expect(RegistryCredential.matches(server: "registry.example.com/v2/team", image: image))
        #expect(RegistryCredential.matches(server: "reg*.example.com", image: image))
        #expect(!RegistryCredential.matches(server: "reg*.com", image: image))
        #expect(RegistryCredential.matches(server: "https://registry.example.com", image: image))
        #expect(RegistryCredential.matches(server: "*.example.com", image: image))
        #expect(RegistryCredential.matches(server: "registry.example.com/team", image: image))
        #expect(!RegistryCredential.matches(server: "registry.example.com/other", image: image))
        let hub = try #require(ImageName("nginx"))
        #expect(RegistryCredential.matches(server: "https://index.docker.io/v1/", image: hub))
    }
}
