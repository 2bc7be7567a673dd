extension RuleCheckTests {
    /// Each rule and what a v1.36 API server says of it: line, column and words.
    static let mistakes = """
        self.foo  ⇒  1:5: undefined field 'foo'
        foo == 1  ⇒  1:1: undeclared reference to 'foo' (in container '')
        self.name  ⇒  not a bool
        self.replicas + 'a' == 'b'  ⇒  1:15: found no matching overload for '_+_' applied to '(int, string)'
        self.replicas > 'a'  ⇒  1:15: found no matching overload for '_>_' applied to '(int, string)'
        self.tags.all(x, x)  ⇒  1:18: expected type 'bool' but found 'string'
        self.tags.all(x, x > 1)  ⇒  1:20: found no matching overload for '_>_' applied to '(string, int)'
        self.tags.all(1, true)  ⇒  1:15: argument must be a simple name
        self.replicas.all(x, true)  ⇒  1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)
        self.sub.a == 1  ⇒  1:9: undefined field 'a'
        self.any == 1  ⇒  1:5: undefined field 'any'
        1 +  ⇒  1:4: Syntax error: mismatched input '<EOF>' expecting OPERAND
        self.name ==  ⇒  1:13: Syntax error: mismatched input '<EOF>' expecting OPERAND
        self.name == 'a' 'b'  ⇒  1:18: Syntax error: extraneous input ''b'' expecting <EOF>
        self.name)  ⇒  1:10: Syntax error: extraneous input ')' expecting <EOF>
        (self.name == 'a'  ⇒  1:18: Syntax error: missing ')' at '<EOF>'
        for == 1  ⇒  1:1: reserved identifier: for
        self.name == 'abc  ⇒  1:14: Syntax error: token recognition error at: ''abc' ~ 1:18: Syntax error: mismatched input '<EOF>' expecting OPERAND
        self.name == "abc  ⇒  1:14: Syntax error: token recognition error at: '"abc' ~ 1:18: Syntax error: mismatched input '<EOF>' expecting OPERAND
        self.name == 'a' # 'b'  ⇒  1:18: Syntax error: token recognition error at: '#' ~ 1:20: Syntax error: extraneous input ''b'' expecting <EOF>
        self.name.matches('(')  ⇒  1:19: invalid matches argument
        duration('abc') == self.wait  ⇒  1:10: invalid duration argument
        timestamp('abc') < self.when  ⇒  1:11: invalid timestamp argument
        [1, 'a'] == []  ⇒  1:5: expected type 'int' but found 'string'
        {'a': 1, 'b': 'c'} == {}  ⇒  1:15: expected type 'int' but found 'string'
        math.greatest(1, 2) == 2  ⇒  1:1: undeclared reference to 'math' (in container '') ~ 1:14: undeclared reference to 'greatest' (in container '')
        cel.bind(x, self.replicas, x > 1)  ⇒  1:1: undeclared reference to 'cel' (in container '') ~ 1:9: undeclared reference to 'bind' (in container '') ~ 1:10: undeclared reference to 'x' (in container '') ~ 1:28: undeclared reference to 'x' (in container '')
        base64.encode(b'a') == 'YQ=='  ⇒  1:1: undeclared reference to 'base64' (in container '') ~ 1:14: undeclared reference to 'encode' (in container '')
        self.labels['x'] == 1  ⇒  1:18: found no matching overload for '_==_' applied to '(string, int)'
        self.ratio + 1 > 2  ⇒  1:12: found no matching overload for '_+_' applied to '(double, int)'
        has(self.foo)  ⇒  1:4: undefined field 'foo'
        has(name)  ⇒  1:5: invalid argument to has() macro
        self.?foo.orValue('') == ''  ⇒  1:5: undefined field 'foo'
        self.name.foo()  ⇒  1:14: undeclared reference to 'foo' (in container '')
        self.name.size(1) == 1  ⇒  1:15: found no matching overload for 'size' applied to 'string.(int)'
        size(1) == 1  ⇒  1:5: found no matching overload for 'size' applied to '(int)'
        nope(1)  ⇒  1:5: undeclared reference to 'nope' (in container '')
        self.nope(1)  ⇒  1:10: undeclared reference to 'nope' (in container '')
        self.flag ? 1 : 'a'  ⇒  1:11: found no matching overload for '_?_:_' applied to '(bool, int, string)'
        self.flag && 1  ⇒  1:14: expected type 'bool' but found 'int'
        self.replicas || self.flag  ⇒  1:5: expected type 'bool' but found 'int'
        !self.replicas  ⇒  1:1: found no matching overload for '!_' applied to '(int)'
        -self.name == ''  ⇒  1:1: found no matching overload for '-_' applied to '(string)'
        true ? true : 1  ⇒  1:6: found no matching overload for '_?_:_' applied to '(bool, bool, int)'
        type(self.ios) == int || 1  ⇒  1:26: expected type 'bool' but found 'int'
        self.tags[0] == 'a' && self.tags['a'] == 'a'  ⇒  1:33: found no matching overload for '_[_]' applied to '(list(string), string)'
        self.objs.all(o, o.v > 0 && o.zz == 1)  ⇒  1:30: undefined field 'zz'
        self.objs.exists_one(o, o.k)  ⇒  1:21: found no matching overload for '_?_:_' applied to '(string, int, int)'
        self.objs.filter(o, o.v).size() == 1  ⇒  1:17: found no matching overload for '_?_:_' applied to '(int, list(selfType.objs.@idx), list(selfType.objs.@idx))'
        self.tags == null  ⇒  1:11: found no matching overload for '_==_' applied to '(list(string), null)'
        self.name == null  ⇒  1:11: found no matching overload for '_==_' applied to '(string, null)'
        null == 1  ⇒  1:6: found no matching overload for '_==_' applied to '(null, int)'
        self.objs.isSorted()  ⇒  1:19: found no matching overload for 'isSorted' applied to 'list(selfType.objs.@idx).()'
        self.objs.sum() == 1  ⇒  1:14: found no matching overload for 'sum' applied to 'list(selfType.objs.@idx).()'
        quantity(self.name).isGreaterThan(1)  ⇒  1:34: found no matching overload for 'isGreaterThan' applied to 'kubernetes.Quantity.(int)'
        quantity(self.name).add(1).sign() == 1  ⇒  1:32: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'
        authorizer.path('/').check('get').allowed()  ⇒  1:1: undeclared reference to 'authorizer' (in container '')
        'ää' + 1 == ''  ⇒  1:6: found no matching overload for '_+_' applied to '(string, int)'
        self.few.transformList(i, v, i + v).size() == 1  ⇒  1:32: found no matching overload for '_+_' applied to '(int, string)'
        self.few.all(i, v, i > v)  ⇒  1:22: found no matching overload for '_>_' applied to '(int, string)'
        self.few.all(i, i, true)  ⇒  1:17: duplicate variable name: i
        self.few.slice(0, 1).size() == 1 && self.few.flatten() == self.few  ⇒  1:53: found no matching overload for 'flatten' applied to 'list(string).()'
        self.name.reverse() == ''  ⇒  1:18: found no matching overload for 'reverse' applied to 'string.()'
        '%s'.format([1, 'a', self.name]) == ''  ⇒  1:12: too many arguments supplied to string.format (expected 1, got 3)
        [1, 'a'] == foo  ⇒  1:13: undeclared reference to 'foo' (in container '')
        [1, 'a', 2.0][0] == foo && {'a': 1, 'b': 'x'} == {}  ⇒  1:21: undeclared reference to 'foo' (in container '')
        '%s %s'.format([1, 'a']) == foo  ⇒  1:29: undeclared reference to 'foo' (in container '')
        '%s %s %s'.format([1, 'a']) == ''  ⇒  1:18: index 2 out of range
        '%d'.format(['a']) == ''  ⇒  1:14: error during formatting: decimal clause can only be used on integers, was given string
        '%y'.format(['a']) == ''  ⇒  1:12: could not parse formatting clause: unrecognized formatting clause "y"
        [1, dyn('a')] == []  ⇒  1:8: expected type 'int' but found 'dyn'
        [1, self.ios] == []  ⇒  1:9: expected type 'int' but found 'dyn'
        [1, null] == []  ⇒  1:5: expected type 'int' but found 'null'
        [self.when, null] == []  ⇒  1:13: expected type 'timestamp' but found 'null'
        [?self.name, 'a'] == []  ⇒  1:7: expected type 'optional_type(string)' but found 'string'
        self.few.map(x, [x, 1]) == []  ⇒  1:21: expected type 'string' but found 'int'
        matches('(', 'a')  ⇒  1:9: invalid matches argument
        matches(self.name, '(')  ⇒  pattern
        self.name.find('(') == ''  ⇒  pattern
        (1  ⇒  1:3: Syntax error: missing ')' at '<EOF>'
        1 + + 2 == 3  ⇒  1:5: Syntax error: extraneous input '+' expecting OPERAND
        1 == 2 == 3  ⇒  1:8: found no matching overload for '_==_' applied to '(bool, int)'
        self.name.  ⇒  1:11: Syntax error: no viable alternative at input '.'
        self..name  ⇒  1:6: Syntax error: no viable alternative at input '..'
        self[  ⇒  1:6: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        self.tags[0  ⇒  1:12: Syntax error: missing ']' at '<EOF>'
        [1, 2  ⇒  1:6: Syntax error: mismatched input '<EOF>' expecting {']', ','}
        [1 2] == []  ⇒  1:4: Syntax error: extraneous input '2' expecting {']', ','}
        {'a' 1} == {}  ⇒  1:6: Syntax error: missing ':' at '1'
        {'a': 1 == {}  ⇒  1:14: Syntax error: mismatched input '<EOF>' expecting {'}', ','}
        f(1, 2  ⇒  1:7: Syntax error: missing ')' at '<EOF>'
        f(1 2)  ⇒  1:5: Syntax error: extraneous input '2' expecting ')'
        self.name == 'a' &&  ⇒  1:20: Syntax error: mismatched input '<EOF>' expecting OPERAND
        && true  ⇒  1:1: Syntax error: extraneous input '&&' expecting OPERAND
        true ||   ⇒  1:9: Syntax error: mismatched input '<EOF>' expecting OPERAND
        true ||| true  ⇒  1:8: Syntax error: token recognition error at: '| '
        true & true  ⇒  1:6: Syntax error: token recognition error at: '& ' ~ 1:8: Syntax error: extraneous input 'true' expecting <EOF>
        true = true  ⇒  1:6: Syntax error: token recognition error at: '= ' ~ 1:8: Syntax error: extraneous input 'true' expecting <EOF>
        self.name == "a\\qb"  ⇒  1:14: Syntax error: token recognition error at: '"a\\q' ~ 1:19: Syntax error: token recognition error at: '"'
        self.name == 'a\\  ⇒  1:14: Syntax error: token recognition error at: ''a\\' ~ 1:17: Syntax error: mismatched input '<EOF>' expecting OPERAND
        9223372036854775808 == 1  ⇒  1:1: invalid int literal
        99999999999999999999u == 1u  ⇒  1:1: invalid uint literal
        1.2.3 == 1  ⇒  1:4: Syntax error: mismatched input '.3' expecting <EOF>
        0x == 1  ⇒  1:2: Syntax error: mismatched input 'x' expecting <EOF>
        true.foo  ⇒  1:5: type 'bool' does not support field selection
        self.true  ⇒  1:6: Syntax error: mismatched input 'true' expecting IDENTIFIER
        x ? y : z  ⇒  1:1: undeclared reference to 'x' (in container '') ~ 1:5: undeclared reference to 'y' (in container '') ~ 1:9: undeclared reference to 'z' (in container '')
        a.b.c.d == 1  ⇒  1:1: undeclared reference to 'a' (in container '')
        self.sub.n.x == 1  ⇒  1:11: type 'int' does not support field selection
        int == 1  ⇒  1:5: found no matching overload for '_==_' applied to '(type(int), int)'
        type == 1  ⇒  1:6: found no matching overload for '_==_' applied to '(type(type), int)'
        [1].exists(x, x in [1,2]) && 'a' in self.labels && 1 in self.labels  ⇒  1:54: found no matching overload for '@in' applied to '(int, map(string, string))'
        self in [1]  ⇒  1:6: found no matching overload for '@in' applied to '(selfType, list(int))'
        size(self) == 1  ⇒  1:5: found no matching overload for 'size' applied to '(selfType)'
        self.objs[0].k == 'x' && self.objs[0].k > 1  ⇒  1:41: found no matching overload for '_>_' applied to '(string, int)'
        optional.of(1).optMap(x, x + 'a').hasValue()  ⇒  1:28: found no matching overload for '_+_' applied to '(int, string)'
        self.?sub.?n.optFlatMap(n, optional.of(n)).orValue('') == 1  ⇒  1:51: found no matching overload for 'orValue' applied to 'optional_type(int).(string)'
        self.objs.sortBy(o, o) == self.objs  ⇒  1:17: found no matching overload for '@sortByAssociatedKeys' applied to 'list(selfType.objs.@idx).(list(selfType.objs.@idx))'
        self.tags.exists(t, t.foo)  ⇒  1:22: type 'string' does not support field selection
        self.flag == true == false ? self.nope : self.nope2  ⇒  1:34: undefined field 'nope' ~ 1:46: undefined field 'nope2'
        self.few.all(__result__, true)  ⇒  1:14: iteration variable overwrites accumulator variable
        self.name.contains(1) || self.name.startsWith() || self.name.endsWith('a', 'b')  ⇒  1:19: found no matching overload for 'contains' applied to 'string.(int)' ~ 1:46: found no matching overload for 'startsWith' applied to 'string.()' ~ 1:70: found no matching overload for 'endsWith' applied to 'string.(string, string)'
        getFullYear(self.when) == 1  ⇒  1:12: found no matching overload for 'getFullYear' applied to '(timestamp)'
        self.when.getFullYear() == 2020u && self.when - self.when < duration('1h') && self.when + 1 == self.when  ⇒  1:25: found no matching overload for '_==_' applied to '(int, uint)' ~ 1:89: found no matching overload for '_+_' applied to '(timestamp, int)'
        """

    /// Each rule and by how much a v1.36 API server finds it too expensive, by itself and among all.
    static let costs = """
        self.tags.all(x, x.size() > 3)  ⇒  ok
        self.few.all(x, self.few.all(y, x == y))  ⇒  ok
        self.tags.all(x, self.tags.all(y, x == y))  ⇒  cost more than 100x total more than 100x
        self.sub.a__dash__b == 'x' && self.sub.__namespace__ == 'y'  ⇒  ok
        self.ios == 1 && self.ios == 'a'  ⇒  ok
        self.labels.all(k, self.labels[k].size() < 10)  ⇒  ok
        self.labels.x == 'a'  ⇒  ok
        self.when < timestamp('2020-01-01T00:00:00Z')  ⇒  ok
        self.ratio > 1  ⇒  ok
        has(self.name)  ⇒  ok
        self.?name.orValue('') == ''  ⇒  ok
        oldSelf.name == self.name  ⇒  ok
        type(self.ios) == string  ⇒  ok
        self.objs.map(o, o.k).join(',') == 'a'  ⇒  cost more than 100x total more than 100x
        self.few.map(x, x.size() > 1, x) == ['a']  ⇒  ok
        self.when == null  ⇒  ok
        self.name.matches(self.name)  ⇒  ok
        self.tags.isSorted()  ⇒  cost more than 100x total more than 100x
        ip(self.name).family() == 4 && cidr(self.name).containsIP(self.name)  ⇒  ok
        url(self.name).getHost() == 'a'  ⇒  ok
        format.dns1123Label().validate(self.name).hasValue()  ⇒  ok
        format.named('a').value().validate(self.name).hasValue()  ⇒  ok
        semver('1.0.0').isLessThan(semver('2.0.0'))  ⇒  ok
        [].all(x, x > 1)  ⇒  ok
        [] == [1]  ⇒  ok
        {} == {'a': 1}  ⇒  ok
        self.few.sort() == self.few && self.few.distinct().reverse() == []  ⇒  ok
        lists.range(3) == [0,1,2]  ⇒  ok
        strings.quote(self.name) == ''  ⇒  ok
        self.name.format([1]) == ''  ⇒  ok
        self.tags.all(x, self.tags.all(y, self.tags.all(z, x == y && y == z)))  ⇒  cost more than 100x total more than 100x
        [[], [1]] == []  ⇒  ok
        [?self.?name, 'a'] == []  ⇒  ok
        {?'a': self.?name} == {}  ⇒  ok
        -9223372036854775808 < 0  ⇒  ok
        self.`name` == 'a'  ⇒  ok
        int(self.name) > 0 && uint(1) > 1 && double('1') > 1.0  ⇒  ok
        string(self.replicas) == '' && bytes('a') == self.raw  ⇒  ok
        google.protobuf.Timestamp == type(self.when)  ⇒  ok
        {}.a == 1  ⇒  ok
        dyn(self).anything == 1  ⇒  ok
        dyn(1) + 'a' == 'b'  ⇒  ok
        self.tags.map(x, x == 'a', 1).sum() == 1  ⇒  cost 1.6x
        self == self  ⇒  ok
        self == oldSelf && has(oldSelf.sub.n)  ⇒  ok
        optional.none().orValue(1) == 1  ⇒  ok
        self.few.sortBy(x, x.size()) == self.few  ⇒  ok
        (((((true)))))  ⇒  ok
        cidr('10.0.0.0/8').ip() == ip('1.1.1.1') && ip('1.1.1.1') == null  ⇒  ok
        string(self.replicas) == ''  ⇒  ok
        bytes('a') == self.raw  ⇒  ok
        bytes(self.name) == self.raw  ⇒  ok
        string(self.raw) == self.name  ⇒  ok
        'a' == string(1)  ⇒  ok
        self.tags.map(x, x + 'a') == []  ⇒  cost more than 100x total more than 100x
        self.tags.filter(x, x == 'a').size() > 0  ⇒  cost 1.6x
        self.tags.exists(x, x == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')  ⇒  ok
        self.tags.all(x, x.contains('abc'))  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, x.startsWith('abcdefgijklmno'))  ⇒  ok
        self.few.all(x, x.matches('^a+$'))  ⇒  ok
        self.tags.all(x, x.matches('^a+$'))  ⇒  cost more than 100x total more than 100x
        self.labels.all(k, self.labels[k] == 'a')  ⇒  ok
        self.labels.all(k, v, v == 'a')  ⇒  ok
        self.labels.all(k, k.matches('^[a-z]+$') && self.labels[k].matches('^a'))  ⇒  cost more than 100x total more than 100x
        self.few.map(x, x.upperAscii()).join(',').size() < 100  ⇒  cost more than 100x total more than 100x
        self.few.map(x, self.few.map(y, x + y)).size() == 1  ⇒  ok
        self.objs.all(o, self.tags.exists(t, t == o.k))  ⇒  cost more than 100x total more than 100x
        self.tags.isSorted()  ⇒  cost more than 100x total more than 100x
        self.few.isSorted() && self.few.max() == 'a' && self.few.indexOf('x') == 1  ⇒  ok
        self.name.split(',').all(x, x == 'a')  ⇒  ok
        self.name.split(',', 3).all(x, x == 'a')  ⇒  ok
        self.name.replace('a', 'bbb').size() == 1  ⇒  ok
        self.name.replace('', 'bbb').split('b').size() == 1  ⇒  ok
        self.name.lowerAscii() == self.name.upperAscii().trim().substring(1)  ⇒  ok
        self.name.find('[a-z]+') == '' && self.name.findAll('[a-z]').size() > 0  ⇒  ok
        self.tags.all(x, x.find('[a-z]+') == '')  ⇒  cost more than 100x total more than 100x
        self.few == self.few && self.tags == self.few  ⇒  ok
        self.tags == oldSelf.tags  ⇒  ok
        self == oldSelf  ⇒  ok
        self.tags + self.few == self.tags  ⇒  ok
        (self.few + self.few).all(x, x == 'a')  ⇒  ok
        (self.flag ? self.few : self.tags).all(x, x == 'a')  ⇒  ok
        self.when > timestamp('2020-01-01T00:00:00Z') || self.wait < duration('1h')  ⇒  ok
        self.few.sort() == self.few.distinct()  ⇒  ok
        self.tags.sort() == self.tags  ⇒  cost more than 100x total more than 100x
        self.few.reverse().slice(1, 3) == []  ⇒  ok
        self.few.sortBy(x, x.size()) == []  ⇒  ok
        self.tags.sortBy(x, x.size()) == []  ⇒  cost more than 100x total more than 100x
        lists.range(10).all(x, x < 10)  ⇒  ok
        lists.range(100000000).all(x, x < 10)  ⇒  cost 60.0x total 6.0x
        self.few.transformMap(i, v, v.size()).size() == 1  ⇒  ok
        self.few.transformList(i, v, v + 'a').size() == 1  ⇒  ok
        self.few.transformMapEntry(i, v, {v: i}).size() == 1  ⇒  ok
        optional.of(self.name).optMap(x, x + 'a').orValue('') == ''  ⇒  cost more than 100x total more than 100x
        self.?tags.orValue([]).all(x, x == 'a')  ⇒  cost more than 100x total more than 100x
        self.?tags.optMap(t, t.all(x, x == 'a')).orValue(true)  ⇒  cost more than 100x total more than 100x
        self.tags[?0].orValue('') == 'a'  ⇒  ok
        ip(self.name).family() == 4 && ip.isCanonical(self.name) && isIP(self.name)  ⇒  ok
        self.tags.all(x, isIP(x))  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, cidr(x).containsIP('1.2.3.4'))  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, quantity(x).isLessThan(quantity('1')))  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, format.dns1123Label().validate(x).hasValue())  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, url(x).getHost() == 'a')  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, x in ['a', 'b', 'c'])  ⇒  cost 1.8x
        self.tags.all(x, x in self.few)  ⇒  cost 1.7x
        self.tags.all(x, x in self.tags)  ⇒  cost more than 100x total more than 100x
        self.tags.all(x, has(self.name))  ⇒  ok
        '%s'.format([self.tags]) == ''  ⇒  ok
        sets.contains(self.tags, self.few)  ⇒  cost 1.048576x
        self.tags.size() < 10 && size(self.labels) < 3  ⇒  ok
        dyn(self.tags) == dyn(self.few)  ⇒  ok
        dyn(self.name) == 'a'  ⇒  ok
        self.ios.matches('^a')  ⇒  ok
        type(self.ios) == string ? self.ios.matches('^a') : self.ios < 5  ⇒  ok
        {'a': self.tags}.a.all(x, x == 'b')  ⇒  ok
        {'a': self.name, 'b': 'c'}.exists(k, k == 'a')  ⇒  ok
        [self.name, 'a'].all(x, x == 'b')  ⇒  ok
        [self.tags, self.few].all(l, l.all(x, x == 'a'))  ⇒  ok
        """
}
