package system

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// fillNamespace lists schemas.
func fillNamespace(s *Source) []row {
	out := []row{{"oid": nsCatalog, "nspname": "pg_catalog", "nspowner": ownerOID}, {"oid": nsInfo, "nspname": "information_schema", "nspowner": ownerOID},
		{"oid": nsDotdo, "nspname": "dotdo", "nspowner": ownerOID}, {"oid": 99, "nspname": "pg_toast", "nspowner": ownerOID}}
	public := false
	for _, x := range s.Catalog.Schemas {
		public = public || x.Name == "public"
		out = append(out, row{"oid": x.OID, "nspname": x.Name, "nspowner": ownerOID})
	}
	if !public {
		out = append(out, row{"oid": nsPublic, "nspname": "public", "nspowner": ownerOID})
	}
	return out
}

// relRow is what all pg_class rows share.
func relRow(oid uint32, name string, ns uint32, kind string, atts int) row {
	am := 0
	switch kind {
	case "r", "m":
		am = 2
	case "i":
		am = 403
	}
	return row{"oid": oid, "relname": name, "relnamespace": ns, "relowner": ownerOID, "relam": am, "relkind": kind, "relnatts": atts,
		"relpersistence": "p", "relreplident": "d", "relispopulated": true, "reltuples": -1.0, "relfilenode": oid, "relfrozenxid": 3, "relminmxid": 1}
}

// fillClass lists relations, indexes and sequences.
func fillClass(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		r := relRow(t.OID, t.Name, s.namespace(t.Schema), relkind(t), len(t.Columns))
		if t.Temp {
			r["relpersistence"] = "t"
		}
		checks := 0
		foreign := len(foreignTo(s, t)) > 0
		for _, k := range t.Constraints {
			if k.Kind == "CHECK" {
				checks++
			}
			foreign = foreign || k.Kind == "FOREIGN KEY"
		}
		r["relchecks"], r["relhasindex"], r["relhastriggers"] = checks, len(t.Indexes) > 0, foreign
		r["relhasrules"] = t.Kind == catalog.KindView || t.Kind == catalog.KindMatView
		if v := t.Options["fillfactor"]; v != "" {
			r["reloptions"] = []string{"fillfactor=" + v}
		}
		out = append(out, r)
		for _, ix := range t.Indexes {
			out = append(out, relRow(ix.OID, ix.Name, s.namespace(t.Schema), "i", len(ix.Items)))
		}
	}
	for _, q := range s.seqs() {
		out = append(out, relRow(q.OID, q.Name, s.namespace(q.Schema), "S", 3))
	}
	return out
}

// foreignTo lists the foreign keys of other tables that reference t.
func foreignTo(s *Source, t *catalog.Table) []*catalog.Constraint {
	var out []*catalog.Constraint
	for _, c := range s.Catalog.Tables {
		for _, k := range c.Constraints {
			if k.Kind == "FOREIGN KEY" && k.RefTable == t.Key() {
				out = append(out, k)
			}
		}
	}
	return out
}

// lengths are typlen, typbyval and typalign of fixed types.
func (s *Source) attrRow(rel uint32, c *catalog.Column, num int16) row {
	byOID := typeShapes()
	oid := s.attrType(c)
	sh := byOID[TypeOID(c.Type)]
	if c.Type.OID != 0 {
		sh = byOID[3500] // anyenum
		if c.Type.Array {
			sh = byOID[1009]
		}
	}
	r := row{"attrelid": rel, "attname": c.Name, "atttypid": oid, "attlen": sh.length, "attnum": num, "atttypmod": Typmod(c.Type),
		"attbyval": sh.byval, "attalign": sh.align, "attstorage": sh.storage, "attnotnull": c.NotNull, "attislocal": true,
		"attstattarget": -1, "attcacheoff": -1, "attcollation": sh.collation, "atthasdef": c.Default != "" || c.Generated != ""}
	if c.Type.Array {
		r["attndims"] = 1
	}
	switch c.Identity {
	case "ALWAYS":
		r["attidentity"] = "a"
	case "BY DEFAULT":
		r["attidentity"] = "d"
	}
	if c.AutoInc {
		r["attidentity"] = "d"
	}
	if c.Generated != "" {
		r["attgenerated"] = "s"
	}
	return r
}

