package postgres

// gucKind is how a setting's value is checked.
type gucKind uint8

// Kinds of settings.
const (
	gucString gucKind = iota
	gucBool
	gucInt
	gucFloat
	gucEnum
	gucZone
	gucStyle
	gucEncoding
)

// gucDef is one known setting.
type gucDef struct {
	def    string
	kind   gucKind
	min    int64
	max    int64
	unit   string
	words  string // gucEnum
	only   string // the one value whose meaning is served
	show   string // name as reported, if not lower case
	report bool   // sent as ParameterStatus
	fixed  bool   // cannot be changed in a session
}

// Shorthands of the table.
const (
	maxInt  = 1<<31 - 1
	maxKB   = 1<<31 - 1
	levels  = "debug5 debug4 debug3 debug2 debug1 log notice warning error"
	isolate = "serializable repeatable_read read_committed read_uncommitted"
)

// onOff is a planner or logging switch that changes nothing here: results do
// not depend on it.
func onOff(def string) gucDef { return gucDef{def: def, kind: gucBool} }

// fixed is a read-only setting.
func fixed(def string) gucDef { return gucDef{def: def, fixed: true} }

// guc is the table of settings a session can show or set.
var guc = map[string]gucDef{
	"application_name":                    {report: true},
	"array_nulls":                         {def: "on", kind: gucBool, only: "on"},
	"backend_flush_after":                 {def: "0", kind: gucInt, max: 256},
	"backslash_quote":                     {def: "safe_encoding", kind: gucEnum, words: "safe_encoding on off"},
	"block_size":                          fixed("8192"),
	"bytea_output":                        {def: "hex", kind: gucEnum, words: "hex", only: "hex"},
	"check_function_bodies":               onOff("on"),
	"client_encoding":                     {def: "UTF8", kind: gucEncoding, report: true},
	"client_min_messages":                 {def: "notice", kind: gucEnum, words: levels},
	"constraint_exclusion":                {def: "partition", kind: gucEnum, words: "partition on off"},
	"cpu_tuple_cost":                      {def: "0.01", kind: gucFloat},
	"cursor_tuple_fraction":               {def: "0.1", kind: gucFloat},
	"datestyle":                           {def: "ISO, MDY", kind: gucStyle, report: true, show: "DateStyle"},
	"deadlock_timeout":                    {def: "1000", kind: gucInt, min: 1, max: maxInt, unit: "ms"},
	"debug_print_parse":                   onOff("off"),
	"default_statistics_target":           {def: "100", kind: gucInt, min: 1, max: 10000},
	"default_table_access_method":         {def: "heap", only: "heap"},
	"default_tablespace":                  {def: ""},
	"default_text_search_config":          {def: "pg_catalog.english"},
	"default_toast_compression":           {def: "pglz", kind: gucEnum, words: "pglz lz4"},
	"default_transaction_deferrable":      onOff("off"),
	"default_transaction_isolation":       {def: "read committed", kind: gucEnum, words: isolate},
	"default_transaction_read_only":       {def: "off", kind: gucBool, report: true},
	"effective_cache_size":                {def: "524288", kind: gucInt, min: 1, max: maxInt, unit: "8kB"},
	"effective_io_concurrency":            {def: "1", kind: gucInt, max: 1000},
	"enable_bitmapscan":                   onOff("on"),
	"enable_hashagg":                      onOff("on"),
	"enable_hashjoin":                     onOff("on"),
	"enable_indexonlyscan":                onOff("on"),
	"enable_indexscan":                    onOff("on"),
	"enable_material":                     onOff("on"),
	"enable_mergejoin":                    onOff("on"),
	"enable_nestloop":                     onOff("on"),
	"enable_parallel_append":              onOff("on"),
	"enable_partitionwise_join":           onOff("off"),
	"enable_seqscan":                      onOff("on"),
	"enable_sort":                         onOff("on"),
	"enable_tidscan":                      onOff("on"),
	"escape_string_warning":               onOff("on"),
	"extra_float_digits":                  {def: "1", kind: gucInt, min: 1, max: 3},
	"from_collapse_limit":                 {def: "8", kind: gucInt, min: 1, max: maxInt},
	"geqo":                                onOff("on"),
	"gin_fuzzy_search_limit":              {def: "0", kind: gucInt, max: maxInt},
	"hot_standby":                         fixed("on"),
	"idle_in_transaction_session_timeout": {def: "0", kind: gucInt, max: maxInt, unit: "ms"},
	"idle_session_timeout":                {def: "0", kind: gucInt, max: maxInt, unit: "ms"},
	"in_hot_standby":                      {def: "off", fixed: true, report: true},
	"integer_datetimes":                   {def: "on", fixed: true, report: true},
	"intervalstyle":                       {def: "postgres", kind: gucEnum, words: "postgres", only: "postgres", report: true, show: "IntervalStyle"},
	"is_superuser":                        {def: "on", fixed: true, report: true},
	"jit":                                 onOff("on"),
	"join_collapse_limit":                 {def: "8", kind: gucInt, min: 1, max: maxInt},
	"lc_collate":                          fixed("C.UTF-8"),
	"lc_ctype":                            fixed("C.UTF-8"),
	"lc_messages":                         {def: "C.UTF-8"},
	"lc_monetary":                         {def: "C.UTF-8"},
	"lc_numeric":                          {def: "C.UTF-8"},
	"lc_time":                             {def: "C.UTF-8"},
	"listen_addresses":                    fixed("localhost"),
	"lo_compat_privileges":                onOff("off"),
	"lock_timeout":                        {def: "0", kind: gucInt, max: maxInt, unit: "ms"},
	"log_duration":                        onOff("off"),
	"log_min_duration_statement":          {def: "-1", kind: gucInt, min: -1, max: maxInt, unit: "ms"},
	"log_min_messages":                    {def: "warning", kind: gucEnum, words: levels},
	"log_statement":                       {def: "none", kind: gucEnum, words: "none ddl mod all"},
	"maintenance_work_mem":                {def: "65536", kind: gucInt, min: 1024, max: maxKB, unit: "kB"},
	"max_connections":                     fixed("100"),
	"max_identifier_length":               fixed("63"),
	"max_index_keys":                      fixed("32"),
	"max_parallel_workers":                {def: "8", kind: gucInt, max: 1024},
	"max_parallel_workers_per_gather":     {def: "2", kind: gucInt, max: 1024},
	"max_prepared_transactions":           fixed("0"),
	"parallel_setup_cost":                 {def: "1000", kind: gucFloat},
	"parallel_tuple_cost":                 {def: "0.1", kind: gucFloat},
	"password_encryption":                 {def: "scram-sha-256", only: "scram-sha-256"},
	"plan_cache_mode":                     {def: "auto", kind: gucEnum, words: "auto force_generic_plan force_custom_plan"},
	"port":                                fixed("5432"),
	"quote_all_identifiers":               {def: "off", kind: gucBool, only: "off"},
	"random_page_cost":                    {def: "4", kind: gucFloat},
	"restart_after_crash":                 fixed("on"),
	"row_security":                        onOff("on"),
	"search_path":                         {def: `"$user", public`},
	"seq_page_cost":                       {def: "1", kind: gucFloat},
	"server_encoding":                     {def: "UTF8", fixed: true, report: true},
	"server_version":                      {def: serverVersion, fixed: true, report: true},
	"server_version_num":                  fixed("150008"),
	"session_authorization":               {def: "", fixed: true, report: true},
	"session_replication_role":            {def: "origin", kind: gucEnum, words: "origin replica local", only: "origin"},
	"shared_buffers":                      fixed("16384"),
	"ssl":                                 fixed("off"),
	"standard_conforming_strings":         {def: "on", kind: gucBool, only: "on", report: true},
	"statement_timeout":                   {def: "0", kind: gucInt, max: maxInt, unit: "ms"},
	"superuser_reserved_connections":      fixed("3"),
	"synchronize_seqscans":                onOff("on"),
	"synchronous_commit":                  {def: "on", kind: gucEnum, words: "on local remote_write remote_apply off"},
	"tcp_keepalives_idle":                 {def: "0", kind: gucInt, max: maxInt},
	"tcp_user_timeout":                    {def: "0", kind: gucInt, max: maxInt},
	"temp_buffers":                        {def: "1024", kind: gucInt, min: 100, max: maxInt, unit: "8kB"},
	"temp_tablespaces":                    {def: ""},
	"timezone":                            {def: "UTC", kind: gucZone, report: true, show: "TimeZone"},
	"timezone_abbreviations":              {def: "Default"},
	"track_activities":                    onOff("on"),
	"track_io_timing":                     onOff("off"),
	"transaction_deferrable":              onOff("off"),
	"transaction_isolation":               {def: "read committed", kind: gucEnum, words: isolate},
	"transaction_read_only":               onOff("off"),
	"transform_null_equals":               {def: "off", kind: gucBool, only: "off"},
	"vacuum_cost_delay":                   {def: "0", kind: gucFloat},
	"wal_level":                           fixed("replica"),
	"work_mem":                            {def: "4096", kind: gucInt, min: 64, max: maxKB, unit: "kB"},
	"xmlbinary":                           {def: "base64", kind: gucEnum, words: "base64 hex"},
	"xmloption":                           {def: "content", kind: gucEnum, words: "content document"},
	"zero_damaged_pages":                  fixed("off"),
}
