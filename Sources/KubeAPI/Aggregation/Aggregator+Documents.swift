public import KubeObject
public import KubeRegistry
public import KubeStore

extension Aggregator {
    /// Why a document of an extension API server can't be had.
    public enum DocumentFailure: Error, Equatable {
        /// What was answered: a status code, and the Status's message when there was one.
        case refused(status: Int, message: String?)
        /// The answer makes no sense, in words.
        case senseless(String)
    }

    /// The versions of a group that extension API servers serve, the one that is wanted most first.
    public func versions(of group: String, in cluster: LogicalCluster) -> [String] {
        DiscoveryMerge.byGroup(RemoteAPIService.all(in: cluster).filter { $0.group == group }).flatMap(\.services).map(\.version)
    }

    /// Asks for a document as one of this server's own parts would through the API server, which passes the question on.
    ///
    /// - Parameters:
    ///   - path: what follows the group version's own path, percent-encoded.
    ///   - timeout: what the whole may take; nothing is waited for after that.
    public func document(
        _ path: String, group: String, version: String, as user: UserInfo, timeout: Duration, in cluster: LogicalCluster
    ) async throws(DocumentFailure) -> JSON {
        guard
            let service = RemoteAPIService.all(in: cluster).first(where: { $0.group == group && $0.version == version })
        else { throw .refused(status: 404, message: nil) }
        guard service.isAvailable else { throw .refused(status: 503, message: nil) }
        let bytes: [UInt8]
        do {
            let request = DocumentRequest(path: service.path + path, user: user.name, groups: user.groups, timeout: timeout)
            bytes = try await request.send(to: try self.backend(service, in: cluster))?.bytes ?? []
        } catch let error as DocumentRequest.BadStatus {
            throw .refused(status: error.status, message: Self.message(error.body))
        } catch is DocumentRequest.Unanswered {
            throw .refused(status: 504, message: nil)
        } catch {
            throw .refused(status: 503, message: nil)
        }
        do { return try JSON(parsing: bytes) } catch { throw .senseless("\(error)") }
    }

    /// The message of a Status, if it is one.
    private static func message(_ body: [UInt8]) -> String? {
        let tree: JSON
        do { tree = try JSON(parsing: body) } catch { return nil }
        guard tree["kind"]?.string == "Status", let message = tree["message"]?.string, !message.isEmpty else { return nil }
        return message
    }
}
