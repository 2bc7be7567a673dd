import KubeObject

/// Reads one field's row.
enum FieldRow {
    static func parse(_ words: [Substring], number: Int, type: ValueType) throws(SchemaError) -> Field {
        let flags = words.count > 3 ? words[3].utf8 : "".utf8[...]
        return Field(
            jsonName: String(words[0]), protoNumber: number, type: type,
            isOmitEmpty: flags.contains(UInt8(ascii: "o")), isOmitZero: flags.contains(UInt8(ascii: "z")),
            isMarkedOptional: flags.contains(UInt8(ascii: "O")), isMarkedRequired: flags.contains(UInt8(ascii: "R")),
            rare: words.count > 4 ? try rare(words[4...]) : nil)
    }

    private static func rare(_ words: ArraySlice<Substring>) throws(SchemaError) -> Field.Rare {
        var strategies: [String] = []
        var mergeKey = ""
        var listType: Field.ListType?
        var mapKeys: [String] = []
        var mapType = ""
        var structType = ""
        var defaultValue: JSON?
        for word in words {
            let value = word.dropFirst(3)
            switch word.prefix(3) {
            case "ps=": strategies = value.split(separator: ",").map(String.init)
            case "pk=": mergeKey = String(value)
            case "lt=": listType = Field.ListType(rawValue: String(value))
            case "lk=": mapKeys = value.split(separator: ",").map(String.init)
            case "mt=": mapType = String(value)
            case "st=": structType = String(value)
            case "df=":
                do { defaultValue = try JSON(parsing: value.utf8) } catch {
                    throw SchemaError("not a default: \(word): \(error)")
                }
            default: throw SchemaError("\(word) is unknown")
            }
        }
        return Field.Rare(
            patchStrategies: strategies, patchMergeKey: mergeKey, listType: listType, listMapKeys: mapKeys, mapType: mapType,
            structType: structType, defaultValue: defaultValue)
    }
}
