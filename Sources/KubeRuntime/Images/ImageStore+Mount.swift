extension ImageStore {
    /// Mounts an image's files, read-only, for as long as nobody unmounts them.
    ///
    /// The engine's CRI doesn't mount images (containerd does from 2.1 on), its own tool does. The view that the tool makes is let go of at
    /// once: what is mounted are the image's layers, which stay for as long as the image does.
    func mount(_ image: CRIImage, at path: String) async throws {
        guard !Mounts.isMountPoint(path) else { return }
        guard let ctr = Program.find("ctr") else { throw EngineError.missing(program: "ctr", package: "containerd") }
        try File.makeDirectory(path, mode: 0o750)
        let engine = ["--address", engine.socket, "--namespace", "k8s.io"]
        let snapshotter = ["--snapshotter", self.engine.machine.snapshotter]
        let mount = engine + ["images", "mount"] + snapshotter + [image.id, path]
        let forget = [engine + ["snapshots"] + snapshotter + ["rm", path], engine + ["leases", "rm", path]]
        do {
            _ = try await Program.run(ctr, mount)
        } catch {
            // A server that was killed in between has left its view.
            for step in forget { do { _ = try await Program.run(ctr, step) } catch is EngineError {} }
            _ = try await Program.run(ctr, mount)
        }
        for step in forget { _ = try await Program.run(ctr, step) }
    }
}
