internal import GRPCCore
import Glibc
import KubeStore
public import Logging
internal import SwiftProtobuf
import Synchronization

/// The instance's own containerd: a process with private root, state, socket and pod network that outlives this server.
///
/// `start` adopts a containerd that is alive (so a restart of the server touches no container) or starts one; `run` starts it again
/// when it dies (containers survive that as well: their shims are processes of their own). Only `stopAll` ends anything.
public final class ContainerEngine: Sendable {
    public let options: EngineOptions
    let paths: EnginePaths
    let logger: Logger
    /// Calls to containerd. Usable while ``runConnections()`` runs.
    let client: EngineClient
    private let facts = Mutex<MachineFacts?>(nil)
    private let foundVersion = Mutex("")

    /// Throws `pathTooLong` when the socket wouldn't fit into a Unix socket's address.
    public init(options: EngineOptions, logger: Logger) throws(EngineError) {
        self.options = options
        self.logger = logger
        paths = EnginePaths(options)
        // 107 bytes fit; ".ttrpc" is appended to the name.
        guard (paths.socket + ".ttrpc").utf8.count <= 106 else { throw .pathTooLong(paths.socket) }
        client = try EngineClient(socket: paths.socket)
    }

    /// The path of containerd's socket, for `ctr -a`.
    public var socket: String { paths.socket }

    /// What was found out about the machine at the start.
    public var machine: MachineFacts {
        facts.withLock { known in
            if let known { return known }
            let read = MachineFacts.read(directory: paths.home)
            known = read
            return read
        }
    }

    /// containerd's version, once it answered.
    public var version: String { foundVersion.withLock { $0 } }

    /// Keeps the connection to containerd; returns when cancelled. Must run for `start`, `stopAll` and all calls to get anywhere.
    public func runConnections() async throws { try await client.run() }

    /// Makes sure that containerd runs with today's configuration, and knows the pause image. Returns when pods can be made.
    public func start() async throws {
        try await startProcess()
        try await waitUntilReady(limit: .seconds(30))
        let version = try await client.runtime.version(CRIVersionRequest(), options: .within(.seconds(10))).runtimeVersion
        // Debian's has the package's version appended: 1.6.20~ds1.
        foundVersion.withLock { $0 = String(version.prefix { $0 != "~" && $0 != "+" }) }
        await endStrayShims()
        try await importPauseImage()
    }