// fillAttribute lists columns of relations and indexes.
func fillAttribute(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		for i, c := range t.Columns {
			n := c.Attr
			if n == 0 {
				n = int16(i + 1)
			}
			out = append(out, s.attrRow(t.OID, c, n))
		}
		for _, ix := range t.Indexes {
			for i, it := range ix.Items {
				c := t.Column(it.Column)
				if c == nil {
					c = &catalog.Column{Name: "expr", Type: op.Type{Base: op.TString}}
				}
				k := *c
				k.Default, k.Generated, k.Identity, k.AutoInc, k.NotNull = "", "", "", false, false
				out = append(out, s.attrRow(ix.OID, &k, int16(i+1)))
			}
		}
	}
	for _, q := range s.seqs() {
		for i, c := range []*catalog.Column{{Name: "last_value", Type: op.Type{Base: op.TInt8}, NotNull: true},
			{Name: "log_cnt", Type: op.Type{Base: op.TInt8}, NotNull: true}, {Name: "is_called", Type: op.Type{Base: op.TBoolean}, NotNull: true}} {
			out = append(out, s.attrRow(q.OID, c, int16(i+1)))
		}
	}
	return out
}

// fillAttrdef lists defaults and generation expressions.
func fillAttrdef(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		for _, c := range t.Columns {
			if c.Default != "" || c.Generated != "" {
				out = append(out, row{"oid": defOID(t, c), "adrelid": t.OID, "adnum": c.Attr, "adbin": defaultText(c)})
			}
		}
	}
	return out
}

// fillIndex lists indexes.
func fillIndex(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		for _, ix := range t.Indexes {
			keys, opts, colls, classes := []int16{}, []int{}, []uint32{}, []uint32{}
			var exprs string
			for _, it := range ix.Items {
				n := attnum(t, it.Column)
				keys = append(keys, n)
				o := 0
				if it.Desc {
					o |= 1
				}
				if it.NullsFirst {
					o |= 2
				}
				opts = append(opts, o)
				typ := op.Type{Base: op.TString}
				if c := t.Column(it.Column); c != nil {
					typ = c.Type
				} else {
					if exprs != "" {
						exprs += ", "
					}
					exprs += it.Expr
				}
				colls = append(colls, typeShapes()[TypeOID(typ)].collation)
				classes = append(classes, opclassOf(TypeOID(typ)))
			}
			for _, c := range ix.Include {
				keys = append(keys, attnum(t, c))
			}
			r := row{"indexrelid": ix.OID, "indrelid": t.OID, "indnatts": len(keys), "indnkeyatts": len(ix.Items), "indisunique": ix.Unique,
				"indisprimary": ix.Primary, "indimmediate": true, "indisvalid": true, "indisready": true, "indislive": true,
				"indkey": keys, "indoption": opts, "indcollation": colls, "indclass": classes}
			if exprs != "" {
				r["indexprs"] = exprs
			}
			if ix.Where != "" {
				r["indpred"] = ix.Where
			}
			out = append(out, r)
		}
	}
	return out
}

// fkLetter is the letter of a referential action.
func fkLetter(a string) string {
	switch a {
	case "CASCADE":
		return "c"
	case "RESTRICT":
		return "r"
	case "SET NULL":
		return "n"
	case "SET DEFAULT":
		return "d"
	}
	return "a"
}

// constraintRow is what all pg_constraint rows share.
func constraintRow(s *Source, t *catalog.Table, oid uint32, name, kind string, cols []string) row {
	return row{"oid": oid, "conname": name, "connamespace": s.namespace(t.Schema), "contype": kind, "convalidated": true,
		"conrelid": t.OID, "conislocal": true, "connoinherit": kind != "c", "conkey": attnums(t, cols),
		"confupdtype": " ", "confdeltype": " ", "confmatchtype": " "}
}

// fillConstraint lists constraints.
func fillConstraint(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		if ix := primaryIndex(t); ix != nil && len(t.Primary) > 0 {
			r := constraintRow(s, t, ix.OID, t.PrimaryName, "p", t.Primary)
			r["conindid"] = ix.OID
			out = append(out, r)
		}
		for _, k := range t.Constraints {
			switch k.Kind {
			case "CHECK":
				r := constraintRow(s, t, k.OID, k.Name, "c", k.Columns)
				r["conbin"] = k.Check
				out = append(out, r)
			case "UNIQUE":
				r := constraintRow(s, t, k.OID, k.Name, "u", k.Columns)
				if ix := indexByName(t, k.Name); ix != nil {
					r["conindid"] = ix.OID
				}
				out = append(out, r)
			case "FOREIGN KEY":
				r := constraintRow(s, t, k.OID, k.Name, "f", k.Columns)
				r["confupdtype"], r["confdeltype"], r["confmatchtype"] = fkLetter(k.OnUpdate), fkLetter(k.OnDelete), "s"
				r["condeferrable"], r["condeferred"] = k.Deferrable, k.Deferred
				if p := s.Catalog.Tables[k.RefTable]; p != nil {
					r["confrelid"], r["confkey"] = p.OID, attnums(p, k.RefColumns)
					if ix := keyIndexOf(p, k.RefColumns); ix != nil {
						r["conindid"] = ix.OID
					}
				}
				out = append(out, r)
			}
		}
	}
	return out
}

