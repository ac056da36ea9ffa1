package system

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// FunctionTable lists the functions that catalog queries use, in the format of
// backend/sql/funcs. Privilege functions answer yes: every role holds every
// privilege. Functions of objects the server does not have (rules, triggers,
// partitions) give NULL, as PostgreSQL does for an unknown object.
const FunctionTable = `
format_type(oid, int4) text = dotdo_sys_format_type
pg_get_expr(text, oid, boolean?) text = {0}
pg_get_indexdef(oid, int4?, boolean?) text = dotdo_sys_indexdef
pg_get_constraintdef(oid, boolean?) text = dotdo_sys_constraintdef
pg_get_viewdef(regclass, boolean?) text = dotdo_sys_viewdef
pg_get_ruledef(oid, boolean?) text = NULL
pg_get_triggerdef(oid, boolean?) text = NULL
pg_get_functiondef(oid) text = NULL
pg_get_partkeydef(oid) text = NULL
pg_get_partition_constraintdef(oid) text = NULL
pg_partition_ancestors(regclass) regclass = json_array() | srf
pg_get_statisticsobjdef_columns(oid) text = NULL
pg_get_function_result(oid) text = dotdo_sys_proc_result
pg_get_function_arguments(oid) text = dotdo_sys_proc_args
pg_get_function_identity_arguments(oid) text = dotdo_sys_proc_args
pg_get_userbyid(oid) name = dotdo_sys_userbyid
pg_get_serial_sequence(text, text) text = dotdo_sys_serial_sequence
pg_table_is_visible(oid) boolean = dotdo_sys_table_visible
pg_type_is_visible(oid) boolean = 1
pg_function_is_visible(oid) boolean = 1
pg_operator_is_visible(oid) boolean = 1
pg_opclass_is_visible(oid) boolean = 1
pg_opfamily_is_visible(oid) boolean = 1
pg_ts_parser_is_visible(oid) boolean = 1
pg_ts_template_is_visible(oid) boolean = 1
pg_collation_is_visible(oid) boolean = 1
pg_conversion_is_visible(oid) boolean = 1
pg_ts_config_is_visible(oid) boolean = 1
pg_ts_dict_is_visible(oid) boolean = 1
pg_statistics_obj_is_visible(oid) boolean = 1
pg_is_other_temp_schema(oid) boolean = 0
pg_my_temp_schema() oid = 0
pg_relation_is_publishable(regclass) boolean = 0
pg_relation_filenode(regclass) oid = {0}
pg_relation_is_updatable(regclass, boolean) int4 = 28
pg_column_is_updatable(regclass, int2, boolean) boolean = 1
pg_tablespace_location(oid) text = ''
row_security_active(any) boolean = 0
obj_description(oid, name?) text = dotdo_sys_obj_description
col_description(oid, int4) text = dotdo_sys_col_description
shobj_description(oid, name) text = NULL
pg_relation_size(regclass, text?) int8 = dotdo_sys_relation_size
pg_table_size(regclass) int8 = dotdo_sys_relation_size
pg_total_relation_size(regclass) int8 = dotdo_sys_total_size
pg_indexes_size(regclass) int8 = (dotdo_sys_total_size({0})-dotdo_sys_relation_size({0}))
pg_database_size(any) int8 = dotdo_sys_database_size()
pg_tablespace_size(any) int8 = dotdo_sys_database_size()
to_regclass(text) regclass = dotdo_sys_to_regclass
to_regtype(text) regtype = dotdo_sys_to_regtype
acldefault(text,oid) text[] = dotdo_sys_acldefault
pg_options_to_table(text[]) record = dotdo_sys_options | srf cols=option_name:text,option_value:text
to_regnamespace(text) regnamespace = dotdo_sys_to_regnamespace
pg_encoding_to_char(int4) name = dotdo_sys_encoding
pg_char_to_encoding(name) int4 = 6
current_schemas(boolean) name[] = dotdo_sys_schemas
has_table_privilege(any...) boolean = 1
has_column_privilege(any...) boolean = 1
has_any_column_privilege(any...) boolean = 1
has_schema_privilege(any...) boolean = 1
has_database_privilege(any...) boolean = 1
has_sequence_privilege(any...) boolean = 1
has_function_privilege(any...) boolean = 1
has_type_privilege(any...) boolean = 1
has_tablespace_privilege(any...) boolean = 1
has_language_privilege(any...) boolean = 1
pg_has_role(any...) boolean = 1
pg_index_column_has_property(regclass, int4, text) boolean = ({2} IN ('asc','orderable','nulls_last','returnable'))
`

