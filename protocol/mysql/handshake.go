package mysql

import (
	"encoding/binary"
	"fmt"
)

// Capability flags the server knows.
const (
	capLongPassword   uint32 = 1 << 0
	capFoundRows      uint32 = 1 << 1
	capLongFlag       uint32 = 1 << 2
	capConnectWithDB  uint32 = 1 << 3
	capLocalFiles     uint32 = 1 << 7
	capIgnoreSpace    uint32 = 1 << 8
	capProtocol41     uint32 = 1 << 9
	capInteractive    uint32 = 1 << 10
	capSSL            uint32 = 1 << 11
	capTransactions   uint32 = 1 << 13
	capSecureConn     uint32 = 1 << 15
	capMultiStmts     uint32 = 1 << 16
	capMultiResults   uint32 = 1 << 17
	capPSMultiResults uint32 = 1 << 18
	capPluginAuth     uint32 = 1 << 19
	capConnectAttrs   uint32 = 1 << 20
	capPluginLenenc   uint32 = 1 << 21
	capSessionTrack   uint32 = 1 << 23
	capDeprecateEOF   uint32 = 1 << 24
)

// serverCaps is what the greeting offers; capSSL is added when TLS is set up.
// CLIENT_QUERY_ATTRIBUTES and CLIENT_COMPRESS are not offered.
const serverCaps = capLongPassword | capFoundRows | capLongFlag | capConnectWithDB | capLocalFiles | capIgnoreSpace | capProtocol41 |
	capInteractive | capTransactions | capSecureConn | capMultiStmts | capMultiResults | capPSMultiResults |
	capPluginAuth | capConnectAttrs | capPluginLenenc | capSessionTrack | capDeprecateEOF

// Authentication plugins.
const (
	pluginSHA2   = "caching_sha2_password"
	pluginNative = "mysql_native_password"
	pluginClear  = "mysql_clear_password"
)

// scrambleLen is the length of the challenge without its NUL.
const scrambleLen = 20

// appendGreeting writes the initial handshake, protocol version 10.
func appendGreeting(b []byte, version string, id uint32, scramble []byte, caps uint32, status uint16) []byte {
	b = append(b, 10)
	b = append(append(b, version...), 0)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = append(append(b, scramble[:8]...), 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps))
	b = append(b, 255) // utf8mb4_0900_ai_ci
	b = binary.LittleEndian.AppendUint16(b, status)
	b = binary.LittleEndian.AppendUint16(b, uint16(caps>>16))
	b = append(b, scrambleLen+1)
	b = append(b, make([]byte, 10)...)
	b = append(append(b, scramble[8:scrambleLen]...), 0)
	return append(append(b, pluginSHA2...), 0)
}

// login is a decoded handshake response or COM_CHANGE_USER.
type login struct {
	caps     uint32
	charset  byte
	user     string
	auth     []byte
	database string
	plugin   string
	attrs    map[string]string
}

// sslRequest reports whether a handshake response is only its fixed part: the
// client wants TLS first.
func sslRequest(b []byte) bool {
	return len(b) == 32 && binary.LittleEndian.Uint32(b)&capSSL != 0
}

// decodeLogin reads a handshake response (HandshakeResponse41).
func decodeLogin(b []byte) (*login, error) {
	c := &cursor{b: b}
	l := &login{caps: c.u32()}
	c.u32() // the client's largest packet
	l.charset = c.u8()
	c.take(23)
	if l.caps&capProtocol41 == 0 {
		return nil, fmt.Errorf("client without the 4.1 protocol")
	}
	l.user = c.cstring()
	switch {
	case l.caps&capPluginLenenc != 0:
		l.auth = c.lenBytes()
	case l.caps&capSecureConn != 0:
		l.auth = c.take(int(c.u8()))
	default:
		l.auth = []byte(c.cstring())
	}
	if l.caps&capConnectWithDB != 0 {
		l.database = c.cstring()
	}
	l.trailer(c)
	return l, c.err()
}

// decodeChangeUser reads COM_CHANGE_USER without its command byte.
func decodeChangeUser(b []byte, caps uint32) (*login, error) {
	c := &cursor{b: b}
	l := &login{caps: caps, user: c.cstring()}
	l.auth = c.take(int(c.u8()))
	l.database = c.cstring()
	if len(c.b) >= 2 {
		l.charset = byte(c.u16())
	}
	l.trailer(c)
	return l, c.err()
}

// trailer reads the plugin name and the connection attributes. Some clients
// leave out what they announced: an empty rest is fine.
func (l *login) trailer(c *cursor) {
	if l.caps&capPluginAuth != 0 && len(c.b) > 0 {
		l.plugin = c.cstring()
	}
	if l.caps&capConnectAttrs == 0 || len(c.b) == 0 {
		return
	}
	a := &cursor{b: c.lenBytes()}
	for !a.bad && len(a.b) > 0 && len(l.attrs) < 64 {
		k := string(a.lenBytes())
		v := string(a.lenBytes())
		if l.attrs == nil {
			l.attrs = map[string]string{}
		}
		l.attrs[k] = v
	}
	c.bad = c.bad || a.bad
}
