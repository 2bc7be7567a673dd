import Foundation
import KubeRegistry
import Testing

@testable import KubeNetwork

@Suite struct HostPortTests {
    @Test(arguments: [
        (HostPort(number: 80, target: 8080), "host_ports tcp . 80 : 10.244.0.2 . 8080"),
        (HostPort(address: "0.0.0.0", transport: "UDP", number: 53, target: 53), "host_ports udp . 53 : 10.244.0.2 . 53"),
        (HostPort(address: "192.0.2.7", number: 80, target: 80), "host_ports_at 192.0.2.7 . tcp . 80 : 10.244.0.2 . 80"),
    ])
    func aPortIsOneElement(_ port: HostPort, _ text: String) throws {
        let element = try #require(HostPortFacts(port)?.element(to: "10.244.0.2"))
        #expect("\(element.key.set.rawValue) \(element.text)" == text)
    }

    @Test func whatIsNoAddressOfOursIsNoPort() {
        #expect(HostPortFacts(HostPort(address: "::1", number: 80, target: 80)) == nil)
        #expect(HostPortFacts(HostPort(address: "127.0.0.1; drop", number: 80, target: 80)) == nil)
        #expect(HostPortFacts(HostPort(transport: "ICMP", number: 80, target: 80)) == nil)
    }

    @Test func aPortIsOnePodsUntilItGoes() throws {
        let reservations = HostPortReservations()
        // One that nobody has: the kernel chooses it.
        let free = try TestSocket(.tcp)
        try free.bind("127.0.0.1", 0)
        var peer = Peer()
        _ = peer.fill { getsockname(free.descriptor, $0, $1) }
        let number = UInt16(peer.bytes[2]) << 8 | UInt16(peer.bytes[3])
        func port(_ address: String, _ transport: String = "TCP") throws -> HostPortFacts {
            try #require(HostPortFacts(HostPort(address: address, transport: transport, number: number, target: 80)))
        }
        // The host's own program has it.
        #expect(throws: HostPortTaken.self) { try reservations.take([port("")], for: "a") }
        #expect(throws: HostPortTaken.self) { try reservations.take([port("127.0.0.2"), port("127.0.0.1")], for: "a") }
        free.close()
        try reservations.take([port("127.0.0.1"), port("127.0.0.1", "UDP")], for: "a")
        try reservations.take([port("127.0.0.1")], for: "a")
        // Another address, or another protocol, is another port; what was taken in vain isn't kept.
        try reservations.take([port("127.0.0.2")], for: "b")
        #expect(throws: HostPortTaken.self) { try reservations.take([port("")], for: "c") }
        do { try reservations.take([port("127.0.0.1")], for: "c") } catch {
            #expect(
                "\(error)" == "the host port 127.0.0.1:\(number)/TCP is taken, by another pod or by a program of this machine")
        }
        reservations.release("a")
        reservations.release("b")
        try reservations.take([port("")], for: "c")
        reservations.release("c")
    }
}
