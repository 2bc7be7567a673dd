extension CELDeclarations {
    static let operators = """
        conditional _?_:_ (bool,A,A) A
        logical_and _&&_ (bool,bool) bool
        logical_or _||_ (bool,bool) bool
        logical_not !_ (bool) bool
        not_strictly_false @not_strictly_false (bool) bool
        equals _==_ (A,A) bool
        not_equals _!=_ (A,A) bool
        add_bytes _+_ (bytes,bytes) bytes
        add_double _+_ (double,double) double
        add_duration_duration _+_ (duration,duration) duration
        add_duration_timestamp _+_ (duration,timestamp) timestamp
        add_timestamp_duration _+_ (timestamp,duration) timestamp
        add_int64 _+_ (int,int) int
        add_list _+_ (list(A),list(A)) list(A)
        add_string _+_ (string,string) string
        add_uint64 _+_ (uint,uint) uint
        divide_double _/_ (double,double) double
        divide_int64 _/_ (int,int) int
        divide_uint64 _/_ (uint,uint) uint
        modulo_int64 _%_ (int,int) int
        modulo_uint64 _%_ (uint,uint) uint
        multiply_double _*_ (double,double) double
        multiply_int64 _*_ (int,int) int
        multiply_uint64 _*_ (uint,uint) uint
        negate_double -_ (double) double
        negate_int64 -_ (int) int
        subtract_double _-_ (double,double) double
        subtract_duration_duration _-_ (duration,duration) duration
        subtract_int64 _-_ (int,int) int
        subtract_timestamp_duration _-_ (timestamp,duration) timestamp
        subtract_timestamp_timestamp _-_ (timestamp,timestamp) duration
        subtract_uint64 _-_ (uint,uint) uint
        index_list _[_] (list(A),int) A
        index_map _[_] (map(A,B),A) B
        optional_list_index_int _[_] (optional(list(V)),int) optional(V)
        optional_map_index_value _[_] (optional(map(K,V)),K) optional(V)
        list_optindex_optional_int _[?_] (list(V),int) optional(V)
        optional_list_optindex_optional_int _[?_] (optional(list(V)),int) optional(V)
        map_optindex_optional_value _[?_] (map(K,V),K) optional(V)
        optional_map_optindex_optional_value _[?_] (optional(map(K,V)),K) optional(V)
        in_list @in (A,list(A)) bool
        in_map @in (A,map(A,B)) bool
        size_bytes size (bytes) int
        bytes_size size .(bytes) int
        size_list size (list(A)) int
        list_size size .(list(A)) int
        size_map size (map(A,B)) int
        map_size size .(map(A,B)) int
        size_string size (string) int
        string_size size .(string) int
        @mapInsert_map_key_value cel.@mapInsert (map(K,V),K,V) map(K,V)
        @mapInsert_map_map cel.@mapInsert (map(K,V),map(K,V)) map(K,V)
        """

    static let conversions = """
        type type (A) type(A)
        bool_to_bool bool (bool) bool
        string_to_bool bool (string) bool
        bytes_to_bytes bytes (bytes) bytes
        string_to_bytes bytes (string) bytes
        double_to_double double (double) double
        int64_to_double double (int) double
        string_to_double double (string) double
        uint64_to_double double (uint) double
        duration_to_duration duration (duration) duration
        string_to_duration duration (string) duration
        to_dyn dyn (A) dyn
        int64_to_int64 int (int) int
        double_to_int64 int (double) int
        duration_to_int64 int (duration) int
        string_to_int64 int (string) int
        timestamp_to_int64 int (timestamp) int
        uint64_to_int64 int (uint) int
        string_to_string string (string) string
        bool_to_string string (bool) string
        bytes_to_string string (bytes) string
        double_to_string string (double) string
        duration_to_string string (duration) string
        int64_to_string string (int) string
        timestamp_to_string string (timestamp) string
        uint64_to_string string (uint) string
        timestamp_to_timestamp timestamp (timestamp) timestamp
        int64_to_timestamp timestamp (int) timestamp
        string_to_timestamp timestamp (string) timestamp
        uint64_to_uint64 uint (uint) uint
        double_to_uint64 uint (double) uint
        int64_to_uint64 uint (int) uint
        string_to_uint64 uint (string) uint
        """

    static let texts = """
        contains_string contains .(string,string) bool
        ends_with_string endsWith .(string,string) bool
        starts_with_string startsWith .(string,string) bool
        matches matches (string,string) bool
        matches_string matches .(string,string) bool
        string_char_at_int charAt .(string,int) string
        string_index_of_string indexOf .(string,string) int
        string_index_of_string_int indexOf .(string,string,int) int
        string_last_index_of_string lastIndexOf .(string,string) int
        string_last_index_of_string_int lastIndexOf .(string,string,int) int
        string_lower_ascii lowerAscii .(string) string
        string_replace_string_string replace .(string,string,string) string
        string_replace_string_string_int replace .(string,string,string,int) string
        string_split_string split .(string,string) list(string)
        string_split_string_int split .(string,string,int) list(string)
        string_substring_int substring .(string,int) string
        string_substring_int_int substring .(string,int,int) string
        string_trim trim .(string) string
        string_upper_ascii upperAscii .(string) string
        string_format format .(string,list(dyn)) string
        strings_quote strings.quote (string) string
        list_join join .(list(string)) string
        list_join_string join .(list(string),string) string
        string_find_string find .(string,string) string
        string_find_all_string findAll .(string,string) list(string)
        string_find_all_string_int findAll .(string,string,int) list(string)
        """

    static let times = """
        timestamp_to_year getFullYear .(timestamp) int
        timestamp_to_year_with_tz getFullYear .(timestamp,string) int
        timestamp_to_month getMonth .(timestamp) int
        timestamp_to_month_with_tz getMonth .(timestamp,string) int
        timestamp_to_day_of_year getDayOfYear .(timestamp) int
        timestamp_to_day_of_year_with_tz getDayOfYear .(timestamp,string) int
        timestamp_to_day_of_month getDayOfMonth .(timestamp) int
        timestamp_to_day_of_month_with_tz getDayOfMonth .(timestamp,string) int
        timestamp_to_day_of_month_1_based getDate .(timestamp) int
        timestamp_to_day_of_month_1_based_with_tz getDate .(timestamp,string) int
        timestamp_to_day_of_week getDayOfWeek .(timestamp) int
        timestamp_to_day_of_week_with_tz getDayOfWeek .(timestamp,string) int
        timestamp_to_hours getHours .(timestamp) int
        timestamp_to_hours_with_tz getHours .(timestamp,string) int
        duration_to_hours getHours .(duration) int
        timestamp_to_minutes getMinutes .(timestamp) int
        timestamp_to_minutes_with_tz getMinutes .(timestamp,string) int
        duration_to_minutes getMinutes .(duration) int
        timestamp_to_seconds getSeconds .(timestamp) int
        timestamp_to_seconds_tz getSeconds .(timestamp,string) int
        duration_to_seconds getSeconds .(duration) int
        timestamp_to_milliseconds getMilliseconds .(timestamp) int
        timestamp_to_milliseconds_with_tz getMilliseconds .(timestamp,string) int
        duration_to_milliseconds getMilliseconds .(duration) int
        """

    static let listTable = """
        list_a_index_of_int indexOf .(list(A),A) int
        list_a_last_index_of_int lastIndexOf .(list(A),A) int
        list_slice slice .(list(T),int,int) list(T)
        list_flatten flatten .(list(list(T))) list(T)
        list_flatten_int flatten .(list(dyn),int) list(dyn)
        lists_range lists.range (int) list(int)
        list_reverse reverse .(list(T)) list(T)
        list_distinct distinct .(list(T)) list(T)
        list_sets_contains_list sets.contains (list(T),list(T)) bool
        list_sets_equivalent_list sets.equivalent (list(T),list(T)) bool
        list_sets_intersects_list sets.intersects (list(T),list(T)) bool
        """

    static let optionals = """
        optional_of optional.of (V) optional(V)
        optional_ofNonZeroValue optional.ofNonZeroValue (V) optional(V)
        optional_none optional.none () optional(V)
        optional_value value .(optional(V)) V
        optional_hasValue hasValue .(optional(V)) bool
        optional_or_optional or .(optional(V),optional(V)) optional(V)
        optional_orValue_value orValue .(optional(V),V) V
        list_first first .(list(V)) optional(V)
        list_last last .(list(V)) optional(V)
        optional_unwrap optional.unwrap (list(optional(V))) list(V)
        optional_unwrapOpt unwrapOpt .(list(optional(V))) list(V)
        """

    static let network = """
        string_to_ip ip (string) net.IP
        ip_family family .(net.IP) int
        ip_is_canonical ip.isCanonical (string) bool
        ip_is_unspecified isUnspecified .(net.IP) bool
        ip_is_loopback isLoopback .(net.IP) bool
        ip_is_link_local_multicast isLinkLocalMulticast .(net.IP) bool
        ip_is_link_local_unicast isLinkLocalUnicast .(net.IP) bool
        ip_is_global_unicast isGlobalUnicast .(net.IP) bool
        is_ip isIP (string) bool
        ip_to_string string (net.IP) string
        string_to_cidr cidr (string) net.CIDR
        cidr_contains_ip_string containsIP .(net.CIDR,string) bool
        cidr_contains_ip_ip containsIP .(net.CIDR,net.IP) bool
        cidr_contains_cidr_string containsCIDR .(net.CIDR,string) bool
        cidr_contains_cidr containsCIDR .(net.CIDR,net.CIDR) bool
        cidr_ip ip .(net.CIDR) net.IP
        cidr_prefix_length prefixLength .(net.CIDR) int
        cidr_masked masked .(net.CIDR) net.CIDR
        is_cidr isCIDR (string) bool
        cidr_to_string string (net.CIDR) string
        string_to_url url (string) kubernetes.URL
        url_get_scheme getScheme .(kubernetes.URL) string
        url_get_host getHost .(kubernetes.URL) string
        url_get_hostname getHostname .(kubernetes.URL) string
        url_get_port getPort .(kubernetes.URL) string
        url_get_escaped_path getEscapedPath .(kubernetes.URL) string
        url_get_query getQuery .(kubernetes.URL) map(string,list(string))
        is_url_string isURL (string) bool
        """

    static let kubernetes: String = {
        let formats = CELFormat.allCases.map { "format.\($0.rawValue) format.\($0.rawValue) () kubernetes.NamedFormat" }
        return ([kubernetesTable] + formats).joined(separator: "\n")
    }()

    private static let kubernetesTable = """
        string_to_quantity quantity (string) kubernetes.Quantity
        is_quantity_string isQuantity (string) bool
        quantity_sign sign (kubernetes.Quantity) int
        quantity_is_greater_than isGreaterThan .(kubernetes.Quantity,kubernetes.Quantity) bool
        quantity_is_less_than isLessThan .(kubernetes.Quantity,kubernetes.Quantity) bool
        quantity_compare_to compareTo .(kubernetes.Quantity,kubernetes.Quantity) int
        quantity_get_float asApproximateFloat .(kubernetes.Quantity) double
        quantity_get_int asInteger .(kubernetes.Quantity) int
        quantity_is_integer isInteger .(kubernetes.Quantity) bool
        quantity_add add .(kubernetes.Quantity,kubernetes.Quantity) kubernetes.Quantity
        quantity_add_int add .(kubernetes.Quantity,int) kubernetes.Quantity
        quantity_sub sub .(kubernetes.Quantity,kubernetes.Quantity) kubernetes.Quantity
        quantity_sub_int sub .(kubernetes.Quantity,int) kubernetes.Quantity
        string_to_semver semver (string) kubernetes.Semver
        string_bool_to_semver semver (string,bool) kubernetes.Semver
        is_semver_string isSemver (string) bool
        is_semver_string_bool isSemver (string,bool) bool
        semver_is_greater_than isGreaterThan .(kubernetes.Semver,kubernetes.Semver) bool
        semver_is_less_than isLessThan .(kubernetes.Semver,kubernetes.Semver) bool
        semver_compare_to compareTo .(kubernetes.Semver,kubernetes.Semver) int
        semver_major major .(kubernetes.Semver) int
        semver_minor minor .(kubernetes.Semver) int
        semver_patch patch .(kubernetes.Semver) int
        format-validate validate .(kubernetes.NamedFormat,string) optional(list(string))
        format-named format.named (string) optional(kubernetes.NamedFormat)
        authorizer_path path .(kubernetes.authorization.Authorizer,string) kubernetes.authorization.PathCheck
        authorizer_group group .(kubernetes.authorization.Authorizer,string) kubernetes.authorization.GroupCheck
        authorizer_serviceaccount serviceAccount .(kubernetes.authorization.Authorizer,string,string) kubernetes.authorization.Authorizer
        groupcheck_resource resource .(kubernetes.authorization.GroupCheck,string) kubernetes.authorization.ResourceCheck
        resourcecheck_subresource subresource .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.ResourceCheck
        resourcecheck_namespace namespace .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.ResourceCheck
        resourcecheck_name name .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.ResourceCheck
        authorizer_fieldselector fieldSelector .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.ResourceCheck
        authorizer_labelselector labelSelector .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.ResourceCheck
        pathcheck_check check .(kubernetes.authorization.PathCheck,string) kubernetes.authorization.Decision
        resourcecheck_check check .(kubernetes.authorization.ResourceCheck,string) kubernetes.authorization.Decision
        decision_errored errored .(kubernetes.authorization.Decision) bool
        decision_error error .(kubernetes.authorization.Decision) string
        decision_allowed allowed .(kubernetes.authorization.Decision) bool
        decision_reason reason .(kubernetes.authorization.Decision) string
        """
}
