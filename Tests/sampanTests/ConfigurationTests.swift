import ArgumentParser
import FoundationEssentials
import Testing

@testable import sampan

struct ConfigurationTests {
    @Test(arguments: [
        ("/var/lib/sampan", "sampan"), ("/srv/Team One", "team-one"), ("/tmp/--x--", "x"), ("/", "sampan"),
        ("/tmp/a-name-that-is-too-long", "a-name-that-is"),
    ])
    func namesAnInstanceAfterItsDataDirectory(_ path: String, _ name: String) {
        #expect(Paths.instanceName(forDataDirectory: path) == name)
    }

    @Test(arguments: [
        ("/a/./b/../c/", "/a/c"), ("/../..", "/"), ("/a//b", "/a/b"),
    ])
    func makesPathsAbsolute(_ path: String, _ absolute: String) {
        #expect(Paths.absolute(path) == absolute)
    }

    @Test(arguments: [
        ["--instance", "-x"], ["--instance", "sixteen-letters-"], ["--api-port", "0"], ["--dns-port", "65536"],
        ["--api-port", "7000", "--dns-port", "7000"], ["--pod-subnet", "10.244.0.1/16"], ["--pod-subnet", "10.0.0.0/8"],
        ["--pod-subnet", "fd00::/8"], ["--pod-subnet", "fd00:10:244::/64,10.244.0.0/16"], ["--pod-subnet", "10.244.0.0/16,"],
        ["--pod-subnet", "10.244.0.0/16,10.245.0.0/16"], ["--pod-subnet", "10.244.0.0/16,fd00:10:244::/64,fd00:1::/64"],
        ["--pod-subnet", "10.244.0.0/16,fd00:10:244::1/64"], ["--pod-subnet", "10.244.0.0/16,fd00:10:96::/64"],
        ["--pod-subnet", "10.244.0.0/16,fe80::/64"], ["--pod-subnet", "10.244.0.0/16,fd00:10:244::/120"],
        ["--pod-subnet", "10.244.0.0/30"], ["--log-level", "loud"], ["--domain", "a..b"],
    ])
    func refusesOptionsThatCannotWork(_ arguments: [String]) throws {
        // `--instance -x` needs the joined form to reach the check at all.
        let joined = stride(from: 0, to: arguments.count, by: 2).map { "\(arguments[$0])=\(arguments[$0 + 1])" }
        let options = try ServerOptions.parse(joined)
        #expect(throws: ValidationError.self) { try options.configuration(dataDirectory: "/x", stored: nil) }
    }

    @Test func keepsWhatWasStoredUnlessTold() throws {
        var stored = Configuration(instance: "one", dataDirectory: "/x")
        stored.apiPort = 7443
        let options = try ServerOptions.parse(["--log-level", "debug"])
        let configuration = try options.configuration(dataDirectory: "/x", stored: stored)
        #expect(configuration.apiPort == 7443)
        #expect(configuration.logLevel == "debug")
        #expect(configuration.instance == "one")
    }

    @Test func readsAFileOfAnOlderVersion() throws {
        let text = #"{"instance":"one","dataDirectory":"/x","apiPort":7443}"#
        let configuration = try JSONDecoder().decode(Configuration.self, from: Data(text.utf8))
        #expect(configuration.apiPort == 7443)
        #expect(configuration.dnsPort == 10053)
    }
}

struct IPv4NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.244.0.0/16", true), ("10.244.0.0/16", "10.245.0.0/16", false), ("0.0.0.0/0", "1.2.3.4/32", true),
        ("10.96.0.0/12", "10.112.0.0/12", false),
    ])
    func overlaps(_ one: String, _ other: String, _ expected: Bool) throws {
        #expect(try #require(IPv4Network(one)).overlaps(#require(IPv4Network(other))) == expected)
    }

    @Test(arguments: ["10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "256.0.0.0/8", "a.b.c.d/8", "1.2.3.+4/32", ""])
    func refuses(_ text: String) {
        #expect(IPv4Network(text) == nil)
    }
}
