import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// libnftables, found when it's first needed: it comes with the package `nftables`, and building Sampan doesn't take its headers.
/// Source: libnftables(3).
///
/// Its functions may be called from any thread, but only by one at a time.
struct NFTablesLibrary: Sendable {
    private typealias Context = OpaquePointer
    private let new: @convention(c) @Sendable (UInt32) -> Context?
    private let free: @convention(c) @Sendable (Context) -> Void
    private let bufferOutput: @convention(c) @Sendable (Context) -> Int32
    private let bufferError: @convention(c) @Sendable (Context) -> Int32
    private let output: @convention(c) @Sendable (Context) -> UnsafePointer<CChar>?
    private let error: @convention(c) @Sendable (Context) -> UnsafePointer<CChar>?
    private let setFlags: @convention(c) @Sendable (Context, UInt32) -> Void
    private let runCommands: @convention(c) @Sendable (Context, UnsafePointer<CChar>) -> Int32

    /// `NFT_CTX_OUTPUT_JSON`
    private static let json: UInt32 = 1 << 4

    static let loaded = Result { () throws(NFTablesError) in try NFTablesLibrary() }

    private init() throws(NFTablesError) {
        func failure() -> NFTablesError {
            let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
            return NFTablesError(
                reason: "libnftables couldn't be loaded (is the package nftables installed?): \(reason)", commands: "")
        }
        guard let library = dlopen("libnftables.so.1", RTLD_NOW) else { throw failure() }
        func function<Function>(_ name: String, as type: Function.Type) throws(NFTablesError) -> Function {
            guard let symbol = dlsym(library, name) else { throw failure() }
            return unsafeBitCast(symbol, to: type)
        }
        new = try function("nft_ctx_new", as: (@convention(c) @Sendable (UInt32) -> Context?).self)
        free = try function("nft_ctx_free", as: (@convention(c) @Sendable (Context) -> Void).self)
        bufferOutput = try function("nft_ctx_buffer_output", as: (@convention(c) @Sendable (Context) -> Int32).self)
        bufferError = try function("nft_ctx_buffer_error", as: (@convention(c) @Sendable (Context) -> Int32).self)
        output = try function("nft_ctx_get_output_buffer", as: (@convention(c) @Sendable (Context) -> UnsafePointer<CChar>?).self)
        error = try function("nft_ctx_get_error_buffer", as: (@convention(c) @Sendable (Context) -> UnsafePointer<CChar>?).self)
        setFlags = try function("nft_ctx_output_set_flags", as: (@convention(c) @Sendable (Context, UInt32) -> Void).self)
        runCommands = try function(
            "nft_run_cmd_from_buffer", as: (@convention(c) @Sendable (Context, UnsafePointer<CChar>) -> Int32).self)
    }

    /// Performs commands as one transaction, in a context of their own: what the library remembers of the kernel's tables is true for a
    /// moment only. Blocks until the kernel is done.
    ///
    /// - Returns: what the commands list.
    func run(_ commands: String, asJSON: Bool) throws(NFTablesError) -> [UInt8] {
        guard let context = new(0) else {
            throw NFTablesError(reason: "the packet filter can't be reached", commands: commands)
        }
        defer { free(context) }
        guard bufferOutput(context) == 0, bufferError(context) == 0 else {
            throw NFTablesError(reason: "there is no memory", commands: commands)
        }
        if asJSON { setFlags(context, Self.json) }
        guard runCommands(context, commands) == 0 else {
            let said = error(context).map { String(cString: $0) } ?? ""
            throw NFTablesError(reason: said.isEmpty ? "it gave no reason" : said, commands: commands)
        }
        return output(context).map { Array(UnsafeBufferPointer(start: $0, count: strlen($0)).lazy.map { UInt8(bitPattern: $0) }) }
            ?? []
    }
}
