/// The image of every pod's first process, which only holds the pod's namespaces: our own, because no registry can be assumed.
///
/// The program is assembled here: it asks the kernel to reap its children by itself (SIGCHLD ignored, for pods that share a process
/// namespace) and then sleeps for ever. containerd ends it with SIGKILL.
enum PauseImage {
    static let name = "sampan.local/pause:1"

    static func archive(architecture: String = NodeFacts.architecture) -> ImageArchive? {
        guard let program = program(architecture: architecture) else { return nil }
        var layer = TarArchive()
        layer.addFile("pause", mode: 0o755, program)
        return ImageArchive(name: name, layer: layer, entrypoint: ["/pause"], architecture: architecture)
    }

    /// A static ELF program of one segment; nil for an architecture that we have no code for.
    static func program(architecture: String) -> [UInt8]? {
        let code: [UInt8]
        let machine: UInt16
        switch architecture {
        case "amd64":
            machine = 62
            code = [
                0xb8, 0x0d, 0, 0, 0,  // mov $13 (rt_sigaction), %eax
                0xbf, 0x11, 0, 0, 0,  // mov $17 (SIGCHLD), %edi
                0x48, 0x8d, 0x35, 0x13, 0, 0, 0,  // lea action(%rip), %rsi
                0x31, 0xd2,  // xor %edx, %edx
                0x41, 0xba, 0x08, 0, 0, 0,  // mov $8, %r10d
                0x0f, 0x05,  // syscall
                0xb8, 0x22, 0, 0, 0,  // again: mov $34 (pause), %eax
                0x0f, 0x05,  // syscall
                0xeb, 0xf7,  // jmp again
            ]
        case "arm64":
            machine = 183
            code = [
                0xc8, 0x10, 0x80, 0xd2,  // mov x8, #134 (rt_sigaction)
                0x20, 0x02, 0x80, 0xd2,  // mov x0, #17 (SIGCHLD)
                0x81, 0x01, 0x00, 0x10,  // adr x1, action
                0x02, 0x00, 0x80, 0xd2,  // mov x2, #0
                0x03, 0x01, 0x80, 0xd2,  // mov x3, #8
                0x01, 0x00, 0x00, 0xd4,  // svc #0
                0x28, 0x09, 0x80, 0xd2,  // again: mov x8, #73 (ppoll)
                0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2,  // no descriptors, no timeout
                0x03, 0x00, 0x80, 0xd2, 0x04, 0x00, 0x80, 0xd2,
                0x01, 0x00, 0x00, 0xd4,  // svc #0
                0xf9, 0xff, 0xff, 0x17,  // b again
            ]
        default: return nil
        }
        let action: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)  // SIG_IGN, no flags, no mask
        let base: UInt64 = 0x40_0000
        let headers = 120
        let size = UInt64(headers + code.count + action.count)
        var elf: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func add(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { elf += $0 } }
        add(UInt16(2))  // executable
        add(machine)
        add(UInt32(1))
        add(base + UInt64(headers))  // entry
        add(UInt64(64))  // program header
        add(UInt64(0))
        add(UInt32(0))
        for value: UInt16 in [64, 56, 1, 64, 0, 0] { add(value) }
        add(UInt32(1))  // PT_LOAD
        add(UInt32(5))  // read, execute
        for value in [0, base, base, size, size, 0x1000] { add(value) }
        return elf + code + action
    }
}
