package ddl

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// seqTypes are the words of CREATE SEQUENCE … AS.
var seqTypes = map[string]op.Base{"": op.TInt8, "int8": op.TInt8, "bigint": op.TInt8, "int4": op.TInt4, "integer": op.TInt4, "int": op.TInt4, "int2": op.TInt2, "smallint": op.TInt2}

// bounds are the largest values of integer types.
func bounds(b op.Base, unsigned bool) (low, high int64) {
	switch b {
	case op.TInt1:
		low, high = math.MinInt8, math.MaxInt8
	case op.TInt2:
		low, high = math.MinInt16, math.MaxInt16
	case op.TInt3:
		low, high = -1<<23, 1<<23-1
	case op.TInt4:
		low, high = math.MinInt32, math.MaxInt32
	default:
		return math.MinInt64, math.MaxInt64
	}
	if unsigned {
		return 0, high*2 + 1
	}
	return low, high
}

// buildSequence completes sequence options.
func (r *run) buildSequence(s *tree.CreateSequence, b op.Base, unsigned bool) (*catalog.Sequence, error) {
	low, high := bounds(b, unsigned)
	q := &catalog.Sequence{OID: r.d.OID(), Increment: 1, Cycle: s.Cycle, Type: b, Min: 1, Max: high}
	if s.Increment != nil {
		q.Increment = *s.Increment
	}
	if q.Increment == 0 {
		return nil, op.Errorf(op.InvalidArgument, "INCREMENT must not be zero")
	}
	if q.Increment < 0 {
		q.Min, q.Max = low, -1
	}
	if s.Min != nil {
		q.Min = *s.Min
	}
	if s.Max != nil {
		q.Max = *s.Max
	}
	if q.Min < low || q.Max > high {
		return nil, op.Errorf(op.InvalidArgument, "MINVALUE or MAXVALUE is out of range for the sequence's data type")
	}
	if q.Min >= q.Max {
		return nil, op.Errorf(op.InvalidArgument, "MINVALUE (%d) must be less than MAXVALUE (%d)", q.Min, q.Max)
	}
	q.Start = q.Min
	if q.Increment < 0 {
		q.Start = q.Max
	}
	if s.Start != nil {
		q.Start = *s.Start
	}
	return q, checkStart(q.Start, q, "START")
}

// checkStart checks a start or restart value.
func checkStart(v int64, q *catalog.Sequence, word string) error {
	if v < q.Min {
		return op.Errorf(op.InvalidArgument, "%s value (%d) cannot be less than MINVALUE (%d)", word, v, q.Min)
	}
	if v > q.Max {
		return op.Errorf(op.InvalidArgument, "%s value (%d) cannot be greater than MAXVALUE (%d)", word, v, q.Max)
	}
	return nil
}

// storeSequence publishes a new sequence and its state.
func (r *run) storeSequence(q *catalog.Sequence) error {
	r.cat.Seqs[catalog.Key{Schema: q.Schema, Name: q.Name}] = q
	return r.setSequence(q, q.Start)
}

// setSequence makes v the next value of a sequence.
func (r *run) setSequence(q *catalog.Sequence, v int64) error {
	if s := r.d.Sequences(); s != nil {
		return s.Set(q, v, false)
	}
	return r.d.Exec("INSERT OR REPLACE INTO _dotdo_seq(oid, value, called) VALUES (?1, ?2, 0)", op.Int64(int64(q.OID)), op.Int64(v))
}

// removeSequence drops a sequence and its state.
func (r *run) removeSequence(k catalog.Key) error {
	q := r.cat.Seqs[k]
	if q == nil {
		return nil
	}
	delete(r.cat.Seqs, k)
	return r.d.Exec("DELETE FROM _dotdo_seq WHERE oid = ?1", op.Int64(int64(q.OID)))
}

// createSequence runs CREATE SEQUENCE.
func (r *run) createSequence(s *tree.CreateSequence) error {
	k, err := r.target(s.Name, s.Temp)
	if err != nil {
		return err
	}
	if r.taken(k) {
		if s.IfNotExists {
			r.notice(op.AlreadyExists, "relation \""+k.Name+"\" already exists, skipping")
			return nil
		}
		return exists("relation", k.Name)
	}
	b, ok := seqTypes[s.Type]
	if !ok {
		return op.Errorf(op.InvalidArgument, "sequence type must be smallint, integer, or bigint")
	}
	q, err := r.buildSequence(s, b, false)
	if err != nil {
		return err
	}
	q.Schema, q.Name = k.Schema, k.Name
	if err := r.ownedBy(q, s.OwnedBy); err != nil {
		return err
	}
	return r.storeSequence(q)
}

// ownedBy sets a sequence's owner column from OWNED BY.
func (r *run) ownedBy(q *catalog.Sequence, parts []string) error {
	if len(parts) == 0 || len(parts) == 1 && parts[0] == "none" {
		return nil
	}
	if len(parts) < 2 {
		return op.Errorf(op.Syntax, "invalid OWNED BY option")
	}
	n := tree.Name{Name: parts[len(parts)-2]}
	if len(parts) > 2 {
		n.Schema = parts[len(parts)-3]
	}
	t, err := r.table(n)
	if err != nil {
		return err
	}
	col := parts[len(parts)-1]
	if t.Column(col) == nil {
		return &op.Error{Code: op.NoColumn, Msg: "column \"" + col + "\" of relation \"" + t.Name + "\" does not exist", Column: col}
	}
	if t.Schema != q.Schema {
		return op.Errorf(op.InvalidArgument, "sequence must be in same schema as table it is linked to")
	}
	q.Table, q.Column = t.Name, col
	return nil
}

// findSeq returns the sequence of a name, nil if there is none.
func (r *run) findSeq(n tree.Name) *catalog.Sequence {
	for _, k := range r.keys(n) {
		if q := r.cat.Seqs[k]; q != nil {
			return q
		}
	}
	return nil
}

// alterSequence runs ALTER SEQUENCE.
func (r *run) alterSequence(s *tree.AlterSequence) error {
	old := r.findSeq(s.Name)
	if old == nil {
		if s.IfExists {
			r.notice(op.NotFound, "relation \""+s.Name.Name+"\" does not exist, skipping")
			return nil
		}
		return missing("relation", s.Name)
	}
	q := *old
	for _, v := range []struct {
		from *int64
		to   *int64
	}{{s.Start, &q.Start}, {s.Increment, &q.Increment}, {s.Min, &q.Min}, {s.Max, &q.Max}} {
		if v.from != nil {
			*v.to = *v.from
		}
	}
	if q.Increment == 0 {
		return op.Errorf(op.InvalidArgument, "INCREMENT must not be zero")
	}
	if err := checkStart(q.Start, &q, "START"); err != nil {
		return err
	}
	if s.OwnedByNone {
		q.Table, q.Column = "", ""
	}
	if err := r.ownedBy(&q, s.OwnedBy); err != nil {
		return err
	}
	r.cat.Seqs[catalog.Key{Schema: q.Schema, Name: q.Name}] = &q
	restart := q.Start
	if s.Restart != nil {
		restart = *s.Restart
	} else if !s.RestartDefault {
		return nil
	}
	if err := checkStart(restart, &q, "RESTART"); err != nil {
		return err
	}
	return r.setSequence(&q, restart)
}