// Functions registers what FunctionTable names.
func Functions(r *sqlite.Registry) {
	for name, f := range scalars {
		r.Scalar(name, -1, false, func(c *sqlite.Conn, args []op.Value) (op.Value, error) {
			if len(args) > 0 && args[0].IsNull() {
				return op.Null, nil
			}
			call, _ := c.Call.(*sql.Call)
			if call == nil || call.Catalog == nil {
				return op.Null, nil
			}
			env := call.Env
			if env == nil {
				env = &rel.Env{}
			}
			return f(&Source{Catalog: call.Catalog, Env: env, Conn: c, Call: call}, args), nil
		})
	}
}

// scalars are the functions by SQLite name.
var scalars = map[string]func(*Source, []op.Value) op.Value{
	"dotdo_sys_format_type": func(s *Source, a []op.Value) op.Value {
		mod := int32(-2)
		if len(a) > 1 && !a[1].IsNull() {
			mod = int32(a[1].Int())
		}
		return op.Text(s.formatType(uint32(a[0].Int()), mod))
	},
	"dotdo_sys_indexdef": indexDef, "dotdo_sys_constraintdef": constraintDef,
	"dotdo_sys_viewdef": func(s *Source, a []op.Value) op.Value {
		if t := s.byOID(uint32(a[0].Int())); t != nil && t.ViewText != "" {
			return op.Text(viewText(t))
		}
		return op.Null
	},
	"dotdo_sys_userbyid": func(s *Source, a []op.Value) op.Value {
		for _, x := range s.roles() {
			if int64(x.OID) == a[0].Int() {
				return op.Text(x.Name)
			}
		}
		return op.Text("unknown (OID=" + itoa(a[0].Int()) + ")")
	},
	"dotdo_sys_serial_sequence": serialSequence,
	"dotdo_sys_table_visible": func(s *Source, a []op.Value) op.Value {
		schema, name := s.relationName(uint32(a[0].Int()))
		if name == "" {
			return op.Null
		}
		return value(s.visible(schema))
	},
	"dotdo_sys_obj_description": func(s *Source, a []op.Value) op.Value {
		for _, r := range fillDescription(s) {
			if r["objoid"] == any(uint32(a[0].Int())) && r["objsubid"] == any(int16(0)) {
				return value(r["description"])
			}
		}
		return op.Null
	},
	"dotdo_sys_col_description": func(s *Source, a []op.Value) op.Value {
		if t := s.byOID(uint32(a[0].Int())); t != nil {
			for _, c := range t.Columns {
				if int64(c.Attr) == a[1].Int() && c.Comment != "" {
					return op.Text(c.Comment)
				}
			}
		}
		return op.Null
	},
	"dotdo_sys_relation_size": func(s *Source, a []op.Value) op.Value { return relationSize(s, uint32(a[0].Int()), false) },
	"dotdo_sys_total_size":    func(s *Source, a []op.Value) op.Value { return relationSize(s, uint32(a[0].Int()), true) },
	"dotdo_sys_database_size": func(s *Source, _ []op.Value) op.Value {
		r, err := s.Conn.Query("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
		if err != nil || len(r) == 0 {
			return op.Null
		}
		return r[0][0]
	},
	"dotdo_sys_to_regclass": func(s *Source, a []op.Value) op.Value {
		if oid, ok := s.RegClass(a[0].Str()); ok {
			return op.Int64(int64(oid))
		}
		return op.Null
	},
	"dotdo_sys_acldefault": aclDefault, "dotdo_sys_options": optionRows,
	"dotdo_sys_to_regtype": func(s *Source, a []op.Value) op.Value {
		if oid, ok := RegType(a[0].Str()); ok {
			return op.Int64(int64(oid))
		}
		if oid := s.userType(a[0].Str()); oid != 0 {
			return op.Int64(int64(oid))
		}
		return op.Null
	},
	"dotdo_sys_to_regnamespace": func(s *Source, a []op.Value) op.Value {
		n := a[0].Str()
		if s.Catalog.Schemas[n] == nil && n != "pg_catalog" && n != "information_schema" && n != "dotdo" && n != "public" {
			return op.Null
		}
		return op.Int64(int64(s.namespace(n)))
	},
	"dotdo_sys_encoding": func(_ *Source, a []op.Value) op.Value {
		if a[0].Int() == 6 {
			return op.Text("UTF8")
		}
		return op.Text("")
	},
	"dotdo_sys_schemas": func(s *Source, a []op.Value) op.Value {
		l := []string{}
		if a[0].Int() != 0 {
			l = append(l, "pg_catalog")
		}
		for _, n := range s.path() {
			if n == "public" || s.Catalog.Schemas[n] != nil {
				l = append(l, n)
			}
		}
		return value(l)
	},
	"dotdo_sys_proc_result": func(_ *Source, a []op.Value) op.Value {
		if l := proc(a[0].Int()); l != nil {
			set := ""
			if l[8] == "t" {
				set = "SETOF "
			}
			return op.Text(set + FormatType(num(l[13]), -2))
		}
		return op.Null
	},
	"dotdo_sys_proc_args": func(_ *Source, a []op.Value) op.Value {
		l := proc(a[0].Int())
		if l == nil {
			return op.Null
		}
		var out []string
		for _, f := range strings.Fields(l[14]) {
			out = append(out, FormatType(num(f), -2))
		}
		return op.Text(strings.Join(out, ", "))
	},
}

// proc finds a function's line by identifier.
func proc(oid int64) []string {
	want := itoa(oid)
	for _, l := range table("procs") {
		if l[0] == want {
			return l
		}
	}
	return nil
}

// path is the effective search path.
func (s *Source) path() []string {
	if len(s.Env.SearchPath) == 0 {
		return []string{"public"}
	}
	out := make([]string, 0, len(s.Env.SearchPath))
	for _, n := range s.Env.SearchPath {
		if n == "$user" || n == `"$user"` {
			n = s.user()
		}
		out = append(out, n)
	}
	return out
}

// visible tells whether names of a schema need no schema. It does not look for
// a name that an earlier schema hides.
func (s *Source) visible(schema string) bool {
	if schema == "pg_catalog" {
		return true
	}
	for _, n := range s.path() {
		if n == schema {
			return true
		}
	}
	return false
}

// byOID finds a relation.
func (s *Source) byOID(oid uint32) *catalog.Table {
	for _, t := range s.Catalog.Tables {
		if t.OID == oid {
			return t
		}
	}
	for _, t := range s.provided() {
		if t.OID == oid {
			return t
		}
	}
	return nil
}

// relationName names any pg_class entry.
func (s *Source) relationName(oid uint32) (schema, name string) {
	if t := s.byOID(oid); t != nil {
		return t.Schema, t.Name
	}
	for _, x := range s.Catalog.Indexes {
		if x.OID == oid {
			return x.Schema, x.Name
		}
	}
	for _, q := range s.Catalog.Seqs {
		if q.OID == oid {
			return q.Schema, q.Name
		}
	}
	return "", ""
}

// RegClass resolves a relation name as regclass input does.
func (s *Source) RegClass(text string) (uint32, bool) {
	parts := splitName(text)
	if len(parts) == 0 {
		return 0, false
	}
	name := parts[len(parts)-1]
	schemas := s.path()
	if len(parts) > 1 {
		schemas = parts[len(parts)-2 : len(parts)-1]
	} else {
		schemas = append([]string{"pg_catalog"}, schemas...)
	}
	for _, n := range schemas {
		k := catalog.Key{Schema: n, Name: name}
		if t := s.Catalog.Tables[k]; t != nil {
			return t.OID, true
		}
		if x := s.Catalog.Indexes[k]; x != nil {
			return x.OID, true
		}
		if q := s.Catalog.Seqs[k]; q != nil {
			return q.OID, true
		}
		for _, t := range s.provided() {
			if t.Schema == n && t.Name == name {
				return t.OID, true
			}
		}
	}
	return 0, false
}

// splitName splits a dotted name with PostgreSQL's quoting and folding.
func splitName(s string) []string {
	var out []string
	s = strings.TrimSpace(s)
	for s != "" {
		var part string
		if s[0] == '"' {
			i := 1
			for i < len(s) && (s[i] != '"' || i+1 < len(s) && s[i+1] == '"') {
				if s[i] == '"' {
					i++
				}
				i++
			}
			if i >= len(s) {
				return nil
			}
			part, s = strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:]
		} else {
			i := strings.IndexByte(s, '.')
			if i < 0 {
				i = len(s)
			}
			part, s = strings.ToLower(strings.TrimSpace(s[:i])), s[i:]
		}
		out = append(out, part)
		if s != "" && s[0] != '.' {
			return nil
		}
		s = strings.TrimPrefix(s, ".")
	}
	return out
}