    /// Starts containerd again whenever it has died. Returns when cancelled; containerd goes on.
    public func supervise() async throws {
        // Since the last start; what an earlier containerd left may show itself later.
        var seconds = 0
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(1))
            seconds += 1
            if seconds % (seconds < 60 ? 5 : 60) == 0 { await endStrayShims() }
            if runningProcess() == nil {
                logger.warning("containerd has ended: starting it again", metadata: ["log": "\(paths.log)"])
                do {
                    try await startProcess()
                    try await waitUntilReady(limit: .seconds(30))
                    Healings.process.note(.engine)
                    seconds = 0
                    await endStrayShims()
                } catch {
                    logger.error("containerd could not be started again: trying in 5 s", metadata: ["error": "\(error)"])
                    try await Task.sleep(for: .seconds(5))
                }
            }
        }
    }

    /// The process ID of our containerd, or nil. The pid file alone proves nothing: the process must have our configuration's path.
    func runningProcess() -> pid_t? {
        guard let text = try? File.text(paths.pidFile), let pid = pid_t(text.trimmed) else { return nil }
        waitpid(pid, nil, WNOHANG)  // when it was our child and has died
        return ProcessTable.arguments(of: pid).contains(paths.config) ? pid : nil
    }

    private func startProcess() async throws {
        for (program, package) in [("runc", "runc"), ("containerd-shim-runc-v2", "containerd"), ("ctr", "containerd")]
        where Program.find(program) == nil {
            throw EngineError.missing(program: program, package: package)
        }
        guard let containerd = Program.find("containerd") else {
            throw EngineError.missing(program: "containerd", package: "containerd")
        }
        let plugins = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"].first { File.exists("\($0)/ptp") }
        guard let plugins else {
            throw EngineError.missing(program: "the CNI plugin ptp", package: "containernetworking-plugins")
        }
        for directory in [
            paths.home, paths.root, paths.cniConfig, paths.ipam, paths.registries, "\(paths.data)/log", paths.podLogs, paths.pods,
        ] {
            try File.makeDirectory(directory)
        }
        try File.makeDirectory(paths.streams, mode: 0o700)
        if let runsc = machine.runsc {
            try File.makeDirectory(paths.runscPending, mode: 0o700)
            try File.write(RunscAdapter.script(runsc: runsc, pending: paths.runscPending), to: paths.runscAdapter)
            chmod(paths.runscAdapter, 0o755)
        }
        try installUserNamespaceAdapter()
        chmod(paths.pods, 0o750)

        let configuration = EngineConfiguration(options: options, machine: machine, cniPlugins: plugins)
        let isSame = (try? File.text(paths.config)) == configuration.toml
        try File.write(configuration.cniList, to: "\(paths.cniConfig)/10-sampan.conflist")
        if let pid = runningProcess() {
            if isSame {
                logger.info("adopted the running containerd", metadata: ["pid": "\(pid)"])
                return
            }
            logger.info("containerd's configuration has changed: restarting it, containers go on", metadata: ["pid": "\(pid)"])
            kill(pid, SIGTERM)
            if !(await ProcessTable.waitForEnd(of: [pid], limit: .seconds(10))) { kill(pid, SIGKILL) }
        }
        try forgetStateOfEarlierBoot()
        try File.write(configuration.toml, to: paths.config)
        unlink(paths.socket)
        unlink(paths.socket + ".ttrpc")
        let pid = try DetachedProcess.start(containerd, arguments: ["--config", paths.config], log: paths.log)
        try File.write("\(pid)\n", to: paths.pidFile)
        logger.info("started containerd", metadata: ["pid": "\(pid)", "log": "\(paths.log)"])
    }

    private func installUserNamespaceAdapter() throws {
        guard machine.translatesUsers, let runc = Program.find("runc") else { return }
        try File.makeDirectory(UserNamespaceBundle.root(in: paths.userNamespaceMounts), mode: 0o711)
        let script = UserNamespaceAdapter.script(
            program: try File.link("/proc/self/exe"), runc: runc, place: paths.userNamespaceMounts)
        try File.write(script, to: paths.userNamespaceAdapter)
        chmod(paths.userNamespaceAdapter, 0o755)
    }

    /// containerd expects its state directory empty after a reboot; ours is on disk.
    private func forgetStateOfEarlierBoot() throws {
        let boot = try File.text("/proc/sys/kernel/random/boot_id")
        if (try? File.text(paths.bootFile)) != boot {
            Mounts.unmountAll(below: paths.state)
            File.removeTree(paths.state)
            File.removeTree(paths.ipam)
            File.removeTree(paths.runscPending)
            try File.makeDirectory(paths.ipam)
            if machine.runsc != nil { try File.makeDirectory(paths.runscPending, mode: 0o700) }
        }
        try File.makeDirectory(paths.state)
        try File.write(boot, to: paths.bootFile)
    }

    /// Waits until the CRI says that it and the network are ready.
    private func waitUntilReady(limit: Duration) async throws {
        let end = ContinuousClock.now + limit
        var reason = "no answer on \(paths.socket)"
        while ContinuousClock.now < end {
            do {
                let status = try await client.runtime.status(CRIStatusRequest(), options: .within(.seconds(2)))
                let unready = status.status.conditions.filter { !$0.status }
                if unready.isEmpty { return }
                reason = unready.map { "\($0.type): \($0.reason) \($0.message)" }.joined(separator: "; ")
            } catch {
                try Task.checkCancellation()
                reason = "\(error)"
                if runningProcess() == nil { reason = "the process has ended: \(lastLogLines())" }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw EngineError.notReady(log: paths.log, detail: reason)
    }

    private func lastLogLines() -> String {
        guard let text = try? File.text(paths.log) else { return "(no log)" }
        return text.split(separator: "\n").suffix(3).joined(separator: "\n")
    }

    private func importPauseImage() async throws {
        let known = try await client.images.imageStatus(
            CRIImageStatusRequest.with { $0.image.image = PauseImage.name }, options: .within(.seconds(10)))
        if known.hasImage { return }
        guard let archive = PauseImage.archive() else {
            throw EngineError.missing(
                program: "a pause program for \(NodeFacts.architecture)", package: "none: this architecture is not supported")
        }
        let file = "\(paths.home)/pause.tar"
        try File.write(archive.bytes, to: file)
        defer { unlink(file) }
        try await ImageStore(engine: self).load(archive: file)
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
