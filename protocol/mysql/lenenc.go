package mysql

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errShort says that a message ends before its fields do.
var errShort = errors.New("malformed packet")

// appendLenInt writes a length-encoded integer.
func appendLenInt(b []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xfe), n)
}

// appendLenString writes a length-encoded string.
func appendLenString(b []byte, s string) []byte {
	return append(appendLenInt(b, uint64(len(s))), s...)
}

// appendLenBytes writes a length-encoded byte string.
func appendLenBytes(b, s []byte) []byte {
	return append(appendLenInt(b, uint64(len(s))), s...)
}

// cursor reads the fields of one message. The first field that does not fit
// makes it bad and every later read empty, so callers check once.
type cursor struct {
	b   []byte
	bad bool
}

// take returns the next n bytes.
func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

// u8 reads one byte.
func (c *cursor) u8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

// u16 reads two bytes.
func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// u32 reads four bytes.
func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// u64 reads eight bytes.
func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// lenInt reads a length-encoded integer; NULL and the reserved byte are bad.
func (c *cursor) lenInt() uint64 {
	switch k := c.u8(); k {
	case 0xfc:
		return uint64(c.u16())
	case 0xfd:
		if b := c.take(3); b != nil {
			return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
		}
		return 0
	case 0xfe:
		return c.u64()
	case 0xfb, 0xff:
		c.bad = true
		return 0
	default:
		return uint64(k)
	}
}

// lenBytes reads a length-encoded string; the bytes stay in the message.
func (c *cursor) lenBytes() []byte {
	n := c.lenInt()
	if n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	return c.take(int(n))
}

// cstring reads up to a NUL.
func (c *cursor) cstring() string {
	i := bytes.IndexByte(c.b, 0)
	if c.bad || i < 0 {
		c.bad = true
		return ""
	}
	s := string(c.b[:i])
	c.b = c.b[i+1:]
	return s
}

// err reports whether all reads fitted.
func (c *cursor) err() error {
	if c.bad {
		return errShort
	}
	return nil
}