// RegType resolves a type name as regtype input does.
func RegType(text string) (uint32, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	text = strings.TrimPrefix(text, "pg_catalog.")
	_, byName := typeTable()
	if elem, ok := strings.CutSuffix(text, "[]"); ok {
		oid, ok := RegType(elem)
		byOID, _ := typeTable()
		return byOID[oid].array, ok
	}
	text = strings.Trim(text, `"`)
	if t, ok := byName[text]; ok {
		return t.oid, true
	}
	for n, d := range displayNames {
		if d == text {
			return byName[n].oid, true
		}
	}
	switch text {
	case "int", "serial":
		return 23, true
	case "decimal":
		return 1700, true
	case "float":
		return 701, true
	}
	return 0, false
}

// ParseReg reads the text form of a reg* type.
func ParseReg(call *sql.Call, b op.Base, text string) (uint32, error) {
	oid := uint32(0)
	digits := text != ""
	for i := range len(text) {
		digits = digits && text[i] >= '0' && text[i] <= '9'
	}
	if digits {
		return num(text), nil
	}
	if text == "-" {
		return 0, nil
	}
	s := sourceOf(call)
	ok := false
	switch b {
	case op.TRegClass:
		if oid, ok = s.RegClass(text); !ok {
			return 0, &op.Error{Code: op.NotFound, Msg: "relation \"" + text + "\" does not exist", Object: "relation", Name: text}
		}
	case op.TRegType:
		if oid, ok = RegType(text); !ok {
			if oid = s.userType(text); oid != 0 {
				return oid, nil
			}
			return 0, &op.Error{Code: op.Undefined, Msg: "type \"" + text + "\" does not exist", Object: "type", Name: text}
		}
	case op.TRegNS:
		v := scalars["dotdo_sys_to_regnamespace"](s, []op.Value{op.Text(strings.Trim(text, `"`))})
		if v.IsNull() {
			return 0, &op.Error{Code: op.Undefined, Msg: "schema \"" + text + "\" does not exist", Object: "schema", Name: text}
		}
		return uint32(v.Int()), nil
	case op.TRegProc:
		name := strings.TrimPrefix(text, "pg_catalog.")
		name, _, _ = strings.Cut(name, "(")
		for _, l := range table("procs") {
			if l[1] == name {
				return num(l[0]), nil
			}
		}
		return 0, op.Errorf(op.NoFunction, "function %q does not exist", text)
	}
	return oid, nil
}

