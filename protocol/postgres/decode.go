package postgres

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// bind is a decoded Bind message. Names and values point into the message.
type bind struct {
	portal, stmt []byte
	formats      []byte // pairs of bytes
	values       [][]byte
	results      []byte // pairs of bytes
}

// errBind is the answer to a Bind that does not add up.
func errBind() error { return protocolErrorSoft("invalid message format") }

// protocolErrorSoft is a violation the connection survives.
func protocolErrorSoft(msg string) error {
	return &stateError{state: "08P01", msg: msg, routine: "pq_getmsgend"}
}

// decode reads a Bind body; m's slices are reused.
func (m *bind) decode(b []byte) error {
	var ok bool
	if m.portal, b, ok = cutString(b); !ok {
		return errBind()
	}
	if m.stmt, b, ok = cutString(b); !ok {
		return errBind()
	}
	if m.formats, b, ok = cutPairs(b); !ok {
		return errBind()
	}
	if len(b) < 2 {
		return errBind()
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n > len(b)/4 {
		return errBind()
	}
	m.values = m.values[:0]
	for range n {
		if len(b) < 4 {
			return errBind()
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if size == -1 {
			m.values = append(m.values, nil)
			continue
		}
		if size < 0 || size > len(b) {
			return errBind()
		}
		m.values = append(m.values, b[:size:size])
		b = b[size:]
	}
	if m.results, b, ok = cutPairs(b); !ok || len(b) != 0 {
		return errBind()
	}
	return nil
}

// cutString cuts a zero-terminated string.
func cutString(b []byte) (s, rest []byte, ok bool) {
	for i, c := range b {
		if c == 0 {
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}

// cutPairs cuts a counted list of 16-bit integers.
func cutPairs(b []byte) (list, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := 2 * int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// formatAt returns the format of item i: none given is text, one is for all.
func formatAt(list []byte, i int) (isBinary bool, ok bool) {
	switch {
	case len(list) == 0:
		return false, true
	case len(list) == 2:
		i = 0
	case 2*i+2 > len(list):
		return false, false
	}
	f := binary.BigEndian.Uint16(list[2*i:])
	return f == 1, f <= 1
}

// decodeParam turns a wire value into the storage form of t. The result may
// share b.
func decodeParam(t op.Type, isBinary bool, b []byte, o *datum.Options) (op.Value, error) {
	if b == nil {
		return op.Null, nil
	}
	if isBinary {
		return decodeBinary(t, b, o)
	}
	if !utf8.Valid(b) {
		return op.Null, errEncoding(b)
	}
	return datum.ParseWith(t, unsafe.String(unsafe.SliceData(b), len(b)), o)
}

// errEncoding names the first byte that is not UTF-8.
func errEncoding(b []byte) error {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			break
		}
		b = b[n:]
	}
	x := ""
	for _, c := range b[:min(1, len(b))] {
		x = " 0x" + strconv.FormatUint(uint64(c)+0x100, 16)[1:]
	}
	return &stateError{state: "22021", msg: "invalid byte sequence for encoding \"UTF8\":" + x, routine: "report_invalid_encoding"}
}

// errBinary says that a binary value has the wrong form for its type.
func errBinary() error {
	return &stateError{state: "22P03", msg: "incorrect binary data format", routine: "exec_bind_message"}
}

// decodeBinary reads the binary receive form of t.
func decodeBinary(t op.Type, b []byte, o *datum.Options) (op.Value, error) {
	if t.Array {
		return decodeArray(t, b, o)
	}
	if n := fixedSize(t.Base); n > 0 && len(b) != n {
		// An integer of another width is taken when it is unambiguous: drivers
		// that guess the parameter's type send the width they guessed.
		if isInt(t.Base) && (len(b) == 2 || len(b) == 4 || len(b) == 8) {
			return datum.Parse(t, strconv.FormatInt(signed(b), 10), *o)
		}
		return op.Null, errBinary()
	}
	be := binary.BigEndian
	switch t.Base {
	case op.TBoolean:
		return op.Int64(int64(min(b[0], 1))), nil
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TYear:
		return op.Int64(signed(b)), nil
	case op.TOID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS, op.TXID:
		return op.Int64(int64(be.Uint32(b))), nil
	case op.TFloat4:
		return floatIn(float64(math.Float32frombits(be.Uint32(b)))), nil
	case op.TFloat8:
		return floatIn(math.Float64frombits(be.Uint64(b))), nil
	case op.TNumeric:
		s, err := decodeNumeric(b)
		if err != nil {
			return op.Null, err
		}
		s, err = datum.FitNumeric(s, t)
		return op.Text(s), err
	case op.TBytea:
		return op.Bytes(b), nil
	case op.TDate:
		return op.Int64(dateIn(int32(be.Uint32(b)))), nil
	case op.TTime:
		us := int64(be.Uint64(b))
		if us < 0 || us > datum.Day {
			return op.Null, stateErrorf("22008", "time out of range")
		}
		return op.Int64(us), nil
	case op.TTimestamp, op.TTimestampTZ:
		return stampIn(int64(be.Uint64(b)))
	case op.TTimeTZ:
		us, off := int64(be.Uint64(b)), -int(int32(be.Uint32(b[8:])))
		if us < 0 || us > datum.Day || off < -57600 || off > 57600 {
			return op.Null, stateErrorf("22008", "time out of range")
		}
		return op.Text(string(datum.AppendTimeTZ(nil, us, off))), nil
	case op.TInterval:
		iv := datum.Interval{Micros: int64(be.Uint64(b)), Days: int32(be.Uint32(b[8:])), Months: int32(be.Uint32(b[12:]))}
		return op.Text(iv.ISO()), nil
	case op.TUUID:
		return op.Text(string(datum.AppendUUID(nil, b))), nil
	case op.TJSONB:
		if len(b) == 0 || b[0] != 1 {
			return op.Null, stateErrorf("XX000", "unsupported jsonb version number")
		}
		return decodeParam(t, false, b[1:], o)
	case op.TBit:
		return decodeBits(b)
	case op.TInet:
		return decodeInet(b)
	case op.TRecord, op.TInt2Vector, op.TOIDVector:
		return op.Null, op.Errorf(op.Unsupported, "no binary input function available for type %s", datum.TypeName(t))
	}
	return decodeParam(t, false, b, o)
}

// fixedSize returns the width of a fixed binary form, 0 = variable.
func fixedSize(b op.Base) int {
	switch b {
	case op.TBoolean:
		return 1
	case op.TInt1, op.TInt2:
		return 2
	case op.TInt3, op.TInt4, op.TYear, op.TFloat4, op.TDate, op.TOID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS, op.TXID:
		return 4
	case op.TInt8, op.TFloat8, op.TTime, op.TTimestamp, op.TTimestampTZ:
		return 8
	case op.TTimeTZ:
		return 12
	case op.TInterval, op.TUUID:
		return 16
	}
	return 0
}

// isInt reports an integer base type.
func isInt(b op.Base) bool { return b >= op.TInt1 && b <= op.TInt8 || b == op.TYear }

// signed reads a big-endian integer of 2, 4 or 8 bytes.
func signed(b []byte) int64 {
	switch len(b) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

// floatIn stores a float; NaN is text.
func floatIn(f float64) op.Value {
	if math.IsNaN(f) {
		return op.Text("NaN")
	}
	return op.Float64(f)
}

// dateIn converts days since 2000.
func dateIn(d int32) int64 {
	switch d {
	case math.MaxInt32:
		return datum.PosInfinity
	case math.MinInt32:
		return datum.NegInfinity
	}
	return int64(d) + epoch2000
}

// stampIn converts microseconds since 2000.
func stampIn(us int64) (op.Value, error) {
	if us == math.MaxInt64 || us == math.MinInt64 {
		return op.Int64(us), nil
	}
	if us > math.MaxInt64-epoch2000*datum.Day-datum.Day || us < -211813488000000000 {
		return op.Null, stateErrorf("22008", "timestamp out of range")
	}
	return op.Int64(us + epoch2000*datum.Day), nil
}

// decodeNumeric reads the binary form of numeric as decimal text.
func decodeNumeric(b []byte) (string, error) {
	if len(b) < 8 {
		return "", errBinary()
	}
	be := binary.BigEndian
	n, weight, sign, scale := int(be.Uint16(b)), int(int16(be.Uint16(b[2:]))), be.Uint16(b[4:]), int(be.Uint16(b[6:]))
	switch sign {
	case 0xC000:
		return "NaN", nil
	case 0xD000:
		return "Infinity", nil
	case 0xF000:
		return "-Infinity", nil
	case 0, 0x4000:
	default:
		return "", errBinary()
	}
	if len(b) != 8+2*n || scale > 16383 {
		return "", errBinary()
	}
	digit := func(i int) (int, error) { // i counts from the first digit sent
		if i < 0 || i >= n {
			return 0, nil
		}
		d := int(be.Uint16(b[8+2*i:]))
		if d > 9999 {
			return 0, errBinary()
		}
		return d, nil
	}
	var out []byte
	if sign == 0x4000 {
		out = append(out, '-')
	}
	out = append(out, '0')
	put := func(i int) error {
		d, err := digit(i)
		out = append(out, byte('0'+d/1000), byte('0'+d/100%10), byte('0'+d/10%10), byte('0'+d%10))
		return err
	}
	for i := 0; i <= weight; i++ {
		if err := put(i); err != nil {
			return "", err
		}
	}
	if scale > 0 {
		out = append(out, '.')
		at := len(out)
		for i := weight + 1; len(out)-at < scale; i++ {
			if err := put(i); err != nil {
				return "", err
			}
		}
		out = out[:at+scale]
	}
	return datum.ParseNumeric(string(out))
}

// decodeBits reads a bit string.
func decodeBits(b []byte) (op.Value, error) {
	if len(b) < 4 {
		return op.Null, errBinary()
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n < 0 || (n+7)/8 != len(b) {
		return op.Null, errBinary()
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = '0' + b[i/8]>>(7-i%8)&1
	}
	return op.Text(string(out)), nil
}

// decodeInet reads a network address.
func decodeInet(b []byte) (op.Value, error) {
	if len(b) < 4 || int(b[3]) != len(b)-4 {
		return op.Null, errBinary()
	}
	a, ok := netip.AddrFromSlice(b[4:])
	if !ok || int(b[1]) > a.BitLen() {
		return op.Null, errBinary()
	}
	if int(b[1]) == a.BitLen() {
		return op.Text(a.String()), nil
	}
	return op.Text(netip.PrefixFrom(a, int(b[1])).String()), nil
}

// decodeArray reads a binary array as its JSON storage form.
func decodeArray(t op.Type, b []byte, o *datum.Options) (op.Value, error) {
	if len(b) < 12 {
		return op.Null, errBinary()
	}
	be := binary.BigEndian
	ndim := int(int32(be.Uint32(b)))
	b = b[12:]
	if ndim < 0 || ndim > 6 || len(b) < 8*ndim {
		return op.Null, errBinary()
	}
	if ndim == 0 {
		return op.Text("[]"), nil
	}
	dims := make([]int, ndim)
	total := 1
	for i := range dims {
		dims[i] = int(int32(be.Uint32(b[8*i:])))
		if dims[i] <= 0 || total > len(b)/max(dims[i], 1)+1 {
			return op.Null, errBinary()
		}
		total *= dims[i]
	}
	b = b[8*ndim:]
	if total > len(b)/4 {
		return op.Null, errBinary()
	}
	t.Array = false
	d := arrayDecoder{t: t, b: b, o: o}
	if err := d.level(dims); err != nil {
		return op.Null, err
	}
	return op.Text(unsafe.String(unsafe.SliceData(d.out), len(d.out))), nil
}

// arrayDecoder walks over the elements of a binary array.
type arrayDecoder struct {
	t   op.Type
	b   []byte
	out []byte
	o   *datum.Options
}

// level reads one dimension.
func (d *arrayDecoder) level(dims []int) error {
	d.out = append(d.out, '[')
	for i := range dims[0] {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		if len(dims) > 1 {
			if err := d.level(dims[1:]); err != nil {
				return err
			}
			continue
		}
		if len(d.b) < 4 {
			return errBinary()
		}
		n := int(int32(binary.BigEndian.Uint32(d.b)))
		d.b = d.b[4:]
		v := op.Null
		if n >= 0 {
			if n > len(d.b) {
				return errBinary()
			}
			var err error
			if v, err = decodeParam(d.t, true, d.b[:n:n], d.o); err != nil {
				return err
			}
			d.b = d.b[n:]
		}
		d.out = datum.AppendElement(d.out, v)
	}
	d.out = append(d.out, ']')
	return nil
}

// lower folds an identifier the way unquoted ones are.
func lower(s string) string { return strings.ToLower(s) }
