package funcs

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// myStore converts a value for a column outside strict mode: value, its type,
// the column's type, size and scale, its name, its labels, and 1 when NULL is
// not allowed. What does not fit becomes the nearest value, with a warning.
func myStore(c *sql.Call, a []op.Value) (op.Value, error) {
	from, to := TypeOf(a[1].Int(), 0, 0), typeArg(a, 2)
	labels := strings.Split(a[6].Str(), "\x1f")
	row := c.NextRow(a[5].Str())
	if a[0].IsNull() {
		if a[7].Int() == 0 {
			return op.Null, nil
		}
		c.Warn(op.Notice{Severity: "WARNING", Code: op.NotNullViolation, Msg: "Column '" + string(a[5].Raw) + "' cannot be null"})
		return MySQLZero(to, labels), nil
	}
	var v op.Value
	var err error
	if to.Base == op.TEnum || to.Base == op.TSetOf {
		args := append(append([]op.Value(nil), a[:5]...), a[6])
		if v, err = enumAssign(true)(c, args); err != nil {
			v = knownLabels(to, textOf(a[0]), labels)
		}
	} else if v, err = castSession(true, false)(c, a[:5]); err != nil {
		o := options(c)
		v, _ = datum.ParseMySQL(to, text(a[0], from, true, o), o) // the nearest value; err says what was wrong
	}
	if err != nil {
		c.Warn(storeWarning(op.AsError(err), string(a[5].Raw), to, row))
	}
	return v, nil
}

// knownLabels keeps the labels of a SET that exist; an ENUM becomes the empty text.
func knownLabels(t op.Type, s string, labels []string) op.Value {
	var out []string
	if t.Base == op.TSetOf {
		for _, l := range labels {
			for _, w := range strings.Split(s, ",") {
				if strings.EqualFold(w, l) {
					out = append(out, l)
				}
			}
		}
	}
	return op.Text(strings.Join(out, ","))
}

// storeWarning words the warning for a value that was changed to fit.
func storeWarning(e *op.Error, column string, t op.Type, row int64) op.Notice {
	n := op.Notice{Severity: "WARNING", Code: op.InvalidArgument, Object: datum.ObjectTruncated, Msg: fmt.Sprintf("Data truncated for column '%s' at row %d", column, row)}
	switch {
	case e.Code == op.OutOfRange || t.Base == op.TBit:
		n.Code, n.Object, n.Msg = op.OutOfRange, "", fmt.Sprintf("Out of range value for column '%s' at row %d", column, row)
	case strings.HasPrefix(e.Msg, "Incorrect integer"), strings.HasPrefix(e.Msg, "Incorrect decimal"):
		n.Object, n.Msg = "incorrect", fmt.Sprintf("%s for column '%s' at row %d", e.Msg, column, row)
	}
	return n
}

// MySQLZero is the value of a column that must have one and is given none.
func MySQLZero(t op.Type, labels []string) op.Value {
	switch t.Base {
	case op.TEnum:
		if len(labels) > 0 {
			return op.Text(labels[0])
		}
	case op.TFloat4, op.TFloat8:
		return op.Float64(0)
	case op.TNumeric:
		return op.Text(datum.RoundNumeric("0", int(t.Scale)))
	case op.TBytea:
		return op.Bytes([]byte{})
	case op.TDate, op.TTimestamp, op.TTimestampTZ:
		return op.Int64(datum.ZeroDate)
	case op.TJSON, op.TJSONB:
		return op.Text("null")
	case op.TBit:
		return op.Text(strings.Repeat("0", max(int(t.Size), 1)))
	case op.TBoolean, op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TTime, op.TYear:
		return op.Int64(0)
	}
	return op.Text("")
}
