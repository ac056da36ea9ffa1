package shard

import (
	"encoding/hex"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// slots is the number of hash slots, as Redis Cluster has it.
const slots = 16384

// crcTable is the table of CRC-16/XMODEM.
var crcTable = makeCRC()

// makeCRC builds crcTable.
func makeCRC() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}

// slot is the hash slot of a key.
func slot(key string) int {
	var c uint16
	for i := range len(key) {
		c = c<<8 ^ crcTable[byte(c>>8)^key[i]]
	}
	return int(c) % slots
}

// tag is the part of a kv key that chooses its slot: what stands between the
// first { and the next }, if that is not empty, else the whole key.
func tag(key string) string {
	if i := strings.IndexByte(key, '{'); i >= 0 {
		if n := strings.IndexByte(key[i+1:], '}'); n > 0 {
			return key[i+1 : i+1+n]
		}
	}
	return key
}

// Object is the number of the object that holds a key in its text form.
func (o *Options) Object(key string) int {
	switch o.Strategy {
	case Range:
		return sort.Search(len(o.Ranges), func(i int) bool { return compareKeys(key, o.Ranges[i]) < 0 })
	case Hash:
		return slot(key) % o.Count
	}
	return jump(uint64(slot(key))*0x9E3779B97F4A7C15, o.Count)
}

// jump is Lamping and Veach's consistent hash: growing from n to n+1 objects
// moves one key in n+1, and only to the new object.
func jump(key uint64, n int) int {
	b, j := int64(-1), int64(0)
	for j < int64(n) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64(key>>33+1)))
	}
	return int(b)
}

// compareKeys orders keys for ranges: numbers by value and before all texts,
// texts by bytes.
func compareKeys(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX == nil && errY == nil:
		if i, err := strconv.ParseInt(a, 10, 64); err == nil {
			if j, err := strconv.ParseInt(b, 10, 64); err == nil { // exact above 2^53
				return cmp(i < j, i > j)
			}
		}
		return cmp(x < y, x > y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// cmp turns two comparisons into a sign.
func cmp(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// keyText is the text form of a key value, the same for every kind that can
// hold it, so that all families put equal keys into one object. ok is false
// for compounds, which are no keys.
func keyText(v op.Value) (text string, ok bool) {
	switch v.Kind {
	case op.KindNull:
		return "", true
	case op.KindBool, op.KindInt32, op.KindInt64, op.KindTime:
		return strconv.FormatInt(v.Int(), 10), true
	case op.KindUint64:
		return strconv.FormatUint(v.Num, 10), true
	case op.KindFloat64:
		return floatText(v.Float()), true
	case op.KindDecimal:
		return decimalText(v.Str()), true
	case op.KindText, op.KindBytes:
		return v.Str(), true
	case op.KindUUID:
		return uuidText(v.Raw), true
	case op.KindObjectID:
		return hex.EncodeToString(v.Raw), true
	}
	return "", false
}

// floatText is the form of the integer if the double is one.
func floatText(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// decimalText drops zeros that do not count.
func decimalText(s string) string {
	if strings.IndexByte(s, '.') >= 0 && !strings.ContainsAny(s, "eE") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" || s == "" || s == "-" {
		return "0"
	}
	return s
}

// uuidText is the 36-character form of 16 bytes.
func uuidText(u []byte) string {
	h := hex.EncodeToString(u)
	if len(h) != 32 {
		return h
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
