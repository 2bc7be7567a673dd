@testable import Fleet
import Testing