// keyIndexOf returns the unique index on exactly the given columns.
func keyIndexOf(t *catalog.Table, cols []string) *catalog.Index {
	for _, ix := range t.Indexes {
		if !ix.Unique || len(ix.Items) != len(cols) {
			continue
		}
		n := 0
		for _, it := range ix.Items {
			for _, c := range cols {
				if it.Column == c {
					n++
				}
			}
		}
		if n == len(cols) {
			return ix
		}
	}
	return nil
}

// fillSequence lists sequences.
func fillSequence(s *Source) []row {
	var out []row
	for _, q := range s.seqs() {
		out = append(out, row{"seqrelid": q.OID, "seqtypid": TypeOID(op.Type{Base: q.Type}), "seqstart": q.Start, "seqincrement": q.Increment,
			"seqmax": q.Max, "seqmin": q.Min, "seqcache": 1, "seqcycle": q.Cycle})
	}
	return out
}

// fillSequences is the view pg_sequences.
func fillSequences(s *Source) []row {
	var out []row
	for _, q := range s.seqs() {
		r := row{"schemaname": q.Schema, "sequencename": q.Name, "sequenceowner": s.user(), "data_type": TypeOID(op.Type{Base: q.Type}),
			"start_value": q.Start, "min_value": q.Min, "max_value": q.Max, "increment_by": q.Increment, "cycle": q.Cycle, "cache_size": 1}
		if s.Call != nil && s.Call.Sequences != nil {
			if v, called, err := s.Call.Sequences.State(q); err == nil && called {
				r["last_value"] = v
			}
		}
		out = append(out, r)
	}
	return out
}

// Catalog identifiers used as classid and classoid.
const (
	classOfClass      = 1259
	classOfAttrdef    = 2604
	classOfConstraint = 2606
	classOfNamespace  = 2615
	classOfExtension  = 3079
)

// fillDescription lists comments.
func fillDescription(s *Source) []row {
	var out []row
	add := func(oid uint32, class int, sub int16, text string) {
		if text != "" {
			out = append(out, row{"objoid": oid, "classoid": class, "objsubid": sub, "description": text})
		}
	}
	for _, t := range s.tables() {
		add(t.OID, classOfClass, 0, t.Comment)
		for _, c := range t.Columns {
			add(t.OID, classOfClass, c.Attr, c.Comment)
		}
		for _, ix := range t.Indexes {
			add(ix.OID, classOfClass, 0, ix.Comment)
		}
	}
	for _, x := range s.Catalog.Schemas {
		add(x.OID, classOfNamespace, 0, x.Comment)
	}
	add(nsCatalog, classOfNamespace, 0, "system catalog schema")
	add(13563, classOfExtension, 0, "accepted for compatibility; procedures are not supported")
	return out
}

// fillDepend lists what clients look for: owned sequences and the indexes of
// constraints.
func fillDepend(s *Source) []row {
	var out []row
	for _, q := range s.seqs() {
		t := s.Catalog.Tables[catalog.Key{Schema: q.Schema, Name: q.Table}]
		if t == nil {
			continue
		}
		c := t.Column(q.Column)
		if c == nil {
			continue
		}
		kind := "a"
		if c.Identity != "" || c.AutoInc {
			kind = "i"
		}
		out = append(out, row{"classid": classOfClass, "objid": q.OID, "refclassid": classOfClass, "refobjid": t.OID, "refobjsubid": c.Attr, "deptype": kind})
		if c.Default != "" {
			out = append(out, row{"classid": classOfAttrdef, "objid": defOID(t, c), "refclassid": classOfClass, "refobjid": q.OID, "deptype": "n"})
		}
	}
	for _, t := range s.tables() {
		if ix := primaryIndex(t); ix != nil {
			out = append(out, row{"classid": classOfClass, "objid": ix.OID, "refclassid": classOfConstraint, "refobjid": ix.OID, "deptype": "i"})
		}
		for _, k := range t.Constraints {
			if ix := indexByName(t, k.Name); k.Kind == "UNIQUE" && ix != nil {
				out = append(out, row{"classid": classOfClass, "objid": ix.OID, "refclassid": classOfConstraint, "refobjid": k.OID, "deptype": "i"})
			}
		}
	}
	return out
}

// fillRewrite lists the rules behind views.
func fillRewrite(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		if t.ViewText != "" {
			out = append(out, row{"oid": t.OID, "rulename": "_RETURN", "ev_class": t.OID, "ev_type": "1", "ev_enabled": "O", "is_instead": true, "ev_action": t.ViewText})
		}
	}
	return out
}
