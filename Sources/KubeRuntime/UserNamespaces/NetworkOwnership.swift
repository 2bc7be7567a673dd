import Glibc

/// Changes a pod's network namespace for one that belongs to its users, with the same link, addresses and routes: what they may do with it is up
/// to the owner of the namespace, and runc enters it as one of them.
///
/// The namespace that the engine has made, and that CNI has set up, is known to both by a file. So that file is made to lead to the other one.
enum NetworkOwnership {
    /// - Parameters:
    ///   - file: the namespace's, as the engine knows it.
    ///   - holder: has the namespace that takes its place.
    static func give(_ file: String, to holder: NamespaceHolder) throws(EngineError) {
        guard let shell = Program.find("sh") else { throw .missing(program: "sh", package: "dash") }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw .system(doing: "making", path: "a pipe", errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let child: ChildProcess
        do throws(EngineError) {
            child = try ChildProcess(
                shell, ["-euc", script, "sh", file, "\(holder.process)"], streams: (.nothing, .descriptor(ends[1])),
                environment: ["PATH=" + Program.folders.joined(separator: ":")])
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        let output = said(ends[0])
        let status = child.wait()
        guard status == 0 else {
            throw .program(
                name: "moving the pod's network", status: status.map { "\($0)" } ?? "unknown", output: output.trimmed)
        }
    }

    /// The first page of what comes, to its end.
    private static func said(_ descriptor: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: text.prefix(4096), as: UTF8.self) }
            if text.count < 4096 { text += buffer[..<count] }
        }
    }

    /// The kernel adds routes of its own with addresses; those that CNI has left are the ones that count. An address of IPv6 that is tried out first,
    /// whether a neighbour has it, can't be a route's source meanwhile.
    private static let script = """
        before() { nsenter --net="$file" ip "$@"; }
        after() { nsenter --net="/proc/$holder/ns/net" ip "$@"; }
        file=$1 holder=$2
        kept=$(mktemp -d)
        trap 'rm -r "$kept"' EXIT
        before address save dev eth0 scope global > "$kept/addresses"
        before -4 route save table main dev eth0 > "$kept/routes4"
        before -6 route save table main dev eth0 > "$kept/routes6"
        nsenter --net="/proc/$holder/ns/net" sh -c 'cd /proc/sys/net/ipv6/conf/default 2>/dev/null || exit 0; echo 0 > accept_dad'
        before link set eth0 netns "$holder"
        after link set lo up
        after address restore < "$kept/addresses"
        after link set eth0 up
        after -4 route flush table main dev eth0
        after -4 route restore < "$kept/routes4"
        if [ -s "$kept/routes6" ]; then
            after -6 route flush table main dev eth0
            after -6 route restore < "$kept/routes6"
        fi
        umount "$file"
        mount --bind "/proc/$holder/ns/net" "$file"
        """
}
