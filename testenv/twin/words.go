package main

// The words of commands. None is a number that makes a server allocate or reply without bound, and none is a time that
// may pass while a program runs.

var (
	integers = []string{
		"0", "1", "-1", "2", "3", "5", "10", "-2", "-5", "64", "100", "9223372036854775807", "4294967296", "01",
		"1.5", "x", "",
	}
	doubles = []string{"0", "1", "2.5", "-1", "3", "inf", "-inf", "(1", "(2", "+inf", "1e2", "nan", "x", "-",
		"+", "[a", "[b"}
	patterns = []string{"*", "s*", "?1", "[a-h]*", "a", "\\*", "w_*"}
	strings2 = []string{
		"a", "b", "c", "d", "", "hello world", "10", "-3", "3.5", "1", "field", "\x00\xff\r\n", "é", "m", "km",
		"a longer word that does not fit into what servers keep in their short forms, since it has more than 64 bytes",
	}
	far  = []string{"0", "-1", "100000", "100000000", "99999999999", "9223372036854775807", "x", ""}
	ids  = []string{"0", "1-1", "2-1", "2-2", "3", "5-0", "5-*", "-", "+", "$", ">", "(1-1", "9-9", "x", "0-0"}
	junk = []string{"", "x", "0", "-1", "99999999999999999999", "*", "\x00", "NX", "XX", "LIMIT", "COUNT",
		"WITHSCORES", "a b"}
	// broken are invalid inputs; most end the connection.
	broken = []string{
		"*3\r\n$abc\r\n", "*1\r\n:1\r\n", "*99999999999\r\n", "*1\r\n$-2\r\n", "GET \"a\r\n", "*0\r\nPING\r\n",
		"\r\n\r\nPING\r\n",
		"PING\n", "*-1\r\nPING\r\n", "SET 'k \r\n", "PING 'a'b\r\n", "*1\r\n$4\r\nPING\r\nPING\r\n", "*1\r\n+PING\r\n",
	}
	scripts = []string{
		"return 1", "return redis.call('get', KEYS[1])", "return redis.call('set', KEYS[1], ARGV[1])",
		"return {1,2,{3,'x'}}",
		"return redis.error_reply('MY own')", "return redis.status_reply('fine')", "return {ok='a'}",
		"return {err='b'}",
		"return nosuch", "retrn 1", "return redis.pcall('incr', KEYS[1])", "error('lost')", "return ARGV",
		"return KEYS",
		"#!lua flags=no-writes\nreturn redis.call('set', KEYS[1], 'x')", "#!js\n1", "#!lua nosuch=1\nreturn 1",
		"return redis.call('nosuch')", "return redis.call('blpop', KEYS[1], 0)", "return 1.5", "return false",
		"return nil",
		"redis.setresp(3); return {double=1.5}", "return redis.sha1hex('a')", "return cjson.encode({1,2})", "",
	}
	libraries = []string{
		"#!lua name=one\nredis.register_function('f1', function(k, a) return a end)",
		"#!lua name=two\nredis.register_function{function_name='f2', callback=function(k, a) " +
			"return redis.call('get', k[1]) end, flags={'no-writes'}}",
		"#!lua name=one\nredis.register_function('f1', function(k, a) return #k end)",
		"#!lua name=bad\nnosuch(", "#!nosuch name=x\n", "no library", "#!lua name=empty\n",
	}
)
