package sqlite

// #include "shim.h"
import "C"

import (
	"encoding/hex"
	"math"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// header returns the cell of a value without its bytes, and how many bytes
// body will write. Values become their storage forms (see op.Base).
func header(v *op.Value) (C.dd_cell, int, error) {
	cell := C.dd_cell{}
	switch v.Kind {
	case op.KindNull:
	case op.KindBool, op.KindInt32, op.KindInt64, op.KindTime:
		cell.kind, cell.num = C.DD_INT, C.int64_t(v.Num)
	case op.KindUint64:
		cell.kind, cell.num = C.DD_INT, C.int64_t(v.Num)
		if v.Num > math.MaxInt64 {
			cell.kind, cell.len = C.DD_TEXT, 20
		}
	case op.KindFloat64:
		cell.kind, cell.num = C.DD_REAL, C.int64_t(v.Num)
		if math.IsNaN(v.Float()) {
			cell.kind, cell.len = C.DD_TEXT, 3
		}
	case op.KindText, op.KindDecimal:
		cell.kind, cell.len = C.DD_TEXT, C.uint32_t(len(v.Raw))
	case op.KindUUID:
		if len(v.Raw) != 16 {
			return cell, 0, op.Errorf(op.InvalidArgument, "uuid of %d bytes", len(v.Raw))
		}
		cell.kind, cell.len = C.DD_TEXT, 36
	case op.KindBytes, op.KindObjectID, op.KindDocument, op.KindVector:
		cell.kind, cell.len = C.DD_BLOB, C.uint32_t(len(v.Raw))
	default:
		return cell, 0, op.Errorf(op.TypeMismatch, "a value of kind %d cannot be stored in a column", v.Kind)
	}
	if len(v.Raw) > math.MaxInt32 {
		return cell, 0, op.Errorf(op.TooLarge, "value of %d bytes", len(v.Raw))
	}
	return cell, int(cell.len), nil
}

// body writes the bytes of a value whose header has bytes.
func body(v *op.Value, to []byte) {
	switch v.Kind {
	case op.KindUint64:
		copy(to, uint20(v.Num))
	case op.KindFloat64:
		copy(to, "NaN")
	case op.KindUUID:
		uuidText(v.Raw, to)
	default:
		copy(to, v.Raw)
	}
}

// uint20 is the storage form of an unsigned integer above 2^63-1. Such a
// number always has 19 or 20 digits.
func uint20(u uint64) string {
	s := strconv.FormatUint(u, 10)
	if len(s) == 19 {
		return "0" + s
	}
	return s
}

// uuidText writes the 36-character form of 16 bytes.
func uuidText(u, to []byte) {
	at := 0
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			to[at] = '-'
			at++
		}
		at += hex.Encode(to[at:], u[:n])
		u = u[n:]
	}
}
