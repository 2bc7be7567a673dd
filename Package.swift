// swift-tools-version:6.2
import PackageDescription

// One package, one executable. A target may import only targets above it in this file; docs/architecture.md says why.
//
// SAMPAN_ROOMS=KubeStore,KubeRegistry builds and tests just those targets (and what they need), which keeps the
// edit-test loop of one room short. CI builds everything, with warnings as errors.

struct Room {
    var name: String
    var rooms: [String] = []
    var products: [(name: String, package: String)] = []
    var isExecutable = false
    var testProducts: [(name: String, package: String)] = []
    var testRooms: [String] = []
    var hasTests = true
    /// Libraries of the system: targets with a module map only.
    var systemLibraries: [String] = []
}

let log = (name: "Logging", package: "swift-log")
let nioCore = (name: "NIOCore", package: "swift-nio")
let nioPosix = (name: "NIOPosix", package: "swift-nio")
let lifecycle = (name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = (name: "Crypto", package: "swift-crypto")
let cryptoExtras = (name: "CryptoExtras", package: "swift-crypto")
let x509 = (name: "X509", package: "swift-certificates")
let asn1 = (name: "SwiftASN1", package: "swift-asn1")

let rooms: [Room] = [
    // Only for tests: programs that run beside them.
    Room(name: "TestPrograms", hasTests: false),
    Room(name: "HTTP2Frames", products: [nioCore], testProducts: [("NIOEmbedded", "swift-nio")]),
    Room(name: "KubeObject", products: [("Yams", "Yams")]),
    Room(name: "KubeSchema", rooms: ["KubeObject"]),
    Room(
        name: "KubeStore", rooms: ["KubeObject"], products: [("GRDB", "GRDB.swift"), log, lifecycle, crypto],
        testRooms: ["store-exercise", "TestPrograms"]),
    // Only for the store's tests and developers.
    Room(
        name: "store-exercise", rooms: ["KubeObject", "KubeStore"], products: [log], isExecutable: true, hasTests: false),
    Room(name: "KubeRegistry", rooms: ["KubeObject", "KubeSchema", "KubeStore"], products: [log]),
    Room(
        name: "KubeAPI", rooms: ["HTTP2Frames", "KubeObject", "KubeSchema", "KubeStore", "KubeRegistry"],
        products: [
            log, nioCore, nioPosix, lifecycle, crypto, cryptoExtras, x509, asn1,
            ("Hummingbird", "hummingbird"), ("HummingbirdCore", "hummingbird"),
            ("HTTPTypes", "swift-http-types"),
            ("NIOHTTPTypesHTTP1", "swift-nio-extras"), ("NIOHPACK", "swift-nio-http2"),
            ("NIOHTTP1", "swift-nio"), ("NIOHTTP2", "swift-nio-http2"), ("NIOWebSocket", "swift-nio"),
            ("NIOSSL", "swift-nio-ssl"), ("NIOTLS", "swift-nio"), ("AsyncHTTPClient", "async-http-client"),
        ], testProducts: [("NIOEmbedded", "swift-nio")], testRooms: ["TestPrograms"], systemLibraries: ["CZlib"]),
    // Only for developers and scripts/test: hostile inputs for every decoder.
    Room(
        name: "fuzz-decoders", rooms: ["KubeObject", "KubeSchema", "KubeStore", "KubeRegistry", "KubeAPI"],
        products: [
            ("ArgumentParser", "swift-argument-parser"), nioCore, ("NIOEmbedded", "swift-nio"), ("NIOWebSocket", "swift-nio"),
        ], isExecutable: true, hasTests: false),
    Room(
        name: "KubeControllers", rooms: ["KubeObject", "KubeSchema", "KubeStore", "KubeRegistry"],
        products: [log, lifecycle, crypto]),
    Room(
        name: "KubeRuntime", rooms: ["KubeObject", "KubeSchema", "KubeStore", "KubeRegistry"],
        products: [
            log, lifecycle, nioCore, nioPosix, ("AsyncHTTPClient", "async-http-client"),
            ("GRPCCore", "grpc-swift-2"), ("GRPCNIOTransportHTTP2Posix", "grpc-swift-nio-transport"),
            ("GRPCProtobuf", "grpc-swift-protobuf"), ("SwiftProtobuf", "swift-protobuf"),
            ("Subprocess", "swift-subprocess"), crypto, ("NIOSSL", "swift-nio-ssl"), ("NIOHTTP1", "swift-nio"),
            ("NIOWebSocket", "swift-nio"),
        ], testRooms: ["TestPrograms"]),
    Room(
        name: "KubeNetwork", rooms: ["KubeObject", "KubeSchema", "KubeStore", "KubeRegistry"],
        products: [log, lifecycle, nioCore, nioPosix], testProducts: [("Subprocess", "swift-subprocess")]),
    Room(
        name: "KubeClient", rooms: ["HTTP2Frames", "KubeObject"],
        products: [
            log, nioCore, nioPosix, ("NIOSSL", "swift-nio-ssl"), ("NIOHTTP1", "swift-nio"),
            ("AsyncHTTPClient", "async-http-client"), ("NIOFoundationCompat", "swift-nio"), ("NIOHTTP2", "swift-nio-http2"),
            ("Subprocess", "swift-subprocess"),
        ]),
    Room(
        name: "Fleet",
        rooms: ["KubeObject", "KubeSchema", "KubeStore", "KubeRegistry", "KubeAPI", "KubeControllers", "KubeClient"],
        products: [log, lifecycle, crypto, x509]),
    Room(
        name: "sampan",
        rooms: [
            "KubeObject", "KubeSchema", "KubeStore", "KubeRegistry", "KubeAPI", "KubeControllers", "KubeRuntime", "KubeNetwork",
            "KubeClient", "Fleet",
        ],
        products: [
            log, lifecycle, ("UnixSignals", "swift-service-lifecycle"), ("ArgumentParser", "swift-argument-parser"),
            ("Subprocess", "swift-subprocess"), ("NIOCore", "swift-nio"), ("NIOPosix", "swift-nio"),
            ("NIOSSL", "swift-nio-ssl"),
        ], isExecutable: true),
]

let wanted: Set<String>? = Context.environment["SAMPAN_ROOMS"].map { list in
    var open = list.split(separator: ",").map(String.init)
    var all = Set<String>()
    while let name = open.popLast() {
        guard all.insert(name).inserted, let room = rooms.first(where: { $0.name == name }) else { continue }
        open += room.rooms + room.testRooms
    }
    return all
}
let testsOf: Set<String>? = Context.environment["SAMPAN_ROOMS"].map { Set($0.split(separator: ",").map(String.init)) }
let chosen = rooms.filter { wanted?.contains($0.name) ?? true }

var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
if Context.environment["CI"] != nil { settings.append(.treatAllWarnings(as: .error)) }

func dependency(_ product: (name: String, package: String)) -> Target.Dependency {
    .product(name: product.name, package: product.package)
}

let targets: [Target] = chosen.flatMap { room -> [Target] in
    let dependencies =
        (room.rooms + room.systemLibraries).map { Target.Dependency.byName(name: $0) } + room.products.map(dependency)
    let target: Target =
        room.isExecutable
        ? .executableTarget(name: room.name, dependencies: dependencies, swiftSettings: settings)
        : .target(name: room.name, dependencies: dependencies, swiftSettings: settings)
    let libraries = room.systemLibraries.map { Target.systemLibrary(name: $0) }
    guard room.hasTests, testsOf?.contains(room.name) ?? true else { return libraries + [target] }
    return libraries + [
        target,
        .testTarget(
            name: "\(room.name)Tests",
            dependencies: [.byName(name: room.name)] + (room.rooms + room.testRooms).map { .byName(name: $0) }
                + (room.products + room.testProducts).map(dependency),
            swiftSettings: settings),
    ]
}

let packages: [(name: String, dependency: Package.Dependency)] = [
    ("Yams", .package(url: "https://github.com/jpsim/Yams", from: "6.2.2")),
    ("GRDB.swift", .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")),
    ("swift-log", .package(url: "https://github.com/apple/swift-log", from: "1.16.2")),
    ("swift-nio", .package(url: "https://github.com/apple/swift-nio", from: "2.101.2")),
    ("swift-nio-extras", .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2")),
    ("swift-nio-http2", .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0")),
    ("swift-nio-ssl", .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6")),
    ("swift-http-types", .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0")),
    ("swift-crypto", .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")),
    ("swift-certificates", .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1")),
    ("swift-asn1", .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4")),
    ("swift-service-lifecycle", .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0")),
    ("hummingbird", .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1")),
    ("async-http-client", .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0")),
    ("grpc-swift-2", .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3")),
    ("grpc-swift-nio-transport", .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2")),
    ("grpc-swift-protobuf", .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1")),
    ("swift-protobuf", .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0")),
    ("swift-subprocess", .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2")),
    ("swift-argument-parser", .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")),
]

let package = Package(
    name: "sampan",
    platforms: [.macOS(.v15)],
    products: (wanted?.contains("sampan") ?? true) ? [.executable(name: "sampan", targets: ["sampan"])] : [],
    dependencies: packages.map(\.dependency),
    targets: targets)
