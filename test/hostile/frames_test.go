package hostile

import (
	"encoding/binary"
	"strings"
)

// pgStartup is a complete version 3 startup message.
var pgStartup = pgMessage(0, "\x00\x03\x00\x00user\x00u\x00database\x00main\x00\x00")

// pgMessage frames body; kind 0 has no type byte.
func pgMessage(kind byte, body string) []byte {
	var b []byte
	if kind != 0 {
		b = append(b, kind)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body)+4)), body...)
}

// join concatenates messages.
func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func postgresFrames() [][]byte {
	in := func(parts ...[]byte) []byte { return join(append([][]byte{pgStartup}, parts...)...) }
	raw := func(s string) []byte { return []byte(s) }
	return [][]byte{
		raw("\x00\x00\x00\x00"), raw("\x00\x00\x00\x03"), raw("\x80\x00\x00\x00"), raw("\x00\x00\x00\x08\x04\xd2\x16\x2e"),
		pgMessage(0, "\x00\x03\x00\x00user"), pgMessage(0, "\x00\x09\x00\x00user\x00u\x00\x00"),
		pgStartup[:7],
		in(raw("Q\x7f\xff\xff\xff")), in(raw("Q\x00\x00\x00\x00")), in(raw("Q\xff\xff\xff\xff")),
		in(pgMessage('Q', "SELECT 1")), // no terminator
		in(pgMessage('Q', "SELECT '\xff\xfe\xc0'\x00")),
		in(pgMessage('~', "what\x00")), in(pgMessage('d', "data out of copy")),
		in(pgMessage('P', "s\x00SELECT $1\x00\xff\xff")), in(pgMessage('P', "s\x00SELECT $65535\x00\x00\x00"), pgMessage('S', "")),
		in(pgMessage('B', "\x00\x00\xff\xff\x00\x00")), in(pgMessage('B', "\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff")),
		in(pgMessage('B', "p\x00none\x00\x00\x00\x00\x00\x00\x00")), in(pgMessage('E', "p\x00\x80\x00\x00\x00")),
		in(pgMessage('D', "")), in(pgMessage('C', "X\x00")), in(pgMessage('F', "\x00\x00\x00\x01")),
		in(pgMessage('Q', strings.Repeat("(", 100000)+"\x00")),
		in(pgMessage('Q', "SELECT "+strings.Repeat("-", 3)+strings.Repeat("NOT ", 50000)+"true\x00")),
		in(pgMessage('Q', "COPY hostile_pg FROM STDIN (FORMAT binary)\x00"), pgMessage('d', "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x7f\xff\xff\xff\x7f\xff"), pgMessage('c', "")),
		in(pgMessage('p', "password at the wrong time\x00")),
	}
}

// myLogin is a handshake response that names the database.
var myLogin = myPacket(1, "\x0d\xa2\x08\x00\x00\x00\x00\x01\x2d"+strings.Repeat("\x00", 23)+"u\x00\x00main\x00mysql_native_password\x00")

// myPacket frames body.
func myPacket(seq byte, body string) []byte {
	n := len(body)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, body...)
}

