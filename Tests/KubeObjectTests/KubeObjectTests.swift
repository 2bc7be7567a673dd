@testable import KubeObject
import Testing
