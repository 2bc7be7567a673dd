import Foundation
import KubeObject
import TestPrograms
import Testing

@testable import KubeAPI

/// Watches over real connections, whose events the event loops write.
@Suite(.serialized) struct PushedWatchTests {
    /// Watches with many clients, of which some are slow and some leave, and prints how often each had each event, in order or not.
    private static let watchers = """
        import http.client, json, ssl, sys, threading, time
        base, token = sys.argv[1].split("/", 3), sys.argv[2]
        host, path = base[2], "/" + base[3]
        context = ssl._create_unverified_context()
        headers = {"Authorization": "Bearer " + token}
        collection = path + "/api/v1/namespaces/default/configmaps"

        def request(method, url, body=None):
            connection = http.client.HTTPSConnection(host, context=context)
            connection.request(method, url, body, {**headers, "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

        status, body = request("GET", collection)
        version = json.loads(body)["metadata"]["resourceVersion"]
        count, writes = 60, 400
        names, started = {}, threading.Barrier(count + 1)

        def watch(index):
            connection = http.client.HTTPSConnection(host, context=context)
            connection.request("GET", f"{collection}?watch=true&resourceVersion={version}", headers=headers)
            response = connection.getresponse()
            started.wait()
            seen = []
            for line in response:
                seen.append(json.loads(line)["object"]["metadata"]["name"])
                if index % 10 == 1: time.sleep(0.005)
                if index % 10 == 2 and len(seen) == 50: break
                if len(seen) == writes: break
            connection.close()
            names[index] = seen

        threads = [threading.Thread(target=watch, args=(index,)) for index in range(count)]
        for thread in threads: thread.start()
        started.wait()
        filler = "x" * 2000
        for index in range(writes):
            status, body = request("POST", collection, json.dumps({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": f"n{index}"}, "data": {"filler": filler}}))
            assert status == 201, body
        for thread in threads: thread.join(60)
        wanted = [f"n{index}" for index in range(writes)]
        print(len(names), sum(seen == wanted for seen in names.values()), sum(seen == wanted[:50] for seen in names.values()))
        """

    private static func url(_ kubeconfig: String) throws -> String {
        let lines = try String(contentsOfFile: kubeconfig, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.contains("server: ") })
        return String(try #require(line.split(separator: "server: ").last).trimmingPrefix("\""))
    }

    @Test func everyWatcherHasEveryEventInOrder() async throws {
        try await withListeningServer { kubeconfig, server in
            let result = try await runProgram([
                "timeout", "100", "python3", "-c", Self.watchers, try Self.url(kubeconfig), server.adminToken("demo"),
            ])
            #expect(result.output.hasSuffix("60 54 6\n"), "\(result)")
        }
    }

    @Test(arguments: ["--http1.1", "--http2"]) func endsWhenItsTimeIsUp(version: String) async throws {
        try await withListeningServer { kubeconfig, server in
            try await server.createNamespacedConfigMap("first")
            let result = try await runProgram([
                "curl", "-sSk", version, "-H", "Authorization: Bearer \(server.adminToken("demo"))", "-w", "%{http_code}",
                "\(try Self.url(kubeconfig))/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1",
            ])
            #expect(result.output.contains(#""name":"first""#))
            #expect(result.output.hasSuffix("200"), "\(result)")
        }
    }
}