func mysqlFrames() [][]byte {
	in := func(body string) []byte { return join(myLogin, myPacket(0, body)) }
	return [][]byte{
		[]byte("\x00\x00\x00\x01"), []byte("\x01"), myLogin[:20], myPacket(9, "\xff\xff\xff\xff"),
		myPacket(1, strings.Repeat("\xff", 200)),
		myPacket(1, "\xff\xff\xff\xff\x00\x00\x00\x01\x2d"+strings.Repeat("\x00", 23)+"u\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff"),
		in(""), in("\x03"), in("\x03SELECT '\xff\xfe'"), in("\xee"), in("\x02no\xffdb"), in("\x04\x00"),
		in("\x16SELECT ?"), in("\x16" + strings.Repeat("?", 70000)), in("\x17"), in("\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\xff\xff"),
		in("\x18\x01\x00\x00\x00\xff\xffx"), in("\x19"), in("\x1a\x01"), in("\x1c\x01\x00\x00\x00\xff\xff\xff\xff"), in("\x1b\xff"),
		in("\x11\xff\xfe"), in("\x1f"), in("\x0c\xff\xff\xff\xff"), in("\x12"), in("\x13"),
		join(myLogin, myPacket(0, "\x16SELECT ?"), myPacket(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\xfd\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff")),
		in("\x03SELECT " + strings.Repeat("(", 20000)),
		in("\x03/*" + strings.Repeat("!", 1000)),
		join(myLogin, []byte("\xff\xff\xff\x00\x03SELECT")),
	}
}

func redisFrames() [][]byte {
	var out [][]byte
	for _, s := range []string{
		"*2147483647\r\n", "*-1\r\n", "*-5\r\n", "*1\r\n$-1\r\n", "*1\r\n$-2147483648\r\n", "*1\r\n$2147483647\r\n",
		"*1\r\n$99999999999999999999\r\n", "*1048577\r\n", "*1\r\n+PING\r\n", "*1\r\n:1\r\n", "*0\r\n*0\r\n", "*1\r\n$0\r\n\r\n",
		"*1\r\n$4\r\nPINGxx", "*3\r\n$3\r\nSET\r\n$1\r\n", "\r\n\r\n\r\n", "GET \"unbalanced\r\n", "SET a '\\x\r\n", "\xff\xfe\xfd\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\n\r\n", strings.Repeat("a", 70000),
		"HELLO 99\r\n", "HELLO 3 AUTH\r\n", "HELLO 3 SETNAME \xff\r\n", "MULTI\r\nMULTI\r\nEXEC\r\nEXEC\r\n",
		"SETRANGE s 536870911 x\r\nSETRANGE s 9223372036854775807 x\r\n", "SETBIT b 4294967295 1\r\nSETBIT b 99999999999 1\r\n",
		"BITFIELD b SET i64 #9223372036854775807 1\r\n", "LRANGE l -9223372036854775808 9223372036854775807\r\n",
		"EXPIRE k 9223372036854775807\r\n", "PEXPIREAT k -9223372036854775808\r\n", "SCAN 18446744073709551615 COUNT 9223372036854775807\r\n",
		"SRANDMEMBER s -9223372036854775808\r\n", "HRANDFIELD h -9223372036854775807 WITHVALUES\r\n", "ZADD z nan a inf b\r\n", "ZRANGE z 0 -1 BYSCORE BYLEX\r\n",
		"INCRBYFLOAT f 1e400\r\nDECRBY n -9223372036854775808\r\n", "LMPOP 9223372036854775807 l LEFT\r\n", "BLPOP l 1e300\r\n", "BLPOP l -1\r\n",
		"KEYS [\r\n", "KEYS \\\r\n", "KEYS " + strings.Repeat("*a", 2000) + "\r\n", "SORT l BY nosuch->* LIMIT -1 -1\r\n", "GEOADD g 999 999 m\r\n", "PFMERGE a b\r\n",
		"SUBSCRIBE \xff\r\nGET a\r\nUNSUBSCRIBE\r\n", "CLIENT KILL ID 0\r\n", "CLIENT REPLY OFF\r\nPING\r\n", "OBJECT\r\n", "CONFIG\r\n", "COMMAND GETKEYS\r\n",
	} {
		out = append(out, []byte(s))
	}
	return out
}

// opMsg frames an OP_MSG with the given flags and sections.
func opMsg(flags uint32, sections string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(20+len(sections)))
	b = append(b, "\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"...)
	return append(binary.LittleEndian.AppendUint32(b, flags), sections...)
}

// document frames BSON elements.
func document(elements string) string {
	return string(binary.LittleEndian.AppendUint32(nil, uint32(len(elements)+5))) + elements + "\x00"
}

// nest wraps a document n deep.
func nest(n int) string {
	// Outermost first: each level adds a length, a name and an end to what is inside.
	const level = 8
	var b strings.Builder
	for i := range n {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(5+level*(n-i))))
		b.WriteString("\x03a\x00")
	}
	b.WriteString(document(""))
	b.WriteString(strings.Repeat("\x00", n))
	return b.String()
}