// FormatReg writes the text form of a reg* value.
func FormatReg(call *sql.Call, b op.Base, oid uint32) string {
	if oid == 0 {
		return "-"
	}
	s := sourceOf(call)
	switch b {
	case op.TRegClass:
		if schema, name := s.relationName(oid); name != "" {
			if s.visible(schema) {
				return QuoteIdent(name)
			}
			return qualified(schema, name)
		}
	case op.TRegType:
		return s.formatType(oid, -2)
	case op.TRegProc:
		if l := proc(int64(oid)); l != nil {
			return l[1]
		}
	case op.TRegNS:
		for _, r := range fillNamespace(s) {
			if value(r["oid"]).Int() == int64(oid) {
				return QuoteIdent(r["nspname"].(string))
			}
		}
	}
	return itoa(oid)
}

// sourceOf makes a Source of a running call; nil gives an empty one.
func sourceOf(call *sql.Call) *Source {
	s := &Source{Catalog: catalog.New(), Env: &rel.Env{}}
	if call != nil {
		s.Call = call
		if call.Catalog != nil {
			s.Catalog = call.Catalog
		}
		if call.Env != nil {
			s.Env = call.Env
		}
	}
	return s
}

// indexDef is pg_get_indexdef(oid, column, pretty).
func indexDef(s *Source, a []op.Value) op.Value {
	for _, x := range s.Catalog.Indexes {
		if int64(x.OID) != a[0].Int() {
			continue
		}
		t := s.Catalog.Tables[x.Table]
		if t == nil {
			return op.Null
		}
		if len(a) > 1 && a[1].Int() > 0 {
			n := int(a[1].Int())
			switch {
			case n <= len(x.Items):
				return op.Text(indexItem(x, n-1, false))
			case n <= len(x.Items)+len(x.Include):
				return op.Text(QuoteIdent(x.Include[n-1-len(x.Items)]))
			}
			return op.Text("")
		}
		pretty := len(a) > 2 && a[2].Int() != 0
		return op.Text(indexText(t, x, !pretty || !s.visible(t.Schema)))
	}
	return op.Null
}

