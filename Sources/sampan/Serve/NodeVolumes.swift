import Fleet
import KubeRuntime
import KubeStore

/// The volumes of this machine as archives and clones see them: Fleet and KubeRuntime know nothing of each other.
struct NodeVolumes: ArchivedVolumes {
    let runtime: LocalRuntime

    func isAtRest(_ cluster: LogicalCluster) -> Bool { runtime.isAtRest(cluster) }

    func read(_ volumes: [ClaimedVolume], of cluster: Int64) -> any VolumeStream {
        Stream(reader: runtime.volumes.read(volumes.map(Self.volume), of: cluster))
    }

    func receive(_ id: String, _ volumes: [ClaimedVolume], isRestricted: Bool) throws -> any VolumeIntake {
        do { return Intake(writer: try runtime.volumes.receive(id, volumes.map(Self.volume), isRestricted: isRestricted)) } catch
        {
            throw Self.failure(error)
        }
    }

    func place(_ id: String, in cluster: Int64) throws { try runtime.volumes.place(id, in: cluster) }

    func discard(_ id: String) async throws { try await runtime.volumes.discard(id) }

    var received: [String] { runtime.volumes.received }

    private static func volume(_ claimed: ClaimedVolume) -> VolumeReader.Volume {
        VolumeReader.Volume(handle: claimed.handle, bound: claimed.bound, title: claimed.title)
    }

    private static func failure(_ error: any Error) -> any Error {
        if let error = error as? VolumeArchiveError { return VolumeFailure(error.description, isContent: error.isContent) }
        if let error = error as? EngineError { return VolumeFailure(error.description, isContent: false) }
        return error
    }

    private struct Stream: VolumeStream {
        let reader: VolumeReader

        var leftOut: Int { reader.leftOut }
        func next(_ limit: Int) async throws -> [UInt8] {
            do { return try await reader.next(limit) } catch { throw NodeVolumes.failure(error) }
        }
    }

    private struct Intake: VolumeIntake {
        let writer: VolumeWriter

        func write(_ bytes: [UInt8]) async throws {
            do { try await writer.write(bytes) } catch { throw NodeVolumes.failure(error) }
        }

        func finish() async throws {
            do { try await writer.finish() } catch { throw NodeVolumes.failure(error) }
        }
    }
}