func mongoFrames() [][]byte {
	const db = "\x02$db\x00\x05\x00\x00\x00main\x00"
	find := "\x02find\x00\x02\x00\x00\x00c\x00" + db
	cmd := func(elements string) []byte { return opMsg(0, "\x00"+document(elements)) }
	header := func(op string) []byte {
		return []byte("\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00" + op + "\x00\x00\x00\x00")
	}
	return [][]byte{
		[]byte("\x00\x00\x00\x00"), []byte("\x0f\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"), []byte("\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"),
		header("\xd4\x07\x00\x00"), header("\xdc\x07\x00\x00"), header("\x63\x00\x00\x00"), header("\xd1\x07\x00\x00"),
		opMsg(0, ""), opMsg(0, "\x00"), opMsg(0, "\x00\xff\xff\xff\x7f"), opMsg(0, "\x00\x04\x00\x00\x00"), opMsg(0, "\x07"), opMsg(0xffffffff, "\x00"+document(find)),
		opMsg(1, "\x00"+document(find)), opMsg(0, "\x01\xff\xff\xff\x7fdocuments\x00"), opMsg(0, "\x01\x05\x00\x00\x00d"), opMsg(0, "\x00"+document(find)+"\x00"+document(find)),
		cmd(""), cmd(find), cmd("\x02nosuch\x00\x02\x00\x00\x00c\x00" + db), cmd("\x02find\x00\xff\xff\xff\x7fc\x00" + db), cmd("\x02find\x00\x00\x00\x00\x00" + db),
		cmd("\x02find\x00\x03\x00\x00\x00\xff\xfe\x00" + db), cmd(find + "\x03filter\x00" + nest(150)), cmd(find + "\x03filter\x00" + nest(20000)),
		cmd(find + "\x03filter\x00" + document("\x0ba\x00(((\x00\x00")), cmd(find + "\x03filter\x00" + document("\x03a\x00"+document("\x10$nosuch\x00\x01\x00\x00\x00"))),
		cmd(find + "\x12limit\x00\x00\x00\x00\x00\x00\x00\x00\x80"), cmd(find + "\x12skip\x00\xff\xff\xff\xff\xff\xff\xff\x7f"), cmd(find + "\x10batchSize\x00\x00\x00\x00\x80"),
		cmd("\x12getMore\x00\xff\xff\xff\xff\xff\xff\xff\xff\x02collection\x00\x02\x00\x00\x00c\x00" + db),
		cmd("\x02insert\x00\x02\x00\x00\x00c\x00\x04documents\x00" + document("\x100\x00\x01\x00\x00\x00") + db),
		cmd("\x02aggregate\x00\x02\x00\x00\x00c\x00\x04pipeline\x00" + document("\x030\x00"+nest(50)) + "\x03cursor\x00" + document("") + db),
		cmd("\x05find\x00\xff\xff\xff\xff\x02" + db), cmd("\x99find\x00" + db),
	}
}

func natsFrames() [][]byte {
	const hi = "CONNECT {\"verbose\":false,\"headers\":true}\r\n"
	var out [][]byte
	for _, s := range []string{
		"CONNECT\r\n", "CONNECT {\r\n", "CONNECT {\"protocol\":\"x\"}\r\n", "\xff\xfe\r\n", "NOSUCH\r\n",
		hi + "PUB a 2147483647\r\n", hi + "PUB a -1\r\n", hi + "PUB a 99999999999999999999\r\n", hi + "PUB  1\r\nx\r\n", hi + "PUB a 5\r\nabc\r\nxx",
		hi + "HPUB a 10 5\r\nNATS/1.0\r\n\r\n", hi + "HPUB a 99 2147483647\r\n", hi + "SUB\r\n", hi + "SUB > x y z\r\n", hi + "UNSUB\r\n", hi + "SUB a..b 1\r\n",
		hi + "PUB \xff\xfe 1\r\nx\r\n", hi + "MSG a 1 1\r\nx\r\n", hi + "+OK\r\n-ERR\r\n", hi + "SUB " + strings.Repeat("a.", 5000) + "a 1\r\n", strings.Repeat("P", 10000),
		hi + "PUB $JS.API.STREAM.CREATE.x r 4\r\nnull\r\n", hi + "PUB $JS.API.STREAM.INFO.x r 1\r\n{\r\n", hi + "PUB $JS.API.CONSUMER.MSG.NEXT.x.y r 3\r\n-99\r\n",
		hi + "PUB $KV.none.\xff 0\r\n\r\n", hi + "PUB $JS.ACK.a.b.c 4\r\n+ACK\r\n",
	} {
		out = append(out, []byte(s))
	}
	return out
}