// constraintDef is pg_get_constraintdef(oid, pretty).
func constraintDef(s *Source, a []op.Value) op.Value {
	for _, t := range s.Catalog.Tables {
		if ix := primaryIndex(t); ix != nil && int64(ix.OID) == a[0].Int() {
			return op.Text("PRIMARY KEY (" + idents(t.Primary) + ")")
		}
		for _, k := range t.Constraints {
			if int64(k.OID) == a[0].Int() {
				text := constraintText(s.Catalog, k, s.visible)
				if k.Kind == "CHECK" && len(a) > 1 && a[1].Int() != 0 {
					text = "CHECK (" + k.Check + ")"
				}
				return op.Text(text)
			}
		}
	}
	return op.Null
}

// serialSequence is pg_get_serial_sequence(table, column).
func serialSequence(s *Source, a []op.Value) op.Value {
	oid, ok := s.RegClass(a[0].Str())
	if !ok || len(a) < 2 {
		return op.Null
	}
	t := s.byOID(oid)
	for _, q := range s.seqs() {
		if t != nil && q.Schema == t.Schema && q.Table == t.Name && q.Column == a[1].Str() {
			return op.Text(qualified(q.Schema, q.Name))
		}
	}
	return op.Null
}

// relationSize counts the bytes of a relation's pages; total adds its indexes.
func relationSize(s *Source, oid uint32, total bool) op.Value {
	names := []string{}
	for _, t := range s.Catalog.Tables {
		if t.OID == oid && t.Store != "" {
			names = append(names, t.Store)
			for _, ix := range t.Indexes {
				if total && ix.Store != "" {
					names = append(names, ix.Store)
				}
			}
		}
		for _, ix := range t.Indexes {
			if ix.OID == oid && ix.Store != "" {
				names = append(names, ix.Store)
			}
		}
	}
	sum := int64(0)
	for _, n := range names {
		r, err := s.Conn.Query("SELECT pgsize FROM dbstat WHERE name = ?1 AND aggregate = TRUE", op.Text(n))
		if err == nil && len(r) == 1 {
			sum += r[0][0].Int()
		}
	}
	return op.Int64(sum)
}
