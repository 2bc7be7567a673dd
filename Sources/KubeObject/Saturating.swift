extension Int64 {
    /// The nearest whole number that there is; 0 for what isn't a number. For amounts that a tenant chooses, where a plain conversion
    /// would end the process.
    public init(saturating value: Double) {
        // 2^63 is no Int64; the doubles on either side of it are 1024 apart below and 2048 above.
        self = value.isNaN ? 0 : value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
    }
}
