import Testing

@testable import KubeRuntime

@Suite struct NetworkCountersTests {
    @Test func readsTheKernelsTable() {
        let table = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
              eth0:123456789     12    3    0    0     0          0         0     4567      11    5    0    0     0       0          0
              bad: 1 2 3
            """
        #expect(
            KernelCounters.interfaces(table) == [
                NetworkCounters(name: "eth0", receivedBytes: 123_456_789, receiveErrors: 3, sentBytes: 4567, sendErrors: 5)
            ])
        #expect(KernelCounters.interfaces("").isEmpty)
    }
}
